"""Answers to Part C of CSC413 2021, programming assignment 2: UNet."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast, balance
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.quantity import Quantity, combine
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colourization import TRUTH, versus
from cnnreport.report.say.formulas.network import network

from ..published import Entry, Published

POOL_UPSAMPLE = "pool-upsample"
CONV_TRANSPOSE = "conv-transpose"
UNET = "unet"
WIDENED = "conv-transpose-widened"
NETS = (POOL_UPSAMPLE, CONV_TRANSPOSE, UNET)
REPORTED = ("loss", "accuracy")
APPEARANCE = ("lab_distance", *TRUTH)

COLUMNS = {
    "parameters": "weights",
    "loss": "validation loss",
    "accuracy": "validation accuracy",
    "lab_distance": "CIELAB distance",
    "edges_predicted": "edge share",
    "colour_share": "share of the colours",
}

PUBLISHED = Published(
    "published.toml",
    data="cifar10",
    spec={"kernel": 3, "num_filters": 32, "epochs": 25, "batch_size": 100, "updates": None,
          "train_images": None, "validation_images": None},
    complete=lambda source: all(float(source[name][what]) > 0 for what in REPORTED for name in NETS),
    lacks=f"numbers of {', '.join(NETS)}",
    remedy="give each source a loss and an accuracy",
)  # fmt: skip

# What the validation loss of the widened net can say about the gain of the skips.
CAUSES = ("unknown_losses", "worse", "no_gain", "weights_left", "skips", "weights", "undecided")

# How the order of the nets by accuracy compares with that in published results.
ORDERS = ("same", "differs", "unordered")

IMPROVED = (
    "both",
    "loss_not_accuracy",
    "loss_alone",
    "accuracy_not_loss",
    "accuracy_alone",
    "neither",
    "unclear",
)
# The nets that are better than a table; ``each``: they differ, or it is open, so each is named.
OVER_TABLE = ("all", "none", "each")


def c1(runs: Runs) -> Answer:
    """Answer C1: the class that ran, its architecture and its counts."""
    return network(runs[UNET], runs.get(f"{UNET}-formulas", ()))


def c2(runs: Runs) -> Answer:
    """Answer C2: the training curves."""
    return colourization.training(runs[UNET])


def c3(runs: Runs) -> Answer:
    """Answer C3: whether skip connections help, and why."""
    compared = versus(runs[UNET], runs[CONV_TRANSPOSE])
    first = runs[POOL_UPSAMPLE]
    rows = colourization.picture_rows(first, training.net_name(first))
    pictures = {name: rows[name] for name in ("grey", "original", "truth")}
    for name in NETS:
        pictures[name] = colourization.prediction_row(runs[name], training.net_name(runs[name]), first)
    published = _published(runs)
    c, over = compared.contrasts, _tables(runs)
    return replace(
        compared,
        values={**compared.values, **published.values},
        verdicts={**compared.verdicts, **over},
        decisions={
            "improved": Decision("what skips improved", _improved(c["loss"], c["accuracy"]), IMPROVED),
            **published.decisions,
            "over_table": _over_table(tuple(over.values())),
            "images": balance("whether the images are better with skips", [c[name] for name in APPEARANCE]),
        },
        pictures=pictures,
        grids={
            "nets": training.side_by_side(
                {training.net_name(runs[e]): runs[e] for e in NETS}, COLUMNS, "net"
            ),
            **published.grids,
        },
        facts={
            **compared.facts,
            **{name: training.net_name(runs[name]) for name in NETS},
        },
    )


def skips(runs: Runs) -> Answer:
    """Answer whether it is the skips of UNet that help, or its additional weights."""
    widened = "the widened net"
    over = versus(runs[WIDENED], runs[CONV_TRANSPOSE], left_name=widened)
    under = versus(runs[UNET], runs[WIDENED], right_name=widened)
    gain = versus(runs[UNET], runs[CONV_TRANSPOSE])
    # The question is whether the skips help a net of as many weights.
    losses = {"unet": under, "gain": gain, "widened": over}
    contrasts = {
        **family({name: each.contrasts["loss"] for name, each in losses.items()}, "unet"),
        "weights": under.contrasts["parameters"],
    }
    rows = {
        training.net_name(runs[CONV_TRANSPOSE]): runs[CONV_TRANSPOSE],
        widened: runs[WIDENED],
        training.net_name(runs[UNET]): runs[UNET],
    }
    return Answer(
        values={
            "filters": colourization.numbers(runs[WIDENED])["filters"],
            "filters_before": colourization.numbers(runs[UNET])["filters"],
        },
        contrasts=contrasts,
        verdicts={name: contrasts[name].verdict for name in ("gain", "widened", "unet")},
        grids={"nets": training.side_by_side(rows, COLUMNS, "net")},
        decisions={"cause": Decision("what the gain of the skips comes from", _cause(contrasts), CAUSES)},
        facts={
            "unet": training.net_name(runs[UNET]),
            "net": training.net_name(runs[CONV_TRANSPOSE]),
        },
    )


def _cause(contrasts: Mapping[str, Contrast]) -> str:
    gain, unet = contrasts["gain"], contrasts["unet"]
    if any(each.unknown for each in contrasts.values()):
        return "unknown_losses"
    if not gain.lower:
        return "worse" if gain.higher else "no_gain"
    if unet.lower:
        return "weights_left" if contrasts["weights"].difference.mean > 0 else "skips"
    return "weights" if unet.higher else "undecided"


def _improved(loss: Contrast, accuracy: Contrast) -> str:
    """Say what the skips improved, of the loss and the accuracy."""
    if loss.lower and accuracy.higher:
        return "both"
    if loss.lower:
        return "loss_not_accuracy" if accuracy.lower else "loss_alone"
    if accuracy.higher:
        return "accuracy_not_loss" if loss.higher else "accuracy_alone"
    return "neither" if loss.higher or accuracy.lower else "unclear"


def _tables(runs: Runs) -> dict[str, Verdict]:
    """Judge of each net whether it is better than a table from grey level to colour."""
    over = {name: colourization.numbers(runs[name])["over_table"] for name in NETS}
    return {f"{name}_beats_table": colourization.beats_table(runs[name], over[name]) for name in NETS}


def _over_table(verdicts: Sequence[Verdict]) -> Decision:
    outcomes = {verdict.outcome for verdict in verdicts}
    outcome = "all" if outcomes == {"yes"} else "none" if outcomes == {"no"} else "each"
    return Decision("which nets are better than a table from grey level to colour", outcome, OVER_TABLE)


def _published(runs: Runs) -> Answer:
    """Return what others reported beside what the runs gave; empty where data or training are others."""
    if not all(map(PUBLISHED.comparable, (run for name in NETS for run in runs[name]))):
        return Answer()
    sources = PUBLISHED.sources()
    ours = {name: colourization.numbers(runs[name]) for name in NETS}
    rows = [
        *(
            (source["title"], *(tuple(_reported(source, name, w) for w in REPORTED) for name in NETS))
            for source in sources
        ),
        ("this report", *(tuple(ours[name][w] for w in REPORTED) for name in NETS)),
    ]
    columns = ("source", *(training.net_name(runs[name]) for name in NETS))
    published = [[source[name]["accuracy"] for name in NETS] for source in sources]
    mine = [ours[name]["accuracy"].mean for name in NETS]
    if all(map(math.isfinite, mine)):
        order = "same" if all(_order(each) == _order(mine) for each in published) else "differs"
    else:
        order = "unordered"
    return Answer(
        values={f"{name}_off": _off(ours[name]["accuracy"], name, sources) for name in NETS},
        grids={"published": Grid(columns, tuple(rows), reading.datasets(runs[UNET]))},
        decisions={"order": Decision("whether the order of the nets is that of the others", order, ORDERS)},
    )


def _order(values: Sequence[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda place: values[place])


def _off(accuracy: Quantity, name: str, sources: Sequence[Entry]) -> Quantity:
    """Return how far an accuracy lies above the mean of the published ones."""
    mean = fmean(_reported(source, name, "accuracy").mean for source in sources)
    return combine(
        f"{name}.off_published",
        f"{accuracy.meaning} of {name} minus the mean of the published ones",
        f"{{}} minus the mean of {PUBLISHED.file}",
        lambda mine: mine - mean,
        accuracy,
        form="points",
    )


def _reported(source: Entry, name: str, what: str) -> Quantity:
    title = f"{source['title']}, {name}, {what}"
    # The file has per cent, as the write-ups do.
    value, form = (source[name][what] / 100, "share") if what == "accuracy" else (source[name][what], "loss")
    return PUBLISHED.quantity(title, value, form, meaning=title, field=title)


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {"c1": c1, "c2": c2, "c3": c3, "skips": skips}
