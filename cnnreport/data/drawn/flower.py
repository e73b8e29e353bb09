"""Draw one flower as seen from close up: whorls of petals around a heart, or a cup on its stem."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from cnnreport.data.drawn.canvas import Canvas, Floats, Frame, blend, choose, colour, step

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Sort:
    """What the flowers of one sort have in common; lengths in radii of the flower.

    Args:
        petals: The least and the most petals of a whorl; a cup has none.
        colours: Pairs of a petal's colours at its base and at its tip, 0 to 255.
        weight: How often the sort is drawn.
        heart: Colours of the heart's rim and middle.
        whorls: How many rings of petals lie on each other.
        width: A petal's width by what its whorl has room for; above 1 petals hide each other.
        pointed: How pointed petals are, 0 round to 1.
        notch: How deep the tip is cut in, negative where it is drawn out.
        core: Radius of the heart.
        florets: Whether the heart is a dome of florets.
        stamens: How many stamens stand around the heart.
        blotch: Radius of the dark blotch at the petals' base.
        crown: Radius of a trumpet in the middle.
    """

    petals: tuple[int, int]
    colours: tuple[tuple[Triple, Triple], ...]
    weight: float
    heart: tuple[Triple, Triple] = ((0, 0, 0), (0, 0, 0))
    whorls: int = 1
    width: float = 1.0
    pointed: float = 0.0
    notch: float = 0.0
    core: float = 0.16
    florets: bool = False
    stamens: int = 0
    blotch: float = 0.0
    crown: float = 0.0


# Colours of a petal at its base and at its tip.
WHITE = ((226, 230, 214), (250, 249, 246))
YELLOW = ((236, 170, 24), (252, 218, 52))
PINK = ((246, 214, 222), (228, 108, 168))
VIOLET = ((196, 170, 226), (124, 78, 184))
BLUE = ((188, 200, 240), (78, 100, 212))
RED = ((150, 22, 30), (226, 50, 40))
ORANGE = ((232, 120, 20), (250, 158, 44))

SORTS = {
    "daisy": Sort(
        petals=(13, 21),
        colours=(WHITE, PINK),
        heart=((214, 150, 22), (252, 214, 60)),
        weight=0.16,
        whorls=2,
        width=0.92,
        pointed=0.15,
        core=0.27,
        florets=True,
    ),
    "sunflower": Sort(
        petals=(16, 22),
        colours=(YELLOW, ORANGE),
        heart=((58, 36, 22), (96, 66, 34)),
        weight=0.1,
        whorls=2,
        pointed=0.75,
        core=0.36,
        florets=True,
    ),
    "buttercup": Sort(
        petals=(5, 6),
        colours=(YELLOW, WHITE),
        heart=((212, 160, 20), (196, 196, 60)),
        weight=0.12,
        width=1.3,
        core=0.13,
        stamens=22,
    ),
    "poppy": Sort(
        petals=(4, 5),
        colours=(RED, ORANGE),
        heart=((30, 24, 28), (112, 128, 78)),
        weight=0.11,
        whorls=2,
        width=1.45,
        core=0.15,
        stamens=34,
        blotch=0.34,
    ),
    "anemone": Sort(
        petals=(6, 8),
        colours=(VIOLET, BLUE, WHITE, PINK),
        heart=((236, 206, 70), (92, 104, 44)),
        weight=0.12,
        whorls=2,
        width=1.05,
        pointed=0.3,
        core=0.14,
        stamens=30,
    ),
    "cranesbill": Sort(
        petals=(5, 5),
        colours=(PINK, VIOLET, BLUE),
        heart=((238, 236, 206), (180, 190, 120)),
        weight=0.11,
        width=1.15,
        notch=0.12,
        core=0.08,
        stamens=10,
    ),
    "daffodil": Sort(
        petals=(6, 6),
        colours=(YELLOW, WHITE),
        heart=((240, 150, 20), (176, 96, 10)),
        weight=0.1,
        width=1.1,
        pointed=0.55,
        core=0.1,
        crown=0.4,
    ),
    "dandelion": Sort(
        petals=(24, 30),
        colours=(YELLOW, ORANGE),
        heart=((226, 160, 20), (246, 200, 40)),
        weight=0.08,
        whorls=4,
        pointed=0.2,
        core=0.1,
        florets=True,
    ),
    "tulip": Sort(
        petals=(0, 0),
        colours=(RED, YELLOW, PINK, VIOLET, WHITE, ORANGE),
        weight=0.1,
        pointed=0.05,
        notch=-0.07,
    ),
}
"""All sorts, by their name."""


@dataclass(frozen=True)
class Flower:
    """One flower of a scene; place and size in heights of the picture.

    Args:
        sort: What it is.
        x: Its middle.
        y: Its middle.
        radius: Half its width.
        turn: By how much it is turned, radians.
        tilt: How much shorter it looks along `lean`, 1 where it looks at the beholder.
        lean: The direction of that, radians.
        petals: How many petals a whorl has.
        base: Colour of the petals at their base, float32 [3, 1, 1].
        tip: Colour at their tip.
        whims: float32 [4, 40, 3] in -1 to 1: what each petal of each whorl has of its own.
    """

    sort: Sort
    x: float
    y: float
    radius: float
    turn: float
    tilt: float
    lean: float
    petals: int
    base: Floats
    tip: Floats
    whims: Floats


def draw_at_random(generator: np.random.Generator, x: float, y: float, radius: float, name: str) -> Flower:
    """Choose colours, petals and pose of a flower of a sort."""
    sort = SORTS[name]
    base, tip = sort.colours[generator.integers(len(sort.colours))]
    gain, shift = generator.uniform(0.9, 1.06), generator.normal(0, 7, 3)
    cup = sort.petals == (0, 0)
    return Flower(
        sort=sort,
        x=x,
        y=y,
        radius=radius,
        turn=float(generator.uniform(-0.35, 0.35) if cup else generator.uniform(0, 2 * pi)),
        tilt=float(generator.uniform(0.68, 1)),
        lean=float(generator.uniform(0, pi)),
        petals=int(generator.integers(sort.petals[0], sort.petals[1] + 1)),
        base=colour(*base) * gain,
        tip=(colour(*tip) * gain + colour(*shift.tolist())).clip(0, 255),
        whims=generator.uniform(-1, 1, (4, 40, 3)).astype(np.float32),
    )


def choose_sort(generator: np.random.Generator) -> str:
    """Choose the name of a sort."""
    return list(SORTS)[choose(generator, [sort.weight for sort in SORTS.values()])]


def paint(canvas: Canvas, flower: Flower, tint: Floats, label: int) -> None:
    """Paint a flower.

    Args:
        canvas: What is painted on.
        flower: What is painted.
        tint: float32 [3, 1, 1], the light.
        label: Class of the pixels that its petals and heart cover.
    """
    if flower.petals:
        _Whorls(canvas, flower, tint, label).paint()
    else:
        _paint_cup(canvas, flower, tint, label)


class _Whorls:
    """A flower whose petals lie around a heart, in the plane in which it is flat."""

    def __init__(self, canvas: Canvas, flower: Flower, tint: Floats, label: int) -> None:
        self.canvas, self.flower, self.tint, self.label = canvas, flower, tint, label
        frame = Frame(flower.x, flower.y, flower.radius)
        self.window, x, y = canvas.inside(frame, (-1.15, -1.15, 1.15, 1.15))
        along, across = cos(flower.lean), sin(flower.lean)
        u, v = x * along + y * across, (y * along - x * across) * (1 / flower.tilt)
        self.away: Floats = np.sqrt(u * u + v * v)
        self.angle: Floats = np.arctan2(v, u) + flower.turn
        # Light comes from above, so that what is lower in the picture lies a little in the shade.
        self.light: Floats = 1.03 - 0.1 * y - 0.04 * x
        self.covered: Floats = np.zeros_like(self.away)

    def paint(self) -> None:
        """Paint the whorls from the outermost inwards, then what stands in the middle."""
        if not self.away.size:
            return
        sort = self.flower.sort
        for whorl in range(sort.whorls):
            self._paint_petals(whorl)
        if sort.crown:
            self._paint_crown()
        self._paint_stamens()
        self._paint_heart()

    def _paint_petals(self, whorl: int) -> None:
        flower, sort, n = self.flower, self.flower.sort, self.flower.petals
        turned = (self.angle + whorl * pi / n) * (n / (2 * pi))
        nearest = np.rint(turned)
        whims = flower.whims[whorl, (nearest.astype(np.int32) % n)].transpose(2, 0, 1)
        side = turned - nearest  # -0.5 to 0.5 from one edge of a petal's share to the other
        bearing = side * (2 * pi / n) + whims[0] * (0.12 * pi / n)
        out, off = self.away * np.cos(bearing), self.away * np.sin(bearing)
        # Two whorls lie on each other; many fill the flower down to its heart.
        longest = 0.98 - whorl * (0.195 if sort.whorls > 2 else 0.13)
        length = longest * (0.94 + 0.06 * whims[1])
        half = sort.width * longest * sin(pi / n) * 0.62
        distance = _petal(out, off, length, half, sort)
        place = (out / length).clip(0, 1)
        colours = blend(flower.base, flower.tip, step(place, 0.15, 0.8))
        veins = 0.035 * np.cos(off * (9 / half)) + 0.05 * np.exp(np.abs(off) * (-14 / half))
        fold = 0.9 + 0.18 * place - 0.2 * side - 0.16 * step(np.abs(side), 0.3, 0.5)
        shade = (fold + veins + 0.05 * whims[2]) * self.light
        self._paint_shadow(distance)
        if sort.blotch:
            dark = step(self.away, sort.blotch * 1.25, sort.blotch * 0.75) * 0.85
            colours = blend(colours, colour(34, 22, 30), dark)
        self._lay(distance, colours * shade)

    def _paint_shadow(self, distance: Floats) -> None:
        """Darken what has been painted of the flower under a shape, a little beyond its edges."""
        under = self.canvas.rgb[:, *self.window]
        under *= 1 - 0.22 * (1 - distance * (4 + self.flower.petals)).clip(0, 1) * self.covered

    def _paint_crown(self) -> None:
        sort = self.flower.sort
        rim = sort.crown * (1 + 0.06 * np.cos(self.angle * 12) + 0.03 * np.cos(self.angle * 5))
        self._paint_shadow(self.away - rim)
        depth = step(self.away, 0.06, sort.crown)
        folds = 1 + 0.09 * np.cos(self.angle * 18)
        self._lay(
            self.away - rim, blend(colour(*sort.heart[1]), colour(*sort.heart[0]), depth) * folds * self.light
        )

    def _paint_stamens(self) -> None:
        sort = self.flower.sort
        if not sort.stamens:
            return
        turned = self.angle * (sort.stamens / (2 * pi))
        nearest = np.rint(turned)
        bearing = (turned - nearest) * (2 * pi / sort.stamens)
        reach = sort.core * 1.75 + 0.05 * np.cos(nearest * 2.4)
        out, off = self.away * np.cos(bearing), self.away * np.sin(bearing)
        thread = np.maximum(np.abs(off) - 0.009, np.abs(out - 0.5 * reach) - 0.5 * reach)
        head = np.sqrt((out - reach) ** 2 + off * off) - 0.026
        self._lay(np.minimum(thread, head), colour(*sort.heart[0]) * (0.94 + 0.12 * np.cos(nearest * 1.7)))

    def _paint_heart(self) -> None:
        sort = self.flower.sort
        reach = self.away * (1 / sort.core)
        dome = blend(colour(*sort.heart[1]), colour(*sort.heart[0]), step(reach, 0.25, 0.95))
        grain = 1 - 0.3 * step(reach, 0.75, 1.02)
        if sort.florets:
            # Florets stand on two families of spirals.
            one, other = np.cos(self.angle * 13 + reach * 16), np.cos(self.angle * 8 - reach * 19)
            grain = grain + 0.16 * one * other
        self._lay(self.away - sort.core, dome * grain * self.light)

    def _lay(self, distance: Floats, colours: Floats) -> None:
        lit = (colours * self.tint).clip(0, 255)
        cover = self.canvas.coverage(distance, self.flower.radius)
        self.canvas.paint(self.window, cover, lit, self.label)
        np.maximum(self.covered, cover, out=self.covered)


def _petal(out: Floats, off: Floats, length: Floats | float, half: float, sort: Sort) -> Floats:
    """Measure how far pixels are from a petal, negative inside.

    Args:
        out: Place along the petal's axis, 0 at the flower's middle.
        off: Place across it.
        length: How far the petal reaches.
        half: Half its width.
        sort: Says how pointed it is and how deep it is cut in.
    """
    length = length - sort.notch * np.exp(-((off * (2.6 / half)) ** 2))
    # The widest place of a round petal lies further out than that of a pointed one.
    reach = length * (0.56 + 0.14 * sort.pointed)
    from_middle = (out - (length - reach)) / reach
    wide = half * (1 - sort.pointed * 0.72 * from_middle.clip(0, 1) ** 2)
    across = off / wide
    ellipse = np.sqrt(from_middle * from_middle + across * across)
    distance: Floats = (ellipse - 1) * np.minimum(wide, reach)
    return distance


def _paint_cup(canvas: Canvas, flower: Flower, tint: Floats, label: int) -> None:
    """Paint the cup of a tulip or crocus from the side: petals behind, at the sides, in front."""
    window, x, y = canvas.inside(Frame(flower.x, flower.y, flower.radius), (-1.15, -1.15, 1.15, 1.15))
    if not x.size or not y.size:
        return
    whole = flower.turn
    x, y = x * cos(whole) + (y - 0.75) * sin(whole), (0.75 - y) * cos(whole) + x * sin(whole)
    sort, behind = flower.sort, None
    for i, (lean, half, bulge, light) in enumerate(_CUP):
        whim = flower.whims[0, i]
        angle = lean + 0.05 * float(whim[0])
        out, off = y * cos(angle) + x * sin(angle), x * cos(angle) - y * sin(angle)
        length = 1.62 + 0.1 * float(whim[1])
        place = (out / length).clip(0, 1)
        bent = off - bulge * np.sin(place * pi)
        distance = _petal(out, bent, length, half, sort)
        colours = blend(flower.base, flower.tip, step(place, 0.05, 0.55))
        veins = 0.04 * np.cos(bent * (11 / half)) + 0.06 * np.exp(np.abs(bent) * (-16 / half))
        round_ = 1.02 - 0.3 * (bent / half) ** 2 - 0.12 * bent / half
        if behind is not None:
            cast = (1 - distance * 8).clip(0, 1) * canvas.coverage(behind, flower.radius)
            canvas.rgb[:, *window] *= 1 - 0.25 * cast
        lit = (colours * ((round_ + veins + 0.04 * whim[2]) * light) * tint).clip(0, 255)
        canvas.paint(window, canvas.coverage(distance, flower.radius), lit, label)
        behind = distance if behind is None else np.minimum(behind, distance)


# Lean (radians to the right), half width, bulge to the right and light of a cup's petals, the hindmost first.
_CUP = (
    (0.13, 0.44, 0.02, 0.7),
    (-0.15, 0.44, -0.02, 0.74),
    (0.2, 0.4, 0.16, 0.94),
    (-0.2, 0.4, -0.16, 0.88),
    (0.0, 0.5, 0.0, 1.04),
)
