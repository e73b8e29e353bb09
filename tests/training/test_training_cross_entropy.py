from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from asked import Asked

from cnnreport.training.fast.cross_entropy import UNLABELLED, cross_entropy, cross_entropy_on_device

EITHER = pytest.mark.parametrize("loss_function", [cross_entropy, cross_entropy_on_device])
"""As a CPU computes it, and as a GPU does; here both on the CPU."""

Loss = Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]


def rows(scale: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of 50 rows and labels, every fifth of which is unlabelled."""
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(50, 7, generator=generator)
    labels = torch.randint(7, (50,), generator=generator, dtype=torch.uint8)
    labels[::5] = UNLABELLED
    return logits.requires_grad_(), labels


@EITHER
@pytest.mark.parametrize("scale", [3.0, 300.0], ids=["usual", "underflowing"])
def test_loss_and_gradient_are_those_of_pytorch(scale: float, loss_function: Loss) -> None:
    """The fused loss equals F.cross_entropy, also where probabilities underflow."""
    logits, labels = rows(scale)
    expected = F.cross_entropy(logits, labels.long(), ignore_index=UNLABELLED)
    (gradient,) = torch.autograd.grad(expected, logits)
    loss = loss_function(logits, labels, 40)
    (2 * loss).backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(logits.grad, 2 * gradient)


@EITHER
def test_logits_are_never_written_to(loss_function: Loss) -> None:
    """Forward and backward leave the logits as they are, float32 ones too."""
    logits, labels = rows()
    before = logits.detach().clone()
    loss_function(logits, labels, 40).backward()
    assert torch.equal(logits, before)


@EITHER
def test_bfloat16_logits_are_summed_in_float32(loss_function: Loss) -> None:
    """The loss of bfloat16 logits is the float32 loss of the same numbers."""
    logits, labels = rows()
    low = logits.detach().bfloat16().requires_grad_()
    expected = F.cross_entropy(low.detach().float(), labels.long(), ignore_index=UNLABELLED)
    loss = loss_function(low, labels, 40)
    loss.backward()
    torch.testing.assert_close(loss, expected)
    assert low.grad is not None
    assert low.grad.dtype == torch.bfloat16


def test_on_a_device_no_number_is_asked_for() -> None:
    """Neither loss nor gradient wait; a CPU's version looks at the smallest probability, which is counted."""
    times = {}
    for loss_function in (cross_entropy, cross_entropy_on_device):
        logits, labels = rows()
        with Asked() as asked:
            loss_function(logits, labels, 40).backward()
        times[loss_function] = asked.times
    assert times == {cross_entropy: 1, cross_entropy_on_device: 0}
