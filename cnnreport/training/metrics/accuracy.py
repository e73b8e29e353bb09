"""How many pixels get the right colour, counted while a net learns, so that it has to cost little."""

import functools
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnreport.training.fast.cross_entropy import UNLABELLED


def count_right(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Count the labelled rows whose highest score stands at their label.

    Of several equal highest scores the first one decides, and a score that is no number is higher than
    any number: the rules of ``argmax``, with which the count always agrees.

    Args:
        scores: Shape (rows, NC), any floating format; never written to.
        labels: Shape (rows,), uint8: a class below NC, or `UNLABELLED`, which is never right.

    Returns:
        A whole number of shape (), on the device of the scores: a GPU is not waited for.
    """
    if scores.device.type == "cpu":
        return torch.tensor(_count_right(scores.detach(), labels))
    return (scores.argmax(1) == labels).sum()  # no class is UNLABELLED


def count_among_highest(scores: torch.Tensor, labels: torch.Tensor, places: int) -> torch.Tensor:
    """Count the labelled rows whose label is among the highest scores.

    A label's place is one more than the number of classes before it: those with a higher score, and
    those with the same score and a lower number. One place therefore counts what `count_right` counts
    wherever all scores are numbers; a score that is no number comes before any number and is never right.

    Args:
        scores: Shape (rows, NC), any floating format.
        labels: Shape (rows,), uint8: a class below NC, or `UNLABELLED`, which is never right.
        places: How many places count, at least 1.

    Returns:
        A whole number of shape (), on the device of the scores.
    """
    own = _own(scores, labels)
    earlier = torch.arange(scores.shape[1], device=scores.device) < labels.long()[:, None]
    before = ~(scores <= own) | ((scores == own) & earlier)
    return ((before.sum(1) < places) & (labels != UNLABELLED)).sum()


def _count_right(scores: torch.Tensor, labels: torch.Tensor) -> int:
    """Compare with the label's own score, which takes less time than finding the highest one.

    Along a last dimension as short as NC, comparisons are vectorised and maxima are not, neither in torch
    nor in numpy. Only the rows that no score beats are looked at again for equal scores.
    """
    values, own, label = _array(scores), _array(_own(scores, labels)), labels.numpy()
    if np.isnan(own).any():
        return int(np.count_nonzero(values.argmax(1) == label))
    unbeaten = _all_of_row(np.less_equal(values, own, order="C")) & (label != UNLABELLED)
    rows = np.flatnonzero(unbeaten)
    highest = values.take(rows, 0) >= own.take(rows, 0)
    if np.count_nonzero(highest) == len(rows):  # nobody shares the first place
        return len(rows)
    return int(np.count_nonzero(highest.argmax(1) == label[rows]))


def _own(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the score of each row's label, shape (rows, 1); anything where it is unlabelled."""
    return scores.gather(1, labels.clamp(max=scores.shape[1] - 1).long()[:, None])


def _array(scores: torch.Tensor) -> NDArray[Any]:
    """Return scores as numpy knows them: it has no bfloat16, whose values float32 holds exactly."""
    array: NDArray[Any] = (scores.float() if scores.dtype == torch.bfloat16 else scores).numpy()
    return array


def _all_of_row(flags: NDArray[np.bool]) -> NDArray[np.bool]:
    """Tell for each row of (rows, NC) whether all its flags are set, several flags at a time."""
    words = flags.view(f"u{math.gcd(flags.shape[1], 8)}")
    ones = np.ones(words.itemsize, bool).view(words.dtype)
    found: NDArray[np.bool] = functools.reduce(np.bitwise_and, words.T) == ones
    return found
