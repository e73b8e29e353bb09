"""A2 of the 2020 report: what grey levels tell of colours, fitted here pixel by pixel."""

import math
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from cnnreport import modules
from cnnreport.errors import DataError
from cnnreport.project import PACKAGE

COLOURS = 3


def module(name: str) -> Any:
    """A module of the report's folder."""
    modules.enter(PACKAGE.parent)
    return modules.load(f"experiments.csc413-2020.greys.{name}")


def data(slopes: list[float]) -> dict[str, Any]:
    """Pixels whose colour goes with their grey, but not always, and a last layer with such slopes."""
    generator = np.random.default_rng(0)
    made: dict[str, Any] = {}
    for part, count in (("train", 6), ("validation", 3)):
        grey = generator.integers(0, 256, (count, 8, 8))
        noisy = np.clip(grey + generator.normal(0, 60, grey.shape), 0, 255)
        made[f"{part}_rgb"] = np.repeat(grey[:, None], 3, axis=1).astype(np.uint8)
        made[f"{part}_label"] = (noisy * COLOURS // 256).astype(np.uint8)
    kernel = np.zeros((COLOURS, 2, 3, 3), np.float32)
    kernel[:, -1] = np.array(slopes, np.float32)[:, None, None] / 9
    return {**made, "weights.block6.weight": kernel}


def measures(slopes: list[float]) -> dict[str, Any]:
    """What the task leaves."""
    spec = module("spec").Greys(num_colours=COLOURS)
    left: dict[str, Any] = module("task").GreysTask(spec, 0, data(slopes), "cpu").results().measures
    return left


def pixels(part: str) -> tuple[Any, Any]:
    """The greys, (n, 1), and the colours, (n,), of single pixels."""
    made = data([0.0] * COLOURS)
    return made[f"{part}_rgb"][:, 0].reshape(-1, 1) / 256, made[f"{part}_label"].ravel()


def free_loss() -> float:
    """The validation loss of scikit-learn's logistic regression on single pixels, without a penalty."""
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(*pixels("train"))
    return float(log_loss(pixels("validation")[1], model.predict_proba(pixels("validation")[0])))


def flat_loss(span: float) -> float:
    """The same where slopes lie in ±span / 2, by projected gradient descent on single pixels."""
    (grey, label), bias, slope = pixels("train"), np.zeros(COLOURS), np.zeros(COLOURS)
    for _ in range(3000):
        off = probabilities(grey, bias, slope) - np.eye(COLOURS)[label]
        bias = bias - off.mean(0)
        slope = np.clip(slope - (off * grey).mean(0), -span / 2, span / 2)
    grey, label = pixels("validation")
    return float(log_loss(label, probabilities(grey, bias, slope)))


def probabilities(grey: Any, bias: Any, slope: Any) -> Any:
    """The softmax of bias + slope grey, (n, COLOURS)."""
    powers = np.exp(bias + slope * grey)
    return powers / powers.sum(1, keepdims=True)


def test_linear_scores_are_the_best_ones() -> None:
    """Free, and with slopes that differ by no more than those of the net."""
    left = measures([1.0, -2.0, 0.5])
    assert left["net_span"] == pytest.approx(3.0)
    assert left["linear_loss"] == pytest.approx(free_loss(), abs=1e-4)
    assert left["flat_loss"] == pytest.approx(flat_loss(3.0), abs=1e-4)
    assert left["linear_span"] > 3.0


def test_the_table_has_frequencies_with_one_added() -> None:
    """Counted pixel by pixel."""
    seen, left = data([0.0, 1.0, 2.0]), measures([0.0, 1.0, 2.0])
    counts = [[1] * COLOURS for _ in range(256)]
    for grey, label in zip(seen["train_rgb"][:, 0].flat, seen["train_label"].flat, strict=True):
        counts[grey][label] += 1
    asked = list(zip(seen["validation_rgb"][:, 0].flat, seen["validation_label"].flat, strict=True))
    losses = [-math.log(counts[grey][label] / sum(counts[grey])) for grey, label in asked]
    assert left["table_loss"] == pytest.approx(math.fsum(losses) / len(losses))
    right = [counts[grey].index(max(counts[grey])) == label for grey, label in asked]
    assert left["table_accuracy"] == pytest.approx(sum(right) / len(right))


def test_weights_that_are_not_finite_leave_nulls() -> None:
    """What does not depend on them is there all the same."""
    left = measures([math.nan, 1.0, 2.0])
    assert [left[name] for name in ("net_span", "flat_loss", "flat_accuracy")] == [None] * 3
    assert math.isfinite(left["linear_loss"])


def test_without_the_layer_it_is_said_what_to_do() -> None:
    """By its name."""
    spec = module("spec").Greys(num_colours=COLOURS, layer="block7.weight")
    with pytest.raises(DataError, match=r"no weights of block7\.weight"):
        module("task").GreysTask(spec, 0, data([0.0] * COLOURS), "cpu")
