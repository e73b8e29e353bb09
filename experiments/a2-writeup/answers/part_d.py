"""Answers to Part D of CSC413 2021, programming assignment 2: a segmentation net fine-tuned for flowers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.published import Entry, Published
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import costs, error_maps, fine_tuned, probabilities, segmentation, training
from cnnreport.report.say.masks import pictured as masks
from cnnreport.report.say.segmentation_outcomes import agreement, at_best_cut, benefit, ending, saved
from cnnreport.runs.artefact import Run

CROSS_ENTROPY = "fine-tune-cross-entropy"
IOU = "fine-tune-iou"
RANDOM = "fine-tune-random"
HANDOUT_CROSS_ENTROPY = f"{CROSS_ENTROPY}-handout"
HANDOUT_IOU = f"{IOU}-handout"
LONG_CROSS_ENTROPY = f"{CROSS_ENTROPY}-long"
LONG_IOU = f"{IOU}-long"
MOVING = "fine-tune-moving"
COSTS = "fine-tuning-costs"

LOSS_NAMES = "the IoU loss", "cross entropy"
ASKED = ("mean_iou", "starter_best")
MOVED = ("mean_iou", "flower_iou", "starter", "starter_best", "accuracy")

COLUMNS = {
    "train_images": "training images",
    "train_distinct": "different ones",
    "starter_best": "starter’s score, best epoch",
    "starter": "starter’s score",
    "mean_iou": "mean IoU",
    "flower_iou": "flower IoU per image",
    "accuracy": "pixel accuracy",
}

LASTING = {
    "mean_iou": "mean IoU",
    "mean_iou_best": "mean IoU, best epoch",
    "late_iou_rise": "late rise of the mean IoU",
    "flower_iou": "flower IoU per image",
    "train_mean_iou": "mean IoU, training",
}

# What another cut has to gain in mean IoU before the text speaks of it. Zero would be no threshold, for the
# best of many cuts, chosen on the same images, never loses; it is the last digit that write-ups give of
# an IoU.
GAIN = 0.01
_WHY = (
    "the best of many cuts, chosen on the same images, never loses; this is the last digit of an IoU in most "
    "write-ups"
)

PUBLISHED = Published(
    Path(__file__).parents[1] / "published-segmentation.toml",
    data="flowers17",
    spec={"epochs": 10, "batch_size": 128, "learning_rate": 0.05, "images": None},
    complete=lambda source: all(0 < float(source[loss]) < 1 for loss in segmentation.LOSSES),
    lacks="scores",
    remedy=f"give each source {' and '.join(segmentation.LOSSES)}",
)


def d1q1(runs: Runs) -> Answer:
    """Answer D.1 Q1: the code that picks the parameters to learn and trains them."""
    return fine_tuned.parameters(runs[CROSS_ENTROPY])


def d1q2(runs: Runs) -> Answer:
    """Answer D.1 Q2: the last layer trained with cross entropy, and its best validation mIoU."""
    return fine_tuned.trained(runs[CROSS_ENTROPY])


def d1q2more(runs: Runs) -> Answer:
    """Answer what D.1 Q2 rests on: data, weights, measures, baselines and a control."""
    return fine_tuned.basis(runs[CROSS_ENTROPY], runs[RANDOM])


def d1q3(runs: Runs) -> Answer:
    """Answer D.1 Q3: predictions for training and validation images, and what is wrong with them."""
    return fine_tuned.predictions(runs[CROSS_ENTROPY])


def d1q3more(runs: Runs) -> Answer:
    """Answer which images cross entropy predicts best and worst."""
    return fine_tuned.ranked(runs[CROSS_ENTROPY])


def d2q1(runs: Runs) -> Answer:
    """Answer D.2 Q1: the soft IoU loss, what it comes to, and how that compares with cross entropy."""
    left, right = runs[IOU], runs[CROSS_ENTROPY]
    compared = _losses(left, right)
    listings = fine_tuned.code(left, "soft_iou_loss", "spec").listings
    facts = {**compared.facts, "settings_differ": _differ(listings["spec"], reading.listing(right, "spec"))}
    return replace(compared, listings=listings, facts=facts)


def d2q1more(runs: Runs) -> Answer:
    """Answer in what the two losses differ: where probabilities are best cut, how sure they are, seeds."""
    left, right = runs[IOU], runs[CROSS_ENTROPY]
    compared, theirs = _losses(left, right), segmentation.numbers(right)
    rivals = {segmentation.loss_of(each): each for each in (left, right)}
    return replace(
        compared,
        verdicts={**compared.verdicts, **_gains(compared.values, theirs)},
        pictures={
            **compared.pictures,
            "cuts": probabilities.cut_curves(rivals),
            "distributions": probabilities.distributions(rivals),
        },
    )


def d2q2(runs: Runs) -> Answer:
    """Answer D.2 Q2: predictions with the IoU loss, beside those with cross entropy for the same images."""
    left, right = runs[IOU], runs[CROSS_ENTROPY]
    predictions = fine_tuned.predictions(left)
    parts = dict(predictions.parts)
    # The text compares images by their numbers in two figures.
    for subset in fine_tuned.SUBSETS:
        error_maps.same_images(left, right, subset)
    if changed := masks.changed(left, right, "validation"):
        parts["changed"] = changed
    against = segmentation.against(left, right, *LOSS_NAMES)
    return replace(predictions, parts=parts, contrasts=against.contrasts)


def d2q2more(runs: Runs) -> Answer:
    """Answer which images the IoU loss predicts best and worst."""
    return fine_tuned.ranked(runs[IOU])


def dlong(runs: Runs) -> Answer:
    """Answer how the two losses compare after a training that is much longer than the handout's."""
    left, right = runs[LONG_IOU], runs[LONG_CROSS_ENTROPY]
    compared = _losses(left, right)
    named = {
        f"{segmentation.loss_of(each)}, {segmentation.numbers(each)['epochs'].text} epochs": each
        for each in (runs[CROSS_ENTROPY], right, runs[IOU], left)
    }
    grid = training.side_by_side(named, LASTING, "loss", segmentation.numbers)
    return replace(
        compared,
        values={**compared.values, "epochs_before": segmentation.numbers(runs[IOU])["epochs"]},
        grids={"trainings": grid},
    )


