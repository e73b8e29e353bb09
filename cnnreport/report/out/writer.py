"""What a kind of output is: a way to put a document of a composed report into a file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnreport.report.page.outline import Outline
from cnnreport.report.page.report import MAIN, SUPPLEMENT, Report
from cnnreport.system import durable

RECORD = ".json"
"""Added to the name of a written file: what it was made of, and its own hash."""

DIGEST = "sha256"
"""What the hash of the file is called in its record."""


def documents(outline: Outline) -> dict[str, str]:
    """Return the file that is handed in and the supplement, where there is one, by their documents."""
    named = {MAIN: outline.output, SUPPLEMENT: outline.supplement}
    return {name: file for name, file in named.items() if file is not None}


@dataclass(frozen=True)
class Writer:
    """One kind of file that a report is put into.

    Args:
        name: What a reader calls it.
        suffix: How its files end, whatever the ending that the outline names.
        module: The dotted name of the module that writes it: its source, and those of all that it
            imports, decide what is written.
        libraries: Those whose version can change what is written.
        require: Raises where this machine lacks what writing needs, before anything is computed.
        write: Writes a content to a file and returns the SHA-256 of what was written.
        read: Returns that content of a report's document, by its name; by default its page.
        files: The files of this kind that a report has, by the names of their documents.
        apart: Whether writing takes so long that several files are written side by side, each in a process of
            its own; `write` is then a function of a module.
        ready: What such a process does while it is not known yet what it is to write: a function of a module,
            that imports the first of the libraries.
        worked_on: Whether people work on in its files: one that they changed is not overwritten unasked.
    """

    name: str
    suffix: str
    module: str
    libraries: tuple[str, ...]
    require: Callable[[], object]
    write: Callable[[str, Path], str]
    read: Callable[[Report, str], str] | None = None
    files: Callable[[Outline], Mapping[str, str]] = documents
    apart: bool = False
    ready: Callable[[], object] | None = None
    worked_on: bool = False

    @property
    def format(self) -> str:
        """What it is asked for by."""
        return self.suffix.removeprefix(".")

    def paths(self, outline: Outline, folder: Path) -> dict[str, Path]:
        """Return the files of a report that lie in some folder, by the names of their documents."""
        return {name: folder / (Path(file).stem + self.suffix) for name, file in self.files(outline).items()}

    def is_edited(self, path: Path) -> bool:
        """Say whether people work on such a file, and somebody changed what a build wrote."""
        return self.worked_on and is_changed(path)

    def content(self, report: Report, document: str) -> str:
        """Return what is written of a document, by its name."""
        return self.read(report, document) if self.read else report.page_as(document, self.suffix)


def record_of(path: Path) -> Path:
    """Return the record beside a written file."""
    return path.with_name(path.name + RECORD)


def drawings_of(path: Path) -> Path:
    """Return where the drawings of a file are kept as it holds them, so that they need not be made again."""
    return path.with_name(f"{path.name}.drawings{RECORD}")


def read_record(path: Path) -> dict[str, Any]:
    """Return what the record beside a file says, nothing where there is none."""
    try:
        return dict(json.loads(record_of(path).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}  # whatever stands there is no report of ours


def is_changed(path: Path) -> bool:
    """Say whether a file is there and is not what a build wrote."""
    return path.exists() and durable.read(path, str(read_record(path).get(DIGEST))) is None
