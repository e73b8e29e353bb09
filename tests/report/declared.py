"""What fake runs leave, under the names that the declaration of their kind has for it."""

from collections.abc import Mapping
from typing import Any

from cnnreport.kinds import kind as kinds
from cnnreport.task import Results


def fields(kind: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers, given by what answers call them, by what the task calls them."""
    declared = kinds.load(kind)
    return {declared[name].key: value for name, value in numbers.items()}


def checked(kind: str, rows: list[dict[str, float]], results: Results) -> Results:
    """Return the results of a fake run that leaves exactly what its kind declares, as real ones do."""
    kinds.check(kind, "history", rows[0])
    kinds.check(kind, "measures", results.measures)
    kinds.check(kind, "samples", results.samples)
    return results
