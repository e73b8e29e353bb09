"""How the classifiers of this report are trained and tested.

The test images are used once, when the training is over: no choice depends on them.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cnnreport.task import Results
from cnnreport.training.classification import PAIRS, ClassificationTraining, Data
from cnnreport.training.loop import Batch, copies
from cnnreport.training.metrics import classification as metrics
from cnnreport.training.seeded import seeded

from . import gradients
from .augmentation import augmented
from .specs import SignTraining

Labels = NDArray[np.int64]


def described(net: nn.Module) -> list[str]:
    """Say in words what each layer with parameters is, in the order in which the class makes them."""
    words = []
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Conv2d):
            high, wide = layer.kernel_size
            told = f"{layer.out_channels} filters of {high} × {wide} over {layer.in_channels} maps"
        elif isinstance(layer, nn.BatchNorm2d):
            told = f"batch normalisation of {layer.num_features} maps"
        elif isinstance(layer, nn.Linear):
            told = f"{layer.out_features} scores, each a weighted sum of {layer.in_features} numbers"
        else:
            continue
        words.append(f"{name}: {told}")
    return words


class SignTask(ClassificationTraining):
    """A `Task`: a classification whose net is tested in evaluation mode.

    Args:
        spec: What to train.
        seed: Of the initial weights, the order of the images and what is drawn to change them.
        data: See `signs.signs.prepare`.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, spec: SignTraining, seed: int, data: Data, device: str) -> None:
        super().__init__(spec, seed, data, device)
        self.asked = spec
        self.test_images = torch.tensor(data["test_images"], device=device)
        self.test_labels = torch.tensor(data["test_label"], device=device)

    def batches(self) -> Iterator[Batch]:
        """Yield images (BS, 3, 28, 28) and labels (BS,), in an order of the epoch's own where asked for."""
        for images, labels in super().batches():
            yield augmented(images, labels) if self.asked.augmented else images, labels

    def leave(self) -> Results:
        """Return what a classification leaves, and how the net does on the test images.

        Returns:
            Samples, beside a classification's: ``test_confusion`` int64 (K, K), rows true and columns
            predicted; of the pairs that are confused most often ``pair_true``, ``pair_taken`` and
            ``pair_count`` int64 (P,), ``pair_image``, a test image that is taken for the other class, and
            ``pair_like``, one of that class, uint8 (P, 3, 28, 28).

            Measures, beside a classification's: ``test_accuracy`` in 0..1, ``test_loss`` in nats,
            ``test_images``; ``features``, how many numbers the last layer is given, and ``layers``, see
            `described`.
        """
        left = super().leave()
        scores = self.tested(torch.arange(len(self.test_labels)))
        truth, predicted = self.test_labels.cpu().numpy(), scores.argmax(1).cpu().numpy()
        counts = metrics.confusion(truth, predicted, self.asked.classes)
        measures = {
            "test_accuracy": metrics.accuracy(counts),
            "test_loss": self.loss(scores, self.test_labels).item(),
            "test_images": len(truth),
            "features": [each for each in self.net.modules() if isinstance(each, nn.Linear)][-1].in_features,
            "layers": described(self.net),
        }
        pairs = metrics.most_confused(counts, PAIRS)
        samples = {"test_confusion": counts, **self._pairs(pairs, truth, predicted)}
        return replace(left, samples={**left.samples, **samples}, measures={**left.measures, **measures})

    def tested(self, order: torch.Tensor) -> torch.Tensor:
        """Return the scores of the test images, computed in batches of an order, in the mode the net is in.

        Args:
            order: A permutation of the test images, int64 (N,).

        Returns:
            float32 (N, K), in the images' own order.
        """
        order = order.to(self.test_labels.device)
        parts = [self.scores(self.test_images[each] / 255) for each in order.split(self.asked.test_batch)]
        scores = torch.empty(len(order), self.asked.classes, device=order.device)
        scores[order] = torch.cat(parts).float()
        return scores

    def _pairs(
        self, pairs: list[tuple[int, int, int]], truth: Labels, predicted: Labels
    ) -> dict[str, NDArray[Any]]:
        wrong = [np.flatnonzero((truth == true) & (predicted == taken))[0] for true, taken, _ in pairs]
        like = [np.flatnonzero(truth == taken)[0] for _, taken, _ in pairs]
        images = self.test_images.cpu().numpy()
        numbers = np.array(pairs, np.int64).reshape(-1, 3)
        return {
            "pair_true": numbers[:, 0],
            "pair_taken": numbers[:, 1],
            "pair_count": numbers[:, 2],
            "pair_image": images[np.array(wrong, np.int64)],
            "pair_like": images[np.array(like, np.int64)],
        }


