import math

import pytest
import torch
from torch import nn

from cnnreport import modules
from cnnreport.project import PACKAGE, load_file
from cnnreport.runs.experiment import Experiment

NETS = ("CNN", "UNet")


def net_class(name: str) -> type[nn.Module]:
    """A net of the report's folder."""
    modules.enter(PACKAGE.parent)
    found: type[nn.Module] = modules.attribute(f"experiments.csc413-2020.nets:{name}")
    return found


def declared() -> dict[str, Experiment]:
    """The trainings of the report, by their names."""
    file = load_file(PACKAGE.parent / "experiments/csc413-2020/colourization.py")
    return {experiment.name: experiment for experiment in file.EXPERIMENTS}


def weights(net: nn.Module) -> int:
    """How many numbers a net learns."""
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("name", NETS)
def test_shapes_are_those_of_the_handout(name: str, kernel: int) -> None:
    """Each block hands on what the handout says in square brackets."""
    net = net_class(name)(kernel, num_filters=5, num_colours=7, num_in_channels=3)
    found: list[tuple[int, ...]] = []
    for block in net.children():
        block.register_forward_hook(lambda module, inputs, output: found.append(tuple(output.shape[1:])))
    net(torch.rand(2, 3, 32, 32))
    assert found == [(5, 16, 16), (10, 8, 8), (10, 8, 8), (5, 16, 16), (7, 32, 32), (7, 32, 32)]


def test_the_layers_of_the_blocks_are_those_of_the_handout() -> None:
    """In their order; the third block changes no size, and the last is a convolution alone."""
    pool, up = ["MaxPool2d"], ["Upsample"]
    for name in NETS:
        blocks = list(net_class(name)(3, 4, 3, 1).children())
        for block, between in zip(blocks[:5], (pool, pool, [], up, up), strict=True):
            assert [type(layer).__name__ for layer in block] == ["Conv2d", *between, "BatchNorm2d", "ReLU"]
        assert isinstance(blocks[5], nn.Conv2d)


@pytest.mark.parametrize(("name", "count"), [("CNN", 86_784), ("UNet", 112_344)])
def test_the_weights_are_as_many_as_counted_by_hand(name: str, count: int) -> None:
    """With NIC = 1, NF = 32, NC = 24 and k = 3, kernels, biases and batch norms together."""
    assert weights(net_class(name)(3, 32, 24, 1)) == count


def test_the_unet_without_its_skips_is_the_cnn() -> None:
    """With the channels of the skips at zero it says what the CNN with its other weights says."""
    torch.manual_seed(0)
    unet, cnn = (net_class(name)(3, 4, 3, 1).eval() for name in reversed(NETS))
    state = unet.state_dict()
    # Where the channels of the skip lie in the input of the block that takes them, by first and number.
    skips = {"block4.0.weight": (0, 8), "block5.0.weight": (0, 4), "block6.weight": (3, 1)}
    images = torch.rand(2, 1, 32, 32)
    before = unet(images)
    plain = dict(state)
    for name, (first, count) in skips.items():
        state[name].narrow(1, first, count).zero_()
        kept = [i for i in range(state[name].shape[1]) if not first <= i < first + count]
        plain[name] = state[name][:, kept]
    cnn.load_state_dict(plain)
    torch.testing.assert_close(cnn(images), unet(images))
    assert not torch.allclose(before, unet(images), atol=1e-3)


@pytest.mark.parametrize("name", NETS)
def test_convolutions_begin_as_the_given_module_does(name: str) -> None:
    """Uniform between plus and minus one over the root of inputs k², weights and biases alike."""
    torch.manual_seed(0)
    for module in net_class(name)(3, 32, 24, 1).modules():
        if isinstance(module, nn.Conv2d):
            bound = 1 / math.sqrt(module.in_channels * 9)
            assert module.bias is not None
            for values in (module.weight.detach(), module.bias.detach()):
                assert values.abs().max() <= bound
                spread = bound / math.sqrt(3)
                assert values.std() == pytest.approx(spread, rel=4 / math.sqrt(values.numel()))


def test_the_widened_net_is_the_least_with_as_many_weights_as_the_unet() -> None:
    """Skips are compared with weights fairly: no fewer weights, and not more than needed."""
    spec = declared()["six-block-cnn-widened"].spec
    assert spec.net.endswith(":CNN")
    wanted = weights(net_class("UNet")(3, 32, 24, 1))
    assert weights(net_class("CNN")(3, spec.num_filters, 24, 1)) >= wanted
    assert weights(net_class("CNN")(3, spec.num_filters - 1, 24, 1)) < wanted


def test_what_is_compared_by_seeds_has_several() -> None:
    """The two learning rates, the UNet and its control; the published rate in a full build alone."""
    always = {name for name, experiment in declared().items() if experiment.seeds == 3}
    full = {name for name, experiment in declared().items() if experiment.full_seeds == 3}
    assert always == {"six-block-cnn", "six-block-unet", "six-block-cnn-widened"}
    assert full - always == {"six-block-cnn-published"}
