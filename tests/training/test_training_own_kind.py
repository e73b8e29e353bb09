"""A kind of training that is written in a few lines: what the loop does for it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cnnreport.errors import DataError
from cnnreport.task import Results, Row
from cnnreport.training.loop import Batch, Loop, Update
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule


@dataclass(frozen=True)
class Line:
    """What the smallest spec tells the loop."""

    epochs: int = 3
    updates: int | None = 10
    learning_rate: float = 0.1
    optimiser: Optimiser = Optimiser("sgd", momentum=0.5)
    schedule: Schedule = Schedule("cosine", warm_up=1)
    number_format: str = "float32"

    def arithmetic(self, device: str) -> str:
        """Return the number format."""
        return self.number_format


class LineTraining(Loop):
    """Fits a line to points in batches of two."""

    def __init__(self, spec: Line, seed: int, data: dict[str, NDArray[Any]], device: str) -> None:
        self.x, self.y = (torch.from_numpy(data[name]).to(device) for name in "xy")
        net = torch.nn.Linear(1, 1).to(device)
        batches = len(self.x) // 2
        super().__init__(net, net, spec, seed, device, updates_per_epoch=batches, updates=spec.updates)

    def batches(self) -> Iterator[Batch]:
        """Two points each, in a new order."""
        for two in torch.randperm(len(self.x)).split(2):
            yield self.x[two], self.y[two]

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The mean squared error."""
        return torch.nn.functional.mse_loss(scores, targets)

    def follow(self, updates: Iterator[Update]) -> Row:
        """The last loss, and how many updates there were."""
        losses = [float(loss) for loss, _, _ in updates]
        return {"train_loss": losses[-1], "made": float(len(losses))}

    def validate(self) -> Row:
        """The error of all points, and whether the net knows that it is judged."""
        error = float(self.loss(self.scores(self.x), self.y))
        return {"validation_loss": error, "judged": float(not self.model.training)}

    def leave(self) -> Results:
        """The slope."""
        return Results(measures={"slope": float(self.net.weight), "grad": torch.is_grad_enabled()})  # type: ignore[arg-type]


def points(count: int = 8) -> dict[str, NDArray[Any]]:
    """Points of a line with slope 2."""
    x = np.linspace(-1, 1, count, dtype=np.float32)[:, None] if count else np.zeros((0, 1), np.float32)
    return {"x": x, "y": 2 * x + 1}


def test_it_learns_and_is_judged_in_evaluation_mode() -> None:
    """The loop drives the updates, switches the modes, and needs no gradients for what is left."""
    task = LineTraining(Line(epochs=50, updates=None), 0, points(), "cpu")
    rows = [task.run_epoch() for _ in range(task.epochs)]
    assert rows[-1]["validation_loss"] < 1e-3
    assert {row["judged"] for row in rows} == {1.0}
    measures = task.results().measures
    assert measures == {"slope": pytest.approx(2, abs=0.1), "grad": False}


def test_the_last_epoch_is_cut_short() -> None:
    """Ten updates are two epochs of four and one of two."""
    task = LineTraining(Line(), 0, points(), "cpu")
    assert [task.run_epoch()["made"] for _ in range(task.epochs)] == [4, 4, 2]
    assert task.optimiser.updates == 10


def test_an_epoch_draws_by_its_number_and_leaves_the_generator_alone() -> None:
    """Whatever was drawn before in the process, an epoch has the order of its seed and its number."""
    orders = []
    for disturbance in (1, 2):
        task = LineTraining(Line(learning_rate=0.0), 0, points(), "cpu")
        task.restore(LineTraining(Line(), 0, points(), "cpu").state() | {"net.weight": torch.ones(1, 1)})
        task.net.bias.data.zero_()  # type: ignore[union-attr,operator]
        torch.manual_seed(disturbance)
        before = torch.random.get_rng_state()
        orders.append([task.run_epoch()["train_loss"] for _ in range(2)])
        assert torch.equal(torch.random.get_rng_state(), before)
    assert orders[0] == orders[1]
    assert orders[0][0] != orders[0][1]


def test_bfloat16_is_the_loops_business() -> None:
    """The spec's number format rules what the model computes in, and nothing else has to know."""
    for number_format, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        task = LineTraining(replace(Line(), number_format=number_format), 0, points(), "cpu")
        assert task.scores(task.x).dtype == dtype


def test_nothing_to_learn_from_is_refused() -> None:
    """A training without a single batch says so before it begins."""
    with pytest.raises(DataError, match="no images to train with; give the training at least one"):
        LineTraining(Line(), 0, points(0), "cpu")


def test_a_state_of_another_net_is_refused() -> None:
    """A tensor that is missing is named."""
    task = LineTraining(Line(), 0, points(), "cpu")
    state = task.state()
    del state["net.bias"]
    with pytest.raises(KeyError, match=r"net\.bias"):
        task.restore(state)


def test_a_hook_that_is_missing_is_named() -> None:
    """A kind that leaves a hook out cannot be made."""
    incomplete = type("Incomplete", (Loop,), {})
    with pytest.raises(TypeError, match=r"batches.*follow.*leave.*loss.*validate"):
        incomplete()
