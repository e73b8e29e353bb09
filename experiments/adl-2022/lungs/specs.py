"""What part 2 trains, as a frozen dataclass that imports nothing heavy."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from cnnreport.training.specs.arithmetic import Precision, arithmetic
from cnnreport.training.specs.named import Ranges, require_each
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule

PLACE = __name__.rpartition(".")[0]

SIZES = (16, 32, 64, 128, 256)
"""How many rows and columns an image may have: the net halves them four times, published ones have 256."""

_RANGES: Ranges = {
    "size": (lambda value: value in SIZES, f"one of {', '.join(map(str, SIZES))}"),
    "num_filters": (lambda value: isinstance(value, int) and value >= 1, "at least 1, a whole number"),
    "epochs": (lambda value: isinstance(value, int) and value >= 1, "at least 1, a whole number"),
    "batch_size": (lambda value: isinstance(value, int) and value >= 1, "at least 1, a whole number"),
    "learning_rate": (lambda value: 0 <= value < math.inf, "a number, at least 0"),
}


@dataclass(frozen=True)
class LungTraining:
    """A training from scratch of a net that says of each pixel whether it shows a lung; tested once, at the
    end.

    Args:
        net: The class to train, as ``module:Class``; takes ``num_filters`` and maps images float32 (N, 1,
            S, S) to scores of the same shape.
        data: The data set by its dotted name; see `sources.prepare` for what it prepares.
        num_filters: NF, channels of the highest level.
        size: S, rows and columns of an image, in pixels.
        epochs: Passes over the training images.
        batch_size: BS; the last batch of an epoch is smaller where BS does not divide the images.
        learning_rate: Step size of the optimiser.
        optimiser: How the parameters follow their gradients.
        schedule: How the learning rate changes.
        precision: ``exact`` computes in float32; ``fast`` in bfloat16 where the hardware has it.
        train_images: How many of the training images to use, None for all.
        validation_images: How many of the validation images to use, None for all.
        test_images: How many of the test images to use, None for all.

    Raises:
        UsageError: A number is out of its range, or the schedule does not fit the optimiser.
    """

    task: ClassVar[str] = f"{PLACE}.training:LungTask"
    kind: ClassVar[str] = f"{PLACE}.kind:LUNGS"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "scipy")
    symbolic: ClassVar[bool] = False

    net: str
    data: str
    num_filters: int
    size: int
    epochs: int
    batch_size: int = 4
    learning_rate: float = 1e-3
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    precision: Precision = "exact"
    train_images: int | None = None
    validation_images: int | None = None
    test_images: int | None = None

    def __post_init__(self) -> None:
        self.schedule.fit(self.optimiser)
        require_each("a training on lungs", {name: getattr(self, name) for name in _RANGES}, _RANGES)

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports."""
        return (self.net.partition(":")[0],)

    def arithmetic(self, device: str) -> str:
        """Return the number format of the training on a device, ``float32`` or ``bfloat16``."""
        return arithmetic(self.precision, device)

    def data_parameters(self) -> dict[str, Any]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        names = ("size", "train_images", "validation_images", "test_images")
        return {name: getattr(self, name) for name in names}

    def effort(self) -> float:
        """Return how long a run takes beside others, in images that a classifier of signs learns from."""
        pixels = (self.size / 128) ** 2
        return self.epochs * (self.train_images or 112) * 20.0 * pixels * (self.num_filters / 16) ** 2

    def memory(self) -> int:
        """Return the bytes of memory that a worker may need: measured, and a quarter more."""
        return (600 << 20) + self.batch_size * self.num_filters * self.size**2 * 200
