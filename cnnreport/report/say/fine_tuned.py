"""Whole sections about a last layer that is fine-tuned: the code, the best mIoU, the predictions.

Serves CSC413 2020, programming assignment 2, questions C1 to C3, and CSC413 2021, questions D.1 and D.2.
The templates ``shared/fine_tuned*.html.j2`` print these answers.
"""

from collections.abc import Sequence
from dataclasses import replace

from cnnreport.report.answer import Answer, Grid
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say import error_maps, segmentation
from cnnreport.report.say.masks import pictured as masks
from cnnreport.report.say.segmentation_outcomes import score
from cnnreport.runs.artefact import Run

SUBSETS = ("train", "validation")
"""Of which images predictions are shown."""

OPTIMISERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "rprop": "Rprop"}
"""What a reader calls the optimisers of a spec."""

CONTROL = ("mean_iou", "flower_iou")
"""In what pre-trained and random features are compared."""


def code(runs: Sequence[Run], *names: str) -> Answer:
    """Return listings of what trained, with the counts and settings that a text about them needs.

    Args:
        runs: The runs of one fine-tuning.
        names: The listings.

    Returns:
        ``values``: ``learned``, ``frozen``, ``channels``, ``learning_rate``; ``listings``;
        ``facts``: those of `segmentation.facts`, and ``optimiser``, empty in a spec that does not say.
    """
    numbers = segmentation.numbers(runs)
    return Answer(
        values={name: numbers[name] for name in ("learned", "frozen", "channels", "learning_rate")},
        listings={name: reading.listing(runs, name) for name in names},
        facts={**segmentation.facts(runs), "optimiser": OPTIMISERS.get(_optimiser(runs), "")},
    )


def parameters(runs: Sequence[Run]) -> Answer:
    """Return what says which parameters learn, and by which lines they are trained."""
    return code(runs, "learned_parameters", "fine_tune", "train")


def trained(runs: Sequence[Run]) -> Answer:
    """Return the training of a last layer, its best mIoU, its code and its settings."""
    listings = code(runs, "fine_tune_last_layer", "spec").listings
    return replace(segmentation.fine_tuning(runs), listings=listings)


def basis(runs: Sequence[Run], control: Sequence[Run]) -> Answer:
    """Return what a training rests on: data, weights, measures, baselines and a control.

    Args:
        runs: Those of a last layer on pre-trained features.
        control: The same on features of random weights.

    Returns:
        All of `segmentation.fine_tuning`; ``contrasts`` and ``verdicts`` against the control; ``grids``:
        ``baselines``; ``decisions``: ``score``.
    """
    mine = segmentation.fine_tuning(runs)
    against = segmentation.against(runs, control, "pre-trained features", "random features", CONTROL)
    calibrated = segmentation.numbers(control)["calibrated"]
    return replace(
        mine,
        values={**mine.values, "calibrated": calibrated},
        contrasts=against.contrasts,
        verdicts={**mine.verdicts, **{f"control_{k}": v for k, v in against.verdicts.items()}},
        grids={"baselines": _baselines(runs, control)},
        decisions={"score": score(mine.values)},
    )


def predictions(runs: Sequence[Run]) -> Answer:
    """Return the pictures of a fine-tuning, and what can be said of them by their numbers."""
    mine = segmentation.fine_tuning(runs)
    pictured = {subset: masks.pictured(runs, subset) for subset in SUBSETS}
    return Answer(
        values=mine.values,
        verdicts={"less_flower": mine.verdicts["less_flower"]},
        pictures=_rows(runs, SUBSETS),
        parts=pictured,
        facts=mine.facts,
    )


def ranked(runs: Sequence[Run]) -> Answer:
    """Return the images that a fine-tuning predicts best and worst."""
    mine = segmentation.fine_tuning(runs)
    return Answer(
        values=mine.values,
        pictures=_rows(runs, ("ranked",)),
        tables=mine.tables,
        facts=mine.facts,
    )


def _optimiser(runs: Sequence[Run]) -> str:
    """Return which optimiser the spec names; empty in a spec that does not say."""
    return str(runs[0].spec.get("optimiser", {}).get("name", ""))


def _rows(runs: Sequence[Run], subsets: Sequence[str]) -> dict[str, Picture]:
    what = f"the net fine-tuned with {segmentation.loss_of(runs)}"
    rows = {subset: error_maps.rows(runs, subset, what) for subset in subsets}
    return {f"{subset}_{name}": row for subset, each in rows.items() for name, row in each.items()}


def _baselines(chosen: Sequence[Run], control: Sequence[Run]) -> Grid:
    """Return what the last layer reaches on pre-trained features, on random ones, and what needs no net."""
    rows: list[tuple[str | Quantity | tuple[Quantity, ...], ...]] = []
    for title, runs in (("pre-trained features", chosen), ("random features", control)):
        numbers = segmentation.numbers(runs)
        rows.append((title, numbers["mean_iou"], numbers["flower_iou"], numbers["accuracy"]))
    numbers = segmentation.numbers(chosen)
    rows.append(("the fixed map", numbers["prior_mean"], numbers["prior"], ()))
    rows.append(("flower everywhere", (), numbers["everywhere"], ()))
    columns = ("", "mean IoU", "flower IoU per image", "pixel accuracy")
    return Grid(columns, tuple(rows), reading.datasets(chosen))
