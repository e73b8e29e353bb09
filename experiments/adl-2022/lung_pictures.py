"""What 2.2 draws: how the U-Nets learn, and the masks that they find."""

from collections.abc import Mapping, Sequence

import numpy as np

from cnnreport.kinds.digits import digits
from cnnreport.report.draw import figure, thumbnails
from cnnreport.report.draw.figure import Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.thumbnails import Caption
from cnnreport.report.numbers import reading
from cnnreport.report.say import training
from cnnreport.runs.artefact import Run

from .lungs.outlines import Array, cropped, outlined

SHOWN = {0: "best", 1: "median", 2: "worst"}
"""Which of the kept test images are which by their F1; the last one kept is the first of the test images."""

FIXED = 3


def pictures(trained: Mapping[str, Sequence[Run]], best: str) -> dict[str, Picture]:
    """Draw how all variants learn, and masks of test images.

    Args:
        trained: The runs of each variant by what it is called.
        best: The variant whose best, median and worst image are shown.

    Returns:
        ``loss`` and ``f1`` over the epochs, ``cases`` and ``fixed``, the first test image.
    """
    data = reading.datasets(trained[best])
    shown = {who: training.shown_run(of) for who, of in trained.items()}
    return {
        "loss": _curves(trained, ("train_loss", "validation_loss"), "loss (nats)"),
        "f1": _curves(trained, ("train_f1", "validation_f1"), "F1", floor=begins(trained)),
        "cases": _best_to_worst(shown[best], data),
        "fixed": _one_by_all(shown, data),
    }


def begins(trained: Mapping[str, Sequence[Run]]) -> float | None:
    """Return where curves of the F1 may begin: its first epochs are so low that the last ones look equal.

    Returns:
        The lowest value of the second half of the epochs; None where nothing is lower, or nothing finite.
    """
    columns = ("train_f1", "validation_f1")
    rows = [
        [row[column] for row in run.history] for of in trained.values() for run in of for column in columns
    ]
    late = [value for row in rows for value in row[len(row) // 2 :] if np.isfinite(value)]
    early = [value for row in rows for value in row[: len(row) // 2] if np.isfinite(value)]
    return min(late) if late and early and min(early) < min(late) else None


def _curves(
    trained: Mapping[str, Sequence[Run]], columns: Sequence[str], label: str, *, floor: float | None = None
) -> Picture:
    """Draw columns of the histories of all trials."""
    drawn = [
        _curve(who, column, [[row[column] for row in run.history] for run in of], paired=len(columns) > 1)
        for who, of in trained.items()
        for column in columns
    ]
    what = label.partition(" (")[0]
    form = "loss" if "loss" in columns[-1] else "score"
    ends = "; ".join(
        f"{who}: {reading.last(of, columns[-1], what, form).text}" for who, of in trained.items()
    ).replace("\u00a0", " ")
    alt = f"Curves of the {what} over the epochs, one for each trial. At the end, in validation, {ends}."
    data = reading.datasets(next(iter(trained.values())))
    return figure.curves(drawn, label, alt, data, wide=True, floor=floor)


def _curve(who: str, column: str, seeds: list[list[float]], *, paired: bool) -> Curve:
    if not paired:
        return Curve(who, "contender", seeds)
    if column.startswith("train"):
        return Curve("training", "train", seeds, contender=who)
    return Curve("validation", "validation", seeds, contender=who)


def _best_to_worst(run: Run, data: tuple[reading.DataSet, ...]) -> Picture:
    kept = run.samples()
    images = [
        outlined(*(kept[f"shown_{name}"][place] for name in ("image", "mask", "predicted")))
        for place in SHOWN
    ]
    captions = [
        Caption(f"{which}: test image {kept['shown_number'][place]}, {_score(kept, place)}")
        for place, which in SHOWN.items()
    ]
    alt = "Test images with the best, the median and the worst F1, the true mask dashed, the predicted solid."
    return thumbnails.captioned(np.stack(images), captions, alt, data, columns=3)


def _score(kept: Mapping[str, Array], place: int) -> str:
    """Write the F1 of a test image that a run kept."""
    score = float(kept["case_f1"][kept["shown_number"][place]])
    return f"F1 {digits(score, 'score')}"


def _one_by_all(shown: Mapping[str, Run], data: tuple[reading.DataSet, ...]) -> Picture:
    kept = {who: run.samples() for who, run in shown.items()}
    image, truth = (next(iter(kept.values()))[f"shown_{name}"][FIXED] for name in ("image", "mask"))
    predicted = [each["shown_predicted"][FIXED] for each in kept.values()]
    image, truth, *predicted = cropped(image, truth, *predicted)
    images = [outlined(image, truth), *(outlined(image, truth, each) for each in predicted)]
    captions = [Caption("true mask")]
    captions += [Caption(f"{who}, {_score(each, FIXED)}") for who, each in kept.items()]
    alt = "The first test image with the mask that each variant predicts, the true one dashed."
    return thumbnails.captioned(np.stack(images), captions, alt, data, columns=3)
