"""The whole report as one HTML page: outline, runs and templates in, text out."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from cnnreport.errors import UsageError
from cnnreport.project import ANSWERS, PACKAGE, Project, load_file
from cnnreport.report.answer import Answer, Runs
from cnnreport.report.draw import fonts
from cnnreport.report.page import listing, templating
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.page.outline import Outline, Section
from cnnreport.report.page.provenance import trace

SHARED = "shared"
"""The folder of the templates that serve every report."""

Answering = Callable[[Runs], Answer]
"""What turns runs into the answer of one section."""


@dataclass(frozen=True)
class Context:
    """What a report has to say about the build that made it.

    Args:
        smoke: The runs were cut down to seconds.
        command: The command line that makes the report again.
        subsetter: What cuts the typefaces of the PDF down to the characters used, empty where nobody asked.
    """

    smoke: bool = False
    command: str = ""
    subsetter: str = ""


def compose(project: Project, outline: Outline, runs: Runs, context: Context) -> str:
    """Lay out a report.

    A section some of whose experiments have no runs is left out, and the cover says so, unless the
    section goes beyond the handout.

    Args:
        project: Where templates and answers lie.
        outline: What the report consists of.
        runs: The runs of each experiment by its name, sorted by seed.
        context: What to say about the build.

    Returns:
        The page; style sheets and pictures are in it, so it stands alone.

    Raises:
        UsageError: There are no runs, or a template or the answers have a mistake, which is named.
    """
    told = {name: group for name, group in runs.items() if group and name in outline.experiments}
    if not told:
        raise UsageError(f"there are no runs for the report {outline.name}", "run its experiments first")
    sections = [s for s in outline.sections if all(name in told for name in s.experiments)]
    ledger = Ledger()
    for section in sections:
        ledger.announce(section.id, _label(section))
    ledger.announce("runs", "table of runs")
    answers = _answer(project, outline, sections, told)
    render = templating.open_templates(
        [project.templates / outline.name, project.templates, PACKAGE.parent / "templates"],
        ledger,
        {
            "outline": outline,
            "context": context,
            "provenance": trace(told),
            "answers": answers,
            "families": fonts.Families(),
            "left_out": [s for s in outline.sections if s not in sections and not s.beyond],
        },
    )
    return ledger.resolve(_lay_out(render, ledger, outline, sections, answers))


def _label(section: Section) -> str:
    """Return what references call a section: its question, or the title of a text that answers none."""
    question, stop, _ = section.title.partition(". ")
    asked = stop and re.sub(r"[.\- ]", "", question).lower() == section.id
    return question if asked else f"“{section.title}”"


def _lay_out(
    render: templating.Render,
    ledger: Ledger,
    outline: Outline,
    sections: list[Section],
    answers: Mapping[str, Answer],
) -> str:
    # In reading order: numbers, figures and tables are counted as they are printed.
    cover = render(f"{SHARED}/cover.html.j2")
    parts = [
        (title, [(s, render(s.template, section=s, answer=answers[s.id])) for s in group])
        for title, group in groupby(sections, key=lambda section: section.part)
    ]
    verdicts = {  # two sections may reach the same one
        (verdict.claim, verdict.amount.name): verdict
        for answer in answers.values()
        for verdict in answer.verdicts.values()
    }
    origin = render(f"{SHARED}/provenance.html.j2")
    judged = render(f"{SHARED}/verdicts.html.j2", verdicts=list(verdicts.values()))
    numbers = render(f"{SHARED}/numbers.html.j2", origins=ledger.origins)
    return render(
        f"{SHARED}/page.html.j2",
        styles=[
            render(f"{SHARED}/style.css.j2"),
            listing.css(),
            render(outline.style) if outline.style else "",
        ],
        cover=cover,
        parts=parts,
        appendix=[origin, judged, numbers],
    )


def _answer(project: Project, outline: Outline, sections: list[Section], runs: Runs) -> dict[str, Answer]:
    wanted = [section for section in sections if section.experiments]
    functions = _load(project.answers(outline.name)) if wanted else {}
    for section in wanted:
        if section.id not in functions:
            folder = project.experiments / outline.name / ANSWERS
            raise UsageError(
                f"{folder} has no answer to {section.id}", "add it to the ANSWERS of a file there"
            )
    return {
        section.id: functions[section.id](runs) if section.experiments else Answer() for section in sections
    }


def _load(files: Iterable[Path]) -> dict[str, Answering]:
    functions: dict[str, Answering] = {}
    origin: dict[str, Path] = {}
    for file in files:
        found = getattr(load_file(file), "ANSWERS", None)
        if not isinstance(found, Mapping):
            raise UsageError(f"{file} has no ANSWERS", "add the mapping from section ids to functions")
        for section, function in found.items():
            if section in functions:
                raise UsageError(
                    f"{section} is answered in {origin[section]} and in {file}", "remove one of the answers"
                )
            functions[section], origin[section] = function, file
    return functions
