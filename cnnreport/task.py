"""The small contract between an experiment and whatever runs it.

The runner (cnnreport.runs) knows nothing of nets; a task knows nothing of files. A task is made
from a spec, a seed, prepared data and a device; it is asked for one epoch after another, can be
taken apart into tensors after each and put together again, and hands over its results at the end. It may
have a ``warning``, a sentence that the user is told after the epoch in which it first stands there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch

Row = dict[str, float]
"""One epoch of a history: a number for each quantity that the task follows."""


@dataclass(frozen=True)
class Results:
    """What a finished task leaves behind.

    Args:
        weights: Parameters and buffers of the net by their names.
        samples: Arrays for the pictures of the report, by name.
        measures: Numbers and short texts beyond the history, JSON-able.
        listings: Source text of the classes that ran, by class name.
    """

    weights: Mapping[str, "torch.Tensor"] = field(default_factory=dict)
    samples: Mapping[str, "np.ndarray[Any, Any]"] = field(default_factory=dict)
    measures: Mapping[str, Any] = field(default_factory=dict)
    listings: Mapping[str, str] = field(default_factory=dict)


class Spec(Protocol):
    """A frozen dataclass with every choice that changes the outcome of a run."""

    @property
    def task(self) -> str:
        """The class that runs it, as ``module:Class``; a class variable."""

    @property
    def kind(self) -> str:
        """What its runs leave, a `cnnreport.kinds.kind.Kind` as ``module:NAME``; a class variable."""

    @property
    def data(self) -> str | tuple[str, ...] | None:
        """The data set that it takes as ``module:NAME``, several of them, or None; a class variable."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries whose version can change the bytes of a run; a class variable."""

    @property
    def symbolic(self) -> bool:
        """Whether it is a derivation, which no seed and no device can change; a class variable."""

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports."""

    def arithmetic(self, device: str) -> str:
        """Return the number format of a run on a device."""

    def data_parameters(self) -> dict[str, Any]:
        """Return what the preparation of the (first) data set depends on: arguments of its ``prepare``."""

    def effort(self) -> float:
        """Return how long a run takes, in units of its own family of specs: only an order."""


class Task(Protocol):
    """Something that is run in epochs; see the module's docstring."""

    epochs: int

    def __init__(
        self, spec: Any, seed: int, data: Mapping[str, "np.ndarray[Any, Any]"], device: str
    ) -> None: ...

    def run_epoch(self) -> Row:
        """Run the next epoch and return its row of the history."""

    def state(self) -> dict[str, "torch.Tensor"]:
        """Return everything that the remaining epochs depend on, as contiguous CPU tensors."""

    def restore(self, state: Mapping[str, "torch.Tensor"]) -> None:
        """Continue from a `state`, so that the remaining epochs give the very same bytes."""

    def results(self) -> Results:
        """Return what is kept of the finished run."""
