"""Signs in one file of numpy's, without any pickle: `gtsrb28.npz`."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.errors import DataError

from .images import REMEDY, SIZE, Signs, checked

FILE = "gtsrb28.npz"

LARGEST = 1 << 30
"""The most bytes that the arrays of a file may have; the whole published set has 120 million."""

_NEEDED = ("train", "train_labels", "train_tracks", "test", "test_labels")


def find(folder: Path) -> Path | None:
    """Return the file in a folder, None where it is not there."""
    path = folder / FILE
    return path if path.is_file() else None


def read(path: Path) -> Signs:
    """Read the signs of a file.

    Args:
        path: Holds ``train`` and ``test``, uint8 (N, 28, 28, 3), ``train_labels``, ``train_tracks`` and
            ``test_labels``, whole numbers (N,).

    Raises:
        DataError: It is no such file, holds Python objects, lacks an array, or has one of another shape.
    """
    arrays = _arrays(path)
    for name in ("train", "test"):
        if arrays[name].dtype != np.uint8 or arrays[name].shape[1:] != (SIZE, SIZE, 3):
            described = f"{arrays[name].dtype} {arrays[name].shape}"
            problem = f"{name} in {path.name} is {described}, expected uint8 (n, {SIZE}, {SIZE}, 3)"
            raise DataError(problem, REMEDY)
    for name in ("train_labels", "train_tracks", "test_labels"):
        if arrays[name].ndim != 1 or not np.issubdtype(arrays[name].dtype, np.integer):
            described = f"{arrays[name].dtype} {arrays[name].shape}"
            raise DataError(f"{name} in {path.name} is {described}, expected whole numbers (n,)", REMEDY)
    signs = Signs(
        train=_channels_first(arrays["train"]),
        labels=arrays["train_labels"].astype(np.int64),
        tracks=arrays["train_tracks"].astype(np.int64),
        test=_channels_first(arrays["test"]),
        test_labels=arrays["test_labels"].astype(np.int64),
    )
    return checked(signs, path.name)


def _arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    """Load what is needed, never a pickle, and nothing that unpacks to more than a machine holds."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > LARGEST:
            raise DataError(f"{path.name} unpacks to {size >> 20} MiB, more than are accepted", REMEDY)
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in _NEEDED if name not in file.files]
            if missing:
                raise DataError(f"{path.name} lacks {', '.join(missing)}", REMEDY)
            return {name: _array(file, name, path.name) for name in _NEEDED}
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path.name} is no npz file, or is damaged: {error}", REMEDY) from error


def _array(file: Any, name: str, of: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[name]
    except ValueError as error:
        problem = f"{name} in {of} holds Python objects (a pickle), which are never loaded"
        raise DataError(problem, "save it as an array of numbers") from error
    return array


def _channels_first(images: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
