"""Simple mistakes, made on purpose: which difference each of them makes, for any net and convention.

Nothing is typed here: every slip is made of the counts of the layers that were derived. A slip explains
a wrong formula only if it makes exactly its difference.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from cnnreport.formula.audit.resizing import Resizing, resizings
from cnnreport.formula.audit.vectors import Rewriting, Vector, added, key, scaled, vector
from cnnreport.formula.convention import Choice, Connections, Outputs, Weights
from cnnreport.formula.rules.rule import Kind, Role
from cnnreport.formula.symbols import KERNEL
from cnnreport.formula.tracing.derive import Derivation, Layer

MOST_LETTERS = 6
"""Letters of a net, at most, whose mix-ups are looked for."""

RESCALED = (1, 2, 4, 16)
"""By what the formula of one size may have been multiplied to give that of the other."""

_PARTS: Mapping[Role, str] = {
    "kernel": "the kernel",
    "bias": "the biases",
    "affine": "the scale and shift",
    "other": "the parameters",
}
_TREATMENTS = {"one": "one to one", "all": "all to all"}
_PLURALS: Mapping[Kind, str] = {
    "convolution": "convolutions",
    "transposed convolution": "transposed convolutions",
    "linear": "linear layers",
    "pooling": "pooling layers",
    "upsampling": "upsampling layers",
    "normalisation": "normalisations",
    "activation": "activations",
}


@dataclass(frozen=True)
class Slip:
    """What happened to whom, where ``{}`` in the deed stands for the latter."""

    deed: str
    subject: str = ""

    def __str__(self) -> str:
        return self.deed.replace("{}", self.subject)


Made = tuple[Slip, Vector]
"""A slip, and by how much it makes a formula too large."""


class Catalogue:
    """All slips with the counts of a net for one size of its input, ready to be looked up.

    Args:
        derivation: The net with the size that the formulas are for.
        other: With the other size, if that is known.
        doubled: Whether the first is the doubled one.
    """

    def __init__(self, derivation: Derivation, other: Derivation | None, *, doubled: bool) -> None:
        self._derivation = derivation
        self._other = other
        self._doubled = doubled
        self._rewritings = list(_rewritings(derivation))
        self._counted: dict[Choice, Counted] = {}
        self._indexes: dict[Choice, dict[frozenset[object], dict[Slip, None]]] = {}

    def counted(self, choice: Choice) -> "Counted":
        """Return the counts of all layers under a choice."""
        if choice not in self._counted:
            self._counted[choice] = Counted(choice, self._derivation, self._other)
        return self._counted[choice]

    def slips(self, choice: Choice, difference: Vector) -> tuple[Slip, ...]:
        """Return the slips that make exactly a difference, under one choice of what counts."""
        if choice not in self._indexes:
            index: dict[frozenset[object], dict[Slip, None]] = {}
            for slip, amount in self._made(self.counted(choice)):
                if amount:
                    index.setdefault(key(amount), {})[slip] = None
            self._indexes[choice] = index
        return tuple(self._indexes[choice].get(key(difference), ()))

    def _made(self, counted: "Counted") -> Iterator[Made]:
        yield from _repeated(counted)
        yield from _of_kinds(counted)
        yield from _parts(counted)
        yield from _normalised(counted)
        yield from _resized(counted, self._resizings)
        yield from _rewritten(counted, self._rewritings)
        yield from _of_the_other_size(counted, doubled=self._doubled)

    @cached_property
    def _resizings(self) -> list[Resizing]:
        return resizings(self._derivation.layers)


class Counted:
    """The counts of all layers under a choice."""

    def __init__(self, choice: Choice, derivation: Derivation, other: Derivation | None) -> None:
        self.choice = choice
        self.layers = derivation.layers
        self.own = [vector(choice.count(layer)) for layer in self.layers]
        self.total = added(self.own)
        self.elsewhere = [vector(choice.count(layer)) for layer in other.layers] if other else []

    @property
    def pairs(self) -> Iterator[tuple[Layer, Vector]]:
        """Each layer with its count."""
        return zip(self.layers, self.own, strict=True)


def name_of(layer: Layer) -> str:
    """Return what a layer is called in a sentence."""
    return f"{layer.path} ({layer.type})"


def parts_of(layer: Layer, choice: Choice) -> Iterator[tuple[str, Vector, bool]]:
    """Return the parts of a layer's count: what they are, how large, and whether they count."""
    if isinstance(choice, Weights):
        yield from ((_PARTS[role], vector(n), role in choice.roles) for role, n in layer.weights.items())
    elif isinstance(choice, Outputs):
        yield "the outputs", vector(layer.outputs), layer.kind in choice.kinds
    elif layer.kind in choice.kinds:
        yield "the biases", vector(layer.biases), choice.biases
        yield "the padding", vector(layer.padded), choice.padding
    elif layer.kind != "normalisation":
        yield "the connections", vector(layer.taps), False


