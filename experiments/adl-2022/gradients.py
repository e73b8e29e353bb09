"""How far the gradients of several batches agree in sign, which is all that Rprop takes from them.

M. Riedmiller and H. Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm,
1993: a weight's step grows while the sign of its derivative stays, and shrinks when it changes. That is sound
where each derivative is of the same function, of all training images.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch


def agreement(whole: torch.Tensor, batches: Sequence[torch.Tensor]) -> float:
    """Return the mean share of weights whose derivative has the sign that all images give it.

    Args:
        whole: The gradient of all images, (P,).
        batches: That of each batch, (P,); weights where either is zero are left out.

    Returns:
        In 0..1; not a number where the gradient of all images is zero.
    """
    same = [((batch * whole)[(batch * whole) != 0] > 0).float().mean() for batch in batches]
    return torch.stack(same).mean().item()


def reversals(batches: Sequence[torch.Tensor]) -> float:
    """Return the mean share of weights whose derivative changes its sign from one batch to the next.

    Args:
        batches: The gradient of each batch, (P,); weights where one of two is zero are left out.

    Returns:
        In 0..1; zero where there is one batch only.
    """
    pairs = [(a, b) for a, b in pairwise(batches) if ((a * b) != 0).any()]
    turned = [((a * b)[(a * b) != 0] < 0).float().mean() for a, b in pairs]
    return torch.stack(turned).mean().item() if turned else 0.0
