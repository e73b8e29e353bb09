"""Why a hand-written count is wrong: which slip with which layer would make exactly that difference."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy

from cnnreport.formula import phrase
from cnnreport.formula.convention import Choice, Connections, Outputs, Weights, total
from cnnreport.formula.derive import Derivation, Layer
from cnnreport.formula.rule import Role
from cnnreport.formula.symbols import Count, add

MOST_TIMES = 16
"""How often a layer or a whole formula may have been counted, or which part of once: 1/16 at least."""

MOST_PAIRS = 4
"""Pairs of layers that may be named; more of them explain nothing."""

MOST_NAMES = 8
"""Layers, or terms, that are named before the rest is only numbered."""

_FRACTIONS = {2: "half", 3: "a third", 4: "a quarter"}
_PARTS: Mapping[Role, str] = {
    "kernel": "the kernel",
    "bias": "the biases",
    "affine": "the scale and shift",
    "other": "the parameters",
}
_TREATMENTS = {"one": "one to one", "all": "all to all"}
_RESCALED = {
    1: "the formula of the original size had been kept",
    **{r: f"the formula of the original size had been multiplied by {r}" for r in (2, 4, 16)},
}


@dataclass(frozen=True)
class Case:
    """A formula, judged by one choice of what counts.

    Args:
        claimed: What it says.
        choice: What it should have counted.
        derivation: The net, with the input that the formula is for.
        other: The same with the other size of the input, if that is known.
        doubled: Whether the formula is for the doubled input.
    """

    claimed: Count
    choice: Choice
    derivation: Derivation
    other: Derivation | None = None
    doubled: bool = False

    @cached_property
    def expected(self) -> Count:
        """The right count."""
        return total(self.choice, self.derivation)

    @cached_property
    def difference(self) -> Count:
        """By how much the formula is too large."""
        return minus(self.claimed, self.expected)

    @cached_property
    def _layers(self) -> tuple["_Counted", ...]:
        sizes: dict[str, Count] = {}
        if self.other is not None:
            sizes = {layer.path: self.choice.count(layer) for layer in self.other.layers}
        layers = self.derivation.layers
        return tuple(_Counted(layer, self.choice.count(layer), sizes.get(layer.path)) for layer in layers)

    @property
    def _counting(self) -> tuple["_Counted", ...]:
        return tuple(counted for counted in self._layers if counted.own != 0)


@dataclass(frozen=True)
class _Counted:
    """A layer, its count under the choice, and that for the other size of the input."""

    layer: Layer
    own: Count
    elsewhere: Count | None

    @property
    def name(self) -> str:
        return f"{self.layer.path} ({self.layer.type})"


@dataclass(frozen=True)
class _Slip:
    """A slip that makes the difference: what happened to whom, where ``{}`` stands for the latter.

    Args:
        deed: What happened.
        subject: To whom.
        rank: The simplest slips have the smallest.
    """

    deed: str
    subject: str = ""
    rank: int = 0


def minus(left: Count, right: Count) -> Count:
    """Subtract counts; expanded."""
    return add([left, -right])


def terms(count: Count) -> dict[sympy.Expr, sympy.Rational]:
    """Return the coefficient of each monomial of an expanded count."""
    return dict(sympy.sympify(count).as_coefficients_dict()) if count != 0 else {}


def explain(case: Case) -> str:
    """Say by how much a formula is wrong, and which slip makes exactly that difference.

    Nothing is said that is not true of the numbers; where several layers fit, all of them are named.

    Returns:
        A sentence; where no slip fits, it names the terms that differ.
    """
    for search in _SEARCHES:
        slips = search(case)
        if slips:
            return f"It {_by_how_much(case.difference)}, as if {_told(slips)}."
    return f"It {_by_how_much(case.difference)}: {_wrong_terms(case)}."


def nearest(cases: Sequence[Case]) -> Case:
    """Return the case in which a formula is nearest to a right one.

    That is the one with the fewest wrong terms; among these one in which a single layer is left out or
    counted twice, if there is one; then the one with the smallest relative errors; then the first.
    """
    fewest = min(len(terms(case.difference)) for case in cases)
    close = [case for case in cases if len(terms(case.difference)) == fewest]
    return min(close, key=lambda case: (not _is_one_layer(case), _error(case)))


def _is_one_layer(case: Case) -> bool:
    return any(_times(case, counted) in (0, 2) for counted in case._counting)


def _error(case: Case) -> sympy.Rational:
    """Add up by which part of the larger one, written or right, each wrong term is off."""
    claimed, expected = terms(case.claimed), terms(case.expected)
    off = terms(case.difference).items()
    return sum(
        (abs(c) / max(abs(claimed.get(m, 0)), abs(expected.get(m, 0))) for m, c in off), sympy.Integer(0)
    )


def _by_how_much(difference: Count) -> str:
    coefficients = terms(difference).values()
    if all(coefficient > 0 for coefficient in coefficients):
        return f"is {phrase.text(difference)} too large"
    if all(coefficient < 0 for coefficient in coefficients):
        return f"is {phrase.text(minus(0, difference))} too small"
    return f"differs by {phrase.text(difference)}"


def _told(slips: Sequence[_Slip]) -> str:
    """Tell the simplest of some slips, which all are equally true."""
    simplest = min(slip.rank for slip in slips)
    subjects: dict[str, list[str]] = {}
    for slip in slips:
        if slip.rank == simplest:
            subjects.setdefault(slip.deed, []).append(slip.subject)
    return ", or as if ".join(deed.replace("{}", _one_of(names)) for deed, names in subjects.items())


def _one_of(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) > MOST_NAMES:
        return f"one of {len(names)} layers, such as {', '.join(names[: MOST_NAMES // 2])},"
    return f"one of {', '.join(names[:-1])} and {names[-1]}"


def _wrong_terms(case: Case) -> str:
    claimed, expected = terms(case.claimed), terms(case.expected)
    wrong = [
        f"{_term(monomial, claimed)} instead of {_term(monomial, expected)}"
        for monomial in sorted(terms(case.difference), key=sympy.default_sort_key, reverse=True)
    ]
    more = len(wrong) - MOST_NAMES
    return ", ".join(wrong[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _term(monomial: sympy.Expr, found: Mapping[sympy.Expr, sympy.Rational]) -> str:
    return phrase.text(found[monomial] * monomial) if monomial in found else "nothing"


# The searches, each for one sort of slip.


def _single(case: Case) -> list[_Slip]:
    """One layer, or a part of it, counted too often or not at all."""
    return _repeated(case) + _parts(case)


def _repeated(case: Case) -> list[_Slip]:
    """One layer left out, counted several times, or for the wrong size of the input."""
    slips = []
    for counted in case._counting:
        times = _times(case, counted)
        if counted.elsewhere is not None and minus(counted.elsewhere, counted.own) == case.difference:
            size = "original" if case.doubled else "doubled"
            slips.append(_Slip(f"{{}} had been counted for the {size} size", counted.name, rank=1))
        elif times is not None:
            rank = 0 if times in (0, 2) else times.p + times.q
            slips.append(_Slip(f"{{}} had been {_often(times)}", counted.name, rank))
    return slips


def _parts(case: Case) -> list[_Slip]:
    """One layer's biases, padding or other part left out, or counted though it is not."""
    slips = []
    for counted in case._layers:
        for what, amount, counts in _parts_of(counted.layer, case.choice):
            whole = counts and amount == counted.own
            if amount != 0 and not whole and case.difference == (minus(0, amount) if counts else amount):
                done = "left out" if counts else "counted too"
                slips.append(_Slip(f"{what} of {{}} had been {done}", counted.name))
    return slips


