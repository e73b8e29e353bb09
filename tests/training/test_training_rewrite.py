import copy

import pytest
import torch
import torch.nn.functional as F
from thinned import thinned
from torch import nn

from cnnreport.nets.ablation import InnerSkipNet, InputSkipNet
from cnnreport.nets.colourization import ConvTransposeNet, PoolUpsampleNet, UNet
from cnnreport.training.fast.convolution import BiasApart, SplitConv2d
from cnnreport.training.fast.cross_entropy import cross_entropy
from cnnreport.training.fast.layout import CornerLayout, PixelLayout
from cnnreport.training.fast.rewrite import CornerConv2d, RepeatedBatchNorm2d, Rewritten, rewrite

NETS = [PoolUpsampleNet, ConvTransposeNet, UNet, InputSkipNet, InnerSkipNet]


def make(kernel: int = 3, kind: type[nn.Module] = PoolUpsampleNet) -> nn.Module:
    """A small net in float64, where rounding cannot hide a mistake."""
    torch.manual_seed(1)
    return kind(kernel, num_filters=4, num_colours=6, num_in_channels=1).double()


def logits(rewritten: Rewritten, x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The rewritten net's logits as pictures (N, NC, H, W)."""
    rows = rewritten.layout.rows(rewritten.net(x))
    planes = [rewritten.layout.restore(column.view(len(x), -1), height, width) for column in rows.unbind(1)]
    return torch.stack(planes, 1)


def contains(rewritten: Rewritten, kind: type[nn.Module]) -> bool:
    """Whether a module of that kind is in the rewritten net."""
    return any(isinstance(module, kind) for module in rewritten.net.modules())


def assert_equal_nets(
    plain: nn.Module, twin: nn.Module, rewritten: Rewritten, x: torch.Tensor, **tolerance: float
) -> None:
    """Compare outputs, gradients and statistics of a net and of its rewritten twin."""
    expected = plain(x)
    got = logits(rewritten, x, *expected.shape[2:])
    torch.testing.assert_close(got, expected, **tolerance)
    direction = torch.randn_like(expected)
    (expected * direction).mean().backward()
    (got * direction).mean().backward()
    for (name, a), b in zip(plain.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, msg=lambda text, name=name: f"{name}: {text}", **tolerance)
    for (name, a), b in zip(plain.named_buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(b, a, msg=lambda text, name=name: f"{name}: {text}", **tolerance)


class Concatenating(nn.Module):
    """A convolution of a concatenation, written in several ways."""

    def __init__(
        self,
        layer: nn.Conv2d | nn.ConvTranspose2d,
        dim: int = 1,
        *,
        shared: bool = False,
        named: bool = False,
    ) -> None:
        super().__init__()
        self.layer = layer
        self.dim = dim
        self.shared = shared
        self.named = named

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [x, x.exp()]
        both = torch.cat(tensors=parts, dim=self.dim) if self.named else torch.cat(parts, self.dim)
        out: torch.Tensor = self.layer(both)
        return out + both.mean() if self.shared else out


class Functional(nn.Module):
    """A net whose forward cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2)
        self.last = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.mean() > 0:
            x = x + 1
        out: torch.Tensor = self.last(self.up(x))
        return out


class DropoutNet(nn.Module):
    """A net whose graph depends on whether it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2)
        self.last = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.last(self.up(F.dropout(x, 0.5, self.training)))
        return out


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("kind", "kernel"),
    thinned(
        [
            (PoolUpsampleNet, 3),
            (PoolUpsampleNet, 5),
            *((k, n) for k in (ConvTransposeNet, UNet) for n in (3, 4)),
        ],
        3,
    ),
)
def test_rewritten_net_equals_the_plain_net(kind: type[nn.Module], kernel: int, training: bool) -> None:
    """Outputs, gradients and running statistics agree, whatever has been rewritten."""
    plain = make(kernel, kind)
    twin = copy.deepcopy(plain)
    rewritten = rewrite(twin)
    plain.train(training)
    rewritten.net.train(training)
    assert_equal_nets(plain, twin, rewritten, torch.rand(3, 1, 16, 16, dtype=torch.float64))


@pytest.mark.parametrize("kind", NETS)
def test_rewritten_net_equals_the_plain_net_in_float32(kind: type[nn.Module]) -> None:
    """The kernels that compute channels-last float32 give the plain net's numbers but for rounding."""
    plain = make(kind=kind).float()
    twin = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    # The gradient of a bias before a batch norm is zero but for rounding, hence the absolute tolerance.
    assert_equal_nets(plain, twin, rewrite(twin), torch.rand(3, 1, 16, 16), rtol=1e-3, atol=1e-5)


def test_unet_convolves_its_input_apart() -> None:
    """The 1 + 6 channels of the last convolution do not fill vectors; the 4 + 4 of the one before do."""
    rewritten = rewrite(make(kind=UNet))
    splits = [module for module in rewritten.net.modules() if isinstance(module, SplitConv2d)]
    assert [split.layer.in_channels for split in splits] == [7]
    assert str(rewritten.net.code).count("torch.cat") == 1  # type: ignore[union-attr]


