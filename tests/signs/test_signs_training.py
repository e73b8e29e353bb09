"""Promises of the classifiers of signs: their counts, how they are tested, and what changes their images."""

from collections.abc import Callable
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from small_signs import CLASSES
from torch.nn import functional as F

from cnnreport.training.specs.optimiser import Optimiser

Part = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    """Images of noise whose mean grey says their class, so that a batch of one class has other statistics."""
    generator = np.random.default_rng(3)
    arrays: dict[str, np.ndarray] = {}
    for name, count in (("train", 3), ("validation", 1), ("test", 3)):
        labels = np.tile(np.arange(CLASSES), count)
        grey = (labels * 5)[:, None, None, None]
        noise = generator.integers(0, 40, (len(labels), 3, 28, 28))
        arrays[f"{name}_images"] = (grey + noise).clip(0, 255).astype(np.uint8)
        arrays[f"{name}_label"] = labels
    return arrays


def made(part: Part, data: Any, name: str, task: str, **chosen: Any) -> Any:
    """Make a task of the report, as the runner does."""
    names = list(part("signs.classes").NAMES)
    arrays = {**data, "classes": np.frombuffer(str(names).replace("'", '"').encode(), np.uint8)}
    settings = {"data": "x:Y", "classes": CLASSES, "arguments": (("h", 7),), "epochs": 1, "batch_size": 43}
    place = part("specs").PLACE
    net = "NormedSignNet" if name.startswith("Normed") else "SignNet"
    spec = getattr(part("specs"), name)(net=f"{place}.nets:{net}", **{**settings, **chosen})
    return getattr(part("training"), task)(spec, 0, arrays, "cpu")


@pytest.mark.parametrize(("net", "parameters"), [("SignNet", 87_403), ("NormedSignNet", 87_659)])
def test_the_parameters_of_the_handout(net: str, parameters: int, part: Part) -> None:
    """The nets have as many parameters as the course's, and a last layer of 512 inputs for 28 rows."""
    made_net = getattr(part("nets"), net)(7)
    assert sum(p.numel() for p in made_net.parameters()) == parameters
    assert made_net.scores.in_features == 512
    assert made_net(torch.zeros(2, 3, 28, 28)).shape == (2, 43)


def by_hand(net: Any, images: torch.Tensor, statistics: Callable[[int, torch.Tensor], Any]) -> torch.Tensor:
    """Compute the scores of a net with batch norm from its weights alone.

    Args:
        net: Says the weights.
        images: (N, 3, 28, 28).
        statistics: Mean and variance, (C,) each, of a convolution's number and its maps.
    """
    x = images
    for number, (conv, norm) in enumerate(
        ((net.conv1, net.norm1), (net.conv2, net.norm2), (net.conv3, net.norm3))
    ):
        maps = F.conv2d(x, conv.weight, conv.bias)
        mean, variance = (each.view(1, -1, 1, 1) for each in statistics(number, maps))
        x = (maps - mean) / (variance + 1e-5).sqrt() * norm.weight.view(1, -1, 1, 1)
        x = (x + norm.bias.view(1, -1, 1, 1)).clamp(min=0)
        if number:
            rows = x.shape[-1] // 2
            x = x.view(len(x), -1, rows, 2, rows, 2).amax((3, 5))
    return x.flatten(1) @ net.scores.weight.T + net.scores.bias


def of_batch(_number: int, maps: torch.Tensor) -> Any:
    """Take mean and variance from the maps themselves."""
    return maps.mean((0, 2, 3)), maps.var((0, 2, 3), unbiased=False)


