"""What every set of radiographs comes to: images and masks in three parts, checked, and made smaller.

B. van Ginneken, M. B. Stegmann and M. Loog, Segmentation of anatomical structures in chest radiographs using
supervised methods: a comparative study on a public database, Medical Image Analysis 10, 2006.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.errors import DataError
from cnnreport.system import durable

SIZE = 256
"""Rows and columns of a published image, in pixels."""

PARTS = ("train", "validation", "test")

REMEDY = "save x_train, y_train, x_val, y_val, x_test and y_test again, or use --data lungs=drawn-lungs"


@dataclass(frozen=True)
class Part:
    """The images of a part and their masks.

    Args:
        images: float32 (N, S, S) in 0..1.
        masks: Where the lungs are, bool (N, S, S).
    """

    images: NDArray[np.float32]
    masks: NDArray[np.bool_]


Parts = Mapping[str, Part]


def fingerprint(parts: Parts) -> str:
    """Return a SHA-256 of all pixels and masks."""
    arrays = [array for name in PARTS for array in (parts[name].images, parts[name].masks)]
    return durable.sha256(b"".join(f"{array.shape} ".encode() + array.tobytes() for array in arrays))


def checked(images: NDArray[Any], masks: NDArray[Any], names: tuple[str, str], file: str) -> Part:
    """Return a part that is what it is said to be.

    Args:
        images: Numbers in 0..1, (N, 256, 256), with one channel first or last, or none.
        masks: The same with 0 and 1 alone, 1 where a lung is.
        names: What the two are called in the file.
        file: What the file is called in an error.

    Raises:
        DataError: There are no images, not as many masks, or of another size, a value is out of its range,
            or a mask is empty.
    """
    images = _plain(images, names[0], file)
    masks = _plain(masks, names[1], file)
    if len(images) == 0:
        raise DataError(f"{names[0]} in {file} has no images", REMEDY)
    if masks.shape != images.shape:
        problem = f"{names[1]} in {file} is {masks.shape}, but its images {names[0]} are {images.shape}"
        raise DataError(problem, "give each image a mask of its own size")
    _check_range(images, names[0], file)
    if not np.isin(masks, (0, 1)).all():
        raise DataError(
            f"{names[1]} in {file} holds other values than 0 and 1", "save 1 where a lung is, else 0"
        )
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if len(empty):
        problem = f"the mask of image {empty[0]} in {names[1]} of {file} is empty"
        raise DataError(problem, "leave out images without a lung")
    return Part(images.astype(np.float32), masks.astype(bool))


def _plain(array: NDArray[Any], name: str, file: str) -> NDArray[Any]:
    """Return an array without its channel, (N, 256, 256)."""
    if array.dtype != bool and not np.issubdtype(array.dtype, np.number):
        raise DataError(f"{name} in {file} is {array.dtype}, expected numbers", REMEDY)
    plain = array
    if array.ndim == 4 and 1 in (array.shape[1], array.shape[3]):
        plain = array.squeeze(axis=3 if array.shape[3] == 1 else 1)
    if plain.shape[1:] != (SIZE, SIZE):
        problem = (
            f"{name} in {file} is {array.shape}, expected (n, {SIZE}, {SIZE}), with or without one channel"
        )
        raise DataError(problem, REMEDY)
    return plain


def _check_range(images: NDArray[Any], name: str, file: str) -> None:
    low, high = float(images.min()), float(images.max())
    if not (np.isfinite(images).all() and low >= 0 and high <= 1):
        raise DataError(
            f"{name} in {file} reaches from {low:g} to {high:g}, expected 0 to 1", "scale it to 0..1"
        )


def smaller(part: Part, size: int) -> Part:
    """Make images smaller by the mean of squares of pixels; a mask is kept where it has half of a square.

    Args:
        part: Images of S rows and columns.
        size: How many they are to have, a divisor of S.
    """
    step = part.images.shape[-1] // size

    def means(array: NDArray[Any]) -> NDArray[np.float32]:
        squares = array.reshape(len(array), size, step, size, step)
        return squares.mean(axis=(2, 4), dtype=np.float32)

    return Part(means(part.images), means(part.masks) >= 0.5)
