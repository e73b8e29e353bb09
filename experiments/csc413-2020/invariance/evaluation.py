"""What a trained net makes of transformed images, with statistics of training and of the batch."""

import copy
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from cnnreport.errors import DataError
from cnnreport.task import Results, Row
from cnnreport.training.net import make_net

from .kinds import MODES, RINGS, transforms_of
from .specs import Evaluation
from .transforms import SAME, SCALES, Transform

WEIGHTS = "weights."
"""Begins the names of the weights among the data."""


class EvaluationTask:
    """A `Task` of one epoch: compares the logits of transformed validation images with those of the images.

    Args:
        spec: What to evaluate.
        seed: Plays no part: the weights are those of the run that is read.
        data: ``validation_rgb`` uint8 (N, 3, H, W) and ``validation_label`` uint8 (N, H, W), and the weights.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    epochs = 1

    def __init__(self, spec: Evaluation, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self._spec, self._device = spec, device
        # Twice as fast on a CPU; on MPS it is left alone, as in ColourizationTraining.
        memory_format = torch.contiguous_format if device == "mps" else torch.channels_last
        self._net = _trained(spec, data).to(device).to(memory_format=memory_format).eval()
        rgb = torch.tensor(np.asarray(data["validation_rgb"][: spec.images]), dtype=torch.float32)
        self._grey = (rgb / 256).mean(1, keepdim=True).to(device)  # as ColourizationTraining prepares it
        self._labels = torch.tensor(
            np.asarray(data["validation_label"][: spec.images]), dtype=torch.int64
        ).to(device)

    def run_epoch(self) -> Row:
        """Compare, and return as ``images`` on how many images."""
        return {"images": float(self._left.measures["images"])}

    def state(self) -> dict[str, torch.Tensor]:
        """Return nothing: what was compared is compared again in seconds."""
        return {}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take nothing up."""

    def results(self) -> Results:
        """Return what was measured.

        Returns:
            Measures: of each mode of `kinds.MODES` and transformation: ``…_loss`` in nats and
            ``…_accuracy`` in 0..1; ``…_agreement``, the share of the pixels whose predicted colour is that
            of the image as it is;
            ``…_change``, the mean size of the difference of a logit from that of the image as it is,
            ``…_border`` and ``…_centre``, the same of the outermost pixels and of those in the middle.
            ``<mode>_spread`` is the standard deviation of the logits of a pixel over the colours, as a root
            of the mean square over pixels. ``factor_<a>_least`` and ``…_median``: what the epsilon of the
            first batch norm leaves of a, over its channels; see `left_by_epsilon`.

            Samples: ``<mode>_rings`` float64 (T, 16), the mean change of a logit of each transformation by
            the distance of its pixel from the border.
        """
        return self._left

    @cached_property
    def _left(self) -> Results:
        with torch.inference_mode():
            told = {mode: self._tell(mode) for mode in MODES}
            variance = first_variance(self._net, self._grey)
        measures: dict[str, Any] = {"images": len(self._grey), "inner_rings": RINGS}
        for mode, compared in told.items():
            measures |= {f"{mode}_{name}": value for name, value in _measures(compared).items()}
        measures |= _factors(variance, first_norm(self._net).eps)
        rings = {f"{mode}_rings": _rings(compared) for mode, compared in told.items()}
        net = type(self._net)
        return Results(samples=rings, measures=measures, listings={net.__name__: inspect.getsource(net)})

    def _tell(self, mode: str) -> "dict[Transform, Compared]":
        net = self._net if mode == "running" else by_batch(self._net)
        told = {transform: Compared() for transform in (SAME, *transforms_of(mode))}
        for grey, labels in self._batches():
            before = net(grey)
            highest = before.argmax(1)
            inner = with_statistics_of(self._net, grey) if mode == "inner" else None
            for transform, compared in told.items():
                called = net if inner is None else without_border(inner, transform)
                after = before if transform is SAME else called(transform.scale * grey + transform.shift)
                compared.add(before, highest, after, labels)
            told[SAME].square += float(before.var(1, correction=0).double().sum())
        return told

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        size = self._spec.batch_size
        return zip(torch.split(self._grey, size), torch.split(self._labels, size), strict=True)


@dataclass
class Compared:
    """Sums over pixels of the logits of images and of transformed ones, added up batch by batch.

    Args:
        pixels: How many there are.
        loss: Of their cross entropies, in nats, with the transformed images.
        right: Those whose highest logit stands at the right colour.
        agreeing: Those whose highest logit stands where it stands for the image as it is.
        square: Of the variances of their logits over the colours; of images as they are alone.
        rings: (16,), by the distance from the border, of the mean change of a logit.
        counts: (16,), how many pixels there are at each.
    """

    pixels: int = 0
    loss: float = 0.0
    right: int = 0
    agreeing: int = 0
    square: float = 0.0
    rings: NDArray[np.float64] = field(default_factory=lambda: np.zeros(RINGS))
    counts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(RINGS))

    def add(
        self, before: torch.Tensor, colours: torch.Tensor, after: torch.Tensor, labels: torch.Tensor
    ) -> None:
        """Take a batch in.

        Args:
            before: Logits of the images, (N, NC, H, W).
            colours: The colours that they predict, (N, H, W).
            after: Logits of the transformed images, (N, NC, H, W).
            labels: The true colours, (N, H, W).
        """
        highest = after.argmax(1)
        self.pixels += labels.numel()
        self.loss += float(F.cross_entropy(after, labels, reduction="sum"))
        self.right += int((highest == labels).sum())
        self.agreeing += int((highest == colours).sum())
        change = (after - before).abs().mean(1).sum(0, dtype=torch.float64).cpu().numpy().ravel()
        ring = distances(*labels.shape[1:]).ravel()
        self.rings += np.bincount(ring, change, RINGS)
        self.counts += len(labels) * np.bincount(ring, minlength=RINGS)


