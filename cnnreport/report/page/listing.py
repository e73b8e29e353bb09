"""Source code as HTML: the only importer of Pygments; colours that survive a black-and-white printer."""

from collections.abc import Iterable, Iterator
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import BashLexer, PythonLexer
from pygments.style import Style
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text


class PrintStyle(Style):
    """Few colours, all dark enough to read on white paper; keywords are also bold, comments slanted."""

    background_color = "#ffffff"
    styles = {  # noqa: RUF012 - Pygments reads a plain dict
        Comment: "italic #5f6368",
        String.Doc: "italic #5f6368",
        String: "#7a3e00",
        Keyword: "bold #0b3d6b",
        Keyword.Constant: "bold #0b3d6b",
        Operator.Word: "bold #0b3d6b",
        Name.Builtin.Pseudo: "#5b2a86",
        Name.Class: "bold #1a1a1a",
        Name.Function: "bold #1a1a1a",
        Name.Decorator: "#5b2a86",
        Number: "#8a1c4a",
    }


def python(source: str) -> Markup:
    """Return Python source as HTML: escaped, a span for each token in a style, a block for each line."""
    lines = source.strip("\n").split("\n")
    coloured = _coloured("\n".join(lines), PythonLexer()).split("\n")
    # Pygments ends its spans with each line, so a line can be a block and hang where it is too long.
    return Markup("").join(_line(line, Markup(html)) for line, html in zip(lines, coloured, strict=False))


def shell(source: str) -> Markup:
    """Return a command line, escaped, with a span for each token in a style."""
    return Markup(_coloured(source, BashLexer()).rstrip("\n"))


def css() -> str:
    """Return the style sheet of the spans."""
    rules: list[str] = _formatter().get_token_style_defs("code")  # type: ignore[no-untyped-call]
    return "\n".join(rules)


class _Unstyled(Filter):
    """Takes tokens that look like any text for text: most of a listing, and each span takes time to print."""

    def filter(self, lexer: Lexer | None, stream: Iterable[tuple[Any, str]]) -> Iterator[tuple[Any, str]]:
        for kind, text in stream:
            yield (kind if any(PrintStyle.style_for_token(kind).values()) else Text), text


def _coloured(source: str, lexer: Lexer) -> str:
    lexer.add_filter(_Unstyled())
    return highlight(source, lexer, _formatter())


def _line(line: str, html: Markup) -> Markup:
    hang = len(line) - len(line.lstrip()) + 4
    style = f"padding-left:{hang}ch;text-indent:-{hang}ch"
    # A page should not begin with a bracket that closes, nor end with a line that opens a block.
    kind = "line closing" if line.lstrip()[:1] in (")", "]", "}") else "line"
    kind += " opening" if line.endswith((":", "(", "[", "{")) else ""
    return Markup('<span class="{}" style="{}">{}\n</span>').format(kind, style, html)


def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(style=PrintStyle, nowrap=True)
