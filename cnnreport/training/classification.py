"""Training of a net that names what an image shows.

A data set for it prepares ``train_images`` and ``validation_images``, uint8 or float32 (N, C, H, W);
``train_label`` and ``validation_label``, whole numbers (N,) in 0..K-1; and ``classes``, the names of the K
classes, a JSON list as bytes (uint8). The net sees uint8 divided by 255, and float32 as it is.
"""

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from cnnreport import modules
from cnnreport.errors import DataError, UsageError
from cnnreport.task import Results, Row
from cnnreport.training.loop import Batch, Loop, Update, copies, train
from cnnreport.training.metrics import classification as metrics
from cnnreport.training.net import make_net
from cnnreport.training.specs.classification import Classification
from cnnreport.training.tally import Tally

PLACES = 3
"""Among how many of the highest scores the right class has to be for ``top3_accuracy``."""

PAIRS = 10
"""How many pairs of classes are kept that are confused most often."""

SAMPLES = 12
"""How many images that are named right, and how many that are not, are kept for pictures."""

_VALIDATION_BATCH = 256

Data = Mapping[str, NDArray[Any]]
Augment = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class _Images:
    """Images and labels on the device.

    Args:
        images: uint8 or float32 (N, C, H, W).
        labels: int64 (N,).
    """

    images: torch.Tensor
    labels: torch.Tensor

    def batches(self, order: torch.Tensor, size: int) -> Iterator[Batch]:
        """Yield images float32 (BS, C, H, W) and labels (BS,) in an order; the last batch may be smaller."""
        for positions in torch.split(order.to(self.labels.device), size):
            images = self.images[positions]
            yield images / 255 if images.dtype == torch.uint8 else images, self.labels[positions]

    def __len__(self) -> int:
        return len(self.labels)


