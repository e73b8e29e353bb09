"""Training of a classifier: what it learns, what it keeps, what it refuses."""

import inspect
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from small_classes import CLASSES, SmallNet, small_classes
from thinned import thinned

from cnnreport.errors import DataError, UsageError
from cnnreport.kinds.classification import KIND
from cnnreport.task import Results, Row
from cnnreport.training.classification import ClassificationTraining
from cnnreport.training.loop import train
from cnnreport.training.specs.classification import Classification
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule

SPEC = Classification(
    "small_classes:SmallNet", "", 3, (("dropout", 0.0),), epochs=3, batch_size=8, learning_rate=0.01
)
Data = dict[str, NDArray[Any]]


def run(spec: Classification = SPEC, data: Data | None = None) -> tuple[list[Row], Results]:
    """A whole training."""
    task = ClassificationTraining(spec, 0, data or small_classes(), "cpu")
    rows = [task.run_epoch() for _ in range(task.epochs)]
    return rows, task.results()


def test_it_learns() -> None:
    """Three classes that are easily told apart are told apart."""
    rows, results = run(replace(SPEC, epochs=10))
    assert rows[-1]["train_loss"] < rows[0]["train_loss"] / 2
    assert rows[-1]["validation_accuracy"] == 1
    np.testing.assert_array_equal(results.samples["confusion"], np.eye(3) * 4)
    assert len(results.samples["wrong_index"]) == 0


def test_it_leaves_what_its_kind_declares() -> None:
    """Rows, measures and samples have the fields that the kind tells of, and no others."""
    rows, results = run()
    assert set(rows[0]) == set(KIND.fields("history"))
    assert set(results.measures) == {*KIND.fields("measures"), *KIND.texts}
    assert set(results.samples) == set(KIND.samples)
    assert json.loads(json.dumps(results.measures)) == results.measures


def test_losses_follow_a_plain_loop() -> None:
    """Without shuffling, epoch for epoch, loss and accuracy are those of a loop written out."""
    rows, results = run(replace(SPEC, shuffle=False))
    torch.manual_seed(0)
    net, data = SmallNet(dropout=0.0), small_classes()
    adam = torch.optim.Adam(net.parameters(), 0.01)
    x, y = torch.from_numpy(data["train_images"]) / 255, torch.from_numpy(data["train_label"]).long()
    for row in rows:
        losses, right = [], 0
        for images, labels in zip(x.split(8), y.split(8), strict=True):
            scores = net.train()(images)
            adam.zero_grad()
            loss = torch.nn.functional.cross_entropy(scores, labels)
            loss.backward()
            adam.step()
            losses.append(loss.item() * len(images))
            right += int((scores.argmax(1) == labels).sum())
        assert row["train_loss"] == pytest.approx(sum(losses) / 30, abs=1e-5)
        assert row["train_accuracy"] == pytest.approx(right / 30)
    net.load_state_dict(dict(results.weights))
    scores = net.eval()(torch.from_numpy(data["validation_images"]) / 255).detach()
    truth = torch.from_numpy(data["validation_label"]).long()
    loss = torch.nn.functional.cross_entropy(scores, truth)
    assert rows[-1]["validation_loss"] == pytest.approx(loss.item(), abs=1e-5)
    assert rows[-1]["validation_accuracy"] == pytest.approx((scores.argmax(1) == truth).float().mean().item())


def test_bytes_are_shares_and_numbers_are_taken_as_they_are() -> None:
    """Images as bytes give the training of the same images as float32, divided by 255."""
    data = small_classes()
    divided = {n: a.astype(np.float32) / 255 if n.endswith("images") else a for n, a in data.items()}
    assert run(data=data)[0] == run(data=divided)[0]


def test_each_epoch_has_an_order_of_its_own_where_asked_for() -> None:
    """Shuffled, the first batch is another one in each epoch; otherwise it is always the same."""
    for shuffle in (True, False):
        task = ClassificationTraining(replace(SPEC, shuffle=shuffle), 0, small_classes(), "cpu")
        first = [next(iter(task.batches()))[1].tolist() for _ in range(4)]
        assert len({tuple(labels) for labels in first}) == (4 if shuffle else 1)


def test_images_are_changed_where_asked_for() -> None:
    """The function sees the training images alone, as the net does."""
    plain, changed = (run(replace(SPEC, augment=name))[0] for name in ("", "small_classes:mirror_some"))
    assert plain[0]["train_loss"] != changed[0]["train_loss"]
    assert replace(SPEC, augment="small_classes:mirror_some").modules() == ("small_classes", "small_classes")


