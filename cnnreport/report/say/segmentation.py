"""What only fine-tunings of a segmentation net with two classes say: baselines, weights, the starter's score.

Serves CSC413 2020 and 2021, programming assignment 2; what a training of any kind says stands in `training`.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from cnnreport.report.answer import Answer
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.images import mean_iou
from cnnreport.report.numbers.quantity import Quantity, combine, difference, over_all
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import probabilities, training
from cnnreport.report.say import versus as comparing
from cnnreport.report.say.error_maps import VOID
from cnnreport.report.say.masks import overlaps
from cnnreport.runs.artefact import Run

COMPARED = ("mean_iou", "mean_iou_best", "mean_iou_cut", "flower_iou", "starter", "starter_best", "accuracy",
            "boundary_f", "share_predicted", "share_off", "missed", "invented", "sure")  # fmt: skip
"""The numbers in which two fine-tunings are compared. The losses are not among them: where they differ, so
do their scales."""

KEPT: comparing.Kept = {
    "mean_iou": ("image_overlap", mean_iou),
    "flower_iou": ("image_iou", lambda iou: iou[..., 1]),
}
"""Those of them that are made of what runs keep of each validation image."""

LOSSES = {"cross-entropy": "cross entropy", "iou": "IoU loss"}
"""What the text calls the losses of a spec."""

EMBEDDED = "mobilenet_v3_small_embedded"
"""The architecture whose weights this project made itself."""

HANDOUTS = "resnet101"
"""The architecture of the handout."""

NETS = {
    "resnet101": "DeepLabV3 with a ResNet-101",
    "resnet50": "DeepLabV3 with a ResNet-50",
    "mobilenet_v3_large": "DeepLabV3 with a MobileNetV3-Large",
    EMBEDDED: "DeepLabV3 with a MobileNetV3-Small",
}


def fine_tuning(runs: Sequence[Run]) -> Answer:
    """Return what every section about one fine-tuning may print.

    Args:
        runs: The runs of one experiment, sorted by seed.

    Returns:
        ``values``: `numbers`; ``verdicts``: ``beats_everywhere``, ``beats_prior``, ``beats_prior_mean``,
        ``less_flower`` and, after several epochs, ``rising``, of the mean IoU at the end; ``pictures``:
        ``loss`` and ``mean_iou`` over the epochs; ``tables``: ``final``; ``facts``: `facts`.

    Raises:
        UsageError: The runs lack something, as those of another version may, or differ in their weights.
    """
    values = numbers(runs)
    return Answer(
        values=values,
        verdicts=_verdicts(values, loss_of(runs)),
        pictures=_plots(runs, values),
        tables={"final": training.final(runs, values)},
        facts=facts(runs),
    )


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what the runs recorded, where probabilities are best cut, and what is computed from these."""
    values = training.numbers(runs)
    values |= probabilities.numbers(runs, values["mean_iou"]) | overlaps.numbers(runs)
    return values | _computed(runs, values) | _late(runs, values)


def loss_of(runs: Sequence[Run]) -> str:
    """Return what the text calls the loss of some runs."""
    name = str(runs[0].spec["loss"])
    return LOSSES.get(name, name)


def facts(runs: Sequence[Run]) -> dict[str, str | bool]:
    """Return what the runs say in words: net, weights, loss, images left out, runs that diverged."""
    architecture = training.text(runs, "architecture")
    shown = training.shown_run(runs).samples()
    return {
        **training.facts(runs),
        "loss": loss_of(runs),
        "net": NETS.get(architecture, architecture),
        "embedded": architecture == EMBEDDED,
        "weights": training.text(runs, "weights_title"),
        "weights_origin": training.text(runs, "weights_origin"),
        "handouts": architecture == HANDOUTS,
        "stand_in": any(data.stand_in for data in reading.datasets(runs)),
        "void": any((shown[f"{subset}_mask"] == VOID).any() for subset in ("train", "validation", "ranked")),
        "cached": runs[0].spec["features"] == "cached",
        "clean": runs[0].spec["protocol"] == "clean",
        "skipped": "; ".join(json.loads(training.text(runs, "skipped"))),
    }


