"""The task that asks the device for the most memory that an update takes at once.

On CUDA torch's allocator tells it, what convolutions take to work in included. On a CPU only the peak of the
whole process is known, which holds the libraries and says nothing of an update: there it is not measured.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from cnnreport.kinds.costs import MODES
from cnnreport.task import Results, Row
from cnnreport.training.costs import make_net

from .kind import DEPTHS, REAL
from .layers import equal_layers, learning
from .spec import PeakMemory

UPDATES = 2
"""Adam's moments are there from the first update on, so the second one takes the most."""

REAL_CLASSES = 2


class PeakMemoryTask:
    """A `Task` of one epoch: makes updates for each depth and mode, where the device tells their peak.

    Args:
        spec: What to measure.
        seed: Plays no part.
        data: Plays no part.
        device: Such as ``cpu`` or ``cuda``.
    """

    epochs = 1

    def __init__(self, spec: PeakMemory, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self._spec, self._device = spec, torch.device(device)

    def run_epoch(self) -> Row:
        """Measure, and return of how many updates the device told the peak."""
        return {"told": float(sum(peak is not None for peak in self._peaks.values()))}

    def state(self) -> dict[str, torch.Tensor]:
        """Return nothing: what was measured is measured again in seconds."""
        return {}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take nothing up."""

    def results(self) -> Results:
        """Return the peaks in bytes, null where the device does not tell, and the device's name."""
        told = self._device.type == "cuda"
        name = torch.cuda.get_device_name(self._device) if told else ""
        return Results(measures={**self._peaks, "architecture": self._spec.architecture, "device_name": name})

    @cached_property
    def _peaks(self) -> dict[str, int | None]:
        peaks = {}
        for mode in MODES:
            for depth in DEPTHS:
                peaks[f"{mode}_peak_{depth}"] = self._peak(lambda m=mode, n=depth: self._layers(m, n))
            peaks[f"{mode}_peak_{REAL}"] = self._peak(lambda m=mode: self._real(m))
        return peaks

    def _peak(self, updates: Callable[[], None]) -> int | None:
        if self._device.type != "cuda":
            return None
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        updates()
        return int(torch.cuda.max_memory_allocated(self._device) - before)

    def _layers(self, mode: str, depth: int) -> None:
        spec = self._spec
        net = learning(equal_layers(depth, spec.channels, spec.kernel, str(self._device)), mode)
        images = torch.zeros(spec.batch_size, spec.channels, *[spec.image_size] * 2, device=self._device)
        update(net, images, lambda: net(images))

    def _real(self, mode: str) -> None:
        spec = self._spec
        net = make_net(spec.architecture, mode, REAL_CLASSES).to(self._device)
        images = torch.zeros(spec.real_batch_size, 3, *[spec.real_image_size] * 2, device=self._device)
        update(net, images, lambda: net(images)["out"])


def update(net: nn.Module, images: torch.Tensor, scores: Callable[[], torch.Tensor]) -> None:
    """Make `UPDATES` updates with mean cross entropy and Adam.

    Args:
        net: Its parameters that require a gradient learn.
        images: Shape (N, C, H, W).
        scores: Computes scores (N, classes, H, W) of these images.
    """
    masks = torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.int64, device=images.device)
    adam = torch.optim.Adam(parameter for parameter in net.parameters() if parameter.requires_grad)
    for _ in range(UPDATES):
        adam.zero_grad()
        F.cross_entropy(scores(), masks).backward()
        adam.step()