class NormedTask(SignTask):
    """A `Task`: the same for a net with batch normalisation, tested in four ways."""

    def leave(self) -> Results:
        """Return what a `SignTask` leaves, and the accuracies of three other ways to test the same weights.

        Returns:
            Measures, beside a `SignTask`'s: ``test_accuracy_shuffled`` and ``test_accuracy_sorted``, where
            batch norm takes mean and variance from each test batch, as it does when `eval` is not called,
            with the images shuffled and sorted by class; ``test_accuracy_reestimated``, in evaluation
            mode, with statistics of the training images for these very weights; ``test_batch``.
        """
        left = super().leave()
        kept = copies(self.net.state_dict())
        measures = {
            "test_accuracy_shuffled": self._in_train_mode(self._shuffled(len(self.test_labels))),
            "test_accuracy_sorted": self._in_train_mode(torch.argsort(self.test_labels.cpu(), stable=True)),
            "test_accuracy_reestimated": self._reestimated(),
            "test_batch": self.asked.test_batch,
        }
        self.net.load_state_dict(kept)
        return replace(left, measures={**left.measures, **measures})

    def _in_train_mode(self, order: torch.Tensor) -> float:
        self.net.train()
        accuracy = self._accuracy(order)
        self.net.eval()
        return accuracy

    def _reestimated(self) -> float:
        """Return the accuracy with statistics that are the mean over the batches of the training images."""
        norms = [each for each in self.net.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean of all batches
        self.net.train()
        with seeded(self.seed):
            for images, _ in super().batches():
                self.scores(images)
        self.net.eval()
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        return self._accuracy(torch.arange(len(self.test_labels)))

    def _accuracy(self, order: torch.Tensor) -> float:
        return (self.tested(order).argmax(1) == self.test_labels).float().mean().item()

    def _shuffled(self, count: int) -> torch.Tensor:
        with seeded(self.seed):
            return torch.randperm(count)


class SignedTask(ClassificationTraining):
    """A `Task`: a small classification that says how far the gradients of batches agree in sign."""

    def __init__(self, spec: SignTraining, seed: int, data: Data, device: str) -> None:
        super().__init__(spec, seed, data, device)
        before = self._gradients()
        self._agreement, self._reversals = gradients.agreement(*before), gradients.reversals(before[1])

    def leave(self) -> Results:
        """Return what a classification leaves, and how the signs of gradients were at the initial weights.

        Returns:
            Measures, beside a classification's: ``agreement`` and ``reversals`` in 0..1, see `gradients`.
        """
        left = super().leave()
        return replace(
            left, measures={**left.measures, "agreement": self._agreement, "reversals": self._reversals}
        )

    def _gradients(self) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the gradient of all images, and that of each of their batches."""
        with seeded(self.seed):
            batches = list(self.batches())
        each = [self._gradient(images, labels) for images, labels in batches]
        weighted = [g * len(labels) for g, (_, labels) in zip(each, batches, strict=True)]
        return torch.stack(weighted).sum(0) / sum(len(labels) for _, labels in batches), each

    def _gradient(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.net.zero_grad()
        loss: Any = self.loss(self.scores(images), labels)
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in self.net.parameters() if p.grad is not None])
        self.net.zero_grad()
        return gradient
