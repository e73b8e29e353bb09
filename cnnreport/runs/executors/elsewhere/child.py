"""The process that computes an errand on another machine, and those who talk with it.

A process of its own, though the machine gave one: it has as many threads as the key says, executes the
sources as they are now, can be ended in the middle of an epoch, and gives all memory back.
"""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast, get_args

from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.device import Device
from cnnreport.runs.executors.elsewhere.errand import Answer, Crashed, Errand, Failed, Made, Recalled
from cnnreport.runs.executors.workers import READY, Origin, WorkerDied, serve
from cnnreport.runs.fingerprint import Key
from cnnreport.runs.planning.plan import where_of
from cnnreport.runs.runner import Job, Notify, Progress, execute
from cnnreport.sources import INSTALLED, PACKAGE

_POLL = 0.5
"""Seconds between two questions whether a run is still wanted."""


@dataclass(frozen=True)
class Place:
    """Where an errand finds on this machine what it needs, and leaves what it makes.

    Args:
        project: The project as it lies here.
        runs: Folder for the finished run.
        checkpoints: Folder of runs under way; what another machine left there, too, where it is shared.
        data: The prepared data, None for none.
        reads: The folder of the run that is read, None for none.
    """

    project: Project
    runs: Path
    checkpoints: Path
    data: Path | None
    reads: Path | None

    def relocated(self, job: Job) -> Job:
        """Return a job with the places of this machine, and with the key that it has on it."""
        key = Key(job.key.what, where_of(job.spec, job.device))
        name = artefact.folder_name(job.experiment, job.seed, key)
        sources: Mapping[str, Path] = {path: self.project.source(path) for path in job.sources}
        return replace(
            job,
            key=key,
            folder=self.runs / name,
            checkpoints=self.checkpoints / name,
            data=self.data,
            reads=self.reads,
            sources=sources,
        )


def compute(errand: Errand, place: Place, pack: Callable[[Run], Made]) -> Answer:
    """Compute an errand in a new process; end that process where the run is not wanted any more.

    Args:
        errand: What is to be computed.
        place: Where things are on this machine.
        pack: Makes the answer of a finished run.
    """
    here, there = multiprocessing.Pipe()
    process = _start(there, place.project.root, errand.device)
    there.close()  # so that the process's death is the connection's end
    try:
        here.send_bytes(pickle.dumps((errand, place)))
        answer = _converse(here, errand)
    except (EOFError, OSError):
        return Crashed(str(WorkerDied(process.wait())))
    finally:
        process.kill()
        process.wait()
        here.close()
    if not isinstance(answer, Path):
        return answer
    run = artefact.load(answer)
    return pack(run) if isinstance(run, Run) else Crashed(f"the run in {answer} did not survive")


def _start(connection: "Connection[object, object]", root: Path, device: Device) -> subprocess.Popen[bytes]:
    """Start a process with a command: some pools' workers may have no children of multiprocessing."""
    descriptor = connection.fileno()
    command = [sys.executable, "-m", __name__, str(descriptor), str(os.getpid()), str(root), device]
    environment = dict(os.environ)
    if PACKAGE.parent.name not in INSTALLED:  # a checkout: found here, and so to be found there
        paths = [str(PACKAGE.parent), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return subprocess.Popen(command, pass_fds=[descriptor], env=environment, stdin=subprocess.DEVNULL)


def _converse(connection: "Connection[object, object]", errand: Errand) -> Path | Answer:
    while True:
        while not connection.poll(_POLL):
            if not errand.reporter.wanted():
                return Recalled()
        packed = connection.recv_bytes()
        try:
            message = pickle.loads(packed)  # noqa: S301 - packed by the process that was started here
        except Exception:  # noqa: BLE001 - an error of a class that only the project knows
            return Failed(packed)
        if isinstance(message, Progress):
            errand.reporter.tell(message)
        elif isinstance(message, Path):
            return message
        elif message != READY:
            return Failed(packed)


def _execute(packed: bytes, notify: Notify) -> Path:
    errand, place = pickle.loads(packed)  # noqa: S301 - packed by the process that started this one
    job: Job = pickle.loads(errand.job)  # noqa: S301 - from whoever sent this errand, who may run anything
    return execute(place.relocated(job), notify)


def main(arguments: list[str]) -> None:
    """Serve whoever started this process.

    Args:
        arguments: The descriptor of the connection, the number of the process that started this one, the
            project's folder, the device.
    """
    descriptor, parent, root, device = arguments
    assert device in get_args(Device), device
    for number in (signal.SIGUSR1, signal.SIGUSR2):  # queues send them to all processes, for the first alone
        signal.signal(number, signal.SIG_IGN)
    origin = Origin(int(parent), (), Path(root))
    serve(Connection(int(descriptor)), origin, cast(Device, device), _execute)


if __name__ == "__main__":
    main(sys.argv[1:])
