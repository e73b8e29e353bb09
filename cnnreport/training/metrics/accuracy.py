"""How many pixels get the right colour, counted while a net learns, so that it has to cost little."""

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
    if scores.device.type == "cpu":  # numpy's argmax takes half the time of torch's along so short a row
        highest = _array(scores.detach()).argmax(1)
        return torch.tensor(int(np.count_nonzero(highest == labels.numpy())))
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
    own = scores.gather(1, labels.clamp(max=scores.shape[1] - 1).long()[:, None])
    earlier = torch.arange(scores.shape[1], device=scores.device) < labels.long()[:, None]
    before = ~(scores <= own) | ((scores == own) & earlier)
    return ((before.sum(1) < places) & (labels != UNLABELLED)).sum()


def _array(scores: torch.Tensor) -> NDArray[Any]:
    """Return scores as numpy knows them: it has no bfloat16, whose values float32 holds exactly."""
    array: NDArray[Any] = (scores.float() if scores.dtype == torch.bfloat16 else scores).numpy()
    return array
