"""Promises of the reader of CIFAR-10."""

import io
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnreport.data.horses import cifar10
from cnnreport.errors import DataError

BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def batch(seed: int, count: int = 8, **changes: Any) -> dict[bytes, Any]:
    """Return a small batch in which every other image is a horse."""
    generator = np.random.default_rng(seed)
    data = generator.integers(0, 256, (count, 3072)).astype(np.uint8)
    whole: dict[bytes, Any] = {b"data": data, b"labels": [7 if i % 2 else 3 for i in range(count)]}
    return {**whole, **{key.encode(): value for key, value in changes.items()}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small set in CIFAR-10's form."""
    place = tmp_path / cifar10.FOLDER
    place.mkdir()
    for i, name in enumerate(BATCHES):
        (place / name).write_bytes(pickle.dumps(batch(i), 2))
    return tmp_path


def packed(folder: Path, prefix: str = "") -> Path:
    """Pack the set into an archive as it is published, and remove the folder."""
    archive = folder / cifar10.ARCHIVE
    with tarfile.open(archive, "w:gz") as tar:
        for name in BATCHES:
            path = folder / cifar10.FOLDER / name
            tar.add(path, f"{prefix}{cifar10.FOLDER}/{name}")
            path.unlink()
    (folder / cifar10.FOLDER).rmdir()
    return archive


def found(folder: Path) -> Path:
    """Return where the set is."""
    place = cifar10.find(folder)
    assert place is not None
    return place


def test_only_horses_in_order(folder: Path) -> None:
    """The horses of the five batches are the training images, those of the sixth the validation."""
    images = cifar10.read(found(folder))
    expected = [batch(i)[b"data"][1::2].reshape(-1, 3, 32, 32) for i in range(6)]
    assert np.array_equal(images.train, np.concatenate(expected[:5]))
    assert np.array_equal(images.validation, expected[5])


def test_the_folder_itself(folder: Path) -> None:
    """The folder of batches may be named directly."""
    assert len(cifar10.read(found(folder / cifar10.FOLDER)).train) == 20


def test_the_archive(folder: Path) -> None:
    """The archive gives the same images as the folder, and nothing is unpacked."""
    expected = cifar10.read(found(folder)).fingerprint()
    packed(folder)
    assert cifar10.read(found(folder)).fingerprint() == expected
    assert [path.name for path in folder.iterdir()] == [cifar10.ARCHIVE]


def test_names_that_climb_are_harmless(folder: Path) -> None:
    """An archive whose names point outside writes nothing anywhere."""
    packed(folder, prefix="../../")
    assert len(cifar10.read(found(folder)).train) == 20
    assert [path.name for path in folder.iterdir()] == [cifar10.ARCHIVE]


def test_nothing_there(tmp_path: Path) -> None:
    """A folder without the set is not taken for one."""
    assert cifar10.find(tmp_path) is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_half_an_archive(folder: Path, share: float) -> None:
    """A half-downloaded archive is named as such."""
    archive = packed(folder)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz (is damaged or half downloaded|lacks)"):
        cifar10.read(archive)


def test_a_bomb(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that unpacks to more than any real one is refused on the way."""
    monkeypatch.setattr(cifar10, "LARGEST_ARCHIVE", 1 << 20)
    archive = folder / cifar10.ARCHIVE
    with tarfile.open(archive, "w:gz") as tar:
        header = tarfile.TarInfo("padding")
        header.size = 4 << 20
        tar.addfile(header, io.BytesIO(bytes(4 << 20)))
    with pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        cifar10.read(archive)


def test_a_missing_batch(folder: Path) -> None:
    """A missing batch is named."""
    (folder / cifar10.FOLDER / "data_batch_3").unlink()
    with pytest.raises(DataError, match="lacks data_batch_3"):
        cifar10.read(found(folder))


def test_a_truncated_batch(folder: Path) -> None:
    """A batch that was cut off is named."""
    path = folder / cifar10.FOLDER / "data_batch_2"
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(DataError, match="data_batch_2 is damaged or cut off"):
        cifar10.read(found(folder))


def test_a_huge_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file far beyond a batch's size is not even read."""
    monkeypatch.setattr(cifar10, "LARGEST_BATCH", 1000)
    with pytest.raises(DataError, match=r"data_batch_1 has \d+ bytes"):
        cifar10.read(found(folder))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": np.zeros((8, 3071), np.uint8)}, r"uint8 \(8, 3071\), expected uint8 \(n, 3072\)"),
        ({"data": np.zeros((8, 3072), np.float32)}, r"float32 \(8, 3072\), expected uint8"),
        ({"data": b"pixels"}, "is bytes, expected uint8"),
        ({"labels": [7] * 7}, "7 labels for 8 images"),
        ({"labels": None}, "0 labels for 8 images"),
        ({"labels": [7] * 7 + [10]}, "not all whole numbers from 0 to 9"),
        ({"labels": [7] * 7 + ["7"]}, "not all whole numbers from 0 to 9"),
    ],
)
def test_what_does_not_fit(folder: Path, changes: dict[str, Any], message: str) -> None:
    """Pixels and labels of another form are refused with what was expected and found."""
    (folder / cifar10.FOLDER / "test_batch").write_bytes(pickle.dumps(batch(5, **changes), 2))
    with pytest.raises(DataError, match=message):
        cifar10.read(found(folder))


def test_no_horses(folder: Path) -> None:
    """A set without the wanted class is refused."""
    with pytest.raises(DataError, match="0 training and 0 test images of class 2"):
        cifar10.read(found(folder), label=2)


def test_kept_images(folder: Path) -> None:
    """The selection kept beside a download is trusted only while its bytes are those written."""
    images = cifar10.read(found(folder))
    cifar10.keep(images, folder)
    again = cifar10.kept(folder)
    assert again is not None
    assert again.fingerprint() == images.fingerprint()
    (path,) = folder.glob("*.npz")
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    assert cifar10.kept(folder) is None


def test_the_real_set() -> None:
    """CIFAR-10 itself, where it is at hand, has 5000 and 1000 horses."""
    nearby = Path(__file__).parents[2].parent / "shared" / "data"
    place = cifar10.find(Path(os.environ.get("CNNREPORT_DATA", nearby)))
    if place is None:
        pytest.skip("CIFAR-10 is not at hand")
    images = cifar10.read(place)
    assert images.train.shape == (5000, 3, 32, 32)
    assert images.validation.shape == (1000, 3, 32, 32)
