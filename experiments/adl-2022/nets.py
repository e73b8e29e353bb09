"""The classifier of traffic signs, and the same with batch normalisation.

KU Advanced Deep Learning 2022, assignment 1, part 1: three convolutions, two poolings, and a layer that gives
the scores of 43 classes. Both classes are printed in the report, and their formulas derived from them.
"""

import torch
from torch import nn


class SignNet(nn.Module):
    """Three convolutions without padding, the last two followed by pooling, and a layer of scores.

    Four rows are lost at each of the first two convolutions, two at the third, and half at each pooling: 32
    maps of (h - 3) x (h - 3) are left of an image of 4h x 4h, 512 numbers for h = 7.

    Args:
        h: A quarter of the rows and columns S of an image, so that S = 4h; at least 4.
        num_classes: How many classes there are; with a default, it is a number in the formulas.
    """

    def __init__(self, h: int, num_classes: int = 43) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=5)
        self.conv2 = nn.Conv2d(64, 32, kernel_size=5)
        self.conv3 = nn.Conv2d(32, 32, kernel_size=3)
        self.pool = nn.MaxPool2d(2)
        self.scores = nn.Linear(32 * (h - 3) ** 2, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, 3, S, S) to scores (N, 43)."""
        x = torch.relu(self.conv1(images))
        x = self.pool(torch.relu(self.conv2(x)))
        x = self.pool(torch.relu(self.conv3(x)))
        scores: torch.Tensor = self.scores(x.flatten(1))
        return scores


class NormedSignNet(nn.Module):
    """The same with batch normalisation (Ioffe and Szegedy, 2015) between each convolution and its ReLU.

    Args:
        h: A quarter of the rows and columns S of an image, so that S = 4h; at least 4.
        num_classes: How many classes there are; with a default, it is a number in the formulas.
    """

    def __init__(self, h: int, num_classes: int = 43) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=5)
        self.norm1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 32, kernel_size=5)
        self.norm2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 32, kernel_size=3)
        self.norm3 = nn.BatchNorm2d(32)
        self.pool = nn.MaxPool2d(2)
        self.scores = nn.Linear(32 * (h - 3) ** 2, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, 3, S, S) to scores (N, 43)."""
        x = torch.relu(self.norm1(self.conv1(images)))
        x = self.pool(torch.relu(self.norm2(self.conv2(x))))
        x = self.pool(torch.relu(self.norm3(self.conv3(x))))
        scores: torch.Tensor = self.scores(x.flatten(1))
        return scores
