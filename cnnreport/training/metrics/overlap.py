"""How well predicted flowers overlap the true ones: IoU, accuracy, the starter's score, thresholds.

All of it comes from how many pixels of an image belong to a class and were given a class. Void pixels
count nowhere. In numpy, which counts true values many times faster than torch on a CPU.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnreport.training.fast.cross_entropy import UNLABELLED

Masks = NDArray[np.uint8]
"""Shape (N, H, W): 1 flower, 0 background, `UNLABELLED` void."""

Counts = NDArray[np.int64]
"""Shape (N, 2, 2): pixels by image, true class and predicted class, background before flower."""

SMOOTHING = 1e-6
"""Pixels that the starter adds to intersection and union, so that nothing found of nothing is 1."""

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
"""Probabilities above which a pixel may be called flower: 0.05 to 0.95."""

_LOWER_ENDS = (0.0, *THRESHOLDS)


@dataclass(frozen=True)
class Sweep:
    """What `sweep` finds at each of `THRESHOLDS`; shape (19,), in 0..1.

    Args:
        flower_iou: `flower_iou`, its mean over the images.
        mean_iou: See `mean_iou`.
        starter_score: See `starter_score`.
    """

    flower_iou: NDArray[np.float64]
    mean_iou: NDArray[np.float64]
    starter_score: NDArray[np.float64]


def count(predicted: NDArray[Any], masks: Masks) -> Counts:
    """Count the labelled pixels of each image by their true and their predicted class.

    Args:
        predicted: Shape (N, H, W), bool or integer: whether a pixel is called flower.
        masks: Shape (N, H, W).

    Returns:
        Shape (N, 2, 2); those of several batches can be joined, or summed over their images.
    """
    predicted = predicted.astype(bool, copy=False)
    flower, background = masks == 1, masks == 0
    hits, false_alarms = _sizes(flower & predicted), _sizes(background & predicted)
    counts = (_sizes(background) - false_alarms, false_alarms, _sizes(flower) - hits, hits)
    return np.stack(counts, 1).reshape(-1, 2, 2)


def count_on_device(predicted: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return the sum of `count` over the images, without asking the device for a number.

    Args:
        predicted: Shape (N, H, W), bool: whether a pixel is called flower.
        masks: Shape (N, H, W), uint8.

    Returns:
        Shape (2, 2), int64.
    """
    pairs = [(masks == true) & (predicted == bool(called)) for true in (0, 1) for called in (0, 1)]
    return torch.stack([torch.count_nonzero(pair) for pair in pairs]).view(2, 2)


def class_iou(counts: Counts) -> NDArray[np.float64]:
    """Return the intersection over union of background and of flower, (I + s) / (U + s).

    I counts the pixels that are of a class and called so, U those that are or are called so; s is
    `SMOOTHING`, so that the IoU of a class that neither occurs nor is predicted is 1.

    Args:
        counts: Shape (..., 2, 2): see `count`, or a sum of such.

    Returns:
        Shape (..., 2), in 0..1.
    """
    intersection = counts.diagonal(axis1=-2, axis2=-1)
    union = counts.sum(-1) + counts.sum(-2) - intersection
    iou: NDArray[np.float64] = (intersection + SMOOTHING) / (union + SMOOTHING)
    return iou


def flower_iou(counts: Counts) -> NDArray[np.float64]:
    """Return the IoU of the flower in each image, shape (N,); see `class_iou`."""
    return class_iou(counts)[:, 1]


def mean_iou(counts: Counts) -> float:
    """Return the mean of the IoU of background and of flower, each over the pixels of all images.

    This is what mIoU commonly means (Everingham et al., 2015), for two classes.

    Returns:
        A share in 0..1.
    """
    return float(class_iou(counts.sum(0)).mean())


def accuracy(counts: Counts) -> float:
    """Return the share, in 0..1, of the labelled pixels of all images that were given their class.

    Where no pixel is labelled, none is wrong: 1.
    """
    total = int(counts.sum())
    return int(counts.trace(axis1=1, axis2=2).sum()) / total if total else 1.0


def starter_score(iou: NDArray[np.float64]) -> float:
    """Return what the starter of CSC413 2021, Part D, calls "mIoU".

    It is the mean over the images of ceil(clip(20 (IoU - 0.5), 0, 10)) / 10: an IoU of at most 0.5 is
    worth nothing, each further 0.05 or part of it a tenth.

    Args:
        iou: Shape (N,): `flower_iou`.

    Returns:
        A share in 0..1.
    """
    return float((np.ceil(np.clip(20 * (iou - 0.5), 0, 10)) / 10).mean())


def sweep(probabilities: NDArray[np.float32], masks: Masks) -> Sweep:
    """Return how the metrics depend on the probability above which a pixel is called flower.

    Args:
        probabilities: Shape (N, H, W), in 0..1: of flower.
        masks: Shape (N, H, W).
    """
    counts = [count(probabilities > threshold, masks) for threshold in THRESHOLDS]
    ious = [flower_iou(confusion) for confusion in counts]
    return Sweep(
        flower_iou=np.array([iou.mean() for iou in ious]),
        mean_iou=np.array([mean_iou(confusion) for confusion in counts]),
        starter_score=np.array([starter_score(iou) for iou in ious]),
    )


def probability_histogram(probabilities: NDArray[np.float32], masks: Masks) -> NDArray[np.int64]:
    """Count the labelled pixels by their probability of flower.

    Args:
        probabilities: Shape (N, H, W), in 0..1: of flower; what is no number counts nowhere.
        masks: Shape (N, H, W).

    Returns:
        Shape (20,): a twentieth includes its lower end, and the last one 1.
    """
    labelled = masks != UNLABELLED
    not_below = [np.count_nonzero((probabilities >= end) & labelled) for end in _LOWER_ENDS]
    return np.array(not_below, np.int64) - np.array([*not_below[1:], 0], np.int64)


def _sizes(region: NDArray[np.bool]) -> NDArray[np.int64]:
    """Count the true values of each (H, W)."""
    # Image by image: along axes numpy adds them up as whole numbers, which takes several times as long.
    return np.array([np.count_nonzero(image) for image in region], np.int64)
