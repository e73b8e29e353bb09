from typing import Any

import numpy as np
import pytest
import torch
from thinned import thinned

from cnnreport.training.fast.cross_entropy import UNLABELLED
from cnnreport.training.metrics.accuracy import count_among_highest, count_right

Kind = tuple[torch.Tensor, torch.Tensor]


def rows(num_colours: int, dtype: torch.dtype = torch.float32, levels: int = 4) -> Kind:
    """Scores with so few levels that most rows have ties, and labels, every fifth unlabelled."""
    generator = torch.Generator().manual_seed(num_colours)
    scores = torch.randint(levels, (300, num_colours), generator=generator).to(dtype)
    labels = torch.randint(num_colours, (300,), generator=generator, dtype=torch.uint8)
    labels[::5] = UNLABELLED
    return scores, labels


def first_highest(scores: torch.Tensor, labels: torch.Tensor) -> int:
    """Count by lists of numbers."""
    listed = zip(scores.double().tolist(), labels.tolist(), strict=True)
    return sum(row.index(max(row)) == label for row, label in listed)


@pytest.mark.parametrize("dtype", thinned([torch.float32, torch.bfloat16, torch.float16, torch.float64], 4))
@pytest.mark.parametrize("num_colours", [1, 6, 7, 24])
def test_of_equal_highest_scores_the_first_decides(num_colours: int, dtype: torch.dtype) -> None:
    """The count is that of the first of the highest scores, whatever their number and format."""
    scores, labels = rows(num_colours, dtype)
    assert count_right(scores, labels).item() == first_highest(scores, labels)


def test_without_ties_the_highest_score_decides() -> None:
    """Scores that all differ are counted as they are."""
    labels = rows(24)[1]
    scores = torch.randn(300, 24, generator=torch.Generator().manual_seed(0))
    scores[::3].scatter_(1, labels[::3].clamp(max=23).long()[:, None], 9.0)
    assert count_right(scores, labels).item() == first_highest(scores, labels) > 80


def test_a_dead_net_is_right_where_the_first_colour_is() -> None:
    """Where all scores are equal, the first colour is the answer everywhere."""
    labels = rows(24)[1]
    assert count_right(torch.zeros(300, 24), labels).item() == (labels == 0).sum().item() > 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_scores_of_a_diverged_net_are_counted_as_argmax_does(value: float) -> None:
    """Scores that are infinite or no numbers follow numpy's rule, where NaN is the highest."""
    scores, labels = rows(6)
    scores[torch.rand(scores.shape, generator=torch.Generator().manual_seed(0)) < 0.2] = value
    scores[:20] = value
    expected = (scores.numpy().argmax(1) == labels.numpy()).sum()
    assert count_right(scores, labels).item() == expected


def test_neither_the_scores_nor_their_gradient_notice() -> None:
    """Scores that a loss still needs are counted as they lie, in whatever order of memory."""
    scores, labels = rows(24)
    turned = scores.t().contiguous().t().requires_grad_()
    loss = turned.square().sum()
    assert count_right(turned, labels).item() == first_highest(scores, labels)
    loss.backward()
    assert torch.equal(turned, scores)
    assert torch.equal(turned.grad, 2 * scores)  # type: ignore[arg-type]


def test_off_the_cpu_nothing_asks_for_a_value() -> None:
    """Tensors without any values can be counted, so that a GPU is never waited for."""
    scores, labels = (tensor.to("meta") for tensor in rows(24))
    assert count_right(scores, labels).shape == count_among_highest(scores, labels, 3).shape == ()


def ranked(scores: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], places: int) -> int:
    """Count by sorting, equal scores in the order of their colours."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return int((order[:, :places] == labels[:, None]).any(1).sum())


@pytest.mark.parametrize("places", [1, 3, 7])
@pytest.mark.parametrize("num_colours", [2, 6, 24])
def test_among_the_highest_is_what_sorting_says(num_colours: int, places: int) -> None:
    """A label counts if it stands in the first places of the sorted scores, ties in their order."""
    scores, labels = rows(num_colours)
    expected = ranked(scores.numpy(), labels.numpy(), places)
    assert count_among_highest(scores, labels, places).item() == expected


def test_a_score_that_is_no_number_is_never_among_the_highest() -> None:
    """It takes a place, so that a diverged net gets nothing right."""
    labels = torch.tensor([0, 1, 2], dtype=torch.uint8)
    assert count_among_highest(torch.full((3, 3), torch.nan), labels, 3).item() == 0
    scores = torch.tensor([[torch.nan, 2.0, 3.0]]).expand(3, 3)
    assert count_among_highest(scores, labels, 2).item() == 1
