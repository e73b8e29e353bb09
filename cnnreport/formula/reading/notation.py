"""How people write: LaTeX, signs of word processors and look-alikes, rewritten into plain characters.

LaTeX is read here rather than by a library: sympy's parser and latex2sympy take a run of letters for a
product of one-letter names, and ``2\\,240`` for 480, without a word.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from cnnreport.errors import UsageError

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
"""The raised digits, in order."""

THIN = "\N{THIN SPACE}"
"""Stands for all spaces at which no line is broken: between digits they separate thousands."""

FRACTION = "\N{APL FUNCTIONAL SYMBOL QUAD DIVIDE}"
"""Stands for ``\\frac``, whose numerator and denominator follow."""

_OPEN_BRACE, _CLOSE_BRACE = "\N{LEFT WHITE CURLY BRACKET}", "\N{RIGHT WHITE CURLY BRACKET}"
_SIGNS = {
    **dict.fromkeys("×·∙⋅•∗⁎✕✖⨯・‧∘", "*"),
    **dict.fromkeys("−–—‐‑﹣", "-"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("ˆ⌃", "^"),
    **dict.fromkeys("\u00a0\u2007\u2008\u2009\u200a\u202f", THIN),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f", ""),
    **dict.fromkeys("$&~", " "),
    FRACTION: "?",
}
"""Characters that can mean only one thing."""

_COMMANDS = {
    **dict.fromkeys(("times", "cdot", "ast", "bullet", "*"), "*"),
    "div": "/",
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac"), FRACTION),
    **dict.fromkeys((",", "thinspace", "nobreakspace"), THIN),
    **dict.fromkeys(("(", ")", "[", "]", "\\", ";", ":", ">", "!", " ", "\n", "quad", "qquad"), " "),
    **dict.fromkeys(("left", "right", "middle", "displaystyle", "textstyle", "limits", "rm", "it", "bf"), ""),
    **{f"{size}{side}": "" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")},
    **dict.fromkeys(("lbrack",), "["),
    **dict.fromkeys(("rbrack",), "]"),
    **dict.fromkeys(("{", "lbrace"), _OPEN_BRACE),
    **dict.fromkeys(("}", "rbrace"), _CLOSE_BRACE),
    **{sign: sign for sign in "_#"},
}
_STYLES = r"\\(?:text(?:rm|it|bf|sf|tt|normal)?|math(?:rm|it|bf|sf|tt|normal)|operatorname|mbox|rm)"
_STYLED = re.compile(rf"{_STYLES}\s*\{{\s*(\w*)\s*\}}")
_STYLE = re.compile(rf"{_STYLES}(?![A-Za-z])")
_SUBSCRIPT = re.compile(rf"_\s*(?:\{{\s*(\w+)\s*\}}|\{{\s*{_STYLES}\s*\{{\s*(\w+)\s*\}}\s*\}}|"
                        rf"{_STYLES}\s*\{{\s*(\w+)\s*\}})")  # fmt: skip
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.|$)", re.DOTALL)
_GROUPED_COMMA = re.compile(r"\{\s*(,|\\,)\s*\}")
_CLOSING = {"(": ")", "[": "]", _OPEN_BRACE: _CLOSE_BRACE, "{": "}"}
_PLAIN_BRACKETS = {opening: "(" for opening in _CLOSING if opening != "{"} | {
    closing: ")" for closing in _CLOSING.values() if closing != "}"
}
_MANGLED = re.compile("([\t\f\r\b])(?=imes|ext|frac|rac|ight|brack|brace|ullet|ig)")
_ESCAPED = {"\t": "\\t", "\f": "\\f", "\r": "\\r", "\b": "\\b"}
_FULL_WIDTH = range(0xFF01, 0xFF5F)


@dataclass(frozen=True)
class Plain:
    """A formula in plain characters.

    Args:
        text: Digits, raised digits, names, ``+ - * / ^ ( ) . , ' =``, white space, ``THIN``,
            ``FRACTION``, and braces, which LaTeX does not print.
        places: From where to where in what was written each character stands.
    """

    text: str
    places: tuple[tuple[int, int], ...]


def restored(written: str) -> str:
    """Undo what TOML's double quotes do to LaTeX: in them, ``\\times`` is a tab and ``imes``."""
    return _MANGLED.sub(lambda match: _ESCAPED[match.group(1)], written)


