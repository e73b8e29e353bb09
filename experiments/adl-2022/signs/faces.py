"""The faces of 43 signs, each of which is recognised by its shape, its border, its colours and its symbol.

A face is painted in its own measure: its middle is (0, 0), x goes to the right, y down, and it reaches 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin

import numpy as np

from cnnreport.data.drawn.canvas import Canvas, Cone, Floats, Frame, colour, distances

HEIGHT = 112
"""Rows and columns in which a face is painted, in pixels; it is made smaller afterwards."""

REACH = 1.12
"""Half of what the painting shows, in the face's measure: there is a margin around it."""

Colour = tuple[float, float, float]
WHITE, BLACK, RED = (236.0, 236.0, 232.0), (24.0, 24.0, 26.0), (198.0, 30.0, 38.0)
BLUE, YELLOW, GREY, GREEN = (
    (28.0, 80.0, 172.0),
    (246.0, 194.0, 40.0),
    (120.0, 120.0, 122.0),
    (24.0, 150.0, 70.0),
)


@dataclass(frozen=True)
class Plate:
    """A shape, its colours and how broad its border is.

    Args:
        corners: How many corners it has; none is a disc.
        turn: By how much its first corner is turned from the top, in radians.
        border: The colour of the border.
        fill: The colour inside.
        inner: How far the inside reaches, as a share of the whole.
    """

    corners: int
    turn: float
    border: Colour
    fill: Colour
    inner: float


LIMIT = Plate(0, 0.0, RED, WHITE, 0.76)
WARNING = Plate(3, 0.0, RED, WHITE, 0.68)
ORDER = Plate(0, 0.0, WHITE, BLUE, 0.93)
END = Plate(0, 0.0, GREY, WHITE, 0.93)

Stroke = tuple[Colour, Sequence[Cone]]
"""A colour, and the rounded cones that are painted in it."""

_SEGMENTS: Mapping[str, Cone] = {
    "a": (-1, -2, 0.3, 1, -2, 0.3),
    "b": (1, -2, 0.3, 1, 0, 0.3),
    "c": (1, 0, 0.3, 1, 2, 0.3),
    "d": (-1, 2, 0.3, 1, 2, 0.3),
    "e": (-1, 0, 0.3, -1, 2, 0.3),
    "f": (-1, -2, 0.3, -1, 0, 0.3),
    "g": (-1, 0, 0.3, 1, 0, 0.3),
}
_DIGITS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "5": "afgcd",
    "6": "afgcde",
    "7": "abc",
    "8": "abcdefg",
    "S": "afgcd",
    "T": "",
    "O": "abcdef",
    "P": "abgfe",
}


def faces() -> list[Floats]:
    """Paint the faces of all classes, in the order of their numbers.

    Returns:
        float32 [4, 112, 112] each: red, green and blue from 0 to 255, times what the face covers of each
        pixel, and that itself, 0 to 1.
    """
    return [_face(plate, strokes) for plate, strokes in _FACES]


def _face(plate: Plate, strokes: Sequence[Stroke]) -> Floats:
    canvas = Canvas(HEIGHT, HEIGHT)
    frame = Frame(0.5, 0.5, 0.5 / REACH)
    window, x, y = canvas.inside(frame, (-REACH, -REACH, REACH, REACH))
    cover = canvas.coverage(_distance(plate, x, y, 1.0), frame.size)
    canvas.paint(window, np.ones_like(cover), colour(*plate.border))
    inside = canvas.coverage(_distance(plate, x, y, plate.inner), frame.size)
    canvas.paint(window, inside, colour(*plate.fill))
    for tint, cones in strokes:
        near = distances(np.array(cones, np.float32), x, y).min(axis=0)
        canvas.paint(window, canvas.coverage(near, frame.size), colour(*tint))
    return np.concatenate([canvas.rgb * cover, cover[None]]).astype(np.float32)


