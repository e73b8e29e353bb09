"""Promises of the choice of flowers: the published ones, where they come from, and the drawn ones."""

import functools
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import asked
from PIL import Image
from small_flowers import indices, pack, publish, trimap, write, write_set

from cnnreport.data import download
from cnnreport.data.data_set import Request
from cnnreport.data.drawn import flower, flower_bed
from cnnreport.data.drawn.canvas import Canvas, colour
from cnnreport.data.flowers import flower_set, flowers, oxford17_archives
from cnnreport.data.flowers.declaration import FLOWERS
from cnnreport.data.flowers.flower_set import FlowerSource
from cnnreport.errors import DataError, EnvironmentFailure
from cnnreport.project import PACKAGE
from cnnreport.runs.fingerprint import source_closure

NOWHERE = "http://127.0.0.1:9/17"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache instead of the user's."""
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNREPORT_FLOWERS17_URL", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small set of images, which nobody changes."""
    return write_set(tmp_path_factory.mktemp("whole"))


def located(
    choice: str, folder: Path | None, *, url: str = NOWHERE, fetch: bool = True, skip_bad: bool = False
) -> FlowerSource:
    """Locate the flowers as a user asks for them, with a server at an address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNREPORT_FLOWERS17_URL", url)
        return flowers.locate(asked(FLOWERS, choice, folder, fetch=fetch, skip_bad=skip_bad))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def www(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The three files of the small set, whose hashes are taken for the published ones."""
    folder = publish(place, tmp_path / "www")
    for name, published in list(oxford17_archives.PUBLISHED.items()):
        if published.digest is not None:
            digest = hashlib.md5((folder / name).read_bytes()).hexdigest()
            own = oxford17_archives.Published(f"md5:{digest}", published.limit)
            monkeypatch.setitem(oxford17_archives.PUBLISHED, name, own)  # type: ignore[arg-type]
    return folder


@pytest.fixture
def address(www: Path) -> Iterator[str]:
    """A server that has the three files."""
    handler = functools.partial(_Quiet, directory=str(www))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("folder", ["", "17flowers"])
@pytest.mark.parametrize("choice", ["auto", "real", "flowers17"])
def test_the_data_folder_comes_first(choice: str, folder: str, place: Path) -> None:
    """What the data folder holds is used, or what it is, without any network."""
    source = located(choice, place.parent / folder, url=NOWHERE)
    assert (source.name, source.title, source.stand_in) == ("flowers17", "Oxford-17 flowers", False)
    assert (source.origin, source.reason) == ("read from --data-dir", "")


def test_a_download_and_then_the_cache(address: str, place: Path) -> None:
    """Without a data folder the flowers are downloaded once, and taken from the cache ever after."""
    first = located("auto", None, url=address)
    digest = hashlib.sha256((Path(download.cache_folder()) / "trimaps.tgz").read_bytes()).hexdigest()
    assert first.origin == f"downloaded; trimaps.tgz has the SHA-256 {digest}"
    second = located("real", None, fetch=False)
    assert second.origin == f"from the user cache; trimaps.tgz has the SHA-256 {digest}"
    assert second.fingerprint == first.fingerprint == located("real", place.parent).fingerprint
    assert len(flower_set.prepare(second, size=8)["numbers"]) == 22


