"""Answers to Part C of CSC413 2021, programming assignment 2: UNet."""

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity, Source, combine
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colourization import versus
from cnnreport.report.say.formulas.network import network
from cnnreport.runs.artefact import Run

POOL_UPSAMPLE = "pool-upsample"
CONV_TRANSPOSE = "conv-transpose"
UNET = "unet"
WIDENED = "conv-transpose-widened"
NETS = (POOL_UPSAMPLE, CONV_TRANSPOSE, UNET)
TOLD = ("loss", "accuracy")

COLUMNS = {
    "parameters": "weights",
    "loss": "validation loss",
    "accuracy": "validation accuracy",
    "lab_distance": "CIELAB distance",
    "edges_predicted": "edge share",
    "colour_share": "share of the colours",
}

PUBLISHED = "published.toml"
PUBLISHED_DATA = "cifar10"
PUBLISHED_SPEC = {"kernel": 3, "num_filters": 32, "epochs": 25, "batch_size": 100, "updates": None,
                  "train_images": None, "validation_images": None}  # fmt: skip
"""The data set and the settings with which the published results were reached."""


def c1(runs: Runs) -> Answer:
    """Answer C1: the class that ran, its architecture and its counts."""
    return network(runs[UNET], runs.get(f"{UNET}-formulas", ()))


def c2(runs: Runs) -> Answer:
    """Answer C2: the training curves."""
    return colourization.training(runs[UNET])


def c3(runs: Runs) -> Answer:
    """Answer C3: whether skip connections help, and why."""
    found = versus(runs[UNET], runs[CONV_TRANSPOSE])
    first = runs[POOL_UPSAMPLE]
    rows = colourization.picture_rows(first, training.net_name(first))
    pictures = {name: rows[name] for name in ("grey", "original", "truth")}
    for name in NETS:
        pictures[name] = colourization.prediction_row(runs[name], training.net_name(runs[name]), first)
    published = _published(runs)
    return replace(
        found,
        values={**found.values, **published.values},
        verdicts={**found.verdicts, **_tables(runs)},
        pictures=pictures,
        grids={
            "nets": training.side_by_side(
                {training.net_name(runs[e]): runs[e] for e in NETS}, COLUMNS, "net"
            ),
            **published.grids,
        },
        facts={
            **found.facts,
            **published.facts,
            **{name: training.net_name(runs[name]) for name in NETS},
        },
    )


def skips(runs: Runs) -> Answer:
    """Answer whether it is the skips of UNet that help, or its additional weights."""
    widened = "the widened net"
    over = versus(runs[WIDENED], runs[CONV_TRANSPOSE], left_name=widened)
    under = versus(runs[UNET], runs[WIDENED], right_name=widened)
    gain = versus(runs[UNET], runs[CONV_TRANSPOSE])
    contrasts = {
        "gain": gain.contrasts["loss"],
        "widened": over.contrasts["loss"],
        "unet": under.contrasts["loss"],
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
        facts={
            "all_lost": any(each.unknown for each in contrasts.values()),
            "unet": training.net_name(runs[UNET]),
            "net": training.net_name(runs[CONV_TRANSPOSE]),
        },
    )


def _tables(runs: Runs) -> dict[str, Verdict]:
    """Judge of each net whether it is better than a table from grey level to colour."""
    over = {name: colourization.numbers(runs[name])["over_table"] for name in NETS}
    return {f"{name}_beats_table": colourization.beats_table(runs[name], over[name]) for name in NETS}


def _published(runs: Runs) -> Answer:
    """Return what others reported beside what the runs gave; empty where data or training are others."""
    if not all(map(_comparable, (run for name in NETS for run in runs[name]))):
        return Answer()
    sources = _sources(Path(__file__).parents[1] / PUBLISHED)
    ours = {name: colourization.numbers(runs[name]) for name in NETS}
    rows = [
        *(
            (source["title"], *(tuple(_told(source, name, w) for w in TOLD) for name in NETS))
            for source in sources
        ),
        ("this report", *(tuple(ours[name][w] for w in TOLD) for name in NETS)),
    ]
    columns = ("source", *(training.net_name(runs[name]) for name in NETS))
    published = [[source[name]["accuracy"] for name in NETS] for source in sources]
    mine = [ours[name]["accuracy"].mean for name in NETS]
    return Answer(
        values={f"{name}_off": _off(ours[name]["accuracy"], name, sources) for name in NETS},
        grids={"published": Grid(columns, tuple(rows), reading.datasets(runs[UNET]))},
        facts={
            "ordered": all(map(math.isfinite, mine)),
            "same_order": all(_order(each) == _order(mine) for each in published),
        },
    )


def _sources(file: Path) -> list[Mapping[str, Any]]:
    """Read what others reported.

    Raises:
        UsageError: The file has a mistake, or a number is missing.
    """
    try:
        sources: list[Mapping[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8"))["source"]
        complete = all(
            isinstance(source["title"], str) and all(float(source[name][what]) > 0 for what in TOLD)
            for source in sources
            for name in NETS
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file}: {type(error).__name__}: {error}", "mend it there") from error
    if not sources or not complete:
        raise UsageError(
            f"{file} lacks numbers of {', '.join(NETS)}", "give each source a loss and an accuracy"
        )
    return sources


def _comparable(run: Run) -> bool:
    """Tell whether a run used the data and the settings of the published ones."""
    data = run.key.what["data"]["name"] == PUBLISHED_DATA
    return data and all(run.spec[name] == value for name, value in PUBLISHED_SPEC.items())


def _order(values: Sequence[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda place: values[place])


def _off(accuracy: Quantity, name: str, sources: Sequence[Mapping[str, Any]]) -> Quantity:
    """Return how far an accuracy lies above the mean of the published ones."""
    mean = fmean(_told(source, name, "accuracy").mean for source in sources)
    return combine(
        f"{name}.off_published",
        f"{accuracy.meaning} of {name} less the mean of the published ones",
        f"{{}} less the mean of {PUBLISHED}",
        lambda mine: mine - mean,
        accuracy,
        form="points",
    )


def _told(source: Mapping[str, Any], name: str, what: str) -> Quantity:
    """Return a published number; it has no run."""
    value = source[name][what]
    title = f"{source['title']}, {name}, {what}"
    form: Form = "share" if what == "accuracy" else "loss"
    origin = Source((), f"experiments/a2-writeup/{PUBLISHED}", title)
    in_form = value / 100 if form == "share" else value  # the file has per cent, as the write-ups do
    return Quantity(f"published.{title}", f"published: {title}", {0: in_form}, form, origin)


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {"c1": c1, "c2": c2, "c3": c3, "skips": skips}
