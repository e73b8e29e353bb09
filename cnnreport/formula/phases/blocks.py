"""Which blocks of 2 x 2 fine pixels a layer that doubles a grid can draw, by its effective kernels."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product

import sympy

from cnnreport.formula.phases.effective import Offset, Phase, weights

Block = tuple[tuple[int, int], tuple[int, int]]
"""The values of a block, row by row."""

SURROUNDINGS: Mapping[str, Callable[[Offset], bool]] = {
    "flat": lambda offset: True,
    "edge": lambda offset: offset[1] <= 0,
    "corner": lambda offset: max(offset) <= 0,
    "alone": lambda offset: offset == (0, 0),
}
"""Coarse images of ones and zeros around a block, whose own value is one: ones everywhere; ones up to the
block's column and zeros beyond it; ones up to its row and its column; a one in the block alone."""

HALVES: Block = ((0, 1), (0, 1))
"""A block whose left half and right half differ."""


def total(phase: Phase, ones: Callable[[Offset], bool]) -> sympy.Expr:
    """Return what a phase makes of a coarse image of ones and zeros."""
    return sympy.Add(*(entry for offset, entry in phase.kernel.items() if ones(offset)))


def rank(expressions: Sequence[sympy.Expr], kernel: int) -> int:
    """Return how many of some sums of weights can be chosen freely."""
    return int(sympy.Matrix([list(row) for row in _rows(expressions, kernel)]).rank())


def entries(phases: Sequence[Phase]) -> list[sympy.Expr]:
    """Return the entries of the effective kernels of all phases."""
    return [entry for phase in phases for entry in phase.kernel.values()]


def freedom(phases: Sequence[Phase], kernel: int) -> dict[str, int]:
    """Return, for each of the surroundings, how many of a block's four pixels can be chosen freely.

    One means that all four are multiples of one value, two that two of them decide the other two, and four
    that every block of 2 x 2 can be drawn, by some choice of the weights.
    """
    return {name: rank([total(p, ones) for p in phases], kernel) for name, ones in SURROUNDINGS.items()}


def same_totals(phases: Sequence[Phase]) -> bool:
    """Return whether, wherever the coarse image is constant, the four pixels of a block are equal."""
    return all(sympy.expand(phase.total - phases[0].total) == 0 for phase in phases)


def sums_tie(phases: Sequence[Phase], kernel: int) -> bool:
    """Return whether equal sums of rows and of columns are all that ties the phases to each other.

    Phases side by side have the same sums over each row, phases above each other over each column; no
    other relation between the entries is left.
    """
    places = [(phase.parity, offset) for phase in phases for offset in phase.kernel]
    relations = [
        [
            (1 - 2 * parity[1 - axis]) * ((parity[axis], offset[axis]) == (along, line))
            for parity, offset in places
        ]
        for axis in (0, 1)
        for along in (0, 1)
        for line in sorted({offset[axis] for parity, offset in places if parity[axis] == along})
    ]
    found = entries(phases)
    holds = all(sympy.expand(sympy.Add(*map(sympy.Mul, row, found))) == 0 for row in relations)
    return holds and sympy.Matrix(relations).rank() == len(found) - rank(found, kernel)


def steps(phases: Sequence[Phase]) -> dict[int, sympy.Expr] | None:
    """Write the difference between the right and the left pixel of a block in steps of the coarse image.

    Args:
        phases: The phases of a layer.

    Returns:
        For an image x that is constant along its columns, what each step x[J + c + 1] - x[J + c] is
        multiplied with, by c, where the block is in column J; None where the difference does not vanish
        with all steps.
    """
    left, right = (_column_sums(phase) for phase in phases[:2])
    columns = sorted({*left, *right})
    apart = [right.get(column, sympy.S.Zero) - left.get(column, sympy.S.Zero) for column in columns]
    if sympy.expand(sympy.Add(*apart)) != 0:
        return None
    summed = [sympy.expand(-sympy.Add(*apart[: place + 1])) for place in range(len(apart) - 1)]
    return {column: found for column, found in zip(columns, summed, strict=False) if found != 0}


def _column_sums(phase: Phase) -> dict[int, sympy.Expr]:
    """Return the sums over the columns of an effective kernel, by the offset of the column."""
    sums: dict[int, sympy.Expr] = {}
    for (_, column), entry in phase.kernel.items():
        sums[column] = sums.get(column, sympy.S.Zero) + entry
    return sums


def shared(phases: Sequence[Phase]) -> int:
    """Return how many weights take part in more than one phase."""
    seen = [letter for phase in phases for letter in phase.weights]
    return sum(seen.count(letter) > 1 for letter in {*seen})


def lone_pixel(phases: Sequence[Phase], kernel: int) -> bool:
    """Return whether one coarse pixel can light a single fine one, in any phase, and nothing beside it."""
    placed = [(phase.parity, offset, entry) for phase in phases for offset, entry in phase.kernel.items()]
    return any(
        _solvable([entry - int((of, offset) == lit) for of, offset, entry in placed], kernel)
        for lit in ((phase.parity, (0, 0)) for phase in phases)
    )


def sparsest(phases: Sequence[Phase], kernel: int, wanted: Block = HALVES) -> dict[sympy.Symbol, int] | None:
    """Find a kernel that makes a wanted block of a one that stands alone.

    Args:
        phases: The phases of a layer.
        kernel: Its kernel size.
        wanted: The values of the block.

    Returns:
        The weights that are not zero, as few as can be, each 1 or -1; None where two do not do.
    """
    drawn = {phase.parity: total(phase, SURROUNDINGS["alone"]) for phase in phases}
    for many in (1, 2):
        for chosen in combinations(weights(kernel), many):
            for signs in product((1, -1), repeat=many):
                given = dict(zip(chosen, signs, strict=True))
                if block(drawn, given) == wanted:
                    return given
    return None


def block(drawn: Mapping[tuple[int, int], sympy.Expr], given: Mapping[sympy.Symbol, int]) -> Block:
    """Return the values of a block for a kernel whose other weights are zero."""
    values = {
        parity: int(expression.subs({letter: given.get(letter, 0) for letter in expression.free_symbols}))
        for parity, expression in drawn.items()
    }
    return (values[0, 0], values[0, 1]), (values[1, 0], values[1, 1])


def _rows(expressions: Sequence[sympy.Expr], kernel: int) -> list[list[sympy.Expr]]:
    letters = weights(kernel)
    return [[sympy.sympify(each).coeff(letter) for letter in letters] for each in expressions]


def _solvable(equations: Sequence[sympy.Expr], kernel: int) -> bool:
    """Return whether some weights make all of these zero."""
    return bool(sympy.linsolve(list(equations), weights(kernel)))
