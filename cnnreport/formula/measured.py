"""How many connections real operations have, measured on the tensors that they were given.

A convolution of ones with ones over an image of ones adds up to the connections that do not fall on
padding; over the same image padded with ones, to all of them. Windows of pooling are measured on
images of ones, adaptive pooling and upsampling by lighting one input at a time. Where an operation
joins values in their places, or a normalisation takes some together, the real sizes say how many.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional as F

from cnnreport.errors import VerificationError
from cnnreport.formula.rule import Role
from cnnreport.formula.tensor import tensors_in

Sizes = tuple[int, ...]


def from_input(tensor: torch.Tensor) -> torch.Tensor:
    """Mark a tensor as computed from the input of the net."""
    tensor.comes_from_input = True  # type: ignore[attr-defined]
    return tensor


def is_from_input(tensor: torch.Tensor) -> bool:
    """Say whether a tensor is marked; parameters and what is computed of them alone are not."""
    return hasattr(tensor, "comes_from_input")


def _count_convolution(
    out: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> dict[str, int]:
    steps = tuple(_each(value, x.dim() - 2) for value in (stride, dilation))
    zeros = padding if isinstance(padding, str) else _each(padding, x.dim() - 2)
    inside, whole = _convolve_ones(tuple(x.shape[2:]), tuple(weight.shape[1:]), *steps, zeros)
    filters = weight.shape[0]
    biases = out.numel() if bias is not None else 0
    return {"taps": whole * filters, "padded": (whole - inside) * filters, "biases": biases}


@lru_cache(maxsize=4096)
def _convolve_ones(
    sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Sizes | str
) -> tuple[int, int]:
    """Count the connections of one filter, without and with those that fall on padding."""
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(sizes) - 1]
    image, ones = torch.ones(1, kernel[0], *sizes), torch.ones(1, *kernel)
    inside = convolve(image, ones, stride=stride, padding=padding, dilation=dilation)
    rim = [
        zeros
        for axis in reversed(range(len(sizes)))
        for zeros in _rim(padding, axis, dilation[axis] * (kernel[axis + 1] - 1))
    ]
    padded = F.pad(image, rim, value=1.0)
    return _sum(inside), _sum(convolve(padded, ones, stride=stride, dilation=dilation))


def _rim(padding: Sizes | str, axis: int, reach: int) -> tuple[int, int]:
    if padding == "same":
        return reach // 2, reach - reach // 2
    zeros = 0 if isinstance(padding, str) else padding[axis]
    return zeros, zeros


def _count_transposed(
    out: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> dict[str, int]:
    steps = tuple(_each(v, x.dim() - 2) for v in (stride, padding, output_padding, dilation))
    channels = weight.shape[0] // groups
    kernel = tuple(weight.shape[2:])
    inside, whole = _spread_ones(tuple(x.shape[2:]), channels, kernel, *steps)
    filters = weight.shape[1] * groups
    biases = out.numel() if bias is not None else 0
    return {"taps": whole * filters, "padded": (whole - inside) * filters, "biases": biases}


@lru_cache(maxsize=4096)
def _spread_ones(
    sizes: Sizes, channels: int, kernel: Sizes, stride: Sizes, padding: Sizes, extra: Sizes, dilation: Sizes
) -> tuple[int, int]:
    spread = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[len(sizes) - 1]
    image, ones = torch.ones(1, channels, *sizes), torch.ones(channels, 1, *kernel)
    inside = spread(image, ones, stride=stride, padding=padding, output_padding=extra, dilation=dilation)
    return _sum(inside), _sum(spread(image, ones, stride=stride, dilation=dilation))


def _count_linear(
    out: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> dict[str, int]:
    pairs = _sum(F.linear(torch.ones(1, x.shape[-1]), torch.ones(1, weight.shape[1])))
    return {"taps": pairs * out.numel(), "biases": out.numel() if bias is not None else 0}


def _count_average_pool(
    out: torch.Tensor,
    x: torch.Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> dict[str, int]:
    return _count_windows(out, x, kernel_size, stride, padding, 1, ceil_mode)


def _count_windows(
    out: torch.Tensor,
    x: torch.Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> dict[str, int]:
    axes = x.dim() - 2
    window = _each(kernel_size, axes)
    steps = window if stride is None or stride == [] else _each(stride, axes)
    inside = _pool_ones(
        tuple(x.shape[2:]), window, steps, _each(padding, axes), _each(dilation, axes), ceil_mode
    )
    taps = out.numel() * math.prod(window)
    return {"taps": taps, "padded": taps - inside * math.prod(out.shape[:2])}


@lru_cache(maxsize=4096)
def _pool_ones(
    sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil: bool
) -> int:
    if any(step != 1 for step in dilation):
        convolve = (F.conv1d, F.conv2d, F.conv3d)[len(sizes) - 1]
        if ceil:
            raise VerificationError(
                "no oracle counts a dilated pooling with ceil_mode", "leave one of them out"
            )
        return _sum(
            convolve(torch.ones(1, 1, *sizes), torch.ones(1, 1, *kernel), None, stride, padding, dilation)
        )
    if len(sizes) == 1:
        sizes, kernel, stride, padding = (1, *sizes), (1, *kernel), (1, *stride), (0, *padding)
    pool = F.avg_pool2d if len(sizes) == 2 else F.avg_pool3d
    image = torch.ones(1, 1, *sizes)
    return _sum(pool(image, kernel, stride, padding, ceil_mode=ceil, divisor_override=1))


def _count_adaptive(
    out: torch.Tensor, x: torch.Tensor, output_size: Any, return_indices: bool = False
) -> dict[str, int]:
    axes = zip(x.shape[2:], out.shape[2:], strict=True)
    pairs = math.prod(_reads(F.adaptive_avg_pool1d, size, wanted) for size, wanted in axes)
    return {"taps": pairs * math.prod(out.shape[:2])}


def _count_upsampling(
    out: torch.Tensor,
    x: torch.Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    **options: Any,
) -> dict[str, int]:
    line = {"bilinear": "linear"}.get(mode, mode)
    axes = x.dim() - 2
    scales = tuple(scale_factor) if isinstance(scale_factor, tuple | list) else (scale_factor,) * axes
    pairs = math.prod(
        _enlarged_reads(size, wanted, None if recompute_scale_factor else scale, line, align_corners)
        for size, wanted, scale in zip(x.shape[2:], out.shape[2:], scales, strict=True)
    )
    return {"taps": pairs * math.prod(out.shape[:2])}


@lru_cache(maxsize=4096)
def _enlarged_reads(
    size: int, wanted: int, scale: float | None, mode: str, align_corners: bool | None
) -> int:
    def resize(image: torch.Tensor, outputs: int) -> torch.Tensor:
        how = {"size": outputs} if scale is None else {"scale_factor": scale}
        return F.interpolate(image, mode=mode, align_corners=align_corners, **how)

    return _reads(resize, size, wanted)


def _reads(resize: Callable[[torch.Tensor, int], torch.Tensor], size: int, wanted: int) -> int:
    """Count which outputs answer to which input along one axis, one input being lit at a time."""
    lit = torch.eye(size, dtype=torch.float64).unsqueeze(1)
    return int((resize(lit, wanted).abs() > 1e-9).sum())


def _count_batch_norm(out: torch.Tensor, x: torch.Tensor, *rest: Any, **options: Any) -> dict[str, int]:
    return {"taps": 0, "statistics": x[0, 0].numel()}


def _count_group_norm(
    out: torch.Tensor, x: torch.Tensor, num_groups: int, *rest: Any, **options: Any
) -> dict[str, int]:
    return {"taps": 0, "statistics": x[0].numel() // num_groups}


def _count_layer_norm(
    out: torch.Tensor, x: torch.Tensor, normalized_shape: Any, *rest: Any, **options: Any
) -> dict[str, int]:
    return {"taps": 0, "statistics": torch.empty(tuple(normalized_shape), device="meta").numel()}


def count_pointwise(out: torch.Tensor, *args: Any, **kwargs: Any) -> dict[str, int]:
    """Count one connection for each value that comes out."""
    return {"taps": out.numel()}


def _count_softmax(
    out: torch.Tensor, x: torch.Tensor, dim: int, *rest: Any, **options: Any
) -> dict[str, int]:
    return {"taps": out.numel() * x.shape[dim]}


def _count_arithmetic(out: torch.Tensor, *args: Any, **kwargs: Any) -> dict[str, int]:
    return {"taps": out.numel() * sum(map(is_from_input, tensors_in((args, kwargs))))}


def _count_concatenation(
    out: torch.Tensor, tensors: Sequence[torch.Tensor], *args: Any, **kwargs: Any
) -> dict[str, int]:
    return {"taps": sum(tensor.numel() for tensor in tensors if is_from_input(tensor))}


def _count_bag(
    out: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *rest: Any, **options: Any
) -> dict[str, int]:
    rows = F.embedding(torch.zeros_like(x), weight)
    return {"taps": rows.numel()}


def _count_unpooling(out: torch.Tensor, x: torch.Tensor, *rest: Any, **options: Any) -> dict[str, int]:
    return {"taps": x.numel()}


COUNTS: dict[str, Callable[..., dict[str, int]]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _count_convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _count_transposed),
    "linear": _count_linear,
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), _count_windows),
    **dict.fromkeys([f"max_pool{axes}d_with_indices" for axes in (1, 2, 3)], _count_windows),
    **dict.fromkeys([f"max_unpool{axes}d" for axes in (1, 2, 3)], _count_unpooling),
    **dict.fromkeys([f"adaptive_max_pool{axes}d_with_indices" for axes in (1, 2, 3)], _count_adaptive),
    "embedding_bag": _count_bag,
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), _count_average_pool),
    **dict.fromkeys(
        (
            "adaptive_avg_pool1d",
            "adaptive_avg_pool2d",
            "adaptive_avg_pool3d",
            "adaptive_max_pool1d",
            "adaptive_max_pool2d",
            "adaptive_max_pool3d",
        ),
        _count_adaptive,
    ),
    "interpolate": _count_upsampling,
    **dict.fromkeys(("batch_norm", "instance_norm"), _count_batch_norm),
    "group_norm": _count_group_norm,
    **dict.fromkeys(("layer_norm", "rms_norm"), _count_layer_norm),
    **dict.fromkeys(("softmax", "log_softmax", "softmin"), _count_softmax),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), _count_concatenation),
    **dict.fromkeys(("add", "sub", "rsub", "mul", "div", "maximum", "minimum"), _count_arithmetic),
    **dict.fromkeys(
        ("mean", "sum", "amax", "max", "min"), lambda out, x, *args, **kwargs: {"taps": x.numel()}
    ),
    "pad": lambda out, *args, **kwargs: {"taps": 0},
}


ROLES: dict[str, Role] = {
    **dict.fromkeys((*(f"conv{axes}d" for axes in (1, 2, 3)), "linear"), "kernel"),
    **dict.fromkeys((f"conv_transpose{axes}d" for axes in (1, 2, 3)), "kernel"),
    **dict.fromkeys(("batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm"), "affine"),
}
"""What the parameters of an operation are for; of any other they are something else."""


def _each(value: Any, axes: int) -> Sizes:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


def _sum(values: torch.Tensor) -> int:
    # Some convolutions round: a sum of ones is a whole number, whatever is a little off it.
    return int(values.double().round().sum())
