"""A yes or no that numbers decide: what was compared, and how sure the seeds make of it."""

from dataclasses import dataclass
from typing import Literal

from cnnreport.kinds.digits import digits
from cnnreport.kinds.kind import Form
from cnnreport.report.numbers.family import Role
from cnnreport.report.numbers.quantity import Quantity

COSTS: tuple[Form, ...] = ("bytes", "flops")
"""Forms of numbers that are counted of a net."""

Outcome = Literal["yes", "no", "open", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """A judgement of a report.

    Args:
        claim: What is said to hold.
        amount: The number that decides.
        threshold: What it has to exceed.
        outcome: ``open`` where the interval over seeds contains the threshold, ``unknown`` where no
            run gave a finite number.
        p: The p value of a comparison; None where there is no test.
        adjusted: The p value after correction for the number of comparisons; it decides then.
        role: What it is in its question; empty where it is no comparison, or the only one.
        reason: Why the threshold is what it is; empty where it is zero.
        constant: No seed changes what decides, so that there is nothing to test.
    """

    claim: str
    amount: Quantity
    threshold: float
    outcome: Outcome
    p: Quantity | None = None
    adjusted: Quantity | None = None
    role: Role = ""
    reason: str = ""
    constant: bool = False

    @property
    def yes(self) -> bool:
        """Whether it holds."""
        return self.outcome == "yes"

    @property
    def no(self) -> bool:
        """Whether it does not hold."""
        return self.outcome == "no"

    @property
    def open(self) -> bool:
        """Whether the seeds disagree too much to say."""
        return self.outcome == "open"

    @property
    def unknown(self) -> bool:
        """Whether there was nothing to decide it with."""
        return self.outcome == "unknown"

    @property
    def sure(self) -> bool:
        """Whether more than a single run decided: an interval, or what no seed changes, such as a cost."""
        return self.constant or self.amount.interval is not None or self.amount.form in COSTS

    @property
    def shown_threshold(self) -> str:
        """The threshold as text, with its unit."""
        return f"{digits(self.threshold, self.amount.form)}{self.amount.short_unit}"


def exceeds(claim: str, amount: Quantity, threshold: float = 0.0, reason: str = "") -> Verdict:
    """Judge whether a quantity exceeds a threshold.

    With two seeds or more the whole 95 % interval has to lie above it (yes) or not above it (no);
    a single seed decides by its value, and the verdict says that it is not `sure`.

    Args:
        claim: What is said to hold.
        amount: The number that decides.
        threshold: What it has to exceed.
        reason: Why that, for a reader, as a clause that ends a sentence.
    """
    return Verdict(claim, amount, threshold, _outcome(amount, threshold), reason=reason)


def _outcome(amount: Quantity, threshold: float) -> Outcome:
    if not amount.finite:
        return "unknown"
    low, high = amount.interval or (amount.mean, amount.mean)
    if low > threshold:
        return "yes"
    return "no" if high <= threshold else "open"
