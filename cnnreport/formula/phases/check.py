"""Effective kernels held against the modules of PyTorch, with whole numbers, so that nothing is rounded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy
import torch
from torch import nn

from cnnreport.errors import VerificationError
from cnnreport.formula.phases.effective import Phase, Way, indices, phases

CHANNELS = (2, 3)
"""Channels that the layers take and give."""

LARGEST = 5
"""Weights and values are whole numbers from -5 to 5, so that sums of products are exact in float64."""


@dataclass(frozen=True)
class Doubler:
    """A layer that doubles a grid, by itself or inside a net.

    Args:
        name: What an error calls it.
        whole: The layer with all that comes before it, from a coarse image of n x m to one of 2n x 2m.
        layer: The convolution in it, whose weights are those of the effective kernels.
        before: What happens to the coarse image before the layer, where something does: it works on each
            pixel alone, so that it makes no difference whether it comes before or after the upsampling.
    """

    name: str
    whole: nn.Module
    layer: nn.Conv2d | nn.ConvTranspose2d
    before: nn.Module


def alone(way: Way, kernel: int) -> Doubler:
    """Return a layer of PyTorch by itself, with the paddings of `Way`."""
    padding = (kernel - 1) // 2
    if way is Way.TRANSPOSED:
        transposed = nn.ConvTranspose2d(*CHANNELS, kernel, 2, padding, output_padding=1)
        return Doubler(f"nn.ConvTranspose2d, k = {kernel}", transposed, transposed, nn.Identity())
    convolution = nn.Conv2d(*CHANNELS, kernel, padding=padding)
    whole = nn.Sequential(nn.Upsample(scale_factor=2), convolution)
    return Doubler(f"nn.Upsample and nn.Conv2d, k = {kernel}", whole, convolution, nn.Identity())


def verify(
    doubler: Doubler, found: Sequence[Phase], sizes: Sequence[tuple[int, int]], seeds: Sequence[int]
) -> int:
    """Compare a layer with its four phases, interleaved, for random whole weights and images.

    Args:
        doubler: The layer; its parameters are changed.
        found: The phases, as derived.
        sizes: Heights and widths of coarse images; borders are compared as everything else.
        seeds: Seeds of the random numbers.

    Returns:
        How many images were compared.

    Raises:
        VerificationError: An output differs; names the layer, the size and the phase.
    """
    inner, layer = doubler.before.double().eval(), doubler.layer
    whole = doubler.whole.double().eval()
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        _draw_parameters(whole, generator)
        for height, width in sizes:
            given = _whole_numbers((2, layer.in_channels, height, width), generator)
            with torch.no_grad():
                _compare(doubler.name, found, layer, inner(given), whole(given))
    return len(seeds) * len(sizes)


def _compare(
    name: str,
    found: Sequence[Phase],
    layer: nn.Conv2d | nn.ConvTranspose2d,
    coarse: torch.Tensor,
    fine: torch.Tensor,
) -> None:
    """Compare an output (N, C, 2H, 2W) with the phases of a coarse image (N, C', H, W)."""
    height, width = coarse.shape[-2:]
    if fine.shape[-2:] != (2 * height, 2 * width):
        raise VerificationError(f"{name}: {height} x {width} pixels become {tuple(fine.shape[-2:])}")
    for phase in found:
        row, column = phase.parity
        expected = convolve(phase, layer, coarse)
        if not torch.equal(fine[..., row::2, column::2], expected):
            raise VerificationError(
                f"{name}: on {height} x {width} pixels phase {phase.parity} is not what was derived"
            )


def convolve(phase: Phase, layer: nn.Conv2d | nn.ConvTranspose2d, coarse: torch.Tensor) -> torch.Tensor:
    """Convolve a coarse image with a phase's effective kernel.

    Args:
        phase: The phase.
        layer: The layer whose weights and bias are taken.
        coarse: The image, (N, C', H, W); beyond its border it is zero.

    Returns:
        The phase's pixels of the layer's output, (N, C, H, W).
    """
    weight = layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight
    margin = weight.shape[-1]
    padded = nn.functional.pad(coarse, (margin,) * 4)
    height, width = coarse.shape[-2:]
    result = torch.zeros(coarse.shape[0], weight.shape[0], height, width, dtype=coarse.dtype)
    if layer.bias is not None:
        result += layer.bias[:, None, None]
    for (down, right), entry in phase.kernel.items():
        top, left = margin + down, margin + right
        seen = padded[..., top : top + height, left : left + width]
        result += torch.einsum("oc,nchw->nohw", _value(entry, weight), seen)
    return result


def respond(way: Way, kernel: int, given: Mapping[sympy.Symbol, int]) -> list[list[int]]:
    """Return what a module of PyTorch makes of a one that stands alone.

    Args:
        way: How the grid is doubled.
        kernel: The kernel size.
        given: The weights that are not zero.

    Returns:
        The block of the one and the eight around it: 6 rows of 6 values.
    """
    doubler = alone(way, kernel)
    coarse = torch.zeros(1, CHANNELS[0], 3, 3)
    coarse[0, 0, 1, 1] = 1
    with torch.no_grad():
        for parameter in doubler.whole.parameters():
            parameter.zero_()
        for letter, value in given.items():
            doubler.layer.weight[(0, 0, *indices(letter))] = value
        return [[int(value) for value in row] for row in doubler.whole(coarse)[0, 0]]


def tails(net: nn.Module) -> Iterator[Doubler]:
    """Find the layers of a net that double a grid, with what comes between an upsampling and its convolution.

    Args:
        net: A net whose modules stand in the order in which they run.

    Raises:
        VerificationError: Something between an upsampling and the next convolution is not known to work on
            each pixel alone.
    """
    pending: list[nn.Module] | None = None
    for name, module in net.named_modules():
        if any(module.children()):
            continue
        if isinstance(module, nn.ConvTranspose2d):
            yield Doubler(name, module, module, nn.Identity())
        elif isinstance(module, nn.Upsample):
            pending = [module]
        elif isinstance(module, nn.Conv2d) and pending:
            yield Doubler(name, nn.Sequential(*pending, module), module, nn.Sequential(*pending[1:]))
            pending = None
        elif pending is not None:
            if not isinstance(module, nn.BatchNorm2d | nn.ReLU):
                raise VerificationError(f"{name} stands between an upsampling and a convolution: {module}")
            pending.append(module)


def verify_net(net: nn.Module, sizes: Sequence[tuple[int, int]], seeds: Sequence[int]) -> dict[str, int]:
    """Compare every layer of a net that doubles a grid with its phases, in its place.

    Args:
        net: The net; its parameters are changed.
        sizes: Heights and widths of coarse images.
        seeds: Seeds of the random numbers.

    Returns:
        How many images were compared, by the name of each such layer.

    Raises:
        VerificationError: A layer does something else, or there is none.
    """
    compared = {
        doubler.name: verify(doubler, phases(_way(doubler), doubler.layer.kernel_size[0]), sizes, seeds)
        for doubler in tails(net)
    }
    if not compared:
        raise VerificationError(f"no layer of {type(net).__name__} doubles a grid")
    return compared


def _way(doubler: Doubler) -> Way:
    return Way.TRANSPOSED if isinstance(doubler.layer, nn.ConvTranspose2d) else Way.NEAREST


def _value(entry: sympy.Expr, weight: torch.Tensor) -> torch.Tensor:
    """Return an entry of an effective kernel for the weights (C, C', k, k) of a layer: (C, C')."""
    terms = entry.as_coefficients_dict().items()
    summed = [float(times) * weight[..., *indices(letter)] for letter, times in terms]
    return torch.stack(summed).sum(dim=0)


def _draw_parameters(module: nn.Module, generator: torch.Generator) -> None:
    """Give a module whole parameters; a normalisation takes nothing but a whole shift and factor."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(_whole_numbers(tuple(parameter.shape), generator))
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps = 0.0  # with the running variance of 1 the root is exact
            part.reset_running_stats()


def _whole_numbers(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.randint(-LARGEST, LARGEST + 1, shape, generator=generator).double()
