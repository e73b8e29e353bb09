"""A thin coat over whatever is an executor of `concurrent.futures` on other machines."""

import concurrent.futures
import contextlib
import pickle
import platform
import secrets
import shutil
import threading
import time
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from cnnreport.errors import CnnReportError, EnvironmentFailure
from cnnreport.runs import artefact, transfer
from cnnreport.runs.artefact import Run
from cnnreport.runs.executors.elsewhere import errand as errands
from cnnreport.runs.executors.elsewhere.doing import do
from cnnreport.runs.executors.elsewhere.errand import Answer, Errand
from cnnreport.runs.executors.elsewhere.posts import LOCK, Poster, Posts, Reporter
from cnnreport.runs.executors.executor import AGAIN, Executor, Lost, Needs, Orders
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Job
from cnnreport.system import durable, locks

ROOM = "elsewhere"
"""The folder of the output in which commands have their rooms."""

MOST = 1000
"""How many runs are handed over at once where the user does not say: queues have their limits."""

SENT = 3
"""How often a run is sent whose worker is lost each time."""

PAUSE = 2.0
"""Seconds after which a run is sent again to a machine that is being sent what the run needs."""

PATIENCE = 20.0
"""Seconds after which a machine that still lacks something is sent it again."""

_INSTALL = "cnnreport, in this version, and the project must be importable for the workers"


class Gone(Lost):
    """Nobody is there any more who would compute."""


def rooms(output: Path) -> dict[Path, bool]:
    """Return the rooms in an output folder, each with whether its command lives; the dead leave theirs."""
    found = sorted(output.glob(f"{ROOM}/*"))
    return {room: locks.holder(room / LOCK) is not None for room in found}


@dataclass
class _Trip:
    """A run that is on its way: how often it was sent, and what goes with it."""

    planned: str
    job: Job
    future: "Future[Path]"
    sent: int = 0
    parcels: dict[str, bytes] = field(default_factory=dict)


