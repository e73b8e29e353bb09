"""Arrays in one file of numpy's, as both data sets of this report take them: never a pickle."""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.errors import DataError

DAMAGED = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise where a byte of a file is another one."""

LARGEST = 1 << 30
"""The most bytes that the arrays of a file may have: all published signs have 120 million, the radiographs
260 million in float64."""


def read(path: Path, names: Iterable[str], remedy: str) -> dict[str, NDArray[Any]]:
    """Load arrays of a file, and nothing that unpacks to more than a machine holds.

    Args:
        path: An npz file.
        names: The arrays that are needed; others are left alone.
        remedy: What to do where the file is not in order.

    Raises:
        DataError: It is no such file, is too large, lacks an array, or one holds Python objects.
    """
    names = tuple(names)
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > LARGEST:
            raise DataError(f"{path.name} unpacks to {size >> 20} MiB, more than are accepted", remedy)
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in names if name not in file.files]
            if missing:
                raise DataError(f"{path.name} lacks {', '.join(missing)}", remedy)
            return {name: _array(file, name, path.name) for name in names}
    except DAMAGED as error:
        raise DataError(f"{path.name} is no npz file, or is damaged: {error}", remedy) from error


def _array(file: Any, name: str, of: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        problem = f"{name} in {of} holds Python objects (a pickle), which are never loaded"
        raise DataError(problem, "save it as an array of numbers") from error
    return array
