import itertools
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
import sympy
import torch
from nets import ConvTransposeNet, Functional, Perceptron, UNet, UnusedParts
from thinned import thinned
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.proof import oracle
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, Layer, derive
from cnnreport.nets.ablation import InnerSkipNet, InputSkipNet
from cnnreport.nets.colourization import PoolUpsampleNet

K, NF, NIC, H, W = map(symbol, ("k", "NF", "NIC", "h", "w"))


class Everything(nn.Module):
    """One layer of each kind that has counts of its own."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, num_filters, 3, padding=1)
        self.norm = nn.BatchNorm2d(num_filters)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.up = nn.Upsample(scale_factor=2)
        self.back = nn.ConvTranspose2d(num_filters, 2, 3, padding=1)
        self.head = nn.Linear(2 * 16, 5)
        self.idle = nn.Parameter(torch.zeros(num_filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.up(self.pool(self.norm(self.conv(x)).relu()))
        return self.head(self.back(x).flatten(1))


@pytest.fixture(scope="module")
def everything() -> Derivation:
    """That net for a small image."""
    return derive(Everything, {}, (2, 4, 4))


def corrupted(derivation: Derivation, path: str, **changes: Any) -> Derivation:
    """A derivation with one layer changed."""
    layers = (replace(layer, **changes) if layer.path == path else layer for layer in derivation.layers)
    return replace(derivation, layers=tuple(layers))


@pytest.mark.parametrize(
    ("net", "points"), [(Perceptron, 2 * 2 * 2), (UnusedParts, 2), (Functional, 2 * 2), (Everything, 2)]
)
def test_right_counts_are_proved(net: type, points: int) -> None:
    """The real nets agree; a count of degree d in a symbol takes d + 1 of its values."""
    size = {Functional: (NIC, 8, 8), UnusedParts: (3, 8, 8), Everything: (2, 4, 4)}.get(net)
    fixed = {"kernel": 3} if net is Functional else {}
    assert prove(derive(net, fixed, size)).points == points


@pytest.mark.slow
def test_the_grid_has_one_value_more_than_the_degree() -> None:
    """k to the fourth, NF and NC squared, NIC alone; kernel sizes are odd, and both sizes of image count."""
    derivation = derive(PoolUpsampleNet)
    proof = prove(derivation, derivation.doubled())
    assert proof.degrees == {"NIC": 1, "NF": 2, "NC": 2, "k": 4}
    assert proof.grid == {"NIC": (1, 2), "NF": (1, 2, 3), "NC": (1, 2, 3), "k": (1, 3, 5, 7, 9)}
    assert proof.points == 2 * 3 * 3 * 5 * 2
    assert proof.counts >= 2 * sum(len(layer.counts) + len(layer.output) for layer in derivation.layers)


def test_numbers_are_compared_at_one_point() -> None:
    """Without symbols there is one net to build."""
    proof = prove(derive(Everything, {"num_filters": 3}, (2, 4, 4)))
    assert (proof.points, proof.grid, proof.degrees) == (1, {}, {})


COUNTS = [
    (path, name)
    for path, names in {
        "conv": ("taps", "padded", "biases"), "norm": ("statistics",), "pool": ("taps", "padded"),
        "up": ("taps",), "back": ("taps", "padded", "biases"), "head": ("taps", "biases"), "relu": ("taps",),
    }.items()
    for name in names
]  # fmt: skip


@pytest.mark.parametrize(("path", "name"), thinned(COUNTS, 4))
@pytest.mark.parametrize(
    "wrong", [1, -1, NF, NF * (NF - 1), (NF - 1) * (NF - 2), (NF - 1) * (NF - 2) * (NF - 3)]
)
def test_a_wrong_count_fails(everything: Derivation, path: str, name: str, wrong: Any) -> None:
    """By one everywhere, or at a few values only: layer, count, both numbers and the point are named."""
    right = next(getattr(layer, name) for layer in everything.layers if layer.path == path)
    broken = corrupted(everything, path, **{name: right + wrong})
    expected = (
        rf"^the proof fails: {name} of {path}, derived -?\d+, is \d+ in the real net for NF = \d+; mend"
    )
    with pytest.raises(VerificationError, match=expected) as caught:
        prove(broken)
    assert caught.value.exit_code == 3


def test_the_smallest_point_of_disagreement_is_named(everything: Derivation) -> None:
    """A count that is right for NF = 1 and 2 is wrong at 3."""
    layer = everything.layers[0]
    broken = corrupted(everything, "conv", taps=layer.taps + (NF - 1) * (NF - 2))
    with pytest.raises(
        VerificationError, match="taps of conv, derived 866, is 864 in the real net for NF = 3;"
    ):
        prove(broken)


@pytest.mark.parametrize(
    ("path", "shape", "message"),
    [
        ("conv", (NF + 1, 4, 4), "outputs of conv|axis 0 of the output of conv"),
        ("norm", (NF, 2, 8), "axis 1 of the output of norm, derived 2, is 4"),
        ("relu", (4, NF, 4), "axis 0 of the output of relu, derived 4, is 1"),
        ("head", (6,), "of head, derived 6, is 5"),
    ],
)
def test_a_wrong_shape_fails(everything: Derivation, path: str, shape: tuple[Any, ...], message: str) -> None:
    """Each axis is compared, not the number of values alone."""
    with pytest.raises(VerificationError, match=message):
        prove(corrupted(everything, path, output=shape))


def test_a_wrong_number_of_axes_fails(everything: Derivation) -> None:
    """An axis of one more or fewer does not change the number of values, but the shape."""
    for path, shape in (("head", (5, 1)), ("conv", (16 * NF,))):
        with pytest.raises(VerificationError, match=f"of {path}"):
            prove(corrupted(everything, path, output=shape))


@pytest.mark.parametrize("name", ["conv.weight", "norm.bias", "idle", "head.bias"])
def test_a_wrong_number_of_parameters_fails(everything: Derivation, name: str) -> None:
    """Each parameter by its name, used or not."""
    parameters = {**everything.parameters, name: everything.parameters[name] + NF - 1}
    with pytest.raises(VerificationError, match=f"weights of {name}, derived .* for NF = 2;"):
        prove(replace(everything, parameters=parameters))


def test_missing_and_invented_parameters_fail(everything: Derivation) -> None:
    """The names are those of the real net."""
    fewer = {name: count for name, count in everything.parameters.items() if name != "idle"}
    for parameters in (fewer, {**everything.parameters, "more": 3}):
        with pytest.raises(VerificationError, match=r"the real net does other things|parameters"):
            prove(replace(everything, parameters=parameters))


@pytest.mark.parametrize(
    ("path", "weights"),
    [
        ("conv", {"kernel": 18 * NF + 1, "bias": NF}),
        ("conv", {"kernel": 19 * NF}),
        ("norm", {"affine": 3 * NF}),
        ("norm", {}),
        ("head", {"kernel": 5 * 32}),
        ("idle", {"affine": NF + 1}),
        ("relu", {"other": 1}),
        ("conv", {"kernel": NF, "bias": 18 * NF}),
    ],
)
def test_wrong_weights_of_a_layer_fail(everything: Derivation, path: str, weights: dict[str, Any]) -> None:
    """What conventions add up are the layers' weights by role, so these are proved, too."""
    with pytest.raises(VerificationError, match="weights"):
        prove(corrupted(everything, path, weights=weights))


