import pytest
import torch
from thinned import thinned

from cnnreport.nets.colourization import ConvTransposeNet, PoolUpsampleNet, UNet

STRIDED = (ConvTransposeNet, UNet)


def shapes(net: torch.nn.Module, x: torch.Tensor) -> list[tuple[int, ...]]:
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


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("kernel", thinned([1, 2, 3, 4, 5, 6, 7], 4))
@pytest.mark.parametrize("net", STRIDED)
def test_shapes_are_those_of_figures_1b_and_1c_for_every_kernel_size(net: type, kernel: int) -> None:
    """The paddings that question B4 asks for keep the figure's shapes."""
    made = net(kernel, num_filters=5, num_colours=7, num_in_channels=3)
    assert shapes(made, torch.rand(2, 3, 32, 32)) == [
        (2, 5, 16, 16),
        (2, 10, 8, 8),
        (2, 5, 16, 16),
        (2, 7, 32, 32),
        (2, 7, 32, 32),
    ]


def test_paddings_are_the_handouts_for_its_kernel_size() -> None:
    """With k = 3 every padding and output padding is 1, as Part B prescribes."""
    net = ConvTransposeNet(3, num_filters=4, num_colours=3, num_in_channels=1)
    strided = [net.down1[0], net.down2[0]]
    transposed = [net.up1[0], net.up2[0]]
    assert all(layer.padding == (1, 1) and layer.stride == (2, 2) for layer in strided + transposed)
    assert all(layer.output_padding == (1, 1) for layer in transposed)


@pytest.mark.parametrize(("k", "nf", "nc", "nic"), [(3, 32, 24, 1), (5, 8, 6, 3)])
def test_parameters_of_the_strided_nets(k: int, nf: int, nc: int, nic: int) -> None:
    """ConvTransposeNet has as many as PoolUpsampleNet; UNet's skips widen two layers."""
    plain = k**2 * (nic * nf + 4 * nf**2 + nf * nc + nc**2) + 12 * nf + 4 * nc
    widened = plain + k**2 * (nf * nc + nic * nc)
    counts = [sum(p.numel() for p in net(k, nf, nc, nic).parameters()) for net in STRIDED]
    assert counts == [plain, widened]


def channels(*tensors: torch.Tensor) -> list[bytes]:
    """The channels of one image in tensors (1, C, H, W), in an order of their own."""
    return sorted(channel.numpy().tobytes() for tensor in tensors for channel in tensor[0])


@pytest.mark.parametrize(("join", "level"), [("up2", "down1"), ("logits", "")])
def test_unet_joins_each_level_with_its_counterpart(join: str, level: str) -> None:
    """What reaches a join is the level and what was upsampled to it, every channel once and nothing else."""
    net = UNet(3, num_filters=4, num_colours=3, num_in_channels=1).eval()
    x = torch.rand(1, 1, 32, 32)
    taken, given = {}, {"": x}

    def note(name: str, inputs: torch.Tensor, output: torch.Tensor) -> None:
        taken[name], given[name] = inputs, output

    for name, group in net.named_children():
        group.register_forward_hook(lambda module, inputs, output, name=name: note(name, inputs[0], output))
    with torch.no_grad():
        net(x)
    before = {"up2": "up1", "logits": "up2"}[join]
    assert channels(taken[join]) == channels(given[level], given[before])


def test_unet_without_what_skips_is_the_net_without_skips() -> None:
    """With the weights of the skipping channels at zero, UNet gives what ConvTransposeNet gives."""
    plain, skipping = (net(3, num_filters=4, num_colours=3, num_in_channels=1).eval() for net in STRIDED)
    state = skipping.state_dict()
    for name, weights in plain.state_dict().items():
        axis = {"up2.0.weight": 0, "logits.weight": 1}.get(name)  # of the input channels
        if axis is None:
            state[name] = weights
        else:
            skipped = torch.zeros_like(state[name]).narrow(
                axis, 0, state[name].shape[axis] - weights.shape[axis]
            )
            state[name] = torch.cat([skipped, weights], dim=axis)
    skipping.load_state_dict(state)
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(skipping(x), plain(x))
