"""The embedded default data set: meadows with horses under many skies, drawn with numpy alone.

A stand-in for CIFAR-10's horses where those cannot be had: the same question (which colour has a
grey pixel?) with the same kinds of hints (sky is above, coats come with manes, seasons tint
everything) and the same honest doubt (a grey coat and a chestnut one can be equally bright).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.drawn import horse
from cnnreport.data.drawn.canvas import Canvas, Cone, Frame, blend, choose, colour, spread, step, texture
from cnnreport.data.source import SEED, Series, Source, Split

TRAIN, VALIDATION, PALETTE_SCENES = 5000, 1000, 400

Triple = tuple[float, float, float]


class Kind(IntEnum):
    """What a pixel shows."""

    SKY = 0
    SUN = 1
    CLOUD = 2
    HILL = 3
    GRASS = 4
    TREE = 5
    FLOWER = 6
    HORSE = 7


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes.

    Args:
        rgb: uint8 (N, 3, H, W).
        mask: uint8 (N, H, W), a `Kind` for each pixel.
        boxes: One int32 (M, 5) a scene: kind, left, top, right, bottom in pixels (right and
            bottom exclusive), tight around what is visible of each flower and horse.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    boxes: list[NDArray[np.int32]]


@dataclass(frozen=True)
class _Sky:
    zenith: Triple
    horizon: Triple
    tint: Triple
    cloud: Triple
    sun: Triple
    weight: float


@dataclass(frozen=True)
class Season:
    """The colours of a season, 0 to 255.

    Args:
        far: Grass at the horizon.
        near: Grass in front.
        dry: What grows among it.
        leaves: Crowns of trees.
        hill: Hills.
        flowers: How many flowers a scene has on average.
        weight: How probable it is.
    """

    far: Triple
    near: Triple
    dry: Triple
    leaves: tuple[Triple, ...]
    hill: Triple
    flowers: float
    weight: float


_SKIES = (
    _Sky((58, 118, 204), (184, 214, 238), (1, 1, 1), (250, 251, 253), (255, 250, 224), 0.34),
    _Sky((112, 164, 220), (248, 226, 196), (1.05, 0.99, 0.9), (255, 244, 230), (255, 240, 200), 0.2),
    _Sky((70, 92, 160), (252, 168, 100), (1.06, 0.86, 0.7), (250, 178, 140), (255, 226, 150), 0.14),
    _Sky((86, 80, 146), (238, 158, 168), (0.9, 0.78, 0.86), (236, 176, 196), (255, 214, 190), 0.08),
    _Sky((164, 176, 188), (210, 216, 220), (0.9, 0.92, 0.94), (226, 229, 232), (244, 244, 240), 0.16),
    _Sky((84, 100, 122), (160, 172, 180), (0.78, 0.82, 0.86), (126, 138, 152), (230, 230, 224), 0.08),
)
_SEASONS = (
    Season(
        (158, 200, 96),
        (82, 144, 44),
        (190, 204, 92),
        ((96, 156, 60), (232, 176, 196)),
        (96, 150, 92),
        6.5,
        0.3,
    ),
    Season(
        (124, 168, 78), (60, 112, 38), (168, 170, 82), ((58, 112, 48), (44, 92, 56)), (70, 118, 82), 5, 0.32
    ),
    Season(
        (214, 194, 122),
        (164, 138, 66),
        (224, 206, 140),
        ((92, 116, 54), (78, 104, 50)),
        (136, 132, 84),
        4,
        0.16,
    ),
    Season(
        (172, 158, 90),
        (116, 106, 50),
        (190, 150, 84),
        ((206, 118, 40), (178, 64, 40), (214, 168, 60)),
        (142, 110, 76),
        1.5,
        0.15,
    ),
    Season(
        (238, 242, 247),
        (208, 219, 232),
        (226, 228, 230),
        ((62, 84, 72), (120, 108, 100)),
        (176, 190, 206),
        0,
        0.07,
    ),
)
# Petal, centre and how many petals: poppy, buttercup, daisy, cornflower, mallow.
_FLOWERS: tuple[tuple[Triple, Triple, int], ...] = (
    ((214, 48, 40), (40, 26, 30), 4),
    ((250, 212, 48), (214, 150, 30), 5),
    ((248, 246, 240), (246, 196, 52), 8),
    ((84, 100, 212), (52, 48, 128), 7),
    ((222, 120, 190), (250, 226, 150), 5),
)


def draw(
    count: int, height: int = 32, width: int = 32, seed: int = 0, first: int = 0, *, flowers: bool = True
) -> Scenes:
    """Draw scenes; scene i of a seed is the same whatever else is asked for.

    Args:
        count: How many, N.
        height: Rows H; the scene does not depend on it, only its resolution does.
        width: Columns W; a wider picture spreads the scene.
        seed: Which set of scenes.
        first: Number of the first scene.
        flowers: Whether the scenes' flowers are painted; without them all else stays as it is.

    Returns:
        The scenes `first` to `first + count - 1`.
    """
    rgb = np.empty((count, 3, height, width), np.uint8)
    mask = np.empty((count, height, width), np.uint8)
    boxes = []
    for i in range(count):
        generator = np.random.default_rng([seed, first + i])
        canvas = Canvas(height, width)
        owners = Painter(generator, canvas).paint(flowers=flowers)
        rgb[i] = (canvas.rgb + 0.5).clip(0, 255)
        mask[i] = canvas.mask
        boxes.append(_boxes(canvas, owners))
    return Scenes(rgb, mask, boxes)


def split(_source: Source) -> Split:
    """Offer the scenes that stand in for CIFAR-10's images, in the order in which they are drawn."""
    return Split(
        train=Series("scenes", TRAIN, lambda count: draw(count, seed=SEED).rgb),
        validation=Series("scenes", VALIDATION, lambda count: draw(count, seed=SEED, first=TRAIN).rgb),
        basis=lambda: draw(PALETTE_SCENES, seed=SEED).rgb,
    )


