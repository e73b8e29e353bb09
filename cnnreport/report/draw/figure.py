"""Curves, drawn by matplotlib: the same numbers, the same bytes.

Training is orange and dashed, validation is blue and solid, which lightness tells apart in black and white
too. Steps of something that grows go from a light orange to a dark blue, each with dashes of its own.
Contenders have a colour, dashes and, from the third on, markers of their own; where each has both training
and validation, the dashes tell these apart. Lines are named at their ends, from which a leader goes to the
name.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnreport.errors import UsageError
from cnnreport.report.draw import drawings, paper, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.reading import DataSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Role = Literal["train", "validation", "step", "contender"]

_DASHES: Sequence[Any] = ("solid", style.DASHED, (0, (1, 1.3)), (0, (6, 1.5, 1, 1.5)))
_MARKERS = "os^DvPX*"
_MARKED = 5
"""About so many points of a contender's line bear its marker."""
_FEW = 12
"""Up to so many points of an axis of its own are marked one by one."""
_STEPS: Sequence[tuple[float, float, float]] = (
    (0.95, 0.62, 0.15), (0.84, 0.33, 0.30), (0.58, 0.18, 0.52), (0.27, 0.14, 0.55), (0.03, 0.06, 0.22),
)  # fmt: skip
"""Colours from the first step to the last, after the map “plasma”: ever darker, and ever another hue."""
_WIDTH, _WIDE, _HEIGHT = 2.72, 5.67, 2.1  # inches: `paper.NARROW` and `paper.WIDE`
_LABEL_ROOM, _HANDLE_ROOM = 40.0, 13.0  # millimetres
_ROW_HEIGHT = 0.15
_NAMED = 8
"""Up to so many lines are named at their ends."""
_NAME_ROOM, _LEADER, _LEADING, _FOOT = 0.3, 4.0, 3.3, 14.0
"""Of the width, for names; millimetres from the axes to a name, from line to line, and below the axes."""


@dataclass(frozen=True)
class Curve:
    """One quantity over the epochs, or over something else.

    Args:
        label: What the legend calls it.
        role: Decides colour and dashes. Curves that are steps of something come in its order; a
            contender's colour is the next one that is free.
        seeds: The values of each seed, from the first epoch to the last.
        x: Where the values stand; None for the epochs 1, 2, …
        contender: Whose it is, where several contenders have a curve for training and one for validation.
    """

    label: str
    role: Role
    seeds: Sequence[Sequence[float]]
    x: Sequence[float] | None = None
    contender: str = ""

    @property
    def owner(self) -> str:
        """The contender that it belongs to, empty where it belongs to none."""
        return self.contender or (self.label if self.role == "contender" else "")


@dataclass(frozen=True)
class Axis:
    """What curves run over.

    Args:
        label: Below it.
        ticks: Where it is marked, None to choose; a scale with ticks is logarithmic unless `linear`.
        legend: What the legend says above its entries.
        linear: Whether equal steps are equally long although there are ticks.
    """

    label: str = "epoch"
    ticks: Sequence[float] | None = None
    legend: str = ""
    linear: bool = False


@dataclass(frozen=True)
class _Line:
    """How a curve is drawn."""

    colour: Any
    dashes: Any = "solid"
    marker: str = ""
    hollow: bool = False
    width: float = 1.5


