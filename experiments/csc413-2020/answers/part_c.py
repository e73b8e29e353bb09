"""Answers to Part C of CSC413 2020, programming assignment 2: fine-tuning, and what it costs."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from cnnreport.kinds.costs import MODES
from cnnreport.report.answer import Answer, Runs
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, combine
from cnnreport.report.say import costs, fine_tuned
from cnnreport.report.say.segmentation_outcomes import saved

from ..depth import say as depth

TUNED = "fine-tune-cross-entropy"
RANDOM = "fine-tune-random"
COSTS = "fine-tuning-costs"
"""Declared by the report a2-writeup, whose question D.1 is the same: what it has run stands for this one."""

DEPTH = "depth-costs"
PEAKS = "depth-peaks"


def c1(runs: Runs) -> Answer:
    """Answer C1: the code that picks the parameters to learn and trains them."""
    return fine_tuned.parameters(runs[TUNED])


def c2(runs: Runs) -> Answer:
    """Answer C2: the net frozen, its last layer replaced and trained."""
    return fine_tuned.trained(runs[TUNED])


def c2more(runs: Runs) -> Answer:
    """Answer what C2 rests on: data, weights, measures, baselines and a control."""
    return fine_tuned.basis(runs[TUNED], runs[RANDOM])


def c3(runs: Runs) -> Answer:
    """Answer C3: predictions for training and validation images, and what is wrong with them."""
    return fine_tuned.predictions(runs[TUNED])


def c3more(runs: Runs) -> Answer:
    """Answer which images the fine-tuned net predicts best and worst."""
    return fine_tuned.ranked(runs[TUNED])


def c4(runs: Runs) -> Answer:
    """Answer C4: what fine-tuning all of n layers costs against the last one."""
    return _beside_real(depth.with_depth(runs[DEPTH]), runs)


def c4more(runs: Runs) -> Answer:
    """Answer C4 in full: every cost, its line and its formula, and the peak where the device tells it."""
    answer, peaks = c4(runs), depth.peaks(runs[PEAKS])
    return replace(
        answer,
        values={**peaks.values, **answer.values},
        decisions={**answer.decisions, **peaks.decisions},
        grids={**answer.grids, **peaks.grids},
        facts={**answer.facts, **peaks.facts},
    )


def c5(runs: Runs) -> Answer:
    """Answer C5: what changes with twice the height and width, and whether it does in the real net, too."""
    answer = _beside_real(depth.doubled(runs[DEPTH]), runs)
    with_area, fixed = (
        [answer.values[f"real_{mode}_{cost}_factor"].mean for mode in MODES]
        for cost in ("activations", "optimiser")
    )
    alike = all(abs(factor / depth.AREA - 1) <= costs.LIKE_AREA for factor in with_area)
    outcome = "alike" if alike and all(factor == 1 for factor in fixed) else "other"
    real = Decision(
        "whether activations of the real net grow with the area alone", outcome, ("alike", "other")
    )
    return replace(answer, decisions={**answer.decisions, "real": real})


def c4real(runs: Runs) -> Answer:
    """Answer what fine-tuning costs in the net of C1 to C3."""
    measured = costs.costs(runs[COSTS])
    return replace(measured, facts={**measured.facts, **saved(measured.values, measured.verdicts)})


def _beside_real(of_layers: Answer, runs: Runs) -> Answer:
    """Add what was measured on the net of C1 to C3, its numbers under names that begin with real."""
    real = c4real(runs)
    numbers = {**real.values, "operations_saved": _operations_saved(real.values)}
    return replace(
        of_layers,
        values={**of_layers.values, **{f"real_{name}": each for name, each in numbers.items()}},
        facts=real.facts,
    )


def _operations_saved(values: Mapping[str, Quantity]) -> Quantity:
    passes = (values[f"{mode}_{way}"] for mode in ("all", "last") for way in ("forward", "backward"))
    return combine(
        f"{COSTS}.operations_saved",
        "operations of an update of the real net, all layers over the last",
        "({} + {}) / ({} + {})",
        lambda forward, backward, last_forward, last_backward: (
            (forward + backward) / (last_forward + last_backward)
        ),
        *passes,
        form="factor",
    )


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "c1": c1,
    "c2": c2,
    "c2more": c2more,
    "c3": c3,
    "c3more": c3more,
    "c4": c4,
    "c4more": c4more,
    "c4real": c4real,
    "c5": c5,
    "c5more": c5,
}
