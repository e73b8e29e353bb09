"""The composed report: the one value from which every output is written."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # outputs are listed where no typesetting is installed
    from markupsafe import Markup

    from cnnreport.report.page.cells.cell import Cell
    from cnnreport.report.page.ledger import Ledger
    from cnnreport.report.page.provenance import Provenance


@dataclass(frozen=True)
class ComposedSection:
    """A section as it is printed.

    Args:
        id: Its link target.
        title: Its heading.
        label: What references call it.
        html: Its text below the heading, references filled in.
        beyond: Whether it goes beyond the handout.
    """

    id: str
    title: str
    label: str
    html: "Markup"
    beyond: bool = False


@dataclass(frozen=True)
class Part:
    """Sections under one heading, whose link target is the id."""

    id: str
    title: str
    sections: tuple[ComposedSection, ...]


PAGE = ".html"
"""How the page of a document ends, and so the links to it."""

MAIN, SUPPLEMENT = "write-up", "supplement"
"""The documents that a report may have."""


@dataclass(frozen=True)
class Document:
    """What is written to one file of each format.

    Args:
        name: ``write-up`` or ``supplement``.
        file: The file name of its page.
        title: Of this document.
        cover: The HTML that stands first.
        parts: The sections, in order.
        appendix: Where runs, verdicts and numbers come from; empty in a write-up that has a supplement.
        styles: Style sheets, the general ones first.
        page: All of this as one HTML document; style sheets and pictures are in it, so it stands alone.
            Links to another document lead to its page.
    """

    name: str
    file: str
    title: str
    cover: "Markup"
    parts: tuple[Part, ...]
    appendix: tuple[ComposedSection, ...]
    styles: tuple[str, ...]
    page: str = ""


@dataclass(frozen=True)
class Report:
    """All that an output may put into a file.

    Args:
        title: Of the whole.
        documents: The write-up, and the supplement where there is one.
        ledger: What was printed: every number with its origin, every place with its label.
        notebook: Lays the report out as the cells of a notebook, None where it has none.
        provenance: Where its runs come from.
        screen_style: The style sheet of what a page gains for a browser.
        screen_script: Its script.
    """

    title: str
    documents: tuple[Document, ...]
    ledger: "Ledger"
    notebook: "Callable[[], tuple[Cell, ...]] | None" = None
    provenance: "Provenance | None" = None
    screen_style: str = ""
    screen_script: str = ""

    def document(self, name: str) -> Document:
        """Return the document of a name."""
        return next(document for document in self.documents if document.name == name)

    def page_as(self, name: str, suffix: str) -> str:
        """Return the page of a document; its links to others lead to their files of some ending."""
        page = self.document(name).page
        for other in self.documents:
            link, file = rf'href="{re.escape(other.file)}(?=["#])', other.file.removesuffix(PAGE) + suffix
            page = re.sub(link, f'href="{file}', page)
        return page