def _treated(case: Case) -> list[_Slip]:
    """One normalisation that joins its values in another way."""
    if not isinstance(case.choice, Connections):
        return []
    slips = []
    for counted in case._layers:
        layer = counted.layer
        for treatment, each in (("one", 1), ("all", layer.statistics)):
            other = add([layer.outputs * each])
            if layer.kind == "normalisation" and minus(other, counted.own) == case.difference:
                slips.append(_Slip(f"{{}} had been counted {_TREATMENTS[treatment]}", counted.name))
    return slips


def _paired(case: Case) -> list[_Slip]:
    """Two layers, each left out or counted twice."""
    counting = case._counting
    places: dict[Count, list[int]] = {}
    for place, counted in enumerate(counting):
        places.setdefault(counted.own, []).append(place)
    slips = []
    for place, first in enumerate(counting):
        for factor, deed in ((-1, "left out"), (1, "counted twice")):
            rest = add([case.difference, -factor * first.own])
            both = [at for at in places.get(add([factor * rest]), ()) if at > place]
            slips += [_Slip(f"{first.name} and {counting[at].name} had both been {deed}") for at in both]
            if factor == -1:
                twice = [at for at in places.get(rest, ()) if at != place]
                left_out = f"{first.name} had been left out"
                slips += [_Slip(f"{left_out} and {counting[at].name} counted twice") for at in twice]
    return slips if len(slips) <= MOST_PAIRS else []


