"""Figures: curves by matplotlib (its only importer), pictures by Pillow. The same numbers, the same bytes.

Training is orange and dashed, validation is blue and solid: two of the Okabe-Ito colours, which
colour-blind readers tell apart, and which line and lightness tell apart in black and white. Steps of
something that grows are blues from light to dark. Two contenders are green and solid, purple and dashed.
"""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnreport.report.answer import Picture
from cnnreport.report.draw import drawings, fonts
from cnnreport.report.numbers.reading import DataSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes  # for those who draw on a sheet
    from matplotlib.figure import Figure

Role = Literal["train", "validation", "step", "left", "right"]
Pixels = np.ndarray[Any, np.dtype[np.uint8]]

INK = "#333333"
_COLOURS: Mapping[Role, str] = {
    "train": "#c25400",
    "validation": "#0072b2",
    "left": "#009e73",
    "right": "#b3589a",
}
_DASHES: Mapping[Role, Any] = {
    "train": (0, (4, 1.6)),
    "validation": "solid",
    "step": "solid",
    "left": "solid",
    "right": (0, (4, 1.6)),
}
_FEW = 12
"""Up to so many points of an axis of its own are marked one by one."""

_JPEG_QUALITY = 88
_LIGHTEST, _DARKEST = (0.58, 0.78, 0.93), (0.02, 0.13, 0.30)
_STYLE: Any = {
    "font.size": 8,
    "svg.fonttype": "path",
    "svg.hashsalt": "cnnreport",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8a8a8a",
    "axes.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.unicode_minus": True,
}
_WIDTH, _HEIGHT = 2.72, 2.1  # inches: 69 mm, so that two stand side by side


@dataclass(frozen=True)
class Curve:
    """One quantity over the epochs, or over something else.

    Args:
        label: What the legend calls it.
        role: Decides colour and dashes; curves that are steps of something come in its order.
        seeds: The values of each seed, from the first epoch to the last.
        x: Where the values stand; None for the epochs 1, 2, …
    """

    label: str
    role: Role
    seeds: Sequence[Sequence[float]]
    x: Sequence[float] | None = None


@dataclass(frozen=True)
class Axis:
    """What curves run over.

    Args:
        label: Below it.
        ticks: Where it is marked, None to choose; a scale with ticks is logarithmic unless `linear`.
        legend: What the legend says above its entries.
        linear: Whether equal steps are equally long although there are ticks.
    """

    label: str = "epoch"
    ticks: Sequence[float] | None = None
    legend: str = ""
    linear: bool = False


def curves(
    drawn: Sequence[Curve],
    y_label: str,
    alt: str,
    data: tuple[DataSet, ...],
    *,
    per_cent: bool = False,
    axis: Axis | None = None,
) -> Picture:
    """Draw curves: each seed thin, the mean of the seeds thick.

    Values that are not finite leave a gap; a mean is drawn where every seed is finite.

    Returns:
        An SVG whose letters are outlines, so that it needs no font.
    """
    svg = _curves(drawn, y_label, 100.0 if per_cent else 1.0, axis or Axis())
    return Picture(svg.encode(), "image/svg+xml", alt, data)


@drawings.kept
def _curves(drawn: Sequence[Curve], y_label: str, factor: float, axis: Axis) -> str:
    from matplotlib.figure import Figure

    with _dressed():
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.subplots()
        for curve, colour in zip(drawn, _colours(drawn), strict=True):
            _draw(axes, curve, colour, factor)
        _dress(axes, axis, y_label, drawn)
        return _svg(figure)


def sheet(width: float, height: float, paint: Callable[["Axes"], None]) -> str:
    """Draw freely on a blank sheet, in the lettering of the other figures.

    Args:
        width: Of the sheet, in millimetres.
        height: Of the sheet, in millimetres.
        paint: Draws on axes that cover the sheet: millimetres from the left and from the top.

    Returns:
        An SVG whose letters are outlines, so that it needs no font.
    """
    from matplotlib.figure import Figure

    with _dressed():
        figure = Figure(figsize=(width / 25.4, height / 25.4))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.autoscale(False)
        axes.set(xlim=(0.0, width), ylim=(height, 0.0))
        paint(axes)
        return _svg(figure)


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


def _colours(drawn: Sequence[Curve]) -> list[Any]:
    """Return a colour for each curve: that of its role, or the next darker step."""
    steps = sum(curve.role == "step" for curve in drawn)
    shades = iter(np.linspace(_LIGHTEST, _DARKEST, max(steps, 2)))
    return [next(shades) if curve.role == "step" else _COLOURS[curve.role] for curve in drawn]


def _draw(axes: "Axes", curve: Curve, colour: Any, factor: float) -> None:
    values = factor * np.array([list(seed) for seed in curve.seeds], dtype=float)
    values[~np.isfinite(values)] = math.nan
    x = np.arange(1, values.shape[1] + 1) if curve.x is None else np.asarray(curve.x, dtype=float)
    dashes = _DASHES[curve.role]
    # A line of one or two points would hardly be seen, and on an axis of its own each point is a training.
    pointed = len(x) < 3 or (curve.x is not None and curve.role != "step" and len(x) <= _FEW)
    if len(values) > 1:
        for seed in values:
            axes.plot(x, seed, color=colour, linewidth=0.5, alpha=0.55, linestyle=dashes)
    # Not nanmean: a mean over fewer seeds than the line beside it would jump where one diverges.
    mean = values.mean(axis=0)
    marker = "o" if pointed else None
    axes.plot(x, mean, color=colour, linewidth=1.5, linestyle=dashes, label=curve.label, marker=marker, ms=4)


def _dress(axes: "Axes", axis: Axis, y_label: str, drawn: Sequence[Curve]) -> None:
    axes.set_xlabel(axis.label)
    axes.set_ylabel(y_label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.5)
    axes.set_axisbelow(True)
    _scale(axes, axis)
    axes.margins(x=0.02)
    axes.legend(frameon=False, handlelength=2.4, title=axis.legend or None)
    if not any(math.isfinite(value) for curve in drawn for seed in curve.seeds for value in seed):
        axes.text(0.5, 0.5, "no finite value to draw", transform=axes.transAxes, ha="center")


def _scale(axes: "Axes", axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

    if axis.ticks is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        return
    if not axis.linear:
        axes.set_xscale("log")
    axes.set_xticks(list(axis.ticks), labels=[f"{tick:g}" for tick in axis.ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


@contextmanager
def _dressed() -> Iterator[None]:
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.font_manager import fontManager

    face = fonts.plot_face()
    if not any(entry.fname == str(face) for entry in fontManager.ttflist):
        fontManager.addfont(face)
    with rc_context():
        rcdefaults()  # whatever a matplotlibrc of this machine says
        rcParams.update({**_STYLE, "font.family": fonts.Families.sans})
        yield


def _svg(figure: "Figure") -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
