"""Tests of the report's own code: run them with ``python -m pytest``."""

import importlib
from pathlib import Path

import pytest
import torch

from cnnreport import modules
from cnnreport.data.data_set import Request

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def project() -> None:
    """Make the project's modules importable, as the commands do."""
    modules.enter(ROOT)


@pytest.mark.parametrize(("net", "arguments"), [("LinearNet", (1,)), ("ConvNet", (1, 8))])
def test_each_net_gives_a_score_for_each_digit(net: str, arguments: tuple[int, ...]) -> None:
    """Five images of one channel become five rows of ten scores."""
    kind = getattr(importlib.import_module("experiments.my-report.nets"), net)
    assert kind(*arguments)(torch.zeros(5, 1, 8, 8)).shape == (5, 10)


def test_no_digit_is_on_both_sides() -> None:
    """What a net is judged by it has not learnt from."""
    data = importlib.import_module("experiments.my-report.data")
    arrays = data.prepare(data.locate(Request()))
    train, validation = ({i.tobytes() for i in arrays[f"{part}_images"]} for part in ("train", "validation"))
    assert len(arrays["train_images"]) + len(arrays["validation_images"]) == 1797
    assert not train & validation
