"""Which optimiser a training uses, as a frozen dataclass that imports nothing heavy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cnnreport.training.specs.named import Ranges, require, require_each, resolve

_ADAM = {"betas": (0.9, 0.999), "epsilon": 1e-8}
OPTIMISERS: Mapping[str, Mapping[str, Any]] = {
    "adam": {**_ADAM, "weight_decay": 0.0},
    "adamw": {**_ADAM, "weight_decay": 0.01},
    "sgd": {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    "rmsprop": {"smoothing": 0.99, "epsilon": 1e-8, "momentum": 0.0, "weight_decay": 0.0},
    "rprop": {"factors": (0.5, 1.2), "step_sizes": (1e-6, 50.0)},
}
"""The parameters of each optimiser and their usual values, which are PyTorch's."""


@dataclass(frozen=True)
class Optimiser:
    """How parameters follow their gradients; the step size is the spec's ``learning_rate``.

    A parameter that is None has the value of `OPTIMISERS`.

    Args:
        name: ``adam`` (Kingma and Ba, 2015), ``adamw`` (Loshchilov and Hutter, 2019), ``sgd`` with or
            without momentum (Sutskever et al., 2013), ``rmsprop`` (Hinton, 2012) or ``rprop`` (Riedmiller
            and Braun, 1993), whose learning rate is its first step size alone.
        momentum: Of ``sgd`` and ``rmsprop``, in 0..1, 1 excluded.
        nesterov: Whether the momentum of ``sgd`` is Nesterov's.
        weight_decay: At least 0: part of the gradient (L2), but for ``adamw``, where it acts on the
            parameters themselves.
        epsilon: What is added to the denominator of ``adam``, ``adamw`` and ``rmsprop``, above 0.
        betas: How fast the two moments of ``adam`` and ``adamw`` forget, each in 0..1, 1 excluded.
        smoothing: How fast the squares of ``rmsprop`` forget, in 0..1, 1 excluded.
        factors: By what ``rprop`` multiplies a step size when the sign of the gradient changes, below 1, and
            when it stays, above 1.
        step_sizes: The smallest and the largest step size of ``rprop``.

    Raises:
        UsageError: There is no such optimiser, it has no such parameter, or a value is out of its range.
    """

    name: str = "adam"
    momentum: float | None = None
    nesterov: bool | None = None
    weight_decay: float | None = None
    epsilon: float | None = None
    betas: tuple[float, float] | None = None
    smoothing: float | None = None
    factors: tuple[float, float] | None = None
    step_sizes: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        taken = self.parameters()
        require_each(f"the optimiser {self.name}", taken, _RANGES)
        if taken.get("nesterov"):
            require(taken["momentum"] > 0, "momentum of Nesterov's sgd", taken["momentum"], "more than 0")

    def parameters(self) -> dict[str, Any]:
        """Return all parameters that the optimiser takes, given ones and usual ones."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}
        return resolve("optimiser", self.name, OPTIMISERS, given)


def _share(value: float) -> bool:
    return 0 <= value < 1


def _falls_and_rises(value: tuple[float, float]) -> bool:
    return len(value) == 2 and 0 < value[0] < 1 < value[1]


_RANGES: Ranges = {
    "momentum": (_share, "a number from 0 to below 1"),
    "smoothing": (_share, "a number from 0 to below 1"),
    "nesterov": (lambda value: value in (True, False), "True or False"),
    "weight_decay": (lambda value: 0 <= value < math.inf, "at least 0"),
    "epsilon": (lambda value: value > 0, "more than 0"),
    "betas": (lambda value: len(value) == 2 and all(map(_share, value)), "two numbers from 0 to below 1"),
    "factors": (_falls_and_rises, "a number below 1 and one above"),
    "step_sizes": (
        lambda value: len(value) == 2 and 0 < value[0] <= value[1],
        "the smallest and the largest",
    ),
}
"""For each parameter whether a value is in its range, and what it must be."""
