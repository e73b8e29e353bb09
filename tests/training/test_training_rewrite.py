import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnreport.nets.colourization import PoolUpsampleNet
from cnnreport.training.cross_entropy import cross_entropy
from cnnreport.training.layout import CornerLayout, PixelLayout
from cnnreport.training.rewrite import CornerConv2d, RepeatedBatchNorm2d, Rewritten, rewrite


def make(kernel: int = 3) -> nn.Module:
    """A small net in float64, where rounding cannot hide a mistake."""
    torch.manual_seed(1)
    return PoolUpsampleNet(kernel, num_filters=4, num_colours=6, num_in_channels=1).double()


def logits(rewritten: Rewritten, x: torch.Tensor) -> torch.Tensor:
    """The rewritten net's logits as pictures (NC, N, H, W)."""
    rows = rewritten.layout.rows(rewritten.net(x))
    return torch.stack(
        [rewritten.layout.restore(column.view(len(x), -1), *x.shape[2:]) for column in rows.unbind(1)]
    )


def contains(rewritten: Rewritten, kind: type[nn.Module]) -> bool:
    """Whether a module of that kind is in the rewritten net."""
    return any(isinstance(module, kind) for module in rewritten.net.modules())


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


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kernel", [3, 5])
def test_rewritten_net_equals_the_plain_net(kernel: int, training: bool) -> None:
    """Outputs, gradients and running statistics agree, whatever has been rewritten."""
    plain = make(kernel)
    twin = copy.deepcopy(plain)
    rewritten = rewrite(twin)
    plain.train(training)
    rewritten.net.train(training)
    x = torch.rand(3, 1, 16, 16, dtype=torch.float64)
    direction = torch.randn(3, 6, 16, 16, dtype=torch.float64)
    expected, got = plain(x), logits(rewritten, x).transpose(0, 1)
    torch.testing.assert_close(got, expected)
    (expected * direction).sum().backward()
    (got * direction).sum().backward()
    for (name, a), b in zip(plain.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, msg=lambda text, name=name: f"{name}: {text}")
    for (name, a), b in zip(plain.named_buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(b, a, msg=lambda text, name=name: f"{name}: {text}")


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


def test_bfloat16_logits_follow_the_plain_net() -> None:
    """Under autocast the rewritten net gives the plain net's loss as well as bfloat16 can tell."""
    net = make().float()
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
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
