"""What is known of a data set before it is prepared, and the images that it gives then."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 0
"""Of the order of the images, of the scenes drawn and of k-means."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set that has been found and looked at, but not prepared.

    Args:
        name: Which of its choices it is, such as ``cifar10``.
        title: What the report calls it.
        origin: Where it is from, a phrase for the report, never a path.
        fingerprint: Text that is another wherever the prepared arrays are, the parameters of `prepare` and
            the code aside: a SHA-256 over files, or the version of a library that brings them.
        stand_in: Whether it only stands in for the data that the report is about.
        reason: Why it was taken where the choice was left to the program, else empty.
        modules: Modules whose source determines the arrays, beyond that of `prepare`.
        place: Where the files are; None for drawn ones.
        content: SHA-256 of the selected files, by which they are recognised when read again.
    """

    name: str
    title: str
    origin: str
    fingerprint: str
    stand_in: bool = False
    reason: str = ""
    modules: tuple[str, ...] = ()
    place: Path | None = None
    content: str = ""


@dataclass(frozen=True)
class Series:
    """Images in the order in which they are used.

    Args:
        what: What they are called in an error.
        available: How many there are.
        first: Returns the first n of them, uint8 (n, 3, H, W).
    """

    what: str
    available: int
    first: Callable[[int], NDArray[np.uint8]]


@dataclass(frozen=True)
class Split:
    """What a data set gives.

    Args:
        train: Images to train with.
        validation: Images to validate with.
        basis: Returns the images among whose pixels a palette is found, uint8 (N, 3, H, W).
    """

    train: Series
    validation: Series
    basis: Callable[[], NDArray[np.uint8]]
