"""From HTML to PDF: the only importer of WeasyPrint.

A page that WeasyPrint complains about is not written; the same page gives the same bytes.
"""

import ctypes
import ctypes.util
import gc
import hashlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnnreport import durable
from cnnreport.errors import EnvironmentFailure, VerificationError
from cnnreport.report import fonts

if TYPE_CHECKING:
    from weasyprint.urls import URLFetcher  # type: ignore[import-untyped]

# As WeasyPrint looks for them (weasyprint/text/ffi.py), library by library.
_LIBRARIES = {
    "GObject": ("libgobject-2.0-0", "gobject-2.0-0", "gobject-2.0", "libgobject-2.0.so.0",
                "libgobject-2.0.0.dylib", "libgobject-2.0-0.dll"),
    "Pango": ("libpango-1.0-0", "pango-1.0-0", "pango-1.0", "libpango-1.0.so.0", "libpango-1.0.dylib",
              "libpango-1.0-0.dll"),
    "PangoFT2": ("libpangoft2-1.0-0", "pangoft2-1.0-0", "pangoft2-1.0", "libpangoft2-1.0.so.0",
                 "libpangoft2-1.0.dylib", "libpangoft2-1.0-0.dll"),
    "Fontconfig": ("libfontconfig-1", "fontconfig-1", "fontconfig", "libfontconfig.so.1",
                   "libfontconfig.1.dylib", "libfontconfig-1.dll"),
    "HarfBuzz": ("libharfbuzz-0", "harfbuzz", "harfbuzz-0.0", "libharfbuzz.so.0",
                 "libharfbuzz.0.dylib", "libharfbuzz-0.dll"),
    "HarfBuzz-Subset": ("libharfbuzz-subset-0", "harfbuzz-subset", "harfbuzz-subset-0.0",
                        "libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib",
                        "libharfbuzz-subset-0.dll"),
}  # fmt: skip

INSTALL = (
    "on Debian or Ubuntu run: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; "
    "on macOS: brew install pango"
)


def require() -> None:
    """Check, without importing WeasyPrint, that the system libraries it needs are there.

    Raises:
        EnvironmentFailure: Some are missing, or a font package is.
    """
    missing = [title for title, names in _LIBRARIES.items() if not _is_there(names)]
    if missing:
        raise EnvironmentFailure(f"the PDF cannot be made without {', '.join(missing)}", INSTALL)
    fonts.faces()


def write(html: str, path: Path) -> str:
    """Print a page to a PDF file: tagged, with bookmarks and metadata, in the bundled fonts only.

    Args:
        html: The whole document; style sheets, pictures and dates are in it.
        path: Where the PDF goes.

    Returns:
        The SHA-256 of the file.

    Raises:
        EnvironmentFailure: A library or a font is missing, or the file cannot be written.
        VerificationError: WeasyPrint warned of something; nothing is written.
    """
    require()
    return durable.write(path, render(html))


def render(html: str) -> bytes:
    """Return the PDF of a page, see `write`."""
    with fonts.only_bundled(), _no_warnings(), _no_collections():
        import weasyprint  # type: ignore[import-untyped]
        from weasyprint.text.fonts import FontConfiguration  # type: ignore[import-untyped]

        document = weasyprint.HTML(string=html, url_fetcher=_fetcher(), base_url="report:")
        content: bytes = document.write_pdf(
            pdf_variant="pdf/ua-1",
            pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
            font_config=FontConfiguration(),
        )
    return content


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
def _no_warnings() -> Iterator[None]:
    """Turn the first log line at warning or above into an error."""
    collected = _Collector()
    logger = logging.getLogger("weasyprint")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(collected)
    logger.setLevel(logging.WARNING)
    logger.propagate = False  # told once, in the error
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        logger.removeHandler(collected)
        logger.setLevel(level)
        logger.propagate = propagate
    # A deprecation speaks to developers; every other Python warning is about this page.
    told = [str(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)]
    lines = collected.lines + told
    if lines:
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise VerificationError(
            f"the PDF was not written, WeasyPrint complains: {lines[0].rstrip('.')}{more}",
            "mend the template or the style sheet that it names",
        )


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _is_there(names: Sequence[str]) -> bool:
    # The search by find_library asks the compiler and is slow; it runs only where all else failed.
    return any(map(_loads, names)) or any(ctypes.util.find_library(name) for name in names)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
