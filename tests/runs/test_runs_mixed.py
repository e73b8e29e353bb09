"""Plans of which some runs are computed here and others elsewhere: order, failures, interrupts, doors."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from counting import CountingTask
from executing import InThread, InThreadOfDevice, OneByOne, PlayedDevice, compute_with, on
from planned import DECLARATION, plan

from cnnreport.errors import DataError, EnvironmentFailure, UsageError
from cnnreport.project import Project
from cnnreport.runs.executors import crew
from cnnreport.runs.executors.executor import Executor, Orders
from cnnreport.runs.executors.local import OnCores, OnDevice
from cnnreport.runs.executors.register import executors
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.runs.runner import Progress

READING = """
from cnnreport.runs.experiment import Experiment
from reading import Meeting, Reading

EXPERIMENTS = (
    Experiment("reader", "Reads", Reading(), seeds=2, reads="count"),
    Experiment("hopeless", "Reads what fails", Reading(), seeds=1, reads="fail"),
    Experiment("left", "Waits for the right", Meeting(me="left", other="right"), seeds=1),
    Experiment("right", "Waits for the left", Meeting(me="right", other="left"), seeds=1),
)
"""

TASK = """
import os, time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from counting import KIND, Counting, CountingTask
from cnnreport.kinds.kind import Kind
from cnnreport.task import Results

READING = Kind("reading", recorded=KIND.recorded, samples=("read",))


@dataclass(frozen=True)
class Reading(Counting):
    task: ClassVar[str] = "reading:ReadingTask"
    kind: ClassVar[str] = "reading:READING"


class ReadingTask(CountingTask):
    def __init__(self, spec, seed, data, device):
        super().__init__(spec, seed, data, device)
        self.read = data["value"]

    def results(self):
        return Results(samples={"read": self.read}, measures={"factor": self.spec.factor})


@dataclass(frozen=True)
class Meeting(Counting):
    task: ClassVar[str] = "reading:MeetingTask"
    me: str = ""
    other: str = ""


class MeetingTask(CountingTask):
    def run_epoch(self):
        here = Path(__file__).parent
        (here / self.spec.me).touch()
        for _ in range(1200):
            if (here / self.spec.other).exists():
                return super().run_epoch()
            time.sleep(0.05)
        raise ValueError("nobody came")
