"""Counts as vectors of coefficients, so that thousands of them can be made and compared at once."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy

from cnnreport.formula.symbols import Count, simple

Vector = Mapping[sympy.Expr, Fraction]
"""The coefficient of each monomial of an expanded count; none is 0."""


@lru_cache(maxsize=20_000)
def vector(count: Count) -> Vector:
    """Take a count apart."""
    if isinstance(count, int):
        return {sympy.S.One: Fraction(count)} if count else {}
    terms = sympy.expand(count).as_coefficients_dict()  # asking for its sign would take it to its roots
    return {term: Fraction(int(c.p), int(c.q)) for term, c in terms.items() if c}


def added(vectors: Iterable[Vector]) -> Vector:
    """Add vectors up."""
    total: dict[sympy.Expr, Fraction] = {}
    for vector in vectors:
        for term, coefficient in vector.items():
            total[term] = total.get(term, Fraction()) + coefficient
    return {term: coefficient for term, coefficient in total.items() if coefficient}


def scaled(vector: Vector, factor: Fraction | int) -> Vector:
    """Multiply a vector by a number."""
    return {term: factor * coefficient for term, coefficient in vector.items()} if factor else {}


def key(vector: Vector) -> frozenset[Any]:
    """Return what two vectors have in common if they are the same."""
    return frozenset(vector.items())


def count_of(vector: Vector) -> Count:
    """Put a count together again."""
    terms = (sympy.Rational(c.numerator, c.denominator) * term for term, c in vector.items())
    return simple(sympy.Add(*terms))


class Rewriting:
    """Puts something in the place of letters or their squares, all at once.

    Where a letter whose square is to be replaced has other powers, nothing is rewritten.
    """

    def __init__(self, replaced: Mapping[Any, Any]) -> None:
        self._replaced = replaced
        self._squares = [old.base for old in replaced if old.is_Pow]
        self._seen: dict[sympy.Expr, Vector] = {}

    def __call__(self, vector: Vector) -> Vector:
        """Rewrite a count."""
        for letter in self._squares:
            if any(term.has(letter) and term.as_powers_dict()[letter] != 2 for term in vector):
                return vector
        return added(scaled(self._term(term), coefficient) for term, coefficient in vector.items())

    def _term(self, term: sympy.Expr) -> Vector:
        if term not in self._seen:
            self._seen[term] = vector(term.subs(self._replaced, simultaneous=True))
        return self._seen[term]