def test_both_rewrites_are_applied_to_a_kernel_of_three() -> None:
    """The batch norms come before the upsampling, and the last convolution works on corners."""
    rewritten = rewrite(make())
    assert isinstance(rewritten.layout, CornerLayout)
    assert contains(rewritten, CornerConv2d)
    assert contains(rewritten, RepeatedBatchNorm2d)


def test_a_kernel_of_five_keeps_its_last_convolution() -> None:
    """The identity of the corners holds for 3x3 alone; another kernel is left alone."""
    rewritten = rewrite(make(5))
    assert isinstance(rewritten.layout, PixelLayout)
    assert not contains(rewritten, CornerConv2d)


def test_parameters_and_buffers_are_shared() -> None:
    """A step on the plain net's parameters is a step of the rewritten net's."""
    net = make()
    rewritten = rewrite(net).net
    assert {id(p) for p in rewritten.parameters()} == {id(p) for p in net.parameters()}
    assert {id(b) for b in rewritten.buffers()} == {id(b) for b in net.buffers()}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(
    ("net", "split"),
    thinned(
        [
            (Concatenating(nn.Conv2d(6, 4, 3, padding=1)), True),
            (Concatenating(nn.Conv2d(6, 4, 3, stride=2, dilation=2, bias=False), named=True), True),
            (Concatenating(nn.Conv2d(6, 4, (5, 3), padding="same")), True),
            (Concatenating(nn.Conv2d(6, 4, 3, padding="valid")), True),
            (Concatenating(nn.Conv2d(8, 4, 3, padding=1)), False),
            (Concatenating(nn.Conv2d(6, 4, 4, padding="same")), False),
            (Concatenating(nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect")), False),
            (Concatenating(nn.Conv2d(6, 4, 3, padding=1, groups=2)), False),
            (Concatenating(nn.Conv2d(6, 4, 3, padding=1), shared=True), False),
            (Concatenating(nn.Conv2d(6, 4, 3, padding=1), dim=2), False),
            (Concatenating(nn.ConvTranspose2d(6, 4, 3, 2, 1, 1)), False),
            (Concatenating(nn.ConvTranspose2d(6, 4, 3, groups=2, dilation=2, bias=False)), False),
        ],
        3,
    ),
)
def test_a_convolution_of_a_concatenation_keeps_its_results(net: Concatenating, split: bool) -> None:
    """It is split where that is the same, and gives the same outputs and gradients in any case."""
    plain = copy.deepcopy(net).double()
    twin = copy.deepcopy(plain)
    rewritten = rewrite(twin)
    assert contains(rewritten, SplitConv2d) == split
    channels = plain.layer.in_channels // (2 if plain.dim == 1 else 1)
    assert_equal_nets(plain, twin, rewritten, torch.randn(2, channels, 8, 8, dtype=torch.float64))


def test_frozen_parameters_get_no_gradient() -> None:
    """A convolution learns what may learn: its bias without its weights, or the other way round."""
    for frozen in ("weight", "bias"):
        net = nn.Sequential(nn.Conv2d(2, 3, 3))
        net[0].get_parameter(frozen).requires_grad_(False)
        rewritten = rewrite(net)
        assert contains(rewritten, BiasApart)
        rewritten.net(torch.rand(1, 2, 4, 4)).sum().backward()
        learning = [name for name, parameter in net.named_parameters() if parameter.grad is not None]
        assert learning == [name for name in ("0.weight", "0.bias") if not name.endswith(frozen)]


@pytest.mark.parametrize("kind", [Functional, DropoutNet])
def test_a_net_without_one_graph_is_left_alone(kind: type[nn.Module]) -> None:
    """What cannot be traced, or not in both modes alike, runs as it is and in its mode."""
    net = kind().eval()
    assert rewrite(net).net is net
    assert not net.training


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2, 3, 3, padding=1)),
        nn.Sequential(nn.Upsample(scale_factor=3), nn.Conv2d(2, 3, 3, padding=1)),
        nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular")),
        nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 3)),
        nn.Sequential(nn.ConvTranspose2d(2, 3, 3, 2, 1, 1), nn.BatchNorm2d(3), nn.ReLU()),
    ],
)
def test_what_looks_alike_but_is_not_keeps_its_outputs(net: nn.Module) -> None:
    """Other modes, factors, paddings and nets without upsampling give what they gave."""
    x = torch.randn(2, 2, 8, 8)
    rewritten = rewrite(net.eval())
    assert isinstance(rewritten.layout, PixelLayout)
    assert torch.equal(rewritten.net(x), net(x))


def test_rows_and_labels_meet_in_both_layouts() -> None:
    """A picture arranged and restored is the same picture; the frame of the corners is unlabelled."""
    labels = torch.arange(2 * 8 * 6, dtype=torch.uint8).view(2, 8, 6)
    for layout in (PixelLayout(), CornerLayout()):
        arranged = layout.arrange(labels)
        assert torch.equal(layout.restore(arranged, 8, 6), labels)
        assert (arranged == 255).sum() == arranged.numel() - labels.numel()


