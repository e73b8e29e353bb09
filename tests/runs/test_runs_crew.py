"""How many workers there are: by cores, runs and memory, and fewer when one is killed."""

import multiprocessing
import os
import sys
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from planned import DECLARATION, plan

from cnnreport.errors import EnvironmentFailure
from cnnreport.project import Project
from cnnreport.runs.executors import crew, local
from cnnreport.runs.executors.executor import Lost
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.runs.executors.workers import NoMemory, WorkerDied
from cnnreport.runs.runner import Job, Notify, Progress, execute
from cnnreport.system import hardware
from cnnreport.training.specs.colourization import Colourization
from cnnreport.training.specs.segmentation import Features, FineTuning

GIB = 1 << 30
KILLED = "a worker was killed, most likely for want of memory"
FREE = "(free now: 2.1 GB)"


def machine(monkeypatch: pytest.MonkeyPatch, cores: int, free: float | None) -> None:
    """Let this machine have some cores and some GiB of free memory."""
    monkeypatch.setattr(hardware, "cores", lambda: cores)
    monkeypatch.setattr(hardware, "available_memory", lambda: None if free is None else int(free * GIB))


def run(name: str, need: float = 0.75, reads: Any = None, effort: float = 1.0) -> Any:
    """A planned run that needs some GiB."""
    return SimpleNamespace(
        folder=Path(name),
        reads=reads,
        spec=SimpleNamespace(memory=lambda: int(need * GIB), effort=lambda: effort),
    )


RUNS = [run(str(n)) for n in range(10)]


@pytest.mark.parametrize(
    ("cores", "free", "most", "expected"),
    [
        (8, 64.0, None, 8),
        (64, 64.0, None, 10),  # no more than there are runs
        (8, None, None, 8),  # nobody tells
        (8, 2.3, None, 2),  # a container of 2.5 GB
        (8, 0.1, None, 1),
        (8, 0.1, 5, 5),  # as asked for
        (2, 64.0, 4, 4),
        (2, 64.0, 40, 10),
    ],
)
def test_workers_follow_cores_runs_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, free: float | None, most: int | None, expected: int
) -> None:
    """As many as each of the three allows, at least one; or as many as the user asks for."""
    machine(monkeypatch, cores, free)
    assert crew.size(RUNS, most) == expected


def test_fewer_workers_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why cores stay idle is told with its numbers, and how to change it; else nothing is."""
    machine(monkeypatch, 8, 2.3)
    assert crew.shortage(RUNS, 2) == (
        "2 workers instead of 8: 2.5 GB of memory are free, and each may need 0.8 GB "
        "(--workers sets another number)"
    )
    machine(monkeypatch, 8, 64)
    assert crew.shortage(RUNS, 8) == ""


def test_what_needs_much_is_computed_by_itself_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large runs on few workers, then small ones on more; what is read comes no later than its readers."""
    read, small = run("read", 0.5), [run(f"small {n}") for n in range(8)]
    large, other = run("large", 3.0, reads=read), run("other", 3.0)
    runs = [*small, read, large, other]
    machine(monkeypatch, 4, 64)
    assert crew.stages(runs) == [runs]
    machine(monkeypatch, 4, 4)
    assert crew.stages(runs) == [[read, large, other], small]
    assert crew.stages(runs, most=4) == [runs]
    machine(monkeypatch, 4, 1)
    assert crew.stages(runs) == [runs]  # one worker for all


def test_memory_that_others_need_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a device's process takes of the main memory is not counted as free for the CPU's workers."""
    machine(monkeypatch, 8, 6.5)
    assert [crew.size(RUNS, beside=beside * GIB) for beside in (0, 3, 6, 60)] == [8, 4, 1, 1]
    assert crew.size(RUNS, 5, beside=60 * GIB) == 5  # as asked for
    runs = [run("large", 3.0), run("other", 3.0), *(run(f"small {n}") for n in range(8))]
    assert crew.stages(runs, beside=60 * GIB) == [runs]
    assert len(crew.stages(runs)) == 2


def test_runs_are_not_split_where_nothing_is_won(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long large run is not computed alone, while a core beside it could do all the rest."""
    runs = [run("large", 3.0, effort=100.0), run("small", effort=30.0), run("other", effort=30.0)]
    machine(monkeypatch, 4, 7)
    assert crew.stages(runs) == [runs]
    assert crew.size(runs) == 2


