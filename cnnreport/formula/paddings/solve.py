"""Which paddings keep the shapes of Figure 1b: question B4 of CSC413 programming assignment 2.

The shape equations of torch.nn.Conv2d and torch.nn.ConvTranspose2d are solved for the padding with
sympy for a known kernel size; cnnreport.formula.paddings.general states the answer for every one, and
cnnreport.formula.paddings.check tries both on the very modules. Sources: handout of CSC413 2021 (and
2022), programming assignment 2, question B4 and Figure 1b; PyTorch documentation of Conv2d and
ConvTranspose2d, section "Shape".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.symbols import KERNEL, symbol

PADDING = sympy.Symbol("p", integer=True)
OUTPUT_PADDING = sympy.Symbol("op", integer=True)
K = symbol(KERNEL)
SIZE_IN, SIZE_OUT, STRIDE, DILATION = (symbol(name) for name in ("H", "O", "s", "d"))
"""The letters of the shape equations."""

_STEPS = SIZE_IN + 2 * PADDING - DILATION * (K - 1) - 1
"""A convolution's output is floor(_STEPS / stride) + 1 (Conv2d, "Shape")."""

_TRANSPOSED_SIZE = (SIZE_IN - 1) * STRIDE - 2 * PADDING + DILATION * (K - 1) + OUTPUT_PADDING + 1
"""A transposed convolution's output (ConvTranspose2d, "Shape")."""


class Kind(StrEnum):
    """A layer's class in torch.nn."""

    CONVOLUTION = "Conv2d"
    TRANSPOSED = "ConvTranspose2d"


@dataclass(frozen=True)
class Layer:
    """A layer whose height and width are given; its padding is asked for.

    Args:
        name: What the report calls it.
        kind: Convolution or transposed convolution.
        size_in: H, height and width of its input, at least 1.
        size_out: O, height and width its output must have, at least 1.
        stride: s, at least 1.
        dilation: d, at least 1.

    Raises:
        UsageError: A number is below 1.
    """

    name: str
    kind: Kind
    size_in: int
    size_out: int
    stride: int = 1
    dilation: int = 1

    def __post_init__(self) -> None:
        if min(self.size_in, self.size_out, self.stride, self.dilation) < 1:
            raise UsageError(f"a size, stride or dilation of {self.name} is below 1", "give positive numbers")

    @property
    def output_paddings(self) -> range:
        """The output paddings PyTorch takes: from 0 to below the larger of stride and dilation."""
        return range(max(self.stride, self.dilation) if self.kind is Kind.TRANSPOSED else 1)


FIGURE_1B = (
    Layer("layer 1", Kind.CONVOLUTION, 32, 16, stride=2),
    Layer("layer 2", Kind.CONVOLUTION, 16, 8, stride=2),
    Layer("layer 3", Kind.TRANSPOSED, 8, 16, stride=2),
    Layer("layer 4", Kind.TRANSPOSED, 16, 32, stride=2),
    Layer("layer 5", Kind.CONVOLUTION, 32, 32),
)
"""ConvTransposeNet as Figure 1b draws it, for pictures of 32 x 32."""

FIGURE_SIZE = FIGURE_1B[0].size_in


@dataclass(frozen=True)
class Setting:
    """What is passed to a layer: padding, and output_padding (0 for a convolution, which has none)."""

    padding: int
    output_padding: int = 0


@dataclass(frozen=True)
class Solution:
    """All that keeps one layer's shape at one kernel size.

    Args:
        layer: The layer.
        kernel: k, at least 1.
        settings: Every setting that keeps the shape, by ascending padding; empty where none does.
        nearest: Where none does, pairs (padding, size it gives) on both sides of the wanted size.
        uneven: Where a convolution has none, zeros (before, behind) each axis that keep the shape.
        explanation: The equation and what follows from it, in one sentence.
    """

    layer: Layer
    kernel: int
    settings: tuple[Setting, ...]
    nearest: tuple[tuple[int, int], ...]
    uneven: tuple[int, int] | None
    explanation: str

    @property
    def paddings(self) -> tuple[int, ...]:
        """The paddings, one for each setting."""
        return tuple(setting.padding for setting in self.settings)

    @property
    def output_paddings(self) -> tuple[int, ...]:
        """The output paddings, one for each setting."""
        return tuple(setting.output_padding for setting in self.settings)


def solve_layer(layer: Layer, kernel: int) -> Solution:
    """Find every padding and output padding that keep a layer's shape.

    Args:
        layer: The layer with its sizes, stride and dilation.
        kernel: k, at least 1.

    Returns:
        All integer solutions with padding >= 0 and 0 <= output padding < max(stride, dilation).

    Raises:
        UsageError: The kernel size is below 1.
    """
    if kernel < 1:
        raise UsageError(f"a kernel size of {kernel} is below 1", "give a positive number")
    known = _values(layer, kernel)
    settings = []
    # The padding grows with the output padding, so this order is also that of the paddings.
    for output_padding in layer.output_paddings:
        first, last = ends(layer.kind, {**known, OUTPUT_PADDING: output_padding})
        settings += [Setting(p, output_padding) for p in range(max(0, int(first)), int(last) + 1)]
    uneven = None if settings else uneven_split(layer.kind, known)
    solution = Solution(
        layer,
        kernel,
        settings=tuple(settings),
        nearest=() if settings else _nearest(layer, kernel),
        uneven=None if uneven is None else (int(uneven[0]), int(uneven[1])),
        explanation="",
    )
    return replace(solution, explanation=_explanation(solution))


