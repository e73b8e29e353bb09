"""Fine-tuning of the last layer of a segmentation net (CSC413 2021, programming assignment 2, Part D)."""

import inspect
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cnnreport.errors import DataError
from cnnreport.nets import deeplab
from cnnreport.nets.deeplab import DeepLabV3, fine_tune_last_layer, learned_parameters
from cnnreport.nets.lean import form_alone
from cnnreport.task import Results, Row
from cnnreport.training.loop import Batch, Loop, LossFunction, Update, copies, train
from cnnreport.training.metrics import flower_scores, overlap
from cnnreport.training.metrics.colour_scores import best_median_worst
from cnnreport.training.metrics.flower_scores import Probabilities
from cnnreport.training.optimisers import ScheduledOptimiser, make_optimiser
from cnnreport.training.seeded import seeded
from cnnreport.training.segmentation.features import about_weights, calibrated_on, make_model, unpack
from cnnreport.training.segmentation.images import normalise
from cnnreport.training.segmentation.logits import LogitsOfFeatures, LogitsOfImages
from cnnreport.training.segmentation.soft_iou import cross_entropy_loss, soft_iou_loss
from cnnreport.training.specs.segmentation import FineTuning

LOSSES: Mapping[str, LossFunction] = {"cross-entropy": cross_entropy_loss, "iou": soft_iou_loss}

TOGETHER = {"cached": 64, "frozen": 4, "moving": 4}
"""How many validation images pass the model together; the numbers do not depend on it."""

SAMPLES = 6
"""How many training and how many validation images are kept for the pictures of the report."""


def fine_tune(
    net: DeepLabV3,
    logits: Callable[[torch.Tensor], torch.Tensor],
    epochs: Iterable[Iterable[Batch]],
    spec: FineTuning,
    updates_per_epoch: int,
) -> tuple[ScheduledOptimiser, Iterator[Iterator[Update]]]:
    """Fine-tune the last layer of a DeepLabV3 and nothing else (handout, D.1 and D.2).

    Args:
        net: What `fine_tune_last_layer` has frozen.
        logits: From the inputs of a batch to the logits of its pixels (BS, H, W), by means of the net.
        epochs: For each epoch its batches.
        spec: The optimiser, its learning rate and schedule, and the loss.
        updates_per_epoch: How many batches an epoch has.

    Returns:
        The optimiser; and for each epoch its updates, each of which is made when it is asked for.
    """
    updates = spec.epochs * updates_per_epoch
    optimiser = make_optimiser(
        learned_parameters(net), spec.optimiser, spec.schedule, spec.learning_rate, updates, updates_per_epoch
    )
    loss_function = LOSSES[spec.loss]
    return optimiser, (train(logits, batches, loss_function, optimiser) for batches in epochs)


