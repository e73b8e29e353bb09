"""Answers to the questions of CSC413 2021, programming assignment 2: runs in, plain data out."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from cnnreport.report import answer, architecture, audited, compared, derived, figure
from cnnreport.report.answer import Answer, DataSet, Picture, Runs
from cnnreport.report.figure import Curve, Role
from cnnreport.report.quantity import Quantity, combine, difference
from cnnreport.report.verdict import Verdict, exceeds
from cnnreport.runs.artefact import Run

POOL_UPSAMPLE = "pool-upsample"
POOL_UPSAMPLE_FORMULAS = "pool-upsample-formulas"
HANDWRITTEN = "handwritten-answer"
OTHER_TOOLS = "other-tools"

# Beyond this height, in millimetres, the drawing of a net is folded over columns.
DRAWING = 90.0

# The conventions that A3 compares; the kernels alone are what a hint of 2022 asks for.
CONVENTIONS = (
    ("weights", "kernels"),
    ("weights", "kernels and biases"),
    ("weights", "learnable"),
    ("outputs", "layers"),
    ("outputs", "with normalisation"),
    ("connections", "convolutions"),
    ("connections", "layers"),
    ("connections", "layers, with biases"),
    ("connections", "layers, without padding"),
    ("connections", "layers, normalisation all to all"),
)

# What a difference has to exceed before the text speaks of it; losses are in nats.
RISEN = 0.02
GAP = 0.05
MOVING = 0.005
# A share of the neighbouring pairs of pixels.
FLATTER = 0.01


def a1(runs: Runs) -> Answer:
    """Answer A1: the class that ran, and its architecture as another run traced it."""
    chosen = runs[POOL_UPSAMPLE]
    traced = {net_name([run]): derived.derivation(run) for run in runs.get(POOL_UPSAMPLE_FORMULAS, ())}
    return Answer(
        values={
            "kernel": answer.setting(chosen, "kernel", "kernel size"),
            "inputs": answer.setting(chosen, "num_in_channels", "NIC, input channels"),
            "filters": answer.setting(chosen, "num_filters", "NF, filters of the first layer"),
            "colours": answer.setting(chosen, "num_colours", "NC, colours"),
        },
        pictures={
            name: architecture.draw(net.boxes(), net.input.text, net.described(), DRAWING)
            for name, net in traced.items()
        },
        listings={"net": answer.listing(chosen, net_name(chosen))},
        derivations=traced,
        facts={"net": net_name(chosen)},
    )


def a2(runs: Runs) -> Answer:
    """Answer A2: how well the trained net colours, and why not better."""
    chosen = runs[POOL_UPSAMPLE]
    values = {**_settings(chosen), **_results(chosen), **_baselines(chosen), **_looks(chosen)}
    values |= _comparisons(values)
    if many_epochs(values):
        values |= _movement(chosen, values["epochs"])
    lost = [run.seed for run in chosen if answer.diverged(run)]
    return Answer(
        values=values,
        verdicts=_verdicts(values),
        pictures={**_plots(chosen, values), **picture_rows(chosen, net_name(chosen))},
        tables={"final": answer.Table(_final_rows(values), answer.datasets(chosen))},
        facts={
            "net": net_name(chosen),
            "several": len(chosen) > 1,
            "all_lost": len(lost) == len(chosen),
            "lost": ", ".join(map(str, lost)),
            "shown_seed": str(shown_run(chosen).seed),
            "many_epochs": many_epochs(values),
            "one_by_one": late_window(values["epochs"].mean) == 1,
        },
    )


def a3(runs: Runs) -> Answer:
    """Answer A3: weights, outputs and connections as formulas, for the input and for twice its size."""
    found = derived.derivation(runs[POOL_UPSAMPLE_FORMULAS][0])
    others = tuple(found.total(quantity, name) for quantity, name in CONVENTIONS)
    return Answer(
        derivations={"net": found},
        totals={"others": others},
    )


def audit(runs: Runs) -> Answer:
    """Answer what a hand-written answer to A3 gets right, and what it does not."""
    return Answer(audits={"answer": audited.audit(runs[HANDWRITTEN][0])})


def tools(runs: Runs) -> Answer:
    """Answer what other tools count, and what explains their numbers."""
    return Answer(comparisons={"tools": compared.comparison(runs[OTHER_TOOLS][0])})


def net_name(runs: Sequence[Run]) -> str:
    """Return the class name of the net that some runs trained."""
    return str(runs[0].spec["net"]).rpartition(":")[2]


def shown_run(runs: Sequence[Run]) -> Run:
    """Return the run whose pictures are shown: the first that did not diverge, else the first."""
    return next((run for run in runs if not answer.diverged(run)), runs[0])


def picture_rows(runs: Sequence[Run], net: str) -> dict[str, Picture]:
    """Return rows of validation images: the grey input, the originals, their palette, the prediction."""
    arrays, data = shown_run(runs).samples(), answer.datasets(runs)
    palette = arrays["palette"]
    rows = {
        "grey": (figure.from_grey(arrays["grey"]), "the grey images that the net sees"),
        "original": (figure.from_rgb(arrays["rgb"]), "the same images in their own colours"),
        "truth": (
            figure.from_labels(arrays["truth_label"], palette),
            "the same images, each pixel in the nearest colour of the palette, which is the right answer",
        ),
        "prediction": (
            figure.from_labels(arrays["predicted_label"], palette),
            f"the colours that {net} gives to the same images",
        ),
    }
    return {
        name: figure.strip(pixels, f"A row of {len(pixels)} small pictures: {what}.", data)
        for name, (pixels, what) in rows.items()
    }


def _settings(runs: Sequence[Run]) -> dict[str, Quantity]:
    return {
        "seeds": answer.count(runs),
        "train_images": answer.measure(runs, "train_images", "training images", "count", of_data=True),
        "validation_images": answer.measure(
            runs, "validation_images", "validation images", "count", of_data=True
        ),
        "epochs": answer.setting(runs, "epochs", "epochs"),
        "batch_size": answer.setting(runs, "batch_size", "batch size"),
        "learning_rate": answer.setting(runs, "learning_rate", "learning rate", "number"),
        "kernel": answer.setting(runs, "kernel", "kernel size"),
        "colours": answer.setting(runs, "num_colours", "NC, colours"),
    }


def _results(runs: Sequence[Run]) -> dict[str, Quantity]:
    found = {
        "loss": answer.last(runs, "validation_loss", "validation loss", "loss"),
        "accuracy": answer.last(runs, "validation_accuracy", "validation accuracy", "share"),
        "train_loss": answer.last(runs, "train_loss", "training loss", "loss"),
        "rise": answer.from_history(
            runs,
            "validation_loss",
            "rise of the validation loss above its lowest value",
            "loss",
            lambda losses: losses[-1] - min(losses),
            "last epoch less lowest",
        ),
    }
    if all("train_accuracy" in run.history[-1] for run in runs):
        found["train_accuracy"] = answer.last(runs, "train_accuracy", "training accuracy", "share")
    return found


def _movement(runs: Sequence[Run], epochs: Quantity) -> dict[str, Quantity]:
    def late(meaning: str, choose: Callable[[Sequence[float]], float], how: str) -> Quantity:
        how = f"{how}; a window is a fifth of the epochs, at least one"
        return answer.from_history(runs, "validation_loss", meaning, "loss", choose, how)

    return {
        "window": combine(
            f"{POOL_UPSAMPLE}.window",
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


def _baselines(runs: Sequence[Run]) -> dict[str, Quantity]:
    return {
        "chance_loss": answer.measure(runs, "chance_loss", "loss of guessing", "loss", of_data=True),
        "chance": answer.measure(runs, "chance_accuracy", "accuracy of guessing", "share", of_data=True),
        "frequent": answer.measure(
            runs, "frequent_accuracy", "accuracy of the most frequent colour", "share", of_data=True
        ),
        "table": answer.measure(
            runs,
            "grey_table_accuracy",
            "accuracy of the table from grey level to colour",
            "share",
            of_data=True,
        ),
    }


def _looks(runs: Sequence[Run]) -> dict[str, Quantity]:
    return {
        "edges_predicted": answer.measure(runs, "edge_share_predicted", "edge share, predicted", "share"),
        "edges_true": answer.measure(runs, "edge_share_truth", "edge share, true", "share", of_data=True),
        "colours_predicted": answer.measure(runs, "colours_predicted", "colours that the net uses", "count"),
        "colours_present": answer.measure(
            runs, "colours_present", "colours in the true pictures", "count", of_data=True
        ),
        "image_lowest": answer.measure(runs, "image_accuracy_minimum", "accuracy, worst image", "share"),
        "image_median": answer.measure(runs, "image_accuracy_median", "accuracy, median image", "share"),
        "image_highest": answer.measure(runs, "image_accuracy_maximum", "accuracy, best image", "share"),
        "rgb_distance": answer.measure(
            runs, "rgb_distance", "mean RGB distance from the true colour", "loss"
        ),
    }


def _comparisons(values: Mapping[str, Quantity]) -> dict[str, Quantity]:
    def less(name: str, meaning: str, left: str, right: str) -> Quantity:
        whole = values[left].form
        form = "points" if whole == "share" else whole
        return difference(f"{POOL_UPSAMPLE}.{name}", meaning, values[left], values[right], form)

    return {
        "over_chance": less("over_chance", "accuracy above guessing", "accuracy", "chance"),
        "over_frequent": less(
            "over_frequent", "accuracy above the most frequent colour", "accuracy", "frequent"
        ),
        "over_table": less("over_table", "accuracy above the table", "accuracy", "table"),
        "gap": less("gap", "validation loss above training loss", "loss", "train_loss"),
        "edges_missing": less(
            "edges_missing", "edge share, true less predicted", "edges_true", "edges_predicted"
        ),
        "colours_missing": less(
            "colours_missing", "colours present less colours used", "colours_present", "colours_predicted"
        ),
        "edge_ratio": combine(
            f"{POOL_UPSAMPLE}.edge_ratio",
            "edge share, predicted over true",
            "{} / {}",
            lambda predicted, true: predicted / true,
            values["edges_predicted"],
            values["edges_true"],
            form="ratio",
        ),
    }


def _verdicts(values: Mapping[str, Quantity]) -> dict[str, Verdict]:
    found = {
        "beats_chance": exceeds("The net is better than guessing", values["over_chance"]),
        "beats_frequent": exceeds(
            "The net is better than the most frequent colour everywhere", values["over_frequent"]
        ),
        "beats_table": exceeds(
            "The net is better than a table from grey level to colour", values["over_table"]
        ),
        "flatter": exceeds(
            "The predictions have clearly fewer edges than the truth", values["edges_missing"], FLATTER
        ),
        "duller": exceeds("The predictions use fewer colours than the truth", values["colours_missing"]),
        "gap": exceeds("The net fits the training images clearly better", values["gap"], GAP),
    }
    if not many_epochs(values):
        return found
    return found | {
        "risen": exceeds("The validation loss ends clearly above its lowest value", values["rise"], RISEN),
        "falling": exceeds("At the end the validation loss was falling", values["late_fall"], MOVING),
        "rising": exceeds("At the end the validation loss was rising", values["late_rise"], MOVING),
    }


def _final_rows(values: Mapping[str, Quantity]) -> tuple[Quantity, ...]:
    names = ("loss", "train_loss", "accuracy", "train_accuracy", "image_lowest", "image_median",
             "image_highest", "edges_predicted", "edges_true", "colours_predicted", "colours_present",
             "rgb_distance")  # fmt: skip
    return tuple(values[name] for name in names if name in values)


def _plots(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Picture]:
    data = answer.datasets(runs)
    train = values.get("train_accuracy")
    accuracy_words = f"At the end {_said(values['accuracy'])} for validation"
    return {
        "loss": _plot(
            runs,
            "loss",
            "loss (nats per pixel)",
            f"At the end {_said(values['loss'])} for validation, {_said(values['train_loss'])} for training.",
            data,
        ),
        "accuracy": _plot(
            runs,
            "accuracy",
            "pixel accuracy (%)",
            f"{accuracy_words} and {_said(train)} for training." if train else f"{accuracy_words}.",
            data,
        ),
    }


def _plot(runs: Sequence[Run], what: str, y_label: str, ends: str, data: tuple[DataSet, ...]) -> Picture:
    roles: tuple[tuple[Role, str], ...] = (("train", "training"), ("validation", "validation"))
    drawn = [
        Curve(label, role, [[row[f"{role}_{what}"] for row in run.history] for run in runs])
        for role, label in roles
        if all(f"{role}_{what}" in row for run in runs for row in run.history)
    ]
    lines = ", thin lines for the seeds, a thick one for their mean" if len(runs) > 1 else ""
    alt = f"Curves of the {what} over the epochs{lines}. {ends}"
    return figure.curves(drawn, y_label, alt, data, per_cent=what == "accuracy")


def _said(quantity: Quantity) -> str:
    return quantity.text.replace("\u00a0", " ")


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "a1": a1,
    "a2": a2,
    "a3": a3,
    "audit": audit,
    "tools": tools,
}
