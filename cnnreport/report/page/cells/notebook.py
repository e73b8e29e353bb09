"""A report as a notebook: the cells of its sections, each with its answer and with what the runs gave."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnreport import modules
from cnnreport.errors import UsageError
from cnnreport.report.answer import Answer, Runs
from cnnreport.report.draw.notebook import inline
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.reading import Listing
from cnnreport.report.page.cells import markdown
from cnnreport.report.page.cells.cell import Cell, Drawn, Outputs, Text, read
from cnnreport.report.page.outline import Outline, Section
from cnnreport.report.page.report import Document
from cnnreport.report.page.shortened import shortened
from cnnreport.runs.artefact import Run

HEAD = "shared/notebook.py.j2"
"""The template of the first cell, which says what the outputs are; a project's own comes first."""

Rendering = Callable[..., str]
"""Renders a template of cells by its name, with some more values."""


def lay_out(
    render: Rendering,
    outline: Outline,
    documents: Iterable[Document],
    runs: Runs,
    answers: Mapping[str, Answer],
) -> tuple[Cell, ...]:
    """Lay the sections of a report out as a notebook, in their order.

    A section that declares cells has them, and its answer behind them or where they ask for it; one that
    declares none has its answer alone, unless it goes beyond the handout or is in the supplement.

    Args:
        render: Renders templates of cells.
        outline: The report.
        documents: What was composed of it.
        runs: The runs of each experiment by its name, sorted by seed.
        answers: What each section answers, by its id.

    Raises:
        UsageError: A template of cells has a mistake, which is named.
    """
    author = _Author(render, outline, runs)
    parts = [part for document in documents for part in document.parts]
    printed = {section.id for part in parts for section in part.sections}
    left_out = [each for each in outline.sections if each.cells and each.id not in printed]
    cells = author.cells(HEAD, "head", [], left_out=left_out)
    if outline.setup:
        cells += author.cells(outline.setup, "setup", [])
    declared = {section.id: section for section in outline.sections}
    for part in parts:
        shown = [each for each in part.sections if _is_shown(outline, declared[each.id])]
        for number, each in enumerate(shown):
            heading = f"## {part.title}\n\n" if number == 0 else ""
            cells.append(Cell(f"{each.id}-0", "markdown", f"{heading}### {each.title}"))
            section, answer = declared[each.id], [markdown.answer(str(each.html))]
            cells += author.section(section, answers[each.id], [text for text in answer if text])
    return tuple(cells)


def _is_shown(outline: Outline, section: Section) -> bool:
    return bool(section.cells) or not (section.beyond or outline.in_supplement(section))


class _Author:
    """Writes cells from templates, with what these may use of the runs."""

    def __init__(self, render: Rendering, outline: Outline, runs: Runs) -> None:
        self._render, self._outline, self._runs = render, outline, runs
        self._loaded: dict[Path, Mapping[str, Any]] = {}

    def section(self, section: Section, answer: Answer, text: Sequence[str]) -> list[Cell]:
        if section.cells:
            return self.cells(section.cells, section.id, text, section=section, answer=answer)
        return [Cell(f"{section.id}-{number}", "markdown", one) for number, one in enumerate(text, 1)]

    def cells(self, template: str, name: str, text: Sequence[str], **values: Any) -> list[Cell]:
        outputs = Outputs()
        told = {
            "outline": self._outline,
            "runs": self._runs,
            "source": source,
            "code": code,
            "printed": lambda text: outputs.add(Text(text)),
            "epochs": lambda experiment, *columns: epochs(self._first(experiment), columns),
            "drawn": lambda function, *args, alt: outputs.add(
                Drawn(inline.png(_function(function), args), alt)
            ),
            "listing": self._listing,
            "first": self._first,
            "kept": self._kept,
        }
        return read(self._render(template, **told, **values), name, outputs, text, template)

    def _first(self, experiment: str) -> Run:
        if not self._runs.get(experiment):
            raise UsageError(f"there are no runs of {experiment}", "name it in the section's experiments")
        return self._runs[experiment][0]

    def _kept(self, run: Run) -> Mapping[str, Any]:
        """Load the arrays of a run, once."""
        if run.folder not in self._loaded:
            self._loaded[run.folder] = run.samples()
        return self._loaded[run.folder]

    def _listing(self, experiment: str, name: str) -> str:
        return code(reading.listing(self._runs[self._first(experiment).experiment], name))


def code(value: Any) -> str:
    """Return a value as it is written in code; a listing without its docstrings.

    Args:
        value: A number, a text, a truth value, None or a sequence or mapping of them; or a listing.
    """
    return shortened(value.source).source.strip("\n") if isinstance(value, Listing) else repr(value)


def source(name: str) -> str:
    """Return the source of a function without its docstring and annotations.

    Args:
        name: As ``module:function``; of the functions that notebooks draw with, without the module.
    """
    import inspect

    return shortened(inspect.getsource(_function(name))).source.strip("\n")


def epochs(run: Run, columns: Sequence[str]) -> str:
    """Return what a training printed of its epochs, a line for each."""
    line = _function("epoch_line")
    known = {*run.history[0]} if run.history else {*columns}
    if unknown := [column for column in columns if column not in known]:
        problem = f"the epochs of {run.experiment} have no {unknown[0]!r}"
        raise UsageError(problem, f"choose from: {', '.join(sorted(known))}")
    rows = [{column: row[column] for column in columns} for row in run.history]
    return "\n".join(line(number, row) for number, row in enumerate(rows, 1))


def _function(name: str) -> Callable[..., Any]:
    from cnnreport.report.draw.notebook import plots  # pyplot takes a second, which no other output needs

    function: Callable[..., Any] = modules.attribute(name if ":" in name else f"{plots.__name__}:{name}")
    return function
