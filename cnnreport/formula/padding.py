"""Which paddings keep the shapes of Figure 1b: question B4 of CSC413 programming assignment 2.

The shape equations of torch.nn.Conv2d and torch.nn.ConvTranspose2d are solved for the padding with
sympy: for a known kernel size as for k = 2m + 1 and k = 2m, and every answer is then tried on the
very modules. Sources: handout of CSC413 2021 (and 2022), programming assignment 2, question B4 and
Figure 1b; PyTorch documentation of Conv2d and ConvTranspose2d, section "Shape".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache
from itertools import product

import sympy
import torch
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.symbols import HALF_KERNEL, KERNEL, symbol

PADDING = sympy.Symbol("p", integer=True)
OUTPUT_PADDING = sympy.Symbol("op", integer=True)
K = symbol(KERNEL)
"""The letters of every condition."""

_IN, _OUT, _STRIDE, _DILATION, _HALF_SIZE = (symbol(name) for name in ("H", "O", "s", "d", "h"))
# An even kernel size 2m begins at m = 1, an odd one 2m + 1 at m = 0: two symbols that print alike.
_HALF_OF_EVEN = symbol(HALF_KERNEL.name)

_STEPS = _IN + 2 * PADDING - _DILATION * (K - 1) - 1
"""A convolution's output is floor(_STEPS / stride) + 1 (Conv2d, "Shape")."""

_TRANSPOSED_SIZE = (_IN - 1) * _STRIDE - 2 * PADDING + _DILATION * (K - 1) + OUTPUT_PADDING + 1
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


@dataclass(frozen=True)
class Case:
    """The general answer for odd or for even kernel sizes.

    Args:
        kernel: k in m: 2m + 1 with m >= 0, or 2m with m >= 1.
        padding: The one padding that keeps the shape, in m; None where none does.
        output_padding: The output padding that goes with it; None where none does.
        uneven: Where none does, zeros (before, behind) each axis that do, in m.
    """

    kernel: sympy.Expr
    padding: sympy.Expr | None
    output_padding: sympy.Expr | None
    uneven: tuple[sympy.Expr, sympy.Expr] | None


