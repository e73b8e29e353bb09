"""What a claim must not leave open: operands, first axes, caught questions, constants, long lines."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from thinned import thinned
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.convention import find
from cnnreport.formula.proof.grid import conditions
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, derive

C, H, W, N = map(symbol, ("c", "h", "w", "n"))


class Call(nn.Module):
    """A function of one or two images, with a parameter at hand."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function
        self.learnt = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self, x)


class Both(Call):
    """The same with two images."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return self.function(self, x, y)


def derived(net: Any, function: Any, *sizes: Any) -> Derivation:
    """A proved derivation of such a net."""
    derivation = derive(net, {"function": function}, *sizes)
    prove(derivation)
    return derivation


@pytest.mark.parametrize(
    "function",
    [lambda net, x, y: x**y, lambda net, x, y: x.clamp(min=y), lambda net, x, y: torch.clamp(x, max=y)],
)
def test_an_operand_gives_shape_and_connections(function: Any) -> None:
    """An exponent or a bound that is an image is broadcast, and joined with the output like a factor."""
    derivation = derived(Both, function, (1, H, W), (C, 1, 1))
    assert derivation.output == (C, H, W)
    assert find("every-operation").totals(derivation)["connections"] == 2 * C * H * W


@pytest.mark.parametrize("function", [lambda net, x: x**net.learnt, lambda net, x: x.clamp(net.learnt)])
def test_an_operand_may_be_learnt(function: Any) -> None:
    """Then it is a weight of that operation, and no connection."""
    derivation = derived(Call, function, (2, 3, 3))
    assert dict(derivation.layers[0].weights) == {"other": 1}
    assert derivation.layers[0].taps == 18


@pytest.mark.parametrize(
    ("function", "images", "shape"),
    [
        (lambda net, x: x.sum(1), 1, (H, W)),
        (lambda net, x: x.sum(0), 3, (H, W)),
        (lambda net, x: x.squeeze(0), 3, (H, W)),
        (lambda net, x: x.permute(1, 0, 2, 3), 3, (1, H, W)),
        (lambda net, x: torch.cat([x, x], 0), 2, (3, H, W)),
    ],
)
def test_the_first_axis_of_what_is_returned_is_derived(function: Any, images: int, shape: Any) -> None:
    """It is one for a single image, and whatever forward makes of it else."""
    derivation = derived(Call, function, (3, H, W))
    assert (derivation.images, derivation.outputs) == ({"": images}, {"": shape})


def test_a_wrong_first_axis_fails() -> None:
    """The proof compares it like any other axis."""
    derivation = derive(Call, {"function": lambda net, x: torch.relu(x)}, (1, 3, 3))
    with pytest.raises(
        VerificationError, match="the first axis of the output of the net, derived 2, is 1 in"
    ):
        prove(replace(derivation, images={"": 2}))


class Swallowing(nn.Module):
    """Asks whether it is wide, and takes no answer for a no."""

    def __init__(self, n: int) -> None:
        super().__init__()
        try:
            wide = n > 32
        except Exception:  # noqa: BLE001 - as nets do
            wide = False
        self.conv = nn.Conv2d(1, n, 3 if wide else 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


def test_a_question_is_not_forgotten_because_the_net_catches_its_refusal() -> None:
    """The formula would not hold for the values that answer yes."""
    with pytest.raises(UsageError, match="it does one thing or another as n > 32 or not; give the parameter"):
        derive(Swallowing, {}, (1, 8, 8))


@pytest.mark.parametrize(
    ("layer", "size", "said"),
    [
        (nn.BatchNorm2d(2, track_running_stats=False), (2, H, W), ["h >= 2"]),
        (nn.BatchNorm2d(2), (2, H, W), []),
        (nn.GroupNorm(2, 2), (2, H, W), ["h >= 2"]),
        (nn.GroupNorm(1, 2), (2, H, W), []),
        (nn.AvgPool3d(3, 2, 1), (1, 4, 5, W), ["w >= 3"]),
    ],
)
def test_statistics_need_two_values(layer: nn.Module, size: Any, said: list[str]) -> None:
    """Torch refuses to normalise a single value, and the claim begins where it does not."""
    derivation = derive(lambda: layer, {}, size)
    assert conditions([derivation], prove(derivation).grid, padding_counts=True) == said


@pytest.mark.parametrize(
    ("function", "taps"),
    thinned(
        [
            (lambda net, x: F.adaptive_max_pool1d(x, 1), 9000),
            (lambda net, x: F.adaptive_avg_pool1d(x, 4), 9000),
            (lambda net, x: F.adaptive_avg_pool1d(x, 1), 9000),
            (lambda net, x: F.interpolate(x, scale_factor=2, mode="linear"), 2 * 18000 - 2),
        ],
        3,
    ),
)
def test_long_lines_are_counted(function: Any, taps: int) -> None:
    """A second of sound is no image: each value is still looked at, and not against each other one."""
    assert derived(Call, function, (1, 9000)).layers[0].taps == taps


@pytest.mark.parametrize(
    "function",
    [lambda net, x: x + torch.linspace(-1, 1, 1024), lambda net, x: x * torch.ones(1024)],
)
def test_a_large_net_may_make_constants(function: Any) -> None:
    """Where images are too large for numbers, what the net makes on its way has none either."""
    assert derived(Call, function, (1, 1024, 1024)).layers[0].taps == 1024 * 1024


@pytest.mark.parametrize("width", [1.5, 1e99, None])
def test_a_size_is_a_whole_number(width: Any) -> None:
    """Anything else is refused before torch sees it."""

    def build(width: Any) -> nn.Module:
        return nn.Linear(3, width)

    with pytest.raises(UsageError, match="is given as a size; give a whole number"):
        derive(build, {"width": width}, (3,))


class Idle(nn.Module):
    """One convolution that is used, and layers of other sorts that are not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.table, self.norm = nn.Embedding(10, 7), nn.LayerNorm((4, 4))
        self.spare = nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


def test_parameters_that_nothing_uses_are_what_their_layers_make_of_them() -> None:
    """A table of many axes is no kernel, and neither is the scale of a normalisation."""
    derivation = derive(Idle, {}, (3, 8, 8))
    prove(derivation)
    assert find("kernels").totals(derivation)["weights"] == 4 * 3 * 9 + 5 * 2
    assert find("learnable").totals(derivation)["weights"] == 112 + 70 + 32 + 12


class Twofold(nn.Module):
    """Looks at a kernel before it convolves with it, and ties a table to its last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 4, 3), nn.Embedding(10, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x + self.conv.weight.sum() * 0) * self.table.weight.mean()
        return F.linear(y.mean((2, 3)), self.table.weight)


def test_a_parameter_in_two_roles_has_the_stronger() -> None:
    """A kernel is one also where something else is done with it first; it counts once."""
    derivation = derive(Twofold, {}, (3, 8, 8))
    prove(derivation)
    assert find("kernels").totals(derivation)["weights"] == 4 * 3 * 9 + 10 * 4
    assert find("learnable").totals(derivation)["weights"] == 4 * 3 * 9 + 4 + 10 * 4
