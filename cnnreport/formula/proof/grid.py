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
from cnnreport.formula import phrase
from cnnreport.formula.proof.polynomial import Points, degree, period
from cnnreport.formula.symbols import HALF_KERNEL, KERNEL, Count, simple, symbol
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
    # A letter that is in no count has two values all the same, lest a rule has lost it.
    lengths = {s: (max(degrees[s], 1) + 1) * periods[s] for s in letters}
    _refuse_long_proof(lengths, periods, derivations[0])
    grid = _meet(_conditions(derivations), lengths, _of_inputs(derivations))
    return grid, {s.name: degrees[s] for s in letters}


def conditions(
    derivations: Sequence[Derivation], grid: Mapping[str, Sequence[int]], *, padding_counts: bool
) -> list[str]:
    """Say for which values of the letters the counts hold; nothing where they hold for all.

    First from which value on each letter was tried, then up to which one it goes, then what else must hold
    between letters. A condition that holds from the first values on for all that were looked at is left out.

    Args:
        derivations: Of one net.
        grid: The values of the proof by the letters' names.
        padding_counts: Whether taps on padding count like all others, so that it does not matter how many
            there are.
    """
    first = {s: grid[s.name][0] for s in derivations[0].symbols if s.name in grid}
    least: dict[int, list[str]] = {}
    for s, value in first.items():
        if value > 1:
            least.setdefault(value, []).append(s.name)
    phrases = [f"{', '.join(names)} >= {value}" for value, names in least.items()]
    phrases += ["odd k"] if symbol(KERNEL) in first else []
    most: dict[sympy.Symbol, int] = {}
    relations = []
    for condition in _conditions(derivations):
        # Padding that reaches beyond the image matters only where it is told apart.
        if isinstance(condition, sympy.LessThan) and padding_counts:
            continue
        letters = sorted(condition.free_symbols, key=str)
        if _holds(condition, {s: _looked_at(s, first[s], len(letters)) for s in letters}):
            continue
        if len(letters) == 1 and (last := _last(condition, letters[0], first[letters[0]])) is not None:
            most[letters[0]] = min(last, most.get(letters[0], last))
        else:
            relations.append(_phrased(condition))
    phrases += [f"{s.name} <= {value}" for s, value in most.items()]
    return [*phrases, *dict.fromkeys(relations)]


def _looked_at(letter: sympy.Symbol, first: int, letters: int) -> list[int]:
    """Return values of a letter that stand for all: the first ones, and some far away."""
    near = {1: 60, 2: 24}.get(letters, 8)
    step = 2 if letter.name == KERNEL else 1
    return [first + step * i for i in (*range(near), 64, 500, 5000, 50_000)]


def _last(condition: Any, letter: sympy.Symbol, first: int) -> int | None:
    """Return the last value up to which a condition holds, None where it breaks and holds again."""
    step = 2 if letter.name == KERNEL else 1
    holds, fails = 0, 50_000
    if not _holds(condition, {letter: [first]}) or _holds(condition, {letter: [first + step * fails]}):
        return None
    while fails - holds > 1:
        middle = (holds + fails) // 2
        kept = _holds(condition, {letter: [first + step * middle]})
        holds, fails = (middle, fails) if kept else (holds, middle)
    near = range(max(0, holds - 60), holds + 1)
    return first + step * holds if _holds(condition, {letter: [first + step * i for i in near]}) else None


def _phrased(condition: Any) -> str:
    sign = {sympy.StrictGreaterThan: ">", sympy.GreaterThan: ">=", sympy.StrictLessThan: "<"}
    terms = sympy.Add.make_args(sympy.expand(condition.lhs - condition.rhs))
    taken_off = [-term for term in terms if term.as_coeff_Mul()[0] < 0]
    added = [term for term in terms if term.as_coeff_Mul()[0] >= 0]
    left, right = (phrase.text(simple(sympy.Add(*side))) for side in (added, taken_off))
    return f"{left} {sign.get(type(condition), '<=')} {right}"


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
    sizes = [s for derivation in derivations for shape in derivation.inputs.values() for s in shape]
    relations = [sympy.sympify(size) > 0 for size in dict.fromkeys(sizes)]
    relations += [condition for derivation in derivations for condition in derivation.conditions]
    in_k = [condition.subs(HALF_KERNEL, (symbol(KERNEL) - 1) / 2) for condition in dict.fromkeys(relations)]
    return [condition for condition in in_k if condition != True]  # noqa: E712 - a relation of sympy


def _of_inputs(derivations: Sequence[Derivation]) -> set[sympy.Symbol]:
    """Return the letters of the input sizes, which may begin above one."""
    sizes = [s for derivation in derivations for shape in derivation.inputs.values() for s in shape]
    return {s for size in sizes for s in sympy.sympify(size).free_symbols if s.name != KERNEL}


def _meet(conditions: Sequence[Any], lengths: Mapping[sympy.Symbol, int], free: set[sympy.Symbol]) -> Grid:
    """Move letters of the input up until all conditions hold: one alone where that is enough."""
    starts = dict.fromkeys(free, 1)
    ordered = sorted(conditions, key=lambda c: (len(c.free_symbols), str(c)))
    for condition in ordered:
        if _holds(condition, _values(lengths, starts)):
            continue
        movable = sorted(condition.free_symbols & free, key=str)
        ways = [(letter,) for letter in movable] + ([tuple(movable)] if len(movable) > 1 else [])
        moved = [m for way in ways if (m := _moved(condition, lengths, starts, way)) is not None]
        if not moved:
            raise _too_few()
        starts = min(moved, key=lambda after: sum(after.values()))
    grid = _values(lengths, starts)
    if not all(_holds(condition, grid) for condition in ordered):
        raise _too_few()
    return grid


def _moved(
    condition: Any,
    lengths: Mapping[sympy.Symbol, int],
    starts: Mapping[sympy.Symbol, int],
    letters: Sequence[sympy.Symbol],
) -> dict[sympy.Symbol, int] | None:
    """Return the starts with some letters moved up until a condition holds, None where it does not."""
    for by in range(1, LARGEST_START):
        after = dict(starts) | {letter: starts[letter] + by for letter in letters}
        if _holds(condition, _values(lengths, after)):
            return after
    return None


def _too_few() -> UsageError:
    return UsageError(
        "the counts hold for too few values of the letters for a proof",
        "give a larger input, or the kernel size as a number (--fix kernel=3)",
    )


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
