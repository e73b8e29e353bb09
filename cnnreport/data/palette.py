"""The colours that a colourization net chooses from: read, found by k-means, and assigned.

CSC413 2021, programming assignment 2: the label of a pixel is the nearest of 24 colours that
k-means found among the training pixels. Colours are red, green, blue as level / 256.
"""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data import pickles
from cnnreport.errors import DataError

SAMPLED_PIXELS = 150_000
_LARGEST_FILE = 16 << 20
_CHUNK = 1 << 15
_REMEDY = "pass a file of colours as float (NC, 3) from 0 to 1, or none to have them found by k-means"


def read(path: Path) -> NDArray[np.float32]:
    """Read a palette from a .npy file.

    Args:
        path: An array (NC, 3), or one (n, NC, 3) of which the first palette is taken, as in the
            course's colour_kmeans24_cat7.npy; values from 0 to 1.

    Returns:
        float32 [NC, 3].

    Raises:
        DataError: The file is missing, damaged, or holds anything else.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise DataError(f"{path.name} has {size} bytes, expected a palette of less than 16 MiB", _REMEDY)
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the palette {path.name}: {error.strerror}", _REMEDY) from error
    array = _array(content, path.name)
    if array.dtype == object or array.ndim == 3:
        array = _first(array, path.name)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array) or array.dtype.kind not in "fiu":
        raise DataError(
            f"{path.name} holds {array.dtype} {array.shape}, expected float (NC, 3) or (n, NC, 3)", _REMEDY
        )
    colours = array.astype(np.float32)
    if not np.isfinite(colours).all() or colours.min() < 0 or colours.max() > 1:
        found = f"{colours.min():.4g} to {colours.max():.4g}"
        raise DataError(f"the colours in {path.name} range from {found}, expected 0 to 1", _REMEDY)
    return colours


def cluster(rgb: NDArray[np.uint8], num_colours: int, seed: int = 0) -> NDArray[np.float32]:
    """Find the colours of a palette with k-means (scikit-learn, one start by k-means++).

    Of more than `SAMPLED_PIXELS` pixels that many are drawn without replacement, thousands for
    each colour, which keeps it near a second on one core.

    Args:
        rgb: Training images, uint8 [N, 3, H, W].
        num_colours: NC.
        seed: Of the sample and of k-means.

    Returns:
        float32 [NC, 3], 0 to 1, from dark to light, so that the order does not depend on chance.

    Raises:
        DataError: The images have fewer different colours than asked for.
    """
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    pixels = rgb.transpose(0, 2, 3, 1).reshape(-1, 3)
    if len(pixels) > SAMPLED_PIXELS:
        chosen = np.random.default_rng(seed).choice(len(pixels), SAMPLED_PIXELS, replace=False)
        pixels = pixels[np.sort(chosen)]
    different = len(np.unique(pixels, axis=0)) if len(pixels) < 10_000 else num_colours
    if different < num_colours:
        raise DataError(
            f"the training images have {different} different colours, expected at least {num_colours}",
            "use more images or fewer colours",
        )
    # With several threads, sums are taken in an order that differs from run to run.
    with threadpool_limits(1):
        model = KMeans(num_colours, n_init=1, random_state=seed).fit(pixels.astype(np.float32) / 256)
    centres = np.clip(model.cluster_centers_, 0, 1).astype(np.float32)
    luminance = centres @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.ascontiguousarray(centres[np.argsort(luminance, kind="stable")])


def nearest(rgb: NDArray[np.uint8], palette: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the number of the nearest colour of each pixel, by Euclidean distance.

    Args:
        rgb: uint8 [N, 3, H, W].
        palette: float32 [NC, 3], NC at most 256.

    Returns:
        uint8 [N, H, W]; of equally near colours the first.
    """
    count, _, height, width = rgb.shape
    planes = rgb.transpose(1, 0, 2, 3).reshape(3, -1)
    labels = np.zeros(planes.shape[1], np.uint8)
    for start in range(0, planes.shape[1], _CHUNK):
        part = planes[:, start : start + _CHUNK].astype(np.float32) * np.float32(1 / 256)
        _assign(part, palette, labels[start : start + _CHUNK])
    return labels.reshape(count, height, width)


def _assign(pixels: NDArray[np.float32], palette: NDArray[np.float32], labels: NDArray[np.uint8]) -> None:
    """Write the nearest colour of pixels [3, n] into labels [n]; a chunk stays in the cache."""
    best = np.full(pixels.shape[1], np.inf, np.float32)
    for number, (red, green, blue) in enumerate(palette):
        distance = (pixels[0] - red) ** 2
        distance += (pixels[1] - green) ** 2
        distance += (pixels[2] - blue) ** 2
        np.copyto(labels, np.uint8(number), where=distance < best)
        np.minimum(best, distance, out=best)


def _array(content: bytes, name: str) -> NDArray[Any]:
    """Parse a .npy file of which nothing is executed and no size believed."""
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, by_columns, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise DataError(f"{name} is a .npy file of version {version}, expected 1.0 or 2.0", _REMEDY)
    except ValueError as error:
        raise DataError(f"{name} is not a .npy file: {error}", _REMEDY) from error
    if dtype.hasobject:
        return np.asarray(pickles.load(content[file.tell() :], name))
    if len(content) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise DataError(f"{name} is cut off or damaged: its size does not fit its shape {shape}", _REMEDY)
    flat = np.frombuffer(content, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if by_columns else "C")


def _first(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return the first palette of several; an object array may hold arrays or bare numbers."""
    if not len(array.shape) or not len(array):
        raise DataError(f"{name} holds {array.dtype} {array.shape}, expected (NC, 3) or (n, NC, 3)", _REMEDY)
    first = array if array.dtype == object and array.ndim == 2 else array[0]
    try:
        return np.asarray(
            first if isinstance(first, np.ndarray) and first.dtype != object else first.tolist(), float
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"the first element of {name} is no array of numbers, expected float (NC, 3)", _REMEDY
        ) from error
