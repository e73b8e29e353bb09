"""Answers to Part B of CSC413 2021, programming assignment 2: ConvTransposeNet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from cnnreport.report import answer, padded, trained
from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.contrast import Contrast
from cnnreport.report.network import network
from cnnreport.report.quantity import Quantity, combine
from cnnreport.report.sweep import sweep
from cnnreport.report.verdict import exceeds
from cnnreport.report.versus import versus
from cnnreport.runs.artefact import Run

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


def b1(runs: Runs) -> Answer:
    """Answer B1: the class that ran, its architecture and its counts."""
    return network(runs[CONV_TRANSPOSE], runs.get(f"{CONV_TRANSPOSE}-formulas", ()))


def b2(runs: Runs) -> Answer:
    """Answer B2: the training curves."""
    return trained.training(runs[CONV_TRANSPOSE])


def b3(runs: Runs) -> Answer:
    """Answer B3: whether ConvTransposeNet is better than PoolUpsampleNet, and why."""
    left, right = runs[CONV_TRANSPOSE], runs[POOL_UPSAMPLE]
    found = versus(left, right)
    rows = trained.picture_rows(right, trained.net_name(right))
    pictures = {
        "grey": rows["grey"],
        "truth": rows["truth"],
        "right": rows["prediction"],
        "left": trained.prediction_row(left, trained.net_name(left), right),
    }
    return replace(found, pictures=pictures, grids={"data": Grid((), (), answer.datasets(left))})


def b4(runs: Runs) -> Answer:
    """Answer B4: the paddings that keep the figure's shapes for other kernel sizes."""
    return Answer(paddings={"figure": padded.paddings(runs[PADDINGS][0])})


def b5(runs: Runs) -> Answer:
    """Answer B5: what the batch size changes in a fixed number of epochs."""
    many = runs.get(CONV_TRANSPOSE, ())  # the same training in batches of 100
    sizes = [group for name, group in runs.items() if name.startswith(BATCHES)]
    found = sweep([many, *sizes] if many else sizes)
    spread = _spread(many) if many else None
    if spread is None:
        return found
    apart = combine(
        f"{CONV_TRANSPOSE}.sweep.apart",
        "validation loss of the largest batch less that of the smallest, without its sign",
        "size of {}",
        abs,
        found.contrasts["loss"].difference,
        form="loss",
    )
    values = {
        **found.values,
        "spread": spread,
        "spread_batch": answer.setting(many, "batch_size", "batch size"),
    }
    claim = "The smallest and the largest batch differ by more than seeds do"
    return replace(
        found,
        values=values,
        verdicts={**found.verdicts, "beyond_seeds": exceeds(claim, apart, spread.mean)},
    )


def path(runs: Runs) -> Answer:
    """Answer which of the changes between PoolUpsampleNet and ConvTransposeNet matters."""
    steps = {
        f"step{number}": versus(runs[after], runs[before])
        for number, (before, after) in enumerate(pairwise(PATH), 1)
    }
    whole = versus(runs[PATH[-1]], runs[PATH[0]])
    total = whole.contrasts["loss"]
    contrasts = {name: step.contrasts["loss"] for name, step in steps.items()}
    shares = {f"{name}_share": _share(name, each, total) for name, each in contrasts.items()}
    values = shares if total.lower else {}
    return Answer(
        values=values,
        contrasts={**contrasts, "whole": total},
        verdicts={name: each.verdict for name, each in contrasts.items()},
        grids={
            "nets": trained.side_by_side({trained.net_name(runs[e]): runs[e] for e in PATH}, COLUMNS, "net")
        },
        facts={
            "several": len(runs[PATH[0]]) > 1,
            "all_lost": total.unknown,
            "same_weights": all(step.facts["same_weights"] for step in steps.values()),
            "largest": max(values, key=lambda name: values[name].mean).removesuffix("_share")
            if values
            else "",
        },
    )


def updates(runs: Runs) -> Answer:
    """Answer what the batch size changes in a fixed number of updates."""
    return sweep([group for name, group in runs.items() if name.startswith(SAME_UPDATES)])


def _spread(runs: Sequence[Run]) -> Quantity | None:
    """Return how far the final validation losses of the seeds lie apart; None for a single one."""
    loss = answer.last(runs, "validation_loss", "validation loss", "loss")
    if len(loss.finite) < 2:
        return None
    apart = max(loss.finite) - min(loss.finite)
    return combine(
        f"{CONV_TRANSPOSE}.spread",
        "validation loss, highest seed less lowest",
        "highest of {} less lowest",
        lambda _: apart,
        loss,
        form="loss",
    )


def _share(name: str, step: Contrast, whole: Contrast) -> Quantity:
    return combine(
        f"{PATH[0]}.path.{name}",
        "part of the whole fall of the validation loss",
        "({}) over ({})",
        lambda part, all_of_it: part / all_of_it,
        step.difference,
        whole.difference,
        form="share",
    )


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "b1": b1,
    "b2": b2,
    "b3": b3,
    "b4": b4,
    "b5": b5,
    "path": path,
    "updates": updates,
}
