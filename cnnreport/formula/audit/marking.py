"""All answer sheets of a folder: each judged, and what is wrong with one is told in its row."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cnnreport.errors import CnnReportError, UsageError, VerificationError
from cnnreport.formula.audit.claims import SIZES, Claims, Size, read
from cnnreport.formula.audit.findings import Audit
from cnnreport.formula.audit.judge import Judge, judge_of
from cnnreport.formula.convention import QUANTITIES

KEYS: tuple[tuple[Size, str], ...] = tuple((size, quantity) for size in SIZES for quantity in QUANTITIES)
"""The six formulas of a sheet."""

COLUMNS = ("name", *(f"{size} {quantity}" for size, quantity in KEYS), "passed", "most likely slip")
"""What a row of the table tells."""

_SHORT = {"original": "", "doubled": "2× "}
TITLES = ("name", *(f"{_SHORT[size]}{quantity}" for size, quantity in KEYS), "most likely slip")
"""The same for a terminal, which is narrower."""

_SIGNS = {"right": "✓", "wrong": "✗", "missing": "–", "unreadable": "?"}


@dataclass(frozen=True)
class Sheet:
    """What was found about one answer sheet.

    Args:
        name: Whose it is: the name of its file.
        audit: What was found about the formulas that can be read, None if there are none.
        problems: What cannot be read, in sentences.
        unreadable: Which formulas are among these.
    """

    name: str
    audit: Audit | None
    problems: tuple[str, ...] = ()
    unreadable: frozenset[tuple[Size, str]] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether all six formulas are given and hold under one common convention."""
        return self.audit is not None and self.audit.passed and not self.problems

    @property
    def verdicts(self) -> dict[tuple[Size, str], str]:
        """Of each formula whether it is right, wrong, missing or unreadable."""
        right = {} if self.audit is None else {(f.size, f.quantity): f.holds for f in self.audit.findings}
        unread = self.unreadable if self.audit or self.unreadable else KEYS
        said = {key: "right" if holds else "wrong" for key, holds in right.items()}
        return {key: said.get(key, "unreadable" if key in unread else "missing") for key in KEYS}

    @property
    def remark(self) -> str:
        """What is wrong with it, as far as that is known: slips, then what cannot be read."""
        slips = () if self.audit is None else self.audit.slips
        return "; ".join((*slips, *(problem.removesuffix(".") for problem in self.problems)))

    def cells(self) -> list[str]:
        """Return a row for a program."""
        return [self.name, *self.verdicts.values(), "yes" if self.passed else "no", self.remark]

    def row(self) -> list[str]:
        """Return a row for a terminal."""
        return [self.name, *(_SIGNS[verdict] for verdict in self.verdicts.values()), self.remark]

    def to_json(self) -> dict[str, Any]:
        """Return everything that is known of the sheet as plain data."""
        return {
            "name": self.name,
            "passed": self.passed,
            "verdicts": {f"{size} {quantity}": v for (size, quantity), v in self.verdicts.items()},
            "slips": [] if self.audit is None else list(self.audit.slips),
            "problems": list(self.problems),
            "audit": None if self.audit is None else self.audit.to_json(),
        }


@dataclass(frozen=True)
class Marking:
    """What was found about all answer sheets of a folder, in natural order of their names."""

    sheets: tuple[Sheet, ...]

    @property
    def exit_code(self) -> int:
        """What a command exits with: as for one sheet, 0 only if all formulas of all sheets hold."""
        return 0 if all(sheet.passed for sheet in self.sheets) else VerificationError.exit_code

    def summary(self) -> str:
        """Say how many sheets passed, and how many have something that cannot be read."""
        passed = sum(sheet.passed for sheet in self.sheets)
        troubled = sum(bool(sheet.problems) for sheet in self.sheets)
        rest = f"; {troubled} cannot be read, or not whole" if troubled else ""
        return f"{passed} of {len(self.sheets)} answer sheets hold{rest}."