def test_a_wrong_output_of_the_net_fails(everything: Derivation) -> None:
    """The last shape is compared with what the real net returns."""
    with pytest.raises(VerificationError, match="output"):
        prove(replace(everything, outputs={"": (6,)}))


def test_a_missing_or_invented_layer_fails(everything: Derivation) -> None:
    """The operations are those of the real net, in its order."""
    swapped = (everything.layers[1], everything.layers[0], *everything.layers[2:])
    for layers in (everything.layers[1:], (*everything.layers, everything.layers[0]), swapped):
        with pytest.raises(
            VerificationError, match="the real net does other things than the derived one: conv2d"
        ):
            prove(replace(everything, layers=layers))


def test_every_count_of_a_layer_is_tried_here() -> None:
    """A count that is added to Layer must be corrupted in a test."""
    names = {field.name for field in fields(Layer)}
    tried = {name for _, name in COUNTS} | {"output", "weights"}
    assert names - tried == {"path", "type", "operation", "kind", "inputs", "sources", "batch"}


def test_a_wrong_batch_is_caught() -> None:
    """What forward folds into the first axis counts as outputs, and is proved with them."""
    derivation = derive(Perceptron)
    wrong = replace(derivation, layers=(replace(derivation.layers[0], batch=2), *derivation.layers[1:]))
    with pytest.raises(VerificationError, match="the proof fails: outputs of"):
        prove(wrong)


