"""What the tests of other machines share: runs that stop in their third epoch until they may go on."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from test_runs_executor import alive, wait_for

from cnnreport.project import Project
from cnnreport.runs.artefact import Run
from cnnreport.runs.executors.executor import Asked
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Progress

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="clusters run POSIX")

TASK = """
import os, time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from counting import Counting, CountingTask

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Pausing(Counting):
    task: ClassVar[str] = "pausing:PausingTask"


class PausingTask(CountingTask):
    def run_epoch(self):
        if int(self.done) == 2 and not (HERE / "go").exists():
            (HERE / "new").write_text(f"{os.getpid()} {os.getppid()}")
            os.replace(HERE / "new", HERE / "paused")
            while not (HERE / "go").exists():
                time.sleep(0.05)
        return super().run_epoch()
"""

DECLARATION = """
from cnnreport.runs.experiment import Experiment
from pausing import Pausing

EXPERIMENTS = (Experiment("pause", "Pauses", Pausing(), seeds=1),)
"""


class Paused:
    """The run that stops in its third epoch: which process computes it, and for whom."""

    def __init__(self, project: Project) -> None:
        self._folder = project.root
        (project.root / "pausing.py").write_text(TASK)
        (project.experiments / "demo" / "pauses.py").write_text(DECLARATION)

    def processes(self) -> tuple[int, int]:
        """Wait until it has stopped; return the process that computes it, and that one's parent."""
        file = self._folder / "paused"
        wait_for(file.exists)
        process, parent = map(int, file.read_text().split())
        return process, parent

    def go_on(self) -> None:
        """Let it go on, whoever computes it by then."""
        (self._folder / "go").touch()

    def kill(self, which: Callable[[int, int], int]) -> None:
        """Kill a process that has to do with it, and let it go on wherever it is computed then."""
        process, parent = self.processes()
        os.kill(which(process, parent), signal.SIGKILL)
        wait_for(lambda: not alive(process))  # it ends with its parent, and must not go on before
        self.go_on()


def compute_elsewhere(
    project: Project,
    wanted: Sequence[Planned],
    asked: Asked,
    notify: Callable[[Progress], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Run]:
    """Compute planned runs on other machines."""
    return run_plan(project, wanted, "a command", notify, tell=tell, asked=asked)


def meanwhile(action: Callable[[], Any]) -> threading.Thread:
    """Do something while runs are computed."""
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def interrupt_when(paused: Paused) -> None:
    """Press Ctrl-C when the run has stopped."""
    paused.processes()
    os.kill(os.getpid(), signal.SIGINT)


def losses(runs: Sequence[Run]) -> list[float]:
    """Return the last loss of some runs."""
    return [float(run.history[-1]["train_loss"]) for run in runs]


def copied(project: Project, folder: Path) -> Path:
    """Copy a project as another machine may have it, with another task."""
    shutil.copytree(project.root, folder)
    task = folder / "counting.py"
    task.write_text(task.read_text().replace("self.value * self.spec.factor", "self.value + 1"))
    return folder
