import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.modules
from thinned import thinned
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.rules.operations import RULES
from cnnreport.formula.rules.rule import Effect, Rules
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, Layer, derive

H, NF, NIC, K = symbol("h"), symbol("NF"), symbol("NIC"), symbol("k")
LINE, IMAGE, VOLUME = (4, 12), (4, 8, 8), (4, 6, 6, 6)

ARGUMENTS: dict[str, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    "Bilinear": ((8, 8, 3), IMAGE),
    "BatchNorm1d": ((4,), LINE), "BatchNorm2d": ((4,), IMAGE), "BatchNorm3d": ((4,), VOLUME),
    "SyncBatchNorm": ((4,), IMAGE), "GroupNorm": ((2, 4), IMAGE), "LayerNorm": (((8, 8),), IMAGE),
    "RMSNorm": ((8,), IMAGE), "LocalResponseNorm": ((3,), IMAGE), "CrossMapLRN2d": ((3,), IMAGE),
    "ChannelShuffle": ((2,), IMAGE), "PixelShuffle": ((2,), IMAGE), "PixelUnshuffle": ((2,), IMAGE),
    "Embedding": ((5, 3), LINE), "EmbeddingBag": ((5, 3), LINE),
    "Fold": ((4, 2), (8, 9)), "Unfold": ((2,), IMAGE), "Unflatten": ((1, (2, 2)), IMAGE),
    "FractionalMaxPool2d": ((2, 3), IMAGE), "FractionalMaxPool3d": ((2, 3), VOLUME),
    "GRU": ((8, 3), (5, 8)), "LSTM": ((8, 3), (5, 8)), "RNN": ((8, 3), (5, 8)),
    "GRUCell": ((8, 3), (8,)), "LSTMCell": ((8, 3), (8,)), "RNNCell": ((8, 3), (8,)),
    "Linear": ((8, 3), IMAGE), "LazyLinear": ((3,), IMAGE), "LinearCrossEntropyLoss": ((8, 3), IMAGE),
    "MultiheadAttention": ((8, 2), (5, 8)), "TransformerEncoderLayer": ((8, 2), (5, 8)),
    "TransformerDecoderLayer": ((8, 2), (5, 8)), "Dropout1d": ((), LINE), "PReLU": ((4,), IMAGE),
    "Softmax": ((1,), IMAGE), "LogSoftmax": ((1,), IMAGE), "Softmin": ((1,), IMAGE), "GLU": ((1,), IMAGE),
    "Threshold": ((1.0, 2.0), IMAGE), "Upsample": ((None, 2), IMAGE),
    "UpsamplingBilinear2d": ((None, 2), IMAGE), "UpsamplingNearest2d": ((None, 2), IMAGE),
}  # fmt: skip
"""Arguments of a layer's constructor and the input it takes; none and an image for the others."""

for axes, shape in enumerate((LINE, IMAGE, VOLUME), 1):
    for start, arguments in {
        "AdaptiveAvgPool": (5,), "AdaptiveMaxPool": (3,), "AvgPool": (2,), "MaxPool": (2,), "LPPool": (2, 2),
        "MaxUnpool": (2,), "Conv": (4, 3, 3), "ConvTranspose": (4, 3, 3), "InstanceNorm": (4,),
        "ConstantPad": (1, 2.0), "ZeroPad": (1,), "CircularPad": (1,), "ReflectionPad": (1,),
        "ReplicationPad": (1,), "LazyConv": (3, 3), "LazyConvTranspose": (3, 3), "LazyBatchNorm": (),
        "LazyInstanceNorm": (),
    }.items():  # fmt: skip
        ARGUMENTS[f"{start}{axes}d"] = (arguments, shape)

INPUTS = {
    **dict.fromkeys(("Bilinear", "CosineSimilarity", "PairwiseDistance", "TransformerDecoderLayer"), 2),
    **dict.fromkeys(("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"), 2),
    **{name: 2 for name in torch.nn.modules.__all__ if name.endswith("Loss")},
    **dict.fromkeys(("TripletMarginLoss", "TripletMarginWithDistanceLoss", "GaussianNLLLoss"), 3),
    **dict.fromkeys(("CosineEmbeddingLoss", "MarginRankingLoss", "MultiheadAttention"), 3),
    "CTCLoss": 4,
}
"""How many inputs a layer takes; one for the others."""

