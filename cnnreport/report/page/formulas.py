"""Formulas on a page: as text where plain text can say them, else as pictures.

Text has the weight of the text around it, can be searched, copied and broken over lines. Superscripts of
digits are characters of their own, so that k² is not taken for k2 where text is extracted.
"""

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from cnnreport.report.draw import maths

THIN = "\u00a0"
"""A space that never breaks, between factors; the style sheet narrows it, as the typeface has no thin one."""
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIGNS = {"+": "+", "-": "−", "=": "=", "<": "<", ">": ">", r"\le": "≤", r"\ge": "≥", r"\times": "×"}
_WORDS = {r"\max": "max", r"\min": "min", r"\log": "log", r"\left": "", r"\right": ""}
_SPACES = {r"\,": THIN, r"\;": THIN, r"\ ": "\u00a0"}
_TOKEN = re.compile(
    r"\s*(?:\\mathrm\{(?P<name>(?:[^{}]|\{\\.\})*)\}|\\frac\{(?P<over>\d+)\}\{(?P<under>\d+)\}"
    r"|(?P<raise>\^)(?:\{(?P<raised>[^{}\\]*)\}|(?P<digit>\w))"
    r"|(?P<lower>_)(?:\{(?P<lowered>[^{}\\]*)\}|(?P<index>\w))"
    r"|(?P<command>\\[a-zA-Z]+|\\[,; ])|(?P<number>\d+)|(?P<letter>[A-Za-z])|(?P<sign>[-+=<>])"
    r"|(?P<other>[(),/|])|(?P<brace>[{}]))"
)


def inline(latex: str, alt: str) -> Markup:
    """Set a formula in the text.

    Args:
        latex: LaTeX, without dollars.
        alt: The formula in words.

    Raises:
        UsageError: It is set as a picture, and cannot be read or has no words.
    """
    return _said(alt, text) if (text := plain(latex)) is not None else _image(maths.typeset(latex, alt))


def display(latex: str, alt: str) -> Markup:
    """Set a formula on a line of its own, as `inline` does."""
    if (text := plain(latex.strip())) is not None:
        return _said(alt, text)
    return _image(maths.typeset(latex.strip(), alt, display=True))


def lines(latex: Sequence[str], alt: str) -> Markup:
    """Set a formula of several lines; its words are said once."""
    texts = [plain(line) for line in latex]
    known = [text for text in texts if text is not None]
    if len(known) == len(latex):
        return _said(alt, Markup("<br>").join(known))
    first, *others = [maths.typeset(line, alt) for line in latex]
    return Markup("<br>").join([_image(first), *map(_decoration, others)])


def plain(latex: str) -> Markup | None:
    """Write LaTeX as HTML text: names, numbers, sums, products, powers, indices and comparisons.

    Args:
        latex: LaTeX, without dollars.

    Returns:
        None for what text cannot show well, such as fractions of letters, sums with bounds and floors.
    """
    words: list[Markup] = []
    place, before = 0, "("  # a sign at the beginning is that of a number
    while latex[place:].strip():
        if not (found := _TOKEN.match(latex, place)):
            return None
        if (written := _written(found, before)) is None:
            return None
        words.append(written)
        place = found.end()
        before = _kind(found, before)
    return Markup("").join(words)


def _written(found: re.Match[str], before: str) -> Markup | None:
    part = found.groupdict()
    if part["name"] is not None:
        name = re.sub(r"\{\\(.)\}", r"\1", part["name"])
        return Markup(THIN if before == "number" and len(name) > 1 else "") + escape(name)
    if part["over"]:
        return escape(f"{part['over']}/{part['under']}{THIN}")
    if part["raise"]:
        return _raised(part["raised"] or part["digit"] or "")
    if part["lower"]:
        return Markup("<sub>{}</sub>").format(_index(part["lowered"] or part["index"] or ""))
    if part["command"] or part["sign"]:
        return _sign(part["command"] or part["sign"], before)
    if part["letter"]:
        return Markup("<i>{}</i>").format(part["letter"])
    return escape("" if part["brace"] else f",{THIN}" if part["other"] == "," else found.group().strip())


def _sign(sign: str, before: str) -> Markup | None:
    if sign in _SPACES or sign in _WORDS:
        return escape(_SPACES.get(sign, _WORDS.get(sign)))
    if sign not in _SIGNS:
        return None
    if sign in "+-" and before in ("(", "sign"):
        return escape(_SIGNS[sign])
    if sign == r"\times":
        return escape(_SIGNS[sign])
    # A line may break before a sign, not behind it.
    return escape(f" {_SIGNS[sign]}\u00a0")


def _raised(text: str) -> Markup:
    if re.fullmatch(r"\d+", text):
        return escape(text.translate(_RAISED))
    return Markup("<sup>{}</sup>").format(_index(text))


def _index(text: str) -> Markup:
    letters: Iterator[Markup] = (
        Markup("<i>{}</i>").format(sign) if sign.isalpha() else escape(sign.replace("-", "−"))
        for sign in text
    )
    return Markup("").join(letters)


def _kind(found: re.Match[str], before: str) -> str:
    """Say what a token is to the one that follows."""
    if found["number"]:
        return "number"
    if found["sign"] or found["command"] in _SIGNS:
        return "sign"
    if found["other"] in ("(", ",") or found["brace"] == "{":
        return "("
    return before if found["command"] in ("\\left", "\\right") else "factor"


def _said(alt: str, text: Markup) -> Markup:
    return Markup('<span class="formula" role="math" aria-label="{}">{}</span>').format(alt, text)


def _image(formula: maths.Formula) -> Markup:
    tag = '<img class="formula" alt="{}" style="{}" src="{}">'
    return Markup(tag).format(formula.alt, formula.style, formula.uri)


def _decoration(formula: maths.Formula) -> Markup:
    """Set a picture that nobody needs to have read out: its words stand at the first line."""
    tag = '<span class="formula goes-on" style="{};background-image:url({})"></span>'
    return Markup(tag).format(formula.style, formula.uri)
