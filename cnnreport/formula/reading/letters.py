"""Runs of letters, told apart into the names that a formula may have: ``NICNF`` is NIC times NF."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LONGEST_NUMBER = 40
"""Digits of a number within a run."""

_CYRILLIC = dict(zip("АВЕЅІЈКМНОРСТУХаеіјкморсухѕ", "ABESIJKMHOPCTYXaeijkmopcyxs", strict=True))
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧικνορυχ", "ABEZHIKMNOPTYXiknopux", strict=True))
LOOK_ALIKES = str.maketrans(_CYRILLIC | _GREEK)
"""Letters of other alphabets that look like Latin ones."""

Sort = Literal["name", "number", "times"]


@dataclass(frozen=True)
class Piece:
    """A part of a run: from where to where, and what it is; of a name also which."""

    start: int
    end: int
    sort: Sort
    name: str = ""


@dataclass
class _Ways:
    """How the run up to a place can be read, two ways at most: last piece, and which way before it."""

    last: list[tuple[Piece | None, int]] = field(default_factory=list)

    def add(self, piece: Piece | None, before: "_Ways | None") -> None:
        # More than one way is all that matters; counted on, the number would explode.
        for way in range(1 if before is None else len(before.last)):
            if len(self.last) < 2:
                self.last.append((piece, way))


class Letters:
    """The names that a formula may have.

    A run is read as it is written; if that is no name and no product of names, without regard to
    capitals, underscores and alphabets, as far as these tell no two names apart.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._exact = {name: name for name in names}
        alike: dict[str, set[Any]] = {}
        for name, symbol in names.items():
            alike.setdefault(_alike(name), set()).add(symbol)
        self._has_x = "x" in alike
        self._alike = {_alike(name): name for name in names if len(alike[_alike(name)]) == 1}

    def read(self, run: str) -> list[list[Piece]]:
        """Return the ways to read a run: none, one, or two if there are several."""
        if run in self._exact:
            return [[Piece(0, len(run), "name", run)]]
        return self._split(run, self._exact, plain=True) or self._split(run, self._alike, plain=False)

    def _split(self, run: str, names: Mapping[str, str], *, plain: bool) -> list[list[Piece]]:
        longest = max((len(name) for name in self._exact), default=0) + (0 if plain else 4)
        ways = [_Ways() for _ in range(len(run) + 1)]
        ways[0].add(None, None)
        for end in range(1, len(run) + 1):
            number = _is_digit(run, end - 1) and not _is_digit(run, end)
            for start in range(max(0, end - max(longest, LONGEST_NUMBER if number else 1)), end):
                piece = self._piece(run, start, end, names, plain, number) if ways[start].last else None
                if piece:
                    ways[end].add(piece, ways[start])
        return [_pieces(ways, way) for way in range(len(ways[-1].last))]

    def _piece(
        self, run: str, start: int, end: int, names: Mapping[str, str], plain: bool, number: bool
    ) -> Piece | None:
        text = run[start:end]
        key = text if plain else _alike(text)
        if key in names and text.strip("_") == text:
            return Piece(start, end, "name", names[key])
        if number and all(_is_digit(run, at) for at in range(start, end)):
            return Piece(start, end, "number")
        if key.casefold() == "x" and not self._has_x:
            return Piece(start, end, "times")
        return None


def _pieces(ways: list[_Ways], way: int) -> list[Piece]:
    pieces: list[Piece] = []
    at = len(ways) - 1
    while at:
        piece, way = ways[at].last[way]
        assert piece is not None  # only the start has none
        pieces.insert(0, piece)
        at = piece.start
    return pieces


def _alike(name: str) -> str:
    return name.translate(LOOK_ALIKES).casefold().replace("_", "")


def _is_digit(run: str, at: int) -> bool:
    return at < len(run) and run[at] in "0123456789"
