"""How long a plan takes, from what is measured: by this build so far, and by earlier runs on this machine.

Nothing here knows a number of seconds. A run takes its effort (`Spec.effort`) at the rate of the nearest
thing that was measured; where nothing was, there is no estimate.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnreport import hardware
from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.plan import Planned


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
    """What some work took, in seconds on one worker."""

    work: Work
    seconds: float


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
    try:
        effort = float(specs[kind](**run.spec).effort())
    except (TypeError, ValueError):
        return None  # of a time when the spec had other fields
    return Took(Work(run.experiment, kind, where["device"], effort), float(run.circumstances["seconds"]))


def seconds(work: Work, now: Sequence[Took], before: Sequence[Took] = ()) -> float | None:
    """Guess what some work takes by what is nearest: the same experiment, else the same kind.

    Args:
        work: What is to be done.
        now: What this build has measured; it goes before what is as near.
        before: What earlier runs took.

    Returns:
        Seconds on one worker, or None where nothing is known.
    """
    for near in (_of_its_experiment, _of_its_kind):
        for measured in (now, before):
            guess = _at_their_rate(work, [took for took in measured if near(work, took.work)])
            if guess is not None:
                return guess
    return None


def _of_its_experiment(work: Work, other: Work) -> bool:
    return (other.experiment, other.kind) == (work.experiment, work.kind)


def _of_its_kind(work: Work, other: Work) -> bool:
    return other.kind == work.kind


def _at_their_rate(work: Work, near: Sequence[Took]) -> float | None:
    if not work.effort:
        return sum(took.seconds for took in near) / len(near) if near else None
    effort = sum(took.work.effort for took in near)
    return work.effort * sum(took.seconds for took in near if took.work.effort) / effort if effort else None


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
    for each in sorted(waiting, reverse=True):
        if busy:
            heapq.heapreplace(busy, busy[0] + each)
    return max(busy, default=0.0)


def whole(works: Sequence[Work], before: Sequence[Took]) -> float | None:
    """Guess what a plan takes before it begins; None where nothing is known of something that takes long."""
    guesses = [(work, seconds(work, (), before)) for work in works]
    if any(takes_long(work) and guess is None for work, guess in guesses) or not before:
        return None
    devices = {work.device for work in works}
    return sum(
        finish((), (guess or 0.0 for work, guess in guesses if work.device == device), workers(device))
        for device in devices
    )


def takes_long(work: Work) -> bool:
    """Tell what counts from what is over in seconds, as its spec says by an effort of nothing."""
    return work.effort > 0


def workers(device: str) -> int:
    """Return how many runs go on at once, as far as it is known before they do."""
    return hardware.cores() if device == "cpu" else 1
