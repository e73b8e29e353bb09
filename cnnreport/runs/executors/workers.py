"""Where jobs are computed: in this process on a GPU, on warm single-thread workers on a CPU.

Both are a `concurrent.futures.Executor`; a cluster would be a third. One thread for each worker gives
a run the same bytes on any number of cores, and more throughput than one worker with many threads.
"""

import concurrent.futures
import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cnnreport import modules, sources
from cnnreport.errors import EnvironmentFailure
from cnnreport.runs.device import THREADS
from cnnreport.runs.runner import Job, Notify, Progress, execute
from cnnreport.system import streams

_notify: Notify | None = None
"""Where the process that computes sends its progress; set once, when the executor starts it."""

_unfit: Exception | None = None
"""Why this worker cannot compute, None where it can; set once, when it starts."""

_HELD = {number for name in ("SIGINT", "SIGHUP") if (number := getattr(signal, name, None)) is not None}
"""Signals that a terminal sends to all processes on it; only this one listens. Windows has not all."""

_NO_MEMORY = ("can't allocate memory", "annot allocate memory", "not enough memory", "bad_alloc")
"""What torch, the system and C++ say, beside MemoryError, where memory is wanting."""

_LAST_WORDS = 5.0
"""Seconds that the progress of ended workers is waited for: who reads it may have stopped reading."""


class InProcess(concurrent.futures.Executor):
    """Computes each job at once, in this process."""

    def __init__(self, notify: Notify) -> None:
        global _notify
        _notify = self._shown = _BestEffort(notify)

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

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Say if progress could not be shown."""
        self._shown.warn()


class _Pool(concurrent.futures.ProcessPoolExecutor):
    """Worker processes in which what cannot be imported is an error of the call, not a worker's death."""

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "concurrent.futures.Future[Any]":
        """Let a worker call the function; pack all here, so that it is unpacked within the call."""
        return super().submit(_call, pickle.dumps((fn, args, kwargs)))


class WorkersDied(Exception):  # noqa: N818 - what happened, as the name of an event
    """A worker process ended before its work was done.

    Args:
        codes: The exit codes of all workers; negative for a signal.
    """

    def __init__(self, codes: Sequence[int | None]) -> None:
        super().__init__(codes)
        # The pool ends the others with SIGTERM.
        self.codes = sorted({code for code in codes if code not in (None, 0, -signal.SIGTERM)})

    @property
    def killed(self) -> bool:
        """Whether one was ended by a signal that only the system or a person sends: for want of memory."""
        return -9 in self.codes

    def __str__(self) -> str:
        """Say how they died."""
        if self.killed:
            return "a worker was killed, most likely for want of memory"
        names = [f"signal {-code}" if code < 0 else f"exit code {code}" for code in self.codes]
        return f"a worker process died ({', '.join(names)})" if names else "a worker process was ended"


@contextlib.contextmanager
def workers(count: int, notify: Notify) -> Iterator[concurrent.futures.Executor]:
    """Start warm CPU workers; on any exception, an interrupt included, end them at once.

    Nothing is lost by that: every finished epoch is on the disk.

    Raises:
        WorkersDied: One of them did not live until its work was done.
    """
    shown = _BestEffort(notify)
    context = multiprocessing.get_context("spawn")
    staff: set[Any] = set()
    with _signals_held():  # the workers are born deaf to Ctrl-C: this process decides
        notifications = context.Queue()
        arguments = (notifications, os.getpid(), sources.followed(), modules.entered())
        pool = _Pool(count, mp_context=context, initializer=_start_worker, initargs=arguments)
        ended = threading.Event()
        listener = threading.Thread(target=_listen, args=(notifications, shown, ended), daemon=True)
        listener.start()
    try:
        with _signals_held():
            for _ in range(count):
                pool.submit(_warm)
                staff.update(multiprocessing.active_children())
        yield pool
        pool.shutdown()
    except concurrent.futures.BrokenExecutor as error:
        pool.shutdown(cancel_futures=True)  # it has ended the others
        raise WorkersDied([process.exitcode for process in staff]) from error
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        ended.set()
        listener.join(_LAST_WORDS)
        if not listener.is_alive():
            notifications.close()
    shown.warn()


def _start_worker(notifications: Any, parent: int, followed: Sequence[Path], root: Path | None) -> None:
    global _notify, _unfit
    _notify = notifications.put
    try:
        for number in _HELD:  # the parent decides what these mean
            signal.signal(number, signal.SIG_IGN)
        streams.protect()
        for folder in followed:
            sources.follow(folder)
        if root is not None:
            modules.enter(root)
        os.environ.update(OMP_NUM_THREADS=str(THREADS), MKL_NUM_THREADS=str(THREADS))
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        from cnnreport.training.fast import memory

        memory.keep_freed_blocks()
        import torch

        torch.set_num_threads(THREADS)
    except Exception as error:  # noqa: BLE001 - told by the first job: a pool keeps no word of it
        _unfit = error


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone, even by kill -9: nobody waits for it any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _call(packed: bytes) -> Any:
    """Call a function in a worker; say in a sentence what is the worker's fault and not the function's."""
    try:
        if _unfit is not None:
            raise _unfit
        fn, args, kwargs = pickle.loads(packed)  # noqa: S301 - packed by the process that started this one
        return fn(*args, **kwargs)
    except Exception as error:
        if any(words in str(error) for words in _NO_MEMORY):
            raise MemoryError(f"a worker found no memory: {error}") from error
        if error is _unfit:
            problem = f"a worker cannot start: {type(error).__name__}: {error}"
            raise EnvironmentFailure(problem, "python -m cnnreport doctor tells more") from error
        raise


def _warm() -> None:
    """Occupy a worker just long enough that every worker is started."""
    time.sleep(0.2)


def compute(job: Job) -> Path:
    """Compute a job where this is called: what an executor of this module is given to do."""
    assert _notify is not None, "jobs are computed by an executor of this module"
    return execute(job, _notify)


def _listen(notifications: Any, shown: "_BestEffort", ended: threading.Event) -> None:
    """Pass on what the workers tell, until they have ended and all is passed on."""
    while True:
        over = ended.is_set()
        try:
            progress: Progress = notifications.get(timeout=0.1)
        except queue.Empty:
            if over:
                return
        else:
            shown(progress)


class _BestEffort:
    """Passes progress on until that fails: whoever shows it, no training ends with him."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._failure: Exception | None = None

    def __call__(self, progress: Progress) -> None:
        if self._failure is None:
            try:
                self._notify(progress)
            except Exception as error:  # noqa: BLE001 - kept for `warn`
                self._failure = error

    def warn(self) -> None:
        """Say if something could not be shown."""
        if self._failure is not None:
            told = f"{type(self._failure).__name__}: {self._failure}"
            warnings.warn(f"the progress of runs could not be shown: {told}", RuntimeWarning, stacklevel=2)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