def test_the_address_from_the_environment(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CNNREPORT_FLOWERS17_URL names a mirror."""
    monkeypatch.setenv("CNNREPORT_FLOWERS17_URL", address)
    assert flowers.locate(Request("flowers17")).origin.startswith("downloaded")


def test_a_damaged_file_in_the_cache_is_fetched_again(address: str, cache: Path) -> None:
    """A file of the cache that has not the published hash is replaced."""
    located("auto", None, url=address)
    (cache / "17flowers.tgz").write_bytes(b"damaged")
    assert located("auto", None, url=address).origin.startswith("downloaded")


def test_trimaps_without_a_published_hash_are_looked_at(
    address: str, www: Path, place: Path, tmp_path: Path, cache: Path
) -> None:
    """What arrives in place of the trimaps is not kept, and a later call fetches good ones."""
    photograph = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8))
    write(photograph, tmp_path / "trimaps" / "image_0001.png")
    good = (www / "trimaps.tgz").read_bytes()
    (www / "trimaps.tgz").write_bytes(pack(tmp_path / "trimaps"))
    with pytest.raises(DataError, match=r"were not fetched: image_0001\.png: not a trimap.*--data-dir"):
        located("real", None, url=address)
    assert not [path for path in cache.iterdir() if path.is_dir() or path.name == "trimaps.tgz"]
    (www / "trimaps.tgz").write_bytes(good)
    assert located("real", None, url=address).origin.startswith("downloaded")


def test_another_hash_than_the_published_one(address: str, www: Path) -> None:
    """An archive with another hash is not used, which is the reason for drawn flowers."""
    write(trimap(indices()), www / "one" / "jpg" / "image_0001.png")
    (www / "17flowers.tgz").write_bytes(pack(www / "one" / "jpg"))
    source = located("auto", None, url=address)
    assert source.stand_in
    assert "another MD5 than the published file" in source.reason


def test_drawn_where_nothing_can_be_had(tmp_path: Path) -> None:
    """Left to itself, the program draws flowers and says why, without a path."""
    source = located("auto", tmp_path, url=NOWHERE)
    assert (source.name, source.title, source.stand_in) == ("meadow-flowers", "Meadow flowers", True)
    said = "The Oxford-17 flowers are not in --data-dir or the cache and were not fetched: "
    assert source.reason.startswith(said)
    assert str(tmp_path) not in source.reason + source.origin


def test_drawn_because_it_was_asked_for(place: Path) -> None:
    """With ``meadow`` nothing else is looked at, and no reason has to be given."""
    source = located("meadow", place.parent, url=NOWHERE)
    assert (source.stand_in, source.reason) == (True, "")


@pytest.mark.parametrize("choice", ["real", "flowers17"])
def test_no_stand_in_for_what_was_asked_for(choice: str) -> None:
    """Asked for the published flowers, the program stops with the ways out where they cannot be had."""
    with pytest.raises(DataError, match=r"were not fetched.*--data-dir.*--data flowers=meadow"):
        located(choice, None, url=NOWHERE)


def test_only_a_build_fetches(address: str, cache: Path) -> None:
    """With ``fetch=False`` nothing is downloaded."""
    assert "only a build fetches them" in located("auto", None, url=address, fetch=False).reason
    assert not cache.exists()


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """A data folder that is not there is an error, whatever else could be used."""
    with pytest.raises(DataError, match=r"nowhere does not exist; correct --data-dir"):
        located("meadow", tmp_path / "nowhere")


@pytest.mark.parametrize(("choice", "seconds", "budget"), [("auto", 2.0, 20.0), ("real", 15.0, None)])
def test_patience(
    choice: str, seconds: float, budget: float | None, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flowers asked for by name are waited for longer; else all three files share one budget."""
    asked: list[tuple[float, float | None]] = []
    fetch = download.fetch

    def watched(*arguments: Any, first_byte_within: float, budget: float | None, **others: Any) -> Path:
        asked.append((first_byte_within, budget))
        time.sleep(0.01)
        return fetch(*arguments, first_byte_within=first_byte_within, budget=budget, **others)

    monkeypatch.setattr(download, "fetch", watched)
    located(choice, None, url=address)
    assert [wait for wait, _ in asked] == [seconds] * 3
    budgets = [left for _, left in asked]
    assert budgets == [None] * 3 if budget is None else budget > 10 < budgets[2] < budgets[1] < budgets[0]


def test_a_cache_that_cannot_be_written(address: str, cache: Path) -> None:
    """Asked for by name, flowers for which the cache has no room are a fault of the machine's."""
    cache.write_text("a file")
    with pytest.raises(EnvironmentFailure, match="cannot write to the cache"):
        located("real", None, url=address)
    assert located("auto", None, url=address).stand_in


def test_skipping_is_part_of_the_fingerprint(place: Path) -> None:
    """What was prepared with bad images left out is not taken for the whole."""
    whole = located("real", place.parent)
    some = located("real", place.parent, skip_bad=True)
    assert (whole.skip_bad, some.skip_bad) == (False, True)
    assert whole.fingerprint != some.fingerprint


@pytest.mark.parametrize(
    ("choice", "own", "foreign"),
    [
        ("real", {"oxford17", "trimap", "flower_set"}, {"flower_bed", "flower", "meadow", "canvas"}),
        ("meadow", {"flower_bed", "flower", "meadow", "canvas", "flower_set"}, {"oxford17", "trimap"}),
    ],
)
def test_a_run_depends_on_its_own_flowers_alone(
    choice: str, own: set[str], foreign: set[str], place: Path
) -> None:
    """Neither the downloader, nor what chooses the set, nor the other set makes a run stale."""
    source = located(choice, place.parent, url=NOWHERE)
    roots = (*source.modules, FLOWERS.prepare.partition(":")[0])
    closure = {Path(path).stem for path in source_closure(roots, PACKAGE.parent)}
    assert own <= closure
    assert not closure & (foreign | {"download", "flowers", "declaration", "oxford17_archives", "pixels"})


def test_locating_imports_nothing_heavy(place: Path) -> None:
    """Importing and locating needs none of the large libraries."""
    program = (
        "import sys; from pathlib import Path; from cnnreport.data.flowers import flowers as f;"
        "from cnnreport.data.data_set import Request;"
        f"f.locate(Request('auto', Path({str(place.parent)!r})));"
        "print([m for m in ('torch', 'sklearn', 'scipy', 'requests') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_the_drawn_set() -> None:
    """The drawn set has the arrays of the published one; its masks are exact, and both are the same."""
    arrays = flower_set.prepare(located("meadow", None), images=2, size=24)
    n = len(arrays["numbers"])
    assert arrays["images"].shape == (n, 3, 24, 24)
    assert arrays["masks"].shape == arrays["handout_masks"].shape == (n, 24, 24)
    assert set(np.unique(arrays["masks"])) == {0, 1}
    assert np.array_equal(arrays["masks"], arrays["handout_masks"])
    assert [len(arrays[name]) for name in ("clean_train", "handout_train", "validation")] == [2, 6, 2]
    assert (bytes(arrays["skipped"]), arrays["without_trimap"].tolist()) == (b"[]", [0])


def test_the_lists_of_the_drawn_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of three draws trains with half of 600 scenes; the first validates with another quarter."""
    blank = flower_bed.Scenes(np.zeros((1, 3, 2, 2), np.uint8), np.zeros((1, 2, 2), np.uint8))
    monkeypatch.setattr(flower_bed, "draw", lambda *_, **__: blank)
    arrays = flower_set.prepare(located("meadow", None), size=2)
    assert arrays["numbers"].min() >= 1
    assert arrays["numbers"].max() <= 600
    clean, joined, validation = (arrays[name] for name in ("clean_train", "handout_train", "validation"))
    assert (len(clean), len(joined), len(validation)) == (300, 900, 150)
    assert not set(clean) & set(validation)
    assert joined[:300].tolist() == clean.tolist()
    assert len(set(joined[300:600]) & set(validation)) > 40


@pytest.fixture(scope="module")
def scenes() -> flower_bed.Scenes:
    """Forty small scenes."""
    return flower_bed.draw(40, 40, 40, seed=3)


def test_shapes_of_scenes(scenes: flower_bed.Scenes) -> None:
    """Pictures and masks have the promised shapes and types."""
    assert (scenes.rgb.shape, scenes.rgb.dtype) == ((40, 3, 40, 40), np.uint8)
    assert (scenes.mask.shape, scenes.mask.dtype) == ((40, 40, 40), np.uint8)
    assert flower_bed.draw(1, 24, 40).rgb.shape == (1, 3, 24, 40)


def test_a_scene_does_not_depend_on_the_others(scenes: flower_bed.Scenes) -> None:
    """Scene 17 is the same whether it is drawn alone or among others, and no two are alike."""
    alone = flower_bed.draw(1, 40, 40, seed=3, first=17)
    assert np.array_equal(alone.rgb[0], scenes.rgb[17])
    assert np.array_equal(alone.mask[0], scenes.mask[17])
    assert len(np.unique(scenes.rgb.reshape(40, -1), axis=0)) == 40


def test_flowers_fill_a_good_part(scenes: flower_bed.Scenes) -> None:
    """Flowers cover 20 to 40 % of the pixels on average, and some of every scene."""
    shares = scenes.mask.mean(axis=(1, 2))
    assert 0.2 < shares.mean() < 0.4
    assert 0.03 < shares.min() < 0.2 < 0.35 < shares.max() < 0.75


def test_a_large_scene_reduces_to_the_small_one() -> None:
    """The same scene at four times the size, averaged, is the small one but for its edges."""
    small, large = flower_bed.draw(6, 32, 32, seed=5), flower_bed.draw(6, 128, 128, seed=5)
    reduced = large.rgb.reshape(6, 3, 32, 4, 32, 4).mean(axis=(3, 5))
    assert np.abs(reduced - small.rgb).mean() < 8
    assert np.abs(np.roll(reduced, 1, axis=0) - small.rgb).mean() > 30
    covered = large.mask.reshape(6, 32, 4, 32, 4).mean(axis=(2, 4)) >= 0.5
    assert (covered == small.mask).mean() > 0.95


@pytest.mark.parametrize("name", flower.SORTS)
def test_masks_are_exact(name: str) -> None:
    """The mask is where at least half of the colour under it is hidden by the flower."""
    masks, hidden = [], []
    for level in (0, 255):
        canvas = Canvas(96, 96)
        canvas.rgb[:] = level
        one = flower.draw_at_random(np.random.default_rng(4), 0.5, 0.5, 0.4, name)
        flower.paint(canvas, one, colour(1, 1, 1), 1)
        masks.append(canvas.mask)
        hidden.append(canvas.rgb)
    assert np.array_equal(*masks)
    seen_through = (hidden[1] - hidden[0]).max(axis=0) / 255
    assert (masks[0][seen_through < 0.2] == 1).all()
    assert (masks[0][seen_through > 0.8] == 0).all()
    assert 0.1 < masks[0].mean() < 0.5


def test_a_flower_outside_the_picture() -> None:
    """A flower that does not touch the picture leaves no trace."""
    for name in flower.SORTS:
        canvas = Canvas(16, 16)
        one = flower.draw_at_random(np.random.default_rng(0), 3, 3, 0.2, name)
        flower.paint(canvas, one, colour(1, 1, 1), 1)
        assert not canvas.rgb.any()
