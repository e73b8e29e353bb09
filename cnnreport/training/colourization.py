"""Training of the colourization nets, as the starter of CSC413 2021, programming assignment 2, does it."""

import contextlib
import importlib
import inspect
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.task import Results, Row
from cnnreport.training.fast.adam import Adam
from cnnreport.training.fast.cross_entropy import cross_entropy
from cnnreport.training.fast.layout import Layout
from cnnreport.training.fast.rewrite import rewrite
from cnnreport.training.metrics.accuracy import count_among_highest, count_right
from cnnreport.training.metrics.baselines import baselines
from cnnreport.training.metrics.colour_scores import best_median_worst, describe, image_accuracy
from cnnreport.training.specs.arithmetic import arithmetic
from cnnreport.training.specs.colourization import Colourization

SAMPLES = 10
"""How many validation images are kept for the pictures of the report: the first ones."""

PLACES = 3
"""Among how many of the highest scores the right colour has to be for ``top3_accuracy``."""

_VALIDATION_BATCH = 100


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
        """Yield all images in their order; the last batch is smaller where `size` does not divide them."""
        for grey, labels in zip(torch.split(self.grey, size), torch.split(self.labels, size), strict=True):
            yield grey, labels.flatten()


class ColourizationTraining:
    """A `Task`: Adam on the mean cross entropy of all pixels, without reshuffling between epochs.

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
        self._updates_per_epoch = math.ceil(len(data["train_label"]) / spec.batch_size)
        self.epochs = spec.epochs
        if spec.updates is not None:
            self.epochs = math.ceil(spec.updates / self._updates_per_epoch)
        self._spec = spec
        self._data = data
        self._device = device
        # Memory format is a question of speed alone; on MPS it is left alone for want of a test.
        memory_format = torch.contiguous_format if device == "mps" else torch.channels_last
        self._net = _make_net(spec, seed).to(device).to(memory_format=memory_format)
        self._rewritten = rewrite(self._net)
        self._adam = Adam(self._net.parameters(), spec.learning_rate)
        layout = self._rewritten.layout
        self._train = _prepare(data["train_rgb"], data["train_label"], layout, device)
        self._validation = _prepare(data["validation_rgb"], data["validation_label"], layout, device)
        self._pixels = math.prod(data["train_label"].shape[1:])
        self._epochs_done = 0
        self._diverged = False

    def run_epoch(self) -> Row:
        """Run one epoch and return its row.

        Returns:
            ``train_loss``, the mean of the batches' losses, each weighted by its number of images;
            ``train_accuracy`` in 0..1, the share of these images' pixels whose highest score stands at
            the right colour: both are of each batch as it was before its update, so that they follow a
            net that learns. ``validation_loss``, the mean over all pixels, and ``validation_accuracy``
            in 0..1, both after the epoch. Losses are in nats. A training that diverged goes on; its
            losses are what they are.
        """
        with _deterministic(self._device):
            train_loss, train_accuracy = self._learn()
            validation_loss, validation_accuracy = self._validate()
        self._epochs_done += 1
        self._diverged |= not (math.isfinite(train_loss) and math.isfinite(validation_loss))
        return {
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
        }

    def state(self) -> dict[str, torch.Tensor]:
        """Return weights, buffers, Adam's moments and steps, and how far the training is."""
        tensors = {f"net.{name}": tensor for name, tensor in self._net.state_dict().items()}
        tensors |= {f"adam.{name}": tensor for name, tensor in self._adam.state().items()}
        progress = {
            "epochs_done": torch.tensor(self._epochs_done),
            "diverged": torch.tensor(self._diverged),
        }
        return {name: _detach(tensor) for name, tensor in (tensors | progress).items()}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`."""
        # Copied in place: the rewritten net and the optimiser hold the same tensors.
        self._net.load_state_dict(_part(state, "net."))
        self._adam.restore(_part(state, "adam."))
        self._epochs_done = int(state["epochs_done"])
        self._diverged = bool(state["diverged"])

    def results(self) -> Results:
        """Return the weights, validation images with predictions, measures and the net's source.

        Returns:
            Samples: ``grey`` float32 (n, H, W) in 0..1, ``rgb`` uint8 (n, 3, H, W), ``truth_label`` and
            ``predicted_label`` uint8 (n, H, W) of the first `SAMPLES` validation images, the same for
            every net; ``palette`` float32 (NC, 3); the same four arrays with ``ranked_`` before their
            names of the images that `best_median_worst` chooses by their pixel accuracy, with
            ``ranked_accuracy`` float32 (n,) in 0..1 and ``ranked_index`` int64 (n,), where they stand
            among the validation images.

            Measures: numbers of images, parameters, ``epochs`` and ``updates`` made,
            ``updates_per_epoch``, ``diverged``; ``top3_accuracy`` in 0..1, the share of validation
            pixels whose right colour is among the `PLACES` highest scores, see `count_among_highest`;
            `baselines`; `describe`.
        """
        with _deterministic(self._device):
            predicted, among = self._predict()
        kind = type(self._net)
        return Results(
            weights={name: _detach(tensor) for name, tensor in self._net.state_dict().items()},
            samples=self._samples(predicted),
            measures={
                **self._counts(),
                "diverged": self._diverged,
                "top3_accuracy": among,
                **self._baselines(),
                **describe(predicted, self._data["validation_label"], self._data["palette"]),
            },
            listings={kind.__name__: inspect.getsource(kind)},
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
        }

    def _pictures(self, predicted: NDArray[np.uint8], chosen: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {
            "grey": self._validation.grey[:, 0].cpu().numpy()[chosen],
            "rgb": self._data["validation_rgb"][chosen],
            "truth_label": self._data["validation_label"][chosen],
            "predicted_label": predicted[chosen],
        }

    def _counts(self) -> dict[str, int]:
        made = self._epochs_done * self._updates_per_epoch
        return {
            "train_images": len(self._data["train_label"]),
            "validation_images": len(self._data["validation_label"]),
            "parameters": sum(p.numel() for p in self._net.parameters() if p.requires_grad),
            "epochs": self._epochs_done,
            "updates": made if self._spec.updates is None else min(made, self._spec.updates),
            "updates_per_epoch": self._updates_per_epoch,
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

    def _updates_left(self) -> int | None:
        """Return how many updates the next epoch may make, None for as many as there are batches."""
        if self._spec.updates is None:
            return None
        return self._spec.updates - self._epochs_done * self._updates_per_epoch

    def _learn(self) -> tuple[float, float]:
        self._rewritten.net.train()
        # Summed where the losses are: asking for a number would make a GPU wait in every step.
        total = torch.zeros((), device=self._device)
        right = torch.zeros((), device=self._device, dtype=torch.int64)
        seen = 0
        batches = self._train.batches(self._spec.batch_size)
        for grey, labels in itertools.islice(batches, self._updates_left()):
            rows = self._rows(grey)
            loss = cross_entropy(rows, labels, len(grey) * self._pixels)
            right += count_right(rows, labels)  # of the net as it is before this update
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()
            total += loss.detach() * len(grey)
            seen += len(grey)
        return total.item() / seen, right.item() / (seen * self._pixels)

    @torch.inference_mode()
    def _validate(self) -> tuple[float, float]:
        self._rewritten.net.eval()
        loss = torch.zeros((), device=self._device)
        right = torch.zeros((), device=self._device, dtype=torch.int64)
        for grey, labels in self._validation.batches(_VALIDATION_BATCH):
            rows = self._rows(grey)
            pixels = len(grey) * self._pixels
            loss += cross_entropy(rows, labels, pixels) * pixels
            right += count_right(rows, labels)
        total = len(self._validation.grey) * self._pixels
        return loss.item() / total, right.item() / total

    @torch.inference_mode()
    def _predict(self) -> tuple[NDArray[np.uint8], float]:
        """Return the colours (N, H, W) of the validation images, and the share among the highest."""
        self._rewritten.net.eval()
        highest = []
        among = torch.zeros((), device=self._device, dtype=torch.int64)
        for grey, labels in self._validation.batches(_VALIDATION_BATCH):
            rows = self._rows(grey)
            highest.append(rows.argmax(1).to(torch.uint8))
            among += count_among_highest(rows, labels, PLACES)
        height, width = self._validation.grey.shape[2:]
        pictures = self._rewritten.layout.restore(torch.cat(highest), height, width)
        predicted: NDArray[np.uint8] = pictures.cpu().contiguous().numpy()
        return predicted, among.item() / predicted.size

    def _rows(self, grey: torch.Tensor) -> torch.Tensor:
        """Map (BS, 1, H, W) to logits of shape (rows, NC)."""
        bfloat16 = arithmetic(self._spec.precision, self._device) == "bfloat16"
        with torch.autocast(self._device, torch.bfloat16, enabled=bfloat16):
            outputs = self._rewritten.net(grey)
        return self._rewritten.layout.rows(outputs)


def _make_net(spec: Colourization, seed: int) -> nn.Module:
    module, _, name = spec.net.partition(":")
    try:
        kind: type[nn.Module] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"the net {spec.net!r} cannot be found", "name it as module:Class, importable from the project"
        ) from error
    if spec.num_in_channels != 1:
        raise UsageError(
            f"the grey input has one channel, but {spec.num_in_channels} are asked for",
            "set num_in_channels to 1",
        )
    # Forked, so that one run's seed does not reach the next run of the same process.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return kind(spec.kernel, spec.num_filters, spec.num_colours, spec.num_in_channels)


def _prepare(rgb: NDArray[np.uint8], label: NDArray[np.uint8], layout: Layout, device: str) -> _Images:
    # The starter divides by 256, not 255, and weighs the three channels equally.
    grey = (torch.tensor(rgb, dtype=torch.float32) / 256).mean(1, keepdim=True)
    return _Images(grey.to(device), layout.arrange(torch.tensor(label)).contiguous().to(device))


@contextlib.contextmanager
def _deterministic(device: str) -> Iterator[None]:
    if device != "cuda":
        yield  # CPU kernels give the same bytes for the same number of threads
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def _detach(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def _part(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
