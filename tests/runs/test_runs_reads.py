"""Runs that read the arrays of another run: the order, the key, and what happens when that one fails."""

import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from executing import Here, compute_with
from planned import plan

from cnnreport.errors import DataError, UsageError
from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.runs.experiment import load_all
from cnnreport.runs.planning.choices import Choices

READING = """
from cnnreport.runs.experiment import Experiment
from reading import Reading

EXPERIMENTS = (
    Experiment("reader", "Reads", Reading(), seeds=2, reads="count"),
    Experiment("hopeless", "Reads what fails", Reading(), seeds=1, reads="fail"),
    Experiment("follower", "Reads seed by seed", Reading(), seeds=2, reads="count", seed_by_seed=True),
)
"""

TASK = """
from dataclasses import dataclass
from typing import ClassVar

from counting import KIND as COUNTING, Counting, CountingTask
from cnnreport.kinds.kind import Kind
from cnnreport.task import Results

ROW = tuple(each for each in COUNTING.recorded if each.place == "history")
KIND = Kind("reading", ROW, samples=("read", "weight"))


@dataclass(frozen=True)
class Reading(Counting):
    task: ClassVar[str] = "reading:ReadingTask"
    kind: ClassVar[str] = "reading:KIND"


class ReadingTask(CountingTask):
    def __init__(self, spec, seed, data, device):
        super().__init__(spec, seed, data, device)
        self.found, self.weight = data["value"], data["weights.value"]

    def results(self):
        return Results(samples={"read": self.found, "weight": self.weight})
"""


@pytest.fixture
def reading(counting: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The counting project with experiments that read its counts."""
    (counting.root / "reading.py").write_text(TASK)
    (counting.experiments / "demo" / "reads.py").write_text(READING)
    monkeypatch.syspath_prepend(counting.root)
    for name in ("reading", "counting"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return counting


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in this process."""
    compute_with(monkeypatch, Here)


def test_what_is_read_is_planned_first_and_once(reading: Project) -> None:
    """Asking for the reader asks for one run of what it reads, before its own runs."""
    assert [(p.experiment.name, p.seed) for p in plan(reading, "reader")] == [
        ("count", 0),
        ("reader", 0),
        ("reader", 1),
    ]


@pytest.mark.usefixtures("here")
def test_the_reader_gets_the_arrays(reading: Project) -> None:
    """The task finds the arrays of the run that it reads among its data."""
    counted, *readers = run_plan(reading, plan(reading, "reader"), "a command", lambda _: None)
    for run in readers:
        np.testing.assert_array_equal(run.samples()["read"], counted.samples()["value"])


@pytest.mark.usefixtures("here")
def test_the_reader_gets_the_weights(reading: Project) -> None:
    """The weights of the run that is read are among the data, under names of their own."""
    counted, first, _ = run_plan(reading, plan(reading, "reader"), "a command", lambda _: None)
    kept = safetensors.numpy.load_file(counted.folder / artefact.WEIGHTS)
    np.testing.assert_array_equal(first.samples()["weight"], kept["value"])


@pytest.mark.usefixtures("here")
def test_each_seed_reads_its_own(reading: Project) -> None:
    """Seed by seed, what is read keeps its seeds, and each reader takes the arrays of its own."""
    runs = run_plan(reading, plan(reading, "follower"), "a command", lambda _: None)
    assert [(run.experiment, run.seed) for run in runs] == [
        ("count", 0),
        ("count", 1),
        ("follower", 0),
        ("follower", 1),
    ]
    for counted, reader in zip(runs[:2], runs[2:], strict=True):
        np.testing.assert_array_equal(reader.samples()["read"], counted.samples()["value"])
    assert not np.array_equal(runs[0].samples()["value"], runs[1].samples()["value"])


def test_a_seed_without_one_to_read_is_told(reading: Project) -> None:
    """Seed by seed, a reader with more seeds than what it reads is refused by name."""
    file = reading.experiments / "demo" / "reads.py"
    file.write_text(READING.replace('"Reads seed by seed", Reading(), seeds=2', '"More", Reading(), seeds=3'))
    with pytest.raises(UsageError, match="follower has a seed 2, but count, which it reads seed by seed"):
        plan(reading, "follower")


@pytest.mark.usefixtures("here")
def test_the_key_holds_what_is_read(reading: Project) -> None:
    """A change of what is read makes the reader another run; nothing else of its key changes."""
    run_plan(reading, plan(reading, "reader"), "a command", lambda _: None)
    assert [planned.state for planned in plan(reading, "reader")] == ["cached"] * 3
    file = reading.experiments / "demo" / "counts.py"
    file.write_text(file.read_text().replace("Counting(), seeds=2", "Counting(factor=5), seeds=2"))
    changed = plan(reading, "reader")
    assert [planned.state for planned in changed] == ["new", "stale", "stale"]
    assert [reason.partition(":")[0] for reason in changed[1].reasons] == ["reads count"]


@pytest.mark.usefixtures("here")
def test_a_failure_stops_its_readers_alone(reading: Project) -> None:
    """Where the read run fails its reader is not begun, others are computed, and the failure is told."""
    both = [*plan(reading, "hopeless"), *plan(reading, "count")]
    with pytest.raises(DataError, match="the third image is torn"):
        run_plan(reading, both, "a command", lambda _: None)
    assert {run.experiment for run in artefact.load_all(reading.runs)} == {"count"}


@pytest.mark.slow
def test_workers_wait_for_what_is_read(reading: Project) -> None:
    """On several workers a reader begins when the run that it reads is done."""
    runs = run_plan(reading, plan(reading, "reader"), "a command", lambda _: None)
    assert [run.experiment for run in runs] == ["count", "reader", "reader"]


@pytest.mark.parametrize(
    ("reads", "problem"),
    [("nothing", "reader reads nothing, which is no experiment"), ("hopeless", "which reads fail")],
)
def test_bad_readings_are_named(reading: Project, reads: str, problem: str) -> None:
    """An experiment cannot read what is not declared, nor what reads itself."""
    file: Path = reading.experiments / "demo" / "reads.py"
    file.write_text(READING.replace('reads="count"', f'reads="{reads}"'))
    with pytest.raises(UsageError, match=problem):
        load_all(reading)


def test_choices_survive(reading: Project) -> None:
    """What was asked of data sets is remembered for `status`."""
    chosen = Choices(data={"weights": "embedded", "flowers.skip-bad": "yes"})
    assert Choices.from_json(chosen.to_json()) == chosen
