"""In which state trainings are when they end: whether they do better than guessing, and still get better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.verdict import exceeds
from cnnreport.report.say import training
from cnnreport.runs.artefact import Run

STATES = ("worse", "guessing", "learning", "lost")
"""Its training loss is above that of guessing; its test accuracy is not above that of guessing; neither; or
it has no finite number. With several trials the whole interval has to lie above."""


@dataclass(frozen=True)
class State:
    """A training as it ends.

    Args:
        name: What it is called.
        state: One of `STATES`.
        accuracy: Its test accuracy.
        loss: Its training loss in the last epoch.
    """

    name: str
    state: Decision
    accuracy: Quantity
    loss: Quantity


def states(trained: Mapping[str, Sequence[Run]]) -> list[State]:
    """Say of each training, by what it is called, in which state it ends."""
    return [_state(name, training.numbers(runs)) for name, runs in trained.items()]


def _state(name: str, values: Mapping[str, Quantity]) -> State:
    accuracy, loss = values["test_accuracy"], values["train_loss"]
    if not (accuracy.finite and loss.finite):
        outcome = "lost"
    elif exceeds("", loss, values["chance_loss"].mean).yes:
        outcome = "worse"
    else:
        better = exceeds("", accuracy, values["chance_accuracy"].mean).yes
        outcome = "learning" if better else "guessing"
    return State(name, Decision(f"the state of {name}", outcome, STATES), accuracy, loss)


def still_falling(trained: Mapping[str, Sequence[Run]]) -> tuple[str, Quantity] | None:
    """Return the training whose training loss fell most in the last epoch, and by how much.

    Returns:
        None where there was one epoch, or no loss fell clearly.
    """
    fell = {name: _fell(runs) for name, runs in trained.items() if len(runs[0].history) > 1}
    clear = {name: by for name, by in fell.items() if exceeds("", by).yes}
    return max(clear.items(), key=lambda item: item[1].mean) if clear else None


def _fell(runs: Sequence[Run]) -> Quantity:
    return reading.from_history(
        runs,
        runs[0].kind["train_loss"].key,
        "fall of the training loss in the last epoch",
        "loss",
        lambda losses: losses[-2] - losses[-1],
        "last epoch but one minus the last",
    )
