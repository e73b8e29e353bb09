"""Where jobs are computed: in this process on a GPU, on warm single-thread workers on a CPU.

Both are a `concurrent.futures.Executor`; a cluster would be a third. One thread for each worker gives
a run the same bytes on any number of cores, and more throughput than one worker with many threads.
"""

import concurrent.futures
import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnreport import hardware
from cnnreport.errors import EnvironmentFailure, VerificationError
from cnnreport.project import Project
from cnnreport.runs import artefact, device
from cnnreport.runs.artefact import Run
from cnnreport.runs.device import THREADS
from cnnreport.runs.plan import Planned, make_job, prepare_data
from cnnreport.runs.runner import Job, Notify, Progress, execute

_notify: Notify | None = None
"""Where the process that computes sends its progress; set once, when the executor starts it."""


class InProcess(concurrent.futures.Executor):
    """Computes each job at once, in this process."""

    def __init__(self, notify: Notify) -> None:
        global _notify
        _notify = notify

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "concurrent.futures.Future[Any]":
        """Call the function and return its finished future."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a future carries whatever its function raised
            future.set_exception(error)
        return future


def run_plan(project: Project, plan: Sequence[Planned], command: str, notify: Notify) -> list[Run]:
    """Compute what a plan still lacks and return all of its runs, in its order.

    Raises:
        DataError: The data cannot be prepared.
        EnvironmentFailure: A worker died, or the disk is full.
    """
    missing = [planned for planned in plan if planned.run is None]
    here = [planned for planned in missing if planned.key.where["device"] == "cpu"]
    elsewhere = [planned for planned in missing if planned.key.where["device"] != "cpu"]
    if here:
        here.sort(key=_order(here))
        with workers(min(hardware.cores(), len(here)), notify) as pool:
            _compute(pool, project, here, command)
    if elsewhere:
        device.check_torch(elsewhere[0].key.where["device"])
        with InProcess(notify) as pool:
            _compute(pool, project, elsewhere, command)
    return [planned.run or _finished(planned) for planned in plan]


@contextlib.contextmanager
def workers(count: int, notify: Notify) -> Iterator[concurrent.futures.Executor]:
    """Start warm CPU workers; on any exception, an interrupt included, end them at once.

    Nothing is lost by that: every finished epoch is on the disk.
    """
    context = multiprocessing.get_context("spawn")
    notifications = context.Queue()
    pool = concurrent.futures.ProcessPoolExecutor(
        count, mp_context=context, initializer=_start_worker, initargs=(notifications, os.getpid())
    )
    ended = threading.Event()
    listener = threading.Thread(target=_listen, args=(notifications, notify, ended), daemon=True)
    listener.start()
    try:
        with _interrupts_held():  # the workers are born deaf to Ctrl-C: this process decides
            for _ in range(count):
                pool.submit(_warm)
        yield pool
        pool.shutdown()
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        ended.set()
        listener.join()
        notifications.close()


def _compute(
    pool: concurrent.futures.Executor, project: Project, missing: Sequence[Planned], command: str
) -> None:
    known: dict[str, Path] = {}
    jobs = {each.folder: make_job(each, prepare_data(project, each, known), command) for each in missing}
    work = _submit(pool, missing, jobs)
    try:
        for future in work:
            future.result()
    except concurrent.futures.BrokenExecutor as error:
        raise EnvironmentFailure(
            "a worker process died, killed from outside or for want of memory",
            "run the same command again: it goes on from the last finished epoch",
        ) from error


def _order(missing: Sequence[Planned]) -> Callable[[Planned], tuple[bool, float]]:
    """Return what to sort by: first what others wait for, then the longest: all cores end together."""
    read = {planned.reads.folder for planned in missing if planned.reads}
    return lambda planned: (planned.folder not in read, -planned.spec.effort())


def _submit(
    pool: concurrent.futures.Executor, missing: Sequence[Planned], jobs: Mapping[Path, Job]
) -> list["concurrent.futures.Future[Path]"]:
    """Compute the jobs and return their futures; one that reads another run waits until that one is done."""
    work = {each.folder: pool.submit(_execute, jobs[each.folder]) for each in missing if not _waits(each)}
    later = [each for each in missing if _waits(each)]
    pending = set(work.values())
    while pending:  # one failing run must not cost the others, but for those that read it
        done, pending = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
        for each in list(later):
            read = work[each.reads.folder] if each.reads else None
            if read in done:
                later.remove(each)
                if read and read.exception() is None:
                    work[each.folder] = pool.submit(_execute, jobs[each.folder])
                    pending.add(work[each.folder])
    return list(work.values())


def _waits(planned: Planned) -> bool:
    return planned.reads is not None and planned.reads.run is None


def _finished(planned: Planned) -> Run:
    run = artefact.load(planned.folder)
    if not isinstance(run, Run):
        raise VerificationError(f"the run in {planned.folder} did not survive", "run the same command again")
    return run


def _start_worker(notifications: Any, parent: int) -> None:
    global _notify
    _notify = notifications.put
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    os.environ.update(OMP_NUM_THREADS=str(THREADS), MKL_NUM_THREADS=str(THREADS))
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    from cnnreport.training import memory

    memory.keep_freed_blocks()
    import torch

    torch.set_num_threads(THREADS)


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone, even by kill -9: nobody waits for it any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _warm() -> None:
    """Occupy a worker just long enough that every worker is started."""
    time.sleep(0.2)


def _execute(job: Job) -> Path:
    assert _notify is not None, "jobs are computed by an executor of this module"
    return execute(job, _notify)


def _listen(notifications: Any, notify: Notify, ended: threading.Event) -> None:
    """Pass on what the workers tell, until they have ended and all is passed on."""
    while True:
        over = ended.is_set()
        try:
            progress: Progress = notifications.get(timeout=0.1)
        except queue.Empty:
            if over:
                return
        else:
            notify(progress)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
