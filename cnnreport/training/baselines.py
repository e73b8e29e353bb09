"""What can be reached without a net, and what a set of predicted colours looks like; numpy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
"""Shape (N, H, W): the number of each pixel's colour."""

_GREY_LEVELS = 256


def baselines(
    train_rgb: NDArray[np.uint8],
    train_label: Labels,
    validation_rgb: NDArray[np.uint8],
    validation_label: Labels,
    num_colours: int,
) -> dict[str, float]:
    """Return what three rules without a net reach on the validation images.

    Args:
        train_rgb: Shape (N, 3, H, W).
        train_label: Shape (N, H, W).
        validation_rgb: Shape (M, 3, H, W).
        validation_label: Shape (M, H, W).
        num_colours: NC.

    Returns:
        ``chance_accuracy`` 1 / NC and ``chance_loss`` ln NC, of guessing; ``frequent_accuracy`` of always
        saying the most frequent training colour; ``grey_table_accuracy`` of saying, for each of 256 grey
        levels, the training colour that is most frequent at that level. Accuracies are in 0..1.
    """
    counts = np.bincount(train_label.ravel(), minlength=num_colours)
    frequent = int(counts.argmax())
    cells = _grey_levels(train_rgb).ravel() * num_colours + train_label.ravel()
    table = np.bincount(cells, minlength=_GREY_LEVELS * num_colours).reshape(_GREY_LEVELS, num_colours)
    answers = np.where(table.any(axis=1), table.argmax(axis=1), frequent)
    return {
        "chance_accuracy": 1 / num_colours,
        "chance_loss": float(np.log(num_colours)),
        "frequent_accuracy": float(np.mean(validation_label == frequent)),
        "grey_table_accuracy": float(np.mean(answers[_grey_levels(validation_rgb)] == validation_label)),
    }


def describe(predicted: Labels, truth: Labels, palette: NDArray[np.float32]) -> dict[str, Any]:
    """Return what predicted colours have in common with the true ones.

    Args:
        predicted: Shape (N, H, W).
        truth: Shape (N, H, W).
        palette: Shape (NC, 3), in 0..1.

    Returns:
        ``colours_predicted`` and ``colours_present``, how many of the colours occur at all;
        ``edge_share_predicted`` and ``edge_share_truth``, the share of horizontal and vertical neighbours
        that differ, low where a picture is made of blocks; ``image_accuracy_minimum``, ``_median`` and
        ``_maximum`` in 0..1; ``rgb_distance``, the mean Euclidean distance of predicted and true palette
        colour, in 0..sqrt(3).
    """
    per_image = np.mean(predicted == truth, axis=(1, 2))
    distances = np.linalg.norm(palette[:, None].astype(float) - palette[None], axis=2)
    return {
        "colours_predicted": len(np.unique(predicted)),
        "colours_present": len(np.unique(truth)),
        "edge_share_predicted": edge_share(predicted),
        "edge_share_truth": edge_share(truth),
        "image_accuracy_minimum": float(per_image.min()),
        "image_accuracy_median": float(np.median(per_image)),
        "image_accuracy_maximum": float(per_image.max()),
        "rgb_distance": float(distances[predicted, truth].mean()),
    }


def edge_share(labels: Labels) -> float:
    """Return the share, in 0..1, of horizontally and vertically neighbouring pixels that differ."""
    across = labels[:, :, 1:] != labels[:, :, :-1]
    down = labels[:, 1:] != labels[:, :-1]
    return float((across.sum() + down.sum()) / (across.size + down.size))


def _grey_levels(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    levels: NDArray[np.int64] = rgb.sum(axis=1, dtype=np.int64) // 3
    return levels
