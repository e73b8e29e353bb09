"""What is asked about nets of n equal layers: how wide they are and what they are shown."""

from dataclasses import dataclass
from typing import ClassVar

from cnnreport.errors import UsageError
from cnnreport.training.specs.costs import FineTuningCosts

PLACE = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class DepthCosts:
    """What an update costs in nets of n equal layers, all of them learning or the last alone.

    CSC413 2020, programming assignment 2, questions C4 and C5.

    Args:
        channels: Channels that every layer takes and gives, at least 1.
        kernel: Kernel size, odd.
        image_size: Height and width of the input, at least 1; the costs of twice the size are found too.
        batch_size: Images in an update, at least 1.

    Raises:
        UsageError: A number is smaller than that, or the kernel size even.
    """

    task: ClassVar[str] = f"{PLACE}.task:DepthCostsTask"
    kind: ClassVar[str] = f"{PLACE}.kind:KIND"
    data: ClassVar[None] = None
    libraries: ClassVar[tuple[str, ...]] = ("torch", "sympy")
    symbolic: ClassVar[bool] = True

    channels: int = 64
    kernel: int = 3
    image_size: int = 56
    batch_size: int = 16

    def __post_init__(self) -> None:
        for name in ("channels", "kernel", "image_size", "batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(f"the costs of layers with {name} = {getattr(self, name)} are asked for",
                                 f"set {name} to at least 1")  # fmt: skip
        if self.kernel % 2 == 0:
            raise UsageError(f"an even kernel size, {self.kernel}, changes the height and width",
                             "choose an odd one: all layers are to be equal")  # fmt: skip

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports: none."""
        return ()

    def arithmetic(self, device: str) -> str:
        """Return the number format: whole numbers, which know no rounding."""
        return "exact counts"

    def data_parameters(self) -> dict[str, int]:
        """Return what the preparation of the data depends on: there are none."""
        return {}

    def effort(self) -> float:
        """Return how long a run takes beside others: so short that its place in the order is the last."""
        return 0.0


@dataclass(frozen=True)
class PeakMemory:
    """The most memory that an update takes at once, as the device tells it; not measured where it does not.

    Args:
        channels: Channels that every layer takes and gives.
        kernel: Kernel size, odd.
        image_size: Height and width of the input of the equal layers.
        batch_size: Images in an update of these.
        architecture: Of the real net; see `cnnreport.nets.deeplab.build`.
        real_image_size: Height and width of its input.
        real_batch_size: Images in an update of it, at least 2.
    """

    task: ClassVar[str] = f"{PLACE}.peaks:PeakMemoryTask"
    kind: ClassVar[str] = f"{PLACE}.kind:PEAKS"
    data: ClassVar[None] = None
    libraries: ClassVar[tuple[str, ...]] = ("torch", "torchvision")
    symbolic: ClassVar[bool] = False

    channels: int = DepthCosts.channels
    kernel: int = DepthCosts.kernel
    image_size: int = DepthCosts.image_size
    batch_size: int = DepthCosts.batch_size
    architecture: str = FineTuningCosts.architecture
    real_image_size: int = FineTuningCosts.image_size
    real_batch_size: int = FineTuningCosts.batch_size

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports: none."""
        return ()

    def arithmetic(self, device: str) -> str:
        """Return the number format: what takes the memory is float32."""
        return "float32"

    def data_parameters(self) -> dict[str, int]:
        """Return what the preparation of the data depends on: there are none."""
        return {}

    def effort(self) -> float:
        """Return how long a run takes beside others: so short that its place in the order is the last."""
        return 0.0
