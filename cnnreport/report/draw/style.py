"""How every drawing looks, and the blank sheet it is drawn on. Matplotlib is imported here and in `figure`.

Colour-blind readers tell the colours apart, most of which are after Okabe and Ito (2008). Colour never stands
alone: dashes, markers or words say the same in black and white.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnreport.errors import UsageError
from cnnreport.report.draw import fonts, paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes  # for those who draw on a sheet
    from matplotlib.figure import Figure

INK, QUIET, PAPER = "#333333", "#5a5f66", "#ffffff"
TRAIN, VALIDATION = "#c25400", "#0072b2"
RIGHT, WRONG = VALIDATION, TRAIN
"""Of a prediction."""
CONTENDERS = ("#009e73", "#b3589a", "#16319c", "#c25400", "#7a9cff", "#c9a000", "#333333", "#801a00")
"""Any two differ by 19 or more in CIELAB, also as colour-blind readers see them (Machado et al., 2009)."""
DASHED: Any = (0, (4, 1.6))

_STYLE: Any = {
    "font.size": 8,
    "svg.fonttype": "path",
    "svg.hashsalt": "cnnreport",
    "text.color": INK,
    "text.parse_math": False,  # names of classes and nets may hold a dollar
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8a8a8a",
    "axes.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True)
class Raster:
    """An image of pixels that lies on a sheet, below all that is drawn.

    Args:
        content: A PNG or JPEG file in base64.
        media_type: ``image/png`` or ``image/jpeg``.
        left: Where it begins, in millimetres.
        top: The same, from the top.
        width: Its width, in millimetres.
        height: Its height, in millimetres.
    """

    content: str
    media_type: str
    left: float
    top: float
    width: float
    height: float


def contenders(names: Sequence[str]) -> dict[str, int]:
    """Number contenders in the order in which they first come; the number decides colour, dashes and marker.

    Raises:
        UsageError: There are more than can be told apart.
    """
    distinct = list(dict.fromkeys(names))
    if len(distinct) > len(CONTENDERS):
        raise UsageError(
            f"a figure tells {len(CONTENDERS)} contenders apart, not {len(distinct)}: {', '.join(distinct)}",
            "draw them in several figures",
        )
    return {name: number for number, name in enumerate(distinct)}


def sheet(width: float, height: float, paint: Callable[["Axes"], None], below: Sequence[Raster] = ()) -> str:
    """Draw freely on a blank sheet, in the lettering of all figures.

    Args:
        width: Of the sheet, in millimetres.
        height: Of the sheet, in millimetres.
        paint: Draws on axes that cover the sheet: millimetres from the left and from the top.
        below: Images that lie on it.

    Returns:
        An SVG whose letters are outlines, so that it needs no font.
    """
    from matplotlib.figure import Figure

    with dressed():
        figure = Figure(figsize=(width / 25.4, height / 25.4))
        figure.patch.set_visible(not below)  # it would hide them
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.autoscale(False)
        axes.set(xlim=(0.0, width), ylim=(height, 0.0))
        paint(axes)
        drawn = svg(figure)
    start = drawn.index('<g id="figure_1">') if below else 0
    return drawn[:start] + "".join(map(_element, below)) + drawn[start:]


def write(
    axes: "Axes", x: float, y: float, text: str, size: float = 8.0, *, align: str = "left", **properties: Any
) -> None:
    """Write a line on a sheet.

    Args:
        axes: Those of the sheet.
        x: Where the line begins, ends or has its middle, see `align`.
        y: Half-way up its capitals.
        text: The line.
        size: Of its letters, in points.
        align: ``left``, ``right`` or ``center``.
        properties: What matplotlib's ``text`` takes besides, such as ``color``.
    """
    # Capitals are centred, not what happens to be written: else the lines of a figure would dance.
    axes.text(
        x,
        y + 0.33 * size * paper.MM,
        text,
        size=size,
        ha=align,
        va="baseline",
        parse_math=False,
        **properties,
    )


def block(axes: "Axes", left: float, top: float, width: float, height: float, **properties: Any) -> None:
    """Draw a rectangle on a sheet; `properties` are what matplotlib's ``fill`` takes."""
    right, bottom = left + width, top + height
    axes.fill(
        (left, right, right, left),
        (top, top, bottom, bottom),
        **{"lw": 0, "joinstyle": "miter", **properties},
    )


@contextmanager
def dressed() -> Iterator[None]:
    """Let matplotlib draw in this style, whatever the machine's own settings are."""
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.font_manager import fontManager

    face = fonts.plot_face()
    if not any(entry.fname == str(face) for entry in fontManager.ttflist):
        fontManager.addfont(face)
    with rc_context():
        rcdefaults()  # whatever a matplotlibrc of this machine says
        rcParams.update({**_STYLE, "font.family": fonts.Families.sans})
        yield


def svg(figure: "Figure") -> str:
    """Return a figure as SVG text without a date, the same for the same figure."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _element(raster: Raster) -> str:
    box = {"x": raster.left, "y": raster.top, "width": raster.width, "height": raster.height}
    # The SVG counts in points.
    places = " ".join(f'{name}="{value / paper.MM:.4f}"' for name, value in box.items())
    rendering = "pixelated" if raster.media_type == "image/png" else "auto"
    return (
        f'<image {places} preserveAspectRatio="none" image-rendering="{rendering}" '
        f'xlink:href="data:{raster.media_type};base64,{raster.content}"/>\n'
    )
