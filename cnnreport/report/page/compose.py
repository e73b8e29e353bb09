"""The whole report composed: outline, runs and templates in, sections and the page of them out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from markupsafe import Markup

from cnnreport.errors import UsageError, VerificationError
from cnnreport.project import ANSWERS, PACKAGE, Project, load_file
from cnnreport.report.answer import Answer, Runs
from cnnreport.report.draw import drawings, fonts
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.page import listing, templating
from cnnreport.report.page.cells.notebook import lay_out
from cnnreport.report.page.ledger import Ledger, Volume
from cnnreport.report.page.outline import Outline, Section
from cnnreport.report.page.provenance import Provenance, trace
from cnnreport.report.page.report import (
    MAIN,
    PAGE,
    SUPPLEMENT,
    ComposedSection,
    Document,
    Part,
    Report,
)
from cnnreport.report.page.waiting import Awaited, Waiting

SHARED = "shared"
"""The folder of the templates that serve every report; a project's own of that name comes first."""

SCREEN = ("screen.css", "screen.js")
"""The files there of what a page gains for a browser: its style and its script."""

TEMPLATES = PACKAGE / "report" / "templates"
"""What of them comes with the package."""

LIBRARIES = (
    *drawings.LIBRARIES,
    "jinja2",
    "markupsafe",
    "pygments",
    "scipy",
)
"""Libraries whose version can change a composed report."""

_APPENDIX = {
    "provenance": "Provenance",
    "verdicts": "How the verdicts were reached",
    "numbers": "Where the numbers come from",
}
"""What stands behind the sections of every report: the link target and the title of each."""

RUNS = "runs"
"""The link target of the table of runs."""

Answering = Callable[[Runs], Answer]
"""What turns runs into the answer of one section."""


@dataclass(frozen=True)
class Context:
    """What a report has to say about the build that made it.

    Args:
        smoke: The runs were cut down to seconds.
        command: The command line that makes the report again.
        subsetter: What cuts the typefaces of the PDF down to the characters used, empty where nobody asked.
        unfinished: Some of its runs had not been computed.
        shortened: What was taken away from it to save time, a phrase each.
        waiting: How far the computing of its runs is, None where none goes on.
    """

    smoke: bool = False
    command: str = ""
    subsetter: str = ""
    unfinished: bool = False
    shortened: tuple[str, ...] = ()
    waiting: Waiting | None = None

    def awaits(self, lacking: Collection[str]) -> bool:
        """Say whether all experiments that a section lacks are being computed."""
        return self.waiting is not None and {*lacking} <= {*self.waiting.experiments}


@dataclass(frozen=True)
class Sheaf:
    """What one document of a report is to hold, as its cover needs it.

    Args:
        name: Of the document.
        title: Of the document.
        volume: How the others refer to it.
        sections: Its sections, in order.
        awaited: Those whose runs are still being computed, which only say so.
        left_out: What the handout asks for and has no runs.
        last: Whether it says where all numbers come from.
    """

    name: str
    title: str
    volume: Volume
    sections: tuple[Section, ...]
    awaited: tuple[Section, ...]
    left_out: tuple[Section, ...]
    last: bool


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


