"""Promises of the published flowers: what is read, and what is said of files that are not in order."""

import io
import json
import os
import shutil
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from asking import asked
from PIL import Image, ImageFile
from small_flowers import (
    FLOWER,
    LISTS,
    RIM,
    SCENE,
    indices,
    pack,
    publish,
    trimap,
    write,
    write_lists,
    write_set,
)

from cnnreport.data.flowers import flower_set, flowers, oxford17, oxford17_archives
from cnnreport.data.flowers import trimap as trimaps
from cnnreport.data.flowers.declaration import FLOWERS
from cnnreport.errors import DataError, EnvironmentFailure

SIZE = 16


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache instead of the user's, and a limit that costs no time."""
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(oxford17, "LARGEST_FILE", 1 << 20)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small set of images, which nobody changes."""
    return write_set(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def place(whole: Path, tmp_path: Path) -> Path:
    """A copy of the small set."""
    return Path(shutil.copytree(whole, tmp_path / "data" / whole.name))


def located(
    choice: str, folder: Path, *, fetch: bool = True, skip_bad: bool = False
) -> flower_set.FlowerSource:
    """Locate the flowers as a user asks for them."""
    return flowers.locate(asked(FLOWERS, choice, folder, fetch=fetch, skip_bad=skip_bad))


def prepared(
    place: Path, *, skip_bad: bool = False, images: int | None = None, size: int = SIZE
) -> dict[str, Any]:
    """Locate and prepare a set."""
    source = located("real", place.parent, skip_bad=skip_bad, fetch=False)
    return flower_set.prepare(source, images=images, size=size)


def test_shapes(place: Path) -> None:
    """Arrays have the promised shapes and types, and hold the images of the lists alone."""
    arrays = prepared(place)
    used = sorted({n for name in ("trn1", "trn2", "trn3", "val1") for n in LISTS[name]} - {24, 1000})
    assert arrays["numbers"].tolist() == used
    n = len(used)
    shapes = {name: (array.dtype.name, array.shape) for name, array in arrays.items()}
    assert shapes == {
        "images": ("uint8", (n, 3, SIZE, SIZE)),
        "masks": ("uint8", (n, SIZE, SIZE)),
        "handout_masks": ("uint8", (n, SIZE, SIZE)),
        "numbers": ("int64", (n,)),
        "clean_train": ("int64", (11,)),
        "handout_train": ("int64", (34,)),
        "validation": ("int64", (6,)),
        "skipped": ("uint8", (2,)),
        "without_trimap": ("int64", (1,)),
    }


def test_lists(place: Path) -> None:
    """The clean protocol trains with trn1; the handout's with all three lists joined, repeats kept."""
    arrays = prepared(place)
    numbers = arrays["numbers"]
    assert numbers[arrays["clean_train"]].tolist() == LISTS["trn1"][:-1]
    joined = [n for name in ("trn1", "trn2", "trn3") for n in LISTS[name] if n not in (24, 1000)]
    assert numbers[arrays["handout_train"]].tolist() == joined
    assert numbers[arrays["validation"]].tolist() == LISTS["val1"]


def test_images_without_trimap_are_counted(place: Path) -> None:
    """Images of the lists that have no trimap are left out, counted, and no fault."""
    arrays = prepared(place)
    assert arrays["without_trimap"].tolist() == [2]
    assert bytes(arrays["skipped"]) == b"[]"


def test_each_position_holds_its_image(place: Path) -> None:
    """The pixels at a position are those of the image of that number."""
    arrays = prepared(place)
    levels = arrays["images"].mean(axis=(1, 2, 3))
    assert np.abs(levels - 10 * arrays["numbers"]).max() < 2


