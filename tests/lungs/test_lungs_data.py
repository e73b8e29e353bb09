"""Promises of the set of radiographs: what is drawn, what is read, what is refused."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import center_of_mass, label

from cnnreport.data.data_set import Request
from cnnreport.errors import DataError

Lungs = Callable[[str], ModuleType]
SIZE = 64


@pytest.fixture
def drawn(lungs: Lungs) -> dict[str, np.ndarray]:
    """The first drawn images of each part."""
    sources = lungs("sources")
    counts = {"train_images": 6, "validation_images": 2, "test_images": 4}
    prepared: dict[str, np.ndarray] = sources.prepare(sources.locate(Request()), size=SIZE, **counts)
    return prepared


def test_drawn_radiographs_are_always_the_same(lungs: Lungs, drawn: dict[str, np.ndarray]) -> None:
    """Each image is what its number and its part decide, however many are drawn, and no two are alike."""
    sources = lungs("sources")
    again = sources.prepare(
        sources.locate(Request()), size=SIZE, train_images=3, validation_images=1, test_images=1
    )
    for name, array in again.items():
        np.testing.assert_array_equal(array, drawn[name][: len(array)])
    images = np.concatenate([drawn[f"{part}_images"] for part in ("train", "validation", "test")])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_a_drawn_mask_is_two_lungs(drawn: dict[str, np.ndarray]) -> None:
    """Each mask is two pieces, one on either side, as large as lungs are, and darker than what is between."""
    for image, mask in zip(drawn["train_images"][:, 0], drawn["train_masks"][:, 0], strict=True):
        pieces, count = label(mask)
        assert count == 2
        places = sorted(center_of_mass(mask, pieces, [1, 2]), key=lambda place: place[1])
        assert places[0][1] < 0.45 * SIZE < 0.55 * SIZE < places[1][1]
        assert all(0.25 * SIZE < down < 0.65 * SIZE for down, _ in places)
        assert all(0.03 < (pieces == piece).mean() < 0.25 for piece in (1, 2))
        columns = np.s_[:, round(places[0][1]) : round(places[1][1])]
        between = image[columns][~mask[columns]]
        assert image[mask].mean() < between.mean() - 0.05


def test_drawn_radiographs_are_marked(lungs: Lungs, tmp_path: Path) -> None:
    """They stand in where the real ones are not at hand, and the reason says why nothing can be fetched."""
    source = lungs("sources").locate(Request(folder=tmp_path))
    assert source.stand_in
    assert "not in --data-dir" in source.reason
    assert "may not be passed on" in source.reason


def test_real_radiographs_must_be_given(lungs: Lungs) -> None:
    """Who asks for the real ones never gets drawn ones."""
    with pytest.raises(DataError, match="may not be passed on") as raised:
        lungs("sources").locate(Request("jsrt"))
    assert raised.value.exit_code == 5


def arrays(**changed: np.ndarray) -> dict[str, np.ndarray]:
    """Return a small set in the layout of the course, with some arrays in place of the usual ones."""
    generator, made = np.random.default_rng(4), {}
    for part, count in (("train", 3), ("val", 1), ("test", 2)):
        made[f"x_{part}"] = generator.random((count, 256, 256))
        made[f"y_{part}"] = generator.integers(0, 2, (count, 256, 256)).astype(np.uint8)
    return {**made, **changed}


def located(lungs: Lungs, folder: Path, content: dict[str, Any], name: str = "lungs.npz") -> Any:
    """Write an npz and locate it."""
    np.savez(folder / name, **content)
    return lungs("sources").locate(Request(folder=folder))


def test_channels_may_stand_anywhere(lungs: Lungs, tmp_path: Path) -> None:
    """Images with a channel last, first or without one are the same set, whatever the file is called."""
    plain = arrays()
    last = {name: array[..., None] for name, array in plain.items()}
    first = {name: array[:, None] for name, array in plain.items()}
    prints = set()
    for number, content in enumerate((plain, last, first)):
        (folder := tmp_path / str(number)).mkdir()
        source = located(lungs, folder, content, f"chests-{number}.npz")
        assert not source.stand_in
        prints.add(source.fingerprint)
    assert len(prints) == 1


def test_images_are_made_smaller_by_means(lungs: Lungs, tmp_path: Path) -> None:
    """A pixel is the mean of its square, and lung where half of the square is; 256 leaves all as it was."""
    content = arrays()
    source = located(lungs, tmp_path, content)
    small = lungs("sources").prepare(source, size=128, test_images=1)
    assert small["test_images"].shape == (1, 1, 128, 128)
    for row, column in ((0, 0), (17, 90), (127, 127)):
        square = np.s_[0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert small["train_images"][0, 0, row, column] == pytest.approx(content["x_train"][square].mean())
        assert small["train_masks"][0, 0, row, column] == (content["y_train"][square].sum() >= 2)
    whole = lungs("sources").prepare(source, size=256)
    np.testing.assert_array_equal(whole["test_masks"][:, 0], content["y_test"].astype(bool))


def without_lung() -> np.ndarray:
    """Masks of which the second is empty."""
    masks = arrays()["y_test"]
    masks[1] = 0
    return masks


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "masks of another size": ({"y_train": np.ones((3, 128, 128))}, r"y_train in lungs\.npz is \(3, 128"),
    "fewer masks": ({"y_train": np.ones((2, 256, 256))}, r"y_train .* but its images x_train are \(3,"),
    "images of another size": ({"x_val": np.ones((1, 512, 512))}, r"x_val in lungs.npz is \(1, 512"),
    "a pickle": ({"x_test": np.array([{"a": 1}], object)}, "x_test in lungs.npz holds Python objects"),
    "an empty mask": ({"y_test": without_lung()}, "the mask of image 1 in y_test of lungs.npz is empty"),
    "grey levels": ({"x_train": 255 * arrays()["x_train"]}, "x_train in lungs.npz reaches from .* 0 to 1"),
    "no number": ({"x_val": np.full((1, 256, 256), np.nan)}, "x_val in lungs.npz reaches from nan"),
    "classes": ({"y_val": np.full((1, 256, 256), 2)}, "y_val in lungs.npz holds other values than 0 and 1"),
    "no images": ({"x_val": np.ones((0, 256, 256))}, "x_val in lungs.npz has no images"),
    "text": ({"x_val": np.full((1, 256, 256), "a")}, "x_val in lungs.npz is <U1, expected numbers"),
}  # fmt: skip
"""What is wrong with a file, its arrays, and what is said."""


@pytest.mark.parametrize("what", BAD)
def test_a_bad_npz_is_named(what: str, lungs: Lungs, tmp_path: Path) -> None:
    """Each fault of a file is said, with exit code 5, and never becomes drawn data."""
    changed, said = BAD[what]
    with pytest.raises(DataError, match=said) as raised:
        located(lungs, tmp_path, arrays(**changed))
    assert raised.value.exit_code == 5


def test_a_missing_part_is_named(lungs: Lungs, tmp_path: Path) -> None:
    """A file without one of the parts, or with no images at all, is refused by the names that it lacks."""
    content = {name: array for name, array in arrays().items() if "val" not in name}
    with pytest.raises(DataError, match=r"chests\.npz lacks x_val, y_val"):
        located(lungs, tmp_path, content, "chests.npz")
    with pytest.raises(DataError, match=r"lungs\.npz lacks x_train, y_train, x_val"):
        located(lungs, tmp_path, {"words": np.zeros(1)})


def test_two_files_are_one_too_many(lungs: Lungs, tmp_path: Path) -> None:
    """Where two files have radiographs, neither is guessed."""
    np.savez(tmp_path / "a.npz", x_train=np.zeros(1))
    with pytest.raises(DataError, match=r"a\.npz and b\.npz both hold radiographs"):
        located(lungs, tmp_path, {"y_test": np.zeros(1)}, "b.npz")


def test_a_file_that_is_no_npz(lungs: Lungs, tmp_path: Path) -> None:
    """A file of another kind, such as a whole pickle, is named."""
    (tmp_path / "lungs.npz").write_bytes(b"\x80\x04]\x94.")
    with pytest.raises(DataError, match=r"lungs\.npz is no npz file"):
        lungs("sources").locate(Request(folder=tmp_path))
