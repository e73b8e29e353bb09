"""The page of a report while its runs are computed: what stands is shown, and renewed as more runs end."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cnnreport.commands import console
from cnnreport.errors import CnnReportError
from cnnreport.report.page.outline import Outline
from cnnreport.report.page.waiting import Waiting
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Progress
from cnnreport.system import children, hardware, streams

FIRST = 60.0
"""Seconds before which nobody needs to look: a short build is done as soon."""

APART = 30.0
"""Seconds from one beginning to the next, at least."""

SHARE = 0.03
"""The part of the machine's time that may go into pages that only show how far a build is."""

NICE = 5
"""How much the trainings are preferred. With 19, a page would take a quarter of an hour on a busy machine."""

Render = Callable[[Waiting], object]
Tell = Callable[[str], None]


class Early:
    """Renders now and then, beside the trainings, in a process of its own; a context, which ends it.

    Args:
        outline: The report.
        plan: Its runs.
        render: Writes its pages, with how far the build is; it can be pickled.
        page: The page that is handed in.
    """

    def __init__(self, outline: Outline, plan: Sequence[Planned], render: Render, page: Path) -> None:
        self._sections = [{*section.experiments} for section in outline.sections if section.experiments]
        self._there = {planned.experiment.name for planned in plan if planned.run is not None}
        self._render = render
        self._page = page
        self._begin = time.monotonic()
        self._last = self._begin + FIRST - APART
        self._spent = 0.0
        self._news = False
        self._told: set[str] = set()
        self._process: BaseProcess | None = None
        self._answer: Connection[Any, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, progress: Progress, tell: Tell, waiting: Callable[[], Waiting]) -> None:
        """Take note of what happened to a run, and render where there is something new to see.

        Args:
            progress: What happened.
            tell: Told once where the page is.
            waiting: Says how far the build is.
        """
        if progress.epochs and progress.epoch == progress.epochs:
            self._there.add(progress.experiment)
            self._news = True
        if self._process is not None and not self._settle(tell):
            return
        if self._news and self._may() and any(section <= self._there for section in self._sections):
            self._start(waiting())

    def _may(self) -> bool:
        now = time.monotonic()
        affordable = self._spent <= SHARE * hardware.cores() * (now - self._begin)
        return affordable and now - self._last >= APART

    def _start(self, waiting: Waiting) -> None:
        context = multiprocessing.get_context("spawn")
        self._answer, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(self._render, waiting, there, os.getpid()))
        with children.born_deaf():  # Ctrl-C is for this process
            self._process.start()
        there.close()
        self._last, self._news = time.monotonic(), False

    def _settle(self, tell: Tell) -> bool:
        """Say whether the process is done; where it is, tell what came of it, each thing once."""
        assert self._process is not None
        assert self._answer is not None
        if self._process.is_alive():
            return False
        with contextlib.suppress(EOFError, OSError):  # it was ended from outside
            seconds, problem = self._answer.recv()
            self._spent += seconds
            page = console.short(self._page)
            shown = f"{page} shows what stands so far; it is renewed as more runs end."
            sentence = f"{page} cannot show yet what stands: {problem}" if problem else shown
            if sentence not in self._told:
                tell(sentence)
                self._told.add(sentence)
        self._close()
        return True

    def _close(self) -> None:
        if self._process is not None and self._answer is not None:
            self._process.kill()
            self._process.join()
            self._answer.close()
        self._process = self._answer = None


def _serve(render: Render, waiting: Waiting, answer: "Connection[Any, Any]", parent: int) -> None:
    """Render once, in silence; answer with the seconds that it took of a core, and with what went wrong."""
    children.obey(parent)
    streams.protect()
    if hasattr(os, "nice"):
        os.nice(NICE)
    problem = ""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere), console.prints_aside():
        try:
            render(waiting)
        except Exception as error:  # noqa: BLE001 - an answer of the user may raise anything: it is told
            problem = str(error) if isinstance(error, CnnReportError) else f"{type(error).__name__}: {error}"
    answer.send((time.process_time(), problem))
