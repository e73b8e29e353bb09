"""The colourization nets of CSC413 2021, programming assignment 2, as Figure 1 of the handout draws them."""

import torch
from torch import nn


class PoolUpsampleNet(nn.Module):
    """Figure 1a: two blocks that pool, two that upsample, and a convolution to logits.

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
        self.down1 = nn.Sequential(
            nn.Conv2d(num_in_channels, num_filters, kernel, padding=padding),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.down2 = nn.Sequential(
            nn.Conv2d(num_filters, 2 * num_filters, kernel, padding=padding),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(2 * num_filters),
            nn.ReLU(),
        )
        self.up1 = nn.Sequential(
            nn.Conv2d(2 * num_filters, num_filters, kernel, padding=padding),
            nn.Upsample(scale_factor=2),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.up2 = nn.Sequential(
            nn.Conv2d(num_filters, num_colours, kernel, padding=padding),
            nn.Upsample(scale_factor=2),
            nn.BatchNorm2d(num_colours),
            nn.ReLU(),
        )
        self.logits = nn.Conv2d(num_colours, num_colours, kernel, padding=padding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map grey images to the logits of each pixel's colour."""
        x = self.down1(x)  # BS x NF x 16 x 16
        x = self.down2(x)  # BS x 2NF x 8 x 8
        x = self.up1(x)  # BS x NF x 16 x 16
        x = self.up2(x)  # BS x NC x 32 x 32
        x = self.logits(x)  # BS x NC x 32 x 32
        return x


class ConvTransposeNet(nn.Module):
    """Figure 1b: two strided convolutions, two transposed ones, and a convolution to logits.

    Args:
        kernel: Kernel size k. The paddings keep the figure's shapes for every k (question B4): for
            k = 3 they are those of the handout.
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
        padding, output_padding = (kernel - 1) // 2, kernel % 2
        self.down1 = nn.Sequential(
            nn.Conv2d(num_in_channels, num_filters, kernel, stride=2, padding=padding),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.down2 = nn.Sequential(
            nn.Conv2d(num_filters, 2 * num_filters, kernel, stride=2, padding=padding),
            nn.BatchNorm2d(2 * num_filters),
            nn.ReLU(),
        )
        self.up1 = nn.Sequential(
            nn.ConvTranspose2d(2 * num_filters, num_filters, kernel, 2, padding, output_padding),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.up2 = nn.Sequential(
            nn.ConvTranspose2d(num_filters, num_colours, kernel, 2, padding, output_padding),
            nn.BatchNorm2d(num_colours),
            nn.ReLU(),
        )
        self.logits = nn.Conv2d(num_colours, num_colours, kernel, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map grey images to the logits of each pixel's colour."""
        x = self.down1(x)  # BS x NF x 16 x 16
        x = self.down2(x)  # BS x 2NF x 8 x 8
        x = self.up1(x)  # BS x NF x 16 x 16
        x = self.up2(x)  # BS x NC x 32 x 32
        x = self.logits(x)  # BS x NC x 32 x 32
        return x


class UNet(nn.Module):
    """Figure 1c: ConvTransposeNet with skip connections from each level to its counterpart.

    Args:
        kernel: Kernel size k; paddings as in ConvTransposeNet.
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
        padding, output_padding = (kernel - 1) // 2, kernel % 2
        self.down1 = nn.Sequential(
            nn.Conv2d(num_in_channels, num_filters, kernel, stride=2, padding=padding),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.down2 = nn.Sequential(
            nn.Conv2d(num_filters, 2 * num_filters, kernel, stride=2, padding=padding),
            nn.BatchNorm2d(2 * num_filters),
            nn.ReLU(),
        )
        self.up1 = nn.Sequential(
            nn.ConvTranspose2d(2 * num_filters, num_filters, kernel, 2, padding, output_padding),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.up2 = nn.Sequential(
            nn.ConvTranspose2d(2 * num_filters, num_colours, kernel, 2, padding, output_padding),
            nn.BatchNorm2d(num_colours),
            nn.ReLU(),
        )
        self.logits = nn.Conv2d(num_in_channels + num_colours, num_colours, kernel, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map grey images to the logits of each pixel's colour."""
        half = self.down1(x)  # BS x NF x 16 x 16
        quarter = self.down2(half)  # BS x 2NF x 8 x 8
        up = self.up1(quarter)  # BS x NF x 16 x 16
        up = self.up2(torch.cat([half, up], dim=1))  # BS x NC x 32 x 32
        x = self.logits(torch.cat([x, up], dim=1))  # BS x NC x 32 x 32
        return x
