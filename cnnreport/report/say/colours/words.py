"""A plain word for each colour of a palette, so that a text can speak of colours."""

import colorsys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Palette = np.ndarray[Any, np.dtype[np.floating[Any]]]
    """Shape (NC, 3): red, green and blue of each colour, in 0..1."""

GREY, BLACK, WHITE = 0.09, 0.17, 0.86
"""Below this chroma (the largest of red, green and blue minus the smallest) a colour is grey; below this
lightness (the mean of these two) it is black, and above this one, if it is grey, white."""
GREYS = ("grey", "black", "white")
"""The words that a net can read off its grey input; of the others it has to guess."""

DULL, DARK = 0.35, 0.75
"""Below this chroma no earthy colour is called yellow or orange; if the largest of its red, green and blue is
below the other number, it is called brown or olive."""

_HUES = ((15, "red"), (70, "earth"), (165, "green"), (195, "turquoise"), (260, "blue"), (320, "purple"),
         (345, "pink"), (360, "red"))  # fmt: skip
"""Where the hues of a word end, in degrees of HLS; earth is brown, beige, orange or yellow."""
_YELLOW, _OLIVE = 45, 50
"""From these hues on a strong earthy colour is yellow, not orange, and a dark one olive, not brown."""


def words(palette: "Palette") -> list[str]:
    """Name each colour of a palette with a basic colour term.

    The terms are those of Berlin & Kay (1969), with three more: beige and olive for dull colours, light and
    dark, and turquoise. Several colours may have the same word.
    """
    return [word(colour) for colour in palette]


def bounds() -> dict[str, str]:
    """Return below what lightness a colour is black, below what chroma grey, above what lightness white."""
    return {"black": str(BLACK), "grey": str(GREY), "white": str(WHITE)}


def word(colour: Sequence[float]) -> str:
    """Name a colour by its hue, its lightness and its chroma.

    Args:
        colour: Red, green and blue, in 0..1.
    """
    red, green, blue = map(float, colour)
    hue, lightness, _ = colorsys.rgb_to_hls(red, green, blue)
    chroma = max(red, green, blue) - min(red, green, blue)
    if lightness < BLACK:
        return "black"
    if chroma < GREY:
        return "white" if lightness > WHITE else "grey"
    name = next(each for end, each in _HUES if hue * 360 <= end)
    return _earthy(hue * 360, max(red, green, blue), chroma) if name == "earth" else name


def _earthy(hue: float, value: float, chroma: float) -> str:
    if value < DARK:
        return "olive" if hue >= _OLIVE else "brown"
    if chroma < DULL:
        return "beige"
    return "yellow" if hue >= _YELLOW else "orange"
