"""Runs on a real cluster of dask: two processes, killed, refused, left alone by their scheduler."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elsewhere import POSIX, Paused, compute_elsewhere, copied, interrupt_when, losses, meanwhile
from planned import plan
from test_runs_executor import alive, wait_for

from cnnreport.errors import DataError, EnvironmentFailure, UsageError
from cnnreport.project import Project
from cnnreport.runs.executors.executor import Asked
from cnnreport.runs.executors.register import executors
from cnnreport.runs.runner import Progress

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, POSIX]


@contextlib.contextmanager
def cluster(**environment: str) -> Iterator[Asked]:
    """Two worker processes of one thread each, and their scheduler."""
    options: dict[str, Any] = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": 60}
    with distributed.LocalCluster(2, threads_per_worker=1, env=environment, **options) as started:
        yield Asked("dask", scheduler=started.scheduler_address)


def test_workers_compute_what_this_machine_computes(counting: Project, tmp_path: Path) -> None:
    """The same bytes come home, marked, with the progress of every epoch; nothing is left of the way."""
    heard: list[Progress] = []
    with cluster() as asked:
        runs = compute_elsewhere(counting, plan(counting), asked, heard.append)
    assert losses(runs) == [81.0, 162.0]
    assert {run.imported and run.imported["file"] for run in runs} == {"a worker elsewhere"}
    assert {(each.seed, each.epoch) for each in heard} >= {(seed, e) for seed in (0, 1) for e in range(5)}
    assert [planned.state for planned in plan(counting)] == ["imported", "imported"]
    assert not (counting.output / "elsewhere").exists()
    here = Project(counting.root, tmp_path / "here")
    local = compute_elsewhere(here, plan(here), Asked())
    assert [run.manifest["files"] for run in runs] == [run.manifest["files"] for run in local]


def test_a_failing_run_costs_no_other(counting: Project) -> None:
    """Its error comes home as it was raised."""
    with cluster() as asked, pytest.raises(DataError, match="the third image is torn"):
        compute_elsewhere(counting, [*plan(counting, "fail"), *plan(counting)], asked)
    assert [planned.state for planned in plan(counting)] == ["imported", "imported"]


def test_a_killed_worker_costs_no_epoch(counting: Project) -> None:
    """The other worker goes on from the last checkpoint in the shared folder."""
    paused = Paused(counting)
    with cluster() as asked:
        killer = meanwhile(lambda: paused.kill(lambda process, parent: parent))
        runs = compute_elsewhere(counting, plan(counting, "pause"), asked)
        killer.join()
    assert losses(runs) == [81.0]
    assert runs[0].circumstances["resumed"]


def test_a_killed_process_is_told_and_its_run_is_sent_again(counting: Project) -> None:
    """The worker lives, and the process in which it computed does not."""
    paused, told = Paused(counting), list[str]()
    with cluster() as asked:
        killer = meanwhile(lambda: paused.kill(lambda process, parent: process))
        runs = compute_elsewhere(counting, plan(counting, "pause"), asked, tell=told.append)
        killer.join()
    assert (losses(runs), runs[0].circumstances["resumed"]) == ([81.0], True)
    assert told == [
        "pause seed 0: a worker was killed, most likely for want of memory; it is sent again",
    ]


def test_ctrl_c_ends_what_is_computed_elsewhere(counting: Project) -> None:
    """In the middle of an epoch; what ended before stands."""
    paused = Paused(counting)
    with cluster() as asked:
        meanwhile(lambda: interrupt_when(paused))
        with pytest.raises(KeyboardInterrupt):
            compute_elsewhere(counting, plan(counting, "pause"), asked)
        process, _ = paused.processes()
        wait_for(lambda: not alive(process))
    assert [planned.state for planned in plan(counting, "pause")] == ["interrupted"]


def test_a_worker_with_another_source_refuses(counting: Project, tmp_path: Path) -> None:
    """Its copy of the project is not this one."""
    there = copied(counting, tmp_path / "there")
    said = r"refused count seed \d: counting\.py is another there"
    with cluster(CNNREPORT_PROJECT=str(there)) as asked, pytest.raises(EnvironmentFailure, match=said):
        compute_elsewhere(counting, plan(counting), asked)


@contextlib.contextmanager
def by_hand(file: Path, **environment: str) -> Iterator[tuple[Asked, subprocess.Popen[bytes]]]:
    """A scheduler and a worker, each a command as on two machines."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    words = ["--scheduler-file", str(file), "--no-dashboard"]
    at = ["--host", "127.0.0.1", "--port", "0"]
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *words, *at], **quiet
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", *words, "--nthreads", "1"],
        env={**os.environ, **environment},
        **quiet,
    )
    try:
        wait_for(lambda: file.exists() and '"address"' in file.read_text())
        yield Asked("dask", scheduler=json.loads(file.read_text())["address"]), scheduler
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()


def test_a_worker_with_another_version_refuses(counting: Project, tmp_path: Path) -> None:
    """The difference is named, and nothing is computed."""
    (tmp_path / "torch-0.0.1.dist-info").mkdir()
    (tmp_path / "torch-0.0.1.dist-info" / "METADATA").write_text("Name: torch\nVersion: 0.0.1\n")
    said = r"refused count seed \d: torch is 0\.0\.1 there and \d"
    there = by_hand(tmp_path / "scheduler.json", PYTHONPATH=str(tmp_path))
    with there as (asked, _), pytest.raises(EnvironmentFailure, match=said):
        compute_elsewhere(counting, plan(counting), asked)
    assert [planned.state for planned in plan(counting)] == ["new", "new"]


def test_a_scheduler_that_goes_away_ends_the_command(counting: Project, tmp_path: Path) -> None:
    """With a sentence; what was computed elsewhere ends, and its epochs stand."""
    paused = Paused(counting)

    def kill() -> None:
        paused.processes()
        scheduler.kill()

    with by_hand(tmp_path / "scheduler.json") as (asked, scheduler):
        killer = meanwhile(kill)
        with pytest.raises(
            EnvironmentFailure, match=r"the scheduler at tcp://\S+ went away; start it and run"
        ):
            compute_elsewhere(counting, plan(counting, "pause"), asked)
        killer.join()
        process, _ = paused.processes()
        wait_for(lambda: not alive(process))
    assert [planned.state for planned in plan(counting, "pause")] == ["interrupted"]


def test_nobody_at_the_address_is_told(counting: Project) -> None:
    """Before anything is computed."""
    asked = Asked("dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(EnvironmentFailure, match=r"no scheduler of dask answers at tcp://127\.0\.0\.1:9"):
        compute_elsewhere(counting, plan(counting), asked)


def test_an_address_is_needed(counting: Project) -> None:
    """It is the user who knows it."""
    with pytest.raises(UsageError, match="needs the address of a scheduler; say where it is: --scheduler"):
        executors(counting, Asked("dask"))
