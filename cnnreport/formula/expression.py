"""Formulas as people write them, such as ``k²(NIC NF + 4NF^2)``, read into polynomials within bounds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import lcm
from typing import Any, Literal

import sympy
from sympy.polys.rings import ring

from cnnreport.errors import UsageError

MAX_LENGTH = 10_000
"""Characters of a formula."""

MAX_DEPTH = 50
"""Brackets and exponents inside one another."""

MAX_DIGITS = 40
"""Digits of any number: written, computed, numerator or denominator."""

MAX_DEGREE = 64
"""Highest exponent, and total degree of any intermediate polynomial."""

MAX_TERMS = 10_000
"""Terms of any product before like terms are added."""

MAX_STEPS = 200_000
"""Terms that all sums and products of a formula may touch together."""

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
"""The raised digits, in order."""

_PLAIN = str.maketrans(SUPERSCRIPTS, "0123456789")
_OPERATORS = {"**": "^", "×": "*", "·": "*", "∙": "*", "⋅": "*", "−": "-"}
_LEXEMES = re.compile(
    rf"(?P<number>[0-9]+)|(?P<raised>[{SUPERSCRIPTS}]+)"
    rf"|(?P<name>[^\W\d{SUPERSCRIPTS}][^\W{SUPERSCRIPTS}]*)"
    r"|(?P<operator>\*\*|[-+*/^()×·∙⋅−])|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)
_SEPARATED = re.compile(r"[\s,'’_]+[0-9]")
_SHOWN = 40  # of a wrong name, so that an error stays one readable sentence
_OPERAND = "write a number, a name or a bracket there"

_Kind = Literal["number", "raised", "name", "operator", "end"]


@dataclass(frozen=True)
class _Token:
    kind: _Kind
    text: str
    position: int


def parse(text: str, names: Mapping[str, sympy.Symbol], place: str = "") -> sympy.Expr | int:
    """Read a formula into an expanded polynomial.

    Signs are ``+ - * / ^ **``, brackets, ``× · −`` and raised digits; factors may stand side by side
    (``2NF^2k^2``), and so may names where they can be told apart only in one way (``NICNF``). Time is
    bounded whatever is written: text is never executed, and every result is measured before it is computed.

    Args:
        text: The formula.
        names: The symbol of each name that may be written; several names may share one.
        place: Where the formula stands, for errors.

    Returns:
        The polynomial; an int if it is an integer, a Rational if it is another fraction.

    Raises:
        UsageError: The text is no such formula, or is larger than the limits of this module.
    """
    written = _Text(text, names, place)
    written.check()
    return _Reader(written).whole()


class _Text:
    """The formula as it is written: its tokens, and errors that say where in it."""

    def __init__(self, text: str, names: Mapping[str, sympy.Symbol], place: str) -> None:
        self.text = text
        self.names = names
        self.spot = f"{place}: " if place else ""

    def check(self) -> None:
        """Refuse a text that is empty or too long."""
        length = len(self.text)
        if length > MAX_LENGTH:
            raise UsageError(f"{self.spot}the formula has {length} characters", f"write at most {MAX_LENGTH}")
        if not self.text.strip():
            raise UsageError(f"{self.spot}the formula is empty", "write numbers, names and brackets")

    def tokens(self) -> Iterator[_Token]:
        """Split the text into tokens, and runs of letters into names."""
        for found in _LEXEMES.finditer(self.text):
            kind, part, position = found.lastgroup, found.group(), found.start() + 1
            if kind == "number":
                yield self._number(found)
            elif kind == "raised":
                self._check_digits(_Token("raised", part, position))
                yield _Token("raised", part.translate(_PLAIN), position)
            elif kind == "name":
                yield from self._names(_Token("name", part, position))
            elif kind == "operator":
                yield _Token("operator", _OPERATORS.get(part, part), position)
            elif kind == "other":
                fraction = "" if part != "." else ", or a fraction such as 3/2 for a decimal number"
                remedy = f"write only numbers, names, + - * / ^ and brackets{fraction}"
                raise self.error(f"{part!r} is not expected", _Token("operator", part, position), remedy)
        yield _Token("end", "", len(self.text) + 1)

    def error(self, problem: str, token: _Token, remedy: str) -> UsageError:
        """Return an error that says where the token stands."""
        at_end = token.position > len(self.text)
        where = "at the end of the formula" if at_end else f"at character {token.position} of the formula"
        return UsageError(f"{self.spot}{problem} {where}", remedy)

    def _number(self, found: re.Match[str]) -> _Token:
        token = _Token("number", found.group(), found.start() + 1)
        if self.text.startswith(".", found.end()):
            raise self.error("there is a decimal number", token, "write a fraction such as 3/2")
        if _SEPARATED.match(self.text, found.end()):
            remedy = "write one number without separators, such as 1024"
            raise self.error("two numbers stand side by side", token, remedy)
        self._check_digits(token)
        return token

    def _check_digits(self, token: _Token) -> None:
        if len(token.text) > MAX_DIGITS:
            raise self.error("a number is too long", token, f"write at most {MAX_DIGITS} digits")

    def _names(self, token: _Token) -> Iterator[_Token]:
        """Split a run of letters into known names, where that can be done in one way only."""
        run = token.text
        if run in self.names:
            yield token
            return
        longest = max(map(len, self.names), default=0)
        ways = [1] + [0] * len(run)
        start_of_last = [0] * (len(run) + 1)
        for end in range(1, len(run) + 1):
            for start in range(max(0, end - longest), end):
                if ways[start] and run[start:end] in self.names:
                    # More than one way is all that matters; counted on, the number would explode.
                    ways[end] = min(2, ways[end] + ways[start])
                    start_of_last[end] = start
        if ways[-1] != 1:
            raise self._unknown(token, ambiguous=ways[-1] > 1)
        yield from _pieces(token, start_of_last)

    def _unknown(self, token: _Token, ambiguous: bool) -> UsageError:
        shown = token.text if len(token.text) <= _SHOWN else f"{token.text[:_SHOWN]}…"
        if ambiguous:
            return self.error(
                f"{shown!r} can be split into names in several ways", token, "write * between the names"
            )
        known = list(self.names)
        listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "") if known else "numbers only"
        power = ", with ^ before an exponent" if token.text[-1].isdigit() else ""
        return self.error(f"{shown!r} is no known name", token, f"write one of {listed}{power}")


class _Reader:
    """Reads a formula token by token, and computes as it reads."""

    def __init__(self, text: _Text) -> None:
        self.text = text
        symbols = list(dict.fromkeys(text.names.values()))
        self.ring, *generators = ring(symbols, sympy.QQ)
        self.generators = dict(zip(symbols, generators, strict=True))
        self.tokens = list(text.tokens())
        self.index = 0
        self.depth = 0
        self.steps = 0

    def whole(self) -> sympy.Expr | int:
        value = self._sum()
        token = self._next
        if token.text == ")":
            raise self.text.error("a bracket closes that was never opened", token, "remove or open it")
        if token.kind != "end":
            raise self.text.error(f"'{token.text}' is not expected", token, "write + - * / or ^ there")
        if not value.is_ground:
            return value.as_expr()
        constant = _constant(value)
        return int(constant) if constant.denominator == 1 else sympy.QQ.to_sympy(constant)

    # What it means: a grammar of sums of products of powers.

    def _sum(self) -> Any:
        value = self._product()
        while sign := self._take("+", "-"):
            right = self._product()
            self._spend(len(value) + len(right), sign)
            value = value + right if sign.text == "+" else value - right
            self._check_digits(_norm(value), _denominator(value), sign)
        return value

    def _product(self) -> Any:
        value = self._factor()
        while True:
            if sign := self._take("*"):
                value = self._multiply(value, self._factor(), sign)
            elif sign := self._take("/"):
                value = self._multiply(value, self._inverse(sign), sign)
                if self._at_operand():
                    remedy = "write * after the divisor, or brackets around it"
                    raise self.text.error("it is not clear how far the divisor reaches", self._next, remedy)
            elif self._next.kind == "number":
                remedy = "write * before it, or ^ if it is an exponent"
                raise self.text.error("a number follows a factor", self._next, remedy)
            elif self._at_operand():
                token = self._next
                value = self._multiply(value, self._power(), token)
            else:
                return value

    def _factor(self) -> Any:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign.text == "-"
        return -self._power() if negative else self._power()

    def _power(self) -> Any:
        base = self._atom()
        token = self._next
        if token.kind == "raised":
            self.index += 1
            if self._next.kind == "raised" or self._next.text == "^":
                raise self.text.error("an exponent follows an exponent", self._next, "write brackets")
            return self._raise(base, self._exponent_of(token, self.ring(int(token.text))), token)
        if self._take("^"):
            self._descend(token)
            exponent = self._exponent_of(token, self._factor())
            self.depth -= 1
            return self._raise(base, exponent, token)
        return base

    def _atom(self) -> Any:
        token = self._next
        if token.kind == "number":
            self.index += 1
            return self.ring(int(token.text))
        if token.kind == "name":
            self.index += 1
            return self.generators[self.text.names[token.text]]
        if not self._take("("):
            found = f"'{token.text}' is not expected" if token.text else "the formula ends too early"
            raise self.text.error(found, token, _OPERAND)
        self._descend(token)
        value = self._sum()
        self.depth -= 1
        if not self._take(")"):
            raise self.text.error("a bracket is not closed", token, "close it with )")
        return value

    @property
    def _next(self) -> _Token:
        return self.tokens[self.index]

    def _take(self, *operators: str) -> _Token | None:
        """Return the next token and go past it if it is one of these operators."""
        token = self._next
        if token.kind != "operator" or token.text not in operators:
            return None
        self.index += 1
        return token

    def _at_operand(self) -> bool:
        return self._next.kind in ("number", "name") or self._next.text == "("

    def _descend(self, token: _Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.text.error("brackets or exponents are too deep", token, f"nest at most {MAX_DEPTH}")

    # What it comes to: each result is measured before it is computed.

    def _multiply(self, left: Any, right: Any, token: _Token) -> Any:
        if left and right and _degree(left) + _degree(right) > MAX_DEGREE:
            raise self.text.error("the degree is too high", token, f"write degrees up to {MAX_DEGREE}")
        if len(left) * len(right) > MAX_TERMS:
            raise self.text.error("the product has too many terms", token, f"write at most {MAX_TERMS}")
        self._spend(len(left) * len(right), token)
        self._check_digits(_norm(left) * _norm(right), _denominator(left) * _denominator(right), token)
        return left * right

    def _raise(self, base: Any, exponent: int, token: _Token) -> Any:
        if base and _degree(base) * exponent > MAX_DEGREE:
            raise self.text.error("the degree is too high", token, f"write degrees up to {MAX_DEGREE}")
        value = self.ring(1)
        for _ in range(exponent):
            value = self._multiply(value, base, token)
        return value

    def _inverse(self, sign: _Token) -> Any:
        divisor = self._factor()
        if not divisor.is_ground:
            raise self.text.error("the divisor is no number", sign, "divide by numbers only")
        if not divisor:
            raise self.text.error("the divisor is zero", sign, "divide by another number")
        return self.ring(1 / _constant(divisor))

    def _exponent_of(self, token: _Token, value: Any) -> int:
        constant = _constant(value) if value.is_ground else None
        if constant is None or constant.denominator != 1 or not 0 <= constant <= MAX_DEGREE:
            remedy = f"write a whole number from 0 to {MAX_DEGREE}"
            raise self.text.error("an exponent is not allowed", token, remedy)
        return int(constant)

    def _spend(self, steps: int, token: _Token) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise self.text.error("the formula takes too long to expand", token, "write it with fewer terms")

    def _check_digits(self, numerator: int, denominator: int, token: _Token) -> None:
        if max(numerator, denominator) >= 10**MAX_DIGITS:
            raise self.text.error("a number grows too large", token, f"stay below {MAX_DIGITS} digits")


def _pieces(token: _Token, start_of_last: list[int]) -> Iterator[_Token]:
    bounds = [len(token.text)]
    while bounds[0]:
        bounds.insert(0, start_of_last[bounds[0]])
    for start, end in pairwise(bounds):
        yield _Token("name", token.text[start:end], token.position + start)


def _constant(value: Any) -> Any:
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
