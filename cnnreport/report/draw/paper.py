"""The paper that a drawing lies on: the column of a report, and how much room letters take. Millimetres."""

from collections.abc import Sequence
from functools import cache

from PIL import ImageFont

from cnnreport.report.draw import fonts

NARROW, WIDE = 69.0, 144.0
"""Half of the text column, so that two drawings stand side by side, and all of it."""

MM = 25.4 / 72
"""A point."""


def width(text: str, size: float) -> float:
    """Return how wide a line of text is.

    Args:
        text: The line.
        size: Of its letters, in points.
    """
    return _face().getlength(text) / 1000 * size * MM


def wrapped(text: str, size: float, room: float) -> tuple[str, ...]:
    """Break a text into lines that fit, between words; a single word may be wider than the room."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return tuple(lines)


def clipped(text: str, size: float, room: float) -> str:
    """Cut a text at its end so that it fits with an ellipsis; a text that fits stays as it is."""
    room += 1e-6  # what was measured fits although it was computed in another order
    if width(text, size) <= room:
        return text
    cuts = (f"{text[:end].rstrip()}…" for end in range(len(text) - 1, 0, -1))
    return next((cut for cut in cuts if width(cut, size) <= room), "…")


def fitted(text: str, size: float, room: float, most: int) -> tuple[str, ...]:
    """Break a text into a few lines that fit; what is too much for them is cut."""
    lines = wrapped(text, size, room)
    if len(lines) > most:
        lines = (*lines[: most - 1], " ".join(lines[most - 1 :]))
    return tuple(clipped(line, size, room) for line in lines)


def spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Move what stands beside each other apart, as little as that takes, so that nothing overlaps.

    Args:
        wanted: Where the middle of each would be, from the highest to the lowest; infinite for an end.
        heights: How much room each takes, in the same unit, of which there are 0 to 1.

    Returns:
        Where the middles go: in the same order, inside 0 to 1 where all fit there, around the middle else.
    """
    spare = max(0.0, 1.0 - sum(heights))
    # Each group of those that touch stands where its members want to be on average (pool adjacent violators).
    groups: list[list[float]] = []  # the wanted upper edge, its weight, its members
    above = 0.0
    for want, height in zip(wanted, heights, strict=True):
        edge = min(max(1.0 - want - height / 2 - above, 0.0), spare)
        groups.append([edge, 1.0])
        above += height
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (last, many), (before, few) = groups.pop(), groups.pop()
            groups.append([(last * many + before * few) / (many + few), many + few])
    edges = [edge for edge, count in groups for _ in range(int(count))]
    over = max(0.0, sum(heights) - 1.0) / 2
    tops = [1.0 + over - edge - sum(heights[:n]) for n, edge in enumerate(edges)]
    return [top - height / 2 for top, height in zip(tops, heights, strict=True)]


@cache
def _face() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(fonts.plot_face(), 1000, layout_engine=ImageFont.Layout.BASIC)
