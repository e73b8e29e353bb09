"""What a plan lacks is computed: in which order, by how many workers, and what happens when one dies."""

import concurrent.futures
from collections.abc import Callable, Sequence
from pathlib import Path

from cnnreport.errors import EnvironmentFailure, VerificationError
from cnnreport.project import Project
from cnnreport.runs import artefact, device
from cnnreport.runs.artefact import Run
from cnnreport.runs.executors import crew
from cnnreport.runs.executors.workers import InProcess, WorkersDied, compute, workers
from cnnreport.runs.planned import Planned, make_job
from cnnreport.runs.prepare import prepare_data
from cnnreport.runs.runner import Job, Notify


class _Work:
    """Some runs and how far they are: computed in rounds, since workers may die.

    Args:
        project: Where everything lies.
        runs: What is to be computed, in the order in which it is begun.
        command: The command line that asked for it.
        finished: The folders of runs that are done; this work adds its own.
    """

    def __init__(self, project: Project, runs: Sequence[Planned], command: str, finished: set[Path]) -> None:
        self.left = list(runs)
        self._project = project
        self._command = command
        self._finished = finished
        self._errors: dict[Path, BaseException] = {}
        self._known: dict[str, Path] = {}
        self._jobs: dict[Path, Job] = {}
        self._order = [each.folder for each in runs]

    def compute(self, pool: concurrent.futures.Executor) -> None:
        """Compute what is left; one failing run does not cost the others, but for those that read it.

        Raises:
            BrokenExecutor: A worker died; what is left may be computed on another pool.
            Exception: That of the first run that failed, when all others are done.
        """
        for each in self.left:  # before any is begun: a run's data must not come hours late
            self._jobs[each.folder] = self._jobs.get(each.folder) or self._job(each)
        pending: dict[concurrent.futures.Future[Path], Planned] = {}
        begun: set[Path] = set()
        while True:
            for each in self.left:
                if each.folder not in begun and self._ready(each):
                    begun.add(each.folder)
                    pending[pool.submit(compute, self._jobs[each.folder])] = each
            if not pending:
                break
            done, _ = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
            self._settle({future: pending.pop(future) for future in done})
        if self._errors:
            raise next(self._errors[folder] for folder in self._order if folder in self._errors)

    def _job(self, planned: Planned) -> Job:
        return make_job(planned, prepare_data(self._project, planned, self._known), self._command)

    def _ready(self, planned: Planned) -> bool:
        read = planned.reads
        return read is None or read.run is not None or read.folder in self._finished

    def _settle(self, done: "dict[concurrent.futures.Future[Path], Planned]") -> None:
        fatal: BaseException | None = None
        for future, planned in done.items():
            error = future.exception()
            if isinstance(error, concurrent.futures.BrokenExecutor | MemoryError):
                fatal = error
                continue
            self.left.remove(planned)
            if error is None:
                self._finished.add(planned.folder)
            else:
                self._errors[planned.folder] = error
        if fatal:
            raise fatal


def run_plan(
    project: Project,
    plan: Sequence[Planned],
    command: str,
    notify: Notify,
    *,
    most: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Run]:
    """Compute what a plan still lacks and return all of its runs, in its order.

    Args:
        project: Where everything lies.
        plan: What is wanted.
        command: The command line that asked for it.
        notify: Told of each run's progress.
        most: How many workers, None for as many as cores and memory allow.
        tell: Told, in a sentence, what the user should know of the workers.

    Raises:
        DataError: The data cannot be prepared.
        EnvironmentFailure: A worker died, or the disk is full.
        VerificationError: A source was changed while it was computed.
    """
    missing = [planned for planned in plan if planned.run is None]
    here = [planned for planned in missing if planned.key.where["device"] == "cpu"]
    elsewhere = [planned for planned in missing if planned.key.where["device"] != "cpu"]
    finished: set[Path] = set()
    if here:
        here.sort(key=_order(here))
        for stage in crew.stages(here, most):
            count = crew.size(stage, most)
            if not most and (why := crew.shortage(stage, count)):
                tell(why)
            _compute_here(_Work(project, stage, command, finished), count, notify, tell)
    if elsewhere:
        device.check_torch(elsewhere[0].key.where["device"])
        with InProcess(notify) as pool:
            _Work(project, elsewhere, command, finished).compute(pool)
    return [planned.run or _finished(planned) for planned in plan]


def _compute_here(work: _Work, count: int, notify: Notify, tell: Callable[[str], None]) -> None:
    """Compute on workers; where one is killed, go on with fewer from the last finished epochs."""
    alone = 0
    while True:
        before = len(work.left)
        count = min(count, before)
        try:
            with workers(count, notify) as pool:
                work.compute(pool)
            return
        except (WorkersDied, MemoryError) as death:
            if isinstance(death, WorkersDied) and not death.killed:
                raise EnvironmentFailure(
                    str(death), "run the same command again: it goes on from the last finished epoch"
                ) from death
            alone = alone + 1 if count == 1 and len(work.left) == before else int(count == 1)
            if alone == 2:
                raise crew.too_little_memory(str(death), work.left) from death
            count = max(1, count // 2)
            tell(crew.going_on(str(death), count))


def _order(missing: Sequence[Planned]) -> Callable[[Planned], tuple[bool, float]]:
    """Return what to sort by: first what others wait for, then the longest: all cores end together."""
    read = {planned.reads.folder for planned in missing if planned.reads}
    return lambda planned: (planned.folder not in read, -planned.spec.effort())


def _finished(planned: Planned) -> Run:
    run = artefact.load(planned.folder)
    if not isinstance(run, Run):
        raise VerificationError(f"the run in {planned.folder} did not survive", "run the same command again")
    return run
