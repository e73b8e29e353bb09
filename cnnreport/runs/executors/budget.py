"""What of a plan fits into a time: by what runs took on this machine, and by nothing else."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from cnnreport.runs.executors import estimate
from cnnreport.runs.executors.estimate import Guess, Took, Work
from cnnreport.runs.planning.cut import LEAST_SIZES, WHOLE, Cut
from cnnreport.runs.planning.planned import Planned

PARTS = (80, 60, 50, 40, 30, 20, 15, 10, 5)
"""Per cents of the epochs that are tried in turn."""


@dataclass(frozen=True)
class Choice:
    """A cut, and what is left to be computed with it.

    Args:
        cut: What is taken away.
        takes: How long the rest takes.
        fits: Whether that is within the time asked for; if not, it is the shortest choice that there is.
    """

    cut: Cut
    takes: Guess
    fits: bool


def cuts(seeds: int, sizes: int) -> Iterator[Cut]:
    """Return what may be taken away, less first: seeds, then sizes of sweeps, then epochs.

    Args:
        seeds: The most seeds that an experiment of the whole plan has.
        sizes: The most settings that a sweep of it has.
    """
    yield WHOLE
    last = WHOLE
    for number in range(seeds - 1, 0, -1):
        yield (last := Cut(number))
    for number in range(sizes - 1, LEAST_SIZES - 1, -1):
        yield (last := replace(last, sizes=number))
    for part in PARTS:
        yield replace(last, epochs=part)


def choose(
    plan: Sequence[Planned],
    sizes: int,
    left_out: Callable[[Cut], Collection[str]],
    before: Sequence[Took],
    seconds: float,
) -> Choice | None:
    """Choose the least cut with which what a plan lacks is computed in time.

    Args:
        plan: The whole plan.
        sizes: The most settings that a sweep of it has.
        left_out: Says which experiments a cut leaves out of sweeps.
        before: What runs took on this machine.
        seconds: The time that there is.

    Returns:
        The choice, None where nothing is known of some run that takes long.
    """
    seeds = max((planned.seed + 1 for planned in plan), default=1)
    choice: Choice | None = None
    for cut in cuts(seeds, sizes):
        takes = estimate.whole(works(plan, cut, left_out(cut)), before, rough=True)
        if takes is None:
            return None
        if takes.seconds <= seconds:
            return Choice(cut, takes, fits=True)
        if choice is None or takes.seconds < choice.takes.seconds:
            choice = Choice(cut, takes, fits=False)
    return choice


def works(plan: Sequence[Planned], cut: Cut, left_out: Collection[str]) -> list[Work]:
    """Return what is to be computed of a plan after a cut."""
    left = [
        planned
        for planned in plan
        if planned.experiment.name not in left_out and planned.seed < cut.of_seeds(planned.seed + 1)
    ]
    return [
        estimate.work_of(replace(planned, spec=cut.of_spec(planned.spec)))
        for planned in left
        if planned.run is None or _changed(planned, cut)
    ]


def _changed(planned: Planned, cut: Cut) -> bool:
    """Say whether a cut makes another run of one, by its own spec or by what it reads."""
    read = planned.reads
    return cut.of_spec(planned.spec) != planned.spec or (read is not None and _changed(read, cut))


def unmeasured(plan: Sequence[Planned], before: Sequence[Took]) -> list[Planned]:
    """Return the run that is soonest measured of each kind that takes long and of which nothing is known."""
    known = {took.work.kind for took in before}
    unknown: dict[tuple[str, str, str], list[Planned]] = {}
    for planned in plan:
        work = estimate.work_of(planned)
        if planned.run is None and estimate.takes_long(work) and work.kind not in known:
            unknown.setdefault(work.kind, []).append(planned)
    return [min(runs, key=_length_of_measuring) for runs in unknown.values()]


def _length_of_measuring(planned: Planned) -> tuple[bool, float]:
    """Put what can be cut down to seconds before what cannot."""
    return not planned.experiment.smoke, planned.spec.effort()