def test_fewer_images(place: Path) -> None:
    """A limit keeps the first of each list, three times as many of the joined one, and no other image."""
    whole, some = prepared(place), prepared(place, images=2)
    for name, count in (("clean_train", 2), ("validation", 2), ("handout_train", 6)):
        expected = whole["numbers"][whole[name]][:count].tolist()
        assert some["numbers"][some[name]].tolist() == expected
    assert len(some["images"]) == len({*LISTS["trn1"][:6], *LISTS["val1"][:2]})


def test_no_image_at_all(place: Path) -> None:
    """A limit below one is refused."""
    with pytest.raises(DataError, match="0 images of flowers"):
        prepared(place, images=0)


def test_masks_take_the_nearest_pixel(place: Path) -> None:
    """At the trimap's own size flower is 1, the rim void, and scene and leaves are background."""
    square = np.full((SIZE, SIZE), SCENE, np.uint8)
    square[3:12, 3:12] = RIM
    square[5:10, 5:10] = FLOWER
    for number in range(1, 24):
        write(Image.new("RGB", (SIZE, SIZE)), place / "jpg" / f"image_{number:04d}.jpg")
        write(trimap(square), place / "trimaps" / f"image_{number:04d}.png")
    mask = prepared(place)["masks"][0]
    assert mask.tolist() == np.array([255, 1, 9, 0])[square].tolist()


@pytest.mark.parametrize(("height", "width"), [(37, 53), (16, 16), (12, 19), (40, 100)])
def test_the_handouts_mask(height: int, width: int) -> None:
    """The starter's mask is flower where torch's bilinear resize gives exactly (128, 0, 0)."""
    generator = np.random.default_rng(height)
    palette = np.array([(0, 0, 0), (128, 0, 0), (128, 128, 0), (0, 128, 0), (129, 0, 1)], np.uint8)
    coarse = generator.choice(5, (12, 12), p=(0.2, 0.5, 0.1, 0.1, 0.1))
    colours = palette[np.kron(coarse, np.ones((4, 9), int))[:height, :width]]
    tensor = torch.from_numpy(colours).permute(2, 0, 1)[None].double()
    resized = F.interpolate(tensor, (SIZE, SIZE), mode="bilinear", align_corners=False)[0]
    expected = ((resized + 0.5).floor() == torch.tensor([128, 0, 0]).view(3, 1, 1)).all(0)
    found = trimaps.handout_mask(colours, SIZE)
    assert found.tolist() == expected.long().tolist()
    assert 0 < found.mean() < 1


def test_the_handouts_mask_loses_the_edge(place: Path) -> None:
    """Reduced, the starter's flower is smaller than the flower, and the rim is background."""
    arrays = prepared(place, size=7)
    assert set(np.unique(arrays["handout_masks"])) == {0, 1}
    assert not (arrays["handout_masks"] == 1)[arrays["masks"] != 1].any()
    assert (arrays["handout_masks"] == 1).sum() < (arrays["masks"] == 1).sum()


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA"])
def test_colour_modes_of_trimaps(mode: str, place: Path) -> None:
    """A trimap is read by its colours, with a palette or without, whatever is called transparent."""
    expected = prepared(place)["masks"][0]
    image = trimap(indices(), mode)
    if mode == "RGBA":
        image.putalpha(0)
    options = {"transparency": bytes([0, 0, 255])} if mode == "P" else {}
    write(image, place / "trimaps" / "image_0001.png", **options)
    assert np.array_equal(prepared(place)["masks"][0], expected)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK"])