def _rescaled(case: Case) -> list[_Slip]:
    """The whole formula multiplied by a number, or made from that of the other size."""
    slips = []
    if case.other is not None:
        times = _ratio(case.claimed, total(case.choice, case.other))
        if case.doubled and times in _RESCALED:
            slips.append(_Slip(_RESCALED[int(times)]))
        elif not case.doubled and times == 1:
            slips.append(_Slip("height and width had been doubled already"))
    times = _ratio(case.claimed, case.expected)
    if _is_simple(times):
        slips.append(_Slip(f"everything had been {_often(times)}", rank=1))
    return slips


def _miscounted(case: Case) -> list[_Slip]:
    """One layer counted otherwise, in its own terms."""
    wrong = terms(case.difference).keys()
    fitting = []
    for counted in case._counting:
        count = add([counted.own, case.difference])
        if wrong <= terms(counted.own).keys() and all(c > 0 for c in terms(count).values()):
            fitting.append((counted, count))
    if len(fitting) == 1:
        counted, count = fitting[0]
        instead = f"{phrase.text(count)} instead of {phrase.text(counted.own)}"
        return [_Slip(f"{{}} had been counted as {instead}", counted.name)]
    return [_Slip("{} alone had been counted wrongly", counted.name) for counted, _ in fitting]


_SEARCHES: tuple[Callable[[Case], list[_Slip]], ...] = (
    _single,
    _treated,
    _paired,
    _rescaled,
    _miscounted,
)
"""In this order: the first that finds a slip explains the difference."""


def _parts_of(layer: Layer, choice: Choice) -> Iterator[tuple[str, Count, bool]]:
    """Return the parts of a layer's count: what they are, how large, and whether they count."""
    if isinstance(choice, Weights):
        yield from ((_PARTS[role], count, role in choice.roles) for role, count in layer.weights.items())
    elif isinstance(choice, Outputs):
        yield "the outputs", layer.outputs, layer.kind in choice.kinds
    elif layer.kind in choice.kinds:
        yield "the biases", layer.biases, choice.biases
        yield "the padding", layer.padded, choice.padding
    elif layer.kind != "normalisation":
        yield "the connections", layer.taps, False


def _times(case: Case, counted: _Counted) -> sympy.Rational | None:
    """Return how often a layer would have been counted, None if that explains nothing."""
    more = _ratio(case.difference, counted.own)
    return more + 1 if more is not None and _is_simple(more + 1) else None


def _is_simple(times: sympy.Rational | None) -> bool:
    return (
        times is not None
        and times >= 0
        and min(times.p, times.q) <= 1
        and max(times.p, times.q) <= MOST_TIMES
    )


def _often(times: sympy.Rational) -> str:
    if times == 0:
        return "left out"
    if times.q > 1:
        return f"counted at {_FRACTIONS.get(times.q, f'1/{times.q}')}"
    return "counted twice" if times == 2 else f"counted {times} times"


def _ratio(left: Count, right: Count) -> sympy.Rational | None:
    """Return the number that makes one count of the other, None if there is none."""
    if right == 0:
        return None
    if left == 0:
        return sympy.Integer(0)
    above, below = terms(left), terms(right)
    if above.keys() != below.keys():
        return None
    ratios: Iterable[sympy.Rational] = {above[monomial] / below[monomial] for monomial in below}
    first, *others = ratios
    return None if others else first
