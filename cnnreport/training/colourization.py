"""Training of the colourization nets, as the starter of CSC413 2021, programming assignment 2, does it."""

import inspect
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from cnnreport.errors import UsageError
from cnnreport.task import Results, Row
from cnnreport.training.fast.cross_entropy import cross_entropy
from cnnreport.training.fast.layout import Layout
from cnnreport.training.fast.rewrite import Rewritten, rewrite
from cnnreport.training.loop import Batch, Loop, Update, copies
from cnnreport.training.metrics.accuracy import count_among_highest, count_right
from cnnreport.training.metrics.baselines import baselines, grey_table, look_up
from cnnreport.training.metrics.calibration import BINS, Bins, calibration, calibration_error
from cnnreport.training.metrics.classification import Confusion, confusion
from cnnreport.training.metrics.colour_scores import best_median_worst, describe, image_accuracy
from cnnreport.training.net import make_net
from cnnreport.training.specs.colourization import Colourization
from cnnreport.training.tally import Tally

SAMPLES = 10
"""How many validation images are kept for the pictures of the report: the first ones."""

PLACES = 3
"""Among how many of the highest scores the right colour has to be for ``top3_accuracy``."""

_VALIDATION_BATCH, _VALIDATION_PIXELS_ON_CUDA = 100, 1 << 20
"""What passes the net together when it is judged: so many images on a CPU; on CUDA, which small batches keep
waiting for the next kernel, images of so many pixels."""