class Folding(nn.Module):
    """Applies a linear layer to every pixel, with the pixels in the place of the batch."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.linear = nn.Linear(3, num_filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.permute(0, 2, 3, 1).reshape(-1, 3))


def test_a_folded_batch_counts() -> None:
    """A layer on (pixels, channels) has as many outputs as on an image of channels."""
    derivation = derive(Folding, {}, (3, 5, 7))
    proof = prove(derivation)
    [layer] = [layer for layer in derivation.layers if layer.type == "Linear"]
    assert layer.outputs == 35 * NF
    assert layer.taps == 105 * NF
    assert proof.points == 2


def strided(num_filters: int) -> nn.Module:
    """Sizes are halved and rounded down, with padding."""
    return nn.Sequential(nn.Conv2d(2, num_filters, 3, stride=2, padding=1), nn.MaxPool2d(2))


def test_rounded_sizes_take_as_many_points_as_their_period() -> None:
    """Heights of any number h, halved twice: each class of h modulo the period has its own polynomial."""
    proof = prove(derive(strided, {"num_filters": 2}, (2, H, 8)))
    assert len(proof.grid["h"]) % 4 == 0
    assert len(proof.grid["h"]) >= 2 * (proof.degrees["h"] + 1)
    assert proof.grid["h"][0] > 1, "there is nothing to pool in one row"


@pytest.mark.parametrize(
    "wrong",
    [
        1,
        H - 2 * sympy.floor(H / 2),
        2 * sympy.floor(H / 2) - H + 1,
        (H - 3) * (2 * sympy.floor(H / 2) - H),
        (H - 4) * (H - 6) * (2 * sympy.floor(H / 2) - H + 1),
    ],
)
def test_a_wrong_rounded_count_fails(wrong: Any) -> None:
    """Also where it is wrong for odd heights only, or for all even ones but some."""
    derivation = derive(strided, {"num_filters": 2}, (2, H, 8))
    taps = derivation.layers[0].taps
    with pytest.raises(VerificationError, match=r"the proof fails: taps of 0, derived .* for h = \d+;"):
        prove(corrupted(derivation, "0", taps=taps + wrong))


def test_degrees_do_not_cancel_in_rounded_counts() -> None:
    """A count that is wrong at h = 5 first, and of a degree that its rounded parts hide, is found."""
    derivation = derive(lambda: nn.Sequential(nn.Conv1d(1, 1, 1)), {}, (1, H))
    wrong = (H - 1) * (H - 3) * (2 * sympy.floor(H / 2) - H)
    with pytest.raises(VerificationError, match="for h = 5;"):
        prove(corrupted(derivation, "0", taps=derivation.layers[0].taps + wrong))


def test_symbolic_padding_and_stride_are_proved() -> None:
    """k // 2 zeros and strides of two and three, on known sizes and on multiples."""

    def build(kernel: int, stride: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 2, kernel, stride, kernel // 2))

    assert prove(derive(build, {"stride": 2}, (1, 32, 32))).grid["k"][:3] == (1, 3, 5)
    prove(derive(build, {"stride": 2}, (1, 8 * H, 32)))
    broken = derive(build, {"stride": 3}, (1, 60, 64))
    prove(broken)
    with pytest.raises(VerificationError, match=r"padded of 0, derived .* for k = \d+;"):
        prove(corrupted(broken, "0", padded=broken.layers[0].padded + (K - 1) * (K - 3)))


def test_a_kernel_takes_odd_values_only_into_its_period() -> None:
    """Strides of three round in k // 2, which has six classes of k but three of odd ones."""
    derivation = derive(lambda kernel: nn.Sequential(nn.Conv1d(1, 1, kernel, 3, kernel // 2)), {}, (1, 96))
    proof = prove(derivation)
    assert len(proof.grid["k"]) == 3 * (proof.degrees["k"] + 1)


@pytest.mark.parametrize(
    "net", thinned([PoolUpsampleNet, ConvTransposeNet, UNet, InputSkipNet, InnerSkipNet], 2)
)
def test_symbolic_heights_and_widths_are_proved(net: type) -> None:
    """Of multiples of four, with the handouts' numbers of filters and colours, for the first kernels."""
    fixed = {"kernel": 3, "num_filters": 4, "num_colours": 3}
    derivation = derive(net, fixed, (NIC, 4 * H, 4 * W))
    proof = prove(derivation)
    assert set(proof.grid) == {"NIC", "h", "w"}
    last = derivation.layers[-1]
    broken = corrupted(derivation, last.path, taps=last.taps + H - W)
    with pytest.raises(VerificationError, match=r"taps of .* for NIC = 1, h = \d+, w = \d+;"):
        prove(broken)


def test_heights_move_up_to_where_counts_hold() -> None:
    """With a kernel of nine, the smallest images are those that it fits on."""
    proof = prove(derive(lambda: nn.Sequential(nn.Conv2d(1, 1, 9)), {}, (1, H, H)))
    assert proof.grid["h"][0] == 9


def test_kernels_that_do_not_fit_are_refused() -> None:
    """Where too few kernel sizes fit on the image, a proof for all of them has no points."""
    derivation = derive(lambda kernel: nn.Sequential(nn.Conv2d(1, 1, kernel)), {}, (1, 6, 6))
    with pytest.raises(
        UsageError, match="the counts hold for too few values of the letters for a proof; give a larger"
    ):
        prove(derivation)


def test_nets_that_depend_on_sizes_fail() -> None:
    """A net that takes another way for another number is not what was derived."""

    class Choosing(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, num_filters, 1)
            self.wide = str(num_filters) not in ("1", "NF")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x).relu() if self.wide else self.conv(x)

    with pytest.raises(
        VerificationError, match="other things than the derived one: conv2d, relu; make forward ind"
    ):
        prove(derive(Choosing, {}, (2, 4, 4)))


def test_a_real_net_that_breaks_is_explained() -> None:
    """Where the real net cannot run at a point, the point is named."""

    class Choosy(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            if type(num_filters) is int and num_filters == 2:
                raise ValueError("two is not allowed")
            self.conv = nn.Conv2d(2, num_filters, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x)

    with pytest.raises(
        (UsageError, VerificationError), match=r"two is not allowed.*NF = 2|NF = 2.*two is not"
    ):
        prove(derive(Choosy, {}, (2, 4, 4)))


def test_the_oracle_shares_no_counting_with_the_rules() -> None:
    """Ones convolved with ones: the known counts of a 3 x 3 convolution at the rim of a 4 x 4 image."""
    (seen,) = oracle.observe(lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1)), {}, [[(2, 4, 4)]], "cpu")
    assert seen.operations[0].counts == {
        "taps": 2 * 3 * 9 * 16, "padded": 2 * 3 * (144 - 100), "biases": 48, "statistics": 0, "outputs": 48
    }  # fmt: skip
    assert seen.parameters == {"0.weight": 54, "0.bias": 3}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.conv2d(x, torch.ones(3, 2, 3, 3), padding=2, dilation=2),
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear"),
        lambda x: F.adaptive_avg_pool2d(x, 3),
    ],
)
def test_the_oracle_sees_the_same_on_meta_and_on_the_processor(function: Callable[[Any], Any]) -> None:
    """Large nets run without numbers; what is counted is the same."""

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.device(x.device):
                return function(x)

    first, second = (oracle.observe(Net, {}, [[(2, 5, 6)]], device) for device in ("cpu", "meta"))
    assert first == second


def test_large_nets_are_proved_without_their_weights() -> None:
    """A hundred million weights are compared in no memory to speak of."""
    proof = prove(derive(lambda num_filters: nn.Linear(10_000, num_filters * 10_000), {}))
    assert proof.points == 2


def test_all_conditions_hold_on_the_grid() -> None:
    """Counts are compared where they are said to hold, and only there."""
    derivation = derive(ConvTransposeNet, {"num_filters": 2, "num_colours": 2, "num_in_channels": 1})
    proof = prove(derivation)
    m = sympy.Symbol("m", integer=True, nonnegative=True)
    assert derivation.conditions
    for condition, k in itertools.product(derivation.conditions, proof.grid["k"]):
        assert condition.subs(m, (k - 1) // 2) == sympy.true
