import pytest
import torch
import torch.nn.functional as F

from cnnreport.training.fast.cross_entropy import UNLABELLED, cross_entropy


def rows(scale: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of 50 rows and labels, every fifth of which is unlabelled."""
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(50, 7, generator=generator)
    labels = torch.randint(7, (50,), generator=generator, dtype=torch.uint8)
    labels[::5] = UNLABELLED
    return logits.requires_grad_(), labels


@pytest.mark.parametrize("scale", [3.0, 300.0], ids=["usual", "underflowing"])
def test_loss_and_gradient_are_those_of_pytorch(scale: float) -> None:
    """The fused loss equals F.cross_entropy, also where probabilities underflow."""
    logits, labels = rows(scale)
    expected = F.cross_entropy(logits, labels.long(), ignore_index=UNLABELLED)
    (gradient,) = torch.autograd.grad(expected, logits)
    loss = cross_entropy(logits, labels, 40)
    (2 * loss).backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(logits.grad, 2 * gradient)


def test_logits_are_never_written_to() -> None:
    """Forward and backward leave the logits as they are, float32 ones too."""
    logits, labels = rows()
    before = logits.detach().clone()
    cross_entropy(logits, labels, 40).backward()
    assert torch.equal(logits, before)


def test_bfloat16_logits_are_summed_in_float32() -> None:
    """The loss of bfloat16 logits is the float32 loss of the same numbers."""
    logits, labels = rows()
    low = logits.detach().bfloat16().requires_grad_()
    expected = F.cross_entropy(low.detach().float(), labels.long(), ignore_index=UNLABELLED)
    loss = cross_entropy(low, labels, 40)
    loss.backward()
    torch.testing.assert_close(loss, expected)
    assert low.grad is not None
    assert low.grad.dtype == torch.bfloat16
