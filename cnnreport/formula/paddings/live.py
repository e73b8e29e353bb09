"""Derived paddings seen in a real net: its settings, the shapes that flow through it, some training.

Source: handout of CSC413 2021, programming assignment 2, question B4 and Figure 1b.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import VerificationError
from cnnreport.formula import target
from cnnreport.formula.paddings.solve import Kind, Solution, solve_figure
from cnnreport.formula.spec import Paddings

DECIMALS = 6
"""Of a loss: so many are the same in whatever order a machine adds up numbers of double precision."""

_SEED = 0
_Convolution = nn.Conv2d | nn.ConvTranspose2d
_CLASSES: Mapping[Kind, type[_Convolution]] = {
    Kind.CONVOLUTION: nn.Conv2d,
    Kind.TRANSPOSED: nn.ConvTranspose2d,
}
_Sizes = tuple[int, ...]


@dataclass(frozen=True)
class LiveCheck:
    """What a real net did with one kernel size.

    Args:
        kernel: k.
        modules: Names of the net's modules, one for each layer of the figure, as they ran.
        passed: What each passes to its convolution, such as ``padding=1``.
        shapes: Shape of what each gives: channels, height, width.
        before: Mean cross entropy of all pixels before the training, in nats.
        after: The same after it.
    """

    kernel: int
    modules: tuple[str, ...]
    passed: tuple[str, ...]
    shapes: tuple[_Sizes, ...]
    before: float
    after: float


def figure_shapes(spec: Paddings) -> tuple[_Sizes, ...]:
    """Return the shapes of Figure 1b, without the batch: channels, height, width of each layer's output."""
    filters, colours = spec.num_filters, spec.num_colours
    channels = (filters, 2 * filters, filters, colours, colours)
    layers = [solution.layer for solution in solve_figure(spec.kernels[0], spec.size)]
    return tuple((count, each.size_out, each.size_out) for count, each in zip(channels, layers, strict=True))


def check(spec: Paddings, kernel: int) -> LiveCheck:
    """Build the net of a spec for one kernel size, look at its settings and shapes, and train it a little.

    Everything is drawn with a fixed seed: weights, pictures of noise, and labels to be learned by heart.

    Args:
        spec: Which net, and its numbers.
        kernel: k, at least 1.

    Returns:
        What was seen; all of it is as derived.

    Raises:
        UsageError: There is no such net, or the kernel size is below 1.
        VerificationError: The net's layers are not those of Figure 1b, a setting is not the one derived,
            a shape is not the figure's, or the training did not make the loss smaller.
    """
    solutions = solve_figure(kernel, spec.size)
    with torch.random.fork_rng(devices=[]), _one_thread(), _uneven_padding_expected():
        torch.manual_seed(_SEED)
        net: nn.Module = target.resolve(spec.net)(
            kernel=kernel,
            num_filters=spec.num_filters,
            num_colours=spec.num_colours,
            num_in_channels=spec.num_in_channels,
        ).double()
        images = torch.rand(spec.images, spec.num_in_channels, spec.size, spec.size, dtype=torch.double)
        labels = torch.randint(spec.num_colours, (spec.images, spec.size, spec.size))
        passed = _check_settings(net, solutions)
        modules, shapes = _check_shapes(net, images, figure_shapes(spec), kernel)
        before, after = _train(net, images, labels, spec)
    if not after < before:
        raise VerificationError(
            f"k = {kernel}: {spec.steps} steps of training changed the loss from {before} to {after}, "
            "which is not smaller"
        )
    return LiveCheck(kernel, modules, passed, shapes, before, after)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Add numbers up in the same order on any number of cores; for so small a net it is also faster."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _uneven_padding_expected() -> Iterator[None]:
    """Keep PyTorch from warning that padding="same" with an even kernel copies the input."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths", UserWarning)
        yield


def _check_settings(net: nn.Module, solutions: Sequence[Solution]) -> tuple[str, ...]:
    """Compare the settings of a net's convolutions with those derived; return what was passed."""
    convolutions = [module for module in net.modules() if isinstance(module, _Convolution)]
    if len(convolutions) != len(solutions):
        raise VerificationError(
            f"{type(net).__name__} has {len(convolutions)} convolutions, Figure 1b has {len(solutions)}"
        )
    return tuple(_check_setting(module, each) for module, each in zip(convolutions, solutions, strict=True))


