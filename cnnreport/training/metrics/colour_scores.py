"""What a set of predicted colours looks like beside the true ones; numpy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.training.metrics.cielab import cielab

Labels = NDArray[np.uint8]
"""Shape (N, H, W): the number of each pixel's colour."""

Palette = NDArray[np.float32]
"""Shape (NC, 3): red, green and blue of each colour, in 0..1."""

RANKED = 3
"""How many of the best images, of those around the median and of the worst are kept for pictures."""

_ALL, _BUT_FIRST, _BUT_LAST = slice(None), slice(1, None), slice(None, -1)

_NEIGHBOURS = (
    ((_ALL, _BUT_LAST), (_ALL, _BUT_FIRST)),
    ((_BUT_LAST, _ALL), (_BUT_FIRST, _ALL)),
    ((_BUT_LAST, _BUT_LAST), (_BUT_FIRST, _BUT_FIRST)),
    ((_BUT_LAST, _BUT_FIRST), (_BUT_FIRST, _BUT_LAST)),
)
"""Rows and columns of pixels, and of their neighbours to the right, below, and on the two diagonals."""


def describe(predicted: Labels, truth: Labels, palette: Palette) -> dict[str, Any]:
    """Return what predicted colours have in common with the true ones.

    Args:
        predicted: Shape (N, H, W).
        truth: Shape (N, H, W).
        palette: Shape (NC, 3), in 0..1.

    Returns:
        ``colours_predicted`` and ``colours_present``, how many of the colours occur at all, and
        ``colour_share_predicted`` and ``colour_share_present``, see `colour_share`;
        ``edge_share_predicted`` and ``edge_share_truth``, see `edge_share`; ``speck_share`` of the
        predicted colours and ``speck_share_truth``, see `speck_share`; ``image_accuracy_minimum``,
        ``_median`` and ``_maximum``, see `image_accuracy`; `rgb_distance`; `lab_distance`.
    """
    per_image = image_accuracy(predicted, truth)
    return {
        "colours_predicted": len(np.unique(predicted)),
        "colours_present": len(np.unique(truth)),
        "colour_share_predicted": colour_share(predicted, palette),
        "colour_share_present": colour_share(truth, palette),
        "edge_share_predicted": edge_share(predicted),
        "edge_share_truth": edge_share(truth),
        "speck_share": speck_share(predicted),
        "speck_share_truth": speck_share(truth),
        "image_accuracy_minimum": float(per_image.min()),
        "image_accuracy_median": float(np.median(per_image)),
        "image_accuracy_maximum": float(per_image.max()),
        "rgb_distance": rgb_distance(predicted, truth, palette),
        "lab_distance": lab_distance(predicted, truth, palette),
    }


def image_accuracy(predicted: Labels, truth: Labels) -> NDArray[np.float64]:
    """Return, for each image, the share of its pixels with the right colour; shape (N,), in 0..1."""
    accuracy: NDArray[np.float64] = np.mean(predicted == truth, axis=(1, 2))
    return accuracy


def colour_share(labels: Labels, palette: Palette) -> float:
    """Return the share, in 0..1, of the palette's NC colours that some pixel of some image has."""
    return len(np.unique(labels)) / len(palette)


def edge_share(labels: Labels) -> float:
    """Return the share, in 0..1, of horizontally and vertically neighbouring pixels that differ.

    It is low where a picture is made of blocks.
    """
    across = labels[:, :, 1:] != labels[:, :, :-1]
    down = labels[:, 1:] != labels[:, :-1]
    return float((across.sum() + down.sum()) / (across.size + down.size))


def speck_share(labels: Labels) -> float:
    """Return the share, in 0..1, of pixels whose colour none of their neighbours has.

    A pixel has eight neighbours, five at the border of its image and three in a corner.
    """
    lonely = np.ones(labels.shape, bool)
    for first, second in _NEIGHBOURS:
        differ = labels[:, *first] != labels[:, *second]
        lonely[:, *first] &= differ
        lonely[:, *second] &= differ
    return float(lonely.mean())


def rgb_distance(predicted: Labels, truth: Labels, palette: Palette) -> float:
    """Return the mean over all pixels of the Euclidean distance of predicted and true palette colour.

    In RGB, whose axes go from 0 to 1: the distance is in 0..sqrt(3).
    """
    return _mean_distance(predicted, truth, palette.astype(np.float64))


def lab_distance(predicted: Labels, truth: Labels, palette: Palette) -> float:
    """Return the mean over all pixels of the colour difference of predicted and true palette colour.

    The difference is CIE 1976 (CIE 15), the Euclidean distance in CIELAB, with the palette taken as sRGB:
    about 2 is just visible, 100 lies between black and white.
    """
    return _mean_distance(predicted, truth, cielab(palette))


def best_median_worst(accuracy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose the images to be shown as the best, the middling and the worst.

    Args:
        accuracy: Shape (N,), of each image.

    Returns:
        Indices, the best image first, the worst last: `RANKED` of the best, as many from the middle of
        all, as many of the worst. Where there are fewer than three times `RANKED` images, each group is
        a third of them, rounded down, and at least one: one or two images fill all three groups, some
        of them twice. Equally good images stand in their own order.
    """
    order = np.argsort(-accuracy, kind="stable")
    size = max(1, min(RANKED, len(order) // 3))
    middle = (len(order) - size) // 2
    return np.concatenate((order[:size], order[middle : middle + size], order[-size:]))


def _mean_distance(predicted: Labels, truth: Labels, colours: NDArray[np.float64]) -> float:
    between = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    return float(between[predicted, truth].mean())
