"""What one section of a report prints, as plain data tied to its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import DataSet, Listing
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.say.formulas.audits import Audit
from cnnreport.report.say.formulas.derived import Derivation, Total
from cnnreport.report.say.formulas.paddings import Paddings
from cnnreport.report.say.formulas.tool_counts import Comparison
from cnnreport.runs.artefact import Run

Runs = Mapping[str, Sequence[Run]]
"""The runs of each experiment by its name, sorted by seed."""


@dataclass(frozen=True)
class Picture:
    """A figure of a report.

    Args:
        content: The bytes of the file.
        media_type: ``image/svg+xml``, ``image/png`` or ``image/jpeg``.
        alt: What someone who cannot see it needs to know.
        data: The data that it depends on; its caption names them.
    """

    content: bytes
    media_type: str
    alt: str
    data: tuple[DataSet, ...] = ()


@dataclass(frozen=True)
class Table:
    """Quantities to be set in rows, with one column for each seed and one for the mean."""

    rows: tuple[Quantity, ...]
    data: tuple[DataSet, ...] = ()

    @property
    def seeds(self) -> list[int]:
        """The seeds, for the columns."""
        return list(self.rows[0].values)


@dataclass(frozen=True)
class Grid:
    """Quantities of several trainings, a row for each.

    Args:
        columns: Headings; the first is that of the rows' names.
        rows: The name of each and what it has; several quantities stand below each other in a cell.
        data: The data that it depends on; its caption names them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | Quantity | tuple[Quantity, ...], ...], ...]
    data: tuple[DataSet, ...] = ()


@dataclass(frozen=True)
class Answer:
    """All that the template of one section may print."""

    values: Mapping[str, Quantity] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    grids: Mapping[str, Grid] = field(default_factory=dict)
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    derivations: Mapping[str, Derivation] = field(default_factory=dict)
    totals: Mapping[str, Sequence[Total]] = field(default_factory=dict)
    audits: Mapping[str, Audit] = field(default_factory=dict)
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    paddings: Mapping[str, Paddings] = field(default_factory=dict)
    facts: Mapping[str, str | bool] = field(default_factory=dict)
