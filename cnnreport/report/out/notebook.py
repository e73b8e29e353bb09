"""The report as a notebook: cells, answers and the outputs of the runs, as Jupyter's format 4.5 has them.

Written as plain JSON, in the order and with the indentation of Jupyter's own writer, so that a notebook that
is opened and saved there differs by nothing but what was changed.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cnnreport.errors import UsageError, VerificationError
from cnnreport.report.out.writer import Writer
from cnnreport.report.page.cells.cell import Cell, Drawn, Output
from cnnreport.report.page.outline import Outline
from cnnreport.report.page.report import Report
from cnnreport.system import durable

LARGEST = 3 << 20
"""Bytes that a notebook may have: more is slow to open, and a course's server may refuse it."""

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
    "accelerator": "GPU",
    "colab": {"provenance": [], "toc_visible": True},
}


def read(report: Report, _document: str) -> str:
    """Return the notebook of a report, the text of its file.

    Raises:
        UsageError: The report has no notebook, or one of its templates has a mistake.
    """
    if report.notebook is None:
        raise UsageError(f"the report {report.title!r} has no notebook", "name one in its report.toml")
    return encode(report.title, report.notebook())


def write(content: str, path: Path) -> str:
    """Write a notebook.

    Args:
        content: What `read` returned.
        path: Where it goes.

    Returns:
        The SHA-256 of the file.

    Raises:
        EnvironmentFailure: The file cannot be written.
        VerificationError: It would be larger than `LARGEST`.
    """
    encoded = content.encode()
    if len(encoded) > LARGEST:
        raise VerificationError(
            f"{path.name} would have {len(encoded):,} bytes, and a notebook may have {LARGEST:,}",
            "draw fewer or smaller pictures in its cells",
        )
    return durable.write(path, encoded)


def encode(title: str, cells: Iterable[Cell]) -> str:
    """Return the text of a notebook's file; the same cells give the same text."""
    content = {
        "cells": [_cell(cell) for cell in cells],
        "metadata": {**_METADATA, "title": title},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cell(cell: Cell) -> dict[str, Any]:
    content: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": cell.id,
        "metadata": {},
        "source": _lines(cell.source),
    }
    if cell.kind == "code":
        # No number of an execution: nothing was executed here.
        content |= {"execution_count": None, "outputs": [_output(output) for output in cell.outputs]}
    return content


def _output(output: Output) -> dict[str, Any]:
    if isinstance(output, Drawn):
        data = {"image/png": output.png, "text/plain": _lines(output.alt)}
        return {"output_type": "display_data", "data": data, "metadata": {}}
    return {"output_type": "stream", "name": "stdout", "text": _lines(output.text + "\n")}


def _lines(text: str) -> list[str]:
    """Part a text as the format has it: into lines that keep their ends."""
    return text.splitlines(keepends=True)


def _require() -> None:
    """Need nothing beyond what every report needs."""


def _files(outline: Outline) -> Mapping[str, str]:
    return {} if outline.notebook is None else {"notebook": outline.notebook}


WRITER = Writer("notebook", ".ipynb", __name__, (), _require, write, read=read, files=_files, worked_on=True)
