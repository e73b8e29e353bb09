"""A training step that is recorded once and replayed, so that a GPU need not be told of its hundred kernels.

On CUDA the recording is a graph (NVIDIA, CUDA C++ Programming Guide, CUDA Graphs); `Eager` is its twin
without one, by which everything around the recording is tested on a CPU; the tests marked ``gpu`` try the
graphs themselves where there is a GPU.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from cnnreport.training.seeded import undisturbed

REHEARSALS = 3
"""How often a step is made before it is recorded: libraries allocate and choose in the first ones."""

TOLERANCE = 1e-3
"""How far replayed losses may be from rehearsed ones: both are made of the same kernels."""

Outputs = tuple[torch.Tensor, torch.Tensor]
"""Loss and scores of a step, apart from autograd."""

Step = Callable[[], Outputs]


class Stepped(Protocol):
    """What a recorded step needs of an optimiser."""

    def zero_grad(self) -> None:
        """Forget the gradients."""

    def advance(self) -> None:
        """Set the step size of the next update, and count it."""

    def apply(self) -> None:
        """Update the parameters by their gradients, at the step size that is set."""

    def state(self) -> dict[str, torch.Tensor]:
        """Return what the next step depends on, by name; not copies."""

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`."""


class Recorder(Protocol):
    """How a step is rehearsed and recorded."""

    def rehearse(self, step: Step, times: int) -> None:
        """Make a step some times, and wait for it."""

    def record(self, step: Step) -> Step:
        """Record a step, by which nothing is computed; return what replays it."""


class Eager:
    """Records nothing: a replay makes the step."""

    def rehearse(self, step: Step, times: int) -> None:
        """Make it."""
        for _ in range(times):
            step()

    def record(self, step: Step) -> Step:
        """Return the step."""
        return step


class Graphs:
    """Records CUDA graphs, all on one stream: autograd remembers on which one it adds gradients."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def rehearse(self, step: Step, times: int) -> None:
        """Make it on the stream of the recording."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(times):
                step()
        torch.cuda.synchronize()

    def record(self, step: Step) -> Step:
        """Return what launches the graph; its outputs lie in the same memory each time."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            outputs = step()

        def replay() -> Outputs:
            graph.replay()
            return outputs

        return replay


def recorder_for(device: str) -> Recorder | None:
    """Return how steps are recorded on a device, None where they are not."""
    return Graphs() if device == "cuda" else None


@dataclass(frozen=True)
class _Recorded:
    """A step and the memory from which it takes its batch."""

    inputs: torch.Tensor
    targets: torch.Tensor
    replay: Step

    def __call__(self, inputs: torch.Tensor, targets: torch.Tensor) -> Outputs:
        self.inputs.copy_(inputs)
        self.targets.copy_(targets)
        return self.replay()


class Captured:
    """`loop.train` by recorded steps, one recording for each length of a batch.

    What is recorded must be a straight line of operations on tensors: whatever Python decides or draws in a
    step would be the same for ever. Before it is trusted, a recording is replayed beside the step itself.
    That leaves no trace in the training, whether it succeeds or not, and a resumed training records anew, so
    that both have the same bytes.

    Args:
        scores: From the inputs of a batch to its scores.
        loss: From scores and targets to the loss, shape ().
        optimiser: Of the parameters behind the scores.
        moving: Returns all tensors, by name and not copies, that a step changes beside the optimiser's.
        recorder: How to record.
    """

    def __init__(
        self,
        scores: Callable[[Any], torch.Tensor],
        loss: Callable[[Any, Any], torch.Tensor],
        optimiser: Stepped,
        moving: Callable[[], Mapping[str, torch.Tensor]],
        recorder: Recorder,
    ) -> None:
        self.failure = ""
        """Why steps are made one by one all the same, empty where they are not."""
        self._scores, self._loss, self._optimiser, self._moving = scores, loss, optimiser, moving
        self._recorder = recorder
        self._recorded: dict[object, _Recorded] = {}

    def train(
        self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Update once for each batch; yield loss, scores and targets of each.

        The scores of an update are overwritten by the next one.
        """
        for inputs, targets in batches:
            form = tuple((each.shape, each.stride(), each.dtype) for each in (inputs, targets))
            if form not in self._recorded:
                self._recorded[form] = self._record(inputs, targets)
            self._optimiser.advance()
            loss, scores = self._recorded[form](inputs, targets)
            yield loss.clone(), scores, targets

    def _record(self, inputs: torch.Tensor, targets: torch.Tensor) -> _Recorded:
        """Record the step of batches of one form, or return it as it is where that fails."""
        own_inputs, own_targets = inputs.clone(), targets.clone()

        def step() -> Outputs:
            scores = self._scores(own_inputs)
            loss = self._loss(scores, own_targets)
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.apply()
            return loss.detach(), scores.detach()

        replay = step
        try:
            replay = self._recorded_like(step)
        except RuntimeError as error:  # as torch and CUDA raise; what is the step's own fault is raised again
            self.failure = str(error)
            self._optimiser.zero_grad()
        return _Recorded(own_inputs, own_targets, replay)

    def _recorded_like(self, step: Step) -> Step:
        """Record a step, and replay it as often as it was rehearsed: the losses have to be the same."""
        rehearsed: list[torch.Tensor] = []

        def heard() -> Outputs:
            loss, scores = step()
            rehearsed.append(loss.clone())
            return loss, scores

        with self._undone():
            self._recorder.rehearse(heard, REHEARSALS)
        self._optimiser.zero_grad()  # so that gradients lie in memory of the recording
        replay = self._recorder.record(step)
        with self._undone():
            replayed = [replay()[0].clone() for _ in range(REHEARSALS)]
        here, there = torch.stack(replayed), torch.stack(rehearsed)
        if not torch.allclose(here, there, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            raise RuntimeError(f"replayed losses are {here.tolist()}, rehearsed ones {there.tolist()}")
        return replay

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        """Undo all that steps change: parameters, statistics, moments, counts, random numbers."""
        moving, kept = self._moving(), _copies(self._optimiser.state())
        before = _copies(moving)
        try:
            with undisturbed():
                yield
        finally:
            self._optimiser.restore(kept)
            with torch.no_grad():
                for name, tensor in moving.items():
                    tensor.copy_(before[name])


def _copies(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
