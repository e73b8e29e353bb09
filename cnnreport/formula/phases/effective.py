"""Effective kernels: what a layer that doubles a grid does, written on the coarse grid.

Output pixel (2I + r, 2J + c) belongs to phase (r, c). Each phase is an ordinary convolution of the coarse
image, with an effective kernel of its own, whose entries are sums of the layer's weights w_ij. Derived with
sympy from the definitions of the two layers for any coarse pixel (I, J).
Source: Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning, arXiv:1603.07285,
sections 4.4 and 4.6; Shi et al. (2016), Is the deconvolution layer the same as a convolutional layer?,
arXiv:1609.07009, section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import sympy

from cnnreport.errors import UsageError

LARGEST_KERNEL = 9
"""Beyond it the indices of a weight have two digits, and w_ij could be misread."""

PARITIES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""The four phases: row and column of a fine pixel within its block of 2 x 2."""

_COARSE = sympy.Symbol("I", integer=True)

Offset = tuple[int, int]
"""Where a coarse pixel lies, in rows and columns from the one that holds the block."""


class Way(StrEnum):
    """How a grid is doubled."""

    NEAREST = "nearest"
    """Nearest upsampling by 2, then a convolution with padding (k - 1)/2."""

    TRANSPOSED = "transposed"
    """A transposed convolution with stride 2, padding (k - 1)/2 and output padding 1, as in Figure 1b."""


@dataclass(frozen=True)
class Phase:
    """One of the four phases.

    Args:
        parity: Row and column, 0 or 1 each, of its pixels within their blocks.
        kernel: The entries of the effective kernel by their offset on the coarse grid; never zero.
    """

    parity: tuple[int, int]
    kernel: Mapping[Offset, sympy.Expr]

    @property
    def weights(self) -> list[sympy.Symbol]:
        """The weights of the layer that take part."""
        found = {letter for entry in self.kernel.values() for letter in entry.free_symbols}
        return sorted(found, key=str)

    @property
    def total(self) -> sympy.Expr:
        """What the phase makes of a coarse image that is one everywhere."""
        return sympy.Add(*self.kernel.values())


def weight(i: int, j: int) -> sympy.Symbol:
    """Return the symbol of the weight in row i and column j, counted from 0."""
    return sympy.Symbol(f"w_{i}{j}")


def weights(kernel: int) -> list[sympy.Symbol]:
    """Return the symbols of all weights of a k x k kernel, row by row."""
    return [weight(i, j) for i, j in product(range(kernel), repeat=2)]


def indices(letter: sympy.Symbol) -> tuple[int, int]:
    """Return the row and the column of a weight by its symbol."""
    row, column = letter.name.removeprefix("w_")
    return int(row), int(column)


def phases(way: Way, kernel: int) -> tuple[Phase, ...]:
    """Derive the effective kernels of the four phases.

    Args:
        way: How the grid is doubled.
        kernel: Kernel size k, odd, from 1 to 9.

    Returns:
        The phases in the order of `PARITIES`.

    Raises:
        UsageError: The kernel size is even or out of range.
    """
    if kernel % 2 == 0 or not 1 <= kernel <= LARGEST_KERNEL:
        raise UsageError(
            f"the phases of a kernel of size {kernel} are not derived",
            f"give an odd size from 1 to {LARGEST_KERNEL}: an even one has no middle for a padding to keep",
        )
    return tuple(Phase(parity, _kernel(way, kernel, *parity)) for parity in PARITIES)


def _kernel(way: Way, kernel: int, row: int, column: int) -> Mapping[Offset, sympy.Expr]:
    """Collect the weights by the coarse pixel that they multiply."""
    found: dict[Offset, sympy.Expr] = {}
    for i, j in product(range(kernel), repeat=2):
        down, right = _offset(way, kernel, row, i), _offset(way, kernel, column, j)
        if down is not None and right is not None:
            found[down, right] = found.get((down, right), sympy.S.Zero) + weight(i, j)
    return dict(sorted(found.items()))


def _offset(way: Way, kernel: int, parity: int, index: int) -> int | None:
    """Return which coarse pixel, from I on, a weight multiplies along one axis; None for none at all.

    A convolution reads the fine pixel 2I + parity + index - p, which nearest upsampling took from the coarse
    one at half of that, rounded down. A transposed convolution adds coarse pixel n to the fine pixel
    2n - p + index, which is 2I + parity for a whole n or never.
    """
    padding = sympy.Rational(kernel - 1, 2)
    if way is Way.NEAREST:
        place = sympy.floor((2 * _COARSE + parity + index - padding) / 2)
    else:
        place = _COARSE + (parity + padding - index) / 2
    offset = sympy.simplify(place - _COARSE)
    return int(offset) if offset.is_integer else None
