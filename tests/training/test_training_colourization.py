import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from grey_blocks import SPEC, drawn, make
from sklearn.metrics import confusion_matrix

from cnnreport.errors import UsageError
from cnnreport.nets.colourization import PoolUpsampleNet
from cnnreport.training import colourization
from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.specs.colourization import Colourization

ROOT = Path(__file__).parents[2]


def varied(**changes: Any) -> Colourization:
    """The usual spec but for some changes."""
    return Colourization(**{**SPEC.__dict__, **changes})


def digest(training: ColourizationTraining) -> str:
    """A hash over every byte of the state."""
    total = hashlib.sha256()
    for name, tensor in sorted(training.state().items()):
        total.update(name.encode() + tensor.numpy().tobytes())
    return total.hexdigest()


def trained_digest() -> str:
    """Train two epochs with one thread; called in processes of their own."""
    torch.set_num_threads(1)
    training = make()
    training.run_epoch()
    training.run_epoch()
    return digest(training)


def grey_of(data: dict[str, np.ndarray[Any, Any]], name: str) -> torch.Tensor:
    """The grey input as the starter makes it."""
    return torch.from_numpy((data[f"{name}_rgb"] / 256).mean(axis=1, keepdims=True)).float()


def initial(spec: Colourization = SPEC) -> PoolUpsampleNet:
    """The plain net with the weights of seed 0."""
    torch.manual_seed(0)
    return PoolUpsampleNet(spec.kernel, spec.num_filters, spec.num_colours, 1)


def reference(spec: Colourization, updates: int) -> list[dict[str, float]]:
    """Training losses and accuracies of a plain loop on the plain net, for each pass over the images."""
    net, data = initial(spec), drawn()
    adam = torch.optim.Adam(net.parameters(), spec.learning_rate)
    label = torch.from_numpy(data["train_label"]).long()
    parts = (images.split(spec.batch_size) for images in (grey_of(data, "train"), label))
    batches = list(zip(*parts, strict=True))
    rows = []
    while updates > 0:
        loss_sum, right, seen = 0.0, 0, 0
        for x, y in batches[:updates]:
            adam.zero_grad()
            outputs = net(x)
            loss = F.cross_entropy(outputs, y)
            loss.backward()
            adam.step()
            loss_sum += loss.item() * len(x)
            right += int((outputs.argmax(1) == y).sum())
            seen += len(x)
        updates -= len(batches)
        rows.append({"train_loss": loss_sum / seen, "train_accuracy": right / (seen * label[0].numel())})
    return rows


def close_to(row: dict[str, float]) -> dict[str, Any]:
    """A row as closely as rounding lets two loops agree: a pixel may fall on the other side."""
    return {
        "train_loss": pytest.approx(row["train_loss"], abs=1e-4),
        "train_accuracy": pytest.approx(row["train_accuracy"], abs=1e-3),
    }


def train_part(row: dict[str, float]) -> dict[str, float]:
    """The numbers of a row that a plain training loop knows."""
    return {name: value for name, value in row.items() if name.startswith("train_")}


@pytest.mark.parametrize(
    "batch_size",
    [
        pytest.param(10, id="dividing", marks=pytest.mark.slow),
        pytest.param(8, id="with a smaller last batch"),
    ],
)
def test_losses_follow_a_plain_loop(batch_size: int) -> None:
    """Epoch for epoch loss and accuracy are the plain loop's, a smaller last batch weighing less."""
    spec = varied(batch_size=batch_size)
    training = make(spec)
    expected = reference(spec, 3 * math.ceil(20 / batch_size))
    for row in expected:
        assert train_part(training.run_epoch()) == close_to(row)
    assert training.epochs == len(expected)


