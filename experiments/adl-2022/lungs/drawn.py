"""Chest radiographs that this report draws, since the real ones may not be passed on; with exact masks.

What makes lungs hard to outline in a radiograph is drawn: their edges are thin and so hardly darker than
what is beside them, ribs cross them, the heart and the diaphragm hide parts of which a shade remains, gas
below the diaphragm is as dark as a lung, and some lungs are clouded. The mask is the lung that is not hidden.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, label  # type: ignore[import-untyped]

from .anatomy import Body, Floats, bones, build, heart, lung, ridge, torso

SETTING: Mapping[str, Any] = {"train": 112, "validation": 12, "test": 123, "version": 1}
"""How many images each part has: as many as there are real ones."""


def chest(generator: np.random.Generator, size: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Draw a radiograph.

    Args:
        generator: Decides everything; images of different sizes from the same state are different images.
        size: Rows and columns S, in pixels.

    Returns:
        The image, float32 (S, S) in 0..1, bright where much is in the way of the rays; and where the lungs
        are, bool (S, S).
    """
    body = build(generator)
    u, v = places(body, size, generator)
    mask = largest(lung(body, -1, u, v)) | largest(lung(body, 1, u, v))
    image = shadows(body, u, v, mask, generator)
    image = 0.5 + body["gain"] * (image - 0.5) + body["offset"] + 0.1 * (u - u.mean()) * generator.normal()
    image = gaussian_filter(image, 0.004 * size) + 0.03 * generator.normal(size=image.shape)
    return image.clip(0, 1).astype(np.float32), mask


def largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest of the parts of a mask that do not touch, so that a lung is in one piece."""
    parts, _ = label(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    piece: NDArray[np.bool_] = parts == sizes.argmax()
    return piece


def places(body: Body, size: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Return where each pixel is in the body's own measure, which is bent a little here and there."""
    y, x = (np.indices((size, size)) + 0.5) / size
    x, y = x - body["middle"], y - 0.5
    u = np.cos(body["tilt"]) * x - np.sin(body["tilt"]) * y
    v = np.sin(body["tilt"]) * x + np.cos(body["tilt"]) * y + 0.5 + body["stoop"]
    return u + cloud(generator, size, 0.06, 0.008), v + cloud(generator, size, 0.06, 0.008)


def cloud(generator: np.random.Generator, size: int, scale: float, deviation: float) -> Floats:
    """Draw smooth noise (S, S) of a deviation; its patches are as large as the scale says, in heights."""
    noise = gaussian_filter(generator.normal(size=(size, size)), scale * size, mode="wrap")
    smooth: Floats = noise * (deviation / noise.std())
    return smooth


def shadows(
    body: Body, u: Floats, v: Floats, mask: NDArray[np.bool_], generator: np.random.Generator
) -> Floats:
    """Return how much of the rays is held back at each place: tissue and bones less the air of the lungs."""
    size = len(u)
    hidden = lung(body, -1, u, v, whole=True) | lung(body, 1, u, v, whole=True)
    thick = torso(body, u, v)
    air = body["air"] * depth(mask, 0.045) + 0.14 * depth(hidden, 0.06)
    air = air * (1 - 0.9 * fluid(body, u, v))
    vessels = cloud(generator, size, 0.012, 0.03) * ridge(np.abs(u) - 0.12, 0.16) * mask
    breasts = ridge(np.hypot(np.abs(u) - 0.2, 1.2 * (v - 0.66)), 0.13)
    gas = ridge(np.hypot(u - 0.2, 1.5 * (v - body["dome_left"] - 0.11)), 0.06) * ~mask
    held = 0.06 + 0.68 * thick - (air - vessels) * (thick > 0)
    held += 0.13 * bones(body, u, v) * (thick > 0) + 0.1 * heart(body, u, v).clip(0)
    held += abs(body["breast"]) * breasts + opacities(body, u, v, generator) * depth(hidden, 0.02)
    held -= max(0.0, body["gas"]) * 1.6 * gas
    total: Floats = held + cloud(generator, size, 0.04, 0.03) * (thick > 0)
    return total


def opacities(body: Body, u: Floats, v: Floats, generator: np.random.Generator) -> Floats:
    """Return what clouds the lungs here and there."""
    clouded = np.zeros_like(u)
    for side, name in ((-1, "right"), (1, "left")):
        across, high = generator.uniform(0.1, 0.36), generator.uniform(0.25, 0.75)
        spot = ridge(np.hypot(u - side * across, v - high), generator.uniform(0.06, 0.16))
        clouded += max(0.0, body[f"opacity_{name}"]) * spot
    return clouded


def fluid(body: Body, u: Floats, v: Floats) -> Floats:
    """Return where fluid has gathered at the base of a lung, from 0 to 1: there is hardly any air."""
    deep = np.where(u < 0, body["fluid_right"], body["fluid_left"])
    base = np.where(u < 0, body["dome_right"], body["dome_left"]) + body["angle"] / 2
    filled: Floats = (deep > 0) / (1 + np.exp(-(v - base + deep) / 0.012))
    return filled


def depth(mask: NDArray[np.bool_], reach: float) -> Floats:
    """Return how deep each place is inside of a mask, from 0 at its edge towards 1."""
    inwards: Floats = 1 - np.exp(-distance_transform_edt(mask) / (reach * len(mask)))
    return inwards
