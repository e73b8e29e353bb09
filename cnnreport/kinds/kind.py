"""What the runs of one kind of training leave behind, declared once.

The runner holds each run against it; the console, the result lines, the tables, the curves and the appendix
of a report read it. Nothing else types the names of a kind's fields, but for the task that fills them.
"""

import importlib
from dataclasses import dataclass
from typing import Literal

from cnnreport.errors import UsageError

Form = Literal[
    "loss", "share", "points", "score", "ratio", "factor", "count", "number", "probability", "bytes", "flops"
]
"""How a number prints: a share as per cent, a difference of shares in percentage points, a score as a
fraction of one, bytes and floating-point operations with the prefix that suits them, and so on."""

Place = Literal["history", "measures"]
"""Where a run keeps a number: in each row of its history, or once, among its measures."""


@dataclass(frozen=True)
class Recorded:
    """A number that every run of a kind records.

    Args:
        name: What answers and templates call it, such as ``loss``.
        field: What the task calls it, such as ``validation_loss``; the same as `name` where it is empty.
        meaning: What a reader calls it.
        form: How it prints.
        place: Where a run keeps it.
        of_data: Whether data and settings alone decide it, so that it holds although a run diverged.
        live: The column in which the console shows it while a run is under way, empty for none.
        result: Whether the line that sums up an experiment tells it.
    """

    name: str
    meaning: str
    form: Form
    place: Place
    field: str = ""
    of_data: bool = False
    live: str = ""
    result: bool = False

    @property
    def key(self) -> str:
        """What the task calls it."""
        return self.field or self.name


@dataclass(frozen=True)
class Kind:
    """A kind of training.

    Args:
        name: Such as ``classification``.
        recorded: The numbers that each of its runs records.
        texts: Measures that are texts or lists, by what the task calls them.
        samples: Arrays that each run keeps for pictures, by name.
    """

    name: str
    recorded: tuple[Recorded, ...]
    texts: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()

    def fields(self, place: Place) -> tuple[str, ...]:
        """Return what the task calls the numbers of a place."""
        return tuple(each.key for each in self.recorded if each.place == place)


def load(name: str) -> Kind:
    """Return the kind that a spec names as ``module:NAME``.

    Raises:
        UsageError: There is none of that name.
    """
    module, _, attribute = name.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"the kind {name!r} cannot be found", "name it as module:NAME") from error
    if not isinstance(kind, Kind):
        raise UsageError(f"{name!r} is no kind of training", "name a `Kind` as module:NAME")
    return kind
