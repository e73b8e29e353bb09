"""Question B4 as a task: paddings derived, tried on PyTorch's modules, and seen in a real net.

Source: handout of CSC413 2021, programming assignment 2, question B4 and Figure 1b.
"""

from collections.abc import Sequence
from typing import Any

import sympy

from cnnreport.formula import phrase
from cnnreport.formula.paddings.check import verify_figure
from cnnreport.formula.paddings.general import Case, Statement, general
from cnnreport.formula.paddings.live import LiveCheck, check, figure_shapes
from cnnreport.formula.paddings.solve import (
    DILATION,
    SIZE_IN,
    SIZE_OUT,
    STRIDE,
    K,
    Kind,
    Solution,
    solve_figure,
)
from cnnreport.formula.paddings.words import condition, equals, equation, expression
from cnnreport.formula.spec import Paddings
from cnnreport.formula.tasks import SymbolicTask

LIVE = ("images", "steps", "num_filters", "num_colours")
"""What a report says of the live check, by the names of the spec."""


class PaddingTask(SymbolicTask):
    """Derives which paddings keep the shapes of Figure 1b, and checks them on real modules and a real net."""

    _spec: Paddings

    def derive(self) -> dict[str, Any]:
        """Return equations, conditions, the paddings for each kernel size, and what the checks saw.

        Raises:
            UsageError: A kernel size or the size of the pictures is out of range.
            VerificationError: A module, or the net, does not do what was derived.
        """
        spec = self._spec
        # Beyond the kernel sizes that are asked for, since the general statement speaks of all.
        tried, sizes = range(1, 2 * max(spec.kernels)), (spec.size, 2 * spec.size)
        solutions = [solution for kernel in spec.kernels for solution in solve_figure(kernel, spec.size)]
        return {
            "net": spec.net.rpartition(":")[2],
            "points": verify_figure(tried, sizes),
            "tried": {"largest_kernel": max(tried), "sizes": list(sizes)},
            "equations": {kind: {"size": equation(kind), "solved": condition(kind, {})} for kind in Kind},
            "groups": [_group(statement, solutions) for statement in general()],
            "figure": [phrase.shape(shape) for shape in figure_shapes(spec)],
            "live": {name: getattr(spec, name) for name in LIVE},
            "checks": [_check(check(spec, kernel)) for kernel in spec.kernels],
        }


def _group(statement: Statement, solutions: Sequence[Solution]) -> dict[str, Any]:
    """Return what is known of the layers that one statement speaks of."""
    known = {
        SIZE_IN: statement.size_in,
        SIZE_OUT: statement.size_out,
        STRIDE: statement.stride,
        DILATION: statement.dilation,
    }
    shown = statement.layers[0]  # one stands for all, since each agrees with the statement (verify_general)
    return {
        "layers": list(statement.layers),
        "kind": statement.kind,
        "given": equals(H=statement.size_in, O=statement.size_out, s=statement.stride, d=statement.dilation),
        "condition": condition(statement.kind, known),
        "padding": _optional(statement.padding),
        "output_padding": _output_padding(statement.kind, statement.output_padding),
        "odd": _case(statement, statement.odd, known),
        "even": _case(statement, statement.even, known),
        "settings": [_setting(solution, known) for solution in solutions if solution.layer.name == shown],
    }


def _case(statement: Statement, case: Case, known: dict[sympy.Symbol, Any]) -> dict[str, Any]:
    """Return the answer for odd or for even kernel sizes."""
    return {
        "kernel": equals(k=case.kernel),
        "condition": condition(statement.kind, {**known, K: case.kernel}),
        "padding": _optional(case.padding),
        "output_padding": _output_padding(statement.kind, case.output_padding),
        "uneven": None if case.uneven is None else [expression(zeros) for zeros in case.uneven],
    }


def _setting(solution: Solution, known: dict[sympy.Symbol, Any]) -> dict[str, Any]:
    """Return the answer for one kernel size; the statement says that there is one at most."""
    kind = solution.layer.kind
    setting = solution.settings[0] if solution.settings else None
    return {
        "kernel": solution.kernel,
        "condition": condition(kind, {**known, K: solution.kernel}),
        "padding": setting.padding if setting else None,
        "output_padding": setting.output_padding if setting and kind is Kind.TRANSPOSED else None,
        "uneven": None if solution.uneven is None else list(solution.uneven),
        "nearest": [list(pair) for pair in solution.nearest],
    }


def _optional(value: sympy.Expr | None) -> dict[str, Any] | None:
    return None if value is None else expression(value)


def _output_padding(kind: Kind, value: sympy.Expr | None) -> dict[str, Any] | None:
    return _optional(value) if kind is Kind.TRANSPOSED else None


def _check(seen: LiveCheck) -> dict[str, Any]:
    return {
        "kernel": seen.kernel,
        "modules": list(seen.modules),
        "passed": list(seen.passed),
        "shapes": [phrase.shape(shape) for shape in seen.shapes],
        "loss_before": seen.before,
        "loss_after": seen.after,
    }
