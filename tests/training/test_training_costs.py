import dataclasses
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from thinned import thinned
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.nets import deeplab
from cnnreport.training.costs import CostsTask, make_net, measure, measure_last_layer, measure_net
from cnnreport.training.specs.costs import FineTuningCosts

SMALL = "mobilenet_v3_small_embedded"


class Backbone(nn.Module):
    """A convolution and ReLU, which give their output as a DeepLabV3's backbone does."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 256, 3, stride=2, padding=1)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"out": F.relu(self.first(images))}


class Tiny(nn.Module):
    """A net so small that its costs can be written down: one convolution, ReLU, and the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.classifier = nn.Sequential(*[nn.Identity()] * 4, nn.Conv2d(256, 21, 1))
        self.unused = nn.Conv2d(3, 5, 1)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.backbone(images)["out"]
        scores = F.interpolate(self.classifier(features), size=images.shape[2:], mode="bilinear")
        return {"out": scores, "aux": self.unused(images)}


@pytest.fixture(scope="module")
def tiny() -> dict[str, Any]:
    """The measures of a run on `Tiny`, for two images of 8 by 8."""
    task = CostsTask(FineTuningCosts("tiny", image_size=8), seed=0, data={}, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deeplab, "build", lambda architecture: Tiny())
        assert task.run_epoch() == {"points": 11}
        return dict(task.results().measures)


