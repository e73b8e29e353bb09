"""What is run for part 1: five trainings of the classifier, their small twins, and the counts of the nets.

The course's own settings are 200 epochs in batches of 128, which take a GPU. On a CPU there is time for three
epochs, and smaller batches make more updates of them; `build --full` computes the course's.
"""

from typing import Any

from cnnreport.formula.spec import Formulas
from cnnreport.runs.experiment import Experiment
from cnnreport.training.specs.optimiser import Optimiser

from .signs.classes import CLASSES
from .specs import NormedTraining, SignedTraining, SignTraining

PLACE = __name__.rpartition(".")[0]

QUARTER = 7
"""A quarter of the rows and columns of an image, which the nets' classes call h."""

TRIALS = 5

SMOKE = {"epochs": 1, "train_images": 129, "validation_images": 43, "test_images": 86}
"""What `build --smoke` cuts down."""

COMMON: dict[str, Any] = {
    "data": f"{PLACE}.signs.declaration:SIGNS",
    "classes": CLASSES,
    "arguments": (("h", QUARTER),),
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 1e-3,
}
"""What all trainings have in common."""

PLAIN, NORMED = f"{PLACE}.nets:SignNet", f"{PLACE}.nets:NormedSignNet"

COURSE = Optimiser("adam", epsilon=0.1)
"""The optimiser of the course's notebook, whose epsilon is ten million times the usual one."""

OTHERS = {"adam": Optimiser("adam"), "sgd": Optimiser("sgd"), "rprop": Optimiser("rprop")}

_TITLES = {"adam": "Adam with the usual epsilon", "sgd": "plain SGD", "rprop": "Rprop"}

AS_LONG = {"epochs": 200, "batch_size": 128}
"""What the course's notebook has: hours on a CPU."""

_FEW = {"train_images": 5 * CLASSES, "validation_images": 5 * CLASSES, "epochs": 40}
"""A training so small that all its images fit into one batch."""

EXPERIMENTS = (
    Experiment(
        name="signs-baseline",
        title="SignNet, trained by Adam with the course's epsilon",
        spec=SignTraining(net=PLAIN, optimiser=COURSE, **COMMON),
        seeds=TRIALS,
        smoke=SMOKE,
        family="signs",
    ),
    Experiment(
        name="signs-batch-norm",
        title="NormedSignNet, trained in the same way",
        spec=NormedTraining(net=NORMED, optimiser=COURSE, **COMMON),
        seeds=TRIALS,
        smoke=SMOKE,
        family="signs",
    ),
    *(
        Experiment(
            name=f"signs-{name}",
            title=f"SignNet, trained by {_TITLES[name]}",
            spec=SignTraining(net=PLAIN, optimiser=optimiser, **COMMON),
            seeds=TRIALS,
            smoke=SMOKE,
            family="signs",
        )
        for name, optimiser in OTHERS.items()
    ),
    Experiment(
        name="signs-random-split",
        title="NormedSignNet, with frames of a track on both sides",
        spec=NormedTraining(net=NORMED, optimiser=COURSE, split="random", **COMMON),
        seeds=2,
        full_seeds=3,
        smoke=SMOKE,
    ),
    *(
        Experiment(
            name=f"signs-course{name}",
            title=f"{net.rpartition(':')[2]}, trained as long as the course did, on changed images",
            spec=spec(net=net, optimiser=COURSE, augmented=True, **{**COMMON, **AS_LONG}),
            seeds=TRIALS,
            smoke=SMOKE,
            family="signs-as-long",
        )
        for name, net, spec in (("", PLAIN, SignTraining), ("-batch-norm", NORMED, NormedTraining))
    ),
    *(
        Experiment(
            name=f"rprop-{name}",
            title=f"SignNet, trained by Rprop on {5 * CLASSES} signs, {words}",
            spec=SignedTraining(
                net=PLAIN,
                optimiser=OTHERS["rprop"],
                **{**COMMON, **_FEW, "batch_size": size},
            ),
            seeds=3,
            smoke={"epochs": 2},
        )
        for name, size, words in (
            ("whole", 5 * CLASSES, "all in one batch"),
            ("batches", COMMON["batch_size"], "in small batches"),
        )
    ),
    *(
        Experiment(
            name=f"{name}-formulas",
            title=f"{net.rpartition(':')[2]}, its counts derived and proved",
            spec=Formulas(net=net, input=("3", "4h", "4h"), numbers=(("h", QUARTER),), doubled=False),
            seeds=1,
        )
        for name, net in (("signs", PLAIN), ("normed-signs", NORMED))
    ),
)
