"""Mean cross entropy over labelled rows of logits, with one pass of exponentials instead of two."""

from typing import Any

import torch
import torch.nn.functional as F

UNLABELLED = 255
"""The label of a row that counts for nothing."""

_TINY = 1e-30
"""Below it a float32 probability has too few digits left for its logarithm."""


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
    """Return the mean cross entropy of the labelled rows, computed in float32.

    Args:
        logits: Shape (rows, NC), any floating format; never written to.
        labels: Shape (rows,), uint8: a class below NC, or `UNLABELLED`.
        count: How many rows are labelled; known beforehand, so that a GPU need not be asked.

    Returns:
        A scalar, in nats.
    """
    if logits.device.type == "cpu":
        loss: torch.Tensor = _Fused.apply(logits, labels, count)
        return loss
    # On two-dimensional logits this is deterministic on CUDA; on four-dimensional ones it is not.
    total = F.cross_entropy(logits.float(), labels.long(), ignore_index=UNLABELLED, reduction="sum")
    return total / count


class _Fused(torch.autograd.Function):
    """Keeps the softmax, whose difference from the labels is the gradient."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
        labelled = labels != UNLABELLED
        target = torch.where(labelled, labels, 0).long()[:, None]
        weight = labelled.float()[:, None] / count
        softmax = torch.softmax(logits, 1, dtype=torch.float32)
        ctx.save_for_backward(softmax, target, weight)
        ctx.dtype = logits.dtype
        likelihood = softmax.gather(1, target)
        log_likelihood = likelihood.log()
        if likelihood.min() < _TINY:  # as a diverging training gives; the gradient is right all the same
            log_likelihood = torch.log_softmax(logits, 1, dtype=torch.float32).gather(1, target)
        return -(log_likelihood * weight).sum()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        softmax, target, weight = ctx.saved_tensors
        weight = weight * gradients[0]
        # Written over the softmax, which nobody else holds; a second backward pass would raise.
        gradient = softmax.mul_(weight).scatter_add_(1, target, -weight)
        return gradient.to(ctx.dtype), None, None