@pytest.mark.parametrize("kind", NETS)
def test_bfloat16_logits_follow_the_plain_net(kind: type[nn.Module]) -> None:
    """Under autocast the rewritten net gives the plain net's loss as well as bfloat16 can tell."""
    net = make(kind=kind).float()
    rewritten = rewrite(net)
    x, labels = torch.rand(4, 1, 16, 16), torch.randint(6, (4, 16, 16), dtype=torch.uint8)
    expected = F.cross_entropy(net(x), labels.long())
    with torch.autocast("cpu", torch.bfloat16):
        rows = rewritten.layout.rows(rewritten.net(x))
    assert rows.dtype == torch.bfloat16
    loss = cross_entropy(rows, rewritten.layout.arrange(labels).flatten(), labels.numel())
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=5e-3)
    for parameter in net.parameters():
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.isfinite().all()


class Normalised(nn.Module):
    """A convolution whose output a batch norm gets, after whatever lies between, and perhaps others too."""

    def __init__(self, norm: nn.Module, between: nn.Module | None = None, *, shared: bool = False) -> None:
        super().__init__()
        self.layer = nn.Conv2d(2, 4, 3, padding=1)
        self.between, self.norm, self.shared = between or nn.Sequential(), norm, shared

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        convolved = self.layer(x)
        out: torch.Tensor = self.norm(self.between(convolved)).exp()
        return out + convolved if self.shared else out


class Shifting(nn.BatchNorm2d):
    """A batch norm of the user's that adds what it was given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + x


def watched(when: str) -> nn.BatchNorm2d:
    """A batch norm whose input or output somebody else may read or change."""
    norm = nn.BatchNorm2d(4)
    if when == "before":
        norm.register_forward_pre_hook(lambda _, inputs: (inputs[0].square(),))
    else:
        norm.register_forward_hook(lambda _, inputs, output: output + inputs[0])
    return norm


def bias_gradients(net: Normalised) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of the convolution's bias in the plain net and in its rewritten twin, in float64."""
    plain = net.double()
    twin = copy.deepcopy(plain)
    x = torch.randn(3, 2, 8, 8, dtype=torch.float64)
    outputs = [plain(x), rewrite(twin).net(x)]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().mean().backward()
    assert plain.layer.bias is not None
    assert twin.layer.bias is not None
    assert plain.layer.bias.grad is not None
    assert twin.layer.bias.grad is not None
    return plain.layer.bias.grad, twin.layer.bias.grad


POOLS = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(2, ceil_mode=True))


@pytest.mark.parametrize(
    "net",
    [
        Normalised(nn.BatchNorm2d(4)),
        Normalised(nn.BatchNorm2d(4, momentum=None), POOLS),
        Normalised(nn.BatchNorm2d(4, affine=False), nn.MaxPool2d(2)),
        Normalised(nn.BatchNorm2d(4, track_running_stats=False)).eval(),
    ],
)
def test_a_bias_that_a_batch_norm_subtracts_has_no_gradient(net: Normalised) -> None:
    """Zero, which the plain net misses by rounding."""
    plain, rewritten = bias_gradients(net)
    assert not rewritten.any()
    assert plain.any()
    assert plain.abs().max() < 1e-12


@pytest.mark.parametrize(
    "net",
    [
        Normalised(nn.BatchNorm2d(4)).eval(),
        Normalised(nn.BatchNorm2d(4), nn.ReLU()),
        Normalised(nn.BatchNorm2d(4), nn.AvgPool2d(3, 1, 1)),
        Normalised(nn.BatchNorm2d(4), shared=True),
        Normalised(nn.GroupNorm(2, 4)),
        Normalised(nn.InstanceNorm2d(4), nn.Conv2d(4, 4, 3, padding=1)),
        Normalised(Shifting(4)),
        Normalised(watched("before")),
        Normalised(watched("after")),
    ],
    ids=lambda net: type(net.norm).__name__,
)
def test_any_other_bias_has_the_plain_nets_gradient(net: Normalised) -> None:
    """A batch norm by its running mean, one that others read beside, and what is none at all."""
    if not net.training:
        net.norm.running_mean.normal_()  # type: ignore[operator, union-attr]
    plain, rewritten = bias_gradients(net)
    assert plain.abs().max() > 1e-6
    torch.testing.assert_close(rewritten, plain)


@pytest.mark.parametrize("kind", NETS)
def test_only_the_last_bias_of_the_handouts_nets_learns(kind: type[nn.Module]) -> None:
    """While they learn: their other convolutions are followed by batch norm, all of them."""
    net = make(kind=kind).train()
    rewrite(net).net(torch.rand(3, 1, 16, 16, dtype=torch.float64)).square().sum().backward()
    layers = [
        (name, layer)
        for name, layer in net.named_modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]
    moved = [name for name, layer in layers if layer.bias is not None and layer.bias.grad.any()]  # type: ignore[union-attr]
    assert moved == ["logits"]
    assert len(layers) > len(moved)
