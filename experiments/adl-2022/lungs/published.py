"""Radiographs as they are published: raw images of JSRT, and for either lung a mask of SCR.

J. Shiraishi et al., Development of a digital image database for chest radiographs with and without a lung
nodule, American Journal of Roentgenology 174, 2000: 154 images with a nodule and 93 without, of 2048 x 2048
pixels, each a big-endian number of two bytes of which 12 bits are used, and which is the smaller the more was
in the way of the rays: nothing in a file but pixels.

B. van Ginneken, M. B. Stegmann and M. Loog, Segmentation of anatomical structures in chest radiographs using
supervised methods: a comparative study on a public database, Medical Image Analysis 10, 2006: the masks, as
GIF, and the two folds: images of odd numbers, on which the course's nets learn, and of even ones.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.source import SEED
from cnnreport.data.whole import whole_images
from cnnreport.errors import DataError

from .images import SIZE, Part, Parts

REMEDY = "unpack JSRT's images and SCR's masks again, or use --data lungs=drawn-lungs"

SPLIT = "of SCR's folds the second for tests, 12 images drawn from the first for validation"

SIDES = ("left lung", "right lung")
"""The folders of masks, of the patient's left and right; the heart and the clavicles have others."""

_WHITEST = 4095
"""The largest number of 12 bits."""

_DEPTHS = ("", "*/", "*/*/")
"""How far below the given folder files are looked for."""


@dataclass(frozen=True)
class Layout:
    """What is published.

    Args:
        nodules: How many images show a nodule: JPCLN001.IMG and so on.
        others: How many show none: JPCNN001.IMG and so on.
        validation: How many images of the first fold are for validation.
        image_side: Rows and columns of an image, in pixels, a multiple of 256.
        mask_side: Rows and columns of a mask, in pixels, a multiple of 256.
    """

    nodules: int = 154
    others: int = 93
    validation: int = 12
    image_side: int = 2048
    mask_side: int = 1024

    def cases(self) -> list[str]:
        """Return the names of all images, in their order."""
        kinds = (("JPCLN", self.nodules), ("JPCNN", self.others))
        return [f"{kind}{number:03}" for kind, count in kinds for number in range(1, count + 1)]


PUBLISHED = Layout()


def find(folder: Path) -> Path | None:
    """Return the folder where it or one in it, or in one of those, holds images or masks; else None."""
    files = (*_files(folder, "JPC[LN]N*.IMG"), *_files(folder, f"fold[12]/masks/{SIDES[0]}"))
    return folder if next(iter(files), None) else None


def read(place: Path, layout: Layout = PUBLISHED) -> Parts:
    """Read the radiographs of a folder.

    Args:
        place: What `find` returned.
        layout: How many images there have to be, and how large they are.

    Returns:
        Images of SIZE rows and columns, means of squares of pixels, 1 where most was in the way of the rays;
        as masks what is at least half lung. Test images are the second fold of SCR; the validation images
        are drawn from the first. All are in the order of their names.

    Raises:
        DataError: An image or a mask is missing, is there twice, is of another size or damaged, or a mask is
            empty.
    """
    cases = layout.cases()
    images = _by_name(_files(place, "JPC[LN]N*.IMG"), cases, "the radiograph")
    masks = {
        side: _by_name(_files(place, f"fold[12]/masks/{side}/*.gif"), cases, f"SCR's mask of the {side} of")
        for side in SIDES
    }
    return {
        part: Part(
            np.stack([_image(images[case], layout.image_side) for case in chosen]),
            np.stack([_lungs([masks[side][case] for side in SIDES], layout.mask_side) for case in chosen]),
        )
        for part, chosen in _split(cases, layout.validation).items()
    }


def _split(cases: list[str], validation: int) -> Mapping[str, list[str]]:
    """Divide cases by the folds of SCR: odd numbers are the first, even numbers the second."""
    first = [case for case in cases if int(case[-3:]) % 2]
    drawn = set(np.random.default_rng(SEED).permutation(first)[:validation])
    return {
        "train": [case for case in first if case not in drawn],
        "validation": [case for case in first if case in drawn],
        "test": [case for case in cases if case not in first],
    }


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    """Go through the files of a pattern in a folder and in those below it."""
    for depth in _DEPTHS:
        yield from sorted(folder.glob(depth + pattern))


def _by_name(files: Iterable[Path], cases: list[str], what: str) -> dict[str, Path]:
    """Return the file of each case.

    Raises:
        DataError: One has none, or several.
    """
    found: dict[str, Path] = {}
    for path in files:
        if path.stem in found:
            raise DataError(f"{what} {path.stem} is there twice", "keep one of the two")
        found[path.stem] = path
    missing = [case for case in cases if case not in found]
    if missing:
        others = f", and {len(missing) - 1} more of {len(cases)}" if missing[1:] else ""
        raise DataError(f"{what} {missing[0]} is missing{others}", REMEDY)
    return found


def _image(path: Path, side: int) -> NDArray[np.float32]:
    """Read a raw image and return it as float32 (256, 256), inverted, so that bones are bright."""
    try:
        expected, size = 2 * side**2, path.stat().st_size
        if size != expected:
            problem = f"{path.name} has {size} bytes, expected {expected}: {side} x {side} pixels of two each"
            raise DataError(problem, REMEDY)
        pixels = np.fromfile(path, ">u2").reshape(side, side)
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} cannot be read: {error}", REMEDY) from error
    if pixels.max() > _WHITEST:
        problem = f"{path.name} holds {pixels.max()}, more than the 12 bits of a big-endian image"
        raise DataError(problem, REMEDY)
    return (1 - _means(pixels) / np.float32(_WHITEST)).astype(np.float32)


def _lungs(paths: list[Path], side: int) -> NDArray[np.bool_]:
    """Read the masks of both lungs and return where at least half of a pixel is in one, bool (256, 256)."""
    both = np.logical_or(*[_mask(path, side) for path in paths])
    return _means(both) >= 0.5


def _mask(path: Path, side: int) -> NDArray[np.bool_]:
    """Read a mask, bool (side, side)."""
    from PIL import Image

    named = f"{path.parent.name}/{path.name}"
    try:
        with whole_images(), warnings.catch_warnings():
            warnings.simplefilter("error")  # an image so large that it may be an attack
            with Image.open(path, formats=("GIF",)) as image:
                if image.size != (side, side):
                    width, height = image.size
                    raise DataError(f"{named} is {width} x {height}, expected {side} x {side}", REMEDY)
                inside: NDArray[np.bool_] = np.asarray(image.convert("L")) > 127
    except (OSError, ValueError, SyntaxError, EOFError, Warning, Image.DecompressionBombError) as error:
        raise DataError(f"{named} is no GIF image, or a damaged one", REMEDY) from error
    if not inside.any():
        raise DataError(f"{named} is empty", REMEDY)
    return inside


def _means(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return the means of squares of pixels: of (side, side) float32 (256, 256)."""
    step = len(array) // SIZE
    rows = array.reshape(SIZE, step, -1).sum(axis=1, dtype=np.uint32)
    return rows.reshape(SIZE, SIZE, step).sum(axis=2, dtype=np.uint32) / np.float32(step**2)