def _repeated(counted: Counted) -> Iterator[Made]:
    """One layer left out, counted twice, or for the wrong size of the input."""
    for layer, own in counted.pairs:
        yield Slip("{} had been left out", name_of(layer)), scaled(own, -1)
        yield Slip("{} had been counted twice", name_of(layer)), own


def _of_kinds(counted: Counted) -> Iterator[Made]:
    """All layers of a kind left out or counted twice."""
    for kind, plural in _PLURALS.items():
        of_kind = [own for layer, own in counted.pairs if layer.kind == kind and own]
        if 1 < len(of_kind) < sum(map(bool, counted.own)):
            yield Slip("{} had been left out", f"all {plural}"), scaled(added(of_kind), -1)
            yield Slip("{} had been counted twice", f"all {plural}"), added(of_kind)


def _parts(counted: Counted) -> Iterator[Made]:
    """Biases, padding or another part left out, or counted though it is not: of a layer, or of a kind."""
    of_kind: dict[tuple[str, Kind, bool], list[Vector]] = {}
    for layer, own in counted.pairs:
        for what, amount, counts in parts_of(layer, counted.choice):
            if amount and not (counts and amount == own):  # the whole of a layer has its own slips
                yield _part(what, counts, name_of(layer), amount)
                of_kind.setdefault((what, layer.kind, counts), []).append(amount)
    for (what, kind, counts), amounts in of_kind.items():
        if len(amounts) > 1 and kind in _PLURALS:
            yield _part(what, counts, f"all {_PLURALS[kind]}", added(amounts))
    if isinstance(counted.choice, Connections) and counted.choice.biases:
        amounts = [
            added([vector(layer.weights.get("bias", 0)), scaled(vector(layer.biases), -1)])
            for layer in counted.layers
            if layer.biases and layer.kind in counted.choice.kinds
        ]
        yield Slip("each bias had been counted once and not at each pixel"), added(amounts)


def _part(what: str, counts: bool, whose: str, amount: Vector) -> Made:
    if counts:
        return Slip(f"{what} of {{}} had been left out", whose), scaled(amount, -1)
    return Slip(f"{what} of {{}} had been counted too", whose), amount


def _normalised(counted: Counted) -> Iterator[Made]:
    """Normalisations that join their values in another way, or whose running statistics are weights."""
    made: dict[str, list[Vector]] = {}
    for layer, own in counted.pairs:
        if layer.kind == "normalisation":
            for deed, amount in _treated(layer, own, counted.choice):
                made.setdefault(deed, []).append(amount)
                yield Slip(deed, name_of(layer)), amount
    for deed, amounts in made.items():
        if len(amounts) > 1:
            yield Slip(deed, "all normalisations"), added(amounts)


def _treated(layer: Layer, own: Vector, choice: Choice) -> Iterator[tuple[str, Vector]]:
    if isinstance(choice, Connections):
        for treatment, each in (("one", 1), ("all", layer.statistics)):
            other = vector(layer.outputs * each)
            yield f"{{}} had been counted {_TREATMENTS[treatment]}", added([other, scaled(own, -1)])
    elif isinstance(choice, Weights) and "affine" in choice.roles and layer.weights.get("affine"):
        affine = vector(layer.weights["affine"])
        # There are as many means and variances as scales and shifts.
        yield "the running mean and variance of {} had been counted too", affine
        yield "only the scale or only the shift of {} had been counted", scaled(affine, Fraction(-1, 2))


def _resized(counted: Counted, changes: Sequence[Resizing]) -> Iterator[Made]:
    """Layers counted at the size before or after another layer changes it."""
    if isinstance(counted.choice, Weights):
        return
    yield from _at_other_pixels(counted, changes)
    for change in changes:
        yield from _around(change, counted)
    for kind in ("pooling", "upsampling"):
        before = {n: c.after for c in changes if counted.layers[c.number].kind == kind for n in c.producers}
        if len(before) > 1:
            amount = added(scaled(counted.own[n], after - 1) for n, after in before.items())
            yield Slip(f"all layers before {kind} had been counted at the size after it"), amount


def _at_other_pixels(counted: Counted, changes: Sequence[Resizing]) -> Iterator[Made]:
    """Kernels of transposed convolutions counted at the output's pixels, others at the input's."""
    if not isinstance(counted.choice, Connections) or not counted.choice.padding:
        return
    made: dict[Kind, list[Vector]] = {"transposed convolution": [], "convolution": []}
    sides = {"transposed convolution": "output", "convolution": "input"}
    for change in changes:
        layer = counted.layers[change.number]
        if layer.kind in made and counted.own[change.number]:
            ratio = change.after if layer.kind == "transposed convolution" else change.ratio
            made[layer.kind].append(scaled(vector(layer.taps), ratio - 1))
            deed = f"the kernels of {{}} had been counted at the pixels of its {sides[layer.kind]}"
            yield Slip(deed, name_of(layer)), made[layer.kind][-1]
    for kind, amounts in made.items():
        if len(amounts) > 1:
            deed = f"the kernels of {{}} had been counted at the pixels of their {sides[kind]}s"
            yield Slip(deed, f"all {_PLURALS[kind]} that change the size"), added(amounts)
    if all(made.values()):
        deed = "the kernels of {} had been counted at the larger of both sizes"
        yield Slip(deed, "all layers that change the size"), added(itertools.chain(*made.values()))


