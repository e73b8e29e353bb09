"""C4 and C5 of the 2020 report: what is said of n equal layers, whatever was measured."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from composed import prose_of
from fake_depth import DEPTHS, Cost, fake_depth, fake_peaks
from fake_segmentations import fake_costs
from sentences import outcomes

from cnnreport import modules
from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.answer import Answer
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

REPORT = "csc413-2020"
Golden = Callable[[str, str], None]


def module(name: str) -> Any:
    """A module of the report's folder."""
    modules.enter(PACKAGE.parent)
    return modules.load(f"experiments.{REPORT}.depth.{name}")


def answered(root: Path, part: str = "with_depth", **changed: Cost) -> Answer:
    """What is said of a fake run with some costs of its own."""
    answer: Answer = getattr(module("say"), part)([fake_depth(root, **changed)])
    return answer


def fitted(root: Path, forward: Cost) -> Any:
    """The line through the forward passes of a fake run."""
    say = module("say")
    runs = [fake_depth(root, all_forward_flops=forward)]
    return say.lines(runs, say.numbers(runs))["all_forward"]


# The lines.


@pytest.mark.parametrize(
    ("forward", "course"),
    [
        (lambda n, p: 7, "constant"),
        (lambda n, p: 3 * n + 10**15, "rising"),
        (lambda n, p: 50 - n, "falling"),
        (lambda n, p: n * n, "curved"),
        (lambda n, p: 10**15 + (n == 8), "curved"),
    ],
)
def test_a_cost_lies_on_a_line_exactly_or_on_none(root: Path, forward: Cost, course: str) -> None:
    """One operation too many in a million billions is seen."""
    assert fitted(root, forward).course.outcome == course


def test_a_line_is_that_of_least_squares(root: Path) -> None:
    """Slope and intercept are those that numpy finds, for points that lie on no line."""
    line = fitted(root, lambda n, p: n * n + 5 * (n == 4))
    slope, intercept = np.polyfit(DEPTHS, [n * n + 5 * (n == 4) for n in DEPTHS], 1)
    assert (line.slope.mean, line.intercept.mean) == pytest.approx((slope, intercept))


# The numbers of C4 and C5, counted again.


def test_the_totals_are_sums_of_what_was_measured(root: Path) -> None:
    """Memory is weights, activations, gradients and Adam's moments; operations are both passes."""
    values = answered(root).values
    layer, values_of_a_layer = 4 * 4 * 9 + 4, 4 * 2 * 4 * 64
    loss = values_of_a_layer + 16 * 64 + 4
    assert values["all_memory_8"].mean == 8 * (16 * layer + 8) + 8 * values_of_a_layer + loss
    assert values["last_memory_8"].mean == 8 * 4 * layer + 12 * layer + 8 + values_of_a_layer + loss
    one_pass = 2 * 9 * 4 * 4 * 2 * 64
    assert values["all_operations_8"].mean == (8 + 15) * one_pass
    assert values["last_operations_8"].mean == (8 + 1) * one_pass


def test_all_layers_take_at_most_three_times_the_operations(root: Path) -> None:
    """(3n − 1) / (n + 1) of n equal layers, and three of each layer more."""
    answer = answered(root)
    for n in DEPTHS:
        saved = Fraction(3 * n - 1, n + 1)
        assert answer.values[f"operations_saved_{n}"].mean == pytest.approx(float(saved))
    assert answer.values["operations_limit"].mean == 3
    assert answer.decisions["limit_operations"].outcome == "limit"


def test_without_a_slope_of_the_last_layer_there_is_no_limit(root: Path) -> None:
    """Where the last layer's operations do not grow with n, all layers cost ever more times as much."""
    answer = answered(root, last_forward_flops=lambda n, p: 9)
    assert answer.decisions["limit_operations"].outcome == "grows"
    curved = answered(root, last_forward_flops=lambda n, p: n * n)
    assert curved.decisions["limit_operations"].outcome == "none"


def test_twice_the_size_is_judged_at_every_depth(root: Path) -> None:
    """One net that does otherwise is enough for the text not to speak of all."""
    usual = answered(root, "doubled").decisions
    assert (usual["area"].outcome, usual["fixed"].outcome) == ("all", "all")
    other = answered(
        root,
        "doubled",
        all_forward_flops=lambda n, p: p * n if n != 16 else n,
        last_gradient_bytes=lambda n, p: n if n != 2 else p,
    ).decisions
    assert (other["area"].outcome, other["fixed"].outcome) == ("some", "some")


# The formulas, added up.


