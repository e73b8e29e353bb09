"""Whether a net is as sure as it is right, after Guo, Pleiss, Sun and Weinberger (2017); numpy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Into how many intervals of equal length 0..1 is cut."""

Bins = NDArray[np.float64]
"""Shape (BINS, 3): of the predictions in each interval their number, the sum of their probabilities, and
how many of them are right."""


def calibration(probability: NDArray[Any], right: NDArray[np.bool_]) -> Bins:
    """Sort predictions into intervals by how sure the net is of them.

    Args:
        probability: The probability of what is predicted, in 0..1, any shape. The interval m of M takes
            in what is above (m - 1) / M and at most m / M, as in section 2 of the paper; the first takes
            in 0, too. One that is no number belongs to no interval.
        right: Whether the prediction is right, the same shape.

    Returns:
        Shape (BINS, 3), see `Bins`; those of several parts of the data add up.
    """
    known = np.isfinite(probability)
    sure, hit = probability[known].astype(np.float64), right[known]
    interval = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    columns = [np.bincount(interval, weights, BINS) for weights in (None, sure, hit.astype(np.float64))]
    return np.stack(columns, axis=1).astype(np.float64)


def calibration_error(bins: Bins) -> float:
    """Return the expected calibration error, equation 3 of Guo et al. (2017), in 0..1.

    It is the distance of accuracy and mean probability of an interval, averaged over the intervals with
    their numbers of predictions as weights; not a number where there is no prediction.

    Args:
        bins: Shape (BINS, 3), see `Bins`.
    """
    predictions, probability, right = bins.T
    total = predictions.sum()
    return float(np.abs(right - probability).sum() / total) if total else float("nan")
