"""Promises of radiographs that are read as they are published: JSRT's raw images, SCR's masks."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnreport.data.data_set import Request
from cnnreport.errors import DataError

Lungs = Callable[[str], ModuleType]

SIDE = 512
CASES = ("JPCLN001", "JPCLN002", "JPCLN003", "JPCLN004", "JPCLN005", "JPCNN001", "JPCNN002", "JPCNN003")
FOLD_1 = {"JPCLN001", "JPCLN003", "JPCLN005", "JPCNN001", "JPCNN003"}


def raw(number: int) -> bytes:
    """Return an image whose squares of four pixels hold 100 n + 0, 2, 4 and 6, and their column besides."""
    values = np.full((SIDE, SIDE), 100 * number)
    values[::2, 1::2] += 2
    values[1::2, ::2] += 4
    values[1::2, 1::2] += 6
    values += np.arange(SIDE) // 2
    return np.stack([values // 256, values % 256], axis=-1).astype(np.uint8).tobytes()  # the high byte first


def write_mask(folder: Path, case: str, side: str, inside: np.ndarray) -> None:
    """Save a mask as a GIF where SCR has it."""
    folder = folder / "scr" / ("fold1" if case in FOLD_1 else "fold2") / "masks" / side
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 * inside.astype(np.uint8)).save(folder / f"{case}.gif")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small set: the images in one folder, the masks of two folds in another."""
    folder = tmp_path_factory.mktemp("jsrt")
    (folder / "All247images").mkdir()
    left, right = np.zeros((2, SIDE, SIDE), bool)
    left[200:300, 300:400] = right[200:300, 100:200] = True
    left[0, 0] = right[1, 1] = True  # each has a quarter of the first pixel, together half of it
    left[0, 2] = True  # a quarter of the second
    for number, case in enumerate(CASES):
        (folder / "All247images" / f"{case}.IMG").write_bytes(raw(number))
        write_mask(folder, case, "left lung", left)
        write_mask(folder, case, "right lung", right)
        write_mask(folder, case, "heart", ~(left | right))
    return folder


@pytest.fixture
def read(lungs: Lungs) -> Callable[[Path], Any]:
    """The function that reads a folder, for a set of eight images."""
    published = lungs("published")
    layout = published.Layout(nodules=5, others=3, validation=2, image_side=SIDE, mask_side=SIDE)
    return partial(published.read, layout=layout)


def numbers(images: np.ndarray) -> list[int]:
    """Tell which cases images (N, 256, 256) are of, from their first pixels."""
    return [round((4095 * (1 - float(image[0, 0])) - 3) / 100) for image in images]


def test_the_published_set_is_the_whole_of_jsrt(lungs: Lungs) -> None:
    """There are 247 cases, of which 124 have odd numbers, the first fold of SCR, and 123 even ones."""
    cases = lungs("published").PUBLISHED.cases()
    assert (len(set(cases)), cases[0], cases[153], cases[154], cases[-1]) == (
        247,
        "JPCLN001",
        "JPCLN154",
        "JPCNN001",
        "JPCNN093",
    )
    assert sum(case[-1] in "13579" for case in cases) == 124


def test_pixels_are_means_and_inverted(whole: Path, read: Callable[[Path], Any]) -> None:
    """A pixel is 1 less the mean of its square in 4095ths, so that what held back most rays is brightest."""
    test = read(whole)["test"]
    assert test.images.dtype == np.float32
    for number, image in zip((1, 3, 6), test.images, strict=True):
        expected = 1 - (100 * number + 3 + np.arange(256)) / 4095
        np.testing.assert_allclose(image, np.tile(expected, (256, 1)), atol=1e-6)


def test_masks_are_both_lungs(whole: Path, read: Callable[[Path], Any]) -> None:
    """A pixel is lung where the two lungs together have at least half of it; the heart is left out."""
    expected = np.zeros((256, 256), bool)
    expected[100:150, 50:100] = expected[100:150, 150:200] = expected[0, 0] = True
    for part in read(whole).values():
        assert all((mask == expected).all() for mask in part.masks)


def test_parts_are_the_folds_of_scr(whole: Path, read: Callable[[Path], Any]) -> None:
    """Even numbers are for tests; validation images are drawn from the odd ones, the same at each time."""
    first, second = read(whole), read(whole)
    assert numbers(first["test"].images) == [1, 3, 6]
    drawn = numbers(first["validation"].images)
    assert len(drawn) == 2
    assert sorted(drawn + numbers(first["train"].images)) == [0, 2, 4, 5, 7]
    assert numbers(second["validation"].images) == drawn


