"""What the runs of one kind of training leave behind, declared once.

The runner holds each run against it; the console, the result lines, the tables, the curves and the appendix
of a report read it. Nothing else types the names of a kind's fields, but for the task that fills them.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cnnreport import modules
from cnnreport.errors import UsageError, VerificationError

Form = Literal[
    "loss", "share", "points", "score", "ratio", "factor", "count", "number", "probability", "bytes", "flops"
]
"""How a number prints: a share as per cent, a difference of shares in percentage points, a score as a
fraction of one, bytes and floating-point operations with the prefix that suits them, and so on."""

Place = Literal["history", "measures", "spec"]
"""Where a run keeps a number: in each row of its history, once among its measures, or in its spec."""

Best = Literal["", "highest", "lowest"]
"""Which epoch is the best by a number, empty where none is called so."""

TRAIN = "train_"
"""Begins the name of the number that says of the training data what another says of the validation data."""


@dataclass(frozen=True)
class Recorded:
    """A number that every run of a kind records.

    Args:
        name: What answers and templates call it, such as ``loss``.
        meaning: What a reader calls it.
        form: How it prints.
        place: Where a run keeps it.
        field: What the task calls it, such as ``validation_loss``; the same as `name` where it is empty.
        of_data: Whether data and settings alone decide it, so that it holds although a run diverged.
        live: What the console calls it, which shows it while a run is under way; empty where it does not.
        result: Whether the line that sums up an experiment has it, by its meaning; or in which words,
            with ``{}`` for the number.
        axis: The label of the axis where it is drawn over the epochs, beside the number of the same name
            that begins with `TRAIN`; empty where it is not drawn.
        best: Whether there are also ``<name>_best``, what it is in its best epoch, and ``<name>_epoch``,
            which that is.
    """

    name: str
    meaning: str
    form: Form
    place: Place
    field: str = ""
    of_data: bool = False
    live: str = ""
    result: bool | str = False
    axis: str = ""
    best: Best = ""

    @property
    def key(self) -> str:
        """What the task calls it."""
        return self.field or self.name


@dataclass(frozen=True)
class Kind:
    """A kind of training, or of what else is run.

    Args:
        name: Such as ``classification``.
        recorded: The numbers that each of its runs records.
        texts: Measures that are no numbers (texts, lists, yes or no), by what the task calls them.
        samples: Arrays that each run keeps for pictures, by name.
        table: Names of the numbers in the rows of the table of a training, in order.

    Raises:
        UsageError: A name or a field stands there twice.
    """

    name: str
    recorded: tuple[Recorded, ...]
    texts: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    table: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [recorded.name for recorded in self.recorded]
        for words in (names, self.fields("history"), self.declared("measures"), self.samples):
            twice = [word for word, times in Counter(words).items() if times > 1]
            if twice:
                raise UsageError(f"the kind {self.name} declares {', '.join(twice)} twice", "rename one")

    def __contains__(self, name: object) -> bool:
        return any(recorded.name == name for recorded in self.recorded)

    def __getitem__(self, name: str) -> Recorded:
        """Return the number that answers call so.

        Raises:
            UsageError: None is called so.
        """
        for recorded in self.recorded:
            if recorded.name == name:
                return recorded
        known = ", ".join(recorded.name for recorded in self.recorded)
        raise UsageError(f"the kind {self.name} records no {name!r}", f"choose from: {known}")

    def fields(self, place: Place) -> tuple[str, ...]:
        """Return what the task calls the numbers of a place."""
        return tuple(recorded.key for recorded in self.recorded if recorded.place == place)

    def declared(self, place: Literal["history", "measures", "samples"]) -> tuple[str, ...]:
        """Return the names of all that a run leaves in a place."""
        if place == "samples":
            return self.samples
        return (*self.fields(place), *(self.texts if place == "measures" else ()))


def load(name: str) -> Kind:
    """Return the kind that a spec names as ``module:NAME``.

    Raises:
        UsageError: There is none of that name.
    """
    kind = modules.attribute(name)
    if not isinstance(kind, Kind):
        raise UsageError(f"{name!r} is no kind of training", "name a `Kind` as module:NAME")
    return kind


def named_by(spec: Any) -> str:
    """Return the name of the kind that a spec is of.

    Raises:
        UsageError: It names none.
    """
    name = getattr(spec, "kind", "")
    if not isinstance(name, str) or not name:
        raise UsageError(
            f"{type(spec).__name__} does not say of which kind it is",
            'give it a class variable: kind: ClassVar[str] = "module:NAME"',
        )
    return name


def check(name: str, place: Literal["history", "measures", "samples"], left: Mapping[str, Any]) -> None:
    """Hold what a run left in a place against the declaration of its kind.

    Args:
        name: The kind, as ``module:NAME``.
        place: Where the run left it.
        left: What it left, by the names under which it did.

    Raises:
        VerificationError: Something is there that is not declared, or the other way round, or cannot be kept.
    """
    kind = load(name)
    declared = set(kind.declared(place))
    if {*left} != declared:
        problems = [
            f"{words} {', '.join(sorted(names))}"
            for words, names in (("lacks", declared - {*left}), ("has undeclared", {*left} - declared))
            if names
        ]
        raise VerificationError(
            f"what the run left in its {place} {' and '.join(problems)}, by the declaration of {kind.name}",
            f"let the task leave exactly what {name} declares, or declare it there",
        )
    if place != "samples":
        _check_values(kind, place, left)


def _check_values(kind: Kind, place: Place, left: Mapping[str, Any]) -> None:
    numbers = kind.fields(place)
    for key, value in left.items():
        if key in numbers and not isinstance(value, int | float | None):
            remedy = "let the task leave a number of Python's, such as float(x)"
        elif key not in numbers and not _is_json(value):
            remedy = "let the task leave texts, numbers, and lists of them"
        else:
            continue
        problem = f"{key}, which the run left in its {place}, is {type(value).__name__} {value!s:.60}"
        raise VerificationError(f"{problem}, by the declaration of {kind.name}", remedy)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