@pytest.mark.parametrize(("part", "pixels"), [("with_depth", 64), ("doubled", 256)])
def test_the_summed_formulas_give_what_was_measured(root: Path, part: str, pixels: int) -> None:
    """At every depth, for both modes, read as Python reads what is printed in words."""
    answer = answered(root, part)
    side = int(pixels**0.5) if part == "with_depth" else int(pixels**0.5) // 2
    end = "" if part == "with_depth" else "_large"
    letters = {letter: sympy.Symbol(letter) for letter in "kBCHWn"}
    for total, by in answer.parts["sums"].items():
        for mode, formula in by.items():
            code = formula.words.replace(" squared", "**2").replace("times", "*").replace("plus", "+")
            code = re.sub(r"(?<=[\w2]) (?=[kBCHWn])", " * ", code.replace("minus", "-"))
            for n in DEPTHS:
                numbers = {"k": 3, "B": 2, "C": 4, "H": side, "W": side, "n": n}
                counted = int(sympy.sympify(code, locals=dict(letters)).subs(numbers))
                assert counted == answer.values[f"{mode}_{total}_{n}{end}"].mean, (total, mode, code)


def test_a_formula_that_is_no_polynomial_is_refused() -> None:
    """With what is wrong in it."""
    with pytest.raises(UsageError, match=r"'n / 2', which is no sum or product of k, B, C, H, W, n"):
        module("sums").added(["4*C + n/2"])


# The words.

CONTRADICTING: dict[str, dict[str, Cost]] = {
    "the frozen layers keep as much and are not computed": {
        "last_activation_bytes": lambda n, p: 32 * p * n,
        "last_forward_flops": lambda n, p: 500 * p,
    },
    "all layers cost the same at every depth": {
        "all_activation_bytes": lambda n, p: 64 * p,
        "all_gradient_bytes": lambda n, p: 600,
        "all_optimiser_bytes": lambda n, p: 1200,
        "all_backward_flops": lambda n, p: 9 * p,
    },
    "deeper nets are cheaper": {
        "all_activation_bytes": lambda n, p: 10**7 - 20_000 * n,
        "all_backward_flops": lambda n, p: 10**7 - 20_000 * n,
    },
    "nothing is a line": {
        "all_activation_bytes": lambda n, p: p * n * n,
        "last_activation_bytes": lambda n, p: p * n * n + 1,
        "all_forward_flops": lambda n, p: p * n * n,
        "last_forward_flops": lambda n, p: p * n * n,
        "last_backward_flops": lambda n, p: p * n**3,
    },
}

LIMITS: dict[str, dict[str, Cost]] = {
    "the last layer costs the same at every depth": {
        "weight_bytes": lambda n, p: 9,
        "last_forward_flops": lambda n, p: 9,
    },
}

DOUBLED: dict[str, dict[str, Cost]] = {
    "some grow otherwise": {"all_activation_bytes": lambda n, p: n, "all_gradient_bytes": lambda n, p: p * n},
    "all grow otherwise": {
        **dict.fromkeys(
            [f"{mode}_{what}" for mode in ("all", "last") for what in ("gradient_bytes", "optimiser_bytes")],
            lambda n, p: p * n,
        ),
        "weight_bytes": lambda n, p: p * n,
        **dict.fromkeys(
            [
                f"{mode}_{what}"
                for mode in ("all", "last")
                for what in ("activation_bytes", "forward_flops", "backward_flops")
            ],
            lambda n, p: n * int(p**0.5),
        ),
    },
}


def said(project: Project, root: Path, section: str, **changed: Cost) -> str:
    """What a section says of a fake run."""
    runs: list[Run] = [fake_depth(root, **changed), fake_costs(root), fake_peaks(root)]
    return prose_of(project, runs, section, report=REPORT)


@pytest.mark.parametrize(
    ("section", "others"),
    [("c4", CONTRADICTING), ("c4more", LIMITS), ("c5", DOUBLED), ("c5more", {})],
)
def test_what_is_said(
    project: Project, root: Path, golden: Golden, section: str, others: dict[str, dict[str, Cost]]
) -> None:
    """The text follows the measured numbers, also where they contradict what one expects."""
    usual = said(project, root, section)
    golden(f"2020-{section}", usual)
    if others:
        told = {what: said(project, root, section, **changed) for what, changed in others.items()}
        golden(f"2020-{section}-outcomes", outcomes(usual, told))


def test_peaks_are_said_where_the_device_told_them(project: Project, root: Path, golden: Golden) -> None:
    """All, some or none of them; what was not told is no number."""

    def told(peaks: int) -> str:
        runs: list[Run] = [fake_depth(root), fake_costs(root), fake_peaks(root, peaks)]
        return prose_of(project, runs, "c4more", report=REPORT)

    golden("2020-c4more-peaks", told(12).partition("operations of the two passes.")[2])
    usual = told(0)
    golden("2020-c4more-peaks-outcomes", outcomes(usual, {"all are told": told(12), "one is told": told(1)}))
