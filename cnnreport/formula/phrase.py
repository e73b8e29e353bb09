"""Counts as people write them: collected by powers of the kernel size, as text, LaTeX, words and code."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sympy

from cnnreport.formula.reading.notation import SUPERSCRIPTS
from cnnreport.formula.symbols import KERNEL, Count, Shape, symbol

ORDER = ("NIC", "NF", "NC")
"""The letters that come first in a product; all others follow, by the alphabet."""

_Factor = tuple[str, int]
"""A name and its exponent, which is at least one."""

_RAISED = str.maketrans("0123456789", SUPERSCRIPTS)
_LATEX_SPECIAL = re.compile(r"[#$%&_{}]")
_SPOKEN_POWERS = {2: "squared", 3: "cubed"}


@dataclass(frozen=True)
class _Term:
    """A product: a number times powers of names."""

    coefficient: int
    factors: tuple[_Factor, ...]

    @property
    def negated(self) -> "_Term":
        return _Term(-self.coefficient, self.factors)


@dataclass(frozen=True)
class _Summand:
    """What stands between two signs of a sum: one product, or a power of k times a bracket."""

    negative: bool
    outside: tuple[_Factor, ...]
    inside: tuple[_Term, ...]


@dataclass(frozen=True)
class _Sum:
    """A collected polynomial with whole coefficients, over a common denominator."""

    summands: tuple[_Summand, ...]
    denominator: int


@dataclass(frozen=True)
class _Notation:
    """How the parts of a sum are written.

    Args:
        power: Writes a name with an exponent.
        after_number: Between a coefficient and what it multiplies.
        between: Between two names.
        before_bracket: Between a power of k and the bracket that it multiplies.
        signs: Plus and minus between two summands.
        negative: The sign before the first one.
        fraction: Writes a numerator, and whether it is a sum, over a denominator.
    """

    power: Callable[[str, int], str]
    after_number: str
    between: str
    before_bracket: str
    signs: tuple[str, str]
    negative: str
    fraction: Callable[[str, bool, int], str]


def text(count: Count) -> str:
    """Write a count in plain characters, such as ``k²(NIC·NF + 4NF²) + 12NF``."""
    return _write(count, _TEXT, str)


def latex(count: Count) -> str:
    """Write a count in LaTeX, without dollars; names of several letters are upright."""
    return _write(count, _LATEX, _sympy_latex)


def words(count: Count) -> str:
    """Say a count in words, such as ``k squared times (NIC NF plus 4 NF squared) plus 12 NF``."""
    return _write(count, _WORDS, str)


def code(count: Count) -> str:
    """Write a count as Python that sympy, and this package's own parser, read back to the same value."""
    return _write(count, _CODE, str)


def latex_lines(count: Count, width: int) -> list[str]:
    """Write a count in LaTeX, on as many lines as it needs.

    Args:
        count: What to write.
        width: Visible characters of a line; a summand that is longer still gets a line of its own.

    Returns:
        The lines; each but the first begins with + or −.
    """
    collected = _collect(count)
    if collected is None or len(collected.summands) < 2 or len(text(count)) <= width:
        return [latex(count)]
    lines: list[str] = []
    used = width
    for number, summand in enumerate(collected.summands):
        shown = len(_signed(summand, _TEXT, first=number == 0))
        if used + shown > width:
            lines.append(_start_of_line(summand, first=number == 0))
            used = shown
        else:
            lines[-1] += _signed(summand, _LATEX, first=False)
            used += shown
    if collected.denominator > 1:
        # In braces, or the minus after the bracket would be set as one between two terms.
        opening = f"{{-}}{lines[0][1:]}" if lines[0].startswith("-") else lines[0]
        lines[0] = rf"\frac{{1}}{{{collected.denominator}}}({opening}"
        lines[-1] += ")"
    return lines


def shape(sizes: Shape) -> str:
    """Write sizes in plain characters, such as ``NF × 16 × 16``; no size at all is a single number, 1."""
    return " × ".join(_bracketed(size, text, "({})") for size in sizes) or "1"


def shape_latex(sizes: Shape) -> str:
    """Write sizes in LaTeX, without dollars."""
    # Thin spaces, for beside upright names ziamath sets none; braces, or it tears a leading minus off.
    return r"\,\times\,".join(_bracketed(size, latex, r"\left({{{}}}\right)") for size in sizes) or "1"


def shape_words(sizes: Shape) -> str:
    """Say sizes in words, such as ``NF by 16 by 16``."""
    return " by ".join(_bracketed(size, words, "({})") for size in sizes) or "1"


def _bracketed(size: Count, write: Callable[[Count], str], brackets: str) -> str:
    """Write a size of a shape, in brackets if it is a sum."""
    collected = _collect(size)
    if collected is None:
        is_sum = isinstance(size, sympy.Add)
    else:
        is_sum = len(collected.summands) > 1 and collected.denominator == 1
    return brackets.format(write(size)) if is_sum else write(size)


def _start_of_line(summand: _Summand, *, first: bool) -> str:
    if first:
        return _signed(summand, _LATEX, first=True)
    # At the start of a line a sign would stick to its term.
    return ("-" if summand.negative else "+") + rf"\, {_summand(summand, _LATEX)}"


