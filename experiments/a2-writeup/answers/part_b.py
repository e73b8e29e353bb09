"""Answers to Part B of CSC413 2021, programming assignment 2: ConvTransposeNet."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.quantity import Quantity, over_all
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colourization import sweep, versus
from cnnreport.report.say.colours.pictured import changed, pictured
from cnnreport.report.say.formulas import paddings
from cnnreport.report.say.formulas.network import network

POOL_UPSAMPLE = "pool-upsample"
CONV_TRANSPOSE = "conv-transpose"
PADDINGS = "conv-transpose-paddings"

BATCHES = "batch-size-"
SAME_UPDATES = "same-updates-"

COLUMNS = {
    "parameters": "weights",
    "loss": "validation loss",
    "accuracy": "validation accuracy",
    "edges_predicted": "edge share",
}

# From PoolUpsampleNet to ConvTransposeNet, one change at a time.
PATH = (POOL_UPSAMPLE, "strided-upsample", "resize-conv", CONV_TRANSPOSE)


# What each step of the path changes, and what there is where none has a share of the whole.
STEPS = {"step1": "pooling", "step2": "upsampling", "step3": "transposed"}
UNDIVIDED = "undivided"


def b1(runs: Runs) -> Answer:
    """Answer B1: the class that ran, its architecture and its counts."""
    return network(runs[CONV_TRANSPOSE], runs.get(f"{CONV_TRANSPOSE}-formulas", ()))


def b2(runs: Runs) -> Answer:
    """Answer B2: the training curves."""
    return colourization.training(runs[CONV_TRANSPOSE])


def b3(runs: Runs) -> Answer:
    """Answer B3: whether ConvTransposeNet is better than PoolUpsampleNet, and why."""
    left, right = runs[CONV_TRANSPOSE], runs[POOL_UPSAMPLE]
    compared = versus(left, right)
    rows = colourization.picture_rows(right, training.net_name(right))
    pictures = {
        "grey": rows["grey"],
        "truth": rows["truth"],
        "right": rows["prediction"],
        "left": colourization.prediction_row(left, training.net_name(left), right),
    }
    mine, theirs = pictured(left), pictured(right)
    parts = {"pictured": mine, "changed": changed(mine, theirs)} if mine and theirs else {}
    return replace(compared, pictures=pictures, parts=parts)


def b4(runs: Runs) -> Answer:
    """Answer B4: the paddings that keep the figure's shapes for other kernel sizes."""
    return Answer(parts={"paddings": paddings.paddings(runs[PADDINGS][0])})


def b5(runs: Runs) -> Answer:
    """Answer B5: what the batch size changes in a fixed number of epochs."""
    many = runs.get(CONV_TRANSPOSE, ())  # the same training in batches of 100
    sizes = [group for name, group in runs.items() if name.startswith(BATCHES)]
    return sweep([many, *sizes] if many else sizes)


def path(runs: Runs) -> Answer:
    """Answer which of the changes between PoolUpsampleNet and ConvTransposeNet matters."""
    steps = {
        f"step{number}": versus(runs[after], runs[before])
        for number, (before, after) in enumerate(pairwise(PATH), 1)
    }
    whole = versus(runs[PATH[-1]], runs[PATH[0]])
    total = whole.contrasts["loss"]
    losses = {name: step.contrasts["loss"] for name, step in steps.items()}
    contrasts = family({"whole": total, **losses}, ("whole",))
    shares = {name: _share(name, each, total) for name, each in losses.items()}
    # Steps that work against each other have no share of the whole.
    divided = total.lower and all(0 <= share.mean <= 1 for share in shares.values())
    largest = STEPS[max(shares, key=lambda name: shares[name].mean)] if divided else UNDIVIDED
    return Answer(
        values={f"{name}_share": share for name, share in shares.items()} if divided else {},
        contrasts=contrasts,
        verdicts={name: each.verdict for name, each in contrasts.items()},
        grids={
            "nets": training.side_by_side({training.net_name(runs[e]): runs[e] for e in PATH}, COLUMNS, "net")
        },
        decisions={
            "largest": Decision("which step has the largest part", largest, (*STEPS.values(), UNDIVIDED))
        },
        facts={"same_weights": all(step.facts["same_weights"] for step in steps.values())},
    )


def updates(runs: Runs) -> Answer:
    """Answer what the batch size changes in a fixed number of updates."""
    return sweep([group for name, group in runs.items() if name.startswith(SAME_UPDATES)])


def _share(name: str, step: Contrast, whole: Contrast) -> Quantity:
    return over_all(
        f"{POOL_UPSAMPLE}.path.{name}",
        "part of the whole fall of the validation loss",
        step.difference.mean / whole.difference.mean if whole.difference.mean else math.nan,
        "mean of ({}) over the mean of ({})",
        step.difference,
        whole.difference,
        form="share",
    )


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "b1": b1,
    "b1more": b1,
    "b2": b2,
    "b2more": b2,
    "b3": b3,
    "b3more": b3,
    "b4": b4,
    "b4more": b4,
    "b5": b5,
    "path": path,
    "updates": updates,
}
