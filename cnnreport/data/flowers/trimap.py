"""One image of a flower and its trimap, read from files that may be anything."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cnnreport.data.flowers.flower_set import BACKGROUND, FLOWER, VOID
from cnnreport.data.whole import whole_images
from cnnreport.errors import DataError

MOST_PIXELS = 50_000_000
"""An image that has more is taken for a decompression bomb."""

FLOWER_COLOUR = (128, 0, 0)
BACKGROUND_COLOURS = ((128, 128, 0), (0, 128, 0), (0, 0, 128))
RIM_COLOUR = (0, 0, 0)

_STRANGE = 0.05
_PROPORTION = 0.02
# What Pillow raises for files that are cut off, damaged or made to harm.
_DAMAGED = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error,
    IndexError, KeyError, TypeError, OverflowError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """An image and its masks.

    Args:
        rgb: uint8 [3, size, size].
        mask: uint8 [size, size]: 0 background, 1 flower, 255 void.
        handout_mask: uint8 [size, size]: 0 or 1, as the starter makes it.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    handout_mask: NDArray[np.uint8]


def read_pair(image: tuple[str, bytes], trimap: tuple[str, bytes], size: int) -> Pair:
    """Read an image and its trimap, and bring both to one size.

    The image is reduced bilinearly with antialiasing, the trimap by its nearest pixel.

    Args:
        image: Name and content of a JPEG or PNG file.
        trimap: Name and content of a PNG file.
        size: Rows and columns of the result.

    Raises:
        DataError: One of them is no image, cut off, too large or no trimap, or their proportions
            differ by more than 2 %.
    """
    picture = _opened(*image, ("JPEG", "PNG"))
    colours = read_trimap(*trimap)
    height, width = colours.shape[:2]
    if abs(width * picture.height / (height * picture.width) - 1) > _PROPORTION:
        raise DataError(
            f"{trimap[0]}: {width} x {height} pixels, which are other proportions than the "
            f"{picture.width} x {picture.height} of {image[0]}"
        )
    small = picture.resize((size, size), Image.Resampling.BILINEAR)
    return Pair(
        np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1)),
        classes(colours, size),
        handout_mask(colours, size),
    )


def read_trimap(name: str, content: bytes) -> NDArray[np.uint8]:
    """Read a trimap, whatever its colour mode, as colours uint8 (H, W, 3).

    Raises:
        DataError: It is no PNG image, cut off or too large, or its colours are not those of trimaps.
    """
    colours: NDArray[np.uint8] = np.asarray(_opened(name, content, ("PNG",)))
    codes = _codes(colours)
    known = np.logical_or.reduce([codes == _code(each) for each in (FLOWER_COLOUR, *BACKGROUND_COLOURS)])
    strange = 1 - (known | (codes == _code(RIM_COLOUR))).mean()
    if strange > _STRANGE or not known.any():
        background = ", ".join(map(str, BACKGROUND_COLOURS))
        raise DataError(
            f"{name}: not a trimap, {strange:.0%} of its pixels have other colours than those of flower "
            f"{FLOWER_COLOUR}, background {background} and rim {RIM_COLOUR}"
        )
    return colours


def classes(colours: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Reduce a trimap by its nearest pixels and name what they show.

    Args:
        colours: uint8 (H, W, 3).
        size: Rows and columns of the result.

    Returns:
        uint8 [size, size]: 0 background, 1 flower, 255 void (the rim, and colours of no meaning).
    """
    rows, columns = (_nearest(length, size) for length in colours.shape[:2])
    codes = _codes(colours[rows][:, columns])
    mask = np.full((size, size), VOID, np.uint8)
    mask[codes == _code(FLOWER_COLOUR)] = FLOWER
    for colour in BACKGROUND_COLOURS:
        mask[codes == _code(colour)] = BACKGROUND
    return mask


def handout_mask(colours: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Make the mask as the starter of CSC413 2021, D.1, does.

    OpenCV resizes the colours bilinearly (pixel centres, no antialiasing), and flower is what is then
    exactly (128, 0, 0): along the rim colours mix, and the flower loses its edge to the background.

    Args:
        colours: uint8 (H, W, 3).
        size: Rows and columns of the result.

    Returns:
        uint8 [size, size]: 0 background, 1 flower.
    """
    (above, below, down), (left, right, across) = (_between(length, size) for length in colours.shape[:2])
    pure = _codes(colours) == _code(FLOWER_COLOUR)
    corners = [pure[rows][:, columns] for rows in (above, below) for columns in (left, right)]
    # Only where flower meets something else does it matter how the colours mix.
    mask: NDArray[np.bool_] = np.logical_and.reduce(corners)
    i, j = np.nonzero(np.logical_or.reduce(corners) & ~mask)
    low, high, beside, beneath = left[j], right[j], across[j, None], down[i, None]
    upper = colours[above[i], low] * (1 - beside) + colours[above[i], high] * beside
    lower = colours[below[i], low] * (1 - beside) + colours[below[i], high] * beside
    mixed = np.floor(upper * (1 - beneath) + lower * beneath + 0.5)
    mask[i, j] = _codes(mixed) == _code(FLOWER_COLOUR)
    return mask.astype(np.uint8)


def _codes(colours: NDArray[Any]) -> NDArray[np.int32]:
    """Write each colour [..., 3] as one number, which is quicker to compare."""
    red, green, blue = (colours[..., channel].astype(np.int32) for channel in range(3))
    codes: NDArray[np.int32] = (red << 16) | (green << 8) | blue
    return codes


def _code(colour: tuple[int, int, int]) -> int:
    red, green, blue = colour
    return red << 16 | green << 8 | blue


@lru_cache(maxsize=64)
def _nearest(length: int, size: int) -> NDArray[np.int64]:
    """Return which of the old pixels holds the middle of each new one."""
    return ((np.arange(size) + 0.5) * length / size).astype(np.int64)


@lru_cache(maxsize=64)
def _between(length: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the two old pixels between whose middles that of each new one lies, and the second's share."""
    places = ((np.arange(size) + 0.5) * length / size - 0.5).clip(0, length - 1)
    before = places.astype(np.int64)
    return before, np.minimum(before + 1, length - 1), places - before


def _opened(name: str, content: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Decode an image and convert it to RGB, whatever its colour mode."""
    try:
        with whole_images(), warnings.catch_warnings():
            # Whatever else Pillow has to say about a file is no matter of the user's.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(io.BytesIO(content), formats=formats)
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            image.load()
            # Colours count as they are stored, also where a pixel is said to be transparent.
            image.info.pop("transparency", None)
            return image if image.mode == "RGB" else image.convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{name}: a decompression bomb, more than {MOST_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{name}: not a {' or '.join(formats)} image") from error
    except _DAMAGED as error:
        raise DataError(f"{name}: damaged or cut off") from error
