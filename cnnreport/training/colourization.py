"""Training of the colourization nets, as the starter of CSC413 2021, programming assignment 2, does it."""

import contextlib
import importlib
import inspect
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
from cnnreport.training.adam import Adam
from cnnreport.training.arithmetic import arithmetic
from cnnreport.training.baselines import baselines, describe
from cnnreport.training.cross_entropy import cross_entropy
from cnnreport.training.layout import Layout
from cnnreport.training.rewrite import rewrite
from cnnreport.training.spec import Colourization

SAMPLES = 10
"""How many validation images are kept for the pictures of the report: the first ones."""

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

    Args:
        spec: What to train.
        seed: Seed of the initial weights, the only random choice.
        data: ``train_rgb`` and ``validation_rgb`` uint8 (N, 3, H, W); ``train_label`` and
            ``validation_label`` uint8 (N, H, W); ``palette`` float32 (NC, 3) in 0..1.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, spec: Colourization, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self.epochs = spec.epochs
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
            ``validation_loss``, the mean over all pixels; ``validation_accuracy`` in 0..1. Losses are
            in nats. A training that diverged goes on; its losses are what they are.
        """
        with _deterministic(self._device):
            train_loss = self._learn()
            validation_loss, correct = self._validate()
        self._epochs_done += 1
        self._diverged |= not (math.isfinite(train_loss) and math.isfinite(validation_loss))
        return {
            "train_loss": train_loss,
            "validation_loss": validation_loss,
            "validation_accuracy": correct,
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
        """Return the weights, ten validation images with predictions, measures and the net's source."""
        with _deterministic(self._device):
            predicted = self._predict()
        data = self._data
        truth = data["validation_label"]
        kind = type(self._net)
        return Results(
            weights={name: _detach(tensor) for name, tensor in self._net.state_dict().items()},
            samples={
                "grey": self._validation.grey[:SAMPLES, 0].cpu().contiguous().numpy(),
                "rgb": data["validation_rgb"][:SAMPLES],
                "truth_label": truth[:SAMPLES],
                "predicted_label": predicted[:SAMPLES],
                "palette": data["palette"],
            },
            measures={
                "train_images": len(data["train_label"]),
                "validation_images": len(truth),
                "parameters": sum(p.numel() for p in self._net.parameters() if p.requires_grad),
                "epochs": self._epochs_done,
                "diverged": self._diverged,
                **baselines(
                    data["train_rgb"],
                    data["train_label"],
                    data["validation_rgb"],
                    truth,
                    self._spec.num_colours,
                ),
                **describe(predicted, truth, data["palette"]),
            },
            listings={kind.__name__: inspect.getsource(kind)},
        )

    def _learn(self) -> float:
        self._rewritten.net.train()
        # Summed where the losses are: asking for a number would make a GPU wait in every step.
        total = torch.zeros((), device=self._device)
        for grey, labels in self._train.batches(self._spec.batch_size):
            loss = cross_entropy(self._rows(grey), labels, len(grey) * self._pixels)
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()
            total += loss.detach() * len(grey)
        return total.item() / len(self._train.grey)

    @torch.inference_mode()
    def _validate(self) -> tuple[float, float]:
        self._rewritten.net.eval()
        loss = torch.zeros((), device=self._device)
        correct = torch.zeros((), device=self._device, dtype=torch.int64)
        for grey, labels in self._validation.batches(_VALIDATION_BATCH):
            rows = self._rows(grey)
            pixels = len(grey) * self._pixels
            loss += cross_entropy(rows, labels, pixels) * pixels
            correct += (rows.argmax(1) == labels).sum()  # unlabelled rows never agree
        total = len(self._validation.grey) * self._pixels
        return loss.item() / total, correct.item() / total

    @torch.inference_mode()
    def _predict(self) -> NDArray[np.uint8]:
        self._rewritten.net.eval()
        rows = [
            self._rows(grey).argmax(1).to(torch.uint8)
            for grey, _ in self._validation.batches(_VALIDATION_BATCH)
        ]
        height, width = self._validation.grey.shape[2:]
        pictures = self._rewritten.layout.restore(torch.cat(rows), height, width)
        predicted: NDArray[np.uint8] = pictures.cpu().contiguous().numpy()
        return predicted

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
