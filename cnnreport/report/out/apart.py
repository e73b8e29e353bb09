"""Files that take long to write, written side by side, each in a process of its own."""

import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Callable, Sequence
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


def write(jobs: Sequence[Job]) -> list[str | Exception]:
    """Write files side by side; a failure of one leaves the others alone.

    A process that was ended, most likely for want of memory, begins again when all others are done.

    Returns:
        For each file the SHA-256 of what was written, or what stopped it.
    """
    if len(jobs) < 2:  # there is nothing to gain by another process
        return [job.do() for job in jobs]
    answers = _side_by_side(jobs)
    for number, job in enumerate(jobs):
        if isinstance(answers[number], _Ended):
            (answers[number],) = _side_by_side([job])
    return answers


class _Ended(EnvironmentFailure):
    """A process was ended before its file was written."""


def _side_by_side(jobs: Sequence[Job]) -> list[str | Exception]:
    # What a process leaves that is ended goes with this folder.
    with tempfile.TemporaryDirectory(prefix="cnnreport-", ignore_cleanup_errors=True) as scratch:
        with children.born_deaf():  # Ctrl-C is for this process
            printers = [_Printer(job, scratch) for job in jobs]
        try:
            for printer in printers:
                printer.begin()
            return [printer.answer() for printer in printers]
        finally:
            for printer in printers:  # where this process is interrupted, nobody waits for a file
                printer.close()


class _Printer:
    """A process that writes one file.

    Args:
        job: The file.
        scratch: The folder for what it needs on the way.
    """

    def __init__(self, job: Job, scratch: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._job = job
        self._connection, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, os.getpid(), scratch))
        self._process.start()
        there.close()  # so that the death of the process is the connection's end

    def begin(self) -> None:
        try:
            self._connection.send_bytes(pickle.dumps(self._job))
        except OSError:  # it died at once, which its answer says
            return

    def answer(self) -> str | Exception:
        """Wait for the file."""
        try:
            answer: str | Exception = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            problem = f"the process that was to write {self._job.path} was ended ({self._how()})"
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


def _serve(connection: "Connection[object, object]", parent: int, scratch: str) -> None:
    """Write one file: all that such a process does."""
    children.obey(parent)
    tempfile.tempdir = scratch
    streams.protect()
    try:
        job: Job = pickle.loads(connection.recv_bytes())  # noqa: S301 - packed by the process that started this one
        answer = job.do()
    except Exception as error:  # noqa: BLE001 - such as that of an import
        answer = error
    connection.send(children.portable(answer) if isinstance(answer, Exception) else answer)
