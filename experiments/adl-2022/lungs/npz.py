"""Radiographs in one file of numpy's, as the course hands them out; never a pickle."""

import zipfile
from pathlib import Path

from cnnreport.errors import DataError

from .. import packed
from .images import REMEDY, Parts, checked

FILE = "lungs.npz"
"""What the file is called; any other npz with its arrays is taken, too."""

NAMES = {"train": ("x_train", "y_train"), "validation": ("x_val", "y_val"), "test": ("x_test", "y_test")}
"""What the images and the masks of each part are called."""


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
        with zipfile.ZipFile(path) as file:
            return {name.removesuffix(".npy") for name in file.namelist()}
    except (OSError, zipfile.BadZipFile):
        return set()


def read(path: Path) -> Parts:
    """Read the radiographs of a file.

    Args:
        path: Holds the arrays of `NAMES`.

    Raises:
        DataError: It is no such file, holds Python objects, lacks an array, or one is not in order.
    """
    arrays = packed.read(path, [name for pair in NAMES.values() for name in pair], REMEDY)
    return {
        part: checked(arrays[images], arrays[masks], (images, masks), path.name)
        for part, (images, masks) in NAMES.items()
    }