@dataclass(frozen=True)
class _Images:
    """What the model takes, and the masks to it; all of it on the device, since batches are drawn from it.

    Args:
        inputs: Packed features bfloat16 (N, C, h, w), or images uint8 (N, 3, H, W), on the device.
        targets: The masks on the device.
        masks: uint8 (N, H, W), on the CPU.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    masks: torch.Tensor

    def batches(self, positions: torch.Tensor, size: int) -> Iterator[Batch]:
        """Yield batches of the images at these positions, in their order; the last may be smaller."""
        for part in torch.split(positions.to(self.inputs.device), size):  # moved at once, not batch by batch
            yield _as_floats(self.inputs[part]), self.targets[part]


def _as_floats(inputs: torch.Tensor) -> torch.Tensor:
    return inputs.float() if inputs.dtype == torch.bfloat16 else normalise(inputs)


class FineTuningTask(Loop):
    """A `Task`: trains the 514 parameters of a new last layer, the rest of the net frozen.

    Args:
        spec: What to train.
        seed: Of the new layer's weights and of the order of the images.
        data: As `flower_set.prepare` and `pretrained_file.prepare` return them; and ``features``, those of a
            `FeaturesTask` on the same data, where the spec wants cached ones.
        device: ``cpu``, ``cuda`` or ``mps``.

    Raises:
        DataError: The features are those of another number of images.
    """

    def __init__(self, spec: FineTuning, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self._spec, self._data = spec, data
        self._about = about_weights(data)
        masks = torch.from_numpy(data["masks" if spec.protocol == "clean" else "handout_masks"])
        inputs = cached_features(data) if spec.features == "cached" else torch.from_numpy(data["images"])
        self._images = _Images(inputs.to(device), masks.to(device), masks)
        self._train = torch.from_numpy(data[f"{spec.protocol}_train"])
        self._validation = torch.from_numpy(data["validation"])
        self._net = _make_net(spec, seed, data, device)
        with seeded(seed):
            fine_tune_last_layer(self._net)
        self._net.classifier[-1].to(device)
        per_epoch = self._updates_per_epoch()
        # The batches of an epoch are drawn when its turn comes.
        optimiser, self._trained = fine_tune(
            self._net, self.scores, (self.batches() for _ in itertools.count()), spec, per_epoch
        )
        super().__init__(
            self._net,
            self._make_model((masks.shape[1], masks.shape[2])),
            spec,
            seed,
            device,
            updates_per_epoch=per_epoch,
            optimiser=optimiser,
        )

    def batches(self) -> Iterator[Batch]:
        """Return inputs and masks (BS, H, W) of all training images in a new order."""
        order = self._train[torch.randperm(len(self._train))]
        batches = self._images.batches(order, self._spec.batch_size)
        return itertools.islice(batches, self.updates_per_epoch)

    def learn(self) -> Iterator[Update]:
        """Return the updates of the next epoch, as `fine_tune` makes them."""
        return next(self._trained)

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of logits (BS, H, W): in nats for cross entropy, in 0..1 for the IoU loss."""
        loss: torch.Tensor = LOSSES[self._spec.loss](scores, targets)
        return loss

    def follow(self, updates: Iterator[Update]) -> Row:
        """Return ``train_loss``, the mean of the batches', and ``train_mean_iou``, before each update."""
        losses, counts = [], torch.zeros(2, 2, dtype=torch.int64, device=self.device)
        for loss, logits, masks in updates:  # nothing is asked of a GPU before the end of the epoch
            losses.append(loss)
            counts += _pooled(logits > 0, masks)
            del logits, masks  # not to be kept while the next batch passes the net
        return {
            "train_loss": math.fsum(torch.stack(losses).tolist()) / len(losses),
            "train_mean_iou": overlap.mean_iou(counts[None].cpu().numpy()),
        }

    def validate(self) -> Row:
        """Return ``validation_loss`` of all validation images together, and `flower_scores.row`."""
        logits = self._logits(self._validation)
        truth = self._images.masks[self._validation]
        return {
            "validation_loss": float(self.loss(logits, truth.to(logits.device))),
            **flower_scores.row(flower_scores.probability(logits), truth.numpy()),
        }

    def moving(self) -> Mapping[str, torch.Tensor]:
        """Return what training changes: the last layer, or everything where batch statistics move too."""
        return super().moving() if self._spec.features == "moving" else self._last_layer()

    def leave(self) -> Results:
        """Return the learned weights, images with predictions, measures and the printed sources.

        Returns:
            Weights: the last layer's. Samples: for each of ``train_``, ``validation_`` and ``ranked_`` (the
            best, median and worst validation images by the IoU of their flowers) ``rgb`` uint8 (n, 3, H, W),
            ``mask`` uint8 (n, H, W) with 255 for void, ``predicted`` uint8 (n, H, W), ``iou`` float32
            (n,), ``number`` int64 (n,); those of `flower_scores.sweep`; and, of all validation images in
            their order, those of `flower_scores.of_each_image`. Measures: numbers of images,
            parameters and updates, what is known of the weights, `flower_scores.measures`,
            `flower_scores.baselines`. Listings: `PRINTED`, and as ``spec`` the spec as code.
        """
        probability = flower_scores.probability(self._logits(self._validation))
        masks = self._images.masks
        truth = masks[self._validation].numpy()
        seen = torch.isin(self._validation, self._train)
        return Results(
            weights=copies(self._last_layer()),
            samples={
                **self._samples(probability),
                **flower_scores.sweep(probability, truth),
                **flower_scores.of_each_image(probability, truth),
            },
            measures={
                "train_images": len(self._train),
                "train_distinct": len(torch.unique(self._train)),
                "validation_images": len(self._validation),
                "validation_seen": int(seen.sum()),
                "image_size": masks.shape[-1],
                "without_trimap": int(self._data["without_trimap"][0]),
                "skipped": json.loads(self._data["skipped"].tobytes()),
                "epochs": self.epochs,
                "updates": self.updates,
                "diverged": self.diverged,
                **self._sizes(),
                **{f"weights_{name}": self._about[name] for name in ("title", "origin", "sha256")},
                "architecture": self._about["architecture"],
                **flower_scores.measures(probability, truth),
                **flower_scores.baselines((masks[place].numpy() for place in self._train), truth),
            },
            listings={
                **{each.__name__: inspect.getsource(each) for each in PRINTED},
                "spec": as_code(self._spec),
            },
        )

    def _updates_per_epoch(self) -> int:
        """Return how many batches an epoch has; the handout's protocol drops one that is not full."""
        images, size = len(self._train), self._spec.batch_size
        whole = images // size if self._spec.protocol == "handout" else 0
        return whole or math.ceil(images / size)

    def _make_model(self, size: tuple[int, int]) -> nn.Module:
        if self._spec.features == "cached":
            return LogitsOfFeatures(self._net, size)
        return LogitsOfImages(self._net, moving=self._spec.features == "moving")

    def _logits(self, positions: torch.Tensor) -> torch.Tensor:
        batches = self._images.batches(positions, TOGETHER[self._spec.features])
        return torch.cat([self.scores(inputs) for inputs, _ in batches])

    def _last_layer(self) -> dict[str, torch.Tensor]:
        return {
            name: tensor
            for name, tensor in self._net.state_dict().items()
            if name.startswith(deeplab.LAST_LAYER)
        }

    def _sizes(self) -> dict[str, int]:
        frozen = sum(p.numel() for p in self._net.parameters() if not p.requires_grad)
        channels, side = self._net.classifier[-1].in_channels, 0
        calibrated = calibrated_on(self._spec.start, self._data)
        if self._spec.features == "cached":
            side = self._images.inputs.shape[-1]
            calibrated = int(self._data["calibration_images"][0])
        return {
            "parameters_learned": sum(parameter.numel() for parameter in learned_parameters(self._net)),
            "parameters_frozen": frozen,
            "feature_channels": channels,
            "feature_side": side,
            "calibration_images": calibrated,
        }

    def _samples(self, probability: Probabilities) -> dict[str, NDArray[Any]]:
        """Return the pictures; `probability` is that of the validation images."""
        iou = flower_scores.flower_iou(probability, self._images.masks[self._validation].numpy())
        ranked = best_median_worst(iou)
        # Those of the clean protocol's list, so that both protocols show the same.
        train = _spread(torch.from_numpy(self._data["clean_train"]))
        places = _spread(torch.arange(len(self._validation)))
        return {
            **self._pictures("train", train, flower_scores.probability(self._logits(train))),
            **self._pictures("validation", self._validation[places], probability[places]),
            **self._pictures("ranked", self._validation[ranked], probability[ranked]),
        }

    def _pictures(
        self, prefix: str, positions: torch.Tensor, probability: Probabilities
    ) -> dict[str, NDArray[Any]]:
        masks, where = self._images.masks[positions].numpy(), positions.numpy()
        arrays = {
            "rgb": self._data["images"][where],
            "mask": masks,
            "predicted": (probability > flower_scores.THRESHOLD).astype(np.uint8),
            "iou": flower_scores.flower_iou(probability, masks).astype(np.float32),
            "number": self._data["numbers"][where],
        }
        return {f"{prefix}_{name}": array for name, array in arrays.items()}


