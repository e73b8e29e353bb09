"""How the learning rate changes while a net learns, as a frozen dataclass that imports nothing heavy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.training.specs.named import Ranges, require_each, resolve
from cnnreport.training.specs.optimiser import Optimiser

SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "constant": {"warm_up": 0.0},
    "step": {"warm_up": 0.0, "every": 10, "factor": 0.1},
    "cosine": {"warm_up": 0.0},
    "one-cycle": {"peak": 0.3, "begin": 1 / 25, "end": 1 / 250_000},
}
"""The parameters of each schedule and their usual values; those of one-cycle are PyTorch's."""


@dataclass(frozen=True)
class Schedule:
    """By what the spec's ``learning_rate`` is multiplied, update by update.

    A parameter that is None has the value of `SCHEDULES`. The momentum is left alone, by one-cycle too.

    Args:
        name: ``constant``; ``step``, which multiplies the rate once in some epochs; ``cosine``, which lets it
            fall to zero along half a cosine, a little with each update (Loshchilov and Hutter, 2017,
            equation 5, without restarts); ``one-cycle``, which lets it rise and fall along half a cosine
            each, a little with each update (Smith and Topin, 2018, as PyTorch's OneCycleLR has it).
        warm_up: Over how many epochs the rate rises linearly at first, with each update, up to what it is
            without; at least 0, parts of an epoch count. ``cosine`` begins to fall only then.
        every: After how many epochs ``step`` multiplies, at least 1.
        factor: By what ``step`` multiplies, above 0.
        peak: After which share of all updates ``one-cycle`` has its highest rate, the learning rate, in 0..1.
        begin: Where ``one-cycle`` begins, as a share of the learning rate.
        end: Where it ends.

    Raises:
        UsageError: There is no such schedule, it has no such parameter, or a value is out of its range.
    """

    name: str = "constant"
    warm_up: float | None = None
    every: int | None = None
    factor: float | None = None
    peak: float | None = None
    begin: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        require_each(f"the schedule {self.name}", self.parameters(), _RANGES)

    def parameters(self) -> dict[str, Any]:
        """Return all parameters that the schedule takes, given ones and usual ones."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}
        return resolve("schedule", self.name, SCHEDULES, given)

    def fit(self, optimiser: Optimiser) -> None:
        """Refuse an optimiser whose step size nothing can change.

        Raises:
            UsageError: It is ``rprop``, and the schedule is not the constant one.
        """
        if optimiser.name == "rprop" and self != Schedule():
            raise UsageError(
                f"rprop finds its step sizes itself, but the schedule {self.name!r} is asked for",
                "leave the schedule out, or take another optimiser",
            )

    def share(self, update: int, updates: int, per_epoch: int) -> float:
        """Return by what the learning rate of an update is multiplied.

        Args:
            update: How many updates have been made, at least 0.
            updates: How many there are in all, more than `update`.
            per_epoch: How many there are in a pass over the training images.
        """
        taken = self.parameters()
        if self.name == "one-cycle":
            return _one_cycle(update, updates, **taken)
        warm_up = round(taken["warm_up"] * per_epoch)
        rise = min(1.0, (update + 1) / warm_up) if warm_up else 1.0
        if self.name == "step":
            return float(rise * taken["factor"] ** (update // per_epoch // taken["every"]))
        if self.name == "cosine":
            return rise * _half_cosine(max(0, update - warm_up) / max(1, updates - warm_up))
        return rise


def _one_cycle(update: int, updates: int, peak: float, begin: float, end: float) -> float:
    top = peak * updates - 1
    if update <= top:
        return 1 + (begin - 1) * _half_cosine(update / top if top else 1.0)
    return end + (1 - end) * _half_cosine((update - top) / (updates - 1 - top))


def _half_cosine(done: float) -> float:
    """Fall from 1 to 0 while `done` rises from 0 to 1."""
    return (1 + math.cos(math.pi * done)) / 2


_RANGES: Ranges = {
    "warm_up": (lambda value: 0 <= value < math.inf, "at least 0"),
    "every": (lambda value: value >= 1 and value == int(value), "a whole number, at least 1"),
    "factor": (lambda value: 0 < value < math.inf, "more than 0"),
    "peak": (lambda value: 0 < value < 1, "a share between 0 and 1"),
    "begin": (lambda value: 0 < value <= 1, "a share of the learning rate"),
    "end": (lambda value: 0 <= value <= 1, "a share of the learning rate"),
}
"""For each parameter whether a value is in its range, and what it must be."""
