"""Fine-tuning of the last layer: cached, recomputed and moving features, protocols, checkpoints."""

import inspect
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from flower_data import SIZE, flower_data, with_features
from numpy.typing import NDArray
from thinned import thinned

from cnnreport.errors import DataError
from cnnreport.nets import deeplab
from cnnreport.task import Results, Row
from cnnreport.training.segmentation import fine_tuning
from cnnreport.training.segmentation.features import features, unpack
from cnnreport.training.segmentation.fine_tuning import PRINTED, FineTuningTask
from cnnreport.training.segmentation.images import normalise
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule
from cnnreport.training.specs.segmentation import Features, FineTuning

SPEC = FineTuning(loss="cross-entropy", epochs=3, batch_size=4)


@pytest.fixture(scope="module")
def data() -> dict[str, NDArray[Any]]:
    """Tiny images of flowers, with what their tasks need."""
    return with_features(flower_data())


def run(spec: FineTuning, data: dict[str, NDArray[Any]], seed: int = 0) -> tuple[list[Row], Results]:
    """A whole training."""
    task = FineTuningTask(spec, seed, data, "cpu")
    rows = [task.run_epoch() for _ in range(task.epochs)]
    return rows, task.results()


@pytest.mark.parametrize("loss", ["cross-entropy", "iou"])
def test_it_learns(data: dict[str, NDArray[Any]], loss: Any) -> None:
    """With either loss the loss falls to less than a half, and the training flowers are found."""
    rows, _ = run(replace(SPEC, loss=loss, epochs=30, learning_rate=0.01), data)
    assert rows[-1]["train_loss"] < rows[0]["train_loss"] / 2
    assert rows[-1]["train_mean_iou"] > 0.75


