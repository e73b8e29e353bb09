"""What a rule is, and the register of all of them: one for each operation, twins refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cnnreport.errors import UsageError
from cnnreport.formula.symbols import Count, Shape

Kind = Literal[
    "convolution",
    "transposed convolution",
    "linear",
    "pooling",
    "upsampling",
    "normalisation",
    "activation",
    "dropout",
    "concatenation",
    "arithmetic",
    "reduction",
    "padding",
    "lookup",
    "reshape",
    "identity",
    "unused",
]
"""What an operation does; conventions choose among these."""

COMPUTING: frozenset[Kind] = frozenset(
    ("convolution", "transposed convolution", "linear", "pooling", "upsampling")
)
"""What counts wherever it happens in forward; anything else on parameters alone is arithmetic on them."""

Role = Literal["kernel", "bias", "affine", "other"]
"""What a parameter is for: of a convolution or linear layer, of a normalisation, or anything else."""

_VALUES = frozenset(
    ("bool", "item", "tolist", "numpy", "nonzero", "is_nonzero", "equal", "allclose", "unique")
)
"""What a net asks for in order to decide or to compute by it outside torch."""

KINDS: tuple[Kind, ...] = get_args(Kind)
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Effect:
    """What an operation does to the counts.

    Args:
        shape: The output, batch first.
        taps: Pairs of an input and an output that are joined, those on zero padding included.
        padded: How many of these pairs have no input, since it is padding; of a transposed
            convolution, no output, since it is cut off.
        statistics: Values that are normalised together, 0 for anything but a normalisation.
        roles: What the parameters that took part are for.
        parts: Shapes of the outputs of an operation that returns several.
        conditions: When the counts hold, as relations between symbols.
    """

    shape: Shape
    taps: Count = 0
    padded: Count = 0
    statistics: Count = 0
    roles: Mapping[Role, Any] = field(default_factory=dict)
    parts: tuple[Shape, ...] = ()
    conditions: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Rule:
    """How one operation counts.

    Args:
        kind: What it does.
        apply: Takes the operation's own arguments, tensors with symbolic shapes among them.
    """

    kind: Kind
    apply: Callable[..., Effect]


class Rules:
    """The rules by the names of the operations, as torch calls them, such as ``conv2d``."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._rules

    def __iter__(self) -> Any:
        return iter(self._rules)

    def add(self, *names: str, kind: Kind) -> Callable[[Callable[..., Effect]], Callable[..., Effect]]:
        """Register the decorated function as the rule of some operations.

        Raises:
            UsageError: One of them has a rule already.
        """

        def register(apply: Callable[..., Effect]) -> Callable[..., Effect]:
            for name in names:
                if name in self._rules:
                    raise UsageError(f"the operation {name} has two rules", "remove one of them")
                self._rules[name] = Rule(kind, apply)
            return apply

        return register

    def computes(self, name: str) -> bool:
        """Say whether an operation counts even where nothing of it comes from the input of the net."""
        return name in self._rules and self._rules[name].kind in COMPUTING

    def find(self, name: str, place: str) -> Rule:
        """Return the rule of an operation.

        Raises:
            UsageError: There is none; nothing is ever counted as zero.
        """
        if name in _VALUES:
            raise UsageError(
                f"{place}: it asks for the values of a tensor ({name}), and no formula depends on values",
                "make it independent of them, or give a parameter of forward that decides it a default",
            )
        if name not in self._rules:
            raise UsageError(
                f"{place}: the operation {name} cannot be counted yet, and nothing is counted as zero",
                "name a net or function that does without it, such as the part before it, or give the "
                "operation a rule (CONTRIBUTING.md, Adding a rule)",
            )
        return self._rules[name]
