"""Two trainings side by side: how a number of one differs from the other's, and what the seeds make of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cnnreport.report.quantity import Quantity, combine, difference, paired_p
from cnnreport.report.verdict import Verdict, exceeds

Outcome = Literal["lower", "higher", "open", "unknown"]


@dataclass(frozen=True)
class Contrast:
    """A number of one net against the same number of another, over the seeds of both.

    Args:
        meaning: What is compared.
        left: The number of the net that is judged.
        right: That of the net beside which it stands.
        difference: Left less right, seed by seed.
        relative: The difference over the right one, seed by seed.
        p: The two-sided p value of the paired t test (Student, 1908) of the difference against zero;
            None with fewer than two seeds, or where it is the same for all.
        verdict: Whether the difference exceeds zero.
    """

    meaning: str
    left: Quantity
    right: Quantity
    difference: Quantity
    relative: Quantity
    p: Quantity | None
    verdict: Verdict

    @property
    def outcome(self) -> Outcome:
        """What the numbers decide: with several seeds by the whole 95 % interval, else by the sign."""
        if self.verdict.unknown:
            return "unknown"
        if self.verdict.open or self.difference.mean == 0:
            return "open"
        return "higher" if self.verdict.yes else "lower"

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
        """Whether the seeds do not tell the two apart."""
        return self.outcome == "open"

    @property
    def unknown(self) -> bool:
        """Whether no seed gave two finite numbers."""
        return self.outcome == "unknown"

    @property
    def sure(self) -> bool:
        """Whether an interval over seeds decided, not the sign of a single run."""
        return self.verdict.sure

    @property
    def phrase(self) -> str:
        """The outcome in words."""
        words = {"open": "not distinguishable", "unknown": "cannot be said"}
        said = words.get(self.outcome, self.outcome)
        return said if self.sure or self.unknown else f"{said} (one run)"


def contrast(
    name: str,
    left: Quantity,
    right: Quantity,
    left_name: str,
    right_name: str,
) -> Contrast:
    """Compare two numbers seed by seed.

    Seeds decide by pairs: runs with the same seed are matched.

    Args:
        name: Unique in the report; names of the new quantities begin with it.
        left: The number that is judged.
        right: The number beside which it stands; of the same form.
        left_name: Who has the left one, for the table of verdicts.
        right_name: Who has the right one.

    Raises:
        UsageError: The two have different seeds.
    """
    form = "points" if left.form == "share" else left.form
    less = difference(
        f"{name}.difference", f"{left.meaning}, {left_name} less {right_name}", left, right, form
    )
    relative = combine(
        f"{name}.relative",
        f"{left.meaning}, relative difference of {left_name} from {right_name}",
        "({} less {}) over the latter",
        lambda a, b: (a - b) / b,
        left,
        right,
        form="share",
    )
    claim = f"{left.meaning[:1].upper()}{left.meaning[1:]}: {left_name} has a higher one than {right_name}"
    return Contrast(left.meaning, left, right, less, relative, _p(name, less), exceeds(claim, less))


def contrasts(
    names: Sequence[str],
    left: Mapping[str, Quantity],
    right: Mapping[str, Quantity],
    left_name: str,
    right_name: str,
) -> dict[str, Contrast]:
    """Compare the numbers of two trainings that bear the given names; see `contrast`."""
    prefix = f"{left['loss'].name.partition('.')[0]}.less.{right['loss'].name.partition('.')[0]}"
    return {
        name: contrast(f"{prefix}.{name}", left[name], right[name], left_name, right_name) for name in names
    }


def _p(name: str, less: Quantity) -> Quantity | None:
    value = paired_p(less.finite)
    if value is None:
        return None
    # One number for all seeds together: each seed bears it, so that its interval has no width.
    values = {seed: value if math.isfinite(each) else math.nan for seed, each in less.values.items()}
    source = less.source
    return Quantity(
        f"{name}.p",
        f"p value of the paired t test: {less.meaning}",
        values,
        "probability",
        type(source)(source.runs, source.file, f"two-sided t test over the seeds of {source.field}"),
    )
