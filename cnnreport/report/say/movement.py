"""How the loss of a training moved, decided from verdicts: what a text says of over- and undertraining."""

from collections.abc import Mapping

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.verdict import Verdict

MOVING = 0.005
"""Of the mean loss of a late window and of the one before, each a fifth of the epochs: at that pace, training
for as long again, which is five windows, would change the loss by 0.025, about as much as what is called a
rise. A loss whose direction the seeds leave open is level where they show that it moves by no more; a single
seed shows no direction, so it moves where it moves by more."""

_ENDS = ("falling", "rising", "level", "level_without_gap", "undecided")
_RISES = ("recovering", "overfits", "without_gap", "gap_open", "perhaps", "gap_only", "lowest")
_BELOW = ("not_below", "averaging", "partly")


def movement(verdicts: Mapping[str, Verdict]) -> dict[str, Decision]:
    """Decide what the validation loss did at the end, and since its lowest value.

    Args:
        verdicts: ``gap``, and with more than one epoch ``risen``, ``falling`` and ``rising``.

    Returns:
        ``end`` and ``rise``; nothing where there was a single epoch.
    """
    if "falling" not in verdicts:
        return {}
    return {
        "end": Decision("how the validation loss moved at the end", _end(verdicts), _ENDS),
        "rise": Decision("why the validation loss is above its lowest value", _rise(verdicts), _RISES),
    }


def below(gap: Quantity, fell: Quantity) -> Decision:
    """Decide whether the training loss, which is a mean over the epoch, is above the other for that reason.

    While a loss falls steadily, its mean over an epoch is above its end by half of the fall in an epoch.

    Args:
        gap: The validation loss minus the training loss.
        fell: By how much the training loss fell in the last epoch.

    Returns:
        ``not_below`` where the validation loss is not surely the lower one, ``averaging`` where half the fall
        is as much as the gap, and ``partly`` where it is less.
    """
    outcome = "not_below"
    if max(gap.interval or (gap.mean,)) < 0:
        outcome = "averaging" if fell.mean / 2 >= -gap.mean else "partly"
    return Decision("whether averaging explains a training loss above the validation loss", outcome, _BELOW)


def _end(verdicts: Mapping[str, Verdict]) -> str:
    falling, rising = verdicts["falling"], verdicts["rising"]
    if falling.yes or rising.yes:
        return "falling" if falling.yes else "rising"
    low, high = falling.amount.interval or (falling.amount.mean, falling.amount.mean)
    if low >= -MOVING and high <= MOVING:
        return "level_without_gap" if verdicts["gap"].no and verdicts["risen"].no else "level"
    return "undecided"


def _rise(verdicts: Mapping[str, Verdict]) -> str:
    gap, risen = verdicts["gap"], verdicts["risen"]
    if risen.yes and verdicts["falling"].yes:
        return "recovering"
    if risen.yes:
        return "overfits" if gap.yes else "without_gap" if gap.no else "gap_open"
    if risen.open:
        return "perhaps"
    return "gap_only" if gap.yes else "lowest"
