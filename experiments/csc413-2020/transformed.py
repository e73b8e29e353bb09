"""Question A4: y = ax + b on the input: proved on graphs, tried with trained nets and in training."""

from cnnreport.runs.experiment import Experiment

from .invariance.specs import Evaluation, Proof, TransformedColourization
from .invariance.transforms import TRANSFORMS, Transform

IMAGES = {"train_images": 200, "validation_images": 100}
SMOKE = {**IMAGES, "epochs": 2}

NETS = {"six-block-cnn": "CNN", "six-block-unet": "UNet"}
"""The trainings whose nets are tried, and the class of each."""


def net(name: str) -> str:
    """Return a net of this report as specs name it."""
    return f"experiments.csc413-2020.nets:{name}"


def trained_on(training: str, transform: Transform) -> Experiment:
    """Return a training as another, but on transformed images."""
    return Experiment(
        name=f"{training}-on-{transform.name.replace('_', '-')}",
        title=f"The {NETS[training]} of 2020, trained on {transform.text}",
        family=f"{training}-on",
        spec=TransformedColourization(net=net(NETS[training]), scale=transform.scale, shift=transform.shift),
        seeds=1,
        smoke=SMOKE,
    )


EXPERIMENTS = (
    *(
        Experiment(
            name=f"{training}-proof",
            title=f"What the {name} of 2020 makes of ax + b, derived and proved",
            spec=Proof(net=net(name)),
            seeds=1,
        )
        for training, name in NETS.items()
    ),
    *(
        Experiment(
            name=f"{training}-transformed",
            title=f"The trained {name} of 2020 on transformed images",
            spec=Evaluation(net=net(name)),
            reads=training,
            seed_by_seed=True,
            smoke={**IMAGES, "images": 50, "batch_size": 50},
        )
        for training, name in NETS.items()
    ),
    # Those that A4 does not ask for are computed with --full alone.
    *(trained_on(training, transform) for training in NETS for transform in TRANSFORMS),
)
