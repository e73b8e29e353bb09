"""Answer sheets: hand-written formulas in a TOML file, and what such a file may hold."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cnnreport.errors import UsageError
from cnnreport.formula.convention import QUANTITIES

Size = Literal["original", "doubled"]

SIZES: tuple[Size, ...] = ("original", "doubled")
"""The tables of a file: the formulas for the input, and for the input of twice the height and width."""

MAX_BYTES = 20_000
"""Size of a file; the time to read one grows with its square."""

MAX_INPUT_SIZE = 1024
"""Height and width of the input, before it is doubled."""

_KEYS = {"net": str, "input_size": int, "original": dict, "doubled": dict}
_REQUIRED = {"net": 'net = "module:Class"', "input_size": "input_size = 32"}
_TYPES = {str: "a string", int: "a whole number", dict: "a table"}


@dataclass(frozen=True)
class Claims:
    """Hand-written formulas.

    Args:
        net: The net that they are about, ``module:Class`` or ``path/file.py:Class``.
        input_size: Height and width of the input; of no account for a net whose input has neither.
        original: Formulas for this input by quantity.
        doubled: Formulas for an input of twice the height and width.
        place: Where they are written, for errors.
    """

    net: str
    input_size: int
    original: Mapping[str, str]
    doubled: Mapping[str, str] = field(default_factory=dict)
    place: str = ""

    def formulas(self) -> Iterator[tuple[Size, str, str]]:
        """Go through the formulas: their size, their quantity and their text."""
        for size in SIZES:
            given: Mapping[str, str] = getattr(self, size)
            yield from ((size, quantity, given[quantity]) for quantity in QUANTITIES if quantity in given)


def read(file: Path) -> Claims:
    """Read a file of hand-written formulas.

    Raises:
        UsageError: There is no such file, or it has a mistake, which is named.
    """
    content = _content(file)
    _check_keys(content, tuple(_KEYS), f"{file}: ")
    for key, example in _REQUIRED.items():
        if key not in content:
            raise UsageError(f"{file}: the key {key!r} is missing", f"add a line such as {example}")
    for key, expected in _KEYS.items():
        _check_type(content.get(key, expected()), expected, f"{file}: {key}")
    if not 1 <= content["input_size"] <= MAX_INPUT_SIZE:
        raise UsageError(f"{file}: input_size is out of range", f"write a number from 1 to {MAX_INPUT_SIZE}")
    tables = {size: content.get(size, {}) for size in SIZES}
    for size, table in tables.items():
        _check_keys(table, QUANTITIES, f"{file}, [{size}]: ")
        for quantity, formula in table.items():
            _check_type(formula, str, f"{file}, [{size}]: {quantity}")
    if not any(tables.values()):
        raise UsageError(f"{file} has no formula", f"add the table [original] with {', '.join(QUANTITIES)}")
    return Claims(content["net"], content["input_size"], **tables, place=str(file))


def _content(file: Path) -> dict[str, Any]:
    if not file.is_file():
        problem = f"{file} is not a file" if file.exists() else f"there is no file {file}"
        raise UsageError(problem, "name a file of formulas, such as answers.toml")
    try:
        with file.open("rb") as opened:
            written = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "check its permissions") from error
    if len(written) > MAX_BYTES:
        raise UsageError(f"{file} is larger than {MAX_BYTES} bytes", "write six formulas and little else")
    try:
        return tomllib.loads(written.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no UTF-8 text", "save it as UTF-8") from error
    except RecursionError as error:
        raise UsageError(f"{file} is not valid TOML: brackets are too deep", "mend it there") from error
    except ValueError as error:  # no TOML, or a number of thousands of digits
        latex = "put LaTeX between single quotes, or mend it there" if b"\\" in written else "mend it there"
        raise UsageError(f"{file} is not valid TOML: {error}", latex) from error


def _check_keys(table: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{place}there is no key {key!r}", f"known keys: {', '.join(known)}")


def _check_type(value: Any, expected: type, place: str) -> None:
    if not isinstance(value, expected) or isinstance(value, bool):
        raise UsageError(f"{place} is not {_TYPES[expected]}", f"write {_TYPES[expected]}")
