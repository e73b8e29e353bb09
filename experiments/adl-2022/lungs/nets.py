"""The U-Net that finds lungs, and three others like it.

KU Advanced Deep Learning 2022, assignment 1, part 2: the U-Net of O. Ronneberger, P. Fischer and T. Brox,
U-Net: convolutional networks for biomedical image segmentation, 2015, as Lightning Bolts has it: padded
convolutions with batch normalisation, and upsampling by interpolation. The classes are printed in the report,
and their formulas derived from them.
"""

import torch
from torch import nn


class DoubleConv(nn.Sequential):
    """Twice a 3 x 3 convolution without bias, batch normalisation and an activation.

    Args:
        channels: Channels of the input.
        filters: Channels of both convolutions.
        activation: The class of the activation.
    """

    def __init__(self, channels: int, filters: int, activation: type[nn.Module]) -> None:
        super().__init__(
            nn.Conv2d(channels, filters, 3, padding=1, bias=False),
            nn.BatchNorm2d(filters),
            activation(),
            nn.Conv2d(filters, filters, 3, padding=1, bias=False),
            nn.BatchNorm2d(filters),
            activation(),
        )


class Up(nn.Module):
    """Doubles height and width with half of the channels, and joins them with those of the way down.

    Args:
        channels: Channels of what comes from below; the way down has half as many.
        mode: How height and width are doubled: ``bilinear``, ``nearest`` or ``transposed``.
        activation: The class of the activation.
    """

    def __init__(self, channels: int, mode: str, activation: type[nn.Module]) -> None:
        super().__init__()
        half = channels // 2
        if mode == "transposed":
            self.enlarge: nn.Module = nn.ConvTranspose2d(channels, half, 2, stride=2)
        else:
            # With "nearest", torch refuses to be told of corners.
            corners = True if mode == "bilinear" else None
            enlarged = nn.Upsample(scale_factor=2, mode=mode, align_corners=corners)
            self.enlarge = nn.Sequential(enlarged, nn.Conv2d(channels, half, 1))
        self.convs = DoubleConv(channels, half, activation)

    def forward(self, below: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        """Map (N, C, S, S) from below and (N, C/2, 2S, 2S) from beside to (N, C/2, 2S, 2S)."""
        joined: torch.Tensor = self.convs(torch.cat([beside, self.enlarge(below)], dim=1))
        return joined


class UNet(nn.Module):
    """Five levels, each of half the height and width and twice the channels of the one above.

    Args:
        num_filters: NF, channels of the highest level.
        mode: How height and width are doubled on the way up, see `Up`.
        activation: The class of the activation.
    """

    def __init__(
        self, num_filters: int, mode: str = "bilinear", activation: type[nn.Module] = nn.ReLU
    ) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.down1 = DoubleConv(1, num_filters, activation)
        self.down2 = DoubleConv(num_filters, 2 * num_filters, activation)
        self.down3 = DoubleConv(2 * num_filters, 4 * num_filters, activation)
        self.down4 = DoubleConv(4 * num_filters, 8 * num_filters, activation)
        self.bottom = DoubleConv(8 * num_filters, 16 * num_filters, activation)
        self.up4 = Up(16 * num_filters, mode, activation)
        self.up3 = Up(8 * num_filters, mode, activation)
        self.up2 = Up(4 * num_filters, mode, activation)
        self.up1 = Up(2 * num_filters, mode, activation)
        self.score = nn.Conv2d(num_filters, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, 1, S, S), S a multiple of 16, to a score of each pixel (N, 1, S, S)."""
        level1 = self.down1(images)
        level2 = self.down2(self.pool(level1))
        level3 = self.down3(self.pool(level2))
        level4 = self.down4(self.pool(level3))
        x = self.bottom(self.pool(level4))
        x = self.up4(x, level4)
        x = self.up3(x, level3)
        x = self.up2(x, level2)
        x = self.up1(x, level1)
        scores: torch.Tensor = self.score(x)
        return scores


class NearestUNet(UNet):
    """The same, but each value is repeated where the other interpolates.

    Args:
        num_filters: NF, channels of the highest level.
    """

    def __init__(self, num_filters: int) -> None:
        super().__init__(num_filters, mode="nearest")


class ELUUNet(UNet):
    """The same, but with ELU (Clevert, Unterthiner and Hochreiter, 2016) in place of ReLU.

    Args:
        num_filters: NF, channels of the highest level.
    """

    def __init__(self, num_filters: int) -> None:
        super().__init__(num_filters, activation=nn.ELU)


class TransposedUNet(UNet):
    """The same, but with transposed convolutions in place of interpolation.

    Args:
        num_filters: NF, channels of the highest level.
    """

    def __init__(self, num_filters: int) -> None:
        super().__init__(num_filters, mode="transposed")
