"""Question A2: what the grey level of a pixel tells of its colour, and what a trained net makes of it."""

from cnnreport.runs.experiment import Experiment

from .greys.spec import Greys

EXPERIMENTS = (
    Experiment(
        name="six-block-greys",
        title="What a pixel's own grey tells of its colour",
        spec=Greys(),
        reads="six-block-unet",
        seed_by_seed=True,
        smoke={"train_images": 200, "validation_images": 100},
    ),
)
