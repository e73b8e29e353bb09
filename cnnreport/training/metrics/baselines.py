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


def _grey_levels(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    levels: NDArray[np.int64] = rgb.sum(axis=1, dtype=np.int64) // 3
    return levels
