"""A second witness: what a real net asks of ATen, counted from the operands that arrive there.

The first witness, `oracle`, sees which functions of torch.nn.functional are called, and
measures each on tensors of ones. This one knows nothing of functions, layers or rules. It stands below
them, where everything has become a convolution, a product of matrices, a pooling or a resampling of
tensors with numbers for sizes, and counts from these sizes, the batch among them.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from cnnreport.formula.tensor import tensors_in

_ATEN = torch.ops.aten
_PRODUCTS = {_ATEN.mm: 0, _ATEN.bmm: 0, _ATEN.addmm: 1, _ATEN.baddbmm: 1}
"""Products of matrices, by which argument the left factor is."""

_POOLS = (
    _ATEN.max_pool2d_with_indices, _ATEN.max_pool3d_with_indices, _ATEN.avg_pool2d, _ATEN.avg_pool3d,
)  # fmt: skip
_ADAPTIVE = (
    _ATEN._adaptive_avg_pool2d, _ATEN._adaptive_avg_pool3d,
    _ATEN.adaptive_max_pool2d, _ATEN.adaptive_max_pool3d,
)  # fmt: skip
_RESAMPLINGS = (
    *(getattr(_ATEN, f"upsample_nearest{axes}d") for axes in (1, 2, 3)),
    *(getattr(_ATEN, f"_upsample_nearest_exact{axes}d") for axes in (1, 2, 3)),
    _ATEN.upsample_linear1d, _ATEN.upsample_bilinear2d,
)  # fmt: skip
_WITH_CORNERS = (_ATEN.upsample_linear1d, _ATEN.upsample_bilinear2d)
"""Those that are told whether the outermost values coincide."""

_REDUCTIONS = (_ATEN.mean, _ATEN.sum, _ATEN.amax, _ATEN.max, _ATEN.min)
_UNPOOLINGS = (_ATEN.max_unpool2d, _ATEN.max_unpool3d)

PRODUCT = "product"
"""The kind of what multiplies by weights: convolutions and products of matrices."""

LARGEST_LIGHTING = 50_000_000
"""Values of all images that are lit for one count; beyond, each axis is lit alone."""

LIT_AT_ONCE = 2_000_000
"""Values of the images that are lit in one batch."""


@dataclass(frozen=True)
class Dispatched:
    """One operation of ATen that joins inputs and outputs.

    Args:
        kind: ``product``, ``pooling``, ``upsampling`` or ``reduction``.
        outputs: How many values come out.
        taps: Pairs of an input and an output, those on padding included.
        padded: How many of these pairs lie on padding (transposed: are cut off); None where other
            operations put the padding on.
        from_input: Whether it takes anything that was computed from the input of the net.
    """

    kind: str
    outputs: int
    taps: int
    padded: int | None
    from_input: bool = True


class Dispatch:
    """Watches what a net asks of ATen, together with torch's own counter of floating-point operations."""

    def __init__(self) -> None:
        self._watch = _Watch()
        self._flops = FlopCounterMode(display=False)

    def __enter__(self) -> "Dispatch":
        self._flops.__enter__()  # type: ignore[no-untyped-call]
        self._watch.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        self._watch.__exit__(*raised)  # type: ignore[no-untyped-call]
        self._flops.__exit__(*raised)  # type: ignore[no-untyped-call]

    def __len__(self) -> int:
        return len(self._watch.calls)

    def rows(self) -> list[Dispatched]:
        """Count what was seen; to be called when the watch is over."""
        return [replace(call.count(), from_input=call.from_input) for call in self._watch.calls]

    @property
    def floating_point_operations(self) -> int:
        """What torch's FlopCounterMode says: two for each multiplication that is added up."""
        return int(self._flops.get_total_flops())


