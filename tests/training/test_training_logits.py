"""Logits of flower at the size of the image: the difference of two scores, interpolated."""

import pytest
import torch
from flower_data import SIZE, flower_data
from torch.nn import functional as F

from cnnreport.nets import deeplab
from cnnreport.training.segmentation.features import features, make_model
from cnnreport.training.segmentation.images import normalise
from cnnreport.training.segmentation.logits import LogitsOfFeatures, LogitsOfImages, upsample

SIZES = [((14, 14), (224, 224)), ((7, 5), (30, 41)), ((1, 3), (4, 4)), ((6, 6), (6, 6)), ((8, 8), (4, 3))]


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_it_is_pytorchs_bilinear_interpolation(before: tuple[int, int], after: tuple[int, int]) -> None:
    """In values and in gradients, whatever the two sizes are."""
    maps = torch.randn(3, *before, dtype=torch.float64, requires_grad=True)
    expected = F.interpolate(maps[:, None], after, mode="bilinear", align_corners=False)[:, 0]
    got = upsample(maps, after)
    torch.testing.assert_close(got, expected)
    direction = torch.randn_like(expected)
    gradients = [torch.autograd.grad((each * direction).sum(), maps)[0] for each in (got, expected)]
    torch.testing.assert_close(*gradients)


def test_float32_is_as_exact_as_pytorchs_own() -> None:
    """Rounding is that of a few sums: the logits of the report agree to a millionth of their size."""
    maps = 10 * torch.randn(4, 14, 14)
    exact = F.interpolate(maps.double()[:, None], (224, 224), mode="bilinear")[:, 0]
    assert (upsample(maps, (224, 224)) - exact).abs().max() < 1e-5


@pytest.mark.slow
def test_both_ways_give_the_difference_of_the_whole_nets_scores() -> None:
    """Of features and of images: torchvision's own forward pass, which interpolates both scores."""
    data = flower_data()
    model = make_model("pretrained", 0, data, "cpu")
    deeplab.fine_tune_last_layer(model)
    images = normalise(torch.from_numpy(data["images"]))
    with torch.inference_mode():
        scores = model(images)["out"]
        expected = scores[:, 1] - scores[:, 0]
        ready = LogitsOfFeatures(model, (SIZE, SIZE)), LogitsOfImages(model, moving=False)
        for net, inputs in zip(ready, (features(model, images), images), strict=True):
            torch.testing.assert_close(net(inputs), expected, rtol=1e-4, atol=1e-5)


def test_only_a_moving_net_is_ever_in_train_mode() -> None:
    """What was asked for does not depend on what a loop asks of the model."""
    model = deeplab.build(deeplab.SMALL, 2)
    for moving in (True, False):
        net = LogitsOfImages(model.eval(), moving=moving).train()
        assert model.training == net.training == moving
