"""Locks: a courtesy where they work, no obstacle where they do not."""

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from thinned import thinned

from cnnreport.system import locks
from cnnreport.system.locks import Holder

HOLD = """
import pathlib, sys
from cnnreport.system import locks
with locks.hold(pathlib.Path(sys.argv[1])):
    print(flush=True)
    input()
"""
REFUSALS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO, errno.EINVAL)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows locks files in another way")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock that nobody has held yet."""
    return tmp_path / "run.lock"


@pytest.fixture(params=["locked", "refused", "always"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A system whose locks work, do not, or are given to everybody."""
    if request.param != "locked":
        monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK) if request.param == "refused" else agree)
    return str(request.param)


def refuse(number: int) -> object:
    """What flock is where it does not work."""

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    return flock


def agree(descriptor: int, operation: int) -> None:
    """What flock is where it does nothing."""


def write(lock: Path, process: int, host: str = "", began: str = "") -> None:
    """Name a holder in a lock."""
    lock.write_text(json.dumps({"process": process, "host": host or socket.gethostname(), "began": began}))


def dead() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_lock_names_its_holder_as_long_as_it_is_held(lock: Path, system: str) -> None:
    """Who asks is told process and host; afterwards nobody holds it, and the file stays."""
    assert locks.holder(lock) is None
    with locks.hold(lock):
        held = locks.holder(lock)
        assert held is not None
        assert str(held) == f"process {os.getpid()} on {socket.gethostname()}"
    assert locks.holder(lock) is None
    assert lock.exists()


def test_another_process_is_waited_for_and_named(lock: Path, system: str) -> None:
    """A living holder is waited for, also where only its name tells of it; when it ends, the wait does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        told: list[Holder] = []

        def wait(holder: Holder) -> None:
            told.append(holder)
            other.kill()  # it cannot tidy up

        with locks.hold(lock, wait):
            assert [holder.process for holder in told] == [other.pid]


@pytest.mark.parametrize("number", REFUSALS)
def test_where_files_cannot_be_locked_an_old_lock_is_free(
    number: int, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file that some command left is nobody's, whatever the system says of locks."""
    lock.touch()
    monkeypatch.setattr(fcntl, "flock", refuse(number))
    assert locks.holder(lock) is None
    with locks.hold(lock, pytest.fail), locks.attempt(lock.with_name("other.lock")) as alone:
        assert alone
    assert locks.problem(lock.parent) == os.strerror(number).lower()


@pytest.mark.parametrize(
    "text",
    thinned(
        ["", "{", "[]", "null", '{"process": "x", "host": "h", "began": ""}', '{"process": -1}', "\0" * 9999],
        3,
    ),
)
def test_whatever_a_lock_holds_it_is_read_or_free(text: str, lock: Path, system: str) -> None:
    """Rubbish in a lock is nobody."""
    lock.write_text(text)
    assert locks.holder(lock) is None
    with locks.hold(lock, pytest.fail):
        pass


def test_a_dead_holder_is_not_waited_for(lock: Path, system: str) -> None:
    """The lock of a process that is gone is taken over."""
    write(lock, dead())
    with locks.hold(lock, pytest.fail):
        assert str(locks.holder(lock)) == f"process {os.getpid()} on {socket.gethostname()}"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not tell")
def test_a_number_that_came_again_is_another_process(lock: Path, system: str) -> None:
    """A living process that began at another time is not the one that held the lock."""
    write(lock, os.getpid(), began="a boot before 12345")
    assert locks.holder(lock) is None
    with locks.hold(lock, pytest.fail):
        pass


def test_nobody_waits_for_another_machine_that_cannot_lock(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a process of another machine lives cannot be known: it is not waited for for ever."""
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    write(lock, os.getpid(), host="another-machine")
    with locks.hold(lock, pytest.fail):
        pass


def test_a_lock_of_another_machine_is_believed(lock: Path) -> None:
    """Where the system says that a lock is held, its holder is named, wherever it is."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write(lock, 12, host="another-machine")
        assert str(locks.holder(lock)) == "process 12 on another-machine"
        lock.write_text("")
        assert str(locks.holder(lock)) == "another process"
        with locks.attempt(lock) as alone:
            assert not alone
    assert locks.holder(lock) is None


def test_who_removes_a_lock_goes_on(lock: Path) -> None:
    """The way on that a waiting command names: without the file nobody is waited for."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with locks.hold(lock, lambda holder: lock.unlink()):
            assert str(locks.holder(lock)) == f"process {os.getpid()} on {socket.gethostname()}"


def test_a_lock_can_be_looked_at_where_nothing_can_be_written(lock: Path) -> None:
    """Status works on a read-only copy of an output folder."""
    lock.touch(mode=0o444)
    assert locks.holder(lock) is None


def test_locks_that_work_have_no_problem(tmp_path: Path) -> None:
    """Nothing is said of locks where they work, and nothing is left of the trial."""
    assert locks.problem(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
