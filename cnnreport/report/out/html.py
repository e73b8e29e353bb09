"""The page for a browser: one HTML file that stands alone, pictures and typefaces included."""

from pathlib import Path

from cnnreport.report.draw import fonts
from cnnreport.report.out.screen import pictures, typefaces
from cnnreport.report.out.writer import Writer
from cnnreport.report.page.report import Report
from cnnreport.system import durable


def read(report: Report, name: str) -> str:
    """Return the page of a document as a browser is to show it; see `screen.furniture.furnished`.

    Raises:
        EnvironmentFailure: A font is missing.
    """
    # The names of a report's files are told where nothing can be composed.
    from cnnreport.report.out.screen.furniture import furnished

    page = furnished(report, name)
    # To cut typefaces takes seconds: they are cut once, to what all documents have.
    others = (document.page for document in report.documents if document.name != name)
    # The PDF has its typefaces from their files.
    return page.replace("</head>", f"<style>{typefaces.rules(page, *others)}</style>\n</head>", 1)


def write(page: str, path: Path) -> str:
    """Write the page of a document to an HTML file.

    Args:
        page: What `read` returns.
        path: Where it goes.

    Returns:
        The SHA-256 of the file.

    Raises:
        EnvironmentFailure: The file cannot be written.
    """
    return durable.write(path, pictures.lightened(page).encode())


WRITER = Writer("page", ".html", __name__, ("pillow",), fonts.faces, write, read=read)