def curves(
    drawn: Sequence[Curve],
    y_label: str,
    alt: str,
    data: tuple[DataSet, ...],
    *,
    per_cent: bool = False,
    axis: Axis | None = None,
    ceiling: float | None = None,
    floor: float | None = None,
    wide: bool = False,
) -> Picture:
    """Draw curves: each seed thin, the mean of the seeds thick.

    Non-finite values leave a gap; a mean is drawn where every seed is finite.

    Args:
        drawn: The curves, in the order of the legend.
        y_label: What they are of, with its unit.
        alt: What someone who cannot see them needs to know.
        data: The data that they depend on.
        per_cent: Whether shares are drawn as per cent.
        axis: What they run over; None for epochs.
        ceiling: Where the picture ends at the top, in the unit of the values: one contender that goes astray
            would else press all others flat. None to show all.
        wide: Whether it takes the whole column instead of half of it.

    Returns:
        An SVG whose letters are outlines, so that it needs no font.

    Raises:
        UsageError: There is no curve, one has no seed, or there are more contenders than can be told apart.
    """
    if not drawn or not all(len(curve.seeds) for curve in drawn):
        raise UsageError(f"there is no value to draw of {y_label}", "give curves with one seed at least")
    factor = 100.0 if per_cent else 1.0
    svg = _curves(drawn, y_label, factor, axis or Axis(), (floor, ceiling), _WIDE if wide else _WIDTH)
    return Picture(svg.encode(), "image/svg+xml", alt, data)


@drawings.kept
def _curves(
    drawn: Sequence[Curve],
    y_label: str,
    factor: float,
    axis: Axis,
    ends: tuple[float | None, float | None],
    width: float,
) -> str:
    from matplotlib.figure import Figure

    lines = _lines(drawn)
    with style.dressed():
        figure = Figure(figsize=(width, _HEIGHT), layout="constrained")
        axes = figure.subplots()
        means = [_draw(axes, curve, line, factor) for curve, line in zip(drawn, lines, strict=True)]
        _dress(axes, axis, y_label, drawn)
        _cut(axes, _finite(drawn), factor, ends)
        _explain(figure, axes, drawn, lines, means, axis.legend)
        return style.svg(figure)


def _lines(drawn: Sequence[Curve]) -> list[_Line]:
    """Decide how each curve is drawn: by its contender, its role, or as the next darker step."""
    numbers = style.contenders([curve.owner for curve in drawn if curve.owner])
    steps = sum(curve.role == "step" for curve in drawn)
    shades = iter(_shades(max(steps, 2)))
    dashes = cycle(_DASHES)
    roles: Mapping[Role, _Line] = {
        "train": _Line(style.TRAIN, style.DASHED),
        "validation": _Line(style.VALIDATION),
    }
    return [
        _Line(next(shades), next(dashes))
        if curve.role == "step"
        else _contender(numbers[curve.owner], curve.role, crowd=len(numbers) > 2)
        if curve.owner
        else roles[curve.role]
        for curve in drawn
    ]


def _shades(count: int) -> np.ndarray[Any, Any]:
    """Return the colours of so many steps, at least two, in equal distances along `_STEPS`."""
    places = np.linspace(0, len(_STEPS) - 1, count)
    return np.stack(
        [np.interp(places, range(len(_STEPS)), part) for part in zip(*_STEPS, strict=True)], axis=1
    )


def _contender(number: int, role: Role, *, crowd: bool) -> _Line:
    colour, marker = style.CONTENDERS[number], _MARKERS[number]
    if role == "train":
        return _Line(colour, style.DASHED, marker, hollow=True, width=1.0)
    if role == "validation":
        return _Line(colour, "solid", marker)
    return _Line(colour, _DASHES[number % len(_DASHES)], marker if crowd else "")


def _draw(axes: "Axes", curve: Curve, line: _Line, factor: float) -> "Line2D":
    """Draw the seeds and their mean; return the line of the mean."""
    values = factor * _table(curve.seeds)
    x = np.arange(1, values.shape[1] + 1) if curve.x is None else np.asarray(curve.x, dtype=float)
    if len(values) > 1:
        for seed in values:
            axes.plot(x, seed, color=line.colour, linewidth=0.5, alpha=0.55, linestyle=line.dashes)
    # Not nanmean: a mean over fewer seeds than the line beside it would jump where one diverges.
    mean = values.mean(axis=0)
    return axes.plot(x, mean, **_stroke(line), **_points(curve, line, len(x)))[0]


def _stroke(line: _Line) -> dict[str, Any]:
    stroke = {"color": line.colour, "linewidth": line.width, "linestyle": line.dashes}
    return stroke | ({"markerfacecolor": style.PAPER} if line.hollow else {})


