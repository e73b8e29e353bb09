"""What is run: two nets trained three times each, and their formulas derived."""

from typing import Any

from cnnreport.formula.spec import Formulas
from cnnreport.runs.experiment import Experiment
from cnnreport.training.specs.classification import Classification

NETS = f"{__package__}.nets"
DIGITS = f"{__package__}.data:DIGITS"

IMAGE = ("NIC", "8", "8")
"""Channels, height and width of an image: letters stay letters in the formulas."""

SMOKE = {"epochs": 2, "train_images": 200, "validation_images": 100}
"""What `build --smoke` cuts down."""

SETTINGS: dict[str, Any] = {
    "data": DIGITS,
    "classes": 10,
    "epochs": 20,
    "batch_size": 50,
    "learning_rate": 3e-3,
}
"""What both trainings have in common, so that only the nets differ."""

EXPERIMENTS = (
    Experiment(
        name="linear",
        title="LinearNet, trained on the digits",
        spec=Classification(net=f"{NETS}:LinearNet", arguments=(("num_in_channels", 1),), **SETTINGS),
        seeds=3,
        smoke=SMOKE,
    ),
    Experiment(
        name="conv",
        title="ConvNet, trained on the digits",
        spec=Classification(
            net=f"{NETS}:ConvNet", arguments=(("num_in_channels", 1), ("num_filters", 8)), **SETTINGS
        ),
        seeds=3,
        smoke=SMOKE,
    ),
    Experiment(
        name="linear-formulas",
        title="LinearNet, its counts derived and proved",
        spec=Formulas(net=f"{NETS}:LinearNet", input=IMAGE, numbers=(("NIC", 1),), doubled=False),
        seeds=1,
    ),
    Experiment(
        name="conv-formulas",
        title="ConvNet, its counts derived and proved",
        spec=Formulas(net=f"{NETS}:ConvNet", input=IMAGE, numbers=(("NIC", 1), ("NF", 8)), doubled=False),
        seeds=1,
    ),
)
