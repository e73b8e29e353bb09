"""From a report's name to its HTML and PDF: a spec is run into an artefact, artefacts are read into
answers, answers are laid on a page, the page is printed.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnreport.commands import console
from cnnreport.commands.run import by_experiment, command_line, data_line, result_lines, run_planned
from cnnreport.errors import UsageError
from cnnreport.project import DRAWINGS, Project
from cnnreport.report.draw import drawings
from cnnreport.report.out import libraries, record
from cnnreport.report.out.record import Output
from cnnreport.report.out.writer import Writer
from cnnreport.report.out.writers import WRITERS
from cnnreport.report.page import compose
from cnnreport.report.page import outline as outlines
from cnnreport.report.page.compose import Context
from cnnreport.report.page.outline import Outline
from cnnreport.report.page.report import Report
from cnnreport.runs import experiment
from cnnreport.runs.artefact import Run
from cnnreport.runs.choices import Choices, keep_choices
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.fingerprint import source_closure
from cnnreport.runs.plan import make_plan
from cnnreport.runs.planned import Planned

SOONER = (
    "To see something sooner: `build --smoke` (make demo) cuts everything down to minutes, after which it is "
    "known how long the whole takes; `build --only NAME` makes one part.",
    "It may be interrupted at any time: the same command goes on from there.",
)


@dataclass(frozen=True)
class Built:
    """A finished report.

    Args:
        written: Its files, each with whether it was written now; False where it stood already.
        runs: The runs that they tell of.
        trained: How many of them were computed now.
        behind: Files that were not asked for and do not say what these say.
    """

    written: Mapping[Path, bool]
    runs: Sequence[Run]
    trained: int
    behind: Sequence[Path] = ()

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return list(self.written)

    @property
    def printed(self) -> bool:
        """Whether any was written now."""
        return any(self.written.values())

    def lines(self) -> list[str]:
        """Say what came out, the finished files last."""
        state = "No run had to be computed"
        if self.trained:
            state = "1 run was computed" if self.trained == 1 else f"{self.trained} runs were computed"
        report = "the report is new" if self.printed else "the report stands as it is"
        return [
            f"{state}; {report}",
            data_line(self.runs),
            *result_lines(self.runs),
            *(f"{console.short(path)} is of an earlier build" for path in self.behind),
            *map(console.short, self.paths),
        ]


def build(
    project: Project,
    report: str,
    choices: Choices,
    only: Sequence[str] = (),
    *,
    full: bool = False,
    writers: Sequence[Writer] = WRITERS,
    workers: int | None = None,
) -> Built:
    """Run what a report needs, compose it, and write that.

    Args:
        project: Where everything lies.
        report: The report's name.
        choices: What the user chose.
        only: Experiments and families to restrict the report to; empty for no restriction.
        full: Whether to run what only the sections beyond the handout need, too.
        writers: What to write; the PDF takes far longer than the page.
        workers: How many runs to compute at once on a CPU, None for as many as cores and memory allow.

    Raises:
        CnnReportError: Its children say what is missing or wrong, and what to do.
    """
    for writer in writers:
        writer.require()  # what is missing is told now, not after hours of training
    outline = outlines.load(project, report)
    plan = plan_report(project, report, choices, only, full=full)
    keep_choices(project, choices)
    command = command_line("build", report, choices, only, full=not only and _is_beyond(outline, plan))
    runs = run_planned(
        project,
        plan,
        command,
        workers,
        afterwards=_last_time(project, outline, writers),
        sooner=() if choices.smoke else SOONER,
    )
    context = Context(smoke=choices.smoke, command=command, subsetter=libraries.subsetter())
    edition = Edition(project, outline, runs, context)
    written = edition.write(writers)
    trained = sum(planned.run is None for planned in plan)
    return Built(written, runs, trained, edition.behind(writers))


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
        folders = (
            place.templates / name,
            place.templates / compose.SHARED,
            compose.TEMPLATES / compose.SHARED,
            place.experiments / name,
        )
        files = {file for folder in folders for file in folder.rglob("*") if file.is_file()}
        kept = {str(file): file for file in files if "__pycache__" not in file.parts}
        roots = [compose.__name__, writer.module, *place.modules_of(place.answers(name))]
        return {**kept, **source_closure(roots, place.root)}


def _last_time(project: Project, outline: Outline, writers: Sequence[Writer]) -> float | None:
    return record.last_time([writer.path(project.output / outline.output) for writer in writers])


def _is_beyond(outline: Outline, plan: Sequence[Planned]) -> bool:
    """Say whether a plan has more than a plain one: only a full build makes again what stands of that."""
    return any(planned.experiment.name in outline.beyond for planned in plan)


def plan_report(
    project: Project, report: str, choices: Choices, only: Sequence[str] = (), *, full: bool = False
) -> list[Planned]:
    """Plan the runs that a report needs, all or those of some experiments and families.

    Of what only sections beyond the handout need, a build that is not full plans what it is asked
    for by name, and those sections of which every run stands already.
    """
    outline = outlines.load(project, report)
    declared = experiment.load_all(project)
    chosen = _meant(declared, outline, only or outline.experiments)
    forced = _meant(declared, outline, choices.force)
    wanted = [declared[name] for name in outline.experiments if name in chosen]
    plan = make_plan(project, wanted, choices, console.Download("data"))
    kept = chosen if full or only else _kept(outline, plan, forced)
    kept |= {planned.experiment.reads for planned in plan if planned.experiment.name in kept}
    return [planned for planned in plan if planned.experiment.name in kept]


def _meant(declared: Mapping[str, Experiment], outline: Outline, words: Iterable[str]) -> set[str]:
    """Name the experiments of a report that some names, of experiments or families, stand for."""
    meant: set[str] = set()
    for word in words:
        names = {one.name for one in experiment.named(declared, word)} & {*outline.experiments}
        if not names:
            problem = f"the report {outline.name} does not use {word}"
            raise UsageError(problem, f"run it alone: cnnreport run {word}")
        meant |= names
    return meant


def _kept(outline: Outline, plan: Sequence[Planned], forced: set[str]) -> set[str]:
    """Name the experiments of a build that asks for none by name and is not full."""
    lacking = {planned.experiment.name for planned in plan if planned.run is None}
    kept = {*outline.experiments} - outline.beyond | forced
    # A section is there when nothing lacks but what this build computes anyway.
    there = [section for section in outline.sections if lacking.isdisjoint({*section.experiments} - kept)]
    return kept.union(*(section.experiments for section in there))
