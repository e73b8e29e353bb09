"""Frozen features: what the last layer of a segmentation net sees of each image, computed once."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cnnreport.errors import VerificationError
from cnnreport.nets import deeplab
from cnnreport.nets.deeplab import DeepLabV3
from cnnreport.task import Results, Row
from cnnreport.training.seeded import seeded
from cnnreport.training.segmentation.images import normalise
from cnnreport.training.specs.segmentation import Features, Start

BATCH, BATCH_ON_CUDA = 4, 16
"""Images that pass the net together: as many as were fastest on a CPU, and on an H200, whose cuDNN takes five
times as long an image for 32."""

PARTS = 4
"""Into how many parts the images are divided; after each the run can be interrupted."""

CALIBRATION = 128
"""From how many training images a random net's batch norm takes its statistics, if there are so many."""

TOGETHER = 16
"""How many of these images pass the net together; the statistics are means over such batches."""


class FeaturesTask:
    """A `Task`: the input of ``classifier.4`` of every image, the net in eval mode.

    Args:
        spec: Which net.
        seed: Of the weights of a random net; plays no part otherwise.
        data: As `flower_set.prepare` and `pretrained_file.prepare` return them.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, spec: Features, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self.epochs = min(PARTS, len(data["images"]))
        self._device = device
        self._images = torch.from_numpy(data["images"])
        self._about = about_weights(data)
        self._start = spec.start
        self._calibrated_on = calibrated_on(spec.start, data)
        self._model = make_model(spec.start, seed, data, device)
        self._parts: list[torch.Tensor] = []

    def run_epoch(self) -> Row:
        """Compute the features of the next part of the images; return ``images``, how many are done."""
        size = math.ceil(len(self._images) / self.epochs)
        begin = len(self._parts) * size
        together = BATCH_ON_CUDA if self._device == "cuda" else BATCH
        batches = torch.split(self._images[begin : begin + size].to(self._device), together)
        maps = [pack(features(self._model, normalise(batch))) for batch in batches]
        self._parts.append(torch.cat(maps).cpu())
        return {"images": float(min(begin + size, len(self._images)))}

    def state(self) -> dict[str, torch.Tensor]:
        """Return the features computed so far, int16 (n, C, h, w) for each part of the images."""
        return {f"part{number}": part for number, part in enumerate(self._parts)}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`."""
        self._parts = [state[f"part{number}"] for number in range(len(state))]

    def results(self) -> Results:
        """Return the features.

        Returns:
            Samples: ``features`` uint16 (N, C, h, w), the bits of bfloat16, in the order of the images;
            ``calibration_images`` int64 (1,), the measure of that name, for those who read the features.
            Measures: ``architecture``, ``start``, ``images``, ``feature_channels``, ``feature_side``,
            ``parameters`` of the whole net, ``calibration_images``, see `calibrated_on`,
            ``weights_title``, ``weights_origin``, ``weights_sha256``.
        """
        packed = torch.cat(self._parts)
        return Results(
            samples={
                "features": packed.view(torch.uint16).numpy(),
                "calibration_images": np.array([self._calibrated_on]),
            },
            measures={
                "architecture": self._about["architecture"],
                "start": self._start,
                "images": len(packed),
                "feature_channels": packed.shape[1],
                "feature_side": packed.shape[2],
                "parameters": sum(parameter.numel() for parameter in self._model.parameters()),
                "calibration_images": self._calibrated_on,
                **{f"weights_{name}": self._about[name] for name in ("title", "origin", "sha256")},
            },
        )


def make_model(start: Start, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> DeepLabV3:
    """Build a net with the weights that were chosen, or with random ones, in eval mode.

    The batch norm of a random net is calibrated on training images: without that its features would
    hardly differ from image to image, and it would make a poor control.
    """
    about = about_weights(data)
    if start == "pretrained":
        model = deeplab.load(about["architecture"], data["weights"].tobytes())
    else:
        with seeded(seed):
            model = deeplab.build(about["architecture"])
    model = model.to(device).to(memory_format=torch.channels_last)
    if start == "random":
        chosen = data["images"][data["clean_train"][: calibrated_on(start, data)]]
        _calibrate(model, torch.from_numpy(chosen).to(device))
    return model.eval()


def calibrated_on(start: Start, data: Mapping[str, NDArray[Any]]) -> int:
    """Return from how many training images the batch norm of a net takes its statistics, see `make_model`.

    Returns:
        At most `CALIBRATION`; 0 for a pre-trained net, which brings its statistics.
    """
    if start == "pretrained":
        return 0
    images = min(CALIBRATION, len(data["clean_train"]))
    return images - (images % TOGETHER == 1)  # a single image has no statistics after global pooling


def about_weights(data: Mapping[str, NDArray[Any]]) -> Mapping[str, str]:
    """Return ``architecture``, ``title``, ``origin`` and ``sha256`` of the weights that were chosen."""
    about: Mapping[str, str] = json.loads(data["about_weights"].tobytes())
    return about


@torch.inference_mode()
def features(model: DeepLabV3, images: torch.Tensor) -> torch.Tensor:
    """Return what the last layer of a DeepLabV3 sees of normalised images (N, 3, H, W): (N, C, h, w)."""
    maps: torch.Tensor = model.backbone(images)["out"]
    for layer in list(model.classifier)[:-1]:
        maps = layer(maps)
    return maps


def pack(maps: torch.Tensor) -> torch.Tensor:
    """Round features (N, C, h, w) to bfloat16 and return its bits, int16 of the same shape.

    bfloat16, since float16 overflows for the largest of these nets (ResNet-101).

    Raises:
        VerificationError: The net gave non-finite numbers.
    """
    if not bool(torch.isfinite(maps).all()):
        raise VerificationError("the frozen net gave non-finite numbers", "check its weights")
    return maps.to(torch.bfloat16).contiguous().view(torch.int16)


def unpack(packed: NDArray[np.uint16]) -> torch.Tensor:
    """Return the features of a `FeaturesTask`, bfloat16 (N, C, h, w)."""
    return torch.from_numpy(packed.view(np.int16)).view(torch.bfloat16)


@torch.no_grad()
def _calibrate(model: DeepLabV3, images: torch.Tensor) -> None:
    """Give batch norm the statistics of images; all else, dropout too, stays in eval mode."""
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a mean over all batches
            module.train()
    for start in range(0, len(images), TOGETHER):
        model(normalise(images[start : start + TOGETHER]))
