"""What is said of paddings, as a report prints it: equations and conditions in LaTeX and in words.

Source of the two equations: PyTorch documentation of Conv2d and ConvTranspose2d, section "Shape".
"""

from collections.abc import Mapping
from typing import Any

import sympy

from cnnreport.formula import phrase
from cnnreport.formula.paddings.solve import OUTPUT_PADDING, Kind, bounds

Formula = dict[str, Any]
"""A formula as the measures of a run hold it: LaTeX in lines, words, and whether it is zero."""

SIZES: Mapping[Kind, tuple[str, str]] = {
    Kind.CONVOLUTION: (
        r"O = \left\lfloor\frac{H + 2p - d\,(k - 1) - 1}{s}\right\rfloor + 1",
        "O equals the quotient of H plus 2 p minus d times (k minus 1) minus 1 and s, rounded down, plus 1",
    ),
    Kind.TRANSPOSED: (
        r"O = (H - 1)\,s - 2p + d\,(k - 1) + \mathrm{op} + 1",
        "O equals (H minus 1) times s minus 2 p plus d times (k minus 1) plus op plus 1",
    ),
}
"""Height and width of an output, O, as the documentation has them: LaTeX and words."""


def equation(kind: Kind) -> Formula:
    """Return the documentation's equation for the size of a layer's output."""
    return _formula(*SIZES[kind])


def condition(kind: Kind, known: Mapping[sympy.Symbol, object]) -> Formula:
    """Return what the padding has to meet, with some letters known.

    Args:
        kind: The layer's class.
        known: Numbers or expressions by the letters of the shape equations.
    """
    least, greatest = (sympy.expand(bound.subs(known)) for bound in bounds(kind))
    if kind is Kind.TRANSPOSED:
        rest = sympy.expand(least - OUTPUT_PADDING)
        return _formula(rf"2p - \mathrm{{op}} = {_right(rest)}", f"2 p minus op equals {phrase.words(rest)}")
    if least == greatest:
        return _formula(rf"2p = {_right(least)}", f"2 p equals {phrase.words(least)}")
    return _formula(
        rf"{phrase.latex(least)} \le 2p \le {_right(greatest)}",
        f"{phrase.words(least)} is at most 2 p, which is at most {phrase.words(greatest)}",
    )


def expression(value: sympy.Expr) -> Formula:
    """Return an expression in the kernel size or in half of it; it may be rounded down, or a remainder."""
    if isinstance(value, sympy.floor):
        return _formula(phrase.latex(value), f"{phrase.words(value.args[0])}, rounded down")
    if isinstance(value, sympy.Mod):
        number, divisor = value.args
        # sympy's \bmod is set without any space around it.
        return _formula(
            rf"{phrase.latex(number)}\;\mathrm{{mod}}\;{phrase.latex(divisor)}",
            f"{phrase.words(number)} modulo {phrase.words(divisor)}",
        )
    return _formula(phrase.latex(value), phrase.words(value), zero=value == 0)


def equals(**values: object) -> Formula:
    """Return equations between letters and numbers or expressions, in the order given."""
    pairs = [(letter, sympy.sympify(value)) for letter, value in values.items()]
    return _formula(
        r",\; ".join(f"{letter} = {phrase.latex(value)}" for letter, value in pairs),
        ", ".join(f"{letter} equals {phrase.words(value)}" for letter, value in pairs),
    )


def _right(value: sympy.Expr) -> str:
    """Write the right-hand side of a relation."""
    written = phrase.latex(value)
    # A leading minus would be set as one between two terms.
    return f"{{-}}{written[1:]}" if written.startswith("-") else written


def _formula(latex: str, words: str, *, zero: bool = False) -> Formula:
    return {"latex": [latex], "words": words, "zero": zero}
