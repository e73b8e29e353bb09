"""What the runs of one training say: results, looks, how the loss moved; as values, verdicts and pictures.

Serves every training of a colourization net (CSC413 2020 to 2022, programming assignment 2).
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report import answer
from cnnreport.report.answer import Answer, DataSet, Grid, Picture
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Curve, Role
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say.movement import movement as decide
from cnnreport.runs.artefact import Run

# What a difference has to exceed before a text speaks of it; losses are in nats.
RISEN = 0.02
GAP = 0.05
MOVING = 0.005

_RESULTS: tuple[tuple[str, str, str, Form], ...] = (
    ("loss", "validation_loss", "validation loss", "loss"),
    ("accuracy", "validation_accuracy", "validation accuracy", "share"),
    ("train_loss", "train_loss", "training loss", "loss"),
    ("train_accuracy", "train_accuracy", "training accuracy", "share"),
)

_LOOKS: tuple[tuple[str, str, str, Form], ...] = (
    ("top3", "top3_accuracy", "top-3 accuracy", "share"),
    ("image_lowest", "image_accuracy_minimum", "accuracy, worst image", "share"),
    ("image_median", "image_accuracy_median", "accuracy, median image", "share"),
    ("image_highest", "image_accuracy_maximum", "accuracy, best image", "share"),
    ("rgb_distance", "rgb_distance", "mean RGB distance from the true colour", "loss"),
    ("lab_distance", "lab_distance", "mean CIELAB distance from the true colour", "ratio"),
    ("edges_predicted", "edge_share_predicted", "edge share, predicted", "share"),
    ("colours_predicted", "colours_predicted", "colours that the net uses", "count"),
    ("colour_share", "colour_share_predicted", "share of the colours that the net uses", "share"),
)

_OF_DATA: tuple[tuple[str, str, str, Form], ...] = (
    ("train_images", "train_images", "training images", "count"),
    ("validation_images", "validation_images", "validation images", "count"),
    ("edges_true", "edge_share_truth", "edge share, true", "share"),
    ("colours_present", "colours_present", "colours in the true pictures", "count"),
    ("colour_share_true", "colour_share_present", "share of the colours in the true pictures", "share"),
    ("chance_loss", "chance_loss", "loss of guessing", "loss"),
    ("chance", "chance_accuracy", "accuracy of guessing", "share"),
    ("frequent", "frequent_accuracy", "accuracy of the most frequent colour", "share"),
    ("table", "grey_table_accuracy", "accuracy of the table from grey level to colour", "share"),
)

FINAL = ("loss", "train_loss", "accuracy", "train_accuracy", "top3", "image_lowest", "image_median",
         "image_highest", "rgb_distance", "lab_distance", "edges_predicted", "edges_true",
         "colour_share", "colour_share_true")  # fmt: skip
"""The rows of the table of a training, in order."""


RECIPE = ("seeds", "epochs", "train_images", "batch_size", "kernel", "filters", "learning_rate")
"""What two trainings have in common of which a text says that one was trained as the other."""


def training(runs: Sequence[Run]) -> Answer:
    """Return what every section about one training may print.

    Args:
        runs: The runs of one experiment, sorted by seed.

    Returns:
        ``values``: settings, results of the last epoch, looks of the predictions, baselines of the data,
        and how the validation loss moved; ``verdicts``: ``gap``, ``risen``, ``falling``, ``rising``,
        ``beats_table``; ``decisions``: see `movement.movement`;
        ``pictures``: ``loss`` and ``accuracy`` over the epochs, rows of images, and rows of the best, median
        and worst images (``ranked_…``); ``tables``: ``final``; ``facts``.

    Raises:
        UsageError: The runs lack something, as those of another version may.
    """
    values = numbers(runs)
    if many_epochs(values):
        values |= movement(runs, values["epochs"])
    net = net_name(runs)
    verdicts = _verdicts(values, net)
    return Answer(
        values=values,
        verdicts={**verdicts, "beats_table": beats_table(runs, values["over_table"])},
        decisions=decide(verdicts),
        pictures={**plots(runs, values), **picture_rows(runs, net), **ranked_rows(runs, net)},
        tables={"final": answer.Table(tuple(values[name] for name in FINAL), answer.datasets(runs))},
        facts=_facts(runs, values),
    )


def experiment_of(runs: Sequence[Run]) -> str:
    """Return the experiment that some runs belong to."""
    return runs[0].experiment


def net_name(runs: Sequence[Run]) -> str:
    """Return the class name of the net that some runs trained."""
    return str(runs[0].spec["net"]).rpartition(":")[2]


def shown_run(runs: Sequence[Run]) -> Run:
    """Return the run whose pictures are shown: the first that did not diverge, else the first."""
    return next((run for run in runs if not answer.diverged(run)), runs[0])


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return settings, results, looks, what depends on the data alone, and what is computed from these."""
    found = {**settings(runs), **results(runs), **looks(runs), **of_data(runs)}
    experiment = experiment_of(runs)
    found["over_table"] = difference(
        f"{experiment}.over_table",
        f"accuracy above the table, {net_name(runs)}",
        found["accuracy"],
        found["table"],
        "points",
    )
    found["gap"] = difference(
        f"{experiment}.gap",
        "validation loss above training loss",
        found["loss"],
        found["train_loss"],
        "loss",
    )
    for name, mine, true in (
        ("edges_off", "edges_predicted", "edges_true"),
        ("colours_off", "colour_share", "colour_share_true"),
    ):
        found[name] = combine(
            f"{experiment}.{name}",
            f"{found[true].meaning}, how far the predictions are from it",
            "size of ({} less {})",
            lambda predicted, truth: abs(predicted - truth),
            found[mine],
            found[true],
            form="points",
        )
    return found


