"""A small painter with numpy alone: shapes as distances, so that edges are smooth at any size.

Lengths are in heights of the picture (y runs from 0 at the top to 1 at the bottom, x from 0 to
width / height), so that one description gives the same scene at every resolution.
"""

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
"""Always float32: products with numbers of Python stay so, though numpy's types cannot tell."""

Window = tuple[slice, slice]
Cone = tuple[float, float, float, float, float, float]

_SUBSAMPLES = 8
_LABELS = 16


@dataclass(frozen=True)
class Frame:
    """A shape's own measure: its origin on the canvas, the length of its unit, where it looks.

    Args:
        x: Origin, in heights of the picture.
        y: Origin, in heights of the picture.
        size: How many heights one unit of the shape is.
        facing: 1 as described, -1 mirrored.
    """

    x: float
    y: float
    size: float
    facing: int = 1


class Canvas:
    """A picture while it is being painted, with the class and the owner of every pixel.

    Args:
        height: Rows H.
        width: Columns W.

    Attributes:
        rgb: float32 [3, H, W], 0 to 255.
        marks: int16 (H, W), class and owner of what covers at least half of each pixel, in one
            number since each is set with the other.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.aspect = width / height
        self.x: Floats = ((np.arange(width, dtype=np.float32) + 0.5) / height)[None, :]
        self.y: Floats = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
        self.rgb: Floats = np.zeros((3, height, width), np.float32)
        self.marks: NDArray[np.int16] = np.zeros((height, width), np.int16)

    @property
    def mask(self) -> NDArray[np.uint8]:
        """Return the class of every pixel, uint8 (H, W)."""
        return (self.marks % _LABELS).astype(np.uint8)

    @property
    def owner(self) -> NDArray[np.int16]:
        """Return the number of the flower or animal at every pixel, int16 (H, W), 0 for none."""
        return self.marks // np.int16(_LABELS)

    def window(self, left: float, top: float, right: float, bottom: float) -> Window:
        """Return the (rows, columns) that a rectangle touches; empty where it lies outside."""
        height = self.height
        rows = slice(int(top * height) if top > 0 else 0, int(bottom * height) + 1 if bottom > 0 else 0)
        columns = slice(int(left * height) if left > 0 else 0, int(right * height) + 1 if right > 0 else 0)
        return rows, columns

    def inside(self, frame: Frame, box: tuple[float, float, float, float]) -> tuple[Window, Floats, Floats]:
        """Return the window of a box (left, top, right, bottom in the frame) and its places there.

        Returns:
            The window, x float32 [1, w] and y float32 [h, 1] in the frame's measure.
        """
        scale = frame.facing * frame.size
        left, right = frame.x + scale * box[0], frame.x + scale * box[2]
        if left > right:
            left, right = right, left
        window = self.window(left, frame.y + frame.size * box[1], right, frame.y + frame.size * box[3])
        x = (self.x[:, window[1]] - frame.x) * (frame.facing / frame.size)
        y = (self.y[window[0]] - frame.y) * (1 / frame.size)
        return window, x, y

    def stroke(
        self, frame: Frame, cones: Sequence[Cone], colour: Floats, label: int = -1, owner: int = 0
    ) -> None:
        """Paint rounded cones in one colour."""
        window, x, y = self.inside(frame, bounds(cones, 1 / (frame.size * self.height)))
        if x.size and y.size:
            distance = distances(np.array(cones, np.float32), x, y).min(axis=0)
            self.paint(window, self.coverage(distance, frame.size), colour, label, owner)

    def coverage(self, distance: Floats, unit: float = 1.0) -> Floats:
        """Turn signed distances (negative inside) into the covered share of each pixel, 0 to 1.

        Args:
            distance: float32 [..., h, w] in lengths of which one is `unit` heights.
            unit: Size of the shape's own length in heights of the picture.
        """
        share = distance * (-self.height * unit)
        share += 0.5
        return share.clip(0, 1, out=share)

    def paint(
        self, window: Window, coverage: Floats, colour: Floats, label: int = -1, owner: int = 0
    ) -> None:
        """Lay a colour over a window.

        Args:
            window: Rows and columns.
            coverage: float32 [h, w], 0 to 1.
            colour: float32 [3, 1, 1] or [3, h, w], 0 to 255.
            label: Class of the pixels covered by half or more; -1 leaves class and owner alone.
            owner: Number of the flower or animal, 0 for none.
        """
        under = self.rgb[:, *window]
        over = colour - under
        over *= coverage
        under += over
        if label >= 0:
            np.copyto(self.marks[window], label + _LABELS * owner, where=coverage >= 0.5)


def choose(generator: np.random.Generator, weights: Iterable[float]) -> int:
    """Return an index, each as probable as its weight; quicker than the generator's choice."""
    limits = list(accumulate(weights))
    return min(bisect(limits, generator.random() * limits[-1]), len(limits) - 1)