class Elsewhere(Executor):
    """Sends runs to other machines, by value, and brings them home as runs made elsewhere.

    Derive from it, say in `open` what computes there, and name that class in the project's pyproject.toml,
    or with ``--executor module:NAME``.
    """

    here = False
    alone: ClassVar[bool] = True
    """Whether machines may compute that do not share the output folder."""

    def __init__(self, runs: Sequence[Planned], orders: Orders) -> None:
        super().__init__(runs, orders)
        assert orders.project is not None, "the schedule says where everything lies"
        self.project = orders.project
        self._room = self.project.output / ROOM / secrets.token_hex(8)
        self._under_way: set[Path] = set()
        self._provided: dict[tuple[str, Path], float] = {}  # when a machine was sent something
        self._over = False
        self._posts = Posts(self._room, orders.notify)
        self._held = contextlib.ExitStack()  # so that `clean` knows whose room it is
        self._held.enter_context(locks.attempt(self._room / LOCK))
        self._arrivals = concurrent.futures.ThreadPoolExecutor(2, "cnnreport-arrivals")
        try:
            self.pool = self.open()
        except BaseException:
            self._tidy()
            raise

    @classmethod
    def takes(cls, needs: Needs) -> bool:
        """Take what takes long; what is over in seconds is not worth the way."""
        return needs.long

    @abstractmethod
    def open(self) -> concurrent.futures.Executor:
        """Return what computes on other machines.

        Raises:
            EnvironmentFailure: It cannot be reached.
        """

    def reporter(self, job: Job) -> Reporter:
        """Return what reports on a run from there: a file in the shared folder, where there is one."""
        return Poster(self._room, job.folder.name)

    def deliver(self, errand: Errand) -> "Future[Answer]":
        """Have an errand done."""
        return self.pool.submit(do, errand)

    def loss(self, error: BaseException) -> str:
        """Say how a worker was lost with a run, which is then sent again; empty for any other error."""
        if isinstance(error, CancelledError):  # not by this command, whose own end is looked at first
            return "a worker was lost"
        return str(error) if isinstance(error, Lost) else ""

    def gone(self) -> str:
        """Say in words that the whole pool is gone, empty where it is not."""
        return ""

    def shut(self, *, at_once: bool) -> None:
        """End the pool; what computes there sees, where the folder is shared, that it is not wanted."""
        self.pool.shutdown(wait=not at_once, cancel_futures=at_once)

    def is_full(self) -> bool:
        """Have under way as many as the user asks for, else as many as queues take."""
        return len(self._under_way) >= (self.orders.workers or MOST)

    def submit(self, job: Job) -> "Future[Path]":
        """Send a job."""
        future: Future[Path] = Future()
        self._under_way.add(job.folder)
        self._send(_Trip(f"{job.experiment} seed {job.seed}", job, future))
        return future

    def settled(self, planned: Planned) -> None:
        """Have room for another."""
        self._under_way.discard(planned.folder)
        self._posts.forget(planned.folder.name)

    def recover(self, planned: Planned, lost: Lost) -> CnnReportError | None:
        """End the whole plan: a lost worker is no matter of the schedule, a lost pool is."""
        raise EnvironmentFailure(str(lost), f"start it and {AGAIN} where the workers share the output folder")

    def close(self, *, at_once: bool) -> None:
        """End the errands, where `at_once` is set without waiting for any."""
        self._over = True
        if at_once:
            shutil.rmtree(self._room, ignore_errors=True)  # whoever sees that it is gone stops
        try:
            self.shut(at_once=at_once)
        finally:
            self._tidy()

    def _tidy(self) -> None:
        self._posts.close()
        self._arrivals.shutdown(cancel_futures=True)
        self._held.close()
        shutil.rmtree(self._room, ignore_errors=True)
        with contextlib.suppress(OSError):  # another command has a room there
            self._room.parent.rmdir()

    def _send(self, trip: _Trip) -> None:
        if self._over:
            return
        trip.sent += 1
        try:
            inner = self.deliver(self._errand(trip))
        except Exception as error:  # noqa: BLE001 - whatever the pool says
            trip.future.set_exception(self._unsendable(trip, error))
            return
        inner.add_done_callback(lambda done: self._arrive(trip, done))

    def _errand(self, trip: _Trip) -> Errand:
        job = trip.job
        return Errand(
            name=trip.planned,
            job=pickle.dumps(job),
            key=job.key,
            python=platform.python_version(),
            device=job.device,
            project=self.project,
            room=self._room,
            data=job.data,
            reads=job.reads,
            reporter=self.reporter(job),
            alone=self.alone,
            parcels=trip.parcels,
        )

    def _arrive(self, trip: _Trip, done: "Future[Answer]") -> None:
        """See to what came back, in a thread that may take its time."""
        with contextlib.suppress(RuntimeError):  # this executor was closed meanwhile
            self._arrivals.submit(self._receive, trip, done)

    def _receive(self, trip: _Trip, done: "Future[Answer]") -> None:
        if self._over:
            return
        try:
            self._settle(trip, done.result())
        except Exception as error:  # noqa: BLE001 - whatever the pool or the way home says
            if how := self.loss(error):
                self._lost(trip, how)
            else:
                trip.future.set_exception(self._unsendable(trip, error))

    def _settle(self, trip: _Trip, answer: Answer) -> None:
        match answer:
            case errands.Made():
                trip.future.set_result(self._home(trip, answer))
            case errands.Wanting():
                trip.sent -= 1  # it was told what it lacks, and not lost
                self._provide(trip, answer)
            case errands.Refused(host, differences):
                problem = f"{host} refused {trip.planned}: {'; '.join(differences)}"
                remedy = "let the workers have the same versions and the same sources as this machine"
                trip.future.set_exception(EnvironmentFailure(problem, remedy))
            case errands.Failed(packed):
                error = pickle.loads(packed)  # noqa: S301 - from a worker, which computes what it is given
                if isinstance(error, Lost):
                    self._lost(trip, str(error))
                else:
                    trip.future.set_exception(error)
            case errands.Crashed(how):
                self._lost(trip, how)
            case errands.Recalled():
                self._lost(trip, "a worker was told that nobody wants the run")

    def _home(self, trip: _Trip, made: errands.Made) -> Path:
        """Bring a run home: each file is checked against the manifest, and it is marked."""
        runs, what, force = self.project.runs, f"what a worker made of {trip.planned}", trip.job.force
        mark = {"file": "a worker elsewhere"}
        if made.archive is None:
            taken, known = transfer.take([self._room / made.folder], runs, mark, what, replace=force)
        else:
            taken, known = transfer.unpack(made.archive, runs, mark, what, replace=force)
        run = (taken or known)[0]
        if run.key.identity != trip.job.key.identity:
            raise EnvironmentFailure(f"{what} is another run: {run.folder.name}", AGAIN)
        return run.folder

    def _provide(self, trip: _Trip, wanting: errands.Wanting) -> None:
        """Send what a machine lacks, or a little later the run alone, where that is on its way there."""
        wanted = {name: (wanting.host, getattr(trip.job, name)) for name in wanting.names}
        now = time.monotonic()
        if all(now - self._provided.get(what, -PATIENCE) < PATIENCE for what in wanted.values()):
            waiting = threading.Timer(PAUSE, self._send, [trip])
            waiting.daemon = True
            waiting.start()
            return
        self._provided.update(dict.fromkeys(wanted.values(), now))
        trip.parcels = {name: self._parcel(trip.job, name) for name in wanted}
        self._send(trip)

    def _parcel(self, job: Job, name: str) -> bytes:
        if name == "data" and job.data and (content := durable.read_named(job.data)) is not None:
            return content
        if name == "reads" and job.reads and isinstance(run := artefact.load(job.reads), Run):
            return transfer.pack([run])
        raise EnvironmentFailure(f"what {job.experiment} takes as {name} is not there any more", AGAIN)

    def _lost(self, trip: _Trip, how: str) -> None:
        """Send a run again that was lost with its worker, unless that helps nobody."""
        if gone := self.gone():
            trip.future.set_exception(Gone(gone))
        elif trip.sent < SENT:
            trip.parcels = {}
            self.orders.tell(f"{trip.planned}: {how}; it is sent again")
            self._send(trip)
        else:
            problem = f"{trip.planned}: {how}, {trip.sent} times"
            trip.future.set_exception(EnvironmentFailure(problem, f"look at the workers' logs; then {AGAIN}"))

    def _unsendable(self, trip: _Trip, error: BaseException) -> BaseException:
        if isinstance(error, CnnReportError):
            return error
        if gone := self.gone():
            return Gone(gone)
        said = " ".join(str(error).split())[-300:]
        causes = "".join(str(each) for each in (error, error.__cause__) if each)
        remedy = _INSTALL if "cnnreport" in causes and "No module" in causes else "look at the workers' logs"
        failure = EnvironmentFailure(f"{trip.planned} could not be computed elsewhere: {said}", remedy)
        failure.__cause__ = error
        return failure
