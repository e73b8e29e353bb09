"""A tiny set of images of three classes, and nets that name them."""

import json
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

CLASSES = ("dark", "left", "right")


class SmallNet(nn.Module):
    """A convolution with batch norm, dropout and a linear layer."""

    def __init__(self, channels: int = 1, classes: int = 3, dropout: float = 0.25) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Flatten(), nn.LazyLinear(classes))
        self.head(self.features.eval()(torch.zeros(1, channels, 6, 6)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, 6, 6) to (N, K)."""
        scores: torch.Tensor = self.head(self.features(images))
        return scores


def mirror_some(images: torch.Tensor) -> torch.Tensor:
    """Turn about half of the images upside down, which changes no class."""
    return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(2), images)


def small_classes(train: int = 30, validation: int = 12, channels: int = 1) -> dict[str, NDArray[Any]]:
    """Images that are dark everywhere, or bright on the left or on the right."""
    generator = np.random.default_rng(0)
    data: dict[str, NDArray[Any]] = {"classes": np.frombuffer(json.dumps(CLASSES).encode(), np.uint8)}
    for part, count in (("train", train), ("validation", validation)):
        label = np.arange(count) % 3
        images = generator.integers(0, 100, (count, channels, 6, 6), np.uint8)
        images[label == 1, :, :, :3] += 120
        images[label == 2, :, :, 3:] += 120
        data |= {f"{part}_images": images, f"{part}_label": label.astype(np.uint8)}
    return data
