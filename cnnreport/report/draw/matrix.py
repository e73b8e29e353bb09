"""Confusion matrices: what each true class was taken for, readable from one class to a hundred."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnreport.errors import UsageError
from cnnreport.kinds.digits import NARROW, digits
from cnnreport.report.draw import drawings, paper, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.reading import DataSet

if TYPE_CHECKING:
    from cnnreport.report.draw.style import Axes

Counts = np.ndarray[Any, Any]

_PRINTED = 12
"""Up to so many classes the numbers are printed in the cells and the columns bear names."""
_MOST_CELL, _LEAST_PITCH = 11.0, 2.3  # millimetres: of a cell, and from one label to the next
_MOST_NAME, _PAD, _HEAD, _FOOT = 42.0, 1.5, 5.0, 8.0
_STEPS = (0.01, 0.1, 0.5, 1.0)
"""Shares that the legend shows."""
_NAMED = 3
"""So many confusions the alternative text names."""
_EMPTY, _FAINT = "#ececec", "#767676"
_TRUE, _PREDICTED = "true class", "predicted class"
_SWATCH, _LEGEND = 7.6, 50.0


def matrix(
    counts: Counts,
    names: Sequence[str],
    alt: str,
    data: tuple[DataSet, ...],
    *,
    shares: bool = False,
    things: str = "images",
    width: float = paper.WIDE,
) -> Picture:
    """Draw a confusion matrix; the shade is the share of a true class, blue if right, orange if wrong.

    A row whose class never occurs, or that holds a non-finite number, is grey.

    Args:
        counts: (K, K), at least 0: how often class `i`, a row, was taken for class `j`, a column.
        names: Of the K classes.
        alt: What is classified by what; what stands out is added to it.
        data: The data that was classified.
        shares: Whether cells say per cent of their row instead of counts; many classes have no numbers.
        things: What was counted.
        width: Of the drawing, in millimetres.

    Returns:
        An SVG whose letters are outlines.

    Raises:
        UsageError: The counts are no square, some are negative, or there are not as many names.
    """
    counts = np.asarray(counts, dtype=float)
    classes = len(names)
    if counts.shape != (classes, classes) or not classes:
        raise UsageError(
            f"a confusion matrix of {classes} classes is ({classes}, {classes}), not {counts.shape}",
            "give one row and one column for each name",
        )
    if (counts < 0).any():
        raise UsageError(
            "a confusion matrix has a negative count", "give how often each class was taken for each"
        )
    counts = np.where(np.isfinite(counts), counts, math.nan)
    drawn = _drawn(_shares(counts).tolist(), _printed(counts, shares=shares), list(names), width)
    return Picture(drawn.encode(), "image/svg+xml", f"{alt} {_summary(counts, names, things)}", data)


def _summary(counts: Counts, names: Sequence[str], things: str) -> str:
    """Say what stands out: how many are right, the worst class and the most frequent confusions."""
    share = _shares(counts).diagonal()
    seen = [k for k, right in enumerate(share) if not math.isnan(right)]
    if not seen:
        return f"There are no {things}."
    right, total = counts.diagonal()[seen].sum(), counts[seen].sum()
    said = [f"{_count(right)} of {_count(total)} {things} are on the diagonal, {_per_cent(right / total)}"]
    worst = min(seen, key=lambda k: float(share[k]))
    if len(seen) > 1 and share[worst] < 1:
        said.append(f"least often right is {names[worst]}, {_per_cent(share[worst])}")
    if confusions := _confusions(counts, seen, names):
        said.append(f"most often confused: {', '.join(confusions)}")
    if lacking := [name for k, name in enumerate(names) if k not in seen]:
        said.append(f"without {things}: {', '.join(lacking)}")
    return "; ".join(said) + "."


def _confusions(counts: Counts, seen: Sequence[int], names: Sequence[str]) -> list[str]:
    wrong = [(float(counts[i, j]), i, j) for i in seen for j in range(len(names)) if i != j and counts[i, j]]
    most = sorted(wrong, key=lambda entry: -entry[0])[:_NAMED]
    return [f"{names[i]} taken for {names[j]} ({_count(count)})" for count, i, j in most]


def _count(value: float) -> str:
    return digits(float(value), "count").replace(NARROW, " ")


def _per_cent(share: float) -> str:
    return f"{digits(float(share), 'share')} %"


def _shares(counts: Counts) -> Counts:
    """Divide each row (K, K) by its sum; NaN where that is zero or non-finite."""
    totals = counts.sum(axis=1, keepdims=True)
    shares: Counts = np.where(totals > 0, counts / np.where(totals > 0, totals, 1.0), math.nan)
    return shares


def _printed(counts: Counts, *, shares: bool) -> list[list[str]]:
    """Return what the cells say, nothing where there are too many of them."""
    if len(counts) > _PRINTED:
        return []
    if shares:
        return [[f"{100 * share:.0f}" for share in row] for row in _shares(counts)]
    return [[digits(float(count), "count") for count in row] for row in counts]


@drawings.kept
def _drawn(
    shares: Sequence[Sequence[float]], texts: Sequence[Sequence[str]], names: Sequence[str], width: float
) -> str:
    place = _Place(names, width)

    def paint(axes: "Axes") -> None:
        _paint_cells(axes, place, shares, texts)
        _paint_names(axes, place)
        _paint_legend(axes, place)

    return style.sheet(width, place.height, paint)


class _Place:
    """Where the cells and their names stand, in millimetres."""

    def __init__(self, names: Sequence[str], width: float) -> None:
        """Give the cells what the names leave of the width."""
        few = len(names) <= _PRINTED
        longest = min(_MOST_NAME, 0.4 * width)
        rows = names if few else [f"{name}  {number}" for number, name in enumerate(names)]
        # The room that the names of the rows take is known before the size of their letters, so at most.
        side = min(longest, max(paper.width(name, 8) for name in (*rows, _TRUE))) + _PAD
        self.cell = min(_MOST_CELL, (width - side) / len(names))
        self.size = min(8.0, max(5.0, 0.85 * self.cell / paper.MM))
        self.rows = [self._clipped(name, number, side - _PAD, few) for number, name in enumerate(names)]
        columns = names if few else [str(number) for number in range(len(names))]
        self.upright = max(paper.width(name, self.size) for name in columns) > self.cell - 0.8
        self.columns = [paper.clipped(name, self.size, longest) for name in columns]
        high = max(paper.width(name, self.size) for name in self.columns) if self.upright else 3.5
        self.width = width
        self.every = math.ceil(_LEAST_PITCH / self.cell)
        self.side = len(names) * self.cell
        self.left = side + (width - side - self.side) / 2
        self.top = _HEAD + high + _PAD
        self.height = self.top + self.side + _FOOT

    def _clipped(self, name: str, number: int, room: float, few: bool) -> str:
        tail = "" if few else f"  {number}"
        return paper.clipped(name, self.size, room - paper.width(tail, self.size)) + tail


def _paint_cells(
    axes: "Axes", place: _Place, shares: Sequence[Sequence[float]], texts: Sequence[Sequence[str]]
) -> None:
    cell = place.cell
    for (i, j), share in np.ndenumerate(np.array(shares)):
        x, y = place.left + j * cell, place.top + i * cell
        colour = _EMPTY if math.isnan(share) else _shade(share, right=i == j)
        if colour != style.PAPER:
            style.block(axes, x, y, cell, cell, facecolor=colour)
        if texts and not math.isnan(share):
            size = min(8.0, 8.0 * (cell - 0.6) / paper.width(texts[i][j], 8))
            ink = _legible(colour) if share else _FAINT
            style.write(axes, x + cell / 2, y + cell / 2, texts[i][j], size, align="center", color=ink)
    # Lines around cells that are smaller than letters would hide what is in them.
    edges = np.arange(0, len(shares) + 1, 1 if texts else 5) * cell
    properties: dict[str, Any] = {"color": "#d9d9d9", "lw": 0.4, "zorder": 2}
    axes.vlines(place.left + edges, place.top, place.top + place.side, **properties)
    axes.hlines(place.top + edges, place.left, place.left + place.side, **properties)
    style.block(axes, place.left, place.top, place.side, place.side, fill=False, **{**properties, "lw": 0.6})


def _paint_names(axes: "Axes", place: _Place) -> None:
    middle = place.left + place.side / 2
    style.write(axes, middle, _HEAD / 2, _PREDICTED, 8, align="center", color=style.QUIET)
    style.write(axes, place.left - _PAD, place.top - _PAD - 1, _TRUE, 8, align="right", color=style.QUIET)
    for number in range(0, len(place.rows), place.every):
        along = (number + 0.5) * place.cell
        style.write(axes, place.left - _PAD, place.top + along, place.rows[number], place.size, align="right")
        if place.upright:
            # Turned letters are centred on the column as the others on their row.
            x, y = place.left + along + 0.33 * place.size * paper.MM, place.top - 1
            axes.text(x, y, place.columns[number], size=place.size, rotation=90, ha="right", va="bottom")
        else:
            style.write(axes, place.left + along, place.top - _PAD - 1, place.columns[number], place.size,
                        align="center")  # fmt: skip


def _paint_legend(axes: "Axes", place: _Place) -> None:
    left, top = min(place.left, place.width - _LEGEND), place.top + place.side + 2.0
    for line, word in enumerate(("right", "wrong")):
        y = top + 3.2 * line
        style.write(axes, left - _PAD, y + 1.45, word, 7, align="right", color=style.QUIET)
        for number, share in enumerate(_STEPS):
            x, colour = left + _SWATCH * number, _shade(share, right=word == "right")
            style.block(axes, x, y, _SWATCH - 0.2, 2.9, facecolor=colour)
            style.write(axes, x + _SWATCH / 2, y + 1.45, f"{100 * share:.0f}\u00a0%", 6.5, align="center",
                        color=_legible(colour))  # fmt: skip
    style.write(axes, left + _SWATCH * len(_STEPS) + _PAD, top + 3.1, "of a true class", 7, color=style.QUIET)


def _shade(share: float, *, right: bool) -> str:
    """Mix a colour with paper by the cube root of the share, so that rare confusions are seen."""
    full = style.RIGHT if right else style.WRONG
    rgb = [int(full[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + (value - 255) * math.cbrt(share)):02x}" for value in rgb)


def _legible(colour: str) -> str:
    """Return ink or paper, whichever has more contrast to a colour (WCAG 2.1, relative luminance)."""
    rgb = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
    luminance = sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    dark = 0.033  # of the ink
    return style.INK if (luminance + 0.05) / (dark + 0.05) > 1.05 / (luminance + 0.05) else style.PAPER
