"""Errors by colour: how frequent each colour is, how often it is right, and what it is taken for."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnreport.errors import UsageError
from cnnreport.report.draw import drawings, paper, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.reading import DataSet

if TYPE_CHECKING:
    from cnnreport.report.draw.style import Axes

Numbers = np.ndarray[Any, Any]

_SIZE, _ROW, _HEAD, _BAR, _SWATCH = 7.0, 2.9, 5.0, 1.9, 5.0  # points, then millimetres
_NAME, _FREQUENT, _RIGHT, _WRONG, _NEXT = 6.5, 22.0, 62.0, 105.0, 20.0
"""Where the columns begin, and the distance of the second wrong colour from the first."""
_LENGTH, _PAD = 24.0, 1.0
_TAKEN = 2
"""So many colours are shown that one is taken for."""


def colour_errors(
    counts: Numbers, palette: Numbers, names: Sequence[str], alt: str, data: tuple[DataSet, ...]
) -> Picture:
    """Draw a row for each colour that occurs, from the most frequent to the rarest.

    Args:
        counts: (NC, NC), at least 0: how many pixels of colour `i`, a row, were given colour `j`, a column.
        palette: (NC, 3), red, green and blue of each colour, 0 to 1.
        names: A word for each colour.
        alt: What someone who cannot see it needs to know.
        data: The data that the pixels come from.

    Returns:
        An SVG, as wide as the text, whose letters are outlines.

    Raises:
        UsageError: There is no pixel, or not one colour and one name for each row.
    """
    counts = np.asarray(counts, dtype=float)
    if counts.shape != (len(palette), len(palette)) or len(names) != len(palette) or not counts.sum() > 0:
        raise UsageError(
            f"errors by colour need counts for each of {len(palette)} colours and names, not {counts.shape}",
            "give a square of counts, not all of them 0, and a name for each colour",
        )
    colours = ["#" + "".join(f"{round(255 * float(part)):02x}" for part in colour) for colour in palette]
    drawn = _drawn(counts.tolist(), colours, list(names))
    return Picture(drawn.encode(), "image/svg+xml", alt, data)


@drawings.kept
def _drawn(counts: Sequence[Sequence[float]], colours: Sequence[str], names: Sequence[str]) -> str:
    table = np.array(counts)
    frequent = table.sum(axis=1)
    order = [int(k) for k in np.argsort(-frequent, kind="stable") if frequent[k] > 0]

    def paint(axes: "Axes") -> None:
        for x, text in ((0.0, "true colour"), (_FREQUENT, "share of the pixels"),
                        (_RIGHT, "classified correctly"), (_WRONG, "most often taken for")):  # fmt: skip
            style.write(axes, x, _HEAD / 2, text, _SIZE, color=style.QUIET)
        for number, k in enumerate(order):
            y = _HEAD + (number + 0.5) * _ROW
            _paint_swatch(axes, 0.0, y, colours[k])
            style.write(axes, _NAME, y, paper.clipped(names[k], _SIZE, _FREQUENT - _NAME), _SIZE)
            _paint_bar(
                axes, _FREQUENT, y, frequent[k] / frequent.sum(), frequent.max() / frequent.sum(), style.QUIET
            )
            _paint_bar(axes, _RIGHT, y, table[k, k] / frequent[k], 1.0, style.RIGHT)
            for place, taken in enumerate(_mistaken(table[k], k)):
                x = _WRONG + place * _NEXT
                _paint_swatch(axes, x, y, colours[taken])
                style.write(axes, x + _SWATCH + _PAD, y, _per_cent(table[k, taken] / frequent[k]), _SIZE)

    return style.sheet(paper.WIDE, _HEAD + len(order) * _ROW + _PAD, paint)


def _mistaken(row: Numbers, own: int) -> list[int]:
    """Return the colours that one is most often taken for; fewer where it is taken for fewer."""
    order = [int(k) for k in np.argsort(-row, kind="stable") if k != own and row[k] > 0]
    return order[:_TAKEN]


def _paint_swatch(axes: "Axes", x: float, y: float, colour: str) -> None:
    edge: dict[str, Any] = {"facecolor": colour, "edgecolor": "#8a8a8a", "lw": 0.3}
    style.block(axes, x, y - _BAR / 2 - 0.2, _SWATCH, _BAR + 0.4, **edge)


def _paint_bar(axes: "Axes", x: float, y: float, share: float, most: float, colour: str) -> None:
    style.block(axes, x, y - _BAR / 2, _LENGTH, _BAR, facecolor="#ececec")
    style.block(axes, x, y - _BAR / 2, _LENGTH * share / most, _BAR, facecolor=colour, alpha=0.75)
    style.write(axes, x + _LENGTH + _PAD, y, _per_cent(share), _SIZE)


def _per_cent(share: float) -> str:
    per_cent = 100 * float(share)
    if 0 < per_cent < 0.01:
        return "<\u20090.01\u00a0%"
    digits = (
        0 if per_cent >= 10 or not per_cent else min(2, 1 + max(0, -math.floor(math.log10(per_cent)) - 1))
    )
    return f"{per_cent:.{digits}f}\u00a0%"
