"""Runs as jobs of submitit, which here starts a process for each where it would ask Slurm."""

import os
import signal

import pytest
from elsewhere import POSIX, Paused, compute_elsewhere, interrupt_when, losses, meanwhile
from planned import plan
from test_runs_executor import alive, wait_for

from cnnreport.errors import DataError, EnvironmentFailure, UsageError
from cnnreport.project import Project
from cnnreport.runs.executors.executor import Asked
from cnnreport.runs.runner import Progress

pytest.importorskip("submitit")
pytestmark = POSIX

LOCAL = Asked("slurm", slurm={"cluster": "local", "timeout_min": "5"})


@pytest.mark.slow
def test_a_job_computes_what_this_machine_computes(counting: Project) -> None:
    """Runs come home, marked, with the progress of the last epoch; nothing is left of the way."""
    heard: list[Progress] = []
    runs = compute_elsewhere(counting, plan(counting), LOCAL, heard.append)
    assert losses(runs) == [81.0, 162.0]
    assert {run.imported and run.imported["file"] for run in runs} == {"a worker elsewhere"}
    assert {(each.seed, each.epoch) for each in heard} >= {(0, 4), (1, 4)}
    assert not (counting.output / "elsewhere").exists()


@pytest.mark.slow
def test_a_failing_job_costs_no_other(counting: Project) -> None:
    """Its error comes home as it was raised."""
    with pytest.raises(DataError, match="the third image is torn"):
        compute_elsewhere(counting, [*plan(counting, "fail"), *plan(counting)], LOCAL)
    assert [planned.state for planned in plan(counting)] == ["imported", "imported"]


@pytest.mark.slow
def test_a_killed_job_is_sent_again(counting: Project) -> None:
    """It goes on from its last checkpoint, and the user is told where it wrote why it ended."""
    paused, told = Paused(counting), list[str]()
    killer = meanwhile(lambda: paused.kill(lambda process, parent: parent))
    runs = compute_elsewhere(counting, plan(counting, "pause"), LOCAL, tell=told.append)
    killer.join()
    assert (losses(runs), runs[0].circumstances["resumed"]) == ([81.0], True)
    assert len(told) == 1
    assert told[0].startswith("pause seed 0: job ")
    assert told[0].endswith("; it is sent again")


@pytest.mark.slow
def test_a_job_whose_time_is_up_is_queued_again(counting: Project) -> None:
    """As submitit has it: on a signal it says what is to be submitted in its place."""
    paused = Paused(counting)

    def time_is_up() -> None:
        _, parent = paused.processes()
        os.kill(parent, signal.SIGUSR2)
        wait_for(lambda: not alive(parent))
        paused.go_on()

    killer = meanwhile(time_is_up)
    runs = compute_elsewhere(counting, plan(counting, "pause"), LOCAL)
    killer.join()
    assert (losses(runs), runs[0].circumstances["resumed"]) == ([81.0], True)


@pytest.mark.slow
def test_ctrl_c_ends_jobs(counting: Project) -> None:
    """In the middle of an epoch; what ended before stands."""
    paused = Paused(counting)
    meanwhile(lambda: interrupt_when(paused))
    with pytest.raises(KeyboardInterrupt):
        compute_elsewhere(counting, plan(counting, "pause"), LOCAL)
    process, _ = paused.processes()
    wait_for(lambda: not alive(process))
    assert [planned.state for planned in plan(counting, "pause")] == ["interrupted"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cluster": "local", "where": "gpu"}, "Parameter 'where' need to be prefixed"),
        ({"cluster": "cloud"}, "doesn't know any executor named cloud"),
        ({"cluster": "local", "timeout_min": "long"}, '"timeout_min" expected type'),
    ],
)
def test_what_submitit_does_not_know_is_told(counting: Project, given: dict[str, str], said: str) -> None:
    """In its words, with the option."""
    with pytest.raises(UsageError, match=f"^.*--slurm: .*{said}"):
        compute_elsewhere(counting, plan(counting), Asked("slurm", slurm=given))


def test_a_machine_without_slurm_is_told(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are submitted where Slurm is."""
    monkeypatch.setenv("PATH", str(counting.root))
    with pytest.raises(EnvironmentFailure, match=r"submitit: .*srun.*; run this where jobs can be submitted"):
        compute_elsewhere(counting, plan(counting), Asked("slurm"))