def compose(
    project: Project,
    outline: Outline,
    runs: Runs,
    context: Context,
    answered: dict[str, Answer] | None = None,
) -> Report:
    """Lay out a report.

    A section some of whose experiments have no runs is left out, and the cover says so, unless the
    section goes beyond the handout. While those runs are computed, it says how far they are.

    Args:
        project: Where templates and answers lie.
        outline: What the report consists of.
        runs: The runs of each experiment by its name, sorted by seed.
        context: What to say about the build.
        answered: Answers by section that the same functions gave from the same runs, which are not asked
            again; those of other sections are added.

    Raises:
        UsageError: There are no runs, or a template or the answers have a mistake, which is named.
    """
    available = {name: group for name, group in runs.items() if group and name in outline.experiments}
    if not available:
        raise UsageError(f"there are no runs for the report {outline.name}", "run its experiments first")
    sections, waiting = _told(outline, available, context)
    provenance = trace(available)
    sheaves = _sheaves(outline, sections, waiting)
    ledger = _announced(sheaves, provenance)
    answers = _answer(project, outline, sections, available, {} if answered is None else answered)
    render = templating.open_templates(
        _folders(project, outline),
        ledger,
        {
            "outline": outline,
            "context": context,
            "provenance": provenance,
            "answers": answers,
            "families": fonts.Families(),
            "printed": frozenset(section.id for section in sections),
            "awaited": frozenset(section.id for section in waiting),
            "write_up": sheaves[0],
            "supplement": sheaves[-1] if len(sheaves) > 1 else None,
        },
    )
    drafts = [_draft(render, ledger, outline, sheaf, answers, context.waiting) for sheaf in sheaves]
    # Whatever a text refers to has its place by now, in whichever document.
    documents = tuple(
        _finished(render, draft, partial(ledger.resolve, volume=sheaf.volume))
        for draft, sheaf in zip(drafts, sheaves, strict=True)
    )
    screen = (_shared(project, outline, name) for name in SCREEN)
    report = Report(outline.title, documents, ledger, None, provenance, *screen)
    if outline.notebook is None:
        return report
    # Laid out when it is written: its pictures take seconds that no other output needs.
    written = templating.open_cells(_folders(project, outline))
    return replace(report, notebook=partial(lay_out, written, outline, documents, available, answers))


def _told(outline: Outline, available: Runs, context: Context) -> tuple[list[Section], list[Section]]:
    """Return the sections of which all experiments have runs, and those whose others are being computed."""
    lacking = {s.id: {*s.experiments} - {*available} for s in outline.sections}
    sections = [section for section in outline.sections if not lacking[section.id]]
    others = [section for section in outline.sections if lacking[section.id]]
    return sections, [section for section in others if context.awaits(lacking[section.id])]


def _sheaves(outline: Outline, sections: Sequence[Section], waiting: Sequence[Section]) -> list[Sheaf]:
    """Say what each document is to hold, in the order in which they are read."""
    volumes = {MAIN: Volume(Path(outline.output).stem + PAGE, "", f"in the {MAIN}")}
    if outline.supplement:
        volumes[SUPPLEMENT] = Volume(Path(outline.supplement).stem + PAGE, "S", f"in the {SUPPLEMENT}")

    def of(name: str, some: Iterable[Section]) -> tuple[Section, ...]:
        return tuple(section for section in some if outline.in_supplement(section) == (name == SUPPLEMENT))

    missing = [s for s in outline.sections if s not in (*sections, *waiting) and not s.beyond]
    return [
        Sheaf(
            name,
            outline.title if name == MAIN else f"{outline.title}: {name}",
            volume,
            of(name, sections),
            of(name, waiting),
            of(name, missing),
            last=name == [*volumes][-1],
        )
        for name, volume in volumes.items()
    ]


def _announced(sheaves: Sequence[Sheaf], provenance: Provenance) -> Ledger:
    """Begin the ledger of a report with all places that are known before anything is printed."""
    ledger = Ledger([sheaf.volume for sheaf in sheaves])
    for sheaf in sheaves:
        for section in sheaf.sections:
            # A question of the handout is where the handout is answered.
            known = bool(section.label) and sheaf.name == MAIN
            ledger.announce(section.id, section.reference, sheaf.volume, numbered=known)
    last = sheaves[-1].volume
    ledger.announce(RUNS, "table of runs", last)
    for name, title in _APPENDIX.items():
        ledger.announce(name, title, last)
    for row in provenance.rows:
        ledger.announce(row.anchor, row.label, last, numbered=True)
    return ledger


