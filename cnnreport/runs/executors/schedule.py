"""What a plan lacks is computed: which run begins where and when, and what one failure costs."""

import concurrent.futures
import contextlib
import queue
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cnnreport.errors import EnvironmentFailure, VerificationError
from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.executors import register
from cnnreport.runs.executors.executor import LOCALLY, Asked, Executor, Lost, Orders, needs
from cnnreport.runs.executors.progress import Shown
from cnnreport.runs.planning.planned import Planned, make_job
from cnnreport.runs.planning.prepare import prepare_data
from cnnreport.runs.runner import Job, Notify


def run_plan(
    project: Project,
    plan: Sequence[Planned],
    command: str,
    notify: Notify,
    *,
    most: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    asked: Asked = LOCALLY,
) -> list[Run]:
    """Compute what a plan still lacks and return all of its runs, in its order.

    Args:
        project: Where everything lies.
        plan: What is wanted.
        command: The command line that asked for it.
        notify: Told of each run's progress, in a thread of its own.
        most: How many workers on the CPU, None for as many as cores and memory allow.
        tell: Told, in a sentence, what the user should know of the workers.
        asked: Which executor is to compute what takes long.

    Raises:
        DataError: The data cannot be prepared.
        EnvironmentFailure: A worker died, the disk is full, or no executor takes a run.
        VerificationError: A source was changed while it was computed.
    """
    missing = sorted((each for each in plan if each.run is None), key=_order(plan))
    shares = _shares(missing, register.executors(project, asked))
    jobs = _jobs(project, missing, command)
    with contextlib.ExitStack() as stack:
        shown = stack.enter_context(Shown(notify))
        executors: dict[Path, Executor] = {}
        for kind, runs in shares.items():
            beside = sum(
                _memory(others) for other, others in shares.items() if other.here and other is not kind
            )
            executor = stack.enter_context(kind(runs, Orders(shown, tell, most, beside, asked, project)))
            executors.update(dict.fromkeys((each.folder for each in runs), executor))
        schedule = _Schedule(missing, jobs, executors)
        errors = schedule.compute()
    if errors:
        raise next(errors[each.folder] for each in missing if each.folder in errors)
    return [planned.run or _finished(schedule.finished[planned.folder]) for planned in plan]


