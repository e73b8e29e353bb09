"""What adl-2022 finds in its runs beside what every training says: changes, mistakes, states."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_lungs import trial as lung_trial
from fake_signs import NORMED, SGD, trials
from scipy import stats

from cnnreport import modules
from cnnreport.project import PACKAGE
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.say import training
from cnnreport.report.say.formulas.derived import Derivation, Layer, Letter, Proof, Shape

PLACE = "experiments.adl-2022.findings"
WAYS = {f"test_accuracy_{way}": way for way in ("shuffled", "sorted", "reestimated")}


def found(name: str) -> Any:
    """A function of the findings, by its module and its own name."""
    modules.enter(PACKAGE.parent)  # a test before may have entered another project
    return modules.attribute(f"{PLACE}.{name}")


def accuracies(name: str, values: tuple[float, ...]) -> Quantity:
    """A quantity of one value for each trial."""
    return Quantity(
        f"signs.{name}", name, dict(enumerate(values)), "share", Source(("run",), "measures.json", name)
    )


def test_changes_are_tested_over_trials_and_corrected() -> None:
    """The p of a change is that of a paired t test, times its place among the three as Holm has it."""
    plain = np.array([0.92, 0.93, 0.925, 0.94, 0.91])
    moved = {
        "shuffled": plain + np.array([0.005, 0.004, 0.008, 0.003, 0.006]),
        "sorted": plain - np.array([0.05, 0.06, 0.055, 0.04, 0.07]),
        "reestimated": plain + np.array([0.004, -0.001, 0.003, 0.0, 0.002]),
    }
    values = {f"test_accuracy_{way}": accuracies(way, tuple(each)) for way, each in moved.items()}
    made = found("changes:changes")(
        {**values, "test_accuracy": accuracies("evaluation mode", tuple(plain))}, WAYS
    )
    raw = {way: stats.ttest_rel(each, plain).pvalue for way, each in moved.items()}
    for times, way in zip((3, 2, 1), sorted(raw, key=lambda way: raw[way]), strict=True):
        assert made[f"test_accuracy_{way}"].adjusted.mean == pytest.approx(times * raw[way])
    assert [each.outcome for each in made.values()] == ["above", "below", "undecided"]


def test_a_shift_that_correction_takes_away_is_not_clear() -> None:
    """A change whose own p is below 5 % is undecided where the corrected one is not."""
    same, plain = (0.9, 0.9, 0.9), np.array([0.9, 0.91, 0.92])
    shifts = plain + np.array([0.010, 0.014, 0.020])
    assert 0.025 < stats.ttest_rel(shifts, plain).pvalue < 0.05
    values = {name: accuracies(name, tuple(shifts)) for name in WAYS}
    made = found("changes:changes")({**values, "test_accuracy": accuracies("plain", tuple(plain))}, WAYS)
    assert {each.outcome for each in made.values()} == {"undecided"}
    alike = {name: accuracies(name, same) for name in WAYS}
    made = found("changes:changes")({**alike, "test_accuracy": accuracies("plain", same)}, WAYS)
    assert {each.outcome for each in made.values()} == {"same"}


def test_where_a_mask_is_wrong(root: Path) -> None:
    """Pixels are counted at the edge up to two from the outline, and as missed where they are lung."""
    run = lung_trial(root, "bilinear", 0, 0.97)
    kept = {name: array.copy() for name, array in run.samples().items()}
    truth, predicted = np.zeros((2, 16, 16), np.uint8)
    truth[4:12, 4:12] = predicted[4:12, 4:12] = 1
    predicted[4:12, 12] = 1  # a column too many, at the edge: 8 pixels
    predicted[7:9, 7:9] = 0  # a hole of 4 pixels, three and more from outside
    kept["shown_mask"][2], kept["shown_predicted"][2] = truth, predicted
    errors = found("mask_errors:mask_errors")(replaced(run, kept))
    assert errors["near_worst"].mean == pytest.approx(8 / 12)
    assert errors["missed_worst"].mean == pytest.approx(4 / 12)


def replaced(run: Any, kept: dict[str, Any]) -> Any:
    """The same run with other arrays."""

    class Other(type(run)):  # type: ignore[misc]
        def samples(self) -> dict[str, Any]:
            return kept

    return Other(**{name: getattr(run, name) for name in run.__dataclass_fields__})


def test_the_worst_classes_are_those_with_the_fewest_correct(root: Path) -> None:
    """Classes are named by their own share of the diagonal; the last class of the fake runs has no error."""
    worst = found("sign_errors:worst_classes")(trials(root, NORMED, 0.9))
    assert [each.correct.mean for each in worst] == [pytest.approx(80 / 85)] * 3


def test_states_are_judged_by_the_interval(root: Path) -> None:
    """An accuracy whose interval reaches that of guessing is not better than guessing."""
    near, far = trials(root, SGD, 0.026, loss=(3.76, 3.75)), trials(root, NORMED, 0.9)
    values = training.numbers(near)["test_accuracy"]
    assert values.interval is not None
    assert values.interval[0] < 1 / 43 < values.mean
    made = found("states:states")({"near": near, "far": far})
    assert [each.state.outcome for each in made] == ["guessing", "learning"]


def test_sides_are_those_of_the_trace_and_their_values() -> None:
    """Each side stands once where it stays, with its value for the letter."""
    h = Quantity("h", "h", {0: 7.0}, "count", Source((), "", "h"))
    letter = Letter("h", h, h, (4, 5))
    shapes = [Shape(text, text, text) for text in ("3 × 4h × 4h", "64 × (4h − 4) × (4h − 4)", "43")]
    proof = Proof((letter,), h, h, h, None)
    layers = [found_layer(shape) for shape in (shapes[1], shapes[1], shapes[2])]
    net = replace(Derivation("run", "Net", shapes[0], None, (), (), {}, proof), layers=tuple(layers))
    sides = found("sides:sides")(net)
    assert [(side.text, side.value.mean) for side in sides] == [("4h", 28), ("4h − 4", 24)]


def found_layer(output: Shape) -> Layer:
    """A layer that gives a shape."""
    return Layer("conv", "Conv2d", "convolution", (-1,), (), output, {})
