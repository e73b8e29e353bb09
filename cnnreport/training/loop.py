"""The one loop: how any net is trained, epoch by epoch.

A kind of training is a child of `Loop`. It says where batches come from, what their loss is, which metrics
its updates and its predictions are given, and what is left at the end; epochs, divergence, precision, random
numbers, and how a training is taken apart and put together stand here. That a GPU adds in the same order
each time is the runner's business, see `cnnreport.runs.device.float32`.
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import nn

from cnnreport.errors import DataError
from cnnreport.task import Results, Row
from cnnreport.training.fast.captured import Captured, recorder_for
from cnnreport.training.optimisers import ScheduledOptimiser, make_optimiser
from cnnreport.training.seeded import seeded
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule

Batch = tuple[Any, Any]
"""What the model takes, and what the loss compares its scores with."""

LossFunction = Callable[[Any, Any], Any]
"""From scores and targets to a tensor of one number; Any, since torch gives `backward` no types."""

Update = tuple[torch.Tensor, Any, Any]
"""Loss, scores and targets of a batch, all of the model as it was before the update."""


def train(
    model: Callable[[Any], Any],
    batches: Iterable[Batch],
    loss_function: LossFunction,
    optimiser: ScheduledOptimiser,
) -> Iterator[Update]:
    """Update the model once for each batch; yield loss, scores and targets of each."""
    for inputs, targets in batches:
        scores = model(inputs)
        loss = loss_function(scores, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield loss.detach(), scores.detach(), targets
        del loss, scores  # not to be kept while the next batch passes


class Trained(Protocol):
    """What a spec tells the loop."""

    @property
    def epochs(self) -> int:
        """Passes over the training images."""

    @property
    def learning_rate(self) -> float:
        """The step size, which the schedule multiplies."""

    @property
    def optimiser(self) -> Optimiser:
        """Which optimiser."""

    @property
    def schedule(self) -> Schedule:
        """How the step size changes."""

    def arithmetic(self, device: str) -> str:
        """Return the number format, ``float32`` or ``bfloat16``."""


class Loop(ABC):
    """A `Task` that trains a net, whatever for.

    Args:
        net: What learns; its parameters and buffers are the training's state.
        model: Maps the inputs of a batch to scores by means of the net; in training mode while the net
            learns, in evaluation mode otherwise.
        spec: What to train.
        seed: Of everything that is drawn in an epoch: an order, crops, dropout.
        device: ``cpu``, ``cuda`` or ``mps``.
        updates_per_epoch: How many batches a whole epoch has.
        updates: How many updates to make, None for the spec's epochs; where they are no whole epochs, the
            last one is cut short.
        optimiser: What follows the gradients, None for the spec's, of all parameters of the net.

    Raises:
        DataError: There is no batch to learn from.
    """

    epochs: int
    recordable: bool = False
    """Whether a step may be recorded and replayed on a device: it is a straight line of operations on
    tensors, whose scores `follow` does not keep."""

    def __init__(
        self,
        net: nn.Module,
        model: nn.Module,
        spec: Trained,
        seed: int,
        device: str,
        *,
        updates_per_epoch: int,
        updates: int | None = None,
        optimiser: ScheduledOptimiser | None = None,
    ) -> None:
        if updates_per_epoch < 1:
            raise DataError("there are no images to train with", "give the training at least one")
        self.updates_per_epoch = updates_per_epoch
        self.updates = spec.epochs * updates_per_epoch if updates is None else updates
        self.epochs = math.ceil(self.updates / updates_per_epoch)
        self.net, self.model, self.seed, self.device = net, model, seed, device
        self.optimiser = optimiser or make_optimiser(
            net.parameters(),
            spec.optimiser,
            spec.schedule,
            spec.learning_rate,
            self.updates,
            updates_per_epoch,
        )
        self.epochs_done = 0
        self.diverged = False
        self._bfloat16 = spec.arithmetic(device) == "bfloat16"
        self._captured: Captured | None = None

    @abstractmethod
    def batches(self) -> Iterable[Batch]:
        """Return the batches of a whole epoch; what is drawn at random, torch's generator draws."""

    @abstractmethod
    def loss(self, scores: Any, targets: Any) -> torch.Tensor:
        """Return the loss of a batch, shape ()."""

    @abstractmethod
    def follow(self, updates: Iterator[Update]) -> Row:
        """Go through the updates of an epoch, each of which is made when it is asked for.

        Returns:
            The part of the epoch's row about the training images.
        """

    @abstractmethod
    def validate(self) -> Row:
        """Return the metrics of the net as it is, in evaluation mode.

        Returns:
            The part of the epoch's row about the validation images.
        """

    @abstractmethod
    def leave(self) -> Results:
        """Return what is kept of the finished run; the net is in evaluation mode."""

    def learn(self) -> Iterator[Update]:
        """Return the updates of the next epoch, each of which is made when it is asked for."""
        batches = itertools.islice(self.batches(), self.updates - self.optimiser.updates)
        recorded = self._recorded()
        if recorded is not None:
            return recorded.train(batches)
        return train(self.scores, batches, self.loss, self.optimiser)

    def _recorded(self) -> Captured | None:
        """Return what trains by recorded steps, None where they are not recorded; always the same."""
        if self._captured is None and self.recordable and self.optimiser.recordable:
            recorder = recorder_for(self.device)
            if recorder is not None:
                self._captured = Captured(self.scores, self.loss, self.optimiser, self.moving, recorder)
        return self._captured

    def run_epoch(self) -> Row:
        """Run one epoch: train, then validate.

        Returns:
            What `follow` and `validate` return. A training that diverged goes on; its numbers are what they
            are.
        """
        self.model.train()
        with seeded(self.seed * 1000 + self.epochs_done + 1):  # an epoch is drawn anew, wherever it begins
            row = self.follow(self.learn())
        self.model.eval()
        with torch.inference_mode():
            row |= self.validate()
        self.epochs_done += 1
        self.diverged |= not all(map(math.isfinite, row.values()))
        return row

    def results(self) -> Results:
        """Return what is kept of the finished run; see `leave`."""
        self.model.eval()
        with torch.no_grad():
            return self.leave()

    def scores(self, inputs: Any) -> Any:
        """Return what the model says of the inputs of a batch, in the number format of the spec."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self._bfloat16):
            return self.model(inputs)

    @property
    def warning(self) -> str:
        """What the user should know of this training, in a sentence; empty for nothing."""
        failure = self._captured.failure if self._captured else ""
        return f"its steps are made one by one, since they cannot be recorded: {failure}" if failure else ""

    def moving(self) -> Mapping[str, torch.Tensor]:
        """Return the tensors of the net that training changes, not copies: all of them, usually."""
        state: dict[str, torch.Tensor] = self.net.state_dict()
        return state

    def state(self) -> dict[str, torch.Tensor]:
        """Return everything that the remaining epochs depend on, as contiguous copies on the CPU."""
        tensors = {f"net.{name}": tensor for name, tensor in self.moving().items()}
        tensors |= {f"optimiser.{name}": tensor for name, tensor in self.optimiser.state().items()}
        tensors["epochs_done"] = torch.tensor(self.epochs_done)
        tensors["diverged"] = torch.tensor(self.diverged)
        return copies(tensors)

    @torch.no_grad()
    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`, so that the remaining epochs give the very same bytes."""
        # Copied in place: the model and the optimiser hold the same tensors.
        for name, tensor in self.moving().items():
            tensor.copy_(state[f"net.{name}"])
        prefix = "optimiser."
        self.optimiser.restore({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        self.epochs_done = int(state["epochs_done"])
        self.diverged = bool(state["diverged"])


def copies(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return contiguous copies of tensors on the CPU, apart from autograd; a GPU is waited for once."""
    found = {
        name: tensor.detach().to("cpu", non_blocking=True, copy=True) for name, tensor in tensors.items()
    }
    if any(tensor.is_cuda for tensor in tensors.values()):
        torch.cuda.synchronize()
    return {name: tensor.contiguous() for name, tensor in found.items()}
