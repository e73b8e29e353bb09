from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from thinned import thinned
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import VerificationError
from cnnreport.formula.proof import measured
from cnnreport.formula.proof.dispatched import PRODUCT, Dispatch, Dispatched, reached
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.rules.operations import RULES
from cnnreport.formula.rules.rule import Rule
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import derive

NF = symbol("NF")


def watched(function: Callable[[torch.Tensor], Any], *sizes: int, device: str = "cpu") -> list[Dispatched]:
    """What ATen does for a function of a tensor."""
    with torch.no_grad(), torch.device(device), Dispatch() as dispatch:
        function(reached(torch.zeros(*sizes)))
    return dispatch.rows()


def ones(*sizes: int) -> torch.Tensor:
    """A parameter of some shape."""
    return torch.ones(*sizes)


COUNTED: list[tuple[Callable[[torch.Tensor], Any], tuple[int, ...], Dispatched]] = [
    # 5 images, 3 -> 4 channels, 8 x 8 -> 6 x 6: 5 * 4 * 36 outputs with 27 taps each.
    (lambda x: F.conv2d(x, ones(4, 3, 3, 3)), (5, 3, 8, 8), Dispatched(PRODUCT, 720, 19440, 0)),
    # One line of 4 with a zero at both ends: 4 windows of 3, of whose 12 taps 2 lie on zeros.
    (lambda x: F.conv1d(x, ones(1, 1, 3), padding=1), (2, 1, 4), Dispatched(PRODUCT, 8, 24, 4)),
    # Two groups of one channel each.
    (lambda x: F.conv2d(x, ones(4, 1, 1, 1), groups=2), (1, 2, 3, 3), Dispatched(PRODUCT, 36, 36, 0)),
    # 3 inputs spread by 2 windows of 2 without overlap: 6 outputs; with padding 1 two taps are cut off.
    (
        lambda x: F.conv_transpose1d(x, ones(1, 1, 2), stride=2, padding=1),
        (7, 1, 3),
        Dispatched(PRODUCT, 7 * 4, 7 * 6, 7 * 2),
    ),
    (lambda x: F.linear(x, ones(3, 5), ones(3)), (2, 7, 5), Dispatched(PRODUCT, 42, 210, 0)),
    (lambda x: F.linear(x.transpose(1, 2), ones(3, 5)), (2, 5, 7), Dispatched(PRODUCT, 42, 210, 0)),
    # 5 -> ceil((5 - 2) / 2) + 1 = 3 windows of 2, the last of which hangs over by one.
    (lambda x: F.max_pool1d(x, 2, ceil_mode=True), (3, 1, 5), Dispatched("pooling", 9, 18, 3)),
    (lambda x: F.avg_pool2d(x, 2), (2, 3, 4, 4), Dispatched("pooling", 24, 96, 0)),
    # 7 -> 3: windows 0-3, 2-5, 4-7 of 3 inputs each.
    (lambda x: F.adaptive_avg_pool1d(x, 3), (2, 2, 7), Dispatched("pooling", 12, 36, 0)),
    (lambda x: F.adaptive_avg_pool2d(x, 1), (2, 2, 7, 7), Dispatched("reduction", 4, 196, 0)),
    (lambda x: F.interpolate(x, scale_factor=2), (2, 1, 3, 3), Dispatched("upsampling", 72, 72, 0)),
    # 3 -> 6 along a line: the outermost outputs read one input, the four others two.
    (
        lambda x: F.interpolate(x, scale_factor=2, mode="linear"),
        (5, 1, 3),
        Dispatched("upsampling", 30, 50, 0),
    ),
    (lambda x: x.mean((2, 3)), (2, 3, 4, 5), Dispatched("reduction", 6, 120, 0)),
]


@pytest.mark.parametrize("device", thinned(["cpu", "meta"], 3))
@pytest.mark.parametrize(("function", "sizes", "expected"), COUNTED)
def test_operations_are_counted_where_they_are_computed(
    function: Callable[[torch.Tensor], Any], sizes: tuple[int, ...], expected: Dispatched, device: str
) -> None:
    """Outputs, pairs and pairs on padding are those counted by hand, the batch included."""
    assert watched(function, *sizes, device=device) == [expected]


def test_padding_of_two_different_sides_is_not_told() -> None:
    """Where another operation puts zeros on, those inside the convolution alone would be too few."""
    (row,) = watched(lambda x: F.conv1d(F.pad(x, (0, 1)), ones(1, 1, 2)), 1, 1, 4)
    assert row == Dispatched(PRODUCT, 4, 8, None)


@pytest.mark.slow
def test_large_images_are_lit_along_their_axes() -> None:
    """An enlarged image of a million values is counted like a small one: a product of two lines."""
    (row,) = watched(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), 1, 1, 1000, 900)
    assert row.taps == (2 * 2000 - 2) * (2 * 1800 - 2)


def test_arithmetic_on_parameters_is_told_apart() -> None:
    """What does not come of the input is marked, since torch's own counter takes it for the net's work."""
    with torch.no_grad(), Dispatch() as dispatch:
        F.linear(reached(torch.zeros(1, 4)), ones(3, 2) @ ones(2, 4))
    assert dispatch.rows() == [Dispatched(PRODUCT, 12, 24, 0, False), Dispatched(PRODUCT, 3, 12, 0)]
    assert dispatch.floating_point_operations == 2 * (24 + 12)


