"""The typefaces of a report: brought by packages, so that no page depends on what a machine has.

All are under the SIL Open Font Licence and static: variable fonts would be cut by fontTools on every
machine. Fontconfig is shown these files and no others.
"""

import base64
import importlib.util
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cnnreport.errors import EnvironmentFailure
from cnnreport.report.draw import drawings


@dataclass(frozen=True)
class Families:
    """The names of the bundled families, as fontconfig and the PDF know them."""

    serif: str = "Source Serif Pro"
    sans: str = "Source Sans Pro"
    mono: str = "IBM Plex Mono"


FILES = {
    Families.serif: (
        "font_source_serif_pro",
        (
            "SourceSerifPro-Regular.ttf",
            "SourceSerifPro-It.ttf",
            "SourceSerifPro-Semibold.ttf",
            "SourceSerifPro-SemiboldIt.ttf",
        ),
    ),
    Families.sans: (
        "font_source_sans_pro",
        (
            "SourceSansPro-Regular.ttf",
            "SourceSansPro-It.ttf",
            "SourceSansPro-Semibold.ttf",
            "SourceSansPro-SemiboldIt.ttf",
        ),
    ),
    Families.mono: (
        "fontpkg_ibm_plex_mono",
        ("IBMPlexMono-Regular.ttf", "IBMPlexMono-Italic.ttf", "IBMPlexMono-SemiBold.ttf"),
    ),
}
"""Of each family the package that brings it, and its files."""

_CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Face:
    """One typeface of a family, as CSS tells it from the others."""

    file: Path
    family: str
    weight: int
    italic: bool


def faces() -> list[Face]:
    """Return the typefaces that a report is set in.

    Raises:
        EnvironmentFailure: A font package is missing or incomplete.
    """
    typefaces = [
        Face(_folder(package) / name, family, 600 if "emi" in name else 400, "It" in name)
        for family, (package, names) in FILES.items()
        for name in names
    ]
    for face in typefaces:
        if not face.file.is_file():
            problem = f"the font {face.file} is missing"
            raise EnvironmentFailure(problem, "install cnnreport's requirements again")
    return typefaces


def plot_face() -> Path:
    """Return the font file of the lettering in plots."""
    return _folder("font_source_sans_pro") / "SourceSansPro-Regular.ttf"


@drawings.kept
def cut(file: str, characters: str) -> str:
    """Cut a typeface down, and pack it for a browser: without hints, which screens of today do without.

    Args:
        file: The typeface.
        characters: What is to be left of it.

    Returns:
        WOFF2 in base64.
    """
    return _cut(file, characters)


@lru_cache(maxsize=4 * 11)
def _cut(file: str, characters: str) -> str:
    from fontTools import subset

    options = subset.Options(flavor="woff2", hinting=False, notdef_outline=True)
    options.drop_tables += ["meta"]  # languages, which fontTools knows not how to cut
    typeface = subset.load_font(file, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(typeface)
    buffer = io.BytesIO()
    subset.save_font(typeface, buffer, options)
    typeface.close()
    return base64.b64encode(buffer.getvalue()).decode()


@contextmanager
def only_bundled() -> Iterator[None]:
    """Let fontconfig see the bundled faces and nothing else, also where it is not configured at all.

    Fontconfig reads its configuration when it is loaded and for each new font map: both must happen
    inside.
    """
    with tempfile.TemporaryDirectory(prefix="cnnreport-fonts-") as name:
        folder = Path(name)
        fonts, cache = folder / "fonts", folder / "cache"
        fonts.mkdir()
        for face in faces():
            shutil.copyfile(face.file, fonts / face.file.name)
        configuration = folder / "fonts.conf"
        configuration.write_text(_CONFIGURATION.format(fonts=fonts, cache=cache), encoding="utf-8")
        before = os.environ.get("FONTCONFIG_FILE")
        os.environ["FONTCONFIG_FILE"] = str(configuration)
        try:
            yield
        finally:
            if before is None:
                del os.environ["FONTCONFIG_FILE"]
            else:
                os.environ["FONTCONFIG_FILE"] = before


def _folder(package: str) -> Path:
    # Found, not imported: one of them lists its files at import time.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        distribution = package.replace("_", "-")
        raise EnvironmentFailure(
            f"the font package {distribution} is not installed", f"run: pip install {distribution}"
        )
    return Path(spec.submodule_search_locations[0]) / "files"