class Painter:
    """Paints one scene from far to near.

    Args:
        generator: Where every choice comes from; sky, season and light are chosen at once.
        canvas: What is painted on.

    Attributes:
        season: The colours of what grows.
        tint: float32 [3, 1, 1], what the light does to every colour; about 1.
    """

    def __init__(self, generator: np.random.Generator, canvas: Canvas) -> None:
        self.generator, self.canvas = generator, canvas
        self.sky = _SKIES[choose(generator, [sky.weight for sky in _SKIES])]
        self.season = _SEASONS[choose(generator, [season.weight for season in _SEASONS])]
        exposure = generator.uniform(0.84, 1.08)
        self.tint = colour(*self.sky.tint) * exposure
        self.horizon = float(generator.uniform(0.26, 0.58))
        self.haze = colour(*self.sky.horizon)
        # The ground begins at most 0.07 below the horizon.
        self.above = canvas.window(0, 0, canvas.aspect, self.horizon + 0.1)

    def paint(self, *, flowers: bool) -> list[Kind]:
        """Paint everything; return the kind of each owner, in the order of their numbers."""
        self._paint_sky()
        self._paint_hills()
        self._paint_grass()
        self._paint_trees()
        return self._paint_horses_and_flowers(flowers)

    def _paint_sky(self) -> None:
        canvas, generator, sky = self.canvas, self.generator, self.sky
        depth = (canvas.y / (self.horizon + 0.08)).clip(0, 1) ** 1.2
        canvas.rgb[:] = blend(colour(*sky.zenith), self.haze, depth[None])
        x, y = generator.uniform(0.08, 0.92) * canvas.aspect, generator.uniform(0.06, self.horizon)
        radius = generator.uniform(0.035, 0.065)
        if generator.random() < 0.45:
            across, down = canvas.x - x, canvas.y[self.above[0]] - y
            away = np.sqrt(across * across + down * down)
            glow = np.exp(away * -7) * 0.6
            canvas.paint(self.above, glow, colour(*sky.sun))
            canvas.paint(self.above, canvas.coverage(away - radius), colour(*sky.sun), Kind.SUN)
        self._paint_clouds(generator.uniform(-0.25, 0.5))

    def _paint_clouds(self, cloudiness: float) -> None:
        canvas, rows = self.canvas, self.above[0]
        billows = sum(
            (texture(self.generator, canvas, n, m, rows) * w for n, m, w in _CLOUD_OCTAVES),
            np.zeros((1, 1), np.float32),
        )
        billows += cloudiness
        cover = step(billows, 0.34, 0.74) * step(canvas.y[rows], -0.05, 0.06) * 0.92
        shadow = step(billows, 0.95, 0.3) * 0.3
        lit = blend(colour(*self.sky.cloud), self.haze, shadow)
        canvas.paint(self.above, cover, lit, Kind.CLOUD)

    def _paint_hills(self) -> None:
        canvas, generator = self.canvas, self.generator
        layers = int(generator.integers(0, 4))
        waves = spread(generator, 9, *_WAVES).reshape(3, 3, 3)
        heights = generator.uniform(0.03, 0.13, 3).tolist()
        across, y = canvas.x / canvas.aspect, canvas.y[self.above[0]]
        for layer in range(3 - layers, 3):
            frequency, phase, share = waves[layer].T[:, :, None]
            ridge = (np.sin(across * frequency + phase) * (share / frequency)).sum(axis=0)
            top = (self.horizon - heights[layer] * (3 - layer) * 0.6) - ridge * 0.1
            distance = top - y
            near = 0.25 + 0.25 * layer
            base = blend(self.haze * 0.9, colour(*self.season.hill) * self.tint, near)
            shaded = base * (1 + 0.25 * distance.clip(-0.3, 0))
            canvas.paint(self.above, canvas.coverage(distance), shaded, Kind.HILL)

    def _paint_grass(self) -> None:
        canvas, generator, season = self.canvas, self.generator, self.season
        below = canvas.window(0, self.horizon - 0.08, canvas.aspect, 1)
        slope, bump = generator.uniform(-0.05, 0.05), generator.uniform(0, 6.28)
        across, y = canvas.x / canvas.aspect, canvas.y[below[0]]
        edge = self.horizon + slope * across
        edge = edge + 0.012 * np.sin(across * 5 + bump)
        depth = ((y - edge) * (1 / (1 - self.horizon))).clip(0, 1)
        blades = texture(generator, canvas, 36, 110, below[0]) * 0.26 * (depth + 0.15)
        tufts = texture(generator, canvas, 17, 30, below[0]) * 0.16
        patches = step(texture(generator, canvas, 7, 6, below[0]), 0, 0.9) * 0.75
        greens = blend(colour(*season.far), colour(*season.near), np.sqrt(depth))
        greens = blend(greens, colour(*season.dry), patches) * self.tint * (1 + blades + tufts)
        lit = blend(greens, self.haze, (0.32 - depth * 2).clip(0, 1))
        canvas.paint(below, canvas.coverage(edge - y), lit.clip(0, 255), Kind.GRASS)

    def _paint_trees(self) -> None:
        generator = self.generator
        for _ in range(choose(generator, (0.44, 0.3, 0.16, 0.1))):
            x, size = generator.random() * self.canvas.aspect, generator.uniform(0.1, 0.3)
            self._paint_tree(x, self.horizon + generator.uniform(0.0, 0.05), size)

    def _paint_tree(self, x: float, ground: float, size: float) -> None:
        canvas, generator = self.canvas, self.generator
        leaves = colour(*self.season.leaves[generator.integers(len(self.season.leaves))])
        places = spread(generator, 11, *_LEAVES)
        gain = generator.uniform(0.8, 1.15)
        frame = Frame(x, ground, size)
        canvas.stroke(frame, [_TRUNK], colour(92, 70, 54) * self.tint, Kind.TREE)
        window, across, down = canvas.inside(frame, (-0.62, -1.3, 0.62, 0))
        if not across.size or not down.size:
            return
        middle_x, middle_y, radius = places.T[:, :, None, None]
        from_x, from_y = across - middle_x, down - middle_y
        crowns = np.sqrt(from_x * from_x + from_y * from_y) - radius
        # A leaf cluster is lit on its upper side, and the crown as a whole from above.
        nearest = crowns.argmin(axis=0)
        height = (down - places[nearest, 1]) / places[nearest, 2]
        shade = 0.72 - 0.2 * height.clip(-1, 1) - 0.14 * down
        lit = (leaves * self.tint * gain * shade).clip(0, 255)
        cover = canvas.coverage(crowns.min(axis=0), size)
        canvas.paint(window, cover, blend(lit, self.haze, 0.12), Kind.TREE)

    def _paint_horses_and_flowers(self, with_flowers: bool) -> list[Kind]:
        """Paint what stands on the grass from far to near, so that the near covers the far."""
        horses, flowers = self._horses(), self._flowers() if with_flowers else []
        standing: list[tuple[float, int]] = [(h.ground, i) for i, h in enumerate(horses)]
        standing += [(f[1], len(horses) + i) for i, f in enumerate(flowers)]
        kinds: list[Kind] = []
        for _, i in sorted(standing):
            kinds.append(Kind.HORSE if i < len(horses) else Kind.FLOWER)
            if i < len(horses):
                horse.paint(self.canvas, horses[i], self.tint, Kind.HORSE, len(kinds))
            else:
                self._paint_flower(flowers[i - len(horses)], len(kinds))
        return kinds

    def _horses(self) -> list[horse.Horse]:
        generator = self.generator
        number = choose(generator, (0.07, 0.67, 0.18, 0.08))
        places = (np.arange(number) + generator.uniform(0.3, 0.7, number)) / max(number, 1)
        horses = []
        for place in places.tolist():
            ground = generator.uniform(self.horizon + 0.2, 0.97)
            largest = {1: 0.72, 2: 0.5, 3: 0.4}[number]
            nearness = (ground - self.horizon) / (1 - self.horizon)
            size = largest * (0.45 + 0.55 * nearness) * generator.uniform(0.75, 1.05)
            x = float(place * self.canvas.aspect)
            horses.append(horse.draw_at_random(generator, x, float(ground), float(size)))
        return horses

    def _flowers(self) -> list[tuple[float, float, float, int, float]]:
        """Return x, ground, radius, sort and turn of each flower; most are of one sort."""
        generator = self.generator
        number = min(int(generator.poisson(self.season.flowers)), 18)
        common = int(generator.integers(len(_FLOWERS)))
        flowers = []
        for across, near, wild, sort, turn in generator.random((number, 5)).tolist():
            ground = self.horizon + 0.08 + (0.97 - self.horizon - 0.08) * near
            radius = 0.012 + 0.042 * (ground - self.horizon) * (0.7 + 0.6 * turn)
            kind = common if wild < 0.75 else int(sort * len(_FLOWERS))
            flowers.append((across * self.canvas.aspect, ground, radius, kind, turn * 6.28))
        return flowers

    def _paint_flower(self, flower: tuple[float, float, float, int, float], owner: int) -> None:
        canvas = self.canvas
        x, ground, radius, sort, turn = flower
        petal, centre, petals = _FLOWERS[sort]
        y = ground - 3.0 * radius
        frame = Frame(x, y, radius)
        window, across, down = canvas.inside(frame, (-1.3, -1.3, 1.3, 1.3))
        if not across.size or not down.size:
            return
        away = np.sqrt(across * across + down * down)
        light = colour(*petal) * self.tint
        # Stems, petals and hearts finer than a pixel are left out: they would only cost time.
        if radius * canvas.height < 1.6:
            mean = blend(light, colour(*centre) * self.tint, 0.12)
            canvas.paint(window, canvas.coverage(away - 0.84, radius), mean, Kind.FLOWER, owner)
            return
        canvas.stroke(frame, [_STEM], colour(66, 116, 46) * self.tint)
        waves = np.cos(np.arctan2(down, across) * petals + turn)
        bloom = canvas.coverage(away - 0.2 * waves - 0.84, radius)
        rays = 0.86 + 0.16 * away.clip(0, 1)
        canvas.paint(window, bloom, (light * rays).clip(0, 255), Kind.FLOWER, owner)
        heart = canvas.coverage(away - 0.32, radius)
        canvas.paint(window, heart, colour(*centre) * self.tint)


