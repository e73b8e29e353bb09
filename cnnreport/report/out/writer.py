"""What a kind of output is: a way to put a composed report into a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cnnreport.report.page.report import Report

RECORD = ".json"
"""Added to the name of a written file: what it was made of, and its own hash."""


@dataclass(frozen=True)
class Writer:
    """One kind of file that a report is put into.

    Args:
        name: What a reader calls it.
        suffix: How its files end, in place of the ending of the report's output.
        module: The dotted name of the module that writes it: its source, and those of all that it
            imports, decide what is written.
        libraries: Those whose version can change what is written.
        require: Raises where this machine lacks what writing needs, before anything is computed.
        write: Writes a report to a file and returns the SHA-256 of what was written.
    """

    name: str
    suffix: str
    module: str
    libraries: tuple[str, ...]
    require: Callable[[], object]
    write: Callable[[Report, Path], str]

    def path(self, output: Path) -> Path:
        """Return the file of a report by its output, the file of what is handed in."""
        return output.with_name(output.stem + self.suffix)


def record_of(path: Path) -> Path:
    """Return the record beside a written file."""
    return path.with_name(path.name + RECORD)
