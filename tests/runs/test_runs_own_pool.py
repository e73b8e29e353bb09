"""Runs on executors that the user brings, on machines that share no folder, and what may be asked for."""

import dataclasses
import importlib.util
import sys
from pathlib import Path
from typing import Any

import command_line
import pytest
from elsewhere import POSIX, Paused, compute_elsewhere, losses, meanwhile
from executing import InThread, compute_with
from planned import plan
from test_runs_mixed import READING, TASK

from cnnreport.cli.group import asked_of
from cnnreport.commands import overview
from cnnreport.errors import EnvironmentFailure, UsageError
from cnnreport.project import Project
from cnnreport.runs.artefact import folder_name
from cnnreport.runs.executors.elsewhere.executor import Elsewhere
from cnnreport.runs.executors.elsewhere.posts import Poster
from cnnreport.runs.executors.executor import Asked, Orders
from cnnreport.runs.executors.register import executors
from cnnreport.runs.fingerprint import Key
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.runner import Progress
from cnnreport.system import locks

pytestmark = POSIX

POOLS = """
import concurrent.futures
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from cnnreport.runs.executors.elsewhere.executor import Elsewhere

sent = []


def threads():
    return ThreadPoolExecutor(2)


def processes():
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def number():
    return 7


class Strangers(ThreadPoolExecutor):
    '''Machines that see nothing of this one's output folder.'''

    def submit(self, function, errand):
        sent.append(sorted(errand.parcels))
        nowhere = Path(__file__).parent / "nowhere"
        alone = replace(errand, room=nowhere, data=nowhere / errand.data.name if errand.data else None,
                        project=replace(errand.project, output=nowhere),
                        reads=nowhere / errand.reads.name if errand.reads else None)
        return super().submit(function, alone)


class Empty(ThreadPoolExecutor):
    '''Machines on which nobody has installed anything.'''

    def submit(self, function, errand):
        return super().submit(__import__, "cnnreport.nowhere")


def empty():
    return Empty(1)


def strangers():
    return Strangers(1)


class Sharing(Elsewhere):
    alone = False

    def open(self):
        return strangers()


class Cluster(Elsewhere):
    def open(self):
        return ThreadPoolExecutor(1)
"""

AT_ONCE = """
from counting import Counting


class Quick(Counting):
    def effort(self):
        return 0.0
"""

QUICK = """
from cnnreport.runs.experiment import Experiment
from quick import Quick

EXPERIMENTS = (Experiment("quick", "Is over at once", Quick(), seeds=1),)
"""


@pytest.fixture
def pools(counting: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    """The counting project with executors of its own, and runs that read others."""
    (counting.root / "pools.py").write_text(POOLS)
    (counting.root / "reading.py").write_text(TASK)
    (counting.experiments / "demo" / "reads.py").write_text(READING)
    monkeypatch.syspath_prepend(counting.root)
    for name in ("pools", "reading", "counting", "quick"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    return counting


@pytest.mark.slow
def test_any_executor_of_python_will_do(pools: Project) -> None:
    """A function of the project returns one; the runs go there and come home with their progress."""
    heard: list[Progress] = []
    runs = compute_elsewhere(pools, plan(pools), Asked("pools:threads"), heard.append)
    assert losses(runs) == [81.0, 162.0]
    assert all(run.imported for run in runs)
    assert {(each.seed, each.epoch) for each in heard} >= {(0, 4), (1, 4)}


@pytest.mark.slow
def test_a_class_may_be_named_instead(pools: Project) -> None:
    """One that knows more of its machines than a function tells."""
    kind = executors(pools, Asked("pools:Cluster"))[0]
    assert issubclass(kind, Elsewhere)
    assert losses(compute_elsewhere(pools, plan(pools)[:1], Asked("pools:Cluster"))) == [81.0]


@pytest.mark.slow
def test_machines_that_share_nothing_are_sent_what_they_lack(pools: Project, tmp_path: Path) -> None:
    """Once: what is read stays there, and the runs travel back whole."""
    runs = compute_elsewhere(pools, plan(pools, "reader"), Asked("pools:strangers"))
    assert [run.experiment for run in runs] == ["count", "reader", "reader"]
    assert all(run.imported for run in runs)
    assert [float(run.samples()["read"][0, 0]) for run in runs[1:]] == [81.0, 81.0]
    assert sorted(sys.modules["pools"].sent) == [[], [], [], [], ["reads"]]
    assert [*(tmp_path / "cache" / "elsewhere").glob("made*")] == []
    assert not (pools.root / "nowhere").exists()


def test_a_job_that_outlives_its_command_computes_nothing(pools: Project) -> None:
    """Where machines must share the folder, a room that is gone means that nobody wants the run."""
    told: list[str] = []
    with pytest.raises(EnvironmentFailure, match="a worker was told that nobody wants the run, 3 times"):
        compute_elsewhere(pools, plan(pools)[:1], Asked("pools:Sharing"), tell=told.append)
    assert told == ["count seed 0: a worker was told that nobody wants the run; it is sent again"] * 2


@pytest.mark.slow
def test_a_run_on_another_kind_of_processor_keeps_what_it_ran_on(pools: Project) -> None:
    """It agrees in what was asked, stands in for what was planned, and is read by what reads it."""
    first, *others = plan(pools, "reader")
    key = Key(first.key.what, {**first.key.where, "instructions": "sparc vis3"})
    there = dataclasses.replace(first, key=key, folder=pools.runs / folder_name("count", 0, key))
    readers = [dataclasses.replace(each, reads=there) for each in others]
    runs = compute_elsewhere(pools, [there, *readers], Asked("pools:threads"))
    assert [run.folder for run in runs] == [first.folder, *(each.folder for each in others)]
    assert runs[0].key.where["instructions"] == first.key.where["instructions"]
    assert [float(run.samples()["read"][0, 0]) for run in runs[1:]] == [81.0, 81.0]


def test_a_machine_without_the_package_is_told(pools: Project) -> None:
    """With what is wanted there."""
    said = r"count seed 0 could not be computed elsewhere: No module named 'cnnreport\.nowhere'; cnnreport,"
    with pytest.raises(EnvironmentFailure, match=said):
        compute_elsewhere(pools, plan(pools)[:1], Asked("pools:empty"))


@pytest.mark.slow
def test_the_command_line_asks_for_an_executor(pools: Project) -> None:
    """The runs are computed there; asked for again, they stand."""
    words = ("--project", str(pools.root), "run", "count", "--executor", "pools:threads")
    ended = command_line.run(*words)
    assert ended.code == 0, ended.err
    assert [planned.state for planned in plan(pools)] == ["imported", "imported"]
    assert "To be computed" in ended.err
    assert "To be computed" not in command_line.run(*words).err


@pytest.mark.slow
def test_a_broken_pool_ends_the_command(pools: Project) -> None:
    """A pool of processes takes nothing any more when one of them dies; what was done stands."""
    paused = Paused(pools)
    killer = meanwhile(lambda: paused.kill(lambda process, parent: parent))
    with pytest.raises(
        EnvironmentFailure, match="pools:processes returned is broken; start it and run the same"
    ):
        compute_elsewhere(pools, plan(pools, "pause"), Asked("pools:processes"))
    killer.join()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pool", "there is no executor 'pool'; choose local, dask, slurm, or module:NAME"),
        ("pools:nobody", "there is no nobody in pools"),
        ("pools:sent", "pools:sent is no function; name a function that returns an executor"),
        ("pools:number", "pools:number returned a int; return an executor of concurrent"),
    ],
)
def test_what_is_no_executor_is_told(pools: Project, name: str, said: str) -> None:
    """Before anything is computed."""
    with pytest.raises(UsageError, match=said):
        compute_elsewhere(pools, plan(pools), Asked(name))


