"""How sure a net may be: the share of right pixels against the probability given (Guo et al., 2017)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnreport.errors import UsageError
from cnnreport.report.draw import drawings, paper, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.reading import DataSet

if TYPE_CHECKING:
    from cnnreport.report.draw.style import Axes

_LEFT, _TOP, _SIDE_X, _SIDE_Y, _BETWEEN, _LOW, _FOOT = 11.5, 2.5, 54.0, 40.0, 3.0, 11.0, 9.0  # millimetres
_SIZE = 8.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability(bins: np.ndarray[Any, Any], alt: str, data: tuple[DataSet, ...]) -> Picture:
    """Draw a reliability diagram, and below it how many pixels there are of each probability.

    Args:
        bins: (B, 3), at least 0: by equal parts of 0 to 1, the pixels whose highest probability lies there,
            the sum of these probabilities, and how many of the pixels are right.
        alt: What someone who cannot see it needs to know.
        data: The data that the pixels come from.

    Returns:
        An SVG, half as wide as the text, whose letters are outlines.

    Raises:
        UsageError: There is no pixel.
    """
    bins = np.asarray(bins, dtype=float)
    if bins.ndim != 2 or bins.shape[1:] != (3,) or not bins[:, 0].sum() > 0:
        raise UsageError(
            f"a reliability diagram needs pixels in bins (B, 3), not {bins.shape}", "count some pixels first"
        )
    return Picture(_drawn(bins.tolist()).encode(), "image/svg+xml", alt, data)


@drawings.kept
def _drawn(bins: Sequence[Sequence[float]]) -> str:
    bottom = _TOP + _SIDE_Y + _BETWEEN + _LOW

    def paint(axes: "Axes") -> None:
        _paint_frame(axes, bottom)
        _paint_points(axes, bins)
        _paint_frequencies(axes, bins, bottom)

    return style.sheet(paper.NARROW, bottom + _FOOT, paint)


def _x(share: float) -> float:
    return _LEFT + _SIDE_X * share


def _y(share: float) -> float:
    return _TOP + _SIDE_Y * (1 - share)


def _paint_frame(axes: "Axes", bottom: float) -> None:
    for tick in _TICKS:
        axes.plot((_x(0), _x(1)), (_y(tick), _y(tick)), color="#e3e3e3", lw=0.5, zorder=0)
        style.write(axes, _LEFT - 1.2, _y(tick), f"{100 * tick:.0f}", _SIZE, align="right")
        style.write(axes, _x(tick), bottom + 2.2, f"{100 * tick:.0f}", _SIZE, align="center")
    axes.plot((_x(0), _x(1)), (_y(0), _y(1)), color=style.QUIET, lw=0.8, ls=style.DASHED, zorder=1)
    style.write(axes, _x(0.03), _y(0.96), "as sure as it is right", 7, color=style.QUIET)
    style.write(axes, _x(0.5), bottom + 6.2, "highest probability (%)", _SIZE, align="center")
    middle = _TOP + _SIDE_Y / 2
    axes.text(2.6, middle, "pixels that are right (%)", size=_SIZE, rotation=90, ha="center", va="center")


def _paint_points(axes: "Axes", bins: Sequence[Sequence[float]]) -> None:
    filled = [(total / pixels, right / pixels) for pixels, total, right in bins if pixels]
    xs, ys = [_x(sure) for sure, _ in filled], [_y(right) for _, right in filled]
    axes.plot(xs, ys, color=style.VALIDATION, lw=1.4, marker="o", ms=3.6, zorder=3, gid="reliability")


def _paint_frequencies(axes: "Axes", bins: Sequence[Sequence[float]], bottom: float) -> None:
    """Draw how large a share of the pixels each bin holds; the highest fills the strip."""
    most, wide = max(pixels for pixels, _, _ in bins), _SIDE_X / len(bins)
    for number, (pixels, _, _) in enumerate(bins):
        high = _LOW * pixels / most
        look: dict[str, Any] = {"facecolor": style.VALIDATION, "alpha": 0.45}
        style.block(axes, _LEFT + number * wide, bottom - high, wide - 0.4, high, **look)
    axes.plot((_x(0), _x(1)), (bottom, bottom), color="#8a8a8a", lw=0.6)
    axes.text(7.2, bottom - _LOW / 2, "pixels", size=_SIZE, rotation=90, ha="center", va="center")
