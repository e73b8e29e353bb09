"""What the smallest real task of every kind leaves is what its kind declares, name by name."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from flower_data import flower_data, with_features
from numpy.typing import NDArray
from small_classes import small_classes
from torch import nn

import cnnreport.kinds
from cnnreport.formula.spec import Capacity, Comparison, Formulas, HandWritten, Paddings, Phases, Reading
from cnnreport.kinds import kind as kinds
from cnnreport.kinds.kind import Kind
from cnnreport.nets import deeplab
from cnnreport.training.specs.classification import Classification
from cnnreport.training.specs.colourization import Colourization
from cnnreport.training.specs.costs import FineTuningCosts
from cnnreport.training.specs.segmentation import Features, FineTuning, Pretraining

Data = Mapping[str, NDArray[Any]]

POOL = "cnnreport.nets.colourization:PoolUpsampleNet"
TRANSPOSED = "cnnreport.nets.colourization:ConvTransposeNet"
TINY = f"{__name__}:Tiny"
INPUT = ("NIC", "32", "32")
NUMBERS = (("NIC", 1), ("NF", 2), ("k", 3))
READING = Reading("a tool", "1", "count()", "weights", "All.", 100, (("convolution", 100),), "learnable")


class Tiny(nn.Module):
    """One convolution, whose counts are derived in no time."""

    def __init__(self, kernel: int, num_in_channels: int, num_filters: int) -> None:
        super().__init__()
        self.only = nn.Conv2d(num_in_channels, num_filters, kernel, padding=kernel // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, NIC, H, W) to (N, NF, H, W)."""
        result: torch.Tensor = self.only(x)
        return result


def no_data() -> Data:
    """Nothing, as derivations take it."""
    return {}


def coloured() -> Data:
    """Four images of 8 x 8 in three colours for training, four for validation."""
    generator = np.random.default_rng(0)
    rgb = generator.integers(0, 256, (4, 3, 8, 8), np.uint8)
    label = generator.integers(0, 3, (4, 8, 8), np.uint8)
    halves = {f"{half}_rgb": rgb for half in ("train", "validation")}
    labels = {f"{half}_label": label for half in ("train", "validation")}
    return {**halves, **labels, "palette": generator.random((3, 3)).astype(np.float32)}


def scenes() -> Data:
    """Two scenes of two kinds of things for training, two for validation."""
    rgb = np.zeros((2, 3, 64, 64), np.uint8)
    classes = np.zeros((2, 64, 64), np.uint8)
    classes[:, 32:] = 1
    halves = {f"{half}_rgb": rgb for half in ("train", "validation")}
    labels = {f"{half}_class": classes for half in ("train", "validation")}
    return {**halves, **labels, "kinds": np.arange(2)}


SMALLEST: tuple[tuple[Any, Callable[[], Data]], ...] = (
    (Colourization(POOL, num_filters=2, num_colours=3, epochs=1, batch_size=2), coloured),
    (Classification("small_classes:SmallNet", "", 3, epochs=1, batch_size=10), small_classes),
    (Features(), flower_data),
    (FineTuning("cross-entropy", epochs=1, batch_size=4), lambda: with_features(flower_data())),
    (Pretraining(deeplab.SMALL, epochs=1, batch_size=2, crop=32), scenes),
    (FineTuningCosts(deeplab.SMALL, image_size=32), no_data),
    (Formulas(TINY, INPUT, NUMBERS), no_data),
    (HandWritten(TINY, 32, (("weights", "k"),), (("weights", "k"),)), no_data),
    (Comparison(TINY, INPUT, NUMBERS, (READING,)), no_data),
    (Paddings(TRANSPOSED, (3, 5), 1, 2, 3, size=8, images=1), no_data),
    (Phases(TRANSPOSED, POOL), no_data),
    (Capacity(TINY, INPUT, NUMBERS), no_data),
)
"""A spec of each kind, and data for it."""


SLOW = {FineTuningCosts}
"""Specs whose smallest run takes more than a few seconds."""


@pytest.mark.parametrize(
    ("spec", "data"),
    [
        pytest.param(
            spec, data, id=type(spec).__name__, marks=[pytest.mark.slow] if type(spec) in SLOW else []
        )
        for spec, data in SMALLEST
    ],
)
def test_a_real_task_leaves_what_its_kind_declares(spec: Any, data: Callable[[], Data]) -> None:
    """History, measures and samples have the declared names and no others, and numbers are numbers."""
    module, _, name = spec.task.partition(":")
    task = getattr(importlib.import_module(module), name)(spec, 0, data(), "cpu")
    row = task.run_epoch()
    for _ in range(1, task.epochs):
        task.run_epoch()
    results, kind = task.results(), kinds.load(spec.kind)
    assert set(row) == set(kind.declared("history"))
    assert set(results.measures) == set(kind.declared("measures"))
    assert set(results.samples) == set(kind.declared("samples"))
    numbers = {**row, **{field: results.measures[field] for field in kind.fields("measures")}}
    assert {name for name, value in numbers.items() if not isinstance(value, int | float)} == set()
    assert set(kind.fields("spec")) <= set(asdict(spec))


def test_every_kind_is_tried() -> None:
    """A kind that is added to the library needs a smallest task here."""
    declared = {
        f"{module.name}:{attribute}"
        for module in pkgutil.iter_modules(cnnreport.kinds.__path__, "cnnreport.kinds.")
        for attribute, value in vars(importlib.import_module(module.name)).items()
        if isinstance(value, Kind)
    }
    assert {spec.kind for spec, _ in SMALLEST} == declared