def test_colour_modes_of_images(mode: str, place: Path) -> None:
    """Images in grey, with a palette, with transparency or for print are converted."""
    image = Image.new("RGB", (24, 20), (255, 255, 255)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    (place / "jpg" / "image_0001.jpg").write_bytes(buffer.getvalue())
    assert prepared(place)["images"][0].min() == 255


@pytest.mark.parametrize("size", [(48, 40), (97, 80)])
def test_a_trimap_of_another_size(size: tuple[int, int], place: Path) -> None:
    """A trimap of the same proportions within 2 % is brought to the image's size."""
    expected = prepared(place)["masks"][0]
    write(trimap(indices()).resize(size, Image.Resampling.NEAREST), place / "trimaps" / "image_0001.png")
    assert (prepared(place)["masks"][0] == expected).mean() > 0.8


def png(width: int, height: int) -> bytes:
    """Return a PNG file that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def cut_off(place: Path) -> None:
    """Halve a JPEG file."""
    path = place / "jpg" / "image_0003.jpg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def spoilt(place: Path) -> None:
    """Put a text in an image's place."""
    (place / "jpg" / "image_0003.jpg").write_text("<html>404</html>")


def empty(place: Path) -> None:
    """Empty a trimap."""
    (place / "trimaps" / "image_0003.png").write_bytes(b"")


def bomb(place: Path) -> None:
    """Put an image of 100 million pixels, which Pillow would only warn of."""
    (place / "jpg" / "image_0003.jpg").write_bytes(png(10_000, 10_000))


def larger_bomb(place: Path) -> None:
    """Put an image of 10 thousand million pixels, which Pillow refuses."""
    (place / "trimaps" / "image_0003.png").write_bytes(png(100_000, 100_000))


def smaller_bomb(place: Path) -> None:
    """Put an image of 64 million pixels, of which Pillow says nothing."""
    (place / "jpg" / "image_0003.jpg").write_bytes(png(8000, 8000))


def photograph(place: Path) -> None:
    """Put a photograph in a trimap's place."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    write(Image.fromarray(noise), place / "trimaps" / "image_0003.png")


def grey(place: Path) -> None:
    """Put a black image in a trimap's place."""
    write(Image.new("L", (24, 20)), place / "trimaps" / "image_0003.png")


def other_proportions(place: Path) -> None:
    """Put a trimap that is a little too wide."""
    write(trimap(indices(20, 25)), place / "trimaps" / "image_0003.png")


def orphan(place: Path) -> None:
    """Remove the image of a trimap."""
    (place / "jpg" / "image_0003.jpg").unlink()


def huge(place: Path) -> None:
    """Make an image's file larger than any real one, without using the disk."""
    with (place / "jpg" / "image_0003.jpg").open("ab") as file:
        file.truncate(oxford17.LARGEST_FILE + 1)


BAD: list[tuple[Callable[[Path], None], str]] = [
    (cut_off, r"image_0003\.jpg: damaged or cut off"),
    (spoilt, r"image_0003\.jpg: not a JPEG or PNG image"),
    (empty, r"image_0003\.png: not a PNG image"),
    (bomb, r"image_0003\.jpg: a decompression bomb, more than 50,000,000 pixels"),
    (larger_bomb, r"image_0003\.png: a decompression bomb"),
    (smaller_bomb, r"image_0003\.jpg: a decompression bomb"),
    (photograph, r"image_0003\.png: not a trimap, 100% of its pixels"),
    (grey, r"image_0003\.png: not a trimap"),
    (other_proportions, r"image_0003\.png: 25 x 20 pixels.*24 x 20 of image_0003\.jpg"),
    (orphan, r"image_0003\.png: a trimap without its image"),
    (huge, r"image_0003\.jpg: more than the 1024 KiB"),
]


def test_an_image_that_is_cut_off_is_not_filled(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another library, as WeasyPrint does, let Pillow fill it with grey."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    cut_off(place)
    with pytest.raises(DataError, match=r"image_0003\.jpg: damaged or cut off"):
        prepared(place)
    assert ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(("spoil", "said"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_image_is_named(spoil: Callable[[Path], None], said: str, place: Path) -> None:
    """A bad image or trimap stops the preparation with its name, what it is and the ways out."""
    spoil(place)
    with pytest.raises(DataError, match=f"{said}.*; replace it, or pass --data flowers.skip-bad=yes"):
        prepared(place, images=2)


@pytest.mark.parametrize(("spoil", "said"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_image_is_skipped_where_the_user_says_so(
    spoil: Callable[[Path], None], said: str, place: Path
) -> None:
    """With skip_bad it is left out of every list and listed in a sentence."""
    spoil(place)
    whole = {
        name: [n for n in LISTS[name] if n not in (3, 24, 1000)] for name in ("trn1", "trn2", "trn3", "val1")
    }
    arrays = prepared(place, skip_bad=True)
    numbers = arrays["numbers"]
    assert numbers[arrays["clean_train"]].tolist() == whole["trn1"]
    assert numbers[arrays["handout_train"]].tolist() == whole["trn1"] + whole["trn2"] + whole["trn3"]
    (sentence,) = json.loads(bytes(arrays["skipped"]))
    with pytest.raises(DataError, match=said):
        raise DataError(sentence)


def test_pillows_own_limit_stays(place: Path) -> None:
    """Whoever else uses Pillow keeps the limit that is set."""
    before = Image.MAX_IMAGE_PIXELS
    prepared(place)
    assert before == Image.MAX_IMAGE_PIXELS


def test_many_bad_images(place: Path) -> None:
    """More than 5 % bad images are an error though bad ones may be skipped; the first are named."""
    for number in (1, 2, 5, 7):
        (place / "jpg" / f"image_{number:04d}.jpg").write_bytes(b"")
    said = r"4 of 22 images are bad, more than 5%: image_0001\.jpg: .*image_0005\.jpg: .*; and 1 more"
    with pytest.raises(DataError, match=said):
        prepared(place, skip_bad=True)


def test_bad_images_are_not_looked_for_when_locating(place: Path) -> None:
    """Locating says nothing of a bad image: it only hashes the files."""
    cut_off(place)
    assert located("real", place.parent, fetch=False).title == "Oxford-17 flowers"


def test_nothing_left(place: Path) -> None:
    """A list whose images have no trimaps is named."""
    for number in LISTS["val1"]:
        (place / "trimaps" / f"image_{number:04d}.png").unlink()
    with pytest.raises(DataError, match="no image of val1 has a trimap that is in order"):
        prepared(place)


def test_no_pair_at_all(place: Path) -> None:
    """Images and trimaps of which none belong together are named when they are located."""
    for path in (place / "trimaps").iterdir():
        path.rename(path.with_name(path.name.replace("image_", "image_1")))
    with pytest.raises(
        DataError, match=r"none of the 24 images.*the trimap of jpg/image_0001\.jpg is called"
    ):
        located("auto", place.parent)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trn2": None, "val1": None}, r"datasplits\.mat lacks the lists trn2, val1"),
        ({"trn3": [1, 1361]}, r"trn3 in datasplits\.mat names the image 1361.*from 1 to 1360"),
        ({"trn3": [0, 1]}, r"trn3 in datasplits\.mat names the image 0"),
        ({"trn1": []}, r"trn1 in datasplits\.mat is empty"),
        ({"trn1": [1.5, 2]}, r"trn1 in datasplits\.mat holds float64, expected whole numbers"),
        ({"trn1": ["one", "two"]}, r"trn1 in datasplits\.mat holds <U3, expected whole numbers"),
        ({"trn1": [1j, 2]}, r"trn1 in datasplits\.mat holds complex128"),
        ({"val1": [float("nan")]}, r"val1 in datasplits\.mat holds float64"),
        ({"val1": [2, 3, 5]}, r"2 images both in trn1 and in val1, the first is 3"),
    ],
)
def test_lists_that_are_not_in_order(changes: dict[str, Any], said: str, place: Path) -> None:
    """A missing, empty, strange or unclean list is named, with the way out."""
    write_lists(place, **changes)
    with pytest.raises(DataError, match=f"{said}.*; get the published file again"):
        prepared(place)


def test_lists_as_matlab_writes_them(place: Path) -> None:
    """Whole numbers in floating point, which MATLAB's own are, are taken."""
    expected = prepared(place)["clean_train"].tolist()
    write_lists(place, trn1=[float(n) for n in LISTS["trn1"]])
    assert prepared(place)["clean_train"].tolist() == expected


@pytest.mark.parametrize("content", [b"", b"no lists", b"MATLAB 5.0 MAT-file" + bytes(400), b"\0" * 300_000])
def test_a_damaged_file_of_lists(content: bytes, place: Path) -> None:
    """A file that is none of MATLAB's, cut off or far too large is named."""
    (place / "datasplits.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"datasplits\.mat( is damaged|: more than).*get the published file"):
        prepared(place)


def test_changed_on_the_disk(place: Path) -> None:
    """Files that change between locating and preparing are noticed."""
    source = located("real", place.parent)
    write(Image.new("RGB", (24, 20)), place / "jpg" / "image_0001.jpg")
    with pytest.raises(DataError, match="changed on the disk"):
        flower_set.prepare(source, size=SIZE)


@pytest.mark.parametrize("part", ["jpg", "trimaps", "datasplits.mat"])
def test_a_missing_part(part: str, place: Path) -> None:
    """A set that lacks a part is named, and never turns into a drawn one."""
    (place / part).rename(place.parent / "elsewhere")
    with pytest.raises(DataError, match=f"17flowers lacks {part}"):
        located("auto", place.parent, fetch=False)


def test_archives_of_the_data_folder(place: Path, tmp_path: Path, cache: Path) -> None:
    """The three published files are unpacked into the cache once, and say which trimaps they are."""
    folder = publish(place, tmp_path / "published")
    source = located("real", folder, fetch=False)
    assert source.content == located("real", place.parent).content
    assert source.origin.startswith("read from --data-dir; trimaps.tgz has the SHA-256 ")
    (unpacked,) = cache.iterdir()
    assert source.place == unpacked
    assert not (unpacked / "jpg" / "files.txt").exists()
    before = unpacked.stat().st_mtime_ns
    assert located("real", folder, fetch=False).fingerprint == source.fingerprint
    assert unpacked.stat().st_mtime_ns == before
    assert sorted(folder.iterdir()) == sorted(folder / name for name in oxford17_archives.PUBLISHED)


def test_archives_in_a_folder_of_the_sets_name(place: Path, tmp_path: Path) -> None:
    """They may lie in a folder 17flowers of the data folder, too."""
    publish(place, tmp_path / "other" / "17flowers")
    assert not located("real", tmp_path / "other", fetch=False).stand_in


def test_an_archive_is_missing(place: Path, tmp_path: Path) -> None:
    """One of three files is not enough, and what is missing is named."""
    folder = publish(place, tmp_path / "published")
    (folder / "trimaps.tgz").unlink()
    with pytest.raises(DataError, match=r"trimaps\.tgz must lie beside"):
        located("auto", folder)


@pytest.mark.parametrize("keep", [0, 20, 500, -30])
def test_a_damaged_archive(keep: int, place: Path, tmp_path: Path, cache: Path) -> None:
    """An archive that is cut off is named, and leaves nothing in the cache."""
    folder = publish(place, tmp_path / "published")
    path = folder / "17flowers.tgz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        DataError, match=r"17flowers\.tgz (is damaged or half downloaded|holds none of the jpg)"
    ):
        located("auto", folder)
    assert list(cache.iterdir()) == []


def test_an_archive_of_something_else(place: Path, tmp_path: Path) -> None:
    """An archive without a single image of the set is named."""
    folder = publish(place, tmp_path / "published")
    (folder / "17flowers.tgz").write_bytes(pack(place / "trimaps"))
    with pytest.raises(DataError, match=r"17flowers\.tgz holds none of the jpg"):
        located("auto", folder)


def test_members_stay_in_the_cache(place: Path, tmp_path: Path, cache: Path) -> None:
    """Whatever path or link an archive names, nothing is written outside the folder it is unpacked to."""
    folder = publish(place, tmp_path / "published")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(place / "jpg", "jpg")
        for name in ("../../image_0050.jpg", str(tmp_path / "image_0051.jpg")):
            member = tarfile.TarInfo(name)
            tar.addfile(member, io.BytesIO(b""))
        link = tarfile.TarInfo("jpg/image_0052.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    (folder / "17flowers.tgz").write_bytes(buffer.getvalue())
    source = located("real", folder, fetch=False)
    assert source.place is not None
    assert (source.place / "jpg" / "image_0050.jpg").is_file()
    assert not (source.place / "jpg" / "image_0052.jpg").exists()
    outside = {path.name for path in tmp_path.rglob("image_005?.jpg") if source.place not in path.parents}
    assert outside == set()


def test_the_first_python_3_11_unpacks_them(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian 12's Python is older than tarfile's filters and what came with them."""
    monkeypatch.delattr(tarfile.TarInfo, "replace", raising=False)
    for name in ("extract", "extractall"):
        monkeypatch.delattr(tarfile.TarFile, name)
    source = located("real", publish(place, tmp_path / "published"), fetch=False)
    assert source.place is not None
    images = {path.name: path.read_bytes() for path in (place / "jpg").glob("*.jpg")}
    assert {path.name: path.read_bytes() for path in (source.place / "jpg").iterdir()} == images


def large_member(tar: tarfile.TarFile) -> None:
    """Add an image that is larger than any real one."""
    member = tarfile.TarInfo("jpg/image_0001.jpg")
    member.size = 4096
    tar.addfile(member, io.BytesIO(bytes(4096)))


def many_members(tar: tarfile.TarFile) -> None:
    """Add more files than any real archive has."""
    for number in range(12):
        tar.addfile(tarfile.TarInfo(f"jpg/{number}"))


def large_rest(tar: tarfile.TarFile) -> None:
    """Add much that is not even wanted."""
    member = tarfile.TarInfo("jpg/readme")
    member.size = 100_000
    tar.addfile(member, io.BytesIO(bytes(100_000)))


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (large_member, r"image_0001\.jpg in 17flowers\.tgz has 4096 bytes"),
        (many_members, r"17flowers\.tgz holds more than 10 files"),
        (large_rest, r"17flowers\.tgz unpacks to more than"),
    ],
)
def test_archives_are_bounded(
    fill: Callable[[tarfile.TarFile], None],
    said: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Too large a member, too many or too much in all end the unpacking."""
    monkeypatch.setattr(oxford17, "LARGEST_FILE", 4095)
    monkeypatch.setattr(oxford17_archives, "MOST_FILES", 10)
    monkeypatch.setattr(oxford17_archives, "MOST_BYTES", 100_000)
    folder = publish(place, tmp_path / "published")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        fill(tar)
    (folder / "17flowers.tgz").write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match=said):
        located("auto", folder)


def test_a_cache_that_cannot_be_written(place: Path, tmp_path: Path, cache: Path) -> None:
    """A cache where a file is in the way is said, without its path."""
    folder = publish(place, tmp_path / "published")
    cache.write_text("a file")
    with pytest.raises(EnvironmentFailure, match="cannot write to the cache") as caught:
        located("auto", folder)
    assert str(tmp_path) not in str(caught.value)


def test_the_real_set() -> None:
    """The published form itself, where it is at hand, keeps its counts."""
    nearby = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("CNNREPORT_DATA", nearby))
    if not folder.is_dir() or oxford17.find(folder) is None:
        pytest.skip("the Oxford-17 flowers are not at hand")
    arrays = flower_set.prepare(located("flowers17", folder, fetch=False), images=3)
    assert [len(arrays[name]) for name in ("clean_train", "handout_train", "validation")] == [3, 9, 3]
    assert 0.1 < (arrays["masks"] == 1).mean() < 0.6
    assert ((arrays["handout_masks"] == 1) <= (arrays["masks"] == 1)).all()
