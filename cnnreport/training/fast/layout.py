"""In which order a net hands over the logits of an image's pixels, and labels in the same order.

A loss does not care for the order of the pixels, so it need not be paid for.
"""

from typing import Protocol

import torch
import torch.nn.functional as F

from cnnreport.training.fast.cross_entropy import UNLABELLED


class Layout(Protocol):
    """An order of the pixels of an image."""

    def rows(self, outputs: torch.Tensor) -> torch.Tensor:
        """Turn a net's outputs into logits of shape (rows, NC)."""

    def arrange(self, labels: torch.Tensor) -> torch.Tensor:
        """Bring labels of shape (N, H, W) into the order of the rows, shape (N, rows of an image)."""

    def restore(self, values: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Bring values in the order of the rows back into pictures of shape (N, H, W)."""


class PixelLayout:
    """The usual order, line by line."""

    def rows(self, outputs: torch.Tensor) -> torch.Tensor:
        """Turn outputs of shape (N, NC, H, W) into rows; free of cost for channels-last outputs."""
        return outputs.permute(0, 2, 3, 1).reshape(-1, outputs.shape[1])

    def arrange(self, labels: torch.Tensor) -> torch.Tensor:
        """Flatten the pictures, (N, H, W), into (N, H W)."""
        return labels.flatten(1)

    def restore(self, values: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Undo `arrange`: (N, H, W)."""
        return values.reshape(-1, height, width)


class CornerLayout:
    """Blocks of 2 x 2 pixels around the corners of low-resolution pixels, as `CornerConv2d` gives them.

    The blocks at the border reach one pixel beyond the image; those rows are unlabelled.
    """

    def rows(self, outputs: torch.Tensor) -> torch.Tensor:
        """Turn outputs of shape (N, 4 NC, H / 2 + 1, W / 2 + 1) into rows."""
        return outputs.permute(0, 2, 3, 1).reshape(-1, outputs.shape[1] // 4)

    def arrange(self, labels: torch.Tensor) -> torch.Tensor:
        """Cut the pictures, (N, H, W), with an unlabelled frame of one pixel into blocks.

        Returns:
            (N, (H + 2) (W + 2)), block by block.
        """
        framed = F.pad(labels, (1, 1, 1, 1), value=UNLABELLED)
        count, height, width = framed.shape
        blocks = framed.view(count, height // 2, 2, width // 2, 2)
        return blocks.transpose(2, 3).flatten(1)

    def restore(self, values: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Undo `arrange`, and leave the frame out: (N, H, W)."""
        blocks = values.reshape(-1, height // 2 + 1, width // 2 + 1, 2, 2)
        return blocks.transpose(2, 3).reshape(-1, height + 2, width + 2)[:, 1:-1, 1:-1]
