"""Derivations and audits as tasks, so that what they find is a run like any other."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnnreport.formula import phrase, target
from cnnreport.formula.audit import judge
from cnnreport.formula.audit.claims import Claims
from cnnreport.formula.convention import CHOICES, QUANTITIES, Choice, find, total
from cnnreport.formula.proof.prove import Proof, prove
from cnnreport.formula.spec import Formulas, HandWritten
from cnnreport.formula.symbols import Count, Shape, symbol
from cnnreport.formula.tracing.derive import Derivation, Layer, derive
from cnnreport.task import Results, Row

if TYPE_CHECKING:
    import numpy as np
    import torch

CELL = 22
"""Characters of a formula after which a table of the report breaks its line."""

LINE = 64
"""The same for a formula on a line of its own."""


class SymbolicTask(ABC):
    """A task of one epoch, in which something is derived; there is no state to keep."""

    epochs = 1

    def __init__(self, spec: Any, seed: int, data: Mapping[str, "np.ndarray[Any, Any]"], device: str) -> None:
        self._spec = spec

    def run_epoch(self) -> Row:
        """Derive, and return how many points prove it."""
        return {"points": float(self._measures["points"])}

    def state(self) -> dict[str, "torch.Tensor"]:
        """Return nothing: what was derived is derived again in a second."""
        return {}

    def restore(self, state: Mapping[str, "torch.Tensor"]) -> None:  # noqa: B027 - there is no state
        """Take nothing up."""

    def results(self) -> Results:
        """Return the formulas as measures, and the source of the net."""
        net = target.resolve(self._spec.net)
        return Results(measures=self._measures, listings={net.__name__: inspect.getsource(net)})

    @cached_property
    def _measures(self) -> dict[str, Any]:
        return self.derive()

    @abstractmethod
    def derive(self) -> dict[str, Any]:
        """Return the measures of the run."""


class FormulasTask(SymbolicTask):
    """Derives a net's counts for an input, and for twice its size where that is asked for; proves them."""

    _spec: Formulas

    def derive(self) -> dict[str, Any]:
        """Return the table of layers, the totals under several conventions, and the proof."""
        size = target.read_size(",".join(self._spec.input))
        derivation = derive(target.resolve(self._spec.net), size=size)
        doubled = derivation.doubled() if self._spec.doubled else None
        proof = prove(derivation, *([doubled] if doubled else []))
        convention = find(self._spec.convention)
        others = doubled.layers if doubled else [None] * len(derivation.layers)
        return {
            "net": derivation.name,
            "points": proof.points,
            "counts": proof.counts,
            "proof": _proof(proof, derivation),
            "input": _shape(derivation.input),
            "input_doubled": _shape(doubled.input) if doubled else None,
            "numbers": dict(self._spec.numbers),
            "convention": {
                "name": convention.name,
                **{quantity: getattr(convention, quantity).name for quantity in QUANTITIES},
            },
            "layers": [
                _layer(one, other, convention) for one, other in zip(derivation.layers, others, strict=True)
            ],
            "totals": [
                _total(quantity, choice, derivation, doubled, dict(self._spec.numbers))
                for quantity, choices in CHOICES.items()
                for choice in choices
            ],
        }


class AuditTask(SymbolicTask):
    """Audits hand-written formulas."""

    _spec: HandWritten

    def derive(self) -> dict[str, Any]:
        """Return what the audit found, formula by formula."""
        claims = Claims(
            self._spec.net, self._spec.input_size, dict(self._spec.original), dict(self._spec.doubled)
        )
        audit = judge.audit(claims)
        content = audit.to_json()
        for finding, plain in zip(audit.findings, content["findings"], strict=True):
            plain["expected"] = formula(finding.expected, LINE)
            plain["difference"] = formula(finding.difference, LINE)
        return {"net": claims.net.rpartition(":")[2], **content}


def _proof(proof: Proof, derivation: Derivation) -> dict[str, Any]:
    return {
        "grid": {name: list(values) for name, values in proof.grid.items()},
        "degrees": dict(proof.degrees),
        "largest_kernel": derivation.largest_kernel(padding_counts=False),
    }


def _layer(layer: Layer, doubled: Layer | None, convention: Any) -> dict[str, Any]:
    def counts(of: Layer) -> dict[str, Any]:
        return {quantity: formula(convention.count(quantity, of), CELL) for quantity in QUANTITIES}

    return {
        "path": layer.path,
        "type": layer.type,
        "kind": layer.kind,
        "sources": list(layer.sources),
        "inputs": [_shape(shape) for shape in layer.inputs],
        "output": _shape(layer.output),
        "output_doubled": _shape(doubled.output) if doubled else None,
        **counts(layer),
        "doubled": counts(doubled) if doubled else None,
    }


def _total(
    quantity: str,
    choice: Choice,
    derivation: Derivation,
    doubled: Derivation | None,
    numbers: Mapping[str, int],
) -> dict[str, Any]:
    one, other = total(choice, derivation), total(choice, doubled) if doubled else None
    return {
        "quantity": quantity,
        "name": choice.name,
        "sentence": choice.sentence,
        "original": formula(one, LINE),
        "doubled": None if other is None else formula(other, LINE),
        "factor": None if other is None else _factor(one, other, numbers),
        "value": evaluate(one, numbers),
        "value_doubled": None if other is None else evaluate(other, numbers),
    }


def _factor(one: Count, other: Count, numbers: Mapping[str, int]) -> int | None:
    """Return by how much doubling multiplies a count, None where that depends on the letters."""
    import sympy

    if one == 0:
        return 1
    if below := evaluate(one, numbers):
        # A factor of all counts is that of these; whether it is one is told much sooner than by dividing.
        factor, rest = divmod(evaluate(other, numbers), below)
        return factor if rest == 0 and sympy.expand(other - factor * one) == 0 else None
    ratio = sympy.cancel(sympy.sympify(other) / one)
    return int(ratio) if ratio.is_Integer else None


def formula(count: Count, width: int) -> dict[str, Any]:
    """Return a count as a report prints it: LaTeX in lines of at most some width, and words."""
    return {
        "latex": phrase.latex_lines(count, width),
        "words": phrase.words(count),
        "code": phrase.code(count),
        "zero": count == 0,
    }


def evaluate(count: Count, numbers: Mapping[str, int]) -> int:
    """Return the value of a count for some numbers."""
    return count if isinstance(count, int) else int(count.subs({symbol(n): v for n, v in numbers.items()}))


def _shape(shape: Shape) -> dict[str, str]:
    if not shape:
        return {"text": "", "latex": "", "words": ""}
    return {
        "text": phrase.shape(shape),
        "latex": phrase.shape_latex(shape),
        "words": phrase.shape_words(shape),
    }
