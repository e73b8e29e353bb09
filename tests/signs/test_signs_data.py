"""Promises of the set of traffic signs: where they come from, how they are divided, what is refused."""

import functools
import hashlib
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import ImageFile
from small_signs import CLASSES, TRAIN, arrays, packed, ppm, unpacked, write_npz

from cnnreport.data.data_set import Request
from cnnreport.errors import DataError, UsageError

Part = Callable[[str], ModuleType]
NOWHERE = "http://127.0.0.1:9/signs"


def located(part: Part, folder: Path | None, choice: str = "auto", **asked: Any) -> Any:
    """Locate the signs as a user asks for them, where no server answers unless one is named."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNREPORT_GTSRB_URL", asked.pop("url", NOWHERE))
        return part("signs.signs").locate(Request(choice, folder, **asked))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that has the three archives of a small set, whose hashes are taken for the published ones."""
    folder = packed(tmp_path / "www")
    published = part("signs.published")
    own = {
        name: (f"md5:{hashlib.md5((folder / name).read_bytes()).hexdigest()}", limit)
        for name, (_, limit) in published.ARCHIVES.items()
    }
    monkeypatch.setattr(published, "ARCHIVES", own)
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_same_set_in_three_layouts(part: Part, tmp_path: Path) -> None:
    """An npz, the published folders and the published archives with the same images are the same signs."""
    write_npz(tmp_path)
    found = [
        located(part, place).content
        for place in (tmp_path, unpacked(tmp_path / "folders"), packed(tmp_path / "archives"))
    ]
    assert found[0] == found[1] == found[2]


