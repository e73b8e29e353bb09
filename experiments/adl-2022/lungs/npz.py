"""Radiographs in one file of numpy's, as the course hands them out; never a pickle."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.errors import DataError

from .images import REMEDY, Part, Parts, checked

FILE = "lungs.npz"
"""What the file is called; any other npz with its arrays is taken, too."""

NAMES = {"train": ("x_train", "y_train"), "validation": ("x_val", "y_val"), "test": ("x_test", "y_test")}
"""What the images and the masks of each part are called."""

LARGEST = 1 << 30
"""The most bytes that the arrays of a file may have; those of the course have 260 million in float64."""


def find(folder: Path) -> Path | None:
    """Return the file in a folder, None where none is there.

    Raises:
        DataError: Several files hold radiographs.
    """
    if (folder / FILE).is_file():
        return folder / FILE
    files = [
        path
        for path in sorted(folder.glob("*.npz"))
        if _listed(path) & {n for pair in NAMES.values() for n in pair}
    ]
    if len(files) > 1:
        problem = f"{files[0].name} and {files[1].name} both hold radiographs"
        raise DataError(problem, f"keep one of them, or call it {FILE}")
    return files[0] if files else None


def _listed(path: Path) -> set[str]:
    """Return the names of a file's arrays; none where it cannot be read, for it may be anything."""
    try:
        with zipfile.ZipFile(path) as packed:
            return {name.removesuffix(".npy") for name in packed.namelist()}
    except (OSError, zipfile.BadZipFile):
        return set()


def read(path: Path) -> Parts:
    """Read the radiographs of a file.

    Args:
        path: Holds the arrays of `NAMES`.

    Raises:
        DataError: It is no such file, holds Python objects, lacks an array, or one is not in order.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > LARGEST:
            raise DataError(f"{path.name} unpacks to {size >> 20} MiB, more than are accepted", REMEDY)
        with np.load(path, allow_pickle=False) as file:
            missing = [name for pair in NAMES.values() for name in pair if name not in file.files]
            if missing:
                raise DataError(f"{path.name} lacks {', '.join(missing)}", REMEDY)
            return {part: _part(file, names, path.name) for part, names in NAMES.items()}
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path.name} is no npz file, or is damaged: {error}", REMEDY) from error


def _part(file: Any, names: tuple[str, str], of: str) -> Part:
    images, masks = (_array(file, name, of) for name in names)
    return checked(images, masks, names, of)


def _array(file: Any, name: str, of: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[name]
    except ValueError as error:
        problem = f"{name} in {of} holds Python objects (a pickle), which are never loaded"
        raise DataError(problem, "save it as an array of numbers") from error
    return array
