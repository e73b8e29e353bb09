"""Signs as they are published: a folder of training images for each class, one of test images, and a CSV.

The archives hold images of all sizes as PPM. Each is made 32 x 32 and cut to the middle 28 x 28, as the
course's notebook does with test images.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.whole import whole_images
from cnnreport.errors import DataError

from ..packed import DAMAGED
from .images import REMEDY, SIZE, Signs, checked

URL = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"

ARCHIVES: Mapping[str, tuple[str, int]] = {
    "GTSRB_Final_Test_GT.zip": ("md5:fe31e9c9270bbcd7b84b7f21a9d9d9e5", 1 << 22),
    "GTSRB_Final_Test_Images.zip": ("md5:c7e4e6327067d32654124b0fe9e82185", 1 << 28),
    "GTSRB_Final_Training_Images.zip": ("md5:f33fd80ac59bff73c82d25ab499e03a3", 1 << 29),
}
"""The published archives, the smallest first: the hash of each, and the most bytes that are accepted."""

TRUTH = "GT-final_test.csv"

MOST_FILES, LARGEST_FILE = 200_000, 4 << 20
"""How many files a set may have, and how many bytes one of them."""

SQUASHED = 32
"""What every image is made before its middle is cut out, in pixels."""

_CLASS = "[0-9]" * 5
_TRAINING = ("Final_Training/Images", "GTSRB/Final_Training/Images")
"""How folders of classes are called, and where they lie."""

_TRAIN = re.compile(r"(?:.*/)?(\d{5})/(\d{5})_\d{5}\.ppm")
_TEST = re.compile(r"(?:.*/)?(?<!\d{5}/)(\d{5}\.ppm)")


@dataclass(frozen=True)
class _File:
    """A file of a folder, or one that is packed in an archive."""

    name: str
    place: Path
    archive: zipfile.ZipFile | None = None

    def content(self) -> bytes:
        """Return what is in it."""
        try:
            with self._open() as file:
                content = file.read(LARGEST_FILE + 1)
        except DAMAGED as error:
            raise DataError(f"{self.name} cannot be read: {error}", REMEDY) from error
        if len(content) > LARGEST_FILE:
            raise DataError(f"{self.name} has more than {LARGEST_FILE >> 20} MiB", REMEDY)
        return content

    def _open(self) -> IO[bytes]:
        return self.archive.open(self.name) if self.archive else self.place.open("rb")


def find(folder: Path) -> Path | None:
    """Return the folder that holds the published archives or what they unpack to, None where none does."""
    for place in (folder, folder / "GTSRB", folder / "gtsrb"):
        named = any((place / name).is_file() for name in (*ARCHIVES, TRUTH))
        if named or any(next((place / of).glob(_CLASS), None) for of in _TRAINING):
            return place
    return None


def read(place: Path) -> Signs:
    """Read the signs of a folder.

    Args:
        place: What `find` returned.

    Raises:
        DataError: The file with the classes of the test images is missing or not in order, an image is none
            or has no class, or what is there is not the whole set.
    """
    with ExitStack() as opened:
        files = list(_files(place, opened))
        truth = _truth(files)
        train = [(file, match) for file in files if (match := _TRAIN.fullmatch(file.name))]
        test = [(file, match[1]) for file in files if (match := _TEST.fullmatch(file.name))]
        unknown = [name for _, name in test if name not in truth]
        if unknown:
            raise DataError(f"{TRUTH} does not say which class {unknown[0]} is of", REMEDY)
        signs = Signs(
            train=_pictures([file for file, _ in train]),
            labels=np.array([int(match[1]) for _, match in train], np.int64),
            tracks=np.array([int(match[2]) for _, match in train], np.int64),
            test=_pictures([file for file, _ in test]),
            test_labels=np.array([truth[name] for _, name in test], np.int64),
        )
    return checked(signs, "GTSRB")


def _files(place: Path, opened: ExitStack) -> Iterator[_File]:
    """Go through images and CSV files in the order of their names, unpacked ones or packed ones."""
    packed = [place / name for name in ARCHIVES if (place / name).is_file()]
    found: list[_File] = []
    for path in packed:
        try:
            archive = opened.enter_context(zipfile.ZipFile(path))
        except DAMAGED as error:
            raise DataError(f"{path.name} is damaged or half downloaded: {error}", REMEDY) from error
        found += [_File(name, path, archive) for name in archive.namelist()]
    if not packed:
        names = sorted([*place.glob("**/*.ppm"), *place.glob(f"**/{TRUTH}")])
        found = [_File(path.relative_to(place).as_posix(), path) for path in names]
    if len(found) > MOST_FILES:
        raise DataError(f"{place.name} holds more than {MOST_FILES} files", REMEDY)
    yield from sorted(found, key=lambda file: file.name)


def _truth(files: list[_File]) -> dict[str, int]:
    """Read the class of each test image from the CSV, whose columns are parted by semicolons."""
    tables = [file for file in files if file.name.rpartition("/")[2] == TRUTH]
    if not tables:
        raise DataError(f"{TRUTH}, which names the classes of the test images, is missing", REMEDY)
    rows = csv.DictReader(io.StringIO(tables[0].content().decode("utf-8", "replace")), delimiter=";")
    truth = {}
    for number, row in enumerate(rows, 2):
        name, label = row.get("Filename"), row.get("ClassId") or ""
        if not name or not label.strip().isdigit():
            raise DataError(f"{TRUTH}, line {number}, names no file with its class", REMEDY)
        truth[name.strip()] = int(label)
    return truth


def _pictures(files: list[_File]) -> NDArray[np.uint8]:
    pictures = np.empty((len(files), 3, SIZE, SIZE), np.uint8)
    for number, file in enumerate(files):
        pictures[number] = _picture(file.name, file.content())
    return pictures


def _picture(name: str, content: bytes) -> NDArray[Any]:
    """Return an image as uint8 (3, 28, 28)."""
    from PIL import Image

    try:
        with whole_images(), warnings.catch_warnings():
            warnings.simplefilter("error")  # an image so large that it may be an attack
            with Image.open(io.BytesIO(content), formats=("PPM",)) as image:
                small = image.convert("RGB").resize((SQUASHED, SQUASHED), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        raise DataError(f"{name} is no image, or a damaged one", REMEDY) from error
    margin = (SQUASHED - SIZE) // 2
    return np.asarray(small)[margin:-margin, margin:-margin].transpose(2, 0, 1)