class _Schedule:
    """Which runs wait, which are under way and which have ended.

    Args:
        runs: What is to be computed, in the order in which it should begin.
        jobs: The job of each, by the run's folder.
        executors: Who computes each, by the run's folder.
    """

    def __init__(
        self, runs: Sequence[Planned], jobs: Mapping[Path, Job], executors: Mapping[Path, Executor]
    ) -> None:
        self._runs = runs
        self._jobs = jobs
        self._executors = executors
        self._waiting: dict[Executor, dict[Path, Planned]] = {each: {} for each in executors.values()}
        for planned in runs:
            self._waiting[executors[planned.folder]][planned.folder] = planned
        self._pending: dict[concurrent.futures.Future[Path], Planned] = {}
        self._ended: queue.SimpleQueue[concurrent.futures.Future[Path]] = queue.SimpleQueue()
        self.finished: dict[Path, Path] = {}
        """Where each run lies that is done: one made elsewhere may have a folder of its own."""

        self._errors: dict[Path, BaseException] = {}

    def compute(self) -> dict[Path, BaseException]:
        """Compute all; return what failed, by folder: it costs nothing but the runs that read it."""
        while True:
            for executor, waiting in self._waiting.items():
                self._begin(executor, waiting)
            if not self._pending:
                return self._errors
            self._settle(self._ended.get())
            while not self._ended.empty():
                self._settle(self._ended.get())

    def _begin(self, executor: Executor, waiting: dict[Path, Planned]) -> None:
        """Submit what may be submitted of those that wait for an executor."""
        for planned in list(waiting.values()):
            if executor.is_full():
                return
            if self._may_begin(planned, executor):
                del waiting[planned.folder]
                future = executor.submit(self._job(planned))
                self._pending[future] = planned
                future.add_done_callback(self._ended.put)

    def _job(self, planned: Planned) -> Job:
        """Return a run's job, which takes what it reads from where that lies by now."""
        job, read = self._jobs[planned.folder], planned.reads
        return replace(job, reads=self.finished[read.folder]) if read and read.run is None else job

    def _may_begin(self, planned: Planned, executor: Executor) -> bool:
        read = planned.reads
        there = read is None or read.run is not None or read.folder in self.finished
        return there and executor.admits(planned)

    def _settle(self, future: "concurrent.futures.Future[Path]") -> None:
        if (planned := self._pending.pop(future, None)) is None:
            return  # forgotten with what its executor lost
        error = future.exception()
        if error is None:
            self.finished[planned.folder] = future.result()
        if isinstance(error, Lost):
            error = self._recover(planned, error)
            if error is None:
                self._wait_again(planned)
                return
        self._end(planned, error)

    def _recover(self, planned: Planned, lost: Lost) -> BaseException | None:
        """Let an executor see to what it lost, and let begin again what it has forgotten thereby."""
        executor = self._executors[planned.folder]
        verdict = executor.recover(planned, lost)
        under_way = [
            future for future, each in self._pending.items() if self._executors[each.folder] is executor
        ]
        for future in under_way:
            each = self._pending.pop(future)
            if future.done() and not future.cancelled() and not isinstance(future.exception(), Lost):
                if future.exception() is None:
                    self.finished[each.folder] = future.result()
                self._end(each, future.exception())
            else:
                self._wait_again(each)
        return verdict

    def _wait_again(self, planned: Planned) -> None:
        """Let a run wait among the others in its place."""
        executor = self._executors[planned.folder]
        waiting = {*self._waiting[executor], planned.folder}
        self._waiting[executor] = {each.folder: each for each in self._runs if each.folder in waiting}

    def _end(self, planned: Planned, error: BaseException | None) -> None:
        self._executors[planned.folder].settled(planned)
        if error is None:
            return
        _forget_locals(error)
        self._errors[planned.folder] = error
        for reader in [each for waiting in self._waiting.values() for each in waiting.values()]:
            waiting = self._waiting[self._executors[reader.folder]]
            if reader.folder in waiting and reader.reads and reader.reads.folder == planned.folder:
                del waiting[reader.folder]
                self._end(reader, error)


def _shares(runs: Sequence[Planned], kinds: Sequence[type[Executor]]) -> dict[type[Executor], list[Planned]]:
    """Return which executor computes which runs: the first that takes what a run needs."""
    shares: dict[type[Executor], list[Planned]] = {}
    for planned in runs:
        needed = needs(planned)
        kind = next((kind for kind in kinds if kind.takes(needed)), None)
        if kind is None:
            raise EnvironmentFailure(
                f"no executor takes {planned.experiment.name}, which needs {needed.device}",
                "use --device cpu or auto",
            )
        shares.setdefault(kind, []).append(planned)
    return shares


def _memory(runs: Sequence[Planned]) -> int:
    """Return the most bytes that one of some runs may need."""
    return max(needs(planned).memory for planned in runs)


def _jobs(project: Project, runs: Sequence[Planned], command: str) -> dict[Path, Job]:
    """Make all jobs before any is begun: a run's data must not come hours late."""
    known: dict[str, Path] = {}
    prepared = ((planned, prepare_data(project, planned, known)) for planned in runs)
    return {planned.folder: make_job(planned, data, command) for planned, data in prepared}


def _order(plan: Sequence[Planned]) -> Callable[[Planned], tuple[bool, bool, float]]:
    """Return what to sort by.

    First comes what others wait for, then one seed of each experiment in the order of the plan, so that there
    is something of everything to look at, then the longest: all cores end together.
    """
    read = {planned.reads.folder for planned in plan if planned.reads and planned.run is None}
    first: dict[str, Planned] = {}
    for planned in plan:
        first.setdefault(planned.experiment.name, planned)
    firsts = {planned.folder: float(place) for place, planned in enumerate(first.values())}
    return lambda planned: (
        planned.folder not in read,
        planned.folder not in firsts,
        firsts.get(planned.folder, -planned.spec.effort()),
    )


def _forget_locals(error: BaseException | None) -> None:
    """Let go of what the frames of an error hold, tensors on a device above all, until it is raised."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _finished(folder: Path) -> Run:
    run = artefact.load(folder)
    if not isinstance(run, Run):
        raise VerificationError(f"the run in {folder} did not survive", "run the same command again")
    return run
