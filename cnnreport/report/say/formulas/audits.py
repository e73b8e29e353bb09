"""What an audit of hand-written formulas found, read from its run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas.derived import Formula, formula, number, unreadable
from cnnreport.runs.artefact import Run

_KEPT = ("quantity", "size", "claimed", "holds", "convention", "sentence", "explanation")


@dataclass(frozen=True)
class Finding:
    """What an audit says about one hand-written formula.

    Args:
        quantity: What it counts.
        size: ``original`` or ``doubled``.
        pixels: Height and width of the input that it speaks of.
        claimed: The formula as it was written.
        holds: Whether it is right under at least one convention.
        convention: The one by which it is judged: under which it holds, else the nearest.
        sentence: What that one counts.
        expected: The right formula under it.
        difference: What was written less what is right.
        explanation: What is wrong; empty if it holds.
    """

    quantity: str
    size: str
    pixels: str
    claimed: str
    holds: bool
    convention: str
    sentence: str
    expected: Formula
    difference: Formula
    explanation: str


@dataclass(frozen=True)
class Audit:
    """What a run found about hand-written formulas.

    Args:
        run: The name of the run's folder.
        net: The class that they speak of.
        findings: One for each formula.
        common: Whether all hold under one convention for each quantity.
        complete: Whether all are there that could be.
        given: How many formulas there are.
        right: How many hold.
        wrong: How many do not.
        points: On how many points the right formulas are proved.
    """

    run: str
    net: str
    findings: tuple[Finding, ...]
    common: bool
    complete: bool
    given: Quantity
    right: Quantity
    wrong: Quantity
    points: Quantity

    @property
    def conventions(self) -> tuple[tuple[str, str, str], ...]:
        """Each convention that judges a formula once: what it counts, its name, its sentence."""
        return tuple(
            dict.fromkeys((found.quantity, found.convention, found.sentence) for found in self.findings)
        )


def audit(run: Run) -> Audit:
    """Read what an audit left.

    Raises:
        UsageError: The run is none of an audit.
    """
    try:
        return _audit(run)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(run, "audit", error) from error


def _audit(run: Run) -> Audit:
    told = run.measures
    findings = tuple(_finding(found, told["input_size"]) for found in told["findings"])
    right = sum(found.holds for found in findings)
    return Audit(
        run=run.folder.name,
        net=told["net"],
        findings=findings,
        common=told["common"] is not None,
        complete=told["complete"],
        given=number(run, "findings, counted", "hand-written formulas", len(findings)),
        right=number(run, "findings / holds, counted", "formulas that hold", right),
        wrong=number(run, "findings / not holds, counted", "formulas that do not", len(findings) - right),
        points=number(run, "points", "points of the proof", told["points"]),
    )


def _finding(told: Mapping[str, Any], input_size: int) -> Finding:
    pixels = input_size * (2 if told["size"] == "doubled" else 1)
    return Finding(
        pixels=f"{pixels} × {pixels}",
        expected=formula(told["expected"]),
        difference=formula(told["difference"]),
        **{name: told[name] for name in _KEPT},
    )