def dsplits(runs: Runs) -> Answer:
    """Answer what the published protocol measures, beside a clean one, and D.2's question under it."""
    clean, handout = runs[CROSS_ENTROPY], runs[HANDOUT_CROSS_ENTROPY]
    left, right = (f"{name}, handout’s protocol" for name in LOSS_NAMES)
    losses = segmentation.against(runs[HANDOUT_IOU], handout, left, right, ASKED)
    protocols = segmentation.against(handout, clean, "the handout’s protocol", "the clean one", ASKED)
    named = {
        "clean, cross entropy": clean,
        "clean, IoU loss": runs[IOU],
        "handout, cross entropy": handout,
        "handout, IoU loss": runs[HANDOUT_IOU],
    }
    published = _published(runs)
    contrasts = {**losses.contrasts, **{f"protocol_{k}": v for k, v in protocols.contrasts.items()}}
    mine = segmentation.numbers(handout)
    return Answer(
        values={
            **mine,
            "iou_seeds": reading.count(runs[HANDOUT_IOU]),
            "clean_seen": segmentation.numbers(clean)["validation_seen"],
            "clean_images": segmentation.numbers(clean)["train_images"],
            **published.values,
        },
        contrasts=contrasts,
        verdicts={name: each.verdict for name, each in contrasts.items()},
        grids={
            "protocols": training.side_by_side(named, COLUMNS, "protocol, loss", segmentation.numbers),
            **published.grids,
        },
        # Whether masks have void pixels is seen in the clean protocol alone.
        facts={**segmentation.facts(handout), "void": segmentation.facts(clean)["void"], **published.facts},
        decisions={"agreement": agreement(losses.contrasts["mean_iou"], _cleanly(runs))},
    )


def _cleanly(runs: Runs) -> Contrast:
    """Return the mean IoU of both losses in the clean protocol, as D.2 Q1 compares it."""
    left, right = runs[IOU], runs[CROSS_ENTROPY]
    return segmentation.against(left, right, *LOSS_NAMES, ASKED).contrasts["mean_iou"]


def dcosts(runs: Runs) -> Answer:
    """Answer what fine-tuning costs, all layers against only the last."""
    measured = costs.costs(runs[COSTS])
    return replace(measured, facts={**measured.facts, **saved(measured.values, measured.verdicts)})


def dmoving(runs: Runs) -> Answer:
    """Answer what changes if the frozen net is left in train mode, as the starter leaves it."""
    left, right = runs[MOVING], runs[HANDOUT_CROSS_ENTROPY]
    compared = segmentation.against(left, right, "train mode", "eval mode", MOVED)
    values = {"seeds": reading.count(left), "right_seeds": reading.count(right), **compared.values}
    rivals = {"train mode": left, "eval mode": right}
    pictures = {
        "mean_iou": training.rival_curves(rivals, "mean_iou", "mean IoU, validation"),
        "starter": training.rival_curves(rivals, "starter"),
    }
    return replace(compared, values=values, pictures=pictures)