def test_a_set_is_the_same_from_folders_and_from_an_npz(
    lungs: Lungs, whole: Path, read: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published files are found in folders of the given one, are marked as real, and are what an npz with the
    same pixels is; the origin says how they were divided."""
    monkeypatch.setattr(lungs("published"), "read", read)
    sources = lungs("sources")
    source = sources.locate(Request(folder=whole))
    assert (source.name, source.stand_in) == ("jsrt", False)
    assert "as published; of SCR's folds the second for tests" in source.origin
    assert "3 train, 2 validation, 3 test images" in source.origin
    prepared = sources.prepare(source, size=256)
    arrays = {
        f"{kind}_{part}": prepared[f"{of}_{what}"]
        for part, of in (("train", "train"), ("val", "validation"), ("test", "test"))
        for kind, what in (("x", "images"), ("y", "masks"))
    }
    np.savez(tmp_path / "lungs.npz", **arrays)
    assert sources.locate(Request(folder=tmp_path)).fingerprint == source.fingerprint


def cut(file: Path) -> None:
    """Leave the first half of a file."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def swap(file: Path) -> None:
    """Write an image with the low byte first."""
    np.frombuffer(file.read_bytes(), ">u2").astype("<u2").tofile(file)


IMAGES, MASKS = "All247images", "scr/fold1/masks"
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a mask is missing": (
        lambda at: (at / MASKS / "right lung/JPCLN003.gif").unlink(),
        "SCR's mask of the right lung of JPCLN003 is missing; unpack",
    ),
    "all masks are missing": (
        lambda at: shutil.rmtree(at / "scr"),
        "SCR's mask of the left lung of JPCLN001 is missing, and 7 more of 8",
    ),
    "images are missing": (
        lambda at: [(at / IMAGES / f"{case}.IMG").unlink() for case in ("JPCLN004", "JPCNN002")],
        "the radiograph JPCLN004 is missing, and 1 more of 8",
    ),
    "a truncated image": (
        lambda at: cut(at / IMAGES / "JPCNN001.IMG"),
        r"JPCNN001\.IMG has 262144 bytes, expected 524288: 512 x 512",
    ),
    "another byte order": (
        lambda at: swap(at / IMAGES / "JPCLN002.IMG"),
        r"JPCLN002\.IMG holds \d+, more than the 12 bits of a big-endian image",
    ),
    "an image twice": (
        lambda at: shutil.copy(at / IMAGES / "JPCLN002.IMG", at),
        "the radiograph JPCLN002 is there twice",
    ),
    "no image": (
        lambda at: (at / MASKS / "left lung/JPCNN003.gif").write_text("<html>not found</html>"),
        r"left lung/JPCNN003\.gif is no GIF image",
    ),
    "half a mask": (
        lambda at: cut(at / MASKS / "left lung/JPCLN005.gif"),
        r"left lung/JPCLN005\.gif is no GIF image, or a damaged one",
    ),
    "another size": (
        lambda at: write_mask(at, "JPCLN001", "left lung", np.ones((64, 128), bool)),
        r"left lung/JPCLN001\.gif is 128 x 64, expected 512 x 512",
    ),
    "an empty mask": (
        lambda at: write_mask(at, "JPCLN001", "right lung", np.zeros((SIDE, SIDE), bool)),
        r"right lung/JPCLN001\.gif is empty",
    ),
}
"""What is wrong with a folder, how it comes about, and what is said."""


@pytest.mark.parametrize("what", BAD)
def test_a_bad_folder_is_named(what: str, whole: Path, read: Callable[[Path], Any], tmp_path: Path) -> None:
    """Each fault of published files is said, with the file and exit code 5."""
    spoil, said = BAD[what]
    folder = tmp_path / "copied"
    shutil.copytree(whole, folder)
    spoil(folder)
    with pytest.raises(DataError, match=said) as raised:
        read(folder)
    assert raised.value.exit_code == 5


def test_half_of_the_downloads_is_not_taken_for_none(lungs: Lungs, whole: Path, tmp_path: Path) -> None:
    """Where there are masks without images, that is an error, and no radiographs are drawn instead."""
    shutil.copytree(whole / "scr", tmp_path / "scr")
    with pytest.raises(DataError, match=r"the radiograph JPCLN001 is missing, and 246 more of 247"):
        lungs("sources").locate(Request(folder=tmp_path))
