"""Random nets: what is derived in letters, what two witnesses see, and Jacobians that nobody derived."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sympy
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from thinned import examples
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from cnnreport.formula.convention import find
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, derive

NF, NC = symbol("NF"), symbol("NC")
LARGEST = 10
"""Pixels along an axis that no part goes beyond."""


@dataclass(frozen=True)
class Part:
    """One part of a random net, with numbers from which it takes what it needs."""

    kind: str
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: int
    flag: bool


class Functional(nn.Module):
    """A convolution by a function, with parameters of its own."""

    def __init__(self, channels: Any, wide: Any, part: Part) -> None:
        super().__init__()
        self.part = part
        self.kernels = nn.Parameter(torch.zeros(wide, channels, *part.kernel))
        self.bias = nn.Parameter(torch.zeros(wide)) if part.flag else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.kernels, self.bias, self.part.stride, padding=self.part.padding)


class Pyramid(nn.Module):
    """One layer on an image and on a smaller one, whose outputs are put together again."""

    def __init__(self, channels: Any) -> None:
        super().__init__()
        self.shared = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        small = self.shared(F.max_pool2d(x, 2, ceil_mode=True))
        return self.shared(x) + F.interpolate(small, size=x.shape[-2:], mode="bilinear")


class ChannelsAsImages(nn.Module):
    """Each channel is an image of its own for one layer, and may stay one."""

    def __init__(self, wide: Any, part: Part) -> None:
        super().__init__()
        self.part = part
        self.inner = nn.Conv2d(1, 2, part.kernel, padding=part.padding, bias=part.flag)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        images, channels, height, width = x.shape
        y = self.inner(x.reshape(images * channels, 1, height, width))
        return y if self.part.flag else y.view(images, channels * 2, y.shape[2], y.shape[3])


class Patches(nn.Module):
    """Quarters of the image are images for one transposed convolution."""

    def __init__(self, channels: Any, wide: Any) -> None:
        super().__init__()
        self.inner = nn.ConvTranspose2d(channels, wide, 2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        images, channels, height, width = x.shape
        parts = x.view(images, channels, 2, height // 2, 2, width // 2).permute(0, 2, 4, 1, 3, 5)
        return self.inner(parts.reshape(images * 4, channels, height // 2, width // 2))


class Rows(nn.Module):
    """Each row is a line for a convolution along it."""

    def __init__(self, channels: Any, part: Part) -> None:
        super().__init__()
        self.inner = nn.Conv1d(channels, channels, 3, part.stride[0], padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        images, channels, height, width = x.shape
        lines = x.permute(0, 2, 1, 3).reshape(images * height, channels, width)
        y = self.inner(lines)
        return y.view(images, height, channels, y.shape[-1]).permute(0, 2, 1, 3)


class Twins(nn.Module):
    """Two images at once, put together along the batch and added again."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = self.inner(torch.cat([x, -x], 0)).chunk(2, 0)
        return left + right


class Beside(nn.Module):
    """An image beside what a layer makes of it, along one axis."""

    def __init__(self, inner: nn.Module, axis: int) -> None:
        super().__init__()
        self.inner, self.axis = inner, axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.inner(x)], self.axis)


class Residual(nn.Module):
    """A layer whose output is added to its input."""

    def __init__(self, inner: nn.Module, part: Part) -> None:
        super().__init__()
        self.inner, self.part = inner, part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) + x if self.part.flag else F.relu(x + 2 * self.inner(x))


def convolution(channels: Any, wide: Any, part: Part) -> nn.Module:
    """One with all its options."""
    given = {"stride": part.stride, "padding": part.padding, "dilation": part.dilation, "bias": part.flag}
    return nn.Conv2d(channels, wide, part.kernel, **given)


def transposed(channels: Any, wide: Any, part: Part) -> nn.Module:
    """One with the output padding that its stride allows."""
    extra = tuple(min(p, max(s, part.dilation) - 1) for p, s in zip(part.padding, part.stride, strict=True))
    given = {"output_padding": extra, "bias": part.flag, "dilation": part.dilation}
    return nn.ConvTranspose2d(channels, wide, part.kernel, part.stride, part.padding, **given)


