"""Two trainings side by side: how a number of one differs from the other's, and what the seeds make of it."""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.estimate import LEVEL, Estimate, difference_of_means
from cnnreport.report.numbers.family import Role, family
from cnnreport.report.numbers.quantity import Quantity, over_all
from cnnreport.report.numbers.rounding import adds_up
from cnnreport.report.numbers.verdict import Outcome as Truth
from cnnreport.report.numbers.verdict import Verdict

Outcome = Literal["lower", "higher", "open", "unknown"]

Basis = Literal["welch", "predicted", "images", "images_alone", "exact", "sign", "nothing"]
"""What decides: the test of Welch, several seeds each; the prediction interval, one against several; images
and seeds together, or images alone; nothing to test, where seeds change nothing or agree to the
bit; the sign, one seed each; or nothing, where one side has no finite number.
"""

TESTED: tuple[Basis, ...] = ("welch", "predicted", "images", "images_alone")
"""Those that give a p value."""

_BY_WEIGHT: tuple[Basis, ...] = (*TESTED, "sign", "exact", "nothing")
"""What a table explains first where its rows were decided in several ways."""

_HOW: Mapping[Basis, str] = {
    "welch": "95 % interval of Welch (1947) over the seeds of both",
    "predicted": "95 % prediction interval of one more run, by the seeds of the other side",
    "images": "95 % interval over seeds and images",
    "images_alone": "95 % interval over images",
}


class Directed(Protocol):
    """What goes up or down: a contrast, a trend."""

    @property
    def lower(self) -> bool:
        """Whether it is lower."""

    @property
    def higher(self) -> bool:
        """Whether it is higher."""


@dataclass(frozen=True)
class Contrast:
    """A number of one net against the same number of another, over the seeds of both.

    Args:
        meaning: What is compared.
        left: The number of the net that is compared.
        right: That of the net beside which it stands.
        names: Who has the left one, and who the right one.
        basis: What decides.
        difference: The mean of the left less that of the right, with its interval where it has one.
        apart: The same with the sign turned where it is negative, for "lower by".
        relative: The difference over the mean of the right one; None where that is zero, or less than a
            tenth of the difference.
        p: The two-sided p value of the difference against zero; None where there is no test.
        role: What it is in its question; see `cnnreport.report.numbers.family.family`.
        adjusted: The p value after correction, of a secondary one; it decides then.
    """

    meaning: str
    left: Quantity
    right: Quantity
    names: tuple[str, str]
    basis: Basis
    difference: Quantity
    apart: Quantity
    relative: Quantity | None
    p: Quantity | None
    role: Role = ""
    adjusted: Quantity | None = None

    @property
    def outcome(self) -> Outcome:
        """What the numbers decide."""
        if self.basis == "nothing":
            return "unknown"
        decides = self.adjusted or self.p
        clear = decides is None or decides.mean < LEVEL
        if not clear or self.difference.mean == 0 or (not self.sure and self.left.text == self.right.text):
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
        """Whether one of them has no finite number."""
        return self.outcome == "unknown"

    @property
    def unconfirmed(self) -> bool:
        """Whether it is open only because its p value was corrected for several comparisons."""
        return self.open and self.p is not None and self.p.mean < LEVEL

    @property
    def separate(self) -> bool:
        """Whether, with several seeds on both sides, all of one side lie above all of the other."""
        mine, theirs = self.left.finite, self.right.finite
        several = min(len(mine), len(theirs)) > 1
        return several and (min(mine) > max(theirs) or max(mine) < min(theirs))

    @property
    def sure(self) -> bool:
        """Whether more than the sign of one seed decided."""
        return self.basis not in ("sign", "nothing")

    @property
    def adds_up(self) -> bool:
        """Whether a reader who subtracts the printed numbers gets the printed difference."""
        return adds_up(self.difference, self.left, self.right)

    @property
    def phrase(self) -> str:
        """The outcome in words."""
        same = "the same" if self.basis == "exact" else "no clear difference"
        said = {"open": same, "unknown": "cannot be said"}.get(self.outcome, self.outcome)
        return said if self.sure or self.unknown else f"{said} (one seed)"

    @property
    def verdict(self) -> Verdict:
        """The outcome as a judgement: whether they differ, and which way if so.

        The test is two-sided, and what it decides is how large the difference is.
        """
        meaning, (left, right) = f"{self.meaning[:1].upper()}{self.meaning[1:]}", self.names
        truths: Mapping[Outcome, Truth] = {"higher": "yes", "lower": "yes", "unknown": "unknown"}
        truth = truths.get(self.outcome, "open" if self.p else "no")
        way = f"{self.outcome} for {left} than for" if truth == "yes" else f"{left} differs from"
        claim, still = f"{meaning}: {way} {right}", self.basis == "exact"
        return Verdict(claim, self.apart, 0.0, truth, self.p, self.adjusted, self.role, constant=still)

    def judged(self, role: Role, adjusted: Quantity | None) -> "Contrast":
        """Return the same as one of several that answer a question."""
        return replace(self, role=role, adjusted=adjusted)


