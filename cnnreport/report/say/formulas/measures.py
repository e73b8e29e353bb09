"""Measures of a derivation as typed values: what is missing, or of another type, is told by its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

T = TypeVar("T")

JSON = "json"
"""In the metadata of a dataclass's field: what the measures call it, where that is not its own name."""


@dataclass(frozen=True)
class Place:
    """A place in the measures of a run.

    Args:
        run: The run.
        value: What stands there, as JSON has it.
        path: Where that is, such as ``groups / 0 / padding``; empty for the measures as a whole.
    """

    run: Run
    value: Any
    path: str = ""

    def __getitem__(self, name: str) -> "Place":
        if not isinstance(self.value, Mapping) or name not in self.value:
            raise self.unfit(f"has no {name!r}")
        return self._inner(name)

    @property
    def entries(self) -> list["Place"]:
        """The places of a list's entries; of none where it is null."""
        if self.value is not None and not _is_list(self.value):
            raise self.unfit(f"is no list: {self.value!r}")
        return [self._inner(number) for number in range(len(self.value or ()))]

    def read(self, wanted: type[T], /, **given: object) -> T:
        """Return what stands here as a value of a type.

        Args:
            wanted: A plain type; or a dataclass, whose fields stand here by their names.
            given: The fields of it that do not.

        Raises:
            UsageError: Something is missing, or of another type.
        """
        value: T = self._dataclass(wanted, given) if is_dataclass(wanted) else self._typed(wanted)
        return value

    def number(self, meaning: str, form: Form = "count") -> Quantity:
        """Return the number that stands here as a quantity that a reader calls so.

        Raises:
            UsageError: It is no number.
        """
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            raise self.unfit(f"is no number: {self.value!r}")
        return number(self.run, self.path, meaning, self.value, form)

    def perhaps(self, meaning: str) -> Quantity | None:
        """Return the number that stands here, None where it is null."""
        return None if self.value is None else self.number(meaning)

    def unfit(self, problem: str) -> UsageError:
        """Return the error for measures that are not those that this version makes."""
        place = f"{self.path} {problem}" if self.path else f"it {problem}"
        return UsageError(
            f"{artefact.MEASURES} of the run {self.run.folder.name} does not fit this version: {place}",
            "run the experiment again",
        )

    def _inner(self, name: str | int) -> "Place":
        return Place(self.run, self.value[name], f"{self.path} / {name}" if self.path else str(name))

    def _dataclass(self, result_type: Any, given: Mapping[str, object]) -> Any:
        hints = get_type_hints(result_type)
        wanted = [field for field in fields(result_type) if field.name not in given]
        named = {field.name: self[field.metadata.get(JSON, field.name)] for field in wanted}
        return result_type(**{name: place._typed(hints[name]) for name, place in named.items()}, **given)

    def _typed(self, hint: Any) -> Any:
        inner = get_args(hint)
        if get_origin(hint) is UnionType:  # the other one is None
            return None if self.value is None else self._typed(inner[0])
        if get_origin(hint) is tuple:
            return tuple(entry._typed(inner[0]) for entry in self.entries)
        if is_dataclass(hint):
            return self._dataclass(hint, {})
        if type(self.value) is not hint:
            raise self.unfit(f"is no {hint.__name__}: {self.value!r}")
        return self.value


def whole(run: Run) -> Place:
    """Return the measures of a run as a whole."""
    return Place(run, run.measures)


def number(run: Run, field: str, meaning: str, value: float, form: Form = "count") -> Quantity:
    """Return a number of the measures as a quantity; a derivation has one run, and one value.

    Args:
        run: Where it was read.
        field: Which field of the measures it is, or how it was counted.
        meaning: What a reader calls it.
        value: The number.
        form: How it prints.
    """
    source = Source((run.folder.name,), artefact.MEASURES, field)
    return Quantity(f"{run.experiment}.{field}", meaning, {run.seed: float(value)}, form, source)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