# Frequency, phase and height of a ridge's waves; place and radius of a crown's discs.
_WAVES = np.array([[1, 0, 0.1], [7, 6.28, 1]], np.float32)
_LEAVES = np.array([[-0.34, -1.0, 0.12], [0.34, -0.5, 0.24]], np.float32)
_STEM: Cone = (0, 0, 0.09, 0.1, 3, 0.07)
_TRUNK: Cone = (0, 0.02, 0.06, 0, -0.7, 0.035)
_CLOUD_OCTAVES = ((5, 4, 0.6), (11, 8, 0.36), (23, 17, 0.22), (53, 41, 0.16))


def _boxes(canvas: Canvas, kinds: list[Kind]) -> NDArray[np.int32]:
    """Return kind and tight box of each owner that is visible, int32 (M, 5)."""
    owner = canvas.owner
    rows, columns = np.nonzero(owner)
    owners = owner[rows, columns]
    boxes = []
    for number, kind in enumerate(kinds, start=1):
        own = np.flatnonzero(owners == number)
        if own.size:
            across = columns[own]
            # The rows of np.nonzero ascend.
            boxes.append((kind, across.min(), rows[own[0]], across.max() + 1, rows[own[-1]] + 1))
    return np.array(boxes, np.int32).reshape(-1, 5)