def _check_setting(module: _Convolution, solution: Solution) -> str:
    """Compare one convolution with what was derived for it; return its paddings as they were passed."""
    layer, kernel = solution.layer, solution.kernel
    place = f"{layer.name}, k = {kernel}"
    fixed = (module.kernel_size, module.stride, module.dilation)
    if not isinstance(module, _CLASSES[layer.kind]) or fixed != tuple(
        (value, value) for value in (kernel, layer.stride, layer.dilation)
    ):
        raise VerificationError(f"{place}: the net has {module}, not the {layer.kind} of Figure 1b")
    if module.padding == "same":
        if not _pads_as_derived(module, solution):
            raise VerificationError(f"{place}: padding='same' does not pad as derived")
        return "padding='same'"
    wanted = [((setting.padding,) * 2, (setting.output_padding,) * 2) for setting in solution.settings]
    if (module.padding, module.output_padding) not in wanted:
        raise VerificationError(f"{place}: the net has {module}; {solution.explanation.removesuffix('.')}")
    output = f", output_padding={module.output_padding[0]}" if layer.kind is Kind.TRANSPOSED else ""
    return f"padding={module.padding[0]}{output}"


def _pads_as_derived(module: _Convolution, solution: Solution) -> bool:
    """Tell whether padding="same" gives what the derived zeros before and behind each axis give."""
    zeros = (solution.settings[0].padding,) * 2 if solution.settings else solution.uneven
    if zeros is None:
        return False
    size = solution.layer.size_in
    image = torch.rand(1, module.in_channels, size, size, dtype=torch.double)
    with torch.no_grad():
        padded = F.pad(image, zeros * 2)
        by_hand = F.conv2d(padded, module.weight, module.bias, module.stride, 0, module.dilation)
        given = module(image)
    return by_hand.shape == given.shape and torch.allclose(by_hand, given)


def _check_shapes(
    net: nn.Module, images: torch.Tensor, wanted: Sequence[_Sizes], kernel: int
) -> tuple[tuple[str, ...], tuple[_Sizes, ...]]:
    """Compare what each module gives for some images with the figure; return names and shapes."""
    seen: list[tuple[str, _Sizes]] = []

    def watch(name: str) -> Any:
        return lambda module, inputs, output: seen.append((name, tuple(output.shape[1:])))

    hooks = [module.register_forward_hook(watch(name)) for name, module in net.named_children()]
    try:
        with torch.no_grad():
            net(images)
    finally:
        for hook in hooks:
            hook.remove()
    shapes = tuple(shape for _, shape in seen)
    if shapes != tuple(wanted):
        given = ", ".join(f"{name} {shape}" for name, shape in seen)
        raise VerificationError(
            f"k = {kernel}: {type(net).__name__} gives {given}; Figure 1b has {', '.join(map(str, wanted))}"
        )
    return tuple(name for name, _ in seen), shapes


def _train(net: nn.Module, images: torch.Tensor, labels: torch.Tensor, spec: Paddings) -> tuple[float, float]:
    """Train by plain gradient descent; return the loss before and after."""
    parameters = list(net.parameters())
    losses = []
    # By hand: constructing any optimiser of torch.optim takes two seconds.
    for _ in range(spec.steps):
        loss = F.cross_entropy(net(images), labels)
        losses.append(loss.item())
        with torch.no_grad():
            for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.sub_(spec.learning_rate * slope)
    with torch.no_grad():
        losses.append(F.cross_entropy(net(images), labels).item())
    return round(losses[0], DECIMALS), round(losses[-1], DECIMALS)