def contrast(
    name: str,
    left: Quantity,
    right: Quantity,
    left_name: str,
    right_name: str,
    *,
    of_data: bool = False,
) -> Contrast:
    """Compare two numbers over the seeds of both; the two may have different seeds, and not equally many.

    Several seeds decide by `cnnreport.report.numbers.estimate.difference_of_means`. Where nothing varies, for
    no seed can change it or all seeds of each side agree to the bit, there is nothing to test, and the
    numbers are compared as they are. One seed against one decides by the sign, which is not `sure`, unless
    both print alike.

    Args:
        name: Unique in the report; names of the new quantities begin with it.
        left: The number that is compared.
        right: The number that it is compared with; of the same form.
        left_name: Who has the left one, for the table of verdicts.
        right_name: Who has the right one.
        of_data: Data and settings alone decide both numbers, as they do a count of weights.
    """
    basis, estimate = _judge(left, right, of_data=of_data)
    return contrast_of(name, left, right, (left_name, right_name), basis, estimate)


def contrast_of(
    name: str,
    left: Quantity,
    right: Quantity,
    names: tuple[str, str],
    basis: Basis,
    estimate: Estimate,
    meaning: str = "",
) -> Contrast:
    """Return the contrast of two numbers whose difference is estimated; see `contrast`.

    Args:
        name: Unique in the report; names of the new quantities begin with it.
        left: The number that is compared.
        right: The number that it is compared with; of the same form.
        names: Who has the left one, and who the right one.
        basis: What decides.
        estimate: The difference.
        meaning: What is compared; the meaning of the left number where it is left out.
    """
    what = meaning or left.meaning
    tested = basis in TESTED
    # What is exact has an interval of no width, what has but one seed has none.
    half = estimate.half_width if tested or basis == "exact" else None
    form = "points" if left.form == "share" else left.form
    how = f"mean of {{}} minus mean of {{}}{f'; {_HOW[basis]}' if tested else ''}"
    said = f"{what}, {names[0]} minus {names[1]}"
    less = over_all(f"{name}.difference", said, estimate.value, how, left, right, form=form, half=half)
    size = over_all(
        f"{name}.apart",
        f"size of the difference: {said}",
        abs(estimate.value),
        f"size of ({how})",
        left,
        right,
        form=form,
        half=half,
    )
    return Contrast(
        meaning=what,
        left=left,
        right=right,
        names=names,
        basis=basis,
        difference=less,
        apart=size,
        relative=_relative(name, less, right),
        p=_p(name, less, estimate.p) if tested else None,
    )


def contrasts(
    names: Sequence[str],
    left: Mapping[str, Quantity],
    right: Mapping[str, Quantity],
    left_name: str,
    right_name: str,
    of_data: Container[str] = (),
    primary: Sequence[str] = (),
) -> dict[str, Contrast]:
    """Compare the numbers of two trainings that bear the given names; see `contrast`.

    Those in `primary`, by default the first name, are the measures that the question asks about; the others
    are secondary. Those in `of_data` are decided by data and settings alone.
    """
    first = names[0]
    prefix = f"{left[first].name.partition('.')[0]}.less.{right[first].name.partition('.')[0]}"
    compared = {
        name: contrast(
            f"{prefix}.{name}",
            left[name],
            right[name],
            left_name,
            right_name,
            of_data=name in of_data,
        )
        for name in names
    }
    return family(compared, primary or (first,))


def basis(contrasts: Sequence[Contrast]) -> Decision:
    """Return what decided the verdicts of some contrasts: what a table of them has to explain.

    Returns:
        The first of the bases that is found among those that vary; ``exact`` where none does, ``nothing``
        where there is none.
    """
    among = get_args(Basis)
    found = [each.basis for each in contrasts]
    outcome = next((name for name in _BY_WEIGHT if name in found), "nothing")
    return Decision("what decides which is higher", outcome, among)


def balance(
    meaning: str, lower_is_better: Sequence[Directed], higher_is_better: Sequence[Directed] = ()
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


def _judge(left: Quantity, right: Quantity, *, of_data: bool) -> tuple[Basis, Estimate]:
    """Return what can decide between two numbers, and their difference."""
    mine, theirs = left.finite, right.finite
    plain = Estimate(left.mean - right.mean, 0.0, math.inf)
    if not mine or not theirs:
        return "nothing", plain
    fewest, varies = min(len(mine), len(theirs)), len({*mine}) > 1 or len({*theirs}) > 1
    if not varies and (fewest > 1 or of_data):
        return "exact", plain
    if varies and (estimate := difference_of_means(mine, theirs)) is not None:
        return "welch" if fewest > 1 else "predicted", estimate
    return "sign", plain


def _relative(name: str, less: Quantity, right: Quantity) -> Quantity | None:
    # Of many times a number, per cents say nothing.
    if not less.finite or abs(less.mean) >= 10 * abs(right.mean):
        return None
    return over_all(
        f"{name}.relative",
        f"{less.meaning}, relative to the latter",
        less.mean / right.mean,
        "{} over the mean of {}",
        less,
        right,
        form="share",
    )


def _p(name: str, less: Quantity, value: float | None) -> Quantity | None:
    if value is None:
        return None
    return over_all(
        f"{name}.p", f"p value: {less.meaning}", value, "two-sided t test of {}", less, form="probability"
    )
