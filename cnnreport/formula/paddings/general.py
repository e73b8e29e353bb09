"""The general answer to question B4: which paddings keep the shapes of Figure 1b, for every kernel size.

Derived with sympy from the bounds of cnnreport.formula.paddings.solve, for k = 2m + 1 and for k = 2m.
Source: handout of CSC413 2021, programming assignment 2, question B4.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy

from cnnreport.errors import VerificationError
from cnnreport.formula.paddings.solve import (
    DILATION,
    FIGURE_1B,
    OUTPUT_PADDING,
    PADDING,
    SIZE_IN,
    SIZE_OUT,
    STRIDE,
    K,
    Kind,
    Layer,
    Setting,
    bounds,
    ends,
    uneven_split,
)
from cnnreport.formula.symbols import HALF_KERNEL, symbol

_HALF_SIZE = symbol("h")
# An even kernel size 2m begins at m = 1, an odd one 2m + 1 at m = 0: two symbols that print alike.
_HALF_OF_EVEN = symbol(HALF_KERNEL.name)


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


def _statement(group: Sequence[Layer]) -> Statement:
    """Derive the answer for layers of one kind, stride, dilation and ratio of sizes."""
    layer = group[0]
    ratio = Fraction(layer.size_out, layer.size_in)
    sizes = {SIZE_IN: ratio.denominator * _HALF_SIZE, SIZE_OUT: ratio.numerator * _HALF_SIZE}
    known = {**sizes, STRIDE: layer.stride, DILATION: layer.dilation}
    conditions = _conditions(layer, known)
    if any(_HALF_SIZE in condition.free_symbols for condition in conditions):
        raise VerificationError(f"the paddings of {layer.name} depend on the size of the picture")
    odd, even = (_case(layer, known, kernel) for kernel in (2 * HALF_KERNEL + 1, 2 * _HALF_OF_EVEN))
    return Statement(
        layers=tuple(each.name for each in group),
        kind=layer.kind,
        stride=layer.stride,
        dilation=layer.dilation,
        size_in=sizes[SIZE_IN],
        size_out=sizes[SIZE_OUT],
        conditions=conditions,
        odd=odd,
        even=even,
        padding=_joined(odd.padding, even.padding),
        output_padding=_joined(odd.output_padding, even.output_padding),
    )


def _conditions(layer: Layer, known: Mapping[sympy.Symbol, object]) -> tuple[sympy.Basic, ...]:
    """Return the relations between k, p and op that keep a shape."""
    least, greatest = (sympy.expand(bound.subs(known)) for bound in bounds(layer.kind))
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
    settings = [
        (padding, sympy.Integer(output_padding))
        for output_padding in layer.output_paddings
        for padding in _between(layer, {**known, K: kernel, OUTPUT_PADDING: output_padding})
    ]
    if len(settings) > 1:
        raise VerificationError(f"the padding of {layer.name} is not unique for k = {kernel}: {settings}")
    if settings:
        return Case(kernel, *settings[0], uneven=None)
    return Case(kernel, None, None, uneven=uneven_split(layer.kind, {**known, K: kernel}))


def _between(layer: Layer, known: Mapping[sympy.Symbol, object]) -> Iterator[sympy.Expr]:
    """Yield the integers p >= 0 between bounds that are expressions in m."""
    first, last = ends(layer.kind, known)
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
