"""The F1 of masks, which is the coefficient of Dice: how far a predicted mask overlaps the true one.

L. R. Dice, Measures of the amount of ecologic association between species, Ecology 26, 1945.
"""

import torch


def f1(predicted: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return 2 TP / (2 TP + FP + FN) of each image, counted over its pixels.

    An empty mask that is predicted to be empty has 1, any other mask of which nothing is found 0.

    Args:
        predicted: bool (N, 1, S, S).
        truth: bool (N, 1, S, S).

    Returns:
        float32 (N,) in 0..1.
    """
    both = (predicted & truth).sum((1, 2, 3))
    either = predicted.sum((1, 2, 3)) + truth.sum((1, 2, 3))  # 2 TP + FP + FN
    return torch.where(either == 0, 1.0, 2 * both / either.clamp(min=1))
