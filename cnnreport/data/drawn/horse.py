"""Draw a horse: a skeleton of rounded cones in a pose, grown together and dressed in a coat."""

from dataclasses import dataclass
from itertools import accumulate
from math import cos, sin

import numpy as np

from cnnreport.data.drawn.canvas import (
    Canvas,
    Cone,
    Floats,
    Frame,
    blend,
    bounds,
    choose,
    colour,
    distances,
    merged,
    spread,
    step,
)

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Coat:
    """The colours of a horse, 0 to 255; `patches` is the share of the body that is white."""

    body: Triple
    mane: Triple
    legs: Triple
    weight: float
    patches: float = 0.0


COATS = {
    "bay": Coat((128, 72, 40), (36, 27, 24), (46, 32, 27), 0.24),
    "chestnut": Coat((168, 88, 42), (188, 108, 58), (160, 84, 42), 0.2),
    "black": Coat((52, 47, 48), (30, 27, 29), (40, 36, 37), 0.13),
    "white": Coat((226, 222, 214), (240, 236, 228), (206, 200, 192), 0.13),
    "grey": Coat((146, 148, 152), (98, 99, 106), (98, 99, 104), 0.09),
    "palomino": Coat((212, 166, 92), (244, 234, 208), (220, 180, 112), 0.08),
    "buckskin": Coat((196, 158, 100), (48, 38, 32), (56, 44, 36), 0.06),
    "pinto": Coat((138, 78, 44), (70, 46, 36), (230, 224, 214), 0.07, 0.5),
}

# Eyes, hooves and blazes of horses smaller than this, in pixels, would be finer than a pixel.
_DETAILED = 28
# Place and radius of the white spots of a pinto, the least and the most.
_SPOTS = np.array([[-0.5, -0.95, 0.08], [0.5, -0.55, 0.2]], np.float32)
_UPPER, _LOWER = 0.31, 0.30
# Swing of the four legs (near fore, far fore, near hind, far hind) in radians, forwards positive.
_GAITS = {
    "stand": (0.02, 0.2, -0.14, 0.12),
    "walk": (0.34, -0.3, -0.4, 0.24),
    "trot": (0.6, -0.42, -0.52, 0.46),
    "gallop": (0.98, 0.7, -0.9, -0.62),
}


@dataclass(frozen=True)
class Pose:
    """How a horse stands: leg swings, how the neck and the head point (radians), the tail."""

    swings: tuple[float, float, float, float]
    neck: float
    head: float
    tail: float
    lift: float


@dataclass(frozen=True)
class Horse:
    """One horse of a scene; place and size in heights of the picture.

    Args:
        x: Middle of the body.
        ground: Where the hooves stand.
        size: Length of the body; the withers are about as high.
        facing: 1 looks to the right, -1 to the left.
    """

    x: float
    ground: float
    size: float
    facing: int
    coat: Coat
    pose: Pose
    brightness: float
    blaze: bool
    spots: Floats


def draw_at_random(generator: np.random.Generator, x: float, ground: float, size: float) -> Horse:
    """Choose coat, pose and markings."""
    kinds = list(COATS.values())
    chosen = kinds[choose(generator, [kind.weight for kind in kinds])]
    gait = list(_GAITS)[choose(generator, (0.46, 0.28, 0.14, 0.12))]
    grazing = gait == "stand" and generator.random() < 0.4
    jitter = generator.normal(0, 0.06, 4)
    swings = tuple(float(a + b) for a, b in zip(_GAITS[gait], jitter, strict=True))
    neck = -0.42 if grazing else float(generator.uniform(0.55, 1.1))
    if gait == "gallop":
        neck = float(generator.uniform(0.35, 0.7))
    head = -1.15 if grazing else neck - float(generator.uniform(1.3, 1.65))
    flow = {"stand": 0.12, "walk": 0.3, "trot": 0.7, "gallop": 1.2}[gait]
    facing = 1 if generator.random() < 0.5 else -1
    pose = Pose(swings, neck, head, flow, 0.12 if gait == "gallop" else 0.0)  # type: ignore[arg-type]
    return Horse(
        x - 0.14 * facing * size,
        ground,
        size,
        facing,
        chosen,
        pose,
        float(generator.uniform(0.84, 1.14)),
        bool(generator.random() < 0.35),
        spread(generator, 7, *_SPOTS),
    )


