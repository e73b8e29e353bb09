"""Signs in one file of numpy's, without any pickle: `gtsrb28.npz`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.errors import DataError

from .. import packed
from .images import REMEDY, SIZE, Signs, checked

FILE = "gtsrb28.npz"

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
    arrays = packed.read(path, _NEEDED, REMEDY)
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


def _channels_first(images: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
