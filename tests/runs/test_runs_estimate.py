"""How long a plan takes: what is measured, and nothing else."""

import dataclasses
import json
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planned import job, plan

from cnnreport.commands import run as command
from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.executors import estimate
from cnnreport.runs.executors.estimate import Guess, Took, Work
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.runner import execute

TRAINING = ("a:Training", "cpu", "float32")
PROOF = ("a:Proof", "cpu", "exact")


def work(experiment: str, effort: float, kind: tuple[str, str, str] = TRAINING) -> Work:
    """Some work on the CPU."""
    return Work(experiment, kind, kind[1], effort)


def test_the_nearest_measurement_counts() -> None:
    """The same experiment goes before its kind, now before earlier, and another kind comes last."""
    same, alike = Took(work("unet", 10), 40.0), Took(work("pool", 10), 20.0)
    other = Took(work("flowers", 10, ("a:Other", "cpu", "float32")), 10.0)
    elsewhere = Took(work("unet", 10, ("a:Training", "cuda", "float32")), 1.0)
    asked = work("unet", 20)
    assert estimate.guess(asked, [other, same, alike], [alike]) == Guess(80.0)
    assert estimate.guess(asked, [other, alike], [same]) == Guess(80.0)
    assert estimate.guess(asked, [other, alike], []) == Guess(40.0)
    assert estimate.guess(asked, [other], [alike]) == Guess(40.0)
    assert estimate.guess(asked, [other, elsewhere], []) == Guess(20.0, rough=True)
    assert estimate.guess(asked, [elsewhere], [other]) is None


def test_small_runs_give_a_bound_where_nothing_else_is_known() -> None:
    """What does not grow with the effort is scaled up with them: anything comparable goes before."""
    small = Took(work("unet", 1), 8.0)
    asked = work("unet", 20)
    assert estimate.guess(asked, [], [small]) == Guess(160.0, most=True)
    assert estimate.guess(asked, [Took(work("pool", 10), 20.0)], [small]) == Guess(40.0)
    assert estimate.guess(asked, [], [small, Took(work("pool", 10), 20.0)]) == Guess(40.0)
    assert estimate.whole([asked], [small]) == Guess(160.0, most=True)


def test_what_goes_around_the_epochs_does_not_grow_with_them() -> None:
    """To make a task and to judge its net takes as long after few epochs as after many."""
    short = Took(work("unet", 10), 40.0, around=6.0)
    assert estimate.guess(work("unet", 20), [], [short, Took(work("unet", 10), 40.0, around=8.0)]) == Guess(
        87.0
    )


def test_cpu_and_device_are_at_work_side_by_side() -> None:
    """A plan for both takes as long as the one that is done last."""
    gpu = ("a:Training", "cuda", "float32")
    before = [Took(work("unet", 10), 40.0), Took(work("vgg", 10, gpu), 30.0)]
    assert estimate.whole([work("unet", 10), work("vgg", 10, gpu)], before) == Guess(40.0)
    assert estimate.whole([work("unet", 10), work("vgg", 20, gpu)], before) == Guess(60.0)


def test_a_proof_has_no_rate() -> None:
    """What tells no effort takes as long as others of its kind."""
    proofs = [Took(work("formulas", 0, PROOF), 4.0), Took(work("paddings", 0, PROOF), 8.0)]
    assert estimate.guess(work("audit", 0, PROOF), proofs) == Guess(6.0)
    assert estimate.guess(work("unet", 10), proofs) is None


@pytest.mark.parametrize(
    ("under_way", "waiting", "workers", "expected"),
    [
        ([], [], 2, 0.0),
        ([5.0], [], 2, 5.0),
        ([], [3.0, 3.0, 2.0], 2, 5.0),
        ([10.0, 1.0], [4.0, 4.0], 2, 10.0),
        ([1.0], [4.0], 1, 5.0),
        ([1.0, 2.0, 3.0], [], 1, 3.0),
    ],
)
def test_the_last_worker_ends_the_build(
    under_way: list[float], waiting: list[float], workers: int, expected: float
) -> None:
    """Whoever is free first takes the longest that waits."""
    assert estimate.finish(under_way, waiting, workers) == expected


@given(
    st.lists(st.floats(0, 1e6), max_size=4),
    st.lists(st.floats(0, 1e6), max_size=20),
    st.integers(1, 4),
)
def test_the_end_lies_between_its_bounds(under_way: list[float], waiting: list[float], workers: int) -> None:
    """No sooner than the longest run and than the share of each worker, no later than one after the other."""
    end = estimate.finish(under_way, waiting, workers)
    everything = [*under_way, *waiting, 0.0]
    share = sum(everything) / max(workers, len(under_way))
    assert max(max(everything), share) <= end * (1 + 1e-9) + 1e-9
    assert end <= sum(everything) * (1 + 1e-9)


