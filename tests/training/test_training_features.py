"""Frozen features: what they are, that they are computed once, and what cannot be stored."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from flower_data import COUNT, flower_data, with_features
from numpy.typing import NDArray
from torchvision.models import segmentation

from cnnreport.errors import DataError, VerificationError
from cnnreport.nets import deeplab
from cnnreport.training.segmentation.features import FeaturesTask, pack, unpack
from cnnreport.training.segmentation.images import normalise
from cnnreport.training.specs.segmentation import Features


@pytest.fixture(scope="module")
def data() -> dict[str, NDArray[Any]]:
    """Tiny images of flowers, with what their tasks need."""
    return flower_data()


def test_features_are_the_input_of_the_last_layer(data: dict[str, NDArray[Any]]) -> None:
    """A hook on the last layer of the whole net in eval mode sees the same, up to bfloat16."""
    model = deeplab.load(deeplab.SMALL, data["weights"].tobytes()).eval()
    seen = []
    model.classifier[4].register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    with torch.no_grad():
        model(normalise(torch.from_numpy(data["images"])))
    found = unpack(with_features(data)["features"])
    torch.testing.assert_close(found.float(), seen[0], rtol=2**-8, atol=1e-5)


@pytest.mark.slow
def test_an_interrupted_pass_goes_on(data: dict[str, NDArray[Any]]) -> None:
    """Restored from its state after half of the parts, it ends with the same bytes."""
    first, second = (FeaturesTask(Features(), 0, data, "cpu") for _ in range(2))
    first.run_epoch()
    second.restore(first.state())
    rows = [second.run_epoch() for _ in range(second.epochs - 1)]
    np.testing.assert_array_equal(second.results().samples["features"], with_features(data)["features"])
    assert rows[-1] == {"images": COUNT}


@pytest.mark.slow
def test_random_features_are_a_fair_control(data: dict[str, NDArray[Any]]) -> None:
    """A random net's features, its batch norm calibrated, differ from image to image, and by the seed."""
    found = unpack(with_features(data, Features(start="random"))["features"]).float()
    assert found.std(0).mean() > 0.05
    other = FeaturesTask(Features(start="random"), 1, data, "cpu")
    other.run_epoch()
    assert not torch.equal(unpack(other.state()["part0"].view(torch.uint16).numpy()).float()[0], found[0])


@pytest.mark.slow
def test_random_features_depend_on_the_seed_alone(data: dict[str, NDArray[Any]]) -> None:
    """Whatever a worker drew before, a random net has the same features."""
    found = []
    for drawn in (0, 3):
        torch.rand(drawn)
        found.append(with_features(data, Features(start="random"))["features"])
    np.testing.assert_array_equal(*found)


def test_measures_say_which_weights(data: dict[str, NDArray[Any]]) -> None:
    """The run keeps architecture, title and hash of the weights, and the form of the features."""
    task = FeaturesTask(Features(), 0, data, "cpu")
    for _ in range(task.epochs):
        task.run_epoch()
    measures = task.results().measures
    assert measures["weights_title"] == "a test's"
    assert (measures["feature_channels"], measures["feature_side"]) == (256, 4)


def test_what_is_not_finite_is_refused() -> None:
    """Features that are no numbers are not written down."""
    with pytest.raises(VerificationError, match="non-finite"):
        pack(torch.tensor([1.0, float("inf")]))


def test_bfloat16_holds_what_float16_cannot() -> None:
    """Large values, as a ResNet-101 gives them, survive."""
    values = torch.tensor([70000.0, 1e6])
    kept = unpack(pack(values).view(torch.uint16).numpy())
    torch.testing.assert_close(kept.float(), values, rtol=2**-8, atol=0)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the weights cannot be read"),
        (b"PK\x03\x04 broken", "the weights cannot be read"),
        (b"\x80\x04N.", "the weights cannot be read"),
    ],
)
def test_damaged_weights_are_named(content: bytes, problem: str) -> None:
    """A file that is neither safetensors nor a state dict of torch is an error of the data."""
    with pytest.raises(DataError, match=problem):
        deeplab.load(deeplab.SMALL, content)


def test_files_of_torch_are_read(data: dict[str, NDArray[Any]]) -> None:
    """A state dict saved by torch, as torchvision publishes them, gives the same net as safetensors."""
    state = deeplab.load(deeplab.SMALL, data["weights"].tobytes()).state_dict()
    file = io.BytesIO()
    torch.save(state, file)
    found = deeplab.load(deeplab.SMALL, file.getvalue()).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("architecture", ["resnet101", "resnet50", "mobilenet_v3_large"])
def test_nets_are_those_of_the_published_weights(architecture: str) -> None:
    """Names and shapes are those of torchvision's builder, auxiliary classifier included."""
    published = getattr(segmentation, f"deeplabv3_{architecture}")
    with torch.device("meta"):
        theirs = published(weights=None, weights_backbone=None, num_classes=21, aux_loss=True).state_dict()
        mine = deeplab.build(architecture).state_dict()
    assert {name: tensor.shape for name, tensor in mine.items()} == {n: t.shape for n, t in theirs.items()}
    assert mine["classifier.4.weight"].shape == (21, 256, 1, 1)


def test_weights_of_another_net_are_named(data: dict[str, NDArray[Any]]) -> None:
    """Weights whose names or shapes are another net's are refused, with one of them."""
    with pytest.raises(DataError, match="the weights do not fit mobilenet_v3_large: "):
        deeplab.load("mobilenet_v3_large", data["weights"].tobytes())
    with pytest.raises(DataError, match="there is no segmentation net 'vgg'"):
        deeplab.build("vgg")
