"""A number that was estimated: its error, its interval and its test; the difference of two samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cnnreport.report.numbers.quantity import CONFIDENCE

LEVEL = 1 - CONFIDENCE
"""A p value below it counts: the convention of Fisher (1925), and that of the report's 95 % intervals, so
that an interval and its test never disagree."""

Part = tuple[float, float]
"""A part of a variance, and the degrees of freedom of its estimate."""


@dataclass(frozen=True)
class Estimate:
    """An estimated number.

    Args:
        value: The estimate.
        error: Its standard error; zero where nothing varied, so that there is nothing to test.
        degrees: Degrees of freedom of the standard error, at least one.
    """

    value: float
    error: float
    degrees: float

    @property
    def half_width(self) -> float:
        """Half of the 95 % t interval."""
        from scipy.special import stdtrit  # type: ignore[import-untyped]

        return float(stdtrit(self.degrees, (1 + CONFIDENCE) / 2)) * self.error if self.error else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % t interval."""
        return self.value - self.half_width, self.value + self.half_width

    @property
    def p(self) -> float | None:
        """The two-sided p value of the t test against zero; None where nothing varied."""
        from scipy.special import stdtr

        return 2 * float(stdtr(self.degrees, -abs(self.value / self.error))) if self.error else None


def difference_of_means(left: Sequence[float], right: Sequence[float]) -> Estimate | None:
    """Estimate by how much the mean of one sample exceeds that of another, such as over seeds.

    Several against several: the t interval and test of Welch (1947), which do not take the two variances to
    be the same. One against several: the prediction interval of one more value, from the variance of the
    several (Hahn & Meeker, 1991, chapter 4); it takes the single one to vary as they do.

    Why neither pairs nor a pooled variance. A seed sets the initial weights of nets that differ, so values
    with the same seed have next to nothing in common: pairing would cost degrees of freedom for nothing, and
    leave out seeds that only one side has. Where they do, as two losses that begin with the same weights, the
    interval errs on the wide side.

    A variance pooled over three nets with three seeds each has six degrees of freedom and finds a difference
    of three standard deviations in 87 % of cases, Welch's test in 68 %. But where the seeds of one net spread
    four times as far as those of the others, the pooled test finds a difference where there is none in 13 %
    of cases, Welch's in 5 to 6 %; and between the two other nets it finds 27 % of those differences, Welch's
    67 %. A claim too many is worse than one too few, so Welch's is the one method of the report;
    tests/report/test_report_coverage.py repeats the simulation.

    Args:
        left: One sample.
        right: The other.

    Returns:
        The estimate of left less right; None where neither has two values.
    """
    if max(len(left), len(right)) < 2 or min(len(left), len(right)) < 1:
        return None
    return estimate(fmean(left) - fmean(right), variances_of_means(left, right))


def estimate(value: float, parts: Sequence[Part]) -> Estimate:
    """Return an estimate whose variance is the sum of independent parts, by Satterthwaite (1946).

    Args:
        value: What was estimated.
        parts: The parts of its variance.
    """
    variance = math.fsum(part for part, _ in parts)
    if not variance:
        return Estimate(value, 0.0, math.inf)
    # Relative to the whole, since the squares of very small variances are zero.
    spread = math.fsum((part / variance) ** 2 / degrees for part, degrees in parts)
    return Estimate(value, math.sqrt(variance), 1 / spread)


def variances_of_means(left: Sequence[float], right: Sequence[float]) -> list[Part]:
    """Return the parts of the variance of a difference of two means; none where neither has two values.

    Where one side has a single value, its variance is taken to be that of the other's.
    """
    several = [sample for sample in (left, right) if len(sample) > 1]
    if len(several) == 2:
        return [(_variance(sample) / len(sample), len(sample) - 1.0) for sample in several]
    return [(_variance(sample) * (1 + 1 / len(sample)), len(sample) - 1.0) for sample in several]


def _variance(values: Sequence[float]) -> float:
    """Return the variance of a sample; zero, not what rounding makes of it, where all are the same."""
    if len(set(values)) == 1:
        return 0.0
    mean = fmean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
