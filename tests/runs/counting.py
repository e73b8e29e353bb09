"""A task that needs no net: it multiplies, remembers, and can be told to fail."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from cnnreport.errors import DataError
from cnnreport.kinds.kind import Kind, Recorded
from cnnreport.task import Results, Row
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule

KIND = Kind(
    name="counting",
    recorded=(
        Recorded("loss", "training loss", "loss", "history", "train_loss", live="loss"),
        Recorded("accuracy", "accuracy", "share", "history", "validation_accuracy", live="accuracy"),
        Recorded("factor", "factor", "count", "measures", of_data=True),
    ),
    samples=("value",),
)


@dataclass(frozen=True)
class Counting:
    task: ClassVar[str] = "counting:CountingTask"
    kind: ClassVar[str] = "counting:KIND"
    data: ClassVar[str | None] = None
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    symbolic: ClassVar[bool] = False

    epochs: int = 4
    factor: int = 3
    fail_at: int = 0
    die_at: int = 0
    schedule: Schedule = Schedule()  # a choice in parts, as trainings have them

    def __post_init__(self) -> None:
        self.schedule.fit(Optimiser())

    def modules(self) -> tuple[str, ...]:
        return ()

    def arithmetic(self, device: str) -> str:
        return "float32"

    def data_parameters(self) -> dict[str, Any]:
        return {}

    def effort(self) -> float:
        return float(self.epochs)


class CountingTask:
    calls: ClassVar[list[int]] = []

    def __init__(self, spec: Counting, seed: int, data: Mapping[str, Any], device: str) -> None:
        self.epochs = spec.epochs
        self.spec = spec
        self.value = torch.tensor(float(seed + 1), dtype=torch.float64)
        self.done = torch.tensor(0)

    def run_epoch(self) -> Row:
        epoch = int(self.done) + 1
        self.calls.append(epoch)
        if epoch == self.spec.fail_at:
            raise DataError("the third image is torn", "mend it")
        if epoch == self.spec.die_at:
            os._exit(9)
        self.value = self.value * self.spec.factor
        self.done = self.done + 1
        return {"train_loss": float(self.value), "validation_accuracy": float("nan")}

    def state(self) -> dict[str, torch.Tensor]:
        return {"value": self.value, "done": self.done}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        self.value, self.done = state["value"], state["done"]

    def results(self) -> Results:
        return Results(
            weights={"value": self.value},
            samples={"value": np.array([[float(self.value), 1.0], [2.0, 3.0]]).T},
            measures={"factor": self.spec.factor},
            listings={"Counting": "class Counting: ...\n"},
        )
