"""What a step of fine-tuning costs, measured: all layers against the last one, and twice the size.

CSC413 2020, programming assignment 2, questions C.4 and C.5. A step runs on torch's meta device: each
operation happens, with all that autograd and the optimiser keep for it, but on tensors without values.
"""

import contextlib
import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnreport.errors import VerificationError
from cnnreport.nets import deeplab
from cnnreport.task import Results, Row
from cnnreport.training.segmentation.features import features
from cnnreport.training.specs.costs import FineTuningCosts

MODES = ("all", "last")
"""Which layers learn."""

SCALES = (1, 2)
"""By what height and width of the images are multiplied."""


@dataclass(frozen=True)
class Costs:
    """What one step of training costs.

    Args:
        activation_bytes: What autograd keeps from the forward pass until the backward pass: activations,
            the input of the net and what the loss needs. Values that share memory count once. Parameters
            and buffers of the net, which are there anyway, are left out.
        gradient_bytes: The gradients of the parameters after the backward pass.
        optimiser_bytes: Adam's moments and step counts after its first step.
        forward_flops: Floating-point operations of all convolutions and matrix products in the forward
            pass, products with padding included, a multiply-add as two; no other operation counts.
        backward_flops: The same of the backward pass.
        learned: Parameters that the step changes.
    """

    activation_bytes: int
    gradient_bytes: int
    optimiser_bytes: int
    forward_flops: int
    backward_flops: int
    learned: int


class CostsTask:
    """A `Task` of one epoch: measures a step for each of `MODES` and of `SCALES`.

    Where all layers learn, the net is in train mode. Where only the last one learns, the rest is frozen
    and in eval mode, as for features that are computed once. An auxiliary classifier is computed in both,
    though it plays no part in the loss; for features that are computed once it is not.

    Args:
        spec: What to measure.
        seed: Plays no part.
        data: Plays no part.
        device: Plays no part: counts are the same everywhere.
    """

    epochs = 1

    def __init__(
        self, spec: FineTuningCosts, seed: int, data: Mapping[str, NDArray[Any]], device: str
    ) -> None:
        self._spec = spec

    def run_epoch(self) -> Row:
        """Measure, and return as ``points`` how many counts were found by a second way too.

        Raises:
            VerificationError: The two ways disagree.
        """
        return {"points": float(self._measures["points"])}

    def state(self) -> dict[str, torch.Tensor]:
        """Return nothing: what was measured is measured again in seconds."""
        return {}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take nothing up."""

    def results(self) -> Results:
        """Return the costs as measures.

        Returns:
            ``architecture``, ``image_size``, ``batch_size``, ``num_classes``, ``points``;
            ``parameters``, ``parameters_learned`` (where only the last layer learns) and
            ``all_parameters_learned``: fewer than all where the net has an auxiliary classifier, which
            plays no part in the loss; ``auxiliary_parameters``, those of that classifier, and
            ``auxiliary_forward_flops``, what it takes of the forward pass of a batch; for each mode whether
            the net was in ``train`` or ``eval`` mode, as ``all_net_mode``; for each mode and scale, as in
            ``last_2_``, the five numbers of `Costs`; ``cached_1_forward_flops`` and
            ``cached_1_backward_flops``, where the last layer learns from features that were computed
            before, and ``features_forward_flops``, what one image takes to compute them.
        """
        return Results(measures=self._measures)

    @cached_property
    def _measures(self) -> dict[str, Any]:
        spec = self._spec
        measures: dict[str, Any] = asdict(spec)
        with torch.device("meta"):
            nets = {mode: make_net(spec.architecture, mode, spec.num_classes) for mode in MODES}
            measured = {
                f"{mode}_{scale}": measure_net(net, *_batch(spec, scale))
                for mode, net in nets.items()
                for scale in SCALES
            }
            images, masks = _batch(spec, 1)
            cached = measure_last_layer(nets["last"], images, masks)
            measures["features_forward_flops"] = features_flops(nets["last"], images[:1])
        measures |= {f"{mode}_net_mode": "train" if net.training else "eval" for mode, net in nets.items()}
        measures["parameters"] = sum(parameter.numel() for parameter in nets["all"].parameters())
        measures["parameters_learned"] = measured["last_1"].learned
        measures["all_parameters_learned"] = measured["all_1"].learned
        measures["auxiliary_parameters"] = measures["parameters"] - measured["all_1"].learned
        for name, costs in measured.items():
            measures |= {f"{name}_{part}": n for part, n in asdict(costs).items() if part != "learned"}
        measures["cached_1_forward_flops"] = cached.forward_flops
        measures["cached_1_backward_flops"] = cached.backward_flops
        own = spec.batch_size * measures["features_forward_flops"] + cached.forward_flops
        measures["auxiliary_forward_flops"] = measured["all_1"].forward_flops - own
        measures["points"] = 2 * (len(measured) + 1) + 1  # `measure` counts both passes twice
        return measures


def make_net(architecture: str, mode: str, num_classes: int) -> nn.Module:
    """Build a net with a new last layer, ready to learn all its layers or the last one.

    Args:
        architecture: See `cnnreport.nets.deeplab.build`.
        mode: ``all`` or ``last``.
        num_classes: Classes of a pixel.

    Returns:
        The net on torch's default device, in train mode for ``all`` and in eval mode for ``last``.
    """
    net: nn.Module = deeplab.build(architecture)
    deeplab.fine_tune_last_layer(net, num_classes)
    if mode == "last":
        return net.eval()
    net.requires_grad_(True)
    return net.train()


def measure_net(net: nn.Module, images: torch.Tensor, masks: torch.Tensor) -> Costs:
    """Measure a step of a net on images.

    Args:
        net: See `make_net`; its parameters are changed, unless they are on the meta device.
        images: Shape (N, 3, H, W), float32.
        masks: Shape (N, H, W), int64: the class of each pixel.

    Raises:
        VerificationError: The floating-point operations are not those of the convolutions.
    """
    return measure(net, lambda: net(images)["out"], masks)


def measure_last_layer(net: nn.Module, images: torch.Tensor, masks: torch.Tensor) -> Costs:
    """Measure a step of the last layer on features that a frozen net has computed before.

    Args and errors are those of `measure_net`.
    """
    layer = net.get_submodule(deeplab.LAST_LAYER)
    features: list[torch.Tensor] = []
    watch = layer.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    with watch, torch.no_grad():
        net(images)
    size = masks.shape[1:]
    return measure(layer, lambda: F.interpolate(layer(features[0]), size=size, mode="bilinear"), masks)


def features_flops(net: nn.Module, images: torch.Tensor) -> int:
    """Count the floating-point operations by which a frozen net computes the last layer's input.

    Args and errors are those of `measure_net`; nothing of an auxiliary classifier is computed.
    """
    with _convolutions(net) as expected, _counter() as forward:
        features(net, images)
    counted = int(forward.get_total_flops())
    _agree({"forward": counted, "backward": 0}, expected)
    return counted


def measure(net: nn.Module, scores: Callable[[], torch.Tensor], masks: torch.Tensor) -> Costs:
    """Measure a step: forward pass, mean cross entropy, backward pass, Adam.

    Args:
        net: What learns: its parameters that require a gradient.
        scores: Computes scores (N, classes, H, W) with the net.
        masks: Shape (N, H, W), int64: the class of each pixel.

    Raises:
        VerificationError: The floating-point operations are not those of the convolutions.
    """
    net.zero_grad()
    with _convolutions(net) as expected, _kept() as kept, _counter() as forward:
        loss = F.cross_entropy(scores(), masks)
    activation_bytes = _bytes(kept, net)  # before the backward pass lets go of them
    with _counter() as backward:
        loss.backward()  # type: ignore[no-untyped-call]
    adam = torch.optim.Adam(parameter for parameter in net.parameters() if parameter.requires_grad)
    adam.step()
    costs = Costs(
        activation_bytes=activation_bytes,
        gradient_bytes=sum(each.grad.nbytes for each in net.parameters() if each.grad is not None),
        optimiser_bytes=sum(value.nbytes for state in adam.state.values() for value in state.values()),
        forward_flops=forward.get_total_flops(),
        backward_flops=backward.get_total_flops(),
        learned=sum(parameter.numel() for parameter in adam.state),
    )
    _agree({"forward": costs.forward_flops, "backward": costs.backward_flops}, expected)
    return costs


def _batch(spec: FineTuningCosts, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    size = scale * spec.image_size
    images = torch.empty(spec.batch_size, 3, size, size)
    return images, torch.empty(spec.batch_size, size, size, dtype=torch.int64)


class _Saved:
    """A tensor as autograd holds it, and nobody else: it dies when autograd lets go of it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


