"""Signs that this report draws where the published ones are not at hand: faces in weather, by tracks.

A track is one sign beside one road in one light, which comes nearer from frame to frame: its frames are
near-duplicates, as those of GTSRB are. Test images are frames of other tracks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnreport.data.drawn.canvas import Canvas, Floats, texture
from cnnreport.data.source import SEED

from .classes import CLASSES
from .faces import HEIGHT, REACH, faces
from .images import SIZE, Pixels, Signs

SETTING: Mapping[str, Any] = {"tracks": 12, "frames": 14, "test_tracks": 30, "size": SIZE}
"""Of each class: how many tracks, frames of each, and test images, each of a track of its own."""

_CANVAS = Canvas(SIZE, SIZE)
"""Says how large an image is; nothing is painted on it."""

_ROADSIDE = np.array(
    [[150, 180, 215], [70, 100, 60], [128, 122, 115], [168, 160, 150], [60, 66, 70]], np.float32
)
"""Colours of what is behind a sign: sky, trees, walls, a road, shade."""


@dataclass(frozen=True)
class Track:
    """What the frames of a track have in common.

    Args:
        behind: The upper and the lower colour behind the sign, float32 [2, 3].
        light: By what colours are multiplied, float32 [3].
        haze: How far colours are drawn towards grey, 0 to 1.
        blur: The deviation of the blur, in pixels of an image.
        tilt: How far the sign is turned, in radians.
        squeeze: How wide it looks, as a share of its height.
        place: Where its middle is beside that of the image, in pixels, float64 [2].
        worn: Whether a shadow lies over a part of it, and where, float64 [2]: its edge and its depth.
    """

    behind: Floats
    light: Floats
    haze: float
    blur: float
    tilt: float
    squeeze: float
    place: Floats
    worn: Floats


def read(_place: Path | None = None) -> Signs:
    """Draw all signs, always the same."""
    painted = [_smoothed(face) for face in faces()]
    tracks, frames, tests = (int(SETTING[name]) for name in ("tracks", "frames", "test_tracks"))
    train, test = [], []
    for label, face in enumerate(painted):
        generator = np.random.default_rng([SEED, label])
        for _ in range(tracks):
            track = _track(generator)
            train += [_frame(generator, face, track, (n + 1) / frames) for n in range(frames)]
        test += [_frame(generator, face, _track(generator), generator.random()) for _ in range(tests)]
    return Signs(
        train=np.stack(train),
        labels=np.repeat(np.arange(CLASSES), tracks * frames),
        tracks=np.tile(np.repeat(np.arange(tracks), frames), CLASSES),
        test=np.stack(test),
        test_labels=np.repeat(np.arange(CLASSES), tests),
    )


def _smoothed(face: Floats) -> Floats:
    """Blur a face as much as making it smaller needs, so that no line flickers."""
    from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

    smooth: Floats = gaussian_filter(face, (0, *(0.4 * HEIGHT / SIZE,) * 2))
    return smooth


def _track(generator: np.random.Generator) -> Track:
    bright = float(np.exp(generator.normal(-0.25, 0.42)))
    return Track(
        behind=_ROADSIDE[generator.integers(len(_ROADSIDE), size=2)],
        light=(bright * generator.normal(1, 0.06, 3)).astype(np.float32),
        haze=float(generator.uniform(0, 0.45)),
        blur=float(generator.gamma(2.0, 0.35)),
        tilt=float(generator.normal(0, 0.09)),
        squeeze=float(generator.uniform(0.8, 1.0)),
        place=generator.normal(0, 1.1, 2),
        worn=np.array([generator.uniform(-1.6, 1.6), generator.uniform(0, 0.6)]),
    )


def _frame(generator: np.random.Generator, face: Floats, track: Track, near: float) -> Pixels:
    """Return one image, uint8 (3, 28, 28): from far away (0) blurred and noisy, from near (1) clear."""
    reach = SIZE * float(generator.normal(0.40, 0.012))
    shift = track.place + generator.normal(0, 0.35, 2)
    laid = _placed(face, reach, track.tilt + float(generator.normal(0, 0.015)), track.squeeze, shift)
    y = np.linspace(-1, 1, SIZE, dtype=np.float32)[:, None]
    down = ((y + 1) / 2)[None]
    behind = track.behind[0][:, None, None] * (1 - down) + track.behind[1][:, None, None] * down
    behind = behind + 60 * texture(generator, _CANVAS, 9, 9)
    shade = 1 - track.worn[1] * (y + 0.6 * y.T < track.worn[0])
    scene = (laid[:3] + behind * (1 - laid[3])) * shade * track.light[:, None, None]
    scene = _blurred(scene, track.blur + 0.7 * (1 - near))
    scene += track.haze * (scene.mean() - scene)
    scene += generator.normal(0, 4 + 5 * (1 - near), scene.shape)
    return scene.clip(0, 255).astype(np.uint8)


def _blurred(scene: Floats, deviation: float) -> Floats:
    """Blur an image (3, 28, 28) by a Gaussian of a deviation in pixels."""
    apart = np.subtract.outer(np.arange(SIZE), np.arange(SIZE)) / max(deviation, 0.1)
    weights = np.exp(-(apart**2) / 2)
    weights /= weights.sum(1, keepdims=True)
    blurred: Floats = weights @ scene @ weights.T
    return blurred


def _placed(face: Floats, reach: float, tilt: float, squeeze: float, shift: Floats) -> Floats:
    """Lay a face into an image.

    Args:
        face: float32 [4, H, H], see `faces.faces`.
        reach: How far the face reaches from its middle, in pixels of the image.
        tilt: By how much it is turned, in radians.
        squeeze: How wide it is, as a share of its height.
        shift: Where its middle is beside that of the image, down and to the right, in pixels.

    Returns:
        float32 [4, 28, 28].
    """
    scale = HEIGHT / (2 * REACH * reach)
    turned = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    matrix = scale * np.diag([1.0, 1 / squeeze]) @ turned
    middle = (HEIGHT - 1) / 2 - matrix @ ((SIZE - 1) / 2 + shift)
    # The edge of a painting is empty, so what is beyond it may be taken from there.
    places = np.tensordot(matrix, np.indices((SIZE, SIZE)), 1) + middle[:, None, None]
    places = places.clip(0, HEIGHT - 1.001)
    (y, x), (down, across) = places.astype(int), places % 1
    upper = face[:, y, x] * (1 - across) + face[:, y, x + 1] * across
    lower = face[:, y + 1, x] * (1 - across) + face[:, y + 1, x + 1] * across
    laid: Floats = (upper * (1 - down) + lower * down).astype(np.float32)
    return laid
