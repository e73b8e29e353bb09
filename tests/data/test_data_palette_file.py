"""Promises of the reader of palettes."""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from cnnreport.data.horses import palette_file
from cnnreport.errors import DataError

COLOURS = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)


def saved(tmp_path: Path, array: np.ndarray) -> Path:
    """Write an array as .npy, objects pickled."""
    path = tmp_path / "colours.npy"
    np.save(path, array, allow_pickle=True)
    return path


def test_plain(tmp_path: Path) -> None:
    """An array (NC, 3) is the palette."""
    found = palette_file.read(saved(tmp_path, COLOURS.astype(float)))
    assert found.dtype == np.float32
    assert np.array_equal(found, COLOURS)


def test_several(tmp_path: Path) -> None:
    """Of several palettes the first is taken, as from the course's file."""
    assert np.array_equal(palette_file.read(saved(tmp_path, np.stack([COLOURS, 1 - COLOURS]))), COLOURS)


def test_by_columns(tmp_path: Path) -> None:
    """An array stored by columns keeps its colours."""
    assert np.array_equal(palette_file.read(saved(tmp_path, np.asfortranarray(COLOURS))), COLOURS)


def test_objects(tmp_path: Path) -> None:
    """An object array whose first element is a palette is read without trusting its pickle."""
    array = np.empty(2, object)
    array[0], array[1] = COLOURS, [1, 2]
    assert np.array_equal(palette_file.read(saved(tmp_path, array)), COLOURS)


def test_objects_of_numbers(tmp_path: Path) -> None:
    """An object array of bare numbers (NC, 3) is a palette too."""
    assert np.array_equal(palette_file.read(saved(tmp_path, COLOURS.astype(object))), COLOURS)


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
        palette_file.read(path)
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
        palette_file.read(saved(tmp_path, array))


@pytest.mark.parametrize("size", [0, 20, 150])
def test_truncated(tmp_path: Path, size: int) -> None:
    """A file that was cut off is refused."""
    path = saved(tmp_path, COLOURS)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=r"colours\.npy is (not a \.npy file|cut off)"):
        palette_file.read(path)


def test_missing(tmp_path: Path) -> None:
    """A missing file is named."""
    with pytest.raises(DataError, match=r"cannot read the palette none\.npy"):
        palette_file.read(tmp_path / "none.npy")