DERIVED = {
    *(f"{kind}{axes}d" for axes in (1, 2, 3) for kind in (
        "AdaptiveAvgPool", "AdaptiveMaxPool", "AvgPool", "MaxPool", "BatchNorm", "InstanceNorm", "Conv",
        "ConvTranspose", "ConstantPad", "ZeroPad", "CircularPad", "ReflectionPad", "ReplicationPad",
        "Dropout",
    )),
    "AlphaDropout", "Dropout", "FeatureAlphaDropout", "SyncBatchNorm", "GroupNorm", "LayerNorm", "RMSNorm",
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax",
    "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
    "ChannelShuffle", "Flatten", "Identity", "PixelShuffle", "PixelUnshuffle", "Unflatten",
    "Linear", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d",
}  # fmt: skip
"""Layers of torch.nn that have rules."""

LOOKED_UP = {"Embedding", "EmbeddingBag", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"}
"""Layers that take indices, which have tests of their own."""

LAZY = {name for name in torch.nn.modules.__all__ if name.startswith("Lazy")}

NOT_LAYERS = {
    "Container", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential",
    "RNNBase", "RNNCellBase", "NLLLoss2d", "LinearCrossEntropyOptions",
    "Transformer", "TransformerDecoder", "TransformerEncoder", "AdaptiveLogSoftmaxWithLoss",
}  # fmt: skip
"""Containers, bases of layers, deprecated names and stacks of layers that are tested themselves."""


class Wrapped(nn.Module):
    """A layer that is given the image as often as it takes inputs."""

    def __init__(self, layer: nn.Module, inputs: int = 1) -> None:
        super().__init__()
        self.layer, self.inputs = layer, inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(*[x] * self.inputs)


def of_layer(name: str) -> tuple[Callable[[], nn.Module], tuple[int, ...]]:
    """A net of one layer of torch.nn, and its input."""
    arguments, shape = ARGUMENTS.get(name, ((), IMAGE))
    return lambda: Wrapped(getattr(nn, name)(*arguments), INPUTS.get(name, 1)), shape


def of(layer: Callable[..., nn.Module], size: Any, **fixed: Any) -> Derivation:
    """Derive a net of one layer and prove it."""
    derivation = derive(lambda **given: Wrapped(layer(**given)), fixed, size)
    prove(derivation)
    return derivation


def only(layer: Callable[..., nn.Module], size: Any) -> Layer:
    """The counts of one layer, proved."""
    (found,) = of(layer, size).layers
    return found


@pytest.mark.parametrize("name", thinned(sorted(DERIVED), 3))
def test_layers_with_a_rule_are_proved(name: str) -> None:
    """What is derived of every such layer is what the real one has, and one layer is listed."""
    build, shape = of_layer(name)
    derivation = derive(build, {}, shape)
    prove(derivation)
    (layer,) = derivation.layers
    with torch.no_grad():
        real = build().eval()(torch.zeros(1, *shape))
    assert (layer.path, layer.type) == ("layer", name)
    assert layer.inputs == (shape,)
    assert layer.output == derivation.output == tuple(real.shape[1:])
    assert layer.outputs == real.numel()
    assert sum(layer.weights.values()) == sum(parameter.numel() for parameter in build().parameters())


@pytest.mark.parametrize(
    "name", thinned(sorted(set(torch.nn.modules.__all__) - DERIVED - NOT_LAYERS - LAZY - LOOKED_UP), 4)
)
def test_layers_without_a_rule_are_refused_by_name(name: str) -> None:
    """Every other layer is refused: its path and type are named, and what can be done."""
    build, shape = of_layer(name)
    expected = (
        r"^layer layer[\w.]* \(\w+\): the operation \w+ cannot be counted yet, and nothing is counted as "
        r"zero; name a net or function that does without it, .* or give the operation a rule \(CONTRIB.*$"
    )
    with pytest.raises(UsageError, match=expected):
        derive(build, {}, shape)


@pytest.mark.parametrize("name", thinned(sorted(LAZY), 4))
def test_lazy_layers_are_refused(name: str) -> None:
    """A layer that does not know its sizes yet is refused, not guessed."""
    build, shape = of_layer(name)
    with pytest.raises(UsageError, match=rf"layer layer \({name}\) does not know its sizes"):
        derive(build, {}, shape)


def test_a_second_rule_for_an_operation_is_refused() -> None:
    """Two rules for one operation are an error, whoever adds the second."""
    rules = Rules()
    rules.add("conv2d", "conv3d", kind="convolution")(lambda x: Effect(x.shape))
    with pytest.raises(UsageError, match="the operation conv3d has two rules; remove one of them"):
        rules.add("conv3d", kind="convolution")(lambda x: Effect(x.shape))


def test_a_missing_rule_names_the_place_and_the_remedy() -> None:
    """Nothing is counted as zero: the place stands before the operation."""
    with pytest.raises(
        UsageError, match=re.escape("layer a.b (Fold): the operation fold cannot be counted yet")
    ):
        RULES.find("fold", "layer a.b (Fold)")


@pytest.mark.parametrize("stride", thinned([1, 2, 3], 3))
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_convolutions(stride: int, dilation: int, padding: int) -> None:
    """Stride, dilation and padding beyond the kernel's reach, in symbols for channels and numbers."""
    layer = only(lambda: nn.Conv2d(2, 3, (3, 2), stride, padding, dilation), (2, 9, 7))
    real = nn.Conv2d(2, 3, (3, 2), stride, padding, dilation)(torch.zeros(1, 2, 9, 7))
    assert layer.output == tuple(real.shape[1:])
    assert layer.taps == 2 * 6 * real.numel()
    assert layer.biases == real.numel()
    assert (layer.padded > 0) == (padding > 0)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_transposed_convolutions(stride: int, dilation: int) -> None:
    """Padding cuts outputs off, output padding adds some without connections."""
    for extra in range(max(stride, dilation)):
        given = {"stride": stride, "padding": 1, "output_padding": extra, "dilation": dilation}
        layer = only(lambda given=given: nn.ConvTranspose2d(4, 6, 3, groups=2, **given), (4, 5, 4))
        assert layer.taps == 4 * 3 * 9 * 20
        assert layer.weights == {"kernel": 4 * 3 * 9, "bias": 6}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("kernel", thinned([1, 2, 3, 4, 5], 3))
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_same_padding_keeps_the_size(kernel: int, dilation: int) -> None:
    """Of an even reach and of an odd one, which has one more zero behind."""
    layer = only(lambda: nn.Conv2d(1, 1, kernel, padding="same", dilation=dilation, bias=False), (1, 9, 9))
    assert layer.output == (1, 9, 9)
    lost = sum(abs(tap * dilation - dilation * (kernel - 1) // 2) for tap in range(kernel))
    assert layer.padded == (9 * kernel) ** 2 - (9 * kernel - lost) ** 2


def test_same_padding_with_a_stride_is_refused() -> None:
    """As PyTorch refuses it."""
    with pytest.raises(UsageError, match="padding 'same' goes with a stride of 1"):
        derive(lambda: Function(lambda x: F.conv2d(x, torch.empty(4, 4, 3, 3), None, 2, "same")), {}, IMAGE)


class Function(nn.Module):
    """A function of torch as a net."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def function(function: Callable[[torch.Tensor], torch.Tensor], size: Any = IMAGE) -> tuple[Layer, ...]:
    """The counts of a function, proved."""
    derivation = derive(lambda: Function(function), {}, size)
    prove(derivation)
    with torch.no_grad():
        sizes = tuple(part for part in size)
        if all(isinstance(part, int) for part in sizes):
            assert derivation.output == tuple(function(torch.zeros(1, *sizes)).shape[1:])
    return derivation.layers


def test_groups_divide_kernel_and_connections() -> None:
    """A depthwise convolution has one input channel for each filter, a grouped one its share."""
    depthwise = only(lambda: nn.Conv2d(4, 8, 3, groups=4, bias=False), IMAGE)
    assert (depthwise.weights["kernel"], depthwise.taps) == (8 * 9, 8 * 9 * 36)
    grouped = only(lambda: nn.Conv2d(4, 8, 3, groups=2, bias=False), IMAGE)
    assert (grouped.weights["kernel"], grouped.taps) == (8 * 2 * 9, 8 * 2 * 9 * 36)


def test_a_depthwise_convolution_in_symbols() -> None:
    """With as many groups as channels, both symbols."""
    derivation = derive(
        lambda num_filters: Wrapped(nn.Conv2d(num_filters, num_filters, 3, groups=num_filters, padding=1)),
        {}, (NF, 4, 4),
    )  # fmt: skip
    prove(derivation)
    assert derivation.layers[0].weights == {"kernel": 9 * NF, "bias": NF}
    assert derivation.layers[0].taps == 144 * NF
    assert derivation.layers[0].padded == 44 * NF


def test_channels_that_do_not_fit_are_refused() -> None:
    """The layer, and both numbers of channels, are named."""
    with pytest.raises(UsageError, match=r"layer 1 \(Conv2d\): channels do not fit: 4 where 5 are expected"):
        derive(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(5, 1, 1)))


def test_inputs_smaller_than_the_kernel_are_refused() -> None:
    """No layer has an empty output."""
    with pytest.raises(UsageError, match="is smaller than the window; give a larger input size"):
        derive(lambda: nn.Sequential(nn.Conv2d(4, 1, 9)), {}, IMAGE)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("kind", [nn.MaxPool2d, nn.AvgPool2d])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), thinned([(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (4, 3, 2)], 3)
)
def test_pooling(kind: type, ceil: bool, kernel: int, stride: int, padding: int) -> None:
    """Sizes that do not divide, with the last window hanging over or left out."""
    layer = only(lambda: kind(kernel, stride, padding, ceil_mode=ceil), (3, 11, 8))
    real = kind(kernel, stride, padding, ceil_mode=ceil)(torch.zeros(1, 3, 11, 8))
    assert layer.output == tuple(real.shape[1:])
    assert layer.taps == kernel**2 * real.numel()
    assert layer.weights == {}


def test_dilated_pooling() -> None:
    """Taps with gaps between them."""
    assert only(lambda: nn.MaxPool2d(3, 2, 1, dilation=2), (3, 11, 8)).output == (3, 5, 3)


@pytest.mark.parametrize("wanted", [1, 3, 5, 8, 11, (3, None)])
def test_adaptive_pooling_overlaps_where_sizes_do_not_divide(wanted: Any) -> None:
    """Taps are those of the windows that PyTorch chooses, more than one for each input if they overlap."""
    layer = only(lambda: nn.AdaptiveAvgPool2d(wanted), (2, 8, 7))
    assert layer.taps >= 2 * 56
    if wanted == 1:
        assert layer.taps == 2 * 56


def test_adaptive_pooling_of_symbolic_sizes_must_divide() -> None:
    """4h divides into 2; h does not divide into 2 for all h."""
    assert only(lambda: nn.AdaptiveAvgPool2d(2), (2, 4 * H, 4 * H)).taps == 32 * H**2
    with pytest.raises(UsageError, match="h inputs do not divide into 2 windows; give the input size"):
        derive(lambda: Wrapped(nn.AdaptiveAvgPool2d(2)), {}, (2, H, H))


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize(
    "to", thinned([{"scale_factor": s} for s in (1, 2, 3, 0.5, 1.5, 0.7)] + [{"size": 5}, {"size": 9}], 4)
)
def test_bilinear_upsampling_reads_what_pytorch_reads(to: dict[str, Any], corners: bool) -> None:
    """By size and by scale, whole or not, larger or smaller; inputs of weight zero do not count."""
    layer = only(lambda: nn.Upsample(mode="bilinear", align_corners=corners, **to), (2, 5, 7))
    assert layer.outputs <= layer.taps <= 4 * layer.outputs


def test_bilinear_upsampling_to_twice_the_size_by_hand() -> None:
    """All outputs read two inputs along an axis, but the two at its ends."""
    assert only(lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (1, 4, 6)).taps == 14 * 22
    symbolic = only(lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (1, 4 * H, H))
    assert symbolic.taps.expand() == ((16 * H - 2) * (4 * H - 2)).expand()


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bilinear_upsampling_in_symbols(scale: int) -> None:
    """Even and odd whole scales have a closed form."""
    only(lambda: nn.Upsample(scale_factor=scale, mode="bilinear"), (2, 2 * H, H))


def test_bilinear_upsampling_with_aligned_corners_to_twice_the_size() -> None:
    """4n - 2 along an axis of n, as PyTorch's answer to each input says of every n, and in symbols."""
    for size in range(1, 40):
        answers = F.interpolate(
            torch.eye(size, dtype=torch.float64)[None], scale_factor=2, mode="linear", align_corners=True
        )
        assert int((answers > 1e-12).sum()) == 4 * size - 2, size
    symbolic = only(lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (3, 4 * H, H))
    assert symbolic.taps.expand() == (3 * (16 * H - 2) * (4 * H - 2)).expand()


def test_bilinear_upsampling_of_symbolic_sizes_by_parts_is_refused() -> None:
    """A scale that is not whole, or is not two with aligned corners, has none."""
    for layer in (
        nn.Upsample(scale_factor=1.5, mode="bilinear"),
        nn.Upsample(scale_factor=3, mode="bilinear", align_corners=True),
    ):
        with pytest.raises(UsageError, match="has no closed form; give numbers"):
            derive(lambda layer=layer: Wrapped(layer), {}, (2, 2 * H, 2 * H))


@pytest.mark.parametrize("size", [5, 9, 10, 100])
@pytest.mark.parametrize("scale", thinned([0.1, 0.29, 0.5, 0.7, 1.1, 1.5, 2, 2.3], 4))
def test_sizes_by_scale_are_rounded_as_pytorch_rounds(size: int, scale: float) -> None:
    """10 times 0.7 is 7 though 0.7 is a little less than 7/10; 100 times 0.29 is 28."""
    if size * scale >= 1:
        (layer,) = function(lambda x: F.interpolate(x, scale_factor=scale), (2, size, size))
        assert layer.taps == layer.outputs


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_upsampling_reads_one_input_for_each_output(mode: str) -> None:
    """Also where the sizes do not divide."""
    for to in ({"size": (5, 11)}, {"scale_factor": (2, 3)}):
        layer = only(lambda to=to: nn.Upsample(mode=mode, **to), (2, 4, 6))
        assert layer.taps == layer.outputs


def test_recomputed_scales_read_other_inputs() -> None:
    """A scale that is computed again from the sizes is another one where the size was rounded."""
    given = {"scale_factor": 1.5, "mode": "bilinear"}
    (first,) = function(lambda x: F.interpolate(x, **given), (1, 5, 5))
    (second,) = function(lambda x: F.interpolate(x, **given, recompute_scale_factor=True), (1, 5, 5))
    assert first.output == second.output == (1, 7, 7)


@pytest.mark.parametrize("mode", ["bicubic", "area", "trilinear"])
def test_other_ways_of_upsampling_are_refused(mode: str) -> None:
    """The layer and the mode are named."""
    size = (2, 4, 4, 4) if mode == "trilinear" else (2, 4, 4)
    with pytest.raises(UsageError, match=rf"layer layer \(Upsample\): upsampling in mode {mode} has no rule"):
        derive(lambda: Wrapped(nn.Upsample(scale_factor=2, mode=mode)), {}, size)


def test_normalisations_say_how_many_values_share_a_mean() -> None:
    """Of a channel, of a group of channels, of the last axes, of a feature."""
    assert only(lambda: nn.BatchNorm2d(4), IMAGE).statistics == 64
    assert only(lambda: nn.BatchNorm1d(4), LINE).statistics == 12
    assert only(lambda: nn.BatchNorm1d(4), (4,)).statistics == 1
    assert only(lambda: nn.GroupNorm(2, 4), IMAGE).statistics == 128
    assert only(lambda: nn.GroupNorm(4, 4, affine=False), IMAGE).weights == {}
    assert only(lambda: nn.LayerNorm((8, 8)), IMAGE).statistics == 64
    assert only(lambda: nn.LayerNorm(8, bias=False), IMAGE).weights == {"affine": 8}
    assert only(lambda: nn.InstanceNorm2d(4, affine=True), IMAGE).weights == {"affine": 8}


def test_group_norm_in_symbols() -> None:
    """Two groups of NF channels each."""
    derivation = derive(
        lambda num_filters: Wrapped(nn.GroupNorm(2, 2 * num_filters)), {}, (2 * NF, 2 * H, 2 * H)
    )
    prove(derivation)
    assert derivation.layers[0].statistics == 4 * NF * H**2


def test_linear_layers_on_rows_and_on_images() -> None:
    """One row, and a row for every pixel."""
    row = only(lambda: nn.Linear(8, 3), (8,))
    assert (row.output, row.taps, row.biases) == ((3,), 24, 3)
    rows = only(lambda: nn.Linear(8, 3, bias=False), (5, 7, 8))
    assert (rows.output, rows.taps, rows.biases) == ((5, 7, 3), 35 * 24, 0)


def test_a_softmax_joins_all_along_its_axis() -> None:
    """Each output is divided by the sum of all; without an axis it is refused."""
    assert only(lambda: nn.Softmax(1), (10,)).taps == 100
    assert only(lambda: nn.Softmax(1), IMAGE).taps == 4 * 256
    assert only(lambda: nn.Softmax2d(), IMAGE).taps == 4 * 256
    with pytest.raises(UsageError, match="a softmax does not tell its axis; give it as dim"):
        derive(lambda: Function(lambda x: torch.nn.functional.softmax(x)), {}, IMAGE)


def test_several_tensors_are_joined_at_every_place() -> None:
    """Addition joins each output with both, a number beside it with one; a broadcast one counts as often."""
    assert function(lambda x: x + x)[0].taps == 512
    assert function(lambda x: 1 - 2 * x)[0].taps == 256
    assert [layer.operation for layer in function(lambda x: 1 - 2 * x)] == ["mul", "rsub"]
    assert function(lambda x: x * x.mean((2, 3), keepdim=True))[1].taps == 512
    assert function(lambda x: torch.maximum(x, -x))[1].taps == 512


def test_constants_and_parameters_are_no_inputs() -> None:
    """What does not come from the image is joined with nothing, a view of a parameter neither."""
    assert function(lambda x: x + torch.ones(8))[0].taps == 256
    assert function(lambda x: x * torch.empty(4).view(-1, 1, 1))[0].taps == 256
    assert function(lambda x: torch.cat([x, torch.zeros(1, 1, 8, 8)], 1))[0].taps == 256


def test_frozen_parameters_are_still_parameters() -> None:
    """A scale that does not learn is no input either, and it is listed where it is used."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(8), requires_grad=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scale

    derivation = derive(Scaled, {}, IMAGE)
    prove(derivation)
    assert [(layer.path, layer.taps, layer.weights) for layer in derivation.layers] == [
        ("mul", 256, {"other": 8})
    ]


def test_reductions_and_padding() -> None:
    """A mean joins its output with all that it averages; padding computes nothing."""
    assert function(lambda x: x.mean([2, 3]))[0].output == (4,)
    assert function(lambda x: x.sum(-1, keepdim=True))[0].taps == 256
    assert function(lambda x: F.pad(x, (1, 2, 0, 3)))[0].output == (4, 11, 11)
    assert function(lambda x: F.pad(x, (1, 2, 0, 3), mode="reflect"))[0].taps == 0


def test_padding_modes_pad_before_they_convolve() -> None:
    """A convolution that reflects at the rim is a padding and a convolution without any."""
    pad, convolution = of(lambda: nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), IMAGE).layers
    assert (pad.kind, pad.path) == ("padding", "layer")
    assert (convolution.kind, convolution.path, convolution.padded) == ("convolution", "layer (2)", 0)


MOVES: list[tuple[Callable[[torch.Tensor], torch.Tensor], tuple[int, ...]]] = [
    (lambda x: x.view(1, -1), (256,)),
    (lambda x: x.reshape(x.size(0), 8, -1), (8, 32)),
    (lambda x: x.flatten(1), (256,)),
    (lambda x: torch.flatten(x, 2), (4, 64)),
    (lambda x: x.unflatten(1, (2, 2)), (2, 2, 8, 8)),
    (lambda x: x.permute(0, 2, 3, 1), (8, 8, 4)),
    (lambda x: x.transpose(1, 3), (8, 8, 4)),
    (lambda x: x[:, :3], (3, 8, 8)),
    (lambda x: x[:, 1:, ::2, -1], (3, 4)),
    (lambda x: x[..., 0], (4, 8)),
    (lambda x: x[:, None, 0], (1, 8, 8)),
    (lambda x: x[:, :1].squeeze(1), (8, 8)),
    (lambda x: x.squeeze(2), (4, 8, 8)),
    (lambda x: x.unsqueeze(-1), (4, 8, 8, 1)),
    (lambda x: x[:, :1].expand(-1, 5, -1, -1), (5, 8, 8)),
    (lambda x: x.chunk(2, 1)[1], (2, 8, 8)),
    (lambda x: x.chunk(3, 2)[2], (4, 2, 8)),
    (lambda x: x.split(3, 1)[1], (1, 8, 8)),
    (lambda x: torch.split(x, [1, 3], 1)[1], (3, 8, 8)),
    (lambda x: x.detach().clone().contiguous(), (4, 8, 8)),
    (lambda x: F.pixel_shuffle(x, 2), (1, 16, 16)),
    (lambda x: F.pixel_unshuffle(x, 4), (64, 2, 2)),
    (lambda x: F.channel_shuffle(x, 2), (4, 8, 8)),
]


@pytest.mark.parametrize(("move", "shape"), thinned(MOVES, 3))
def test_moves_change_shapes_as_torch_does(
    move: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...]
) -> None:
    """Sizes come out as those of the real tensor, and nothing is computed."""
    assert function(lambda x: move(x).relu())[0].output == shape
    assert tuple(move(torch.zeros(1, *IMAGE)).shape[1:]) == shape


@pytest.mark.parametrize(
    ("move", "message"),
    thinned(
        [
            (lambda x: x.view(1, 7, -1), "cannot be arranged as"),
            (lambda x: x.view(1, -1, -1), "cannot be arranged as"),
            (lambda x: x.split([1, 2], 1)[0], r"the pieces \(1, 2\) do not add up to 4"),
            (
                lambda x: x.squeeze(),
                r"squeeze\(\) takes away the batch of a single image, too; name the dimension",
            ),
            (lambda x: F.pixel_unshuffle(x, 3), "do not divide by 3"),
            (lambda x: x[:, [[0, 1]]], "an index of the type list cannot be counted; use numbers, slices"),
            (lambda x: x[[0], [1]], "an index of the type list cannot be counted; use numbers, slices"),
            (lambda x: x[0, [1]], "a number and a list in one index cannot be counted; take one after"),
            (lambda x: torch.cat([x, x[:, :, :4]], 1), "sizes of axis 2 do not fit: 4 where 8 are expected"),
            (lambda x: x + x[:, :3], "sizes do not fit: 4 where 3 are expected|sizes do not fit: 3 where 4"),
            (lambda x: torch.max(x, x), "max and min of two tensors cannot be counted; write torch.maximum"),
            (lambda x: x.argmax(1), "the operation argmax cannot be counted yet"),
            (lambda x: x if x.sum() else -x, r"it asks for the values of a tensor \(bool\)"),
            (
                lambda x: F.conv2d(x[:, :, 0, 0], torch.ones(2, 4, 3, 3)),
                r"conv2d does not take an input of \(4,\)",
            ),
            (lambda x: x @ x, "the operation matmul cannot be counted yet"),
            (lambda x: x.to_sparse(), "the operation to_sparse cannot be counted yet"),
        ],
        4,
    ),
)
def test_moves_that_do_not_fit_are_refused(move: Callable[[torch.Tensor], Any], message: str) -> None:
    """A mistake in the net, or a move without a rule, is an error that names it."""
    with pytest.raises(UsageError, match=message):
        derive(lambda: Function(move), {}, IMAGE)


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (lambda x: x[:, :3], "a part of NF values is no known number; fix the size"),
        (
            lambda x: x.chunk(2, 1)[0],
            "NF and .* are not equal|does not divide into 2 chunks|not equal for all",
        ),
        (lambda x: x.split(2, 1)[0], "NF in pieces of 2 is no known number; fix the size"),
        (lambda x: x.squeeze(1), "NF and 1 are not equal for all values of their symbols; fix some"),
    ],
)
def test_moves_of_symbolic_sizes_that_depend_on_values_are_refused(
    move: Callable[[torch.Tensor], Any], message: str
) -> None:
    """What holds for some numbers only is not taken for granted."""
    with pytest.raises(UsageError, match=message):
        derive(lambda: Function(move), {}, (NF, 8, 8))


def test_moves_of_symbolic_sizes() -> None:
    """Halves of 2NF channels, all values in a row, channels last."""
    halves = function(lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), (2 * NF, 4, 4))
    assert halves[0].inputs == ((NF, 4, 4), (NF, 4, 4))
    assert function(lambda x: x.flatten(1).relu(), (NF, H, 4))[0].output == (4 * H * NF,)
    assert function(lambda x: x.view(x.shape[0], 2, -1, 4).relu(), (2 * NF, H, 4))[0].output == (2, NF * H, 4)
    assert function(lambda x: x.split(x.size(1) // 3, 1)[0].relu(), (3 * NF, 4, 4))[0].output == (NF, 4, 4)
    assert function(lambda x: F.pixel_shuffle(x, 2).relu(), (4 * NF, H, H))[0].output == (NF, 2 * H, 2 * H)
