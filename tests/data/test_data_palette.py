"""Promises of the colour palette."""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from cnnreport.data import meadow, palette
from cnnreport.errors import DataError

COLOURS = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)


def saved(tmp_path: Path, array: np.ndarray) -> Path:
    """Write an array as .npy, objects pickled."""
    path = tmp_path / "colours.npy"
    np.save(path, array, allow_pickle=True)
    return path


def test_plain(tmp_path: Path) -> None:
    """An array (NC, 3) is the palette."""
    found = palette.read(saved(tmp_path, COLOURS.astype(float)))
    assert found.dtype == np.float32
    assert np.array_equal(found, COLOURS)


def test_several(tmp_path: Path) -> None:
    """Of several palettes the first is taken, as from the course's file."""
    assert np.array_equal(palette.read(saved(tmp_path, np.stack([COLOURS, 1 - COLOURS]))), COLOURS)


def test_by_columns(tmp_path: Path) -> None:
    """An array stored by columns keeps its colours."""
    assert np.array_equal(palette.read(saved(tmp_path, np.asfortranarray(COLOURS))), COLOURS)


def test_objects(tmp_path: Path) -> None:
    """An object array whose first element is a palette is read without trusting its pickle."""
    array = np.empty(2, object)
    array[0], array[1] = COLOURS, [1, 2]
    assert np.array_equal(palette.read(saved(tmp_path, array)), COLOURS)


def test_objects_of_numbers(tmp_path: Path) -> None:
    """An object array of bare numbers (NC, 3) is a palette too."""
    assert np.array_equal(palette.read(saved(tmp_path, COLOURS.astype(object))), COLOURS)


def test_a_command_in_objects(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An object array that would run a command is refused, and the command does not run."""

    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, ("echo owned",)

    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"shape": (1,), "fortran_order": False, "descr": "|O"})
    path = tmp_path / "colours.npy"
    path.write_bytes(buffer.getvalue() + pickle.dumps(np.array([Attack()], object)))
    with pytest.raises(DataError, match=r"colours\.npy is not a plain data file.*system"):
        palette.read(path)
    assert "owned" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4)), r"float64 \(4, 4\), expected float \(NC, 3\)"),
        (np.zeros(3), r"float64 \(3,\), expected"),
        (np.zeros((0, 3)), r"\(0, 3\), expected"),
        (np.zeros((1, 2, 4, 3)), r"\(1, 2, 4, 3\), expected"),
        (np.array([["a", "b", "c"]]), "expected float"),
        (COLOURS * 255, r"range from 0 to 255, expected 0 to 1"),
        (COLOURS - 0.5, r"range from -0.5 to 0.5, expected 0 to 1"),
        (np.where(COLOURS == 0, np.nan, COLOURS), "range from nan to nan, expected 0 to 1"),
    ],
)
def test_what_is_no_palette(tmp_path: Path, array: np.ndarray, message: str) -> None:
    """Anything but colours from 0 to 1 is refused with what was expected and found."""
    with pytest.raises(DataError, match=message):
        palette.read(saved(tmp_path, array))


@pytest.mark.parametrize("size", [0, 20, 150])
def test_truncated(tmp_path: Path, size: int) -> None:
    """A file that was cut off is refused."""
    path = saved(tmp_path, COLOURS)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=r"colours\.npy is (not a \.npy file|cut off)"):
        palette.read(path)


def test_missing(tmp_path: Path) -> None:
    """A missing file is named."""
    with pytest.raises(DataError, match=r"cannot read the palette none\.npy"):
        palette.read(tmp_path / "none.npy")


def test_clusters_are_the_colours_there_are() -> None:
    """Where the images have exactly NC colours, those are the palette, from dark to light."""
    colours = np.array([[250, 250, 240], [10, 20, 30], [30, 200, 60]], np.uint8)
    rgb = colours[np.random.default_rng(0).integers(0, 3, (4, 8, 8))].transpose(0, 3, 1, 2)
    found = palette.cluster(rgb, 3)
    assert np.allclose(found * 256, colours[[1, 2, 0]], atol=1e-3)


def test_clusters_are_the_same_again() -> None:
    """The same images give the same bytes."""
    rgb = meadow.draw(40).rgb
    first, second = palette.cluster(rgb, 8), palette.cluster(rgb, 8)
    assert first.tobytes() == second.tobytes()
    assert first.dtype == np.float32
    assert first.shape == (8, 3)


def test_too_few_colours() -> None:
    """Fewer different colours than clusters is an error, not a repeated colour."""
    with pytest.raises(DataError, match="1 different colours, expected at least 3"):
        palette.cluster(np.zeros((2, 3, 4, 4), np.uint8), 3)


def test_nearest_against_a_plain_loop() -> None:
    """Labels agree with the definition, computed pixel by pixel."""
    rgb = np.random.default_rng(1).integers(0, 256, (2, 3, 5, 7)).astype(np.uint8)
    labels = palette.nearest(rgb, COLOURS)
    for image, row, column in np.ndindex(2, 5, 7):
        pixel = rgb[image, :, row, column] / 256
        distances = [sum((a - b) ** 2 for a, b in zip(pixel, c, strict=True)) for c in COLOURS.tolist()]
        assert labels[image, row, column] == int(np.argmin(distances))


def test_ties_go_to_the_first() -> None:
    """A pixel between two colours gets the one with the lower number."""
    colours = np.array([[0.25, 0, 0], [0.75, 0, 0], [0.25, 0, 0]], np.float32)
    rgb = np.zeros((1, 3, 1, 2), np.uint8)
    rgb[0, 0, 0] = [128, 64]
    assert palette.nearest(rgb, colours).tolist() == [[[0, 0]]]
