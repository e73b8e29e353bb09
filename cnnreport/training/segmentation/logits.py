"""From the last layer of a segmentation net to one logit for each pixel of the image.

The softmax of two scores, and so either loss, depends on their difference alone: it is the logit of the
probability of flower, and it is all that is upsampled. Bilinear interpolation is linear in rows and in
columns: two matrix products, which cost less than PyTorch's own interpolation and, unlike its backward pass
on CUDA, add in a fixed order.
"""

import torch
from torch import nn
from torch.nn import functional as F

from cnnreport.nets.deeplab import DeepLabV3

Size = tuple[int, int]
"""Height and width in pixels."""


def upsample(maps: torch.Tensor, size: Size) -> torch.Tensor:
    """Interpolate bilinearly, as ``F.interpolate`` does without aligned corners.

    Args:
        maps: Shape (N, h, w).
        size: What they are to become.

    Returns:
        Shape (N, H, W).
    """
    rows, columns = (_weights(maps, axis, wanted) for axis, wanted in zip((-2, -1), size, strict=True))
    return rows @ (maps @ columns.T)


def _weights(maps: torch.Tensor, axis: int, wanted: int) -> torch.Tensor:
    """Return what each pixel wanted along an axis takes of those that are there: (wanted, length)."""
    units = torch.eye(maps.shape[axis], dtype=maps.dtype, device=maps.device)
    return F.interpolate(units[None], size=wanted, mode="linear", align_corners=False)[0].T


class LogitsOfFeatures(nn.Module):
    """The end of a DeepLabV3: from the input of its last layer (N, C, h, w) to logits (N, H, W).

    Args:
        model: A net with two classes.
        size: Of the images.
    """

    def __init__(self, model: DeepLabV3, size: Size) -> None:
        super().__init__()
        self.last, self.size = model.classifier[-1], size

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits of features."""
        return _logits(self.last(features), self.size)


class LogitsOfImages(nn.Module):
    """A whole DeepLabV3: from normalised images (N, 3, H, W) to logits (N, H, W).

    Args:
        model: A net with two classes; its auxiliary classifier, if it has one, is not computed.
        moving: Whether batch norm and dropout follow `train`; else they stay in evaluation mode.
    """

    def __init__(self, model: DeepLabV3, *, moving: bool) -> None:
        super().__init__()
        self.model, self.moving = model, moving

    def train(self, mode: bool = True) -> "LogitsOfImages":
        """Set the mode, as far as the net may move."""
        return super().train(mode and self.moving)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of images."""
        scores = self.model.classifier(self.model.backbone(images)["out"])
        return _logits(scores, (images.shape[-2], images.shape[-1]))


def _logits(scores: torch.Tensor, size: Size) -> torch.Tensor:
    return upsample(scores[:, 1] - scores[:, 0], size)