@dataclass(frozen=True)
class _Images:
    """Images on the device, prepared once: the order never changes.

    Args:
        grey: Shape (N, 1, H, W), float32, in 0..1.
        labels: Shape (N, rows of an image), uint8, in the layout's order.
    """

    grey: torch.Tensor
    labels: torch.Tensor

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield all images in their order, (BS, 1, H, W), with the labels (rows,) of their pixels.

        The last batch is smaller where `size` does not divide them.
        """
        for grey, labels in zip(torch.split(self.grey, size), torch.split(self.labels, size), strict=True):
            yield grey, labels.flatten()


@dataclass
class _Predicted:
    """What a net says of the validation images, added up batch by batch.

    Args:
        colours: Of each batch the predicted colours, (BS, H, W), uint8.
        losses: Of each batch the mean cross entropy of its images' pixels, (BS,), float32, in nats.
        confusion: Pixels, shape (NC, NC): rows true colours, columns predicted ones.
        calibration: By how sure the net is of its colour, shape (BINS, 3).
    """

    colours: list[NDArray[np.uint8]]
    losses: list[NDArray[np.float32]]
    confusion: Confusion
    calibration: Bins

    def add(self, truth: NDArray[np.uint8], colours: NDArray[np.uint8], likelihoods: NDArray[Any]) -> None:
        """Take a batch in.

        Args:
            truth: Shape (BS, H, W).
            colours: Shape (BS, H, W).
            likelihoods: Shape (2, BS, H, W): the logarithms of the probabilities of the true and of the
                predicted colour.
        """
        true, highest = likelihoods.astype(np.float64)
        rows, columns = (labels.ravel().astype(np.int64) for labels in (truth, colours))
        self.colours.append(colours)
        self.losses.append(-true.mean((1, 2)).astype(np.float32))
        self.confusion += confusion(rows, columns, len(self.confusion))
        self.calibration += calibration(np.exp(highest), colours == truth)


class _Rows(nn.Module):
    """A rewritten net whose output is a row of logits for each pixel."""

    def __init__(self, rewritten: Rewritten) -> None:
        super().__init__()
        self.net, self.layout = rewritten.net, rewritten.layout

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        return self.layout.rows(self.net(grey))  # (N, 1, H, W) to (rows, NC)


class ColourizationTraining(Loop):
    """A `Task`: the mean cross entropy of all pixels, without reshuffling between epochs.

    Where the spec tells the number of updates, an epoch is still a pass over the training images, the
    last one perhaps cut short.

    Args:
        spec: What to train.
        seed: Seed of the initial weights, the only random choice.
        data: ``train_rgb`` and ``validation_rgb`` uint8 (N, 3, H, W); ``train_label`` and
            ``validation_label`` uint8 (N, H, W); ``palette`` float32 (NC, 3) in 0..1.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, spec: Colourization, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        # Memory format is a question of speed alone; on MPS it is left alone for want of a test.
        memory_format = torch.contiguous_format if device == "mps" else torch.channels_last
        net = _make_net(spec, seed).to(device).to(memory_format=memory_format)
        rewritten = rewrite(net)
        updates_per_epoch = math.ceil(len(data["train_label"]) / spec.batch_size)
        super().__init__(
            net,
            _Rows(rewritten),
            spec,
            seed,
            device,
            updates_per_epoch=updates_per_epoch,
            updates=spec.updates,
        )
        self.recordable = isinstance(rewritten.net, fx.GraphModule)  # traced: no line of Python decides in it
        self._spec, self._data, self._layout = spec, data, rewritten.layout
        self._train = _prepare(data["train_rgb"], data["train_label"], self._layout, device)
        self._validation = _prepare(data["validation_rgb"], data["validation_label"], self._layout, device)
        self._pixels = math.prod(data["train_label"].shape[1:])
        on_cuda = max(1, _VALIDATION_PIXELS_ON_CUDA // self._pixels)
        self._together = on_cuda if device == "cuda" else _VALIDATION_BATCH

    def batches(self) -> Iterator[Batch]:
        """Return grey images (BS, 1, H, W) and the labels (rows,) of their pixels."""
        return self._train.batches(self._spec.batch_size)

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of the pixels of scores (rows, NC), in nats."""
        return cross_entropy(scores, targets, self._count(targets) * self._pixels)

    def follow(self, updates: Iterator[Update]) -> Row:
        """Add up the losses and the right pixels of each batch, as it was before its update.

        Returns:
            ``train_loss``, the mean of the batches' losses, each weighted by its number of images, in nats;
            ``train_accuracy`` in 0..1, the share of these images' pixels whose highest score stands at
            the right colour.
        """
        tally = Tally(self.device, self._pixels)
        for loss, rows, labels in updates:
            tally.add(loss, count_right(rows, labels), self._count(labels))
            del rows  # not to be kept while the next batch passes the net
        loss_mean, accuracy = tally.means()
        return {"train_loss": loss_mean, "train_accuracy": accuracy}

    def validate(self) -> Row:
        """Return ``validation_loss``, the mean over all pixels, and ``validation_accuracy`` in 0..1."""
        tally = Tally(self.device)
        for grey, labels in self._validation.batches(self._together):
            rows = self.scores(grey)
            tally.add(self.loss(rows, labels), count_right(rows, labels), len(grey) * self._pixels)
        loss, accuracy = tally.means()
        return {"validation_loss": loss, "validation_accuracy": accuracy}

    def leave(self) -> Results:
        """Return the weights, validation images with predictions, measures and the net's source.

        Returns:
            Samples: ``grey`` float32 (n, H, W) in 0..1, ``rgb`` uint8 (n, 3, H, W), ``truth_label`` and
            ``predicted_label`` uint8 (n, H, W) of the first `SAMPLES` validation images, the same for
            every net; ``palette`` float32 (NC, 3); the same four arrays with ``ranked_`` before their
            names of the images that `best_median_worst` chooses by their pixel accuracy, with
            ``ranked_accuracy`` float32 (n,) in 0..1 and ``ranked_index`` int64 (n,), where they stand
            among the validation images. Of all N validation images, in their order: ``image_accuracy``
            in 0..1 and ``image_loss`` in nats, float32 (N,), the means over the pixels of each;
            ``confusion`` int64 (NC, NC), their pixels, rows the true colours, columns the predicted ones;
            ``table_confusion``, the same of `baselines.grey_table` of the training images;
            ``calibration`` float64 (10, 3), see `metrics.calibration.Bins`.

            Measures: numbers of images, parameters, ``epochs`` and ``updates`` made,
            ``updates_per_epoch``, ``diverged``; ``top3_accuracy`` in 0..1, the share of validation
            pixels whose right colour is among the `PLACES` highest scores, see `count_among_highest`;
            `calibration_error`; `baselines`; `describe`.
        """
        predicted, among = self._predict()
        colours = np.concatenate(predicted.colours)
        net_class = type(self.net)
        return Results(
            weights=copies(self.net.state_dict()),
            samples={
                **self._samples(colours),
                "image_loss": np.concatenate(predicted.losses),
                "confusion": predicted.confusion,
                "table_confusion": self._of_table(),
                "calibration": predicted.calibration,
            },
            measures={
                **self._counts(),
                "diverged": self.diverged,
                "top3_accuracy": among,
                "calibration_error": calibration_error(predicted.calibration),
                **self._baselines(),
                **describe(colours, self._data["validation_label"], self._data["palette"]),
            },
            listings={net_class.__name__: inspect.getsource(net_class)},
        )

    def _samples(self, predicted: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        accuracy = image_accuracy(predicted, self._data["validation_label"])
        ranked = best_median_worst(accuracy)
        return {
            **self._pictures(predicted, np.arange(min(SAMPLES, len(accuracy)))),
            "palette": self._data["palette"],
            **{f"ranked_{name}": array for name, array in self._pictures(predicted, ranked).items()},
            "ranked_accuracy": accuracy[ranked].astype(np.float32),
            "ranked_index": ranked.astype(np.int64),
            "image_accuracy": accuracy.astype(np.float32),
        }

    def _pictures(self, predicted: NDArray[np.uint8], chosen: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {
            "grey": self._validation.grey[:, 0].cpu().numpy()[chosen],
            "rgb": self._data["validation_rgb"][chosen],
            "truth_label": self._data["validation_label"][chosen],
            "predicted_label": predicted[chosen],
        }

    def _counts(self) -> dict[str, int]:
        return {
            "train_images": len(self._data["train_label"]),
            "validation_images": len(self._data["validation_label"]),
            "parameters": sum(p.numel() for p in self.net.parameters() if p.requires_grad),
            "epochs": self.epochs_done,
            "updates": self.optimiser.updates,
            "updates_per_epoch": self.updates_per_epoch,
        }

    def _baselines(self) -> dict[str, float]:
        data = self._data
        return baselines(
            data["train_rgb"],
            data["train_label"],
            data["validation_rgb"],
            data["validation_label"],
            self._spec.num_colours,
        )

    def _of_table(self) -> Confusion:
        """Return how often the table from grey level to colour says what, on the validation images."""
        data, colours = self._data, self._spec.num_colours
        table = grey_table(data["train_rgb"], data["train_label"], colours)
        said, truth = look_up(table, data["validation_rgb"]), data["validation_label"].astype(np.int64)
        return confusion(truth.ravel(), said.ravel(), colours)

    def _predict(self) -> tuple[_Predicted, float]:
        """Return what the net says of the validation images, and the share among the highest."""
        colours = self._spec.num_colours
        predicted = _Predicted([], [], np.zeros((colours, colours), np.int64), np.zeros((BINS, 3)))
        among = torch.zeros((), device=self.device, dtype=torch.int64)
        truth = self._data["validation_label"]
        batches = self._validation.batches(self._together)
        for start, (grey, labels) in zip(itertools.count(0, self._together), batches, strict=False):
            rows = self.scores(grey)
            highest = rows.argmax(1)
            among += count_among_highest(rows, labels, PLACES)
            likelihoods = _log_likelihoods(rows, labels, highest)
            predicted.add(
                truth[start : start + len(grey)],
                self._restored(highest.to(torch.uint8)),
                np.stack([self._restored(values) for values in likelihoods]),
            )
        return predicted, among.item() / truth.size

    def _restored(self, values: torch.Tensor) -> NDArray[Any]:
        """Return values of the rows as pictures (BS, H, W)."""
        height, width = self._validation.grey.shape[2:]
        pictures: NDArray[Any] = self._layout.restore(values, height, width).cpu().contiguous().numpy()
        return pictures

    def _count(self, labels: torch.Tensor) -> int:
        """Return of how many images labels (rows,) are."""
        return len(labels) // self._train.labels.shape[1]


def _make_net(spec: Colourization, seed: int) -> nn.Module:
    if spec.num_in_channels != 1:
        raise UsageError(
            f"the grey input has one channel, but {spec.num_in_channels} are asked for",
            "set num_in_channels to 1",
        )
    return make_net(spec.net, seed, spec.kernel, spec.num_filters, spec.num_colours, spec.num_in_channels)


def _log_likelihoods(
    rows: torch.Tensor, labels: torch.Tensor, highest: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the softmax of the rows gives the labels and the highest scores, (rows,) each, logarithms.

    A row without a label gets the last colour's: it is no pixel of a picture.
    """
    logarithms = torch.log_softmax(rows, 1, dtype=torch.float32)
    labelled = labels.clamp(max=rows.shape[1] - 1).long()
    true, predicted = (logarithms.gather(1, each[:, None])[:, 0] for each in (labelled, highest))
    return true, predicted


def _prepare(rgb: NDArray[np.uint8], label: NDArray[np.uint8], layout: Layout, device: str) -> _Images:
    # The starter divides by 256, not 255, and weighs the three channels equally.
    grey = (torch.tensor(rgb, dtype=torch.float32) / 256).mean(1, keepdim=True)
    return _Images(grey.to(device), layout.arrange(torch.tensor(label)).contiguous().to(device))
