"""Close-up scenes of flowers with their exact masks, drawn with numpy: stand in for Oxford-17's flowers.

Where `cnnreport.data.drawn.meadow` shows flowers from afar, these fill a good part of the picture, over what
a camera would show out of focus behind them: a meadow, grass, leaves, the sky, a shady corner.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, pi, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnreport.data.drawn import flower
from cnnreport.data.drawn.canvas import Canvas, Cone, Floats, Frame, blend, choose, colour, step, texture
from cnnreport.data.drawn.flower import Flower
from cnnreport.data.drawn.meadow import Painter
from cnnreport.data.flowers.flower_set import (
    BACKGROUND,
    FLOWER,
    LISTS,
    FlowerSource,
    Numbers,
    positions,
    protocols,
)
from cnnreport.data.source import SEED

_STREAM = 1
"""Keeps the random numbers of these scenes apart from those of others with the same seed and number."""

SCENES = 600
"""How many scenes stand in for the published images."""

# How often a scene has so many flowers, and within which limits their radii lie.
_NUMBERS = (0.26, 0.27, 0.22, 0.15, 0.1)
_RADII = ((0.28, 0.36), (0.23, 0.35), (0.18, 0.33), (0.15, 0.3), (0.12, 0.28))
_ALIKE = 0.72
_SEGMENTS = 5
_PICTURE = Frame(0, 0, 1)

Point = tuple[float, float]


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes.

    Args:
        rgb: uint8 (N, 3, H, W).
        mask: uint8 (N, H, W): 1 where petals or the heart of a flower are seen, else 0.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def draw(count: int, height: int = 224, width: int = 224, seed: int = SEED, first: int = 0) -> Scenes:
    """Draw scenes; scene i of a seed is the same whatever else is asked for.

    Args:
        count: How many, N.
        height: Rows H; the scene does not depend on it, only its resolution does.
        width: Columns W; a wider picture spreads the scene.
        seed: Which set of scenes.
        first: Number of the first scene.

    Returns:
        The scenes `first` to `first + count - 1`.
    """
    rgb = np.empty((count, 3, height, width), np.uint8)
    mask = np.empty((count, height, width), np.uint8)
    for i in range(count):
        canvas = Canvas(height, width)
        _paint(canvas, np.random.default_rng([seed, first + i, _STREAM]))
        rgb[i] = (canvas.rgb + 0.5).clip(0, 255)
        mask[i] = canvas.mask
    return Scenes(rgb, mask)


def _paint(canvas: Canvas, generator: np.random.Generator) -> None:
    painter = paint_backdrop(canvas, generator)
    flowers = _flowers(generator, canvas.aspect)
    greens = blend(colour(70, 122, 48), colour(*painter.season.near), 0.3) * painter.tint
    for each in flowers:
        if generator.random() < 0.75:
            _paint_stem(canvas, generator, each, greens)
    for each in flowers:
        flower.paint(canvas, each, painter.tint, FLOWER)
    # A blade of grass in front of a flower belongs to the background.
    for _ in range(choose(generator, (0.6, 0.25, 0.15))):
        _paint_blade(canvas, generator, greens, 1.0)


def paint_backdrop(canvas: Canvas, generator: np.random.Generator) -> Painter:
    """Paint what is behind, the smaller the more out of focus, and enlarge it."""
    kind = choose(generator, [weight for weight, _ in _BACKDROPS])
    rows = (30, 44, 100)[choose(generator, (0.4, 0.3, 0.3))] if kind else 30
    small = Canvas(rows, max(1, round(rows * canvas.aspect)))
    painter = Painter(generator, small)
    _BACKDROPS[kind][1](painter)
    for channel, values in zip(canvas.rgb, _softened(small.rgb), strict=True):
        image = Image.fromarray(values)
        channel[:] = image.resize((canvas.width, canvas.height), Image.Resampling.BICUBIC)
    return painter


def _softened(rgb: Floats) -> Floats:
    """Mix every pixel with its neighbours, so that no stairs are seen where a picture is enlarged."""
    padded = np.pad(rgb, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    result: Floats = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) * np.float32(1 / 16)
    return result


def _paint_meadow(painter: Painter) -> None:
    painter.paint(flowers=False)


def _paint_grass(painter: Painter) -> None:
    """Paint dense blades: a dark ground, streaks, and blades that catch the light."""
    canvas, generator, season = painter.canvas, painter.generator, painter.season
    dark, light = colour(*season.near) * 0.55, colour(*season.far)
    streaks = texture(generator, canvas, 5, 60) * 0.5 + texture(generator, canvas, 3, 24) * 0.5
    spots = texture(generator, canvas, 4, 5)
    ground = blend(dark, light, (0.42 + 0.45 * streaks + 0.22 * spots).clip(0, 1))
    canvas.rgb[:] = ground * painter.tint
    for _ in range(26):
        green = blend(colour(*season.near), colour(*season.far), generator.random()) * painter.tint
        _paint_blade(canvas, generator, green, generator.uniform(0.75, 1.15))


def _paint_leaves(painter: Painter) -> None:
    """Paint leaves over leaves over shade."""
    canvas, generator = painter.canvas, painter.generator
    canvas.rgb[:] = colour(*painter.season.near) * painter.tint * 0.4
    for i in range(22):
        green = blend(colour(52, 92, 40), colour(132, 168, 84), generator.random()) * painter.tint
        x, y = generator.random() * canvas.aspect, generator.random()
        frame = Frame(x, y, generator.uniform(0.14, 0.3))
        _paint_leaf(canvas, frame, generator.uniform(0, 2 * pi), green * (0.55 + 0.02 * i))


def _paint_sky(painter: Painter) -> None:
    canvas, generator, sky = painter.canvas, painter.generator, painter.sky
    shift = generator.uniform(-0.2, 0.5)
    canvas.rgb[:] = blend(colour(*sky.zenith), colour(*sky.horizon), (canvas.y + shift).clip(0, 1)[None])
    billows = texture(generator, canvas, 3, 3) * 0.6 + texture(generator, canvas, 8, 7) * 0.4
    canvas.paint(
        canvas.window(0, 0, canvas.aspect, 1),
        step(billows + generator.uniform(-0.3, 0.2), 0.1, 0.6) * 0.85,
        colour(*sky.cloud),
    )


def _paint_shade(painter: Painter) -> None:
    """Paint a dark corner of a garden in which a few lights are out of focus."""
    canvas, generator = painter.canvas, painter.generator
    dim = blend(colour(24, 34, 22), colour(78, 88, 54), texture(generator, canvas, 3, 4) * 0.5 + 0.5)
    canvas.rgb[:] = dim * painter.tint
    for _ in range(14):
        x, y, radius = generator.random() * canvas.aspect, generator.random(), generator.uniform(0.04, 0.11)
        light = blend(colour(*painter.season.far), colour(236, 226, 180), generator.random() * 0.7)
        window, across, down = canvas.inside(Frame(x, y, radius), (-1.2, -1.2, 1.2, 1.2))
        away = np.sqrt(across * across + down * down)
        disc = canvas.coverage(away - 1, radius) * generator.uniform(0.12, 0.4)
        canvas.paint(window, disc, light * painter.tint)


_BACKDROPS: tuple[tuple[float, Callable[[Painter], None]], ...] = (
    (0.26, _paint_meadow),
    (0.26, _paint_grass),
    (0.24, _paint_leaves),
    (0.12, _paint_sky),
    (0.12, _paint_shade),
)


def _flowers(generator: np.random.Generator, aspect: float) -> list[Flower]:
    """Place flowers where there is room for them, most of one sort, the smaller behind."""
    number = choose(generator, _NUMBERS) + 1
    radii = sorted(generator.uniform(*_RADII[number - 1], number).tolist())
    common = flower.choose_sort(generator)
    flowers: list[Flower] = []
    for radius in reversed(radii):
        tries = generator.random((8, 2))
        tries = tries * (aspect - 1.1 * radius, 1 - 1.1 * radius) + 0.55 * radius
        room = [_room(x, y, radius, flowers) for x, y in tries.tolist()]
        x, y = tries[int(np.argmax(room))].tolist()
        sort = common if generator.random() < _ALIKE else flower.choose_sort(generator)
        flowers.append(flower.draw_at_random(generator, x, y, radius, sort))
    return flowers[::-1]


def _room(x: float, y: float, radius: float, others: list[Flower]) -> float:
    """Return how far a flower would be from the nearest other, in radii, as far as that matters."""
    gaps = [hypot(x - other.x, y - other.y) / (radius + other.radius) for other in others]
    return min([*gaps, 1.1])


def _paint_stem(canvas: Canvas, generator: np.random.Generator, of: Flower, greens: Floats) -> None:
    """Paint a stem from a flower to the ground, with a leaf or two."""
    thick = of.radius * generator.uniform(0.05, 0.085)
    bend, foot = generator.uniform(-0.12, 0.12, 2).tolist()
    middle, end = (of.x + bend, 0.5 * (of.y + 1.1)), (of.x + foot, 1.15)
    green = greens * generator.uniform(0.85, 1.2)
    cones = _bent((of.x, of.y), middle, end, thick, 1.2 * thick)
    canvas.stroke(_PICTURE, cones, green * 0.82, BACKGROUND)
    lit = [(x - 0.3 * thick, y, 0.4 * a, u - 0.3 * thick, v, 0.4 * b) for x, y, a, u, v, b in cones]
    canvas.stroke(_PICTURE, lit, green * 1.12)
    for _ in range(choose(generator, (0.3, 0.4, 0.3))):
        share = generator.uniform(0.1, 0.9)
        x, y = middle[0] + share * (end[0] - middle[0]), middle[1] + share * (end[1] - middle[1])
        heading = -0.5 * pi + generator.choice((-1, 1)) * generator.uniform(0.4, 1.1)
        size = of.radius * generator.uniform(0.6, 1.1)
        frame = Frame(float(x + size * cos(heading)), float(y + size * sin(heading)), float(size))
        _paint_leaf(canvas, frame, heading, green)


def _paint_leaf(canvas: Canvas, frame: Frame, heading: float, green: Floats) -> None:
    """Paint a leaf of two units of length around the frame's origin."""
    window, x, y = canvas.inside(frame, (-1.05, -1.05, 1.05, 1.05))
    if not x.size or not y.size:
        return
    along, across = x * cos(heading) + y * sin(heading), y * cos(heading) - x * sin(heading)
    away = np.abs(across)
    distance = np.sqrt(along * along + (away + 0.95) ** 2) - 1.379
    rib = np.exp(-away * 26) * 0.22
    ribs = 0.06 * np.cos((along - 0.8 * away) * 26)
    half = 0.9 + 0.14 * np.tanh(across * 12) + 0.1 * along
    lit = (green * (half + rib + ribs - 0.2 * away)).clip(0, 255)
    canvas.paint(window, canvas.coverage(distance, frame.size), lit, BACKGROUND)


