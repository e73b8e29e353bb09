"""The training of the embedded weights: what it learns from, what it leaves, and that it can go on."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from cnnreport.nets import deeplab
from cnnreport.training.segmentation import pretraining
from cnnreport.training.segmentation.pretraining import PretrainingTask
from cnnreport.training.specs.segmentation import Pretraining

SPEC = Pretraining(deeplab.SMALL, scenes=6, validation_scenes=2, epochs=2, batch_size=3, crop=32)


@pytest.fixture(scope="module")
def data() -> dict[str, NDArray[Any]]:
    """Six training and two validation scenes of two kinds: a dark upper half, a bright lower one."""
    generator = np.random.default_rng(0)
    found: dict[str, NDArray[Any]] = {"kinds": np.arange(2)}
    for name, count in (("train", 6), ("validation", 2)):
        rgb = generator.integers(0, 80, (count, 3, 64, 64), np.uint8)
        rgb[:, :, 32:] += 150
        found[f"{name}_rgb"] = rgb
        found[f"{name}_class"] = (
            (np.arange(64) >= 32)[None, :, None].repeat(count, 0).repeat(64, 2).astype("u1")
        )
    return found


@pytest.mark.slow
def test_it_learns_and_goes_on(data: dict[str, NDArray[Any]]) -> None:
    """The loss falls, and a training restored after its first epoch ends with the same bytes."""
    first, second = (PretrainingTask(SPEC, 0, data, "cpu") for _ in range(2))
    rows = [first.run_epoch()]
    second.restore(first.state())
    rows.append(first.run_epoch())
    assert second.run_epoch() == rows[1]
    assert rows[1]["train_loss"] < rows[0]["train_loss"]
    mine, theirs = first.results().weights, second.results().weights
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_the_weights_are_halved_and_fit(data: dict[str, NDArray[Any]]) -> None:
    """What is left is in half precision, loads into the net, and is judged as it is after rounding."""
    task = PretrainingTask(replace(SPEC, epochs=1), 0, data, "cpu")
    row = task.run_epoch()
    results = task.results()
    assert {w.dtype for w in results.weights.values() if w.is_floating_point()} == {torch.float16}
    content = safetensors.torch.save({name: weight.contiguous() for name, weight in results.weights.items()})
    net = deeplab.load(deeplab.SMALL, content)
    assert net.classifier[4].weight.dtype == torch.float32
    assert results.measures["halved_validation_loss"] == pytest.approx(row["validation_loss"], rel=0.02)


def test_crops_keep_images_and_classes_together(data: dict[str, NDArray[Any]]) -> None:
    """Whatever is cropped, mirrored and recoloured, bright pixels stay of the bright kind."""
    task = PretrainingTask(SPEC, 0, data, "cpu")
    for images, (_, classes) in [*task.batches(), *task.batches(), *task.batches()]:
        bright = images.mean(1) > 0.4
        assert (bright == (classes == 1)).float().mean() > 0.95


def test_a_look_is_what_it_says() -> None:
    """Colour, texture, saturation and the picture's mean, computed by hand for two flat places."""
    colours = torch.zeros(1, 3, 16, 32)
    colours[0, 0, :, 16:] = 1.0
    red, dark = (pretraining.appearance(colours)[0, :, 0, column].tolist() for column in (1, 0))
    assert red == pytest.approx([2, -2, -2, 0, 0, 0, 4, 0, -2, -2])
    assert dark == pytest.approx([-2, -2, -2, 0, 0, 0, 0, 0, -2, -2])
