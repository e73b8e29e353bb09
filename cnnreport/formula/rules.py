"""One rule for each operation of torch.nn.functional: shape, parameters and pairs that it joins.

Layers need no rules of their own: each calls its operation. Shapes have the batch first. Sources:
the documentation of torch.nn.functional, operation by operation.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from itertools import zip_longest
from typing import Any

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula import lookup
from cnnreport.formula.resampling import adaptive_taps, linear_taps, scaled
from cnnreport.formula.rule import Effect, Rules
from cnnreport.formula.symbols import Count, Shape, simple
from cnnreport.formula.tensor import sizes_of
from cnnreport.formula.windows import Window, quotient, same

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
    """Join each output with every tap of its window in the input channels of its group."""
    filters, channels, *kernel = sizes_of(weight)
    images, (entering, *sizes) = _images(sizes_of(x), len(kernel))
    _expect("channels", entering, channels * groups)
    windows = _windows(kernel, stride, padding, dilation)
    return _slide(images, sizes, filters, channels, windows, _roles(weight, bias))


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
    """Join each input with every tap of its window in the outputs, those cut off by padding too."""
    channels, filters, *kernel = sizes_of(weight)
    images, (entering, *sizes) = _images(sizes_of(x), len(kernel))
    _expect("channels", entering, channels)
    windows = _windows(kernel, stride, padding, dilation)
    extra = _each(output_padding, len(sizes))
    outputs = tuple(w.spread(s, e) for w, s, e in zip(windows, sizes, extra, strict=True))
    # The adjoint of the convolution that leads from these outputs back to the inputs.
    inside = _product(w.inside(o, s) for w, o, s in zip(windows, outputs, sizes, strict=True))
    pairs = _product(images) * channels * filters
    taps = pairs * _product(w.kernel * s for w, s in zip(windows, sizes, strict=True))
    return Effect(
        (*images, simple(filters * groups), *outputs),
        taps=simple(taps),
        padded=_less(taps, pairs * inside),
        roles=_roles(weight, bias),
        conditions=_conditions(windows, outputs, tuple(sizes)),
    )


@RULES.add("linear", kind="linear")
def linear(x: Any, weight: Any, bias: Any = None) -> Effect:
    """Join every output with every input of its row."""
    outputs, inputs = sizes_of(weight)
    _expect("features", sizes_of(x)[-1], inputs)
    shape = (*sizes_of(x)[:-1], outputs)
    return Effect(shape, taps=simple(_product(shape) * inputs), roles=_roles(weight, bias))


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
    """Join each output with every tap of its window in its own channel."""
    return _pool(axes, sizes_of(x), kernel_size, stride, padding, dilation, ceil=ceil_mode)


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
    """Join each output with every tap of its window in its own channel."""
    return _pool(axes, sizes_of(x), kernel_size, stride, padding, 1, ceil=ceil_mode)


def adaptive_pool(axes: int, x: Any, output_size: Any, return_indices: bool = False) -> Effect:
    """Join output i with the inputs from floor(i H / O) to ceil((i + 1) H / O)."""
    images, (channels, *sizes) = _images(sizes_of(x), axes)
    wanted = [s if w is None else w for s, w in zip(sizes, _each(output_size, len(sizes)), strict=True)]
    taps = _product(adaptive_taps(s, w) for s, w in zip(sizes, wanted, strict=True))
    return Effect((*images, channels, *wanted), taps=_product((*images, channels, taps)))


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
    """Join each output with the inputs from which it is read: one, or up to two along each axis."""
    sizes = sizes_of(x)[2:]
    if antialias or mode not in ("nearest", "nearest-exact", "linear", "bilinear"):
        raise UsageError(f"upsampling in mode {mode} has no rule", "use nearest or bilinear")
    scales = _each(scale_factor, len(sizes))
    if size is not None:
        outputs = list(_each(size, len(sizes)))
    else:
        outputs = [scaled(s, f) for s, f in zip(sizes, scales, strict=True)]
    if recompute_scale_factor:
        scales = (None,) * len(sizes)
    if mode.startswith("nearest"):
        taps = _product(outputs)
    else:
        axes = zip(sizes, outputs, scales, strict=True)
        taps = _product(linear_taps(s, o, f, bool(align_corners)) for s, o, f in axes)
    return Effect(
        (*sizes_of(x)[:2], *outputs),
        taps=simple(_product(sizes_of(x)[:2]) * taps),
        conditions=_needed(*((output, 0) for output in outputs)),
    )


@RULES.add("batch_norm", kind="normalisation")
def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    *rest: Any,
    **options: Any,
) -> Effect:
    """Normalise all values of a channel together: those that come of one input, in all its images."""
    together = _product((sizes_of(x)[0], *sizes_of(x)[2:]))
    return Effect(sizes_of(x), statistics=together, roles=_affine(weight, bias))


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
    """Normalise the values of a channel of one image together; torch refuses a single one."""
    together = _product(sizes_of(x)[2:])
    return Effect(
        sizes_of(x),
        statistics=together,
        roles=_affine(weight, bias),
        conditions=_needed((together, 1)),
    )


@RULES.add("group_norm", kind="normalisation")
def group_norm(x: Any, num_groups: Count, weight: Any = None, bias: Any = None, eps: float = 0.0) -> Effect:
    """Normalise all values of a group of channels together."""
    together = quotient(sizes_of(x)[1], num_groups) * _product(sizes_of(x)[2:])
    return Effect(sizes_of(x), statistics=simple(together), roles=_affine(weight, bias))


@RULES.add("layer_norm", "rms_norm", kind="normalisation")
def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: Any = 0.0) -> Effect:
    """Normalise the last axes together."""
    return Effect(sizes_of(x), statistics=_product(normalized_shape), roles=_affine(weight, bias))


@RULES.add(
    "relu", "relu6", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh",
    "leaky_relu", "rrelu", "sigmoid", "logsigmoid", "tanh", "tanhshrink", "softplus", "softsign",
    "hardshrink", "softshrink", "threshold", "clamp", "exp", "abs", "sqrt", "rsqrt", "reciprocal",
    "log", "sin", "cos",
    kind="activation",
)  # fmt: skip
def activate(x: Any, *rest: Any, **options: Any) -> Effect:
    """Join each output with the input in its place."""
    return Effect(sizes_of(x), taps=_product(sizes_of(x)))


@RULES.add("softmax", "log_softmax", "softmin", kind="activation")
def softmax(x: Any, dim: int | None = None, *rest: Any, **options: Any) -> Effect:
    """Join each output with all the inputs along the axis over which they add up to one."""
    if dim is None:
        raise UsageError("a softmax does not tell its axis", "give it as dim")
    return Effect(sizes_of(x), taps=simple(_product(sizes_of(x)) * sizes_of(x)[dim]))


@RULES.add("prelu", kind="activation")
def prelu(x: Any, weight: Any) -> Effect:
    """Join each output with the input in its place; the slopes are learnt."""
    return Effect(sizes_of(x), taps=_product(sizes_of(x)), roles={"other": (weight,)})


@RULES.add("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
           kind="dropout")  # fmt: skip
def drop(x: Any, *rest: Any, **options: Any) -> Effect:
    """Leave the shape as it is."""
    return Effect(sizes_of(x), taps=_product(sizes_of(x)))


@RULES.add("cat", "concat", "concatenate", kind="concatenation")
def concatenate(tensors: Sequence[Any], dim: int = 0) -> Effect:
    """Put tensors beside each other along one axis; nothing is computed, parameters come from no input."""
    first, *others = [sizes_of(tensor) for tensor in tensors]
    for other in others:
        for axis, (here, there) in enumerate(zip(first, other, strict=True)):
            if axis != dim % len(first):
                _expect(f"sizes of axis {axis}", there, here)
    joined = simple(sum((other[dim] for other in others), first[dim]))
    shape = list(first)
    shape[dim] = joined
    taps = simple(sum((_product(sizes_of(tensor)) for tensor in tensors if _computed(tensor)), start=0))
    return Effect(tuple(shape), taps=taps, roles=_learnt(tensors))


@RULES.add("add", "sub", "rsub", "mul", "div", "maximum", "minimum", kind="arithmetic")
def combine(left: Any, right: Any, **options: Any) -> Effect:
    """Join each output with the value in its place of every tensor that is no parameter or constant."""
    tensors = [value for value in (left, right) if hasattr(value, "shape")]
    shape = _broadcast([sizes_of(tensor) for tensor in tensors])
    taps = _product(shape) * sum(map(_computed, tensors))
    return Effect(shape, taps=simple(taps), roles=_learnt(tensors))


@RULES.add("pow", "neg", "square", kind="arithmetic")
def compute(x: Any, *rest: Any) -> Effect:
    """Join each output with the input in its place."""
    return Effect(sizes_of(x), taps=_product(sizes_of(x)))


@RULES.add("mean", "sum", "amax", kind="reduction")
def reduce(x: Any, dim: Any = None, keepdim: bool = False, axis: Any = None, dtype: Any = None) -> Effect:
    """Join each output with all the inputs that it sums up."""
    dim = axis if dim is None else dim
    axes = range(len(sizes_of(x))) if dim is None else [d % len(sizes_of(x)) for d in _each(dim, 1)]
    shape = [
        1 if place in axes else size for place, size in enumerate(sizes_of(x)) if keepdim or place not in axes
    ]
    return Effect(tuple(shape), taps=_product(sizes_of(x)))


@RULES.add("pad", kind="padding")
def pad(x: Any, pad: Sequence[Count], mode: str = "constant", value: Any = None) -> Effect:
    """Add rows and columns; nothing is computed."""
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
    return Effect(tuple(shape), conditions=_needed(*bounds))


def _images(shape: Shape, axes: int) -> tuple[Shape, Shape]:
    """Part a shape into how many images there are, and channels and sizes of one; one may have no batch."""
    batch = len(shape) - axes - 1
    if batch not in (0, 1):
        raise ValueError(f"{len(shape)} axes")
    return shape[:batch], shape[batch:]


def _needed(*bounds: tuple[Count, Count]) -> tuple[Any, ...]:
    """Return the conditions that each left side is larger than its right side.

    Raises:
        UsageError: One never holds.
    """
    relations = [sympy.sympify(size) > bound for size, bound in bounds]
    for (size, bound), relation in zip(bounds, relations, strict=True):
        if relation == False:  # noqa: E712 - a relation of sympy
            raise UsageError(
                f"a size of {size} is too small, more than {bound} is needed", "give a larger input"
            )
    return tuple(dict.fromkeys(r for r in relations if r != True))  # noqa: E712


def _slide(
    images: Shape,
    sizes: Sequence[Count],
    filters: Count,
    channels: Count,
    windows: Sequence[Window],
    roles: Any,
    *,
    ceil: bool = False,
) -> Effect:
    outputs = tuple(w.outputs(s, ceil=ceil) for w, s in zip(windows, sizes, strict=True))
    if any(isinstance(o, int) and o < 1 for o in outputs):
        raise UsageError(f"an input of {tuple(sizes)} is smaller than the window", "give a larger input size")
    inside = _product(w.inside(s, o) for w, s, o in zip(windows, sizes, outputs, strict=True))
    taps = _product(w.kernel * o for w, o in zip(windows, outputs, strict=True))
    pairs = _product(images) * channels * filters
    return Effect(
        (*images, filters, *outputs),
        taps=simple(pairs * taps),
        padded=_less(pairs * taps, pairs * inside),
        roles=roles,
        conditions=_conditions(windows, sizes, outputs),
    )


def _pool(
    axes: int, shape: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any, *, ceil: bool
) -> Effect:
    images, (channels, *sizes) = _images(shape, axes)
    steps = kernel if stride is None or stride == [] else stride
    windows = _windows(_each(kernel, axes), steps, padding, dilation)
    return _slide(images, sizes, channels, 1, windows, {}, ceil=ceil)


def _windows(kernel: Sequence[Count], stride: Any, padding: Any, dilation: Any) -> list[Window]:
    axes = len(kernel)
    strides, dilations = _each(stride, axes), _each(dilation, axes)
    if padding == "same":
        if any(step != 1 for step in strides):
            raise UsageError(f"padding 'same' goes with a stride of 1, not {strides}", "give the padding")
        windows = [Window(k, s, 0, d) for k, s, d in zip(kernel, strides, dilations, strict=True)]
        befores = [quotient(window.reach, 2) for window in windows]
        return [
            Window(w.kernel, w.stride, b, w.dilation, simple(w.reach - b))
            for w, b in zip(windows, befores, strict=True)
        ]
    zeros = _each(0 if padding == "valid" else padding, axes)
    return [Window(*parts) for parts in zip(kernel, strides, zeros, dilations, strict=True)]


def _conditions(windows: Sequence[Window], sizes: Sequence[Count], outputs: Shape) -> tuple[Any, ...]:
    found = [c for w, s, o in zip(windows, sizes, outputs, strict=True) for c in w.conditions(s, o)]
    return tuple(dict.fromkeys(c for c in found if c != True))  # noqa: E712 - a relation of sympy


def _roles(weight: Any, bias: Any) -> dict[Any, Any]:
    return {"kernel": (weight,)} | ({"bias": (bias,)} if bias is not None else {})


def _computed(tensor: Any) -> bool:
    """Say whether a tensor comes from the input of the net, unlike parameters and constants."""
    return bool(getattr(tensor, "sources", ()))


def _learnt(tensors: Sequence[Any]) -> dict[Any, Any]:
    found = tuple(tensor for tensor in tensors if not _computed(tensor))
    return {"other": found} if found else {}


def _affine(weight: Any, bias: Any) -> dict[Any, Any]:
    return {"affine": tuple(part for part in (weight, bias) if part is not None)}


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    sizes = []
    for axis in zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        large = [size for size in axis if size != 1] or [1]
        for size in large[1:]:
            _expect("sizes", size, large[0])
        sizes.append(large[0])
    return tuple(reversed(sizes))


def _expect(what: str, found: Count, expected: Count) -> None:
    if not same(found, expected):
        raise UsageError(f"{what} do not fit: {found} where {expected} are expected", "mend the net")


def _each(value: Any, axes: int) -> tuple[Any, ...]:
    if isinstance(value, str | int | float | Fraction | sympy.Expr) or value is None:
        return (value,) * axes
    values = tuple(value)
    return values * axes if len(values) == 1 else values


def _product(sizes: Any) -> Count:
    return simple(math.prod(sizes, start=1))


def _less(whole: Count, part: Count) -> Count:
    if isinstance(whole, int) and isinstance(part, int):
        return whole - part
    return simple(sympy.expand(whole - part))