"""


@pytest.fixture
def mixed(counting: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The counting project with runs that read others; CPU and CUDA are a thread each."""
    (counting.root / "reading.py").write_text(TASK)
    (counting.experiments / "demo" / "reads.py").write_text(READING)
    monkeypatch.syspath_prepend(counting.root)
    for name in ("reading", "counting"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    compute_with(monkeypatch, InThread, InThreadOfDevice)
    return counting


def compute(project: Project, *wanted: Any) -> list[Any]:
    """Compute planned runs without showing anything."""
    return run_plan(project, wanted, "a command", lambda _: None)


@pytest.mark.parametrize("where", [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_run_may_read_one_that_is_computed_elsewhere(mixed: Project, where: tuple[str, str]) -> None:
    """A reader on the device gets what a CPU has just computed, and the other way round."""
    read, *readers = plan(mixed, "reader")
    runs = compute(mixed, *on(where[0], read), *on(where[1], *readers))
    assert [run.experiment for run in runs] == ["count", "reader", "reader"]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.samples()["read"], runs[0].samples()["value"])


def test_each_is_told_what_the_others_need(mixed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU's executor hears how much memory the device's runs may take, and the other way round."""
    heard: dict[type[Executor], int] = {}
    begin = InThread.__init__

    def note(executor: InThread, runs: Any, orders: Orders) -> None:
        heard[type(executor)] = orders.beside
        begin(executor, runs, orders)

    monkeypatch.setattr(InThread, "__init__", note)
    here, there = plan(mixed)
    compute(mixed, here, *on("cuda", there))
    assert heard == {InThread: crew.NEED, InThreadOfDevice: crew.NEED}
    heard.clear()
    compute(mixed, *plan(mixed, "reader"))
    assert heard == {InThread: 0}


def test_both_are_at_work_at_the_same_time(mixed: Project) -> None:
    """A run on the CPU and one on the device that wait for each other both come to their end."""
    runs = compute(mixed, *plan(mixed, "left"), *on("cuda", *plan(mixed, "right")))
    assert [len(run.history) for run in runs] == [4, 4]


@pytest.mark.parametrize("where", [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_failure_costs_its_readers_alone(mixed: Project, where: tuple[str, str]) -> None:
    """Whatever else was to be computed, here or elsewhere, is; the reader elsewhere is not begun."""
    failing, reader = plan(mixed, "hopeless")
    others = plan(mixed, "count")
    wanted = [*on(where[0], failing, others[0]), *on(where[1], reader, others[1])]
    heard: list[Progress] = []
    with pytest.raises(DataError, match="the third image is torn"):
        run_plan(mixed, wanted, "a command", heard.append)
    assert {each.experiment for each in heard} == {"count", "fail"}
    assert all((each.folder / "manifest.json").exists() for each in others)


@pytest.mark.slow
def test_a_crash_on_the_device_costs_its_run_alone(mixed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run on the device gets a fresh process, and the CPU's are not disturbed."""
    compute_with(monkeypatch, OnCores, PlayedDevice)
    file = mixed.experiments / "demo" / "counts.py"
    file.write_text(DECLARATION.replace("fail_at=3", "die_at=3"))
    here, there = plan(mixed, "count")
    wanted = [*on("cuda", *plan(mixed, "fail"), there), here]
    with pytest.raises(EnvironmentFailure, match=r"a worker process died \(exit code 9\); run the same"):
        compute(mixed, *wanted)
    assert all((each.folder / "manifest.json").exists() for each in (here, there))


@pytest.mark.slow
def test_a_device_that_torch_cannot_use_is_told(mixed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process for it says so, for the run that needs it; the CPU's runs are computed."""
    if torch.backends.mps.is_available():
        pytest.skip("torch can use it")
    compute_with(monkeypatch, InThread, OnDevice)
    here, there = plan(mixed, "count")
    with pytest.raises(
        EnvironmentFailure, match="offers mps, but the installed torch cannot use it; install"
    ):
        compute(mixed, here, *on("mps", there))
    assert (here.folder / "manifest.json").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_an_interrupt_ends_every_process_at_once(mixed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C nothing goes on computing, neither on the CPU nor on the device."""
    compute_with(monkeypatch, OnCores, PlayedDevice)
    file = mixed.experiments / "demo" / "counts.py"
    file.write_text(DECLARATION.replace("Counting(), seeds=2", "Counting(epochs=10**6, factor=1), seeds=2"))
    here, there = plan(mixed, "count")
    begun: set[int] = set()

    def interrupt(progress: Progress) -> None:
        if progress.row and progress.seed not in begun:
            begun.add(progress.seed)
            if begun == {0, 1}:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            run_plan(mixed, [here, *on("cuda", there)], "a command", interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert multiprocessing.active_children() == []
    assert next(each.state for each in plan(mixed, "count")) == "interrupted"


def test_a_failed_run_is_not_kept_in_memory(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """While other runs go on, the error of one holds nothing of its task: on a device that is memory."""
    compute_with(monkeypatch, OneByOne)
    tasks: list[weakref.ref[CountingTask]] = []
    alive: list[int] = []
    make, step = CountingTask.__init__, CountingTask.run_epoch

    def note(task: CountingTask, *arguments: Any) -> None:
        tasks.append(weakref.ref(task))
        make(task, *arguments)

    def count(task: CountingTask) -> Any:
        gc.collect()  # of what was made since: all that these tests have imported takes half a second
        alive.append(sum(each() is not None for each in tasks))
        return step(task)

    monkeypatch.setattr(CountingTask, "__init__", note)
    monkeypatch.setattr(CountingTask, "run_epoch", count)
    planned = [*plan(counting, "fail"), *plan(counting)]
    gc.freeze()
    try:
        with pytest.raises(DataError, match="the third image is torn"):
            compute(counting, *planned)
    finally:
        gc.unfreeze()
    assert len(tasks) == 3
    assert set(alive) == {1}


CLUSTER = """
from concurrent.futures import Future
from dataclasses import replace

from cnnreport.runs.executors.executor import Executor
from cnnreport.runs.runner import execute


class Cluster(Executor):
    submitted = []

    @classmethod
    def takes(cls, needs):
        return needs.device == "mps"

    def submit(self, job):
        self.submitted.append((job.experiment, job.seed))
        future = Future()
        future.set_result(execute(replace(job, device="cpu"), self.orders.notify))
        return future

    def close(self, *, at_once):
        self.submitted.append("closed")
"""


@pytest.fixture
def cluster(counting: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The counting project with an executor of its own."""
    (counting.root / "cluster.py").write_text(CLUSTER)
    (counting.root / "pyproject.toml").write_text('[tool.cnnreport]\nexecutors = ["cluster:Cluster"]\n')
    monkeypatch.syspath_prepend(counting.root)
    monkeypatch.delitem(sys.modules, "cluster", raising=False)
    return counting


def test_a_project_brings_an_executor_of_its_own(cluster: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named in pyproject.toml, it gets the runs that it takes; the others stay here."""
    compute_with(monkeypatch, InThread)
    here, there = plan(cluster)
    runs = run_plan(cluster, [here, *on("mps", there)], "a command", lambda _: None)
    assert [len(run.history) for run in runs] == [4, 4]
    assert sys.modules["cluster"].Cluster.submitted == [("count", 1), "closed"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("cluster", "cluster cannot be imported"),
        ("cluster:Claster", "cluster:Claster cannot be imported"),
        ("clouds:Cluster", "clouds:Cluster cannot be imported: there is no module clouds"),
        ("cluster:execute", "cluster:execute is no executor; derive it from"),
    ],
)
def test_what_is_no_executor_is_named(cluster: Project, name: str, problem: str) -> None:
    """A name that leads to none is an error with the file, the key and the name."""
    Path(cluster.root / "pyproject.toml").write_text(f'[tool.cnnreport]\nexecutors = ["{name}"]\n')
    with pytest.raises(UsageError, match=f"pyproject.toml: tool.cnnreport.executors: {problem}"):
        executors(cluster)


@pytest.mark.parametrize("value", ['"cluster:Cluster"', "[1]", "true"])
def test_executors_are_a_list_of_names(cluster: Project, value: str) -> None:
    """Anything else is told as it was written."""
    (cluster.root / "pyproject.toml").write_text(f"[tool.cnnreport]\nexecutors = {value}\n")
    with pytest.raises(UsageError, match=r"tool\.cnnreport\.executors = .* is no list of names; write"):
        executors(cluster)


def test_a_mistake_in_an_executor_is_told_with_its_line(cluster: Project) -> None:
    """Its module is the user's, too."""
    (cluster.root / "clouded.py").write_text("import os\nclass\n")
    (cluster.root / "pyproject.toml").write_text('[tool.cnnreport]\nexecutors = ["clouded:Cluster"]\n')
    with pytest.raises(UsageError, match=r"cannot be imported: .*clouded\.py:2: SyntaxError"):
        executors(cluster)


def test_a_run_that_nobody_takes_is_named(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is begun."""
    compute_with(monkeypatch, OnDevice)
    with pytest.raises(EnvironmentFailure, match="no executor takes count, which needs cpu"):
        compute(counting, *plan(counting))
