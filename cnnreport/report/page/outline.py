"""What a report consists of: ``templates/<report>/report.toml``, read and checked."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.project import SETTINGS, Project, read_toml

FILE = "report.toml"

_CELLS = ".py.j2"
"""How templates of a notebook's cells end: they are read as code, not as HTML."""


@dataclass(frozen=True)
class Section:
    """One question of a report.

    Args:
        id: Short, unique; names the answer and the link target.
        title: The heading.
        part: The part under which it stands; sections of one part follow each other.
        template: The file that lays it out, beside ``report.toml``.
        experiments: Names of the experiments whose runs it needs, none for a text without numbers.
        beyond: Whether it goes beyond the handout: it is printed where its runs exist, and only a full
            build computes them.
        label: What references call it, such as the number of the question; empty for its title.
        supplement: Whether it belongs to the supplement; what goes beyond the handout does in any case.
        asks: What the handout asks for, which the cover lists with its page; empty where it asks for nothing.
        cells: The template of its cells in the report's notebook, beside ``report.toml``, if it has any.
        sweep: With what the names of those of its experiments begin that form a sweep, from the first setting
            to the last: its answer takes as many of them as there are. Empty for no sweep.
    """

    id: str
    title: str
    part: str
    template: str
    experiments: tuple[str, ...] = ()
    beyond: bool = False
    label: str = ""
    supplement: bool = False
    asks: str = ""
    cells: str | None = None
    sweep: str = ""

    @property
    def swept(self) -> tuple[str, ...]:
        """The experiments of its sweep, in the order of their settings."""
        return tuple(name for name in self.experiments if self.sweep and name.startswith(self.sweep))

    @property
    def reference(self) -> str:
        """What references call it: its label, or its title in quotation marks."""
        return self.label or f"“{self.title}”"


@dataclass(frozen=True)
class Outline:
    """A report.

    Args:
        name: The folder's name.
        title: On the cover.
        subtitle: Below it.
        course: Where the questions come from.
        output: The file name of the PDF that is handed in.
        sections: In order.
        summary: The template of the few lines of results on the cover, if there is one.
        style: The report's own style sheet, if there is one.
        supplement: The file name of the PDF of what was not asked for; None where one PDF holds everything.
        notebook: The file name of the notebook, if there is one.
        setup: The template of the cells with which the notebook begins, if there are such.
    """

    name: str
    title: str
    subtitle: str
    course: str
    output: str
    sections: tuple[Section, ...]
    summary: str | None = None
    style: str | None = None
    supplement: str | None = None
    notebook: str | None = None
    setup: str | None = None

    @property
    def experiments(self) -> tuple[str, ...]:
        """The experiments that the report needs, each once, in order."""
        return tuple(dict.fromkeys(name for section in self.sections for name in section.experiments))

    def without(self, left_out: Collection[str]) -> "Outline":
        """Return the report without some experiments of sweeps."""
        sections = (
            replace(section, experiments=tuple(n for n in section.experiments if n not in left_out))
            for section in self.sections
        )
        return replace(self, sections=tuple(sections)) if left_out else self

    def in_supplement(self, section: Section) -> bool:
        """Say whether a section belongs to a document other than the one that is handed in."""
        return self.supplement is not None and (section.supplement or section.beyond)

    @property
    def beyond(self) -> frozenset[str]:
        """Those of them that only sections beyond the handout need."""
        asked = {name for section in self.sections if not section.beyond for name in section.experiments}
        return frozenset(self.experiments) - asked


def names(project: Project) -> list[str]:
    """Name the reports of a project."""
    return sorted(file.parent.name for file in project.templates.glob(f"*/{FILE}"))


def default(project: Project) -> str:
    """Name the report that is built where none is named: the one that the project names, or its only one.

    Raises:
        UsageError: There are several or none, or what names one has a mistake.
    """
    named = project.settings().get("report")
    known = names(project)
    if isinstance(named, str) and named in known:
        return named
    if named is not None:
        problem = f"{project.root / SETTINGS}, [tool.cnnreport]: report = {named!r} is none of this project"
        raise UsageError(problem, _choices(known))
    if len(known) != 1:
        raise UsageError(f"say which report, the project has {len(known)}", _choices(known))
    return known[0]


def _choices(known: Sequence[str]) -> str:
    return f"choose from: {', '.join(known) or 'none'}"


def load(project: Project, name: str) -> Outline:
    """Read and check a report's outline.

    Raises:
        UsageError: There is no such report, or its outline has a mistake, which is named.
    """
    folder = project.templates / name
    file = folder / FILE
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or not file.is_file():
        raise UsageError(
            f"there is no report {name!r}", f"choose from: {', '.join(names(project)) or 'none'}"
        )
    content = read_toml(file)
    sections = content.pop("section", None)
    if not isinstance(sections, list) or not sections:
        raise UsageError(f"{file} has no sections", "add a table [[section]]")
    read = tuple(_section(table, file, number) for number, table in enumerate(sections, 1))
    _refuse_twins(read, file)
    _check(content, Outline, file, "", given={"name", "sections"})
    outline = Outline(name=name, sections=read, **content)
    _check_files(outline, file)
    _refuse_shared(project, outline, file)
    for named in (outline.summary, outline.style):
        _check_template(named, file, "")
    _check_template(outline.setup, file, "", _CELLS)
    return outline


