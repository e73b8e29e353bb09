"""Locks are a courtesy: where none holds anybody back, nothing is lost or mixed."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from planned import job, plan

from cnnreport.errors import EnvironmentFailure
from cnnreport.project import Project
from cnnreport.runs import artefact, checkpoint
from cnnreport.runs.artefact import Run
from cnnreport.runs.runner import Progress, execute
from cnnreport.system import durable

FOREVER = 120.0
CROWD = """
import dataclasses, sys
from contextlib import nullcontext
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from planned import job
from cnnreport.project import Project
from cnnreport.runs import checkpoint
from cnnreport.runs.runner import execute

checkpoint.lock = lambda *_: nullcontext()
the_job = job(Project(Path(sys.argv[2]), Path(sys.argv[2]) / "build"))
print(flush=True)
input()
for n in range(15):
    execute(dataclasses.replace(the_job, force=n % 3 < 2), lambda _: None)
"""


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a run but the manifest, which also tells times."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != artefact.MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_three_processes_compute_the_same_run_at_once(counting: Project) -> None:
    """Without locks all of them succeed, again and again, and the run is that of one left in peace."""
    the_job = job(counting)
    execute(the_job, lambda _: None)
    expected = contents(the_job.folder)
    shutil.rmtree(the_job.folder)
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD, str(Path(__file__).parent), str(counting.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in crowd:  # all have imported what takes long
        assert process.stdout is not None
        process.stdout.readline()
    for process in crowd:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=FOREVER) for process in crowd]
    assert [process.returncode for process in crowd] == [0, 0, 0], ends
    assert isinstance(artefact.load(the_job.folder), Run)
    assert contents(the_job.folder) == expected
    assert [path.name for path in counting.runs.iterdir()] == [the_job.folder.name]
    assert not the_job.checkpoints.exists()


def test_a_run_that_another_process_has_finished_meanwhile_stays(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes second leaves the run of the first in its place, untouched."""
    the_job = job(counting)
    monkeypatch.setattr(checkpoint, "lock", lambda *_: nullcontext())
    first: list[bytes] = []

    def overtake(progress: Progress) -> None:
        if progress.epoch == 2 and not first:
            first.append(b"")
            execute(the_job, lambda _: None)
            first[0] = (the_job.folder / artefact.MANIFEST).read_bytes()

    execute(the_job, overtake)
    assert (the_job.folder / artefact.MANIFEST).read_bytes() == first[0]


def test_what_a_dead_process_was_putting_together_is_removed(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed command leaves nothing once the same run is saved; one that lives is left alone."""
    the_job, write, written = job(counting), durable.write, []
    monkeypatch.setattr(durable, "write", lambda path, content: written.append(path) or write(path, content))
    execute(the_job, lambda _: None)
    durable.remove(the_job.folder)
    here = next(path.parent for path in written if path.parent.name.startswith(artefact.INCOMING))
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    dead, alive, foreign = (
        here.with_name(f"{here.name.removesuffix(str(os.getpid()))}{end}")
        for end in (process.pid, os.getppid(), "notes")
    )
    for folder in (dead, alive, foreign):
        durable.write(folder / "file", b"")
    execute(the_job, lambda _: None)
    assert not dead.exists()
    assert {alive, foreign, the_job.folder} == set(counting.runs.iterdir())


def test_a_waiting_command_says_for_whom_and_how_to_go_on(counting: Project) -> None:
    """Process, machine and the file to remove are named."""
    the_job = job(counting)
    heard: list[str] = []

    def listen(progress: Progress) -> None:
        if progress.warning:
            heard.append(progress.warning)
            checkpoint.lock_file(the_job.checkpoints).unlink()

    with checkpoint.lock(the_job.checkpoints):
        holder = checkpoint.computed_by(the_job.checkpoints)
        execute(the_job, listen)
    file = checkpoint.lock_file(the_job.checkpoints)
    assert heard == [f"{holder} computes it; to compute it here as well, remove {file}"]
    assert plan(counting)[0].state == "cached"


def test_a_folder_that_goes_while_a_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may end the same run and remove its checkpoints: the file is written all the same."""
    target = tmp_path / "folder" / "file"
    replace, gone = os.replace, []

    def forestalled(source: str, place: Path) -> None:
        if not gone:
            gone.append(shutil.rmtree(target.parent))
        replace(source, place)

    monkeypatch.setattr(os, "replace", forestalled)
    durable.write(target, b"content")
    assert target.read_bytes() == b"content"
    assert [path.name for path in target.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("make", [lambda folder: durable.write(folder / "file", b""), durable.make_folder])
def test_a_folder_that_goes_while_it_is_made(
    make: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is seen by the first look of mkdir, which says "exists", and gone at the second."""
    folder = tmp_path / "folder"
    folder.mkdir()
    make_one, gone = os.mkdir, []

    def forestalled(path: Path, mode: int = 0o777) -> None:
        try:
            make_one(path, mode)
        except FileExistsError:
            if not gone:
                gone.append(shutil.rmtree(folder))
            raise

    monkeypatch.setattr(os, "mkdir", forestalled)
    make(folder)
    assert gone
    assert folder.is_dir()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_file_systems_that_cannot_sync_a_folder_or_set_a_mode(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some shares refuse both; the file is written, and its own content synced."""
    sync, synced = os.fsync, []

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        synced.append(sync(descriptor))

    def fchmod(descriptor: int, mode: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "fchmod", fchmod)
    durable.write(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert synced == [None]


def test_a_disk_that_fails_to_sync_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk itself is never taken for a peculiarity of its file system."""
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(EnvironmentFailure, match=r"cannot write .*file: input/output error"):
        durable.write(tmp_path / "file", b"content")
