"""The executors of this machine: workers on the cores of its CPU, and one worker on its device."""

from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from cnnreport.errors import CnnReportError, EnvironmentFailure
from cnnreport.runs.executors import crew
from cnnreport.runs.executors.executor import AGAIN, Executor, Lost, Needs, Orders
from cnnreport.runs.executors.workers import Pool, WorkerDied
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Job


class InWorkers(Executor):
    """Computes in worker processes, stage by stage.

    A process can be ended in the middle of an epoch, and gives back all memory and all of a device that it
    took.
    """

    def __init__(self, runs: Sequence[Planned], orders: Orders) -> None:
        super().__init__(runs, orders)
        self._stages = self.split()
        self._pool: Pool | None = None
        self._count = 0  # how many workers there are for the stage; none before it has begun
        self._left = 0  # how many runs were left when they were started
        self._alone = 0  # how often in turn the only worker was lost without having finished a run

    def split(self) -> list[list[Planned]]:
        """Return the stages in which the runs are computed, each in its order."""
        return [list(self.runs)]

    @abstractmethod
    def size(self, stage: Sequence[Planned]) -> int:
        """Return how many workers there are for a stage, and tell why they are few."""

    def admits(self, planned: Planned) -> bool:
        """Admit the runs of the stage."""
        return any(other.folder == planned.folder for other in self._stages[0])

    def submit(self, job: Job) -> "Future[Path]":
        """Give a job to the next worker that is free; the first starts the workers."""
        if self._pool is None:
            self._left = len(self._stages[0])
            self._count = min(self._count or self.size(self._stages[0]), self._left)
            self._pool = Pool(self._count, job.device, self.orders.notify)
        return self._pool.submit(job)

    def settled(self, planned: Planned) -> None:
        """Go on to the next stage when all runs of this one have ended."""
        for stage in self._stages:
            stage[:] = [other for other in stage if other.folder != planned.folder]
        while self._stages and not self._stages[0]:
            del self._stages[0]
            self._count = self._alone = 0
            self.close(at_once=False)

    def recover(self, planned: Planned, lost: Lost) -> CnnReportError | None:
        """Go on with half the workers where memory was wanting; a crash is the run's own error."""
        self.close(at_once=True)
        failure: CnnReportError | None = None
        if isinstance(lost, WorkerDied) and not lost.killed:
            failure = EnvironmentFailure(str(lost), AGAIN)
        elif self._is_hopeless():
            failure = crew.too_little_memory(str(lost), [planned])
        else:
            self._count = max(1, self._count // 2)
            self.orders.tell(crew.going_on(str(lost), self._count))
        if failure and isinstance(lost, WorkerDied) and not lost.ready:
            raise failure from lost  # no other run would come further
        return failure

    def close(self, *, at_once: bool) -> None:
        """End the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close(at_once=at_once)

    def _is_hopeless(self) -> bool:
        """Say whether a worker that is alone was lost twice with the same run."""
        same = self._count == 1 and len(self._stages[0]) == self._left
        self._alone = self._alone + 1 if same else int(self._count == 1)
        if self._alone < 2:
            return False
        self._alone = 0
        return True


class OnCores(InWorkers):
    """Computes on the CPU: as many workers as there are cores and memory for, the largest runs apart."""

    @classmethod
    def takes(cls, needs: Needs) -> bool:
        """Take what needs no device."""
        return needs.device == "cpu"

    def split(self) -> list[list[Planned]]:
        """Compute the largest runs by themselves where memory is short."""
        return crew.stages(self.runs, self.orders.workers, self.orders.beside)

    def size(self, stage: Sequence[Planned]) -> int:
        """Return as many as the user asks for, else what cores and memory allow."""
        count = crew.size(stage, self.orders.workers, self.orders.beside)
        if not self.orders.workers and (why := crew.shortage(stage, count)):
            self.orders.tell(why)
        return count


class OnDevice(InWorkers):
    """Computes on a device of this machine, one run at a time."""

    @classmethod
    def takes(cls, needs: Needs) -> bool:
        """Take what needs any device but the CPU."""
        return needs.device != "cpu"

    def size(self, stage: Sequence[Planned]) -> int:
        """Return one: a device is not shared."""
        return 1
