"""The letters of the handouts: which symbol stands for which constructor parameter."""

import math
from collections.abc import Iterable
from typing import TypeAlias

import sympy

KERNEL = "k"

LETTERS = {
    "kernel": KERNEL,
    "kernel_size": KERNEL,
    "num_in_channels": "NIC",
    "num_filters": "NF",
    "num_colours": "NC",
}
"""What a constructor's parameter prints as; any other keeps its own name."""

Count: TypeAlias = int | sympy.Expr
"""A number of something: an int where it is known, else an expression in symbols."""

Shape: TypeAlias = tuple[Count, ...]
"""Sizes of a tensor without its batch, such as (NF, 16, 16)."""

HALF_KERNEL = sympy.Symbol("m", integer=True, nonnegative=True)
"""Kernel sizes are odd while a net is traced: k = 2m + 1, so that ``kernel // 2`` is m."""


def symbol(name: str) -> sympy.Symbol:
    """Return the symbol of a name; all stand for positive integers."""
    return sympy.Symbol(name, integer=True, positive=True)


def in_kernel_size(count: Count) -> Count:
    """Rewrite a count from m to k."""
    if isinstance(count, int):
        return count
    return simple(sympy.expand(count.subs(HALF_KERNEL, (symbol(KERNEL) - 1) / 2)))


def add(counts: Iterable[Count]) -> Count:
    """Add counts up; expanded."""
    return _expanded(sum(counts, start=0))


def multiply(sizes: Iterable[Count]) -> Count:
    """Multiply sizes; expanded."""
    return _expanded(math.prod(sizes, start=1))


def _expanded(count: Count) -> Count:
    return count if isinstance(count, int) else simple(sympy.expand(count))


def simple(count: Count) -> Count:
    """Return a count that is a known integer as an int, any other as it is."""
    return int(count) if isinstance(count, sympy.Integer) else count