def test_images_come_out_as_they_went_in(part: Part, tmp_path: Path) -> None:
    """Each training image stands in one part, under the label that its number says, in channels first."""
    write_npz(tmp_path)
    prepared = part("signs.signs").prepare(located(part, tmp_path))
    seen = []
    for name in ("train", "validation"):
        images, labels = prepared[f"{name}_images"], prepared[f"{name}_label"]
        assert images.shape[1:] == (3, 28, 28)
        seen += [(int(image[0, 0, 0]), int(label)) for image, label in zip(images, labels, strict=True)]
    expected = [(number % 256, number // 6) for number in range(TRAIN)]
    assert Counter(seen) == Counter(expected)


def test_a_download_and_then_the_cache(address: str, part: Part, tmp_path: Path) -> None:
    """Without a folder the archives are downloaded once, and what is made of them is taken ever after."""
    first = located(part, None, url=address)
    assert first.origin.startswith("downloaded; 258 training and 86 test images")
    second = located(part, None, "gtsrb", fetch=False)
    assert second.origin.startswith("from the user cache")
    assert second.fingerprint == first.fingerprint == located(part, packed(tmp_path / "again")).fingerprint
    assert len(part("signs.signs").prepare(second)["test_label"]) == 86


def test_an_archive_of_another_hash_is_refused(address: str, part: Part, tmp_path: Path) -> None:
    """What a server sends is held against the published hash."""
    with (tmp_path / "www" / "GTSRB_Final_Test_GT.zip").open("ab") as file:
        file.write(b"more")
    with pytest.raises(DataError, match="another MD5 than the published file"):
        located(part, None, "gtsrb", url=address)


def test_drawn_signs_stand_in(part: Part) -> None:
    """Where nobody has the signs, drawn ones are taken, marked as such, with the reason."""
    source = located(part, None)
    assert source.stand_in
    assert source.title == "Drawn signs"
    assert "were not fetched" in source.reason


def test_asked_for_by_name_they_must_be_there(part: Part, tmp_path: Path) -> None:
    """Who asks for the real signs never gets drawn ones."""
    with pytest.raises(DataError, match="are not in --data-dir or the cache"):
        located(part, tmp_path, "gtsrb", fetch=False)


def test_no_track_is_on_both_sides(part: Part) -> None:
    """The frames of a track, of whatever length, are all for training or all for validation."""
    generator = np.random.default_rng(1)
    labels = np.repeat(np.arange(CLASSES), 40)
    tracks = generator.integers(0, 9, len(labels))
    out = part("signs.images").held_out(labels, tracks, "tracks")
    sides = {(label, track): set() for label, track in zip(labels, tracks, strict=True)}
    for label, track, apart in zip(labels, tracks, out, strict=True):
        sides[label, track].add(bool(apart))
    assert {len(of) for of in sides.values()} == {1}
    assert {int(label) for label in labels[out]} == set(range(CLASSES)) == {int(n) for n in labels[~out]}


def test_a_random_split_is_as_large(part: Part) -> None:
    """Frame by frame as many images of each class are held out as track by track, but of most tracks."""
    labels = np.repeat(np.arange(CLASSES), 40)
    tracks = np.tile(np.repeat(np.arange(8), 5), CLASSES)
    images = part("signs.images")
    by_track, by_frame = (images.held_out(labels, tracks, name) for name in ("tracks", "random"))
    assert np.bincount(labels[by_track]).tolist() == np.bincount(labels[by_frame]).tolist()
    pairs = [{*zip(labels[out], tracks[out], strict=True)} for out in (by_track, by_frame)]
    assert len(pairs[1]) > 2 * len(pairs[0])


def test_another_split_is_refused(part: Part) -> None:
    """A split is one of two."""
    with pytest.raises(UsageError, match="no split 'frames'"):
        part("signs.images").held_out(np.zeros(2, int), np.arange(2), "frames")


def test_the_first_images_are_of_all_classes(part: Part, tmp_path: Path) -> None:
    """However few images are taken, the classes have equally many, give or take one."""
    write_npz(tmp_path)
    prepared = part("signs.signs").prepare(located(part, tmp_path), train_images=100, test_images=43)
    assert {*np.bincount(prepared["train_label"], minlength=CLASSES).tolist()} == {2, 3}
    assert sorted(prepared["test_label"].tolist()) == list(range(CLASSES))


BAD = {
    "a pickle": ({"train": np.array([{"a": 1}], object)}, "train in gtsrb28.npz holds Python objects"),
    "no class 42": (
        {"train_labels": np.minimum(arrays()["train_labels"], 41)},
        "training images: there is none of class 42",
    ),
    "a class without test images": (
        {"test_labels": np.where(arrays()["test_labels"] == 5, 6, arrays()["test_labels"])},
        "test images: there is none of class 5",
    ),
    "no such class": ({"test_labels": np.full(86, 43, np.uint8)}, "43 is no class, which are 0 to 42"),
    "another size": ({"test": np.zeros((86, 32, 32, 3), np.uint8)}, "test in gtsrb28.npz is uint8"),
    "too few labels": ({"test_labels": np.zeros(3, np.uint8)}, "86 test images and 3 labels"),
    "one track": ({"train_tracks": np.zeros(TRAIN, np.uint16)}, "single track of class 0, 1, 2, 3, 4 and 38"),
    "fractions": ({"train_labels": np.zeros(TRAIN)}, "train_labels in gtsrb28.npz is float64"),
}
"""What is wrong with a file, its arrays, and what is said."""


@pytest.mark.parametrize("what", BAD)
def test_a_bad_npz_is_named(what: str, part: Part, tmp_path: Path) -> None:
    """Each fault of a file is said, with exit code 5, and never becomes drawn data."""
    changed, said = BAD[what]
    write_npz(tmp_path, **changed)
    with pytest.raises(DataError, match=said) as raised:
        located(part, tmp_path)
    assert raised.value.exit_code == 5


def test_an_npz_without_an_array(part: Part, tmp_path: Path) -> None:
    """A missing array is named."""
    np.savez(tmp_path / "gtsrb28.npz", train=np.zeros(3))
    with pytest.raises(DataError, match="lacks train_labels, train_tracks, test, test_labels"):
        located(part, tmp_path)


def test_a_file_that_is_no_npz(part: Part, tmp_path: Path) -> None:
    """So is a file of another kind, such as a whole pickle."""
    (tmp_path / "gtsrb28.npz").write_bytes(b"\x80\x04]\x94.")
    with pytest.raises(DataError, match=r"gtsrb28\.npz is no npz file"):
        located(part, tmp_path)


def test_an_image_that_is_none(part: Part, tmp_path: Path) -> None:
    """A file that is called an image and is none is named."""
    folder = unpacked(tmp_path / "folders")
    (folder / "GTSRB/Final_Training/Images/00003/00001_00001.ppm").write_bytes(b"<html>not found</html>")
    with pytest.raises(
        DataError, match=r"GTSRB/Final_Training/Images/00003/00001_00001\.ppm is no image"
    ) as raised:
        located(part, folder)
    assert raised.value.exit_code == 5


@pytest.mark.parametrize("lenient", [False, True])
def test_an_image_that_is_cut_off(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, lenient: bool
) -> None:
    """So is one whose end is missing, also where another library let Pillow fill it."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    folder = unpacked(tmp_path / "folders")
    (folder / "GTSRB/Final_Test/Images/00007.ppm").write_bytes(ppm(7)[:-100])
    with pytest.raises(DataError, match=r"00007\.ppm is no image, or a damaged one"):
        located(part, folder)


def test_a_missing_class_of_folders(part: Part, tmp_path: Path) -> None:
    """A class whose folder is missing is named."""
    folder = unpacked(tmp_path / "folders")
    for path in (folder / "GTSRB/Final_Training/Images/00009").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="GTSRB, training images: there is none of class 9"):
        located(part, folder)


def test_test_images_without_their_classes(part: Part, tmp_path: Path) -> None:
    """Without the CSV nobody knows what the test images show."""
    folder = unpacked(tmp_path / "folders")
    (folder / "GT-final_test.csv").unlink()
    with pytest.raises(DataError, match=r"GT-final_test\.csv, which names the classes"):
        located(part, folder)


def test_a_test_image_that_the_csv_lacks(part: Part, tmp_path: Path) -> None:
    """An image without a row is named."""
    folder = unpacked(tmp_path / "folders")
    (folder / "GTSRB/Final_Test/Images/00999.ppm").write_bytes(ppm(1))
    with pytest.raises(DataError, match=r"does not say which class 00999\.ppm is of"):
        located(part, folder)


def test_a_row_without_a_class(part: Part, tmp_path: Path) -> None:
    """A row that is not in order is named by its line."""
    folder = unpacked(tmp_path / "folders")
    (folder / "GT-final_test.csv").write_text("Filename;ClassId\n00000.ppm;0\n00001.ppm;four\n")
    with pytest.raises(DataError, match=r"GT-final_test\.csv, line 3, names no file with its class"):
        located(part, folder)


def test_an_archive_that_is_cut_off(part: Part, tmp_path: Path) -> None:
    """A half archive is said to be one."""
    folder = packed(tmp_path / "archives")
    path = folder / "GTSRB_Final_Training_Images.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"GTSRB_Final_Training_Images\.zip is damaged or half downloaded"):
        located(part, folder)


def test_an_archive_of_which_a_byte_is_another(part: Part, tmp_path: Path) -> None:
    """What cannot be unpacked any more is named by its file."""
    folder = packed(tmp_path / "archives")
    path = folder / "GTSRB_Final_Training_Images.zip"
    with zipfile.ZipFile(path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as again:
        for name, content in members.items():
            again.writestr(name, content)
        first = again.infolist()[0]
    content = bytearray(path.read_bytes())
    content[first.header_offset + 30 + len(first.filename)] = 0xFF  # RFC 1951: no block is of type 3
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"00000_00000\.ppm cannot be read: Error -3"):
        located(part, folder)


def test_signs_that_changed_since(part: Part, tmp_path: Path) -> None:
    """Files that change between finding and preparing them end the build."""
    write_npz(tmp_path)
    source = located(part, tmp_path)
    write_npz(tmp_path, test=np.full((86, 28, 28, 3), 8, np.uint8))
    with pytest.raises(DataError, match="the signs changed on the disk"):
        part("signs.signs").prepare(source)