def _distance(plate: Plate, x: Floats, y: Floats, reach: float) -> Floats:
    """Measure how far pixels are from a plate that is made smaller, negative inside."""
    if plate.corners == 0:
        return np.sqrt(x * x + y * y) - reach
    # The middle of a triangle is nearer to its sides than to its corners: it is lowered to fill the picture.
    down = 0.22 * cos(plate.turn) if plate.corners == 3 else 0.0
    apothem = cos(pi / plate.corners) * (1.14 if plate.corners == 3 else 1.0) * reach
    sides = [plate.turn + pi * (2 * n + 1) / plate.corners for n in range(plate.corners)]
    away: Floats = np.max([x * sin(a) - (y - down) * cos(a) for a in sides], axis=0) - np.float32(apothem)
    return away


def _number(text: str, tint: Colour, size: float) -> Stroke:
    """Write digits beside each other."""
    step = 2 * size * (1.55 if len(text) > 2 else 1.75)
    cones: list[Cone] = []
    for place, digit in enumerate(text):
        middle = (place - (len(text) - 1) / 2) * step
        named = [_SEGMENTS[name] for name in _DIGITS[digit]]
        if digit == "T":
            named = [_SEGMENTS["a"], (0, -2, 0.3, 0, 2, 0.3)]
        cones += _moved(named, middle, 0.0, size)
    return tint, cones


def _moved(cones: Sequence[Cone], x: float, y: float, size: float, mirror: int = 1) -> list[Cone]:
    return [
        (x + mirror * size * a, y + size * b, size * r, x + mirror * size * c, y + size * d, size * s)
        for a, b, r, c, d, s in cones
    ]


def _line(points: Sequence[tuple[float, float]], width: float) -> list[Cone]:
    """Join points by a line."""
    return [(*a, width, *b, width) for a, b in pairwise(points)]


def _arrow(points: Sequence[tuple[float, float]], width: float = 0.11) -> list[Cone]:
    """Join points by a line that ends in the head of an arrow."""
    (x, y), (end_x, end_y) = points[-2:]
    length = float(np.hypot(end_x - x, end_y - y))
    along = ((end_x - x) / length, (end_y - y) / length)
    head = (end_x + 0.26 * along[0], end_y + 0.26 * along[1])
    wings = [(end_x - s * 0.3 * along[1], end_y + s * 0.3 * along[0]) for s in (-1, 1)]
    return [
        *_line(points, width),
        *((*wing, 0.05, *head, 0.05) for wing in wings),
        (*points[-1], 0.2, *head, 0.04),
    ]


def _mirrored(cones: Sequence[Cone]) -> list[Cone]:
    return _moved(cones, 0.0, 0.0, 1.0, mirror=-1)


def _ring(x: float, y: float, radius: float, width: float) -> list[Cone]:
    turns = [2 * pi * n / 14 for n in range(15)]
    return _line([(x + radius * cos(t), y + radius * sin(t)) for t in turns], width)


def _car(x: float, y: float = 0.05, size: float = 1.0) -> list[Cone]:
    return _moved([(-0.17, 0.1, 0.11, 0.17, 0.1, 0.11), (-0.08, -0.08, 0.1, 0.08, -0.08, 0.1)], x, y, size)


def _lorry(x: float, size: float = 1.0) -> list[Cone]:
    box: list[Cone] = [(-0.2, -0.12 + 0.12 * n, 0.09, 0.1, -0.12 + 0.12 * n, 0.09) for n in range(3)]
    return _moved(
        [*box, (0.24, 0.02, 0.08, 0.24, 0.12, 0.08), (-0.16, 0.26, 0.07, 0.24, 0.26, 0.07)], x, 0.0, size
    )


def _walker(x: float, y: float, size: float) -> list[Cone]:
    body: list[Cone] = [
        (0, -0.42, 0.11, 0, -0.42, 0.11),
        (0, -0.22, 0.1, 0, 0.08, 0.08),
        (0, 0.08, 0.07, -0.2, 0.42, 0.06),
        (0, 0.08, 0.07, 0.2, 0.42, 0.06),
        (0, -0.18, 0.05, 0.24, 0.02, 0.05),
        (0, -0.18, 0.05, -0.22, 0.04, 0.05),
    ]
    return _moved(body, x, y, size)


