"""Promises of recorded steps, kept on a CPU by the twin that records nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from grey_blocks import SPEC, drawn, make
from thinned import thinned
from torch import nn
from torch.nn import functional as F

from cnnreport.training import loop
from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.fast.captured import REHEARSALS, Captured, Eager, Recorder, Step
from cnnreport.training.loop import train
from cnnreport.training.optimisers import ScheduledOptimiser, make_optimiser
from cnnreport.training.specs.colourization import Colourization
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule

COSINE = replace(SPEC, schedule=Schedule("cosine"))


class Counted(Eager):
    """The twin, and how often it was asked for what."""

    def __init__(self) -> None:
        self.rehearsed = self.recorded = self.replayed = 0

    def rehearse(self, step: Step, times: int) -> None:
        """Count."""
        self.rehearsed += times
        super().rehearse(step, times)

    def record(self, step: Step) -> Step:
        """Count replays, too."""
        self.recorded += 1

        def replay() -> tuple[torch.Tensor, torch.Tensor]:
            self.replayed += 1
            return step()

        return replay


class Refusing(Eager):
    """Can rehearse but not record, as where a step does what no graph can hold."""

    def record(self, step: Step) -> Step:
        """Raise what CUDA does."""
        raise RuntimeError("operation not permitted when stream is capturing")


class Breaking(Eager):
    """Fails in the second rehearsal."""

    def rehearse(self, step: Step, times: int) -> None:
        """Make a step, then raise."""
        step()
        raise RuntimeError("out of memory")


class Forgetful(Eager):
    """Replays no update, only what the first step gave."""

    def record(self, step: Step) -> Step:
        """Make it once, where nothing may be computed, and keep what it gives."""
        outputs: list[tuple[torch.Tensor, torch.Tensor]] = []

        def replay() -> tuple[torch.Tensor, torch.Tensor]:
            if not outputs:
                outputs.append(step())
            return outputs[0]

        return replay


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Recorder], None]:
    """Lets trainings on the CPU go by recorded steps."""
    return lambda recorder: monkeypatch.setattr(loop, "recorder_for", lambda device: recorder)


def trained(spec: Colourization) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    """The rows and the state of a whole training of 20 images."""
    task = make(spec)
    return [dict(task.run_epoch()) for _ in range(task.epochs)], task.state()


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Two states have the same bytes."""
    assert one.keys() == other.keys()
    assert [name for name, tensor in one.items() if not torch.equal(tensor, other[name])] == []


@pytest.mark.parametrize("recorder", [Eager, Refusing, Breaking, Forgetful])
@pytest.mark.parametrize("spec", thinned([SPEC, COSINE, replace(SPEC, updates=7)], 3))
def test_recorded_steps_train_as_the_plain_loop_does(
    recorded: Callable[[Recorder], None], spec: Colourization, recorder: type[Recorder]
) -> None:
    """Rows and bytes are the same, whether recording succeeds, is refused, breaks, or goes wrong."""
    rows, state = trained(spec)
    recorded(recorder())
    again, other = trained(spec)
    assert again == rows
    assert_same(other, state)


def test_each_length_of_a_batch_is_recorded_once(recorded: Callable[[Recorder], None]) -> None:
    """20 images by 8 are two whole batches and one of four: two recordings for the whole training."""
    counted = Counted()
    recorded(counted)
    trained(SPEC)
    assert (counted.recorded, counted.rehearsed) == (2, 2 * REHEARSALS)
    assert counted.replayed == 3 * SPEC.epochs + 2 * REHEARSALS


def test_a_resumed_training_goes_on_with_the_same_bytes(recorded: Callable[[Recorder], None]) -> None:
    """It records anew, after as many rehearsals, and nothing of them is left."""
    recorded(Eager())
    whole = make(COSINE)
    whole.run_epoch()
    resumed = make(COSINE)
    resumed.restore({name: tensor.clone() for name, tensor in whole.state().items()})
    for _ in range(1, whole.epochs):
        assert whole.run_epoch() == resumed.run_epoch()
    assert_same(whole.state(), resumed.state())


class Drawing(nn.Module):
    """Batch norm and dropout: what a rehearsal moves beside parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.dropout, self.last = nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Map (N, 4) to (N, 3)."""
        scores: torch.Tensor = self.last(self.dropout(self.norm(numbers)))
        return scores


def small(optimiser: Optimiser | None = None) -> tuple[Drawing, ScheduledOptimiser]:
    """A net that draws, and its optimiser."""
    torch.manual_seed(3)
    net = Drawing()
    return net, make_optimiser(net.parameters(), optimiser or Optimiser(), Schedule("cosine"), 0.01, 10, 5)