def solve_figure(kernel: int, size: int = FIGURE_SIZE) -> tuple[Solution, ...]:
    """Solve the five layers of Figure 1b.

    Args:
        kernel: k, at least 1.
        size: Height and width of the picture, a positive multiple of 4, since it is halved twice.

    Returns:
        A solution for each layer, in the order of the figure.

    Raises:
        UsageError: The kernel size is below 1 or the size is no positive multiple of 4.
    """
    return tuple(solve_layer(layer, kernel) for layer in figure(size))


def figure(size: int = FIGURE_SIZE) -> tuple[Layer, ...]:
    """Return the layers of Figure 1b for pictures of another size.

    Args:
        size: Height and width of the picture, a positive multiple of 4.

    Returns:
        The five layers, in the order of the figure.

    Raises:
        UsageError: The size is no positive multiple of 4.
    """
    scale = Fraction(size, FIGURE_SIZE)
    smallest = scale * min(layer.size_out for layer in FIGURE_1B)
    if smallest < 1 or smallest.denominator != 1:
        raise UsageError(f"a picture of {size} x {size} cannot be halved twice", "give a multiple of 4")
    return tuple(
        replace(layer, size_in=int(scale * layer.size_in), size_out=int(scale * layer.size_out))
        for layer in FIGURE_1B
    )


def _values(layer: Layer, kernel: int) -> dict[sympy.Symbol, int]:
    """Return a layer's numbers by their letters."""
    return {
        SIZE_IN: layer.size_in,
        SIZE_OUT: layer.size_out,
        STRIDE: layer.stride,
        DILATION: layer.dilation,
        K: kernel,
    }


@cache
def bounds(kind: Kind) -> tuple[sympy.Expr, sympy.Expr]:
    """Return the least and the greatest 2p, of real numbers, that keep a shape, in letters.

    floor(steps / s) + 1 = O means s(O - 1) <= steps < sO, and as steps is an integer the latter is
    steps <= sO - 1. A transposed convolution has no floor: both ends are the one root.
    """
    if kind is Kind.TRANSPOSED:
        equations = (sympy.Eq(_TRANSPOSED_SIZE, SIZE_OUT),) * 2
    else:
        equations = sympy.Eq(_STEPS, STRIDE * (SIZE_OUT - 1)), sympy.Eq(_STEPS, STRIDE * SIZE_OUT - 1)
    least, greatest = (sympy.expand(2 * sympy.solve(equation, PADDING)[0]) for equation in equations)
    return least, greatest


def ends(kind: Kind, known: Mapping[sympy.Symbol, object]) -> tuple[sympy.Expr, sympy.Expr]:
    """Return the first and the last integer p between the bounds; the last is lower if there is none."""
    least, greatest = (sympy.expand(bound.subs(known)) for bound in bounds(kind))
    return sympy.ceiling(least / 2), sympy.floor(greatest / 2)


def uneven_split(kind: Kind, known: Mapping[sympy.Symbol, object]) -> tuple[sympy.Expr, sympy.Expr] | None:
    """Split the least total padding 2p over both sides, the odd zero behind as padding="same" does."""
    if kind is Kind.TRANSPOSED:
        return None
    total = sympy.expand(bounds(kind)[0].subs(known))
    if not total.is_nonnegative:
        return None
    before = sympy.floor(total / 2)
    return before, total - before


def _nearest(layer: Layer, kernel: int) -> tuple[tuple[int, int], ...]:
    """Return the paddings around a gap that holds no integer, each with the size it gives."""
    known = {**_values(layer, kernel), OUTPUT_PADDING: 0}
    first, last = ends(layer.kind, known)
    if layer.kind is Kind.TRANSPOSED:
        size = _TRANSPOSED_SIZE.subs(known)
    else:
        size = sympy.floor(_STEPS.subs(known) / layer.stride) + 1
    around = sorted({max(0, int(last)), max(0, int(first))})
    sizes = [(padding, int(size.subs(PADDING, padding))) for padding in around]
    return tuple((padding, given) for padding, given in sizes if given >= 1)


def _explanation(solution: Solution) -> str:
    """Say which equation a solution solves, and what follows."""
    layer = solution.layer
    least, greatest = (bound.subs(_values(layer, solution.kernel)) for bound in bounds(layer.kind))
    if layer.kind is Kind.TRANSPOSED:
        bound = len(layer.output_paddings)
        needs = f"2p − op = {sympy.expand(least - OUTPUT_PADDING)} with 0 ≤ op < {bound}"
    else:
        needs = f"{least} ≤ 2p ≤ {greatest}" if least != greatest else f"2p = {least}"
    needs = needs.replace("-", "−")
    start = f"{layer.size_in} → {layer.size_out} with k = {solution.kernel} needs {needs}"
    if not solution.settings:
        return f"{start}, which no integer p ≥ 0 meets{_way_out(solution)}."
    if layer.kind is Kind.TRANSPOSED:
        answers = [f"p = {setting.padding}, op = {setting.output_padding}" for setting in solution.settings]
    else:
        answers = [f"p = {setting.padding}" for setting in solution.settings]
    return f"{start}: {' or '.join(answers)}."


def _way_out(solution: Solution) -> str:
    """Say what the nearest paddings give, and which uneven padding keeps the shape."""
    text = "".join(f"; p = {padding} gives {size}" for padding, size in solution.nearest)
    if solution.uneven is None:
        return text
    before, behind = solution.uneven
    text += f"; {before} before and {behind} behind each axis keep it: ZeroPad2d({solution.uneven * 2})"
    layer = solution.layer
    same = layer.stride == 1 and layer.size_in == layer.size_out
    return f"{text}, or padding='same'" if same else text
