"""Rows of pictures under each other, each with its name: one figure, said in one alternative text."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnreport.errors import UsageError
from cnnreport.report.draw import drawings, paper, style
from cnnreport.report.draw.picture import Picture

if TYPE_CHECKING:
    from cnnreport.report.draw.style import Axes

NAMES, HIGHEST = 23.0, 25.0
"""Millimetres to the left of the pictures, for the names of the rows; how high a row is at most."""
_GAP, _PAD, _SIZE, _LEADING = 1.2, 1.5, 8.0, 3.3


def stacked(rows: Sequence[tuple[str, Picture]], highest: float = HIGHEST) -> Picture:
    """Set rows of pictures under each other, their names at the left.

    Args:
        rows: The name of each and the row, a PNG or JPEG file.
        highest: How many millimetres a row may be high; one that is not fills the width of the text.

    Returns:
        An SVG, as wide as the text, that holds the files as they are, and letters as outlines. Its
        alternative text is that of the rows, each after its name.

    Raises:
        UsageError: There is no row, or one is a drawing.
    """
    if not rows or any(row.media_type == "image/svg+xml" for _, row in rows):
        raise UsageError(
            "only rows of pixels can be set under each other", "give at least one, and no drawing"
        )
    rasters: list[style.Raster] = []
    top = 0.0
    for _, row in rows:
        rasters.append(_raster(row, top, highest))
        top += rasters[-1].height + _GAP
    drawn = _drawn([name for name, _ in rows], rasters)
    alt = "; ".join(f"{name}: {row.alt.rstrip('.')}" for name, row in rows)
    return Picture(drawn.encode(), "image/svg+xml", f"Rows of pictures. {alt}.", rows[0][1].data)


def _raster(row: Picture, top: float, highest: float) -> style.Raster:
    from PIL import Image

    with Image.open(io.BytesIO(row.content)) as image:
        wide, high = image.size
    width = min(paper.WIDE - NAMES, highest * wide / high)
    content = base64.b64encode(row.content).decode()
    return style.Raster(content, row.media_type, NAMES, top, width, width * high / wide)


@drawings.kept
def _drawn(names: Sequence[str], rasters: Sequence[style.Raster]) -> str:
    def paint(axes: "Axes") -> None:
        for name, row in zip(names, rasters, strict=True):
            _write_name(axes, name, row.top + row.height / 2)

    return style.sheet(paper.WIDE, rasters[-1].top + rasters[-1].height, paint, rasters)


def _write_name(axes: "Axes", name: str, middle: float) -> None:
    """Write a name into the room beside its row: a long one over several lines, a long word smaller."""
    room = NAMES - _PAD
    longest = max(paper.width(word, _SIZE) for word in [*name.split(), " "])
    size = _SIZE * min(1.0, room / longest)
    lines = paper.fitted(name, size, room + 1e-6, 4)
    for number, line in enumerate(lines):
        style.write(axes, 0, middle + (number - (len(lines) - 1) / 2) * _LEADING, line, size)
