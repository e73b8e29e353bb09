"""How a number goes with a setting that is doubled again and again, by least squares over all runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean
from typing import Literal

from cnnreport.kinds.kind import Form
from cnnreport.report.numbers.estimate import LEVEL, Estimate
from cnnreport.report.numbers.family import Role
from cnnreport.report.numbers.quantity import Quantity, over_all
from cnnreport.report.numbers.verdict import Outcome as Truth
from cnnreport.report.numbers.verdict import Verdict

Outcome = Literal["upward", "downward", "upward_unevenly", "downward_unevenly", "bends", "open", "unknown"]

_DIRECTIONS: tuple[tuple[Outcome, Outcome], ...] = (
    ("downward", "downward_unevenly"),
    ("upward", "upward_unevenly"),
)


@dataclass(frozen=True)
class Fit:
    """A straight line through runs.

    Args:
        slope: Its slope, with its standard error from the residuals.
        bend: The p value of the lack of fit: the F test of how far the means at each size lie from the line
            against how far the runs of a size lie from their mean (Draper & Smith, 1998, section 2.1). None
            where no size has two runs that differ, or there are but two sizes.
        steps: From each size to the next, by how much the mean changes.
    """

    slope: Estimate
    bend: float | None
    steps: tuple[float, ...]


@dataclass(frozen=True)
class Turn:
    """Where the mean of a number is lowest and highest over the settings, and how often it turns.

    Args:
        shape: ``valley``, down at every step to the lowest mean, then up at every step; ``peak``, the
            reverse; ``turns``, more than once, or from one end to the other.
        lowest: The setting of the lowest mean, and the number there.
        highest: The same of the highest.
    """

    shape: Literal["valley", "peak", "turns"]
    lowest: tuple[Quantity, Quantity]
    highest: tuple[Quantity, Quantity]


@dataclass(frozen=True)
class Trend:
    """How a number goes with the doubling of a setting.

    Args:
        meaning: What goes up or down.
        slope: By how much it rises with each doubling, with its interval; negative where it falls.
        apart: The same without its sign.
        p: The two-sided p value of the slope against zero; None where there is no test.
        bend: The p value of the lack of fit of a straight line; None where seeds do not allow it.
        runs: How many runs it is made of.
        sizes: How many settings.
        one_way: Whether the mean changes, and at no step in the other direction.
        turn: Where the mean is lowest and highest; None where a setting has no finite number.
        role: What it is in its question; see `cnnreport.report.numbers.family.family`.
        adjusted: The p value after correction, of a secondary one; it decides then.
    """

    meaning: str
    slope: Quantity
    apart: Quantity
    p: Quantity | None
    bend: Quantity | None
    runs: Quantity
    sizes: Quantity
    one_way: bool
    turn: Turn | None = None
    role: Role = ""
    adjusted: Quantity | None = None

    @property
    def bent(self) -> bool:
        """Whether the means are shown not to lie on a straight line."""
        return self.bend is not None and self.bend.mean < LEVEL

    @property
    def outcome(self) -> Outcome:
        """What the runs decide.

        Only a number whose mean goes in the other direction at no step goes up or down, ``unevenly``
        where it is shown to leave the line. Where the means turn, no trend is claimed, whatever the slope:
        with a clear slope, or shown to leave the line, the number ``bends``.
        """
        if not self.slope.finite:
            return "unknown"
        decides = self.adjusted or self.p
        clear = decides is not None and decides.mean < LEVEL
        if not self.one_way:
            return "bends" if clear or self.bent else "open"
        return _DIRECTIONS[self.slope.mean > 0][self.bent] if clear else "open"

    @property
    def higher(self) -> bool:
        """Whether it rises with the setting."""
        return self.outcome in _DIRECTIONS[True]

    @property
    def lower(self) -> bool:
        """Whether it falls with the setting."""
        return self.outcome in _DIRECTIONS[False]

    @property
    def unknown(self) -> bool:
        """Whether too few runs gave a finite number."""
        return self.outcome == "unknown"

    @property
    def phrase(self) -> str:
        """The outcome in words."""
        words = {"open": "no clear trend", "unknown": "cannot be said", "bends": "turns, no one trend"}
        return words.get(self.outcome, self.outcome.replace("_", ", but "))

    @property
    def verdict(self) -> Verdict:
        """The outcome as a judgement: whether it goes one way; open where it turns or has no clear trend."""
        truth: Truth = "yes" if self.higher or self.lower else "unknown" if self.unknown else "open"
        way = "falls" if self.lower else "rises" if self.higher else "changes one way"
        claim = f"{self.meaning[:1].upper()}{self.meaning[1:]}: {way} with each doubling"
        still = self.p is None and not self.unknown
        return Verdict(claim, self.apart, 0.0, truth, self.p, self.adjusted, self.role, constant=still)

    def judged(self, role: Role, adjusted: Quantity | None) -> "Trend":
        """Return the same as one of several that answer a question."""
        return replace(self, role=role, adjusted=adjusted)


def trend(name: str, numbers: Mapping[float, Quantity], setting: str) -> Trend:
    """Return how a number goes with the base-2 logarithm of a setting.

    All runs of all settings have the same weight; they are taken to be independent, with the same variance.
    A seed that shifts the number at all settings alike leaves the slope as it is and widens its interval.

    Args:
        name: Unique in the report; names of the new quantities begin with it.
        numbers: The number after training with each setting, by the setting, above zero.
        setting: What the setting is called, such as ``batch size``.
    """
    parts = [number for _, number in sorted(numbers.items())]
    finite = {size: number.finite for size, number in numbers.items() if number.finite}
    fit = line(finite) or Fit(Estimate(math.nan, 0.0, math.inf), None, (math.nan,))
    meaning, form = parts[0].meaning, "points" if parts[0].form == "share" else parts[0].form
    each = f"{meaning}, change with each doubling of the {setting}"
    half = fit.slope.half_width if math.isfinite(fit.slope.value) else None

    def made(what: str, said: str, value: float, form: Form, half: float | None = None) -> Quantity:
        return _of_all(f"{name}.{what}", said, value, parts, setting, form, half)

    return Trend(
        meaning=meaning,
        slope=made("slope", each, fit.slope.value, form, half),
        apart=made("apart", f"size of the {each}", abs(fit.slope.value), form, half),
        p=None if fit.slope.p is None else made("p", f"p value: {each}", fit.slope.p, "probability"),
        bend=None
        if fit.bend is None
        else made("bend", f"p value of the bend: {each}", fit.bend, "probability"),
        runs=made("runs", f"runs: {each}", sum(map(len, finite.values())), "count"),
        sizes=made("sizes", f"settings: {each}", len(finite), "count"),
        one_way=(min(fit.steps) >= 0) != (max(fit.steps) <= 0),
        turn=_turn(name, numbers, setting, fit.steps) if len(finite) == len(numbers) else None,
    )


def _turn(name: str, numbers: Mapping[float, Quantity], setting: str, steps: Sequence[float]) -> Turn:
    """Return where the means are lowest and highest; `steps` are those from each setting to the next."""
    parts = [number for _, number in sorted(numbers.items())]

    def at(what: str, size: float) -> tuple[Quantity, Quantity]:
        said = f"{setting} of the {what} mean {parts[0].meaning}"
        where = over_all(f"{name}.{what}_at", said, size, _how(parts, setting), *parts, form="count")
        return where, numbers[size]

    ups = [step > 0 for step in steps]
    clean = 0 not in steps and len({*ups}) > 1
    shape: Literal["valley", "peak", "turns"] = "turns"
    if clean and ups in (sorted(ups), sorted(ups, reverse=True)):
        shape = "peak" if ups[0] else "valley"
    order = sorted(numbers, key=lambda size: numbers[size].mean)
    return Turn(shape, at("lowest", order[0]), at("highest", order[-1]))


def _how(parts: Sequence[Quantity], setting: str) -> str:
    """Say of which field, read at every setting, a number is made."""
    return f"computed from {parts[0].source.field} of each {setting}".replace("{", "{{").replace("}", "}}")


def line(values: Mapping[float, Sequence[float]]) -> Fit | None:
    """Fit a straight line over the base-2 logarithm of a setting by least squares.

    Args:
        values: The values at each setting, by the setting, above zero.

    Returns:
        The fit; None with fewer than two settings or three runs.
    """
    points = [(math.log2(size), y) for size, each in sorted(values.items()) for y in each]
    groups = [list(each) for _, each in sorted(values.items()) if each]
    if len(groups) < 2 or len(points) < 3:
        return None
    centre, middle = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = math.fsum((x - centre) ** 2 for x, _ in points)
    slope = math.fsum((x - centre) * (y - middle) for x, y in points) / spread
    left = math.fsum((y - middle - slope * (x - centre)) ** 2 for x, y in points)
    degrees = len(points) - 2
    steps = tuple(after - before for before, after in pairwise(map(fmean, groups)))
    varies = len({y for _, y in points}) > 1
    error = math.sqrt(left / degrees / spread) if varies else 0.0
    return Fit(Estimate(slope if varies else 0.0, error, degrees), _bend(left, groups), steps)


def _bend(left: float, groups: Sequence[Sequence[float]]) -> float | None:
    """Return the p value of the lack of fit, given the sum of the squared residuals."""
    from scipy.special import fdtrc  # type: ignore[import-untyped]

    within = math.fsum((y - fmean(each)) ** 2 for each in groups if len({*each}) > 1 for y in each)
    more, degrees = len(groups) - 2, sum(map(len, groups)) - len(groups)
    if not more or not within:
        return None
    return float(fdtrc(more, degrees, max(left - within, 0.0) / more / (within / degrees)))


def _of_all(
    name: str,
    meaning: str,
    value: float,
    parts: Sequence[Quantity],
    setting: str,
    form: Form,
    half: float | None,
) -> Quantity:
    """Return a number that is made of all settings, of which the same field was read."""
    field = parts[0].source.field.replace("{", "{{").replace("}", "}}")
    how = f"least squares over log2 of the {setting}, all runs: {field}"
    return over_all(name, meaning, value, how, *parts, form=form, half=half)