class Fold(nn.Module):
    """Frames folded into the batch of one layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.flatten(0, 1))


@pytest.mark.parametrize(
    ("layer", "outputs", "taps"),
    [
        (lambda num_filters: nn.Conv2d(3, num_filters, 3), 180 * NF, 4860 * NF),
        (lambda num_filters: nn.ConvTranspose2d(3, num_filters, 2, 2), 1280 * NF, 3840 * NF),
        (lambda: nn.MaxPool2d(2), 240, 960),
        (lambda: nn.MaxPool2d(2, dilation=2, ceil_mode=True), 240, 960),
        (lambda: nn.AdaptiveAvgPool2d(2), 60, 960),
        (lambda: nn.Upsample(scale_factor=2), 3840, 3840),
        (lambda num_filters: nn.Linear(8, num_filters), 120 * NF, 960 * NF),
    ],
)
def test_images_folded_into_the_batch_count(layer: Any, outputs: Any, taps: Any) -> None:
    """Five frames of three channels of 8 x 8 have five times the outputs and the pairs of one."""
    names = layer.__code__.co_varnames

    def build(num_filters: int) -> nn.Module:
        return Fold(layer(num_filters) if names else layer())

    derivation = derive(build, {} if names else {"num_filters": 1}, (5, 3, 8, 8))
    prove(derivation)
    assert (derivation.layers[0].outputs, derivation.layers[0].taps) == (outputs, taps)


def test_frames_of_one_input_share_their_mean() -> None:
    """Batch norm takes the values of a channel in all five frames together, instance norm those of one."""
    for layer, together in ((nn.BatchNorm2d(3), 5 * 64), (nn.InstanceNorm2d(3), 64)):
        derivation = derive(lambda num_filters, one=layer: Fold(one), {"num_filters": 1}, (5, 3, 8, 8))
        prove(derivation)
        assert derivation.layers[0].statistics == together


class Unbatched(nn.Module):
    """Takes its one image out of the batch."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.conv, self.pool = nn.Conv2d(3, num_filters, 3, padding=1), nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(self.conv(x[0])).unsqueeze(0)


def test_one_image_without_its_batch_counts_as_one() -> None:
    """A convolution and a pooling of three axes have channels first."""
    derivation = derive(Unbatched, {}, (3, 8, 8))
    prove(derivation)
    assert [layer.taps for layer in derivation.layers[:2]] == [27 * 64 * NF, 64 * NF]
    assert derivation.output == (NF, 4, 4)


def without_batch(effect: Any) -> Any:
    """What a rule says of one of five frames."""
    return replace(effect, taps=effect.taps // 5, padded=effect.padded // 5)


def instead(monkeypatch: pytest.MonkeyPatch, operation: str, wrong: Rule) -> None:
    """Let an operation have another rule."""
    find = RULES.find
    monkeypatch.setattr(RULES, "find", lambda name, place: wrong if name == operation else find(name, place))


@pytest.mark.parametrize("operation", ["conv2d", "conv_transpose2d", "max_pool2d", "linear"])
def test_an_error_of_rule_and_first_witness_alike_is_found(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where both leave out the batch, what arrives at ATen tells."""
    layer = {
        "conv2d": nn.Conv2d(3, 2, 3, padding=1),
        "conv_transpose2d": nn.ConvTranspose2d(3, 2, 2),
        "max_pool2d": nn.MaxPool2d(2),
        "linear": nn.Linear(8, 2),
    }[operation]
    rule, count = RULES.find(operation, ""), measured.COUNTS[operation]
    wrong = replace(rule, apply=lambda *args, **kwargs: without_batch(rule.apply(*args, **kwargs)))

    def few(*args: Any, **kwargs: Any) -> dict[str, int]:
        right = count(*args, **kwargs)
        return right | {name: right[name] // 5 for name in ("taps", "padded") if name in right}

    instead(monkeypatch, operation, wrong)
    monkeypatch.setitem(measured.COUNTS, operation, few)
    with pytest.raises(VerificationError, match=r"taps of layer, derived \d+, is \d+ where ATen computes it"):
        prove(derive(lambda num_filters: Fold(layer), {"num_filters": 1}, (5, 3, 8, 8)))


def test_taps_on_padding_have_two_witnesses_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rule and first witness forget the padding, it is found as well."""
    rule, count = RULES.find("conv2d", ""), measured.COUNTS["conv2d"]
    wrong = replace(rule, apply=lambda *args, **kwargs: replace(rule.apply(*args, **kwargs), padded=0))
    instead(monkeypatch, "conv2d", wrong)
    monkeypatch.setitem(measured.COUNTS, "conv2d", lambda *a, **k: count(*a, **k) | {"padded": 0})
    # A 5 x 6 image has 13 * 16 of its 270 taps inside, in 5 * 4 * 3 pairs of channels.
    with pytest.raises(VerificationError, match="padded of layer, derived 0, is 3720 where ATen computes it"):
        prove(
            derive(lambda num_filters: Fold(nn.Conv2d(3, 4, 3, padding=1)), {"num_filters": 1}, (5, 3, 5, 6))
        )


class Secret(nn.Module):
    """Multiplies by a matrix only where it is given real numbers."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, num_filters), nn.Parameter(torch.zeros(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(x @ self.second if type(x) is torch.Tensor else x)


def test_a_product_that_no_layer_accounts_for_is_found() -> None:
    """What is computed outside of all known operations is no secret to ATen."""
    with pytest.raises(VerificationError, match="multiplications of all layers, derived 4, is 20 where ATen"):
        prove(derive(Secret, {}, (4,)))


class Peeking(Secret):
    """Averages only where it is given real numbers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(torch.ops.aten.mean.dim(x, [0], True) if type(x) is torch.Tensor else x)


def test_a_reduction_that_no_layer_accounts_for_is_found() -> None:
    """The same for what multiplies nothing."""
    with pytest.raises(VerificationError, match="computes a reduction of 4 outputs that no layer"):
        prove(derive(Peeking, {}, (4,)))
