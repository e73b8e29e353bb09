"""Masks as pictures: rows of images, the truth, what a net makes of them, and where it errs.

The five colours of an error map differ in lightness as well as in hue, so that colour-blind readers
and black-and-white printers tell them apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnreport.errors import UsageError
from cnnreport.report.draw import thumbnails
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.thumbnails import Pixels
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say import training
from cnnreport.runs.artefact import Run

VOID = 255
"""The label of pixels that have no right answer."""

Colour = tuple[int, int, int]

COLOURS: Mapping[str, Colour] = {
    "flower": (0, 114, 178),
    "background": (221, 221, 221),
    "missed": (0, 0, 0),
    "false": (230, 159, 0),
    "void": (255, 255, 255),
}
"""Blue, light grey, black, orange and white: what captions call them."""

_GAP = 10
"""Pixels between two pictures of a row."""


def rows(runs: Sequence[Run], subset: str, what: str) -> dict[str, Picture]:
    """Return rows of pictures of one of the runs: image, truth, prediction and error map.

    Args:
        runs: The runs of one fine-tuning; the first that did not diverge is shown.
        subset: Which of its pictures: ``train``, ``validation`` or ``ranked``.
        what: Who predicts, for someone who cannot see it.

    Returns:
        ``rgb``, ``truth``, ``predicted`` and ``errors``.

    Raises:
        UsageError: The runs kept no such pictures.
    """
    arrays, data = _shown(runs, subset), reading.datasets(runs)
    groups = 3 if subset == "ranked" else 1
    order = ", in groups: the best, those around the median, the worst" if groups > 1 else ""
    scores = ", ".join(f"{iou:.2f}" for iou in arrays["iou"])
    mask, predicted = arrays["mask"], arrays["predicted"]
    flowers = {
        "truth": (truth(mask), "where the flowers are"),
        "predicted": (truth(predicted), f"where {what} sees flowers"),
        "errors": (errors(mask, predicted), f"where {what} is right and where not; IoU of flower {scores}"),
    }
    photographs = thumbnails.from_rgb(arrays["rgb"])
    strips = {
        "rgb": thumbnails.strip(
            photographs, f"{len(mask)} photographs{order}", data, scale=1, groups=groups, gap=_GAP, photo=True
        )
    }
    for name, (pixels, alt) in flowers.items():
        strips[name] = thumbnails.strip(pixels, alt, data, scale=1, groups=groups, gap=_GAP)
    return strips


def same_images(left: Sequence[Run], right: Sequence[Run], subset: str) -> None:
    """Check that the pictures of two fine-tunings may be set under each other.

    Raises:
        UsageError: They show other images.
    """
    mine, theirs = _shown(left, subset)["number"], _shown(right, subset)["number"]
    if not np.array_equal(mine, theirs):
        names = f"{training.experiment_of(left)} and {training.experiment_of(right)}"
        raise UsageError(
            f"the runs of {names} do not show the same images", "build again so that all use the same data"
        )


def truth(mask: np.ndarray[Any, Any]) -> Pixels:
    """Colour masks (N, H, W), 0 background, 1 flower, `VOID`, as (N, H, W, 3) pixels."""
    pixels: Pixels = np.empty((*mask.shape, 3), np.uint8)
    for where, name in ((mask == 0, "background"), (mask == 1, "flower"), (mask == VOID, "void")):
        pixels[where] = COLOURS[name]
    return pixels


def errors(mask: np.ndarray[Any, Any], predicted: np.ndarray[Any, Any]) -> Pixels:
    """Colour each pixel by whether the prediction is right there.

    Args:
        mask: (N, H, W), 0 background, 1 flower, `VOID`.
        predicted: (N, H, W), 0 or 1.

    Returns:
        (N, H, W, 3): right pixels as in `truth`; missed flowers, false flowers and void in their `COLOURS`.
    """
    pixels = truth(mask)
    pixels[(mask == 1) & (predicted == 0)] = COLOURS["missed"]
    pixels[(mask == 0) & (predicted == 1)] = COLOURS["false"]
    return pixels


def _shown(runs: Sequence[Run], subset: str) -> Arrays:
    run = training.shown_run(runs)
    arrays = run.samples()
    try:
        return {name: arrays[f"{subset}_{name}"] for name in ("rgb", "mask", "predicted", "iou", "number")}
    except KeyError as error:
        raise UsageError(
            f"the run {run.folder.name} kept no {error.args[0]}", "run the experiment again"
        ) from error
