"""Results that others published for the same questions: read from a file, quoted beside those of the runs."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.runs.artefact import Run

Entry = Mapping[str, Any]
"""The results of one source, as its table in the file has them, with its title."""


@dataclass(frozen=True)
class Published:
    """A file of published results, and what a run must be to be compared with them.

    Args:
        file: It lies in the folder of the report, beside the declarations.
        data: Which data they were reached with, by the name in a run's key.
        spec: The settings with which they were reached.
        complete: Tells whether a source has all numbers, and none that cannot be.
        lacks: What the file lacks where one has not.
        remedy: What to do then.
    """

    file: Path
    data: str
    spec: Mapping[str, Any]
    complete: Callable[[Entry], bool]
    lacks: str
    remedy: str

    @property
    def place(self) -> str:
        """Where the file is, in the project."""
        return f"experiments/{self.file.parent.name}/{self.file.name}"

    def comparable(self, run: Run) -> bool:
        """Tell whether a run used the data and the settings of the published ones."""
        same_data = run.key.what["data"]["name"] == self.data
        return same_data and all(run.spec[name] == value for name, value in self.spec.items())

    def sources(self) -> list[Entry]:
        """Read what others reported.

        Raises:
            UsageError: The file has a mistake, or a number is missing.
        """
        try:
            entries: list[Entry] = tomllib.loads(self.file.read_text(encoding="utf-8"))["source"]
            all_there = all(isinstance(entry["title"], str) and self.complete(entry) for entry in entries)
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{self.file}: {type(error).__name__}: {error}", "mend it there") from error
        if not entries or not all_there:
            raise UsageError(f"{self.file} lacks {self.lacks}", self.remedy)
        return entries

    def quantity(self, name: str, value: float, form: Form, *, meaning: str, field: str) -> Quantity:
        """Return a published number; it has no run.

        Args:
            name: What tells it apart from others.
            value: The number.
            form: How it prints.
            meaning: What a reader calls it.
            field: What it is in the file, for the appendix.
        """
        origin = Source((), self.place, field)
        return Quantity(f"published.{name}", f"published: {meaning}", {0: value}, form, origin)