def _paint_blade(canvas: Canvas, generator: np.random.Generator, green: Floats, light: float) -> None:
    """Paint a bent blade of grass that comes from below the picture."""
    x, (lean, bend) = generator.random() * canvas.aspect, generator.uniform(-0.28, 0.28, 2).tolist()
    top, thick = generator.uniform(0.05, 0.75), generator.uniform(0.006, 0.013)
    cones = _bent((x, 1.05), (x + 0.4 * lean, 0.4 + 0.6 * top), (x + lean + bend, top), thick, 0.002)
    canvas.stroke(_PICTURE, cones, green * light, BACKGROUND)


def _bent(start: Point, control: Point, end: Point, thick: float, thin: float) -> list[Cone]:
    """Return a rounded line along a curve that leaves its start towards the control point (Bezier)."""
    share = np.linspace(0, 1, _SEGMENTS + 1)[:, None]
    places = np.array(start) * (1 - share) ** 2 + np.array(control) * 2 * share * (1 - share)
    points = np.hstack([places + np.array(end) * share**2, thick + (thin - thick) * share]).tolist()
    return [(*a, *b) for a, b in pairwise(points)]


def prepare(source: FlowerSource, *, images: int | None, size: int) -> dict[str, NDArray[Any]]:
    """Draw the images of the lists; `cnnreport.data.flowers.flower_set.prepare` says what is returned."""
    chosen = protocols(_lists(), np.arange(1, SCENES + 1), images)
    numbers = np.unique(np.concatenate(list(chosen.values())))
    drawn = [draw(1, size, size, first=number - 1) for number in numbers.tolist()]
    masks = np.concatenate([scene.mask for scene in drawn])
    return {
        **positions(chosen, numbers),
        "numbers": numbers,
        "images": np.concatenate([scene.rgb for scene in drawn]),
        "masks": masks,
        "handout_masks": masks,
        "skipped": np.frombuffer(b"[]", np.uint8),
        "without_trimap": np.zeros(1, np.int64),
    }


def _lists() -> dict[str, Numbers]:
    """Divide the scenes three times at random as the published images are: half of them for training."""
    generator = np.random.default_rng(SEED)
    orders = [generator.permutation(SCENES) + 1 for _ in range(3)]
    lists = {name: np.sort(order[: SCENES // 2]) for name, order in zip(LISTS[:3], orders, strict=True)}
    return {**lists, "val1": np.sort(orders[0][SCENES // 2 : SCENES * 3 // 4])}