PRINTED = (fine_tune_last_layer, learned_parameters, fine_tune, train, soft_iou_loss, cross_entropy_loss)
"""The functions whose source the report prints."""


def _make_net(spec: FineTuning, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> DeepLabV3:
    if spec.features != "cached":
        return make_model(spec.start, seed, data, device)
    # Of the frozen net nothing is needed but its form: its output has been computed.
    with form_alone():
        return deeplab.build(about_weights(data)["architecture"]).eval()


def as_code(spec: FineTuning) -> str:
    """Return the expression that makes a spec, a line a setting; what a part leaves open is left out."""
    lines = (f"    {each.name}={_as_code(getattr(spec, each.name))},\n" for each in fields(spec))
    return f"{type(spec).__name__}(\n{''.join(lines)})\n"


def _as_code(value: object) -> str:
    if not is_dataclass(value):
        return json.dumps(value) if isinstance(value, str) else repr(value)
    chosen = {each.name: getattr(value, each.name) for each in fields(value)}
    parts = (f"{name}={_as_code(part)}" for name, part in chosen.items() if part is not None)
    return f"{type(value).__name__}({', '.join(parts)})"


def cached_features(data: Mapping[str, NDArray[Any]]) -> torch.Tensor:
    """Return what an earlier run kept of the images, in bfloat16, (N, C, H, W).

    Raises:
        DataError: It kept another number of images.
    """
    maps = unpack(data["features"])
    if len(maps) != len(data["images"]):
        raise DataError(
            f"there are features of {len(maps)} images, but {len(data['images'])} images",
            "give both experiments the same number of images",
        )
    return maps


def _pooled(called: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return the sum of `overlap.count` over the images, (2, 2), where they are."""
    if masks.device.type == "cpu":
        return torch.from_numpy(overlap.count(called.numpy(), masks.numpy()).sum(0))
    return overlap.count_on_device(called, masks)


def _spread(positions: torch.Tensor) -> torch.Tensor:
    """Choose `SAMPLES` of a list at equal distances: the published set is sorted by sorts of flowers."""
    return positions[torch.linspace(0, len(positions) - 1, min(SAMPLES, len(positions))).long()]
