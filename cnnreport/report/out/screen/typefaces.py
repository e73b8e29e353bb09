"""The typefaces of pages: each cut down to the characters that these have."""

import html
import re

from cnnreport.report.draw import fonts

_FACE = (
    "@font-face{{font-family:'{family}';font-style:{style};font-weight:{weight};"
    "src:url(data:font/woff2;base64,{content})}}"
)
_ADDRESS = re.compile(r"data:[^\"')]*")


def rules(*pages: str) -> str:
    """Return the CSS that brings the typefaces of some pages.

    Args:
        pages: HTML; whatever their scripts and style sheets may write is in it, too.

    Raises:
        EnvironmentFailure: A font is missing.
    """
    written = set[str]().union(*(html.unescape(_ADDRESS.sub("", page)) for page in pages))
    characters = "".join(sorted(written))
    return "".join(
        _FACE.format(
            family=face.family,
            style="italic" if face.italic else "normal",
            weight=face.weight,
            content=fonts.cut(str(face.file), characters),
        )
        for face in fonts.faces()
    )
