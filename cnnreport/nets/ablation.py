"""Nets between those of the handout, each one change away from the next: they tell reasons apart.

PoolUpsampleNet, StridedUpsampleNet, ResizeConvNet and ConvTransposeNet (in `colourization`) are four steps
of one path. Each has the same number of weights as the others. InputSkipNet and InnerSkipNet stand between
ConvTransposeNet and UNet, each with one of UNet's two skips. All go beyond CSC413 2021, programming
assignment 2; upsampling before the convolution is that of Odena, Dumoulin and Olah (2016).
"""

import torch
from torch import nn


class StridedUpsampleNet(nn.Module):
    """PoolUpsampleNet with strided convolutions in place of pooling; its way up is unchanged.

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


class ResizeConvNet(nn.Module):
    """StridedUpsampleNet that upsamples before its convolutions: they work where ConvTransposeNet's do.

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
            nn.Upsample(scale_factor=2),
            nn.Conv2d(2 * num_filters, num_filters, kernel, padding=padding),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),
        )
        self.up2 = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.Conv2d(num_filters, num_colours, kernel, padding=padding),
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


class InputSkipNet(nn.Module):
    """ConvTransposeNet with one of UNet's skips: from the input to the last convolution.

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
            nn.ConvTranspose2d(num_filters, num_colours, kernel, 2, padding, output_padding),
            nn.BatchNorm2d(num_colours),
            nn.ReLU(),
        )
        self.logits = nn.Conv2d(num_in_channels + num_colours, num_colours, kernel, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map grey images to the logits of each pixel's colour."""
        half = self.down1(x)  # BS x NF x 16 x 16
        quarter = self.down2(half)  # BS x 2NF x 8 x 8
        up = self.up1(quarter)  # BS x NF x 16 x 16
        up = self.up2(up)  # BS x NC x 32 x 32
        x = self.logits(torch.cat([x, up], dim=1))  # BS x NC x 32 x 32
        return x


class InnerSkipNet(nn.Module):
    """ConvTransposeNet with one of UNet's skips: from the first block to the second transposed one.

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
        self.logits = nn.Conv2d(num_colours, num_colours, kernel, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map grey images to the logits of each pixel's colour."""
        half = self.down1(x)  # BS x NF x 16 x 16
        quarter = self.down2(half)  # BS x 2NF x 8 x 8
        up = self.up1(quarter)  # BS x NF x 16 x 16
        up = self.up2(torch.cat([half, up], dim=1))  # BS x NC x 32 x 32
        x = self.logits(up)  # BS x NC x 32 x 32
        return x
