"""The typefaces of a page: cut down to the characters that it has, and packed as WOFF2."""

import base64
import html
import io
import re
from functools import lru_cache

from cnnreport.report.draw import fonts
from cnnreport.report.draw.fonts import Face

LIBRARIES = ("fonttools", "brotli")

_FACE = (
    "@font-face{{font-family:'{family}';font-style:{style};font-weight:{weight};"
    "src:url(data:font/woff2;base64,{content})}}"
)
_ADDRESS = re.compile(r"data:[^\"')]*")


def rules(page: str) -> str:
    """Return the CSS that brings the typefaces of a page.

    Args:
        page: HTML; whatever its scripts and style sheets may write is in it, too.

    Raises:
        EnvironmentFailure: A font is missing.
    """
    characters = "".join(sorted(set(html.unescape(_ADDRESS.sub("", page)))))
    return "".join(
        _FACE.format(
            family=face.family,
            style="italic" if face.italic else "normal",
            weight=face.weight,
            content=base64.b64encode(_cut(face, characters)).decode(),
        )
        for face in fonts.faces()
    )


@lru_cache(maxsize=44)
def _cut(face: Face, characters: str) -> bytes:
    """Return a typeface with some characters only, without hints: screens of today do without."""
    from fontTools import subset

    options = subset.Options(flavor="woff2", hinting=False, notdef_outline=True)
    options.drop_tables += ["meta"]  # languages, which fontTools knows not how to cut
    cut = subset.load_font(str(face.file), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(cut)
    buffer = io.BytesIO()
    subset.save_font(cut, buffer, options)
    cut.close()
    return buffer.getvalue()
