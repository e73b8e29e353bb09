"""On which values of its letters a derivation is compared with real nets, and from which on it holds.

Two polynomials that are at most of degree d in a letter are the same if they agree on d + 1 of its values,
and in several letters if they agree on the grid of such values. A count with rounded quotients of period
p is a polynomial on each of p classes of values, and takes p times as many.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.proof.polynomial import Points, degree, period
from cnnreport.formula.symbols import HALF_KERNEL, KERNEL, Count, symbol
from cnnreport.formula.tracing.derive import Derivation

LARGEST_GRID = 1000
"""Nets that are built for a proof at most."""

LARGEST_START = 64
"""How far the values of a letter are moved up until they meet the conditions of the counts."""

Grid = dict[sympy.Symbol, list[int]]


def choose(derivations: Sequence[Derivation], counts: Sequence[Count]) -> tuple[Grid, dict[str, int]]:
    """Return the values of each letter, and the highest degree of any count in it.

    Args:
        derivations: Of one net, for one or several input sizes.
        counts: All that is to be compared.

    Raises:
        UsageError: The proof would take too many nets, or there are too few values for it.
    """
    letters = derivations[0].symbols
    different = list(dict.fromkeys(counts))
    degrees = {s: max((degree(count, s, letters) for count in different), default=0) for s in letters}
    periods = {s: math.lcm(1, *(period(count, s) for count in different)) for s in letters}
    lengths = {s: (degrees[s] + 1) * periods[s] for s in letters}
    _refuse_long_proof(lengths, periods, derivations[0])
    grid = _meet(_conditions(derivations), lengths, _spatial(derivations))
    return grid, {s.name: degrees[s] for s in letters}


def smallest(derivation: Derivation, grid: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Return from which value on each letter of the input was proved, where that is not one."""
    spatial = {s.name for s in _spatial([derivation])}
    return {name: values[0] for name, values in grid.items() if name in spatial and values[0] > 1}


def _refuse_long_proof(
    lengths: Mapping[sympy.Symbol, int], periods: Mapping[sympy.Symbol, int], derivation: Derivation
) -> None:
    count = math.prod(lengths.values())
    if count <= LARGEST_GRID:
        return
    multiples = {s: p * s for s, p in periods.items() if p > 1}
    remedies = []
    shapes = [[sympy.sympify(size) for size in shape] for shape in derivation.inputs.values()]
    if any(size.free_symbols & multiples.keys() for shape in shapes for size in shape):
        remedies += [
            f"--input {','.join(_written(size.xreplace(multiples)) for size in s) or '()'}" for s in shapes
        ]
    remedies += [
        f"--fix {name}={_written(sympy.sympify(value).xreplace(multiples))}"
        for name, value in derivation.arguments.items()
        if isinstance(value, sympy.Expr) and value.free_symbols & multiples.keys()
    ]
    given = f"give {' '.join(remedies)}, with which nothing is rounded"
    raise UsageError(
        f"the proof would take {count} nets", given if remedies else "give some of the parameters as numbers"
    )


def _written(size: sympy.Expr) -> str:
    return str(sympy.expand(size)).replace("*", "").replace(" ", "")


def _conditions(derivations: Sequence[Derivation]) -> list[Any]:
    found = dict.fromkeys(c for derivation in derivations for c in derivation.conditions)
    return [condition.subs(HALF_KERNEL, (symbol(KERNEL) - 1) / 2) for condition in found]


def _spatial(derivations: Sequence[Derivation]) -> set[sympy.Symbol]:
    """Return the letters of the sizes behind the channels, which may begin above one."""
    return {
        s
        for derivation in derivations
        for name, shape in derivation.inputs.items()
        for size in (shape if name in derivation.indices else shape[1:])
        for s in sympy.sympify(size).free_symbols
        if s.name != KERNEL
    }


def _meet(conditions: Sequence[Any], lengths: Mapping[sympy.Symbol, int], spatial: set[sympy.Symbol]) -> Grid:
    """Move the letters of the input up until all conditions hold; what concerns one letter moves it alone."""
    starts = dict.fromkeys(spatial, 1)
    for condition in sorted(conditions, key=lambda c: len(c.free_symbols)):
        moved = sorted(condition.free_symbols & spatial, key=str)
        while not _holds(condition, _values(lengths, starts)):
            if not moved or max(starts[s] for s in moved) >= LARGEST_START:
                raise UsageError(
                    "the counts hold for too few values of the letters for a proof",
                    "give a larger input, or the kernel size as a number (--fix kernel=3)",
                )
            for letter in moved:
                starts[letter] += 1
    return _values(lengths, starts)


def _values(lengths: Mapping[sympy.Symbol, int], starts: Mapping[sympy.Symbol, int]) -> Grid:
    # A kernel size is odd: 1, 3, 5, …
    return {
        s: [2 * i + 1 for i in range(count)]
        if s.name == KERNEL
        else [starts.get(s, 1) + i for i in range(count)]
        for s, count in lengths.items()
    }


def _holds(condition: Any, grid: Grid) -> bool:
    letters = [s for s in grid if s in condition.free_symbols]
    points = Points(letters, list(itertools.product(*(grid[s] for s in letters))))
    left = points.signs(condition.lhs - condition.rhs)
    kept = {
        sympy.StrictGreaterThan: left > 0,
        sympy.GreaterThan: left >= 0,
        sympy.StrictLessThan: left < 0,
        sympy.LessThan: left <= 0,
    }
    return bool(kept[type(condition)].all())
