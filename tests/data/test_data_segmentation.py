"""Promises of the data of the segmentation net: flowers and weights joined."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnreport.data import download, segmentation
from cnnreport.data.flowers import flowers
from cnnreport.data.pretrained import pretrained
from cnnreport.data.source import Source
from cnnreport.errors import DataError
from cnnreport.project import PACKAGE
from cnnreport.runs.fingerprint import source_closure

CONTENT = hashlib.sha256(b"weights").digest() * 100
FILE = f"deeplabv3_resnet101_coco-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"
FLOWERS = Source(
    "flowers", "Some flowers", True, "drawn", "none were here", "f" * 64, ("cnnreport.data.horses.pixels",)
)
IMAGES = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Flowers of this test's own, and how they were asked for; empty caches, small weights, no server."""
    seen: list[tuple[Any, ...]] = []

    def locate(choice: str, data_dir: Path | None, *, fetch: bool, progress: Any, skip_bad: bool) -> Source:
        seen.append((choice, data_dir, fetch, progress, skip_bad))
        return FLOWERS

    def prepare(source: Source, *, images: int | None = None, size: int = 224) -> dict[str, Any]:
        seen.append((source, images, size))
        return {"images": IMAGES}

    monkeypatch.setattr(flowers, "locate", locate)
    monkeypatch.setattr(flowers, "prepare", prepare)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CNNREPORT_WEIGHTS_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(pretrained.COCO, "resnet101", (FILE, "ResNet-101"))  # type: ignore[arg-type]
    monkeypatch.setattr(pretrained, "EMBEDDED", tmp_path / "embedded.safetensors")
    (tmp_path / "embedded.safetensors").write_bytes(b"embedded")
    (tmp_path / "data").mkdir()
    return seen


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that holds the weights."""
    (tmp_path / "data" / FILE).write_bytes(CONTENT)
    return tmp_path / "data"


def test_what_is_said_of_both(data: Path) -> None:
    """Name, title and stand-in are the flowers'; the origin names both, the reason is the flowers'."""
    source = segmentation.locate("auto", data)
    assert (source.name, source.title, source.stand_in) == ("flowers", "Some flowers", True)
    assert source.origin == (
        "drawn; torchvision's DeepLabV3 (ResNet-101), pre-trained on COCO with VOC's labels, "
        "read from --data-dir"
    )
    assert source.reason == "none were here"


@pytest.mark.parametrize("of_flowers", ["", "none were here"])
def test_both_reasons(of_flowers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both choices were left to the program, both reasons are said."""
    monkeypatch.setattr(flowers, "locate", lambda *_, **__: replace(FLOWERS, reason=of_flowers))
    source = segmentation.locate("auto", None)
    assert source.reason == "; ".join(filter(None, [of_flowers, source.weights.reason]))
    assert "were not fetched" in source.weights.reason


def test_choices_are_handed_on(data: Path, asked: list[tuple[Any, ...]]) -> None:
    """Each choice of the user reaches the part that it is for."""

    def progress(*_: Any) -> None:
        pass

    source = segmentation.locate(
        "flowers17", data, fetch=False, progress=progress, weights="embedded", skip_bad=True
    )
    assert asked == [("flowers17", data, False, progress, True)]
    assert source.weights.architecture == "mobilenet_v3_small_embedded"


def test_drawn_flowers_fetch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With drawn flowers no weights are downloaded, and the reason says so."""

    def forbidden(*_: Any, **__: Any) -> Path:
        raise AssertionError("nothing is to be fetched")

    monkeypatch.setattr(download, "fetch", forbidden)
    source = segmentation.locate("meadow", None)
    assert source.weights.architecture == "mobilenet_v3_small_embedded"
    assert "none with --data meadow" in source.reason
    with pytest.raises(DataError, match="none with --data meadow; pass a folder"):
        segmentation.locate("meadow", None, weights="resnet101")


def test_drawn_flowers_with_weights_that_are_here(data: Path) -> None:
    """Real weights in the data folder are used with drawn flowers too."""
    assert segmentation.locate("meadow", data).weights.architecture == "resnet101"


def test_prepared_arrays(data: Path, asked: list[tuple[Any, ...]]) -> None:
    """The arrays are those of the flowers, as many and as large as asked for, and the weights."""
    source = segmentation.locate("auto", data)
    arrays = segmentation.prepare(source, images=7, size=64)
    assert asked[-1] == (FLOWERS, 7, 64)
    assert set(arrays) == {"images", "weights", "about_weights"}
    assert arrays["images"] is IMAGES
    assert arrays["weights"].tobytes() == CONTENT
    assert json.loads(arrays["about_weights"].tobytes())["architecture"] == "resnet101"


def test_prepared_as_the_handout_has_them(data: Path, asked: list[tuple[Any, ...]]) -> None:
    """Without parameters all images are prepared, 224 by 224."""
    segmentation.prepare(segmentation.locate("auto", data))
    assert asked[-1] == (FLOWERS, None, 224)


def other_flowers(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locate flowers of another content."""
    monkeypatch.setattr(flowers, "locate", lambda *_, **__: replace(FLOWERS, fingerprint="e" * 64))


def other_weights(data: Path, _: pytest.MonkeyPatch) -> None:
    """Leave the embedded weights alone."""
    (data / FILE).unlink()


def another_embedded_file(data: Path, _: pytest.MonkeyPatch) -> None:
    """Leave the embedded weights alone, trained anew."""
    (data / FILE).unlink()
    pretrained.EMBEDDED.write_bytes(b"better")


def test_fingerprints_differ(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other flowers, other weights and other bytes of the same weights are other data."""
    changes: list[Callable[[Path, pytest.MonkeyPatch], None]]
    changes = [lambda *_: None, other_flowers, other_weights, another_embedded_file]
    found = []
    for change in changes:
        with monkeypatch.context() as patch:
            (data / FILE).write_bytes(CONTENT)
            change(data, patch)
            found.append(segmentation.locate("auto", data).fingerprint)
    assert len(set(found)) == len(changes)


def test_where_weights_were_found_does_not_matter(data: Path, tmp_path: Path) -> None:
    """The same bytes in another folder are the same data, prepared the same."""
    first = segmentation.locate("auto", data)
    arrays = segmentation.prepare(first)
    (tmp_path / "cache").mkdir()
    (data / FILE).rename(tmp_path / "cache" / FILE)
    second = segmentation.locate("auto", None)
    assert second.origin != first.origin
    assert second.fingerprint == first.fingerprint
    assert segmentation.prepare(second)["about_weights"].tobytes() == arrays["about_weights"].tobytes()


def test_what_runs_depend_on(data: Path) -> None:
    """Runs depend on what prepares flowers and reads weights, not on what chooses or downloads them."""
    source = segmentation.locate("auto", data)
    assert source.modules == ("cnnreport.data.horses.pixels", "cnnreport.data.pretrained.pretrained_file")
    closure = {Path(path).stem for path in source_closure(source.modules, [PACKAGE.parent])}
    assert not closure & {"download", "pretrained", "segmentation", "flowers"}


def test_damaged_weights_stop_the_program(data: Path) -> None:
    """Damaged weights never turn into embedded ones."""
    (data / FILE).write_bytes(CONTENT[1:])
    with pytest.raises(DataError, match=f"{FILE} is damaged"):
        segmentation.locate("auto", data)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """A data folder that does not exist is an error, whatever was chosen."""
    with pytest.raises(DataError, match="does not exist; correct --data-dir"):
        segmentation.locate("meadow", tmp_path / "none", weights="embedded")
