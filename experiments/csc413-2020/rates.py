"""What the learning rate does to one training: a table, a figure and a trend over the rates."""

from collections.abc import Mapping, Sequence

from cnnreport.report.answer import Answer
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, over_all
from cnnreport.report.numbers.trend import trend
from cnnreport.report.say import colourization, training
from cnnreport.report.say.sweep import apart
from cnnreport.runs.artefact import Run

Trainings = Sequence[Sequence[Run]]

COLUMNS = {
    "seeds": "runs",
    "first_loss": "validation loss, first epoch",
    "train_loss": "training loss",
    "loss": "validation loss",
    "accuracy": "validation accuracy",
    "edges_predicted": "edge share",
    "colours_predicted": "colours used",
}

WHERE = ("smallest", "between", "largest", "lost")
"""Which of the rates has the lowest mean validation loss; all runs may have diverged."""


def rates(trainings: Trainings, name: str = "six-block-cnn.rates") -> Answer:
    """Return what a section says about one net that was trained with several learning rates.

    Args:
        trainings: The runs of each rate, in any order; they differ in the rate and in their number alone.
        name: Unique in the report; names of quantities begin with it.

    Returns:
        ``values``: the ``smallest`` and ``largest`` rate, how many ``rates``, and the ``best`` one with its
        ``best_loss``; ``trends``: ``loss``, with each doubling; ``decisions``: ``where`` the best one is;
        ``grids`` and ``pictures``: ``rates``; ``facts``: ``lost``, the rates with which a run diverged.
    """
    by_rate = {_rate(runs): runs for runs in sorted(trainings, key=_rate)}
    read = {rate: colourization.numbers(runs) for rate, runs in by_rate.items()}
    losses = {rate: numbers["loss"] for rate, numbers in read.items()}
    finite = [rate for rate, loss in losses.items() if loss.finite]
    best = min(finite, key=lambda rate: losses[rate].mean, default=None)
    ends = read[min(read)]["learning_rate"], read[max(read)]["learning_rate"]
    values = {"smallest": ends[0], "largest": ends[1], "rates": _count(name, losses)}
    if best is not None:
        values |= {"best": read[best]["learning_rate"], "best_loss": losses[best]}
    by_text = {read[rate]["learning_rate"].text: runs for rate, runs in by_rate.items()}
    over = trend(f"{name}.loss", losses, "learning rate")
    return Answer(
        values=values,
        trends={"loss": over},
        verdicts={"loss_trend": over.verdict},
        decisions={"where": Decision("which learning rate has the lowest loss", _where(best, read), WHERE)},
        grids={"rates": training.side_by_side(by_text, COLUMNS, "learning rate", colourization.numbers)},
        pictures={"rates": _over_rates(read, by_rate)},
        facts={
            "cut": _ceiling(read) is not None,
            "lost": ", ".join(text for text, runs in by_text.items() if any(run.diverged for run in runs)),
        },
    )


def _rate(runs: Sequence[Run]) -> float:
    return float(runs[0].spec["learning_rate"])


def _count(name: str, losses: Mapping[float, Quantity]) -> Quantity:
    return over_all(
        name, "learning rates tried", len(losses), "the rates, counted", *losses.values(), form="count"
    )


def _where(best: float | None, rates: Mapping[float, object]) -> str:
    if best is None:
        return "lost"
    return {min(rates): "smallest", max(rates): "largest"}.get(best, "between")


def _over_rates(
    read: Mapping[float, Mapping[str, Quantity]], by_rate: Mapping[float, Sequence[Run]]
) -> Picture:
    """Draw the final losses over the rate."""
    drawn = [
        Curve(label, role, [[numbers[name].mean for numbers in read.values()]], x=list(read))
        for label, role, name in (
            ("training", "train", "train_loss"),
            ("validation", "validation", "loss"),
        )
    ]
    said = "; ".join(
        f"{numbers['learning_rate'].text}: {numbers['train_loss'].text} and {numbers['loss'].text}"
        for numbers in read.values()
    ).replace("\u00a0", " ")
    runs = next(iter(by_rate.values()))
    return figure.curves(
        drawn,
        runs[0].kind["loss"].axis,
        f"The final training and validation loss over the learning rate. {said}.",
        reading.datasets(runs),
        axis=Axis("learning rate", ticks=apart(list(read))),
        ceiling=_ceiling(read),
    )


def _ceiling(read: Mapping[float, Mapping[str, Quantity]]) -> float | None:
    """Return twice the loss of guessing where a loss is higher, which would flatten all others."""
    losses = [numbers[name] for numbers in read.values() for name in ("train_loss", "loss")]
    highest = 2 * next(iter(read.values()))["chance_loss"].mean
    return highest if any(loss.finite and loss.mean > highest for loss in losses) else None
