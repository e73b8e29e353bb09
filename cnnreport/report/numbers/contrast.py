"""Two trainings side by side: how a number of one differs from the other's, and what the seeds make of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, combine, difference, half_width, over_all, paired_p
from cnnreport.report.numbers.verdict import Verdict, exceeds

Outcome = Literal["lower", "higher", "open", "unknown"]


@dataclass(frozen=True)
class Contrast:
    """A number of one net against the same number of another, over the seeds of both.

    Args:
        meaning: What is compared.
        left: The number of the net that is compared.
        right: That of the net beside which it stands.
        difference: Left less right, seed by seed.
        apart: The same with the sign turned where its mean is negative, for "lower by".
        relative: The mean difference over the mean of the right one; None where that is zero.
        p: The two-sided p value of the paired t test (Student, 1908) of the difference against zero;
            None with fewer than two seeds, or where it is the same for all.
        margin: What two trainings that differ in their seed alone would differ by more than in 5 % of
            cases; None where an interval over seeds decides, or where it is not known.
        verdict: Whether the difference exceeds zero, or, with a margin, whether it is larger than that.
    """

    meaning: str
    left: Quantity
    right: Quantity
    difference: Quantity
    apart: Quantity
    relative: Quantity | None
    p: Quantity | None
    margin: Quantity | None
    verdict: Verdict

    @property
    def outcome(self) -> Outcome:
        """What the numbers decide: the whole 95 % interval, else the margin, else the sign of one seed."""
        if self.verdict.unknown:
            return "unknown"
        if self.verdict.open or self.difference.mean == 0 or (self.margin and self.verdict.no):
            return "open"
        return "higher" if self.difference.mean > 0 else "lower"

    @property
    def lower(self) -> bool:
        """Whether the left one is lower."""
        return self.outcome == "lower"

    @property
    def higher(self) -> bool:
        """Whether the left one is higher."""
        return self.outcome == "higher"

    @property
    def open(self) -> bool:
        """Whether the two cannot be told apart."""
        return self.outcome == "open"

    @property
    def unknown(self) -> bool:
        """Whether no seed gave two finite numbers."""
        return self.outcome == "unknown"

    @property
    def sure(self) -> bool:
        """Whether more than the sign of one seed decided; a mere count, such as of weights, is sure."""
        return self.verdict.sure or self.margin is not None or self.left.form == "count"

    @property
    def phrase(self) -> str:
        """The outcome in words."""
        same = "the same" if self.left.form == "count" else "no clear difference"
        said = {"open": same, "unknown": "cannot be said"}.get(self.outcome, self.outcome)
        return said if self.sure or self.unknown else f"{said} (one seed)"


def contrast(
    name: str,
    left: Quantity,
    right: Quantity,
    left_name: str,
    right_name: str,
    margin: Quantity | None = None,
) -> Contrast:
    """Compare two numbers seed by seed.

    Seeds decide by pairs: runs with the same seed are matched.

    Args:
        name: Unique in the report; names of the new quantities begin with it.
        left: The number that is compared.
        right: The number that it is compared with; of the same form.
        left_name: Who has the left one, for the table of verdicts.
        right_name: Who has the right one.
        margin: What decides where there is but one seed; see `seed_margin`.

    Raises:
        UsageError: The two have different seeds.
    """
    form = "points" if left.form == "share" else left.form
    less = difference(
        f"{name}.difference", f"{left.meaning}, {left_name} minus {right_name}", left, right, form
    )
    sign = -1.0 if less.mean < 0 else 1.0
    apart = combine(
        f"{name}.apart",
        f"size of the difference: {less.meaning}",
        "size of ({})",
        lambda x: sign * x,
        less,
        form=form,
    )
    used = margin if less.half_width is None else None
    meaning = f"{left.meaning[:1].upper()}{left.meaning[1:]}"
    if used is None:
        verdict = exceeds(f"{meaning}: higher for {left_name} than for {right_name}", less)
    else:
        claim = f"{meaning}: {left_name} and {right_name} differ by more than seeds do"
        verdict = exceeds(claim, apart, used.mean)
    return Contrast(
        left.meaning, left, right, less, apart, _relative(name, less, right), _p(name, less), used, verdict
    )


def contrasts(
    names: Sequence[str],
    left: Mapping[str, Quantity],
    right: Mapping[str, Quantity],
    left_name: str,
    right_name: str,
    margins: Mapping[str, Quantity] | None = None,
) -> dict[str, Contrast]:
    """Compare the numbers of two trainings that bear the given names; see `contrast`."""
    first = names[0]
    prefix = f"{left[first].name.partition('.')[0]}.less.{right[first].name.partition('.')[0]}"
    known = margins or {}
    return {
        name: contrast(f"{prefix}.{name}", left[name], right[name], left_name, right_name, known.get(name))
        for name in names
    }


def seed_margin(number: Quantity) -> Quantity | None:
    """Return by how much two trainings differ that differ in their seed alone.

    Two runs differ by more than t √2 s in 5 % of cases, where s is the standard deviation over seeds and t
    the 97.5 % quantile of Student's distribution with one degree of freedom less than there are seeds.

    Args:
        number: A number of a training over several seeds.

    Returns:
        The margin; None with fewer than two finite seeds.
    """
    half = half_width(number.finite)
    if half is None:
        return None
    # The half-width of the mean is t s / √n.
    margin = half * math.sqrt(2 * len(number.finite))
    form = "points" if number.form == "share" else number.form
    meaning = f"{number.meaning}, margin of a difference of two seeds"
    return over_all(
        f"{number.name}.margin", meaning, margin, "t √2 s over the seeds of {}", number, form=form
    )


def basis(contrasts: Sequence[Contrast]) -> Decision:
    """Return what decided the verdicts of some contrasts: what a table of them has to explain.

    Returns:
        ``tested`` where there are p values, ``interval`` where the seeds agree so well that there are none,
        ``margin``, ``sign`` of one seed, or ``nothing`` where no seed gave two finite numbers.
    """
    weighed = [each for each in contrasts if each.left.form != "count" and not each.unknown]
    if any(each.p for each in weighed):
        outcome = "tested"
    elif any(each.margin for each in weighed):
        outcome = "margin"
    elif any(each.sure for each in weighed):
        outcome = "interval"
    else:
        outcome = "sign" if weighed else "nothing"
    among = ("tested", "interval", "margin", "sign", "nothing")
    return Decision("what decides which is higher", outcome, among)


def balance(
    meaning: str, lower_is_better: Sequence[Contrast], higher_is_better: Sequence[Contrast] = ()
) -> Decision:
    """Weigh several numbers of which some are better the lower they are.

    Returns:
        ``better`` or ``worse`` where all agree; ``partly_better`` or ``partly_worse`` where some show no
        clear difference and none speaks against it; ``mixed``; ``same`` where none shows a clear difference.
    """
    better = [c.lower for c in lower_is_better] + [c.higher for c in higher_is_better]
    worse = [c.higher for c in lower_is_better] + [c.lower for c in higher_is_better]
    if any(better) and any(worse):
        outcome = "mixed"
    elif any(better):
        outcome = "better" if all(better) else "partly_better"
    elif any(worse):
        outcome = "worse" if all(worse) else "partly_worse"
    else:
        outcome = "same"
    return Decision(meaning, outcome, ("better", "partly_better", "mixed", "partly_worse", "worse", "same"))


def seed_margins(names: Sequence[str], numbers: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return the `seed_margin` of those numbers that are known to have one, by their names."""
    margins = {name: seed_margin(numbers[name]) for name in names if name in numbers}
    return {name: margin for name, margin in margins.items() if margin is not None}


def _relative(name: str, less: Quantity, right: Quantity) -> Quantity | None:
    if not less.finite or not right.finite or right.mean == 0:
        return None
    matched = [right.values[seed] for seed, value in less.values.items() if math.isfinite(value)]
    value = less.mean / (math.fsum(matched) / len(matched))
    meaning = f"{less.meaning}, relative to the latter"
    return over_all(
        f"{name}.relative", meaning, value, "mean of {} over the mean of {}", less, right, form="share"
    )


def _p(name: str, less: Quantity) -> Quantity | None:
    value = paired_p(less.finite)
    if value is None:
        return None
    meaning = f"p value of the paired t test: {less.meaning}"
    return over_all(
        f"{name}.p", meaning, value, "two-sided t test over the seeds of {}", less, form="probability"
    )
