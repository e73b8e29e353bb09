"""What an executor is: it says which runs it takes, and computes them wherever it is at home."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from cnnreport.errors import CnnReportError, EnvironmentFailure
from cnnreport.project import Project
from cnnreport.runs.device import Device
from cnnreport.runs.executors import crew
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Job, Notify

LOCAL = "local"
"""The name of the executors of this machine."""

AGAIN = "run the same command again: it goes on from the last finished epoch"
"""What to do after a run was lost that is not to blame for it."""


@dataclass(frozen=True)
class Needs:
    """What a run needs of the place where it is computed.

    Args:
        device: ``cpu``, ``cuda`` or ``mps``.
        memory: Bytes of main memory.
        long: Whether it takes longer than seconds, so that it is worth being sent to another machine.
    """

    device: Device
    memory: int
    long: bool = True


@dataclass(frozen=True)
class Asked:
    """Which executor the user asks for.

    Args:
        executor: ``local``, ``dask``, ``slurm``, or ``module:NAME`` of one of the user's own (see
            `cnnreport.runs.executors.register`).
        scheduler: The address of dask's scheduler, empty for none.
        slurm: Parameters of submitit by their names.
    """

    executor: str = LOCAL
    scheduler: str = ""
    slurm: Mapping[str, str] = field(default_factory=dict)

    @property
    def elsewhere(self) -> bool:
        """Whether other machines compute."""
        return self.executor != LOCAL


LOCALLY = Asked()
"""What is asked of executors where nobody asks: this machine computes."""


@dataclass(frozen=True)
class Orders:
    """What an executor is told beside its runs.

    Args:
        notify: Takes the progress of runs, from any thread; it neither blocks nor raises.
        tell: Takes, in a sentence, what the user should know of the executor.
        workers: How many runs the user wants to be computed at once on the CPU, None for what fits.
        beside: Bytes of this machine's memory that the runs of other executors may need meanwhile.
        asked: Which executor the user asks for, with what it needs.
        project: Where everything lies, None where nobody needs to know.
    """

    notify: Notify
    tell: Callable[[str], None]
    workers: int | None = None
    beside: int = 0
    asked: Asked = LOCALLY
    project: Project | None = None


class Lost(Exception):  # noqa: N818 - what happened, as the name of an event
    """A run has come to no end where it was computed, and has not failed by itself either."""


class Executor(ABC):
    """Computes runs; a context, at whose end nothing of it goes on.

    The schedule makes one executor of each class that is the first to take one of the runs. All methods
    are called in the schedule's thread. A class of one's own is named in the project's pyproject.toml
    (`cnnreport.runs.executors.register`).

    Args:
        runs: All that it may be given, in the order in which they should begin.
        orders: Whom it tells, and what the user wants.
    """

    here: ClassVar[bool] = True
    """Whether its runs take memory of this machine."""

    def __init__(self, runs: Sequence[Planned], orders: Orders) -> None:
        self.runs = runs
        self.orders = orders

    @classmethod
    def check(cls, asked: Asked) -> None:
        """Check, before anything is begun, that there is what it needs.

        Raises:
            UsageError: The user has not said what it needs to know.
            EnvironmentFailure: A library is missing.
        """
        return None

    @classmethod
    @abstractmethod
    def takes(cls, needs: Needs) -> bool:
        """Say whether it can compute runs of such needs."""

    @abstractmethod
    def submit(self, job: Job) -> "Future[Path]":
        """Begin a job as soon as there is room for it, and return at once.

        Returns:
            A future with the folder of the finished run, which lies in the folder of runs and need not
            be that of the job (see `cnnreport.runs.runner.execute`), the error of the run, or `Lost`.
        """

    def is_full(self) -> bool:
        """Say whether no run at all may be submitted before another has ended, so that none is asked for."""
        return False

    def admits(self, planned: Planned) -> bool:
        """Say whether a run may be submitted now; if not, the schedule asks again when another has ended."""
        return True

    def settled(self, planned: Planned) -> None:  # noqa: B027 - few need to know
        """Take note that a run is done, has failed, or reads what has failed."""

    def recover(self, planned: Planned, lost: Lost) -> CnnReportError | None:
        """Do what is to be done when a run was lost; all that was submitted and is not done is forgotten.

        Returns:
            The run's error, or None to have it submitted again like the others that are forgotten.

        Raises:
            EnvironmentFailure: Nothing can be computed here, so that the whole plan ends.
        """
        return EnvironmentFailure(str(lost), AGAIN)

    @abstractmethod
    def close(self, *, at_once: bool) -> None:
        """End whatever was begun for the runs, where `at_once` is set without waiting for any of them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=error is not None)


def needs(planned: Planned) -> Needs:
    """Return what a planned run needs."""
    long = not planned.spec.symbolic and planned.spec.effort() > 0
    return Needs(planned.key.where["device"], crew.need(planned), long)