def test_a_spec_may_say_what_it_needs() -> None:
    """Features need more than a training, large batches more than small ones; who is silent, the default."""
    net = "cnnreport.nets.colourization:UNet"
    specs = (
        Colourization(net=net, batch_size=32),
        Colourization(net=net),
        Features(images=24),
        Colourization(net=net, batch_size=512),
        Features(),
        FineTuning(loss="iou", features="moving"),
    )
    needs = [crew.need(SimpleNamespace(spec=spec)) for spec in specs]  # type: ignore[arg-type]
    assert needs == sorted(set(needs))
    few = Colourization(net=net, batch_size=512, train_images=32)
    assert crew.need(SimpleNamespace(spec=few)) == needs[0]  # type: ignore[arg-type]
    assert crew.need(SimpleNamespace(spec=object())) == crew.NEED  # type: ignore[arg-type]


class Deaths:
    """Pools that lose all their runs as told, in place of real ones: a loss for each pool, None for none."""

    def __init__(self, *deaths: Lost | None) -> None:
        self.deaths = list(deaths)
        self.counts: list[int] = []

    def __call__(self, count: int, device: str, notify: Notify) -> "Deadly":
        self.counts.append(count)
        return Deadly(self.deaths.pop(0), notify)


class Deadly:
    """A pool that computes at once, or loses every run."""

    def __init__(self, death: Lost | None, notify: Notify) -> None:
        self.death = death
        self.notify = notify

    def submit(self, job: Job) -> "Future[Path]":
        """Compute or lose."""
        future: Future[Path] = Future()
        if self.death:
            future.set_exception(self.death)
        else:
            future.set_result(execute(job, self.notify))
        return future

    def close(self, *, at_once: bool) -> None:
        """Have nothing to end."""


def compute(
    counting: Project, monkeypatch: pytest.MonkeyPatch, *deaths: Lost | None
) -> tuple[list[int], list[str]]:
    """Compute eight runs; return how many workers each pool had, and what was told."""
    machine(monkeypatch, 8, None)
    pools, told = Deaths(*deaths), []
    monkeypatch.setattr(local, "Pool", pools)
    file = counting.experiments / "demo" / "counts.py"
    file.write_text(DECLARATION.replace("seeds=2", "seeds=8"))
    wanted = plan(counting)
    machine(monkeypatch, 8, 2)
    try:
        run_plan(counting, wanted, "a command", lambda _: None, most=8, tell=told.append)
    finally:
        assert not pools.deaths
    return pools.counts, told


