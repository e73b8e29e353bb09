"""The Oxford-17 flowers: images, trimaps, and the file that says which images are for training.

M.-E. Nilsback and A. Zisserman, A Visual Vocabulary for Flower Classification, CVPR 2006; Delving into
the Whorl of Flower Segmentation, BMVC 2007. 1360 images of 17 sorts, some 850 of them with a trimap.
"""

import io
import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.flowers import trimap
from cnnreport.data.flowers.flower_set import LISTS, FlowerSource, Numbers, positions, protocols
from cnnreport.errors import DataError

FOLDER, IMAGES, TRIMAPS, SPLITS = "17flowers", "jpg", "trimaps", "datasplits.mat"
IMAGE_NAME, TRIMAP_NAME = re.compile(r"image_(\d{4})\.jpg"), re.compile(r"image_(\d{4})\.png")
PUBLISHED = 1360
"""How many images the published set has; their numbers begin at 1."""

LARGEST_FILE = 32 << 20
"""Bytes of an image or trimap beyond which it is not read."""

_LARGEST_SPLITS = 1 << 18
_TOLERATED = 0.05
_NAMED = 3
_AGAIN = "get the published file again, or use --data flowers=meadow"


@dataclass(frozen=True)
class Files:
    """The files of the set; images and trimaps by their number."""

    images: Mapping[int, Path]
    trimaps: Mapping[int, Path]
    splits: Path


def find(folder: Path) -> Path | None:
    """Return where the unpacked set lies in a folder, or None where it is not there."""
    for place in (folder / FOLDER, folder):
        if (place / IMAGES).is_dir() and (place / TRIMAPS).is_dir():
            return place
    return None


def find_remains(folder: Path) -> Path | None:
    """Return where a part of the set lies, or a folder of its name; None where there is neither."""
    for place in (folder / FOLDER, folder):
        if place.is_dir() and (
            place.name == FOLDER or (place / TRIMAPS).is_dir() or (place / SPLITS).is_file()
        ):
            return place
    return None


def list_files(place: Path) -> Files:
    """Name the files of the set without reading them.

    Args:
        place: What `find` or `find_remains` returned.

    Raises:
        DataError: A part of it is missing, or no image has a trimap.
    """
    missing = [f"{name}/" for name in (IMAGES, TRIMAPS) if not (place / name).is_dir()]
    missing += [] if (place / SPLITS).is_file() else [SPLITS]
    if missing:
        raise DataError(
            f"{place.name} lacks {' and '.join(missing)}", "add what is missing, or use --data flowers=meadow"
        )
    images, trimaps = _numbered(place / IMAGES, IMAGE_NAME), _numbered(place / TRIMAPS, TRIMAP_NAME)
    if not images.keys() & trimaps.keys():
        raise DataError(
            f"none of the {len(images)} images in {IMAGES}/ has one of the {len(trimaps)} "
            f"trimaps in {TRIMAPS}/",
            f"the trimap of {IMAGES}/image_0001.jpg is called {TRIMAPS}/image_0001.png",
        )
    return Files(images, trimaps, place / SPLITS)


def fingerprint(files: Files) -> str:
    """Return a SHA-256 of all trimaps, the images that have one, the lists, and all names."""
    total = sha256(repr(sorted(files.images)).encode())
    paths = [files.images[number] for number in sorted(files.images.keys() & files.trimaps.keys())]
    paths += [files.trimaps[number] for number in sorted(files.trimaps)]
    for path in [*paths, files.splits]:
        try:
            content = _content(path, LARGEST_FILE)
        except DataError as error:  # said when the set is prepared, where a bad image may be skipped
            content = error.problem.encode()
        total.update(f"{path.name} {len(content)} ".encode() + content)
    return total.hexdigest()


def prepare(source: FlowerSource, *, images: int | None, size: int) -> dict[str, NDArray[Any]]:
    """Read the images of the lists; `cnnreport.data.flowers.flower_set.prepare` says what is returned.

    Raises:
        DataError: The files changed since they were located, the lists are not in order, an image or
            trimap is bad and may not be skipped, or more than 5 % of them are bad.
    """
    assert source.place is not None, "only drawn data have no place"
    files = list_files(source.place)
    if fingerprint(files) != source.content:
        raise DataError("the flowers changed on the disk while they were in use", "start again")
    lists = read_splits(files.splits, max(PUBLISHED, *files.images))
    usable = np.array(sorted(files.images.keys() & files.trimaps.keys()), np.int64)
    chosen = protocols(lists, usable, images)
    pairs, bad = _read_pairs(files, np.unique(np.concatenate(list(chosen.values()))).tolist(), size)
    bad += _orphans(files)
    _refuse(bad, len(pairs) + len(bad), source.skip_bad)
    numbers = np.array(list(pairs), np.int64)
    listed = np.unique(np.concatenate(list(lists.values())))
    return {
        **positions(chosen, numbers),
        "numbers": numbers,
        "images": np.stack([pair.rgb for pair in pairs.values()]),
        "masks": np.stack([pair.mask for pair in pairs.values()]),
        "handout_masks": np.stack([pair.handout_mask for pair in pairs.values()]),
        "skipped": np.frombuffer(json.dumps(bad).encode(), np.uint8),
        "without_trimap": np.array(
            [sum(number not in files.trimaps for number in listed.tolist())], np.int64
        ),
    }


