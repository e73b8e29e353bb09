"""The rule of everything that slides a window: convolutions and pooling."""

from collections.abc import Sequence
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.formula.rules.operands import each, images_of, less, product
from cnnreport.formula.rules.rule import Effect
from cnnreport.formula.rules.windows import Window, quotient
from cnnreport.formula.symbols import Count, Shape, simple


def slide(
    images: Shape,
    sizes: Sequence[Count],
    filters: Count,
    channels: Count,
    windows: Sequence[Window],
    roles: Any,
    *,
    ceil: bool = False,
) -> Effect:
    """Join each output with every tap of its window in the channels of its group.

    Args:
        images: (N,), or () where there is no batch.
        sizes: (H, W), of one image along each axis.
        filters: F, channels that come out.
        channels: Channels that each of them takes.
        windows: Along each axis.
        roles: What the parameters are for.
        ceil: Whether the last window may hang over.

    Returns:
        Counts, and the shape (N, F, H', W') of what comes out.

    Raises:
        UsageError: No window fits.
    """
    outputs = tuple(w.outputs(s, ceil=ceil) for w, s in zip(windows, sizes, strict=True))
    if any(isinstance(o, int) and o < 1 for o in outputs):
        raise UsageError(f"an input of {tuple(sizes)} is smaller than the window", "give a larger input size")
    inside = product(w.inside(s, o) for w, s, o in zip(windows, sizes, outputs, strict=True))
    taps = product(w.kernel * o for w, o in zip(windows, outputs, strict=True))
    pairs = product(images) * channels * filters
    return Effect(
        (*images, filters, *outputs),
        taps=simple(pairs * taps),
        padded=less(pairs * taps, pairs * inside),
        roles=roles,
        conditions=conditions_of(windows, sizes, outputs),
    )


def pool(
    axes: int, shape: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any, *, ceil: bool
) -> Effect:
    """Slide a window over each channel alone: (N, C, H, W) becomes (N, C, H', W')."""
    images, (channels, *sizes) = images_of(shape, axes)
    steps = kernel if stride is None or stride == [] else stride
    windows = windows_of(each(kernel, axes), steps, padding, dilation)
    return slide(images, sizes, channels, 1, windows, {}, ceil=ceil)


def windows_of(kernel: Sequence[Count], stride: Any, padding: Any, dilation: Any) -> list[Window]:
    """Return the windows along each axis; ``same`` puts the odd zero behind the last input.

    Raises:
        UsageError: The padding is ``same`` and a stride is not 1.
    """
    axes = len(kernel)
    strides, dilations = each(stride, axes), each(dilation, axes)
    if padding == "same":
        if any(step != 1 for step in strides):
            raise UsageError(f"padding 'same' goes with a stride of 1, not {strides}", "give the padding")
        windows = [Window(k, s, 0, d) for k, s, d in zip(kernel, strides, dilations, strict=True)]
        befores = [quotient(window.reach, 2) for window in windows]
        return [
            Window(w.kernel, w.stride, b, w.dilation, simple(w.reach - b))
            for w, b in zip(windows, befores, strict=True)
        ]
    zeros = each(0 if padding == "valid" else padding, axes)
    return [Window(*parts) for parts in zip(kernel, strides, zeros, dilations, strict=True)]


def conditions_of(windows: Sequence[Window], sizes: Sequence[Count], outputs: Shape) -> tuple[Any, ...]:
    """Say when the counts of some windows hold."""
    conditions = [c for w, s, o in zip(windows, sizes, outputs, strict=True) for c in w.conditions(s, o)]
    return tuple(dict.fromkeys(c for c in conditions if c != True))  # noqa: E712 - a relation of sympy
