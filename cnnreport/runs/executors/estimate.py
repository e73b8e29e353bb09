"""How long a plan takes, from what is measured: by this build so far, and by earlier runs on this machine.

Nothing here knows a number of seconds. A run takes its effort (`Spec.effort`) at the rate of the nearest
thing that was measured, if need be of another kind: specs tell their efforts in one unit, images that a
colourization net learns from. Where nothing was measured, there is no estimate.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.planning.planned import Planned
from cnnreport.system import hardware


@dataclass(frozen=True)
class Work:
    """A run as an estimate sees it.

    Args:
        experiment: The experiment's name; its runs take equally long for the same effort.
        kind: Its task, device and arithmetic; runs of a kind take about as long for the same effort.
        device: Where it is computed: a device of its own, or one of the workers of the CPU.
        effort: How much there is to do, in the units of `Spec.effort`; 0 where a spec does not tell.
    """

    experiment: str
    kind: tuple[str, str, str]
    device: str
    effort: float


@dataclass(frozen=True)
class Took:
    """What some work took, in seconds on one worker.

    Args:
        work: What was done.
        seconds: Of its epochs, which grow with the effort.
        around: Before and after them, which does not.
    """

    work: Work
    seconds: float
    around: float = 0.0


@dataclass(frozen=True)
class Guess:
    """What some work will take.

    Args:
        seconds: On one worker, or of a whole plan.
        most: Whether it is rather less: it was scaled up from small runs, with all that does not grow.
        rough: Whether something of another kind stands in for it.
    """

    seconds: float
    most: bool = False
    rough: bool = False


COMPARABLE = 0.5
"""The share of some work's effort from which on the time of a smaller run tells of it what it is."""


def work_of(planned: Planned) -> Work:
    """Describe a planned run."""
    where = planned.key.where
    kind = (planned.spec.task, where["device"], where["arithmetic"])
    return Work(planned.experiment.name, kind, where["device"], planned.spec.effort())


def earlier(project: Project, plan: Iterable[Planned]) -> list[Took]:
    """Return what earlier runs of the plan's kinds took on this machine, those now stale included."""
    specs = {work_of(planned).kind: type(planned.spec) for planned in plan}
    runs = [run for run in artefact.load_all(project.runs) if isinstance(run, Run) and _made_here(run)]
    return [took for run in runs if (took := _took(run, specs))]


def _made_here(run: Run) -> bool:
    return run.imported is None and run.circumstances["machine"]["processor"] == hardware.processor()


def _took(run: Run, specs: Mapping[tuple[str, str, str], type[Any]]) -> Took | None:
    where = run.key.where
    kind = (run.key.what["task"], where["device"], where["arithmetic"])
    if kind not in specs:
        return None
    # What is chosen in a part of its own, such as an optimiser, counts for nothing in an effort.
    plain = {name: value for name, value in run.spec.items() if not isinstance(value, dict)}
    try:
        effort = float(specs[kind](**plain).effort())
    except (TypeError, ValueError):
        return None  # of a time when the spec had other fields
    epochs = [float(seconds) for seconds in run.circumstances["epoch_seconds"]]
    steady = fmean(epochs[1:] or epochs)  # the first epoch of a run is slower
    work = Work(run.experiment, kind, where["device"], effort)
    return Took(work, steady * len(epochs), _around(run))


def _around(run: Run) -> float:
    """Return the seconds of a run before and after its epochs; 0 where it was interrupted meanwhile."""
    told = run.circumstances
    if told["resumed"]:
        return 0.0
    begin, end = (datetime.fromisoformat(told[name]) for name in ("started", "finished"))
    return max(0.0, (end - begin).total_seconds() - float(told["seconds"]))


def guess(work: Work, now: Iterable[Took], before: Iterable[Took] = ()) -> Guess | None:
    """Guess what some work takes, by what is nearest to it.

    Args:
        work: What is to be done.
        now: What this build has measured.
        before: What earlier runs took.

    Returns:
        A guess, or None where nothing is known of its kind, nor does this build measure any other.
    """
    others = [took for took in now if took.work.device == work.device and takes_long(took.work)]
    now = [took for took in now if took.work.kind == work.kind]
    before = [took for took in before if took.work.kind == work.kind]
    large = [took for took in before if took.work.effort >= COMPARABLE * work.effort]
    for measured, most in (
        (_of(work.experiment, now), False),
        (_of(work.experiment, large), False),
        (now, False),
        (large, False),
        (_of(work.experiment, before), True),
        (before, True),
    ):
        if measured:
            return Guess(_at_their_rate(work, measured), most)
    return Guess(_at_their_rate(work, others), rough=True) if others and takes_long(work) else None


def _of(experiment: str, measured: Sequence[Took]) -> list[Took]:
    return [took for took in measured if took.work.experiment == experiment]


def _at_their_rate(work: Work, measured: Sequence[Took]) -> float:
    seconds = sum(took.seconds for took in measured)
    effort = sum(took.work.effort for took in measured)
    around = fmean(took.around for took in measured)
    return around + (seconds * work.effort / effort if effort else seconds / len(measured))


def finish(under_way: Iterable[float], waiting: Iterable[float], workers: int) -> float:
    """Return when the last worker is done: the longest that waits goes to whoever is free first.

    Args:
        under_way: Seconds that each run under way still takes.
        waiting: Seconds that each run that waits will take.
        workers: How many there are; more where more runs are under way.

    Returns:
        Seconds from now.
    """
    busy = list(under_way)
    busy += [0.0] * (workers - len(busy))
    heapq.heapify(busy)
    for duration in sorted(waiting, reverse=True):
        if busy:
            heapq.heapreplace(busy, busy[0] + duration)
    return max(busy, default=0.0)


def whole(works: Sequence[Work], before: Sequence[Took], *, rough: bool = False) -> Guess | None:
    """Guess what a plan takes before it begins; None where nothing is known of something that takes long.

    Args:
        works: What is to be computed.
        before: What earlier runs took.
        rough: Whether something of another kind may stand in for what nothing is known of.
    """
    stand_ins = before if rough else ()
    guesses = [(work, guess(work, (), before) or guess(work, stand_ins)) for work in works]
    if any(takes_long(work) and each is None for work, each in guesses) or not (before or rough):
        return None
    devices = {work.device for work in works}  # at work side by side
    seconds = (
        finish(
            (), (each.seconds for work, each in guesses if each and work.device == device), workers(device)
        )
        for device in devices
    )
    return Guess(max(seconds, default=0.0), most=any(each.most for _, each in guesses if each))


def takes_long(work: Work) -> bool:
    """Tell what counts from what is over in seconds, as its spec says by an effort of nothing."""
    return work.effort > 0


def workers(device: str) -> int:
    """Return how many runs go on at once, as far as it is known before they do."""
    return hardware.cores() if device == "cpu" else 1
