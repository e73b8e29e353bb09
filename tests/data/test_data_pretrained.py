"""Promises of the choice of pre-trained weights."""

import functools
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asking import asked

from cnnreport.data import download
from cnnreport.data.pretrained import pretrained, pretrained_file
from cnnreport.data.pretrained.declaration import WEIGHTS
from cnnreport.errors import DataError, EnvironmentFailure
from cnnreport.project import PACKAGE
from cnnreport.runs.fingerprint import source_closure

CONTENT = hashlib.sha256(b"weights").digest() * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FILE = f"deeplabv3_resnet101_coco-{DIGEST[:8]}.pth"
NOWHERE = "http://127.0.0.1:9"
PUBLISHED, EMBEDDED = dict(pretrained.COCO), pretrained.EMBEDDED


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with empty caches, no server, a small file for the ResNet-101's and an embedded one."""
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CNNREPORT_WEIGHTS_URL", NOWHERE)
    monkeypatch.setitem(pretrained.COCO, "resnet101", (FILE, "ResNet-101"))  # type: ignore[arg-type]
    monkeypatch.setattr(pretrained, "EMBEDDED", tmp_path / "embedded.safetensors")
    (tmp_path / "embedded.safetensors").write_bytes(b"embedded")
    (tmp_path / "data").mkdir()
    return tmp_path


