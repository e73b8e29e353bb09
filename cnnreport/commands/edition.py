"""A report of certain runs: what its files are made of, and how those that do not stand are made."""

import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cnnreport.commands import console
from cnnreport.commands.run import by_experiment
from cnnreport.errors import CnnReportError
from cnnreport.project import DRAWINGS, PACKAGE, Project
from cnnreport.report.answer import Answer
from cnnreport.report.draw import drawings
from cnnreport.report.out import apart, record, writers
from cnnreport.report.out.apart import Job, Printer
from cnnreport.report.out.record import Output
from cnnreport.report.out.writer import Writer
from cnnreport.report.page import compose
from cnnreport.report.page.compose import Context
from cnnreport.report.page.outline import Outline
from cnnreport.report.page.report import Report
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import source_closure


@dataclass(frozen=True)
class Edition:
    """A report of certain runs: what its files are made of.

    Args:
        project: Where templates and answers lie.
        outline: What it consists of.
        runs: What it tells of.
        context: What it says about the build.
        forced: Names of files that are written although somebody changed them.
        answered: What sections were answered before, from the same runs; see `compose.compose`.
    """

    project: Project
    outline: Outline
    runs: Sequence[Run]
    context: Context
    forced: Collection[str] = ()
    answered: dict[str, Answer] = field(default_factory=dict)

    def write(self, asked: Sequence[Writer]) -> dict[Path, bool]:
        """Write those files that do not stand; return all by whether they were written now.

        A file that people work on is left as it is where somebody changed it; see `edited`.

        Raises:
            CnnReportError: One could not be written; the others are there.
        """
        outputs = self.outputs(asked)
        lacking = [output for output in outputs if not (output.stands or self._is_left(output))]
        written = self._write(lacking) if lacking else []
        return {output.path: output in written for output in outputs}

    def _write(self, outputs: Sequence[Output]) -> list[Output]:
        """Compose the report and write those files in which something else stands; return these."""
        slow = [output.writer for output in outputs if output.writer.apart]
        # Where its library is imported already, a single file is written sooner without another process.
        ready = next((writer.ready for writer in slow if writer.libraries[0] not in sys.modules), None)
        with apart.ahead(ready) as printer:
            return self._written_by(printer, outputs)

    def _written_by(self, printer: Printer | None, outputs: Sequence[Output]) -> list[Output]:
        begin = time.perf_counter()
        console.note("The report is laid out.")
        written: list[Output] = []
        failures: list[Exception] = []
        # Only what was not drawn before is drawn; a notebook draws when its cells are asked for.
        with drawings.kept_in(self.project.output / DRAWINGS):
            report = self.compose()

            def changed(*, apart: bool) -> list[tuple[Output, str]]:
                asked = [output for output in outputs if output.writer.apart is apart]
                contents = [(output, output.writer.content(report, output.document)) for output in asked]
                news = [(output, content) for output, content in contents if not output.holds(content)]
                written.extend(output for output, _ in news)
                return news

            slow = changed(apart=True)
            composing = time.perf_counter() - begin
            if slow:
                console.note(f"Printing {' and '.join(output.path.name for output, _ in slow)}.")

            def meanwhile() -> None:
                quick = changed(apart=False)
                failures.extend(failure for each in quick for failure in _written([each], composing))

            failures += _written(slow, composing, meanwhile, printer)
        if failures:
            raise _together(failures)
        return written

    def compose(self) -> Report:
        """Compose the report."""
        runs = by_experiment(self.runs)
        return compose.compose(self.project, self.outline, runs, self.context, self.answered)

    def outputs(self, asked: Sequence[Writer]) -> list[Output]:
        """Return the files of the report with all that they depend on."""
        sources = self._sources() if asked else {}
        return [output for writer in asked for output in self._outputs(writer, sources)]

    def edited(self, asked: Sequence[Writer]) -> list[Path]:
        """Return the files that somebody changed, and that are therefore left as they are."""
        return [
            path
            for writer in asked
            for path in writer.paths(self.outline, self.project.output).values()
            if writer.is_edited(path) and path.name not in self.forced
        ]

    def behind(self, asked: Sequence[Writer]) -> list[Path]:
        """Return the files that none of some writers writes, and that do not say what those write."""
        formats = {writer.format for writer in asked}
        others = self.outputs([writer for writer in writers.WRITERS if writer.format not in formats])
        return [output.path for output in others if self._is_behind(output)]

    def _is_left(self, output: Output) -> bool:
        return output.edited and output.path.name not in self.forced

    def _is_behind(self, output: Output) -> bool:
        return output.path.exists() and not output.stands and not output.edited

    def _outputs(self, writer: Writer, sources: Mapping[str, Path]) -> list[Output]:
        paths = writer.paths(self.outline, self.project.output)
        code = source_closure([writer.module], self.project.root)
        return record.outputs(writer, paths, self.runs, {**sources, **code}, code, self.context)

    def _sources(self) -> dict[str, Path]:
        """Find every file that has a part in what is written: templates, answers, and code."""
        place, name = self.project, self.outline.name
        own = (place.templates / name, place.templates / compose.SHARED, place.experiments / name)
        folders = [(place.root, own), (PACKAGE.parent, (compose.TEMPLATES,))]
        kept = {
            file.relative_to(root).as_posix(): file
            for root, inner in folders
            for folder in inner
            for file in folder.rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        }
        # What its kind declares of a run is read when the report is composed.
        kinds = {str(run.circumstances.get("kind", "")).partition(":")[0] for run in self.runs} - {""}
        roots = [compose.__name__, *sorted(kinds), *place.modules_of(place.answers(name))]
        return {**kept, **source_closure(roots, place.root)}


def _written(
    contents: Sequence[tuple[Output, str]],
    composing: float,
    meanwhile: Callable[[], object] = tuple,
    printer: Printer | None = None,
) -> list[Exception]:
    """Write files, side by side where there are several, with a record for each; return what failed."""
    begin = time.perf_counter()
    jobs = [Job(output.writer.write, content, output.path) for output, content in contents]
    failures: list[Exception] = []
    for (output, content), answer in zip(contents, apart.write(jobs, meanwhile, printer), strict=True):
        if isinstance(answer, Exception):
            failures.append(answer)
        else:
            seconds = {"composing": composing, "writing": time.perf_counter() - begin}
            output.written(content, answer, seconds)
    return failures


def _together(failures: Sequence[Exception]) -> Exception:
    """Return one error that says what several say; a mistake in this program comes first."""
    first = next((each for each in failures if not isinstance(each, CnnReportError)), failures[0])
    others = [each for each in failures if each is not first and str(each) != str(first)]
    if not others or not isinstance(first, CnnReportError):
        return first
    if all(isinstance(each, CnnReportError) and each.remedy == first.remedy for each in others):
        return type(first)("; ".join(each.args[0] for each in (first, *others)), first.remedy)
    also = " ".join(map(str, others))
    return type(first)(f"{first.problem}; {first.remedy}. {also}".removesuffix("."), "")
