"""The net of this project."""

from torch import Tensor, nn


class Corner(nn.Module):
    """Two convolutions and a mean: (N, 1, H, W) to (N, 2)."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, filters, 3, padding=1)
        self.second = nn.Conv2d(filters, 2, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.second(self.first(images).relu()).mean((2, 3))