@pytest.mark.parametrize("loss", thinned(["cross-entropy", "iou"], 2))
def test_cached_features_change_nothing(
    data: dict[str, NDArray[Any]], loss: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On features kept in float32 the training is that of the whole frozen net in eval mode."""
    spec = replace(SPEC, loss=loss)
    whole_rows, whole = run(replace(spec, features="frozen"), data)
    model = fine_tuning.make_model("pretrained", 0, data, "cpu")
    exact = features(model, normalise(torch.from_numpy(data["images"]))).clone()
    monkeypatch.setattr(fine_tuning, "cached_features", lambda _data: exact)
    monkeypatch.setattr(fine_tuning, "normalise", lambda found: found)
    rows, results = run(spec, data)
    for mine, theirs in zip(rows, whole_rows, strict=True):
        assert mine == pytest.approx(theirs, abs=2e-5)
    for name, weight in results.weights.items():
        torch.testing.assert_close(weight, whole.weights[name], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_sixteen_bits_are_enough(data: dict[str, NDArray[Any]]) -> None:
    """Features kept in bfloat16, as they are on the disk, give the same losses to a few thousandths."""
    whole, _ = run(replace(SPEC, features="frozen"), data)
    cached, _ = run(SPEC, data)
    for mine, theirs in zip(cached, whole, strict=True):
        assert mine["train_loss"] == pytest.approx(theirs["train_loss"], rel=0.02, abs=5e-3)
        assert mine["validation_loss"] == pytest.approx(theirs["validation_loss"], rel=0.02, abs=5e-3)


def test_a_moving_net_is_another_training(data: dict[str, NDArray[Any]]) -> None:
    """Left in train mode, the frozen net's batch statistics move although no weight of it learns."""
    task = FineTuningTask(replace(SPEC, features="moving", protocol="handout"), 0, data, "cpu")
    before = {name: tensor.clone() for name, tensor in task.state().items()}
    task.run_epoch()
    after = task.state()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("running_mean" in name for name in changed)
    frozen = {n for n in before if n.startswith("net.") and n.endswith("weight") and "classifier.4" not in n}
    assert frozen
    assert changed.isdisjoint(frozen)


@pytest.mark.parametrize("features", thinned(["cached", "moving"], 2))
def test_an_interrupted_training_goes_on(data: dict[str, NDArray[Any]], features: Any) -> None:
    """Restored from its state, it ends with the bytes of an undisturbed one."""
    spec = replace(SPEC, features=features)
    rows, results = run(spec, data)
    first, second = (FineTuningTask(spec, 0, data, "cpu") for _ in range(2))
    first.run_epoch()
    second.restore(first.state())
    assert [second.run_epoch() for _ in range(2)] == rows[1:]
    resumed = second.results()
    assert resumed.measures == results.measures
    for name, weight in results.weights.items():
        assert torch.equal(weight, resumed.weights[name])


def test_seeds_differ(data: dict[str, NDArray[Any]]) -> None:
    """Another seed is another initial layer and another order."""
    assert run(SPEC, data, 0)[0] != run(SPEC, data, 1)[0]


def test_only_the_last_layer_learns(data: dict[str, NDArray[Any]]) -> None:
    """514 parameters learn, all others of the net do not, and the run says so."""
    _, results = run(SPEC, data)
    net = deeplab.build(deeplab.SMALL, 2)
    everything = sum(parameter.numel() for parameter in net.parameters())
    assert results.measures["parameters_learned"] == 514
    assert results.measures["parameters_frozen"] == everything - 514
    assert sum(weight.numel() for weight in results.weights.values()) == 514


def test_the_protocols_differ_as_told(data: dict[str, NDArray[Any]]) -> None:
    """The handout's trains on more, drops what fills no batch, and has seen validation images."""
    clean, handout = (run(replace(SPEC, protocol=p, batch_size=5), data)[1] for p in ("clean", "handout"))
    told = ("train_images", "train_distinct", "validation_images", "validation_seen", "updates")
    assert [clean.measures[name] for name in told] == [6, 6, 4, 0, 3 * 2]
    assert [handout.measures[name] for name in told] == [12, 9, 4, 3, 3 * 2]
    assert 255 in clean.samples["validation_mask"]
    assert 255 not in handout.samples["validation_mask"]


@pytest.mark.slow
def test_pictures_are_the_same_for_both_protocols(data: dict[str, NDArray[Any]]) -> None:
    """Whatever was trained, the report shows the same training and validation images."""
    clean, handout = (run(replace(SPEC, protocol=p), data)[1] for p in ("clean", "handout"))
    for name in ("train_number", "validation_number", "train_rgb"):
        np.testing.assert_array_equal(clean.samples[name], handout.samples[name])
    assert clean.samples["validation_number"].tolist() == [107, 108, 109, 110]


def test_the_printed_functions_are_those_that_ran(data: dict[str, NDArray[Any]]) -> None:
    """The listings are the sources of the functions, by their names."""
    _, results = run(SPEC, data)
    sources = {name: text for name, text in results.listings.items() if name != "spec"}
    assert sources == {each.__name__: inspect.getsource(each) for each in PRINTED}
    assert set(sources) == {
        "fine_tune_last_layer", "learned_parameters", "fine_tune", "train", "soft_iou_loss",
        "cross_entropy_loss",
    }  # fmt: skip


def test_the_printed_function_makes_every_update(
    data: dict[str, NDArray[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `fine_tune`'s updates nothing is learnt: an epoch asks it for them, and it alone."""
    asked = []

    def nothing(net: Any, scores: Any, epochs: Any, spec: FineTuning, updates_per_epoch: int) -> Any:
        optimiser, trained = whole(net, scores, epochs, spec, updates_per_epoch)
        return optimiser, map(asked.append, trained)

    whole = fine_tuning.fine_tune
    monkeypatch.setattr(fine_tuning, "fine_tune", nothing)
    task = FineTuningTask(SPEC, 0, data, "cpu")
    with pytest.raises(TypeError, match="not iterable"):
        task.run_epoch()
    assert len(asked) == 1


def plain_loss(loss: str, scores: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """The mean cross entropy, or one minus the soft IoU, of the labelled pixels of scores (N, 2, H, W)."""
    if loss == "cross-entropy":
        return torch.nn.functional.cross_entropy(scores, masks.long(), ignore_index=255)
    labelled = masks != 255
    x, y = scores.softmax(1)[:, 1][labelled], masks[labelled].float()
    return 1 - (x * y).sum() / (x + y - x * y).sum()


def plain_training(data: dict[str, NDArray[Any]], loss: str) -> tuple[list[float], torch.nn.Conv2d]:
    """Both scores interpolated by PyTorch, a plain loop, PyTorch's Adam: losses by epoch, and layer."""
    maps, masks = unpack(data["features"]).float(), torch.from_numpy(data["masks"])
    means = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(256, 2, 1)
        adam = torch.optim.Adam(layer.parameters(), lr=SPEC.learning_rate)
        for epoch in range(SPEC.epochs):
            torch.manual_seed(epoch + 1)
            losses = []
            for chosen in torch.randperm(6).split(SPEC.batch_size):
                scores = torch.nn.functional.interpolate(layer(maps[chosen]), (SIZE, SIZE), mode="bilinear")
                losses.append(plain_loss(loss, scores, masks[chosen]))
                adam.zero_grad()
                losses[-1].backward()  # type: ignore[no-untyped-call]
                adam.step()
            means.append(float(torch.stack(losses).detach().mean()))
    return means, layer


@pytest.mark.parametrize("loss", ["cross-entropy", "iou"])
def test_the_training_is_that_of_a_plain_loop(data: dict[str, NDArray[Any]], loss: Any) -> None:
    """Both scores interpolated and softmaxed give, on the same features, the same losses and weights."""
    rows, results = run(replace(SPEC, loss=loss), data)
    means, layer = plain_training(data, loss)
    assert [row["train_loss"] for row in rows] == pytest.approx(means, abs=1e-4)
    expected = {"classifier.4.weight": layer.weight, "classifier.4.bias": layer.bias}
    for name, weight in results.weights.items():
        torch.testing.assert_close(weight, expected[name].detach(), rtol=1e-3, atol=1e-4)


def test_the_settings_are_left_as_code(data: dict[str, NDArray[Any]]) -> None:
    """What is printed of the spec makes that very spec, and says which optimiser with which step size."""
    spec = replace(SPEC, optimiser=Optimiser("sgd", momentum=0.9), learning_rate=0.01)
    text = run(spec, data)[1].listings["spec"]
    names = {"FineTuning": FineTuning, "Optimiser": Optimiser, "Schedule": Schedule}
    assert eval(text, names) == spec  # noqa: S307 - an expression that the library wrote
    assert '    optimiser=Optimiser(name="sgd", momentum=0.9),\n' in text
    assert "    learning_rate=0.01,\n" in text


@pytest.mark.parametrize("protocol", ["clean", "handout"])
def test_the_overlap_of_every_image_is_left(data: dict[str, NDArray[Any]], protocol: Any) -> None:
    """Of all validation images in their order, by counting pixel by pixel; their IoU comes of it."""
    rows, results = run(replace(SPEC, protocol=protocol), data)
    shown = {number: place for place, number in enumerate(results.samples["validation_number"].tolist())}
    overlap, iou = results.samples["image_overlap"], results.samples["image_iou"]
    assert (overlap.dtype, iou.dtype) == (np.int64, np.float32)
    assert (overlap.shape, iou.shape) == ((4, 4), (4, 2))
    for place, number in enumerate(data["numbers"][data["validation"]].tolist()):
        pixels = zip(
            results.samples["validation_mask"][shown[number]].flat,
            results.samples["validation_predicted"][shown[number]].flat,
            strict=True,
        )
        counted = Counter((int(truth), int(called)) for truth, called in pixels if truth != 255)
        tn, fp, fn, tp = overlap[place].tolist()
        assert counted == Counter({(0, 0): tn, (0, 1): fp, (1, 0): fn, (1, 1): tp})
        assert iou[place].tolist() == pytest.approx([tn / (tn + fp + fn), tp / (tp + fp + fn)], abs=1e-6)
    tn, fp, fn, tp = overlap.sum(0).tolist()
    pooled = (tn / (tn + fp + fn) + tp / (tp + fp + fn)) / 2
    assert rows[-1]["validation_mean_iou"] == pytest.approx(pooled, abs=1e-6)
    assert rows[-1]["validation_flower_iou"] == pytest.approx(float(iou[:, 1].mean()), abs=1e-6)


@pytest.mark.slow
def test_a_control_says_how_its_batch_norm_was_calibrated(data: dict[str, NDArray[Any]]) -> None:
    """By the number of training images, whether its features are cached or not; a pre-trained net by none."""
    random = with_features(data, Features(start="random"))
    assert run(SPEC, random)[1].measures["calibration_images"] == 6
    assert run(replace(SPEC, features="frozen", start="random"), data)[1].measures["calibration_images"] == 6
    assert run(SPEC, data)[1].measures["calibration_images"] == 0


def test_a_diverged_training_says_so(data: dict[str, NDArray[Any]]) -> None:
    """With an absurd learning rate the loss stops being a number; the run ends and is marked."""
    rows, results = run(replace(SPEC, learning_rate=1e38), data)
    assert not np.isfinite(rows[-1]["validation_loss"])
    assert results.measures["diverged"]


def test_features_of_other_images_are_refused(data: dict[str, NDArray[Any]]) -> None:
    """Features whose number is not that of the images belong to something else."""
    with pytest.raises(DataError, match="features of 9 images, but 10 images"):
        FineTuningTask(SPEC, 0, {**data, "features": data["features"][:-1]}, "cpu")


def test_predictions_have_the_size_of_the_image(data: dict[str, NDArray[Any]]) -> None:
    """From 4 x 4 features to a mask of the image's size."""
    _, results = run(SPEC, data)
    assert unpack(data["features"]).shape[-1] == 4
    assert results.samples["validation_predicted"].shape == (4, SIZE, SIZE)
