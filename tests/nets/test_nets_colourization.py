import pytest
import torch

from cnnreport.nets.colourization import PoolUpsampleNet


def shapes(net: PoolUpsampleNet, x: torch.Tensor) -> list[tuple[int, ...]]:
    """The shapes after each of the net's groups."""
    found: list[tuple[int, ...]] = []
    for group in net.children():
        group.register_forward_hook(lambda module, inputs, output: found.append(tuple(output.shape)))
    net(x)
    return found


@pytest.mark.parametrize("kernel", [3, 5])
def test_shapes_are_those_of_figure_1a(kernel: int) -> None:
    """Each group hands on what the figure says in square brackets."""
    net = PoolUpsampleNet(kernel, num_filters=5, num_colours=7, num_in_channels=3)
    assert shapes(net, torch.rand(2, 3, 32, 32)) == [
        (2, 5, 16, 16),
        (2, 10, 8, 8),
        (2, 5, 16, 16),
        (2, 7, 32, 32),
        (2, 7, 32, 32),
    ]


@pytest.mark.parametrize(("k", "nf", "nc", "nic"), [(3, 32, 24, 1), (5, 8, 6, 3)])
def test_parameters_are_as_many_as_the_formula_says(k: int, nf: int, nc: int, nic: int) -> None:
    """Kernels, biases and batch norms add up to the handout's count."""
    net = PoolUpsampleNet(k, nf, nc, nic)
    expected = k**2 * (nic * nf + 4 * nf**2 + nf * nc + nc**2) + 12 * nf + 4 * nc
    assert sum(parameter.numel() for parameter in net.parameters()) == expected
