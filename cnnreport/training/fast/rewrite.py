"""Exact rewrites: the same function of the same parameters, with less work.

Two identities hold for nearest upsampling by two, which repeats each pixel four times. What acts on each
pixel alone may come before it, on a quarter of the pixels. And a 3x3 convolution after it sees only
2x2 different pixels, so it is a 2x2 convolution of the small image with four outputs for each filter.
What else is done changes only how a CPU's convolutions are called, see `convolution`. Whatever is not
recognised stays as it is.

A bias whose convolution nobody but a batch norm reads, at most through maxima, changes neither outputs nor
losses while the net learns, for the batch norm subtracts it with the mean. Its gradient is zero, which the
plain net misses by rounding, and an optimiser such as Adam makes steps of that. Here it is zero: the bias
keeps its initial value, and the running mean follows.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from cnnreport.training.fast.convolution import VECTOR, BiasApart, Geometry, SplitConv2d, convolve, geometry
from cnnreport.training.fast.layout import CornerLayout, Layout, PixelLayout


@dataclass(frozen=True)
class Rewritten:
    """A net that computes faster, and the order of its outputs.

    Args:
        net: Shares parameters and buffers with the plain net; `train` and `eval` must be called on it.
        layout: Turns its outputs into rows of logits.
    """

    net: nn.Module
    layout: Layout


def rewrite(net: nn.Module) -> Rewritten:
    """Return a net that is equal to the given one up to rounding, in outputs, gradients and statistics.

    Args:
        net: Maps a tensor to logits of shape (N, NC, H, W).
    """
    traced = _trace(net)
    if traced is None:
        return Rewritten(net, PixelLayout())
    _upsample_late(traced)
    cornered = _convolve_corners(traced)
    _split_concatenations(traced)
    _sum_biases_apart(traced)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return Rewritten(traced, CornerLayout() if cornered else PixelLayout())


class RepeatedBatchNorm2d(nn.Module):
    """Batch norm of an image whose pixels stand for `repeats` equal ones each.

    Mean and biased variance are those of the repeated pixels; the running variance, which has n - 1 in
    its denominator (PyTorch's documentation of BatchNorm2d), is corrected to count all n.
    """

    def __init__(self, norm: nn.BatchNorm2d, repeats: int) -> None:
        super().__init__()
        self.norm = norm
        self.repeats = repeats

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise (N, C, h, w)."""
        norm = self.norm
        variance = norm.running_var
        if not self.training or variance is None or norm.num_batches_tracked is None or not norm.momentum:
            normalised: torch.Tensor = norm(x)
            return normalised
        norm.num_batches_tracked.add_(1)
        updated = variance.clone()  # autograd forbids a later change of what batch_norm was given
        normalised = F.batch_norm(
            x, norm.running_mean, updated, norm.weight, norm.bias, True, norm.momentum, norm.eps
        )
        kept = variance * (1 - norm.momentum)
        pixels = x.numel() // x.shape[1]
        factor = (pixels - 1) * self.repeats / (pixels * self.repeats - 1)
        variance.copy_(kept + (updated - kept) * factor)
        return normalised


CORNERS = Geometry([1, 1], [1, 1], [1, 1], transposed=False, output_padding=[0, 0], groups=1)
"""How the kernel of a `CornerConv2d` moves."""


class CornerConv2d(nn.Module):
    """A 3x3 convolution of an image upsampled by two, computed on the small image.

    Seen from the corner between low-resolution lines i - 1 and i, the two lines of output that touch it
    are 2i - 1 with taps (w0 + w1, w2) and 2i with taps (w0, w1 + w2); columns likewise. In all that is a
    2x2 convolution with 4 NC outputs on a grid of (h + 1) x (w + 1) corners: half the multiplications.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, h, w) to (N, 4 NC, h + 1, w + 1), channels in the order (line, column, filter)."""
        weight, bias = self.convolution.weight, self.convolution.bias
        lines = _merge_taps(weight, 2)  # 2, NC, C, 2, 3
        blocks = _merge_taps(lines, 4).transpose(0, 1)  # 2, 2, NC, C, 2, 2
        weight, bias = blocks.flatten(0, 2), None if bias is None else bias.repeat(4)
        if x.is_cuda:
            return convolve(x, weight, bias, CORNERS)
        return F.conv2d(x, weight, bias, padding=1)


def _merge_taps(weight: torch.Tensor, dim: int) -> torch.Tensor:
    first, middle, last = weight.unbind(dim)
    before = torch.stack((first + middle, last), dim)
    behind = torch.stack((first, middle + last), dim)
    return torch.stack((before, behind))


def _trace(net: nn.Module) -> fx.GraphModule | None:
    """Return the graph of a net's modules, None where it has none that holds in training and evaluation."""
    training = net.training
    try:
        evaluating, learning = (fx.symbolic_trace(net.train(mode)) for mode in (False, True))
    except Exception:  # noqa: BLE001 - whatever a forward does that cannot be traced, it works as it is
        return None
    finally:
        net.train(training)
    # A forward that asks for self.training, as for a functional dropout, has two graphs.
    return learning.train(training) if evaluating.code == learning.code else None


def _upsample_late(traced: fx.GraphModule) -> None:
    """Move each upsampling behind the batch norm and the ReLU that follow it."""
    for node in list(traced.graph.nodes):
        if not _is_upsampling(traced, node):
            continue
        source = node.args[0]
        while (follower := _only_user(node)) is not None and _is_pixelwise(traced, follower):
            follower.replace_all_uses_with(node)
            follower.args = (source,)
            module = _module(traced, follower)
            if isinstance(module, nn.BatchNorm2d):
                _replace(traced, follower, RepeatedBatchNorm2d(module, repeats=4))
            node.args = (follower,)
            follower.append(node)
            source = follower


def _convolve_corners(traced: fx.GraphModule) -> bool:
    """Let the last convolution work on corners where its input is upsampled; tell whether it does."""
    output = next(node for node in traced.graph.nodes if node.op == "output")
    last = output.args[0]
    if not isinstance(last, fx.Node) or len(last.users) != 1 or not _is_plain_3x3(_module(traced, last)):
        return False
    upsampling = last.args[0]
    if not isinstance(upsampling, fx.Node) or not _is_upsampling(traced, upsampling):
        return False
    convolution = _module(traced, last)
    assert isinstance(convolution, nn.Conv2d)
    _replace(traced, last, CornerConv2d(convolution))
    last.args = upsampling.args
    if not upsampling.users:
        traced.graph.erase_node(upsampling)
    return True


def _split_concatenations(traced: fx.GraphModule) -> None:
    """Convolve parts instead of their concatenation where its channels do not fill vectors."""
    for node in list(traced.graph.nodes):
        layer, source = _module(traced, node), _only_input(node)
        if type(layer) is not nn.Conv2d or layer.groups > 1 or layer.in_channels % VECTOR == 0:
            continue
        parts, how = _concatenated(source), geometry(layer)
        if source is None or parts is None or how is None:
            continue
        _replace(traced, node, SplitConv2d(layer, how, _normalised_by(traced, node)))
        node.args = parts
        traced.graph.erase_node(source)


def _sum_biases_apart(traced: fx.GraphModule) -> None:
    """Let every convolution with a bias sum the bias's gradient by itself."""
    for node in traced.graph.nodes:
        layer = _module(traced, node)
        # Not those of a subclass, whose forward may be another.
        if type(layer) is nn.Conv2d or type(layer) is nn.ConvTranspose2d:
            how = geometry(layer)
            if layer.bias is not None and how is not None and _only_input(node) is not None:
                _replace(traced, node, BiasApart(layer, how, _normalised_by(traced, node)))


def _normalised_by(traced: fx.GraphModule, node: fx.Node) -> nn.BatchNorm2d | None:
    """Return the batch norm that alone sees what a node gives, or only the maxima of it; else None.

    What is added to all pixels of a channel is added to their maxima, and a batch norm that takes the mean
    of the batch subtracts it.
    """
    follower = _only_user(node)
    while follower is not None and type(layer := _module(traced, follower)) is nn.MaxPool2d:
        if layer.return_indices or not _is_called_alone(follower, layer):
            return None
        follower = _only_user(follower)
    if follower is None:
        return None
    layer = _module(traced, follower)
    norm = layer.norm if isinstance(layer, RepeatedBatchNorm2d) else layer
    return norm if type(norm) is nn.BatchNorm2d and _is_called_alone(follower, norm) else None


def _is_called_alone(node: fx.Node, layer: nn.Module) -> bool:
    """Say whether a module gets one tensor, and no hook sees that before it does."""
    # torch has no public way to ask for hooks.
    return _only_input(node) is not None and not layer._forward_pre_hooks and not layer._forward_hooks


def _concatenated(node: fx.Node | None) -> tuple[fx.Node, ...] | None:
    """Return the parts of a concatenation of channels that nobody else uses."""
    if node is None or node.target is not torch.cat or len(node.users) != 1:
        return None
    call: dict[str, Any] = dict(zip(("tensors", "dim"), node.args, strict=False)) | node.kwargs
    return tuple(call["tensors"]) if call.keys() == {"tensors", "dim"} and call["dim"] == 1 else None


def _only_input(node: fx.Node) -> fx.Node | None:
    """Return what a module is called with, None where that is not one tensor by position."""
    alone = len(node.args) == 1 and not node.kwargs
    return node.args[0] if alone and isinstance(node.args[0], fx.Node) else None


def _replace(traced: fx.GraphModule, node: fx.Node, module: nn.Module) -> None:
    name = f"rewritten_{node.name}"
    traced.add_submodule(name, module)
    node.target = name


def _module(traced: fx.GraphModule, node: Any) -> nn.Module | None:
    return traced.get_submodule(node.target) if node.op == "call_module" else None


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _is_upsampling(traced: fx.GraphModule, node: fx.Node) -> bool:
    module = _module(traced, node)
    return (
        isinstance(module, nn.Upsample)
        and len(node.args) == 1
        and module.mode == "nearest"
        and module.size is None
        and module.scale_factor in (2.0, (2.0, 2.0))
    )


def _is_pixelwise(traced: fx.GraphModule, node: fx.Node) -> bool:
    module = _module(traced, node)
    if isinstance(module, nn.BatchNorm2d):
        # A cumulative average (momentum None) would need another correction.
        return bool(module.momentum) and type(module) is nn.BatchNorm2d
    return type(module) is nn.ReLU


def _is_plain_3x3(module: nn.Module | None) -> bool:
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == (3, 3)
        and module.padding == (1, 1)
        and module.stride == module.dilation == (1, 1)
        and module.groups == 1
        and module.padding_mode == "zeros"
    )
