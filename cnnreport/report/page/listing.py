"""Source code as HTML: the only importer of Pygments; colours that survive a black-and-white printer."""

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import BashLexer, PythonLexer
from pygments.style import Style
from pygments.token import Comment, Keyword, Name, Number, Operator, String


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
    """Return Python source as HTML: escaped, a span for each token, a block for each line."""
    lines = source.strip("\n").split("\n")
    coloured = highlight("\n".join(lines), PythonLexer(), _formatter()).split("\n")
    # Pygments ends its spans with each line, so a line can be a block and hang where it is too long.
    return Markup("").join(_line(line, Markup(html)) for line, html in zip(lines, coloured, strict=False))


def shell(source: str) -> Markup:
    """Return a command line, escaped, with a span for each token."""
    return Markup(highlight(source, BashLexer(), _formatter()).rstrip("\n"))


def css() -> str:
    """Return the style sheet of the spans."""
    rules: list[str] = _formatter().get_token_style_defs("code")  # type: ignore[no-untyped-call]
    return "\n".join(rules)


def _line(line: str, html: Markup) -> Markup:
    hang = len(line) - len(line.lstrip()) + 4
    style = f"padding-left:{hang}ch;text-indent:-{hang}ch"
    # A page should not begin with a bracket that closes, nor end with a line that opens a block.
    kind = "line closing" if line.lstrip()[:1] in (")", "]", "}") else "line"
    kind += " opening" if line.endswith((":", "(", "[", "{")) else ""
    return Markup('<span class="{}" style="{}">{}\n</span>').format(kind, style, html)


def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(style=PrintStyle, nowrap=True)
