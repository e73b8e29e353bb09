"""How runs become values: what one section of a report prints, as plain data tied to its runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.say.formulas.audits import Audit
from cnnreport.report.say.formulas.derived import Derivation, Total
from cnnreport.report.say.formulas.paddings import Paddings
from cnnreport.report.say.formulas.tool_counts import Comparison
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

Runs = Mapping[str, Sequence[Run]]
"""The runs of each experiment by its name, sorted by seed."""

Arrays = Mapping[str, "np.ndarray[Any, Any]"]
"""What a run kept for pictures, by name."""


@dataclass(frozen=True, order=True)
class DataSet:
    """What a caption says about the data: the title, and whether they only stand in for the real ones."""

    title: str
    stand_in: bool
    fingerprint: str


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

    @property
    def names(self) -> list[str]:
        """What the rows are called."""
        return [str(row[0]) for row in self.rows]


@dataclass(frozen=True)
class Listing:
    """The source text of a class that ran, and the runs that kept it."""

    name: str
    source: str
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """All that the template of one section may print."""

    values: Mapping[str, Quantity] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    grids: Mapping[str, Grid] = field(default_factory=dict)
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    derivations: Mapping[str, Derivation] = field(default_factory=dict)
    totals: Mapping[str, Sequence[Total]] = field(default_factory=dict)
    audits: Mapping[str, Audit] = field(default_factory=dict)
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    paddings: Mapping[str, Paddings] = field(default_factory=dict)
    facts: Mapping[str, str | bool] = field(default_factory=dict)


def diverged(run: Run) -> bool:
    """Tell whether a run ended with numbers that are none; its other numbers then mean nothing."""
    return bool(run.measures.get("diverged")) or not all(map(math.isfinite, run.history[-1].values()))


def datasets(runs: Sequence[Run]) -> tuple[DataSet, ...]:
    """Return the data sets that some runs used, each once."""
    found = [run.key.what.get("data") for run in runs]
    return tuple(sorted({DataSet(d["title"], d["stand_in"], d["fingerprint"]) for d in found if d}))


def last(runs: Sequence[Run], column: str, meaning: str, form: Form) -> Quantity:
    """Read a column of the history in its last epoch."""
    return from_history(runs, column, meaning, form, lambda values: values[-1], "last epoch")


def from_history(
    runs: Sequence[Run],
    column: str,
    meaning: str,
    form: Form,
    choose: Callable[[Sequence[float]], float],
    how: str,
) -> Quantity:
    """Read a column of the history and choose or compute one number from its epochs.

    Args:
        runs: The runs of one experiment.
        column: The column of the history.
        meaning: What a reader calls the number.
        form: How it prints.
        choose: Turns the column, from the first epoch to the last, into the number.
        how: The same in words, for the appendix; also tells numbers of one column apart.

    Raises:
        UsageError: A run has no such column.
    """

    def read(run: Run) -> float:
        return choose([_entry(run, row, column, artefact.HISTORY) for row in run.history])

    return _read(runs, f"{column} ({how})", meaning, form, artefact.HISTORY, read)


def measure(runs: Sequence[Run], name: str, meaning: str, form: Form, *, of_data: bool = False) -> Quantity:
    """Read one of the measures that the task left.

    Args:
        runs: The runs of one experiment.
        name: The measure.
        meaning: What a reader calls it.
        form: How it prints.
        of_data: It depends on the data alone, so it holds although the run diverged.

    Raises:
        UsageError: A run has no such measure.
    """

    def read(run: Run) -> float:
        return _entry(run, run.measures, name, artefact.MEASURES)

    return _read(runs, name, meaning, form, artefact.MEASURES, read, regardless=of_data)


def from_samples(
    runs: Sequence[Run],
    kept: Mapping[int, Arrays],
    field: str,
    meaning: str,
    form: Form,
    choose: Callable[[Arrays], float],
) -> Quantity:
    """Compute a number from the arrays that each run kept.

    Args:
        runs: The runs of one experiment.
        kept: The arrays of each by its seed; they are large, so that they are loaded once for many numbers.
        field: Which array, and how the number is computed from it, for the appendix.
        meaning: What a reader calls the number.
        form: How it prints.
        choose: Turns the arrays, by their names, into the number.

    Raises:
        UsageError: A run lacks an array.
    """

    def read(run: Run) -> float:
        try:
            return choose(kept[run.seed])
        except KeyError as error:
            raise UsageError(
                f"{artefact.SAMPLES} of the run {run.folder.name} has no {error.args[0]}",
                "run the experiment again",
            ) from error

    return _read(runs, field, meaning, form, artefact.SAMPLES, read)


def setting(runs: Sequence[Run], name: str, meaning: str, form: Form = "count") -> Quantity:
    """Read a field of the spec, the same in every run of an experiment."""

    def read(run: Run) -> float:
        return _entry(run, run.spec, name, artefact.MANIFEST)

    return _read(runs, f"key.what.spec.{name}", meaning, form, artefact.MANIFEST, read, regardless=True)


def count(runs: Sequence[Run]) -> Quantity:
    """Count the runs of an experiment, one for each seed."""
    return _read(
        runs, "seed, counted", "runs", "count", artefact.MANIFEST, lambda _: float(len(runs)), regardless=True
    )


def listing(runs: Sequence[Run], name: str) -> Listing:
    """Return the source of a class as the runs kept it.

    Raises:
        UsageError: A run kept none, or the runs kept different ones.
    """
    texts = {run.listings.get(name) for run in runs}
    text = texts.pop()
    if texts or text is None:
        raise UsageError(f"the runs of {runs[0].experiment} do not hold one source of {name}", "run it again")
    return Listing(name, text, tuple(run.folder.name for run in runs))


def _read(
    runs: Sequence[Run],
    field: str,
    meaning: str,
    form: Form,
    file: str,
    read: Callable[[Run], float],
    *,
    regardless: bool = False,
) -> Quantity:
    values = {run.seed: math.nan if not regardless and diverged(run) else read(run) for run in runs}
    source = Source(tuple(run.folder.name for run in runs), file, field)
    return Quantity(f"{runs[0].experiment}.{field}", meaning, values, form, source)


def _entry(run: Run, entries: Mapping[str, object], name: str, file: str) -> float:
    if name not in entries:
        raise UsageError(f"{file} of the run {run.folder.name} has no {name}", "run the experiment again")
    value = entries[name]
    return float(value) if isinstance(value, int | float) else math.nan