@dataclass(frozen=True)
class Statement:
    """The general answer for layers of one kind, whatever the size of the picture.

    Args:
        layers: Names of the layers it holds for.
        kind: Their class.
        stride: Their stride.
        dilation: Their dilation.
        size_in: Their input's size in h, any positive integer: 2h, say.
        size_out: Their output's size in h.
        conditions: Relations between k, p and op, all of which keep the shape.
        odd: The answer for k = 2m + 1.
        even: The answer for k = 2m.
        padding: The answer in k; None where even kernel sizes have none.
        output_padding: The answer in k; None where even kernel sizes have none.
    """

    layers: tuple[str, ...]
    kind: Kind
    stride: int
    dilation: int
    size_in: sympy.Expr
    size_out: sympy.Expr
    conditions: tuple[sympy.Basic, ...]
    odd: Case
    even: Case
    padding: sympy.Expr | None
    output_padding: sympy.Expr | None

    def settings(self, kernel: int) -> tuple[Setting, ...]:
        """Return what the statement says of one kernel size, of at least 1: one setting or none."""
        case = self.odd if kernel % 2 else self.even
        if case.padding is None or case.output_padding is None:
            return ()
        half = {HALF_KERNEL: kernel // 2, _HALF_OF_EVEN: kernel // 2}
        return (Setting(int(case.padding.subs(half)), int(case.output_padding.subs(half))),)


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
    found = []
    # The padding grows with the output padding, so this order is also that of the paddings.
    for output_padding in layer.output_paddings:
        first, last = _ends(layer.kind, {**known, OUTPUT_PADDING: output_padding})
        found += [Setting(p, output_padding) for p in range(max(0, int(first)), int(last) + 1)]
    uneven = None if found else _uneven(layer.kind, known)
    solution = Solution(
        layer,
        kernel,
        settings=tuple(found),
        nearest=() if found else _nearest(layer, kernel),
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


def general(layers: Sequence[Layer] = FIGURE_1B) -> tuple[Statement, ...]:
    """Derive the answer for every kernel size and every size of the picture.

    Args:
        layers: The layers to speak about; those of one kind, stride and ratio of sizes go together.

    Returns:
        A statement for each group, in the order of their first layers.

    Raises:
        VerificationError: The answer depends on the picture's size, or is not unique, or has no
            sign that holds for every m: nothing general can be said.
    """
    groups: dict[tuple[object, ...], list[Layer]] = {}
    for layer in layers:
        ratio = Fraction(layer.size_out, layer.size_in)
        groups.setdefault((layer.kind, layer.stride, layer.dilation, ratio), []).append(layer)
    return tuple(_statement(group) for group in groups.values())


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
    solutions = [each for k, size in product(kernels, sizes) for each in solve_figure(k, size)]
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


def _values(layer: Layer, kernel: int) -> dict[sympy.Symbol, int]:
    """Return a layer's numbers by their letters."""
    return {
        _IN: layer.size_in,
        _OUT: layer.size_out,
        _STRIDE: layer.stride,
        _DILATION: layer.dilation,
        K: kernel,
    }


@cache
def _bounds(kind: Kind) -> tuple[sympy.Expr, sympy.Expr]:
    """Return the least and the greatest 2p, of real numbers, that keep a shape, in letters.

    floor(steps / s) + 1 = O means s(O - 1) <= steps < sO, and as steps is an integer the latter is
    steps <= sO - 1. A transposed convolution has no floor: both ends are the one root.
    """
    if kind is Kind.TRANSPOSED:
        equations = (sympy.Eq(_TRANSPOSED_SIZE, _OUT),) * 2
    else:
        equations = sympy.Eq(_STEPS, _STRIDE * (_OUT - 1)), sympy.Eq(_STEPS, _STRIDE * _OUT - 1)
    least, greatest = (sympy.expand(2 * sympy.solve(equation, PADDING)[0]) for equation in equations)
    return least, greatest


def _ends(kind: Kind, known: Mapping[sympy.Symbol, object]) -> tuple[sympy.Expr, sympy.Expr]:
    """Return the first and the last integer p between the bounds; the last is lower if there is none."""
    least, greatest = (sympy.expand(bound.subs(known)) for bound in _bounds(kind))
    return sympy.ceiling(least / 2), sympy.floor(greatest / 2)


def _uneven(kind: Kind, known: Mapping[sympy.Symbol, object]) -> tuple[sympy.Expr, sympy.Expr] | None:
    """Split the least total padding 2p over both sides, the odd zero behind as padding="same" does."""
    if kind is Kind.TRANSPOSED:
        return None
    total = sympy.expand(_bounds(kind)[0].subs(known))
    if not total.is_nonnegative:
        return None
    before = sympy.floor(total / 2)
    return before, total - before


def _nearest(layer: Layer, kernel: int) -> tuple[tuple[int, int], ...]:
    """Return the paddings around a gap that holds no integer, each with the size it gives."""
    known = {**_values(layer, kernel), OUTPUT_PADDING: 0}
    first, last = _ends(layer.kind, known)
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
    least, greatest = (bound.subs(_values(layer, solution.kernel)) for bound in _bounds(layer.kind))
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
        answers = [f"p = {each.padding}, op = {each.output_padding}" for each in solution.settings]
    else:
        answers = [f"p = {each.padding}" for each in solution.settings]
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


def _statement(group: Sequence[Layer]) -> Statement:
    """Derive the answer for layers of one kind, stride, dilation and ratio of sizes."""
    layer = group[0]
    ratio = Fraction(layer.size_out, layer.size_in)
    sizes = {_IN: ratio.denominator * _HALF_SIZE, _OUT: ratio.numerator * _HALF_SIZE}
    known = {**sizes, _STRIDE: layer.stride, _DILATION: layer.dilation}
    conditions = _conditions(layer, known)
    if any(_HALF_SIZE in condition.free_symbols for condition in conditions):
        raise VerificationError(f"the paddings of {layer.name} depend on the size of the picture")
    odd, even = (_case(layer, known, kernel) for kernel in (2 * HALF_KERNEL + 1, 2 * _HALF_OF_EVEN))
    return Statement(
        layers=tuple(each.name for each in group),
        kind=layer.kind,
        stride=layer.stride,
        dilation=layer.dilation,
        size_in=sizes[_IN],
        size_out=sizes[_OUT],
        conditions=conditions,
        odd=odd,
        even=even,
        padding=_joined(odd.padding, even.padding),
        output_padding=_joined(odd.output_padding, even.output_padding),
    )


def _conditions(layer: Layer, known: Mapping[sympy.Symbol, object]) -> tuple[sympy.Basic, ...]:
    """Return the relations between k, p and op that keep a shape."""
    least, greatest = (sympy.expand(bound.subs(known)) for bound in _bounds(layer.kind))
    not_negative = sympy.Ge(PADDING, 0)
    if layer.kind is Kind.TRANSPOSED:
        shape = sympy.Eq(2 * PADDING - OUTPUT_PADDING, sympy.expand(least - OUTPUT_PADDING))
        below = sympy.Lt(OUTPUT_PADDING, len(layer.output_paddings))
        return shape, not_negative, sympy.Ge(OUTPUT_PADDING, 0), below
    if least == greatest:
        return sympy.Eq(2 * PADDING, least), not_negative
    return sympy.Le(least, 2 * PADDING), sympy.Le(2 * PADDING, greatest), not_negative


def _case(layer: Layer, known: Mapping[sympy.Symbol, object], kernel: sympy.Expr) -> Case:
    """Derive the one answer, or that there is none, for kernel sizes given in m."""
    found = [
        (padding, sympy.Integer(output_padding))
        for output_padding in layer.output_paddings
        for padding in _between(layer, {**known, K: kernel, OUTPUT_PADDING: output_padding})
    ]
    if len(found) > 1:
        raise VerificationError(f"the padding of {layer.name} is not unique for k = {kernel}: {found}")
    if found:
        return Case(kernel, *found[0], uneven=None)
    return Case(kernel, None, None, uneven=_uneven(layer.kind, {**known, K: kernel}))


def _between(layer: Layer, known: Mapping[sympy.Symbol, object]) -> Iterator[sympy.Expr]:
    """Yield the integers p >= 0 between bounds that are expressions in m."""
    first, last = _ends(layer.kind, known)
    # Both bounds hold the same multiple of m, so their distance is a number.
    count = sympy.expand(last - first) + 1
    for padding in (first + step for step in range(int(count))):
        if padding.is_nonnegative is None:
            raise VerificationError(f"whether {layer.name} can have a padding of {padding} depends on m")
        if padding.is_nonnegative:
            yield padding


def _joined(odd: sympy.Expr | None, even: sympy.Expr | None) -> sympy.Expr | None:
    """Write an answer in m for odd and one for even kernel sizes as one expression in k."""
    if odd is None or even is None:
        return None
    odd_in_k = sympy.expand(odd.subs(HALF_KERNEL, (K - 1) / 2))
    even_in_k = sympy.expand(even.subs(_HALF_OF_EVEN, K / 2))
    rounded = sympy.floor(sympy.factor(odd_in_k))
    if sympy.expand(rounded.subs(K, 2 * _HALF_OF_EVEN)) == even:
        return rounded
    return sympy.expand(even_in_k + (odd_in_k - even_in_k) * sympy.Mod(K, 2))


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
        size = _size(layer, kernel, setting)
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
    got: dict[Setting, int | None] = {setting: _size(layer, kernel, setting) for setting in claims}
    if got != claims:
        raise VerificationError(f"{_place(solution)}: nearest paddings should give {claims}, give {got}")
    runs = len(claims)
    if solution.uneven is not None:
        runs += 1
        if _size(layer, kernel, Setting(0), solution.uneven) != layer.size_out:
            raise VerificationError(f"{_place(solution)}: padding {solution.uneven} does not keep the size")
    if layer.kind is Kind.TRANSPOSED:
        runs += 1
        beyond = Setting(0, layer.output_paddings.stop)
        if _size(layer, kernel, beyond) is not None:
            raise VerificationError(f"{_place(solution)}: PyTorch takes {beyond}")
    return runs


def _size(layer: Layer, kernel: int, setting: Setting, uneven: tuple[int, int] = (0, 0)) -> int | None:
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
