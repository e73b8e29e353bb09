import re
from collections.abc import Mapping

import pytest
import torch
from torch import nn

from cnnreport.nets.ablation import InnerSkipNet, InputSkipNet, ResizeConvNet, StridedUpsampleNet
from cnnreport.nets.colourization import ConvTransposeNet, PoolUpsampleNet, UNet
from cnnreport.project import PACKAGE, load_file
from cnnreport.training.specs.colourization import Colourization

PATH = (PoolUpsampleNet, StridedUpsampleNet, ResizeConvNet, ConvTransposeNet)


def declared() -> Mapping[str, Colourization]:
    """The trainings of the report, by experiment."""
    file = load_file(PACKAGE.parent / "experiments/a2-writeup/colourization.py")
    return {experiment.name: experiment.spec for experiment in file.EXPERIMENTS}


def layers(net: nn.Module, group: str) -> list[str]:
    """The classes of a group's layers, in their order."""
    return [type(layer).__name__ for layer in net.get_submodule(group)]


def weights(net: nn.Module) -> int:
    """How many numbers a net learns."""
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("net", [StridedUpsampleNet, ResizeConvNet, InputSkipNet, InnerSkipNet])
def test_a_net_between_has_the_shapes_of_its_neighbours(net: type[nn.Module], kernel: int) -> None:
    """Each group hands on what those of the handout's nets do."""
    made = net(kernel, num_filters=5, num_colours=7, num_in_channels=3)
    found: list[tuple[int, ...]] = []
    for group in made.children():
        group.register_forward_hook(lambda module, inputs, output: found.append(tuple(output.shape[1:])))
    made(torch.rand(2, 3, 32, 32))
    assert found == [(5, 16, 16), (10, 8, 8), (5, 16, 16), (7, 32, 32), (7, 32, 32)]


def test_all_nets_of_the_path_have_the_same_number_of_weights() -> None:
    """So the number of weights explains no step of it."""
    assert len({weights(net(3, 32, 24, 1)) for net in PATH}) == 1


def test_each_step_of_the_path_changes_one_thing() -> None:
    """The way down, then the order of upsampling and convolution, then the kind of upsampling."""
    pool, strided, resize, transposed = (net(3, 4, 3, 1) for net in PATH)
    for level in ("1", "2"):
        assert layers(strided, f"up{level}") == layers(pool, f"up{level}")
        assert layers(strided, f"down{level}") == layers(resize, f"down{level}")
        assert layers(resize, f"down{level}") == layers(transposed, f"down{level}")
        assert layers(pool, f"down{level}")[1] == "MaxPool2d"
        assert layers(strided, f"up{level}")[:2] == ["Conv2d", "Upsample"]
        assert layers(resize, f"up{level}")[:2] == ["Upsample", "Conv2d"]
        assert layers(transposed, f"up{level}")[0] == "ConvTranspose2d"
        assert layers(resize, f"up{level}")[2:] == layers(transposed, f"up{level}")[1:]


@pytest.mark.parametrize("net", [InputSkipNet, InnerSkipNet])
def test_a_net_of_one_skip_is_unet_without_the_other(net: type[nn.Module]) -> None:
    """With the other skip's channels at zero, UNet says what the net says; its own skip matters."""
    torch.manual_seed(0)
    unet, cut = (kind(3, 4, 3, 1).eval() for kind in (UNet, net))
    weights_of_unet = unet.state_dict()
    # UNet's skipping channels come first: those of the first block, and that of the image.
    skipped = {"up2.0.weight": (0, 4), "logits.weight": (1, 1)}
    own, other = ("logits.weight", "up2.0.weight")[:: 1 if net is InputSkipNet else -1]
    axis, channels = skipped[other]
    weights_of_unet[other].narrow(axis, 0, channels).zero_()
    kept = weights_of_unet[other].narrow(axis, channels, weights_of_unet[other].shape[axis] - channels)
    cut.load_state_dict({**weights_of_unet, other: kept})
    images = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(cut(images), unet(images))
    before = unet(images)
    weights_of_unet[own].narrow(skipped[own][0], 0, skipped[own][1]).zero_()
    assert not torch.allclose(before, unet(images), atol=1e-4)


def test_a_skip_adds_the_weights_that_read_it() -> None:
    """The two skips' weights make up those that UNet has more than ConvTransposeNet."""
    plain, image, inner, both = (
        weights(net(3, 32, 24, 1)) for net in (ConvTransposeNet, InputSkipNet, InnerSkipNet, UNet)
    )
    assert (image - plain, inner - plain) == (9 * 24, 9 * 32 * 24)
    assert both - plain == (image - plain) + (inner - plain)


def test_the_experiments_of_one_skip_train_its_net() -> None:
    """Each by its name."""
    assert declared()["input-skip"].net.endswith(":InputSkipNet")
    assert declared()["inner-skip"].net.endswith(":InnerSkipNet")


def test_each_comparison_has_as_many_seeds_as_the_others() -> None:
    """The sizes of batches, too: how far seeds spread is known for each."""
    file = load_file(PACKAGE.parent / "experiments/a2-writeup/colourization.py")
    assert {experiment.seeds for experiment in file.EXPERIMENTS} == {3}


def test_the_widened_net_is_the_least_with_as_many_weights_as_unet() -> None:
    """Skips are compared with weights fairly: no fewer weights, and not more than needed."""
    spec = declared()["conv-transpose-widened"]
    wanted = weights(UNet(3, 32, 24, 1))
    assert spec.net.endswith(":ConvTransposeNet")
    assert weights(ConvTransposeNet(3, spec.num_filters, 24, 1)) >= wanted
    assert weights(ConvTransposeNet(3, spec.num_filters - 1, 24, 1)) < wanted


def test_experiments_differ_in_what_their_comparison_is_about_alone() -> None:
    """Trainings set beside each other have the same spec but for the net, its width or the batch size."""
    about = re.compile(r"(net|num_filters|batch_size|updates)=[^,)]*")
    rest = {about.sub("", repr(spec)) for spec in declared().values()}
    assert len(declared()) == 18
    assert len(rest) == 1
