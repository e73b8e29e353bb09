"""What the runs of one fine-tuning say: results, baselines, settings; as values, verdicts and pictures.

Serves every fine-tuning of a segmentation net with two classes (CSC413 2020 and 2021, programming
assignment 2).
"""

import json
from collections.abc import Callable, Mapping, Sequence

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report import answer
from cnnreport.report.answer import Answer, Grid, Table
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Curve, Role
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import colourization, probabilities
from cnnreport.report.say.error_maps import VOID
from cnnreport.runs.artefact import Run

LOSSES = {"cross-entropy": "cross entropy", "iou": "IoU loss"}
"""What the text calls the losses of a spec."""

EMBEDDED = "mobilenet_v3_small_embedded"
HANDOUTS = "resnet101"
"""The architecture whose weights this project made itself."""

NETS = {
    "resnet101": "DeepLabV3 with a ResNet-101",
    "resnet50": "DeepLabV3 with a ResNet-50",
    "mobilenet_v3_large": "DeepLabV3 with a MobileNetV3-Large",
    EMBEDDED: "DeepLabV3 with a MobileNetV3-Small",
}

Read = tuple[tuple[str, str, str, Form], ...]
"""The name of a number, where it is read, what a reader calls it, how it prints."""

_LAST: Read = (
    ("mean_iou", "validation_mean_iou", "mean IoU", "score"),
    ("flower_iou", "validation_flower_iou", "flower IoU per image", "score"),
    ("starter", "validation_starter_score", "starter’s score", "score"),
    ("accuracy", "validation_accuracy", "pixel accuracy", "share"),
    ("loss", "validation_loss", "validation loss", "loss"),
    ("train_loss", "train_loss", "training loss", "loss"),
    ("train_mean_iou", "train_mean_iou", "mean IoU, training", "score"),
)

_BEST: Read = (
    ("mean_iou_best", "validation_mean_iou", "mean IoU, best epoch", "score"),
    ("starter_best", "validation_starter_score", "starter’s score, best epoch", "score"),
)

_LOOKS: Read = (
    ("boundary_f", "boundary_f", "boundary F-score", "score"),
    ("share_predicted", "flower_share_predicted", "share of pixels called flower", "share"),
    ("image_lowest", "flower_iou_minimum", "flower IoU, worst image", "score"),
    ("image_median", "flower_iou_median", "flower IoU, median image", "score"),
    ("image_highest", "flower_iou_maximum", "flower IoU, best image", "score"),
)

_OF_DATA: Read = (
    ("train_images", "train_images", "training images, repeats counted", "count"),
    ("train_distinct", "train_distinct", "different training images", "count"),
    ("validation_images", "validation_images", "validation images", "count"),
    ("validation_seen", "validation_seen", "validation images that are trained on too", "count"),
    ("without_trimap", "without_trimap", "images without a trimap", "count"),
    ("flower_share", "flower_share", "share of pixels that are flower", "share"),
    ("everywhere", "all_flower_iou", "flower IoU of flower everywhere", "score"),
    ("prior", "prior_flower_iou", "flower IoU of the fixed map", "score"),
    ("prior_mean", "prior_mean_iou", "mean IoU of the fixed map", "score"),
    ("image_size", "image_size", "height and width of the images", "count"),
    ("tolerance", "boundary_tolerance", "tolerance of the boundary F-score, pixels", "count"),
    ("channels", "feature_channels", "channels of the last layer’s input", "count"),
    ("side", "feature_side", "height and width of the last layer’s input", "count"),
    ("learned", "parameters_learned", "parameters that learn", "count"),
    ("frozen", "parameters_frozen", "parameters that are frozen", "count"),
    ("epochs", "epochs", "epochs", "count"),
    ("updates", "updates", "updates", "count"),
)

FINAL = ("mean_iou", "mean_iou_best", "flower_iou", "starter", "starter_best", "accuracy", "boundary_f",
         "share_predicted", "train_mean_iou", "loss", "train_loss")  # fmt: skip
"""The rows of the table of a fine-tuning, in order."""


