"""Processes that take turns, so that all meet the same weather, and what is said of their times."""

import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, os.environ.get("CNNREPORT_BENCHMARKED") or str(Path(__file__).parents[1]))

import cnnreport  # before other benchmarks, which put their own checkout first

CHECKOUT = "CNNREPORT_BENCHMARKED"
"""Names, in the environment of a process, the checkout whose code it measures."""

Turn = Callable[[], float]
"""Does what is measured once, and returns a loss."""


def root() -> str:
    """Return where the code lies that this process measures: this checkout, if nothing else is said."""
    return os.environ.get(CHECKOUT) or str(Path(__file__).parents[1])


class Worker:
    """A process that makes one turn whenever it is asked to.

    Args:
        make: Makes the turn in the process, from the arguments.
        arguments: What can be sent there.
        checkout: Whose code is measured, None for this one's.
        huge_pages: Whether memory lies on huge pages, as the project's own workers have it.
    """

    def __init__(
        self,
        make: Callable[..., Turn],
        arguments: Sequence[Any],
        checkout: Path | None = None,
        *,
        huge_pages: bool = True,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, arguments, other), daemon=True)
        surroundings = {CHECKOUT: str(checkout)} if checkout else {}
        surroundings |= {"GLIBC_TUNABLES": f"glibc.malloc.hugetlb={int(huge_pages)}"}
        before = dict(os.environ)
        os.environ.update(surroundings)
        self._process.start()
        for name in surroundings:
            del os.environ[name]
        os.environ.update(before)
        self._pipe.recv()

    def turn(self) -> tuple[float, float, float]:
        """Return the loss of a turn, its seconds, and the seconds that the processor worked for it."""
        self._pipe.send(True)
        loss, seconds, worked = self._pipe.recv()
        return loss, seconds, worked

    def end(self) -> None:
        """Let the process go."""
        self._pipe.send(False)
        self._process.join()


def _serve(make: Callable[..., Turn], arguments: Sequence[Any], pipe: Connection) -> None:
    turn = make(*arguments)
    if not (file := str(cnnreport.__file__)).startswith(root()):
        raise RuntimeError(f"{file} was to be measured in {root()}")
    pipe.send(None)
    while pipe.recv():
        begun, worked = time.perf_counter(), time.process_time()
        loss = turn()
        pipe.send((loss, time.perf_counter() - begun, time.process_time() - worked))


def rounds(workers: Mapping[str, Worker], count: int) -> dict[str, list[tuple[float, float, float]]]:
    """Let all take turns, so many times each, and end them; return what each gave."""
    turns: dict[str, list[tuple[float, float, float]]] = {name: [] for name in workers}
    for _ in range(count):
        for name, worker in workers.items():
            turns[name].append(worker.turn())
    for worker in workers.values():
        worker.end()
    return turns


def ratios(turns: Mapping[str, Sequence[tuple[float, float, float]]], name: str) -> dict[str, Any]:
    """Say how many times as fast as each other variant one is: medians of the ratios within a round.

    By the clock, and by the seconds that the processor worked, which other work on the machine disturbs
    less. The first turn pays for the first touch of all memory, and does not count.
    """
    said = {}
    for other in turns.keys() - {name}:
        pairs = list(zip(turns[other][1:], turns[name][1:], strict=True))
        said[other] = {
            "by_clock": statistics.median(theirs[1] / ours[1] for theirs, ours in pairs),
            "by_processor": statistics.median(theirs[2] / ours[2] for theirs, ours in pairs),
        }
    return dict(sorted(said.items()))


def losses(turns: Mapping[str, Sequence[tuple[float, float, float]]], count: int) -> dict[str, list[float]]:
    """Return the losses of the first turns of each."""
    return {name: [loss for loss, _, _ in each[:count]] for name, each in turns.items()}


def largest_difference(losses: Mapping[str, Sequence[float]]) -> float:
    """Return by how much the losses of any turn differ at most."""
    return max(max(each) - min(each) for each in zip(*losses.values(), strict=True))


def medians(turns: Mapping[str, Sequence[tuple[float, float, float]]]) -> dict[str, float]:
    """Return the median seconds of a turn of each, by the clock."""
    return {name: statistics.median(seconds for _, seconds, _ in each[1:]) for name, each in turns.items()}
