"""The colourization nets of CSC413 2020, programming assignment 2: six blocks, and their UNet."""

import torch
from torch import nn


class CNN(nn.Module):
    """Part A of CSC413 2020: six convolutions, of which two pool and two upsample.

    Args:
        kernel: Kernel size k, odd, so that a padding of k // 2 keeps height and width.
        num_filters: NF, filters of the first block.
        num_colours: NC, colours to choose from.
        num_in_channels: NIC, channels of the input.
    """

    def __init__(
        self,
        kernel: int,
        num_filters: int,
        num_colours: int,
        num_in_channels: int,
    ) -> None:
        super().__init__()
        padding = kernel // 2
        self.block1 = nn.Sequential(
            nn.Conv2d(num_in_channels, num_filters, kernel, padding=padding),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(num_filters, 2 * num_filters, kernel, padding=padding),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(2 * num_filters),
            nn.ReLU(),
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(2 * num_filters, 2 * num_filters, kernel, padding=padding),
            nn.BatchNorm2d(2 * num_filters),
            nn.ReLU(),
        )
        self.block4 = nn.Sequential(
            nn.Conv2d(2 * num_filters, num_filters, kernel, padding=padding),
            nn.Upsample(scale_factor=2),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.block5 = nn.Sequential(
            nn.Conv2d(num_filters, num_colours, kernel, padding=padding),
            nn.Upsample(scale_factor=2),
            nn.BatchNorm2d(num_colours),
            nn.ReLU(),
        )
        self.block6 = nn.Conv2d(num_colours, num_colours, kernel, padding=padding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map grey images to the logits of each pixel's colour."""
        x = self.block1(x)  # BS x NF x 16 x 16
        x = self.block2(x)  # BS x 2NF x 8 x 8
        x = self.block3(x)  # BS x 2NF x 8 x 8
        x = self.block4(x)  # BS x NF x 16 x 16
        x = self.block5(x)  # BS x NC x 32 x 32
        x = self.block6(x)  # BS x NC x 32 x 32
        return x


class UNet(nn.Module):
    """Part B of CSC413 2020: the six blocks, the last three of which also see what lies on the other side.

    Args:
        kernel: Kernel size k, odd; paddings as in CNN.
        num_filters: NF, filters of the first block.
        num_colours: NC, colours to choose from.
        num_in_channels: NIC, channels of the input.
    """

    def __init__(
        self,
        kernel: int,
        num_filters: int,
        num_colours: int,
        num_in_channels: int,
    ) -> None:
        super().__init__()
        padding = kernel // 2
        self.block1 = nn.Sequential(
            nn.Conv2d(num_in_channels, num_filters, kernel, padding=padding),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(num_filters, 2 * num_filters, kernel, padding=padding),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(2 * num_filters),
            nn.ReLU(),
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(2 * num_filters, 2 * num_filters, kernel, padding=padding),
            nn.BatchNorm2d(2 * num_filters),
            nn.ReLU(),
        )
        self.block4 = nn.Sequential(
            nn.Conv2d(4 * num_filters, num_filters, kernel, padding=padding),
            nn.Upsample(scale_factor=2),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.block5 = nn.Sequential(
            nn.Conv2d(2 * num_filters, num_colours, kernel, padding=padding),
            nn.Upsample(scale_factor=2),
            nn.BatchNorm2d(num_colours),
            nn.ReLU(),
        )
        self.block6 = nn.Conv2d(num_colours + num_in_channels, num_colours, kernel, padding=padding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map grey images to the logits of each pixel's colour."""
        half = self.block1(x)  # BS x NF x 16 x 16
        quarter = self.block2(half)  # BS x 2NF x 8 x 8
        y = self.block3(quarter)  # BS x 2NF x 8 x 8
        y = self.block4(torch.cat([quarter, y], dim=1))  # BS x NF x 16 x 16
        y = self.block5(torch.cat([half, y], dim=1))  # BS x NC x 32 x 32
        y = self.block6(torch.cat([y, x], dim=1))  # BS x NC x 32 x 32
        return y
