"""One training with several batch sizes: what changes with them, over passes and over updates."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cnnreport.kinds.kind import Recorded
from cnnreport.report.answer import Answer
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve, Role
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast, contrasts
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.quantity import Quantity, over_all
from cnnreport.report.numbers.trend import Trend, trend
from cnnreport.report.say import training
from cnnreport.report.say.training import Numbers
from cnnreport.runs.artefact import Run

_PER_UPDATE = ("too_short", "lost", "behind", "ahead", "level")
"""What the losses after equally many updates say, of the largest batch beside the smallest."""


@dataclass(frozen=True)
class _Group:
    """The runs of one batch size and their numbers."""

    runs: Sequence[Run]
    values: Mapping[str, Quantity]

    @property
    def size(self) -> int:
        return int(self.values["batch_size"].mean)

    @property
    def loss(self) -> Recorded:
        return self.runs[0].kind["loss"]

    @property
    def per_epoch(self) -> int:
        return int(self.runs[0].measures[self.runs[0].kind["updates_per_epoch"].key])

    @property
    def updates(self) -> int:
        return int(self.values["updates"].mean)


def sweep(
    trainings: Sequence[Sequence[Run]],
    names: Sequence[str],
    columns: Mapping[str, str],
    read: Numbers = training.numbers,
) -> Answer:
    """Compare trainings that differ in their batch size alone.

    Args:
        trainings: The runs of each batch size, in any order; of a kind that records ``batch_size``,
            ``updates``, ``updates_per_epoch``, ``epochs``, ``loss`` and ``train_loss``.
        names: The numbers of which it is asked how they go with the batch size; the first is the primary
            measure of the question.
        columns: Which numbers the table shows, and the heading of each.
        read: Reads the numbers.

    Returns:
        ``values``: ``smallest``, ``largest``, ``fewest`` and ``most`` updates, ``pairs`` of neighbouring
        sizes that can be compared after equally many updates, ``pairs_lower``, in how many of them the larger
        one has the lower mean loss then, and ``matched`` (updates) where the trainings can be compared after
        equally many;
        ``trends``: how `names` go with the doubling of the batch size, over all runs; ``contrasts``: `names`,
        largest against smallest, and ``matched``, all of them secondary; ``verdicts``: those of the trends,
        as ``<name>_trend``, and of the contrasts; ``decisions``: ``per_update``, how the largest batch stands
        after equally many updates; ``grids``: ``sizes``; ``pictures``: ``sizes``, ``updates``; ``parts``:
        ``even``, the batch sizes that divide the training images, and ``uneven``, the others, each with the
        images left for the last batch of an epoch; both empty where the kind does not record
        ``train_images``; ``facts``: ``lost`` (batch sizes of which a run diverged), ``all_lost``, ``net``.
    """
    groups = sorted((_Group(runs, read(runs)) for runs in trainings), key=lambda group: group.size)
    smallest, largest = groups[0], groups[-1]
    ends = f"batches of {largest.size}", f"batches of {smallest.size}"
    compared = contrasts(names, largest.values, smallest.values, *ends)
    values = {**_ends(smallest, largest), **_neighbours(groups)}
    if (meeting := _meeting(groups)) is not None:
        values["matched"] = meeting
        compared["matched"] = _matched(smallest, largest, meeting, ends)
    compared = family(compared)
    trends = family({name: _trend(name, groups) for name in names}, names[:1])
    lost = [str(group.size) for group in groups if any(run.diverged for run in group.runs)]
    rows = {str(group.size): group.runs for group in groups}
    return Answer(
        values=values,
        contrasts=compared,
        trends=trends,
        decisions={"per_update": _per_update(compared)},
        verdicts={
            **{f"{name}_trend": each.verdict for name, each in trends.items()},
            **{name: each.verdict for name, each in compared.items()},
        },
        grids={"sizes": training.side_by_side(rows, columns, "batch size", read)},
        pictures={"sizes": _over_sizes(groups), "updates": _over_updates(groups)},
        parts=_divided(groups),
        facts={
            "lost": ", ".join(lost),
            "all_lost": compared[names[0]].unknown,
            "net": training.net_name(smallest.runs),
        },
    )


def _ends(smallest: _Group, largest: _Group) -> dict[str, Quantity]:
    return {
        "smallest": smallest.values["batch_size"],
        "largest": largest.values["batch_size"],
        "most": smallest.values["updates"],
        "fewest": largest.values["updates"],
        "epochs": smallest.values["epochs"],
    }


def _neighbours(groups: Sequence[_Group]) -> dict[str, Quantity]:
    """Count the pairs of neighbouring sizes that can be compared after equally many updates."""
    differences = []
    for smaller, larger in pairwise(groups):
        if (meeting := _meeting((smaller, larger))) is not None:
            names = f"batches of {larger.size}", f"batches of {smaller.size}"
            differences.append(_matched(smaller, larger, meeting, names).difference.mean)
    finite = [difference for difference in differences if math.isfinite(difference)]
    losses = [group.values["loss"] for group in groups]
    meaning = "pairs of neighbouring batch sizes compared after equally many updates"
    lower = sum(difference < 0 for difference in finite)
    return {
        "pairs": _over_sizes_computed("pairs", meaning, len(finite), losses),
        "pairs_lower": _over_sizes_computed("pairs_lower", f"{meaning}, larger one lower", lower, losses),
    }


def _divided(groups: Sequence[_Group]) -> dict[str, list[tuple[Quantity, Quantity]]]:
    """Part the batch sizes by whether they divide the training images, each with the images that are left."""
    parts: dict[str, list[tuple[Quantity, Quantity]]] = {"even": [], "uneven": []}
    for group in groups:
        if (images := group.values.get("train_images")) is None:
            continue
        left = over_all(
            f"{images.name}.left.{group.size}",
            "images that are left for the last batch of an epoch",
            int(images.mean) % group.size,
            "{} modulo {}",
            images,
            group.values["batch_size"],
            form="count",
        )
        parts["uneven" if left.mean else "even"].append((group.values["batch_size"], left))
    return parts


def _over_sizes_computed(name: str, meaning: str, value: float, parts: Sequence[Quantity]) -> Quantity:
    """Return a number that is made of all batch sizes; they may have different seeds."""
    source = parts[0].source
    how = f"computed from {source.field} of each batch size".replace("{", "{{").replace("}", "}}")
    prefix = parts[0].name.partition(".")[0]
    return over_all(f"{prefix}.sweep.{name}", meaning, value, how, *parts, form="count")


def _per_update(compared: Mapping[str, Contrast]) -> Decision:
    outcomes = {"lower": "ahead", "higher": "behind", "open": "level", "unknown": "lost"}
    outcome = outcomes[compared["matched"].outcome] if "matched" in compared else "too_short"
    return Decision("the loss of the largest batch after equally many updates", outcome, _PER_UPDATE)


def _meeting(groups: Sequence[_Group]) -> Quantity | None:
    """Return the updates after which all can be compared: as many as the training with the fewest made."""
    fewest = min(groups, key=lambda group: group.updates)
    if fewest.updates < max(group.per_epoch for group in groups):
        return None  # some training had not validated once by then
    value = fewest.values["updates"]
    return Quantity(
        f"{value.name}.matched", "updates after which they are compared", value.values, "count", value.source
    )


def _matched(
    smallest: _Group,
    largest: _Group,
    meeting: Quantity,
    names: tuple[str, str],
) -> Contrast:
    """Compare the losses after equally many updates."""

    def after(group: _Group) -> Quantity:
        return reading.from_history(
            group.runs,
            group.loss.key,
            f"{group.loss.meaning} after equally many updates",
            group.loss.form,
            lambda losses: between(losses, group.per_epoch, group.updates, meeting.mean),
            f"after {meeting.mean:.0f} updates, between epochs on a straight line",
        )

    left, right = ({"matched": after(group)} for group in (largest, smallest))
    return contrasts(("matched",), left, right, *names)["matched"]


def _trend(name: str, groups: Sequence[_Group]) -> Trend:
    numbers = {float(group.size): group.values[name] for group in groups}
    prefix = groups[0].values[name].name.partition(".")[0]
    return trend(f"{prefix}.trend.{name}", numbers, "batch size")


def between(losses: Sequence[float], per_epoch: int, updates: int, wanted: float) -> float:
    """Return a loss after some number of updates, on a straight line between the ends of two epochs.

    Args:
        losses: At the end of each epoch.
        per_epoch: Updates in a full epoch.
        updates: Updates in all; the last epoch may be cut short.
        wanted: Between `per_epoch` and `updates`.
    """
    ends = _ends_of_epochs(len(losses), per_epoch, updates)
    after = bisect_left(ends, wanted)
    if ends[after] == wanted:
        return losses[after]
    part = (wanted - ends[after - 1]) / (ends[after] - ends[after - 1])
    return losses[after - 1] + part * (losses[after] - losses[after - 1])


def _ends_of_epochs(epochs: int, per_epoch: int, updates: int) -> list[int]:
    return [min(per_epoch * epoch, updates) for epoch in range(1, epochs + 1)]


def _over_sizes(groups: Sequence[_Group]) -> Picture:
    sizes = [group.size for group in groups]
    lines: tuple[tuple[str, Role, str], ...] = (
        ("training", "train", "train_loss"),
        ("validation", "validation", "loss"),
    )
    drawn = [
        Curve(label, role, [[group.values[name].mean for group in groups]], x=sizes)
        for label, role, name in lines
    ]
    said = "; ".join(
        f"{group.size}: {_said(group.values['train_loss'])} and {_said(group.values['loss'])}"
        for group in groups
    )
    alt = f"The final training and validation loss over the batch size. {said}."
    axis = Axis("batch size", ticks=apart(sizes))
    return figure.curves(drawn, groups[0].loss.axis, alt, reading.datasets(groups[0].runs), axis=axis)


def apart(sizes: Sequence[float]) -> list[float]:
    """Return the settings whose labels do not run into each other on a logarithmic axis, the last one always.

    Args:
        sizes: From the smallest to the largest, all above 0.
    """
    least = max(math.log(1.5), 0.12 * math.log(sizes[-1] / sizes[0]))
    kept: list[float] = []
    for size in sizes:
        if kept and math.log(size / kept[-1]) < least:
            if size != sizes[-1]:
                continue
            kept.pop()
        kept.append(size)
    return kept


def _over_updates(groups: Sequence[_Group]) -> Picture:
    drawn = [
        Curve(
            str(group.size),
            "step",
            [[row[group.loss.key] for row in run.history] for run in group.runs[:1]],
            x=_ends_of_epochs(len(group.runs[0].history), group.per_epoch, group.updates),
        )
        for group in groups
    ]
    most = max(group.updates for group in groups)
    ticks = [10**power for power in range(math.ceil(math.log10(most)) + 1)]
    alt = (
        "The validation loss over the number of updates, a line for each batch size. Updates in all: "
        + "; ".join(f"{group.size}: {group.updates}" for group in groups)
        + "."
    )
    axis = Axis("updates", ticks=[tick for tick in ticks if tick <= most], legend="batch size")
    return figure.curves(
        drawn, f"validation {groups[0].loss.axis}", alt, reading.datasets(groups[0].runs), axis=axis
    )


def _said(quantity: Quantity) -> str:
    return quantity.text.replace("\u00a0", " ")