def test_the_training_accuracy_is_that_of_the_net_before_it_learns() -> None:
    """In an epoch of one batch it is the initial net's, in training mode."""
    data = drawn()
    highest = initial().train()(grey_of(data, "train")).argmax(1).numpy()
    expected = (highest == data["train_label"]).mean()
    found = make(varied(batch_size=20)).run_epoch()["train_accuracy"]
    assert found == pytest.approx(expected, abs=2 / highest.size)


def test_biases_that_a_batch_norm_subtracts_stay_as_they_were() -> None:
    """Their gradient is zero, so that no optimiser makes steps of rounding; all else learns."""
    training = make(varied())
    before = {name: value.clone() for name, value in training.net.named_parameters()}
    training.run_epoch()
    kept = {name for name, value in training.net.named_parameters() if torch.equal(value, before[name])}
    assert kept == {f"{block}.0.bias" for block in ("down1", "down2", "up1", "up2")}


def test_updates_stop_a_training_in_the_middle_of_a_pass() -> None:
    """Five updates are a pass of three batches and one of two, whose numbers are of what it saw."""
    spec = varied(updates=5, epochs=1)
    training = make(spec)
    assert training.epochs == 2
    for row in reference(spec, 5):
        assert train_part(training.run_epoch()) == close_to(row)
    measures = training.results().measures
    assert {name: measures[name] for name in ("updates", "updates_per_epoch", "epochs")} == {
        "updates": 5,
        "updates_per_epoch": 3,
        "epochs": 2,
    }


def test_updates_that_end_with_a_pass_are_epochs() -> None:
    """Six updates of three a pass give the bytes of two epochs."""
    by_updates, by_epochs = make(varied(updates=6)), make(varied(epochs=2))
    for training in (by_updates, by_epochs):
        for _ in range(training.epochs):
            training.run_epoch()
    assert digest(by_updates) == digest(by_epochs)
    assert by_updates.results().measures == by_epochs.results().measures


@pytest.mark.parametrize("updates", [0, -3])
def test_a_training_without_updates_is_refused(updates: int) -> None:
    """The spec says so before anything is run."""
    with pytest.raises(UsageError, match=f"a training of {updates} updates is asked for; set updates to at"):
        varied(updates=updates)


