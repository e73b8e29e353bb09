"""Two fine-tunings compared: which numbers differ, what the seeds make of it, and the curves of both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnreport.errors import UsageError
from cnnreport.report import answer
from cnnreport.report.answer import Answer
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.contrast import contrast, seed_margin
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say import colourization, segmentation
from cnnreport.report.say.probabilities import Rivals
from cnnreport.runs.artefact import Run

COMPARED = ("mean_iou", "mean_iou_cut", "flower_iou", "starter", "starter_best", "accuracy", "boundary_f",
            "share_predicted", "share_off", "sure")  # fmt: skip
"""The numbers compared. The losses are not among them: where they differ, so do their scales."""


def against(
    left: Sequence[Run],
    right: Sequence[Run],
    left_name: str,
    right_name: str,
    names: Sequence[str] = COMPARED,
) -> Answer:
    """Compare one fine-tuning with another, seed by seed.

    Where the left one has fewer seeds, the right one is cut down to the same. If that leaves one seed, what
    two runs differ by that differ in their seed alone, as the right runs show it, decides.

    Args:
        left: The runs of the fine-tuning that is judged.
        right: Those of the fine-tuning beside which it stands.
        left_name: What the text calls the first.
        right_name: What the text calls the second.
        names: Which of `segmented.numbers` to compare.

    Returns:
        ``contrasts``: those of `names`; ``verdicts``: that of each; ``values``: ``margin``, for the mean
        IoU, where margins decide; ``facts``: ``left``, ``right``, ``several``, ``all_lost``.

    Raises:
        UsageError: The left runs have a seed that the right ones lack.
    """
    mine, theirs = segmentation.numbers(left), _of_seeds(right, [run.seed for run in left])
    margins = _margins(right, names) if len(left) < len(right) else {}
    prefix = f"{colourization.experiment_of(left)}.less.{colourization.experiment_of(right)}"
    found = {
        name: contrast(f"{prefix}.{name}", mine[name], theirs[name], left_name, right_name, margins.get(name))
        for name in names
    }
    margin = found["mean_iou"].margin
    return Answer(
        values={} if margin is None else {"margin": margin},
        contrasts=found,
        verdicts={name: each.verdict for name, each in found.items()},
        facts={
            "left": left_name,
            "right": right_name,
            "several": len(left) > 1,
            "all_lost": found["mean_iou"].unknown,
        },
    )


def curves(rivals: Rivals, column: str, y_label: str) -> Picture:
    """Draw a column of the history for several fine-tunings.

    Args:
        rivals: What the legend calls each, its role and its runs.
        column: The column.
        y_label: What it is.
    """
    drawn = [
        Curve(label, role, [[row[column] for row in run.history] for run in runs])
        for label, role, runs in rivals
    ]
    ends = "; ".join(
        f"{label}: {answer.last(runs, column, y_label, 'score').text}" for label, _, runs in rivals
    )
    alt = f"Curves of the {y_label} over the epochs. At the end {ends}.".replace("\u00a0", " ")
    return figure.curves(drawn, y_label, alt, answer.datasets(rivals[0][2]))


def _of_seeds(runs: Sequence[Run], seeds: Sequence[int]) -> Mapping[str, Quantity]:
    """Return the numbers of the runs of some seeds, under names of their own if these are not all."""
    kept = [run for run in runs if run.seed in seeds]
    if len(kept) == len(runs):
        return segmentation.numbers(runs)
    if len(kept) < len(seeds):
        raise UsageError(
            f"the runs of {colourization.experiment_of(runs)} lack a seed that they are compared by",
            "build again so that all have the same",
        )
    which = ", ".join(map(str, seeds))
    return {
        name: replace(number, name=f"{number.name} (seed {which})")
        for name, number in segmentation.numbers(kept).items()
    }


def _margins(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Quantity]:
    known = segmentation.numbers(runs)
    found = {name: seed_margin(known[name]) for name in names}
    return {name: margin for name, margin in found.items() if margin is not None}
