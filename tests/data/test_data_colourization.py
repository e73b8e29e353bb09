"""Promises of the choice and the preparation of the colourization data."""

import errno
import functools
import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import asked

from cnnreport.data import download
from cnnreport.data.data_set import Request
from cnnreport.data.drawn import meadow
from cnnreport.data.horses import cifar10, horses, palette, pixels
from cnnreport.data.horses.declaration import HORSES
from cnnreport.errors import DataError, EnvironmentFailure
from cnnreport.project import PACKAGE
from cnnreport.runs.fingerprint import source_closure

NOWHERE = "http://127.0.0.1:9/cifar-10-python.tar.gz"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache instead of the user's."""
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNREPORT_CIFAR10_URL", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a small set in CIFAR-10's form: 30 training images, 6 for validation."""
    place = tmp_path / "data" / cifar10.FOLDER
    place.mkdir(parents=True)
    for i, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        data = meadow.draw(6, seed=9, first=6 * i).rgb.reshape(6, 3072)
        (place / name).write_bytes(pickle.dumps({b"data": data, b"labels": [7] * 6}, 2))
    return tmp_path / "data"


def located(
    choice: str, folder: Path | None, *, url: str = NOWHERE, fetch: bool = True, palette: Path | None = None
) -> pixels.HorseSource:
    """Locate the images as a user asks for them, with a server at an address."""
    options = {"palette": str(palette)} if palette else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNREPORT_CIFAR10_URL", url)
        return horses.locate(asked(HORSES, choice, folder, fetch=fetch, **options))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that has the small set as an archive, whose hash is taken for the published one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(folder / cifar10.FOLDER, cifar10.FOLDER)
    monkeypatch.setattr(cifar10, "SHA256", hashlib.sha256(buffer.getvalue()).hexdigest())
    (folder / "www").mkdir()
    (folder / "www" / cifar10.ARCHIVE).write_bytes(buffer.getvalue())
    handler = functools.partial(_Quiet, directory=str(folder / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{cifar10.ARCHIVE}"
        server.shutdown()
        thread.join()


def test_the_data_folder_comes_first(folder: Path) -> None:
    """What the data folder holds is used, without any network."""
    source = located("auto", folder, url=NOWHERE)
    assert (source.name, source.origin, source.stand_in) == (
        "cifar10",
        "read from --data-dir; palette found by k-means",
        False,
    )
    assert source.reason == ""


def test_a_download_and_then_the_cache(address: str, cache: Path) -> None:
    """Without a data folder CIFAR-10 is downloaded once, and taken from the cache ever after."""
    first = located("auto", None, url=address)
    assert first.origin == "downloaded; palette found by k-means"
    second = located("cifar10", None, url=NOWHERE)
    assert second.origin == "from the user cache; palette found by k-means"
    assert second.fingerprint == first.fingerprint
    assert pixels.prepare(second, 4)["train_rgb"].shape == (30, 3, 32, 32)


def test_the_address_from_the_environment(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CNNREPORT_CIFAR10_URL names a mirror."""
    monkeypatch.setenv("CNNREPORT_CIFAR10_URL", address)
    assert horses.locate(Request("cifar10")).origin.startswith("downloaded")


def test_the_same_images_have_the_same_fingerprint(folder: Path, address: str) -> None:
    """Where the images come from does not matter, only what they are."""
    read = located("auto", folder, url=NOWHERE)
    assert located("auto", None, url=address).fingerprint == read.fingerprint


def test_meadow_where_nothing_can_be_had(tmp_path: Path) -> None:
    """Left to itself, the program draws meadows and says why, without a path."""
    source = located("auto", tmp_path, url=NOWHERE)
    assert (source.name, source.stand_in) == ("meadow", True)
    assert source.reason.startswith("CIFAR-10 is not in --data-dir or the cache and was not fetched: ")
    assert str(tmp_path) not in source.reason + source.origin


@pytest.mark.parametrize("choice", ["real", "cifar10"])
def test_no_stand_in_for_what_was_asked_for(choice: str) -> None:
    """Asked for CIFAR-10 or real data, the program stops with the ways out where it cannot be had."""
    with pytest.raises(DataError, match=r"was not fetched.*--data-dir.*--data horses=meadow"):
        located(choice, None, url=NOWHERE)


@pytest.mark.parametrize(("choice", "seconds"), [("auto", 2.0), ("cifar10", 15.0), ("real", 15.0)])
def test_patience(choice: str, seconds: float, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is waited for longer where CIFAR-10 was asked for by name."""
    fetch, waited = download.fetch, []

    def watched(*arguments: Any, **options: Any) -> Path:
        waited.append(options["first_byte_within"])
        return fetch(*arguments, **options)

    monkeypatch.setattr(download, "fetch", watched)
    located(choice, None, url=address)
    assert waited == [seconds]


@pytest.mark.skipif(os.name == "nt", reason="needs /dev/null as a folder's parent")
def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the machine stays one where CIFAR-10 was asked for, else it is the reason."""
    monkeypatch.setenv("CNNREPORT_CACHE", "/dev/null/cache")
    with pytest.raises(EnvironmentFailure, match=r"cannot write to the cache.*CNNREPORT_CACHE") as caught:
        located("cifar10", None, url=NOWHERE)
    assert caught.value.exit_code == 4
    source = located("auto", None, url=NOWHERE)
    assert "was not fetched: cannot write to the cache: " in source.reason


def test_no_space_for_the_selection(address: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full after the download is such a failure too, and no path is shown."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    located("cifar10", None, url=address)
    for path in cache.glob("*.npz"):
        path.unlink()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFailure, match="cannot write to the cache: no space left on device;"):
        located("cifar10", None, url=address)
    source = located("auto", None, url=address)
    assert source.reason.endswith("was not fetched: cannot write to the cache: no space left on device")


def test_only_looking() -> None:
    """Where nothing may be fetched, nothing is, and the reason says so."""
    source = located("auto", None, fetch=False, url=NOWHERE)
    assert source.reason == "CIFAR-10 is not in the cache and was not fetched: only a build fetches it"
    with pytest.raises(
        DataError, match="not in the cache and was not fetched: only a build fetches it; pass"
    ):
        located("cifar10", None, fetch=False, url=NOWHERE)


def test_damaged_data_never_become_a_meadow(folder: Path) -> None:
    """A damaged set stops the program even where the choice is left to it."""
    (folder / cifar10.FOLDER / "data_batch_4").write_bytes(b"\x80\x02}")
    with pytest.raises(DataError, match="data_batch_4 is damaged") as caught:
        located("auto", folder, url=NOWHERE)
    assert caught.value.exit_code == 5


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """A data folder that does not exist is an error, whatever was chosen."""
    with pytest.raises(DataError, match="does not exist; correct --data-dir"):
        located("meadow", tmp_path / "none")


def test_prepared_arrays(folder: Path) -> None:
    """The arrays have the promised shapes, and each label is the nearest colour."""
    data = pixels.prepare(located("auto", folder), 5)
    shapes = {name: (array.dtype.name, array.shape) for name, array in data.items()}
    assert shapes == {
        "train_rgb": ("uint8", (30, 3, 32, 32)),
        "validation_rgb": ("uint8", (6, 3, 32, 32)),
        "train_label": ("uint8", (30, 32, 32)),
        "validation_label": ("uint8", (6, 32, 32)),
        "palette": ("float32", (5, 3)),
    }
    assert np.array_equal(data["train_label"], palette.nearest(data["train_rgb"], data["palette"]))


def test_order(folder: Path) -> None:
    """All images are there once, in another order than in the files, the same each time."""
    source = located("auto", folder)
    stored = cifar10.read(folder / cifar10.FOLDER).train
    first, second = (pixels.prepare(source, 4)["train_rgb"] for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, stored)
    assert sorted(map(bytes, first)) == sorted(map(bytes, stored))


def test_limits(folder: Path) -> None:
    """Limits take the first of the shuffled images and leave the palette as it is."""
    source = located("auto", folder)
    whole, part = pixels.prepare(source, 4), pixels.prepare(source, 4, 7, 2)
    assert np.array_equal(part["train_rgb"], whole["train_rgb"][:7])
    assert np.array_equal(part["validation_label"], whole["validation_label"][:2])
    assert np.array_equal(part["palette"], whole["palette"])


def test_more_than_there_is(folder: Path) -> None:
    """More images than there are is an error."""
    source = located("auto", folder)
    with pytest.raises(DataError, match="31 training images are asked for, but there are 30"):
        pixels.prepare(source, 4, 31)


def test_limits_of_meadow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer scenes are the first of more, with the same palette; validation has scenes of its own."""
    monkeypatch.setattr(meadow, "TRAIN", 60)
    monkeypatch.setattr(meadow, "PALETTE_SCENES", 40)
    source = located("meadow", None)
    less, more = pixels.prepare(source, 6, 10, 5), pixels.prepare(source, 6, 50, 8)
    assert np.array_equal(less["train_rgb"], more["train_rgb"][:10])
    assert np.array_equal(less["validation_rgb"], more["validation_rgb"][:5])
    assert np.array_equal(less["palette"], more["palette"])
    assert not np.array_equal(less["validation_rgb"], less["train_rgb"][:5])


def test_a_given_palette(folder: Path) -> None:
    """A palette in the data folder is found, used as it is, and part of the fingerprint."""
    without = located("auto", folder)
    colours = np.linspace(0, 1, 12, dtype=np.float32).reshape(1, 4, 3)
    (folder / "colours").mkdir()
    np.save(folder / "colours" / "colour_kmeans24_cat7.npy", colours)
    source = located("auto", folder)
    assert source.fingerprint != without.fingerprint
    assert np.array_equal(pixels.prepare(source, 4)["palette"], colours[0])


def test_a_palette_of_another_size(folder: Path, tmp_path: Path) -> None:
    """A palette with another number of colours is refused."""
    np.save(tmp_path / "own.npy", np.zeros((4, 3)))
    source = located("auto", folder, palette=tmp_path / "own.npy")
    with pytest.raises(DataError, match=r"own\.npy has 4 colours, expected 24"):
        pixels.prepare(source, 24)


def test_other_images_have_another_fingerprint(folder: Path) -> None:
    """One changed pixel changes the fingerprint, and is noticed between locating and preparing."""
    source = located("auto", folder)
    path = folder / cifar10.FOLDER / "test_batch"
    batch = pickle.loads(path.read_bytes())  # noqa: S301  # written by this test
    batch[b"data"][0, 0] ^= 1
    path.write_bytes(pickle.dumps(batch, 2))
    assert located("auto", folder).fingerprint != source.fingerprint
    with pytest.raises(DataError, match="changed on the disk"):
        pixels.prepare(source, 4)


@pytest.mark.parametrize(
    ("choice", "own", "foreign"),
    [
        ("cifar10", {"cifar10", "pickles"}, {"meadow", "canvas", "horse"}),
        ("drawn", {"meadow", "canvas", "horse"}, {"cifar10", "pickles"}),
    ],
)
def test_a_run_depends_on_its_own_data_set_alone(
    choice: str, own: set[str], foreign: set[str], folder: Path
) -> None:
    """Neither the downloader, nor what chooses the set, nor the other set makes a run stale."""
    source = located(choice, folder, url=NOWHERE)
    roots = (*source.modules, HORSES.prepare.partition(":")[0])
    closure = {Path(path).stem for path in source_closure(roots, PACKAGE.parent)}
    assert own | {"pixels", "palette"} <= closure
    assert not closure & (foreign | {"download", "horses", "declaration", "palette_file"})


def test_locating_imports_nothing_heavy(folder: Path) -> None:
    """Importing and locating needs none of the large libraries."""
    program = (
        "import sys; from pathlib import Path; from cnnreport.data.horses import horses as c;"
        "from cnnreport.data.data_set import Request;"
        f"c.locate(Request('auto', Path({str(folder)!r})));"
        "print([m for m in ('torch', 'sklearn', 'scipy', 'requests', 'PIL') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_the_real_set() -> None:
    """CIFAR-10 itself, where it is at hand, is located and keeps its counts."""
    nearby = Path(__file__).parents[2].parent / "shared" / "data"
    place = Path(os.environ.get("CNNREPORT_DATA", nearby))
    if not place.is_dir() or cifar10.find(place) is None:
        pytest.skip("CIFAR-10 is not at hand")
    colours = np.random.default_rng(0).random((24, 3)).astype(np.float32)
    source = located("cifar10", place, url=NOWHERE)
    assert source.title == "CIFAR-10 horses"
    assert palette.nearest(cifar10.read(source.place or place).validation, colours).shape == (1000, 32, 32)
