"""Files that are damaged anywhere, as a bad disk leaves them, are named."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cnnreport.errors import DataError

Part = Callable[[str], ModuleType]


def test_damaged_arrays_are_named(tmp_path: Path, part: Part) -> None:
    """Wherever two bytes are others: what can still be read has the values of before, all else is refused."""
    values = np.random.default_rng(0).integers(0, 9, 2000)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, values=values)
    whole, told = path.read_bytes(), []
    for place in range(0, len(whole) - 1, 11):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        changed[place + 1] ^= 0x55
        path.write_bytes(changed)
        try:
            read = part("packed").read(path, ["values"], "mend it")["values"]
        except DataError as error:
            told.append(str(error))
        else:
            np.testing.assert_array_equal(read, values)
    assert any("decompressing" in one for one in told)
    assert {one.partition(" ")[0] for one in told} == {"a.npz"}


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file may hold more than a machine does."""
    np.savez_compressed(tmp_path / "a.npz", values=np.zeros(1 << 20))
    monkeypatch.setattr(part("packed"), "LARGEST", 1 << 20)
    with pytest.raises(DataError, match=r"a\.npz unpacks to 8 MiB, more than are accepted"):
        part("packed").read(tmp_path / "a.npz", ["values"], "mend it")