def _around(change: Resizing, counted: Counted) -> Iterator[Made]:
    """Layers before or after one that changes the size, counted as if it did not."""
    who, more = name_of(counted.layers[change.number]), change.ratio - 1
    for number in change.level:
        deed = f"{{}} had been counted at the size before {who}"
        yield Slip(deed, name_of(counted.layers[number])), scaled(counted.own[number], more)
    for number in change.producers:
        deed = f"{{}} had been counted at the size after {who}"
        yield Slip(deed, name_of(counted.layers[number])), scaled(counted.own[number], change.after - 1)
    unchanged = "{} had not changed height and width"
    sets: dict[str, Iterable[int]] = {
        unchanged: (change.number, *change.later),
        "all layers after {} had been counted at the size before it": change.later,
        f"{unchanged} up to the next layer that does": (change.number, *change.level),
        "the layers after {} had been counted at the size before it, up to the next one that changes it": (
            change.level
        ),
    }
    for deed, numbers in sets.items():
        yield Slip(deed, who), scaled(added(counted.own[number] for number in numbers), more)


def _rewritings(derivation: Derivation) -> Iterator[tuple[str, Rewriting]]:
    """Letters that are mixed up, and k² that is forgotten."""
    letters = [letter for letter in derivation.symbols if letter.name != KERNEL][:MOST_LETTERS]
    for one, other in itertools.combinations(letters, 2):
        yield f"{one} and {other} had been mixed up", Rewriting({one: other, other: one})
        yield f"{other} had been written for {one}", Rewriting({one: other})
        yield f"{one} had been written for {other}", Rewriting({other: one})
        yield f"{other} had been written for one {one} of {one}²", Rewriting({one**2: one * other})
        yield f"{one} had been written for one {other} of {other}²", Rewriting({other**2: one * other})
    kernel = next((letter for letter in derivation.symbols if letter.name == KERNEL), None)
    if kernel is not None:
        yield "k² had been left out", Rewriting({kernel**2: 1})
        yield "k had been written for k²", Rewriting({kernel**2: kernel})


def _rewritten(counted: Counted, rewritings: Iterable[tuple[str, Rewriting]]) -> Iterator[Made]:
    """Letters mixed up, or k² forgotten: in one layer or everywhere, with biases and the like or without."""
    kernels = [_kernel(layer, counted.choice) for layer in counted.layers]
    for deed, rewriting in rewritings:
        for counts in (counted.own, kernels):
            changed = [added([rewriting(count), scaled(count, -1)]) for count in counts]
            numbers = [number for number, amount in enumerate(changed) if amount]
            for number in numbers:
                yield Slip(f"{deed} in {{}}", name_of(counted.layers[number])), changed[number]
            if len(numbers) > 1:
                yield Slip(f"{deed} everywhere"), added(changed)


def _kernel(layer: Layer, choice: Choice) -> Vector:
    """Return what a layer's kernel counts, apart from biases and the like."""
    if isinstance(choice, Weights):
        return vector(layer.weights.get("kernel", 0)) if "kernel" in choice.roles else {}
    if isinstance(choice, Connections) and choice.biases and layer.biases:
        return added([vector(choice.count(layer)), scaled(vector(layer.biases), -1)])
    return {}


def _of_the_other_size(counted: Counted, *, doubled: bool) -> Iterator[Made]:
    """One layer, all of a kind or the whole formula made from that for the other size."""
    size = "original" if doubled else "doubled"
    deed = f"{{}} had been counted for the {size} size"
    of_kind: dict[Kind, list[Vector]] = {}
    for (layer, own), elsewhere in zip(counted.pairs, counted.elsewhere, strict=False):
        if amount := added([elsewhere, scaled(own, -1)]):
            yield Slip(deed, name_of(layer)), amount
            of_kind.setdefault(layer.kind, []).append(amount)
    for kind, amounts in of_kind.items():
        if kind in _PLURALS and len(amounts) > 1:
            yield Slip(deed, f"all {_PLURALS[kind]}"), added(amounts)
    if not counted.elsewhere:
        return
    whole = added(counted.elsewhere)
    if not doubled:
        amount = added([whole, scaled(counted.total, -1)])
        yield Slip("height and width had been doubled already"), amount
        return
    for times in RESCALED:
        done = f"multiplied by {times}" if times > 1 else "kept"
        amount = added([scaled(whole, times), scaled(counted.total, -1)])
        yield Slip(f"the formula of the original size had been {done}"), amount
