"""Promises of trainings on a GPU; skipped where there is none. `make gpu` runs them."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from grey_blocks import SPEC, drawn
from numpy.typing import NDArray
from test_training_kinds import SMALLEST

from cnnreport.runs import device, usable
from cnnreport.runs.device import float32
from cnnreport.system import hardware
from cnnreport.training import loop
from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.fast.cross_entropy import cross_entropy, cross_entropy_on_device
from cnnreport.training.metrics.accuracy import count_right
from cnnreport.training.seeded import seeded
from cnnreport.training.specs.colourization import Colourization
from cnnreport.training.specs.schedule import Schedule
from cnnreport.training.tally import Tally

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA"),
    # A newer torch than the tests were written with may warn of what it will change.
    pytest.mark.filterwarnings("default"),
]

NETS = ("PoolUpsampleNet", "ConvTransposeNet", "UNet")


@pytest.fixture(autouse=True)
def _as_runs_compute() -> Iterator[None]:
    """In float32, and in the same order each time."""
    with float32("cuda"):
        yield


def make(net: str = "UNet", where: str = "cuda", **changes: Any) -> ColourizationTraining:
    """A training of 40 images of 32 x 32 in batches of eight, the last of which has four."""
    spec: Colourization = replace(SPEC, net=f"cnnreport.nets.colourization:{net}", **changes)
    return ColourizationTraining(spec, 0, drawn(36, 12), where)


def trained(task: ColourizationTraining) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    """The rows and the state of a whole training."""
    return [dict(task.run_epoch()) for _ in range(task.epochs)], task.state()


def assert_same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> None:
    """Two states have the same bytes."""
    assert one.keys() == other.keys()
    assert [name for name, tensor in one.items() if not torch.equal(tensor, other[name])] == []


@pytest.mark.parametrize("net", NETS)
def test_a_gpu_trains_as_the_cpu_does(net: str) -> None:
    """Losses of the first epoch agree within 1e-3, of the second within 5e-3: rounding grows."""
    here, there = make(net, "cpu"), make(net)
    for tolerance in (1e-3, 5e-3):
        one, other = here.run_epoch(), there.run_epoch()
        for name in ("train_loss", "validation_loss"):
            assert one[name] == pytest.approx(other[name], abs=tolerance)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_steps_are_recorded(net: str, precision: str) -> None:
    """No net of the report needs what a graph cannot hold."""
    task = make(net, precision=precision)
    task.run_epoch()
    assert task._captured is not None
    assert task._captured.failure == ""


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_recorded_steps_are_those_of_the_plain_loop(
    net: str, schedule: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to rounding, and with the step size of each update."""
    rows, _ = trained(make(net, schedule=Schedule(schedule)))
    monkeypatch.setattr(loop, "recorder_for", lambda device: None)
    plain, _ = trained(make(net, schedule=Schedule(schedule)))
    for one, other in zip(rows, plain, strict=True):
        assert one == pytest.approx(other, abs=1e-3)


@pytest.mark.parametrize("net", NETS)
def test_a_training_repeats_to_the_byte(net: str) -> None:
    """Twice the same spec and seed are twice the same numbers and weights."""
    rows, state = trained(make(net))
    again, other = trained(make(net))
    assert rows == again
    assert_same(state, other)


@pytest.mark.parametrize("net", NETS)
def test_a_resumed_training_goes_on_to_the_same_bytes(net: str) -> None:
    """It records its steps anew."""
    whole = make(net)
    whole.run_epoch()
    resumed = make(net)
    resumed.restore({name: tensor.clone() for name, tensor in whole.state().items()})
    assert whole.run_epoch() == resumed.run_epoch()
    assert_same(whole.state(), resumed.state())


def test_no_step_waits_for_the_gpu() -> None:
    """PyTorch raises where a number is asked for, or anything else waits."""
    task = make()
    task.run_epoch()  # which records
    tally = Tally("cuda", 32 * 32)
    task.model.train()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for loss, rows, labels in task.learn():
            tally.add(loss, count_right(rows, labels), len(labels))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert tally.means()[0] > 0


@pytest.mark.parametrize(
    ("spec", "data"),
    [pytest.param(*each, id=type(each[0]).__name__) for each in SMALLEST if not each[0].symbolic],
)
def test_every_kind_trains_on_a_gpu(spec: Any, data: Callable[[], Mapping[str, NDArray[Any]]]) -> None:
    """Its smallest task runs, and what is kept of it lies on the CPU, put together again by `restore`."""
    module, _, name = spec.task.partition(":")
    kind = getattr(importlib.import_module(module), name)
    task, other = (kind(spec, 0, data(), "cuda") for _ in range(2))
    for _ in range(task.epochs):
        task.run_epoch()
    state = task.state()
    assert {tensor.device.type for tensor in state.values()} <= {"cpu"}
    other.restore({name: tensor.clone() for name, tensor in state.items()})
    assert_same(other.state(), state)
    assert task.results().measures


def test_the_loss_of_a_gpu_is_that_of_a_cpu() -> None:
    """In value and in gradient, within rounding, and twice the same."""
    logits, labels = torch.randn(5000, 24), torch.randint(24, (5000,), dtype=torch.uint8)
    labels[::7] = 255
    labelled = int((labels != 255).sum())
    found = []
    for where in ("cpu", "cuda", "cuda"):
        placed = logits.to(where).requires_grad_()
        loss = cross_entropy(placed, labels.to(where), labelled)
        (gradient,) = torch.autograd.grad(loss, placed)
        found.append((loss.detach().cpu(), gradient.cpu()))
    torch.testing.assert_close(found[1], found[0])
    assert all(torch.equal(a, b) for a, b in zip(found[1], found[2], strict=True))
    assert cross_entropy_on_device(logits, labels, labelled).item() == pytest.approx(float(found[1][0]), 1e-5)


def test_the_random_numbers_of_a_gpu_are_left_as_they_were() -> None:
    """A seed decides what is drawn there, and nothing of it remains."""
    torch.cuda.manual_seed(1)
    expected = torch.rand(4, device="cuda")
    torch.cuda.manual_seed(1)
    with seeded(7):
        inside = torch.rand(4, device="cuda")
    assert torch.equal(torch.rand(4, device="cuda"), expected)
    with seeded(7):
        assert torch.equal(torch.rand(4, device="cuda"), inside)


def test_this_gpu_is_known_and_can_be_used() -> None:
    """Driver and torch speak of the same card, and its memory is counted."""
    card = hardware.cuda_card()
    assert card is not None
    assert card.name == torch.cuda.get_device_name()
    assert card.capability == ".".join(map(str, torch.cuda.get_device_capability()))
    said = usable.ask()
    assert said == {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "problem": ""}
    device.forget_peak("cuda")
    assert torch.ones(1 << 20, device="cuda").sum().item() == 1 << 20
    assert (device.peak_memory("cuda") or 0) >= 4 << 20
