"""Promises that a GPU is not waited for within an epoch, counted on a CPU by what is asked of tensors."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from asked import Asked
from flower_data import flower_data, with_features
from grey_blocks import SPEC, make
from small_classes import small_classes
from thinned import thinned

from cnnreport.training import colourization
from cnnreport.training.classification import ClassificationTraining
from cnnreport.training.fast.cross_entropy import cross_entropy_on_device
from cnnreport.training.loop import Loop, copies
from cnnreport.training.segmentation.fine_tuning import FineTuningTask
from cnnreport.training.specs.classification import Classification
from cnnreport.training.specs.segmentation import FineTuning


def colours(batch_size: int) -> Loop:
    """A training of 20 images."""
    return make(replace(SPEC, batch_size=batch_size))


def classes(batch_size: int) -> Loop:
    """A training of 30 images, with dropout, whose last batch may be smaller."""
    spec = Classification("small_classes:SmallNet", "", 3, epochs=1, batch_size=batch_size)
    return ClassificationTraining(spec, 0, small_classes(), "cpu")


def masks(batch_size: int) -> Loop:
    """A fine-tuning on the features of six images."""
    spec = FineTuning("cross-entropy", epochs=1, batch_size=batch_size)
    return FineTuningTask(spec, 0, with_features(flower_data()), "cpu")


@pytest.mark.parametrize("task", thinned([classes, colours, masks], 3))
def test_an_epoch_asks_for_no_number_of_a_batch(
    task: Callable[[int], Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two batches or many: sums stay where the losses are until the epoch is over."""
    monkeypatch.setattr(colourization, "cross_entropy", cross_entropy_on_device)
    times = []
    for batch_size in (15, 10, 3, 2):
        training = task(batch_size)
        with Asked() as asked:
            training.run_epoch()
        times.append(asked.times)
    assert len({*times}) == 1


def test_copies_are_contiguous_and_apart() -> None:
    """What is kept of a training changes neither with it nor with the memory format of its net."""
    weight = torch.nn.Parameter(torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last))
    kept = copies({"weight": weight})["weight"]
    assert kept.is_contiguous()
    assert not kept.requires_grad
    before = kept.clone()
    with torch.no_grad():
        weight.zero_()
    assert torch.equal(kept, before)
