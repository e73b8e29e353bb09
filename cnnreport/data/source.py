"""What is known of a data set before it is prepared, and the images that it gives then."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 0
"""Of the order of the images, of the scenes drawn and of k-means."""


@dataclass(frozen=True, eq=False)
class GivenPalette:
    """A palette that was read from a file.

    Args:
        name: The file's name, for errors.
        colours: float32 [NC, 3], 0 to 1.
    """

    name: str
    colours: NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """A data set that has been found and looked at, but not prepared.

    Args:
        name: ``cifar10`` or ``meadow``.
        title: What the report calls it.
        stand_in: Whether it only stands in for the course's data.
        origin: Where it is from, a phrase for the report, never a path.
        reason: Why it was taken where the choice was left to the program, else empty.
        fingerprint: SHA-256 over what determines the prepared arrays, sizes and NC aside.
        modules: Modules of the project whose source determines the data; the first has a function
            ``split(source: Source) -> Split``.
        place: Where the images are; None for drawn ones.
        content: SHA-256 of the selected images, by which they are recognised when read again.
        palette: The palette to use; None to have it found by k-means.
    """

    name: str
    title: str
    stand_in: bool
    origin: str
    reason: str
    fingerprint: str
    modules: tuple[str, ...]
    place: Path | None = None
    content: str = ""
    palette: GivenPalette | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Series:
    """Images in the order in which they are used.

    Args:
        what: What they are called in an error.
        available: How many there are.
        first: Returns the first n of them, uint8 [n, 3, H, W].
    """

    what: str
    available: int
    first: Callable[[int], NDArray[np.uint8]]


@dataclass(frozen=True)
class Split:
    """What a data set gives.

    Args:
        train: Images to train with.
        validation: Images to judge with.
        basis: Returns the images among whose pixels a palette is found, uint8 [N, 3, H, W].
    """

    train: Series
    validation: Series
    basis: Callable[[], NDArray[np.uint8]]
