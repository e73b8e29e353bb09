"""A number that knows where it came from: its values per seed, its spread, its source, its print."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cnnreport.errors import UsageError
from cnnreport.kinds.digits import MINUS, NARROW, digits, units
from cnnreport.kinds.kind import Form

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Source:
    """Where a number was read.

    Args:
        runs: Folder names of the runs.
        file: The file in each of these folders.
        field: What was read there, and how several readings were combined.
    """

    runs: tuple[str, ...]
    file: str
    field: str


@dataclass(frozen=True)
class Quantity:
    """One number of a report, one value for each seed.

    Args:
        name: Unique in the report, such as ``pool-upsample.validation_loss``.
        meaning: What a reader calls it.
        values: The value of each seed; NaN where the run diverged.
        form: How it prints.
        source: Where it was read.
        half: Half of its 95 % interval where that is not the one of the mean over its values.
    """

    name: str
    meaning: str
    values: Mapping[int, float]
    form: Form
    source: Source
    half: float | None = None

    @property
    def finite(self) -> list[float]:
        """The values of the runs that did not diverge."""
        return [value for value in self.values.values() if math.isfinite(value)]

    @property
    def lost(self) -> list[int]:
        """The seeds whose run diverged; they take no part in the mean."""
        return [seed for seed, value in self.values.items() if not math.isfinite(value)]

    @property
    def mean(self) -> float:
        """The mean over the seeds that did not diverge, NaN where all did."""
        return math.fsum(self.finite) / len(self.finite) if self.finite else math.nan

    @property
    def half_width(self) -> float | None:
        """Half of the 95 % interval, else the t interval over seeds; None with fewer than two values."""
        return half_width(self.finite) if self.half is None else self.half

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean, None where there is none."""
        half = self.half_width
        return None if half is None else (self.mean - half, self.mean + half)

    @property
    def text(self) -> str:
        """The number as prose shows it: mean and half-width, and how many seeds it stands on if not all."""
        if not self.finite:
            return "no finite value"
        some = f" (over {len(self.finite)} of {len(self.values)} seeds)" if self.lost else ""
        return f"{self.bare}{self.unit}{some}"

    @property
    def bare(self) -> str:
        """Mean and half-width without the unit, for a table that names it."""
        half = self.half_width
        shown = self.show(self.mean)
        # Settings and baselines are the same in every run: an interval of no width says nothing.
        return shown if not half else f"{shown}{NARROW}±{NARROW}{self.show(half)}"

    @property
    def unit(self) -> str:
        """What follows the number in prose."""
        return units(self.form)[0]

    @property
    def short_unit(self) -> str:
        """What follows the number in a table."""
        return units(self.form)[1]

    def show(self, value: float) -> str:
        """Print one value in this quantity's form, without its unit."""
        return digits(value, self.form)


def half_width(values: list[float]) -> float | None:
    """Return half of the 95 % t interval of a mean, None with fewer than two values."""
    count = len(values)
    if count < 2:
        return None
    if len(set(values)) == 1:
        return 0.0
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(variance / count)


def combine(
    name: str, meaning: str, rule: str, combined: Callable[..., float], *parts: Quantity, form: Form
) -> Quantity:
    """Compute a quantity from others, seed by seed.

    Args:
        name: The name of the new quantity.
        meaning: What a reader calls it.
        rule: How it is computed, with ``{}`` for each part's field.
        combined: Computes one seed's value from the parts' values.
        parts: The quantities; those of one seed are matched.
        form: How the new quantity prints.

    Raises:
        UsageError: The parts have different seeds.
    """
    seeds = list(parts[0].values)
    if any(list(part.values) != seeds for part in parts):
        raise UsageError(f"{name} combines runs of different seeds", "build again so that all have the same")
    values = {seed: _apply(combined, [part.values[seed] for part in parts]) for seed in seeds}
    source = Source(
        runs=tuple(dict.fromkeys(run for part in parts for run in part.source.runs)),
        file=", ".join(dict.fromkeys(part.source.file for part in parts)),
        field=rule.format(*_fields(parts)),
    )
    return Quantity(name, meaning, values, form, source)


def difference(name: str, meaning: str, left: Quantity, right: Quantity, form: Form) -> Quantity:
    """Return left minus right, seed by seed."""
    return combine(name, meaning, f"{{}} {MINUS} {{}}", lambda a, b: a - b, left, right, form=form)


def over_all(
    name: str,
    meaning: str,
    value: float,
    how: str,
    *parts: Quantity,
    form: Form,
    half: float | None = None,
) -> Quantity:
    """Return a number that is made of all seeds together, and so has one value.

    Args:
        name: The name of the new quantity.
        meaning: What a reader calls it.
        value: The number.
        how: How it is computed, with ``{}`` for each part's field.
        parts: What it was computed from; they may have different seeds.
        form: How it prints.
        half: Half of its 95 % interval; None where it has none.
    """
    runs = tuple(dict.fromkeys(run for part in parts for run in part.source.runs))
    files = ", ".join(dict.fromkeys(part.source.file for part in parts))
    source = Source(runs, files, how.format(*_fields(parts)))
    return Quantity(name, meaning, {0: float(value)}, form, source, half)


def _fields(parts: Sequence[Quantity]) -> list[str]:
    """Return what was read for each part, with its experiment where the parts are of several."""
    experiments = [part.name.partition(".")[0] for part in parts]
    if len(set(experiments)) == 1:
        return [part.source.field for part in parts]
    return [f"{name}: {part.source.field}" for name, part in zip(experiments, parts, strict=True)]


def _apply(combined: Callable[..., float], values: list[float]) -> float:
    if not all(map(math.isfinite, values)):
        return math.nan
    try:
        return combined(*values)
    except ZeroDivisionError:
        return math.nan
