"""What can be reached without a net; numpy only."""

import numpy as np
from numpy.typing import NDArray

from cnnreport.training.metrics.colour_scores import Labels

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
    frequent = int(_counts(train_label, num_colours).argmax())
    by_grey = look_up(grey_table(train_rgb, train_label, num_colours), validation_rgb)
    return {
        "chance_accuracy": 1 / num_colours,
        "chance_loss": float(np.log(num_colours)),
        "frequent_accuracy": float(np.mean(validation_label == frequent)),
        "grey_table_accuracy": float(np.mean(by_grey == validation_label)),
    }


def grey_table(train_rgb: NDArray[np.uint8], train_label: Labels, num_colours: int) -> NDArray[np.int64]:
    """Return for each grey level the training colour that is most frequent at it.

    Args:
        train_rgb: Shape (N, 3, H, W).
        train_label: Shape (N, H, W).
        num_colours: NC.

    Returns:
        Shape (256,); a level that no training pixel has gets the most frequent colour of all.
    """
    cells = _grey_levels(train_rgb).ravel() * num_colours + train_label.ravel()
    table = np.bincount(cells, minlength=_GREY_LEVELS * num_colours).reshape(_GREY_LEVELS, num_colours)
    frequent = _counts(train_label, num_colours).argmax()
    return np.where(table.any(axis=1), table.argmax(axis=1), frequent)


def look_up(table: NDArray[np.int64], rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the colours (M, H, W) that a `grey_table` gives pictures (M, 3, H, W)."""
    colours: NDArray[np.int64] = table[_grey_levels(rgb)]
    return colours


def _counts(labels: Labels, num_colours: int) -> NDArray[np.int64]:
    return np.bincount(labels.ravel(), minlength=num_colours)


def _grey_levels(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    levels: NDArray[np.int64] = rgb.sum(axis=1, dtype=np.int64) // 3
    return levels
