"""Means over batches of different sizes."""

import torch


class Tally:
    """The mean loss of batches, and the share of what they got right.

    Summed where the losses are: asking for a number would make a GPU wait in every step.

    Args:
        device: ``cpu``, ``cuda`` or ``mps``.
        per_weight: How many predictions there are for each unit of a batch's weight.
    """

    def __init__(self, device: str, per_weight: int = 1) -> None:
        self._loss = torch.zeros((), device=device)
        self._right = torch.zeros((), device=device, dtype=torch.int64)
        self._weight = 0
        self._per_weight = per_weight

    def add(self, loss: torch.Tensor, right: torch.Tensor, weight: int) -> None:
        """Take a batch in.

        Args:
            loss: Its mean loss, shape ().
            right: How many of its predictions are right, shape ().
            weight: How much it counts, such as its number of images.
        """
        self._loss += loss * weight
        self._right += right
        self._weight += weight

    def means(self) -> tuple[float, float]:
        """Return the mean loss, and the share of right predictions in 0..1."""
        return self._loss.item() / self._weight, self._right.item() / (self._weight * self._per_weight)
