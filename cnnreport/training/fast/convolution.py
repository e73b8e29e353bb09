"""Convolutions that spare oneDNN and cuDNN, PyTorch's libraries for CPUs and GPUs, what they do slowly.

oneDNN sums the gradient of a transposed convolution's bias in a plain loop, which for channels-last images
takes nearly as long as the gradient of the weights. And where the input channels do not fill vectors, its
backward pass takes half as long again. cuDNN is slow at the gradient of a small kernel in float32 and in a
fixed order. On other devices the layers are computed as they are.

The gradient of a bias is not even summed where a batch norm subtracts whatever the bias adds: it is zero.
"""

import functools
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

HERE = ("cpu", "cuda")
"""Where `convolve` computes; elsewhere the layers are computed as they are."""

PATCHES = 1 << 28
"""Numbers in patches of images that lie in memory together: 1 GiB, which a small GPU has."""

VECTOR = 8
"""Channels that a vector of AVX2 holds in float32."""


class Geometry(NamedTuple):
    """How a kernel moves, in the order of ``torch.ops.aten.convolution``; two numbers for each list."""

    stride: list[int]
    padding: list[int]
    dilation: list[int]
    transposed: bool
    output_padding: list[int]
    groups: int


def geometry(layer: nn.Conv2d | nn.ConvTranspose2d) -> Geometry | None:
    """Return a layer's geometry, None where it pads otherwise than with as many zeros on either side."""
    reach = [(k - 1) * d for k, d in zip(layer.kernel_size, layer.dilation, strict=True)]
    if layer.padding == "same":
        padding = [r // 2 for r in reach if r % 2 == 0]
    else:
        padding = [0, 0] if layer.padding == "valid" else [int(p) for p in layer.padding]
    if layer.padding_mode != "zeros" or len(padding) != 2:
        return None
    return Geometry(
        list(layer.stride),
        padding,
        list(layer.dilation),
        isinstance(layer, nn.ConvTranspose2d),
        list(layer.output_padding),
        layer.groups,
    )


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    how: Geometry,
    norm: nn.BatchNorm2d | None = None,
) -> torch.Tensor:
    """Convolve on a CPU or on CUDA; autocast and autograd work as for PyTorch's own functions.

    Args:
        x: Shape (N, C, H, W).
        weight: As PyTorch's function takes it.
        bias: As PyTorch's function takes it.
        how: How the kernel moves.
        norm: What alone gets the result, up to maxima over places; None for anything else. While it
            normalises by the mean of the batch, the gradient of the bias is zero, not the sum that differs
            from it by rounding: in training such a bias stays what it was.
    """
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, weight, bias = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    convolved: torch.Tensor = _Convolution.apply(x, weight, bias, how, _cancels(norm))
    return convolved


def _cancels(norm: nn.BatchNorm2d | None) -> bool:
    """Say whether a batch norm subtracts what is added to all pixels of a channel, as PyTorch decides it."""
    if norm is None:
        return False
    return norm.training or (norm.running_mean is None and norm.running_var is None)