def _dot(x: float, y: float, radius: float) -> list[Cone]:
    return [(x, y, radius, x, y, radius)]


_STRIPES: Stroke = (
    GREY,
    [(0.62 - d, -0.62 - d, 0.035, -0.62 - d, 0.62 - d, 0.035) for d in (-0.14, -0.05, 0.05, 0.14)],
)
_BEND = _line([(0.3, 0.62), (0.3, 0.25), (-0.02, -0.02), (-0.02, -0.1), (0.0, -0.3)], 0.09)
_TURN = _arrow([(-0.32, 0.55), (-0.32, -0.02), (-0.2, -0.18), (0.2, -0.18)])
_SIDE = _arrow([(0.0, 0.0), (0.28, -0.02), (0.4, -0.02)])
_AHEAD = _arrow([(0.0, 0.62), (0.0, -0.42)])
_KEEP = _arrow([(-0.36, -0.36), (0.28, 0.28)], 0.13)
_DEER = [
    (-0.3, 0.12, 0.1, 0.12, 0.02, 0.11),
    (0.12, 0.02, 0.08, 0.26, -0.24, 0.06),
    (0.26, -0.26, 0.06, 0.4, -0.2, 0.05),
    (0.26, -0.3, 0.025, 0.14, -0.5, 0.02),
    (0.28, -0.3, 0.025, 0.36, -0.5, 0.02),
    (-0.34, 0.16, 0.06, -0.48, 0.5, 0.04),
    (0.14, 0.1, 0.06, 0.4, 0.42, 0.04),
    (-0.26, 0.16, 0.06, -0.2, 0.52, 0.04),
]
_BICYCLE = [
    *_ring(-0.26, 0.28, 0.17, 0.04),
    *_ring(0.26, 0.28, 0.17, 0.04),
    *_line([(-0.26, 0.28), (-0.08, 0.0), (0.14, 0.02), (0.26, 0.28)], 0.04),
    (0.14, 0.02, 0.04, 0.1, -0.14, 0.04),
]
_FLAKE = [
    cone
    for t in (0, 1, 2)
    for cone in _line(
        [
            (0.34 * sin(t * pi / 3), 0.14 - 0.34 * cos(t * pi / 3)),
            (-0.34 * sin(t * pi / 3), 0.14 + 0.34 * cos(t * pi / 3)),
        ],
        0.05,
    )
]
_WORKER = [
    *_dot(-0.12, -0.3, 0.1),
    (-0.1, -0.14, 0.09, -0.18, 0.16, 0.09),
    (-0.18, 0.16, 0.07, -0.3, 0.5, 0.06),
    (-0.18, 0.16, 0.07, -0.02, 0.5, 0.06),
    (-0.1, -0.1, 0.05, 0.22, 0.3, 0.04),
    (0.26, 0.5, 0.02, 0.34, 0.36, 0.14),
]
_CIRCLING = [
    cone
    for n in range(3)
    for cone in _arrow(
        [(0.48 * cos(2 * pi * n / 3 + t), 0.48 * sin(2 * pi * n / 3 + t)) for t in (0.0, 0.4, 0.8, 1.2)], 0.08
    )
]
_SNAKE = [(-0.14, 0.62), (-0.14, 0.34), (0.14, 0.18), (0.14, 0.0), (-0.1, -0.14), (-0.1, -0.36)]
_BUMPS = [*_line([(-0.5, 0.52), (0.5, 0.52)], 0.07), *_dot(-0.2, 0.36, 0.18), *_dot(0.2, 0.36, 0.18)]
_SKID = [
    cone
    for x in (-0.16, 0.2)
    for cone in _line([(x, 0.6), (x - 0.12, 0.46), (x + 0.08, 0.34), (x, 0.2)], 0.04)
]
_NARROW = [
    *_line([(-0.2, 0.62), (-0.2, -0.3)], 0.08),
    *_line([(0.32, 0.62), (0.32, 0.3), (0.06, 0.02), (0.06, -0.3)], 0.08),
]
_CROSSING = [
    (0.0, 0.62, 0.1, 0.0, -0.2, 0.1),
    (0.0, -0.2, 0.2, 0.0, -0.42, 0.03),
    (-0.4, 0.3, 0.06, 0.4, 0.3, 0.06),
]