def _points(curve: Curve, line: _Line, count: int) -> dict[str, Any]:
    """Return which points are marked, and by what."""
    # A line of one or two points would hardly be seen, and on an axis of its own each point is a training.
    if count < 3 or (curve.x is not None and curve.role != "step" and count <= _FEW):
        return {"marker": line.marker or "o", "ms": 4}
    if not line.marker:
        return {"marker": None, "ms": 4}
    every = max(1, count // _MARKED)
    # Contenders bear theirs at different epochs: lines that lie on each other still show all.
    first = _MARKERS.index(line.marker) * every // len(_MARKERS)
    return {"marker": line.marker, "ms": 4, "markevery": (first, every)}


def _table(seeds: Sequence[Sequence[float]]) -> np.ndarray[Any, Any]:
    """Return the values (seeds, epochs); NaN where one is non-finite, or the seed ended earlier."""
    table = np.full((len(seeds), max(map(len, seeds))), math.nan)
    for row, seed in zip(table, seeds, strict=True):
        row[: len(seed)] = seed
    table[~np.isfinite(table)] = math.nan
    return table


def _finite(drawn: Sequence[Curve]) -> list[float]:
    return [value for curve in drawn for seed in curve.seeds for value in seed if math.isfinite(value)]


def _cut(axes: "Axes", finite: list[float], factor: float, ends: tuple[float | None, float | None]) -> None:
    """End the axis where it was asked to, with a little room at the end that is free."""
    floor, ceiling = ends
    if finite and ends != (None, None):
        low, high = min(finite) if floor is None else floor, max(finite) if ceiling is None else ceiling
        spare = 0.05 * abs(high - low)
        axes.set_ylim(factor * (low - spare * (floor is None)), factor * (high + spare * (ceiling is None)))


def _label(text: str) -> str:
    return "\n".join(paper.wrapped(text, 8, _LABEL_ROOM))


def _dress(axes: "Axes", axis: Axis, y_label: str, drawn: Sequence[Curve]) -> None:
    axes.set_xlabel(axis.label)
    axes.set_ylabel(y_label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.5)
    axes.set_axisbelow(True)
    _scale(axes, axis)
    axes.margins(x=0.02)
    if not _finite(drawn):
        axes.text(0.5, 0.5, "no finite value to draw", transform=axes.transAxes, ha="center")


def _scale(axes: "Axes", axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

    if axis.ticks is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        return
    if not axis.linear:
        axes.set_xscale("log")
    axes.set_xticks(list(axis.ticks), labels=[f"{tick:g}" for tick in axis.ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _explain(
    figure: "Figure",
    axes: "Axes",
    drawn: Sequence[Curve],
    lines: Sequence[_Line],
    means: Sequence["Line2D"],
    title: str,
) -> None:
    """Name lines at their ends; say below what solid and dashed are, or name lines that are too many."""
    owners = {curve.contender or curve.label for curve in drawn}
    if len(owners) > _NAMED:
        _explain_below(figure, _entries(drawn, lines), title)
        return
    if roles := _roles(drawn, lines):
        _explain_below(figure, roles, "")
    room = _NAME_ROOM * figure.get_figwidth() * 25.4
    _name_ends(
        figure, axes, {_name(curve, room): mean for curve, mean in zip(drawn, means, strict=True)}, title
    )


def _name_ends(figure: "Figure", axes: "Axes", named: Mapping[str, "Line2D"], title: str) -> None:
    """Write beside the axes what each line is, with a leader from its end; the names keep apart."""
    rows = sum(name.count("\n") + 1 for name in named) + bool(title)
    missing = rows * _LEADING + _FOOT - _HEIGHT * 25.4
    figure.set_figheight(figure.get_figheight() + max(0.0, missing) / 25.4)
    figure.draw_without_rendering()  # only then the size of the axes is known
    area = axes.get_window_extent()
    high, wide = area.height / figure.dpi * 25.4, area.width / figure.dpi * 25.4
    ends = {name: _end(axes, mean) for name, mean in named.items()}
    order = [*([title] if title else []), *sorted(ends, key=lambda name: -ends[name][1])]
    highest = max(end for _, end in ends.values())
    wanted = [ends[name][1] if name in ends else highest for name in order]
    heights = [_LEADING * (name.count("\n") + 1) / high for name in order]
    for name, place in zip(order, paper.spread(wanted, heights), strict=True):
        _write_name(axes, name, (1 + _LEADER / wide, place), ends.get(name), named.get(name))


def _end(axes: "Axes", mean: "Line2D") -> tuple[float, float]:
    """Return where a line ends, in shares of the axes; below them where it has no finite value."""
    values = [(x, y) for x, y in mean.get_xydata().tolist() if math.isfinite(y)]  # type: ignore[union-attr]
    if not values:
        return 1.0, -math.inf
    x, y = axes.transAxes.inverted().transform(axes.transData.transform(values[-1])).tolist()
    return x, min(max(y, 0.0), 1.0)  # a line that leaves the picture is named where it does


def _name(curve: Curve, room: float) -> str:
    lost = "" if _finite([curve]) else " (no finite value)"
    return "\n".join(paper.wrapped(f"{curve.contender or curve.label}{lost}", 8, room))


def _write_name(
    axes: "Axes",
    name: str,
    place: tuple[float, float],
    end: tuple[float, float] | None,
    mean: "Line2D | None",
) -> None:
    leader: dict[str, Any] | None = None
    if end and mean and math.isfinite(end[1]):
        leader = {"arrowstyle": "-", "lw": 0.7, "shrinkA": 0.5, "shrinkB": 2, "relpos": (0, 0.5)}
        leader["color"] = mean.get_color()
    axes.annotate(
        name,
        xy=end if leader and end else place,
        xytext=place,
        xycoords="axes fraction",
        textcoords="axes fraction",
        arrowprops=leader,
        annotation_clip=False,
        va="center",
        color=style.INK if mean else style.QUIET,
        linespacing=1.0,
        gid=f"name-{len(axes.texts)}",
    )


def _explain_below(figure: "Figure", entries: Mapping[str, _Line], title: str) -> None:
    """Set a legend below the axes, where it hides no curve, and make room for it."""
    from matplotlib.lines import Line2D

    widest = max(paper.width(part, 8) for label in entries for part in label.split("\n"))
    columns = min(len(entries), max(1, int(figure.get_figwidth() * 25.4 / (widest + _HANDLE_ROOM))))
    rows = math.ceil(len(entries) / columns) + bool(title)
    high = max(label.count("\n") + 1 for label in entries)
    figure.set_figheight(_HEIGHT + rows * high * _ROW_HEIGHT)
    handles = [Line2D([], [], **_stroke(line), marker=line.marker or None, ms=4) for line in entries.values()]
    figure.legend(
        handles,
        list(entries),
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        handlelength=2.4,
        title=title or None,
        columnspacing=1.2,
    )


def _entries(drawn: Sequence[Curve], lines: Sequence[_Line]) -> dict[str, _Line]:
    """Return what a legend of all lines says: each line or contender, and what solid and dashed lines are."""
    entries: dict[str, _Line] = {}
    for curve, line in zip(drawn, lines, strict=True):
        if curve.contender:
            entries[_label(curve.contender)] = _Line(line.colour, "solid", line.marker)
        else:
            lost = "" if _finite([curve]) or not curve.owner else " (no finite value)"
            entries[_label(f"{curve.label}{lost}")] = line
    return entries | _roles(drawn, lines)


def _roles(drawn: Sequence[Curve], lines: Sequence[_Line]) -> dict[str, _Line]:
    """Return what solid and dashed lines are, where each contender has both."""
    paired = [(curve, line) for curve, line in zip(drawn, lines, strict=True) if curve.contender]
    return {_label(curve.label): replace(line, colour=style.INK, marker="") for curve, line in paired}
