"""Promises of the U-Nets and of their training: counts, F1, what a run leaves."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from cnnreport.kinds import kind as kinds

Lungs = Callable[[str], ModuleType]

NETS = {"UNet": 28_947_521, "NearestUNet": 28_947_521, "ELUUNet": 28_947_521, "TransposedUNet": 31_036_481}
"""Parameters with 64 filters."""


@pytest.mark.parametrize("name", NETS)
def test_the_parameters_of_the_course(name: str, lungs: Lungs) -> None:
    """With 64 filters each variant has as many parameters as the course's, and keeps an image's size."""
    with torch.device("meta"):
        net = getattr(lungs("nets"), name)(64)
        assert sum(p.numel() for p in net.parameters()) == NETS[name]
        assert net(torch.zeros(2, 1, 48, 32)).shape == (2, 1, 48, 32)


def test_what_the_variants_differ_in(lungs: Lungs) -> None:
    """Each variant has what it is called after in place of what the U-Net has, and nothing else of it."""
    nets = lungs("nets")
    parts = {
        name: {type(module).__name__ for module in getattr(nets, name)(1).modules()} - {name} for name in NETS
    }
    assert parts["ELUUNet"] == parts["UNet"] - {"ReLU"} | {"ELU"}
    assert parts["TransposedUNet"] == parts["UNet"] - {"Upsample", "Sequential"} | {"ConvTranspose2d"}
    modes = [{m.mode for m in getattr(nets, name)(1).modules() if isinstance(m, torch.nn.Upsample)}
             for name in ("UNet", "NearestUNet")]  # fmt: skip
    assert modes == [{"bilinear"}, {"nearest"}]


def by_hand(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the F1 of a mask from its precision and its recall, over sets of pixels."""
    said, true = ({*zip(*np.nonzero(mask), strict=True)} for mask in (predicted, truth))
    hit = len(said & true)
    if not hit:
        return 0.0
    precision, recall = hit / len(said), hit / len(true)
    return 2 * precision * recall / (precision + recall)


def test_f1_is_that_of_precision_and_recall(lungs: Lungs) -> None:
    """The F1 of each image is the harmonic mean of its precision and recall."""
    generator = np.random.default_rng(5)
    predicted, truth = (generator.random((6, 1, 8, 8)) < share for share in (0.3, 0.5))
    predicted[0] = False
    measured = lungs("training").f1(torch.tensor(predicted), torch.tensor(truth))
    expected = [by_hand(p[0], t[0]) for p, t in zip(predicted, truth, strict=True)]
    assert measured.tolist() == pytest.approx(expected)


def test_f1_of_nothing(lungs: Lungs) -> None:
    """Nothing found of nothing is right; anything found of nothing, or nothing of something, is wrong."""
    nothing, something = torch.zeros(1, 1, 4, 4, dtype=torch.bool), torch.ones(1, 1, 4, 4, dtype=torch.bool)
    f1 = lungs("training").f1
    assert [f1(nothing, nothing).item(), f1(something, nothing).item(), f1(nothing, something).item()] == [
        1,
        0,
        0,
    ]


def made(lungs: Lungs, **chosen: Any) -> Any:
    """Make a task on a few small images with a bright square each, which is the lung."""
    generator, data = np.random.default_rng(6), {}
    for part, count in (("train", 6), ("validation", 2), ("test", 5)):
        masks = np.zeros((count, 1, 16, 16), bool)
        for mask in masks:
            top, left = generator.integers(1, 8, 2)
            mask[0, top : top + 6, left : left + 6] = True
        data[f"{part}_masks"] = masks
        data[f"{part}_images"] = (0.6 * masks + 0.3 * generator.random(masks.shape)).astype(np.float32)
    place = lungs("specs").PLACE
    settings = {"net": f"{place}.nets:UNet", "data": "x:Y", "num_filters": 4, "size": 16, "epochs": 12}
    spec = lungs("specs").LungTraining(**{**settings, "batch_size": 2, "learning_rate": 1e-2, **chosen})
    return lungs("training").LungTask(spec, 0, data, "cpu")


def test_what_a_run_leaves(lungs: Lungs) -> None:
    """A training learns, leaves what its kind declares, and its pictures are of the images that they say."""
    task = made(lungs)
    history = [task.run_epoch() for _ in range(task.epochs)]
    left = task.results()
    name = f"{lungs('specs').PLACE}.kind:LUNGS"
    for place, of in (("history", history[-1]), ("measures", left.measures), ("samples", left.samples)):
        kinds.check(name, place, of)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert history[-1]["validation_f1"] > 0.9
    scores, kept = left.samples["case_f1"], left.samples
    assert left.measures["test_f1"] == pytest.approx(scores.mean())
    assert left.measures["test_f1_deviation"] == pytest.approx(scores.std(ddof=1), abs=1e-6)
    assert scores[kept["shown_number"]].tolist() == [scores.max(), sorted(scores)[2], scores.min(), scores[0]]
    of_pictures = [by_hand(*pair) for pair in zip(kept["shown_predicted"], kept["shown_mask"], strict=True)]
    assert of_pictures == pytest.approx(scores[kept["shown_number"]].tolist())


def test_the_loss_is_of_all_pixels(lungs: Lungs) -> None:
    """The loss is the mean over all pixels of minus the logarithm of what their class was given."""
    task = made(lungs)
    scores = torch.linspace(-3, 4, 32).view(2, 1, 4, 4)
    masks = torch.arange(32).view(2, 1, 4, 4) % 3 == 0
    expected = [
        -math.log(1 / (1 + math.exp(-score if lung else score)))
        for score, lung in zip(scores.flatten().tolist(), masks.flatten().tolist(), strict=True)
    ]
    assert task.loss(scores, masks).item() == pytest.approx(sum(expected) / 32, rel=1e-6)


def test_a_fixed_mask_is_measured(lungs: Lungs) -> None:
    """The fixed mask has the pixels that are lung in at least half of the training images."""
    task = made(lungs, epochs=1)
    task.run_epoch()
    train, test = (task._parts[part][1][:, 0].numpy() for part in ("train", "test"))
    fixed = 2 * train.sum(0) >= len(train)
    expected = np.mean([by_hand(fixed, mask) for mask in test])
    assert task.results().measures["fixed_f1"] == pytest.approx(expected)