def _section(table: Any, file: Path, number: int) -> Section:
    place = f"section {number}: "
    if not isinstance(table, Mapping):
        raise UsageError(f"{file}, {place}is no table", "write it as [[section]]")
    _check(table, Section, file, place)
    section = Section(**{**table, "experiments": tuple(table.get("experiments", ()))})
    if not re.fullmatch(r"[a-z][a-z0-9]*", section.id):
        raise UsageError(f"{file}, {place}{section.id!r} is no id", "use lower-case letters and digits")
    if section.sweep and not section.swept:
        raise UsageError(f"{file}, {place}no experiment begins with {section.sweep!r}", "mend sweep")
    _check_template(section.template, file, place)
    _check_template(section.cells, file, place, _CELLS)
    return section


def _check(
    table: Mapping[str, Any], declared: type, file: Path, place: str, given: Collection[str] = ()
) -> None:
    expected = {f.name: f for f in fields(declared) if f.name not in given}
    required = [name for name, f in expected.items() if f.default is MISSING]
    for key in table:
        if key not in expected:
            raise UsageError(f"{file}, {place}there is no key {key!r}", f"known keys: {', '.join(expected)}")
    for key in required:
        if key not in table:
            raise UsageError(f"{file}, {place}the key {key!r} is missing", "add it")
    for key, value in table.items():
        if key == "experiments":
            fits, form = _is_names(value), "a list of names"
        elif expected[key].type is bool:
            fits, form = isinstance(value, bool), "true or false"
        else:
            fits, form = isinstance(value, str) and bool(value.strip()), "a text"
        if not fits:
            raise UsageError(f"{file}, {place}{key} = {value!r} does not fit", f"give {form}")


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _refuse_twins(sections: tuple[Section, ...], file: Path) -> None:
    seen: set[str] = set()
    for number, section in enumerate(sections, 1):
        if section.id in seen:
            raise UsageError(f"{file}, section {number}: the id {section.id!r} is taken", "choose another")
        seen.add(section.id)


def _check_files(outline: Outline, file: Path) -> None:
    named = {"output": outline.output, "supplement": outline.supplement, "notebook": outline.notebook}
    taken: dict[str, str] = {}
    for key, name in named.items():
        if name is None:
            continue
        ending = ".ipynb" if key == "notebook" else ".pdf"
        if not re.fullmatch(rf"[\w-][\w.-]*{re.escape(ending)}", name):
            raise UsageError(f"{file}, {key} = {name!r} is no file name", f"give a name ending in {ending}")
        # The files of other formats are called the same but for the ending; some disks know no capitals.
        twin = taken.setdefault(Path(name).stem.lower() + ending, key)
        if twin != key:
            raise UsageError(f"{file}, {key} = {name!r} is the same file as {twin}", "give it another name")
    apart = [section.id for section in outline.sections if section.supplement]
    if apart and outline.supplement is None:
        problem = f"{file}: {apart[0]} is to be in the supplement, and the report has none"
        raise UsageError(problem, 'add supplement = "NAME.pdf", or take supplement = true away')
    celled = ["the report"] if outline.setup else []
    celled += [section.id for section in outline.sections if section.cells]
    if celled and outline.notebook is None:
        problem = f"{file}: {celled[0]} has cells, and there is no notebook for them"
        raise UsageError(problem, 'add notebook = "NAME.ipynb", or take the templates of cells away')


def _refuse_shared(project: Project, outline: Outline, file: Path) -> None:
    """Refuse a file name that another report has, too: one would overwrite the other."""
    ours = {name.lower(): name for name in (outline.output, outline.supplement, outline.notebook) if name}
    for other in names(project):
        if other == outline.name:
            continue
        try:
            content = read_toml(project.templates / other / FILE)
        except UsageError:  # it is told when that report is built
            continue
        for key in ("output", "supplement", "notebook"):
            if (name := ours.get(str(content.get(key)).lower())) is not None:
                problem = f"{file}: the report {other} has the file name {name}, too, as its {key}"
                raise UsageError(problem, "give one of them another name")


def _check_template(template: str | None, file: Path, place: str, ending: str = "") -> None:
    if template is not None and not template.endswith(ending):
        raise UsageError(f"{file}, {place}{template} is no template of cells", f"name one ending in {ending}")
    if template is not None and not (file.parent / template).is_file():
        raise UsageError(f"{file}, {place}there is no file {template} beside it", "write it or mend its name")
