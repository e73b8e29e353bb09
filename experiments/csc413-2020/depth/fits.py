"""How a count goes with the number of layers: a straight line by exact least squares, and what it leaves.

Fractions, no floating point: a count lies on a line or it does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, over_all

CONSTANT, RISING, FALLING, CURVED = "constant", "rising", "falling", "curved"

WORDS: Mapping[str, str] = {
    CONSTANT: "the same for every n",
    RISING: "exactly on a line",
    FALLING: "exactly on a line",
    CURVED: "on no line",
}
"""What a table calls each outcome."""


@dataclass(frozen=True)
class Fit:
    """A line through the counts at several numbers of layers.

    Args:
        slope: What each layer adds.
        intercept: What there is besides.
        course: ``constant`` where the count is the same for all n, ``rising`` or ``falling`` where all points
            lie exactly on a line that does, ``curved`` where they lie on none.
    """

    slope: Quantity
    intercept: Quantity
    course: Decision


def fit(name: str, meaning: str, counts: Mapping[int, Quantity]) -> Fit:
    """Fit a line to counts by least squares.

    Args:
        name: The names of the new quantities begin with it.
        meaning: What a reader calls the counts.
        counts: Whole numbers by n, at two values of it or more.
    """
    points = [(Fraction(n), Fraction(int(count.mean))) for n, count in counts.items()]
    mean_n = sum((n for n, _ in points), Fraction()) / len(points)
    mean_count = sum((count for _, count in points), Fraction()) / len(points)
    spread = sum(((n - mean_n) ** 2 for n, _ in points), Fraction())
    slope = sum(((n - mean_n) * (count - mean_count) for n, count in points), Fraction()) / spread
    intercept = mean_count - slope * mean_n
    on_line = all(intercept + slope * n == count for n, count in points)
    course = CURVED if not on_line else RISING if slope > 0 else FALLING if slope < 0 else CONSTANT
    form = next(iter(counts.values())).form

    def read(what: str, words: str, value: Fraction) -> Quantity:
        how = f"least squares over n of {', '.join(['{}'] * len(counts))}: {what}"
        return over_all(
            f"{name}.{what}", f"{meaning}, {words}", float(value), how, *counts.values(), form=form
        )

    return Fit(
        read("slope", "for each layer", slope),
        read("intercept", "besides those of the layers", intercept),
        Decision(f"{meaning}: how it goes with n", course, tuple(WORDS)),
    )
