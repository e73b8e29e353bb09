"""Artefacts prove themselves, and travel."""

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
from planned import job

from cnnreport.errors import DataError, UsageError
from cnnreport.project import Project
from cnnreport.runs import artefact, transfer
from cnnreport.runs.artefact import Damaged, Run
from cnnreport.runs.runner import execute
from cnnreport.system import durable
from cnnreport.task import Results


@pytest.fixture
def run(counting: Project) -> Run:
    """A finished run."""
    loaded = artefact.load(execute(job(counting), lambda _: None))
    assert isinstance(loaded, Run)
    return loaded


def test_arrays_come_back_as_they_were(run: Run, tmp_path: Path) -> None:
    """However they lie in memory, and a single number too."""
    numbers = np.arange(24).reshape(2, 3, 4)
    kept = {
        "turned": numbers.T,
        "reversed": numbers[::-1],
        "every_other": numbers[..., ::2],
        "one": numbers[1, 2, 3],
    }
    folder, results = tmp_path / run.folder.name, Results(samples=kept)
    artefact.save(folder, run.experiment, run.seed, run.key, run.history, results, {}, run.circumstances)
    again = artefact.load(folder)
    assert isinstance(again, Run)
    for name, array in again.samples().items():
        assert (array.shape, array.tolist()) == (kept[name].shape, kept[name].tolist()), name
    assert again.samples().keys() == kept.keys()


def test_arrays_are_read_once_and_cannot_be_written_to(run: Run) -> None:
    """Many answers read them, and none can change what another reads."""
    for name, array in run.samples().items():
        assert run.samples()[name] is array
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def flip(file: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_every_single_flipped_bit_is_noticed(run: Run) -> None:
    """Whichever file of a run is damaged, the run counts as damaged."""
    for name in [*run.manifest["files"], artefact.MANIFEST]:
        before = (run.folder / name).read_bytes()
        flip(run.folder / name)
        assert isinstance(artefact.load(run.folder), Damaged), name
        (run.folder / name).write_bytes(before)
    assert isinstance(artefact.load(run.folder), Run)


def test_the_damaged_file_is_named(run: Run) -> None:
    """The user is told which file is not what was written."""
    (run.folder / artefact.WEIGHTS).write_bytes(b"")
    damaged = artefact.load(run.folder)
    assert isinstance(damaged, Damaged)
    assert damaged.problem == "weights.safetensors is missing or not what was written"


def test_a_run_without_manifest_does_not_exist(run: Run) -> None:
    """What lacks its manifest was never finished."""
    (run.folder / artefact.MANIFEST).unlink()
    assert artefact.load(run.folder) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"self": 1}', b"null", b"\xff\xfe"])
def test_a_manifest_of_any_form_is_read_or_refused(run: Run, content: bytes) -> None:
    """Rubbish in place of a manifest is damage, not a crash."""
    (run.folder / artefact.MANIFEST).write_bytes(content)
    assert isinstance(artefact.load(run.folder), Damaged)


def test_runs_travel_unchanged_and_are_marked(run: Run, tmp_path: Path) -> None:
    """Export and import give the same bytes, and the report can tell that they came from elsewhere."""
    file = tmp_path / "runs.zip"
    transfer.export_runs([run], file)
    taken, known = transfer.import_runs(file, tmp_path / "elsewhere")
    assert [one.manifest for one in taken] == [run.manifest]
    assert known == []
    assert taken[0].imported is not None
    assert taken[0].imported["file"] == "runs.zip"
    assert run.imported is None


def test_a_second_import_changes_nothing(run: Run, tmp_path: Path) -> None:
    """A run that stands already is left alone and reported as known."""
    file = tmp_path / "runs.zip"
    transfer.export_runs([run], file)
    transfer.import_runs(file, tmp_path / "elsewhere")
    taken, known = transfer.import_runs(file, tmp_path / "elsewhere")
    assert (len(taken), len(known)) == (0, 1)


def test_the_same_runs_give_the_same_archive(run: Run, tmp_path: Path) -> None:
    """An archive tells no time of its own."""
    transfer.export_runs([run], tmp_path / "a.zip")
    transfer.export_runs([run], tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_nothing_to_export_is_an_error(tmp_path: Path) -> None:
    """An empty archive would look like success."""
    with pytest.raises(UsageError, match="no finished runs"):
        transfer.export_runs([], tmp_path / "runs.zip")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        ".",
        "count-seed0-0123456789abcdef",
        "/evil.txt",
        "count-seed0-0123456789abcdef/../../evil.txt",
        "evil/manifest.json",
    ],
)
def test_an_archive_cannot_write_outside(name: str, tmp_path: Path) -> None:
    """A path that leaves its run's folder is refused before anything is unpacked."""
    file = tmp_path / "runs.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(DataError, match="no run's file"):
        transfer.import_runs(file, tmp_path / "in" / "runs")
    assert not list((tmp_path / "in").rglob("evil*"))


def test_a_cut_archive_is_refused_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    """A half-copied archive brings in no run at all."""
    file = tmp_path / "runs.zip"
    transfer.export_runs([run], file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match="cut short"):
        transfer.import_runs(file, tmp_path / "elsewhere")
    assert list(artefact.load_all(tmp_path / "elsewhere")) == []


def test_a_changed_file_in_an_archive_is_refused(run: Run, tmp_path: Path) -> None:
    """An archive whose parts do not fit its manifest brings in nothing."""
    file = tmp_path / "runs.zip"
    (run.folder / artefact.MEASURES).write_bytes(b"{}\n")
    transfer.export_runs([run], file)
    with pytest.raises(DataError, match=r"measures.json is missing or not what was written"):
        transfer.import_runs(file, tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new content cannot be written whole, the old one stands and no rest is left."""
    from cnnreport.errors import EnvironmentFailure

    file = tmp_path / "a.txt"
    durable.write(file, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EnvironmentFailure, match="no space left on device"):
        durable.write(file, b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_named_file_proves_itself(tmp_path: Path) -> None:
    """A file with its hash in its name is absent once a bit of it is wrong."""
    file = durable.write_named(tmp_path, "data", ".bin", b"content")
    assert durable.read_named(file) == b"content"
    flip(file)
    assert durable.read_named(file) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{}", b"junk"])
def test_a_damaged_mark_is_still_a_mark(run: Run, content: bytes) -> None:
    """A run that came from elsewhere never turns into one made here."""
    durable.write(run.folder / artefact.IMPORTED, content)
    again = artefact.load(run.folder)
    assert isinstance(again, Run)
    assert again.imported is not None


def test_a_run_computed_here_loses_the_mark(counting: Project) -> None:
    """Forced over an imported run, the new one is not from elsewhere, and stands whole."""
    folder = execute(job(counting), lambda _: None)
    durable.write(folder / artefact.IMPORTED, b'{"file": "x.zip", "when": "now"}')
    execute(dataclasses.replace(job(counting), force=True), lambda _: None)
    again = artefact.load(folder)
    assert isinstance(again, Run)
    assert again.imported is None
    assert [path.name for path in counting.runs.iterdir()] == [folder.name]


def test_a_folder_in_the_place_of_a_file_is_damage(run: Run) -> None:
    """Whatever lies where a file of the run should be, the run is told to be damaged."""
    (run.folder / artefact.HISTORY).unlink()
    (run.folder / artefact.HISTORY).mkdir()
    damaged = artefact.load(run.folder)
    assert isinstance(damaged, Damaged)
    assert damaged.problem == "history.json is missing or not what was written"
