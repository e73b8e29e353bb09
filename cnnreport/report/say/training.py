"""What the runs of one training say, of whatever kind: read from what its kind declares.

What only one kind says stands in a module of its own, which adds to what stands here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import TRAIN, Kind, Recorded
from cnnreport.report.answer import Answer, Grid, Table
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Curve, Role
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import movement as moving
from cnnreport.runs.artefact import Run

# The smallest differences that a text speaks of, in nats. They are declared beforehand, for where seeds agree
# well a test would make something of any difference, however small (Lakens, 2017). A loss that is higher by d
# gives the right answers, in their geometric mean, a probability that is lower by a share of 1 − exp(−d).

RISEN = 0.02
"""Of the last loss above the lowest: the right answers 2 % less probable. Zero would be no threshold, for a
loss that is level and jitters from epoch to epoch ends above its lowest as well."""

GAP = 0.05
"""Of the validation loss above the training loss: the right answers 5 % less probable for new images."""

_WHY = {
    "gap": "a loss higher by that much makes the right answers about 5 % less probable for new images",
    "rise": "a loss that is level ends above its lowest value too, since it jitters from epoch to epoch; by "
    "that much the right answers are about 2 % less probable",
    "moving": "at that change from one late window of epochs to the next, training for as long again would "
    "change the loss by five times as much",
}
"""Why each threshold is what it is, for the reader of a verdict."""

LOSS, TRAIN_LOSS, EPOCHS = "loss", f"{TRAIN}loss", "epochs"
"""The names by which a kind is known to have a loss that can be followed."""

SHOWN_BY = "mean_iou"
"""The measure by which the run is chosen whose pictures are shown."""

WINDOWS = "; a window is a fifth of the epochs, at least one"
"""How late movement is told, for the appendix."""

Numbers = Callable[[Sequence[Run]], Mapping[str, Quantity]]
"""Reads the numbers of a training by their names: `numbers`, or what a kind makes of it."""

Rivals = Mapping[str, Sequence[Run]]
"""The runs of several trainings, by what the legend calls each."""


def training(runs: Sequence[Run]) -> Answer:
    """Return what a section about one training of any kind may print.

    Args:
        runs: The runs of one experiment, sorted by seed.

    Returns:
        ``values``: `numbers`; ``verdicts``: `verdicts`; ``decisions``: see `moving.movement`;
        ``pictures``: `plots`; ``tables``: ``final``; ``facts``: `facts`.

    Raises:
        UsageError: The runs lack something, as those of another version may.
    """
    values = numbers(runs)
    made = verdicts(runs, values)
    return Answer(
        values=values,
        verdicts=made,
        decisions=_decisions(values, made),
        pictures=plots(runs, values),
        tables={"final": final(runs, values)},
        facts=facts(runs),
    )


def _decisions(values: Mapping[str, Quantity], made: Mapping[str, Verdict]) -> dict[str, Decision]:
    if "train_fell" not in values:
        return moving.movement(made)
    return {**moving.movement(made), "below": moving.below(values["gap"], values["train_fell"])}


def experiment_of(runs: Sequence[Run]) -> str:
    """Return the experiment that some runs belong to."""
    return runs[0].experiment


def net_name(runs: Sequence[Run]) -> str:
    """Return the class name of the net that some runs trained, or words where their spec names none."""
    return str(runs[0].spec.get("net", "the net")).rpartition(":")[2]


def shown_run(runs: Sequence[Run]) -> Run:
    """Return the run whose pictures are shown, of those that did not diverge; the first where all did.

    Of segmentations it is the one with the median `SHOWN_BY` after the last epoch, the lower of two medians,
    for a seed taken without looking may be the worst of them; of other kinds it is the first.
    """
    whole = [run for run in runs if not run.diverged]
    if not whole or SHOWN_BY not in whole[0].kind:
        return (whole or runs)[0]
    key = whole[0].kind[SHOWN_BY].key
    return sorted(whole, key=lambda run: float(run.history[-1][key]))[(len(whole) - 1) // 2]


def text(runs: Sequence[Run], name: str) -> str:
    """Return a text among the measures, or the JSON of a list, that all runs have in common.

    Raises:
        UsageError: They have none, or not the same.
    """
    texts = {value if isinstance(value := run.measures.get(name), str) else json.dumps(value) for run in runs}
    common = texts.pop()
    if texts or common == "null":
        raise UsageError(f"{name} is not the same in all runs of {experiment_of(runs)}", "run them again")
    return common


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what the kind of some runs declares, by its names, and how the loss moved.

    Returns:
        ``seeds``; each number that is recorded, of the history that of the last epoch; ``<name>_best`` and
        ``<name>_epoch`` where the kind calls an epoch the best; and `movement`.
    """
    values = {"seeds": reading.count(runs)}
    for recorded in runs[0].kind.recorded:
        values |= _read(runs, recorded)
    return values | movement(runs, values)


