"""What a segmentation net did to the images that a figure shows: each by its number in the figure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say.training import shown_run
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

    Mask = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Shown:
    """An image of the figure.

    Args:
        number: Its place in the figure, counted from the left.
        iou: The IoU of its flower.
        missed: The share of its flower that is called background.
        invented: The share of what is called flower that is background.
        called: The share of its labelled pixels that is called flower.
        flower: The share of them that is flower.
    """

    number: str
    iou: Quantity
    missed: Quantity
    invented: Quantity
    called: Quantity
    flower: Quantity


@dataclass(frozen=True)
class Pictured:
    """The images of a figure, and those that a text speaks of.

    Args:
        images: From left to right.
        seed: The seed of the run that predicted them.
    """

    images: tuple[Shown, ...]
    seed: str

    @property
    def best(self) -> Shown:
        """The image with the highest IoU."""
        return max(self.images, key=lambda image: image.iou.mean)

    @property
    def worst(self) -> Shown:
        """The image with the lowest."""
        return min(self.images, key=lambda image: image.iou.mean)

    @property
    def missed(self) -> Shown:
        """The image of whose flower the largest part is missed."""
        return max(self.images, key=lambda image: _part(image.missed))

    @property
    def overfull(self) -> Shown:
        """The image in which most pixels are called flower beyond those that are."""
        return max(self.images, key=lambda image: _part(image.called) - _part(image.flower))

    @property
    def invented(self) -> Shown:
        """The image in which the largest part of what is called flower is background."""
        return max(self.images, key=lambda image: _part(image.invented))


def pictured(runs: Sequence[Run], subset: str) -> Pictured | None:
    """Say what a net did to the images that are kept for pictures.

    Args:
        runs: The runs of one fine-tuning; that whose pictures are shown predicts.
        subset: ``train`` or ``validation``.

    Returns:
        The images in their order; None where every run diverged.
    """
    run = shown_run(runs)
    if run.diverged:
        return None
    arrays = run.samples()
    images = tuple(_shown(run, arrays, subset, index) for index in range(len(arrays[f"{subset}_mask"])))
    return Pictured(images, str(run.seed))


@dataclass(frozen=True)
class Changed:
    """The image whose IoU differs most between two fine-tunings.

    Args:
        number: Its place in the figure.
        left: Its IoU with the one that is compared, for each seed.
        right: Its IoU with the one that it is compared with, the same.
    """

    number: str
    left: Quantity
    right: Quantity


def changed(left: Sequence[Run], right: Sequence[Run], subset: str) -> Changed | None:
    """Return the image whose IoU, on average over the seeds, differs most between two fine-tunings.

    Args:
        left: The runs of the one that is compared.
        right: The runs of the other, with the same pictures.
        subset: ``train`` or ``validation``.

    Returns:
        The image; None where every run of one of them diverged.
    """
    pairs = list(zip(_ious(left, subset), _ious(right, subset), strict=True))
    apart = [abs(mine.mean - theirs.mean) for mine, theirs in pairs if mine.finite and theirs.finite]
    if len(apart) < len(pairs):
        return None
    most = apart.index(max(apart))
    return Changed(str(most + 1), *pairs[most])


def _ious(runs: Sequence[Run], subset: str) -> list[Quantity]:
    """Return the flower IoU of each picture, for each seed."""
    kept = {run.seed: run.samples() for run in runs}
    return [
        reading.from_samples(
            runs,
            kept,
            f"{subset}_mask, {subset}_predicted, image {index + 1}, all seeds: IoU",
            f"IoU over all seeds, {subset} image {index + 1}",
            "score",
            lambda arrays, at=index: _iou(arrays[f"{subset}_mask"][at], arrays[f"{subset}_predicted"][at]),  # type: ignore[misc]
        )
        for index in range(len(kept[runs[0].seed][f"{subset}_mask"]))
    ]


def _shown(run: Run, arrays: Arrays, subset: str, index: int) -> Shown:
    number = str(index + 1)

    def read(meaning: str, choose: Callable[["Mask", "Mask"], float]) -> Quantity:
        form = "score" if meaning == "IoU" else "share"
        return reading.from_samples(
            [run],
            {run.seed: arrays},
            f"{subset}_mask, {subset}_predicted, image {number}: {meaning}",
            f"{meaning}, {subset} image {number}",
            form,  # type: ignore[arg-type]
            lambda kept: choose(kept[f"{subset}_mask"][index], kept[f"{subset}_predicted"][index]),
        )

    return Shown(
        number,
        read("IoU", _iou),
        read("part of the flower that is missed", lambda mask, given: _over(
            (mask == 1) & (given == 0), mask == 1)),
        read("part of what is called flower that is background", lambda mask, given: _over(
            (mask == 0) & (given == 1), (mask <= 1) & (given == 1))),
        read("part of the labelled pixels that is called flower", lambda mask, given: _over(
            (mask <= 1) & (given == 1), mask <= 1)),
        read("part of the labelled pixels that is flower", lambda mask, given: _over(mask == 1, mask <= 1)),
    )  # fmt: skip


def _iou(mask: "Mask", given: "Mask") -> float:
    """Return the IoU of the flower of an image, NaN where nothing is or is called flower."""
    return _over((mask == 1) & (given == 1), (mask == 1) | ((mask == 0) & (given == 1)))


def _over(part: "np.ndarray[Any, Any]", whole: "np.ndarray[Any, Any]") -> float:
    return float(part.sum() / whole.sum()) if whole.any() else math.nan


def _part(quantity: Quantity) -> float:
    return quantity.mean if quantity.finite else -1.0
