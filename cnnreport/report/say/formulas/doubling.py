"""What doubling the height and width of an input does to the counts of a net."""

from collections.abc import Sequence

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.say.formulas.derived import Total

AREA = 4
"""By how much doubling the height and width multiplies the area."""

WITHOUT_PADDING = "without padding"
ALL_TO_ALL = "all to all"
"""What the names of the conventions contain under which a count need not grow by a fixed factor."""

_WEIGHTS = ("unchanged", "scaled", "varies")
_OUTPUTS = ("unchanged", "area", "otherwise", "varies")
_CONNECTIONS = ("unchanged", "as_outputs", "otherwise", "varies")
_LOOSE = ("none", "padding", "pairs", "padding_and_pairs", "others")


def doubling(six: Sequence[Total]) -> dict[str, Decision]:
    """Decide how weights, outputs and connections change, by the factors of their totals.

    Args:
        six: The totals of weights, outputs and connections, in this order.
    """
    weights, outputs, connections = six
    return {
        "weights": Decision("how the weights change", _weights(weights), _WEIGHTS),
        "outputs": Decision("how the outputs change", _outputs(outputs), _OUTPUTS),
        "connections": Decision(
            "how the connections change", _connections(outputs, connections), _CONNECTIONS
        ),
    }


def loose(totals: Sequence[Total]) -> Decision:
    """Decide why some totals have no fixed factor: taps on padding, pairs of values, or something else."""
    names = "; ".join(total.name for total in totals if total.factor is None)
    reasons = [
        reason for reason, mark in (("padding", WITHOUT_PADDING), ("pairs", ALL_TO_ALL)) if mark in names
    ]
    outcome = "_and_".join(reasons) or ("others" if names else "none")
    return Decision("why some counts have no fixed factor", outcome, _LOOSE)


def _weights(total: Total) -> str:
    if total.factor is None:
        return "varies"
    return "unchanged" if total.unchanged else "scaled"


def _outputs(total: Total) -> str:
    if total.factor is None:
        return "varies"
    if total.unchanged:
        return "unchanged"
    return "area" if total.factor.mean == AREA else "otherwise"


def _connections(outputs: Total, total: Total) -> str:
    if total.factor is None:
        return "varies"
    if total.unchanged:
        return "unchanged"
    same = outputs.factor is not None and total.factor.mean == outputs.factor.mean
    return "as_outputs" if same else "otherwise"
