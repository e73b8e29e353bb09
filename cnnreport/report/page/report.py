"""The composed report: the one value from which every output is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # outputs are listed where no typesetting is installed
    from markupsafe import Markup

    from cnnreport.report.page.cells.cell import Cell
    from cnnreport.report.page.ledger import Ledger


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


@dataclass(frozen=True)
class Report:
    """All that an output may put into a file.

    Args:
        title: Of the whole.
        cover: The HTML that stands first.
        parts: The sections, in order.
        appendix: Where runs, verdicts and numbers come from.
        styles: Style sheets, the general ones first.
        ledger: What was printed: every number with its origin, every place with its label.
        notebook: Lays the report out as the cells of a notebook, None where it has none.
        page: All of this as one HTML document; style sheets and pictures are in it, so it stands alone.
    """

    title: str
    cover: "Markup"
    parts: tuple[Part, ...]
    appendix: tuple[ComposedSection, ...]
    styles: tuple[str, ...]
    ledger: "Ledger"
    page: str = ""
    notebook: "Callable[[], tuple[Cell, ...]] | None" = None
