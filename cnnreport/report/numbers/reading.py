"""How numbers are read from runs: from the history, the measures, the spec and the arrays that they kept."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

Arrays = Mapping[str, "np.ndarray[Any, Any]"]
"""What a run kept for pictures, by name."""


@dataclass(frozen=True, order=True)
class DataSet:
    """What a caption says about the data: the title, and whether they only stand in for the real ones."""

    title: str
    stand_in: bool
    fingerprint: str


@dataclass(frozen=True)
class Listing:
    """The source text of a class that ran, and the runs that kept it."""

    name: str
    source: str
    runs: tuple[str, ...]


def datasets(runs: Sequence[Run]) -> tuple[DataSet, ...]:
    """Return the data sets that some runs used, each once."""
    used = [run.key.what.get("data") for run in runs]
    return tuple(sorted({DataSet(d["title"], d["stand_in"], d["fingerprint"]) for d in used if d}))


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
    *,
    of_data: bool = False,
) -> Quantity:
    """Compute a number from the arrays that each run kept.

    Args:
        runs: The runs of one experiment.
        kept: The arrays of each by its seed; they are large, so that they are loaded once for many numbers.
        field: Which array, and how the number is computed from it, for the appendix.
        meaning: What a reader calls the number.
        form: How it prints.
        choose: Turns the arrays, by their names, into the number.
        of_data: It depends on the data alone, so it holds although the run diverged.

    Raises:
        UsageError: A run lacks an array.
    """

    def read(run: Run) -> float:
        try:
            return choose(kept[run.seed])
        except KeyError as error:
            raise UsageError(
                f"{artefact.SAMPLES} of the run {run.folder.name} has no {error.args[0]}",
                _again(run),
            ) from error

    return _read(runs, field, meaning, form, artefact.SAMPLES, read, regardless=of_data)


def of_images(runs: Sequence[Run], name: str) -> "np.ndarray[Any, Any] | None":
    """Return what runs kept of each image.

    Args:
        runs: The runs of one experiment.
        name: The array, of shape (N, ...) for N images, the same images in all runs.

    Returns:
        Those of the runs that did not diverge, of shape (S, N, ...); None where there is no such run, or one
        kept no array of that name.
    """
    import numpy as np

    arrays = [run.samples().get(name) for run in runs if not run.diverged]
    found = [array for array in arrays if array is not None]
    return np.stack(found) if found and len(found) == len(arrays) else None


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
    values = {run.seed: math.nan if not regardless and run.diverged else read(run) for run in runs}
    source = Source(tuple(run.folder.name for run in runs), file, field)
    return Quantity(f"{runs[0].experiment}.{field}", meaning, values, form, source)


def _entry(run: Run, entries: Mapping[str, object], name: str, file: str) -> float:
    if name not in entries:
        raise UsageError(f"{file} of the run {run.folder.name} has no {name}", _again(run))
    value = entries[name]
    return float(value) if isinstance(value, int | float) else math.nan


def _again(run: Run) -> str:
    return f"run the experiment again: --force {run.experiment}"  # as it is, it stands
