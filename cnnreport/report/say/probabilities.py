"""What a net's probabilities of flower are like: where it is best to cut them, and how sure they are."""

from collections.abc import Callable, Sequence

import numpy as np

from cnnreport.kinds.kind import Form
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say import training
from cnnreport.report.say.training import Rivals
from cnnreport.runs.artefact import Run

TICKS = (0, 0.25, 0.5, 0.75, 1)

_READ: tuple[tuple[str, str, str, Form, Callable[[Arrays], float]], ...] = (
    ("mean_iou_cut", "threshold_mean_iou, its highest", "mean IoU, cut where it is highest", "score",
     lambda arrays: float(arrays["threshold_mean_iou"].max())),
    ("flower_iou_cut", "threshold_flower_iou, its highest",
     "flower IoU per image, cut where it is highest", "score",
     lambda arrays: float(arrays["threshold_flower_iou"].max())),
    ("cut", "threshold, at the highest of threshold_mean_iou", "cut where the mean IoU is highest", "ratio",
     lambda arrays: best_cut(arrays, "threshold_mean_iou")),
    ("flower_cut", "threshold, at the highest of threshold_flower_iou",
     "cut where the flower IoU per image is highest", "ratio",
     lambda arrays: best_cut(arrays, "threshold_flower_iou")),
    ("cuts", "threshold, how many", "cuts tried, in equal steps", "count",
     lambda arrays: float(len(arrays["threshold"]))),
    ("sure", "probability_histogram, first and last of all", "share of pixels with a sure probability",
     "share", lambda arrays: sure(arrays)),
)  # fmt: skip
"""The name of a number, where it is read, what a reader calls it, how it prints, and how it is computed."""


def numbers(runs: Sequence[Run], mean_iou: Quantity) -> dict[str, Quantity]:
    """Return where the probabilities of some runs are best cut, what that gains, and how sure they are.

    Args:
        runs: The runs of one fine-tuning.
        mean_iou: Their mean IoU where pixels are called flower from a probability of one half on.
    """
    experiment, values = training.experiment_of(runs), _read(runs)
    return values | {
        "cut_gain": difference(
            f"{experiment}.cut_gain",
            "mean IoU gained by the best cut",
            values["mean_iou_cut"],
            mean_iou,
            "score",
        ),
        "flower_cut_expected": combine(
            f"{experiment}.flower_cut_expected",
            "cut expected of honest probabilities",
            "J / (1 + J) with J the {}",
            lambda iou: iou / (1 + iou),
            values["flower_iou_cut"],
            form="ratio",
        ),
    }


def best_cut(arrays: Arrays, curve: str) -> float:
    """Return the threshold, in 0..1, at which a curve (T,) over the thresholds (T,) is highest."""
    place = int(np.argmax(arrays[curve]))
    return round(float(arrays["threshold"][place]), 6)  # kept with fewer digits than it is read with


def sure(arrays: Arrays) -> float:
    """Return the share of pixels whose probability of flower lies in the first or the last class."""
    counts = arrays["probability_histogram"]
    return float((counts[0] + counts[-1]) / max(int(counts.sum()), 1))


def cut_curves(rivals: Rivals) -> Picture:
    """Draw the mean IoU over the probability from which on a pixel is called flower."""
    drawn = [
        Curve(label, "contender", _of_each(runs, "threshold_mean_iou"), x=_shown(runs)["threshold"].tolist())
        for label, runs in rivals.items()
    ]
    ends = "; ".join(
        f"{label}: highest at {_read(runs)['cut'].text}" for label, runs in rivals.items()
    ).replace("\u00a0", " ")
    alt = f"The mean IoU over the probability from which on a pixel is called flower. {ends}."
    axis = Axis("least probability of a flower", ticks=TICKS, linear=True)
    return figure.curves(drawn, "mean IoU", alt, reading.datasets(next(iter(rivals.values()))), axis=axis)


def distributions(rivals: Rivals) -> Picture:
    """Draw which share of the pixels has a probability of flower below each value."""
    drawn = [
        Curve(label, "contender", [_below(counts) for counts in _of_each(runs, "probability_histogram")],
              x=_edges(len(_shown(runs)["probability_histogram"])))
        for label, runs in rivals.items()
    ]  # fmt: skip
    ends = "; ".join(f"{label}: {_read(runs)['sure'].text}" for label, runs in rivals.items())
    alt = (
        "The share of the validation pixels that have a probability of flower below each value. "
        f"Within a twentieth of zero or one, {ends}."
    ).replace("\u00a0", " ")
    axis = Axis("probability of a flower", ticks=TICKS, linear=True)
    data = reading.datasets(next(iter(rivals.values())))
    return figure.curves(drawn, "pixels below it (%)", alt, data, per_cent=True, axis=axis)


def _read(runs: Sequence[Run]) -> dict[str, Quantity]:
    kept = _kept(runs)
    return {
        name: reading.from_samples(runs, kept, field, meaning, form, choose)
        for name, field, meaning, form, choose in _READ
    }


def _kept(runs: Sequence[Run]) -> dict[int, Arrays]:
    return {run.seed: run.samples() for run in runs}


def _shown(runs: Sequence[Run]) -> Arrays:
    return training.shown_run(runs).samples()


def _of_each(runs: Sequence[Run], name: str) -> list[list[float]]:
    """Return an array of each run as a list; nothing that a diverged run kept is drawn."""
    drawn = []
    for run in runs:
        values = np.asarray(run.samples()[name], dtype=float)
        drawn.append([float("nan")] * len(values) if run.diverged else values.tolist())
    return drawn


def _edges(classes: int) -> list[float]:
    return [place / classes for place in range(classes + 1)]


def _below(counts: Sequence[float]) -> list[float]:
    total = sum(counts) or 1.0
    return [0.0, *(float(part) for part in np.cumsum(counts) / total)]
