from dataclasses import dataclass
from typing import Any

import pytest
import sympy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from cnnreport.formula.convention import find
from cnnreport.formula.derive import derive
from cnnreport.formula.prove import prove
from cnnreport.formula.symbols import symbol

KINDS = (
    "conv",
    "down",
    "tconv",
    "pool",
    "average",
    "up",
    "bilinear",
    "norm",
    "relu",
    "depthwise",
    "cat",
    "add",
)
NF, NC = symbol("NF"), symbol("NC")


@dataclass(frozen=True)
class Part:
    """One part of a random net, with numbers from which it takes what it needs."""

    kind: str
    width: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    flag: bool


PARTS = st.builds(
    Part,
    kind=st.sampled_from(KINDS),
    width=st.integers(1, 3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    flag=st.booleans(),
)


class RandomNet(nn.Module):
    """Parts in a row, some joined with what a part before them gave, and a linear head."""

    def __init__(self, parts: tuple[Part, ...], size: int, num_filters: Any, num_colours: Any) -> None:
        super().__init__()
        self.parts = parts
        self.layers = nn.ModuleList()
        channels: Any = num_colours
        widths = []
        for part in parts:
            layer, channels, size = made(part, channels, size, num_filters)
            self.layers.append(layer)
            widths.append((channels, size))
        self.head = nn.Linear(channels, num_colours)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for part, layer in zip(self.parts, self.layers, strict=True):
            if part.kind == "cat":
                x = torch.cat([x, layer(x)], dim=1)
            elif part.kind == "add":
                x = layer(x) + x if part.flag else F.relu(x + 2 * layer(x))
            else:
                x = layer(x)
        return self.head(x.mean([2, 3]) if self.parts[0].flag else F.adaptive_avg_pool2d(x, 1).flatten(1))


def made(part: Part, channels: Any, size: int, num_filters: Any) -> tuple[nn.Module, Any, int]:
    """The layer of a part with its channels and size; a ReLU where that would be too small or too large."""
    wide = part.width * num_filters
    if part.kind in ("conv", "down"):
        stride = part.stride if part.kind == "down" else 1
        after = (size + 2 * part.padding - part.dilation * (part.kernel - 1) - 1) // stride + 1
        if after >= 1 and size + 2 * part.padding > part.dilation * (part.kernel - 1):
            given = {"padding": part.padding, "dilation": part.dilation, "bias": part.flag}
            return nn.Conv2d(channels, wide, part.kernel, stride, **given), wide, after
    if part.kind == "tconv":
        extra = min(part.padding, max(part.stride, part.dilation) - 1)
        reach = part.dilation * (part.kernel - 1)
        after = (size - 1) * part.stride - 2 * part.padding + reach + extra + 1
        if 1 <= after <= 20:
            given = {"output_padding": extra, "bias": part.flag, "dilation": part.dilation}
            layer = nn.ConvTranspose2d(channels, wide, part.kernel, part.stride, part.padding, **given)
            return layer, wide, after
    if part.kind in ("pool", "average") and size >= part.kernel:
        padding = min(part.padding, part.kernel // 2)
        layer = (nn.MaxPool2d if part.kind == "pool" else nn.AvgPool2d)(
            part.kernel, part.stride, padding, ceil_mode=part.flag
        )
        return layer, channels, layer(torch.zeros(1, 1, size, size)).shape[-1]
    if part.kind in ("up", "bilinear") and size * 2 <= 20:
        mode = "nearest" if part.kind == "up" else "bilinear"
        scale = 2 if part.flag else 1.5
        return nn.Upsample(scale_factor=scale, mode=mode), channels, int(size * scale)
    if part.kind == "norm":
        layer = nn.BatchNorm2d(channels) if part.flag else nn.GroupNorm(1, channels)
        return layer, channels, size
    if part.kind == "depthwise":
        return nn.Conv2d(channels, channels, 3, padding=1, groups=channels), channels, size
    if part.kind == "cat":
        return nn.Conv2d(channels, wide, 1, bias=part.flag), channels + wide, size
    if part.kind == "add":
        return nn.Conv2d(channels, channels, 3, padding="same", bias=part.flag), channels, size
    return nn.ReLU(), channels, size


def check(parts: list[Part], size: int, fixed: dict[str, int]) -> None:
    """Derive in symbols, prove, and compare totals with a real net of another width than any proved."""

    def build(num_filters: int, num_colours: int) -> nn.Module:
        return RandomNet(tuple(parts), size, num_filters, num_colours)

    colours = fixed.get("num_colours", NC)
    derivation = derive(build, fixed, (colours, size, size))
    prove(derivation)

    numbers = {NF: 7, NC: 5}
    real = build(fixed.get("num_filters", 7), fixed.get("num_colours", 5)).eval()
    seen: list[tuple[int, ...]] = []
    for module in real.modules():
        if not any(module.children()) and not isinstance(module, nn.ModuleList):
            module.register_forward_hook(lambda module, taken, out: seen.append(tuple(out.shape[1:])))
    out = real(torch.zeros(1, fixed.get("num_colours", 5), size, size))

    def number(count: Any) -> int:
        return int(sympy.sympify(count).subs(numbers))

    weights = sum(parameter.numel() for parameter in real.parameters())
    assert number(find("learnable").totals(derivation)["weights"]) == weights
    assert sum(number(c) for layer in derivation.layers for c in layer.weights.values()) == weights
    names = {path for path, module in real.named_modules() if not any(module.children())}
    layers = [layer for layer in derivation.layers if layer.path in names]
    assert [tuple(map(number, layer.output)) for layer in layers] == seen
    assert tuple(map(number, derivation.output)) == tuple(out.shape[1:])
    assert all(0 <= number(layer.padded) <= max(0, number(layer.taps)) for layer in derivation.layers)


FIXED = st.sampled_from([{}, {"num_colours": 2}, {"num_filters": 2}, {"num_colours": 3, "num_filters": 1}])


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(
    max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(parts=st.lists(PARTS, min_size=1, max_size=5), size=st.integers(4, 9), fixed=FIXED)
def test_random_nets_are_derived_and_proved(parts: list[Part], size: int, fixed: dict[str, int]) -> None:
    """Whatever the parts, counts are those of the real nets, shapes those of its layers, totals its sum."""
    check(parts, size, fixed)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(
    max_examples=1000, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(parts=st.lists(PARTS, min_size=1, max_size=8), size=st.integers(4, 14), fixed=FIXED)
def test_many_random_nets_are_derived_and_proved(parts: list[Part], size: int, fixed: dict[str, int]) -> None:
    """The same for a thousand larger ones."""
    check(parts, size, fixed)