_LIMITS = [
    (LIMIT, [_number(text, BLACK, 0.2 if len(text) < 3 else 0.155)])
    for text in ("20", "30", "50", "60", "70", "80")
]

_FACES: Sequence[tuple[Plate, Sequence[Stroke]]] = (
    *_LIMITS,
    (END, [_number("80", GREY, 0.2), _STRIPES]),
    (LIMIT, [_number("100", BLACK, 0.155)]),
    (LIMIT, [_number("120", BLACK, 0.155)]),
    (LIMIT, [(RED, _car(-0.3)), (BLACK, _car(0.3))]),
    (LIMIT, [(RED, _lorry(-0.3)), (BLACK, _car(0.36))]),
    (WARNING, [(BLACK, _CROSSING)]),
    (Plate(4, 0.0, WHITE, YELLOW, 0.74), []),
    (Plate(3, pi, RED, WHITE, 0.62), []),
    (Plate(8, pi / 8, WHITE, RED, 0.94), [_number("STOP", WHITE, 0.125)]),
    (LIMIT, []),
    (LIMIT, [(BLACK, _lorry(0.0, 1.5))]),
    (Plate(0, 0.0, RED, RED, 0.9), [(WHITE, _line([(-0.55, 0.0), (0.55, 0.0)], 0.16))]),
    (WARNING, [(BLACK, [(0.0, -0.3, 0.11, 0.0, 0.2, 0.07), *_dot(0.0, 0.48, 0.1)])]),
    (WARNING, [(BLACK, _BEND)]),
    (WARNING, [(BLACK, _mirrored(_BEND))]),
    (WARNING, [(BLACK, _line(_SNAKE, 0.08))]),
    (WARNING, [(BLACK, _BUMPS)]),
    (WARNING, [(BLACK, [*_car(0.0, -0.08, 0.9), *_SKID])]),
    (WARNING, [(BLACK, _NARROW)]),
    (WARNING, [(BLACK, _WORKER)]),
    (
        WARNING,
        [(RED, _dot(0.0, -0.22, 0.13)), (YELLOW, _dot(0.0, 0.12, 0.13)), (GREEN, _dot(0.0, 0.46, 0.13))],
    ),
    (WARNING, [(BLACK, _walker(0.0, 0.16, 0.95))]),
    (WARNING, [(BLACK, [*_walker(-0.2, 0.22, 0.75), *_walker(0.24, 0.32, 0.6)])]),
    (WARNING, [(BLACK, _BICYCLE)]),
    (WARNING, [(BLACK, _FLAKE)]),
    (WARNING, [(BLACK, _DEER)]),
    (END, [_STRIPES]),
    (ORDER, [(WHITE, _TURN)]),
    (ORDER, [(WHITE, _mirrored(_TURN))]),
    (ORDER, [(WHITE, _AHEAD)]),
    (ORDER, [(WHITE, [*_moved(_AHEAD, -0.18, 0.0, 1.0), *_moved(_SIDE, 0.0, 0.1, 1.0)])]),
    (ORDER, [(WHITE, [*_moved(_AHEAD, 0.18, 0.0, 1.0), *_moved(_mirrored(_SIDE), 0.0, 0.1, 1.0)])]),
    (ORDER, [(WHITE, _KEEP)]),
    (ORDER, [(WHITE, _mirrored(_KEEP))]),
    (ORDER, [(WHITE, _CIRCLING)]),
    (END, [(GREY, [*_car(-0.3), *_car(0.3)]), _STRIPES]),
    (END, [(GREY, [*_lorry(-0.3), *_car(0.36)]), _STRIPES]),
)