def fine_tuning(runs: Sequence[Run]) -> Answer:
    """Return what every section about one fine-tuning may print.

    Args:
        runs: The runs of one experiment, sorted by seed.

    Returns:
        ``values``: `numbers`; ``verdicts``: ``beats_everywhere``, ``beats_prior``; ``pictures``: ``loss``
        and ``mean_iou`` over the epochs; ``tables``: ``final``; ``facts``: `facts`.

    Raises:
        UsageError: The runs lack something, as those of another version may, or differ in their weights.
    """
    values = numbers(runs)
    return Answer(
        values=values,
        verdicts=_verdicts(values, loss_of(runs)),
        pictures=_plots(runs, values),
        tables={"final": Table(tuple(values[name] for name in FINAL), answer.datasets(runs))},
        facts=facts(runs),
    )


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return settings, results, looks, baselines, and what is computed from these."""
    found = {
        "seeds": answer.count(runs),
        "batch_size": answer.setting(runs, "batch_size", "batch size"),
        "learning_rate": answer.setting(runs, "learning_rate", "learning rate", "number"),
        **{name: answer.last(runs, column, meaning, form) for name, column, meaning, form in _LAST},
        **{name: _best(runs, column, meaning, form) for name, column, meaning, form in _BEST},
        **{name: answer.measure(runs, field, meaning, form) for name, field, meaning, form in _LOOKS},
        **{
            name: answer.measure(runs, field, meaning, form, of_data=True)
            for name, field, meaning, form in _OF_DATA
        },
        "starter_epoch": answer.from_history(
            runs,
            "validation_starter_score",
            "epoch of the best starter’s score",
            "count",
            lambda scores: scores.index(max(scores)) + 1,
            "first epoch of the highest",
        ),
    }
    return found | probabilities.numbers(runs, found["mean_iou"]) | _computed(runs, found)


def loss_of(runs: Sequence[Run]) -> str:
    """Return what the text calls the loss of some runs."""
    name = str(runs[0].spec["loss"])
    return LOSSES.get(name, name)


def facts(runs: Sequence[Run]) -> dict[str, str | bool]:
    """Return what the runs say in words: net, weights, loss, images left out, runs that diverged."""
    lost = [run.seed for run in runs if answer.diverged(run)]
    architecture = _said(runs, "architecture")
    shown = colourization.shown_run(runs).samples()
    return {
        "loss": loss_of(runs),
        "net": NETS.get(architecture, architecture),
        "embedded": architecture == EMBEDDED,
        "weights": _said(runs, "weights_title"),
        "weights_origin": _said(runs, "weights_origin"),
        "handouts": architecture == HANDOUTS,
        "stand_in": any(data.stand_in for data in answer.datasets(runs)),
        "void": any((shown[f"{kind}_mask"] == VOID).any() for kind in ("train", "validation", "ranked")),
        "cached": runs[0].spec["features"] == "cached",
        "skipped": "; ".join(json.loads(_said(runs, "skipped"))),
        "several": len(runs) > 1,
        "lost": ", ".join(map(str, lost)),
        "all_lost": len(lost) == len(runs),
        "shown_seed": str(colourization.shown_run(runs).seed),
    }


def side_by_side(tunings: Mapping[str, Sequence[Run]], columns: Mapping[str, str], first: str) -> Grid:
    """Return a table with a row for each fine-tuning.

    Args:
        tunings: What each row is called, and its runs.
        columns: Which of the `numbers` to show, and the heading of each.
        first: The heading of the names.
    """
    told = {title: numbers(runs) for title, runs in tunings.items()}
    rows: list[tuple[str | Quantity | tuple[Quantity, ...], ...]] = [
        (title, *(values[name] for name in columns)) for title, values in told.items()
    ]
    data = answer.datasets([run for runs in tunings.values() for run in runs])
    return Grid((first, *columns.values()), tuple(rows), data)


def implied(name: str, score: Quantity, meaning: str) -> dict[str, Quantity]:
    """Return between which two IoUs an image lies that has a score of the starter.

    The starter gives an image of IoU J the score ceil(clip(20 (J − 0.5), 0, 10)) / 10, so a score s above
    zero says that J lies above 0.45 + s / 2 and is at most 0.5 + s / 2.

    Args:
        name: Names of the new quantities begin with it.
        score: Mean of the score over images, 0..1.
        meaning: Whose score it is.

    Returns:
        ``low`` and ``high``.
    """
    bounds: tuple[tuple[str, str, Callable[[float], float]], ...] = (
        ("low", "0.45 + {} / 2", lambda s: 0.45 + s / 2),
        ("high", "0.5 + {} / 2", lambda s: 0.5 + s / 2),
    )
    return {
        bound: combine(
            f"{name}.implied_{bound}",
            f"IoU that {meaning} stands for, {bound}est",
            rule,
            to_iou,
            score,
            form="score",
        )
        for bound, rule, to_iou in bounds
    }


def _best(runs: Sequence[Run], column: str, meaning: str, form: Form) -> Quantity:
    return answer.from_history(runs, column, meaning, form, max, "highest of all epochs")


def _computed(runs: Sequence[Run], found: Mapping[str, Quantity]) -> dict[str, Quantity]:
    experiment = colourization.experiment_of(runs)

    def less(name: str, meaning: str, left: str, right: str) -> Quantity:
        return difference(f"{experiment}.{name}", meaning, found[left], found[right], "score")

    bounds = implied(experiment, found["starter"], "the starter’s score")
    return {
        "over_everywhere": less(
            "over_everywhere", "flower IoU above that of flower everywhere", "flower_iou", "everywhere"
        ),
        "over_prior": less("over_prior", "flower IoU above that of the fixed map", "flower_iou", "prior"),
        "best_less_last": less(
            "best_less_last", "mean IoU, best epoch less the last", "mean_iou_best", "mean_iou"
        ),
        "share_off": combine(
            f"{experiment}.share_off",
            "share of flower, how far the prediction is from it",
            "size of ({} less {})",
            lambda predicted, true: abs(predicted - true),
            found["share_predicted"],
            found["flower_share"],
            form="points",
        ),
        "implied_low": bounds["low"],
        "implied_high": bounds["high"],
        "seen_share": combine(
            f"{experiment}.seen_share",
            "share of the validation images that are trained on too",
            "{} / {}",
            lambda seen, images: seen / images,
            found["validation_seen"],
            found["validation_images"],
            form="share",
        ),
    }


def _verdicts(values: Mapping[str, Quantity], loss: str) -> dict[str, Verdict]:
    head = f"The last layer, fine-tuned with {loss},"
    return {
        "beats_everywhere": exceeds(f"{head} is better than flower everywhere", values["over_everywhere"]),
        "beats_prior": exceeds(f"{head} is better than a fixed map", values["over_prior"]),
    }


def _plots(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Picture]:
    loss = "cross entropy (nats per pixel)" if runs[0].spec["loss"] == "cross-entropy" else "IoU loss"
    return {
        "loss": _plot(runs, "loss", loss, values["loss"], values["train_loss"]),
        "mean_iou": _plot(runs, "mean_iou", "mean IoU", values["mean_iou"], values["train_mean_iou"]),
    }


def _plot(runs: Sequence[Run], what: str, y_label: str, validation: Quantity, train: Quantity) -> Picture:
    roles: tuple[tuple[Role, str], ...] = (("train", "training"), ("validation", "validation"))
    drawn = [
        Curve(label, role, [[row[f"{role}_{what}"] for row in run.history] for run in runs])
        for role, label in roles
    ]
    ends = f"{validation.text} for validation, {train.text} for training".replace("\u00a0", " ")
    alt = f"Curves of the {y_label} over the epochs. At the end {ends}."
    return figure.curves(drawn, y_label, alt, answer.datasets(runs))


def _said(runs: Sequence[Run], name: str) -> str:
    """Return a text among the measures, or one that stands for a list of them."""
    found = {value if isinstance(value := run.measures.get(name), str) else json.dumps(value) for run in runs}
    text = found.pop()
    if found or text == "null":
        raise UsageError(
            f"{name} is not the same in all runs of {colourization.experiment_of(runs)}", "run them again"
        )
    return text
