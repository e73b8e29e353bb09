"""Radiographs with masks over them, drawn as outlines: the true one dashed, a predicted one solid."""

from typing import Any

import numpy as np

from cnnreport.report.draw.thumbnails import Pixels

TIMES = 4
"""By how much pixels are magnified, so that an outline hides little more than a pixel of the image."""

TRUE, PREDICTED = (255, 176, 0), (64, 200, 255)
"""Orange and blue, which differ in lightness from most of a radiograph and from each other for all eyes."""

_DASH, _WIDE = 16, 5
_ROOM = 16
"""Of the side of an image, what is left around masks altogether."""

Array = np.ndarray[Any, Any]


def outlined(image: Array, truth: Array | None = None, predicted: Array | None = None) -> Pixels:
    """Draw masks over an image.

    Args:
        image: uint8 (S, S).
        truth: The true mask, (S, S), 1 inside; None for none.
        predicted: A predicted one; None for none.

    Returns:
        uint8 (`TIMES` S, `TIMES` S, 3).
    """
    drawn: Pixels = np.repeat(_large(image)[..., None], 3, axis=-1)
    down, across = np.indices(drawn.shape[:2])
    if predicted is not None:
        drawn[_edge(_large(predicted) > 0)] = PREDICTED
    if truth is not None:
        drawn[_edge(_large(truth) > 0) & ((down + across) // _DASH % 2 == 0)] = TRUE
    return drawn


def cropped(image: Array, *masks: Array) -> list[Array]:
    """Cut an image and its masks to a square around all that is in a mask, with a little room.

    Args:
        image: uint8 (S, S).
        masks: (S, S), not zero inside.

    Returns:
        The image and the masks, (T, T), T at most S; as they are where the masks are empty.
    """
    places = np.argwhere(np.any([mask > 0 for mask in masks], axis=0))
    if not len(places):
        return [image, *masks]
    side, low, high = len(image), places.min(0), places.max(0)
    wide = min(side, int((high - low).max()) + 1 + side // _ROOM)
    top, left = np.clip((low + high + 1 - wide) // 2, 0, side - wide)
    return [array[top : top + wide, left : left + wide] for array in (image, *masks)]


def _large(array: Array) -> Array:
    return array.repeat(TIMES, axis=0).repeat(TIMES, axis=1)


def _edge(inside: Array) -> Array:
    """Return the pixels of a mask that are less than `_WIDE` from one outside of it, bool (H, W)."""
    core = inside
    for _ in range(_WIDE):
        wider = np.pad(core, 1)
        core = core & wider[:-2, 1:-1] & wider[2:, 1:-1] & wider[1:-1, :-2] & wider[1:-1, 2:]
    edge: Array = inside & ~core
    return edge
