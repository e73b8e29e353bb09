"""CIFAR-10's horses, read from the set's version for Python.

A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. The course's nets
(CSC413 2021, programming assignment 2) see class 7 only: 5000 images of the training batches and,
as validation, the 1000 of the test batch.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data import archive
from cnnreport.data.horses import pickles
from cnnreport.data.source import SEED, Series, Source, Split
from cnnreport.errors import DataError
from cnnreport.system import durable

ARCHIVE = "cifar-10-python.tar.gz"
FOLDER = "cifar-10-batches-py"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
SIZE = 170_498_071

HORSE = 7
_TRAINING = tuple(f"data_batch_{i}" for i in range(1, 6))
_BATCHES = (*_TRAINING, "test_batch")
LARGEST_BATCH, LARGEST_ARCHIVE = 64 << 20, 512 << 20
"""Bytes that a batch may have and an archive may unpack to, well above those of the published ones."""

_REMEDY = "remove it and get it again, or use --data horses=meadow"


@dataclass(frozen=True)
class Images:
    """The images of one class, in the order of the files.

    Args:
        train: uint8 (N, 3, 32, 32).
        validation: uint8 (M, 3, 32, 32).
    """

    train: NDArray[np.uint8]
    validation: NDArray[np.uint8]

    def fingerprint(self) -> str:
        """Return a SHA-256 of all pixels and of how they are divided."""
        shapes = f"{self.train.shape} {self.validation.shape} ".encode()
        return durable.sha256(shapes + self.train.tobytes() + self.validation.tobytes())


def find(folder: Path) -> Path | None:
    """Return the folder of batches or the archive in a folder, or None where neither is there."""
    for candidate in (folder / FOLDER, folder):
        if any((candidate / name).is_file() for name in _BATCHES):
            return candidate
    packed = folder / ARCHIVE
    return packed if packed.is_file() else None


def read(place: Path, label: int = HORSE) -> Images:
    """Read the images of one class.

    Args:
        place: What `find` returned.
        label: The class, 0 to 9.

    Raises:
        DataError: A batch is missing, damaged or not what CIFAR-10 holds, or none of its images
            is of the class.
    """
    batches = _from_archive(place) if place.is_file() else _from_folder(place)
    selected = {name: _select(content, name, label) for name, content in batches}
    missing = [name for name in _BATCHES if name not in selected]
    if missing:
        raise DataError(f"{place.name} lacks {', '.join(missing)}", _REMEDY)
    train = np.concatenate([selected[name] for name in _TRAINING])
    images = Images(train, selected["test_batch"])
    if not len(images.train) or not len(images.validation):
        raise DataError(
            f"{place.name} holds {len(images.train)} training and {len(images.validation)} test images "
            f"of class {label}, expected more than 0 of each",
            _REMEDY,
        )
    return images


def split(source: Source) -> Split:
    """Read located images again, in an order that was shuffled once with a fixed seed.

    Raises:
        DataError: They are not those that were located.
    """
    assert source.place is not None, "only drawn data have no place"
    images = kept(source.place) or read(source.place)
    if images.fingerprint() != source.content:
        raise DataError("CIFAR-10 changed on the disk while it was in use", "start again")
    return Split(
        train=_shuffled(images.train, "training images"),
        validation=_shuffled(images.validation, "validation images"),
        basis=lambda: images.train,
    )


def keep(images: Images, folder: Path) -> None:
    """Write the selected images beside a downloaded archive, which takes seconds to unpack."""
    buffer = io.BytesIO()
    np.savez(buffer, train=images.train, validation=images.validation)
    durable.write_named(folder, "cifar10-horses", ".npz", buffer.getvalue())


def kept(folder: Path) -> Images | None:
    """Return what `keep` wrote, or None where it is missing or not what was written."""
    for path in sorted(folder.glob("cifar10-horses.*.npz")):
        content = durable.read_named(path)
        if content is not None:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return Images(arrays["train"], arrays["validation"])
    return None


def _shuffled(images: NDArray[np.uint8], what: str) -> Series:
    order = np.random.default_rng(SEED).permutation(len(images))
    return Series(what, len(images), lambda count: np.ascontiguousarray(images[order[:count]]))


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in _BATCHES:
        path = folder / name
        if not path.is_file():
            continue
        if path.stat().st_size > LARGEST_BATCH:
            raise DataError(f"{name} has {path.stat().st_size} bytes, expected some 30 million", _REMEDY)
        try:
            yield name, path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {name}: {error.strerror}", "check its permissions") from error


def _from_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Unpack in memory, so that no name in the archive can reach a folder of the user's."""
    try:
        with archive.opened(path, LARGEST_ARCHIVE, _REMEDY) as members:
            for member in members:
                folder, _, name = member.name.rpartition("/")
                if not member.isfile() or name not in _BATCHES or folder.rpartition("/")[2] != FOLDER:
                    continue
                if member.size > LARGEST_BATCH:
                    raise DataError(f"{name} has {member.size} bytes, expected some 30 million", _REMEDY)
                file = members.extractfile(member)
                if file is not None:
                    yield name, file.read()
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error}", _REMEDY) from error


def _select(content: bytes, name: str, label: int) -> NDArray[np.uint8]:
    batch = pickles.load(content, name)
    if not isinstance(batch, dict):
        raise DataError(f"{name} holds a {type(batch).__name__}, expected a dictionary", _REMEDY)
    data, labels = _entry(batch, "data"), _entry(batch, "labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3072,):
        described = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        raise DataError(f"'data' in {name} is {described}, expected uint8 (n, 3072)", _REMEDY)
    if not isinstance(labels, list | np.ndarray) or len(labels) != len(data):
        count = len(labels) if isinstance(labels, list | np.ndarray) else 0
        raise DataError(f"{name} has {count} labels for {len(data)} images", _REMEDY)
    if not all(isinstance(value, int | np.integer) and 0 <= value < 10 for value in labels):
        raise DataError(f"the labels in {name} are not all whole numbers from 0 to 9", _REMEDY)
    chosen: NDArray[np.uint8] = data[np.asarray(labels, np.int64) == label]
    return chosen.reshape(-1, 3, 32, 32)


def _entry(batch: dict[Any, Any], key: str) -> Any:
    """Return an entry whose key is bytes in the published files, text in ones written since."""
    return batch.get(key.encode(), batch.get(key))