def distances(height: int, width: int) -> NDArray[np.int64]:
    """Return the distance of each pixel from the border, (H, W): 0 for the outermost ones."""
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    vertical, horizontal = np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    return np.minimum(vertical, horizontal)


def by_batch(net: nn.Module) -> nn.Module:
    """Return a copy of a net whose batch norms take the statistics of the batch at hand, and keep none."""
    copied = copy.deepcopy(net)
    for module in _norms(copied):
        module.track_running_stats = False
        module.running_mean = module.running_var = module.num_batches_tracked = None
    return copied


def with_statistics_of(net: nn.Module, images: torch.Tensor) -> nn.Module:
    """Return a copy of a net, in evaluation mode, that keeps the statistics of a batch (N, 1, H, W)."""
    copied, watched = copy.deepcopy(net), by_batch(net)
    for kept, module in zip(_norms(copied), _norms(watched), strict=True):
        module.register_forward_pre_hook(partial(_keep, kept))
    watched(images)
    return copied.eval()


def _keep(kept: nn.BatchNorm2d, _module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Keep the mean and the variance that normalise a batch, which is not the unbiased one."""
    variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
    kept.running_mean, kept.running_var = mean, variance


def without_border(net: nn.Module, transform: Transform) -> nn.Module:
    """Return a copy of a net whose first batch norm keeps what its statistics would be for ax + b.

    That is a m + t and a^2 v for the mean m and the variance v that it kept, with the constant
    t = b sum W + (1 - a) beta of the first convolution, as if nothing but ax + b stood beyond the border.
    """
    copied = copy.deepcopy(net)
    first = next(module for module in copied.modules() if isinstance(module, nn.Conv2d))
    norm = first_norm(copied)
    constant = transform.shift * first.weight.sum((1, 2, 3))
    if first.bias is not None:
        constant = constant + (1 - transform.scale) * first.bias
    assert norm.running_mean is not None, "it keeps statistics"
    assert norm.running_var is not None, "it keeps statistics"
    norm.running_mean = transform.scale * norm.running_mean + constant
    norm.running_var = transform.scale**2 * norm.running_var
    return copied


def left_by_epsilon(scale: float, variance: NDArray[Any], epsilon: float) -> NDArray[Any]:
    """Return by what a batch norm's output is multiplied, its shift aside, where its input is by a scale.

    That is a sqrt(v + e) / sqrt(a^2 v + e), for the variance v of the input before: 1 for e = 0 and a > 0.
    """
    factors: NDArray[Any] = scale * np.sqrt((variance + epsilon) / (scale**2 * variance + epsilon))
    return factors


def first_norm(net: nn.Module) -> nn.BatchNorm2d:
    """Return the batch norm that a net applies first.

    Raises:
        DataError: It has none.
    """
    for module in _norms(net):
        return module
    raise DataError(f"{type(net).__name__} has no batch norm", "evaluate a net that has one")


def _norms(net: nn.Module) -> Iterator[nn.BatchNorm2d]:
    return (module for module in net.modules() if isinstance(module, nn.BatchNorm2d))


def first_variance(net: nn.Module, images: torch.Tensor) -> NDArray[np.float64]:
    """Return the variance of each channel (C,) that goes into the first batch norm, over all images."""
    seen: list[torch.Tensor] = []
    hook = first_norm(net).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].double()))
    for batch in torch.split(images, 100):
        net(batch)
    hook.remove()
    variance: NDArray[np.float64] = torch.cat(seen).var((0, 2, 3), correction=0).cpu().numpy()
    return variance


def _trained(spec: Evaluation, data: Mapping[str, NDArray[Any]]) -> nn.Module:
    weights = {name.removeprefix(WEIGHTS): a for name, a in data.items() if name.startswith(WEIGHTS)}
    if not weights:
        raise DataError("there are no weights to evaluate", "let the experiment read a training")
    net = make_net(spec.net, 0, spec.kernel, spec.num_filters, spec.num_colours, spec.num_in_channels)
    net.load_state_dict({name: torch.tensor(np.asarray(array)) for name, array in weights.items()})
    return net


def _measures(told: Mapping[Transform, Compared]) -> dict[str, float]:
    measures = {"spread": (told[SAME].square / told[SAME].pixels) ** 0.5}
    for transform, sums in told.items():
        name, rings = transform.name, sums.rings / sums.counts
        measures |= {f"{name}_loss": sums.loss / sums.pixels, f"{name}_accuracy": sums.right / sums.pixels}
        if transform is not SAME:
            measures |= {
                f"{name}_agreement": sums.agreeing / sums.pixels,
                f"{name}_change": float(sums.rings.sum() / sums.counts.sum()),
                f"{name}_border": float(rings[0]),
                f"{name}_centre": float(rings[-1]),
            }
    return measures


def _rings(told: Mapping[Transform, Compared]) -> NDArray[np.float64]:
    return np.stack([sums.rings / sums.counts for transform, sums in told.items() if transform is not SAME])


def _factors(variance: NDArray[np.float64], epsilon: float) -> dict[str, float]:
    factors = {name: left_by_epsilon(scale, variance, epsilon) for scale, name in SCALES.items()}
    return {
        f"factor_{name}_{what}": float(choose(np.abs(values)))
        for name, values in factors.items()
        for what, choose in (("least", np.min), ("median", np.median))
    }