def check_trimaps(paths: Iterable[Path]) -> None:
    """Look whether files are trimaps, which proves a download whose hash nobody has published.

    Raises:
        DataError: One of them is not.
    """
    for path in paths:
        trimap.read_trimap(path.name, _content(path, LARGEST_FILE))


def read_splits(path: Path, last: int) -> dict[str, Numbers]:
    """Read the lists of images from a file of MATLAB's.

    Args:
        path: The file; published as datasplits.mat.
        last: The highest number that an image may have.

    Returns:
        Numbers of images under each name of `LISTS`, in the file's order.

    Raises:
        DataError: It is no such file, a list is missing, empty or not of whole numbers, names an image
            that the set has not, or an image of val1 stands in trn1.
    """
    arrays = _loaded(path)
    missing = [name for name in LISTS if name not in arrays]
    if missing:
        raise DataError(f"{path.name} lacks the lists {', '.join(missing)}", _AGAIN)
    lists = {name: _whole_numbers(arrays[name], f"{name} in {path.name}") for name in LISTS}
    for name, numbers in lists.items():
        unknown = numbers[(numbers < 1) | (numbers > last)]
        if unknown.size:
            raise DataError(
                f"{name} in {path.name} names the image {unknown[0]}, and the set has those from 1 to {last}",
                _AGAIN,
            )
    shared = np.intersect1d(lists["trn1"], lists["val1"])
    if shared.size:
        raise DataError(
            f"{path.name} has {shared.size} images both in trn1 and in val1, the first is {shared[0]}", _AGAIN
        )
    return lists


def _numbered(folder: Path, name: re.Pattern[str]) -> dict[int, Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"cannot list {folder.name}/: {error.strerror}", "check its permissions") from error
    return {int(match[1]): path for path in paths if (match := name.fullmatch(path.name))}


def _content(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{path.name}: cannot be read, {reason}", "check its permissions") from error
    if len(content) > limit:
        raise DataError(f"{path.name}: more than the {limit >> 10} KiB that are accepted", _AGAIN)
    return content


def _read_pairs(files: Files, wanted: Sequence[int], size: int) -> tuple[dict[int, trimap.Pair], list[str]]:
    """Read the wanted images in ascending order; return them, and a sentence for each that is bad."""
    pairs, bad = {}, []
    for number in wanted:
        try:
            image, mask = (
                (path.name, _content(path, LARGEST_FILE))
                for path in (files.images[number], files.trimaps[number])
            )
            pairs[number] = trimap.read_pair(image, mask, size)
        except DataError as error:
            bad.append(error.problem)
    return pairs, bad


def _orphans(files: Files) -> list[str]:
    alone = sorted(files.trimaps.keys() - files.images.keys())
    return [f"{files.trimaps[number].name}: a trimap without its image" for number in alone]


def _refuse(bad: Sequence[str], of: int, skip: bool) -> None:
    if not bad or (skip and len(bad) <= _TOLERATED * of):
        return
    named = "; ".join(bad[:_NAMED])
    if len(bad) > _NAMED:
        named += f"; and {len(bad) - _NAMED} more"
    if skip:
        raise DataError(f"{len(bad)} of {of} images are bad, more than {_TOLERATED:.0%}: {named}", _AGAIN)
    raise DataError(
        named, "replace it, or pass --data flowers.skip-bad=yes to leave it out and have the report say so"
    )


def _loaded(path: Path) -> dict[str, Any]:
    """Read the lists as arrays; nothing in such a file is ever executed."""
    import scipy.io  # type: ignore[import-untyped]

    content = _content(path, _LARGEST_SPLITS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            arrays: dict[str, Any] = scipy.io.loadmat(io.BytesIO(content), variable_names=LISTS)
    except Exception as error:  # SciPy names no class that all its errors have
        raise DataError(f"{path.name} is damaged, cut off or no file of MATLAB's", _AGAIN) from error
    return arrays


def _whole_numbers(values: Any, where: str) -> Numbers:
    numeric = isinstance(values, np.ndarray) and values.dtype.kind in "iuf"
    # MATLAB's own numbers are floating-point ones.
    if not numeric or not (np.isfinite(values).all() and (values == np.floor(values)).all()):
        what = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise DataError(f"{where} holds {what}, expected whole numbers", _AGAIN)
    if not values.size:
        raise DataError(f"{where} is empty", _AGAIN)
    numbers: Numbers = values.ravel().astype(np.int64)
    return numbers