def test_a_killed_worker_means_fewer_workers(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them go on, and half of those, down to one; each time it is told."""
    killed = WorkerDied(-9)
    counts, told = compute(counting, monkeypatch, killed, killed, killed, None)
    assert counts == [8, 4, 2, 1]
    assert told == [
        f"{KILLED} {FREE}; going on with 4 workers",
        f"{KILLED} {FREE}; going on with 2 workers",
        f"{KILLED} {FREE}; going on with 1 worker",
    ]
    assert [planned.state for planned in plan(counting)] == ["cached"] * 8


def test_memory_that_is_refused_means_fewer_workers(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is refused memory is computed again beside fewer others, not counted as failed."""
    counts, told = compute(counting, monkeypatch, NoMemory("a worker found no memory: bad_alloc"), None)
    assert counts == [8, 4]
    assert told == [f"a worker found no memory: bad_alloc {FREE}; going on with 4 workers"]


def test_a_worker_killed_twice_while_alone_is_an_error(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how much memory there is, how much is needed, and what to do."""
    killed = WorkerDied(-9, ready=False)
    words = (
        rf"{KILLED}, twice, though it was alone \(free now: 2\.1 GB, and a run may need 0\.8 GB\); "
        "end other programs, give the container more memory or compute it on another machine; "
        "the same command goes on from the last finished epoch"
    )
    with pytest.raises(EnvironmentFailure, match=words):
        compute(counting, monkeypatch, *[killed] * 5)


def test_a_run_that_even_a_lone_worker_cannot_compute_costs_itself_alone(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others go on one by one, and then it is told."""
    killed = WorkerDied(-9)
    with pytest.raises(EnvironmentFailure, match=f"{KILLED}, twice, though it was alone"):
        compute(counting, monkeypatch, *[killed] * 5, None)
    assert [planned.state for planned in plan(counting)] == ["new", *["cached"] * 7]


def test_a_worker_that_crashes_is_not_tried_again(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash of another kind would come again: it is told with its signal, and costs one run."""
    with pytest.raises(
        EnvironmentFailure, match=r"a worker process died \(signal 11\); run the same command"
    ):
        compute(counting, monkeypatch, WorkerDied(-11), None)
    assert [planned.state for planned in plan(counting)].count("cached") == 7


def test_workers_that_crash_before_any_run_end_the_plan(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no run would come further, none is tried."""
    with pytest.raises(EnvironmentFailure, match=r"a worker process died \(signal 11\)"):
        compute(counting, monkeypatch, WorkerDied(-11, ready=False))


@pytest.mark.slow  # real workers; what follows from a death is tried above without any
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX")
def test_a_worker_is_killed_for_real(counting: Project) -> None:
    """The runs go on from their last epochs and end with the numbers of undisturbed ones."""
    file = counting.experiments / "demo" / "counts.py"
    file.write_text(DECLARATION.replace("Counting(), seeds=2", "Counting(epochs=300, factor=1), seeds=2"))
    heard: list[Progress] = []
    killed: list[int] = []
    told: list[str] = []

    def kill(progress: Progress) -> None:
        heard.append(progress)
        if progress.epoch == 5 and not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(len(heard))
            victim.kill()

    runs = run_plan(counting, plan(counting), "a command", kill, most=2, tell=told.append)
    assert [len(run.history) for run in runs] == [300, 300]
    assert [text.partition(" (")[0] for text in told] == [KILLED]
    assert told[0].endswith("going on with 1 worker")
    again = [progress.epoch for progress in heard[killed[0] :] if not progress.row]
    assert max(again) >= 5  # not from the beginning


def at_start(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let every worker execute some code before anything else."""
    (folder / "sitecustomize.py").write_text(
        f"import os, sys\nif '--multiprocessing-fork' in sys.orig_argv:\n    {code}\n"
    )
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *([before] if before else [])]))


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX")
def test_a_worker_killed_before_any_work_is_told(
    counting: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Workers that are killed while they import end with the same sentence."""
    at_start(tmp_path, monkeypatch, "os.kill(os.getpid(), 9)")
    told: list[str] = []
    with pytest.raises(EnvironmentFailure, match=f"{KILLED}, twice, though it was alone"):
        run_plan(counting, plan(counting), "a command", lambda _: None, most=2, tell=told.append)
    assert len(told) == 2


def test_a_worker_that_ends_before_any_work_is_told(
    counting: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So do those that end by themselves, with their exit code."""
    at_start(tmp_path, monkeypatch, "os._exit(7)")
    with pytest.raises(EnvironmentFailure, match=r"a worker process died \(exit code 7\)"):
        run_plan(counting, plan(counting), "a command", lambda _: None)


@pytest.mark.slow
def test_a_worker_that_cannot_import_torch_says_why(
    counting: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a worker lacks is told in a sentence, for the run that needs it."""
    wanted = plan(counting)
    (tmp_path / "torch.py").write_text("raise ImportError('libgomp.so.1: cannot open shared object file')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    words = r"a worker cannot start: ImportError: libgomp\.so.* file; python -m cnnreport doctor tells more"
    with pytest.raises(EnvironmentFailure, match=words):
        run_plan(counting, wanted, "a command", lambda _: None)
