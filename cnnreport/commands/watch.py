"""The page of a report, rendered again whenever something that it shows is changed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cnnreport import modules
from cnnreport.commands import budget, console, live
from cnnreport.commands import build as pipeline
from cnnreport.commands.edition import Edition
from cnnreport.errors import CnnReportError, UsageError, VerificationError
from cnnreport.project import ANSWERS, Project
from cnnreport.report.answer import Answer
from cnnreport.report.out import html
from cnnreport.report.page import compose
from cnnreport.report.page import outline as outlines
from cnnreport.runs import artefact
from cnnreport.runs.executors.executor import LOCALLY, Asked
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.planned import Planned

INTERVAL = 0.25
"""Seconds between two looks at the files."""

FOLLOWED = {".py", ".j2", ".toml", ".json", ".css", ".js"}
"""How the files end that decide what a page shows; editors leave others beside them."""

LAID_OUT = {".j2", ".css", ".js"}
"""How those of them end that decide no answer."""

Stamps = Mapping[Path, tuple[int, int]]
"""When each file was changed, in nanoseconds, and its length."""


@dataclass
class Watch:
    """A report that is looked at.

    Args:
        project: Where everything lies.
        report: The report's name.
        choices: What the user chose.
        only: Experiments and families to restrict the report to.
        full: Whether the build was a full one.
        plan: Its runs, None where these are to be found out.
        seen: The files as they were when they were last looked at.
        answered: What the sections were answered, as long as only templates and styles change.
    """

    project: Project
    report: str
    choices: Choices
    only: Sequence[str] = ()
    full: bool = False
    plan: Sequence[Planned] | None = None
    seen: Stamps = field(default_factory=dict)
    answered: dict[str, Answer] = field(default_factory=dict)

    def changed(self) -> bool:
        """Say whether a file has changed since this was last asked."""
        before, self.seen = self.seen, self._stamps()
        changed = {path for path in {*before, *self.seen} if before.get(path) != self.seen.get(path)}
        if any(self._decides_runs(path) for path in changed):
            self.plan = None
        if any(path.suffix not in LAID_OUT for path in changed):
            self.answered.clear()
        return bool(changed)

    def render(self) -> list[Path]:
        """Compose the report from the runs that stand, and write its pages; return those written.

        Raises:
            CnnReportError: Something is wrong in what the user has written.
        """
        whole = outlines.load(self.project, self.report)
        outline = budget.thinned(whole, self.choices.cut)
        compose.check(self.project, outline)
        if self.plan is None:
            self.plan = pipeline.plan_report(
                self.project, self.report, self.choices, self.only, full=self.full
            )
        runs = [planned.run for planned in self.plan if planned.run is not None]
        context = pipeline.context_of(whole, self.choices, self.only, self.plan)
        edition = Edition(self.project, outline, runs, context, answered=self.answered)
        written = edition.write([html.WRITER])
        return [path for path, new in written.items() if new]

    def pages(self) -> list[Path]:
        """Return the pages, the one that is handed in first."""
        outline = outlines.load(self.project, self.report)
        return [*html.WRITER.paths(outline, self.project.output).values()]

    def _decides_runs(self, path: Path) -> bool:
        if path.is_relative_to(self.project.runs):
            return True
        return path.is_relative_to(self.project.experiments) and path.parent.name != ANSWERS

    def _stamps(self) -> Stamps:
        place, name = self.project, self.report
        folders = [place.templates / name, place.templates / compose.SHARED, compose.TEMPLATES]
        files = [file for folder in (*folders, place.experiments / name) for file in folder.rglob("*")]
        manifests = place.runs.glob(f"*/{artefact.MANIFEST}")
        stamps: dict[Path, tuple[int, int]] = {}
        for file in (*files, *manifests, *modules.files()):
            try:
                state = file.stat()
            except OSError:  # an editor has just put another in its place
                continue
            if file.suffix in FOLLOWED:
                stamps[file] = (state.st_mtime_ns, state.st_size)
        return stamps


def watch(watched: Watch, workers: int | None = None, asked: Asked = LOCALLY) -> None:
    """Compute what a report lacks, then render it whenever it changes, for a browser to show, until Ctrl-C.

    Args:
        watched: The report.
        workers: How many runs to compute at once on a CPU, None for as many as cores and memory allow.
        asked: Which executor is to compute what takes long.

    Raises:
        CnnReportError: Runs cannot be computed.
    """
    state = live.State()
    watched.changed()
    _build(watched, state, workers, asked)
    with live.served(watched.pages(), state) as address:
        console.say(address)
        console.note("It follows templates, styles, answers and runs; Ctrl-C ends it.")
        try:
            while True:
                time.sleep(INTERVAL)
                if watched.changed():
                    _render(watched, state)
        except KeyboardInterrupt:
            console.note("The watch is over; the pages are as they were last written.")


def _build(watched: Watch, state: live.State, workers: int | None, asked: Asked) -> None:
    """Make the page for the first time, with all that it lacks; a mistake in a template is only told."""
    try:
        pipeline.build(
            watched.project,
            watched.report,
            watched.choices,
            watched.only,
            full=watched.full,
            formats=html.WRITER.format,
            workers=workers,
            asked=asked,
        )
    except (UsageError, VerificationError) as mistake:
        _tell(mistake, state)


def _render(watched: Watch, state: live.State) -> None:
    begin = time.perf_counter()
    try:
        written = watched.render()
    except Exception as error:  # noqa: BLE001 - whatever is wrong in an answer, the watch goes on
        _tell(error, state)
        return
    state.tell(new=bool(written))
    names = ", ".join(path.name for path in written) or "nothing has changed on the pages"
    console.note(f"{names} ({time.perf_counter() - begin:.1f} s)")


def _tell(error: Exception, state: live.State) -> None:
    sentence = _sentence(error)
    console.note(f"Error: {sentence}")
    state.tell(sentence)


def _sentence(error: Exception) -> str:
    if isinstance(error, CnnReportError):
        return str(error)
    mistake = modules.mistake(error)
    return str(mistake) if mistake is not None else f"{type(error).__name__}: {error}"
