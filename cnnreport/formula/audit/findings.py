"""What an audit of hand-written formulas found, as data and as lines of a terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from cnnreport.errors import VerificationError
from cnnreport.formula import phrase
from cnnreport.formula.audit.claims import SIZES, Size
from cnnreport.formula.convention import QUANTITIES
from cnnreport.formula.symbols import Count

FAILED = VerificationError.exit_code
"""The exit code of an audit that is not passed."""


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
        slips: What may have happened, as clauses: the slip that explains all wrong formulas, or if there
            is none what explains each; then quantities that follow two conventions.
        one_slip: Whether one slip explains all wrong formulas.
    """

    target: str
    input_size: int
    points: int
    findings: tuple[Finding, ...]
    common: Mapping[str, str] | None
    slips: tuple[str, ...] = ()
    one_slip: bool = False

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
            "slips": list(self.slips),
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
        return [*lines, "", *self._verdict(), *self._likely(), "", *self._conventions()]

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

    def _likely(self) -> list[str]:
        """Name the slip that explains several formulas; what explains one stands beside it."""
        wrong = len(self.findings) - sum(finding.holds for finding in self.findings)
        if wrong == 0:
            return [f"Not one convention: {slip}." for slip in self.slips]
        return [f"One slip explains all: {self.slips[0]}."] if wrong > 1 and self.one_slip else []

    def _conventions(self) -> Iterator[str]:
        """Say what is counted, each convention once."""
        for quantity in QUANTITIES:
            group = [finding for finding in self.findings if finding.quantity == quantity]
            for name, sentence in dict.fromkeys((finding.convention, finding.sentence) for finding in group):
                yield f"{quantity}, “{name}”: {sentence}"
