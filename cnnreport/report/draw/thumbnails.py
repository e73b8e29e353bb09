"""Small pictures: rows of them, with captions, and with boxes around what is seen in them."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnreport.errors import UsageError
from cnnreport.report.draw import drawings, paper, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.reading import DataSet

if TYPE_CHECKING:
    from cnnreport.report.draw.style import Axes

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

_JPEG_QUALITY = 88
_PHOTO = 97
"""From so many pixels on a picture with captions or boxes is taken for a photograph."""
_DPI = 300
"""A photograph is not kept finer than this."""
_SMALL, _TAG = 7.0, 6.0  # points
_GAP, _LEADING, _PAD, _TAG_HEIGHT = 2.5, 3.1, 0.7, 2.7  # millimetres
_WIDEST, _KEY = 44.0, 5.5


@dataclass(frozen=True)
class Caption:
    """What stands under a picture.

    Args:
        text: Such as ``stop, taken for yield (0.97)``.
        right: Whether the prediction is right, None where there is none to judge.
    """

    text: str
    right: bool | None = None


@dataclass(frozen=True)
class BoundingBox:
    """Where something is in an image, in pixels from its left and top edge.

    Args:
        label: What it is.
        left: Its left edge.
        top: Its upper edge.
        right: Its right edge.
        bottom: Its lower edge.
        score: How sure a detector is, 0 to 1; None for the ground truth.
    """

    label: str
    left: float
    top: float
    right: float
    bottom: float
    score: float | None = None

    @property
    def text(self) -> str:
        """The label, and the score of a prediction."""
        return self.label if self.score is None else f"{self.label} {self.score:.2f}"

    @property
    def finite(self) -> bool:
        """Whether it can be drawn."""
        return all(map(math.isfinite, (self.left, self.top, self.right, self.bottom)))


@dataclass(frozen=True)
class Scene:
    """An image with what is in it and what was found in it.

    Args:
        image: (H, W, 3), 0 to 255.
        boxes: The ground truth, boxes without a score, and predictions, boxes with one.
        caption: What stands under it, if anything.
    """

    image: Pixels
    boxes: Sequence[BoundingBox]
    caption: str = ""


def strip(
    images: Pixels,
    alt: str,
    data: tuple[DataSet, ...],
    scale: int = 6,
    groups: int = 1,
    *,
    gap: int = 2,
    photo: bool = False,
) -> Picture:
    """Set small images in a row, each of their pixels magnified to a square.

    Args:
        images: (N, H, W, 3), 0 to 255.
        alt: What someone who cannot see it needs to know.
        data: The data that the images come from.
        scale: Magnification.
        groups: How many groups of equal size they form.
        gap: Magnified pixels between two images; between groups there are five times as many.
        photo: Whether they are photographs, which a JPEG keeps in a tenth of the bytes.

    Returns:
        A PNG or a JPEG, white between the images.
    """
    from PIL import Image

    count, side, wide, _ = images.shape
    starts = [n * (wide + gap) + 4 * gap * (n * groups // count) for n in range(count)]
    sheet: Pixels = np.full((side * scale, (starts[-1] + wide) * scale, 3), 255, np.uint8)
    for start, image in zip(starts, images, strict=True):
        left = start * scale
        sheet[:, left : left + wide * scale] = image.repeat(scale, axis=0).repeat(scale, axis=1)
    buffer = io.BytesIO()
    if photo:
        Image.fromarray(sheet).save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
        return Picture(buffer.getvalue(), "image/jpeg", alt, data)
    Image.fromarray(sheet).save(buffer, "PNG")
    return Picture(buffer.getvalue(), "image/png", alt, data)


def captioned(
    images: Pixels,
    captions: Sequence[Caption],
    alt: str,
    data: tuple[DataSet, ...],
    *,
    columns: int = 6,
    width: float = paper.WIDE,
) -> Picture:
    """Set pictures in rows with a caption under each; a tick or a cross says whether it is right.

    Args:
        images: (N, H, W, 3), 0 to 255.
        captions: One for each picture.
        alt: What someone who cannot see it needs to know; the captions are added to it.
        data: The data that the images come from.
        columns: The most that stand in a row.
        width: Of the drawing, in millimetres.

    Returns:
        An SVG that holds the pictures, and letters as outlines.

    Raises:
        UsageError: There is no picture, or not one caption for each.
    """
    if len(images) != len(captions):
        raise UsageError(f"{len(images)} pictures have {len(captions)} captions", "give one for each")
    scenes = [Scene(image, (), caption.text) for image, caption in zip(images, captions, strict=True)]
    drawn = _drawn(_arranged(scenes, [caption.right for caption in captions], columns, width), width, 0.0)
    marks = {True: " (right)", False: " (wrong)", None: ""}
    said = "; ".join(f"{caption.text}{marks[caption.right]}" for caption in captions)
    return Picture(drawn.encode(), "image/svg+xml", f"{alt} {said}.", data)


def boxed(
    scenes: Sequence[Scene],
    alt: str,
    data: tuple[DataSet, ...],
    *,
    columns: int = 4,
    width: float = paper.WIDE,
) -> Picture:
    """Set images in rows, with boxes: ground truth dashed and white, predictions solid with their scores.

    Boxes that reach beyond their image are cut at its edge; one with a non-finite corner is left out.

    Args:
        scenes: The images and their boxes.
        alt: What someone who cannot see it needs to know; the labels of all boxes are added to it.
        data: The data that the images come from.
        columns: The most that stand in a row.
        width: Of the drawing, in millimetres.

    Returns:
        An SVG that holds the images, and letters as outlines.

    Raises:
        UsageError: There is no image.
    """
    tiles = _arranged(scenes, [None] * len(scenes), columns, width)
    said = "; ".join(f"image {number}: {_said(scene.boxes)}" for number, scene in enumerate(scenes, start=1))
    return Picture(_drawn(tiles, width, _KEY).encode(), "image/svg+xml", f"{alt} {said}.", data)


def _said(boxes: Sequence[BoundingBox]) -> str:
    truth = ", ".join(box.text for box in boxes if box.score is None) or "nothing"
    predicted = ", ".join(box.text for box in boxes if box.score is not None and box.finite) or "nothing"
    lost = sum(not box.finite for box in boxes)
    return f"true {truth}, predicted {predicted}" + (f", {lost} without finite corners" if lost else "")


def from_grey(images: np.ndarray[Any, Any]) -> Pixels:
    """Turn grey images (N, H, W), 0 to 1, into (N, H, W, 3) pixels."""
    pixels: Pixels = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
    return pixels[..., None].repeat(3, axis=-1)


def from_labels(labels: np.ndarray[Any, Any], palette: np.ndarray[Any, Any]) -> Pixels:
    """Turn labels (N, H, W) and a palette (NC, 3), 0 to 1, into (N, H, W, 3) pixels."""
    colours: Pixels = np.round(np.clip(palette, 0, 1) * 255).astype(np.uint8)
    pixels: Pixels = colours[labels]
    return pixels


def from_rgb(images: np.ndarray[Any, Any]) -> Pixels:
    """Turn channels-first images (N, 3, H, W), 0 to 255, into (N, H, W, 3) pixels."""
    return images.transpose(0, 2, 3, 1)


@dataclass(frozen=True)
class _Tile:
    """A picture on the paper: where it lies, its boxes in millimetres, and the lines under it."""

    raster: style.Raster
    boxes: tuple[BoundingBox, ...]
    lines: tuple[str, ...]
    right: bool | None


def _arranged(
    scenes: Sequence[Scene], right: Sequence[bool | None], columns: int, width: float
) -> list[_Tile]:
    """Place pictures in rows; those of a row are equally wide and stand on their captions."""
    if not scenes:
        raise UsageError("there is no picture to draw", "give at least one")
    columns = min(columns, len(scenes))
    wide = min(_WIDEST, (width - (columns - 1) * _GAP) / columns)
    tiles: list[_Tile] = []
    top = 0.0
    for first in range(0, len(scenes), columns):
        row = scenes[first : first + columns]
        high = max(wide * scene.image.shape[0] / scene.image.shape[1] for scene in row)
        lines = [_caption(scene.caption, right[first + n], wide) for n, scene in enumerate(row)]
        for n, scene in enumerate(row):
            tiles.append(_tile(scene, n * (wide + _GAP), top + high, wide, lines[n], right[first + n]))
        top += high + _GAP + _LEADING * max(map(len, lines))
    return tiles


def _caption(text: str, right: bool | None, wide: float) -> tuple[str, ...]:
    mark = {True: "✓\u00a0", False: "×\u00a0", None: ""}[right]
    return paper.fitted(f"{mark}{text}", _SMALL, wide, 5) if text or mark else ()


def _tile(
    scene: Scene,
    left: float,
    bottom: float,
    wide: float,
    lines: tuple[str, ...],
    right: bool | None,
) -> _Tile:
    height, width, _ = scene.image.shape
    scale = wide / width
    top = bottom - height * scale
    boxes = tuple(_scaled(box, scale, left, top, width, height) for box in scene.boxes if box.finite)
    return _Tile(_raster(scene.image, left, top, wide, height * scale), boxes, lines, right)


def _scaled(box: BoundingBox, scale: float, left: float, top: float, width: int, height: int) -> BoundingBox:
    """Turn a box in pixels into one on the paper, cut at the edges of its image (H, W)."""
    x0, x1 = (left + scale * min(max(x, 0.0), width) for x in sorted((box.left, box.right)))
    y0, y1 = (top + scale * min(max(y, 0.0), height) for y in sorted((box.top, box.bottom)))
    return replace(box, left=x0, right=x1, top=y0, bottom=y1)


def _raster(image: Pixels, left: float, top: float, width: float, height: float) -> style.Raster:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    buffer = io.BytesIO()
    if photo := max(image.shape[:2]) >= _PHOTO:
        # Only ever made smaller: pixels that were not there are not invented.
        finest = round(width / 25.4 * _DPI), round(height / 25.4 * _DPI)
        picture.thumbnail(finest, Image.Resampling.LANCZOS)
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    else:
        picture.save(buffer, "PNG")
    content = base64.b64encode(buffer.getvalue()).decode()
    return style.Raster(content, "image/jpeg" if photo else "image/png", left, top, width, height)


@drawings.kept
def _drawn(tiles: Sequence[_Tile], width: float, key: float) -> str:
    bottoms = [tile.raster.top + tile.raster.height + _LEADING * len(tile.lines) for tile in tiles]
    height = max(bottoms) + _PAD + key

    def paint(axes: "Axes") -> None:
        for tile in tiles:
            _paint_frame(axes, tile)
            for box in sorted(tile.boxes, key=lambda box: box.score is not None):
                _paint_box(axes, box)
            _paint_tags(axes, tile)
        if key:
            _paint_key(axes, height - key / 2 + 0.6)

    return style.sheet(width, height, paint, [tile.raster for tile in tiles])


def _paint_frame(axes: "Axes", tile: _Tile) -> None:
    place = tile.raster
    if tile.right is not None:
        colour, dashes = (style.RIGHT, "solid") if tile.right else (style.WRONG, style.DASHED)
        edge: Any = {"fill": False, "edgecolor": colour, "ls": dashes, "lw": 1.2}
        style.block(axes, place.left + 0.2, place.top + 0.2, place.width - 0.4, place.height - 0.4, **edge)
    for number, line in enumerate(tile.lines):
        y = place.top + place.height + _PAD + _LEADING * (number + 0.5)
        colour = style.WRONG if tile.right is False else style.INK
        style.write(axes, place.left, y, line, _SMALL, color=colour)


def _paint_box(axes: "Axes", box: BoundingBox) -> None:
    place = box.left, box.top, box.right - box.left, box.bottom - box.top
    # Two lines on each other: one of them stands out from whatever is behind.
    below, above, dashes = (
        (style.INK, style.PAPER, (0, (3, 2))) if box.score is None else (style.PAPER, style.WRONG, "solid")
    )
    style.block(axes, *place, fill=False, edgecolor=below, lw=1.7, zorder=2)
    style.block(axes, *place, fill=False, edgecolor=above, lw=0.9, ls=dashes, zorder=2)


def _paint_tags(axes: "Axes", tile: _Tile) -> None:
    """Write what is in each box: a prediction at its top, the ground truth at its bottom."""
    taken: list[tuple[float, float, float]] = []  # left, right and top of those that are written
    for box in tile.boxes:
        text = paper.clipped(box.text, _TAG, tile.raster.width - 2 * _PAD)
        wide = paper.width(text, _TAG) + 2 * _PAD
        x = min(box.left, tile.raster.left + tile.raster.width - wide)
        y = _free(box, x, wide, tile.raster, taken)
        taken.append((x, x + wide, y))
        face, ink = (style.PAPER, style.INK) if box.score is None else (style.WRONG, style.PAPER)
        style.block(axes, x, y, wide, _TAG_HEIGHT, facecolor=face, alpha=0.9, zorder=3)
        style.write(axes, x + _PAD, y + _TAG_HEIGHT / 2, text, _TAG, color=ink, zorder=4)


def _free(
    box: BoundingBox, x: float, wide: float, image: style.Raster, taken: Sequence[tuple[float, float, float]]
) -> float:
    """Return the top of a tag: where it belongs, or the nearest place in the image that is not taken."""
    lowest = image.top + image.height - _TAG_HEIGHT
    wanted = box.bottom - _TAG_HEIGHT if box.score is None else box.top - _TAG_HEIGHT
    wanted = min(max(wanted, image.top), lowest)
    beside = [top for left, right, top in taken if left < x + wide and x < right]
    places = [wanted, *(top + step for top in beside for step in (-_TAG_HEIGHT, _TAG_HEIGHT))]
    free = [
        y
        for y in places
        if image.top <= y <= lowest and all(abs(y - top) > _TAG_HEIGHT - 1e-6 for top in beside)
    ]
    return min(free, key=lambda y: abs(y - wanted), default=wanted)


def _paint_key(axes: "Axes", y: float) -> None:
    """Say which boxes are which."""
    x = 0.0
    for text, score in (("ground truth", None), ("prediction, with its score", 1.0)):
        _paint_box(axes, BoundingBox("", x + 0.4, y - 1.3, x + 5.4, y + 1.3, score))
        style.write(axes, x + 7, y, text, _SMALL)
        x += 12 + paper.width(text, _SMALL)