def spread(generator: np.random.Generator, count: int, low: Floats, high: Floats) -> Floats:
    """Draw points [count, n] evenly from a box; quicker than the generator's uniform."""
    return low + generator.random((count, len(low)), np.float32) * (high - low)


def colour(*levels: float) -> Floats:
    """Return red, green and blue as float32 [3, 1, 1]."""
    return np.array(levels, np.float32)[:, None, None]


def blend(first: Floats, second: Floats, share: Floats | float) -> Floats:
    """Mix two colours; a share of 0 gives the first, of 1 the second."""
    return first + np.asarray(share, np.float32) * (second - first)


def step(values: Floats, low: float, high: float) -> Floats:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    ramp = ((values - low) * (1 / (high - low))).clip(0, 1)
    result: Floats = ramp * ramp * (3 - 2 * ramp)
    return result


def distances(cones: Floats, x: Floats, y: Floats) -> Floats:
    """Measure how far each pixel is from each rounded cone, negative inside.

    Args:
        cones: float32 [P, 6]: x, y, radius of one end and of the other.
        x: float32 [1, w].
        y: float32 [h, 1].

    Returns:
        float32 [P, h, w].
    """
    start_x, start_y, start, end_x, end_y, end = cones.T
    along_x, along_y = end_x - start_x, end_y - start_y
    square = along_x * along_x + along_y * along_y + 1e-9
    # Where a pixel falls along each axis (0 at the start, 1 at the end) and its squared distance
    # from the start are sums over x * x + y * y, x, y and 1: one product of matrices gives both.
    terms = np.zeros((2, len(cones), 4), np.float32)
    terms[0, :, 1], terms[0, :, 2] = along_x / square, along_y / square
    terms[0, :, 3] = -(start_x * along_x + start_y * along_y) / square
    terms[1, :, 0], terms[1, :, 1], terms[1, :, 2] = 1, -2 * start_x, -2 * start_y
    terms[1, :, 3] = start_x * start_x + start_y * start_y
    places = np.empty((4, y.size, x.size), np.float32)
    places[0], places[1], places[2], places[3] = x * x + y * y, x, y, 1
    free, away = terms @ places.reshape(4, -1)
    share = free.clip(0, 1)
    free *= -2
    free += share
    free *= share
    free *= square[:, None]
    away += free
    np.sqrt(np.maximum(away, 0, out=away), out=away)
    share *= (end - start)[:, None]
    share += start[:, None]
    away -= share
    result: Floats = away.reshape(-1, y.size, x.size)
    return result


def bounds(cones: Sequence[Cone], margin: float) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of what rounded cones may touch."""
    ends = [cone[:3] for cone in cones] + [cone[3:] for cone in cones]
    return (
        min(x - radius for x, _, radius in ends) - margin,
        min(y - radius for _, y, radius in ends) - margin,
        max(x + radius for x, _, radius in ends) + margin,
        max(y + radius for _, y, radius in ends) + margin,
    )


def merged(distance: Floats, softness: float) -> Floats:
    """Join shapes [P, h, w] into one [h, w] whose inner corners are rounded like muscle."""
    nearest = distance.min(axis=0)
    excess = nearest - distance
    excess *= 1 / softness
    total = np.exp(excess, out=excess).sum(axis=0)
    result: Floats = nearest - softness * np.log(total)
    return result


def texture(
    generator: np.random.Generator, canvas: Canvas, rows: int, columns: int, part: slice = slice(None)
) -> Floats:
    """Draw smooth random values on a lattice that spans the picture, whatever its size.

    Each pixel gets the mean over its area, so that what is finer than a pixel fades out instead
    of flickering, and a small picture is the reduced large one.

    Args:
        generator: Where the values come from; how many does not depend on the canvas.
        canvas: The picture.
        rows: Cells of the lattice from top to bottom.
        columns: Cells from left to right.
        part: The rows of pixels that are wanted.

    Returns:
        float32 [h, W], -1 to 1.
    """
    lattice = generator.random((rows + 1, columns + 1), np.float32)
    down = _weights(rows, canvas.height)[part]
    across = _weights(columns, canvas.width)
    result: Floats = down @ lattice @ across.T
    return result * 2 - 1


@lru_cache(maxsize=64)
def _weights(cells: int, pixels: int) -> Floats:
    """Return the share [pixels, cells + 1] of each lattice line in each pixel."""
    places = (np.arange(pixels * _SUBSAMPLES) + 0.5) / (pixels * _SUBSAMPLES) * cells
    before = np.minimum(places.astype(int), cells - 1)
    part = places - before
    part = part * part * (3 - 2 * part)
    weights = np.zeros((pixels * _SUBSAMPLES, cells + 1))
    index = np.arange(len(places))
    weights[index, before] = 1 - part
    weights[index, before + 1] = part
    averaged: Floats = weights.reshape(pixels, _SUBSAMPLES, cells + 1).mean(axis=1).astype(np.float32)
    averaged.setflags(write=False)
    return averaged
