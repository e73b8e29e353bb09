"""Sample nets for the tests of the formula engine, written from section 3 of the handouts' notes."""

import torch
from torch import nn
from torch.nn import functional as F


def block(layer: nn.Module, channels: int) -> nn.Sequential:
    """A layer with batch norm and ReLU behind it."""
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU())


class Strided(nn.Module):
    """Two strided convolutions, two strided transposed ones and a last convolution, all named."""

    def __init__(
        self, kernel: int, num_filters: int, num_colours: int, num_in_channels: int, skips: bool
    ) -> None:
        super().__init__()
        same, half = kernel // 2, (kernel - 1) // 2
        twice = 2 if skips else 1
        last = num_colours + (num_in_channels if skips else 0)
        down = {"stride": 2, "padding": half}
        up = {**down, "output_padding": 1}
        self.conv1 = block(nn.Conv2d(num_in_channels, num_filters, kernel, **down), num_filters)
        self.conv2 = block(nn.Conv2d(num_filters, 2 * num_filters, kernel, **down), 2 * num_filters)
        self.conv3 = block(nn.ConvTranspose2d(2 * num_filters, num_filters, kernel, **up), num_filters)
        self.conv4 = block(nn.ConvTranspose2d(twice * num_filters, num_colours, kernel, **up), num_colours)
        self.conv5 = nn.Conv2d(last, num_colours, kernel, padding=same)


class ConvTransposeNet(Strided):
    """Figure 1b: strided convolutions down, transposed ones up."""

    def __init__(self, kernel: int, num_filters: int, num_colours: int, num_in_channels: int) -> None:
        super().__init__(kernel, num_filters, num_colours, num_in_channels, skips=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map an image to logits."""
        return self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))


class UNet(Strided):
    """Figure 1c: the same with the first layer and the image joined to later ones."""

    def __init__(self, kernel: int, num_filters: int, num_colours: int, num_in_channels: int) -> None:
        super().__init__(kernel, num_filters, num_colours, num_in_channels, skips=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map an image to logits."""
        first = self.conv1(x)
        third = self.conv3(self.conv2(first))
        fourth = self.conv4(torch.cat([third, first], dim=1))
        return self.conv5(torch.cat([fourth, x], dim=1))


class Perceptron(nn.Module):
    """Two linear layers."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map rows to rows."""
        return self.layers(x)


class SharedLayer(nn.Module):
    """One convolution, used twice."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(num_filters, num_filters, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply it twice."""
        return self.conv(F.relu(self.conv(x)))


class SharedParameter(nn.Module):
    """Two convolutions with one kernel, each with a bias of its own."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(num_filters, num_filters, 3, padding=1)
        self.second = nn.Conv2d(num_filters, num_filters, 3, padding=1)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply one after the other."""
        return self.second(self.first(x))


class UnusedParts(nn.Module):
    """A convolution that forward uses, another that it does not, and a vector of its own."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.used = nn.Conv2d(3, num_filters, 3)
        self.idle = nn.Conv2d(3, num_filters, 5)
        self.scale = nn.Parameter(torch.ones(num_filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Use one of them."""
        return self.used(x)


class Functional(nn.Module):
    """No layers at all: parameters of its own and functions of torch."""

    def __init__(self, kernel: int, num_filters: int, num_in_channels: int) -> None:
        super().__init__()
        self.padding = kernel // 2
        self.weight = nn.Parameter(torch.empty(num_filters, num_in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(num_filters))
        self.scale = nn.Parameter(torch.ones(num_filters, 1, 1))
        self.head = nn.Parameter(torch.empty(5, 2 * num_filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve, pool, upsample, join, add, scale, average and classify."""
        x = F.conv2d(x, self.weight, self.bias, padding=self.padding).relu()
        small = F.interpolate(F.max_pool2d(x, 2), scale_factor=2)
        both = torch.cat([x, small + x], dim=1)
        left, right = both.chunk(2, dim=1)
        left = left * self.scale
        left += right
        joined = torch.cat((left, right), 1).mean([2, 3])
        return F.linear(joined.view(joined.size(0), -1), self.head)


class Branching(nn.Module):
    """Chooses its layer by a parameter."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, num_filters, 3 if num_filters > 8 else 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve."""
        return self.conv(x)


class Ranged(nn.Module):
    """As many layers as a parameter says."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(depth)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply them all."""
        return self.layers(x)