def test_pictures_are_the_first_right_and_the_surest_wrong_ones() -> None:
    """Of a net that has hardly learnt: the arrays belong together, and the probabilities are in order."""
    data = small_classes(validation=60)
    _, results = run(replace(SPEC, epochs=1, learning_rate=1e-5), data)
    samples = results.samples
    for which in ("right", "wrong"):
        index = samples[f"{which}_index"]
        assert 0 < len(index) <= 12
        np.testing.assert_array_equal(samples[f"{which}_images"], data["validation_images"][index])
        np.testing.assert_array_equal(samples[f"{which}_label"], data["validation_label"][index])
        predicted = samples[f"{which}_probability"].argmax(1)
        np.testing.assert_array_equal(samples[f"{which}_predicted"], predicted)
        np.testing.assert_allclose(samples[f"{which}_probability"].sum(1), 1, rtol=1e-5)
    assert (samples["right_label"] == samples["right_predicted"]).all()
    assert (samples["wrong_label"] != samples["wrong_predicted"]).all()
    assert (np.diff(samples["right_index"]) > 0).all()
    assert (np.diff(samples["wrong_probability"].max(1)) <= 0).all()
    assert samples["confusion"].sum() == 60
    assert results.measures["confused"][0][2] == (samples["confusion"] * (1 - np.eye(3))).max()


def test_measures_and_listings_tell_what_ran() -> None:
    """Counts, names of classes, the source of the net and of the loop that trained it."""
    _, results = run()
    counts = ("train_images", "validation_images", "classes", "epochs", "updates", "updates_per_epoch")
    assert [results.measures[name] for name in counts] == [30, 12, 3, 3, 12, 4]
    assert results.measures["parameters"] == 4 * 9 + 4 + 8 + 3 * (4 * 36 + 1)
    assert results.measures["class_names"] == list(CLASSES)
    assert results.measures["frequent_accuracy"] == pytest.approx(1 / 3)
    assert results.listings == {each.__name__: inspect.getsource(each) for each in (SmallNet, train)}


