"""From a report's name to its PDF: a spec is run into an artefact, artefacts are read into answers,
answers are laid on a page, the page is printed.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean

from cnnreport import console, durable
from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, RECORD, Project
from cnnreport.report import compose, pdf
from cnnreport.report import outline as outlines
from cnnreport.report.compose import Context
from cnnreport.report.outline import Outline
from cnnreport.runs import artefact, executor, experiment
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import source_closure
from cnnreport.runs.plan import Choices, Planned, keep_choices, make_plan

RENDERERS = (
    "weasyprint",
    "jinja2",
    "matplotlib",
    "ziamath",
    "pygments",
    "pillow",
    "font-source-sans-pro",
    "font-source-serif-pro",
    "fontpkg-ibm-plex-mono",
)
"""Libraries whose version can change the look of a report."""


RESULTS = {"validation_loss": ("validation loss", ".3f"), "validation_accuracy": ("accuracy", ".1%")}
"""Columns of a history that the last lines of a command tell, with their words and form."""


@dataclass(frozen=True)
class Built:
    """A finished report.

    Args:
        path: The PDF.
        runs: The runs that it tells of.
        trained: How many of them were computed now.
        printed: Whether the PDF was written now; False where it stood already.
    """

    path: Path
    runs: Sequence[Run]
    trained: int
    printed: bool

    def lines(self) -> list[str]:
        """Say what came out, the path last but for the results."""
        names = dict.fromkeys(run.experiment for run in self.runs)
        results = [result_line(name, [r for r in self.runs if r.experiment == name]) for name in names]
        state = f"{self.trained} runs were computed" if self.trained else "No run had to be computed"
        report = "the report is new" if self.printed else "the report stands as it is"
        return [f"{state}; {report}", data_line(self.runs), *results, console.short(self.path)]


def build(project: Project, report: str, choices: Choices, only: Iterable[str] = ()) -> Built:
    """Run what a report needs and print it.

    Args:
        project: Where everything lies.
        report: The report's name.
        choices: What the user chose.
        only: Experiments to restrict the report to; empty for all of them.

    Raises:
        CnnReportError: Its children say what is missing or wrong, and what to do.
    """
    pdf.require()
    keep_choices(project, choices)
    outline = outlines.load(project, report)
    plan = plan_report(project, report, choices, only)
    command = command_line("build", report, choices, only)
    runs = _run(project, plan, command)
    target = project.output / outline.output
    context = Context(smoke=choices.smoke, command=command)
    record = _record(project, outline, runs, context)
    if _stands(target, record):
        return Built(target, runs, trained=0, printed=False)
    html = compose.compose(project, outline, _grouped(runs), context)
    digest = pdf.write(html, target)
    durable.write(target.with_name(target.name + RECORD), artefact.encode({**record, "sha256": digest}))
    return Built(target, runs, trained=sum(planned.run is None for planned in plan), printed=True)


def plan_report(project: Project, report: str, choices: Choices, only: Iterable[str] = ()) -> list[Planned]:
    """Plan the runs that a report needs, all or those of some experiments."""
    outline = outlines.load(project, report)
    declared = experiment.load_all(project)
    chosen = tuple(only) or outline.experiments
    for name in (*chosen, *choices.force):
        experiment.find(declared, name)
        if name not in outline.experiments:
            raise UsageError(
                f"the report {report} does not use {name}", "run it alone: cnnreport run " + name
            )
    wanted = [declared[name] for name in outline.experiments if name in chosen]
    return make_plan(project, wanted, choices, console.Download("data"))


def run_experiment(project: Project, name: str, choices: Choices) -> list[Run]:
    """Run one experiment, all of its seeds."""
    keep_choices(project, choices)
    wanted = experiment.find(experiment.load_all(project), name)
    plan = make_plan(project, [wanted], choices, console.Download("data"))
    return _run(project, plan, command_line("run", name, choices))


def command_line(command: str, target: str, choices: Choices, only: Iterable[str] = ()) -> str:
    """Return the command that asks for the same again; folders are named, not located."""
    options = [f"--data {choices.data}"] if choices.data != "auto" else []
    options += ["--data-dir DIR"] if choices.data_dir else []
    options += ["--palette FILE"] if choices.palette else []
    options += [f"--device {choices.device}"] if choices.device != "auto" else []
    options += [f"--precision {choices.precision}"] if choices.precision else []
    options += [f"--seeds {choices.seeds}"] if choices.seeds else []
    options += ["--smoke"] if choices.smoke else []
    options += [f"--only {name}" for name in only]
    return " ".join(["python -m cnnreport", command, target, *options])


def data_line(runs: Sequence[Run]) -> str:
    """Say which data the runs used, marking a stand-in as such."""
    used = {
        (run.key.what["data"]["title"], run.key.what["data"]["stand_in"])
        for run in runs
        if run.key.what["data"]
    }
    marked = [
        f"{title} (stand-in, not the real data)" if stand_in else title for title, stand_in in sorted(used)
    ]
    return f"data: {', '.join(marked) or 'none'}"


def result_line(name: str, runs: Sequence[Run]) -> str:
    """Say in one line what an experiment gave: the mean over its seeds of each final value."""
    last = [run.history[-1] for run in runs if run.history]
    finite = [row for row in last if all(map(math.isfinite, row.values()))]
    told = [
        f"{words} {fmean(row[column] for row in finite):{form}}"
        for column, (words, form) in RESULTS.items()
        if finite and all(column in row for row in finite)
    ]
    lost = f", {len(last) - len(finite)} diverged" if len(finite) < len(last) else ""
    return f"{name}: {', '.join(told) or 'no finite result'} ({len(last)} seeds{lost})"


def _run(project: Project, plan: Sequence[Planned], command: str) -> list[Run]:
    for title, reason in {(p.source.title, p.source.reason) for p in plan if p.source and p.source.reason}:
        console.note(f"Data: {title}. {reason}.")
    with console.Watch(plan) as watch:
        return executor.run_plan(project, plan, command, watch)


def _grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    return {
        name: [r for r in runs if r.experiment == name] for name in dict.fromkeys(r.experiment for r in runs)
    }


def _record(project: Project, outline: Outline, runs: Sequence[Run], context: Context) -> dict[str, object]:
    """Everything that the PDF depends on; where it is the same, the PDF is."""
    folders = (
        project.templates / outline.name,
        project.templates / "shared",
        project.experiments / outline.name,
    )
    files = [file for folder in folders for file in sorted(folder.glob("*")) if file.is_file()]
    sources = source_closure(["cnnreport.report.compose", "cnnreport.report.pdf"], [PACKAGE.parent])
    return {
        "context": asdict(context),
        "runs": {
            run.folder.name: durable.sha256((run.folder / artefact.MANIFEST).read_bytes()) for run in runs
        },
        "imported": sorted(run.folder.name for run in runs if run.imported),
        "files": {
            file.relative_to(project.root).as_posix(): durable.sha256(file.read_bytes()) for file in files
        },
        "sources": {path: durable.sha256(file.read_bytes()) for path, file in sources.items()},
        "versions": {name: version(name) for name in RENDERERS},
    }


def _stands(target: Path, record: dict[str, object]) -> bool:
    try:
        kept = json.loads(target.with_name(target.name + RECORD).read_bytes())
        digest = kept.pop("sha256")
    except (FileNotFoundError, ValueError, KeyError, AttributeError):
        return False
    return bool(kept == record) and durable.read(target, digest) is not None
