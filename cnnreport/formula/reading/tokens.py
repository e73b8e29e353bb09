"""The parts of a written formula: numbers, names, signs; and errors that say where in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cnnreport.errors import UsageError
from cnnreport.formula.reading.letters import Letters, Piece
from cnnreport.formula.reading.notation import FRACTION, SUPERSCRIPTS, THIN, Plain

MAX_DIGITS = 40
"""Digits of any number: written, computed, numerator or denominator."""

_PLAIN_DIGITS = str.maketrans(SUPERSCRIPTS, "0123456789")
_GROUPED = re.compile(rf"[1-9][0-9]{{0,2}}(?P<by>[,'’_{THIN}])[0-9]{{3}}(?:(?P=by)[0-9]{{3}})*(?![0-9])")
_BADLY_GROUPED = re.compile(r"[,'’_][0-9]")
_DECIMAL = re.compile(r"[.][0-9]+")
_LEXEMES = re.compile(
    rf"(?P<number>[0-9]+)|(?P<raised>[{SUPERSCRIPTS}]+)"
    rf"|(?P<run>[^\W\d{SUPERSCRIPTS}][^\W{SUPERSCRIPTS}]*)"
    rf"|(?P<operator>\*\*|[-+*/^(){FRACTION}])|(?P<space>(?:\s|\{{\s*\}})+)|(?P<brace>[{{}}])"
    r"|(?P<point>(?<=[^\s])[.](?=[^\s.\d])|(?<=\s)[.](?=\s))|(?P<other>.)",
    re.DOTALL,
)
_SHOWN = 40  # of a wrong name, so that an error stays one readable sentence

Kind = Literal["number", "raised", "name", "operator", "end"]


@dataclass(frozen=True)
class Token:
    """A part of a formula.

    Args:
        kind: What it is.
        text: Its characters; of a name that which the formula may have.
        start: Where it begins in the plain text.
        end: Where it ends there.
        spaced: Whether white space stands before it.
    """

    kind: Kind
    text: str
    start: int
    end: int
    spaced: bool = False


class AmbiguityError(UsageError):
    """Something that could mean two things.

    Args:
        problem: What and where.
        start: Where it begins in what was written.
        end: Where it ends there.
        readings: Both meanings, each written so that it can have no other.
    """

    def __init__(self, problem: str, start: int, end: int, readings: tuple[str, str]) -> None:
        super().__init__(problem, "write the one that is meant")
        self.start = start
        self.end = end
        self.readings = readings


class Text:
    """The formula as it is written: its tokens, and errors that say where in it.

    Args:
        written: As it was written.
        plain: The same in plain characters.
        start: The part of the latter that is read: from here.
        end: Up to here.
        names: The symbol of each name that may be written.
        spot: The beginning of an error.
    """

    def __init__(
        self, written: str, plain: Plain, part: tuple[int, int], names: Mapping[str, Any], spot: str
    ) -> None:
        self.written = written
        self.plain = plain
        self.part = part
        self.names = names
        self.spot = spot
        self._letters = Letters(names)

    def tokens(self) -> Iterator[Token]:
        """Split the text into tokens, and runs of letters into names."""
        spaced, before = False, None
        at, end = self.part
        while at < end:
            lexeme = _LEXEMES.match(self.plain.text, at, end)
            assert lexeme is not None  # the last alternative takes any character
            kind, part = lexeme.lastgroup, lexeme.group()
            at = lexeme.end()
            if kind == "space":
                # An exponent may be followed by a thin space, and a number by one within it.
                spaced = True
                continue
            for token in self._of(lexeme, kind, part, spaced, before):
                if token.text == "-" and before is not None and before.text == "-" and not spaced:
                    raise self.ambiguous(before, token, ("-", "- -"))
                before, at, spaced = token, token.end, False
                yield token
        yield Token("end", "", end, end, spaced)

    def _of(
        self, lexeme: re.Match[str], kind: str | None, part: str, spaced: bool, before: Token | None
    ) -> Iterator[Token]:
        start, end = lexeme.span()
        if kind == "number":
            yield self._number(lexeme, spaced, exponent=before is not None and before.text in ("^", "**"))
        elif kind == "raised":
            token = Token("raised", part.translate(_PLAIN_DIGITS), start, end, spaced)
            self._check_digits(token)
            yield token
        elif kind == "run":
            yield from self._names(Token("name", part, start, end, spaced))
        elif kind in ("operator", "brace", "point"):
            yield Token("operator", "*" if kind == "point" else part, start, end, spaced)
        else:
            fraction = "" if part != "." else ", or a fraction such as 3/2 for a decimal number"
            remedy = f"write only numbers, names, + - * / ^ and brackets{fraction}"
            token = Token("operator", part, start, end)
            raise self.error(f"{quoted(self.written_from(token, token))} is not expected", token, remedy)

    def written_from(self, first: Token, last: Token) -> str:
        """Return what stands from one token to another, as it was written."""
        return self.written[slice(*self._span(first, last))]

    def plain_from(self, first: Token, last: Token) -> str:
        """Return what stands from one token to another in plain characters."""
        return self.plain.text[first.start : last.end].replace(FRACTION, "\\frac")

    def _span(self, first: Token, last: Token) -> tuple[int, int]:
        return self.plain.places[first.start][0], self.plain.places[last.end - 1][1]

    def error(self, problem: str, token: Token, remedy: str) -> UsageError:
        """Return an error that says where the token stands."""
        return UsageError(f"{self.spot}{problem} {self._where(token)}", remedy)

    def ambiguous(self, first: Token, last: Token, readings: tuple[str, str]) -> AmbiguityError:
        """Return an error that shows two readings of what stands from one token to another."""
        shown, one, other = (quoted(_short(t)) for t in (self.written_from(first, last), *readings))
        problem = f"{self.spot}{shown} can be read as {one} or as {other} {self._where(first)}"
        return AmbiguityError(problem, *self._span(first, last), readings)

    def _where(self, token: Token) -> str:
        if token.start >= self.part[1]:
            return "at the end of the formula"
        return f"at character {self.plain.places[token.start][0] + 1} of the formula"

    def _number(self, lexeme: re.Match[str], spaced: bool, *, exponent: bool) -> Token:
        start, end = lexeme.span()
        text = self.plain.text
        if not exponent and (grouped := _GROUPED.match(text, start, self.part[1])):
            end = grouped.end()
        digits = re.sub(r"[^0-9]", "", text[start:end])
        token = Token("number", digits, start, end, spaced)
        if decimal := _DECIMAL.match(text, end, self.part[1]):
            raise self._decimal(token, decimal)
        if _BADLY_GROUPED.match(text, end, self.part[1]):
            remedy = "write one number without separators, such as 1024, or a fraction such as 3/2"
            shown = re.sub(r"[^0-9,'’_].*", "", text[start : start + _SHOWN], flags=re.DOTALL)
            raise self.error(f"{quoted(shown)} separates no thousands", token, remedy)
        self._check_digits(token)
        return token

    def _decimal(self, token: Token, decimal: re.Match[str]) -> UsageError:
        whole, part = token.text, decimal.group()[1:]
        last = Token("number", part, decimal.start(), decimal.end())
        fraction = f"({int(whole + part)}/{10 ** len(part)})"
        thousands = len(part) == 3 and len(whole) <= 3 and not whole.startswith("0")
        other = f"{whole}{part}" if thousands else f"{whole}·{part}"
        if len(whole) + len(part) > MAX_DIGITS or (part.startswith("0") and not thousands):
            return self.error("there is a decimal number", token, "write a fraction such as 3/2")
        return self.ambiguous(token, last, (fraction, other))

    def _check_digits(self, token: Token) -> None:
        if len(token.text) > MAX_DIGITS:
            raise self.error("a number is too long", token, f"write at most {MAX_DIGITS} digits")

    def _names(self, run: Token) -> Iterator[Token]:
        """Split a run of letters into known names, where that can be done in one way only."""
        ways = self._letters.read(run.text)
        if not ways:
            raise self.unknown(run)
        if len(ways) > 1:
            one, other = (self._joined(run, way) for way in ways)
            raise self.ambiguous(run, run, (one, other))
        for number, piece in enumerate(ways[0]):
            start, end = run.start + piece.start, run.start + piece.end
            text = {"name": piece.name, "times": "*", "number": run.text[piece.start : piece.end]}[piece.sort]
            kind: Kind = "operator" if piece.sort == "times" else piece.sort
            yield Token(kind, text, start, end, run.spaced and not number)

    def _joined(self, run: Token, pieces: Sequence[Piece]) -> str:
        parts = (run.text[p.start : p.end] if p.sort != "times" else "" for p in pieces)
        return "·".join(part for part in parts if part)

    def unknown(self, token: Token) -> UsageError:
        """Return the error of letters that are no name."""
        shown = self.written_from(token, token)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        known = list(self.names)
        listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "") if known else "numbers only"
        power = ", with ^ before an exponent" if shown[-1:].isdigit() else ""
        return self.error(f"{quoted(shown)} is no known name", token, f"write one of {listed}{power}")


def quoted(shown: str) -> str:
    """Return a text in quotation marks, with no characters that a terminal would obey."""
    return repr(shown).replace("\\\\", "\\")


def _short(shown: str) -> str:
    return shown if len(shown) <= 2 * _SHOWN else f"{shown[:_SHOWN]}…{shown[-_SHOWN:]}"
