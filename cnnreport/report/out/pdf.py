"""From HTML to PDF: the only importer of WeasyPrint.

A page that WeasyPrint complains about is not written; the same page gives the same bytes. Typefaces are cut
down to the characters used by HarfBuzz-Subset, or by fontTools where a machine lacks that.
"""

import gc
import hashlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import ZLIB_RUNTIME_VERSION

from cnnreport.errors import EnvironmentFailure, VerificationError
from cnnreport.report.draw import drawings, fonts
from cnnreport.report.out import libraries
from cnnreport.report.out.writer import Writer, drawings_of
from cnnreport.system import durable

if TYPE_CHECKING:
    from pydyf import PDF  # type: ignore[import-untyped]
    from weasyprint import HTML  # type: ignore[import-untyped]
    from weasyprint.text.fonts import FontConfiguration  # type: ignore[import-untyped]
    from weasyprint.urls import URLFetcher  # type: ignore[import-untyped]

    from cnnreport.report.out.forms import Form

_LIBRARIES = ("weasyprint", "pydyf", "fonttools")
"""Those whose version can change what is printed."""

_CODE = tuple(durable.sha256(Path(__file__).with_name(f).read_bytes()) for f in ("pdf.py", "forms.py"))
"""What draws, as it was when this process began."""

_IN_LINE = (
    *(
        "a",
        "abbr",
        "b",
        "bdi",
        "br",
        "cite",
        "code",
        "dfn",
        "em",
        "i",
        "img",
        "kbd",
        "mark",
        "q",
        "s",
        "samp",
    ),
    *("small", "span", "strong", "sub", "sup", "svg", "time", "u", "var", "wbr"),
)
_TEXT = re.compile(rf"(?<=>)([^<]*[^<\s])(\s+)(?=</?(?:{'|'.join(_IN_LINE)})\b)")
"""One that ends with a space where an element in its line begins or ends."""
_LONG = re.compile(r"\w{5}")
"""What a word has that can be divided: CSS divides none of four letters."""

_INSTEAD = "Using fontTools instead of HarfBuzz-Subset for font "
"""How the line begins that WeasyPrint logs for each typeface where it does."""


def require() -> None:
    """Check, without importing WeasyPrint, that the system libraries it needs are there.

    Raises:
        EnvironmentFailure: Some are missing, or a font package is.
    """
    if missing := libraries.missing():
        raise EnvironmentFailure(f"the PDF cannot be made without {', '.join(missing)}", libraries.INSTALL)
    fonts.faces()


def ready() -> None:
    """Import WeasyPrint, which takes most of a second."""
    with fonts.only_bundled():
        import weasyprint  # noqa: F401


def write(page: str, path: Path) -> str:
    """Print a page to a PDF file: tagged, with bookmarks and metadata, in the bundled fonts only.

    Args:
        page: That of a document, its links to others leading to PDFs.
        path: Where the PDF goes.

    Returns:
        The SHA-256 of the file.

    Raises:
        EnvironmentFailure: A library or a font is missing, or the file cannot be written.
        VerificationError: WeasyPrint warned of something; nothing is written.
    """
    require()
    with drawings.kept_in(drawings_of(path)):
        content = render(page)
    return durable.write(path, content)


def render(html: str) -> bytes:
    """Return the PDF of a page, see `write`; style sheets, pictures and dates are in it."""
    from cnnreport.report.out import forms  # outputs are listed where no typesetting is installed

    with fonts.only_bundled(), _at_no_time_of_day(), _no_warnings(), _no_collections():
        page, drawn = forms.set_aside(html)
        kept = [_form(svg, _made_by()) for svg in drawn]

        def finish(_: object, made: "PDF") -> None:
            forms.put_back(made, kept)
            forms.settle(made)

        content: bytes = _document(page).write_pdf(
            finisher=finish,
            pdf_variant="pdf/ua-1",
            pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
            font_config=_typefaces(),
        )
    return content


@drawings.kept
def _form(svg: str, made_by: Sequence[str]) -> "Form":
    """Return a drawing as PDFs have it; what it is `made_by` decides whether an earlier one will do."""
    from cnnreport.report.out import forms

    made: list[Form] = []
    document = _document(forms.sheet(svg))
    document.write_pdf(finisher=lambda _, one: made.append(forms.take(one)), font_config=_typefaces())
    return made[0]


@cache
def _made_by() -> tuple[str, ...]:
    return (*map(version, _LIBRARIES), ZLIB_RUNTIME_VERSION, *_CODE)


def _document(html: str) -> "HTML":
    from weasyprint import HTML

    return HTML(string=_TEXT.sub(_set_apart, html), url_fetcher=_fetcher(), base_url="report:")


def _set_apart(text: re.Match[str]) -> str:
    """Make the space at a text's end an element: where all but that fits into a line, WeasyPrint 70 divides
    the first word of the line, as if nothing else could be broken."""
    return f"{text[1]}<span>{text[2]}</span>" if _LONG.search(text[1]) else text[0]


def _typefaces() -> "FontConfiguration":
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


def _fetcher() -> "URLFetcher":
    # Pictures travel inside the page; a page that asks for anything else is not ours.
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols=("data",), allow_redirects=False)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Spare Python's search for unused cycles, a sixth of the time: nearly all is in use until the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _at_no_time_of_day() -> Iterator[None]:
    """Have fontTools date the typefaces that it cuts down by a constant instead of the clock."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Turn the first log line at warning or above into an error."""
    # The appendix names fontTools where it is used, so that the line about it is no news.
    collected = _Collector(_INSTEAD if libraries.subsetter() == "fontTools" else None)
    with (
        _collecting("weasyprint", collected),
        _collecting("fontTools", collected),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        yield
    # A deprecation speaks to developers; every other Python warning is about this page.
    warned = [str(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)]
    lines = collected.lines + warned
    if lines:
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise VerificationError(
            f"the PDF was not written, WeasyPrint complains: {lines[0].rstrip('.')}{more}",
            "mend the template or the style sheet that it names",
        )


@contextmanager
def _collecting(name: str, handler: logging.Handler) -> Iterator[None]:
    """Give a library's log lines at warning or above to a handler and to nobody else."""
    logger = logging.getLogger(name)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    logger.propagate = False  # told once, in the error
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


class _Collector(logging.Handler):
    def __init__(self, expected: str | None) -> None:
        super().__init__(logging.WARNING)
        self._expected = expected
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if self._expected is None or not line.startswith(self._expected):
            self.lines.append(line)


WRITER = Writer("PDF", ".pdf", __name__, _LIBRARIES, require, write, apart=True, ready=ready)
