"""Formulas: LaTeX to SVG by ziamath, placed on the baseline of the text."""

import base64
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.report.draw import drawings

_SIZE = 16.0  # of the drawing only; the page scales it by em
_INK = "#1c1c1c"  # of the text around it, in style.css: black would look heavier


@dataclass(frozen=True)
class Formula:
    """A typeset formula.

    Args:
        svg: The drawing; its letters are outlines.
        width: In em of the surrounding text.
        height: In em.
        depth: How far it reaches below the baseline, in em.
        alt: The formula in words.
    """

    svg: str
    width: float
    height: float
    depth: float
    alt: str

    @property
    def uri(self) -> str:
        """The drawing as a ``data:`` address."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()

    @property
    def style(self) -> str:
        """Size and position on the baseline, as CSS."""
        return f"width:{self.width:.3f}em;height:{self.height:.3f}em;vertical-align:{-self.depth:.3f}em"


def typeset(latex: str, alt: str, *, display: bool = False) -> Formula:
    """Typeset a formula.

    Args:
        latex: LaTeX, without dollars.
        alt: The formula in words, for those who do not see it.
        display: Set it large, on a line of its own.

    Raises:
        UsageError: The formula cannot be read, or has no alt text.
    """
    if not alt.strip():
        raise UsageError(f"the formula {latex} has no alt text", "say it in words")
    return Formula(alt=alt, **drawn_formula(latex, display=display))


@drawings.kept
@lru_cache(maxsize=256)
def drawn_formula(latex: str, *, display: bool) -> dict[str, Any]:
    """Return all of a `Formula` but its words."""
    with warnings.catch_warnings():
        # Its import finds its font in a way that Python deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath.config import config
        from ziamath.zmath import Latex

    # The PDF engine places outlines more surely than symbols used by reference.
    before, config.svg2 = config.svg2, False
    try:
        drawn = Latex(latex, size=_SIZE, color=_INK, inline=not display)
        svg = drawn.svg()
    except Exception as error:
        # ziamath and latex2mathml raise whatever they stumble over.
        raise UsageError(f"the formula {latex} cannot be typeset: {error}", "check its LaTeX") from error
    finally:
        config.svg2 = before
    width, height = drawn.getsize()
    margin = 2 * drawn.margin
    return {
        "svg": svg,
        "width": (width + margin) / _SIZE,
        "height": (height + margin) / _SIZE,
        "depth": (drawn.margin - drawn.getyofst()) / _SIZE,
    }
