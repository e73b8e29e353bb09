"""What a measurement of the costs of fine-tuning leaves (CSC413 2020, assignment 2, questions C4 and C5)."""

from collections.abc import Mapping

from cnnreport.kinds.kind import Form, Kind, Recorded

MODES: Mapping[str, str] = {"all": "all layers", "last": "last layer"}
"""Which layers learn, and what a reader calls them."""

COSTS: Mapping[str, tuple[str, str, Form]] = {
    "activations": ("activation_bytes", "activations kept", "bytes"),
    "gradients": ("gradient_bytes", "gradients", "bytes"),
    "optimiser": ("optimiser_bytes", "Adam’s memory", "bytes"),
    "forward": ("forward_flops", "operations forward", "flops"),
    "backward": ("backward_flops", "operations backward", "flops"),
}
"""What an update costs, by name: how the task calls it, what a reader does, and how it prints."""

_LARGE = "_large", ", doubled input"
_SMALL = "", ""

KIND = Kind(
    name="costs of fine-tuning",
    recorded=(
        Recorded("found_twice", "counts that were found in two ways", "count", "history", "points"),
        Recorded("points", "counts of operations that were found in two ways", "count", "measures",
                 of_data=True, result="{} counts of operations found in two ways"),
        Recorded("batch_size", "batch size of the measured update", "count", "measures", of_data=True),
        Recorded("image_size", "height and width of the measured input", "count", "measures", of_data=True),
        Recorded("num_classes", "classes of a pixel", "count", "measures", of_data=True),
        Recorded("parameters", "parameters of the net", "count", "measures", of_data=True),
        Recorded("learned", "parameters of the last layer", "count", "measures", "parameters_learned",
                 of_data=True),
        Recorded("all_learned", "parameters that an update of all layers changes", "count", "measures",
                 "all_parameters_learned", of_data=True),
        Recorded("auxiliary", "parameters of the auxiliary classifier, which no update changes", "count",
                 "measures", "auxiliary_parameters", of_data=True),
        Recorded("auxiliary_forward", "operations forward, auxiliary classifier", "flops", "measures",
                 "auxiliary_forward_flops", of_data=True),
        Recorded("image_forward", "operations of the first pass for one image, up to the last layer", "flops",
                 "measures", "features_forward_flops", of_data=True),
        Recorded("cached_forward", "operations of the forward pass on kept features", "flops", "measures",
                 "cached_1_forward_flops", of_data=True),
        Recorded("cached_backward", "operations of the backward pass on kept features", "flops", "measures",
                 "cached_1_backward_flops", of_data=True),
        *(
            Recorded(f"{mode}_{cost}{suffix}", f"{meaning}, {layers}{words}", form, "measures",
                     f"{mode}_{scale}_{field}", of_data=True)
            for mode, layers in MODES.items()
            for cost, (field, meaning, form) in COSTS.items()
            for scale, (suffix, words) in ((1, _SMALL), (2, _LARGE))
        ),
    ),
    texts=("architecture", *(f"{mode}_net_mode" for mode in MODES)),
)  # fmt: skip
