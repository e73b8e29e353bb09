"""The system libraries that a PDF needs, looked for as WeasyPrint does, without importing it.

As a program (``python3 -m cnnreport.report.out.libraries``) it prints the names of those that are missing, a
line each; it needs the standard library alone, so that it can be asked before any environment is made.
"""

import ctypes
import ctypes.util
from collections.abc import Sequence

# By the names that WeasyPrint tries (weasyprint/text/ffi.py).
_REQUIRED = {
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
}  # fmt: skip
_SUBSET = ("libharfbuzz-subset-0", "harfbuzz-subset", "harfbuzz-subset-0.0", "libharfbuzz-subset.so.0",
           "libharfbuzz-subset.0.dylib", "libharfbuzz-subset-0.dll")  # fmt: skip
"""WeasyPrint does without this one."""

INSTALL = (
    "on Debian or Ubuntu run: apt-get install libpango-1.0-0 libpangoft2-1.0-0; "
    "on Fedora: dnf install pango; on macOS: brew install pango"
)
INSTALL_SUBSET = (
    "on Debian or Ubuntu run: apt-get install libharfbuzz-subset0; on Fedora: dnf install harfbuzz; "
    "on macOS: brew install harfbuzz"
)


def missing() -> list[str]:
    """Name the libraries without which no PDF can be made and that are not there."""
    return [title for title, names in _REQUIRED.items() if load(names) is None]


def subsetter() -> str:
    """Name what cuts typefaces down to the characters used here: the bytes of a PDF depend on it."""
    harfbuzz = load(_REQUIRED["HarfBuzz"])
    # As WeasyPrint decides (weasyprint/pdf/fonts.py).
    new_enough = harfbuzz is not None and harfbuzz.hb_version_atleast(4, 1, 0)
    return "HarfBuzz-Subset" if new_enough and load(_SUBSET) is not None else "fontTools"


def load(names: Sequence[str]) -> ctypes.CDLL | None:
    """Load a library by the first of its names that is there, None where none is."""
    for name in names:
        if library := _opened(name):
            return library
    # This search asks the compiler and is slow; it runs only where all else failed.
    return next((library for name in names if (library := _opened(ctypes.util.find_library(name)))), None)


def _opened(name: str | None) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name) if name else None
    except OSError:
        return None


if __name__ == "__main__":
    for _title in missing():
        print(_title)  # noqa: T201 - a program's result
