"""Bars: one number of several contenders, in groups, with what the seeds make of it printed beside."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnreport.errors import UsageError
from cnnreport.report.draw import drawings, paper, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import DataSet

if TYPE_CHECKING:
    from cnnreport.report.draw.style import Axes

_SIZE = 8.0  # points
_ROW, _THICK, _LEADING, _GAP, _PAD = 4.8, 3.2, 3.4, 2.2, 2.4  # millimetres
_MOST_LABEL, _MOST_TEXT = 0.32, 0.36
"""Of the width, for the names of the contenders and for what is printed."""
_OVERSHOOT = 0.35
"""So much of the values' range an interval may add on a side; a longer one ends in an arrow."""


@dataclass(frozen=True)
class _Bar:
    """What is drawn in one row.

    Args:
        label: The contender.
        seeds: Its values that are finite.
        half: Half of the interval of their mean, 0 where there is none.
        text: What is printed beside it.
    """

    label: str
    seeds: tuple[float, ...]
    half: float
    text: str

    @property
    def mean(self) -> float:
        """The length of the bar, 0 where no seed has a finite value."""
        return math.fsum(self.seeds) / len(self.seeds) if self.seeds else 0.0


def bars(
    groups: Mapping[str, Mapping[str, Quantity]],
    alt: str,
    data: tuple[DataSet, ...],
    *,
    width: float = paper.WIDE,
) -> Picture:
    """Draw a bar for each contender of each group: the mean over its seeds, from zero.

    A whisker is the 95 % t interval over seeds, a dot is a seed, and the numbers are printed. Seeds that
    have no finite value are counted in words beside the bar.

    Args:
        groups: What each group is called, empty for no heading, and the number of each of its contenders.
        alt: What is compared; the numbers are added to it.
        data: The data that the numbers depend on.
        width: Of the drawing, in millimetres.

    Returns:
        An SVG whose letters are outlines.

    Raises:
        UsageError: There is no number, the numbers do not print in one form, or there are more contenders
            than can be told apart.
    """
    quantities = [quantity for group in groups.values() for quantity in group.values()]
    if len(forms := {quantity.form for quantity in quantities}) != 1:
        said = ", ".join(sorted(forms)) or "none"
        raise UsageError(f"bars need numbers of one form, not of {said}", "draw a figure for each form")
    rows = [(name, [_bar(*each) for each in group.items()]) for name, group in groups.items()]
    said = "; ".join(
        f"{f'{name}, ' * bool(name)}{bar.label}: {bar.text}" for name, group in rows for bar in group
    ).replace("\u00a0", " ")
    return Picture(_drawn(rows, width).encode(), "image/svg+xml", f"{alt} {said}.", data)


def _bar(label: str, quantity: Quantity) -> _Bar:
    lost, every = len(quantity.lost), len(quantity.values)
    if lost == every:
        text = "non-finite" if every == 1 else f"all {every} seeds non-finite"
    else:
        text = f"{quantity.bare}{quantity.short_unit}"
        text += f", {lost} of {every} non-finite" if lost else ""
    return _Bar(label, tuple(quantity.finite), quantity.half_width or 0.0, text)


@drawings.kept
def _drawn(groups: Sequence[tuple[str, Sequence[_Bar]]], width: float) -> str:
    everyone = [bar for _, bars in groups for bar in bars]
    colours = {name: style.CONTENDERS[n] for name, n in style.contenders([b.label for b in everyone]).items()}
    rows: list[_Heading | _Row] = []
    for name, bars in groups:
        rows += [_Heading(paper.clipped(name, _SIZE, width))] if name else []
        rows += [_Row.of(bar, colours[bar.label], width) for bar in bars]
        rows += [_Heading("", _GAP)]
    scale = _Scale.between(width, [row for row in rows if isinstance(row, _Row)])

    def paint(axes: "Axes") -> None:
        top = 0.0
        for row in rows[:-1]:
            if isinstance(row, _Row):
                _paint(axes, row, top + row.height / 2, scale)
            else:
                style.write(axes, 0, top + row.height / 2, row.text, _SIZE, color=style.QUIET)
            top += row.height

    return style.sheet(width, sum(row.height for row in rows[:-1]), paint)


