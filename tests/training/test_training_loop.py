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

from cnnreport.errors import UsageError
from cnnreport.nets.colourization import PoolUpsampleNet
from cnnreport.training import colourization as module
from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.spec import Colourization

SPEC = Colourization(
    net="cnnreport.nets.colourization:PoolUpsampleNet", num_filters=4, num_colours=6, epochs=3, batch_size=8
)
ROOT = Path(__file__).parents[2]


def drawn(train: int = 20, validation: int = 12) -> dict[str, np.ndarray[Any, Any]]:
    """Blocks of grey whose label is the level of grey."""
    rng = np.random.default_rng(0)
    palette = np.linspace(0, 1, 18, dtype=np.float32).reshape(6, 3)

    def images(count: int) -> np.ndarray[Any, Any]:
        blocks = rng.integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)
        return blocks.repeat(3, axis=1).repeat(4, axis=2).repeat(4, axis=3)

    train_rgb, validation_rgb = images(train), images(validation)
    return {
        "train_rgb": train_rgb,
        "validation_rgb": validation_rgb,
        "train_label": train_rgb[:, 0] // 43,
        "validation_label": validation_rgb[:, 0] // 43,
        "palette": palette,
    }


def make(spec: Colourization = SPEC, seed: int = 0) -> ColourizationTraining:
    """A training on the drawn images."""
    return ColourizationTraining(spec, seed, drawn(), "cpu")


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


def reference(spec: Colourization, data: dict[str, np.ndarray[Any, Any]], epochs: int) -> list[float]:
    """Training losses of a plain loop on the plain net."""
    torch.manual_seed(0)
    net = PoolUpsampleNet(spec.kernel, spec.num_filters, spec.num_colours, 1)
    adam = torch.optim.Adam(net.parameters(), spec.learning_rate)
    grey = torch.from_numpy((data["train_rgb"] / 256).mean(axis=1, keepdims=True)).float()
    label = torch.from_numpy(data["train_label"]).long()
    rows = []
    for _ in range(epochs):
        total = 0.0
        for x, y in zip(grey.split(spec.batch_size), label.split(spec.batch_size), strict=True):
            adam.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            adam.step()
            total += loss.item() * len(x)
        rows.append(total / len(grey))
    return rows


@pytest.mark.parametrize(
    "batch_size",
    [
        pytest.param(10, id="dividing", marks=pytest.mark.slow),
        pytest.param(8, id="with a smaller last batch"),
    ],
)
def test_losses_follow_a_plain_loop(batch_size: int) -> None:
    """Epoch for epoch the loss is the plain loop's, a smaller last batch weighing less."""
    spec = varied(batch_size=batch_size)
    training = make(spec)
    losses = [training.run_epoch()["train_loss"] for _ in range(3)]
    assert losses == pytest.approx(reference(spec, drawn(), 3), abs=1e-4)


def test_validation_is_that_of_the_plain_net() -> None:
    """Loss and accuracy over all validation pixels are those of the weights that are handed over."""
    training = make()
    row = training.run_epoch()
    results = training.results()
    net = PoolUpsampleNet(3, 4, 6, 1)
    net.load_state_dict(dict(results.weights))
    data = drawn()
    grey = torch.from_numpy((data["validation_rgb"] / 256).mean(axis=1, keepdims=True)).float()
    logits, labels = net.eval()(grey), torch.from_numpy(data["validation_label"]).long()
    assert row["validation_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-5)
    assert row["validation_accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    np.testing.assert_array_equal(results.samples["predicted_label"], logits[:10].argmax(1).numpy())


def test_a_resumed_training_gives_the_same_bytes() -> None:
    """Taken apart after an epoch and put together elsewhere, it ends where it would have ended."""
    straight = make()
    straight.run_epoch()
    resumed = make(seed=7)
    resumed.restore({name: tensor.clone() for name, tensor in straight.state().items()})
    assert resumed.run_epoch() == straight.run_epoch()
    assert digest(resumed) == digest(straight)


def test_the_state_is_contiguous_and_no_view_of_the_training() -> None:
    """A state can be written as it is, and the next epoch does not change it."""
    training = make()
    state = training.state()
    before = {name: tensor.clone() for name, tensor in state.items()}
    training.run_epoch()
    assert all(tensor.is_contiguous() and tensor.device.type == "cpu" for tensor in state.values())
    assert all(torch.equal(state[name], before[name]) for name in state)


def test_two_processes_give_the_same_bytes() -> None:
    """With one thread, any process on a machine computes the very same run."""
    code = "import test_training_loop as t; print(t.trained_digest())"
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
    }
    measures = json.loads(json.dumps(results.measures))
    assert measures["train_images"] == 20
    assert measures["validation_images"] == 12
    assert measures["parameters"] == 9 * (4 + 64 + 24 + 36) + 48 + 24
    assert measures["diverged"] is False
    assert results.listings["PoolUpsampleNet"].startswith("class PoolUpsampleNet")


def test_a_diverged_training_goes_on_and_says_so() -> None:
    """A loss that is no number is kept as it is, and the measures tell."""
    training = make(varied(learning_rate=float("inf")))
    row = training.run_epoch()
    assert not math.isfinite(row["train_loss"])
    training.run_epoch()
    restored = make()
    restored.restore(training.state())
    assert restored.results().measures["diverged"] is True


def test_fast_trains_in_bfloat16_where_there_is_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulated here: after three epochs the loss is the exact one within what bfloat16 resolves."""
    monkeypatch.setattr(module, "arithmetic", lambda precision, device: "bfloat16")
    fast = make(varied(precision="fast"))
    losses = [fast.run_epoch()["train_loss"] for _ in range(3)]
    exact = reference(SPEC, drawn(), 3)
    assert losses != pytest.approx(exact, abs=1e-7)
    assert losses == pytest.approx(exact, rel=1e-2)


@pytest.mark.parametrize("net", ["no.such.module:Net", "cnnreport.nets.colourization:NoNet", "nonsense"])
def test_a_net_that_cannot_be_found_is_named(net: str) -> None:
    """The message says which net and how to name one."""
    with pytest.raises(UsageError, match="cannot be found; name it as module:Class"):
        make(varied(net=net))


def test_another_number_of_input_channels_is_refused() -> None:
    """The prepared grey images have one channel."""
    with pytest.raises(UsageError, match="one channel, but 3 are asked for"):
        make(varied(num_in_channels=3))


def test_training_needs_neither_torchvision_nor_dynamo() -> None:
    """What costs seconds at the start of a worker stays unloaded."""
    code = (
        "import sys, torch; import test_training_loop as t; training = t.make(); training.run_epoch();"
        "assert not {'torchvision', 'torch._dynamo'} & set(sys.modules)"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "PATH": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
