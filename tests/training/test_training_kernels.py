"""The gradient of a kernel by matrix products, as a GPU computes it, on a CPU and in float64."""

from itertools import product

import pytest
import torch
from test_training_rewrite import NETS, assert_equal_nets, make
from thinned import thinned
from torch import nn

from cnnreport.training.fast import convolution
from cnnreport.training.fast.convolution import by_product, geometry, of_kernel
from cnnreport.training.fast.rewrite import rewrite

LAYERS = [
    nn.Conv2d(3, 5, 3, padding=1),
    nn.Conv2d(3, 5, 3, stride=2, padding=1),
    nn.Conv2d(1, 4, (2, 5), padding=(0, 3)),
    nn.Conv2d(3, 5, 4, stride=3, dilation=2),
    nn.Conv2d(3, 5, (3, 2), stride=(1, 3), padding=(2, 0), dilation=(1, 2)),
    nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1),
    nn.ConvTranspose2d(3, 5, 2, stride=2),
    nn.ConvTranspose2d(3, 5, (5, 4), stride=(3, 2), padding=(2, 1), output_padding=(1, 0)),
]


@pytest.mark.parametrize(
    ("layer", "memory"),
    thinned(list(product(LAYERS, (torch.contiguous_format, torch.channels_last))), 3),
    ids=str,
)
def test_it_is_what_autograd_finds(
    layer: nn.Conv2d | nn.ConvTranspose2d, memory: torch.memory_format
) -> None:
    """For kernels, strides, paddings and dilations that differ between lines and columns, too."""
    torch.manual_seed(0)
    layer.double()
    x = torch.randn(4, layer.in_channels, 11, 14, dtype=torch.double).to(memory_format=memory)
    outputs = layer(x)
    direction = torch.randn_like(outputs)
    (expected,) = torch.autograd.grad(outputs, [layer.weight], direction)
    how = geometry(layer)
    assert how is not None
    lines, columns = layer.kernel_size
    torch.testing.assert_close(of_kernel(x, direction, (lines, columns), how), expected)


@pytest.mark.parametrize("together", thinned([1, 3, 4], 4))
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_memory_is_bounded(
    layer: nn.Conv2d | nn.ConvTranspose2d, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the patches of all images are too many, they are summed in parts, to the same gradient."""
    torch.manual_seed(0)
    layer.double()
    x = torch.randn(4, layer.in_channels, 11, 14, dtype=torch.double)
    direction = torch.randn_like(layer(x))
    how = geometry(layer)
    assert how is not None
    lines, columns = layer.kernel_size
    whole = of_kernel(x, direction, (lines, columns), how)
    counts: list[int] = []
    multiply = torch.bmm

    def watched(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        counts.append(right.numel())
        return multiply(left, right)

    monkeypatch.setattr(torch, "bmm", watched)
    of_kernel(x[:1], direction[:1], (lines, columns), how)
    one = counts.pop()
    monkeypatch.setattr(convolution, "PATCHES", together * one)
    torch.testing.assert_close(of_kernel(x, direction, (lines, columns), how), whole)
    assert max(counts) <= together * one
    assert sum(counts) == 4 * one


@pytest.mark.parametrize("kind", NETS)
def test_a_net_learns_by_it(kind: type[nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    """All kernels of a rewritten net have the gradients of the plain one."""
    found: list[torch.Size] = []

    def watched(*arguments: object) -> torch.Tensor:
        found.append(of_kernel(*arguments).shape)  # type: ignore[arg-type]
        return of_kernel(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(convolution, "by_product", lambda x, how: True)
    monkeypatch.setattr(convolution, "of_kernel", watched)
    plain, twin = make(kind=kind), make(kind=kind)
    assert_equal_nets(plain, twin, rewrite(twin), torch.randn(3, 1, 16, 16, dtype=torch.double))
    assert len(found) >= 4


def test_a_cpu_is_left_to_its_library() -> None:
    """It is quick there."""
    how = geometry(nn.Conv2d(1, 1, 3, padding=1))
    assert how is not None
    assert not by_product(torch.ones(1, 1, 4, 4), how)
