"""How the U-Nets of this report are trained from scratch and tested.

The test images are used once, when the training is over: no choice depends on them.
"""

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from cnnreport.errors import DataError
from cnnreport.task import Results, Row
from cnnreport.training.loop import Batch, Loop, Update, copies, train
from cnnreport.training.net import make_net

from . import nets
from .specs import LungTraining

TEST_BATCH = 4
"""How many images are validated and tested at once; in evaluation mode it changes nothing but the memory."""

Data = Mapping[str, NDArray[Any]]


class LungTask(Loop):
    """A `Task`: the mean binary cross entropy of all pixels of a batch.

    Args:
        spec: What to train.
        seed: Of the initial weights and the order of the images.
        data: See `sources.prepare`.
        device: ``cpu``, ``cuda`` or ``mps``.

    Raises:
        DataError: A part has no images.
        UsageError: The net cannot be found.
    """

    def __init__(self, spec: LungTraining, seed: int, data: Data, device: str) -> None:
        self._spec = spec
        self._parts = {part: _tensors(data, part, device) for part in ("train", "validation", "test")}
        net = make_net(spec.net, seed, num_filters=spec.num_filters).to(device)
        per_epoch = math.ceil(len(self._parts["train"][0]) / spec.batch_size)
        super().__init__(net, net, spec, seed, device, updates_per_epoch=per_epoch)

    def batches(self) -> Iterator[Batch]:
        """Yield images (BS, 1, S, S) and masks (BS, 1, S, S), in an order of the epoch's own."""
        images, masks = self._parts["train"]
        for chosen in torch.randperm(len(images)).to(images.device).split(self._spec.batch_size):
            yield images[chosen], masks[chosen]

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean binary cross entropy of scores and masks (BS, 1, S, S), in nats."""
        return F.binary_cross_entropy_with_logits(scores.float(), targets.float())

    def follow(self, updates: Iterator[Update]) -> Row:
        """Return ``train_loss`` in nats and ``train_f1`` in 0..1, before each update."""
        losses, scored = [], []
        for loss, scores, masks in updates:
            losses.append(loss * len(masks))
            scored.append(f1(scores > 0, masks))
        each = torch.cat(scored)
        return {
            "train_loss": torch.stack(losses).sum().item() / len(each),
            "train_f1": each.mean().item(),
        }

    def validate(self) -> Row:
        """Return ``validation_loss`` in nats and ``validation_f1`` in 0..1."""
        loss, _, each = self.judged("validation")
        return {"validation_loss": loss, "validation_f1": each.mean().item()}

    def judged(self, part: str) -> tuple[float, torch.Tensor, torch.Tensor]:
        """Return the mean loss of a part, its predicted masks bool (N, 1, S, S) and the F1 of each (N,)."""
        images, masks = self._parts[part]
        scores = torch.cat([self.scores(each).float() for each in images.split(TEST_BATCH)])
        # A score above 0 is a probability above one half. Nothing is predicted where no number is left.
        predicted = scores > 0
        return self.loss(scores, masks).item(), predicted, f1(predicted, masks)

    def leave(self) -> Results:
        """Return the weights, the F1 of each test image, and masks of four of them.

        Returns:
            Samples: ``case_f1`` float32 (N,); of the test images with the highest, the median and the
            lowest F1 and of the first one ``shown_number`` int64 (4,), their places among the test images,
            ``shown_image`` uint8 (4, S, S), ``shown_mask`` and ``shown_predicted`` uint8 (4, S, S), 1 where
            a lung is.

            Measures: numbers of images, ``parameters``, ``epochs``, ``updates``, ``diverged``; ``test_f1``,
            the mean over the test images, ``test_f1_deviation`` and ``test_f1_lowest`` in 0..1;
            ``test_loss`` in nats; ``fixed_f1``, the mean F1 of a mask that is the same for all images: of
            the pixels that are lung in at least half of the training images; ``lung_share`` of the pixels
            of the test masks in 0..1.

            Listings: the net's classes and the loop's `train`.
        """
        loss, predicted, each = self.judged("test")
        scored = torch.full_like(each, math.nan) if self.diverged else each
        return Results(
            weights=copies(self.net.state_dict()),
            samples={"case_f1": scored.cpu().numpy(), **self._pictures(predicted, each)},
            measures={
                **self._counts(),
                "diverged": self.diverged,
                "test_f1": scored.mean().item(),
                "test_f1_deviation": scored.std().item(),
                "test_f1_lowest": scored.min().item(),
                "test_loss": loss,
                **self._of_data(),
            },
            listings={
                of.__name__: inspect.getsource(of)
                for of in dict.fromkeys((nets.DoubleConv, nets.Up, nets.UNet, type(self.net), train))
            },
        )

    def _counts(self) -> dict[str, int]:
        return {
            **{f"{part}_images": len(images) for part, (images, _) in self._parts.items()},
            "parameters": sum(p.numel() for p in self.net.parameters() if p.requires_grad),
            "epochs": self.epochs_done,
            "updates": self.optimiser.updates,
        }

    def _of_data(self) -> dict[str, float]:
        masks = self._parts["test"][1]
        usual = (self._parts["train"][1].float().mean(0, keepdim=True) >= 0.5).expand_as(masks)
        return {"fixed_f1": f1(usual, masks).mean().item(), "lung_share": masks.float().mean().item()}

    def _pictures(self, predicted: torch.Tensor, each: torch.Tensor) -> dict[str, NDArray[Any]]:
        order = each.argsort(descending=True, stable=True)
        chosen = torch.stack([order[0], order[len(order) // 2], order[-1], torch.zeros_like(order[0])])
        images, masks = self._parts["test"]
        return {
            "shown_number": chosen.cpu().numpy(),
            "shown_image": (images[chosen, 0] * 255).round().to(torch.uint8).cpu().numpy(),
            "shown_mask": masks[chosen, 0].to(torch.uint8).cpu().numpy(),
            "shown_predicted": predicted[chosen, 0].to(torch.uint8).cpu().numpy(),
        }


def _tensors(data: Data, part: str, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    images, masks = data[f"{part}_images"], data[f"{part}_masks"]
    if len(images) == 0:
        raise DataError(f"there are no {part} images", "give at least one")
    return torch.tensor(images, device=device), torch.tensor(masks.astype(bool), device=device)


def f1(predicted: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return 2 TP / (2 TP + FP + FN) of each image, counted over its pixels: the coefficient of Dice.

    L. R. Dice, Measures of the amount of ecologic association between species, Ecology 26, 1945.

    An empty mask that is predicted to be empty has 1, any other mask of which nothing is found 0.

    Args:
        predicted: bool (N, 1, S, S).
        truth: bool (N, 1, S, S).

    Returns:
        float32 (N,) in 0..1.
    """
    both = (predicted & truth).sum((1, 2, 3))
    either = predicted.sum((1, 2, 3)) + truth.sum((1, 2, 3))  # 2 TP + FP + FN
    return torch.where(either == 0, 1.0, 2 * both / either.clamp(min=1))
