"""One rule for each operation of torch.nn.functional: shape, parameters and pairs that it joins.

Layers need no rules of their own: each calls its operation. Sources: the documentation of
torch.nn.functional, operation by operation.

Shapes are written for images, (N, C, H, W); with one axis (N, C, L) and with three (N, C, D, H, W) take their
place, and a single image may lack its N. (*) is any shape. What comes out is `Effect.shape`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.formula.rules import lookup
from cnnreport.formula.rules.operands import (
    affine_roles,
    broadcast,
    each,
    expect,
    images_of,
    is_computed,
    kernel_roles,
    learnt_roles,
    less,
    needed,
    product,
)
from cnnreport.formula.rules.resampling import adaptive_taps, linear_taps, scaled
from cnnreport.formula.rules.rule import Effect, Rules
from cnnreport.formula.rules.sliding import conditions_of, pool, slide, windows_of
from cnnreport.formula.rules.windows import quotient
from cnnreport.formula.symbols import Count, simple
from cnnreport.formula.tensor import sizes_of

RULES = Rules()
lookup.add_to(RULES)


@RULES.add("conv1d", "conv2d", "conv3d", kind="convolution")
def convolve(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Count = 1,
) -> Effect:
    """Join each output with every tap of its window in the input channels of its group.

    Takes x (N, C, H, W), weight (F, C / groups, kH, kW) and bias (F); gives (N, F, H', W').
    """
    filters, channels, *kernel = sizes_of(weight)
    images, (entering, *sizes) = images_of(sizes_of(x), len(kernel))
    expect("channels", entering, channels * groups)
    windows = windows_of(kernel, stride, padding, dilation)
    return slide(images, sizes, filters, channels, windows, kernel_roles(weight, bias))


@RULES.add("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", kind="transposed convolution")
def convolve_transposed(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Count = 1,
    dilation: Any = 1,
) -> Effect:
    """Join each input with every tap of its window in the outputs, those cut off by padding too.

    Takes x (N, C, H, W), weight (C, F / groups, kH, kW) and bias (F); gives (N, F, H', W').
    """
    channels, filters, *kernel = sizes_of(weight)
    images, (entering, *sizes) = images_of(sizes_of(x), len(kernel))
    expect("channels", entering, channels)
    windows = windows_of(kernel, stride, padding, dilation)
    extra = each(output_padding, len(sizes))
    outputs = tuple(w.spread(s, e) for w, s, e in zip(windows, sizes, extra, strict=True))
    # The adjoint of the convolution that leads from these outputs back to the inputs.
    inside = product(w.inside(o, s) for w, o, s in zip(windows, outputs, sizes, strict=True))
    pairs = product(images) * channels * filters
    taps = pairs * product(w.kernel * s for w, s in zip(windows, sizes, strict=True))
    return Effect(
        (*images, simple(filters * groups), *outputs),
        taps=simple(taps),
        padded=less(taps, pairs * inside),
        roles=kernel_roles(weight, bias),
        conditions=conditions_of(windows, outputs, tuple(sizes)),
    )


@RULES.add("linear", kind="linear")
def linear(x: Any, weight: Any, bias: Any = None) -> Effect:
    """Join every output with every input of its row.

    Takes x (*, inputs), weight (outputs, inputs) and bias (outputs); gives (*, outputs).
    """
    outputs, inputs = sizes_of(weight)
    expect("features", sizes_of(x)[-1], inputs)
    shape = (*sizes_of(x)[:-1], outputs)
    return Effect(shape, taps=simple(product(shape) * inputs), roles=kernel_roles(weight, bias))


def max_pool(
    axes: int,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Effect:
    """Join each output (N, C, H', W') with every tap of its window in its own channel of x (N, C, H, W)."""
    return pool(axes, sizes_of(x), kernel_size, stride, padding, dilation, ceil=ceil_mode)


def average_pool(
    axes: int,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Effect:
    """Join each output (N, C, H', W') with every tap of its window in its own channel of x (N, C, H, W)."""
    effect = pool(axes, sizes_of(x), kernel_size, stride, padding, 1, ceil=ceil_mode)
    if axes < 3:
        return effect
    # ATen takes no image that is smaller than the window without its padding.
    sides = zip(sizes_of(x)[-axes:], each(kernel_size, axes), strict=True)
    return replace(effect, conditions=(*effect.conditions, *needed(*((s, k - 1) for s, k in sides))))


def adaptive_pool(axes: int, x: Any, output_size: Any, return_indices: bool = False) -> Effect:
    """Join output i with the inputs from floor(i H / O) to ceil((i + 1) H / O).

    Takes x (N, C, H, W); gives (N, C, O, O'), where None for an output size leaves H or W.
    """
    images, (channels, *sizes) = images_of(sizes_of(x), axes)
    wanted = [s if w is None else w for s, w in zip(sizes, each(output_size, len(sizes)), strict=True)]
    taps = product(adaptive_taps(s, w) for s, w in zip(sizes, wanted, strict=True))
    return Effect((*images, channels, *wanted), taps=product((*images, channels, taps)))


for _axes in (1, 2, 3):  # the functions of one, two and three axes differ in nothing else
    RULES.add(f"max_pool{_axes}d", kind="pooling")(partial(max_pool, _axes))
    RULES.add(f"avg_pool{_axes}d", kind="pooling")(partial(average_pool, _axes))
    RULES.add(f"adaptive_avg_pool{_axes}d", f"adaptive_max_pool{_axes}d", kind="pooling")(
        partial(adaptive_pool, _axes)
    )


@RULES.add("interpolate", kind="upsampling")
def interpolate(
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Effect:
    """Join each output with the inputs from which it is read: one, or up to two along each axis.

    Takes x (N, C, H, W); gives (N, C, H', W').

    Raises:
        UsageError: The mode is no text, or has no rule.
    """
    sizes = sizes_of(x)[2:]
    if not isinstance(mode, str):
        raise UsageError(
            f"{mode} is a letter here, and upsampling takes a text for its mode",
            "give it in quotes (such as --fix mode=\"'bilinear'\")",
        )
    if antialias or mode not in ("nearest", "nearest-exact", "linear", "bilinear"):
        raise UsageError(f"upsampling in mode {mode} has no rule", "use nearest or bilinear")
    scales = each(scale_factor, len(sizes))
    if size is not None:
        outputs = list(each(size, len(sizes)))
    else:
        outputs = [scaled(s, f) for s, f in zip(sizes, scales, strict=True)]
    if recompute_scale_factor:
        scales = (None,) * len(sizes)
    if mode.startswith("nearest"):
        taps = product(outputs)
    else:
        axes = zip(sizes, outputs, scales, strict=True)
        taps = product(linear_taps(s, o, f, bool(align_corners)) for s, o, f in axes)
    return Effect(
        (*sizes_of(x)[:2], *outputs),
        taps=simple(product(sizes_of(x)[:2]) * taps),
        conditions=needed(*((output, 0) for output in outputs)),
    )


@RULES.add("batch_norm", kind="normalisation")
def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    *rest: Any,
    **options: Any,
) -> Effect:
    """Normalise all values of a channel together: those that come of one input, in all its images.

    Takes x (N, C, H, W), weight and bias (C); gives (N, C, H, W), N H W values together.
    """
    together = product((sizes_of(x)[0], *sizes_of(x)[2:]))
    return Effect(
        sizes_of(x),
        statistics=together,
        roles=affine_roles(weight, bias),
        conditions=needed((together, 1)) if training else (),  # torch takes no statistics of one value
    )


@RULES.add("instance_norm", kind="normalisation")
def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    *rest: Any,
    **options: Any,
) -> Effect:
    """Normalise the values of a channel of one image together; torch refuses a single one.

    Takes x (N, C, H, W), weight and bias (C); gives (N, C, H, W), H W values together.
    """
    together = product(sizes_of(x)[2:])
    return Effect(
        sizes_of(x),
        statistics=together,
        roles=affine_roles(weight, bias),
        conditions=needed((together, 1)),
    )


@RULES.add("group_norm", kind="normalisation")
def group_norm(x: Any, num_groups: Count, weight: Any = None, bias: Any = None, eps: float = 0.0) -> Effect:
    """Normalise all values of a group of channels together.

    Takes x (N, C, H, W), weight and bias (C); gives the shape of x, (C / groups) H W values together.
    """
    together = simple(quotient(sizes_of(x)[1], num_groups) * product(sizes_of(x)[2:]))
    return Effect(
        sizes_of(x),
        statistics=together,
        roles=affine_roles(weight, bias),
        conditions=needed((simple(sizes_of(x)[0] * together), 1)),
    )


@RULES.add("layer_norm", "rms_norm", kind="normalisation")
def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: Any = 0.0) -> Effect:
    """Normalise the last axes together.

    Takes x (*, S), weight and bias (S), where S is the normalised shape; gives (*, S).
    """
    return Effect(sizes_of(x), statistics=product(normalized_shape), roles=affine_roles(weight, bias))


@RULES.add(
    "relu", "relu6", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh",
    "leaky_relu", "rrelu", "sigmoid", "logsigmoid", "tanh", "tanhshrink", "softplus", "softsign",
    "hardshrink", "softshrink", "threshold", "exp", "abs", "sqrt", "rsqrt", "reciprocal",
    "log", "sin", "cos",
    kind="activation",
)  # fmt: skip
def activate(x: Any, *rest: Any, **options: Any) -> Effect:
    """Join each output (*) with the input in its place."""
    return Effect(sizes_of(x), taps=product(sizes_of(x)))


@RULES.add("softmax", "log_softmax", "softmin", kind="activation")
def softmax(x: Any, dim: int | None = None, *rest: Any, **options: Any) -> Effect:
    """Join each output (*) with all the inputs along the axis over which they add up to one.

    Raises:
        UsageError: The axis is not given.
    """
    if dim is None:
        raise UsageError("a softmax does not tell its axis", "give it as dim")
    return Effect(sizes_of(x), taps=simple(product(sizes_of(x)) * sizes_of(x)[dim]))


@RULES.add("prelu", kind="activation")
def prelu(x: Any, weight: Any) -> Effect:
    """Join each output with the input in its place; the slopes are learnt.

    Takes x (N, C, H, W) and weight (C) or (1); gives (N, C, H, W).
    """
    return Effect(sizes_of(x), taps=product(sizes_of(x)), roles={"other": (weight,)})


@RULES.add("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
           kind="dropout")  # fmt: skip
def drop(x: Any, *rest: Any, **options: Any) -> Effect:
    """Leave the shape as it is."""
    return Effect(sizes_of(x), taps=product(sizes_of(x)))


@RULES.add("cat", "concat", "concatenate", kind="concatenation")
def concatenate(tensors: Sequence[Any], dim: int = 0) -> Effect:
    """Put tensors beside each other along one axis; nothing is computed, parameters come from no input.

    Takes tensors (N, C, H, W), (N, C', H, W), …; gives (N, C + C' + …, H, W) along axis 1.
    """
    first, *others = [sizes_of(tensor) for tensor in tensors]
    for other in others:
        for axis, (here, there) in enumerate(zip(first, other, strict=True)):
            if axis != dim % len(first):
                expect(f"sizes of axis {axis}", there, here)
    joined = simple(sum((other[dim] for other in others), first[dim]))
    shape = list(first)
    shape[dim] = joined
    taps = simple(sum((product(sizes_of(tensor)) for tensor in tensors if is_computed(tensor)), start=0))
    return Effect(tuple(shape), taps=taps, roles=learnt_roles(tensors))


@RULES.add("add", "sub", "rsub", "mul", "div", "maximum", "minimum", kind="arithmetic")
def combine(left: Any, right: Any, **options: Any) -> Effect:
    """Join each output with the value in its place of every tensor that is no parameter or constant.

    Takes tensors, or a tensor and a number; gives the shape to which they are broadcast.
    """
    return _together([value for value in (left, right) if hasattr(value, "shape")])


def _together(tensors: Sequence[Any]) -> Effect:
    shape = broadcast([sizes_of(tensor) for tensor in tensors])
    taps = product(shape) * sum(map(is_computed, tensors))
    return Effect(shape, taps=simple(taps), roles=learnt_roles(tensors))


@RULES.add("neg", "square", kind="arithmetic")
def compute(x: Any, *rest: Any) -> Effect:
    """Join each output with the input in its place."""
    return Effect(sizes_of(x), taps=product(sizes_of(x)))


@RULES.add("pow", kind="arithmetic")
def power(x: Any, exponent: Any) -> Effect:
    """Join each output with the value in its place of base and exponent, where they come from an input."""
    return combine(x, exponent)


@RULES.add("clamp", kind="activation")
def clamp(x: Any, min: Any = None, max: Any = None) -> Effect:
    """Join each output with the value in its place of the tensor and of bounds that are tensors."""
    return _together([value for value in (x, min, max) if hasattr(value, "shape")])


@RULES.add("mean", "sum", "amax", kind="reduction")
def reduce(x: Any, dim: Any = None, keepdim: bool = False, axis: Any = None, dtype: Any = None) -> Effect:
    """Join each output with all the inputs that it sums up.

    Takes x (N, C, H, W); gives (N, C) over the axes 2 and 3, (N, C, 1, 1) where they are kept.
    """
    dim = axis if dim is None else dim
    axes = range(len(sizes_of(x))) if dim is None else [d % len(sizes_of(x)) for d in each(dim, 1)]
    shape = [
        1 if place in axes else size for place, size in enumerate(sizes_of(x)) if keepdim or place not in axes
    ]
    return Effect(tuple(shape), taps=product(sizes_of(x)))


@RULES.add("pad", kind="padding")
def pad(x: Any, pad: Sequence[Count], mode: str = "constant", value: Any = None) -> Effect:
    """Add rows and columns; nothing is computed.

    Takes x (N, C, H, W) and pad (left, right, top, bottom); gives (N, C, top + H + bottom, left + W + right).
    """
    shape = list(sizes_of(x))
    bounds = []
    for axis, (before, behind) in enumerate(zip(pad[::2], pad[1::2], strict=True), 1):
        size = shape[-axis]
        shape[-axis] = simple(size + before + behind)
        bounds += [(shape[-axis], 0)]
        if mode == "reflect":  # the outermost value is not repeated
            bounds += [(size, before), (size, behind)]
        elif mode == "circular":
            bounds += [(size, before - 1), (size, behind - 1)]
    return Effect(tuple(shape), conditions=needed(*bounds))