@dataclass(frozen=True)
class _Heading:
    """A line that names a group, or the gap after one."""

    text: str
    height: float = 5.2


@dataclass(frozen=True)
class _Row:
    """A bar with its lettering broken into lines that fit."""

    bar: _Bar
    colour: str
    label: tuple[str, ...]
    text: tuple[str, ...]

    @classmethod
    def of(cls, bar: _Bar, colour: str, width: float) -> "_Row":
        """Break the lettering of a bar."""
        label = paper.fitted(bar.label, _SIZE, _MOST_LABEL * width, 3)
        return cls(bar, colour, label, paper.wrapped(bar.text, _SIZE, _MOST_TEXT * width))

    @property
    def height(self) -> float:
        """What it takes of the paper."""
        return _ROW + _LEADING * (max(len(self.label), len(self.text)) - 1)


@dataclass(frozen=True)
class _Scale:
    """Where values stand, from `low` at `left` to `high` at `right`."""

    left: float
    right: float
    low: float
    high: float

    @classmethod
    def between(cls, width: float, rows: Sequence[_Row]) -> "_Scale":
        """Give the bars what the lettering leaves of the width."""
        left = max(paper.width(line, _SIZE) for row in rows for line in row.label) + _PAD
        right = width - max(paper.width(line, _SIZE) for row in rows for line in row.text) - _PAD
        values = [0.0, *(value for row in rows for value in row.bar.seeds)]
        spare = _OVERSHOOT * ((max(values) - min(values)) or 1.0)
        low = min(values), *(row.bar.mean - row.bar.half for row in rows)
        high = max(values), *(row.bar.mean + row.bar.half for row in rows)
        bounds = max(min(low), low[0] - spare), min(max(high), high[0] + spare)
        return cls(left, right, bounds[0], bounds[1] if bounds[1] > bounds[0] else bounds[0] + 1.0)

    def x(self, value: float) -> float:
        """Return where a value stands; one outside stands at the edge."""
        inside = min(max(value, self.low), self.high)
        return self.left + (self.right - self.left) * (inside - self.low) / (self.high - self.low)


def _paint(axes: "Axes", row: _Row, y: float, scale: _Scale) -> None:
    bar, zero = row.bar, scale.x(0.0)
    axes.plot((zero, zero), (y - row.height / 2, y + row.height / 2), color="#8a8a8a", lw=0.6, zorder=1)
    style.block(
        axes, zero, y - _THICK / 2, scale.x(bar.mean) - zero, _THICK, facecolor=row.colour, alpha=0.55
    )
    if bar.half:
        _whisker(axes, y, bar.mean - bar.half, bar.mean + bar.half, scale)
    if len(bar.seeds) > 1:
        properties: dict[str, Any] = {
            "ls": "",
            "marker": "o",
            "ms": 2.6,
            "mfc": style.PAPER,
            "mec": style.INK,
            "mew": 0.6,
        }
        axes.plot([scale.x(seed) for seed in bar.seeds], [y] * len(bar.seeds), zorder=3, **properties)
    _lines(axes, scale.left - _PAD, y, row.label, align="right")
    _lines(axes, scale.right + _PAD, y, row.text, align="left")


def _whisker(axes: "Axes", y: float, low: float, high: float, scale: _Scale) -> None:
    properties: dict[str, Any] = {"color": style.INK, "lw": 0.8, "ms": 3.2, "zorder": 2}
    axes.plot((scale.x(low), scale.x(high)), (y, y), **properties)
    axes.plot(scale.x(low), y, marker="|" if low >= scale.low else "<", ls="", **properties)
    axes.plot(scale.x(high), y, marker="|" if high <= scale.high else ">", ls="", **properties)


def _lines(axes: "Axes", x: float, y: float, lines: Sequence[str], *, align: str) -> None:
    top = y - _LEADING * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        style.write(axes, x, top + number * _LEADING, line, _SIZE, align=align)
