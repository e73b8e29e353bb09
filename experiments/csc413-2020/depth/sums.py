"""Sums of derived formulas, set as lines over n.

The formulas of a run are sums and products of letters and whole numbers, written as code. Adding them takes
no algebra system, which the report half has not.
"""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence

from cnnreport.errors import UsageError
from cnnreport.report.say.formulas.derived import Formula

LETTERS = ("k", "B", "C", "H", "W", "n")
"""Kernel size, images in a batch, channels, height, width, layers."""

_N = LETTERS.index("n")
_POWERS = {1: "", 2: " squared", 3: " cubed"}

Product = tuple[int, ...]
"""The power of each of `LETTERS`."""

Terms = Mapping[Product, int]
"""A sum: by what each product of letters is multiplied."""

_ONE: Product = (0,) * len(LETTERS)


def added(codes: Sequence[str]) -> Terms:
    """Return the sum of formulas.

    Args:
        codes: Each as Python writes it, in `LETTERS`.

    Raises:
        UsageError: One of them is more than sums, products and powers of these letters.
    """
    total: Counter[Product] = Counter()
    for code in codes:
        total.update(_read(ast.parse(code, mode="eval").body))
    return {product: factor for product, factor in total.items() if factor}


def evaluated(terms: Terms, numbers: Mapping[str, int]) -> int:
    """Return the value of a sum for some numbers."""
    total = 0
    for product, factor in terms.items():
        for letter, power in zip(LETTERS, product, strict=True):
            factor *= numbers[letter] ** power
        total += factor
    return total


def over_n(terms: Terms) -> Formula:
    """Set a sum as what each layer adds, times n, and what there is besides."""
    powers = sorted({product[_N] for product in terms}, reverse=True)
    by_power = {power: _without_n(terms, power) for power in powers}
    rests = {rest for each in by_power.values() for rest in each}
    if len(powers) > 1 and len(rests) == 1:  # the same letters in all: (6n - 2) times these
        (rest,) = rests
        factors = {(*_ONE[:-1], power): each[rest] for power, each in by_power.items()}
        latex, words = (f"({_sum(factors, how)}){join}{_term(1, rest, how)}" for how, join in _WAYS)
        return Formula((latex,), words)
    latex, words = (_joined([_times(power, each, how) for power, each in by_power.items()], how)
                    for how, _ in _WAYS)  # fmt: skip
    return Formula((latex,), words)


_WAYS = (("latex", ""), ("words", " times "))
"""How a formula is set, and what stands between a bracket and a factor then."""


def _read(node: ast.AST) -> Counter[Product]:
    match node:
        case ast.Constant(value=int(value)):
            return Counter({_ONE: value})
        case ast.Name(id=letter) if letter in LETTERS:
            return Counter({tuple(int(each == letter) for each in LETTERS): 1})
        case ast.BinOp(left, ast.Add(), right):
            return _plus(_read(left), _read(right), 1)
        case ast.BinOp(left, ast.Sub(), right):
            return _plus(_read(left), _read(right), -1)
        case ast.BinOp(left, ast.Mult(), right):
            return _multiplied(_read(left), _read(right))
        case ast.BinOp(left, ast.Pow(), ast.Constant(value=int(power))):
            whole = Counter({_ONE: 1})
            for _ in range(power):
                whole = _multiplied(whole, _read(left))
            return whole
    raise UsageError(
        f"a formula of the run has {ast.unparse(node)!r}, which is no sum or product of {', '.join(LETTERS)}",
        "run the experiment again",
    )


def _plus(left: Terms, right: Terms, sign: int) -> Counter[Product]:
    total = Counter(left)
    for product, factor in right.items():
        total[product] += sign * factor
    return total


def _multiplied(left: Terms, right: Terms) -> Counter[Product]:
    total: Counter[Product] = Counter()
    for mine, factor in left.items():
        for theirs, other in right.items():
            total[tuple(a + b for a, b in zip(mine, theirs, strict=True))] += factor * other
    return total


def _without_n(terms: Terms, power: int) -> Terms:
    """Return what n to some power is multiplied by."""
    return {(*product[:_N], 0): factor for product, factor in terms.items() if product[_N] == power}


def _times(power: int, terms: Terms, how: str) -> str:
    if not power or len(terms) == 1:
        return _sum({(*product[:_N], power): factor for product, factor in terms.items()}, how)
    letter = _term(1, (*_ONE[:_N], power), how)
    return f"{letter}({_sum(terms, how)})" if how == "latex" else f"{letter} times ({_sum(terms, how)})"


def _sum(terms: Terms, how: str) -> str:
    # The largest products first; of equal ones the one with more letters.
    order = sorted(terms, key=lambda product: (-sum(product), product))
    return _joined([_term(terms[product], product, how) for product in order], how)


def _joined(terms: Sequence[str], how: str) -> str:
    plus, minus = (" + ", " - ") if how == "latex" else (" plus ", " minus ")
    first, *others = terms
    return first + "".join(minus + each[1:] if each.startswith("-") else plus + each for each in others)


def _term(factor: int, product: Product, how: str) -> str:
    letters = [_power(letter, power, how) for letter, power in zip(LETTERS, product, strict=True) if power]
    number = "" if abs(factor) == 1 and letters else str(abs(factor))
    sign = "-" if factor < 0 else ""
    if how == "latex":
        return sign + number + r"\,".join(letters)
    return sign + " ".join([number, *letters] if number else letters)


def _power(letter: str, power: int, how: str) -> str:
    if how == "words":
        return letter + _POWERS.get(power, f" to the power of {power}")
    return letter if power == 1 else f"{letter}^{{{power}}}"
