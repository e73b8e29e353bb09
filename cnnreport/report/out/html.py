"""The page for a browser: one HTML file that stands alone, pictures and typefaces included."""

from pathlib import Path

from cnnreport.report.draw import fonts
from cnnreport.report.out.screen import pictures, typefaces
from cnnreport.report.out.writer import Writer
from cnnreport.report.page.report import Report
from cnnreport.system import durable


def read(report: Report, name: str) -> str:
    """Return the page of a document as a browser is to show it; see `screen.furniture.furnished`."""
    # The names of a report's files are told where nothing can be composed.
    from cnnreport.report.out.screen.furniture import furnished

    return furnished(report, name)


def write(page: str, path: Path) -> str:
    """Write the page of a document to an HTML file.

    Args:
        page: What `read` returns.
        path: Where it goes.

    Returns:
        The SHA-256 of the file.

    Raises:
        EnvironmentFailure: A font is missing, or the file cannot be written.
    """
    # The PDF has its typefaces from their files.
    faces = f"<style>{typefaces.rules(page)}</style>\n</head>"
    return durable.write(path, pictures.lightened(page).replace("</head>", faces, 1).encode())


WRITER = Writer("page", ".html", __name__, ("pillow", *typefaces.LIBRARIES), fonts.faces, write, read=read)
