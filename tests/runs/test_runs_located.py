"""Promises of the data of a spec that names several data sets: flowers and the weights of Part D."""

import hashlib
import json
from pathlib import Path

import pytest

from cnnreport.data import data_set
from cnnreport.data.pretrained import pretrained
from cnnreport.errors import DataError, UsageError
from cnnreport.project import PACKAGE
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.fingerprint import source_closure
from cnnreport.runs.planning import located
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.located import Located
from cnnreport.training.specs.segmentation import Features, Pretraining

CONTENT = hashlib.sha256(b"weights").digest() * 100
FILE = f"deeplabv3_resnet101_coco-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty caches, small weights, no server."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    for name in ("WEIGHTS", "FLOWERS17", "CIFAR10"):
        monkeypatch.setenv(f"CNNREPORT_{name}_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(pretrained.COCO, "resnet101", (FILE, "ResNet-101"))  # type: ignore[arg-type]
    monkeypatch.setattr(pretrained, "EMBEDDED", tmp_path / "embedded.safetensors")
    (tmp_path / "embedded.safetensors").write_bytes(b"embedded")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that holds the weights."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(CONTENT)
    return tmp_path / "data"


def part_d(folder: Path | None = None, fetch: bool = False, **wish: str) -> Located:
    """Locate the data of Part D as a user asks for them."""
    chosen = Choices(data=wish, data_dir=folder, fetch=fetch)
    both = located.locate(located.names_of(Features.data), chosen)
    assert both is not None
    return both


def test_what_is_said_of_both(data: Path) -> None:
    """Name, title and stand-in are the first set's; the origin names both."""
    both = part_d(data, flowers="meadow")
    assert (both.name, both.title, both.stand_in) == ("meadow-flowers", "Meadow flowers", True)
    assert both.origin == (
        "drawn by cnnreport; torchvision's DeepLabV3 (ResNet-101), pre-trained on COCO with VOC's labels, "
        "read from --data-dir"
    )
    assert both.reason == ""


def test_both_reasons() -> None:
    """Where both choices were left to the program, both reasons are said."""
    both = part_d()
    assert both.reason == "; ".join(source.reason for source in both.sources)
    assert both.reason.count("not fetched") == 2


def test_a_choice_reaches_the_set_that_it_is_for(data: Path) -> None:
    """What is asked of one set changes nothing of the other."""
    assert [source.name for source in part_d(data, weights="embedded").sources] == [
        "meadow-flowers",
        "mobilenet_v3_small_embedded",
    ]
    assert [source.name for source in part_d(data, all="drawn", weights="auto").sources] == [
        "meadow-flowers",
        "resnet101",
    ]


def test_drawn_data_fetch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all is to be drawn no server is asked, though a build may ask one."""

    def forbidden(*_: object, **__: object) -> Path:
        raise AssertionError("nothing is to be fetched")

    monkeypatch.setattr("cnnreport.data.download.fetch", forbidden)
    assert part_d(fetch=True, all="drawn").reason == ""


def test_fingerprints_differ(data: Path) -> None:
    """Other weights and other bytes of the same weights are other data."""
    fingerprints = {part_d(data).fingerprint, part_d(data, weights="embedded").fingerprint}
    pretrained.EMBEDDED.write_bytes(b"better")
    fingerprints.add(part_d(data, weights="embedded").fingerprint)
    assert len(fingerprints) == 3


def test_where_weights_were_found_does_not_matter(data: Path, tmp_path: Path) -> None:
    """The same bytes in another folder are the same data."""
    first = part_d(data)
    (tmp_path / "cache").mkdir()
    (data / FILE).rename(tmp_path / "cache" / FILE)
    second = part_d()
    assert second.origin != first.origin
    assert second.fingerprint == first.fingerprint


def test_what_runs_depend_on(data: Path) -> None:
    """Runs depend on what prepares the data, not on what declares, chooses or downloads them."""
    closure = {Path(path).stem for path in source_closure(part_d(data).modules, PACKAGE.parent)}
    assert closure >= {"flower_bed", "flower_set", "pretrained_file"}
    assert not closure & {"download", "pretrained", "flowers", "declaration", "data_set", "obtain", "located"}


def test_damaged_weights_stop_the_program(data: Path) -> None:
    """Damaged weights never turn into embedded ones."""
    (data / FILE).write_bytes(CONTENT[1:])
    with pytest.raises(DataError, match=f"{FILE} is damaged"):
        part_d(data)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """A data folder that does not exist is an error, whatever was chosen."""
    with pytest.raises(DataError, match="does not exist; correct --data-dir"):
        part_d(tmp_path / "none", all="drawn")


def test_the_key_names_the_first_set() -> None:
    """A run's key tells name, title, stand-in, the content of all sets and what prepares them."""
    said = part_d(all="drawn").to_json()
    assert json.loads(json.dumps(said)) == {
        "name": "meadow-flowers",
        "title": "Meadow flowers",
        "stand_in": True,
        "fingerprint": said["fingerprint"],
        "prepare": [data_set.load(name).prepare for name in located.names_of(Features.data)],
    }


def test_the_known_sets_are_those_that_experiments_name() -> None:
    """A data set is known by being named in a spec, once however often it is."""
    experiments = [
        Experiment("scenes", "Scenes", Pretraining(architecture="small")),
        Experiment("features", "Features", Features()),
        Experiment("random", "Random features", Features(start="random")),
    ]
    assert list(located.known(experiments)) == ["scenes", "flowers", "weights"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("cnnreport.data.nothing:SET", "there is no module cnnreport.data.nothing; mend the name"),
        ("cnnreport.data.horses.declaration:NONE", "there is no NONE in cnnreport.data.horses.declaration"),
        ("cnnreport.data.source:SEED", "'cnnreport.data.source:SEED' is no data set"),
        ("cnnreport.data.horses", "'cnnreport.data.horses' is no name of a thing in a module"),
    ],
)
def test_a_wrong_name_is_told(name: str, problem: str) -> None:
    """A spec that names no data set is told which name is wrong, and how."""
    with pytest.raises(UsageError, match=problem):
        located.locate((name,), Choices())