def beats_table(runs: Sequence[Run], over_table: Quantity) -> Verdict:
    """Judge whether a net is better than the table from grey level to colour, which sees no shapes."""
    return exceeds(f"{net_name(runs)} is better than a table from grey level to colour", over_table)


def settings(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what the training was asked to be."""
    return {
        "seeds": answer.count(runs),
        "epochs": answer.measure(runs, "epochs", "epochs", "count", of_data=True),
        "updates": answer.measure(runs, "updates", "updates", "count", of_data=True),
        "batch_size": answer.setting(runs, "batch_size", "batch size"),
        "learning_rate": answer.setting(runs, "learning_rate", "learning rate", "number"),
        "kernel": answer.setting(runs, "kernel", "kernel size"),
        "filters": answer.setting(runs, "num_filters", "NF, filters of the first layer"),
        "colours": answer.setting(runs, "num_colours", "NC, colours"),
        "parameters": answer.measure(runs, "parameters", "weights of the net", "count", of_data=True),
    }


def results(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return losses and accuracies of the last epoch, and how far the loss rose above its lowest value."""
    found = {name: answer.last(runs, column, meaning, form) for name, column, meaning, form in _RESULTS}
    found["rise"] = answer.from_history(
        runs,
        "validation_loss",
        "rise of the validation loss above its lowest value",
        "loss",
        lambda losses: losses[-1] - min(losses),
        "last epoch less lowest",
    )
    return found


def looks(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what the predictions on the validation images look like, after the last epoch."""
    return {name: answer.measure(runs, field, meaning, form) for name, field, meaning, form in _LOOKS}


def of_data(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what depends on the data alone: their number, their looks, and rules without a net."""
    return {
        name: answer.measure(runs, field, meaning, form, of_data=True)
        for name, field, meaning, form in _OF_DATA
    }


def movement(runs: Sequence[Run], epochs: Quantity) -> dict[str, Quantity]:
    """Return how the validation loss moved at the end; needs more than one epoch."""

    def late(meaning: str, choose: Callable[[Sequence[float]], float], how: str) -> Quantity:
        how = f"{how}; a window is a fifth of the epochs, at least one"
        return answer.from_history(runs, "validation_loss", meaning, "loss", choose, how)

    return {
        "window": combine(
            f"{experiment_of(runs)}.window",
            "window for late changes, epochs",
            "a fifth of {}, rounded down, at least one",
            late_window,
            epochs,
            form="count",
        ),
        "late_fall": late(
            "late fall of the validation loss",
            late_fall,
            "mean of the last window but one less that of the last",
        ),
        "late_rise": late(
            "late rise of the validation loss",
            lambda losses: -late_fall(losses),
            "mean of the last window less that of the last but one",
        ),
    }


def many_epochs(values: Mapping[str, Quantity]) -> bool:
    """Tell whether there were epochs enough to say how a loss moved."""
    return values["epochs"].mean > 1


def late_window(epochs: float) -> int:
    """Return over how many epochs a loss is averaged to see how it moves at the end."""
    return max(1, int(epochs) // 5)


def late_fall(losses: Sequence[float]) -> float:
    """Return how much the mean of a loss fell from the last window but one to the last."""
    window = late_window(len(losses))
    return fmean(losses[-2 * window : -window]) - fmean(losses[-window:])


def plots(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Picture]:
    """Return the curves of loss and accuracy over the epochs, for training and validation."""
    data = answer.datasets(runs)

    def ends(validation: str, train: str) -> str:
        said = [quantity.text.replace("\u00a0", " ") for quantity in (values[validation], values[train])]
        return f"At the end {said[0]} for validation, {said[1]} for training."

    return {
        "loss": _plot(runs, "loss", "loss (nats per pixel)", ends("loss", "train_loss"), data),
        "accuracy": _plot(runs, "accuracy", "pixel accuracy (%)", ends("accuracy", "train_accuracy"), data),
    }


def picture_rows(runs: Sequence[Run], net: str) -> dict[str, Picture]:
    """Return rows of validation images: the grey input, the originals, their palette, the prediction."""
    return _rows(runs, net, prefix="", groups=1)


def ranked_rows(runs: Sequence[Run], net: str) -> dict[str, Picture]:
    """Return rows of the best, the median and the worst validation images, by the share of right pixels."""
    return _rows(runs, net, prefix="ranked_", groups=3)


def prediction_row(runs: Sequence[Run], what: str, like: Sequence[Run]) -> Picture:
    """Return the row of a net's predictions, to be set under those of another.

    Args:
        runs: The runs of one training.
        what: Who predicts, for someone who cannot see it.
        like: The runs of the training beside which it stands.

    Raises:
        UsageError: The two did not see the same images.
    """
    mine, theirs = shown_run(runs).samples(), shown_run(like).samples()
    if not (mine["truth_label"].shape == theirs["truth_label"].shape
            and (mine["truth_label"] == theirs["truth_label"]).all()):  # fmt: skip
        raise UsageError(
            f"the runs of {experiment_of(runs)} and {experiment_of(like)} did not see the same images",
            "build again so that all use the same data",
        )
    pixels = figure.from_labels(mine["predicted_label"], mine["palette"])
    alt = f"A row of {len(pixels)} small pictures: the colours that {what} gives to the same images."
    return figure.strip(pixels, alt, answer.datasets(runs))


def side_by_side(trainings: Mapping[str, Sequence[Run]], columns: Mapping[str, str], first: str) -> Grid:
    """Return a table with a row for each training.

    Args:
        trainings: What each row is called, and its runs.
        columns: Which of the `numbers` to show, and the heading of each.
        first: The heading of the names.
    """
    rows: list[tuple[str | Quantity | tuple[Quantity, ...], ...]] = []
    for title, runs in trainings.items():
        values = numbers(runs)
        rows.append((title, *(values[name] for name in columns)))
    data = answer.datasets([run for runs in trainings.values() for run in runs])
    return Grid((first, *columns.values()), tuple(rows), data)


def _rows(runs: Sequence[Run], net: str, prefix: str, groups: int) -> dict[str, Picture]:
    arrays, data = shown_run(runs).samples(), answer.datasets(runs)
    palette = arrays["palette"]
    rows = {
        "grey": (figure.from_grey(arrays[f"{prefix}grey"]), "the grey images that the net sees"),
        "original": (figure.from_rgb(arrays[f"{prefix}rgb"]), "the same images in their own colours"),
        "truth": (
            figure.from_labels(arrays[f"{prefix}truth_label"], palette),
            "the same images, each pixel in the nearest colour of the palette, which is the right answer",
        ),
        "prediction": (
            figure.from_labels(arrays[f"{prefix}predicted_label"], palette),
            f"the colours that {net} gives to the same images",
        ),
    }
    order = ", from the best coloured through the median to the worst" if groups > 1 else ""
    return {
        f"{prefix}{name}": figure.strip(
            pixels, f"A row of {len(pixels)} small pictures: {what}{order}.", data, groups=groups
        )
        for name, (pixels, what) in rows.items()
    }


def _plot(runs: Sequence[Run], what: str, y_label: str, ends: str, data: tuple[DataSet, ...]) -> Picture:
    roles: tuple[tuple[Role, str], ...] = (("train", "training"), ("validation", "validation"))
    drawn = [
        Curve(label, role, [[row[f"{role}_{what}"] for row in run.history] for run in runs])
        for role, label in roles
    ]
    lines = ", thin lines for the seeds, a thick one for their mean" if len(runs) > 1 else ""
    alt = f"Curves of the {what} over the epochs{lines}. {ends}"
    return figure.curves(drawn, y_label, alt, data, per_cent=what == "accuracy")


def _verdicts(values: Mapping[str, Quantity], net: str) -> dict[str, Verdict]:
    found = {"gap": exceeds(f"{net} fits the training images clearly better", values["gap"], GAP)}
    if not many_epochs(values):
        return found
    loss = f"the validation loss of {net}"
    return found | {
        "risen": exceeds(f"At the end {loss} was clearly above its lowest value", values["rise"], RISEN),
        "falling": exceeds(f"At the end {loss} was falling", values["late_fall"], MOVING),
        "rising": exceeds(f"At the end {loss} was rising", values["late_rise"], MOVING),
    }


def _facts(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, str | bool]:
    lost = [run.seed for run in runs if answer.diverged(run)]
    return {
        "net": net_name(runs),
        "several": len(runs) > 1,
        "recipe": ", ".join(values[name].text for name in RECIPE),
        "all_lost": len(lost) == len(runs),
        "lost": ", ".join(map(str, lost)),
        "shown_seed": str(shown_run(runs).seed),
        "many_epochs": many_epochs(values),
        "one_by_one": late_window(values["epochs"].mean) == 1,
    }
