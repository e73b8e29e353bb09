"""The grammar of written formulas: sums of products of powers, and what could mean two things."""

from typing import Any, Literal

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.reading.bounded import MAX_DEGREE, Arithmetic, constant_of
from cnnreport.formula.reading.notation import FRACTION
from cnnreport.formula.reading.tokens import AmbiguityError, Text, Token, quoted

MAX_DEPTH = 50
"""Brackets and exponents inside one another."""

_CLOSES = {"(": ")", "{": "}"}
_OPERAND = "write a number, a name or a bracket there"

_Form = Literal["number", "open", "closed"]
"""What a factor ends with: a number, something that could still take an exponent, or an exponent."""


class Reader(Arithmetic):
    """Reads a formula token by token, and computes as it reads."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.tokens = list(text.tokens())
        self.index = 0
        self.depth = 0
        self.form: _Form = "closed"
        self.parts = (1, 1)  # summands and factors of the last sum

    def whole(self) -> sympy.Expr | int:
        """Return what the formula comes to.

        Raises:
            AmbiguityError: It can be read in two ways.
            UsageError: It is no formula, or too large.
        """
        value = self._sum()
        token = self._next
        if token.text in (")", "}"):
            raise self.text.error("a bracket closes that was never opened", token, "remove or open it")
        if token.kind != "end":
            raise self.text.error(
                f"{quoted(self.text.written_from(token, token))} is not expected",
                token,
                "write + - * / or ^ there",
            )
        if not value.is_ground:
            return value.as_expr()
        constant = constant_of(value)
        return int(constant) if constant.denominator == 1 else sympy.QQ.to_sympy(constant)

    # What it means: a grammar of sums of products of powers.

    def _sum(self) -> Any:
        signed = self._next.text in ("+", "-")
        value, factors = self._product()
        summands = 1 + signed
        while sign := self._take("+", "-"):
            right, factors = self._product()
            summands += 1
            value = self.add(value, right, sign)
        self.parts = summands, factors
        return value

    def _product(self) -> tuple[Any, int]:
        value, factors = self._factor(), 1
        while True:
            if sign := self._take("*"):
                value = self.multiply(value, self._factor(), sign)
            elif sign := self._take("/"):
                at = self.index - 1
                value = self.multiply(value, self._inverse(sign), sign)
                if self._at_operand():
                    raise self._unclear_reach(at)
            elif self._at_operand():
                self._check_neighbours()
                token = self._next
                value = self.multiply(value, self._power(), token)
            else:
                return value, factors
            factors += 1

    def _factor(self) -> Any:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign.text == "-"
        return -self._power() if negative else self._power()

    def _power(self) -> Any:
        start = self.index
        base = self._atom()
        token = self._next
        if token.kind == "raised":
            self.index += 1
            exponent = self.exponent_of(token, self.ring(int(token.text)))
            if self._next.kind == "raised" or self._next.text in ("^", "**"):
                raise self.text.error("an exponent follows an exponent", self._next, "write brackets")
        elif self._take("^", "**"):
            self._descend(token)
            value = self._factor() if token.text == "**" else self._exponent(start)
            exponent = self.exponent_of(token, value)
            self.depth -= 1
        else:
            return base
        self.form = "closed"
        return self.power(base, exponent, token)

    def _exponent(self, start: int) -> Any:
        """Read what stands after ``^``, which reaches as far as one sees it raised."""
        if sign := self._take("+", "-"):
            return -self._factor() if sign.text == "-" else self._factor()
        first = self._next
        value = self._atom(argument=True)
        if first.kind == "number":
            self._check_one_digit(start)
        if self._next.text in ("^", "**") or self._next.kind == "raised":
            raise self._chained(start)
        return value

    def _inverse(self, sign: Token) -> Any:
        return self.reciprocal(self._factor(), sign)

    def _atom(self, *, argument: bool = False) -> Any:
        token = self._next
        if token.kind == "number":
            if len(token.text) > 1 and token.text.startswith("0"):
                remedy = "join it to the digits before it, or leave the 0 out if there are none"
                raise self.text.error(f"the number '{token.text}' begins with 0", token, remedy)
            self.index += 1
            self.form = "number"
            return self.ring(int(token.text))
        if token.kind == "name":
            self.index += 1
            self.form = "open"
            return self.generators[self.text.names[token.text]]
        if self._take(FRACTION):
            return self._fraction(token)
        if not self._take("(", "{"):
            for letter in (token, self.tokens[self.index - 1]):
                if letter.text == "*" and self.text.written_from(letter, letter).isalpha():
                    raise self.text.unknown(letter)  # an x that stands between no factors
            shown = self.text.written_from(token, token) if token.text else ""
            problem = f"{quoted(shown)} is not expected" if shown else "the formula ends too early"
            raise self.text.error(problem, token, _OPERAND)
        self._descend(token)
        opened = self.index - 1
        value = self._sum()
        self.depth -= 1
        if not self._take(")" if token.text == "(" else "}"):
            raise self.text.error("a bracket is not closed", token, f"close it with {_CLOSES[token.text]}")
        if token.text == "(":
            self.form = "open"
        elif not argument:
            self._check_unseen(opened)
        return value

    def _fraction(self, token: Token) -> Any:
        """Read the numerator and the denominator of LaTeX: digits or names one by one, or in braces."""
        parts: list[Any] = []
        self._descend(token)
        for _ in range(2):
            part = self._next
            if part.kind == "number" and len(part.text) > 1:
                if len(parts) == 0 and len(part.text) == 2:
                    self.index += 1
                    parts = [self.ring(int(digit)) for digit in part.text]
                    break
                raise self.text.error("it is not clear what is above the line", token, "write \\frac{1}{2}")
            parts.append(self._atom(argument=True))
        self.depth -= 1
        above, below = parts
        self.form = "closed"
        return self.multiply(above, self.reciprocal(below, token), token)

    @property
    def _next(self) -> Token:
        return self.tokens[self.index]

    def _take(self, *operators: str) -> Token | None:
        """Return the next token and go past it if it is one of these operators."""
        token = self._next
        if token.kind != "operator" or token.text not in operators:
            return None
        self.index += 1
        return token

    def _at_operand(self) -> bool:
        return self._is_operand(self.index)

    def _is_operand(self, index: int) -> bool:
        token = self.tokens[index]
        return token.kind in ("number", "name") or token.text in ("(", "{", FRACTION)

    def _descend(self, token: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.text.error("brackets or exponents are too deep", token, f"nest at most {MAX_DEPTH}")

    # What could mean two things.

    def _check_one_digit(self, start: int) -> None:
        """Refuse ``k^24``, of which LaTeX raises the first digit alone."""
        digits = self.tokens[self.index - 1]
        cut = next((at for at, digit in enumerate(digits.text) if at and digit != "0"), None)
        if cut is not None:
            before = self._plain(start, self.index - 2)
            readings = f"{before}({digits.text})", f"{before}({digits.text[:cut]})·{digits.text[cut:]}"
            raise self._ambiguous(start, self.index - 1, readings)

    def _chained(self, start: int) -> UsageError:
        """Return the error of ``k^2^3``, which some read from the right and some from the left."""
        at = self.index
        if self._next.kind == "raised" or self.tokens[at + 1].kind != "number":
            return self.text.error("an exponent follows an exponent", self._next, "write brackets")
        base, upper = self._plain(start, at - 1), self.tokens[at + 1].text
        sign = next(n for n in range(at - 1, start, -1) if self.tokens[n].text == "^")
        lower, exponent = self._plain(start, sign), self._plain(sign + 1, at - 1)
        return self._ambiguous(start, at + 1, (f"{lower}({exponent}^({upper}))", f"({base})^({upper})"))

    def _check_neighbours(self) -> None:
        """Refuse a number after what could take it as an exponent, or as further digits."""
        at, token = self.index, self._next
        before = self.tokens[at - 1]
        left, right = self._plain(at - 1, at - 1), self._plain(at, at).lstrip("0") or "0"
        if token.text in ("x", "X") and self._is_operand(at + 1):
            after = self._plain(at + 1, at + 1)
            raise self._ambiguous(at - 1, at + 1, (f"{left}·{right}·{after}", f"{left}·{after}"))
        inner = self.tokens[at + 1] if token.text == "{" else token
        if self.form == "number" and inner.text == FRACTION:
            self.index += 1
            self._fraction(token)
            fraction = self._plain(at, self.index - 1)
            raise self._ambiguous(at - 1, self.index - 1, (f"{left}·{fraction}", f"({left}+{fraction})"))
        if self.form == "closed" or inner.kind != "number":
            return
        rest = ""
        if token.text == "{":
            self.index += 1
            self._go_to_closing()
            rest = self._plain(at + 2, self.index - 2) if self.index - 2 > at + 1 else ""
            right = f"({inner.text}{rest})"
        if self.form == "number":
            raise self._ambiguous(
                at - 1, max(at, self.index - 1), (f"{before.text}{inner.text}{rest}", f"{left}·{right}")
            )
        if not (token.spaced and int(inner.text) > MAX_DEGREE):
            readings = f"{left}^({inner.text}){rest}", f"{left}·{right}"
            raise self._ambiguous(at - 1, max(at, self.index - 1), readings)

    def _unclear_reach(self, sign: int) -> AmbiguityError:
        """Return the error of a divisor after which factors follow without a sign."""
        rest = self.index
        while self._at_operand() or self._next.kind == "raised" or self._next.text in ("^", "**"):
            self.index += 1
            if self.tokens[self.index - 1].text in ("(", "{"):
                self._go_to_closing()
        last = self.index - 1
        divisor, others = self._plain(sign + 1, rest - 1), self._plain(rest, last)
        return self._ambiguous(sign, last, (f"/{divisor}·{others}", f"/({divisor}·{others})"))

    def _go_to_closing(self) -> None:
        depth = 1
        while depth and self._next.kind != "end":
            depth += (self._next.text in ("(", "{")) - (self._next.text in (")", "}"))
            self.index += 1

    def _check_unseen(self, opened: int) -> None:
        """Refuse braces, which LaTeX does not print, where a bracket in their place would matter."""
        summands, factors = self.parts
        before = self.tokens[opened - 1].text if opened else ""
        after = self._next
        matters = after.kind == "raised" or after.text in ("^", "**") or before == "/"
        if summands > 1:
            matters = before not in ("", "+", "(", "{") or after.text not in ("", "+", "-", ")", "}")
        if matters and max(summands, factors) > 1:
            inside = self._plain(opened + 1, self.index - 2)
            raise self._ambiguous(opened, self.index - 1, (f"({inside})", f" {inside} "))

    def _ambiguous(self, first: int, last: int, readings: tuple[str, str]) -> AmbiguityError:
        return self.text.ambiguous(self.tokens[first], self.tokens[last], readings)

    def _plain(self, first: int, last: int) -> str:
        return self.text.plain_from(self.tokens[first], self.tokens[last])