@contextlib.contextmanager
def _kept() -> Iterator["weakref.WeakSet[_Saved]"]:
    """Collect what autograd keeps; the set shrinks with what it lets go of."""
    kept: weakref.WeakSet[_Saved] = weakref.WeakSet()

    def pack(tensor: torch.Tensor) -> _Saved:
        saved = _Saved(tensor)
        kept.add(saved)
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved.tensor):
        yield kept


def _bytes(kept: "weakref.WeakSet[_Saved]", net: nn.Module) -> int:
    storages = {_identity(saved.tensor): saved.tensor.untyped_storage().nbytes() for saved in kept}
    own = {_identity(tensor) for tensor in (*net.parameters(), *net.buffers())}
    return sum(size for identity, size in storages.items() if identity not in own)


def _identity(tensor: torch.Tensor) -> int:
    # A tensor on the meta device has no address by which to tell its memory from another's.
    return int(tensor.untyped_storage()._cdata)


def _counter() -> FlopCounterMode:
    return FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.convolution_backward: _convolution_backward}
    )


def _convolution_backward(gradient: Any, inputs: Any, weight: Any, *rest: Any, **_: Any) -> int:
    """Count a convolution's backward pass by the shapes of its arguments.

    Each of the gradients by the input and by the weight multiplies every product of the forward pass
    once. torch's own rule forgets the groups for that by the weight.
    """
    by_input, by_weight, _by_bias = rest[-1]
    return int(2 * math.prod(gradient) * math.prod(weight[1:]) * (by_input + by_weight))


@contextlib.contextmanager
def _convolutions(net: nn.Module) -> Iterator[dict[str, int]]:
    """Count the operations of a net by its layers instead: 2 k k Cin Cout Hout Wout / groups an image.

    Those of the backward pass are added when it reaches a layer, even after the context has ended.
    """
    flops = {"forward": 0, "backward": 0}

    def count(layer: nn.Conv2d, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        own = 2 * math.prod(layer.kernel_size) * layer.in_channels // layer.groups * output.numel()
        flops["forward"] += own
        gradients = inputs[0].requires_grad + layer.weight.requires_grad

        def count_backward(_: torch.Tensor) -> None:
            flops["backward"] += gradients * own

        if gradients:
            output.register_hook(count_backward)  # type: ignore[no-untyped-call]

    with contextlib.ExitStack() as watches:
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                watches.enter_context(layer.register_forward_hook(count))
        yield flops


def _agree(counted: Mapping[str, int], expected: Mapping[str, int]) -> None:
    if counted != expected:
        raise VerificationError(
            f"torch counts {dict(counted)} floating-point operations,"
            f" but the convolutions take {dict(expected)}",
            "the net computes with something else than nn.Conv2d, or torch counts in another way:"
            " use the versions of requirements.lock",
        )
