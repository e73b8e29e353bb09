"""What another way to test the same weights changes, trial by trial."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.estimate import LEVEL, Estimate
from cnnreport.report.numbers.family import Role, family
from cnnreport.report.numbers.quantity import Quantity, combine, difference, over_all
from cnnreport.report.numbers.verdict import Outcome, Verdict

OUTCOMES = ("below", "above", "same", "undecided", "lost")

TRAPS = ("sorted_alone", "shuffled_alone", "both", "neither", "undecided", "lost")
"""In which orders of the test images the train mode costs accuracy."""


@dataclass(frozen=True)
class Change:
    """An accuracy of some weights against that of the same weights in evaluation mode.

    Args:
        words: How it is tested.
        amount: The difference in each trial.
        p: That of the t test of the differences against zero; None with one trial, or where all are equal.
        role: See `cnnreport.report.numbers.family.family`.
        adjusted: The p value after correction, which decides.
    """

    words: str
    amount: Quantity
    p: Quantity | None
    role: Role = ""
    adjusted: Quantity | None = None

    def judged(self, role: Role, adjusted: Quantity | None) -> "Change":
        """Return the same as one of several that answer a question."""
        return replace(self, role=role, adjusted=adjusted)

    @property
    def outcome(self) -> str:
        """Which way the accuracy differs, one of `OUTCOMES`; one trial decides by its sign."""
        if not self.amount.finite:
            return "lost"
        decides = self.adjusted or self.p
        if decides is not None and decides.mean >= LEVEL:
            return "undecided"
        if self.amount.mean == 0:
            return "same"
        return "below" if self.amount.mean < 0 else "above"

    @property
    def decision(self) -> Decision:
        """The same for a template."""
        return Decision(f"the test accuracy with {self.words}", self.outcome, OUTCOMES)

    @property
    def verdict(self) -> Verdict:
        """The judgement that the accuracy is lower."""
        fall = combine(
            f"{self.amount.name}.fall", f"fall of the test accuracy with {self.words}", "minus ({})",
            lambda x: -x, self.amount, form="points",
        )  # fmt: skip
        truths: Mapping[str, Outcome] = {"below": "yes", "undecided": "open", "lost": "unknown"}
        claim = f"The test accuracy is lower with {self.words} than in evaluation mode"
        truth = truths.get(self.outcome, "no")
        return Verdict(claim, fall, 0.0, truth, self.p, self.adjusted, self.role)


def changes(values: Mapping[str, Quantity], ways: Mapping[str, str]) -> dict[str, Change]:
    """Return what each way to test changes, judged together: their p values are corrected for their number.

    Args:
        values: The numbers of one training, ``test_accuracy`` that in evaluation mode.
        ways: What the accuracies in other ways are called, and how one tests so.
    """
    experiment = values["test_accuracy"].name.partition(".")[0]
    made = {}
    for name, words in ways.items():
        meaning = f"test accuracy with {words}, minus that in evaluation mode"
        amount = difference(
            f"{experiment}.{name}_change", meaning, values[name], values["test_accuracy"], "points"
        )
        made[name] = Change(words, amount, _p(amount))
    return family(made)


def _p(amount: Quantity) -> Quantity | None:
    """Return the p value of the t test of differences against zero, over trials of the same weights."""
    count, half = len(amount.finite), amount.half_width
    if count < 2 or not half:
        return None
    degrees = count - 1
    one = Estimate(amount.mean, 1.0, degrees)  # whose half-width is the quantile of t
    value = Estimate(amount.mean, half / one.half_width, degrees).p
    assert value is not None
    return over_all(
        f"{amount.name}.p", f"p value: {amount.meaning}", value, "two-sided t test of {}", amount,
        form="probability",
    )  # fmt: skip


def trap(made: Mapping[str, Change]) -> Decision:
    """Say in which orders of the images the train mode costs accuracy."""
    in_order, mixed = (made[f"test_accuracy_{order}"].outcome for order in ("sorted", "shuffled"))
    outcome = "neither"
    if "lost" in (in_order, mixed):
        outcome = "lost"
    elif in_order == mixed == "below":
        outcome = "both"
    elif in_order == "below":
        outcome = "sorted_alone"
    elif mixed == "below":
        outcome = "shuffled_alone"
    elif "undecided" in (in_order, mixed):
        outcome = "undecided"
    return Decision("in which orders the train mode costs accuracy", outcome, TRAPS)
