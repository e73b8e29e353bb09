"""The paper that a drawing lies on: the column of a report, and how much room letters take. Millimetres."""

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


@cache
def _face() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(fonts.plot_face(), 1000, layout_engine=ImageFont.Layout.BASIC)
