"""What a training is: every choice that changes its outcome, as a frozen dataclass.

Imports nothing heavy, so that experiments can be listed and planned without torch.
"""

from dataclasses import dataclass
from typing import ClassVar

from cnnreport.errors import UsageError
from cnnreport.training.specs.arithmetic import Precision, arithmetic
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule


@dataclass(frozen=True)
class Colourization:
    """One training of a colourization net (CSC413 2021, programming assignment 2, Parts A to C).

    Args:
        net: The class to train, as ``module:Class``.
        kernel: Kernel size k.
        num_in_channels: NIC, channels of the grey input.
        num_filters: NF, filters of the first layer.
        num_colours: NC, colours of the palette and classes of each pixel.
        epochs: Passes over the training images; plays no part where `updates` is given.
        updates: After how many updates the training stops, in the middle of a pass if need be; None for
            whole passes.
        batch_size: BS; the last batch of an epoch is smaller where BS does not divide the images.
        learning_rate: Step size of the optimiser.
        optimiser: How the parameters follow their gradients.
        schedule: How the learning rate changes.
        precision: ``exact`` computes in float32; ``fast`` in bfloat16 where the hardware has it.
        train_images: How many of the training images to use, None for all.
        validation_images: How many of the validation images to use, None for all.

    Raises:
        UsageError: `updates` is less than 1, or the schedule does not fit the optimiser.
    """

    task: ClassVar[str] = "cnnreport.training.colourization:ColourizationTraining"
    kind: ClassVar[str] = "cnnreport.kinds.colourization:KIND"
    data: ClassVar[str] = "cnnreport.data.horses.declaration:HORSES"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "scikit-learn")
    symbolic: ClassVar[bool] = False

    net: str
    kernel: int = 3
    num_in_channels: int = 1
    num_filters: int = 32
    num_colours: int = 24
    epochs: int = 25
    updates: int | None = None
    batch_size: int = 100
    learning_rate: float = 1e-3
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    precision: Precision = "exact"
    train_images: int | None = None
    validation_images: int | None = None

    def __post_init__(self) -> None:
        self.schedule.fit(self.optimiser)
        if self.updates is not None and self.updates < 1:
            raise UsageError(
                f"a training of {self.updates} updates is asked for",
                "set updates to at least 1, or leave it out to train for whole epochs",
            )

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports."""
        return (self.net.partition(":")[0],)

    def arithmetic(self, device: str) -> str:
        """Return the number format of the training on a device, ``float32`` or ``bfloat16``."""
        return arithmetic(self.precision, device)

    def data_parameters(self) -> dict[str, int | None]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        return {
            "num_colours": self.num_colours,
            "train_images": self.train_images,
            "validation_images": self.validation_images,
        }

    def effort(self) -> float:
        """Return how long a run takes beside others, as the number of images that it learns from."""
        if self.updates is not None:
            return float(self.updates * self.batch_size)
        return float(self.epochs * (self.train_images or 5000))  # there are 5000 horses

    def memory(self) -> int:
        """Return the bytes of memory that a worker may need: measured with both nets, and a quarter more."""
        images = min(self.batch_size, self.train_images or self.batch_size)
        return (450 << 20) + images * self.num_filters * (1 << 16)