def test_validation_is_that_of_the_plain_net() -> None:
    """Loss and accuracy over all validation pixels are those of the weights that are handed over."""
    training = make()
    row = training.run_epoch()
    results = training.results()
    net = PoolUpsampleNet(3, 4, 6, 1)
    net.load_state_dict(dict(results.weights))
    data = drawn()
    logits = net.eval()(grey_of(data, "validation")).detach()
    labels = torch.from_numpy(data["validation_label"]).long()
    assert row["validation_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-5)
    assert row["validation_accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    np.testing.assert_array_equal(results.samples["predicted_label"], logits[:10].argmax(1).numpy())
    highest = np.argsort(-logits.numpy(), axis=1, kind="stable")[:, :3]
    top3 = (highest == data["validation_label"][:, None]).any(1).mean()
    assert results.measures["top3_accuracy"] == pytest.approx(top3, abs=3 / labels.numel())


@pytest.mark.parametrize("net", ["PoolUpsampleNet", "UNet"])
def test_what_is_left_of_all_images_is_the_plain_nets(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Image by image, colour by colour and bin by bin, whatever the batches and the order of the pixels."""
    monkeypatch.setattr(colourization, "_VALIDATION_BATCH", 5)
    training = make(varied(net=f"cnnreport.nets.colourization:{net}"))
    training.run_epoch()
    samples = training.results().samples
    with torch.no_grad():
        logits = training.net.eval()(grey_of(drawn(), "validation"))
    truth = torch.from_numpy(drawn()["validation_label"]).long()
    losses = F.cross_entropy(logits, truth, reduction="none").mean((1, 2)).numpy()
    np.testing.assert_allclose(samples["image_loss"], losses, atol=1e-5)
    sure, highest = logits.softmax(1).max(1)
    right = highest == truth
    np.testing.assert_allclose(samples["image_accuracy"], right.float().mean((1, 2)).numpy(), atol=2 / 1024)
    counts = confusion_matrix(truth.flatten(), highest.flatten(), labels=range(6))
    np.testing.assert_allclose(samples["confusion"], counts, atol=3)
    for m, found in enumerate(samples["calibration"]):
        inside = (sure > m / 10) & (sure <= (m + 1) / 10)
        expected = [inside.sum(), sure[inside].double().sum(), right[inside].sum()]
        np.testing.assert_allclose(found, expected, atol=3)


def test_what_is_left_of_all_images_agrees_with_the_history() -> None:
    """Means over the images are the validation's numbers, and all three count every pixel once."""
    training = make()
    row = training.run_epoch()
    results = training.results()
    samples = results.samples
    assert samples["image_loss"].mean() == pytest.approx(row["validation_loss"], abs=1e-5)
    assert samples["image_accuracy"].mean() == pytest.approx(row["validation_accuracy"], abs=1e-6)
    right = row["validation_accuracy"] * 12 * 1024
    assert (samples["confusion"].sum(), samples["confusion"].trace()) == (12 * 1024, pytest.approx(right))
    by_grey = results.measures["grey_table_accuracy"] * 12 * 1024
    assert samples["table_confusion"].trace() == pytest.approx(by_grey)
    np.testing.assert_array_equal(samples["table_confusion"].sum(1), samples["confusion"].sum(1))
    pixels, probability, hits = samples["calibration"].sum(0)
    assert (pixels, hits) == (12 * 1024, pytest.approx(right))
    least = abs(hits - probability) / pixels
    assert least - 1e-9 <= results.measures["calibration_error"] <= 1


@pytest.mark.parametrize("updates", [None, 4], ids=["whole epochs", "the last epoch cut short"])
def test_a_resumed_training_gives_the_same_bytes(updates: int | None) -> None:
    """Taken apart after an epoch and put together elsewhere, it ends where it would have ended."""
    spec = varied(updates=updates)
    straight = make(spec)
    straight.run_epoch()
    resumed = make(spec, seed=7)
    resumed.restore({name: tensor.clone() for name, tensor in straight.state().items()})
    assert resumed.run_epoch() == straight.run_epoch()
    assert digest(resumed) == digest(straight)
    assert resumed.results().measures == straight.results().measures


def test_the_state_is_contiguous_and_no_view_of_the_training() -> None:
    """A state can be written as it is, and the next epoch does not change it."""
    training = make()
    state = training.state()
    before = {name: tensor.clone() for name, tensor in state.items()}
    training.run_epoch()
    assert all(tensor.is_contiguous() and tensor.device.type == "cpu" for tensor in state.values())
    assert all(torch.equal(state[name], before[name]) for name in state)


@pytest.mark.slow
def test_two_processes_give_the_same_bytes() -> None:
    """With one thread, any process on a machine computes the very same run."""
    code = "import test_training_colourization as t; print(t.trained_digest())"
    environment = {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "PATH": ""}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment, text=True)
        for _ in range(2)
    ]
    digests = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert len(digests[0]) == 64
    assert digests[0] == digests[1]


def test_the_seed_decides_and_does_not_leak() -> None:
    """Another seed gives other weights; the global generator is where it was."""
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = digest(make()), digest(make()), digest(make(seed=1))
    assert first == again != other
    assert torch.equal(torch.random.get_rng_state(), before)


def test_results_are_complete_and_plain() -> None:
    """Samples have their shapes, measures go through JSON, the listing is the net's source."""
    training = make()
    training.run_epoch()
    results = training.results()
    shapes = {name: (array.shape, str(array.dtype)) for name, array in results.samples.items()}
    assert shapes == {
        "grey": ((10, 32, 32), "float32"),
        "rgb": ((10, 3, 32, 32), "uint8"),
        "truth_label": ((10, 32, 32), "uint8"),
        "predicted_label": ((10, 32, 32), "uint8"),
        "palette": ((6, 3), "float32"),
        "ranked_grey": ((9, 32, 32), "float32"),
        "ranked_rgb": ((9, 3, 32, 32), "uint8"),
        "ranked_truth_label": ((9, 32, 32), "uint8"),
        "ranked_predicted_label": ((9, 32, 32), "uint8"),
        "ranked_accuracy": ((9,), "float32"),
        "ranked_index": ((9,), "int64"),
        "image_accuracy": ((12,), "float32"),
        "image_loss": ((12,), "float32"),
        "confusion": ((6, 6), "int64"),
        "table_confusion": ((6, 6), "int64"),
        "calibration": ((10, 3), "float64"),
    }
    measures = json.loads(json.dumps(results.measures))
    assert measures["train_images"] == 20
    assert measures["validation_images"] == 12
    assert measures["parameters"] == 9 * (4 + 64 + 24 + 36) + 48 + 24
    assert measures["diverged"] is False
    assert (measures["updates"], measures["updates_per_epoch"]) == (3, 3)
    assert {"top3_accuracy", "lab_distance", "chance_loss"} <= measures.keys()
    assert results.listings["PoolUpsampleNet"].startswith("class PoolUpsampleNet")


def test_the_best_the_median_and_the_worst_images_are_kept() -> None:
    """Where all images are kept anyway, those that are ranked are found among them by sorting."""
    training = ColourizationTraining(SPEC, 0, drawn(validation=10), "cpu")
    training.run_epoch()
    samples = training.results().samples
    right = [(p == t).sum() for p, t in zip(samples["predicted_label"], samples["truth_label"], strict=True)]
    order = sorted(range(10), key=lambda n: (-right[n], n))
    index = [*order[:3], *order[3:6], *order[7:]]
    assert samples["ranked_index"].tolist() == index
    np.testing.assert_allclose(samples["ranked_accuracy"], [right[n] / 1024 for n in index])
    for name in ("grey", "rgb", "truth_label", "predicted_label"):
        np.testing.assert_array_equal(samples[f"ranked_{name}"], samples[name][index])


def test_a_diverged_training_goes_on_and_says_so() -> None:
    """A loss that is no number is kept as it is, and the measures tell."""
    training = make(varied(learning_rate=float("inf")))
    row = training.run_epoch()
    assert not math.isfinite(row["train_loss"])
    training.run_epoch()
    restored = make()
    restored.restore(training.state())
    results = restored.results()
    assert results.measures["diverged"] is True
    assert math.isnan(results.measures["calibration_error"])
    assert np.isnan(results.samples["image_loss"]).all()


def test_fast_trains_in_bfloat16_where_there_is_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulated here: after three epochs the loss is the exact one within what bfloat16 resolves."""
    monkeypatch.setattr(Colourization, "arithmetic", lambda spec, device: "bfloat16")
    fast = make(varied(precision="fast"))
    losses = [fast.run_epoch()["train_loss"] for _ in range(3)]
    exact = [row["train_loss"] for row in reference(SPEC, 9)]
    assert losses != pytest.approx(exact, abs=1e-7)
    assert losses == pytest.approx(exact, rel=1e-2)


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ("no.such.module:Net", "there is no module no.such.module; mend the name"),
        ("cnnreport.nets.colourization:NoNet", "there is no NoNet in cnnreport.nets.colourization; mend"),
        ("nonsense", "'nonsense' is no name of a thing in a module; write it as module:NAME"),
    ],
)
def test_a_net_that_cannot_be_found_is_named(net: str, said: str) -> None:
    """The message says what is not there and how to name it."""
    with pytest.raises(UsageError, match=said):
        make(varied(net=net))


def test_another_number_of_input_channels_is_refused() -> None:
    """The prepared grey images have one channel."""
    with pytest.raises(UsageError, match="one channel, but 3 are asked for"):
        make(varied(num_in_channels=3))
