"""What an audit of hand-written formulas found, read from its run."""

from dataclasses import dataclass

from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas.derived import Formula
from cnnreport.report.say.formulas.measures import Place, number, whole
from cnnreport.runs.artefact import Run


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
        slips: What may have happened, as clauses: one where one slip explains all that is wrong.
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
    slips: tuple[str, ...]
    given: Quantity
    right: Quantity
    wrong: Quantity
    points: Quantity

    @property
    def conventions(self) -> tuple[tuple[str, str, str], ...]:
        """Each convention that judges a formula once: what it counts, its name, its sentence."""
        named = ((finding.quantity, finding.convention, finding.sentence) for finding in self.findings)
        return tuple(dict.fromkeys(named))


def audit(run: Run) -> Audit:
    """Read what an audit left.

    Raises:
        UsageError: The run is none of an audit.
    """
    at = whole(run)
    size = at["input_size"].read(int)
    findings = tuple(_finding(entry, size) for entry in at["findings"].entries)
    right = sum(finding.holds for finding in findings)
    return at.read(
        Audit,
        run=run.folder.name,
        findings=findings,
        common=at["common"].value is not None,
        given=number(run, "findings, counted", "hand-written formulas", len(findings)),
        right=number(run, "findings / holds, counted", "formulas that hold", right),
        wrong=number(run, "findings / not holds, counted", "formulas that do not", len(findings) - right),
        points=at["points"].number("points of the proof"),
    )


def _finding(at: Place, input_size: int) -> Finding:
    pixels = input_size * (2 if at["size"].read(str) == "doubled" else 1)
    return at.read(Finding, pixels=f"{pixels} × {pixels}")
