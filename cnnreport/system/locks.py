"""Locks between processes: a courtesy that spares work, never what keeps files whole.

A lock is a file that names its holder. Where the system can lock it, the system also tells whether it is
held, and frees it when its holder dies. Where it cannot (some network and FUSE file systems, some
containers), the name alone decides: that of a process of this machine that is alive. Nobody waits for what
cannot be known: an empty file, a process that is gone, or one of another machine.
"""

import contextlib
import errno
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_POLL = 0.2
"""Seconds between two looks at a lock that another holds."""

_LONGEST = 4096
"""Bytes that are read of a lock file, whatever it is."""


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock.

    Args:
        process: Its number; 0 where it did not name itself.
        host: The machine's name.
        began: When it began, as the machine counts: numbers of processes come again.
    """

    process: int = 0
    host: str = ""
    began: str = ""

    def __str__(self) -> str:
        """Name it in a sentence."""
        return f"process {self.process} on {self.host}" if self.process else "another process"

    @property
    def lives(self) -> bool:
        """Whether it is a process of this machine that is alive."""
        return (
            self.host == socket.gethostname()
            and is_alive(self.process)
            and _began(self.process) == self.began
        )


def is_alive(process: int) -> bool:
    """Say whether this machine has a process of a number; on Windows, which does not tell, say no."""
    if os.name == "nt" or process < 1:
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        return True
    return True


@contextlib.contextmanager
def hold(file: Path, on_wait: Callable[[Holder], None] = lambda holder: None) -> Iterator[None]:
    """Hold a lock, and wait for it while another holds it.

    Args:
        file: The lock. It stays when it is free: another process may be waiting for it. Who removes
            it lets one of those go on.
        on_wait: Told who is being waited for, once for each holder.
    """
    announced: Holder | None = None
    while isinstance(taken := _take(file), Holder):
        if taken != announced:
            on_wait(taken)
        announced = taken
        time.sleep(_POLL)
    try:
        yield
    finally:
        _release(taken)


@contextlib.contextmanager
def attempt(file: Path) -> Iterator[bool]:
    """Hold a lock if nobody else does, and tell whether that is so; never wait."""
    taken = _take(file)
    try:
        yield not isinstance(taken, Holder)
    finally:
        if not isinstance(taken, Holder):
            _release(taken)


def holder(file: Path) -> Holder | None:
    """Return who holds a lock now, None where nobody does; a file system may be read-only."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:  # it is not there, or is nobody's business
        return None
    try:
        return _other(descriptor, _lock(descriptor, shared=True))
    finally:
        os.close(descriptor)


def problem(folder: Path) -> str:
    """Say why the system cannot lock files of a folder, in its own words; empty where it can."""
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            _system_lock(file.fileno(), shared=False)
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


def _take(file: Path) -> int | Holder:
    """Return a descriptor that holds the lock, or who holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if (other := _other(descriptor, _lock(descriptor, shared=False))) is not None:
                os.close(descriptor)
                return other
            if os.fstat(descriptor).st_nlink:
                _write(descriptor, json.dumps(asdict(_myself())).encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # somebody has removed the file meanwhile: this lock would be nobody's


def _release(descriptor: int) -> None:
    try:
        _write(descriptor, b"")
    finally:
        os.close(descriptor)


def _other(descriptor: int, locked: bool | None) -> Holder | None:
    """Return who else holds a lock, from what the system says of it and what is written in it."""
    named = _read(descriptor)
    if locked is False:
        return named or Holder()
    # Some systems say yes to everybody; so the name counts there, too.
    return named if named and named.lives else None


def _lock(descriptor: int, *, shared: bool) -> bool | None:
    """Try to lock: True, False where another process has locked it, None where the system cannot."""
    try:
        _system_lock(descriptor, shared=shared)
    except OSError as error:
        held = error.errno in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK)
        return False if held else None
    return True


if sys.platform == "win32":

    def _system_lock(descriptor: int, *, shared: bool) -> None:
        import msvcrt

        os.lseek(descriptor, _LONGEST, os.SEEK_SET)  # behind the text: others cannot read what is locked
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:

    def _system_lock(descriptor: int, *, shared: bool) -> None:
        import fcntl

        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _read(descriptor: int) -> Holder | None:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        parts = json.loads(os.read(descriptor, _LONGEST))
        return Holder(int(parts["process"]), str(parts["host"]), str(parts["began"]))
    except (OSError, ValueError, TypeError, KeyError):  # empty, or not ours
        return None


def _write(descriptor: int, content: bytes) -> None:
    """Write who holds the lock; where that fails, it is a lock without a name."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, content)


def _myself() -> Holder:
    return Holder(os.getpid(), socket.gethostname(), _began(os.getpid()))


def _began(process: int) -> str:
    """Return when a process began, in ticks since which start of the machine; empty where nobody tells."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{boot} {fields[18]}" if state != "Z" else "dead"
