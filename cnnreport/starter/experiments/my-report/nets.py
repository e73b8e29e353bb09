"""The two nets of the report. Their classes are printed in it, and their formulas derived from them."""

import torch
from torch import nn


class LinearNet(nn.Module):
    """One layer: the score of each digit is a weighted sum of all pixels.

    Args:
        num_in_channels: NIC, channels of the image.
        num_classes: How many digits there are; with a default, it is a number in the formulas.
    """

    def __init__(self, num_in_channels: int, num_classes: int = 10) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.scores = nn.Linear(num_in_channels * 8 * 8, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, NIC, 8, 8) to scores (N, 10)."""
        scores: torch.Tensor = self.scores(self.flatten(images))
        return scores


class ConvNet(nn.Module):
    """Two convolutions, each followed by pooling, and one layer that gives the scores.

    Args:
        num_in_channels: NIC, channels of the image.
        num_filters: NF, filters of the first convolution; the second has twice as many.
        num_classes: How many digits there are; with a default, it is a number in the formulas.
    """

    def __init__(self, num_in_channels: int, num_filters: int, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_in_channels, num_filters, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(num_filters, 2 * num_filters, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.scores = nn.Linear(2 * num_filters * 2 * 2, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, NIC, 8, 8) to scores (N, 10)."""
        halved = self.pool(torch.relu(self.conv1(images)))
        quartered = self.pool(torch.relu(self.conv2(halved)))
        scores: torch.Tensor = self.scores(self.flatten(quartered))
        return scores
