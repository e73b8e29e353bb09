"""Files written side by side, each in a process of its own."""

import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

import pytest

from cnnreport.errors import EnvironmentFailure, VerificationError
from cnnreport.report.out import apart
from cnnreport.report.out.apart import Job
from cnnreport.system import durable


def plain(content: str, path: Path) -> str:
    """Write the content, and beside it which process did."""
    path.with_suffix(".pid").write_text(str(os.getpid()))
    return durable.write(path, content.encode())


def refused(content: str, path: Path) -> str:
    """Write nothing, for a reason."""
    raise VerificationError(f"{path.name} was not written", "mend it")


def killed(content: str, path: Path) -> str:
    """Write nothing: the system takes the process away."""
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def killed_halfway(content: str, path: Path) -> str:
    """Leave a folder behind, as a PDF does for its typefaces."""
    path.with_suffix(".scratch").write_text(tempfile.mkdtemp())
    return killed(content, path)


def killed_once(content: str, path: Path) -> str:
    """The same at the first attempt alone."""
    if not path.with_suffix(".tried").exists():
        path.with_suffix(".tried").touch()
        killed(content, path)
    return plain(content, path)


def test_each_file_is_written_by_a_process_of_its_own(tmp_path: Path) -> None:
    """The hashes come in the order of the files."""
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    answers = apart.write([Job(plain, path.name, path) for path in paths])
    assert answers == [durable.sha256(path.name.encode()) for path in paths]
    assert [path.read_text() for path in paths] == ["a.txt", "b.txt"]
    processes = {path.with_suffix(".pid").read_text() for path in paths}
    assert len(processes | {str(os.getpid())}) == 3


def test_one_file_needs_no_process(tmp_path: Path) -> None:
    """Nothing is gained by a second one."""
    apart.write([Job(plain, "a", tmp_path / "a.txt")])
    assert (tmp_path / "a.pid").read_text() == str(os.getpid())


@pytest.mark.slow
@pytest.mark.parametrize("failing", [refused, killed])
def test_a_failure_of_one_leaves_the_other_alone(tmp_path: Path, failing: object) -> None:
    """What stopped one is told, with its file; the other is there."""
    jobs = [Job(failing, "a", tmp_path / "a.txt"), Job(plain, "b", tmp_path / "b.txt")]
    failure, digest = apart.write(jobs)
    assert isinstance(failure, VerificationError if failing is refused else EnvironmentFailure)
    assert "a.txt was " in str(failure)
    assert ("signal 9" in str(failure)) == (failing is killed)
    assert digest == durable.sha256(b"b")
    assert not (tmp_path / "a.txt").exists()


@pytest.mark.slow
def test_what_the_system_ended_is_tried_again_alone(tmp_path: Path) -> None:
    """Two files may have been too many at once for the memory."""
    jobs = [Job(killed_once, "a", tmp_path / "a.txt"), Job(plain, "b", tmp_path / "b.txt")]
    assert apart.write(jobs) == [durable.sha256(b"a"), durable.sha256(b"b")]


@pytest.mark.slow
def test_what_an_ended_process_leaves_is_removed(tmp_path: Path) -> None:
    """Its temporary files would else be there for good."""
    jobs = [Job(killed_halfway, "a", tmp_path / "a.txt"), Job(plain, "b", tmp_path / "b.txt")]
    apart.write(jobs)
    assert not Path((tmp_path / "a.scratch").read_text()).exists()


def marked() -> None:
    """What a process does to get ready: tell that it did."""
    Path(os.environ["CNNREPORT_TEST_READY"]).write_text(str(os.getpid()))


def test_a_process_gets_ready_before_its_file_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes the first file, while this process does something else."""
    monkeypatch.setenv("CNNREPORT_TEST_READY", str(tmp_path / "ready"))
    done = []
    with apart.ahead(marked) as printer:
        answers = apart.write(
            [Job(plain, "a", tmp_path / "a.txt")], lambda: done.append(os.getpid()), printer
        )
    assert answers == [durable.sha256(b"a")]
    assert (tmp_path / "a.pid").read_text() == (tmp_path / "ready").read_text() != str(os.getpid())
    assert done == [os.getpid()]


def test_a_process_that_cannot_get_ready_writes_nothing(tmp_path: Path) -> None:
    """What stopped it is the answer."""
    with apart.ahead(marked) as printer:  # without the variable
        (failure,) = apart.write([Job(plain, "a", tmp_path / "a.txt")], first=printer)
    assert "CNNREPORT_TEST_READY" in str(failure)
    assert not (tmp_path / "a.txt").exists()


def test_a_process_without_a_file_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is to be written after all, nothing is left running."""
    monkeypatch.setenv("CNNREPORT_TEST_READY", str(tmp_path / "ready"))
    with apart.ahead(marked):
        pass
    assert not multiprocessing.active_children()
