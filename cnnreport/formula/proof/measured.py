"""How many connections real operations have, measured on the tensors that they were given.

A convolution of ones with ones over an image of ones adds up to the pairs of one channel and one filter
that do not fall on padding; over the same image padded with ones, to all of them. Windows of pooling are
measured in the same way, adaptive pooling and upsampling by lighting one input at a time. Where an operation
joins values in their places, or a normalisation takes some together, the real sizes say how many.

Each measure takes the operation's own arguments after what came out of it, and returns some of ``taps``,
``padded``, ``biases`` and ``statistics``, which mean what they mean in `rules.rule.Effect`. Shapes are those
of images, (N, C, H, W); a convolution, a pooling or an enlargement of one or three axes goes likewise.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch.nn import functional as F

from cnnreport.formula.rules.rule import Role
from cnnreport.formula.tensor import tensors_in

Sizes = tuple[int, ...]

LARGEST_IMAGE = 4_000_000
"""Values of an image of ones that is measured as a whole."""

CONVOLVE: tuple[Callable[..., torch.Tensor], ...] = (F.conv1d, F.conv2d, F.conv3d)


def from_input(tensor: torch.Tensor) -> torch.Tensor:
    """Mark a tensor as computed from the input of the net."""
    tensor.comes_from_input = True  # type: ignore[attr-defined]
    return tensor


def is_from_input(tensor: torch.Tensor) -> bool:
    """Say whether a tensor is marked; parameters and what is computed of them alone are not."""
    return hasattr(tensor, "comes_from_input")


def _images(x: torch.Tensor, axes: int) -> tuple[int, Sizes]:
    """Return how many images a tensor holds, and the sizes of one along its axes; one may lack the batch."""
    return (1 if x.dim() == axes + 1 else x.shape[0]), tuple(x.shape[-axes:])


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
    """Measure x (N, C, H, W) with weight (F, C / groups, kH, kW), giving out (N, F, H', W')."""
    axes = weight.dim() - 2
    images, sizes = _images(x, axes)
    steps = tuple(_each(value, axes) for value in (stride, dilation))
    zeros = padding if isinstance(padding, str) else _each(padding, axes)
    inside, whole = _convolve_ones(sizes, tuple(weight.shape[2:]), *steps, zeros)
    pairs = images * weight.shape[0] * weight.shape[1]
    biases = out.numel() if bias is not None else 0
    return {"taps": whole * pairs, "padded": (whole - inside) * pairs, "biases": biases}


@lru_cache(maxsize=4096)
def _convolve_ones(
    sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Sizes | str
) -> tuple[int, int]:
    """Count the pairs of one channel and one filter, without and with those that fall on padding."""
    if math.prod(sizes) > LARGEST_IMAGE:
        lines = _axis_by_axis(_convolve_ones, sizes, kernel, stride, dilation, padding)
        return lines[0], lines[1]
    image, ones = torch.ones(1, 1, *sizes), torch.ones(1, 1, *kernel)
    inside = CONVOLVE[len(sizes) - 1](image, ones, stride=stride, padding=padding, dilation=dilation)
    rim = [
        zeros
        for axis in reversed(range(len(sizes)))
        for zeros in _rim(padding, axis, dilation[axis] * (kernel[axis] - 1))
    ]
    padded = F.pad(image, rim, value=1.0)
    return _sum(inside), _sum(CONVOLVE[len(sizes) - 1](padded, ones, stride=stride, dilation=dilation))


def _rim(padding: Sizes | str, axis: int, reach: int) -> tuple[int, int]:
    if padding == "same":
        return reach // 2, reach - reach // 2
    zeros = 0 if isinstance(padding, str) else padding[axis]
    return zeros, zeros


def _axis_by_axis(count: Callable[..., Any], *settings: Any) -> tuple[int, ...]:
    """Count along each axis alone and multiply, where a whole image of ones would not fit into memory."""
    lines = [
        count(*(setting if isinstance(setting, str) else (setting[axis],) for setting in settings))
        for axis in range(len(settings[0]))
    ]
    rows = [line if isinstance(line, tuple) else (line,) for line in lines]
    return tuple(math.prod(counts) for counts in zip(*rows, strict=True))


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
    """Measure x (N, C, H, W) with weight (C, F / groups, kH, kW), giving out (N, F, H', W')."""
    axes = weight.dim() - 2
    images, sizes = _images(x, axes)
    steps = tuple(_each(value, axes) for value in (stride, padding, output_padding, dilation))
    inside, whole = _spread_ones(sizes, tuple(weight.shape[2:]), *steps)
    pairs = images * weight.shape[0] * weight.shape[1]
    biases = out.numel() if bias is not None else 0
    return {"taps": whole * pairs, "padded": (whole - inside) * pairs, "biases": biases}


@lru_cache(maxsize=4096)
def _spread_ones(
    sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, extra: Sizes, dilation: Sizes
) -> tuple[int, int]:
    """Count the pairs of one channel and one filter, without and with those that are cut off."""
    if math.prod(sizes) > LARGEST_IMAGE:
        lines = _axis_by_axis(_spread_ones, sizes, kernel, stride, padding, extra, dilation)
        return lines[0], lines[1]
    spread = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[len(sizes) - 1]
    image, ones = torch.ones(1, 1, *sizes), torch.ones(1, 1, *kernel)
    inside = spread(image, ones, stride=stride, padding=padding, output_padding=extra, dilation=dilation)
    return _sum(inside), _sum(spread(image, ones, stride=stride, dilation=dilation))


def _count_linear(
    out: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> dict[str, int]:
    """Measure x (*, inputs) with weight (outputs, inputs), giving out (*, outputs)."""
    pairs = _sum(F.linear(torch.ones(1, x.shape[-1]), torch.ones(1, weight.shape[1])))
    return {"taps": pairs * out.numel(), "biases": out.numel() if bias is not None else 0}


def _count_average_pool(
    axes: int,
    out: torch.Tensor,
    x: torch.Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> dict[str, int]:
    """Measure windows over x (N, C, H, W), giving out (N, C, H', W')."""
    return _count_windows(axes, out, x, kernel_size, stride, padding)


def _count_windows(
    axes: int,
    out: torch.Tensor,
    x: torch.Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> dict[str, int]:
    """Measure windows over x (N, C, H, W), giving out (N, C, H', W')."""
    window = _each(kernel_size, axes)
    steps = window if stride is None or stride == [] else _each(stride, axes)
    sizes, outputs = tuple(x.shape[-axes:]), tuple(out.shape[-axes:])
    inside = _pool_ones(sizes, outputs, window, steps, _each(padding, axes), _each(dilation, axes))
    channels = out.numel() // math.prod(outputs)
    taps = out.numel() * math.prod(window)
    return {"taps": taps, "padded": taps - inside * channels}


@lru_cache(maxsize=4096)
def _pool_ones(
    sizes: Sizes, outputs: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> int:
    """Count the pairs of one channel that do not fall on padding, nor beyond it (ceil_mode)."""
    if math.prod(sizes) > LARGEST_IMAGE:
        return _axis_by_axis(_pool_ones, sizes, outputs, kernel, stride, padding, dilation)[0]
    # Zeros behind the last window are never read, so that their number need not be exact.
    rim = [
        zeros
        for axis in reversed(range(len(sizes)))
        for zeros in (padding[axis], outputs[axis] * stride[axis] + dilation[axis] * kernel[axis])
    ]
    image = F.pad(torch.ones(1, 1, *sizes), rim)
    windows: torch.Tensor = CONVOLVE[len(sizes) - 1](
        image, torch.ones(1, 1, *kernel), None, stride, 0, dilation
    )
    for axis, wanted in enumerate(outputs, 2):
        windows = windows.narrow(axis, 0, wanted)
    return _sum(windows)


def _count_adaptive(
    axes: int, out: torch.Tensor, x: torch.Tensor, output_size: Any, return_indices: bool = False
) -> dict[str, int]:
    """Measure the windows that divide x (N, C, H, W) into out (N, C, O, O')."""
    sides = list(zip(x.shape[-axes:], out.shape[-axes:], strict=True))
    pairs = math.prod(_reads(F.adaptive_avg_pool1d, size, wanted) for size, wanted in sides)
    return {"taps": pairs * out.numel() // math.prod(wanted for _, wanted in sides)}


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
    """Measure the inputs of x (N, C, H, W) that out (N, C, H', W') is read from."""
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
    """Count which outputs answer to which input along one axis.

    Inputs that are further apart than a window is long are lit at once: no output answers to two of them.
    Where windows are long and few, each output is asked for its gradient instead.
    """
    apart = min(size, -(-size // wanted) + 3)
    pairs = 0
    if wanted < apart:
        with torch.enable_grad():
            line = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
            for value in resize(line, wanted).flatten():
                (answer,) = torch.autograd.grad(value, line, retain_graph=True)
                pairs += int((answer.abs() > 1e-15).sum())
        return pairs
    for first in range(apart):
        lit = torch.zeros(1, 1, size, dtype=torch.float64)
        lit[..., first::apart] = 1
        pairs += int((resize(lit, wanted).abs() > 1e-9).sum())
    return pairs


def _count_batch_norm(out: torch.Tensor, x: torch.Tensor, *rest: Any, **options: Any) -> dict[str, int]:
    """Count the N H W values of a channel of x (N, C, H, W)."""
    return {"taps": 0, "statistics": x.numel() // x.shape[1]}


def _count_instance_norm(out: torch.Tensor, x: torch.Tensor, *rest: Any, **options: Any) -> dict[str, int]:
    """Count the H W values of a channel of one image of x (N, C, H, W)."""
    return {"taps": 0, "statistics": x[0, 0].numel()}


def _count_group_norm(
    out: torch.Tensor, x: torch.Tensor, num_groups: int, *rest: Any, **options: Any
) -> dict[str, int]:
    """Count the values of a group of channels of one image of x (N, C, H, W)."""
    return {"taps": 0, "statistics": x[0].numel() // num_groups}


def _count_layer_norm(
    out: torch.Tensor, x: torch.Tensor, normalized_shape: Any, *rest: Any, **options: Any
) -> dict[str, int]:
    """Count the values of the last axes of x, which have the normalised shape."""
    return {"taps": 0, "statistics": torch.empty(tuple(normalized_shape), device="meta").numel()}


def count_pointwise(out: torch.Tensor, *args: Any, **kwargs: Any) -> dict[str, int]:
    """Count one connection for each value that comes out."""
    return {"taps": out.numel()}


def _count_softmax(
    out: torch.Tensor, x: torch.Tensor, dim: int, *rest: Any, **options: Any
) -> dict[str, int]:
    """Join each value of x (*) with all along the axis `dim`."""
    return {"taps": out.numel() * x.shape[dim]}


def _count_arithmetic(out: torch.Tensor, *args: Any, **kwargs: Any) -> dict[str, int]:
    """Join each value of out (*) with one of each operand that comes from the input."""
    return {"taps": out.numel() * sum(map(is_from_input, tensors_in((args, kwargs))))}


def _count_concatenation(
    out: torch.Tensor, tensors: Sequence[torch.Tensor], *args: Any, **kwargs: Any
) -> dict[str, int]:
    """Count the values of tensors that come from the input, such as (N, C, H, W) and (N, C', H, W)."""
    return {"taps": sum(tensor.numel() for tensor in tensors if is_from_input(tensor))}


def _count_bag(
    out: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *rest: Any, **options: Any
) -> dict[str, int]:
    """Count the values that places x (N, L) take from rows of weight (words, width)."""
    rows = F.embedding(torch.zeros_like(x), weight)
    return {"taps": rows.numel()}


def _count_unpooling(out: torch.Tensor, x: torch.Tensor, *rest: Any, **options: Any) -> dict[str, int]:
    """Count the values of x (N, C, H, W), each of which goes to one place."""
    return {"taps": x.numel()}


COUNTS: dict[str, Callable[..., dict[str, int]]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _count_convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _count_transposed),
    "linear": _count_linear,
    **{
        f"max_pool{axes}d{ending}": partial(_count_windows, axes)
        for ending in ("", "_with_indices")
        for axes in (1, 2, 3)
    },
    **{f"avg_pool{axes}d": partial(_count_average_pool, axes) for axes in (1, 2, 3)},
    **{
        f"adaptive_{kind}{axes}d{ending}": partial(_count_adaptive, axes)
        for kind, ending in (("avg_pool", ""), ("max_pool", ""), ("max_pool", "_with_indices"))
        for axes in (1, 2, 3)
    },
    **{f"max_unpool{axes}d": _count_unpooling for axes in (1, 2, 3)},
    "embedding_bag": _count_bag,
    "interpolate": _count_upsampling,
    "batch_norm": _count_batch_norm,
    "instance_norm": _count_instance_norm,
    "group_norm": _count_group_norm,
    **dict.fromkeys(("layer_norm", "rms_norm"), _count_layer_norm),
    **dict.fromkeys(("softmax", "log_softmax", "softmin"), _count_softmax),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), _count_concatenation),
    **dict.fromkeys(
        ("add", "sub", "rsub", "mul", "div", "maximum", "minimum", "pow", "clamp"), _count_arithmetic
    ),
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
