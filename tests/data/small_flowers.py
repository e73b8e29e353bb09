"""A set of tiny images in the published form of the Oxford-17 flowers."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io  # type: ignore[import-untyped]
from PIL import Image

PALETTE = ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128))
RIM, FLOWER, LEAF, SCENE = 0, 1, 2, 3

COUNT = 24
WITHOUT = 24
"""The image that has no trimap."""

LISTS: dict[str, Any] = {
    "trn1": [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 24],
    "val1": [2, 4, 6, 8, 10, 12],
    "tst1": [14, 16, 18, 20, 22, 23],
    "trn2": [2, 3, 4, 5, 14, 15, 16, 17, 18, 19, 20, 1000],
    "val2": [1, 6, 7, 8, 9, 10],
    "tst2": [11, 12, 13, 21, 22, 23],
    "trn3": [1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22],
    "val3": [10, 11, 12, 13, 14, 15],
    "tst3": [16, 17, 18, 19, 23, 24],
}
"""Image 1000 is one of the published set that this one lacks, as the trimaps' folder lacks many."""


def indices(height: int = 20, width: int = 24) -> np.ndarray:
    """Return a trimap as numbers of its palette: a flower with a rim, a scene, a leaf below."""
    numbers = np.full((height, width), SCENE, np.uint8)
    numbers[-3:] = LEAF
    numbers[4:15, 5:18] = RIM
    numbers[6:13, 7:16] = FLOWER
    return numbers


def trimap(numbers: np.ndarray, mode: str = "P") -> Image.Image:
    """Return a trimap as an image."""
    image = Image.new("P", numbers.shape[::-1])
    image.putpalette([level for colour in PALETTE for level in colour])
    image.putdata(numbers.ravel().tolist())
    return image if mode == "P" else image.convert(mode)


def write(image: Image.Image, path: Path, **options: Any) -> None:
    """Write an image in the format that its name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def write_lists(place: Path, **changes: Any) -> None:
    """Write the file of lists; a change of None leaves a list out."""
    lists = {**LISTS, **changes}
    arrays = {k: np.array(v, None if len(v) else np.int64) for k, v in lists.items() if v is not None}
    scipy.io.savemat(place / "datasplits.mat", {k: np.atleast_2d(v) for k, v in arrays.items()})


def write_set(folder: Path) -> Path:
    """Write the set; image i is grey with the level 10 i, all trimaps are alike."""
    place = folder / "17flowers"
    (place / "jpg").mkdir(parents=True)
    (place / "trimaps").mkdir()
    for number in range(1, COUNT + 1):
        colour = Image.new("RGB", (24, 20), (10 * number,) * 3)
        write(colour, place / "jpg" / f"image_{number:04d}.jpg", quality=100)
        if number != WITHOUT:
            write(trimap(indices()), place / "trimaps" / f"image_{number:04d}.png")
    (place / "jpg" / "files.txt").write_text("image_0001.jpg\n")
    write_lists(place)
    return place


def pack(folder: Path, name: str = "") -> bytes:
    """Return a folder as a .tgz archive, in which it is called as given or as it is."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(folder, name or folder.name)
    return buffer.getvalue()


def publish(place: Path, target: Path) -> Path:
    """Write the three published files of a set into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    (target / "17flowers.tgz").write_bytes(pack(place / "jpg"))
    (target / "trimaps.tgz").write_bytes(pack(place / "trimaps"))
    (target / "datasplits.mat").write_bytes((place / "datasplits.mat").read_bytes())
    return target
