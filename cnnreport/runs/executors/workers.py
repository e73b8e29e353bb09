"""Worker processes: each computes one run at a time, and a thread of this process listens to it.

On the CPU a worker has one thread, which gives a run the same bytes on any number of cores, and more
throughput than one worker with many threads. A device has one worker, with as many as torch likes.
"""

import concurrent.futures
import gc
import multiprocessing
import os
import pickle
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from cnnreport import modules, sources
from cnnreport.errors import CnnReportError, EnvironmentFailure
from cnnreport.runs.device import THREADS, Device, check_torch
from cnnreport.runs.executors.executor import Lost
from cnnreport.runs.runner import Job, Notify, Progress, execute
from cnnreport.system import children, resident, streams
from cnnreport.training.fast import memory

_NO_MEMORY = ("can't allocate memory", "annot allocate memory", "not enough memory", "bad_alloc")
"""What torch, the system and C++ say, beside MemoryError, where memory is wanting."""

READY = "ready"
"""What a worker says first of all, when it has imported what every run needs."""


class WorkerDied(Lost):
    """A worker process ended before its run did.

    Args:
        code: Its exit code, negative for a signal; None where nobody knows.
        ready: Whether it had got so far as to begin with the run.
    """

    def __init__(self, code: int | None, *, ready: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.ready = ready

    @property
    def killed(self) -> bool:
        """Whether it was ended by a signal that only the system or a person sends: for want of memory."""
        return self.code == -9

    def __str__(self) -> str:
        """Say how it died."""
        if self.killed:
            return "a worker was killed, most likely for want of memory"
        if not self.code:
            return "a worker process was ended"
        how = f"signal {-self.code}" if self.code < 0 else f"exit code {self.code}"
        return f"a worker process died ({how})"


class NoMemory(Lost):
    """A run was refused memory."""


class Pool:
    """Worker processes that wait for runs: start them now, for the imports take seconds.

    Args:
        count: How many.
        device: Where they compute.
        notify: Takes the progress of their runs, from several threads.
    """

    def __init__(self, count: int, device: Device, notify: Notify) -> None:
        self._notify = notify
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._threads = concurrent.futures.ThreadPoolExecutor(count, "cnnreport-worker")
        surroundings = memory.for_large_blocks() if device == "cpu" else {}
        # The workers are born deaf to Ctrl-C: this process decides.
        with children.born_deaf(), children.born_with(surroundings):
            self._workers = [_Worker(device) for _ in range(count)]
        for worker in self._workers:
            self._idle.put(worker)

    def submit(self, job: Job) -> "concurrent.futures.Future[Path]":
        """Let the next worker that is free compute a job; the future may end with `Lost`."""
        return self._threads.submit(self._compute, job)

    def close(self, *, at_once: bool = False) -> None:
        """End the workers when they are done, or `at_once`: every finished epoch is on the disk."""
        if at_once:
            for worker in self._workers:
                worker.kill()
        self._threads.shutdown(cancel_futures=at_once)
        for worker in self._workers:
            worker.close()

    def _compute(self, job: Job) -> Path:
        worker = self._idle.get()
        try:
            return worker.compute(job, self._notify)
        finally:
            self._idle.put(worker)


class _Worker:
    """One process and the connection to it."""

    def __init__(self, device: Device) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        origin = Origin(os.getpid(), sources.followed(), modules.entered())
        arguments = (there, origin, device)
        self._process = context.Process(target=serve, args=arguments)
        self._process.start()
        there.close()  # so that a worker's death is the connection's end
        self._ready = False

    def compute(self, job: Job, notify: Notify) -> Path:
        """Have a job computed and wait for it.

        Raises:
            WorkerDied: The process ended meanwhile.
            Exception: That of the job.
        """
        packed = pickle.dumps(job)
        try:
            answer = self._converse(packed, notify)
        except (EOFError, OSError) as error:
            self._process.join()
            raise WorkerDied(self._process.exitcode, ready=self._ready) from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _converse(self, packed: bytes, notify: Notify) -> Path | Exception:
        self._connection.send_bytes(packed)
        while True:
            message = self._connection.recv()
            if isinstance(message, Progress):
                notify(message)
            elif message == READY:
                self._ready = True
            else:
                answer: Path | Exception = message
                return answer

    def kill(self) -> None:
        """End the process without a word."""
        self._process.kill()

    def close(self) -> None:
        """End the process, which waits for jobs."""
        self._connection.close()
        self._process.join()


@dataclass(frozen=True)
class Origin:
    """The process that starts a worker: its number, whose modules it executes from source, its project."""

    process: int
    followed: Sequence[Path]
    project: Path | None


Compute = Callable[[bytes, Notify], Path]
"""Unpacks what a job was packed into, computes it, and returns the folder of the run."""


def compute_job(packed: bytes, notify: Notify) -> Path:
    """Compute a job that was pickled."""
    return execute(pickle.loads(packed), notify)  # noqa: S301 - packed by the process that started this one


def serve(
    connection: "Connection[object, object]", origin: Origin, device: Device, compute: Compute = compute_job
) -> None:
    """Compute one job after the other until the connection ends: all that a worker process does."""

    def tell(message: object) -> None:
        try:
            connection.send(message)
        except ConnectionError:  # nobody listens any more: that is no failure of the run
            os._exit(1)

    unfit = _prepare(origin, device)
    tell(READY)
    while True:
        try:
            packed = connection.recv_bytes()
        except EOFError:
            return
        tell(_answer(compute, packed, tell, unfit))
        gc.collect()  # what the task held, tensors on a device above all, is not kept for the next
        # Nor the blocks that it freed: on the CPU malloc keeps them for the next step of the same run.
        resident.give_back()


def _prepare(origin: Origin, device: Device) -> Exception | None:
    """Set this process up for runs; return what is in the way of that, None for nothing."""
    try:
        children.obey(origin.process)
        streams.protect()
        for folder in origin.followed:
            sources.follow(folder)
        if origin.project is not None:
            modules.enter(origin.project)
        if device == "cpu":
            _prepare_cpu()
        else:
            check_torch(device)
    except Exception as error:  # noqa: BLE001 - the answer to every job
        return error
    return None


def _prepare_cpu() -> None:
    os.environ.update(OMP_NUM_THREADS=str(THREADS), MKL_NUM_THREADS=str(THREADS))
    memory.keep_freed_blocks()
    import torch

    torch.set_num_threads(THREADS)


def _answer(compute: Compute, packed: bytes, notify: Notify, unfit: Exception | None) -> Path | Exception:
    """Compute a job; it is unpacked here, so that what cannot be imported is an error of the job."""
    try:
        if unfit is not None:
            raise unfit
        return compute(packed, notify)
    except Exception as error:  # noqa: BLE001 - raised again in the parent
        return children.portable(_blamed(error, unfit))


def _blamed(error: Exception, unfit: Exception | None) -> Exception:
    """Say in a sentence what is the worker's fault and not the run's."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY):
        return NoMemory(f"a worker found no memory: {error}")
    if error is unfit and not isinstance(error, CnnReportError):
        problem = f"a worker cannot start: {type(error).__name__}: {error}"
        return EnvironmentFailure(problem, "python -m cnnreport doctor tells more")
    if not isinstance(error, CnnReportError) and (mistake := modules.mistake(error)) is not None:
        mistake.__cause__ = error
        return mistake
    return error
