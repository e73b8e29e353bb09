"""What is asked for question A4: the proof, the evaluation of trained nets, trainings on ax + b.

Imports nothing heavy, so that experiments can be listed and planned without torch.
"""

from dataclasses import dataclass
from typing import ClassVar

from cnnreport.errors import UsageError
from cnnreport.training.specs.colourization import Colourization

PLACE = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class Proof:
    """How a net's layers pass y = ax + b on, derived on its graph, proved and measured.

    Args:
        net: The class, as ``module:Class``; takes ``kernel``, ``num_filters``, ``num_colours`` and
            ``num_in_channels``.
        kernel: Kernel size k, odd.
        side: Height and width of the images, divisible by 4, for which reaches are told.
    """

    task: ClassVar[str] = f"{PLACE}.proof:ProofTask"
    kind: ClassVar[str] = f"{PLACE}.kinds:PROOF"
    data: ClassVar[None] = None
    libraries: ClassVar[tuple[str, ...]] = ("torch", "sympy", "numpy")
    symbolic: ClassVar[bool] = True

    net: str
    kernel: int = 3
    side: int = 32

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0 or self.kernel < 1 or self.side % 4 or self.side < 4:
            raise UsageError(
                f"a proof with a kernel of {self.kernel} on {self.side} pixels is asked for",
                "give an odd kernel and a side that is divisible by 4",
            )

    def modules(self) -> tuple[str, ...]:
        """Return the net's module."""
        return (self.net.partition(":")[0],)

    def arithmetic(self, device: str) -> str:
        """Return the number formats: identities are exact, the live check is rounded."""
        return "exact, float64"

    def data_parameters(self) -> dict[str, int]:
        """Return what the preparation of the data depends on: there are none."""
        return {}

    def effort(self) -> float:
        """Return how long a run takes beside others: so short that its place in the order is the last."""
        return 0.0


@dataclass(frozen=True)
class Evaluation:
    """What a trained net makes of transformed validation images, in train mode and in eval mode.

    The weights are those of the run that the experiment reads.

    Args:
        net: The class of that net, as ``module:Class``.
        kernel: Kernel size k.
        num_in_channels: NIC, channels of the grey input.
        num_filters: NF, filters of the first block.
        num_colours: NC, colours.
        batch_size: Images of a batch whose statistics are taken in train mode; divides the images.
        train_images: Of the data, None for all; none of them is looked at.
        validation_images: How many validation images the data have, None for all.
        images: How many of these are looked at, None for all.
    """

    task: ClassVar[str] = f"{PLACE}.evaluation:EvaluationTask"
    kind: ClassVar[str] = f"{PLACE}.kinds:INVARIANCE"
    data: ClassVar[str] = Colourization.data
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "scikit-learn")
    symbolic: ClassVar[bool] = False

    net: str
    kernel: int = 3
    num_in_channels: int = 1
    num_filters: int = 32
    num_colours: int = 24
    batch_size: int = 100
    train_images: int | None = None
    validation_images: int | None = None
    images: int | None = None

    def modules(self) -> tuple[str, ...]:
        """Return the net's module."""
        return (self.net.partition(":")[0],)

    def arithmetic(self, device: str) -> str:
        """Return the number format."""
        return "float32"

    def data_parameters(self) -> dict[str, int | None]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        return {
            "num_colours": self.num_colours,
            "train_images": self.train_images,
            "validation_images": self.validation_images,
        }

    def effort(self) -> float:
        """Return how long a run takes beside trainings: about as long as two epochs."""
        return 2.0 * (self.train_images or 5000)


@dataclass(frozen=True)
class TransformedColourization(Colourization):
    """A training of a colourization net that sees ax + b of each image x, in training and validation.

    Args:
        scale: a.
        shift: b.
    """

    task: ClassVar[str] = f"{PLACE}.training:TransformedTraining"

    scale: float = 1.0
    shift: float = 0.0
