"""What the text decides of fine-tunings: what a score stands for, what comparisons come to, what is saved."""

from collections.abc import Mapping

from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.verdict import Verdict

SEEN = 0.0005
"""The smallest change of a mean IoU that does not print as zero."""

INCOMPARABLE = "incomparable"
"""The decision where no seed gave two finite numbers."""


def score(values: Mapping[str, Quantity]) -> Decision:
    """Decide what the starter's score says of the flower IoU; ``below``: less than images alike would have.

    Args:
        values: ``starter``, ``flower_iou`` and ``implied_low`` of one fine-tuning.
    """
    outcome = "positive"
    if not values["starter"].finite:
        outcome = "lost"
    elif values["starter"].mean == 0:
        outcome = "zero"
    elif values["flower_iou"].mean < values["implied_low"].mean:
        outcome = "below"
    return Decision("what the starter's score stands for", outcome, ("positive", "below", "zero", "lost"))


def benefit(classes: Contrast, flower: Contrast) -> Decision:
    """Decide for what the left fine-tuning does better or worse.

    Args:
        classes: The mean IoU of both classes.
        flower: The flower IoU per image.
    """
    pairs = {
        ("open", "open"): "neither",
        ("higher", "higher"): "better",
        ("lower", "lower"): "worse",
        ("higher", "open"): "classes_better",
        ("lower", "open"): "classes_worse",
        ("open", "higher"): "flower_better",
        ("open", "lower"): "flower_worse",
        ("lower", "higher"): "flower_alone",
        ("higher", "lower"): "classes_alone",
    }
    outcome = pairs.get((classes.outcome, flower.outcome), INCOMPARABLE)
    return Decision("for what the left one does better", outcome, (*pairs.values(), INCOMPARABLE))


def at_best_cut(half: Contrast, best: Contrast) -> Decision:
    """Decide what becomes of a difference where each fine-tuning has the cut that is best for it.

    Args:
        half: What is compared with a cut at one half.
        best: The same with the best cut of each.
    """
    outcome = "turns"
    if half.unknown or best.unknown:
        outcome = INCOMPARABLE
    elif best.open:
        outcome = "still_unclear" if half.open else "vanishes"
    elif half.open:
        outcome = "appears"
    elif half.outcome == best.outcome:
        outcome = "stays"
    among = ("still_unclear", "appears", "vanishes", "stays", "turns", INCOMPARABLE)
    return Decision("what the best cuts change", outcome, among)


def ending(rising: Verdict, peaked: Quantity, seeds: Quantity) -> Decision:
    """Decide where the mean IoU of a fine-tuning was going at the end.

    Args:
        rising: Whether it rises from a late window of epochs to the next, zero being the threshold.
        peaked: In how many seeds an epoch before the last was the best.
        seeds: How many seeds there are.

    Returns:
        ``rises`` or ``falls`` where the interval of the change says so, and a reader sees a change; else
        ``peaked`` where most seeds were best before the last epoch, and ``level`` where they were not.
    """
    outcome = {"yes": "rises", "no": "falls", "unknown": "lost"}.get(rising.outcome, "level")
    if abs(rising.amount.mean) < SEEN:
        outcome = "level"
    if outcome == "level" and 2 * peaked.mean > seeds.mean:
        outcome = "peaked"
    among = ("rises", "falls", "peaked", "level", "lost")
    return Decision("where the mean IoU was going at the end", outcome, among)


def agreement(here: Contrast, there: Contrast) -> Decision:
    """Decide whether two comparisons have the same result; one that is not clear contradicts none."""
    outcome = "opposite"
    if here.unknown or there.unknown:
        outcome = INCOMPARABLE
    elif here.outcome == there.outcome:
        outcome = "same"
    elif there.open:
        outcome = "clear_here"
    elif here.open:
        outcome = "clear_there"
    among = ("same", "clear_here", "clear_there", "opposite", INCOMPARABLE)
    return Decision("whether two comparisons agree", outcome, among)


def saved(values: Mapping[str, Quantity], verdicts: Mapping[str, Verdict]) -> dict[str, bool]:
    """Return what is so of the costs of all layers and of the last.

    Args:
        values: Those of `cnnreport.report.say.costs.costs`.
        verdicts: The same.

    Returns:
        ``dearer``: all layers cost more in activations and backward; ``same_forward``; for the doubled input
        ``like_area``: activations and operations grow with it, and ``same_memory``: that of Adam does not.
    """
    return {
        "dearer": verdicts["activations_saved"].yes and verdicts["backward_saved"].yes,
        "same_forward": values["forward_saved"].mean == 1,
        "like_area": all(verdict.no for name, verdict in verdicts.items() if name.endswith("_off")),
        "same_memory": all(values[f"{mode}_optimiser_factor"].mean == 1 for mode in ("all", "last")),
    }