@pytest.fixture(scope="module")
def tested(part: Part, data: Any) -> Any:
    """A task after an epoch, and what it left."""
    task = made(part, data, "NormedTraining", "NormedTask", test_batch=30, optimiser=Optimiser("adam"))
    task.run_epoch()
    return task, task.results()


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of right ones."""
    return (scores.argmax(1) == labels).double().mean().item()


@pytest.mark.slow
@torch.no_grad()
def test_evaluation_mode(tested: Any, data: Any) -> None:
    """The test accuracy is that with the running averages."""
    task, left = tested
    norms = [task.net.norm1, task.net.norm2, task.net.norm3]
    images, labels = torch.tensor(data["test_images"]) / 255, torch.tensor(data["test_label"])
    scores = by_hand(task.net, images, lambda n, _: (norms[n].running_mean, norms[n].running_var))
    assert left.measures["test_accuracy"] == pytest.approx(accuracy(scores, labels))
    assert left.measures["test_loss"] == pytest.approx(F.cross_entropy(scores, labels).item(), rel=1e-4)


@pytest.mark.slow
@torch.no_grad()
def test_sorted_batches_in_train_mode(tested: Any, data: Any) -> None:
    """Sorted by class, each batch is normalised by its own statistics."""
    task, left = tested
    images, labels = torch.tensor(data["test_images"]) / 255, torch.tensor(data["test_label"])
    order = torch.tensor(sorted(range(len(labels)), key=lambda n: (int(labels[n]), n)))
    right = sum(
        int((by_hand(task.net, images[each], of_batch).argmax(1) == labels[each]).sum())
        for each in order.split(30)
    )
    assert left.measures["test_accuracy_sorted"] == pytest.approx(right / len(labels))


@pytest.mark.slow
@torch.no_grad()
def test_statistics_estimated_anew(tested: Any, data: Any, part: Part) -> None:
    """They are the mean over the batches of the training images, with the variance that PyTorch averages."""
    task, left = tested
    torch.manual_seed(0)
    images, found = torch.tensor(data["train_images"]) / 255, []
    for each in torch.randperm(len(images)).split(43):
        seen = []

        def keep(number: int, maps: torch.Tensor, seen: list[Any] = seen) -> Any:
            seen.append((maps.mean((0, 2, 3)), maps.var((0, 2, 3), unbiased=True)))
            return of_batch(number, maps)

        by_hand(task.net, images[each], keep)
        found.append(seen)
    anew = [tuple(torch.stack([seen[n][k] for seen in found]).mean(0) for k in (0, 1)) for n in range(3)]
    tests, labels = torch.tensor(data["test_images"]) / 255, torch.tensor(data["test_label"])
    scores = by_hand(task.net, tests, lambda n, _: anew[n])
    assert left.measures["test_accuracy_reestimated"] == pytest.approx(accuracy(scores, labels))


@pytest.mark.slow
def test_testing_leaves_the_net_as_it_was(tested: Any) -> None:
    """The weights that a run keeps, and those that it goes on with, have the statistics of the training."""
    task, left = tested
    state = task.net.state_dict()
    assert all(torch.equal(state[name], kept) for name, kept in left.weights.items())
    again = task.results()
    assert again.measures == left.measures


@pytest.mark.slow
def test_the_pairs_are_those_of_the_matrix(tested: Any, data: Any) -> None:
    """Kept pictures are of the pairs that the confusion matrix has most of, each of the right class."""
    _, left = tested
    counts = left.samples["test_confusion"].copy()
    assert counts.sum(1).tolist() == [3] * CLASSES
    np.fill_diagonal(counts, 0)
    true, taken, number = (left.samples[f"pair_{name}"] for name in ("true", "taken", "count"))
    assert number[0] == counts.max()
    assert [counts[i, j] for i, j in zip(true, taken, strict=True)] == number.tolist()
    for image, label in zip(left.samples["pair_image"], true, strict=True):
        matches = (data["test_images"] == image).all((1, 2, 3))
        assert data["test_label"][matches].tolist() == [label]


@pytest.mark.slow
def test_signs_of_gradients(part: Part, data: Any) -> None:
    """Agreement and reversals are those of gradients that autograd gives for each batch."""
    task = made(part, data, "SignedTraining", "SignedTask", batch_size=50)
    net = task.net
    images, labels = torch.tensor(data["train_images"]) / 255, torch.tensor(data["train_label"])

    def gradient(places: torch.Tensor) -> torch.Tensor:
        loss = F.cross_entropy(net(images[places]), labels[places], reduction="sum")
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])

    torch.manual_seed(0)
    each = [gradient(places) for places in torch.randperm(len(images)).split(50)]
    whole = gradient(torch.arange(len(images)))
    agree = [((g > 0) == (whole > 0))[(whole != 0) & (g != 0)].double().mean().item() for g in each]
    results = task.results().measures
    assert results["agreement"] == pytest.approx(np.mean(agree), abs=0.01)
    turned = [((a > 0) != (b > 0))[(a != 0) & (b != 0)].double().mean().item() for a, b in pairwise(each)]
    assert results["reversals"] == pytest.approx(np.mean(turned), abs=0.01)


def test_one_batch_agrees_with_itself(part: Part, data: Any) -> None:
    """With all images in one batch nothing disagrees and nothing is reversed."""
    results = made(part, data, "SignedTraining", "SignedTask", batch_size=500).results().measures
    assert (results["agreement"], results["reversals"]) == (1.0, 0.0)


def test_only_some_classes_are_flipped(part: Part) -> None:
    """Images of classes that a mirror changes are never flipped, of the others about half."""
    augmentation = part("augmentation")
    half = torch.zeros(600, 3, 28, 28)
    half[..., 14:] = 0.5
    torch.manual_seed(1)
    labels = torch.tensor([12, 33, 0]).repeat(200)
    changed = augmentation.augmented(half, labels).mean((1, 2))
    left_is_brighter = changed[:, :8].mean(1) > changed[:, -8:].mean(1)
    assert not left_is_brighter[labels != 12].any()
    assert 70 < int(left_is_brighter[labels == 12].sum()) < 130


def test_augmented_images_stay_images(part: Part) -> None:
    """Whatever is drawn, the shape is the same and all values are from 0 to 1; a seed draws it again."""
    augmentation = part("augmentation")
    images, labels = torch.rand(40, 3, 28, 28), torch.arange(40)
    torch.manual_seed(5)
    first = augmentation.augmented(images, labels)
    torch.manual_seed(5)
    assert torch.equal(first, augmentation.augmented(images, labels))
    assert first.shape == images.shape
    assert 0 <= float(first.min()) <= float(first.max()) <= 1


def test_light_is_that_of_torchvision(part: Part) -> None:
    """Brightness and contrast are changed as torchvision changes them."""
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    images = torch.rand(3, 3, 28, 28)
    lit = part("augmentation").lit(images, torch.tensor([0.4, 1.0, 1.7]), torch.tensor([1.3, 0.7, 1.0]))
    for image, ours, brightness, contrast in zip(images, lit, (0.4, 1.0, 1.7), (1.3, 0.7, 1.0), strict=True):
        theirs = functional.adjust_contrast(functional.adjust_brightness(image, brightness), contrast)
        assert torch.allclose(ours, theirs, atol=1e-4)