def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Five batches of eight, always the same."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        yield torch.randn(8, 4, generator=generator), torch.randint(3, (8,), generator=generator)


class Watching(Eager):
    """Looks, when recording begins, at what rehearsals have left."""

    def __init__(self, net: Drawing, optimiser: ScheduledOptimiser) -> None:
        self._net, self._optimiser = net, optimiser
        self.before = self.look()
        self.then: dict[str, torch.Tensor] = {}

    def look(self) -> dict[str, torch.Tensor]:
        """All that a training goes on from, as copies."""
        found = {**self._net.state_dict(), **self._optimiser.state(), "drawn": torch.get_rng_state()}
        return {name: tensor.clone() for name, tensor in found.items()}

    def record(self, step: Step) -> Step:
        """Look."""
        self.then = self.look()
        assert all(parameter.grad is None for parameter in self._net.parameters())
        return step


def test_rehearsals_leave_nothing_behind() -> None:
    """Parameters, statistics, moments, counts and random numbers are to the bit what they were."""
    net, optimiser = small()
    watching = Watching(net, optimiser)
    captured = Captured(net, F.cross_entropy, optimiser, net.state_dict, watching)
    next(captured.train(batches()))
    assert_same(watching.before, watching.then)
    assert optimiser.updates == 1


def test_what_is_yielded_is_what_train_yields() -> None:
    """Loss and targets of each batch stay as they are; scores do until the next."""
    net, optimiser = small()
    expected = [(loss, scores.clone(), targets) for loss, scores, targets in by_train(net, optimiser)]
    net, optimiser = small()
    captured = Captured(net, F.cross_entropy, optimiser, net.state_dict, Eager())
    found = [(loss, scores.clone(), targets) for loss, scores, targets in captured.train(batches())]
    assert len(found) == len(expected) == 5
    for one, other in zip(found, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert captured.failure == ""


def by_train(
    net: Drawing, optimiser: ScheduledOptimiser
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """The updates of the loop that the report prints."""
    return train(net, batches(), F.cross_entropy, optimiser)


def test_why_nothing_was_recorded_is_known() -> None:
    """A training that could be faster says so to whoever measures."""
    net, optimiser = small()
    captured = Captured(net, F.cross_entropy, optimiser, net.state_dict, Refusing())
    assert len(list(captured.train(batches()))) == 5
    assert captured.failure == "operation not permitted when stream is capturing"


def test_a_recording_is_compared_with_the_step_before_it_is_trusted() -> None:
    """One that computes something else is not used, and the losses are told."""
    net, optimiser = small()
    captured = Captured(net, F.cross_entropy, optimiser, net.state_dict, Forgetful())
    assert len(list(captured.train(batches()))) == 5
    assert captured.failure.startswith("replayed losses are [")


def test_a_fault_of_the_step_itself_is_raised() -> None:
    """Only recording is done without; a net that does not fit its inputs is an error as ever."""
    net, optimiser = small()
    wrong = [(torch.zeros(8, 5), torch.zeros(8, dtype=torch.int64))]
    captured = Captured(net, F.cross_entropy, optimiser, net.state_dict, Eager())
    with pytest.raises(RuntimeError, match="running_mean should contain 5 elements"):
        next(captured.train(wrong))


def branching(task: ColourizationTraining) -> None:
    """Make a training of a net that cannot be traced."""
    task.recordable = False


def other_optimiser(task: ColourizationTraining) -> None:
    """Make a training by an optimiser whose steps ask for numbers."""
    task.optimiser = small(Optimiser("sgd"))[1]


@pytest.mark.parametrize("change", [branching, other_optimiser])
def test_what_cannot_be_recorded_is_not(
    recorded: Callable[[Recorder], None], change: Callable[[ColourizationTraining], None]
) -> None:
    """A net whose forward Python decides, and an optimiser of PyTorch's, go step by step."""
    counted = Counted()
    recorded(counted)
    task = make()
    change(task)
    next(task.learn())
    assert counted.recorded == counted.rehearsed == 0


class Deciding(nn.Module):
    """A net whose forward depends on what it sees."""

    def __init__(self, kernel: int, num_filters: int, num_colours: int, num_in_channels: int) -> None:
        super().__init__()
        self.only = nn.Conv2d(num_in_channels, num_colours, kernel, padding=kernel // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 1, H, W) to (N, NC, H, W), differently for dark images."""
        result: torch.Tensor = self.only(x if x.mean() > 0.5 else 2 * x)
        return result


def test_only_a_net_without_decisions_may_be_recorded() -> None:
    """The nets of the report are straight lines; one that looks at its input is not."""
    assert make().recordable
    spec = replace(SPEC, net=f"{__name__}:Deciding")
    assert not ColourizationTraining(spec, 0, drawn(), "cpu").recordable