def _draft(
    render: templating.Render,
    ledger: Ledger,
    outline: Outline,
    sheaf: Sheaf,
    answers: Mapping[str, Answer],
    waiting: Waiting | None,
) -> Document:
    """Render a document; references are still open, and so is its page."""
    # In reading order: numbers, figures and tables are counted as they are printed.
    ledger.turn_to(sheaf.volume)
    cover = render(f"{SHARED}/cover.html.j2", document=sheaf)
    sections = [s for s in outline.sections if s in (*sheaf.sections, *sheaf.awaited)]
    texts = [
        render(s.template, section=s, answer=answers[s.id])
        if s in sheaf.sections
        else render(f"{SHARED}/waiting.html.j2", awaited=_awaited(s, waiting))
        for s in sections
    ]
    appendix: tuple[ComposedSection, ...] = ()
    if sheaf.last:
        origin = render(f"{SHARED}/provenance.html.j2")
        verdicts = render(f"{SHARED}/verdicts.html.j2", verdicts=_verdicts(answers))
        numbers = render(f"{SHARED}/numbers.html.j2", origins=ledger.origins)
        appendix = (*map(_appended, _APPENDIX, (origin, verdicts, numbers)),)
    return Document(
        name=sheaf.name,
        file=sheaf.volume.file,
        title=sheaf.title,
        cover=cover,
        parts=_parts(sections, texts),
        appendix=appendix,
        styles=_styles(render, outline, sheaf),
    )


def _awaited(section: Section, waiting: Waiting | None) -> list[Awaited]:
    known = waiting.experiments if waiting else {}
    return [known[name] for name in section.experiments if name in known]


def _finished(render: templating.Render, draft: Document, resolve: Callable[[Markup], Markup]) -> Document:
    """Fill in the references of a document, and make its page."""

    def filled(sections: Iterable[ComposedSection]) -> tuple[ComposedSection, ...]:
        return tuple(replace(section, html=resolve(section.html)) for section in sections)

    document = replace(
        draft,
        cover=resolve(draft.cover),
        parts=tuple(replace(part, sections=filled(part.sections)) for part in draft.parts),
        appendix=filled(draft.appendix),
    )
    return replace(document, page=str(render(f"{SHARED}/page.html.j2", document=document)))


def _parts(sections: Sequence[Section], texts: Iterable[Markup]) -> tuple[Part, ...]:
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
    """Return the verdicts of all answers, each once: two sections may reach the same one; no constants."""
    of_all = (verdict for answer in answers.values() for verdict in answer.verdicts.values())
    reached = [verdict for verdict in of_all if not verdict.constant]
    # Among other comparisons the same one may be judged otherwise.
    return list({(v.claim, v.amount.name, v.adjusted and v.adjusted.name): v for v in reached}.values())


def _styles(render: templating.Render, outline: Outline, sheaf: Sheaf) -> tuple[str, ...]:
    own = [render(outline.style, document=sheaf)] if outline.style else []
    return (render(f"{SHARED}/style.css.j2", document=sheaf), listing.css(), *own)


def _folders(project: Project, outline: Outline) -> list[Path]:
    return [project.templates / outline.name, project.templates, TEMPLATES]


def _shared(project: Project, outline: Outline, name: str) -> str:
    """Return the text of a file that every report shares, or of the project's own of that name."""
    files = (folder / SHARED / name for folder in _folders(project, outline))
    return next(file for file in files if file.is_file()).read_text(encoding="utf-8")


def _answer(
    project: Project,
    outline: Outline,
    sections: Sequence[Section],
    runs: Runs,
    answered: dict[str, Answer],
) -> dict[str, Answer]:
    functions = _answering(project, outline, sections)
    asked: dict[Answering, Answer] = {}
    for section in sections:
        # A question and its part of the supplement may be answered alike, and are asked once.
        function = functions[section.id] if section.experiments else _no_answer
        if section.id not in answered:
            if function not in asked:
                asked[function] = function(runs)
            answered[section.id] = asked[function]
    answers = {section.id: answered[section.id] for section in sections}
    _refuse_two_judgements(answers)
    return answers


def _no_answer(_: Runs) -> Answer:
    """Answer for a section that needs no run."""
    return Answer()


def _refuse_two_judgements(answers: Mapping[str, Answer]) -> None:
    """See to it that no two sections judge one comparison in two ways, and so may say the opposite of it."""
    judged: dict[str, tuple[str, tuple[str, str]]] = {}
    for section, answer in answers.items():
        for verdict in answer.verdicts.values():
            way = (verdict.role, verdict.adjusted.name if verdict.adjusted else "")
            other, before = judged.setdefault(verdict.amount.name, (section, way))
            if way != before and other != section:
                raise VerificationError(
                    f"{other} and {section} judge “{verdict.claim}” in two ways",
                    "make it primary, or one of the same secondary comparisons, in both answers",
                )


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
