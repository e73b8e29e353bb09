"""A net of n equal layers, and what an update of it costs, measured on tensors without values."""

import torch
from torch import nn

from cnnreport.training.costs import Costs, measure


def equal_layers(depth: int, channels: int, kernel: int, device: str) -> nn.Sequential:
    """Return n convolutions that keep the number of channels and the size, with ReLU between them.

    Args:
        depth: n, at least 1.
        channels: C, which the last convolution gives as scores of C classes.
        kernel: k, odd.
        device: Where it is: on torch's meta device its tensors have no values.

    Returns:
        A net from (N, C, H, W) to (N, C, H, W).
    """
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Conv2d(channels, channels, kernel, padding=kernel // 2, device=device), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def learning(net: nn.Sequential, mode: str) -> nn.Sequential:
    """Freeze what does not learn.

    Args:
        net: See `equal_layers`.
        mode: Which layers learn: ``all``, or ``last``, the last convolution.

    Returns:
        The same net.
    """
    net.requires_grad_(mode == "all")
    net[-1].requires_grad_(True)
    return net


def update_costs(net: nn.Sequential, mode: str, images: torch.Tensor) -> Costs:
    """Measure an update with mean cross entropy and Adam.

    Args:
        net: See `equal_layers`.
        mode: See `learning`.
        images: Shape (N, C, H, W), float32.

    Raises:
        VerificationError: The floating-point operations are not those of the convolutions.
    """
    learning(net, mode)
    masks = torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.int64, device=images.device)
    return measure(net, lambda: net(images), masks)


def weight_bytes(net: nn.Module) -> int:
    """Return what the parameters of a net take, whether they learn or not."""
    return sum(parameter.nbytes for parameter in net.parameters())