def test_a_plan_is_guessed_only_where_its_trainings_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A derivation that nobody knows costs little; a training that nobody knows may cost hours."""
    monkeypatch.setattr(estimate.hardware, "cores", lambda: 1)
    unet, proof, gpu = work("unet", 10), work("formulas", 0, PROOF), work("x", 9, ("a:T", "cuda", "float32"))
    before = [Took(unet, 40.0)]
    assert estimate.whole([unet, unet, proof], before) == Guess(80.0)
    assert estimate.whole([unet, gpu], before) is None
    assert estimate.whole([unet], []) is None


def test_earlier_runs_of_this_machine_are_measured(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut-down run tells the rate of a whole one; one that was made elsewhere tells nothing."""
    folder = execute(job(counting), lambda progress: None)
    smoke = plan(counting, "count", Choices(device="cpu", smoke=True))[:1]
    (took,) = estimate.earlier(counting, smoke)
    assert took.work == dataclasses.replace(estimate.work_of(smoke[0]), effort=4.0)
    run = artefact.load(folder)
    assert isinstance(run, artefact.Run)
    assert took.seconds == pytest.approx(4 * fmean(run.circumstances["epoch_seconds"][1:]))
    (folder / artefact.IMPORTED).write_text(json.dumps({"when": "then", "file": "x.zip"}))
    assert estimate.earlier(counting, smoke) == []
    (folder / artefact.IMPORTED).unlink()
    monkeypatch.setattr(estimate.hardware, "processor", lambda: "another")
    assert estimate.earlier(counting, smoke) == []


@pytest.mark.parametrize(("resumed", "around"), [(False, 7.0), (True, 0.0)])
def test_the_time_around_epochs_is_measured(
    counting: Project, monkeypatch: pytest.MonkeyPatch, resumed: bool, around: float
) -> None:
    """From beginning to end without the epochs; of a run that was interrupted nobody knows it."""
    run = artefact.load(execute(job(counting), lambda progress: None))
    assert isinstance(run, artefact.Run)
    times = {"started": "2026-11-27T04:00:00+00:00", "finished": "2026-11-27T04:00:10+00:00", "seconds": 3.0}
    told = {**run.circumstances, **times, "resumed": resumed}
    slow = dataclasses.replace(run, manifest={**run.manifest, "circumstances": told})
    monkeypatch.setattr(artefact, "load_all", lambda folder: [slow])
    (took,) = estimate.earlier(counting, plan(counting))
    assert took.around == around


def test_runs_of_another_time_are_passed_over(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec that has lost a field since then tells no effort."""
    execute(job(counting), lambda progress: None)
    wanted = plan(counting)

    def refuse(spec: Any) -> float:
        if not any(spec is each.spec for each in wanted):  # it is made of what an earlier run says
            raise TypeError("unexpected keyword argument 'colour'")
        return 1.0

    assert len(estimate.earlier(counting, wanted)) == 1
    monkeypatch.setattr(type(wanted[0].spec), "effort", refuse)
    assert estimate.earlier(counting, wanted) == []


SOONER = ("Sooner: less.",)


def test_an_unknown_machine_is_told_what_is_known(counting: Project) -> None:
    """Before anything was ever computed, the number of runs is said, and how to see something sooner."""
    assert command.forecast(plan(counting), [], None, SOONER) == [
        "To be computed: 2 runs; how long that takes is not known on this machine yet.",
        "Sooner: less.",
    ]


@pytest.mark.parametrize(
    ("each", "afterwards", "said"),
    [
        (10.0, 5.0, ["about 15 s, as earlier runs on this machine went."]),
        (10.0, None, ["about 10 s, as earlier runs on this machine went, then the report is laid out and"]),
        (100.0, 30.0, ["; about 2 min 10 s, as earlier runs on this machine went.", "Sooner: less."]),
    ],
)
def test_a_known_machine_is_told_how_long_it_takes(
    counting: Project, monkeypatch: pytest.MonkeyPatch, each: float, afterwards: float | None, said: list[str]
) -> None:
    """The runs, two at a time, and what comes after them; a long one with the way to see something sooner."""
    monkeypatch.setattr(estimate.hardware, "cores", lambda: 2)
    wanted = plan(counting)
    before = [Took(estimate.work_of(wanted[0]), each)]
    lines = command.forecast(wanted, before, afterwards, SOONER)
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))


def test_small_runs_are_told_as_a_bound(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a cut-down build the time of a whole one is at most what scaling up gives."""
    monkeypatch.setattr(estimate.hardware, "cores", lambda: 2)
    wanted = plan(counting)
    before = [Took(dataclasses.replace(estimate.work_of(wanted[0]), effort=1.0), 5.0)]
    (line,) = command.forecast(wanted, before, 5.0, SOONER)
    assert line.endswith("2 runs; at most about 25 s, as small runs on this machine went.")


def test_nothing_is_said_where_nothing_is_missing() -> None:
    """A build that stands takes no time."""
    assert command.forecast([], [], None, SOONER) == []
