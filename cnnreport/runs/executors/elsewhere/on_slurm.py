"""Runs as jobs of Slurm, or of whatever else submitit submits to: the only module that knows submitit."""

import concurrent.futures
import contextlib
import importlib.util
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from cnnreport.errors import EnvironmentFailure, UsageError
from cnnreport.runs.executors.elsewhere.doing import do
from cnnreport.runs.executors.elsewhere.errand import Answer, Errand
from cnnreport.runs.executors.elsewhere.executor import ROOM, Elsewhere
from cnnreport.runs.executors.elsewhere.posts import POLL
from cnnreport.runs.executors.executor import Asked, Lost

FOLDER = f"{ROOM}/slurm"
"""The folder of the output that holds what submitit writes; of jobs that ended well nothing is left."""

_AT_ONCE = 16
"""How many jobs are cancelled at once: each takes a command."""

_FAREWELL = 3.0
"""Seconds for which cancelled jobs are waited for: they end by themselves, too."""

CLUSTER = "cluster"
"""The parameter that says what submitit submits to; Slurm, where it is not given."""


class Requeued:
    """What a job does; where Slurm takes its time or its place away, the same again, from its checkpoint."""

    def __call__(self, errand: Errand) -> Answer:
        """Do an errand."""
        return do(errand)

    def checkpoint(self, errand: Errand) -> Any:
        """Return what is to be queued again: all epochs that ended stand in the output folder."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, errand)


class Jobs(concurrent.futures.Executor):
    """An executor of submitit, which has jobs, as one of Python, which has futures.

    Args:
        executor: That of submitit.
    """

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self._jobs: dict[Future[Any], Any] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="cnnreport-jobs", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> "Future[Any]":
        """Submit a job."""
        future: Future[Any] = Future()
        job = self._executor.submit(function, *arguments, **options)
        with self._lock:
            self._jobs[future] = job
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel the jobs, or wait for them."""
        if wait and not cancel_futures:
            concurrent.futures.wait(list(self._jobs))
        self._over.set()
        self._thread.join()
        with self._lock:
            jobs = list(self._jobs.values())
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
            for job in jobs:
                threads.submit(job.cancel, check=False)
        end = time.monotonic() + _FAREWELL
        while time.monotonic() < end and not all(job.done() for job in jobs):
            time.sleep(0.1)

    def _follow(self) -> None:
        while not self._over.wait(POLL):
            with self._lock:
                under_way = list(self._jobs.items())
            for future, job in under_way:
                if job.done():
                    with self._lock:
                        del self._jobs[future]
                    _settle(future, job)


def _settle(future: "Future[Any]", job: Any) -> None:
    """Pass on what became of a job, and remove what it wrote if that was good."""
    from submitit.core.utils import UncompletedJobError

    try:
        answer = job.result()
    except UncompletedJobError:
        future.set_exception(Lost(f"job {job.job_id} came to no end; see {job.paths.stderr}"))
        return
    except Exception as error:  # noqa: BLE001 - whatever the job raised
        future.set_exception(error)
        return
    paths = job.paths
    written = (paths.submission_file, paths.submitted_pickle, paths.result_pickle, paths.stdout, paths.stderr)
    for file in written:
        with contextlib.suppress(OSError):
            file.unlink()
    future.set_result(answer)


class OnSlurm(Elsewhere):
    """Computes each run as a job of Slurm (``--executor slurm --slurm KEY=VALUE``).

    The output folder must be one that the nodes share with this machine, as submitit demands.
    """

    alone = False

    @classmethod
    def check(cls, asked: Asked) -> None:
        """Check that submitit is installed."""
        if importlib.util.find_spec("submitit") is None:
            remedy = "install it: pip install 'cnnreport[slurm]'"
            raise EnvironmentFailure("--executor slurm needs submitit", remedy)

    def open(self) -> concurrent.futures.Executor:
        """Set submitit up with the user's parameters."""
        from submitit import AutoExecutor

        given: dict[str, Any] = {
            key: int(text) if text.isdigit() else text for key, text in self.orders.asked.slurm.items()
        }
        cluster = given.pop(CLUSTER, "slurm")
        try:
            executor = AutoExecutor(folder=self.project.output / FOLDER, cluster=cluster)
            executor.update_parameters(**{"name": "cnnreport", **given})
        except (NameError, ValueError, TypeError, AssertionError) as error:
            problem = f"--slurm: {' '.join(str(error).split())}"
            raise UsageError(problem, "give what submitit's AutoExecutor takes, as KEY=VALUE") from error
        except RuntimeError as error:
            raise EnvironmentFailure(f"submitit: {error}", "run this where jobs can be submitted") from error
        return Jobs(executor)

    def shut(self, *, at_once: bool) -> None:
        """Cancel the jobs, or wait for them; what those wrote that failed stays."""
        super().shut(at_once=at_once)
        with contextlib.suppress(OSError):
            (self.project.output / FOLDER).rmdir()

    def deliver(self, errand: Errand) -> "Future[Answer]":
        """Submit an errand as a job."""
        return self.pool.submit(Requeued(), errand)
