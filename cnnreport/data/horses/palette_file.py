"""Read a palette from a file of numpy's that is not trusted.

Apart from the palette's own module, so that a run whose palette k-means finds depends on no
reader; of a palette that was read, its colours are part of the data's fingerprint.
"""

import io
import math
import tokenize
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.horses import pickles
from cnnreport.errors import DataError

_HEADER_ERRORS = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError)
"""What numpy's parser of headers, which reads them as Python literals, stumbles over."""

_LARGEST_FILE = 16 << 20
_REMEDY = "pass a file of colours as float (NC, 3) from 0 to 1, or none to have them found by k-means"


def read(path: Path) -> NDArray[np.float32]:
    """Read a palette from a .npy file.

    Args:
        path: An array (NC, 3), or one (n, NC, 3) of which the first palette is taken, as in the
            course's colour_kmeans24_cat7.npy; values from 0 to 1.

    Returns:
        float32 (NC, 3).

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
        span = f"{colours.min():.4g} to {colours.max():.4g}"
        raise DataError(f"the colours in {path.name} range from {span}, expected 0 to 1", _REMEDY)
    return colours


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
    except _HEADER_ERRORS as error:
        raise DataError(f"{name} is not a .npy file, or its header is damaged", _REMEDY) from error
    if not all(type(length) is int and length >= 0 for length in shape):
        raise DataError(f"{name} says that it has the shape {shape}", _REMEDY)
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
