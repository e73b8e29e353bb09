"""The architecture of a net as a picture: a box for each layer, arrows where its tensors flow.

Layers of one module touch, white space with the shape of the tensor parts them from the next, and a
tensor that skips layers has a line of its own beside the column.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnnreport.report.draw import drawings, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.placement import (
    HEIGHT,
    Arrow,
    Box,
    Layout,
    Lettering,
    Point,
    Rectangle,
    arrange,
)

if TYPE_CHECKING:
    from cnnreport.report.draw.style import Axes

__all__ = ["COLOURS", "LETTERS", "NEUTRAL", "QUIET", "Box", "draw"]

COLOURS: Mapping[str, str] = {
    "convolution": "#b8d6ec",
    "transposed convolution": "#d8cbee",
    "linear": "#b4e3e6",
    "pooling": "#fcd59a",
    "upsampling": "#faf1a6",
    "normalisation": "#c6e8d4",
    "activation": "#f7cbb6",
    "dropout": "#e3d8c6",
    "concatenation": "#f3c6de",
    "arithmetic": "#f6d9e8",
    "reduction": "#f3e2bf",
    "reshape": "#dfe3e8",
    "identity": "#f1f3f5",
}
"""Tints of the Okabe-Ito colours; a kind that is not here is grey."""
NEUTRAL, PAPER = "#e6e6e6", "#ffffff"
LETTERS, QUIET, _EDGE = "#1c1c1c", "#5a5f66", "#59636e"


def draw(boxes: Sequence[Box], input_shape: str, alt: str, height: float = HEIGHT) -> Picture:
    """Draw the architecture of a net.

    Args:
        boxes: Its layers in the order in which they run.
        input_shape: The shape of its input.
        alt: What someone who cannot see it needs to know.
        height: A net that needs more than these millimetres is folded over columns, at most four.

    Returns:
        An SVG whose letters are outlines: 69 mm wide, where that is too little 144 mm, and wider or
        higher than asked only if four columns do not hold the net.

    Raises:
        UsageError: There is no box, or one takes an output that does not exist before it.
    """
    return Picture(_drawn(boxes, input_shape, height).encode(), "image/svg+xml", alt)


@drawings.kept
def _drawn(boxes: Sequence[Box], input_shape: str, height: float) -> str:
    layout = arrange(boxes, input_shape, height)

    def paint(axes: "Axes") -> None:
        _paint_arrows(axes, layout)
        for number, (box, place) in enumerate(zip(boxes, layout.boxes, strict=True)):
            _paint_box(axes, place, COLOURS.get(box.kind, NEUTRAL), f"box-{number}")
        for name, place in zip(("input", "output"), layout.ends, strict=True):
            _paint_box(axes, place, PAPER, name)
        for entry in layout.letterings:
            _paint_lettering(axes, entry)

    return style.sheet(layout.width, layout.height, paint)


def _paint_arrows(axes: "Axes", layout: Layout) -> None:
    # Where two lines cross, the later passes over a gap; branches of one line have none.
    arrows = [(arrow, "flow") for arrow in layout.flows] + [(arrow, "skip") for arrow in layout.skips]
    for source in sorted({arrow.source for arrow, _ in arrows}):
        branches = [(arrow, kind) for arrow, kind in arrows if arrow.source == source]
        for arrow, _ in branches:
            _paint_line(axes, arrow.points, PAPER, 2.2)
        for arrow, kind in branches:
            _paint_arrow(axes, arrow, f"{kind}-{arrow.source}-{arrow.target}")


def _paint_arrow(axes: "Axes", arrow: Arrow, name: str) -> None:
    (x0, y0), (x1, y1) = arrow.points[-2:]
    far = math.hypot(x1 - x0, y1 - y0)
    along, across = (x1 - x0) / far, (y1 - y0) / far
    x, y = x1 - 1.6 * along, y1 - 1.6 * across
    _paint_line(axes, (*arrow.points[:-1], (x, y)), style.INK, 0.9, name)
    wing_x, wing_y = 0.75 * across, 0.75 * along
    axes.fill((x1, x - wing_x, x + wing_x), (y1, y + wing_y, y - wing_y), style.INK, lw=0, zorder=1)


def _paint_line(
    axes: "Axes", points: Sequence[Point], colour: str, width: float, name: str | None = None
) -> None:
    xs, ys = zip(*points, strict=True)
    axes.plot(
        xs, ys, color=colour, lw=width, gid=name, zorder=1, solid_capstyle="butt", solid_joinstyle="round"
    )


def _paint_box(axes: "Axes", place: Rectangle, colour: str, name: str) -> None:
    properties = {"facecolor": colour, "edgecolor": _EDGE, "lw": 0.6, "gid": name, "zorder": 1}
    style.block(axes, place.left, place.top, place.width, place.height, **properties)


def _paint_lettering(axes: "Axes", entry: Lettering) -> None:
    colour = QUIET if entry.quiet else LETTERS
    style.write(axes, entry.x, entry.y, entry.text, entry.size, align=entry.align, color=colour)
