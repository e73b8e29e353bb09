"""The two losses of a binary segmentation: soft IoU and cross entropy (CSC413 2021, Part D).

Both take the logit of flower, its score less that of the background: the softmax of the two scores is the
logistic function of it.
"""

import torch
import torch.nn.functional as F

from cnnreport.training.fast.cross_entropy import UNLABELLED


def soft_iou_loss(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return one minus the soft intersection over union of prediction and truth.

    Handout, question D.2, equations 1 to 3; Rahman and Wang (2016), equations 3 to 5.
    The sums run over the labelled pixels of the whole batch.

    Args:
        logits: Shape (N, H, W), float32 or float64: of flower.
        masks: Shape (N, H, W), uint8: 1 flower, 0 background, `UNLABELLED` void.

    Returns:
        A scalar in 0..1; 0 where no pixel is labelled.
    """
    x = torch.sigmoid(logits) * (masks != UNLABELLED)
    y = (masks == 1).to(x.dtype)
    intersection = (x * y).sum()
    union = x.sum() + y.sum() - intersection
    # 1 - intersection / union, in a form that never divides 0 by 0
    return (union - intersection) / union.clamp(min=1e-30)


def cross_entropy_loss(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return the mean cross entropy of the labelled pixels of a batch (handout, question D.1).

    For two classes it is the binary cross entropy of the logit: one exponential for a pixel instead of
    two, a third of the time of ``F.cross_entropy``, and unlike that the same bits in each run on CUDA.

    Args:
        logits: Shape (N, H, W), float32 or float64: of flower.
        masks: Shape (N, H, W), uint8: 1 flower, 0 background, `UNLABELLED` void.

    Returns:
        A scalar in nats; 0 where no pixel is labelled.
    """
    flower, labelled = (masks == 1).to(logits.dtype), (masks != UNLABELLED).to(logits.dtype)
    total = F.binary_cross_entropy_with_logits(logits, flower, labelled, reduction="sum")
    return total / labelled.sum().clamp(min=1)