def _write(count: Count, notation: _Notation, fallback: Callable[[Count], str]) -> str:
    collected = _collect(count)
    if collected is None:
        return fallback(count)
    if not collected.summands:
        return "0"
    first, *others = collected.summands
    numerator = _signed(first, notation, first=True)
    numerator += "".join(_signed(other, notation, first=False) for other in others)
    if collected.denominator == 1:
        return numerator
    if others:
        return notation.fraction(numerator, True, collected.denominator)
    sign = notation.negative if first.negative else ""
    return sign + notation.fraction(_summand(first, notation), False, collected.denominator)


def _signed(summand: _Summand, notation: _Notation, *, first: bool) -> str:
    leading = notation.negative if summand.negative else ""
    return (leading if first else notation.signs[summand.negative]) + _summand(summand, notation)


def _summand(summand: _Summand, notation: _Notation) -> str:
    inner = _product(summand.inside[0], notation)
    for term in summand.inside[1:]:
        inner += notation.signs[term.coefficient < 0] + _product(term, notation)
    if not summand.outside:
        return inner
    outside = _product(_Term(1, summand.outside), notation)
    return f"{outside}{notation.before_bracket}({inner})"


def _product(term: _Term, notation: _Notation) -> str:
    """Write a product without its sign."""
    number = abs(term.coefficient)
    names = notation.between.join(notation.power(*factor) for factor in term.factors)
    if not names:
        return str(number)
    return names if number == 1 else f"{number}{notation.after_number}{names}"


def _collect(count: Count) -> _Sum | None:
    """Collect a polynomial by powers of k, highest first; None for what is no polynomial."""
    polynomial = _polynomial(sympy.sympify(count))
    if polynomial is None:
        return None
    if polynomial.is_zero:
        return _Sum((), 1)
    denominator, whole = polynomial.clear_denoms(convert=True)
    names = [generator.name for generator in whole.gens[1:]]
    summands: list[_Summand] = []
    for power, group in groupby(whole.terms(order="lex"), key=lambda term: term[0][0]):
        terms = [_Term(int(coefficient), _factors(names, powers[1:])) for powers, coefficient in group]
        summands += _summands(_factors([KERNEL], [power]), terms)
    return _Sum(tuple(summands), int(denominator))


def _summands(kernel: tuple[_Factor, ...], terms: list[_Term]) -> list[_Summand]:
    """Put terms with the same power of k into one bracket; without k, or alone, they need none."""
    if len(terms) > 1 and kernel:
        negative = terms[0].coefficient < 0
        return [_Summand(negative, kernel, tuple(term.negated if negative else term for term in terms))]
    products = [_Term(term.coefficient, kernel + term.factors) for term in terms]
    return [_Summand(product.coefficient < 0, (), (product,)) for product in products]


def _polynomial(count: sympy.Expr) -> Any:
    """Return a count as a polynomial in k and then its other symbols in their order, None if it is none."""
    others = sorted((letter for letter in count.free_symbols if letter.name != KERNEL), key=_rank)
    kernel = next((letter for letter in count.free_symbols if letter.name == KERNEL), symbol(KERNEL))
    try:
        return sympy.Poly(count, kernel, *others, domain=sympy.QQ)
    except sympy.polys.polyerrors.BasePolynomialError:
        return None


def _rank(letter: sympy.Symbol) -> tuple[int, str]:
    return ORDER.index(letter.name) if letter.name in ORDER else len(ORDER), letter.name


def _factors(names: Sequence[str], powers: Sequence[int]) -> tuple[_Factor, ...]:
    return tuple((name, power) for name, power in zip(names, powers, strict=True) if power)


def _sympy_latex(count: Count) -> str:
    letters = sympy.sympify(count).free_symbols
    return str(sympy.latex(count, symbol_names={letter: _latex_name(letter.name) for letter in letters}))


def _latex_name(name: str) -> str:
    escaped = _LATEX_SPECIAL.sub(lambda match: rf"{{\{match.group()}}}", name)
    return escaped if len(name) == 1 else rf"\mathrm{{{escaped}}}"


def _text_power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}{str(exponent).translate(_RAISED)}"


def _latex_power(name: str, exponent: int) -> str:
    return _latex_name(name) if exponent == 1 else f"{_latex_name(name)}^{{{exponent}}}"


def _spoken_power(name: str, exponent: int) -> str:
    if exponent == 1:
        return name
    return f"{name} {_SPOKEN_POWERS.get(exponent, f'to the power {exponent}')}"


def _code_power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}**{exponent}"


def _slash(separator: str) -> Callable[[str, bool, int], str]:
    def fraction(numerator: str, is_sum: bool, denominator: int) -> str:
        return f"({numerator}){separator}{denominator}" if is_sum else f"{numerator}{separator}{denominator}"

    return fraction


def _latex_fraction(numerator: str, is_sum: bool, denominator: int) -> str:
    return rf"\frac{{{numerator}}}{{{denominator}}}"


_TEXT = _Notation(_text_power, "", "·", "", (" + ", " − "), "−", _slash("/"))
_LATEX = _Notation(_latex_power, "", r"\,", "", (" + ", " - "), "-", _latex_fraction)
_WORDS = _Notation(
    _spoken_power, " ", " ", " times ", (" plus ", " minus "), "minus ", _slash(" divided by ")
)
_CODE = _Notation(_code_power, "*", "*", "*", (" + ", " - "), "-", _slash("/"))
