"""Choices by name with parameters of their own: which there are, and what each of them takes."""

from collections.abc import Callable, Mapping
from typing import Any

from cnnreport.errors import UsageError

Known = Mapping[str, Mapping[str, Any]]
"""What each name takes, with the value that holds where none is given."""

Ranges = Mapping[str, tuple[Callable[[Any], bool], str]]
"""For each parameter whether a value is in its range, and what it must be, as in ``at least 0``."""


def resolve(what: str, name: str, known: Known, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a choice, those that are not given with their usual values.

    Args:
        what: What is chosen, for errors, such as ``optimiser``.
        name: The choice.
        known: All choices.
        given: Parameters by their names; one that is None is not given.

    Raises:
        UsageError: The choice is not known, or does not take a parameter.
    """
    if name not in known:
        raise UsageError(f"there is no {what} {name!r}", f"name one of {', '.join(known)}")
    usual = known[name]
    chosen = {parameter: value for parameter, value in given.items() if value is not None}
    for parameter in chosen:
        if parameter not in usual:
            remedy = f"leave it out; {name} takes {', '.join(usual) or 'none'}"
            raise UsageError(f"the {what} {name!r} has no parameter {parameter!r}", remedy)
    return {**usual, **chosen}


def require(holds: bool, what: str, value: object, must: str) -> None:
    """Refuse a value that is out of its range.

    Args:
        holds: Whether the value is in its range.
        what: What it is, with the name of its parameter.
        value: The value.
        must: What it must be, as in ``at least 0``.

    Raises:
        UsageError: It is not in its range.
    """
    if not holds:
        raise UsageError(f"{what} is {value!r}", f"set it to {must}")


def require_each(of: str, values: Mapping[str, Any], ranges: Ranges) -> None:
    """Refuse values that are out of their range, or of a type that no range holds.

    Args:
        of: Whose parameters they are.
        values: The values by their parameters.
        ranges: The range of each.

    Raises:
        UsageError: One is not in its range.
    """
    for parameter, value in values.items():
        holds, must = ranges[parameter]
        try:
            fits = holds(value)
        except TypeError:  # a text, or one number in place of two
            fits = False
        require(fits, f"{parameter} of {of}", value, must)