class Flat(torch.nn.Sequential):
    """A linear classifier."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__(torch.nn.Flatten(), torch.nn.Linear(inputs, classes))


def named(count: int) -> NDArray[np.uint8]:
    """Names of that many classes."""
    return np.frombuffer(json.dumps([f"class {n}" for n in range(count)]).encode(), np.uint8)


def test_grey_digits_are_learnt() -> None:
    """8 x 8 images of ten classes in float32, as scikit-learn ships them, by a linear classifier."""
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    data: Data = {
        "train_images": images[:600],
        "train_label": digits.target[:600],
        "validation_images": images[600:900],
        "validation_label": digits.target[600:900],
        "classes": named(10),
    }
    rows, _ = run(
        Classification(
            "test_training_classification:Flat",
            "",
            10,
            (("inputs", 64), ("classes", 10)),
            epochs=15,
            optimiser=Optimiser("sgd", momentum=0.9, nesterov=True),
            schedule=Schedule("one-cycle"),
            learning_rate=0.2,
        ),
        data,
    )
    assert rows[-1]["validation_accuracy"] > 0.85


def test_each_of_many_classes_keeps_its_row() -> None:
    """43 classes of 28 x 28 images in colour, as of traffic signs, some without an image to judge by."""
    generator = np.random.default_rng(0)
    data: Data = {"classes": named(43)}
    for part, count in (("train", 86), ("validation", 60)):
        data[f"{part}_images"] = generator.integers(0, 256, (count, 3, 28, 28), np.uint8)
        data[f"{part}_label"] = generator.integers(0, 43, count)
    arguments = (("inputs", 3 * 28 * 28), ("classes", 43))
    _, results = run(Classification("test_training_classification:Flat", "", 43, arguments, epochs=1), data)
    assert results.samples["confusion"].shape == (43, 43)
    absent = np.setdiff1d(np.arange(43), data["validation_label"])
    assert len(absent) > 0
    assert np.flatnonzero(np.isnan(results.samples["class_accuracy"])).tolist() == absent.tolist()


def test_a_diverged_training_goes_on_and_says_so() -> None:
    """Non-finite losses stay as they are; the run ends and is marked."""
    rows, results = run(replace(SPEC, learning_rate=1e38))
    assert not np.isfinite(rows[-1]["validation_loss"])
    assert results.measures["diverged"] is True


@pytest.mark.parametrize(
    ("changes", "message"),
    thinned(
        [
            ({"train_label": np.zeros(30)}, "train_label is float64 of shape .30,.; prepare whole numbers"),
            ({"train_label": np.zeros((30, 1), int)}, "train_label is int64 of shape .30, 1.; prepare whole"),
            (
                {"train_label": np.full(30, 3)},
                "train_label reaches from 3 to 3, but there are 3 classes; number",
            ),
            (
                {"validation_label": np.full(12, -1)},
                "validation_label reaches from -1 to -1, but there are 3",
            ),
            (
                {"train_label": np.zeros(29, int)},
                "the train set has 30 images and 29 labels; prepare at least",
            ),
            (
                {"train_images": np.zeros((30, 6, 6), np.uint8)},
                "train_images are uint8 of shape .30, 6, 6.; pre",
            ),
            (
                {"train_images": np.zeros((30, 1, 6, 6))},
                "train_images are float64 of shape .* as uint8 or float32",
            ),
            (
                {"validation_images": np.zeros((0, 1, 6, 6), np.uint8), "validation_label": np.zeros(0, int)},
                "the validation set has 0 images and 0 labels; prepare at least one image",
            ),
            (
                {"train_images": np.zeros((0, 1, 6, 6), np.uint8), "train_label": np.zeros(0, int)},
                "the train set has 0 images and 0 labels",
            ),
            (
                {"train_images": np.full((30, 1, 6, 6), np.nan, np.float32)},
                "30 of the train_images hold non-finite pixels; prepare finite ones",
            ),
            (
                {"classes": np.frombuffer(b"a, b", np.uint8)},
                "classes is no JSON list as bytes; prepare np.from",
            ),
            ({"classes": np.frombuffer(b"3", np.uint8)}, "the data name 0 classes, but 3 are asked for"),
            (
                {"classes": np.frombuffer(b'["a", "b"]', np.uint8)},
                "the data name 2 classes, but 3 are asked for",
            ),
        ],
        3,
    ),
)
def test_data_that_are_no_classification_are_refused(changes: Data, message: str) -> None:
    """Before anything is computed; the message says which array, and what to prepare."""
    with pytest.raises(DataError, match=message):
        ClassificationTraining(SPEC, 0, {**small_classes(), **changes}, "cpu")


@pytest.mark.parametrize("name", ["train_images", "validation_label", "classes"])
def test_data_that_lack_an_array_are_refused(name: str) -> None:
    """The message names it, and those that are there."""
    data = small_classes()
    del data[name]
    with pytest.raises(DataError, match=f"there is no {name} among the data, which have .*; prepare it, too"):
        ClassificationTraining(SPEC, 0, data, "cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"net": "small_classes:NoNet"}, "there is no NoNet in small_classes; mend the name, or define it"),
        ({"arguments": (("depth", 3),)}, "'small_classes:SmallNet' cannot be made: .*'depth'; see its argu"),
        ({"net": "small_classes:small_classes", "arguments": ()}, "'small_classes:small_classes' is no net"),
        (
            {"arguments": (("classes", 4),)},
            r"maps 8 images to scores \(8, 4\); make it give 3 scores for each",
        ),
        ({"augment": "small_classes:no"}, "there is no no in small_classes"),
    ],
)
def test_what_does_not_fit_the_data_is_refused(changes: dict[str, Any], message: str) -> None:
    """A net or a function that is not there or does not fit is named."""
    with pytest.raises(UsageError, match=message):
        run(replace(SPEC, **changes))


@pytest.mark.parametrize("name", ["classes", "epochs", "batch_size"])
def test_a_training_of_nothing_is_refused(name: str) -> None:
    """The spec says so before anything is run."""
    with pytest.raises(UsageError, match=f"{name} of a classification is 0; set it to at least"):
        replace(SPEC, **{name: 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 1.5}, "epochs of a classification is 1.5; set it to at least 1, a whole number"),
        ({"classes": "3"}, "classes of a classification is '3'; set it to at least 2"),
        (
            {"learning_rate": -0.1},
            "learning_rate of a classification is -0.1; set it to a number, at least 0",
        ),
        ({"learning_rate": math.nan}, "learning_rate of a classification is nan"),
    ],
)
def test_a_number_out_of_its_range_is_refused(changes: dict[str, Any], message: str) -> None:
    """A negative step would climb, unnoticed; a part of an epoch would be rounded."""
    with pytest.raises(UsageError, match=message):
        replace(SPEC, **changes)


def test_a_precision_that_does_not_exist_is_refused() -> None:
    """Before anything runs, instead of computing in another than is said."""
    with pytest.raises(UsageError, match="there is no precision 'half'; name one of exact, fast"):
        replace(SPEC, precision="half").arithmetic("cpu")