def plain(written: str, spot: str = "") -> Plain:
    """Rewrite a formula into plain characters, all of which mean the same.

    Args:
        written: The formula, of a bounded length.
        spot: The beginning of an error.

    Raises:
        UsageError: There is a command that is not known, or brackets of two sorts close each other.
    """
    characters: list[str] = []
    places: list[tuple[int, int]] = []
    for part, *place in _parts(written, spot):
        characters += part
        places += [(place[0], place[1])] * len(part)
    text = "".join(characters)
    _check_brackets(text, places, spot)
    text = "".join(_PLAIN_BRACKETS.get(character, character) for character in text)
    end = len(text.rstrip().rstrip(".,;").rstrip()) if text.strip(" .,;") else len(text)
    return Plain(text[:end], tuple(places[:end]))


def _parts(written: str, spot: str) -> Iterator[tuple[str, int, int]]:
    """Go through what is written, and yield it in plain characters with its place."""
    at = 0
    while at < len(written):
        if match := _STYLED.match(written, at):
            part = "".join(map(_character, match.group(1)))
        elif match := _STYLE.match(written, at):
            part = ""
        elif match := _GROUPED_COMMA.match(written, at):
            part = "," if match.group(1) == "," else THIN
        elif match := _SUBSCRIPT.match(written, at):
            part = "_" + "".join(name for name in match.groups() if name)
        elif match := _COMMAND.match(written, at):
            part = _command(match, spot)
        else:
            part = _character(written[at])
        end = match.end() if match else at + 1
        yield part, at, end
        at = end


def _command(command: re.Match[str], spot: str) -> str:
    name = command.group()[1:]
    if name in _COMMANDS:
        return _COMMANDS[name]
    known = next((n for n in _COMMANDS if n.isalpha() and name.startswith(n)), None)
    remedy = f"write a space after \\{known}" if known else "write numbers, names, signs and brackets"
    raise UsageError(f"{spot}the command \\{name} is not known at {_place(command.start())}", remedy)


def _character(character: str) -> str:
    """Return a character in plain writing: signs by their meaning, letters and digits without style."""
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isascii() or character in SUPERSCRIPTS:
        return character
    simple = unicodedata.normalize("NFKC", character)
    kind = unicodedata.category(character)
    if kind == "No" and unicodedata.decomposition(character).startswith("<fraction>"):
        above, _, below = simple.partition("⁄")
        return f"{FRACTION}{{{above}}}{{{below}}}"
    if ord(character) in _FULL_WIDTH or (kind in ("Nd", "Lu", "Ll", "Lo") and simple.isascii()):
        return _SIGNS.get(simple, simple)
    return " " if kind == "Zs" else character


def _check_brackets(text: str, places: list[tuple[int, int]], spot: str) -> None:
    """Refuse a bracket that one of another sort closes; that all are closed the grammar sees to."""
    opened: list[str] = []
    for character, (place, _) in zip(text, places, strict=True):
        if character in _CLOSING:
            opened.append(character)
        elif character in _CLOSING.values() and opened and character != _CLOSING[opening := opened.pop()]:
            problem = f"{spot}a bracket that opens with {_shown(opening)} closes with {_shown(character)}"
            raise UsageError(f"{problem} at {_place(place)}", f"close it with {_shown(_CLOSING[opening])}")


def _shown(bracket: str) -> str:
    return {_OPEN_BRACE: "\\{", _CLOSE_BRACE: "\\}"}.get(bracket, bracket)


def _place(at: int) -> str:
    return f"character {at + 1} of the formula"