def paint(canvas: Canvas, horse: Horse, tint: Floats, label: int, owner: int) -> None:
    """Paint a horse over what is there, its shadow first.

    Args:
        canvas: The picture.
        horse: What to paint.
        tint: float32 [3, 1, 1], the light; 1 is white.
        label: Class of its pixels.
        owner: Its number.
    """
    _paint_shadow(canvas, Frame(horse.x, horse.ground, horse.size))
    lift = horse.pose.lift * horse.size
    frame = Frame(horse.x, horse.ground - lift, horse.size, horse.facing)
    light = tint * horse.brightness
    _paint_limbs(canvas, frame, horse, light, label, owner)
    if horse.size * canvas.height > _DETAILED:
        _paint_details(canvas, frame, horse, light)


def _paint_limbs(canvas: Canvas, frame: Frame, horse: Horse, light: Floats, label: int, owner: int) -> None:
    """Paint the far legs and the tail, over them the body, over it the mane.

    All are measured at once: on small pictures the number of calls is what takes the time.
    """
    pose = horse.pose
    body = [*_TRUNK, *_legs(pose, far=False), *_neck(pose)]
    groups = (_legs(pose, far=True), _tail(pose), body, _mane(pose))
    cones = [cone for group in groups for cone in group]
    window, x, y = canvas.inside(frame, bounds(cones, 1 / (frame.size * canvas.height)))
    if not x.size or not y.size:
        return
    ends = list(accumulate(len(group) for group in groups[:-1]))
    legs, tail, trunk, locks = np.split(distances(np.array(cones, np.float32), x, y), ends)
    grown = merged(trunk, 0.035)
    hair = colour(*horse.coat.mane) * light
    for distance, shade in (
        (legs.min(axis=0), colour(*horse.coat.legs) * light * 0.72),
        (tail.min(axis=0), hair * 0.95),
        (grown, _skin(horse, grown, x, y) * light),
        (locks.min(axis=0), hair),
    ):
        canvas.paint(window, canvas.coverage(distance, horse.size), shade, label, owner)


def _paint_details(canvas: Canvas, frame: Frame, horse: Horse, light: Floats) -> None:
    hooves = [_legs(horse.pose, far=False)[i] for i in (2, 5)]
    canvas.stroke(frame, hooves, colour(62, 52, 44) * light)
    eye, blaze = _face(horse.pose)
    canvas.stroke(frame, [eye], colour(24, 18, 16) * light)
    if horse.blaze:
        canvas.stroke(frame, [blaze], colour(238, 234, 228) * light)


_TRUNK: list[Cone] = [
    (-0.28, -0.75, 0.145, 0.26, -0.72, 0.16),
    (-0.36, -0.79, 0.13, -0.35, -0.68, 0.12),
    (0.28, -0.83, 0.09, 0.35, -0.68, 0.12),
]


def _legs(pose: Pose, far: bool) -> list[Cone]:
    fore, hind = (pose.swings[1], pose.swings[3]) if far else (pose.swings[0], pose.swings[2])
    shift = 0.05 if far else 0.0
    return [*_leg(0.33 - shift, fore, fore=True), *_leg(-0.37 + shift, hind, fore=False)]


def _leg(hip: float, swing: float, fore: bool) -> list[Cone]:
    """Return thigh, shin and hoof; knees of the fore bend back, hocks of the hind forwards."""
    top = -0.62
    bend = 0.55 * abs(swing) + (0.04 if fore else 0.22)
    upper = swing + (0.0 if fore else 0.14)
    knee = (hip + _UPPER * sin(upper), top + _UPPER * cos(upper))
    lower = upper - bend if swing < 0.6 else upper - 0.1
    hoof = (knee[0] + _LOWER * sin(lower), knee[1] + _LOWER * cos(lower))
    width = 0.078 if fore else 0.105
    toe = (hoof[0] + 0.04 * cos(lower), hoof[1] - 0.04 * sin(lower))
    return [
        (hip, top, width, *knee, 0.04),
        (*knee, 0.04, *hoof, 0.026),
        (*hoof, 0.028, *toe, 0.032),
    ]


