"""What a report has printed: every number with its origin, every figure, table and equation with its place.

References are filled in when the whole text stands, so that a text may point ahead. A report may be bound
in several volumes, each a document of its own, which refer to each other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from cnnreport.errors import UsageError
from cnnreport.report.numbers.quantity import Quantity

_SHORT = 12
"""A label of no more characters, such as D.1 Q3 or Figure S12, is not broken over lines."""

CLASS_NAME = re.compile(r"\b([A-Z][a-z]+(?:[A-Z][a-z0-9]*)+)\b")
"""The name of a class in prose, such as ConvTransposeNet, which no hyphen may divide."""

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


@dataclass(frozen=True)
class Volume:
    """A document of a report, as the others refer to it.

    Args:
        file: The name of its page, which links to it from other volumes begin with.
        prefix: What the numbers of its figures, tables and equations begin with.
        words: Behind a title that another volume refers to: where that is, such as ``in the supplement``.
    """

    file: str = ""
    prefix: str = ""
    words: str = ""


@dataclass(frozen=True)
class _Place:
    """Where a reference leads: what it is called, there and in other volumes."""

    label: str
    afar: str
    volume: Volume


class Ledger:
    """Keeps the numbers and the numbering of one report while it is rendered.

    Args:
        volumes: The documents of the report, in the order in which they are rendered; the last one says where
            all numbers come from.
    """

    def __init__(self, volumes: Sequence[Volume] = (Volume(),)) -> None:
        self._volume, self._last = volumes[0], volumes[-1]
        self._printed: dict[str, Entry] = {}
        self._places: dict[str, _Place] = {}
        self._counts: dict[tuple[Volume, str], int] = {}

    def turn_to(self, volume: Volume) -> None:
        """Begin a volume: what is printed from now on stands there."""
        self._volume = volume

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
        # By their words too, for a number that is not finite is not equal to itself.
        elif entry.quantity != quantity and repr(entry.quantity) != repr(quantity):
            raise UsageError(f"two different numbers are called {quantity.name}", "rename one of them")
        return Markup('<a class="number" href="{}">{}</a>').format(
            self.origin(entry.anchor), quantity.text if text is None else text
        )

    def origin(self, anchor: str) -> str:
        """Return the address of a line in the appendix, such as that of a run."""
        return _address(self._last, self._volume, anchor)

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
        count = self._counts.get((self._volume, kind), 0) + 1
        self._counts[self._volume, kind] = count
        shown = label.format(kind=kind, number=f"{self._volume.prefix}{count}")
        self.announce(name, shown, numbered=True)
        return shown

    def announce(
        self, name: str, label: str, volume: Volume | None = None, *, numbered: bool = False
    ) -> None:
        """Make a place, such as a section, known to references.

        Args:
            name: Its link target, unique in the report.
            label: What references call it.
            volume: The volume in which it is, by default the one that is being rendered.
            numbered: Whether the label alone tells a reader of another volume where to look.

        Raises:
            UsageError: Another place has the same name.
        """
        if name in self._places:
            raise UsageError(f"two places of the report are called {name!r}", "rename one of them")
        there = volume or self._volume
        afar = label if numbered or not there.words else f"{label} {there.words}"
        self._places[name] = _Place(label, afar, there)

    def refer(self, name: str) -> Markup:
        """Link to a place by its name, which may come later in the text."""
        return Markup("\ue000{}\ue001").format(name)

    def resolve(self, html: Markup, volume: Volume | None = None) -> Markup:
        """Fill in the references.

        Args:
            html: A rendered text.
            volume: The volume that it is of, by default the one that is being rendered.

        Raises:
            UsageError: A reference leads nowhere.
        """
        here = volume or self._volume
        # Safe: the labels are escaped.
        return Markup(_PLACEHOLDER.sub(lambda match: self._link(match.group(1), here), html))

    def _link(self, name: str, here: Volume) -> str:
        if name not in self._places:
            known = ", ".join(sorted(self._places)) or "none"
            raise UsageError(f"the text refers to {name!r}, which is not there", f"places: {known}")
        place = self._places[name]
        label = place.label if place.volume == here else place.afar
        label = re.sub(r" (?=\S*\d)", "\u00a0", label)  # no line ends with a number to come
        kind = "ref short" if len(label) <= _SHORT else "ref"
        return (
            f'<a class="{kind}" href="{escape(_address(place.volume, here, name))}">{_undivided(label)}</a>'
        )


def _undivided(label: str) -> str:
    """Return a label as HTML in which no hyphen may divide the name of a class."""
    return CLASS_NAME.sub(r'<span class="whole">\1</span>', str(escape(label)))


def _address(volume: Volume, here: Volume, anchor: str) -> str:
    """Return the address of an anchor in one volume as another one links to it."""
    return f"#{anchor}" if volume == here else f"{volume.file}#{anchor}"
