"""What a measurement of nets of n equal layers leaves, for all layers learning and for the last alone."""

from collections.abc import Mapping

from cnnreport.kinds.costs import COSTS, MODES
from cnnreport.kinds.kind import Form, Kind, Recorded

DEPTHS = (2, 4, 8, 16, 32)
"""The numbers of layers n."""

SCALES: Mapping[str, int] = {"": 1, "_large": 2}
"""By what height and width are multiplied, by how the names of numbers end."""

WEIGHTS: tuple[str, str, Form] = ("weight_bytes", "weights", "bytes")
"""What every update needs, whichever layers learn: how the task calls it, what a reader does, its form."""

_DOUBLED = {"": "", "_large": ", doubled input"}

KIND = Kind(
    name="costs of n equal layers",
    recorded=(
        Recorded("measured", "updates that were measured", "count", "history"),
        Recorded("points", "nets and inputs in which every formula agreed with the measured count", "count",
                 "measures", of_data=True, result="formulas agree with {} measured nets and inputs"),
        Recorded("channels", "channels of every layer", "count", "spec"),
        Recorded("kernel", "kernel size of every layer", "count", "spec"),
        Recorded("image_size", "height and width of the input", "count", "spec"),
        Recorded("batch_size", "images in a batch", "count", "spec"),
        *(
            Recorded(f"parameters_{depth}", f"parameters, n = {depth}", "count", "measures", of_data=True)
            for depth in DEPTHS
        ),
        *(
            Recorded(f"weights_{depth}{end}", f"weights, n = {depth}{_DOUBLED[end]}", "bytes", "measures",
                     f"{scale}_{depth}_weight_bytes", of_data=True)
            for depth in DEPTHS
            for end, scale in SCALES.items()
        ),
        *(
            Recorded(f"{mode}_{cost}_{depth}{end}", f"{meaning}, {layers}, n = {depth}{_DOUBLED[end]}", form,
                     "measures", f"{mode}_{scale}_{depth}_{field}", of_data=True)
            for mode, layers in MODES.items()
            for cost, (field, meaning, form) in COSTS.items()
            for depth in DEPTHS
            for end, scale in SCALES.items()
        ),
    ),
    texts=("formulas", "formulas_large"),
)  # fmt: skip
"""The formulas are in n layers, C channels, kernel size k, B images of height H and width W."""

REAL = "real"
"""What stands for n in the names of the real net's numbers."""

PEAKS = Kind(
    name="peak memory",
    recorded=(
        Recorded("told", "updates of which the device told the peak", "count", "history",
                 result="{} peaks told by the device"),
        Recorded("image_size", "height and width of the input of n equal layers", "count", "spec"),
        Recorded("peak_size", "height and width of the input of the real net", "count", "spec",
                 "real_image_size"),
        Recorded("peak_batch", "images in a batch of the real net", "count", "spec", "real_batch_size"),
        *(
            Recorded(f"{mode}_peak_{which}", f"peak memory, {layers}, {net}", "bytes", "measures",
                     of_data=True)
            for mode, layers in MODES.items()
            for which, net in ((REAL, "real net"), *((str(depth), f"n = {depth}") for depth in DEPTHS))
        ),
    ),
    texts=("architecture", "device_name"),
)  # fmt: skip
"""Numbers that the device does not tell are null, and its name is then empty."""
