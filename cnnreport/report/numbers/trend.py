"""How a number goes with a setting that is doubled again and again, by least squares over all runs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import fmean
from typing import Literal

from cnnreport.kinds.kind import Form
from cnnreport.report.numbers.estimate import LEVEL, Estimate
from cnnreport.report.numbers.family import Role, holm
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
        ways: Of each pair of sizes, by their places, which way the mean goes from the first to the second:
            1 or -1 where it clearly goes up or down, else 0; see `ways`.
    """

    slope: Estimate
    bend: float | None
    ways: Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class Turn:
    """Where the mean of a number is lowest and highest over the settings, and how often it turns.

    Args:
        shape: ``valley``, clearly down to the lowest mean and clearly up from there, on neither side clearly
            the other way; ``peak``, the reverse; ``turns``, anything else. What is clear, `ways` says.
        lowest: The setting of the lowest mean, and the number there.
        highest: The same of the highest.
        lows: That setting and the neighbours that do not clearly differ from it, from the smallest on.
        highs: The same of the highest.
    """

    shape: Literal["valley", "peak", "turns"]
    lowest: tuple[Quantity, Quantity]
    highest: tuple[Quantity, Quantity]
    lows: tuple[Quantity, ...]
    highs: tuple[Quantity, ...]


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
        turned: Whether the mean clearly goes against the slope between any two settings; see `ways`.
        tested: Whether the seeds allow a test of that; else it turns where the means do.
        alike: Neighbouring settings over which the mean goes against the slope, but not clearly; none where
            it `turned`.
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
    turned: bool
    tested: bool
    alike: tuple[tuple[Quantity, ...], ...] = ()
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

        Only a number whose mean is not shown to go against the slope goes up or down, ``unevenly`` where it
        is shown to leave the line. Where it turned, no trend is claimed, whatever the slope: with a clear
        slope, or shown to leave the line, the number ``bends``.
        """
        if not self.slope.finite:
            return "unknown"
        decides = self.adjusted or self.p
        clear = decides is not None and decides.mean < LEVEL
        if self.turned:
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
    def one_turn(self) -> bool:
        """Whether it goes one way to a lowest or a highest mean, and back from there."""
        return self.outcome == "bends" and self.turn is not None and self.turn.shape != "turns"

    @property
    def valley(self) -> bool:
        """Whether it falls to a lowest mean, and rises from there."""
        return self.one_turn and self.turn is not None and self.turn.shape == "valley"

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
    fit = line(finite) or Fit(Estimate(math.nan, 0.0, math.inf), None, {})
    back = -1 if fit.slope.value > 0 else 1
    turned, settings = back in fit.ways.values(), _settings(name, numbers, setting)
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
        turned=turned,
        tested=_within(list(finite.values())) > 0,
        alike=() if turned else _alike(settings, numbers, back),
        turn=_turn(name, numbers, setting, settings, fit.ways) if len(finite) == len(numbers) else None,
    )


def _settings(name: str, numbers: Mapping[float, Quantity], setting: str) -> dict[float, Quantity]:
    """Return the settings that have a finite number, from the smallest on."""
    parts = [number for _, number in sorted(numbers.items())]
    return {
        size: over_all(
            f"{name}.at_{size:g}", f"{setting} tried", size, _how(parts, setting), *parts, form="count"
        )
        for size, number in sorted(numbers.items())
        if number.finite
    }


def _alike(
    settings: Mapping[float, Quantity], numbers: Mapping[float, Quantity], back: int
) -> tuple[tuple[Quantity, ...], ...]:
    """Return the neighbouring settings over which the mean goes `back`, 1 for up or -1 for down."""
    chains: list[list[float]] = []
    for before, after in pairwise(settings):
        if back * (numbers[after].mean - numbers[before].mean) <= 0:
            continue
        if chains and chains[-1][-1] == before:
            chains[-1].append(after)
        else:
            chains.append([before, after])
    return tuple(tuple(settings[size] for size in chain) for chain in chains)


def _turn(
    name: str,
    numbers: Mapping[float, Quantity],
    setting: str,
    settings: Mapping[float, Quantity],
    ways: Mapping[tuple[int, int], int],
) -> Turn:
    """Return where the means are lowest and highest; `ways` are those between the places of the settings."""
    parts, sizes = [number for _, number in sorted(numbers.items())], list(settings)
    order = sorted(range(len(sizes)), key=lambda place: numbers[sizes[place]].mean)

    def at(what: str, place: int) -> tuple[Quantity, Quantity]:
        said = f"{setting} of the {what} mean {parts[0].meaning}"
        where = over_all(f"{name}.{what}_at", said, sizes[place], _how(parts, setting), *parts, form="count")
        return where, numbers[sizes[place]]

    def around(place: int) -> tuple[Quantity, ...]:
        first = last = place
        while first and not ways[first - 1, place]:
            first -= 1
        while last + 1 < len(sizes) and not ways[place, last + 1]:
            last += 1
        return tuple(settings[size] for size in sizes[first : last + 1])

    low, high = order[0], order[-1]
    shape: Literal["valley", "peak", "turns"] = "turns"
    if _leads(ways, low, -1):
        shape = "valley"
    elif _leads(ways, high, 1):
        shape = "peak"
    return Turn(shape, at("lowest", low), at("highest", high), around(low), around(high))


def _leads(ways: Mapping[tuple[int, int], int], place: int, way: int) -> bool:
    """Whether the mean clearly goes one way to a place, clearly back from there, and nowhere else."""
    before = {each for (_, after), each in ways.items() if after <= place}
    after = {each for (before, _), each in ways.items() if before >= place}
    to = {each for (_, end), each in ways.items() if end == place}
    back = {each for (start, _), each in ways.items() if start == place}
    return way in to and -way in back and -way not in before and way not in after


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
    varies = len({y for _, y in points}) > 1
    error = math.sqrt(left / degrees / spread) if varies else 0.0
    return Fit(Estimate(slope if varies else 0.0, error, degrees), _bend(left, groups), ways(groups))


def _bend(left: float, groups: Sequence[Sequence[float]]) -> float | None:
    """Return the p value of the lack of fit, given the sum of the squared residuals."""
    from scipy.special import fdtrc  # type: ignore[import-untyped]

    within, more, degrees = _within(groups), len(groups) - 2, sum(map(len, groups)) - len(groups)
    if not more or not within:
        return None
    return float(fdtrc(more, degrees, max(left - within, 0.0) / more / (within / degrees)))


def ways(groups: Sequence[Sequence[float]]) -> dict[tuple[int, int], int]:
    """Say of each pair of settings which way the mean clearly goes from the first to the second.

    A mean that goes back between two settings shows a turn only where chance could not have made it. Every
    pair is tested: t with the variance of the runs of a setting, pooled over all settings, and its degrees of
    freedom; as the lack of fit does, that takes the variance to be the same everywhere. The p values of all
    pairs are corrected by Holm (1979), so that where nothing differs, or goes one way, the chance of any step
    back is at most 5 %. Drawn in tests/report/test_report_coverage.py with six settings of three runs each,
    means that rise from a flat start are said to turn in 2 % of cases, a valley of three standard deviations
    in 89 %. Where the first of two that are alike spreads four times as far as all others, they turn in 12 %.

    Where no setting has two runs that differ, nothing can be tested, and the means are taken as they are.

    Args:
        groups: The values at each setting, from the smallest on; none empty.

    Returns:
        By the places of two settings, the first before the second: 1 up, -1 down, 0 neither.
    """
    from scipy.special import stdtr

    means, degrees = list(map(fmean, groups)), sum(map(len, groups)) - len(groups)
    changes = {(i, j): means[j] - means[i] for i, j in combinations(range(len(groups)), 2)}
    within = _within(groups)
    clear: Iterable[bool] = (True for _ in changes)
    if within:
        errors = [math.sqrt(within / degrees * (1 / len(groups[i]) + 1 / len(groups[j]))) for i, j in changes]
        ts = [abs(change) / error for change, error in zip(changes.values(), errors, strict=True)]
        clear = (p < LEVEL for p in holm([2 * float(stdtr(degrees, -t)) for t in ts]))
    return {
        pair: ((change > 0) - (change < 0)) * shown
        for (pair, change), shown in zip(changes.items(), clear, strict=True)
    }


def _within(groups: Iterable[Sequence[float]]) -> float:
    """Return the sum of the squares by which runs differ from the mean of their setting."""
    return math.fsum((y - fmean(each)) ** 2 for each in groups if len({*each}) > 1 for y in each)


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