def mark(place: Path) -> Marking:
    """Judge all answer sheets (``*.toml``) of a folder, or a single one.

    A net is derived and proved once for each size of its input, however many sheets speak of it.

    Raises:
        UsageError: There is no such place, or no answer sheet in it.
    """
    alone = not place.is_dir()
    files = [place] if alone else sorted(_sheets(place), key=lambda file: _natural(file.stem))
    if not files:
        raise UsageError(f"{place} has no answer sheet", "put files such as ada.toml there")
    claims = [read(place)] if alone else [_attempt(read, file) for file in files]
    judges = _Judges([one for one in claims if isinstance(one, Claims)])
    pairs = zip(files, claims, strict=True)
    return Marking(tuple(_sheet(file, one, judges) for file, one in pairs))


def _sheets(folder: Path) -> Iterator[Path]:
    try:
        yield from (file for file in folder.iterdir() if _is_sheet(file))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}", "check its permissions") from error


def _is_sheet(file: Path) -> bool:
    # Hidden files are leftovers: archives made on a Mac bring a ._name.toml for every name.toml.
    return file.suffix.lower() == ".toml" and not file.name.startswith(".") and not file.is_dir()


class _Judges:
    """The judge of each net and size, made once; also the error, if it cannot be made."""

    def __init__(self, claims: Sequence[Claims]) -> None:
        self._doubled = {(one.net, one.input_size) for one in claims if one.doubled}
        self._made: dict[tuple[str, int, bool], Judge | CnnReportError] = {}

    def of(self, claims: Claims) -> Judge:
        """Return the judge of an answer sheet.

        Raises:
            CnnReportError: The net cannot be derived, or not be proved.
        """
        net = claims.net, claims.input_size
        for doubled in (True, False):
            if doubled and net not in self._doubled:
                continue
            judge = self._judge(*net, doubled=doubled)
            if isinstance(judge, Judge):
                return judge
            if claims.doubled or not doubled:
                raise judge
        raise AssertionError("one of the two is returned or raised")

    def _judge(self, net: str, input_size: int, *, doubled: bool) -> Judge | CnnReportError:
        key = net, input_size, doubled
        if key not in self._made:
            self._made[key] = _attempt(lambda size: judge_of(net, size, doubled=doubled), input_size)
        return self._made[key]


def _attempt(call: Any, argument: Any) -> Any:
    """Return what a call returns, or the error that it raises."""
    try:
        return call(argument)
    except CnnReportError as error:
        return error


def _sheet(file: Path, claims: Claims | CnnReportError, judges: _Judges) -> Sheet:
    name = _printable(file.stem)
    if isinstance(claims, CnnReportError):
        return Sheet(name, None, (_line(str(claims).replace(str(file), file.name)),))
    judge = _attempt(judges.of, claims)
    if isinstance(judge, CnnReportError):
        return Sheet(name, None, (_line(str(judge)),))
    here = replace(claims, place="")
    errors: dict[tuple[Size, str], CnnReportError] = {}
    for size, quantity, text in here.formulas():
        read_or_not = _attempt(lambda of, s=size, q=quantity, t=text: judge.read(of, s, q, t), here)
        if isinstance(read_or_not, CnnReportError):
            errors[size, quantity] = read_or_not
    original, doubled = (_without(getattr(here, size), size, errors) for size in SIZES)
    readable = replace(here, original=original, doubled=doubled)
    audit = judge.judge(readable) if original or doubled else None
    return Sheet(name, audit, tuple(_line(str(error)) for error in errors.values()), frozenset(errors))


def _without(table: Mapping[str, str], size: Size, errors: Mapping[tuple[Size, str], Any]) -> dict[str, str]:
    return {quantity: text for quantity, text in table.items() if (size, quantity) not in errors}


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by: numbers in them by their size, capitals like small letters."""
    parts = re.findall(r"\d+|\D+", unicodedata.normalize("NFKC", name).casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _line(text: str) -> str:
    """Return a text on one line, as a row of a table needs it."""
    return _printable(" ".join(text.split()))


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)
