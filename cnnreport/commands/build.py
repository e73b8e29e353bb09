"""From a report's name to its HTML and PDF: a spec is run into an artefact, artefacts are read into
answers, answers are laid on a page, the page is printed.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from cnnreport.commands import console
from cnnreport.commands.run import by_experiment, command_line, data_line, result_lines, run_planned
from cnnreport.errors import UsageError
from cnnreport.project import DRAWINGS, HTML, PACKAGE, RECORD, Project
from cnnreport.report.draw import drawings, fonts
from cnnreport.report.out import html, libraries, pdf
from cnnreport.report.page import compose
from cnnreport.report.page import outline as outlines
from cnnreport.report.page.compose import Context
from cnnreport.report.page.outline import Outline
from cnnreport.runs import artefact, experiment
from cnnreport.runs.artefact import Run
from cnnreport.runs.choices import Choices, keep_choices
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.fingerprint import source_closure
from cnnreport.runs.plan import make_plan
from cnnreport.runs.planned import Planned
from cnnreport.system import durable

RENDERERS = (
    *drawings.LIBRARIES,
    "weasyprint",
    "jinja2",
    "pygments",
    "pydyf",
    "fonttools",
    "scipy",
    "font-source-serif-pro",
    "fontpkg-ibm-plex-mono",
)
"""Libraries whose version can change the look of a report."""

SOONER = (
    "To see something sooner: `build --smoke` (make demo) cuts everything down to minutes, after which it is "
    "known how long the whole takes; `build --only NAME` makes one part.",
    "It may be interrupted at any time: the same command goes on from there.",
)
SECONDS = "seconds"
"""Part of the record beside a page or PDF: what it took, which changes nothing in it."""


@dataclass(frozen=True)
class Built:
    """A finished report.

    Args:
        paths: The page, and the PDF unless it was not asked for.
        runs: The runs that they tell of.
        trained: How many of them were computed now.
        printed: Whether any was written now; False where all stood already.
        behind: A PDF that was not asked for and does not say what the page says, None for none.
    """

    paths: Sequence[Path]
    runs: Sequence[Run]
    trained: int
    printed: bool
    behind: Path | None = None

    def lines(self) -> list[str]:
        """Say what came out, the finished files last."""
        state = "No run had to be computed"
        if self.trained:
            state = "1 run was computed" if self.trained == 1 else f"{self.trained} runs were computed"
        report = "the report is new" if self.printed else "the report stands as it is"
        results = result_lines(self.runs)
        behind = [f"{console.short(self.behind)} is of an earlier build"] if self.behind else []
        return [
            f"{state}; {report}",
            data_line(self.runs),
            *results,
            *behind,
            *map(console.short, self.paths),
        ]


def build(
    project: Project,
    report: str,
    choices: Choices,
    only: Sequence[str] = (),
    *,
    full: bool = False,
    printing: bool = True,
    workers: int | None = None,
) -> Built:
    """Run what a report needs, lay it on a page, and print that.

    Args:
        project: Where everything lies.
        report: The report's name.
        choices: What the user chose.
        only: Experiments and families to restrict the report to; empty for no restriction.
        full: Whether to run what only the sections beyond the handout need, too.
        printing: Whether to make the PDF, which takes far longer than the page.
        workers: How many runs to compute at once on a CPU, None for as many as cores and memory allow.

    Raises:
        CnnReportError: Its children say what is missing or wrong, and what to do.
    """
    if printing:
        pdf.require()
    fonts.faces()  # a missing one is told now, not after hours of training
    outline = outlines.load(project, report)
    plan = plan_report(project, report, choices, only, full=full)
    keep_choices(project, choices)
    # What stands from an earlier full build needs a full build to be made again.
    beyond = not only and any(planned.experiment.name in outline.beyond for planned in plan)
    command = command_line("build", report, choices, only, full=beyond)
    context = Context(smoke=choices.smoke, command=command, subsetter=libraries.subsetter())
    pdf_file = project.output / outline.output
    page_file = pdf_file.with_suffix(HTML)
    files = [page_file, pdf_file] if printing else [page_file]
    sooner = () if choices.smoke else SOONER
    afterwards = _last_time(files)
    runs = run_planned(project, plan, command, workers, afterwards=afterwards, sooner=sooner)
    record = _record(project, outline, runs, context)
    printed = _make(project, outline, runs, context, record, files)
    trained = sum(planned.run is None for planned in plan)
    behind = pdf_file if pdf_file.exists() and not _stands(pdf_file, record) else None
    return Built(files, runs, trained, printed, behind)


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


def _record(project: Project, outline: Outline, runs: Sequence[Run], context: Context) -> dict[str, object]:
    """Everything that page and PDF depend on; where it is the same, they are."""
    folders = (
        project.templates / outline.name,
        project.templates / compose.SHARED,
        PACKAGE.parent / "templates" / compose.SHARED,
        project.experiments / outline.name,
    )
    files = {file for folder in folders for file in folder.rglob("*") if file.is_file()}
    kept = {str(file): file for file in files if "__pycache__" not in file.parts}
    roots = ["cnnreport.report.page.compose", "cnnreport.report.out.pdf", "cnnreport.report.out.html"]
    roots += project.modules_of(project.answers(outline.name))
    sources = source_closure(roots, project.root)
    return {
        "context": asdict(context),
        "runs": {
            run.folder.name: durable.sha256((run.folder / artefact.MANIFEST).read_bytes()) for run in runs
        },
        "imported": sorted(run.folder.name for run in runs if run.imported),
        "sources": {p: durable.sha256(file.read_bytes()) for p, file in sorted({**kept, **sources}.items())},
        "versions": {name: version(name) for name in RENDERERS},
    }


def _make(
    project: Project,
    outline: Outline,
    runs: Sequence[Run],
    context: Context,
    record: dict[str, object],
    files: Sequence[Path],
) -> bool:
    """Lay the report on a page and write it to those files that do not stand; tell whether any did not."""
    lacking = [file for file in files if not _stands(file, record)]
    if not lacking:
        return False
    begin = time.perf_counter()
    with drawings.kept_in(project.output / DRAWINGS):
        page = compose.compose(project, outline, by_experiment(runs), context)
    composed = time.perf_counter() - begin
    for file in lacking:
        begin = time.perf_counter()
        digest = html.write(page, file) if file.suffix == HTML else pdf.write(page, file)
        took = {"composing": composed, "writing": time.perf_counter() - begin}
        content = artefact.encode({**record, "sha256": digest, SECONDS: took})
        durable.write(file.with_name(file.name + RECORD), content)
    return True


def _last_time(files: Sequence[Path]) -> float | None:
    """Return the seconds that it took to lay out and write some files, None where one was never written."""
    try:
        kept = [json.loads(file.with_name(file.name + RECORD).read_bytes())[SECONDS] for file in files]
        return max(float(t["composing"]) for t in kept) + sum(float(t["writing"]) for t in kept)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # of an earlier version, or damaged: then the file is made again


def _stands(target: Path, record: dict[str, object]) -> bool:
    try:
        kept = json.loads(target.with_name(target.name + RECORD).read_bytes())
        digest = kept.pop("sha256")
        kept.pop(SECONDS, None)
        return bool(kept == record) and durable.read(target, digest) is not None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False  # whatever stands there is no report of ours