def grouped(channels: Any, wide: Any, part: Part) -> nn.Module:
    """A convolution, or a transposed one, of each channel alone."""
    layer = (nn.Conv2d, nn.ConvTranspose2d)[part.flag]
    return layer(channels, channels * part.width, part.kernel, padding=part.padding, groups=channels)


def pool(channels: Any, wide: Any, part: Part) -> nn.Module:
    """Pooling, with windows that hang over or are dilated."""
    padding = tuple(min(p, k // 2) for p, k in zip(part.padding, part.kernel, strict=True))
    if part.dilation > 1:
        return nn.MaxPool2d(part.kernel, part.stride, padding, part.dilation, ceil_mode=part.flag)
    return (nn.AvgPool2d, nn.MaxPool2d)[part.width % 2](
        part.kernel, part.stride, padding, ceil_mode=part.flag
    )


def resize(channels: Any, wide: Any, part: Part) -> nn.Module:
    """Upsampling by a scale that may be no whole number."""
    scale = (0.5, 2 / 3, 1.5, 2, 3)[part.kernel[0]]
    return nn.Upsample(scale_factor=scale, mode=("nearest", "bilinear")[part.flag])


MADE: dict[str, Callable[[Any, Any, Part], nn.Module]] = {
    "convolution": convolution,
    "transposed": transposed,
    "grouped": grouped,
    "pool": pool,
    "adaptive": lambda channels, wide, part: nn.AdaptiveAvgPool2d(part.kernel),
    "resize": resize,
    "norm": lambda c, wide, part: nn.BatchNorm2d(c) if part.flag else nn.GroupNorm(1, c),
    "relu": lambda channels, wide, part: nn.ReLU(),
    "functional": Functional,
    "pyramid": lambda channels, wide, part: Pyramid(channels),
    "channels as images": lambda channels, wide, part: ChannelsAsImages(wide, part),
    "patches": lambda channels, wide, part: Patches(channels, wide),
    "rows": lambda channels, wide, part: Rows(channels, part),
    "twins": lambda channels, wide, part: Twins(nn.Conv2d(channels, wide, 3, padding=1)),
    "beside": lambda c, wide, part: Beside(nn.Conv2d(c, wide, 1), 1),
    "above": lambda c, wide, part: Beside(nn.Conv2d(c, c, 3, padding=1), 2 + part.flag),
    "add": lambda c, wide, part: Residual(nn.Conv2d(c, c, part.kernel, padding="same"), part),
}
FOLDING = ("channels as images", "patches", "rows", "twins")

PARTS = st.builds(
    Part,
    kind=st.sampled_from([*MADE, *FOLDING]),
    width=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.sampled_from([1, 1, 2]),
    flag=st.booleans(),
)


def after(part: Part, size: tuple[int, ...]) -> tuple[int, ...] | None:
    """What a part makes of an image of a size, asked of torch; None where it does not take it."""
    try:
        with torch.no_grad():
            out = MADE[part.kind](4, 2, part).eval()(torch.zeros(1, 4, *size))
    except RuntimeError:
        return None
    return tuple(out.shape[2:]) if 1 <= min(out.shape[2:]) <= max(out.shape[2:]) <= LARGEST else None


def fitting(parts: list[Part], size: tuple[int, ...]) -> list[Part]:
    """The parts in a row, without those that do not take the size that they are given."""
    kept = []
    for part in parts:
        if (following := after(part, size)) is not None:
            kept.append(part)
            size = following
    return kept


class RandomNet(nn.Module):
    """Parts in a row, and a linear head."""

    def __init__(self, parts: list[Part], num_filters: Any, num_colours: Any) -> None:
        super().__init__()
        self.flag = bool(parts) and parts[0].flag
        self.layers = nn.Sequential()
        channels: Any = num_colours
        for part in parts:
            wide = part.width * num_filters
            self.layers.append(MADE[part.kind](channels, wide, part))
            channels = following_channels(part, channels, wide)
        self.head = nn.Linear(channels, num_colours)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layers(x)
        return self.head(x.mean([2, 3]) if self.flag else F.adaptive_avg_pool2d(x, 1).flatten(1))


def following_channels(part: Part, channels: Any, wide: Any) -> Any:
    """The channels behind a part."""
    if part.kind in ("convolution", "transposed", "functional", "patches", "twins"):
        return wide
    if part.kind == "grouped":
        return channels * part.width
    if part.kind == "channels as images":
        return 2 if part.flag else channels * 2
    return channels + wide if part.kind == "beside" else channels


class Jacobians(TorchFunctionMode):
    """Counts, of every operation that is called, which output answers to which input, one lit at a time."""

    OPERATIONS = ("conv1d", "conv2d", "conv_transpose2d", "linear", "interpolate", "avg_pool2d",
                  "adaptive_avg_pool2d", "max_pool2d", "mean")  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[int] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.__name__.removesuffix("_with_indices").removeprefix("boolean_dispatch_")
        if name in self.OPERATIONS:
            self.entries.append(entries(lambda image: func(image, *args[1:], **kwargs), args[0]))
        return func(*args, **kwargs)


def entries(function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> int:
    """Light each value of a tensor alone, the batch included, and count which outputs change."""
    dark = function(torch.zeros_like(x))
    lit = torch.eye(x.numel(), dtype=torch.float64).view(-1, *x.shape)
    return sum(int(((torch.vmap(function)(images) - dark).abs() > 1e-9).sum()) for images in lit.split(128))


def check(parts: list[Part], size: tuple[int, int], fixed: dict[str, int]) -> Derivation:
    """Derive in letters, prove, and compare with a real net whose numbers the proof may not have seen."""
    kept = fitting(parts, size)

    def build(num_filters: int, num_colours: int) -> nn.Module:
        return RandomNet(kept, num_filters, num_colours)

    derivation = derive(build, fixed, (fixed.get("num_colours", NC), *size))
    prove(derivation)

    numbers = {NF: 4, NC: 1}
    real = build(**({"num_filters": 4, "num_colours": 1} | fixed)).eval().double()
    for parameter in real.parameters():
        parameter.data.uniform_(0.5, 1)  # none vanishes, and none cancels another
    with torch.no_grad(), Jacobians() as seen:
        out = real(torch.rand(1, fixed.get("num_colours", 1), *size, dtype=torch.float64))

    def number(count: Any) -> int:
        return int(sympy.sympify(count).subs(numbers))

    weights = sum(parameter.numel() for parameter in real.parameters())
    assert number(find("learnable").totals(derivation)["weights"]) == weights
    assert sum(number(c) for layer in derivation.layers for c in layer.weights.values()) == weights
    assert tuple(map(number, derivation.output)) == tuple(out.shape[1:])
    joining = [layer for layer in derivation.layers if layer.operation in Jacobians.OPERATIONS]
    assert [number(layer.taps - layer.padded) for layer in joining] == seen.entries
    assert all(0 <= number(layer.padded) <= max(0, number(layer.taps)) for layer in derivation.layers)
    return derivation


FIXED = st.sampled_from([{}, {"num_colours": 2}, {"num_filters": 2}, {"num_colours": 3, "num_filters": 1}])
SMALL = st.tuples(st.integers(2, 7), st.integers(2, 7))
OPTIONS: dict[str, Any] = {
    "derandomize": True,
    "deadline": None,
    "database": None,
    "phases": (Phase.explicit, Phase.generate),  # a failing net is short enough, and shrinking takes minutes
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(max_examples=examples(40), **OPTIONS)
@given(parts=st.lists(PARTS, min_size=1, max_size=5), size=SMALL, fixed=FIXED)
def test_random_nets_are_derived_and_proved(
    parts: list[Part], size: tuple[int, int], fixed: dict[str, int]
) -> None:
    """Whatever the parts, formula, two witnesses and the Jacobians of all operations agree."""
    check(parts, size, fixed)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("part", range(4))
@settings(max_examples=400, **OPTIONS)
@given(parts=st.lists(PARTS, min_size=1, max_size=7), size=SMALL, fixed=FIXED, salt=st.integers(0, 2**20))
def test_two_thousand_random_nets_are_derived_and_proved(
    part: int, parts: list[Part], size: tuple[int, int], fixed: dict[str, int], salt: int
) -> None:
    """The same for two thousand longer ones, five hundred from each of four parts of what may be drawn."""
    first = list(MADE)[part::4]
    check([Part(first[salt % len(first)], 1, (2, 3), (1, 1), (1, 1), 1, salt % 2 == 0), *parts], size, fixed)
