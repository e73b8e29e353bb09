"""Mean cross entropy over labelled rows of logits, with one pass of exponentials instead of two."""

from typing import Any

import torch

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
    return cross_entropy_on_device(logits, labels, count)


def cross_entropy_on_device(logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
    """Return what `cross_entropy` does, without asking the device for a number and in a fixed order.

    PyTorch's own sums all rows in one block of threads of a GPU.
    """
    loss: torch.Tensor = _OnDevice.apply(logits, labels, count)
    return loss


def _aimed(labels: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the classes (rows, 1) and how much each row counts, 0 for those without a label."""
    labelled = labels != UNLABELLED
    return torch.where(labelled, labels, 0).long()[:, None], labelled.float()[:, None] / count


class _Fused(torch.autograd.Function):
    """Keeps the softmax, whose difference from the labels is the gradient."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
        target, weight = _aimed(labels, count)
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


class _OnDevice(torch.autograd.Function):
    """Keeps the logarithms of the softmax: nobody looks whether a probability is too small for its own."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
        target, weight = _aimed(labels, count)
        logarithms = torch.log_softmax(logits, 1, dtype=torch.float32)
        ctx.save_for_backward(logarithms, target, weight)
        ctx.dtype = logits.dtype
        return -(logarithms.gather(1, target) * weight).sum()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        logarithms, target, weight = ctx.saved_tensors
        weight = weight * gradients[0]
        # Each place is added to once, so that the order in which a GPU does it changes nothing.
        gradient = logarithms.exp_().mul_(weight).scatter_add_(1, target, -weight)
        return gradient.to(ctx.dtype), None, None
