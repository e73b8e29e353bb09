"""What is run for part 2: four U-Nets that find lungs, narrow for a CPU, and as wide as the course's.

On a CPU there is time for images of 128 x 128, 16 filters on the highest level, and five epochs; `build
--full` computes the course's 256 x 256 and 64 filters, for which a GPU is wanted.
"""

from typing import Any

from cnnreport.formula.spec import Formulas
from cnnreport.runs.experiment import Experiment
from cnnreport.training.specs.schedule import Schedule

from .lungs.specs import LungTraining

PLACE = f"{__name__.rpartition('.')[0]}.lungs"

TRIALS = 3

SMOKE = {"epochs": 1, "size": 32, "train_images": 8, "validation_images": 4, "test_images": 6}
"""What `build --smoke` cuts down."""

COMMON: dict[str, Any] = {
    "data": f"{PLACE}.declaration:LUNGS",
    "num_filters": 16,
    "size": 128,
    "epochs": 5,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "schedule": Schedule("cosine"),
}
"""What all trainings have in common."""

AS_WIDE = {"num_filters": 64, "size": 256, "epochs": 40}
"""Width and size of the course's; how many epochs it had is not known."""

NETS = {
    "bilinear": ("UNet", "a U-Net that enlarges by bilinear interpolation"),
    "nearest": ("NearestUNet", "a U-Net that enlarges by repeating values"),
    "elu": ("ELUUNet", "a U-Net with ELU in place of ReLU"),
    "transposed": ("TransposedUNet", "a U-Net that enlarges by transposed convolutions"),
}

EXPERIMENTS = (
    *(
        Experiment(
            name=f"lungs-{name}",
            title=f"{net}: {words}",
            spec=LungTraining(net=f"{PLACE}.nets:{net}", **COMMON),
            seeds=TRIALS,
            smoke=SMOKE,
            family="lungs",
        )
        for name, (net, words) in NETS.items()
    ),
    *(
        Experiment(
            name=f"lungs-wide-{name}",
            title=f"{net}, as wide and on images as large as in the course",
            spec=LungTraining(net=f"{PLACE}.nets:{net}", **{**COMMON, **AS_WIDE}),
            seeds=TRIALS,
            smoke=SMOKE,
            family="lungs-wide",
        )
        for name, (net, _) in NETS.items()
    ),
    *(
        Experiment(
            name=f"lungs-{name}-formulas",
            title=f"{net}, its counts derived and proved",
            spec=Formulas(
                net=f"{PLACE}.nets:{net}",
                input=("1", "16m", "16m"),
                numbers=(("NF", 64), ("m", 8)),
                doubled=False,
            ),
            seeds=1,
        )
        for name, (net, _) in NETS.items()
    ),
)