def _differ(mine: reading.Listing, other: reading.Listing) -> str:
    """Return the lines of a listing that the other has not, without their commas."""
    known = {line.strip() for line in other.source.splitlines()}
    lines = (line.strip() for line in mine.source.splitlines())
    return ", ".join(line.rstrip(",") for line in lines if line not in known)


def _losses(left: Sequence[Run], right: Sequence[Run]) -> Answer:
    """Compare a training with the IoU loss with one that differs in its loss alone."""
    rivals = {segmentation.loss_of(left): left, segmentation.loss_of(right): right}
    trained, against = segmentation.fine_tuning(left), segmentation.against(left, right, *LOSS_NAMES)
    theirs = segmentation.fine_tuning(right)
    c = against.contrasts
    return replace(
        trained,
        values={**trained.values, **{f"right_{name}": number for name, number in theirs.values.items()}},
        contrasts=c,
        verdicts={
            **trained.verdicts,
            **{f"right_{name}": verdict for name, verdict in theirs.verdicts.items()},
            **{f"higher_{name}": verdict for name, verdict in against.verdicts.items()},
        },
        pictures={
            "loss": trained.pictures["loss"],
            "mean_iou": training.rival_curves(rivals, "mean_iou", "mean IoU, validation"),
        },
        facts={**trained.facts, "right_lost": segmentation.facts(right)["lost"]},
        decisions={
            "benefit": benefit(c["mean_iou"], c["flower_iou"]),
            "at_best_cut": at_best_cut(c["mean_iou"], c["mean_iou_cut"]),
            **{
                f"{side}ending": decision
                for side, each in (("", trained), ("right_", theirs))
                for decision in _ending(each)
            },
        },
    )


def _ending(trained: Answer) -> list[Decision]:
    """Decide where the mean IoU was going at the end; nothing after a single epoch."""
    values = trained.values
    if "rising" not in trained.verdicts:
        return []
    return [ending(trained.verdicts["rising"], values["peaked"], values["seeds"])]


def _gains(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> dict[str, Verdict]:
    claim = "Another cut than one half clearly raises the mean IoU, {}"
    return {
        "gain": exceeds(claim.format(LOSS_NAMES[0]), left["cut_gain"], GAIN, _WHY),
        "right_gain": exceeds(claim.format(LOSS_NAMES[1]), right["cut_gain"], GAIN, _WHY),
    }


def _published(runs: Runs) -> Answer:
    """Return what others reported beside what the runs gave; empty where data or training are others."""
    ours = {"cross-entropy": runs[HANDOUT_CROSS_ENTROPY], "iou": runs[HANDOUT_IOU]}
    if not all(PUBLISHED.comparable(run) for group in ours.values() for run in group):
        return Answer()
    sources = PUBLISHED.sources()
    rows: list[tuple[str | Quantity | tuple[Quantity, ...], ...]] = [
        (source["title"], *(_told(source, loss) for loss in ours)) for source in sources
    ]
    rows.append(("this report", *(segmentation.numbers(group)["starter_best"] for group in ours.values())))
    first = _told(sources[0], "cross-entropy")
    bounds = segmentation.implied("published", first, f"the score of the {sources[0]['title']}")
    return Answer(
        values={"published": first, **{f"published_{name}": bound for name, bound in bounds.items()}},
        grids={
            "published": Grid(
                ("source", *(segmentation.LOSSES[loss] for loss in ours)),
                tuple(rows),
                reading.datasets(ours["iou"]),
            )
        },
        facts={"published_lower": all(source["iou"] < source["cross-entropy"] for source in sources)},
    )


def _told(source: Entry, loss: str) -> Quantity:
    title = f"{source['title']}, {segmentation.LOSSES[loss]}"
    return PUBLISHED.quantity(
        f"score.{title}", source[loss], "score", meaning=f"starter’s score, {title}", field=title
    )


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "d1q1": d1q1,
    "d1q2": d1q2,
    "d1q2more": d1q2more,
    "d1q3": d1q3,
    "d1q3more": d1q3more,
    "d2q1": d2q1,
    "d2q1more": d2q1more,
    "d2q2": d2q2,
    "d2q2more": d2q2more,
    "dlong": dlong,
    "dsplits": dsplits,
    "dcosts": dcosts,
    "dmoving": dmoving,
}