@pytest.mark.parametrize(("name", "library"), [("dask", "distributed"), ("slurm", "submitit")])
def test_an_extra_that_is_not_installed_is_named(
    counting: Project, monkeypatch: pytest.MonkeyPatch, name: str, library: str
) -> None:
    """With what installs it; the exit code is that of the environment."""
    find = importlib.util.find_spec

    def without(module: str, *more: Any) -> Any:
        return None if module == library else find(module, *more)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(EnvironmentFailure, match=rf"pip install 'cnnreport\[{name}\]'") as told:
        executors(counting, Asked(name, scheduler="tcp://any:1"))
    assert told.value.exit_code == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("local", "tcp://here:1", ()), "--scheduler is for --executor dask"),
        (("dask", "tcp://here:1", ("nodes=1",)), "--slurm is for --executor slurm"),
        (("slurm", "", ("nodes",)), "--slurm nodes is no KEY=VALUE"),
    ],
)
def test_options_belong_to_an_executor(words: tuple[str, str, tuple[str, ...]], said: str) -> None:
    """One that would be passed over is an error."""
    with pytest.raises(UsageError, match=said):
        asked_of(*words)


def test_options_are_passed_through() -> None:
    """As they were written; a value may hold an equals sign."""
    asked = asked_of("slurm", "", ("timeout_min=120", "slurm_constraint=a=b"))
    assert asked == Asked("slurm", "", {"timeout_min": "120", "slurm_constraint": "a=b"})


def test_this_machine_need_not_have_the_device(counting: Project) -> None:
    """Where others compute, a GPU is asked of them; unasked it is the CPU."""
    devices = [
        plan(counting, choices=Choices(device=device, elsewhere=True))[0].key.where["device"]
        for device in ("cuda", "auto")
    ]
    assert devices == ["cuda", "cpu"]


@pytest.mark.slow
def test_others_memory_is_not_taken_from_this_machine(
    pools: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is computed elsewhere leaves the workers here as many as there would be."""
    heard: list[int] = []
    begin = InThread.__init__

    def note(executor: InThread, runs: Any, orders: Orders) -> None:
        heard.append(orders.beside)
        begin(executor, runs, orders)

    monkeypatch.setattr(InThread, "__init__", note)
    compute_with(monkeypatch, InThread)
    (pools.experiments / "demo" / "quick.py").write_text(QUICK)
    (pools.root / "quick.py").write_text(AT_ONCE)
    wanted = [*plan(pools, "quick"), *plan(pools)[:1]]
    runs = compute_elsewhere(pools, wanted, Asked("pools:threads"))
    assert (heard, [bool(run.imported) for run in runs]) == ([0], [False, True])


def test_clean_removes_the_rooms_of_dead_commands(counting: Project) -> None:
    """And nothing while a command waits for what others compute."""
    room = counting.output / "elsewhere" / "of-somebody"
    room.mkdir(parents=True)
    with locks.attempt(room / "lock"):
        assert overview.rubbish(counting, everything=False) == []
        with pytest.raises(UsageError, match="a command is computing into this folder"):
            overview.rubbish(counting, everything=True)
    assert overview.rubbish(counting, everything=False) == [room]


def test_a_room_without_its_lock_is_nobody_s(tmp_path: Path) -> None:
    """A run that is being written when its command ends makes the folder again, and is not wanted."""
    room = tmp_path / "room"
    (room / "progress").mkdir(parents=True)
    (room / "lock").touch()
    poster = Poster(room, "count-seed0")
    assert poster.wanted()
    (room / "lock").unlink()
    assert not poster.wanted()
