"""Derived paddings tried on the modules of PyTorch: question B4 of CSC413 programming assignment 2."""

from collections.abc import Iterable, Sequence
from itertools import product

import torch
from torch import nn

from cnnreport.errors import VerificationError
from cnnreport.formula.paddings.general import Statement, general
from cnnreport.formula.paddings.solve import Kind, Layer, Setting, Solution, solve_figure


def verify(solutions: Iterable[Solution]) -> int:
    """Try solutions on the modules of PyTorch, on the device "meta", which computes shapes alone.

    Every setting must keep the shape, every other padding up to d(k - 1) + 1 must not, the sizes
    said to be nearest and the uneven padding must come true, and an output padding of
    max(stride, dilation) must be refused.

    Args:
        solutions: What to try.

    Returns:
        How many modules were run.

    Raises:
        VerificationError: A module disagrees; names layer, kernel size and padding.
    """
    return sum(_verify_settings(solution) + _verify_beyond(solution) for solution in solutions)


def verify_figure(kernels: Sequence[int] = range(1, 10), sizes: Sequence[int] = (32, 64)) -> int:
    """Try the solutions of Figure 1b, and the general statement, on the modules of PyTorch.

    Args:
        kernels: Kernel sizes, each at least 1.
        sizes: Sizes of the picture, each a positive multiple of 4.

    Returns:
        How many modules were run.

    Raises:
        UsageError: A kernel size or a size is out of range.
        VerificationError: A module, or the general statement, disagrees with a solution.
    """
    solutions = [solution for k, size in product(kernels, sizes) for solution in solve_figure(k, size)]
    verify_general(general(), solutions)
    return verify(solutions)


def verify_general(statements: Iterable[Statement], solutions: Iterable[Solution]) -> None:
    """Compare general statements with the solutions for known kernel sizes.

    Args:
        statements: The statements.
        solutions: Solutions of layers the statements name.

    Raises:
        VerificationError: A statement says something else than a solution; names layer and k.
    """
    by_layer = {name: statement for statement in statements for name in statement.layers}
    for solution in solutions:
        said = by_layer[solution.layer.name].settings(solution.kernel)
        if said != solution.settings:
            raise VerificationError(
                f"{_place(solution)}: the general statement gives {said}, the solution {solution.settings}"
            )


def _place(solution: Solution) -> str:
    """Name a solution's layer and kernel size."""
    layer = solution.layer
    return f"{layer.name} ({layer.kind}, {layer.size_in} → {layer.size_out}), k = {solution.kernel}"


def _verify_settings(solution: Solution) -> int:
    """Run every setting of a solution and, around them, those it leaves out; return how many."""
    layer, kernel = solution.layer, solution.kernel
    paddings = range(layer.dilation * (kernel - 1) + 2)
    others = {Setting(*each) for each in product(paddings, layer.output_paddings)}
    tried = others | set(solution.settings)
    for setting in sorted(tried, key=lambda each: (each.padding, each.output_padding)):
        size = size_given(layer, kernel, setting)
        if (size == layer.size_out) != (setting in solution.settings):
            raise VerificationError(
                f"{_place(solution)}: {setting} gives {'an error' if size is None else size}, "
                f"and the solution {'has' if setting in solution.settings else 'lacks'} it"
            )
    return len(tried)


def _verify_beyond(solution: Solution) -> int:
    """Run what a solution says about settings that do not fit; return how many."""
    layer, kernel = solution.layer, solution.kernel
    claims = {Setting(padding): size for padding, size in solution.nearest}
    got: dict[Setting, int | None] = {setting: size_given(layer, kernel, setting) for setting in claims}
    if got != claims:
        raise VerificationError(f"{_place(solution)}: nearest paddings should give {claims}, give {got}")
    runs = len(claims)
    if solution.uneven is not None:
        runs += 1
        if size_given(layer, kernel, Setting(0), solution.uneven) != layer.size_out:
            raise VerificationError(f"{_place(solution)}: padding {solution.uneven} does not keep the size")
    if layer.kind is Kind.TRANSPOSED:
        runs += 1
        beyond = Setting(0, layer.output_paddings.stop)
        if size_given(layer, kernel, beyond) is not None:
            raise VerificationError(f"{_place(solution)}: PyTorch takes {beyond}")
    return runs


def size_given(layer: Layer, kernel: int, setting: Setting, uneven: tuple[int, int] = (0, 0)) -> int | None:
    """Return the size a module gives, on an input padded (before, behind); None where PyTorch refuses."""
    # On the device "meta" PyTorch takes negative paddings, which it refuses on every other one.
    if min(setting.padding, setting.output_padding, *uneven) < 0:
        return None
    padding, stride, dilation = setting.padding, layer.stride, layer.dilation
    with torch.device("meta"):
        image = nn.ZeroPad2d(uneven * 2)(torch.empty(1, 1, layer.size_in, layer.size_in))
        module: nn.Module
        if layer.kind is Kind.TRANSPOSED:
            module = nn.ConvTranspose2d(
                1, 1, kernel, stride, padding, setting.output_padding, dilation=dilation
            )
        else:
            module = nn.Conv2d(1, 1, kernel, stride, padding, dilation)
    try:
        return int(module(image).shape[-1])
    except RuntimeError:
        return None
