"""Coloured pixels, and those that are grey, black or white: how many of each a net and a table get right."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity, difference
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say.colours.words import GREYS, words
from cnnreport.report.say.training import experiment_of, net_name
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

    Flags = np.ndarray[Any, np.dtype[np.bool_]]
    """Shape (NC,): whether the word of a colour is none of `GREYS`."""
    Counts = np.ndarray[Any, np.dtype[np.float64]]
    """Shape (NC, NC): pixels by their true colour, a row, and by the given one, a column."""

COMPARED = ("coloured_right", "uncoloured_right")
"""The numbers in which two nets are compared."""

_NET, _TABLE = "confusion", "table_confusion"


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Read how much is coloured, and what a net and a table from grey level to colour make of it.

    Args:
        runs: The runs of one experiment; the values are those of each seed.

    Returns:
        ``uncoloured``, the share of all pixels that are grey, black or white; ``coloured_right`` and
        ``uncoloured_right``, the share of either kind that a net classifies correctly, and the same with
        ``table_`` before it; ``table_uncoloured``, the share of all pixels that the table gives no colour;
        ``coloured_over_table``, points. Nothing where no run came through, one left no counts, or not both
        kinds of pixels occur.
    """
    kept = {run.seed: run.samples() for run in runs}
    finished = [kept[run.seed] for run in runs if not run.diverged]
    if not finished or not all(map(_has_both, finished)):
        return {}

    def read(array: str, meaning: str, choose: Callable[["Counts", "Flags"], float]) -> Quantity:
        return reading.from_samples(
            runs, kept, f"{array}: {meaning}", meaning, "share",
            lambda arrays: choose(arrays[array].astype(float), _coloured(arrays)), of_data=array == _TABLE,
        )  # fmt: skip

    of_table = "of the table from grey level to colour"
    found = {
        "uncoloured": read(_TABLE, "share of grey, black and white pixels", lambda c, on: _part(c[~on], c)),
        "coloured_right": read(_NET, "accuracy on coloured pixels", _right),
        "uncoloured_right": read(
            _NET, "accuracy on grey, black and white pixels", lambda c, on: _right(c, ~on)
        ),
        "table_coloured_right": read(_TABLE, f"accuracy on coloured pixels, {of_table}", _right),
        "table_uncoloured_right": read(
            _TABLE, f"accuracy on grey, black and white pixels, {of_table}", lambda c, on: _right(c, ~on)
        ),
        "table_uncoloured": read(
            _TABLE, f"pixels given grey, black or white, {of_table}", lambda c, on: _part(c[:, ~on], c)
        ),
    }  # fmt: skip
    found["coloured_over_table"] = difference(
        f"{experiment_of(runs)}.coloured_over_table",
        f"accuracy on coloured pixels above the table, {net_name(runs)}",
        found["coloured_right"],
        found["table_coloured_right"],
        "points",
    )
    return found


def verdicts(runs: Sequence[Run]) -> dict[str, Verdict]:
    """Judge whether a net is better than the table on coloured pixels.

    Returns:
        ``colours_better``; nothing where `numbers` has nothing.
    """
    if "coloured_over_table" not in (found := numbers(runs)):
        return {}
    claim = f"On coloured pixels {net_name(runs)} is better than a table from grey level to colour"
    return {"colours_better": exceeds(claim, found["coloured_over_table"])}


def colouring(*nets: Sequence[Run]) -> list[str] | None:
    """Return which nets are better than the table on coloured pixels; None where one cannot be judged.

    Args:
        nets: The runs of each.
    """
    judged = [(net_name(runs), verdict) for runs in nets for verdict in verdicts(runs).values()]
    return [net for net, verdict in judged if verdict.yes] if len(judged) == len(nets) else None


def _coloured(arrays: Arrays) -> "Flags":
    import numpy as np

    return np.array([word not in GREYS for word in words(arrays["palette"])])


def _has_both(arrays: Arrays) -> bool:
    """Whether a run left what is needed, and both coloured pixels and others occur in the truth."""
    if _NET not in arrays or _TABLE not in arrays:
        return False
    true, coloured = arrays[_NET].sum(1), _coloured(arrays)
    return bool(true[coloured].sum() > 0 and true[~coloured].sum() > 0)


def _part(some: "Counts", counts: "Counts") -> float:
    return float(some.sum() / counts.sum())


def _right(counts: "Counts", chosen: "Flags") -> float:
    """Return the share of the pixels of the chosen true colours that are classified correctly."""
    return float(counts.diagonal()[chosen].sum() / counts[chosen].sum())
