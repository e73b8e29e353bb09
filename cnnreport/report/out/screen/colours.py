"""A dark side for any style sheet: each of its colours with the lightness turned over."""

import colorsys
import re

_SHEET = re.compile(r"(?<=<style>).*?(?=</style>)", re.DOTALL)
_COLOUR = re.compile(r"(?<=[\s:,(])#([0-9a-f]{6}|[0-9a-f]{3})\b(?=[^{}]*[;}])", re.IGNORECASE)
"""A colour in a declaration: a selector has neither semicolon nor closing brace before its opening one."""
_DARKEST, _RANGE = 0.09, 0.86
"""What white becomes, and how far black is from it: light grey, for white letters glare on a dark ground."""


def with_dark(page: str) -> str:
    """Give every colour in the style sheets of a page a counterpart for dark screens.

    Which of the two is shown follows from ``color-scheme``. A browser that knows no ``light-dark()`` shows
    the page as it is printed.

    Args:
        page: HTML with style sheets in it, colours written as ``#rrggbb`` or ``#rgb``.
    """
    used: set[str] = set()

    def named(colour: re.Match[str]) -> str:
        digits = colour.group(1).lower()
        used.add(digits)
        return f"var(--c{digits})"

    changed = _SHEET.sub(lambda sheet: _COLOUR.sub(named, sheet.group()), page)
    light = "".join(f"--c{digits}:#{digits};" for digits in sorted(used))
    both = "".join(f"--c{digits}:light-dark(#{digits},{dark(digits)});" for digits in sorted(used))
    rules = f":root{{{light}}}@supports(color:light-dark(red,red)){{:root{{{both}}}}}"
    return changed.replace("</head>", f"<style>{rules}</style>\n</head>", 1)


def dark(digits: str) -> str:
    """Return the counterpart of a colour given as hex digits: of the same hue, its lightness turned over."""
    full = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    red, green, blue = (int(full[n : n + 2], 16) / 255 for n in (0, 2, 4))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    turned = colorsys.hls_to_rgb(hue, _DARKEST + (1 - light) * _RANGE, saturation * 0.8)
    return "#" + "".join(f"{round(part * 255):02x}" for part in turned)
