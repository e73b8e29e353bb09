"""Bodies of many builds, and what of each an X-ray goes through: lungs, heart, bones, tissue.

Lengths are in heights of an image. A body's own measure has u to the right of the spine, from the one who
looks, and v downwards from the upper edge of the image.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Body = Mapping[str, float]


def build(generator: np.random.Generator) -> dict[str, float]:
    """Draw a body and how it was exposed; no number is farther than 2.5 deviations from its mean."""
    table = {
        "middle": (0.5, 0.02),
        "tilt": (0.0, 0.035),
        "stoop": (0.0, 0.02),
        "width": (0.36, 0.03),
        "apex": (0.13, 0.025),
        "dome_right": (0.68, 0.045),
        "dome_left": (0.71, 0.045),
        "angle": (0.11, 0.025),
        "medial": (0.055, 0.008),
        "heart_width": (0.15, 0.025),
        "heart_height": (0.19, 0.02),
        "heart_across": (0.045, 0.015),
        "fat": (0.075, 0.02),
        "rib_first": (0.1, 0.01),
        "rib_apart": (0.078, 0.006),
        "rib_slope": (0.45, 0.08),
        "clavicle": (0.155, 0.02),
        "breast": (0.0, 0.06),
        "gas": (0.08, 0.09),
        "opacity_right": (-0.1, 0.2),
        "opacity_left": (-0.1, 0.2),
        "fluid_right": (-0.13, 0.1),
        "fluid_left": (-0.13, 0.1),
        "air": (0.36, 0.08),
        "gain": (1.0, 0.18),
        "offset": (0.0, 0.06),
    }
    drawn = {}
    for name, (mean, deviation) in table.items():
        drawn[name] = mean + deviation * float(np.clip(generator.normal(), -2.5, 2.5))
    return drawn


def lung(body: Body, side: int, u: Floats, v: Floats, *, whole: bool = False) -> NDArray[np.bool_]:
    """Say where a lung is.

    Args:
        body: See `build`.
        side: -1 for the right lung, which is on the left of the image, 1 for the other.
        u: Places, (S, S).
        v: Places, (S, S).
        whole: Also behind the heart and below the dome of the diaphragm, where hardly anything of it shows.

    Returns:
        bool (S, S).
    """
    across, apex = side * u, body["apex"]
    dome = body["dome_left" if side > 0 else "dome_right"]
    down = (v - apex) / (dome + body["angle"] - apex)
    wall = body["medial"] + (body["width"] - body["medial"]) * rounded(down, 0.7)
    inner = body["medial"] + 0.09 * (1 - rounded(down, 0.2))
    highest = body["width"] / 2
    floor = dome + body["angle"] * ((across - highest) / (body["width"] - highest)).clip(-1, 1) ** 2
    inside = (v > apex) & (across < wall) & (across > inner)
    if whole:
        return inside & (v < floor + 0.08)
    return inside & (v < floor) & (heart(body, u, v) < 0)


def rounded(down: Floats, end: float) -> Floats:
    """Rise like a quarter of an ellipse from 0 at 0 to 1 at a place, and stay there."""
    rise: Floats = np.sqrt(1 - (1 - (down / end).clip(0, 1)) ** 2)
    return rise


def heart(body: Body, u: Floats, v: Floats) -> Floats:
    """Return how deep places are in the heart and what is below it: 1 in its middle, below 0 outside."""
    x, y = u - body["heart_across"], (v - (body["dome_left"] - 0.06)).clip(max=0)
    depth: Floats = 1 - (x / body["heart_width"]) ** 2 - (y / body["heart_height"]) ** 2
    return depth


def bones(body: Body, u: Floats, v: Floats) -> Floats:
    """Return how much bone is in the way of the rays: spine, ribs behind and in front, clavicles."""
    out, width = np.abs(u), body["width"]
    spine = 0.8 * ridge(u, 0.035) * (1 + 0.25 * np.cos(2 * np.pi * v / 0.05))
    caged = (out < width + 0.03) & (v < 0.86) & (out > 0.03)
    ribs = np.zeros_like(u)
    for number in range(10):
        top = body["rib_first"] + number * body["rib_apart"]
        behind = top + body["rib_slope"] * out**1.6 - 0.02
        before = top + 0.17 - 1.1 * body["rib_slope"] * (width - out).clip(0) ** 1.3
        ribs += 0.55 * ridge(v - behind, 0.011) + 0.3 * ridge(v - before, 0.013) * (out > 0.12)
    line = body["clavicle"] - 0.18 * (out - 0.05) + 0.03 * np.sin(9 * out)
    clavicles = 0.8 * ridge(v - line, 0.013) * (out > 0.03) * (out < 0.36)
    total: Floats = spine + ribs * caged + clavicles
    return total


def ridge(distance: Floats, width: float) -> Floats:
    """Return 1 where a distance is 0, and less the larger it is."""
    height: Floats = np.exp(-((distance / width) ** 2))
    return height


def torso(body: Body, u: Floats, v: Floats) -> Floats:
    """Return how thick the body is at each place, 0 outside: a trunk, shoulders and a neck."""
    trunk = body["width"] + body["fat"] + 0.03 * (v - 0.5) + 0.5 * (0.32 - v).clip(0)
    shoulders = v > 0.03 + 0.35 * (np.abs(u) - 0.11).clip(0)
    depth: Floats = np.sqrt((1 - (u / trunk) ** 2).clip(0)) * (shoulders | (np.abs(u) < 0.1))
    return depth
