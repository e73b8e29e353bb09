from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cnnreport.training.segmentation.soft_iou import cross_entropy_loss, soft_iou_loss

VOID = 255
LOSSES = [soft_iou_loss, cross_entropy_loss]
Batch = tuple[torch.Tensor, torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def batch(scale: float = 2.0, dtype: torch.dtype = torch.float64) -> Batch:
    """Logits of three small images and their masks, about a third of each class and of void."""
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(3, 5, 4, generator=generator, dtype=dtype)
    classes = torch.tensor([0, 1, VOID], dtype=torch.uint8)
    masks = classes[torch.randint(3, (3, 5, 4), generator=generator)]
    return logits.requires_grad_(), masks


def certain(masks: torch.Tensor) -> torch.Tensor:
    """Logits that leave no doubt that every labelled pixel is of its class."""
    return torch.where(masks == 1, 80.0, -80.0).requires_grad_()


def two_scores(logits: torch.Tensor) -> torch.Tensor:
    """Scores of background and of flower, (N, 2, H, W), that are that far apart and else anything."""
    background = torch.linspace(-1, 1, logits.numel(), dtype=logits.dtype).view_as(logits)
    return torch.stack((background, background + logits), 1)


def soft_iou(logits: torch.Tensor, masks: torch.Tensor) -> float:
    """Equations 1 to 3, pixel by pixel over those that are labelled."""
    intersection = union = 0.0
    scores = two_scores(logits.detach()).numpy().transpose(0, 2, 3, 1).reshape(-1, 2)
    for pair, label in zip(scores, masks.flatten().tolist(), strict=True):
        if label != VOID:
            x = np.exp(pair[1]) / np.exp(pair).sum()
            intersection += x * label
            union += x + label - x * label
    return float(1 - intersection / union)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_soft_iou_loss_is_that_of_the_equations(dtype: torch.dtype) -> None:
    """Summed over the labelled pixels of the whole batch, not image by image."""
    logits, masks = batch(dtype=dtype)
    loss = soft_iou_loss(logits, masks)
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(soft_iou(logits, masks), rel=1e-6)
    alone = [soft_iou(logits[n : n + 1], masks[n : n + 1]) for n in range(3)]
    assert loss.item() != pytest.approx(np.mean(alone), rel=1e-3)


@pytest.mark.parametrize("scale", [2.0, 300.0], ids=["usual", "underflowing"])
def test_the_cross_entropy_is_pytorchs(scale: float) -> None:
    """The form for one logit has the value and the gradient of F.cross_entropy of two logits."""
    logits, masks = batch(scale, torch.float32)
    expected = F.cross_entropy(two_scores(logits), masks.long(), ignore_index=VOID)
    (gradient,) = torch.autograd.grad(expected, logits)
    loss = cross_entropy_loss(logits, masks)
    loss.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(logits.grad, gradient)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_finite_differences(loss: Loss) -> None:
    """Both losses have the gradient of what they compute."""
    logits, masks = batch()
    assert torch.autograd.gradcheck(lambda values: loss(values, masks), (logits,))


@pytest.mark.parametrize("loss", LOSSES)
def test_void_pixels_do_not_count(loss: Loss) -> None:
    """Whatever the logit of a void pixel is, the loss is the same, and it gets no gradient."""
    logits, masks = batch()
    void = masks == VOID
    value = loss(logits, masks)
    (gradient,) = torch.autograd.grad(value, logits)
    assert not gradient[void].any()
    assert gradient[~void].all()
    assert torch.equal(loss(torch.where(void, 7.0, logits), masks), value)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_all_void_costs_nothing(loss: Loss) -> None:
    """Without a labelled pixel the loss is 0, not 0 / 0, and nothing is learned."""
    logits, masks = batch(dtype=torch.float32)
    value = loss(logits, torch.full_like(masks, VOID))
    value.backward()
    assert value.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [2.0, 100.0], ids=["doubtful", "certain"])
def test_without_flowers_the_soft_iou_loss_is_one_and_its_gradient_zero(scale: float) -> None:
    """The intersection is 0 whatever is predicted: nothing can be learned, and nothing breaks."""
    logits, masks = batch(scale, torch.float32)
    value = soft_iou_loss(logits, torch.zeros_like(masks))
    value.backward()
    assert value.item() == pytest.approx(1)
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6


def test_no_flower_found_where_none_is_costs_nothing() -> None:
    """Probabilities that vanish and an empty mask agree: the loss is 0 and the gradient finite."""
    masks = torch.zeros(1, 3, 3, dtype=torch.uint8)
    logits = (2 * certain(masks)).detach().requires_grad_()
    value = soft_iou_loss(logits, masks)
    value.backward()
    assert value.item() == 0
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_perfect_prediction_costs_nothing(loss: Loss) -> None:
    """Where every labelled pixel is certainly of its class, both losses are 0."""
    masks = batch()[1]
    assert loss(certain(masks), masks).item() == pytest.approx(0, abs=1e-9)


def test_the_worst_prediction_costs_most() -> None:
    """Certainly wrong everywhere: the soft IoU loss is 1, the cross entropy the logit."""
    masks = batch()[1]
    assert soft_iou_loss(-certain(masks), masks).item() == pytest.approx(1)
    assert cross_entropy_loss(-certain(masks), masks).item() == pytest.approx(80)