def _neck(pose: Pose) -> list[Cone]:
    """Return neck, head and ear; angles are above the horizon of where the horse looks."""
    poll = _poll(pose)
    cheek = (poll[0] + 0.05 * cos(pose.head), poll[1] - 0.05 * sin(pose.head))
    nose = (poll[0] + 0.27 * cos(pose.head), poll[1] - 0.27 * sin(pose.head))
    up = pose.head + 1.9
    ear = (poll[0] + 0.15 * cos(up), poll[1] - 0.15 * sin(up))
    return [
        (0.31, -0.74, 0.17, *poll, 0.07),
        (*cheek, 0.078, *nose, 0.046),
        (*poll, 0.035, *ear, 0.006),
    ]


def _tail(pose: Pose) -> list[Cone]:
    middle = (-0.5 - 0.2 * sin(0.35 + pose.tail), -0.84 + 0.24 * cos(0.35 + pose.tail))
    end = (middle[0] - 0.3 * sin(0.5 * pose.tail), middle[1] + 0.3 * cos(0.5 * pose.tail))
    return [(-0.47, -0.85, 0.03, *middle, 0.055), (*middle, 0.055, *end, 0.015)]


def _paint_shadow(canvas: Canvas, frame: Frame) -> None:
    window, x, y = canvas.inside(frame, (-0.65, -0.1, 0.65, 0.1))
    depth = step(1 - (x / 0.62) ** 2 - (y / 0.085) ** 2, 0, 1)
    under = canvas.rgb[:, *window]
    under *= 1 - depth * 0.4


def _skin(horse: Horse, distance: Floats, x: Floats, y: Floats) -> Floats:
    """Return the coat's colours [3, h, w], modelled as if the body were round and lit from above."""
    coat = horse.coat
    base = blend(colour(*coat.body), colour(*coat.legs), step(y, -0.42, -0.2))
    if coat.patches:
        across, down = x[None] - horse.spots[:, :1, None], y[None] - horse.spots[:, 1:2, None]
        spots = (np.sqrt(across * across + down * down) - horse.spots[:, 2:, None]).min(axis=0)
        base = blend(base, colour(234, 229, 220), step(-spots, -0.015, 0.015))
    round_ = np.sqrt((-distance * (1 / 0.15)).clip(0, 1))
    shade = 0.74 + 0.24 * round_ + 0.22 * step(-y, 0.55, 0.95)
    result: Floats = (base * shade).clip(0, 252)
    return result


def _poll(pose: Pose) -> tuple[float, float]:
    """Return the place between the ears, where neck and head meet."""
    return 0.36 + 0.47 * cos(pose.neck), -0.78 - 0.47 * sin(pose.neck)


def _mane(pose: Pose) -> list[Cone]:
    """Return locks that fall from the crest, longer towards the withers, and the forelock."""
    poll = _poll(pose)
    away = (-0.085 * sin(pose.neck), -0.085 * cos(pose.neck))
    crest = (poll[0] + 0.75 * away[0], poll[1] + 0.75 * away[1])
    withers = (0.3 + 1.2 * away[0], -0.82 + 1.2 * away[1])
    locks: list[Cone] = []
    for i in range(6):
        share = 0.04 + 0.184 * i
        x, y = (a + share * (b - a) for a, b in zip(crest, withers, strict=True))
        locks.append((x, y, 0.05, x - 0.05, y + 0.085 + 0.012 * (i * 5 % 4), 0.022))
    front = (poll[0] + 0.07 * cos(pose.head), poll[1] - 0.07 * sin(pose.head) - 0.04)
    return [*locks, (*crest, 0.035, *front, 0.015)]


def _face(pose: Pose) -> tuple[Cone, Cone]:
    """Return the eye and the white blaze along the bridge of the nose."""
    poll = _poll(pose)
    along = (cos(pose.head), -sin(pose.head))
    up = (-along[1] * 0.03, along[0] * -0.03)
    eye = (poll[0] + 0.075 * along[0] + up[0], poll[1] + 0.075 * along[1] + up[1])
    start = (poll[0] + 0.1 * along[0] + 2.1 * up[0], poll[1] + 0.1 * along[1] + 2.1 * up[1])
    end = (poll[0] + 0.25 * along[0] + 1.5 * up[0], poll[1] + 0.25 * along[1] + 1.5 * up[1])
    return (*eye, 0.016, *eye, 0.016), (*start, 0.02, *end, 0.016)
