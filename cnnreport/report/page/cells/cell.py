"""Cells of a notebook, and how a template of them is read: the percent format, with outputs marked in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cnnreport.errors import UsageError
from cnnreport.report.page.cells import syntax

Kind = Literal["code", "markdown"]

_MARK = "\ue002"  # a private character: no code contains it
_HEAD = re.compile(r"^# %%(.*)$", re.MULTILINE)
_KINDS = {"": "code", "[markdown]": "markdown", "[answer]": "answer"}


@dataclass(frozen=True)
class Text:
    """What a cell prints."""

    text: str


@dataclass(frozen=True)
class Drawn:
    """What a cell draws.

    Args:
        png: In base 64.
        alt: The same in words.
    """

    png: str
    alt: str


Output = Text | Drawn


@dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        id: Tells it from all others of the notebook, and stays the same from build to build.
        kind: Code or Markdown.
        source: Its text.
        outputs: What stands below a cell of code.
    """

    id: str
    kind: Kind
    source: str
    outputs: tuple[Output, ...] = ()


class Outputs:
    """Collects what cells print and draw while a template of them is rendered."""

    def __init__(self) -> None:
        self._kept: list[Output] = []

    def add(self, output: Output) -> str:
        """Keep an output; return what marks its cell."""
        self._kept.append(output)
        return f"{_MARK}{len(self._kept) - 1}{_MARK}"

    def taken(self, source: str) -> tuple[str, tuple[Output, ...]]:
        """Part the text of a cell from the outputs that are marked in it."""
        numbers = re.findall(f"{_MARK}(\\d+){_MARK}", source)
        text = re.sub(f"\n?{_MARK}\\d+{_MARK}", "", source)
        return text, tuple(self._kept[int(number)] for number in numbers)


def read(text: str, name: str, outputs: Outputs, answer: Sequence[str], template: str) -> list[Cell]:
    """Read a rendered template into cells.

    Each begins with a line ``# %%`` for code, ``# %% [markdown]`` for text, or ``# %% [answer]`` where the
    section's answer is to stand, which else comes last.

    Args:
        text: The template.
        name: With which the ids begin.
        outputs: What was printed and drawn while it was rendered.
        answer: The section's answer in Markdown, a text for each cell; none where there is none.
        template: Its name, for errors.

    Raises:
        UsageError: Something stands before the first cell, or a cell is of no kind, or its code no Python.
    """
    before, *parts = _HEAD.split(text)
    if before.strip():
        raise UsageError(f"{template}: text before the first cell", "begin it with a line: # %%")
    read_cells: list[Cell] = []
    waiting = list(answer)
    for number, (head, body) in enumerate(zip(parts[::2], parts[1::2], strict=True), 1):
        kind = _KINDS.get(head.strip())
        if kind is None:
            raise UsageError(
                f"{template}: there is no kind of cell {head.strip()!r}",
                f"leave it out for code, or choose from: {', '.join(filter(None, _KINDS))}",
            )
        if kind == "answer":
            read_cells += _texts(waiting)
            waiting = []
            continue
        source, below = outputs.taken(_tidy(body))
        if kind == "code":
            syntax.check(source, template, number)
        read_cells.append(Cell("", "markdown" if kind == "markdown" else "code", source.strip("\n"), below))
    read_cells += _texts(waiting)
    return [
        Cell(f"{name}-{number}", cell.kind, cell.source, cell.outputs)
        for number, cell in enumerate((cell for cell in read_cells if cell.source), 1)
    ]


def _texts(answer: Sequence[str]) -> list[Cell]:
    return [Cell("", "markdown", text) for text in answer]


def _tidy(body: str) -> str:
    """Leave no space at a line's end and at most two empty lines, as a template leaves where it branches."""
    lines = "\n".join(line.rstrip() for line in body.split("\n"))
    return re.sub(r"\n{4,}", "\n\n\n", lines).strip("\n")
