"""The boundary F-score of predicted flowers.

Csurka, Larlus, Perronnin and Meylan (2013), "What is a good evaluation measure for semantic
segmentation?": IoU says little about how well a prediction follows an outline; this says nothing else.
"""

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped]

from cnnreport.training.fast.cross_entropy import UNLABELLED

Regions = NDArray[np.bool]
"""Shape (N, H, W): whether a pixel belongs to a set, for each image."""

TOLERANCE = 0.0075
"""How far from the true boundary is near enough, as a share of the image's diagonal (the paper's)."""

_TINY = 1e-30


def tolerance(height: int, width: int) -> int:
    """Return the distance in pixels up to which boundaries agree: `TOLERANCE`, rounded, at least 1."""
    return max(1, round(TOLERANCE * math.hypot(height, width)))


def boundary_f(predicted: NDArray[Any], masks: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how well the boundaries of predicted and true flowers agree, for each image.

    The boundary of a region is those of its pixels that have one of their four neighbours outside the
    region; the edge of the image is none. Precision is the share of the predicted boundary that lies
    within `tolerance` (Euclidean) of the true one, recall the reverse, and the score is
    2 * precision * recall / (precision + recall), or 0 where both are 0. Where one of the boundaries is
    empty it is 0. Where both are, each region is the whole image or nothing: 1 if they are the same,
    else 0.

    Where the truth is void, every pixel is given the class of the nearest labelled one, so that the true
    boundary runs along the middle of a void rim; the prediction is taken as it is. An image that is void
    throughout holds no flower.

    Args:
        predicted: Shape (N, H, W), bool or integer: whether a pixel is called flower.
        masks: Shape (N, H, W): 1 flower, 0 background, `UNLABELLED` void.

    Returns:
        Shape (N,), in 0..1.
    """
    predicted = predicted.astype(bool, copy=False)
    truth = np.stack([_without_void(mask) for mask in masks])
    predicted_edge, true_edge = _boundary(predicted), _boundary(truth)
    reach = tolerance(*masks.shape[1:])
    precision = _share(predicted_edge, _near(true_edge, reach))
    recall = _share(true_edge, _near(predicted_edge, reach))
    score = 2 * precision * recall / np.maximum(precision + recall, _TINY)
    both_empty = ~(predicted_edge | true_edge).any((1, 2))
    return np.where(both_empty, (predicted == truth).all((1, 2)), score)


def _without_void(mask: NDArray[np.uint8]) -> NDArray[np.bool]:
    """Return the flower (H, W), with void pixels given to the nearest labelled class."""
    void = mask == UNLABELLED
    if void.any() and not void.all():
        row, column = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
        mask = mask[row, column]
    flower: NDArray[np.bool] = mask == 1
    return flower


def _boundary(regions: Regions) -> Regions:
    # Continued beyond the edge of the image, a region has no boundary there.
    padded = np.pad(regions, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    down = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1]
    return regions & ~(across & down)


def _near(boundary: Regions, reach: int) -> Regions:
    """Return the pixels within some pixels of a boundary: with so few a loop beats distances."""
    height, width = boundary.shape[1:]
    padded = np.pad(boundary, ((0, 0), (reach, reach), (reach, reach)))
    near = np.zeros_like(boundary)
    for row, column in itertools.product(range(2 * reach + 1), repeat=2):
        if math.hypot(row - reach, column - reach) <= reach:
            near |= padded[:, row : row + height, column : column + width]
    return near


def _share(boundary: Regions, near: Regions) -> NDArray[np.float64]:
    """Return the share of each image's boundary that is near, 0 where there is no boundary."""
    near_ones, all_ones = (np.count_nonzero(pixels, axis=(1, 2)) for pixels in (boundary & near, boundary))
    share: NDArray[np.float64] = near_ones / np.maximum(all_ones, 1)
    return share
