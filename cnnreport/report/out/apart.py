"""Files that take long to write, written side by side, each in a process of its own."""

import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from cnnreport.errors import EnvironmentFailure
from cnnreport.system import children, streams


class Job(NamedTuple):
    """A file to be written: the function of a module that does it, its content, and its place."""

    write: Callable[[str, Path], str]
    content: str
    path: Path

    def do(self) -> str | Exception:
        """Write it in this process; return the SHA-256 of what was written, or what stopped it."""
        try:
            return self.write(self.content, self.path)
        except Exception as error:  # noqa: BLE001 - the other files are written all the same
            return error


@contextmanager
def ahead(ready: Callable[[], object] | None) -> "Iterator[Printer | None]":
    """Have a process get ready for a file while it is not known yet what the file will hold.

    Args:
        ready: A function of a module by which it does so; None where none is needed, which yields None.
    """
    if ready is None:
        yield None
        return
    with _scratch() as scratch:
        printer = _started(1, scratch, ready)[0]
        try:
            yield printer
        finally:
            printer.close()


def write(
    jobs: Sequence[Job], meanwhile: Callable[[], object] = tuple, first: "Printer | None" = None
) -> list[str | Exception]:
    """Write files side by side; a failure of one leaves the others alone.

    A process that was ended, most likely for want of memory, begins again when all others are done.

    Args:
        jobs: The files.
        meanwhile: What this process does while others write.
        first: A process that is ready for the first of them, see `ahead`.

    Returns:
        For each file the SHA-256 of what was written, or what stopped it.
    """
    if not jobs or (len(jobs) == 1 and first is None):  # there is nothing to gain by another process
        meanwhile()
        return [job.do() for job in jobs]
    answers = _side_by_side(jobs, meanwhile, first)
    for number, job in enumerate(jobs):
        if isinstance(answers[number], _Ended):
            (answers[number],) = _side_by_side([job])
    return answers


class _Ended(EnvironmentFailure):
    """A process was ended before its file was written."""


def _side_by_side(
    jobs: Sequence[Job], meanwhile: Callable[[], object] = tuple, first: "Printer | None" = None
) -> list[str | Exception]:
    with _scratch() as scratch:
        there = [] if first is None else [first]
        printers = [*there, *_started(len(jobs) - len(there), scratch)]
        try:
            for printer, job in zip(printers, jobs, strict=True):
                printer.begin(job)
            meanwhile()
            return [printer.answer(job) for printer, job in zip(printers, jobs, strict=True)]
        finally:
            for printer in printers:  # where this process is interrupted, nobody waits for a file
                printer.close()


def _scratch() -> "tempfile.TemporaryDirectory[str]":
    # What a process leaves that is ended goes with this folder.
    return tempfile.TemporaryDirectory(prefix="cnnreport-", ignore_cleanup_errors=True)


def _started(number: int, scratch: str, ready: Callable[[], object] = tuple) -> "list[Printer]":
    with children.born_deaf():  # Ctrl-C is for this process
        return [Printer(scratch, ready) for _ in range(number)]


class Printer:
    """A process that writes one file.

    Args:
        scratch: The folder for what it needs on the way.
        ready: What it does before it knows the file.
    """

    def __init__(self, scratch: str, ready: Callable[[], object]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, os.getpid(), scratch, ready))
        self._process.start()
        there.close()  # so that the death of the process is the connection's end

    def begin(self, job: Job) -> None:
        """Have it write a file."""
        try:
            self._connection.send_bytes(pickle.dumps(job))
        except OSError:  # it died at once, which its answer says
            return

    def answer(self, job: Job) -> str | Exception:
        """Wait for the file that it was to write."""
        try:
            answer: str | Exception = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            problem = f"the process that was to write {job.path} was ended ({self._how()})"
            return _Ended(problem, "most likely for want of memory: make room, and build again")
        return answer

    def _how(self) -> str:
        code = self._process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _serve(
    connection: "Connection[object, object]", parent: int, scratch: str, ready: Callable[[], object]
) -> None:
    """Write one file: all that such a process does."""
    children.obey(parent)
    tempfile.tempdir = scratch
    streams.protect()
    try:
        ready()
        job: Job = pickle.loads(connection.recv_bytes())  # noqa: S301 - packed by the process that started this one
        answer = job.do()
    except Exception as error:  # noqa: BLE001 - such as that of an import
        answer = error
    connection.send(children.portable(answer) if isinstance(answer, Exception) else answer)
