"""The pictures of a page in few bytes, every pixel as it was."""

import base64
import io
import math
import re
from functools import lru_cache
from typing import Any

import numpy as np

_TAG = re.compile(r'<img\b([^>]*?) src="data:image/(png|svg\+xml);base64,([A-Za-z0-9+/=]+)"([^>]*)>')
_INNER = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
_PATH = re.compile(r'(?<= d=")[^"]*')
_FRACTION = re.compile(r"-?\d*\.\d{3,}")
_UNSAFE = re.compile(r"[%#&<>\"]")
_DIGITS = 2
"""Of the coordinates in a drawing: hundredths of a point, which no screen shows."""


def lightened(page: str) -> str:
    """Put the pictures of a page into fewer bytes.

    A PNG becomes a lossless WebP; where each of its pixels was magnified to a square, it is kept at its own
    size and magnified by the browser. An SVG is kept as text, which takes three quarters of base64.

    Args:
        page: HTML whose pictures are in it as ``data:`` addresses.

    Returns:
        The page, with the size of every picture of pixels said, so that nothing moves while it is loaded.
    """
    return _TAG.sub(_smaller, page)


def _smaller(tag: re.Match[str]) -> str:
    before, kind, content, after = tag.groups()
    address, kinds, size = _drawing(content) if kind == "svg+xml" else _pixels(content)
    return f'<img{_classed(before + after, kinds)}{size} src="{address}">'


def _classed(attributes: str, kinds: str) -> str:
    if not kinds:
        return attributes
    if ' class="' in attributes:
        return attributes.replace(' class="', f' class="{kinds} ', 1)
    return f'{attributes} class="{kinds}"'


@lru_cache(maxsize=1024)
def _pixels(content: str) -> tuple[str, str, str]:
    """Return address, class and size of a picture of pixels."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        high, wide = picture.height, picture.width
        colours = np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB"))
    scale = _magnification(colours)
    buffer = io.BytesIO()
    own = Image.fromarray(np.ascontiguousarray(colours[::scale, ::scale]))
    own.save(buffer, "WEBP", lossless=True, quality=60, method=3, exact=True)
    kept = base64.b64encode(buffer.getvalue()).decode()
    address = f"image/webp;base64,{kept}" if len(kept) < len(content) else f"image/png;base64,{content}"
    return f"data:{address}", "pixels" if scale > 1 else "", f' width="{wide}" height="{high}"'


def _magnification(colours: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    """Return the side of the largest squares of one colour that an image (H, W, C) is made of."""
    high, wide = colours.shape[:2]
    rows = np.flatnonzero((colours[1:] != colours[:-1]).any(axis=(1, 2))) + 1
    columns = np.flatnonzero((colours[:, 1:] != colours[:, :-1]).any(axis=(0, 2))) + 1
    return math.gcd(high, wide, *map(int, rows), *map(int, columns))


@lru_cache(maxsize=1024)
def _drawing(content: str) -> tuple[str, str, str]:
    """Return address and class of a drawing; one that holds images is not to be inverted in the dark."""
    svg = base64.b64decode(content).decode()
    svg = _PATH.sub(lambda path: _FRACTION.sub(_rounded, path.group()), svg)
    svg = _INNER.sub(lambda image: _pixels(image.group(1))[0], svg)
    svg = " ".join(svg.split())  # an address loses its line ends
    if "'" not in svg:
        svg = svg.replace('"', "'")
    text = _UNSAFE.sub(lambda sign: f"%{ord(sign.group()):02X}", svg)
    return f"data:image/svg+xml,{text}", "photo" if "<image" in svg else "", ""


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number.group()):.{_DIGITS}f}".rstrip("0").rstrip(".")
