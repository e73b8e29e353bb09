"""Optimisers by name, whose step size follows a schedule, and which can be taken apart and put together.

They are PyTorch's own classes, but for Adam with its usual parameters: constructing PyTorch's costs three
seconds of imports in every worker, see `fast.adam`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import torch

from cnnreport.training.fast.adam import Adam
from cnnreport.training.specs.optimiser import OPTIMISERS, Optimiser
from cnnreport.training.specs.schedule import Schedule

_CLASSES = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "rprop": "Rprop"}
_ARGUMENTS = {
    "epsilon": "eps",
    "smoothing": "alpha",
    "factors": "etas",
}
"""What PyTorch calls parameters for which the spec has another word."""


class Rule(Protocol):
    """How parameters follow their gradients, without a schedule."""

    learning_rate: float

    def zero_grad(self) -> None:
        """Forget the gradients."""

    def step(self) -> None:
        """Update the parameters by their gradients."""

    def state(self) -> dict[str, torch.Tensor]:
        """Return what the next step depends on, by name; not copies."""

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`."""


class ScheduledOptimiser:
    """What a training loop calls once for each batch: the rule of an optimiser, at the rate of a schedule.

    Args:
        rule: How parameters follow their gradients.
        rate: The learning rate of an update, from how many have been made.
    """

    def __init__(self, rule: Rule, rate: Callable[[int], float]) -> None:
        self.updates = 0
        self._rule, self._rate = rule, rate

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._rule.zero_grad()

    def step(self) -> None:
        """Update the parameters by their gradients."""
        self.advance()
        self.apply()

    def advance(self) -> None:
        """Set the step size of the next update, and count it."""
        self._rule.learning_rate = self._rate(self.updates)
        self.updates += 1

    def apply(self) -> None:
        """Update the parameters by their gradients, at the step size that is set."""
        self._rule.step()

    @property
    def recordable(self) -> bool:
        """Whether `apply` is a straight line of operations, with a step size that a device reads anew."""
        return isinstance(self._rule, Adam) and self._rule.recordable

    def state(self) -> dict[str, torch.Tensor]:
        """Return the number of updates and what the rule keeps, by name; not copies."""
        return {"updates": torch.tensor(self.updates), **self._rule.state()}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`."""
        self.updates = int(state["updates"])
        self._rule.restore({name: tensor for name, tensor in state.items() if name != "updates"})


class TorchRule:
    """One of PyTorch's optimisers.

    Args:
        optimiser: With a single group of parameters.
    """

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self._optimiser = optimiser
        self._parameters: list[torch.Tensor] = optimiser.param_groups[0]["params"]

    @property
    def learning_rate(self) -> float:
        """The step size of the next step."""
        return float(self._optimiser.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._optimiser.param_groups[0]["lr"] = rate

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._optimiser.zero_grad()

    def step(self) -> None:
        """Update the parameters by their gradients."""
        self._optimiser.step()

    def state(self) -> dict[str, torch.Tensor]:
        """Return what PyTorch keeps of each parameter, as ``<number>.<name>``: nothing before a step."""
        return {
            f"{number}.{name}": value
            for number, parameter in enumerate(self._parameters)
            for name, value in self._optimiser.state[parameter].items()
            if isinstance(value, torch.Tensor)
        }

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`."""
        self._optimiser.state.clear()
        for key, value in state.items():
            number, _, name = key.partition(".")
            parameter = self._parameters[int(number)]
            # Step counts are where PyTorch wants them; all else lies in memory as its parameter does.
            kept = value.clone() if name == "step" else torch.empty_like(parameter).copy_(value)
            self._optimiser.state[parameter][name] = kept.detach()


def make_optimiser(
    parameters: Iterable[torch.nn.Parameter],
    optimiser: Optimiser,
    schedule: Schedule,
    learning_rate: float,
    updates: int,
    updates_per_epoch: int,
) -> ScheduledOptimiser:
    """Return the optimiser that a spec names.

    Args:
        parameters: What learns.
        optimiser: Which one.
        schedule: How its step size changes.
        learning_rate: The step size that the schedule multiplies.
        updates: How many updates there will be.
        updates_per_epoch: How many there are in a pass over the training images.

    Raises:
        UsageError: The schedule does not fit the optimiser, see `Schedule.fit`.
    """
    schedule.fit(optimiser)

    def rate(made: int) -> float:
        return learning_rate * schedule.share(made, updates, updates_per_epoch)

    return ScheduledOptimiser(_rule(list(parameters), optimiser, learning_rate), rate)


def _rule(parameters: list[torch.nn.Parameter], chosen: Optimiser, learning_rate: float) -> Rule:
    taken = chosen.parameters()
    if chosen.name == "adam" and taken == OPTIMISERS["adam"]:
        return Adam(parameters, learning_rate)
    arguments: dict[str, Any] = {_ARGUMENTS.get(name, name): value for name, value in taken.items()}
    optimiser_class = getattr(torch.optim, _CLASSES[chosen.name])
    return TorchRule(optimiser_class(parameters, lr=learning_rate, **arguments))