class ClassificationTraining(Loop):
    """A `Task`: the mean cross entropy of the images of a batch.

    Args:
        spec: What to train.
        seed: Of the initial weights, the order of the images and what is drawn to change them.
        data: See the module.
        device: ``cpu``, ``cuda`` or ``mps``.

    Raises:
        DataError: The data are not what the module says.
        UsageError: The net or the function that changes images cannot be found.
    """

    def __init__(self, spec: Classification, seed: int, data: Data, device: str) -> None:
        self._spec = spec
        self._names = _class_names(data, spec.classes)
        self._train = _read(data, "train", spec.classes, device)
        self._validation = _read(data, "validation", spec.classes, device)
        self._augment: Augment | None = modules.attribute(spec.augment) if spec.augment else None
        net = make_net(spec.net, seed, **dict(spec.arguments)).to(device)
        per_epoch = math.ceil(len(self._train) / spec.batch_size)
        super().__init__(net, net, spec, seed, device, updates_per_epoch=per_epoch)

    def batches(self) -> Iterator[Batch]:
        """Yield images (BS, C, H, W) and labels (BS,), in an order of the epoch's own where asked for."""
        count = len(self._train)
        order = torch.randperm(count) if self._spec.shuffle else torch.arange(count)
        for images, labels in self._train.batches(order, self._spec.batch_size):
            yield self._augment(images) if self._augment else images, labels

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of scores (BS, K) and labels (BS,), in nats.

        Raises:
            UsageError: The net does not give K scores for each image.
        """
        if scores.shape != (len(targets), self._spec.classes):
            raise UsageError(
                f"the net {self._spec.net!r} maps {len(targets)} images to scores {tuple(scores.shape)}",
                f"make it give {self._spec.classes} scores for each image, as many as there are classes",
            )
        return F.cross_entropy(scores.float(), targets)

    def follow(self, updates: Iterator[Update]) -> Row:
        """Return ``train_loss`` in nats and ``train_accuracy`` in 0..1, before each update."""
        tally = Tally(self.device)
        for loss, scores, labels in updates:
            tally.add(loss, _right(scores, labels), len(labels))
        loss_mean, accuracy = tally.means()
        return {"train_loss": loss_mean, "train_accuracy": accuracy}

    def validate(self) -> Row:
        """Return ``validation_loss`` in nats and ``validation_accuracy`` in 0..1."""
        tally = Tally(self.device)
        for images, labels in self._validated():
            scores = self.scores(images)
            tally.add(self.loss(scores, labels), _right(scores, labels), len(labels))
        loss, accuracy = tally.means()
        return {"validation_loss": loss, "validation_accuracy": accuracy}

    def leave(self) -> Results:
        """Return the weights, what was confused with what, images with predictions, and sources.

        Returns:
            Samples: ``confusion`` int64 (K, K), rows true and columns predicted; ``class_accuracy`` float32
            (K,), see `metrics.class_accuracy`; of the first `SAMPLES` validation images that are named
            right, and of the `SAMPLES` wrong ones of whose prediction the net is surest, ``right_`` and
            ``wrong_`` before ``images`` (n, C, H, W) as prepared, ``label`` and ``predicted`` int64 (n,),
            ``probability`` float32 (n, K) and ``index`` int64 (n,), where they stand among the
            validation images.

            Measures: numbers of images, ``classes``, parameters, ``epochs``, ``updates``,
            ``updates_per_epoch``, ``diverged``, ``top3_accuracy`` and ``balanced_accuracy`` in 0..1,
            `metrics.baselines`; ``class_names`` and ``confused``, the pairs that are confused most often,
            as true class, predicted class, number of images.

            Listings: the net's class and the loop's `train`.
        """
        scores = torch.cat([self.scores(images).float() for images, _ in self._validated()])
        truth, predicted = (each.cpu().numpy() for each in (self._validation.labels, scores.argmax(1)))
        counts = metrics.confusion(truth, predicted, self._spec.classes)
        return Results(
            weights=copies(self.net.state_dict()),
            samples={
                "confusion": counts,
                "class_accuracy": metrics.class_accuracy(counts).astype(np.float32),
                **self._pictures(truth, predicted, torch.softmax(scores, 1).cpu().numpy()),
            },
            measures={
                **self._counts(),
                "diverged": self.diverged,
                "top3_accuracy": metrics.among_highest(scores.cpu().numpy(), truth, PLACES),
                "balanced_accuracy": metrics.balanced_accuracy(counts),
                **metrics.baselines(self._train.labels.cpu().numpy(), truth, self._spec.classes),
                "class_names": self._names,
                "confused": [list(pair) for pair in metrics.most_confused(counts, PAIRS)],
            },
            listings={each.__name__: inspect.getsource(each) for each in (type(self.net), train)},
        )

    def _validated(self) -> Iterator[Batch]:
        return self._validation.batches(torch.arange(len(self._validation)), _VALIDATION_BATCH)

    def _counts(self) -> dict[str, int]:
        return {
            "train_images": len(self._train),
            "validation_images": len(self._validation),
            "classes": self._spec.classes,
            "parameters": sum(p.numel() for p in self.net.parameters() if p.requires_grad),
            "epochs": self.epochs_done,
            "updates": self.optimiser.updates,
            "updates_per_epoch": self.updates_per_epoch,
        }

    def _pictures(
        self, truth: metrics.Labels, predicted: metrics.Labels, probability: NDArray[np.float32]
    ) -> dict[str, NDArray[Any]]:
        wrong = np.flatnonzero(predicted != truth)
        surest = np.argsort(-probability[wrong].max(1), kind="stable")
        chosen = {"right": np.flatnonzero(predicted == truth)[:SAMPLES], "wrong": wrong[surest][:SAMPLES]}
        images = self._validation.images.cpu().numpy()
        arrays = {"images": images, "label": truth, "predicted": predicted, "probability": probability}
        pictures = {f"{which}_index": places for which, places in chosen.items()}
        for which, places in chosen.items():
            pictures |= {f"{which}_{name}": array[places] for name, array in arrays.items()}
        return pictures


def _right(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return (scores.argmax(1) == labels).sum()


def _read(data: Data, part: str, classes: int, device: str) -> _Images:
    images, labels = _array(data, f"{part}_images"), _array(data, f"{part}_label")
    if len(images) == 0 or len(images) != len(labels):
        raise DataError(
            f"the {part} set has {len(images)} images and {len(labels)} labels",
            "prepare at least one image, and a label for each",
        )
    if images.ndim != 4 or images.dtype not in (np.uint8, np.float32):
        raise DataError(
            f"{part}_images are {images.dtype} of shape {images.shape}",
            "prepare them as uint8 or float32 of shape (N, C, H, W)",
        )
    if not np.isfinite(images).all():
        amount = np.count_nonzero(~np.isfinite(images).all(axis=(1, 2, 3)))
        raise DataError(f"{amount} of the {part}_images hold non-finite pixels", "prepare finite ones")
    _check_labels(labels, f"{part}_label", classes)
    return _Images(torch.tensor(images, device=device), torch.tensor(labels.astype(np.int64), device=device))


def _check_labels(labels: NDArray[Any], name: str, classes: int) -> None:
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{name} is {labels.dtype} of shape {labels.shape}", "prepare whole numbers of shape (N,)"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"{name} reaches from {labels.min()} to {labels.max()}, but there are {classes} classes",
            f"number the classes from 0 to {classes - 1}, or set the spec's classes",
        )


def _array(data: Data, name: str) -> NDArray[Any]:
    if name not in data:
        raise DataError(f"there is no {name} among the data, which have {', '.join(data)}", "prepare it, too")
    return data[name]


def _class_names(data: Data, classes: int) -> list[str]:
    try:
        listed = json.loads(_array(data, "classes").tobytes())
    except ValueError as error:
        remedy = "prepare np.frombuffer(json.dumps(names).encode(), np.uint8)"
        raise DataError("classes is no JSON list as bytes", remedy) from error
    names = [str(name) for name in listed] if isinstance(listed, list) else []
    if len(names) != classes:
        raise DataError(
            f"the data name {len(names)} classes, but {classes} are asked for",
            f"set the spec's classes to {len(names)}",
        )
    return names