def batch(size: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Two images and their masks."""
    images = torch.ones(2, 3, size, size, device=device)
    return images, torch.zeros(2, size, size, dtype=torch.int64, device=device)


def test_operations_are_those_that_can_be_written_down(tiny: dict[str, Any]) -> None:
    """Two for a product; backwards as many by weights and, but for the image, by inputs.

    The side output is computed but plays no part in the loss.
    """
    for scale, pixels in ((1, 2 * 8 * 8), (2, 2 * 16 * 16)):
        first, last, unused = 2 * 27 * 256 * pixels // 4, 2 * 256 * 2 * pixels // 4, 2 * 3 * 5 * pixels
        assert tiny[f"all_{scale}_forward_flops"] == first + last + unused
        assert tiny[f"last_{scale}_forward_flops"] == first + last + unused
        assert tiny[f"all_{scale}_backward_flops"] == first + 2 * last
        assert tiny[f"last_{scale}_backward_flops"] == last


def test_operations_on_cached_features_are_those_of_the_last_layer(tiny: dict[str, Any]) -> None:
    """As many forwards as backwards."""
    assert tiny["cached_1_forward_flops"] == tiny["cached_1_backward_flops"] == 2 * 256 * 2 * 2 * 16


def test_the_first_pass_is_that_of_one_image_without_the_side_output(tiny: dict[str, Any]) -> None:
    """Up to the last layer's input: the first convolution alone, whatever the batch."""
    assert tiny["features_forward_flops"] == 2 * 27 * 256 * 8 * 8 // 4


def test_what_plays_no_part_in_the_loss_is_told_apart(tiny: dict[str, Any]) -> None:
    """The side output has parameters and takes operations forward, but no update changes it."""
    assert tiny["auxiliary_parameters"] == 3 * 5 + 5
    assert tiny["auxiliary_forward_flops"] == 2 * 3 * 5 * 2 * 8 * 8


def test_the_measures_say_in_which_mode_each_net_ran(tiny: dict[str, Any]) -> None:
    """Train mode where all layers learn, eval mode where the last one does."""
    assert (tiny["all_net_mode"], tiny["last_net_mode"]) == ("train", "eval")


def test_kept_bytes_are_those_that_can_be_written_down(tiny: dict[str, Any]) -> None:
    """The image, the features once though two layers keep them, what the loss keeps; not the weights."""
    for scale, pixels in ((1, 2 * 8 * 8), (2, 2 * 16 * 16)):
        image, features = 4 * 3 * pixels, 4 * 256 * pixels // 4
        loss = 4 * 2 * pixels + 8 * pixels + 4  # log probabilities, classes, their total weight
        assert tiny[f"all_{scale}_activation_bytes"] == image + features + loss
        assert tiny[f"last_{scale}_activation_bytes"] == features + loss


def test_the_optimiser_keeps_two_numbers_for_a_parameter_that_learns(tiny: dict[str, Any]) -> None:
    """And a step count for each tensor; the side output has no gradient and so nothing to keep."""
    first, last = 28 * 256, 257 * 2
    assert tiny["parameters"] == first + last + 20
    assert (tiny["all_parameters_learned"], tiny["parameters_learned"]) == (first + last, last)
    for scale in (1, 2):
        assert tiny[f"all_{scale}_optimiser_bytes"] == 8 * (first + last) + 4 * 4
        assert tiny[f"last_{scale}_optimiser_bytes"] == 8 * last + 4 * 2


def test_gradients_take_four_bytes_for_a_parameter_that_learns(tiny: dict[str, Any]) -> None:
    """Whatever the size of the images; what plays no part in the loss has none."""
    first, last = 28 * 256, 257 * 2
    for scale in (1, 2):
        assert tiny[f"all_{scale}_gradient_bytes"] == 4 * (first + last)
        assert tiny[f"last_{scale}_gradient_bytes"] == 4 * last


def test_the_measures_say_what_was_measured(tiny: dict[str, Any]) -> None:
    """The choices of the spec are among them."""
    assert tiny.items() >= dataclasses.asdict(FineTuningCosts("tiny", image_size=8)).items()


@pytest.mark.slow
@pytest.mark.parametrize("mode", thinned(["last", "all"], 2))
def test_tensors_without_values_cost_what_real_ones_do(mode: str) -> None:
    """A DeepLabV3 on the meta device and on the CPU: the same bytes and the same operations."""
    found = []
    for device in ("meta", "cpu"):
        with torch.random.fork_rng(devices=[]), torch.device(device):
            net = make_net(SMALL, mode, 2)
            found.append([measure_net(net, *batch(32, device))])
            if mode == "last":
                found[-1].append(measure_last_layer(net, *batch(32, device)))
    assert found[0] == found[1]


def test_a_step_can_be_measured_again() -> None:
    """The first measurement leaves nothing behind that the second would count."""
    with torch.device("meta"):
        net = Tiny().requires_grad_(True)
        assert measure_net(net, *batch(8, "meta")) == measure_net(net, *batch(8, "meta"))


def test_grouped_convolutions_cost_as_much_backwards_by_input_as_by_weight() -> None:
    """Each costs what the forward pass does: groups count for all three."""
    _, masks = batch(6, "cpu")
    net = nn.Conv2d(4, 8, 3, padding=1, groups=4)
    features = torch.ones(2, 4, 6, 6, requires_grad=True)
    costs = measure(net, lambda: net(features), masks)
    assert costs.forward_flops == 2 * 9 * 1 * 8 * 2 * 36
    assert costs.backward_flops == 2 * costs.forward_flops


def test_what_the_layers_do_not_explain_is_refused() -> None:
    """A net that multiplies matrices beside its convolutions cannot be checked by them."""
    images, masks = batch(4, "cpu")
    net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Linear(4, 4))
    with pytest.raises(VerificationError, match=r"torch counts .* but the convolutions take"):
        measure(net, lambda: net(images), masks)


@pytest.mark.parametrize(("name", "number"), [("image_size", 0), ("batch_size", 1), ("num_classes", 0)])
def test_a_step_that_cannot_be_made_is_refused(name: str, number: int) -> None:
    """Batch normalisation needs two images, and every number at least one."""
    with pytest.raises(UsageError, match=f"with {name} = {number} are asked for; set {name} to at least"):
        FineTuningCosts(**{name: number})  # type: ignore[arg-type]
