"""How many workers compute at once: as many as there are cores, jobs and memory for."""

from collections.abc import Sequence

from cnnreport.errors import EnvironmentFailure
from cnnreport.runs.planning.planned import Planned
from cnnreport.system import hardware

NEED = 3 << 28
"""Bytes of memory, 0.75 GiB, that a worker is taken to need where a spec has no `memory()` that tells."""

RESERVE = 1 << 29
"""Bytes that stay for this process, which prepares data, and for libraries that all workers share."""


def need(planned: Planned) -> int:
    """Return how many bytes of memory a worker may need for a run."""
    declared = getattr(planned.spec, "memory", None)
    return int(declared()) if declared else NEED


def size(runs: Sequence[Planned], most: int | None = None, beside: int = 0) -> int:
    """Return how many workers are to compute some runs.

    Args:
        runs: What is to be computed, at least one.
        most: As many as the user asks for, whatever cores and memory there are; None for no wish.
        beside: Bytes of memory that other executors may need meanwhile.
    """
    wished = min(most or hardware.cores(), len(runs))
    return wished if most else _fitting(max(map(need, runs)), wished, beside)


def stages(runs: Sequence[Planned], most: int | None = None, beside: int = 0) -> list[list[Planned]]:
    """Split runs into those that are computed together, in their order.

    All of them, where there is memory for as many workers as there could be, or where nothing is won.
    Else those of which few fit come first, then the others, so that the largest do not keep workers from
    all. What another run reads is not computed after it.
    """
    if most:
        return [list(runs)]
    wished = min(hardware.cores(), len(runs))
    fitting = {planned.folder: _fitting(need(planned), wished, beside) for planned in runs}
    for planned in runs:
        read = planned.reads
        while read:  # whatever lies between them may be computed elsewhere
            if read.folder in fitting:
                fitting[read.folder] = min(fitting[read.folder], fitting[planned.folder])
            read = read.reads
    choices = [[list(runs)]]
    for level in sorted(set(fitting.values()))[1:]:
        few = [planned for planned in runs if fitting[planned.folder] < level]
        choices.append([few, [planned for planned in runs if fitting[planned.folder] >= level]])
    return min(choices, key=lambda choice: sum(_duration(runs, beside) for runs in choice))


def shortage(runs: Sequence[Planned], workers: int) -> str:
    """Say why there are fewer workers than cores and runs, empty where there are not."""
    free = hardware.available_memory()
    wished = min(hardware.cores(), len(runs))
    if free is None or workers >= wished:
        return ""
    return (
        f"{_workers(workers)} instead of {wished}: {phrase(free)} of memory are free, "
        f"and each may need {phrase(max(map(need, runs)))} (--workers sets another number)"
    )


def phrase(size: int) -> str:
    """Phrase a number of bytes: ``2.5 GB``."""
    return f"{size / 1e9:.1f} GB"


def going_on(what: str, workers: int) -> str:
    """Say what happened to a worker, and how many go on."""
    return f"{what} ({_free()}); going on with {_workers(workers)}"


def too_little_memory(what: str, runs: Sequence[Planned]) -> EnvironmentFailure:
    """Explain that even a worker alone cannot compute some runs."""
    needed = phrase(max(map(need, runs)))
    return EnvironmentFailure(
        f"{what}, twice, though it was alone ({_free()}, and a run may need {needed})",
        "end other programs, give the container more memory or compute it on another machine; "
        "the same command goes on from the last finished epoch",
    )


def _free() -> str:
    free = hardware.available_memory()
    return f"free now: {phrase(free)}" if free is not None else "nobody tells how much is free"


def _workers(number: int) -> str:
    return "1 worker" if number == 1 else f"{number} workers"


def _duration(runs: Sequence[Planned], beside: int) -> float:
    """Guess how long some runs take together, in the units of `Spec.effort`."""
    efforts = [float(planned.spec.effort()) for planned in runs]
    return max(sum(efforts) / size(runs, beside=beside), *efforts)


def _fitting(needed: int, wished: int, beside: int) -> int:
    """Return how many workers of some need there is memory for: at least one, at most as many as wished."""
    free = hardware.available_memory()
    return wished if free is None else max(1, min(wished, (free - RESERVE - beside) // needed))
