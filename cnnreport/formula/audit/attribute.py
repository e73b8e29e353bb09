"""Why a hand-written count is wrong: which slip with which layer would make exactly that difference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import sympy

from cnnreport.formula import phrase
from cnnreport.formula.audit.slips import Catalogue, Counted, Slip, name_of
from cnnreport.formula.audit.vectors import Vector, added, count_of, key, scaled, vector
from cnnreport.formula.convention import Choice
from cnnreport.formula.symbols import Count
from cnnreport.formula.tracing.derive import Derivation, Layer

MOST_TIMES = 16
"""How often a layer or a whole formula may have been counted, or which part of once: 1/16 at least."""

MOST_PAIRS = 4
"""Pairs of layers that may be named; more of them explain nothing."""

MOST_NAMES = 8
"""Layers, terms or slips that are named before the rest is only numbered."""

_FRACTIONS = {2: "half", 3: "a third", 4: "a quarter"}


@dataclass(frozen=True)
class Case:
    """A formula, judged by one choice of what counts.

    Args:
        claimed: What it says.
        choice: What it should have counted.
        derivation: The net, with the input that the formula is for.
        other: The same with the other size of the input, if that is known.
        doubled: Whether the formula is for the doubled input.
        known: The slips with this net and size, where many formulas are judged.
    """

    claimed: Count
    choice: Choice
    derivation: Derivation
    other: Derivation | None = None
    doubled: bool = False
    known: Catalogue | None = None

    @cached_property
    def catalogue(self) -> Catalogue:
        """The slips with this net and size."""
        return self.known or Catalogue(self.derivation, self.other, doubled=self.doubled)

    @cached_property
    def counted(self) -> Counted:
        """The right counts."""
        return self.catalogue.counted(self.choice)

    @property
    def expected(self) -> Count:
        """The right count."""
        return count_of(self.counted.total)

    @property
    def difference(self) -> Count:
        """By how much the formula is too large."""
        return count_of(self.off)

    @cached_property
    def off(self) -> Vector:
        """The same, taken apart; empty if the formula holds."""
        return added([vector(self.claimed), scaled(self.counted.total, -1)])

    @property
    def slips(self) -> tuple[Slip, ...]:
        """The simple slips each of which makes exactly the difference."""
        return self.catalogue.slips(self.choice, self.off)

    @property
    def counting(self) -> list[tuple[Layer, Vector]]:
        """The layers that count, and how much."""
        return [(layer, own) for layer, own in self.counted.pairs if own]


def explain(case: Case, slips: Sequence[Slip] = (), otherwise: Sequence[Slip] = ()) -> str:
    """Say by how much a formula is wrong, and which slip makes exactly that difference.

    Nothing is said that is not true of the numbers; where several slips fit, all of them are named.

    Args:
        case: The formula.
        slips: Those to name, each of which makes the difference; by default all that do.
        otherwise: Those that explain the formula too, but under another choice of what counts.

    Returns:
        A sentence; where no slip fits, it names the terms that differ.
    """
    named = slips or case.slips
    for search in _SEARCHES:
        named = named or search(case)
    if named:
        return f"It {_by_how_much(case.off)}, as if {worded(named, otherwise)}."
    return f"It {_by_how_much(case.off)}: {_wrong_terms(case)}."


def worded(slips: Sequence[Slip], otherwise: Sequence[Slip] = ()) -> str:
    """Tell slips that all are equally true, those who did the same together; then those of other choices."""
    others = f", or, under another convention, as if {worded(otherwise)}" if otherwise else ""
    subjects: dict[str, list[str]] = {}
    for slip in slips:
        subjects.setdefault(slip.deed, []).append(slip.subject)
    clauses = [deed.replace("{}", _one_of(names)) for deed, names in subjects.items()]
    more = len(clauses) - MOST_NAMES
    rest = f", or one of {more} other slips" if more > 0 else ""
    return ", or as if ".join(clauses[:MOST_NAMES]) + rest + others


def nearest(cases: Sequence[Case]) -> Case:
    """Return the case in which a formula is nearest to a right one.

    That is the one with the fewest wrong terms; among these one in which a single layer is left out or
    counted twice, if there is one; then the one with the smallest relative errors; then the first.
    """
    return min(cases, key=distance)


def distance(case: Case) -> tuple[int, bool, Fraction]:
    """Return how far a formula is from a right one; smaller is nearer."""
    return len(case.off), not _is_one_layer(case), _error(case)


def _is_one_layer(case: Case) -> bool:
    negated = scaled(case.off, -1)
    return any(own in (case.off, negated) for _, own in case.counting)


def _error(case: Case) -> Fraction:
    """Add up by which part of the larger one, written or right, each wrong term is off."""
    claimed, expected = vector(case.claimed), case.counted.total
    zero = Fraction()
    return sum(
        (abs(c) / max(abs(claimed.get(m, zero)), abs(expected.get(m, zero))) for m, c in case.off.items()),
        zero,
    )


def _by_how_much(off: Vector) -> str:
    if all(coefficient > 0 for coefficient in off.values()):
        return f"is {phrase.text(count_of(off))} too large"
    if all(coefficient < 0 for coefficient in off.values()):
        return f"is {phrase.text(count_of(scaled(off, -1)))} too small"
    return f"differs by {phrase.text(count_of(off))}"


def _one_of(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) > MOST_NAMES:
        return f"one of {len(names)} layers, such as {', '.join(names[: MOST_NAMES // 2])},"
    return f"one of {', '.join(names[:-1])} and {names[-1]}"


def _wrong_terms(case: Case) -> str:
    claimed, expected = vector(case.claimed), case.counted.total
    wrong = [
        f"{_term(monomial, claimed)} instead of {_term(monomial, expected)}"
        for monomial in sorted(case.off, key=sympy.default_sort_key, reverse=True)
    ]
    more = len(wrong) - MOST_NAMES
    return ", ".join(wrong[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _term(monomial: sympy.Expr, count: Vector) -> str:
    return phrase.text(count_of({monomial: count[monomial]})) if monomial in count else "nothing"


# The searches for what is no simple slip, each for one sort.


def _repeated(case: Case) -> list[Slip]:
    """One layer, or else everything, counted several times or in part; of several the fewest times."""
    slips = []
    for layer, own in case.counting:
        times = _times(case.off, own)
        if times is not None:
            slips.append((times, Slip(f"{{}} had been {_often(times)}", name_of(layer))))
    if not slips:
        times = _times(case.off, case.counted.total)
        return [Slip(f"everything had been {_often(times)}")] if times is not None else []
    simplest = min(times.numerator + times.denominator for times, _ in slips)
    return [slip for times, slip in slips if times.numerator + times.denominator == simplest]


def _paired(case: Case) -> list[Slip]:
    """Two layers, each left out or counted twice."""
    counting = [(name_of(layer), own) for layer, own in case.counting]
    places: dict[frozenset[object], list[int]] = {}
    for place, (_, own) in enumerate(counting):
        places.setdefault(key(own), []).append(place)
    slips = []
    for place, (first, own) in enumerate(counting):
        for factor, deed in ((-1, "left out"), (1, "counted twice")):
            rest = added([case.off, scaled(own, -factor)])
            both = [at for at in places.get(key(scaled(rest, factor)), ()) if at > place]
            slips += [Slip(f"{first} and {counting[at][0]} had both been {deed}") for at in both]
            if factor == -1:
                twice = [at for at in places.get(key(rest), ()) if at != place]
                left_out = f"{first} had been left out"
                slips += [Slip(f"{left_out} and {counting[at][0]} counted twice") for at in twice]
    return slips if len(slips) <= MOST_PAIRS else []


def _miscounted(case: Case) -> list[Slip]:
    """One layer counted otherwise, in its own terms."""
    fitting = []
    for layer, own in case.counting:
        count = added([own, case.off])
        if case.off.keys() <= own.keys() and all(c > 0 for c in count.values()):
            fitting.append((layer, own, count))
    if len(fitting) == 1:
        layer, own, count = fitting[0]
        instead = f"{phrase.text(count_of(count))} instead of {phrase.text(count_of(own))}"
        return [Slip(f"{{}} had been counted as {instead}", name_of(layer))]
    return [Slip("{} alone had been counted wrongly", name_of(layer)) for layer, *_ in fitting]


_SEARCHES: tuple[Callable[[Case], list[Slip]], ...] = (_repeated, _paired, _miscounted)
"""In this order: the first that finds something explains a difference that no simple slip makes."""


def _times(off: Vector, own: Vector) -> Fraction | None:
    """Return how often something would have been counted, None if that explains nothing."""
    ratio = _ratio(off, own)
    if ratio is None:
        return None
    times = ratio + 1
    parts = times.numerator, times.denominator
    return times if times >= 0 and min(parts) <= 1 and max(parts) <= MOST_TIMES else None


def _often(times: Fraction) -> str:
    if times == 0:
        return "left out"
    if times.denominator > 1:
        return f"counted at {_FRACTIONS.get(times.denominator, f'1/{times.denominator}')}"
    return "counted twice" if times == 2 else f"counted {times} times"


def _ratio(left: Mapping[sympy.Expr, Fraction], right: Mapping[sympy.Expr, Fraction]) -> Fraction | None:
    """Return the number that makes one count of the other, None if there is none."""
    if not right or left.keys() != right.keys():
        return None
    first, *others = {left[monomial] / right[monomial] for monomial in right}
    return None if others else first
