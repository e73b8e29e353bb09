"""How the loss of a training moved, decided from verdicts: what a text says of over- and undertraining."""

from collections.abc import Mapping

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.verdict import Verdict

_ENDS = ("falling", "rising", "level", "level_without_gap", "not_rising", "not_falling", "undecided")
_RISES = ("recovering", "overfits", "without_gap", "gap_open", "perhaps", "gap_only", "lowest")
_STEPS = ("none", "rises", "falls", "both")


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


def direction(rises: Quantity, count: Quantity) -> Decision:
    """Decide in which direction a number goes from each training to the next.

    Args:
        rises: At how many of the steps it rises.
        count: How many steps there are.
    """
    if count.mean == 0:
        outcome = "none"
    elif rises.mean in (0, count.mean):
        outcome = "rises" if rises.mean else "falls"
    else:
        outcome = "both"
    return Decision(f"the direction of the {rises.meaning}", outcome, _STEPS)


def _end(verdicts: Mapping[str, Verdict]) -> str:
    falling, rising = verdicts["falling"], verdicts["rising"]
    if falling.yes or rising.yes:
        return "falling" if falling.yes else "rising"
    if falling.no and rising.no:
        return "level_without_gap" if verdicts["gap"].no and verdicts["risen"].no else "level"
    if rising.no:
        return "not_rising"
    return "not_falling" if falling.no else "undecided"


def _rise(verdicts: Mapping[str, Verdict]) -> str:
    gap, risen = verdicts["gap"], verdicts["risen"]
    if risen.yes and verdicts["falling"].yes:
        return "recovering"
    if risen.yes:
        return "overfits" if gap.yes else "without_gap" if gap.no else "gap_open"
    if risen.open:
        return "perhaps"
    return "gap_only" if gap.yes else "lowest"
