"""A report of certain runs: what its files are made of, and how those that do not stand are made."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnreport.commands.run import by_experiment
from cnnreport.project import DRAWINGS, PACKAGE, Project
from cnnreport.report.draw import drawings
from cnnreport.report.out import record
from cnnreport.report.out.record import Output
from cnnreport.report.out.writer import Writer
from cnnreport.report.out.writers import WRITERS
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
    """

    project: Project
    outline: Outline
    runs: Sequence[Run]
    context: Context

    def write(self, writers: Sequence[Writer]) -> dict[Path, bool]:
        """Write those files that do not stand; return all by whether they were written now."""
        outputs = [self.output(writer) for writer in writers]
        lacking = [output for output in outputs if not output.stands]
        if lacking:
            begin = time.perf_counter()
            report = self.compose()
            composing = time.perf_counter() - begin
            for output in lacking:
                output.write(report, composing)
        return {output.path: output in lacking for output in outputs}

    def compose(self) -> Report:
        """Compose the report, drawing only what was not drawn before."""
        with drawings.kept_in(self.project.output / DRAWINGS):
            return compose.compose(self.project, self.outline, by_experiment(self.runs), self.context)

    def output(self, writer: Writer) -> Output:
        """Return a file of the report with all that it depends on."""
        target = writer.path(self.project.output / self.outline.output)
        return record.output(writer, target, self.runs, self._sources(writer), self.context)

    def behind(self, writers: Sequence[Writer]) -> list[Path]:
        """Return the files that none of some writers writes, and that do not say what those write."""
        asked = {writer.suffix for writer in writers}
        others = [self.output(writer) for writer in WRITERS if writer.suffix not in asked]
        return [output.path for output in others if output.path.exists() and not output.stands]

    def _sources(self, writer: Writer) -> dict[str, Path]:
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
        roots = [compose.__name__, writer.module, *sorted(kinds), *place.modules_of(place.answers(name))]
        return {**kept, **source_closure(roots, place.root)}