class BiasApart(nn.Module):
    """A convolution, transposed or not, whose bias gets its gradient by a sum of its own.

    Args:
        layer: The convolution.
        how: Its geometry.
        norm: What alone gets its output, see `convolve`.
    """

    def __init__(
        self, layer: nn.Conv2d | nn.ConvTranspose2d, how: Geometry, norm: nn.BatchNorm2d | None = None
    ) -> None:
        super().__init__()
        self.layer = layer
        self.norm = norm
        self._how = how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve (N, C, H, W)."""
        if x.device.type in HERE:
            return convolve(x, self.layer.weight, self.layer.bias, self._how, self.norm)
        convolved: torch.Tensor = self.layer(x)
        return convolved


class SplitConv2d(nn.Module):
    """A convolution of concatenated images: the sum of the convolutions of each, without copying any.

    Arguments are those of `BiasApart`.
    """

    def __init__(self, layer: nn.Conv2d, how: Geometry, norm: nn.BatchNorm2d | None = None) -> None:
        super().__init__()
        self.layer = layer
        self.norm = norm
        self._how = how

    def forward(self, *parts: torch.Tensor) -> torch.Tensor:
        """Convolve parts of shape (N, C_i, H, W), whose channels add up to those of the layer."""
        layer = self.layer
        where = parts[0].device.type
        if where == "cuda":
            return convolve(torch.cat(parts, 1), layer.weight, layer.bias, self._how, self.norm)
        if where != "cpu":
            convolved: torch.Tensor = layer(torch.cat(parts, 1))
            return convolved
        weights = torch.split(layer.weight, [part.shape[1] for part in parts], 1)
        total = convolve(parts[0], weights[0], layer.bias, self._how, self.norm)
        for part, weight in zip(parts[1:], weights[1:], strict=True):
            total += convolve(part, weight, None, self._how)
        return total


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        how: Geometry,
        cancelled: bool,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how, ctx.cancelled = how, cancelled
        convolved: torch.Tensor = torch.ops.aten.convolution.default(x, weight, bias, *how)
        return convolved

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        needed = ctx.needs_input_grad
        multiplied = needed[1] and by_product(x, ctx.how)
        of_input, of_weight, _ = torch.ops.aten.convolution_backward.default(
            gradient, x, weight, None, *ctx.how, [needed[0], needed[1] and not multiplied, False]
        )
        if multiplied:
            of_weight = of_kernel(x, gradient, (weight.shape[2], weight.shape[3]), ctx.how)
        return of_input, of_weight, _of_bias(gradient, ctx.cancelled) if needed[2] else None, None, None


def by_product(x: torch.Tensor, how: Geometry) -> bool:
    """Say whether the gradient of the kernel that slides over x is a matrix product, see `of_kernel`."""
    return x.is_cuda and x.dtype == torch.float32 and how.groups == 1


def of_kernel(
    x: torch.Tensor, gradient: torch.Tensor, kernel: tuple[int, int], how: Geometry
) -> torch.Tensor:
    """Return the gradient of a kernel as a product of two matrices for each image, summed over the images.

    On an H200, in float32 and in a fixed order, cuDNN takes up to thirty times as long for the kernels of the
    colourization nets.

    Args:
        x: What was convolved, (N, C, H, W).
        gradient: That of the outputs, (N, F, h, w).
        kernel: Lines and columns.
        how: How the kernel moves; one group.

    Returns:
        (F, C, lines, columns), or (C, F, lines, columns) of a transposed convolution.
    """
    # Each place of `small` has met the pixels of `large` under the kernel, whichever of them was the input.
    large, small = (gradient, x) if how.transposed else (x, gradient)
    patches = small.shape[2] * small.shape[3] * kernel[0] * kernel[1] * large.shape[1]
    together = max(1, PATCHES // patches)
    pairs = zip(torch.split(large, together), torch.split(small, together), strict=True)
    parts = [_summed(some, places, kernel, how) for some, places in pairs]
    return functools.reduce(torch.add, parts)


def _summed(large: torch.Tensor, small: torch.Tensor, kernel: tuple[int, int], how: Geometry) -> torch.Tensor:
    """Return `of_kernel` of images whose patches lie in memory together."""
    (across, down), (sy, sx), (dy, dx) = how.padding[::-1], how.stride, how.dilation
    framed = F.pad(large.permute(0, 2, 3, 1), (0, 0, across, across, down, down))
    count, rows, height, width = small.shape
    image, line, pixel, channel = framed.stride()
    shape = (count, height, width, *kernel, framed.shape[3])
    seen = framed.as_strided(shape, (image, sy * line, sx * pixel, dy * line, dx * pixel, channel))
    seen = seen.reshape(count, height * width, -1)
    each = torch.bmm(small.permute(0, 2, 3, 1).reshape(count, height * width, rows).transpose(1, 2), seen)
    return each.sum(0).view(rows, *kernel, -1).permute(0, 3, 1, 2)


def _of_bias(gradient: torch.Tensor, cancelled: bool) -> torch.Tensor:
    """Return the gradient of a bias, (C,), by that of the outputs (N, C, H, W)."""
    if cancelled:
        return gradient.new_zeros(gradient.shape[1])
    return gradient.sum((0, 2, 3))
