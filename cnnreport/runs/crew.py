"""How many workers compute at once: as many as there are cores, jobs and memory for."""

from collections.abc import Sequence

from cnnreport import hardware
from cnnreport.errors import EnvironmentFailure
from cnnreport.runs.plan import Planned

NEED = 3 << 28
"""Bytes of memory, 0.75 GiB, that a worker is taken to need where a spec has no `memory()` that tells.

Measured: a training of Parts A to C takes 0.55 GiB, beside 0.35 GiB of libraries that all workers share."""

RESERVE = 1 << 29
"""Bytes that stay for this process, which prepares data, and for the shared libraries."""


def need(planned: Planned) -> int:
    """Return how many bytes of memory a worker may need for a run."""
    declared = getattr(planned.spec, "memory", None)
    return int(declared()) if declared else NEED


def size(runs: Sequence[Planned], most: int | None = None) -> int:
    """Return how many workers are to compute some runs.

    Args:
        runs: What is to be computed, at least one.
        most: As many as the user asks for, whatever cores and memory there are; None for no wish.
    """
    wished = min(most or hardware.cores(), len(runs))
    return wished if most else max(1, min(wished, _fitting(runs, wished)))


def stages(runs: Sequence[Planned], most: int | None = None) -> list[list[Planned]]:
    """Split runs into those that are computed together, in their order.

    All of them, where there is memory for as many workers as there could be. Otherwise those that need
    much come first, on few workers, then those that need less: no worker keeps what the largest took.
    What another run reads is not computed after it.
    """
    if most or size(runs) == min(hardware.cores(), len(runs)):
        return [list(runs)]
    needs = {each.folder: need(each) for each in runs}
    for each in runs:
        if each.reads and each.reads.folder in needs:
            needs[each.reads.folder] = max(needs[each.reads.folder], needs[each.folder])
    levels = sorted(set(needs.values()), reverse=True)
    return [[each for each in runs if needs[each.folder] == level] for level in levels]


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


def _fitting(runs: Sequence[Planned], wished: int) -> int:
    free = hardware.available_memory()
    return wished if free is None else (free - RESERVE) // max(map(need, runs))
