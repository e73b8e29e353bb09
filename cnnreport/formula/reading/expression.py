"""Formulas as people write them, such as ``k²(NIC NF + 4NF^2)``, read into polynomials within bounds."""

import re
from collections.abc import Mapping
from itertools import pairwise

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.reading.grammar import Reader
from cnnreport.formula.reading.letters import Letters
from cnnreport.formula.reading.notation import Plain, plain, restored
from cnnreport.formula.reading.tokens import Text

MAX_LENGTH = 10_000
"""Characters of a formula."""

MAX_SIDES = 8
"""Formulas that signs of equality may join."""

_LABEL = re.compile(r"[^\W\d]+")
_NO_LABEL = re.compile(r"[-+*/^()0-9]")


def parse(text: str, names: Mapping[str, sympy.Symbol], place: str = "") -> sympy.Expr | int:
    """Read a formula into an expanded polynomial.

    Signs are ``+ - * / ^ **``, brackets, raised digits, and what LaTeX and word processors have for
    them; factors may stand side by side (``2NF^2k^2``), and so may names where they can be told apart
    only in one way (``NICNF``). What could mean two things is refused with both. A word and ``=`` may
    stand before it; what further ``=`` join must be the same. Time is bounded whatever is written: text
    is never executed, and every result is measured before it is computed.

    Args:
        text: The formula.
        names: The symbol of each name that may be written; several names may share one.
        place: Where the formula stands, for errors.

    Returns:
        The polynomial; an int if it is an integer, a Rational if it is another fraction.

    Raises:
        AmbiguityError: It can be read in two ways.
        UsageError: The text is no such formula, or is larger than the limits of this module.
    """
    spot = f"{place}: " if place else ""
    if len(text) > MAX_LENGTH:
        raise UsageError(f"{spot}the formula has {len(text)} characters", f"write at most {MAX_LENGTH}")
    text = restored(text)
    simple = plain(text, spot)
    sides = _sides(simple, names)
    if not any(simple.text[start:end].strip() for start, end in sides):
        raise UsageError(f"{spot}the formula is empty", "write numbers, names and brackets")
    if len(sides) > MAX_SIDES:
        raise UsageError(f"{spot}the formula has {len(sides)} sides of =", "write one formula")
    first, *others = (Reader(Text(text, simple, side, names, spot)).whole() for side in sides)
    if any(other != first for other in others):
        raise UsageError(f"{spot}the two sides of = differ", "write one formula")
    return first


def _sides(written: Plain, names: Mapping[str, sympy.Symbol]) -> list[tuple[int, int]]:
    """Return from where to where each side of ``=`` reaches, without words before the first one."""
    ends = [at for at, character in enumerate(written.text) if character == "="]
    bounds = [-1, *ends, len(written.text)]
    sides = [(start + 1, end) for start, end in pairwise(bounds)]
    return sides[1:] if ends and _is_label(written.text[: ends[0]], Letters(names)) else sides


def _is_label(side: str, letters: Letters) -> bool:
    """Say whether words stand there, such as ``# weights``, and no formula."""
    if _NO_LABEL.search(side):
        return False
    words = _LABEL.findall(side)
    return not words or any(not letters.read(word) for word in words)
