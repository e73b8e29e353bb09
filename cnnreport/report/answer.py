"""What one section of a report prints, as plain data tied to its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cnnreport.kinds.kind import Form
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import DataSet, Listing
from cnnreport.report.numbers.trend import Trend
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.runs.artefact import Run

Runs = Mapping[str, Sequence[Run]]
"""The runs of each experiment by its name, sorted by seed."""


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
        rows: The name of each and what it has, a text or a quantity; several quantities stand below each
            other in a cell.
        data: The data that it depends on; its caption names them.
        units: The one unit in which numbers of a form are printed, by the form; the names of rows or columns
            have it. A number of any other form prints with its own.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | Quantity | tuple[Quantity, ...], ...], ...]
    data: tuple[DataSet, ...] = ()
    units: Mapping[Form, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What the rows are called."""
        return [str(row[0]) for row in self.rows]


@dataclass(frozen=True)
class Answer:
    """All that the template of one section may print.

    Args:
        values: Numbers.
        verdicts: Judgements that numbers decide.
        pictures: Figures.
        tables: Numbers of one training, with a column for each seed.
        grids: Numbers of several trainings, a row for each.
        contrasts: Numbers of one training against those of another.
        trends: How numbers go with a setting, over several trainings.
        listings: Sources of classes that ran.
        parts: Whatever else the section's own template takes apart, such as a derivation or an audit.
        facts: Texts, and what is so or not.
    """

    values: Mapping[str, Quantity] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    grids: Mapping[str, Grid] = field(default_factory=dict)
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    trends: Mapping[str, Trend] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    parts: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, str | bool] = field(default_factory=dict)
