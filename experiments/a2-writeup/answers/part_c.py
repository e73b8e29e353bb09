"""Answers to Part C of CSC413 2021, programming assignment 2: UNet."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.published import Entry, Published
from cnnreport.report.numbers.quantity import Quantity, combine
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colourization import versus
from cnnreport.report.say.colours import in_colour
from cnnreport.report.say.colours.skips import REPORTED, beats_table, cause, over_table, with_skips
from cnnreport.report.say.formulas.network import network

POOL_UPSAMPLE = "pool-upsample"
CONV_TRANSPOSE = "conv-transpose"
UNET = "unet"
WIDENED = "conv-transpose-widened"
INPUT_SKIP = "input-skip"
INNER_SKIP = "inner-skip"
NETS = (POOL_UPSAMPLE, CONV_TRANSPOSE, UNET)

COLUMNS = {
    "parameters": "weights",
    "loss": "validation loss",
    "accuracy": "validation accuracy",
    "lab_distance": "CIELAB distance",
    "edges_predicted": "edge share",
}

PUBLISHED = Published(
    Path(__file__).parents[1] / "published.toml",
    data="cifar10",
    spec={"kernel": 3, "num_filters": 32, "epochs": 25, "batch_size": 100, "updates": None,
          "train_images": None, "validation_images": None},
    complete=lambda source: all(float(source[name][what]) > 0 for what in REPORTED for name in NETS),
    lacks=f"numbers of {', '.join(NETS)}",
    remedy="give each source a loss and an accuracy",
)  # fmt: skip

# How the order of the nets by accuracy compares with that in published results.
ORDERS = ("same", "differs", "unordered")


def c1(runs: Runs) -> Answer:
    """Answer C1: the class that ran, its architecture and its counts."""
    return network(runs[UNET], runs.get(f"{UNET}-formulas", ()))


def c2(runs: Runs) -> Answer:
    """Answer C2: the training curves."""
    return colourization.training(runs[UNET])


def c3(runs: Runs) -> Answer:
    """Answer C3: whether skip connections help, and why."""
    return with_skips(runs[UNET], runs[CONV_TRANSPOSE])


def c3more(runs: Runs) -> Answer:
    """Answer what the three nets come to in all measures, and what others reported."""
    compared = versus(runs[UNET], runs[CONV_TRANSPOSE], primary=REPORTED)
    published, over = _published(runs), _tables(runs)
    named = {training.net_name(runs[name]): runs[name] for name in NETS}
    return replace(
        compared,
        values={**compared.values, **published.values},
        verdicts={**compared.verdicts, **{f"{name}_beats_table": each for name, each in over.items()}},
        decisions={**published.decisions, "over_table": over_table(tuple(over.values()))},
        grids={"nets": training.side_by_side(named, COLUMNS, "net"), **published.grids},
        parts={"colouring": in_colour.colouring(*(runs[name] for name in NETS))},
        facts={**compared.facts, **{name: training.net_name(runs[name]) for name in NETS}},
    )


def skips(runs: Runs) -> Answer:
    """Answer which skip of UNet helps, and whether more weights alone would do as much."""
    net, unet = runs[CONV_TRANSPOSE], runs[UNET]
    wide = "the widened net"
    compared = {
        # The question is whether the skips help a net of as many weights.
        "unet": versus(unet, runs[WIDENED], right_name=wide),
        "gain": versus(unet, net),
        "widened": versus(runs[WIDENED], net, left_name=wide),
        "input": versus(runs[INPUT_SKIP], net),
        "inner": versus(runs[INNER_SKIP], net),
        "which": versus(runs[INPUT_SKIP], runs[INNER_SKIP]),
        "both": versus(unet, runs[INNER_SKIP]),
    }
    losses = {name: each.contrasts["loss"] for name, each in compared.items()}
    early = {f"{name}_first": compared[name].contrasts["first_loss"] for name in ("input", "inner")}
    # The gain is what C3 asks for, and is judged as it is there.
    judged = family({**losses, **early}, ("unet", "gain"))
    contrasts = {**judged, "weights": compared["unet"].contrasts["parameters"]}
    named = {training.net_name(runs[name]): runs[name] for name in (CONV_TRANSPOSE, INPUT_SKIP, INNER_SKIP)}
    rows = {**named, wide: runs[WIDENED], training.net_name(unet): unet}
    return Answer(
        values={
            "filters": colourization.numbers(runs[WIDENED])["filters"],
            "filters_before": colourization.numbers(unet)["filters"],
        },
        contrasts=contrasts,
        verdicts={name: each.verdict for name, each in judged.items()},
        grids={"nets": training.side_by_side(rows, COLUMNS, "net")},
        decisions={"cause": cause(contrasts["gain"], contrasts["unet"], contrasts["weights"])},
        facts={
            "unet": training.net_name(unet),
            "net": training.net_name(net),
            "input": training.net_name(runs[INPUT_SKIP]),
            "inner": training.net_name(runs[INNER_SKIP]),
        },
    )


def _tables(runs: Runs) -> dict[str, Verdict]:
    """Judge of each net whether it is better than a table from grey level to colour."""
    return {name: beats_table(runs[name]) for name in NETS}


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
        f"{{}} minus the mean of {PUBLISHED.place}",
        lambda mine: mine - mean,
        accuracy,
        form="points",
    )


def _reported(source: Entry, name: str, what: str) -> Quantity:
    title = f"{source['title']}, {name}, {what}"
    # The file has per cent, as the write-ups do.
    value, form = (source[name][what] / 100, "share") if what == "accuracy" else (source[name][what], "loss")
    return PUBLISHED.quantity(title, value, form, meaning=title, field=title)


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "c1": c1,
    "c1more": c1,
    "c2": c2,
    "c2more": c2,
    "c3": c3,
    "c3more": c3more,
    "skips": skips,
}
