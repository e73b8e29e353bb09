"""Counts as polynomials on classes of values: their degree, their period, and their values.

A count is made of letters, products, sums and rounded quotients. Without the latter it is a polynomial.
With them it is one on each class of values that leave the same rest when they are divided by its period.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.symbols import KERNEL, Count

_REMEDY = "give one of its letters as a number"


def period(count: Count, letter: sympy.Symbol) -> int:
    """Return after how many steps of a letter the rounded quotients of a count repeat their rests.

    A kernel size moves by two, since it is odd.
    """
    if isinstance(count, int):
        return 1
    whole = math.lcm(1, *(_line(quotient, letter)[0] for quotient in outermost(count)))
    return whole // math.gcd(whole, 2) if letter.name == KERNEL else whole


@lru_cache(maxsize=100_000)
def _line(part: sympy.Expr, letter: sympy.Symbol) -> tuple[int, sympy.Rational | None]:
    """Return a period p of an expression, and how much it grows by when its letter grows by p.

    The growth is None where it is no number: then the expression is a polynomial of the steps of p on each
    class, with the denominators that stand in it.
    """
    if letter not in part.free_symbols:
        return 1, sympy.Integer(0)
    if part == letter:
        return 1, sympy.Integer(1)
    if isinstance(part, sympy.floor):
        inner = sympy.expand(part.args[0])
        step, growth = _line(inner, letter)
        # From where the argument grows by whole numbers on, what is cut off repeats.
        widened = int(growth.q) if growth is not None else _denominator(inner, letter)
        return step * widened, None if growth is None else growth * widened
    lines = [_line(argument, letter) for argument in part.args]
    step = math.lcm(*(one for one, _ in lines))
    if isinstance(part, sympy.Add):
        growths = [growth for _, growth in lines if growth is not None]
        if len(growths) < len(lines):
            return step, None
        return step, sum(
            (growth * (step // one) for (one, _), growth in zip(lines, growths, strict=True)),
            sympy.Integer(0),
        )
    if isinstance(part, sympy.Mul):
        number, rest = part.as_coeff_Mul()
        if number != 1:
            step, growth = _line(rest, letter)
            return step, None if growth is None else growth * number
    return step, None


def _denominator(inner: sympy.Expr, letter: sympy.Symbol) -> int:
    """Return the common denominator of the terms that a letter changes."""
    changing = (term for term in sympy.Add.make_args(inner) if letter in term.free_symbols)
    return math.lcm(1, *(int(term.as_coeff_Mul()[0].q) for term in changing))


def degree(count: Count, letter: sympy.Symbol, letters: Sequence[sympy.Symbol]) -> int:
    """Bound the degree in a letter on each class of values.

    Raises:
        UsageError: The count is no polynomial.
    """
    if isinstance(count, int):
        return 0
    quotients = {quotient: sympy.Dummy() for quotient in sorted(outermost(count), key=str)}
    flat = count.xreplace(quotients)
    places = [*letters, *quotients.values()]
    if not flat.is_polynomial(*places):
        raise UsageError(f"{count} is no polynomial", _REMEDY)
    # What is rounded must not cancel against what is not: a quotient has the degree of its argument.
    degrees = [int(one == letter) for one in letters]
    degrees += [degree(quotient.args[0], letter, letters) for quotient in quotients]
    return max((int(np.dot(powers, degrees)) for powers in sympy.Poly(flat, *places).monoms()), default=0)


def outermost(count: sympy.Expr) -> set[sympy.Expr]:
    """Return the rounded quotients that stand in no other."""
    if isinstance(count, sympy.floor):
        return {count}
    return set().union(*(outermost(part) for part in count.args)) if count.has(sympy.floor) else set()


class Points:
    """Combinations of values of the letters, at which counts are evaluated exactly, all at once.

    Args:
        letters: The letters.
        rows: Combinations, a value for each letter.
    """

    def __init__(self, letters: Sequence[sympy.Symbol], rows: Sequence[Sequence[int]]) -> None:
        self.rows = [dict(zip(letters, row, strict=True)) for row in rows]
        columns = np.array(rows, dtype=object).reshape(len(rows), len(letters)).T
        self._known: dict[Any, tuple[Any, int]] = {
            letter: (column, 1) for letter, column in zip(letters, columns, strict=True)
        }

    def at(self, count: Count) -> Any:
        """Return the values of a count, an array of Python's integers.

        Raises:
            UsageError: The count is no polynomial, or no whole number somewhere.
        """
        top, bottom = self._fraction(sympy.sympify(count))
        values = np.broadcast_to(np.array(top, dtype=object), (len(self.rows),))
        if bottom != 1:
            if (values % bottom).any():
                raise UsageError(f"{count} is no whole number for all values", _REMEDY)
            values = values // bottom
        return values

    def signs(self, difference: sympy.Expr) -> Any:
        """Return an array of numbers with the sign of an expression at each point."""
        top, _ = self._fraction(sympy.sympify(difference))
        return np.broadcast_to(np.array(top, dtype=object), (len(self.rows),))

    def _fraction(self, part: sympy.Expr) -> tuple[Any, int]:
        if part not in self._known:
            self._known[part] = self._computed(part)
        return self._known[part]

    def _computed(self, part: sympy.Expr) -> tuple[Any, int]:
        if isinstance(part, sympy.Rational):
            return int(part.p), int(part.q)
        parts = [self._fraction(argument) for argument in part.args]
        if isinstance(part, sympy.floor):
            return parts[0][0] // parts[0][1], 1
        if isinstance(part, sympy.Pow) and part.exp.is_Integer and part.exp.is_nonnegative:
            return parts[0][0] ** int(part.exp), parts[0][1] ** int(part.exp)
        if isinstance(part, sympy.Mul):
            return math.prod(top for top, _ in parts), math.prod(bottom for _, bottom in parts)
        if isinstance(part, sympy.Add):
            common = math.lcm(*(bottom for _, bottom in parts))
            return sum(top * (common // bottom) for top, bottom in parts), common
        raise UsageError(f"{part} is no polynomial", _REMEDY)


def value(count: Any, values: Mapping[sympy.Symbol, int]) -> Any:
    """Return the number that a count is for some values, in lists and tables too; all else as it is."""
    if isinstance(count, dict):
        return {key: value(item, values) for key, item in count.items()}
    if type(count) in (tuple, list):
        return type(count)(value(item, values) for item in count)
    if not isinstance(count, sympy.Expr):
        return count
    return int(Points(list(values), [list(values.values())]).at(count)[0])
