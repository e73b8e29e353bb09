"""Scenes without flowers, each pixel with its kind: what the embedded segmentation net learns from.

Meadows, and close-ups before what a camera would show out of focus; over them lie things of any colour
(balls, stones, balloons) that stand out. Flowers are neither drawn nor a class, so that what is learnt
here is transferred to them, not known.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.drawn.canvas import Canvas, Floats, Frame, blend, choose, colour
from cnnreport.data.drawn.flower_bed import paint_backdrop
from cnnreport.data.drawn.meadow import Kind, Painter
from cnnreport.data.source import SEED, Source

SIZE = 224
THING, BACKDROP = len(Kind), len(Kind) + 1
"""Numbers of the two kinds that `Kind` does not have: a thing, and what is out of focus."""

KINDS = (Kind.SKY, Kind.SUN, Kind.CLOUD, Kind.HILL, Kind.GRASS, Kind.TREE, Kind.HORSE, BACKDROP, THING)
"""The classes, in their order."""

# A close-up has one to four things, a meadow up to three; radii in heights of the picture.
_CLOSE, _FAR = (0.1, 0.4), (0.03, 0.22)
_HARMONICS = np.array([2, 3, 4])


def prepare(_source: Source, *, scenes: int, validation_scenes: int) -> dict[str, NDArray[Any]]:
    """Draw the scenes, every second one a close-up.

    Args:
        scenes: How many to train with, N.
        validation_scenes: How many to validate with, M.

    Returns:
        ``train_rgb`` uint8 (N, 3, 224, 224) and ``train_class`` uint8 (N, 224, 224), the position of a
        pixel's kind in `KINDS`; ``validation_rgb`` and ``validation_class``, the same with M; ``kinds``
        int64 (9,), the numbers of the kinds.
    """
    classes = np.full(len(Kind) + 2, 255, np.uint8)
    classes[list(KINDS)] = np.arange(len(KINDS), dtype=np.uint8)
    prepared: dict[str, NDArray[Any]] = {"kinds": np.array(KINDS, np.int64)}
    for name, count, first in (("train", scenes, 0), ("validation", validation_scenes, scenes)):
        drawn = [_draw(number) for number in range(first, first + count)]
        prepared[f"{name}_rgb"] = np.stack(
            [(canvas.rgb + 0.5).clip(0, 255).astype(np.uint8) for canvas in drawn]
        )
        prepared[f"{name}_class"] = classes[np.stack([canvas.mask for canvas in drawn])]
    return prepared


def _draw(number: int) -> Canvas:
    generator = np.random.default_rng([SEED, number])
    canvas = Canvas(SIZE, SIZE)
    if number % 2:
        painter = paint_backdrop(canvas, generator)
        canvas.marks[:] = BACKDROP
        radii = generator.uniform(*_CLOSE, generator.integers(1, 5))
    else:
        painter = Painter(generator, canvas)
        painter.paint(flowers=False)
        radii = generator.uniform(*_FAR, generator.integers(0, 4))
    for radius in sorted(radii.tolist()):
        _paint_thing(canvas, generator, radius, painter.tint)
    return canvas


def _paint_thing(canvas: Canvas, generator: np.random.Generator, radius: float, tint: Floats) -> None:
    """Paint a round thing in two colours, lit from above."""
    across, down = generator.random(2).tolist()
    window, x, y = canvas.inside(Frame(across, down, radius), (-1.6, -1.6, 1.6, 1.6))
    if not x.size or not y.size:
        return
    away, angle = np.sqrt(x * x + y * y), np.arctan2(y, x)
    heights = generator.uniform(0, 0.35, 3) / _HARMONICS
    phases = generator.uniform(0, 2 * math.pi, 3)
    waves = zip(_HARMONICS.tolist(), heights.tolist(), phases.tolist(), strict=True)
    edge = 1 + sum(height * np.cos(angle * k + phase) for k, height, phase in waves)
    first, second = (colour(*generator.uniform(15, 255, 3)) for _ in range(2))
    pattern = _pattern(generator, away, x * generator.uniform(3, 9) + y * generator.uniform(-9, 9))
    light = generator.uniform(0.1, 0.5)
    lit = blend(first, second, pattern) * (1 - light * (0.5 + 0.5 * y + 0.2 * x)) * tint
    canvas.paint(window, canvas.coverage(away - edge, radius), lit.clip(0, 255), THING)


def _pattern(generator: np.random.Generator, away: Floats, along: Floats) -> Floats:
    """Return the share of the second colour, 0 to 1: none, stripes, rings, or more towards the edge."""
    patterns = (0 * away, 0.5 + 0.5 * np.cos(along), 0.5 + 0.5 * np.cos(8 * away), away.clip(0, 1))
    share: Floats = patterns[choose(generator, (0.4, 0.2, 0.15, 0.25))] * np.float32(generator.random())
    return share
