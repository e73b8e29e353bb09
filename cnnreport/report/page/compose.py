"""The whole report composed: outline, runs and templates in, sections and the page of them out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from markupsafe import Markup

from cnnreport.errors import UsageError
from cnnreport.project import ANSWERS, PACKAGE, Project, load_file
from cnnreport.report.answer import Answer, Runs
from cnnreport.report.draw import drawings, fonts
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.page import listing, templating
from cnnreport.report.page.cells.notebook import lay_out
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.page.outline import Outline, Section
from cnnreport.report.page.provenance import trace
from cnnreport.report.page.report import ComposedSection, Part, Report

SHARED = "shared"
"""The folder of the templates that serve every report; a project's own of that name comes first."""

TEMPLATES = PACKAGE / "report" / "templates"
"""What of them comes with the package."""

LIBRARIES = (
    *drawings.LIBRARIES,
    "jinja2",
    "markupsafe",
    "pygments",
    "scipy",
    "font-source-serif-pro",
    "fontpkg-ibm-plex-mono",
)
"""Libraries whose version can change a composed report."""

_APPENDIX = {
    "provenance": "Provenance",
    "verdicts": "How the verdicts were reached",
    "numbers": "Where the numbers come from",
}
"""What stands behind the sections of every report: the link target and the title of each."""

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


def check(project: Project, outline: Outline) -> None:
    """Look for mistakes in templates and answers that need no run to show.

    Raises:
        UsageError: A template or an answer is missing, or has a mistake, which is named.
        VerificationError: A decimal number was typed into a template.
    """
    _answering(project, outline, outline.sections)
    named = (outline.summary, outline.style, *(section.template for section in outline.sections))
    own = dict.fromkeys(template for template in named if template)
    shared = (f"{SHARED}/{file.name}" for file in (TEMPLATES / SHARED).glob("*.j2"))
    cells = (outline.setup, *(section.cells for section in outline.sections))
    templating.check(_folders(project, outline), [*own, *filter(None, cells), *shared])


def compose(project: Project, outline: Outline, runs: Runs, context: Context) -> Report:
    """Lay out a report.

    A section some of whose experiments have no runs is left out, and the cover says so, unless the
    section goes beyond the handout.

    Args:
        project: Where templates and answers lie.
        outline: What the report consists of.
        runs: The runs of each experiment by its name, sorted by seed.
        context: What to say about the build.

    Raises:
        UsageError: There are no runs, or a template or the answers have a mistake, which is named.
    """
    available = {name: group for name, group in runs.items() if group and name in outline.experiments}
    if not available:
        raise UsageError(f"there are no runs for the report {outline.name}", "run its experiments first")
    sections = [s for s in outline.sections if all(name in available for name in s.experiments)]
    ledger = Ledger()
    for section in sections:
        ledger.announce(section.id, section.reference)
    ledger.announce("runs", "table of runs")
    for name, title in _APPENDIX.items():
        ledger.announce(name, title)
    answers = _answer(project, outline, sections, available)
    render = templating.open_templates(
        _folders(project, outline),
        ledger,
        {
            "outline": outline,
            "context": context,
            "provenance": trace(available),
            "answers": answers,
            "families": fonts.Families(),
            "left_out": [s for s in outline.sections if s not in sections and not s.beyond],
        },
    )
    report = _lay_out(render, ledger, outline, sections, answers)
    if outline.notebook is None:
        return report
    # Laid out when it is written: its pictures take seconds that no other output needs.
    cells = partial(lay_out, templating.open_cells(_folders(project, outline)), outline, report.parts, available, answers)
    return replace(report, notebook=cells)


def _lay_out(
    render: templating.Render,
    ledger: Ledger,
    outline: Outline,
    sections: list[Section],
    answers: Mapping[str, Answer],
) -> Report:
    # In reading order: numbers, figures and tables are counted as they are printed.
    cover = render(f"{SHARED}/cover.html.j2")
    texts = [render(s.template, section=s, answer=answers[s.id]) for s in sections]
    origin = render(f"{SHARED}/provenance.html.j2")
    verdicts = render(f"{SHARED}/verdicts.html.j2", verdicts=_verdicts(answers))
    numbers = render(f"{SHARED}/numbers.html.j2", origins=ledger.origins)
    # Whatever a text refers to has its place by now.
    report = Report(
        title=outline.title,
        cover=ledger.resolve(cover),
        parts=_parts(sections, map(ledger.resolve, texts)),
        appendix=(*map(_appended, _APPENDIX, map(ledger.resolve, (origin, verdicts, numbers))),),
        styles=_styles(render, outline),
        ledger=ledger,
    )
    return replace(report, page=str(render(f"{SHARED}/page.html.j2", report=report)))


def _parts(sections: list[Section], texts: Iterable[Markup]) -> tuple[Part, ...]:
    """Put sections that follow each other in one part under its heading."""
    composed = [
        (s.part, ComposedSection(s.id, s.title, s.reference, text, s.beyond))
        for s, text in zip(sections, texts, strict=True)
    ]
    groups = groupby(composed, key=itemgetter(0))
    return tuple(
        Part(f"part-{number}", title, tuple(section for _, section in group))
        for number, (title, group) in enumerate(groups, 1)
    )


def _appended(name: str, text: Markup) -> ComposedSection:
    return ComposedSection(name, _APPENDIX[name], _APPENDIX[name], text)


def _verdicts(answers: Mapping[str, Answer]) -> list[Verdict]:
    """Return the verdicts of all answers, each once: two sections may reach the same one."""
    reached = [verdict for answer in answers.values() for verdict in answer.verdicts.values()]
    return list({(verdict.claim, verdict.amount.name): verdict for verdict in reached}.values())


def _styles(render: templating.Render, outline: Outline) -> tuple[str, ...]:
    own = [render(outline.style)] if outline.style else []
    return (render(f"{SHARED}/style.css.j2"), listing.css(), *own)


def _folders(project: Project, outline: Outline) -> list[Path]:
    return [project.templates / outline.name, project.templates, TEMPLATES]


def _answer(project: Project, outline: Outline, sections: Sequence[Section], runs: Runs) -> dict[str, Answer]:
    functions = _answering(project, outline, sections)
    return {
        section.id: functions[section.id](runs) if section.experiments else Answer() for section in sections
    }


def _answering(project: Project, outline: Outline, sections: Sequence[Section]) -> dict[str, Answering]:
    wanted = [section for section in sections if section.experiments]
    functions = _load(project.answers(outline.name)) if wanted else {}
    for section in wanted:
        if section.id not in functions:
            folder = project.experiments / outline.name / ANSWERS
            raise UsageError(
                f"{folder} has no answer to {section.id}", "add it to the ANSWERS of a file there"
            )
    return functions


def _load(files: Iterable[Path]) -> dict[str, Answering]:
    functions: dict[str, Answering] = {}
    origin: dict[str, Path] = {}
    for file in files:
        answers = getattr(load_file(file), "ANSWERS", None)
        if not isinstance(answers, Mapping):
            raise UsageError(f"{file} has no ANSWERS", "add the mapping from section ids to functions")
        for section, function in answers.items():
            if section in functions:
                raise UsageError(
                    f"{section} is answered in {origin[section]} and in {file}", "remove one of the answers"
                )
            functions[section], origin[section] = function, file
    return functions
