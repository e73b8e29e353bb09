"""The auditor: do hand-written counts of a net hold, under which convention, and if not, why not?"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula import expression, phrase
from cnnreport.formula.attribute import Case, explain, nearest
from cnnreport.formula.convention import CHOICES, QUANTITIES, Choice
from cnnreport.formula.derive import Derivation, Net, derive
from cnnreport.formula.prove import prove
from cnnreport.formula.symbols import KERNEL, Count
from cnnreport.formula.target import resolve

Size = Literal["original", "doubled"]

SIZES: tuple[Size, ...] = ("original", "doubled")
"""The tables of a file: the formulas for the input, and for the input of twice the height and width."""

MAX_BYTES = 20_000
"""Size of a file; the time to read one grows with its square."""

MAX_INPUT_SIZE = 1024
"""Height and width of the input, before it is doubled."""

FAILED = VerificationError.exit_code
"""The exit code of an audit that is not passed."""

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


@dataclass(frozen=True)
class Finding:
    """What was found about one formula.

    Args:
        quantity: What it counts: ``weights``, ``outputs`` or ``connections``.
        size: ``original`` or ``doubled``.
        claimed: The formula as it is written.
        holds: Whether it is right under at least one convention.
        conventions: All under which it is right, the simplest first.
        convention: The one by which it is judged: one under which it holds; if there is none, the nearest.
        sentence: What that one counts.
        expected: The right formula under it.
        difference: By how much the written one is too large, 0 if it holds.
        explanation: What is wrong, in a sentence; empty if it holds.
    """

    quantity: str
    size: Size
    claimed: str
    holds: bool
    conventions: tuple[str, ...]
    convention: str
    sentence: str
    expected: Count
    difference: Count
    explanation: str

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        counts = {"expected": self.expected, "difference": self.difference}
        written = {name: {"text": phrase.text(c), "code": phrase.code(c)} for name, c in counts.items()}
        return {**plain, **written, "conventions": list(self.conventions)}

    def lines(self) -> list[str]:
        """Return the finding for a terminal."""
        first = f"  {'✓' if self.holds else '✗'} {self.quantity:<11}  {self._under()}"
        if self.holds:
            return [first]
        rest = (
            f"written:  {' '.join(self.claimed.split())}",
            f"expected: {phrase.text(self.expected)}",
            self.explanation,
        )
        return [first, *(f"      {line}" for line in rest)]

    def _under(self) -> str:
        if not self.holds:
            return f"holds under no convention; nearest: “{self.convention}”"
        others = len(self.conventions) - 1
        also = f" and {others} other{'s' if others > 1 else ''}" if others else ""
        return f"holds under “{self.convention}”{also}"


@dataclass(frozen=True)
class Audit:
    """What was found about all formulas.

    Args:
        target: The net, as the claims name it.
        input_size: Height and width of the input.
        points: Combinations of values on which the right formulas were compared with the real net.
        findings: One for each formula.
        common: By quantity, the simplest convention under which its formulas hold at both sizes; None if
            there is none for some quantity.
    """

    target: str
    input_size: int
    points: int
    findings: tuple[Finding, ...]
    common: Mapping[str, str] | None

    @property
    def complete(self) -> bool:
        """Whether all six formulas are given."""
        return len(self.findings) == len(SIZES) * len(QUANTITIES)

    @property
    def passed(self) -> bool:
        """Whether all six formulas are given and hold under one common convention."""
        return self.complete and self.common is not None

    @property
    def exit_code(self) -> int:
        """What a command that audits exits with."""
        return 0 if self.passed else FAILED

    def to_json(self) -> dict[str, Any]:
        """Return the audit as plain data."""
        return {
            "target": self.target,
            "input_size": self.input_size,
            "points": self.points,
            "complete": self.complete,
            "passed": self.passed,
            "common": None if self.common is None else dict(self.common),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def lines(self) -> list[str]:
        """Return the audit for a terminal."""
        points = f"{self.points} point{'' if self.points == 1 else 's'}"
        lines = [self.target, f"Judged by counts that are proved on {points}."]
        for size, pixels in zip(SIZES, (self.input_size, 2 * self.input_size), strict=True):
            findings = [finding for finding in self.findings if finding.size == size]
            if findings:
                lines += ["", f"{size}, {pixels} × {pixels}"]
            for finding in findings:
                lines += finding.lines()
        return [*lines, "", *self._verdict(), "", *self._conventions()]

    def _verdict(self) -> Iterator[str]:
        right, given = sum(finding.holds for finding in self.findings), len(self.findings)
        if self.common is not None:
            yield f"All {given} formulas hold under one convention." if given > 1 else "The formula holds."
        elif right == given:
            yield "All formulas hold, but original and doubled under different conventions."
        else:
            yield f"{right} of {given} formulas {'holds' if right == 1 else 'hold'}."
        if not self.complete:
            there = {(finding.size, finding.quantity) for finding in self.findings}
            wanted = ((size, quantity) for size in SIZES for quantity in QUANTITIES)
            missing = ", ".join(
                f"{size} {quantity}" for size, quantity in wanted if (size, quantity) not in there
            )
            yield f"The answer is not complete, it lacks: {missing}."

    def _conventions(self) -> Iterator[str]:
        """Say what is counted, each convention once."""
        for quantity in QUANTITIES:
            found = [finding for finding in self.findings if finding.quantity == quantity]
            for name, sentence in dict.fromkeys((finding.convention, finding.sentence) for finding in found):
                yield f"{quantity}, “{name}”: {sentence}"


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
    for key, kind in _KEYS.items():
        _check_type(content.get(key, kind()), kind, f"{file}: {key}")
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
        return tomllib.loads(written.decode())
    except RecursionError as error:
        raise UsageError(f"{file} is not valid TOML: brackets are too deep", "mend it there") from error
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UsageError(f"{file} is not valid TOML: {error}", "mend it there") from error


def _check_keys(table: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{place}there is no key {key!r}", f"known keys: {', '.join(known)}")


def _check_type(value: Any, kind: type, place: str) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UsageError(f"{place} is not {_TYPES[kind]}", f"write {_TYPES[kind]}")


def audit(claims: Claims) -> Audit:
    """Judge hand-written formulas by counts that are derived from the net itself, and proved.

    Raises:
        UsageError: A formula cannot be read or has a letter that the net does not have, the net
            cannot be derived, or doubled formulas are given and its input has no height and width.
        VerificationError: The derived counts are not those of the real net.
    """
    derivations = _derivations(claims)
    return judge(claims, derivations, prove(*derivations.values()).points)


def judge(claims: Claims, derivations: Mapping[Size, Derivation], points: int) -> Audit:
    """Judge hand-written formulas by counts that are derived and proved already.

    Args:
        claims: The formulas.
        derivations: Of the same net; that of the doubled input only if a formula is for it.
        points: On how many points the derivations are proved.

    Raises:
        UsageError: A formula cannot be read, or has a letter that the net does not have.
    """
    names = {symbol.name: symbol for symbol in derivations["original"].symbols}
    if KERNEL in names:
        names.setdefault(KERNEL.upper(), names[KERNEL])
    start = f"{claims.place}, " if claims.place else ""
    counts = {
        (size, quantity): expression.parse(text, names, f"{start}[{size}]: {quantity}")
        for size, quantity, text in claims.formulas()
    }
    bench = _Bench(derivations, counts)
    return Audit(
        target=claims.net,
        input_size=claims.input_size,
        points=points,
        findings=tuple(bench.judge(size, quantity, text) for size, quantity, text in claims.formulas()),
        common=bench.common(),
    )


class _Bench:
    """Formulas, and whether they hold under each choice.

    Args:
        derivations: The net by the size of its input.
        formulas: What is claimed, by size and quantity.
    """

    def __init__(
        self, derivations: Mapping[Size, Derivation], formulas: Mapping[tuple[Size, str], Count]
    ) -> None:
        self._derivations = derivations
        self._formulas = formulas
        self._cases = {key: self._with_each_choice(*key) for key in formulas}

    def judge(self, size: Size, quantity: str, text: str) -> Finding:
        """Judge one formula."""
        holding = self._holding(size, quantity)
        case = self._nearest(size, quantity)
        return Finding(
            quantity=quantity,
            size=size,
            claimed=text,
            holds=bool(holding),
            conventions=tuple(choice.name for choice in holding),
            convention=case.choice.name,
            sentence=case.choice.sentence,
            expected=case.expected,
            difference=case.difference,
            explanation="" if holding else explain(case),
        )

    def common(self) -> dict[str, str] | None:
        """Return, for each quantity, the simplest choice under which all its formulas hold."""
        found = {}
        for quantity in QUANTITIES:
            given = [self._holding(size, quantity) for size in SIZES if (size, quantity) in self._formulas]
            if not given:
                continue
            shared = [choice for choice in given[0] if choice in given[-1]]
            if not shared:
                return None
            found[quantity] = shared[0].name
        return found

    def _with_each_choice(self, size: Size, quantity: str) -> list[Case]:
        claimed, doubled = self._formulas[size, quantity], size == "doubled"
        derivation, other = self._derivations[size], self._derivations.get(_other(size))
        return [Case(claimed, choice, derivation, other, doubled) for choice in CHOICES[quantity]]

    def _holding(self, size: Size, quantity: str) -> list[Choice]:
        return [case.choice for case in self._cases.get((size, quantity), ()) if case.difference == 0]

    def _nearest(self, size: Size, quantity: str) -> Case:
        """Return the case by which a formula is judged.

        If it holds, one in which it does; else the nearest. Those under which the same quantity holds for
        the other size come first: that is what the writer counted.
        """
        right, elsewhere = self._holding(size, quantity), self._holding(_other(size), quantity)
        cases = self._cases[size, quantity]
        cases = [case for case in cases if case.choice in right] or cases
        cases = [case for case in cases if case.choice in elsewhere] or cases
        return nearest(cases)


def _other(size: Size) -> Size:
    return "doubled" if size == "original" else "original"


def _derivations(claims: Claims) -> dict[Size, Derivation]:
    net = resolve(claims.net)
    channels, *axes = derive(_first_layer(net)).input
    derivation = derive(net, size=(channels, *(claims.input_size for _ in axes)))
    if not claims.doubled:
        return {"original": derivation}
    if not axes:
        start = f"{claims.place}: " if claims.place else ""
        raise UsageError(f"{start}the input of {claims.net} has no height and width", "leave out [doubled]")
    return {"original": derivation, "doubled": derivation.doubled()}


def _first_layer(net: Net) -> Net:
    """Return a net that has the same parameters and does nothing: of this one, any size has an input."""

    class Idle(nn.Module):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__()
            self.net = net(*args, **kwargs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    @wraps(net)
    def build(*args: Any, **kwargs: Any) -> nn.Module:
        return Idle(*args, **kwargs)

    return build
