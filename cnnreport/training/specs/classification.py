"""What a training of a classifier is, as a frozen dataclass that imports nothing heavy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from cnnreport.training.specs.arithmetic import Precision, arithmetic
from cnnreport.training.specs.named import Ranges, require_each
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule


def _at_least(least: int) -> tuple[Callable[[Any], bool], str]:
    return lambda value: isinstance(value, int) and value >= least, f"at least {least}, a whole number"


_RANGES: Ranges = {
    "classes": _at_least(2),
    "epochs": _at_least(1),
    "batch_size": _at_least(1),
    "learning_rate": (lambda value: 0 <= value < math.inf, "a number, at least 0"),
}


@dataclass(frozen=True)
class Classification:
    """One training of a net that names what an image shows.

    Args:
        net: The class to train, as ``module:Class``; maps images float32 (N, C, H, W) to scores (N, K).
        data: The data set by its dotted name; see `cnnreport.training.classification` for what it prepares.
        classes: K, how many classes there are, at least 2.
        arguments: What the net's class takes by name, as pairs of a name and a value.
        epochs: Passes over the training images.
        batch_size: BS; the last batch of an epoch is smaller where BS does not divide the images.
        learning_rate: Step size of the optimiser.
        optimiser: How the parameters follow their gradients.
        schedule: How the learning rate changes.
        shuffle: Whether each epoch has an order of its own, which the seed decides.
        augment: A function that changes the training images of a batch, as ``module:function``: from and to
            float32 (BS, C, H, W); it draws from torch's generator, which the seed decides. Empty for none.
        precision: ``exact`` computes in float32; ``fast`` in bfloat16 where the hardware has it.
        train_images: How many of the training images to use, None for all.
        validation_images: How many of the validation images to use, None for all.

    Raises:
        UsageError: A number is out of its range, or the schedule does not fit the
            optimiser.
    """

    task: ClassVar[str] = "cnnreport.training.classification:ClassificationTraining"
    kind: ClassVar[str] = "cnnreport.kinds.classification:KIND"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "scikit-learn")
    symbolic: ClassVar[bool] = False

    net: str
    data: str
    classes: int
    arguments: tuple[tuple[str, Any], ...] = ()
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    shuffle: bool = True
    augment: str = ""
    precision: Precision = "exact"
    train_images: int | None = None
    validation_images: int | None = None

    def __post_init__(self) -> None:
        self.schedule.fit(self.optimiser)
        values = {name: getattr(self, name) for name in _RANGES}
        require_each("a classification", values, _RANGES)

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports."""
        return tuple(name.partition(":")[0] for name in (self.net, self.augment) if name)

    def arithmetic(self, device: str) -> str:
        """Return the number format of the training on a device, ``float32`` or ``bfloat16``."""
        return arithmetic(self.precision, device)

    def data_parameters(self) -> dict[str, int | None]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        return {"train_images": self.train_images, "validation_images": self.validation_images}

    def effort(self) -> float:
        """Return how long a run takes beside others, as the number of images that it learns from."""
        return float(self.epochs * (self.train_images or 5000))
