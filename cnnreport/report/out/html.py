"""The page for a browser: one HTML file that stands alone, typefaces included."""

import base64
from pathlib import Path

from cnnreport.errors import UsageError
from cnnreport.report.draw import fonts
from cnnreport.report.out.writer import Writer
from cnnreport.system import durable

_FACE = (
    "@font-face{{font-family:'{family}';font-style:{style};font-weight:{weight};"
    "src:url(data:font/ttf;base64,{content})}}"
)

_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'

_STYLE = """
/* the measure of the printed page, and nothing wider than the window */
@media screen {
  html { background: #eef0f2; }
  body { max-width: 144mm; margin: 0 auto; padding: 12mm 20mm 24mm; background: #fff; }
  .part { margin-top: 18mm; }
  a.ref:hover, a.number:hover, .contents a:hover { background: #e6eef6; }
  :target { background: #fdf1e1; }
}
@media screen and (max-width: 184mm) {
  body { padding: 6mm 10mm 16mm; }
  .pair { display: block; }
  .pair figure { width: auto; margin: 5mm 0; }
  table, .layers { display: block; width: auto; margin-left: 0; overflow-x: auto; }
}
"""


def write(page: str, path: Path) -> str:
    """Write the page of a document to an HTML file.

    Args:
        page: What was composed.
        path: Where it goes.

    Returns:
        The SHA-256 of the file.

    Raises:
        EnvironmentFailure: A font is missing, or the file cannot be written.
        UsageError: The page has no head that ends.
    """
    if "</head>" not in page:
        raise UsageError("the page has no </head>", "restore it in the template page.html.j2")
    # Beside the page's own style sheets; the PDF has its typefaces from their files.
    added = f"{_VIEWPORT}\n<style>{_faces()}{_STYLE}</style>\n</head>"
    return durable.write(path, page.replace("</head>", added, 1).encode())


def _faces() -> str:
    return "".join(
        _FACE.format(
            family=face.family,
            style="italic" if face.italic else "normal",
            weight=face.weight,
            content=base64.b64encode(face.file.read_bytes()).decode(),
        )
        for face in fonts.faces()
    )


WRITER = Writer("page", ".html", __name__, (), fonts.faces, write)
