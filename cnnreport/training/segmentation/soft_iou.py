"""The two losses of a binary segmentation: soft IoU and cross entropy (CSC413 2021, Part D)."""

import torch
import torch.nn.functional as F

from cnnreport.training.fast.cross_entropy import UNLABELLED


def soft_iou_loss(scores: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return one minus the soft intersection over union of prediction and truth.

    Handout, question D.2, equations 1 to 3; Rahman and Wang (2016), equations 3 to 5.
    The sums run over the labelled pixels of the whole batch.

    Args:
        scores: Shape (N, 2, H, W), float32 or float64: of background and of flower.
        masks: Shape (N, H, W), uint8: 1 flower, 0 background, `UNLABELLED` void.

    Returns:
        A scalar in 0..1; 0 where no pixel is labelled.
    """
    x = torch.softmax(scores, dim=1)[:, 1] * (masks != UNLABELLED)
    y = (masks == 1).to(x.dtype)
    intersection = (x * y).sum()
    union = (x + y - x * y).sum()
    # 1 - intersection / union, in a form that never divides 0 by 0
    return (union - intersection) / union.clamp(min=1e-30)


def cross_entropy_loss(scores: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return the mean cross entropy of the labelled pixels of a batch (handout, question D.1).

    For two classes it is log(1 + exp(other score - own score)): one exponential for a pixel instead of
    two, half the time of ``F.cross_entropy``, and unlike that the same bits in each run on CUDA.

    Args:
        scores: Shape (N, 2, H, W), float32 or float64: of background and of flower.
        masks: Shape (N, H, W), uint8: 1 flower, 0 background, `UNLABELLED` void.

    Returns:
        A scalar in nats; 0 where no pixel is labelled.
    """
    labelled = masks != UNLABELLED
    towards_flower = scores[:, 1] - scores[:, 0]
    losses = F.softplus(torch.where(masks == 1, -towards_flower, towards_flower))
    return (losses * labelled).sum() / labelled.sum().clamp(min=1)
