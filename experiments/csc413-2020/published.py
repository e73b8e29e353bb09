"""What finished solutions of 2020 reported, beside what the runs gave."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from cnnreport.kinds.kind import Form
from cnnreport.report.answer import Answer, Grid
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.published import Entry, Published
from cnnreport.report.numbers.quantity import Quantity, combine
from cnnreport.report.say import colourization
from cnnreport.runs.artefact import Run

Net = Literal["cnn", "unet"]

REPORTED = ("loss", "accuracy")

SPECS: Mapping[Net, Mapping[str, Any]] = {
    "cnn": {"learning_rate": 0.3, "batch_size": 100},
    "unet": {"learning_rate": 0.001, "batch_size": 10},
}
"""The settings with which the two nets were trained, besides those that both have."""


def published(net: Net) -> Published:
    """Return where the published results of a net stand, and which runs may be compared with them."""
    return Published(
        Path(__file__).with_name("published.toml"),
        data="cifar10",
        spec={"kernel": 3, "num_filters": 32, "epochs": 25, "updates": None, "train_images": None,
              "validation_images": None, **SPECS[net]},
        complete=lambda source: all(float(source[each][what]) > 0 for what in REPORTED for each in SPECS),
        lacks=f"numbers of {', '.join(SPECS)}",
        remedy="give each source a loss and an accuracy of both nets",
    )  # fmt: skip


def beside(runs: Sequence[Run], net: Net) -> Answer:
    """Return published results beside those of the runs; empty where data or settings are others.

    Returns:
        ``grids``: ``published``; ``values``: how far loss and accuracy lie ``off`` the published means.
    """
    where = published(net)
    if not all(map(where.comparable, runs)):
        return Answer()
    ours, sources = colourization.numbers(runs), where.sources()
    rows = [
        (source["title"], *(_reported(where, source, net, what) for what in REPORTED)) for source in sources
    ]
    return Answer(
        values={f"{what}_off": _off(ours[what], net, what, sources) for what in REPORTED},
        grids={
            "published": Grid(
                ("source", "validation loss", "validation accuracy"),
                (*rows, ("this report", *(ours[what] for what in REPORTED))),
                reading.datasets(runs),
            )
        },
    )


def _reported(where: Published, source: Entry, net: Net, what: str) -> Quantity:
    title = f"{source['title']}, {net}, {what}"
    form: Form = "share" if what == "accuracy" else "loss"
    return where.quantity(title, _plain(source, net, what), form, meaning=title, field=title)


def _plain(source: Entry, net: Net, what: str) -> float:
    """Return a reported number, an accuracy as a share: the file has per cent, as the solutions do."""
    return float(source[net][what]) / (100 if what == "accuracy" else 1)


def _off(mine: Quantity, net: Net, what: str, sources: Sequence[Entry]) -> Quantity:
    mean = fmean(_plain(source, net, what) for source in sources)
    return combine(
        f"{mine.name}.off_published",
        f"{mine.meaning} minus the mean of the published ones",
        "{} minus the mean of published.toml",
        lambda value: value - mean,
        mine,
        form="points" if what == "accuracy" else "loss",
    )
