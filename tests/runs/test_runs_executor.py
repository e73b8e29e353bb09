"""Workers: real processes, real deaths."""

import gc
import os
import platform
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
from counting import CountingTask
from executing import Here, compute_with
from planned import DECLARATION, plan

from cnnreport.errors import DataError, EnvironmentFailure
from cnnreport.project import Project
from cnnreport.runs.executors import workers
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.runs.runner import Progress


@pytest.mark.slow  # real workers, as those of test_own_project
def test_workers_compute_what_this_process_computes(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both executors give the same bytes, and the workers' progress arrives here."""
    heard: list[Progress] = []
    there = run_plan(counting, plan(counting), "a command", heard.append, most=1)
    assert [run.history[-1]["train_loss"] for run in there] == [81.0, 162.0]
    assert {(progress.seed, progress.epoch) for progress in heard} >= {(0, 4), (1, 4)}
    expected = [run.manifest["files"] for run in there]
    for folder in counting.runs.iterdir():
        (folder / "manifest.json").unlink()
    compute_with(monkeypatch, Here)
    here = run_plan(counting, plan(counting), "a command", heard.append)
    assert [run.manifest["files"] for run in here] == expected
    CountingTask.calls.clear()


LENGTHS = """
from cnnreport.runs.experiment import Experiment
from counting import Counting

EXPERIMENTS = tuple(
    Experiment(name, name, Counting(epochs=epochs), seeds=seeds)
    for name, epochs, seeds in (("short", 1, 2), ("long", 5, 2), ("middle", 3, 1), ("other", 4, 2))
)
"""


def test_one_seed_of_each_begins_first_then_the_longest(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something of everything is there early, in the plan's order; in the end all cores end together."""
    (counting.experiments / "demo" / "lengths.py").write_text(LENGTHS)
    begun: list[str] = []

    def note(progress: Progress) -> None:
        if progress.epoch == 0:
            begun.append(f"{progress.experiment} {progress.seed}")

    compute_with(monkeypatch, Here)
    wanted = [one for name in ("short", "long", "middle", "other") for one in plan(counting, name)]
    runs = run_plan(counting, wanted, "a command", note)
    assert begun == ["short 0", "long 0", "middle 0", "other 0", "long 1", "other 1", "short 1"]
    assert [run.experiment for run in runs] == [*2 * ["short"], *2 * ["long"], "middle", *2 * ["other"]]


@pytest.mark.slow
def test_one_failing_run_does_not_cost_the_others(counting: Project) -> None:
    """The error comes out of the worker as it is, and the other run is finished."""
    wanted = [*plan(counting, "fail"), *plan(counting)]
    with pytest.raises(DataError, match="third image is torn"):
        run_plan(counting, wanted, "a command", lambda _: None)
    assert [planned.state for planned in plan(counting)] == ["cached", "cached"]


@pytest.mark.slow
def test_a_dying_worker_is_told_and_loses_nothing(counting: Project) -> None:
    """A worker killed from outside gives one sentence; its finished epochs stand."""
    file = counting.experiments / "demo" / "counts.py"
    file.write_text(DECLARATION.replace("fail_at=3", "die_at=3"))
    with pytest.raises(EnvironmentFailure, match="a worker process died"):
        run_plan(counting, plan(counting, "fail"), "a command", lambda _: None)
    planned = plan(counting, "fail")[0]
    assert (planned.state, list(planned.reasons)) == (
        "interrupted",
        ["2 epochs are done; the next run goes on from there"],
    )


class Connection(list[bytes]):
    """Gives the jobs in it, then ends; what it is told goes nowhere."""

    def recv_bytes(self) -> bytes:
        if not self:
            raise EOFError
        return self.pop(0)

    def send(self, message: object) -> None:
        pass


def test_a_worker_keeps_nothing_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that refers to itself is gone before the next begins, also where it failed: it holds memory."""
    tasks: list[weakref.ref[list[object]]] = []
    alive: list[int] = []

    class Task(list[object]):
        """Refers to itself, as a recorded step does to the training whose loss it computes."""

    def compute(packed: bytes, notify: object) -> Path:
        alive.append(sum(each() is not None for each in tasks))
        task = Task()
        task.append(task)
        tasks.append(weakref.ref(task))
        if packed == b"fails":
            raise DataError("the third image is torn", "mend it")
        return Path()

    monkeypatch.setattr(workers, "_prepare", lambda origin, device: None)
    gc.disable()
    try:
        workers.serve(Connection([b"", b"fails", b""]), workers.Origin(0, (), None), "cpu", compute)
    finally:
        gc.enable()
    assert alive == [0, 0, 0]


PARENT = """
import os, sys, time
from dataclasses import dataclass
from cnnreport.runs.executors.workers import Pool

@dataclass
class Held:
    file: str

    def __setstate__(self, state):
        open(state["file"], "w").write(str(os.getpid()))
        time.sleep(60)

if __name__ == "__main__":
    pool = Pool(1, "cpu", print)
    pool.submit(Held(sys.argv[1]))
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX")
def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """After kill -9 of the command no worker goes on computing for nobody."""
    script, told = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script), str(told)])
    try:
        wait_for(lambda: told.exists() and told.read_text() != "")
        worker = int(told.read_text())
        assert alive(worker)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not alive(worker))


def wait_for(condition: object, seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def alive(process: int) -> bool:
    """Say whether a process is alive, and no zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and state.read_text().split()[2] == "Z")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a tunable of glibc on Linux")
@pytest.mark.parametrize(
    ("theirs", "there"),
    [
        (None, "glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=0"),
        ("glibc.malloc.check=0", "glibc.malloc.check=0:glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=0"),
        ("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=0:glibc.malloc.tcache_count=0"),
        ("glibc.malloc.hugetlb=0:glibc.malloc.tcache_count=7",) * 2,
    ],
)
def test_workers_are_born_with_huge_pages(
    theirs: str | None, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that a pool starts inherits the tunables, and what the user has set stays, here and there."""
    born: list[str] = []

    def bear(device: str) -> object:
        shown = [sys.executable, "-c", "import os; print(os.environ['GLIBC_TUNABLES'])"]
        born.append(subprocess.run(shown, check=True, capture_output=True, text=True).stdout.strip())
        return object()

    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if theirs is not None:
        monkeypatch.setenv("GLIBC_TUNABLES", theirs)
    monkeypatch.setattr(workers, "_Worker", bear)
    workers.Pool(1, "cpu", lambda progress: None)
    assert born == [there]
    assert os.environ.get("GLIBC_TUNABLES") == theirs
