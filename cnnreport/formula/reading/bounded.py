"""Arithmetic with polynomials in which each result is measured before it is computed."""

from math import lcm
from typing import Any

import sympy
from sympy.polys.rings import ring

from cnnreport.formula.reading.tokens import MAX_DIGITS, Text, Token

MAX_DEGREE = 64
"""Highest exponent, and total degree of any intermediate polynomial."""

MAX_TERMS = 10_000
"""Terms of any product before like terms are added."""

MAX_STEPS = 200_000
"""Terms that all sums and products of a formula may touch together."""


class Arithmetic:
    """Computes with polynomials in the names of a formula, within bounds."""

    def __init__(self, text: Text) -> None:
        self.text = text
        symbols = list(dict.fromkeys(text.names.values()))
        self.ring, *generators = ring(symbols, sympy.QQ)
        self.generators = dict(zip(symbols, generators, strict=True))
        self.steps = 0

    def add(self, left: Any, right: Any, sign: Token) -> Any:
        """Add two polynomials, or subtract the second, as the sign says."""
        self.spend(len(left) + len(right), sign)
        value = left + right if sign.text == "+" else left - right
        self.check_digits(_norm(value), _denominator(value), sign)
        return value

    def multiply(self, left: Any, right: Any, token: Token) -> Any:
        """Multiply two polynomials; `token` says where, for errors."""
        if left and right and _degree(left) + _degree(right) > MAX_DEGREE:
            raise self.text.error("the degree is too high", token, f"write degrees up to {MAX_DEGREE}")
        if len(left) * len(right) > MAX_TERMS:
            raise self.text.error("the product has too many terms", token, f"write at most {MAX_TERMS}")
        self.spend(len(left) * len(right), token)
        self.check_digits(_norm(left) * _norm(right), _denominator(left) * _denominator(right), token)
        return left * right

    def power(self, base: Any, exponent: int, token: Token) -> Any:
        """Multiply a polynomial with itself."""
        if base and _degree(base) * exponent > MAX_DEGREE:
            raise self.text.error("the degree is too high", token, f"write degrees up to {MAX_DEGREE}")
        value = self.ring(1)
        for _ in range(exponent):
            value = self.multiply(value, base, token)
        return value

    def reciprocal(self, divisor: Any, sign: Token) -> Any:
        """Return one over a number."""
        if not divisor.is_ground:
            raise self.text.error("the divisor is no number", sign, "divide by numbers only")
        if not divisor:
            raise self.text.error("the divisor is zero", sign, "divide by another number")
        return self.ring(1 / constant_of(divisor))

    def exponent_of(self, token: Token, value: Any) -> int:
        """Return a polynomial as an exponent, which is a small whole number."""
        constant = constant_of(value) if value.is_ground else None
        if constant is None or constant.denominator != 1 or not 0 <= constant <= MAX_DEGREE:
            remedy = f"write a whole number from 0 to {MAX_DEGREE}"
            raise self.text.error("an exponent is not allowed", token, remedy)
        return int(constant)

    def spend(self, steps: int, token: Token) -> None:
        """Count what has been computed, and refuse too much of it."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise self.text.error("the formula takes too long to expand", token, "write it with fewer terms")

    def check_digits(self, numerator: int, denominator: int, token: Token) -> None:
        """Refuse numbers of too many digits."""
        if max(numerator, denominator) >= 10**MAX_DIGITS:
            raise self.text.error("a number grows too large", token, f"stay below {MAX_DIGITS} digits")


def constant_of(value: Any) -> Any:
    """Return the rational number that a polynomial without variables is."""
    return value.coeff(1)


def _degree(value: Any) -> int:
    """Return the total degree of a polynomial that is not zero."""
    return max(map(sum, value.keys()))


def _denominator(value: Any) -> int:
    """Return the common denominator of all coefficients."""
    return lcm(*(int(coefficient.denominator) for coefficient in value.values()))


def _norm(value: Any) -> int:
    """Return the sum of all coefficients' sizes, over their common denominator: an upper bound for each.

    That of a product is at most the product of both, which is why it can be known beforehand.
    """
    common = _denominator(value)
    return sum(abs(int(c.numerator)) * (common // int(c.denominator)) for c in value.values())