def located(choice: str, folder: Path | None, *, fetch: bool = True) -> pretrained_file.Pretrained:
    """Locate the weights as a user asks for them."""
    return pretrained.locate(asked(WEIGHTS, choice, folder, fetch=fetch))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def published(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a server that has the file."""
    put(home / "www")
    handler = functools.partial(_Quiet, directory=str(home / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("CNNREPORT_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}/")
        yield home / "www"
        server.shutdown()
        thread.join()


def put(folder: Path, content: bytes = CONTENT) -> Path:
    """Write a file of the ResNet-101's name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(content)
    return folder / FILE


PLACES = [
    ("data", "read from --data-dir"),
    ("data/weights", "read from --data-dir"),
    (".cache/torch/hub/checkpoints", "from torch's cache"),
    ("cache", "from the user cache"),
]


@pytest.mark.parametrize("weights", ["auto", "resnet101"])
@pytest.mark.parametrize(("place", "origin"), PLACES)
def test_a_file_that_is_here(weights: str, place: str, origin: str, home: Path) -> None:
    """A file in any of the folders is taken as it is, without any network."""
    path = put(home / place)
    found = located(weights, home / "data")
    assert (found.name, found.content, found.place) == ("resnet101", DIGEST, path)
    assert (found.origin, found.reason) == (origin, "")
    assert found.title == "torchvision's DeepLabV3 (ResNet-101), pre-trained on COCO with VOC's labels"


def test_what_the_user_gave_comes_first(home: Path) -> None:
    """Where several folders hold the file, they are asked in the promised order."""
    for place, _ in PLACES:
        put(home / place)
    for place, _ in PLACES:
        assert located("auto", home / "data").place == home / place / FILE
        (home / place / FILE).unlink()


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [("TORCH_HOME", "mine", "mine"), ("XDG_CACHE_HOME", "xdg", "xdg/torch"), ("TORCH_HOME", "~", "")],
)
def test_torchs_cache_elsewhere(
    name: str, value: str, place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch.hub's folder is found where the environment says it is."""
    monkeypatch.setenv(name, value if value == "~" else str(home / value))
    path = put(home / place / "hub" / "checkpoints")
    assert located("auto", None).place == path


@pytest.mark.parametrize("weights", ["auto", "resnet101"])
def test_a_download_and_then_the_cache(weights: str, home: Path, published: Path) -> None:
    """What is not here is downloaded once, and taken from the cache ever after."""
    first, second = (located(weights, None) for _ in range(2))
    assert (first.origin, second.origin) == ("downloaded", "from the user cache")
    assert first.place == second.place == home / "cache" / FILE
    assert first.identity() == second.identity()
    assert pretrained_file.read(second) == CONTENT


def test_the_files_are_torchvisions() -> None:
    """Addresses and promised hashes are those in torchvision's own source."""
    package = importlib.util.find_spec("torchvision")
    assert package is not None
    assert package.submodule_search_locations is not None
    source = Path(package.submodule_search_locations[0], "models", "segmentation", "deeplabv3.py").read_text()
    for file, _ in PUBLISHED.values():
        assert f'url="{pretrained.URL}/{file}"' in source


@pytest.mark.parametrize(
    ("weights", "backbone"), [("resnet50", "ResNet-50"), ("mobilenet_v3_large", "MobileNetV3-Large")]
)
def test_other_nets(weights: str, backbone: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other nets of torchvision are taken where they are asked for, and never by themselves."""
    file = f"other-{DIGEST[:8]}.pth"
    monkeypatch.setitem(pretrained.COCO, weights, (file, backbone))  # type: ignore[arg-type]
    (home / "data" / file).write_bytes(CONTENT)
    found = located(weights, home / "data")
    assert (found.name, found.content) == (weights, DIGEST)
    assert f"({backbone})" in found.title
    assert located("auto", home / "data").name == "mobilenet_v3_small_embedded"


def test_the_embedded_net_where_nothing_can_be_had(home: Path) -> None:
    """Left to itself, the program takes the embedded net and says why, without a path."""
    found = located("auto", home / "data")
    assert found.name == "mobilenet_v3_small_embedded"
    assert found.content == hashlib.sha256(b"embedded").hexdigest()
    assert found.reason.startswith(
        "torchvision's weights of the ResNet-101 are not in --data-dir, torch's cache or the user cache "
        "and were not fetched: 127.0.0.1:9 cannot be reached"
    )
    assert str(home) not in found.reason + found.origin


def test_the_embedded_net_by_name(home: Path) -> None:
    """Asked for by name, the embedded net is taken whatever else is here, and needs no reason."""
    put(home / "data")
    found = located("embedded", home / "data")
    assert (found.place, found.origin, found.reason) == (pretrained.EMBEDDED, "brought by cnnreport", "")
    assert found.title == (
        "a small DeepLabV3 (MobileNetV3-Small) pre-trained by this project on drawn meadow scenes "
        "without flowers"
    )


def test_the_embedded_file_belongs_to_the_package() -> None:
    """Its place is beside the code, wherever that is installed."""
    assert EMBEDDED.parent == PACKAGE / "weights"
    assert EMBEDDED.is_file()


def test_a_damaged_embedded_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its name promises its hash as those of torchvision's files do."""
    damaged = tmp_path / EMBEDDED.name
    damaged.write_bytes(b"something else")
    monkeypatch.setattr(pretrained, "EMBEDDED", damaged)
    with pytest.raises(DataError, match=r"is damaged: its SHA-256 begins with .*; install cnnreport again"):
        located("embedded", None)


@pytest.mark.parametrize("weights", ["auto", "embedded"])
def test_no_embedded_file(weights: str) -> None:
    """An installation without it is a failure of the machine, with both ways out."""
    pretrained.EMBEDDED.unlink()
    with pytest.raises(EnvironmentFailure, match=r"are missing; install .* again, or .* run pretrain"):
        located(weights, None)


def test_no_stand_in_for_what_was_asked_for() -> None:
    """Asked for by name, weights that cannot be had stop the program, with the ways out."""
    match = (
        rf"not fetched: 127.* cannot be reached.*; pass a folder .*{FILE}.* or use --data weights=embedded"
    )
    with pytest.raises(DataError, match=match):
        located("resnet101", None)


def test_only_looking(published: Path) -> None:
    """Where nothing may be fetched, nothing is, and the reason says so."""
    reason = located("auto", None, fetch=False).reason
    assert reason == (
        "torchvision's weights of the ResNet-101 are not in torch's cache or the user cache "
        "and were not fetched: only a build fetches them"
    )
    with pytest.raises(DataError, match="only a build fetches them"):
        located("resnet101", None, fetch=False)


@pytest.mark.parametrize("weights", ["auto", "resnet101"])
@pytest.mark.parametrize("place", [place for place, _ in PLACES])
def test_damaged_weights_are_never_passed_over(weights: str, place: str, home: Path, published: Path) -> None:
    """A file that is not what its name promises stops the program, though the server has the right one."""
    path = put(home / place, CONTENT[:-1])
    wrong = hashlib.sha256(CONTENT[:-1]).hexdigest()
    match = f"{path} is damaged: .* begins with {wrong[:8]}, but should with {DIGEST[:8]}; remove it"
    with pytest.raises(DataError, match=match):
        located(weights, home / "data")
    assert path.read_bytes() == CONTENT[:-1]


def test_a_server_with_another_file(home: Path, published: Path) -> None:
    """What a server sends under a wrong hash is never kept: the reason, or an error where asked for."""
    put(published, b"another")
    assert "has another SHA-256 than the published file" in located("auto", None).reason
    with pytest.raises(DataError, match="has another SHA-256 than the published file; pass a folder"):
        located("resnet101", None)
    assert not (home / "cache" / FILE).exists()


@pytest.mark.parametrize(("weights", "bounds"), [("auto", (2.0, 60.0)), ("resnet101", (15.0, None))])
def test_patience(
    weights: str,
    bounds: tuple[float, float | None],
    published: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A download is bounded where the choice is left to the program; one asked for is waited for."""
    fetch, seen = download.fetch, []

    def watched(*arguments: Any, **options: Any) -> Path:
        seen.append((options["first_byte_within"], options["budget"]))
        return fetch(*arguments, **options)

    monkeypatch.setattr(download, "fetch", watched)
    located(weights, None)
    assert seen == [bounds]


@pytest.mark.skipif(os.name == "nt", reason="needs /dev/null as a folder's parent")
def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the machine stays one where weights were asked for, else it is the reason."""
    monkeypatch.setenv("CNNREPORT_CACHE", "/dev/null/cache")
    with pytest.raises(EnvironmentFailure, match=r"cannot write to the cache.*CNNREPORT_CACHE"):
        located("resnet101", None)
    assert "were not fetched: cannot write to the cache: " in located("auto", None).reason


def test_too_large(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than any file of weights is refused without being read."""
    path = put(home / "data")
    monkeypatch.setattr(pretrained_file, "LARGEST_FILE", 1 << 10)
    with pytest.raises(DataError, match=f"{path} has 32000 bytes, expected"):
        located("auto", home / "data")


def test_a_file_that_cannot_be_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission to read it is named."""
    path, opened = put(home / "data"), Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=f"cannot read {path}: permission denied; check its permissions"):
        located("auto", home / "data")


def test_a_change_after_the_file_was_found(home: Path) -> None:
    """Bytes other than those that were located are never handed on."""
    path = put(home / "data")
    found = located("auto", home / "data")
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match=f"{FILE} changed on the disk"):
        pretrained_file.read(found)


@pytest.mark.parametrize(
    ("weights", "content", "origin"),
    [
        ("resnet101", CONTENT, "published at download.pytorch.org"),
        ("embedded", b"embedded", "brought by cnnreport"),
    ],
)
def test_arrays(weights: str, content: bytes, origin: str, home: Path) -> None:
    """A run gets the bytes, and what they are; nothing in it depends on where they were found."""
    put(home / "data")
    found = located(weights, home / "data")
    arrays = pretrained_file.prepare(found)
    assert {name: (a.dtype.name, a.ndim) for name, a in arrays.items()} == dict.fromkeys(arrays, ("uint8", 1))
    assert arrays["weights"].tobytes() == content
    assert json.loads(arrays["about_weights"].tobytes()) == {
        "architecture": found.name,
        "title": found.title,
        "origin": origin,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_no_run_depends_on_the_downloader() -> None:
    """What a run takes from here is apart from what finds and downloads it."""
    closure = {
        Path(path).stem
        for path in source_closure(["cnnreport.data.pretrained.pretrained_file"], PACKAGE.parent)
    }
    assert not closure & {"download", "pretrained", "declaration"}


def test_locating_imports_nothing_heavy(home: Path) -> None:
    """Locating needs neither torch nor, where the file is here, a library for the network."""
    program = (
        "import sys; from pathlib import Path; from cnnreport.data.pretrained import pretrained as p;"
        "from cnnreport.data.data_set import Request;"
        f"p.COCO['resnet101'] = ({FILE!r}, '');"
        f"p.locate(Request('auto', Path({str(put(home / 'data').parent)!r})));"
        "print([m for m in ('torch', 'scipy', 'requests', 'PIL') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert answer.stdout.strip() == "[]", answer.stderr
