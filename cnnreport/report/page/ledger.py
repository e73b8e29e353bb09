"""What a report has printed: every number with its origin, every figure, table and equation with its place.

References are filled in when the whole text stands, so that a text may point ahead.
"""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from cnnreport.errors import UsageError
from cnnreport.report.numbers.quantity import Quantity

_PLACEHOLDER = re.compile("\ue000([^\ue001]*)\ue001")  # private characters: no text contains them


@dataclass(frozen=True)
class Entry:
    """A printed number: its line in the appendix and the quantity."""

    anchor: str
    quantity: Quantity


@dataclass(frozen=True)
class Origin:
    """Where some printed numbers were read: the same file of the same runs."""

    runs: tuple[str, ...]
    file: str
    entries: list[Entry]


class Ledger:
    """Keeps the numbers and the numbering of one report while it is rendered."""

    def __init__(self) -> None:
        self._printed: dict[str, Entry] = {}
        self._places: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    @property
    def origins(self) -> list[Origin]:
        """The numbers printed so far by where they were read, each in the order of their first print."""
        origins: dict[tuple[tuple[str, ...], str], Origin] = {}
        for entry in self._printed.values():
            source = entry.quantity.source
            place = (source.runs, source.file)
            origins.setdefault(place, Origin(*place, [])).entries.append(entry)
        return list(origins.values())

    def quote(self, quantity: Quantity, text: str | None = None) -> Markup:
        """Print a number, or a text about it, linked to where it comes from.

        Raises:
            UsageError: Two different quantities bear the same name.
        """
        entry = self._printed.get(quantity.name)
        if entry is None:
            entry = Entry(f"number-{len(self._printed) + 1}", quantity)
            self._printed[quantity.name] = entry
        elif entry.quantity != quantity:
            raise UsageError(f"two different numbers are called {quantity.name}", "rename one of them")
        return Markup('<a class="number" href="#{}">{}</a>').format(
            entry.anchor, quantity.text if text is None else text
        )

    def place(self, kind: str, name: str, label: str = "{kind} {number}") -> str:
        """Number a figure, table or equation and make it known to references.

        Args:
            kind: What is counted, such as ``Figure``.
            name: Its link target, unique in the report.
            label: What references call it.

        Returns:
            The label.

        Raises:
            UsageError: The name is taken.
        """
        self._counts[kind] = self._counts.get(kind, 0) + 1
        shown = label.format(kind=kind, number=self._counts[kind])
        self.announce(name, shown)
        return shown

    def announce(self, name: str, label: str) -> None:
        """Make something that is not counted, such as a section, known to references.

        Raises:
            UsageError: Another place has the same name.
        """
        if name in self._places:
            raise UsageError(f"two places of the report are called {name!r}", "rename one of them")
        self._places[name] = label

    def refer(self, name: str) -> Markup:
        """Link to a place by its name, which may come later in the text."""
        return Markup("\ue000{}\ue001").format(name)

    def resolve(self, html: Markup) -> Markup:
        """Fill in the references.

        Raises:
            UsageError: A reference leads nowhere.
        """
        return Markup(_PLACEHOLDER.sub(self._link, html))  # safe: the labels are escaped

    def _link(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in self._places:
            known = ", ".join(sorted(self._places)) or "none"
            raise UsageError(f"the text refers to {name!r}, which is not there", f"places: {known}")
        label = re.sub(r" (?=\S*\d)", "\u00a0", self._places[name])  # no line ends with a number to come
        return f'<a class="ref" href="#{escape(name)}">{escape(label)}</a>'