@dataclass(frozen=True)
class _Call:
    """An operation with the sizes of its operands; it holds no tensor."""

    packet: Any
    overload: Any
    shapes: Sequence[tuple[int, ...] | None]
    values: Sequence[Any]
    output: tuple[int, ...]
    rimmed: bool
    from_input: bool

    def count(self) -> Dispatched:
        outputs = math.prod(self.output)
        if self.packet is _ATEN.convolution:
            return self._convolution(outputs)
        if self.packet in _PRODUCTS:
            left = self.shapes[_PRODUCTS[self.packet]] or ()
            return Dispatched(PRODUCT, outputs, outputs * left[-1], 0)
        image = self.shapes[0] or ()
        if self.packet in _POOLS:
            return self._pooling(outputs, image)
        if self.packet in _REDUCTIONS:
            return Dispatched("reduction", outputs, math.prod(image), 0)
        if self.packet in _UNPOOLINGS:  # each value returns to one place
            return Dispatched("upsampling", outputs, math.prod(image), 0)
        kind = "pooling" if self.packet in _ADAPTIVE else "upsampling"
        return Dispatched(kind, outputs, self._lit(image), 0)

    def _convolution(self, outputs: int) -> Dispatched:
        image, weight = self.shapes[0] or (), self.shapes[1] or ()
        stride, padding, dilation, transposed = self.values[3:7]
        axes = len(weight) - 2
        # Each value of the image meets all that belongs to its channel, or each output all of its filter.
        taps = math.prod(image if transposed else self.output) * math.prod(weight[1:])
        few, many = (image, self.output) if transposed else (self.output, image)
        inside = math.prod(
            _within(*sides)
            for sides in zip(
                few[-axes:], many[-axes:], weight[2:], *(_each(v, axes) for v in (stride, padding, dilation)),
                strict=True,
            )
        )  # fmt: skip
        lost = taps - taps // math.prod(few[-axes:]) // math.prod(weight[2:]) * inside
        return Dispatched(PRODUCT, outputs, taps, None if self.rimmed else lost)

    def _pooling(self, outputs: int, image: tuple[int, ...]) -> Dispatched:
        average = self.packet in (_ATEN.avg_pool2d, _ATEN.avg_pool3d)
        axes = 2 if self.packet in (_ATEN.max_pool2d_with_indices, _ATEN.avg_pool2d) else 3
        given = [*self.values[1:], *[()] * 4]
        window = _each(given[0], axes)
        stride = _each(given[1] or window, axes)
        padding = _each(given[2] or 0, axes)
        dilation = (1,) * axes if average else _each(given[3] or 1, axes)
        sides = zip(self.output[-axes:], image[-axes:], window, stride, padding, dilation, strict=True)
        inside = math.prod(_within(*side) for side in sides) * math.prod(self.output[:-axes])
        taps = outputs * math.prod(window)
        return Dispatched("pooling", outputs, taps, taps - inside)

    def _lit(self, image: tuple[int, ...]) -> int:
        axes = int(str(self.packet)[-2])  # such as upsample_bilinear2d
        given = [_hashable(value) for value in self.values[2:]]
        flags = tuple(given[: self.packet in _WITH_CORNERS])
        scales = tuple(given[len(flags) :]) or (None,) * axes * (self.packet in _RESAMPLINGS)
        pairs = _pairs(self.overload, image[-axes:], self.output[-axes:], flags, scales)
        return pairs * math.prod(image[:-axes])


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down the operations, and whether they take something that was computed from the input."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[_Call] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        taken, made = tensors_in((args, kwargs)), tensors_in(out)
        from_input = any(map(is_reached, taken))
        if from_input:
            for tensor in made:
                reached(tensor)
        packet = func.overloadpacket
        if packet is _ATEN.constant_pad_nd:
            made[0].rimmed = True  # type: ignore[attr-defined]
        elif packet in _COUNTED:
            self.calls.append(
                _Call(
                    packet,
                    func,
                    [tuple(a.shape) if isinstance(a, torch.Tensor) else None for a in args],
                    [None if isinstance(a, torch.Tensor) else a for a in args],
                    tuple(made[0].shape),
                    hasattr(args[0], "rimmed"),
                    from_input,
                )
            )
        return out


_COUNTED = frozenset(
    (
        _ATEN.convolution,
        *_PRODUCTS,
        *_POOLS,
        *_ADAPTIVE,
        *_RESAMPLINGS,
        *_REDUCTIONS,
        *_UNPOOLINGS,
    )
)


def reached(tensor: torch.Tensor) -> torch.Tensor:
    """Mark a tensor as computed from the input of the net."""
    tensor.reached = True  # type: ignore[attr-defined]
    return tensor


def is_reached(tensor: torch.Tensor) -> bool:
    """Say whether a tensor is marked; parameters and what is computed of them alone are not."""
    return hasattr(tensor, "reached")


@lru_cache(maxsize=4096)
def _within(windows: int, size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Count the taps of all windows along one axis that lie on one of `size` places, one by one."""
    place = np.arange(windows)[:, None] * stride - padding + np.arange(kernel) * dilation
    return int(((place >= 0) & (place < size)).sum())


@lru_cache(maxsize=4096)
def _pairs(
    overload: Any, sizes: tuple[int, ...], wanted: tuple[int, ...], flags: Any, scales: tuple[Any, ...]
) -> int:
    """Count which outputs answer to which input of one channel.

    Inputs so far apart that no output reads two of them are lit together.
    """
    apart = [min(s, -(-s // w) + 2) for s, w in zip(sizes, wanted, strict=True)]
    if sum(size > 1 for size in sizes) > 1 and math.prod(apart) * math.prod(sizes) > LARGEST_LIGHTING:
        return math.prod(
            _pairs(
                overload, _alone(sizes, axis, 1), _alone(wanted, axis, 1), flags, _alone(scales, axis, None)
            )
            for axis in range(len(sizes))
        )
    at_once = max(1, LIT_AT_ONCE // (math.prod(sizes) + math.prod(wanted)))
    starts = itertools.product(*map(range, apart))
    pairs = 0
    while chosen := list(itertools.islice(starts, at_once)):
        lit = torch.zeros(len(chosen), 1, *sizes, dtype=torch.float64)
        for image, start in zip(lit[:, 0], chosen, strict=True):
            image[tuple(slice(first, None, step) for first, step in zip(start, apart, strict=True))] = 1
        out = tensors_in(overload(lit, list(wanted), *flags, *scales))[0]
        pairs += int((out.abs() > 1e-9).sum())
    return pairs


def _alone(values: tuple[Any, ...], axis: int, others: Any) -> tuple[Any, ...]:
    """Return the values of one axis, where all other axes have one and the same."""
    return tuple(value if place == axis else others for place, value in enumerate(values))


def _each(value: Any, axes: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
