"""Runs on the workers of a dask cluster: the only module that knows dask.distributed."""

import concurrent.futures
import contextlib
import importlib.util
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any

from cnnreport.errors import EnvironmentFailure, UsageError
from cnnreport.runs.executors.elsewhere.doing import do
from cnnreport.runs.executors.elsewhere.errand import Answer, Errand
from cnnreport.runs.executors.elsewhere.executor import Elsewhere
from cnnreport.runs.executors.elsewhere.posts import Reporter
from cnnreport.runs.executors.executor import Asked, Orders
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Job, Progress

PATIENCE = 10.0
"""Seconds for which a scheduler is tried that does not answer."""

PROGRESS = "progress"
"""The name, in an event, of what happened to a run; dask adds the worker's address."""


class Topic(Reporter):
    """Tells the scheduler, which tells who asked for the run.

    Args:
        name: The topic under which that one listens.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def tell(self, progress: Progress) -> None:
        """Log an event of the topic."""
        from distributed import get_worker

        with contextlib.suppress(ValueError, OSError):  # the worker is on its way out
            get_worker().log_event(self._name, {PROGRESS: asdict(progress)})

    def wanted(self) -> bool:
        """Ask the worker, which knows without asking anybody, whether the task was cancelled."""
        from distributed import get_worker

        try:
            worker = get_worker()
            task = worker.state.tasks.get(worker.get_current_task())
            return task is not None and task.state != "cancelled"
        except (ValueError, AttributeError, LookupError):  # of another version, or on its way out
            return True


class OnDask(Elsewhere):
    """Computes on the workers that a scheduler of dask knows (``--executor dask --scheduler ADDRESS``)."""

    def __init__(self, runs: Sequence[Planned], orders: Orders) -> None:
        self._client: Any = None
        self._topic = ""
        super().__init__(runs, orders)

    @classmethod
    def check(cls, asked: Asked) -> None:
        """Check that dask is installed and that it is known where its scheduler is."""
        if importlib.util.find_spec("distributed") is None:
            remedy = "install it: pip install 'cnnreport[dask]'"
            raise EnvironmentFailure("--executor dask needs dask.distributed", remedy)
        if not asked.scheduler:
            remedy = "say where it is: --scheduler tcp://HOST:8786"
            raise UsageError("--executor dask needs the address of a scheduler", remedy)

    def open(self) -> concurrent.futures.Executor:
        """Connect to the scheduler and listen to what the workers tell."""
        from distributed import Client

        address = self.orders.asked.scheduler
        try:
            self._client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:  # asyncio's TimeoutError is an OSError
            problem = f"no scheduler of dask answers at {address}: {type(error).__name__}"
            raise EnvironmentFailure(
                problem, "start one with `dask scheduler`, or mend the address"
            ) from error
        self._topic = f"cnnreport-{self._client.id}"
        self._client.subscribe_topic(self._topic, self._hear)
        if not self._client.scheduler_info(n_workers=-1)["workers"]:
            self.orders.tell(f"the scheduler has no workers yet; start some with `dask worker {address}`")
        pool: concurrent.futures.Executor = self._client.get_executor(pure=False)
        return pool

    def reporter(self, job: Job) -> Reporter:
        """Let progress go by the scheduler, shared folder or not."""
        return Topic(self._topic)

    def deliver(self, errand: Errand) -> "Future[Answer]":
        """Give an errand to the scheduler; parcels go straight to a worker, past the scheduler."""
        sent = self._client.scatter(errand, hash=False) if errand.parcels else errand
        return self.pool.submit(do, sent)

    def gone(self) -> str:
        """Say that the scheduler does not answer any more."""
        if self._client.status in ("running", "newly-created"):
            return ""
        return f"the scheduler at {self.orders.asked.scheduler} went away"

    def shut(self, *, at_once: bool) -> None:
        """Cancel what is not done, and say goodbye."""
        with contextlib.suppress(Exception):  # a scheduler that has gone away can be told nothing
            self.pool.shutdown(wait=not at_once)
        self._client.close(timeout=PATIENCE)

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        self.orders.notify(Progress(**event[1][PROGRESS]))