def against(
    left: Sequence[Run],
    right: Sequence[Run],
    left_name: str,
    right_name: str,
    names: Sequence[str] = COMPARED,
) -> Answer:
    """Compare one fine-tuning with another; see `cnnreport.report.say.versus.versus`."""
    return comparing.versus(left, right, names, left_name, right_name, numbers, KEPT)


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


def _computed(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Quantity]:
    experiment = training.experiment_of(runs)

    def less(name: str, meaning: str, left: str, right: str) -> Quantity:
        return difference(f"{experiment}.{name}", meaning, values[left], values[right], "score")

    bounds = implied(experiment, values["starter"], "the starter’s score")
    return {
        "over_everywhere": less(
            "over_everywhere", "flower IoU above that of flower everywhere", "flower_iou", "everywhere"
        ),
        "over_prior": less("over_prior", "flower IoU above that of the fixed map", "flower_iou", "prior"),
        "over_prior_mean": less(
            "over_prior_mean", "mean IoU above that of the fixed map", "mean_iou", "prior_mean"
        ),
        "best_less_last": less(
            "best_less_last", "mean IoU, best epoch minus the last", "mean_iou_best", "mean_iou"
        ),
        "share_off": combine(
            f"{experiment}.share_off",
            "share of flower, how far the prediction is from it",
            "size of ({} minus {})",
            lambda predicted, true: abs(predicted - true),
            values["share_predicted"],
            values["flower_share"],
            form="points",
        ),
        "share_short": difference(
            f"{experiment}.share_short",
            "share of flower, true minus predicted",
            values["flower_share"],
            values["share_predicted"],
            "points",
        ),
        "implied_low": bounds["low"],
        "implied_high": bounds["high"],
        "seen_share": combine(
            f"{experiment}.seen_share",
            "share of the validation images that are trained on too",
            "{} / {}",
            lambda seen, images: seen / images,
            values["validation_seen"],
            values["validation_images"],
            form="share",
        ),
    }


def _late(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return how much the mean IoU still rose at the end, and where it was best; nothing after one epoch."""
    if not training.many_epochs(runs):
        return {}
    iou = runs[0].kind["mean_iou"]
    how = f"mean of the last window minus that of the last but one{training.WINDOWS}"
    late = reading.from_history(
        runs, iou.key, f"late rise of the {iou.meaning}", iou.form, lambda v: -training.late_fall(v), how
    )
    epochs, epoch = len(runs[0].history), values["mean_iou_epoch"]
    peaked = over_all(
        f"{training.experiment_of(runs)}.peaked",
        f"seeds in which the {iou.meaning} is best before the last epoch",
        float(sum(value < epochs for value in epoch.finite)),
        f"counted: {epoch.meaning} below {epochs}",
        epoch,
        form="count",
    )
    return {"late_iou_rise": late, "peaked": peaked}


def _verdicts(values: Mapping[str, Quantity], loss: str) -> dict[str, Verdict]:
    head = f"The last layer, fine-tuned with {loss},"
    late = values.get("late_iou_rise")
    rising = f"The mean IoU of the last layer, fine-tuned with {loss}, still rises at the end"
    return {
        **({"rising": exceeds(rising, late)} if late else {}),
        "less_flower": exceeds(f"{head} calls less flower than there is", values["share_short"]),
        "beats_everywhere": exceeds(f"{head} is better than flower everywhere", values["over_everywhere"]),
        "beats_prior": exceeds(f"{head} is better than a fixed map", values["over_prior"]),
        "beats_prior_mean": exceeds(
            f"{head} has a higher mean IoU than a fixed map", values["over_prior_mean"]
        ),
    }


def _plots(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Picture]:
    axis = "cross entropy (nats per pixel)" if runs[0].spec["loss"] == "cross-entropy" else "IoU loss"
    return training.plots(runs, values, {"loss": axis})