def settings(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what the runs were asked to be, as far as their kind declares it."""
    declared = [recorded for recorded in runs[0].kind.recorded if recorded.place == "spec"]
    return {name: number for recorded in declared for name, number in _read(runs, recorded).items()}


def _read(runs: Sequence[Run], recorded: Recorded) -> dict[str, Quantity]:
    name, key, meaning, form = recorded.name, recorded.key, recorded.meaning, recorded.form
    if recorded.place == "spec":
        return {name: reading.setting(runs, key, meaning, form)}
    if recorded.place == "measures":
        return {name: reading.measure(runs, key, meaning, form, of_data=recorded.of_data)}
    last = {name: reading.last(runs, key, meaning, form)}
    return last | _best(runs, recorded) if recorded.best else last


def _best(runs: Sequence[Run], recorded: Recorded) -> dict[str, Quantity]:
    choose: Callable[[Sequence[float]], float] = max if recorded.best == "highest" else min

    def epoch(values: Sequence[float]) -> float:
        return values.index(choose(values)) + 1

    key, meaning, best = recorded.key, recorded.meaning, recorded.best
    return {
        f"{recorded.name}_best": reading.from_history(
            runs, key, f"{meaning}, best epoch", recorded.form, choose, f"{best} of all epochs"
        ),
        f"{recorded.name}_epoch": reading.from_history(
            runs, key, f"epoch of the best {meaning}", "count", epoch, f"first epoch of the {best}"
        ),
    }


def movement(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return how the loss moved, for a kind that has one.

    Args:
        runs: The runs of one experiment.
        values: What they recorded.

    Returns:
        ``first_loss`` after one epoch; ``rise`` of the last above the lowest; ``gap`` to the training loss;
        and, with several epochs, the ``largest_rise`` from one epoch to the next, the ``window`` over which
        late changes are averaged, ``late_fall``, ``late_rise``, and the ``train_fell`` of the training loss
        in the last epoch.
    """
    kind, experiment = runs[0].kind, experiment_of(runs)
    if LOSS not in kind:
        return {}
    loss = kind[LOSS]
    moved = {
        "first_loss": _from_loss(runs, "{} after one epoch", lambda losses: losses[0], "first epoch"),
        "rise": _from_loss(
            runs,
            "rise of the {} above its lowest value",
            lambda losses: losses[-1] - min(losses),
            "last epoch minus lowest",
        ),
    }
    if TRAIN_LOSS in kind:
        meaning = f"{loss.meaning} above {kind[TRAIN_LOSS].meaning}"
        moved["gap"] = difference(f"{experiment}.gap", meaning, values[LOSS], values[TRAIN_LOSS], loss.form)
    late = EPOCHS in kind and many_epochs(runs)
    return moved | (_late_movement(runs, values[EPOCHS]) if late else {}) | _train_fell(runs)


def _train_fell(runs: Sequence[Run]) -> dict[str, Quantity]:
    if TRAIN_LOSS not in runs[0].kind or not many_epochs(runs):
        return {}
    loss = runs[0].kind[TRAIN_LOSS]
    return {
        "train_fell": reading.from_history(
            runs,
            loss.key,
            f"last fall of the {loss.meaning}",
            loss.form,
            lambda losses: losses[-2] - losses[-1],
            "last epoch but one minus last",
        )
    }


def _late_movement(runs: Sequence[Run], epochs: Quantity) -> dict[str, Quantity]:
    """Return how the loss rose between epochs, and how its mean over a window moved at the end."""
    return {
        "largest_rise": _from_loss(
            runs,
            "largest rise of the {} from one epoch to the next",
            lambda losses: max(0.0, *(after - before for before, after in pairwise(losses))),
            "largest of each epoch minus the one before, at least 0",
        ),
        "window": combine(
            f"{experiment_of(runs)}.window",
            "window for late changes, epochs",
            "a fifth of {}, rounded down, at least one",
            late_window,
            epochs,
            form="count",
        ),
        "late_fall": _from_loss(
            runs,
            "late fall of the {}",
            late_fall,
            f"mean of the last window but one minus that of the last{WINDOWS}",
        ),
        "late_rise": _from_loss(
            runs,
            "late rise of the {}",
            lambda losses: -late_fall(losses),
            f"mean of the last window minus that of the last but one{WINDOWS}",
        ),
    }


def _from_loss(
    runs: Sequence[Run], meaning: str, choose: Callable[[Sequence[float]], float], how: str
) -> Quantity:
    loss = runs[0].kind[LOSS]
    return reading.from_history(runs, loss.key, meaning.format(loss.meaning), loss.form, choose, how)


def many_epochs(runs: Sequence[Run]) -> bool:
    """Tell whether there were epochs enough to say how a loss moved."""
    return len(runs[0].history) > 1


def late_window(epochs: float) -> int:
    """Return over how many epochs a loss is averaged to see how it moves at the end."""
    return max(1, int(epochs) // 5)


def late_fall(losses: Sequence[float]) -> float:
    """Return how much the mean of a loss fell from the last window but one to the last."""
    window = late_window(len(losses))
    return fmean(losses[-2 * window : -window]) - fmean(losses[-window:])


def verdicts(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Verdict]:
    """Judge what `movement` says: ``gap``, and with several epochs ``risen``, ``falling``, ``rising``."""
    net = net_name(runs)
    made = {}
    if "gap" in values:
        made["gap"] = exceeds(
            f"{net} fits the training images clearly better", values["gap"], GAP, _WHY["gap"]
        )
    if "window" not in values:
        return made
    loss = f"the {runs[0].kind[LOSS].meaning} of {net}"
    # Seeds that agree show a direction; a single one does not, so it has to move by more than nothing.
    least, why = (0.0, "") if values["late_fall"].interval else (moving.MOVING, _WHY["moving"])
    return made | {
        "risen": exceeds(
            f"At the end {loss} was clearly above its lowest value", values["rise"], RISEN, _WHY["rise"]
        ),
        "falling": exceeds(f"At the end {loss} was falling", values["late_fall"], least, why),
        "rising": exceeds(f"At the end {loss} was rising", values["late_rise"], least, why),
    }


def final(runs: Sequence[Run], values: Mapping[str, Quantity], more: Sequence[str] = ()) -> Table:
    """Return the table of a training, with the rows that its kind declares, and more where they are named."""
    names = (*runs[0].kind.table, *more)
    return Table(tuple(values[name] for name in names), reading.datasets(runs))


def facts(runs: Sequence[Run]) -> dict[str, str | bool]:
    """Return what the runs say in words: the net, runs that diverged, whose pictures are shown, epochs."""
    lost = [run.seed for run in runs if run.diverged]
    return {
        "net": net_name(runs),
        "several": len(runs) > 1,
        "all_lost": len(lost) == len(runs),
        "lost": ", ".join(map(str, lost)),
        "shown_seed": str(shown_run(runs).seed),
        "many_epochs": many_epochs(runs),
        "one_by_one": late_window(len(runs[0].history)) == 1,
    }


def plots(
    runs: Sequence[Run], values: Mapping[str, Quantity], axes: Mapping[str, str] | None = None
) -> dict[str, Picture]:
    """Draw over the epochs what the kind declares with an axis, for validation and, where known, training.

    Args:
        runs: The runs of one experiment.
        values: What they recorded.
        axes: Labels of axes that depend on the spec, by the name of the number.
    """
    kind, labels = runs[0].kind, axes or {}
    return {
        recorded.name: _plot(runs, kind, recorded, labels.get(recorded.name, recorded.axis), values)
        for recorded in kind.recorded
        if recorded.axis
    }


def _plot(
    runs: Sequence[Run], kind: Kind, recorded: Recorded, axis: str, values: Mapping[str, Quantity]
) -> Picture:
    names: dict[str, tuple[Role, str]] = {recorded.name: ("validation", "validation")}
    if (train := TRAIN + recorded.name) in kind:
        names = {train: ("train", "training"), **names}
    drawn = [Curve(label, role, _columns(runs, kind[name].key)) for name, (role, label) in names.items()]
    ends = [f"{_plain(values[name])} for {label}" for name, (_, label) in reversed(names.items())]
    lines = ", thin lines for the seeds, a thick one for their mean" if len(runs) > 1 else ""
    what = axis.partition(" (")[0]
    alt = f"Curves of the {what} over the epochs{lines}. At the end {', '.join(ends)}."
    return figure.curves(drawn, axis, alt, reading.datasets(runs), per_cent=recorded.form == "share")


def rival_curves(rivals: Rivals, name: str, y_label: str = "") -> Picture:
    """Draw a number of several trainings of a kind over the epochs.

    Args:
        rivals: The trainings.
        name: The number, as the kind calls it.
        y_label: What it is; its meaning where this is empty.
    """
    first = next(iter(rivals.values()))
    recorded = first[0].kind[name]
    label = y_label or recorded.meaning
    drawn = [Curve(who, "contender", _columns(runs, recorded.key)) for who, runs in rivals.items()]
    ends = "; ".join(
        f"{who}: {_plain(reading.last(runs, recorded.key, label, recorded.form))}"
        for who, runs in rivals.items()
    )
    alt = f"Curves of the {label} over the epochs. At the end {ends}."
    data = reading.datasets(first)
    return figure.curves(drawn, label, alt, data, per_cent=recorded.form == "share")


def side_by_side(
    trainings: Mapping[str, Sequence[Run]], columns: Mapping[str, str], first: str, read: Numbers = numbers
) -> Grid:
    """Return a table with a row for each training.

    Args:
        trainings: What each row is called, and its runs.
        columns: Which numbers to show, and the heading of each.
        first: The heading of the names.
        read: Reads them.
    """
    rows: list[tuple[str | Quantity | tuple[Quantity, ...], ...]] = []
    for title, runs in trainings.items():
        values = read(runs)
        rows.append((title, *(values[name] for name in columns)))
    data = reading.datasets([run for runs in trainings.values() for run in runs])
    return Grid((first, *columns.values()), tuple(rows), data)


def _columns(runs: Sequence[Run], field: str) -> list[list[float]]:
    return [[row[field] for row in run.history] for run in runs]


def _plain(quantity: Quantity) -> str:
    return quantity.text.replace("\u00a0", " ")
