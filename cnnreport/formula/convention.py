"""What counts: which parameters are weights, which layers have outputs, and what a connection is.

Hand-outs and tools leave this open or differ; each choice is an object with a sentence of its own.
Sources: CSC413 2021, programming assignment 2, question A3 (which leaves it open); the hint to the
same question in 2022 (ignore biases and batch normalisation).
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from cnnreport.errors import UsageError
from cnnreport.formula.rules.rule import ROLES, Kind, Role
from cnnreport.formula.symbols import Count, add
from cnnreport.formula.tracing.derive import Derivation, Layer

_CONVOLUTIONS: frozenset[Kind] = frozenset(("convolution", "transposed convolution", "linear"))
_WINDOWS: frozenset[Kind] = _CONVOLUTIONS | {"pooling", "upsampling"}
_POINTWISE: frozenset[Kind] = frozenset(
    ("activation", "dropout", "concatenation", "arithmetic", "reduction", "lookup")
)


@dataclass(frozen=True)
class Weights:
    """Which parameters are weights; `sentence` says it to a reader."""

    name: str
    sentence: str
    roles: frozenset[Role]

    def count(self, layer: Layer) -> Count:
        """Count the weights of a layer."""
        return add(count for role, count in layer.weights.items() if role in self.roles)


@dataclass(frozen=True)
class Outputs:
    """Which layers have outputs of their own; `sentence` says it to a reader."""

    name: str
    sentence: str
    kinds: frozenset[Kind]

    def count(self, layer: Layer) -> Count:
        """Count the outputs of a layer."""
        return layer.outputs if layer.kind in self.kinds else 0


@dataclass(frozen=True)
class Connections:
    """What a connection is; `sentence` says it to a reader.

    Args:
        name: Unique among the choices.
        sentence: What is counted.
        kinds: Layers whose pairs of an input and an output are connections.
        biases: Whether a bias is connected with each output to which it is added.
        padding: Whether pairs count whose input is zero padding (transposed: whose output is cut off).
        normalisation: What a normalisation connects: nothing, each output with the input in its
            place, or each output with every value that shares its mean and variance.
    """

    name: str
    sentence: str
    kinds: frozenset[Kind]
    biases: bool = False
    padding: bool = True
    normalisation: Literal["none", "one", "all"] = "none"

    def count(self, layer: Layer) -> Count:
        """Count the connections of a layer."""
        if layer.kind == "normalisation":
            per_value = {"none": 0, "one": 1, "all": layer.statistics}[self.normalisation]
            return add([layer.outputs * per_value])
        if layer.kind not in self.kinds:
            return 0
        return add([layer.taps, 0 if self.padding else -layer.padded, layer.biases if self.biases else 0])


Choice: TypeAlias = Weights | Outputs | Connections
"""What one of the three quantities may mean."""

_Kind = TypeVar("_Kind", Weights, Outputs, Connections)


@dataclass(frozen=True)
class Convention:
    """One choice each of what weights, outputs and connections are."""

    name: str
    weights: Weights
    outputs: Outputs
    connections: Connections

    @property
    def sentence(self) -> str:
        """The whole convention in words."""
        return " ".join((self.weights.sentence, self.outputs.sentence, self.connections.sentence))

    def count(self, quantity: str, layer: Layer) -> Count:
        """Count the ``weights``, ``outputs`` or ``connections`` of a layer."""
        choice: Choice = getattr(self, quantity)
        return choice.count(layer)

    def totals(self, derivation: Derivation) -> dict[str, Count]:
        """Count all three over all layers."""
        return {quantity: total(getattr(self, quantity), derivation) for quantity in QUANTITIES}


QUANTITIES = ("weights", "outputs", "connections")

WEIGHTS = (
    Weights("kernels", "Weights are the kernels of convolutions and linear layers; biases and the scale and "
            "shift of normalisations are ignored.", frozenset({"kernel"})),
    Weights("kernels and biases", "Weights are the kernels and biases of convolutions and linear layers; the "
            "scale and shift of normalisations are ignored.", frozenset({"kernel", "bias"})),
    Weights("kernels and normalisation", "Weights are the kernels of convolutions and linear layers and the "
            "scale and shift of normalisations; biases are ignored.", frozenset({"kernel", "affine"})),
    Weights("learnable", "Every learnable parameter is a weight: kernels, biases, and the scale and shift of "
            "normalisations.", frozenset(ROLES)),
)  # fmt: skip

OUTPUTS = (
    Outputs("convolutions", "Outputs are those of convolutions and linear layers.", _CONVOLUTIONS),
    Outputs("layers", "Outputs are those of convolutions, linear layers, pooling and upsampling; "
            "normalisations and activations have none of their own.", _WINDOWS),
    Outputs("with normalisation", "Outputs are those of convolutions, linear layers, pooling, upsampling and "
            "normalisations; activations have none of their own.", _WINDOWS | {"normalisation"}),
    Outputs("every operation", "Every operation that computes has outputs of its own, activations and "
            "normalisations too.", _WINDOWS | _POINTWISE | {"normalisation"}),
)  # fmt: skip


def _connections() -> Iterable[Connections]:
    scopes: Mapping[str, tuple[str, frozenset[Kind]]] = {
        "convolutions": ("A connection joins an output of a convolution or linear layer", _CONVOLUTIONS),
        "layers": (
            "A connection joins an output of a convolution, linear, pooling or upsampling layer", _WINDOWS
        ),
        "every operation": ("A connection joins an output of any operation", _WINDOWS | _POINTWISE),
    }  # fmt: skip
    endings = {
        "none": "Normalisations have none.",
        "one": "A normalisation joins each output with the input in its place.",
        "all": "A normalisation joins each output with every value that shares its mean and variance.",
    }
    normalisations: tuple[Literal["none", "one", "all"], ...] = ("none", "one", "all")
    for (scope, (start, kinds)), normalisation, biases, padding in itertools.product(
        scopes.items(), normalisations, (False, True), (True, False)
    ):
        parts = [scope]
        parts += {"none": [], "one": ["normalisation one to one"], "all": ["normalisation all to all"]}[
            normalisation
        ]
        parts += (["with biases"] if biases else []) + ([] if padding else ["without padding"])
        zeros = "taps on zero padding included" if padding else "taps on zero padding left out"
        also = " or with its bias" if biases else ""
        sentence = f"{start} with an input{also}, {zeros}. {endings[normalisation]}"
        yield Connections(", ".join(parts), sentence, kinds, biases, padding, normalisation)


CONNECTIONS = tuple(_connections())

CHOICES: Mapping[str, Sequence[Choice]] = {"weights": WEIGHTS, "outputs": OUTPUTS, "connections": CONNECTIONS}
"""What each quantity may mean, the simplest first."""


def _choose(name: str, weights: str, outputs: str, connections: str) -> Convention:
    return Convention(
        name, _named(WEIGHTS, weights), _named(OUTPUTS, outputs), _named(CONNECTIONS, connections)
    )


def _named(choices: Iterable[_Kind], name: str) -> _Kind:
    return next(choice for choice in choices if choice.name == name)


CONVENTIONS = (
    _choose("learnable", "learnable", "layers", "layers"),
    _choose("kernels", "kernels", "layers", "layers"),
    _choose("batch-norm", "learnable", "with normalisation", "layers, normalisation all to all"),
    _choose("no-padding", "learnable", "layers", "layers, without padding"),
    _choose("biases", "learnable", "layers", "layers, with biases"),
    _choose("multiply-adds", "learnable", "convolutions", "convolutions"),
    _choose("every-operation", "learnable", "every operation", "every operation, normalisation one to one"),
)
"""The conventions that have a name; the first is the default."""


def find(name: str) -> Convention:
    """Return a convention by its name.

    Raises:
        UsageError: There is none of that name.
    """
    for convention in CONVENTIONS:
        if convention.name == name:
            return convention
    known = ", ".join(convention.name for convention in CONVENTIONS)
    raise UsageError(f"there is no convention {name!r}", f"choose from: {known}")


def total(choice: Choice, derivation: Derivation) -> Count:
    """Add up one choice's counts over all layers."""
    return add(choice.count(layer) for layer in derivation.layers)
