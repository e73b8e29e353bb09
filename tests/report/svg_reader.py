"""What a drawing shows, read from its SVG by someone who does not know how it was drawn."""

import re
from dataclasses import dataclass

from cnnreport.report.draw.picture import Picture


@dataclass(frozen=True)
class Stroke:
    """A path of an SVG."""

    colour: str
    fill: str
    width: float
    dashes: str
    points: tuple[tuple[float, float], ...]

    @property
    def span(self) -> float:
        """How wide it is, in points."""
        xs = [x for x, _ in self.points]
        return max(xs) - min(xs)


def size(picture: Picture) -> tuple[float, float]:
    """Width and height in millimetres."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture.content.decode())
    assert box
    return float(box[1]) * 25.4 / 72, float(box[2]) * 25.4 / 72


def strokes(picture: Picture) -> list[Stroke]:
    """All paths that are drawn where they stand, neither letters nor markers."""
    text = re.sub(r"<defs>.*?</defs>", "", picture.content.decode(), flags=re.DOTALL)
    return [_stroke(d, style) for d, style in re.findall(r'<path d="([^"]*)"[^>]*?style="([^"]*)"', text)]


def markers(picture: Picture) -> list[tuple[str, str]]:
    """The shape and the colour of each marker."""
    text = picture.content.decode()
    shapes = dict(re.findall(r'<path id="(m[0-9a-f]+)" d="([^"]*)"', text))
    uses = re.findall(r'<use xlink:href="#(m[0-9a-f]+)"[^>]*style="fill: (#[0-9a-f]+)', text)
    return [(shapes[name], colour) for name, colour in uses]


def _stroke(d: str, style: str) -> Stroke:
    told = dict(part.strip().split(": ", 1) for part in style.split(";") if ": " in part)
    numbers = re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", d)
    return Stroke(
        told.get("stroke", ""),
        told.get("fill", ""),
        float(told.get("stroke-width", 1)),
        told.get("stroke-dasharray", ""),
        tuple((float(x), float(y)) for x, y in numbers),
    )
