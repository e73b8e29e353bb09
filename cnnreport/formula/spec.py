"""What a derivation is: which net, which input, which numbers; as a frozen dataclass.

Imports nothing heavy, so that experiments can be listed and planned without torch and sympy.
"""

from dataclasses import dataclass
from typing import ClassVar

from cnnreport.errors import UsageError


class _Symbolic:
    """What all derivations have in common: no data, no seed, no device, no rounding."""

    data: ClassVar[None] = None
    libraries: ClassVar[tuple[str, ...]] = ("torch", "sympy")
    symbolic: ClassVar[bool] = True

    net: str

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports."""
        return (self.net.partition(":")[0],)

    def arithmetic(self, device: str) -> str:
        """Return the number format: symbols and whole numbers, which know no rounding."""
        return "exact"

    def data_parameters(self) -> dict[str, int]:
        """Return what the preparation of the data depends on: there are none."""
        return {}

    def effort(self) -> float:
        """Return how long a run takes beside others: so short that its place in the order is the last."""
        return 0.0


@dataclass(frozen=True)
class Formulas(_Symbolic):
    """The counts of a net as formulas, derived from its class and proved (CSC413 2021, question A3).

    Args:
        net: The class, as ``module:Class``.
        input: Shape of the input without the batch, letters or numbers.
        numbers: Values of the letters for which the counts are printed as numbers too.
        convention: The convention of the table of layers; the totals are derived under several.
        doubled: Whether the same is derived for an input of twice the height and width, which a net with a
            linear layer behind its convolutions does not take.
    """

    task: ClassVar[str] = "cnnreport.formula.tasks:FormulasTask"
    kind: ClassVar[str] = "cnnreport.kinds.derivation:FORMULAS"

    net: str
    input: tuple[str, ...]
    numbers: tuple[tuple[str, int], ...]
    convention: str = "learnable"
    doubled: bool = True


@dataclass(frozen=True)
class HandWritten(_Symbolic):
    """The audit of hand-written formulas.

    Args:
        net: The class that they speak of, as ``module:Class``.
        input_size: Height and width of the input.
        original: The formulas by quantity (``weights``, ``outputs``, ``connections``).
        doubled: The same for an input of twice the height and width.
    """

    task: ClassVar[str] = "cnnreport.formula.tasks:AuditTask"
    kind: ClassVar[str] = "cnnreport.kinds.derivation:AUDIT"

    net: str
    input_size: int
    original: tuple[tuple[str, str], ...]
    doubled: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reading:
    """What another tool counts of a net.

    Args:
        tool: Its name.
        version: The version that counted.
        what: The call that gives the number.
        quantity: What the number is nearest to: ``weights``, ``outputs`` or ``connections``.
        counts: What the tool counts by its own source, as a sentence.
        number: What it counted.
        parts: The same by kind of layer, as far as it is not zero.
        convention: The choice of `cnnreport.formula.convention` that the tool follows.
        factor: How often it counts everything: a multiply-add as two operations, say.
        additions: What it counts besides (`cnnreport.formula.comparison.ADDITIONS`), and how often each.
    """

    tool: str
    version: str
    what: str
    quantity: str
    counts: str
    number: int
    parts: tuple[tuple[str, int], ...]
    convention: str
    factor: int = 1
    additions: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Comparison(_Symbolic):
    """What other tools count of a net, explained by what is derived.

    Args:
        net: The class, as ``module:Class``.
        input: Shape of the input without the batch, letters or numbers.
        numbers: Values of the letters for which the tools counted.
        readings: What they counted.
    """

    task: ClassVar[str] = "cnnreport.formula.comparison:ComparisonTask"
    kind: ClassVar[str] = "cnnreport.kinds.derivation:COMPARISON"

    net: str
    input: tuple[str, ...]
    numbers: tuple[tuple[str, int], ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Paddings(_Symbolic):
    """The paddings that keep the shapes of Figure 1b for other kernel sizes (CSC413 2021, question B4).

    Args:
        net: The class that the paddings are for, as ``module:Class``.
        kernels: Kernel sizes k, two or more, each at least 1; the others are compared with the first.
        steps: Steps of training for each of them, at least 1.
        num_filters: NF, filters of the first layer.
        num_colours: NC, colours to choose from.
        num_in_channels: NIC, channels of the input.
        size: Height and width of the pictures, a positive multiple of 4.
        images: How many pictures are learned from.
        learning_rate: Step size of the training.

    Raises:
        UsageError: There is no second kernel size, or one stands there twice.
    """

    task: ClassVar[str] = "cnnreport.formula.paddings.task:PaddingTask"
    kind: ClassVar[str] = "cnnreport.kinds.derivation:PADDINGS"

    net: str
    kernels: tuple[int, ...]
    steps: int = 20
    num_filters: int = 32
    num_colours: int = 24
    num_in_channels: int = 1
    size: int = 32
    images: int = 4
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if len(set(self.kernels)) < max(2, len(self.kernels)):
            raise UsageError(
                f"the kernel sizes {self.kernels} cannot be compared", "give two or more, each of them once"
            )

    def arithmetic(self, device: str) -> str:
        """Return the number formats: the derivation is exact, the losses of the live check are rounded."""
        return "exact, float64"


@dataclass(frozen=True)
class Phases(_Symbolic):
    """The effective kernels of the four phases of layers that double a grid.

    Args:
        net: A class with transposed convolutions of stride 2, as ``module:Class``.
        upsampling: A class that upsamples by 2 and then convolves; both take ``kernel``, ``num_filters``,
            ``num_colours`` and ``num_in_channels``.
        kernel: The kernel size that is shown, odd.
    """

    task: ClassVar[str] = "cnnreport.formula.phases.task:PhasesTask"
    kind: ClassVar[str] = "cnnreport.kinds.derivation:PHASES"

    net: str
    upsampling: str
    kernel: int = 3

    def modules(self) -> tuple[str, ...]:
        """Return the modules of both nets."""
        return tuple(name.partition(":")[0] for name in (self.net, self.upsampling))


@dataclass(frozen=True)
class Capacity(_Symbolic):
    """How many values each module of a net gives for one image, beside those of the input.

    Args:
        net: The class, as ``module:Class``.
        input: Shape of the input without the batch, letters or numbers.
        numbers: Values of the letters for which the counts are printed as numbers too.
    """

    task: ClassVar[str] = "cnnreport.formula.capacity:CapacityTask"
    kind: ClassVar[str] = "cnnreport.kinds.derivation:CAPACITY"

    net: str
    input: tuple[str, ...]
    numbers: tuple[tuple[str, int], ...]
