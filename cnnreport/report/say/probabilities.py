"""What a net's probabilities of flower are like: where it is best to cut them, and how sure they are."""

from collections.abc import Mapping, Sequence

import numpy as np

from cnnreport.report import answer
from cnnreport.report.answer import Arrays
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve, Role
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.say import colourization
from cnnreport.runs.artefact import Run

TICKS = (0, 0.25, 0.5, 0.75, 1)

Rivals = Sequence[tuple[str, Role, Sequence[Run]]]
"""What the legend calls each of two fine-tunings, its role and its runs."""


def numbers(runs: Sequence[Run], mean_iou: Quantity) -> dict[str, Quantity]:
    """Return where the probabilities of some runs are best cut, what that gains, and how sure they are.

    Args:
        runs: The runs of one fine-tuning.
        mean_iou: Their mean IoU where pixels are called flower from a probability of one half on.
    """
    experiment = colourization.experiment_of(runs)
    kept = _kept(runs)
    highest = answer.from_samples(
        runs,
        kept,
        "threshold_mean_iou, its highest",
        "mean IoU, cut where it is highest",
        "score",
        lambda arrays: float(arrays["threshold_mean_iou"].max()),
    )
    flower = answer.from_samples(
        runs,
        kept,
        "threshold_flower_iou, its highest",
        "flower IoU per image, cut where it is highest",
        "score",
        lambda arrays: float(arrays["threshold_flower_iou"].max()),
    )
    return {
        "mean_iou_cut": highest,
        "cut": _cut(runs, kept, "mean_iou", "mean IoU"),
        "cuts": answer.from_samples(
            runs,
            kept,
            "threshold, how many",
            "cuts tried, in equal steps",
            "count",
            lambda arrays: float(len(arrays["threshold"])),
        ),
        "cut_gain": difference(
            f"{experiment}.cut_gain", "mean IoU gained by the best cut", highest, mean_iou, "score"
        ),
        "flower_cut": _cut(runs, kept, "flower_iou", "flower IoU per image"),
        "flower_cut_expected": combine(
            f"{experiment}.flower_cut_expected",
            "cut expected of honest probabilities",
            "J / (1 + J) with J the {}",
            lambda iou: iou / (1 + iou),
            flower,
            form="ratio",
        ),
        "sure": answer.from_samples(
            runs,
            kept,
            "probability_histogram, first and last of all",
            "share of pixels with a sure probability",
            "share",
            sure,
        ),
    }


def sure(arrays: Arrays) -> float:
    """Return the share of pixels whose probability of flower lies in the first or the last class."""
    counts = arrays["probability_histogram"]
    return float((counts[0] + counts[-1]) / max(int(counts.sum()), 1))


def cut_curves(rivals: Rivals) -> Picture:
    """Draw the mean IoU over the probability from which on a pixel is called flower."""
    drawn = [
        Curve(label, role, _of_each(runs, "threshold_mean_iou"), x=_shown(runs)["threshold"].tolist())
        for label, role, runs in rivals
    ]
    ends = "; ".join(
        f"{label}: highest at {_cut(runs, _kept(runs), 'mean_iou', '').text}" for label, _, runs in rivals
    ).replace("\u00a0", " ")
    alt = f"The mean IoU over the probability from which on a pixel is called flower. {ends}."
    axis = Axis("least probability of a flower", ticks=TICKS, linear=True)
    return figure.curves(drawn, "mean IoU", alt, answer.datasets(rivals[0][2]), axis=axis)


def distributions(rivals: Rivals) -> Picture:
    """Draw which share of the pixels has a probability of flower below each value."""
    drawn = [
        Curve(label, role, [_below(counts) for counts in _of_each(runs, "probability_histogram")],
              x=_edges(len(_shown(runs)["probability_histogram"])))
        for label, role, runs in rivals
    ]  # fmt: skip
    alt = "Which share of the validation pixels has a probability of flower below each value."
    axis = Axis("probability of a flower", ticks=TICKS, linear=True)
    data = answer.datasets(rivals[0][2])
    return figure.curves(drawn, "pixels below it (%)", alt, data, per_cent=True, axis=axis)


def _kept(runs: Sequence[Run]) -> dict[int, Arrays]:
    return {run.seed: run.samples() for run in runs}


def _cut(runs: Sequence[Run], kept: Mapping[int, Arrays], what: str, meaning: str) -> Quantity:
    def best(arrays: Arrays) -> float:
        place = int(np.argmax(arrays[f"threshold_{what}"]))
        return round(float(arrays["threshold"][place]), 6)  # kept with fewer digits than it is read with

    field = f"threshold, at the highest of threshold_{what}"
    return answer.from_samples(runs, kept, field, f"cut where the {meaning} is highest", "ratio", best)


def _shown(runs: Sequence[Run]) -> Arrays:
    return colourization.shown_run(runs).samples()


def _of_each(runs: Sequence[Run], name: str) -> list[list[float]]:
    """Return an array of each run as a list; nothing that a diverged run kept is drawn."""
    found = []
    for run in runs:
        values = np.asarray(run.samples()[name], dtype=float)
        found.append([float("nan")] * len(values) if answer.diverged(run) else values.tolist())
    return found


def _edges(classes: int) -> list[float]:
    return [place / classes for place in range(classes + 1)]


def _below(counts: Sequence[float]) -> list[float]:
    total = sum(counts) or 1.0
    return [0.0, *(float(part) for part in np.cumsum(counts) / total)]
