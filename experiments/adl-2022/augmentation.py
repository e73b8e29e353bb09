"""How the course's notebook changes training images before a net sees them; drawn by torch's generator.

Turned by up to 5 degrees, cut to 28 x 28 out of 32 x 32, brightness changed by up to 80 % and contrast by up
to 40 %, and flipped in half of the cases where the class stays the same in a mirror.
"""

import math

import torch
from torch.nn import functional as F

from .signs.classes import MIRRORED

DEGREES, MARGIN, BRIGHTNESS, CONTRAST, FLIPPED = 5.0, 2, 0.8, 0.4, 0.5
"""The course's settings; the margin is what there is around the middle 28 x 28 of 32 x 32, in pixels."""


def augmented(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Change the images of a batch, each in its own way.

    Images of 28 x 28 have lost their margin: where one is moved, the pixels at its edge are repeated.

    Args:
        images: float32 (N, 3, S, S) in 0..1.
        labels: int64 (N,).

    Returns:
        The same shape and range.
    """
    count = len(images)
    turns = torch.empty(count).uniform_(-DEGREES, DEGREES) * math.pi / 180
    shifts = torch.randint(-MARGIN, MARGIN + 1, (2, count)) * (2 / images.shape[-1])
    flips = 1 - 2 * ((torch.rand(count) < FLIPPED) & mirrored(labels.cpu())).float()
    moves = torch.stack(
        [
            torch.stack([turns.cos() * flips, -turns.sin(), shifts[0]], 1),
            torch.stack([turns.sin() * flips, turns.cos(), shifts[1]], 1),
        ],
        1,
    ).to(images)
    grid = F.affine_grid(moves, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return lit(
        moved,
        torch.empty(count).uniform_(1 - BRIGHTNESS, 1 + BRIGHTNESS),
        torch.empty(count).uniform_(1 - CONTRAST, 1 + CONTRAST),
    )


def mirrored(labels: torch.Tensor) -> torch.Tensor:
    """Say of each label, (N,), whether its class stays the same in a mirror: bool (N,)."""
    return torch.isin(labels, torch.tensor(MIRRORED))


def lit(images: torch.Tensor, brightness: torch.Tensor, contrast: torch.Tensor) -> torch.Tensor:
    """Change brightness, then contrast around the mean grey, as torchvision's ColorJitter does in this order.

    Args:
        images: float32 (N, 3, H, W) in 0..1.
        brightness: By what the pixels of each image are multiplied, (N,).
        contrast: By what their distance from the mean grey of the image is, (N,).

    Returns:
        The same shape, cut off to 0..1.
    """
    factor, spread = (each.to(images).view(-1, 1, 1, 1) for each in (brightness, contrast))
    bright = (images * factor).clamp(0, 1)
    weights = images.new_tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)
    grey = (bright * weights).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    return (grey + spread * (bright - grey)).clamp(0, 1)
