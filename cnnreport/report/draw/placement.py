"""Where the boxes, arrows and letters of a drawn architecture stand, found without drawing.

Lengths are millimetres, from the left and from the top, except those of letters, which are points.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise
from typing import Literal

from cnnreport.errors import UsageError
from cnnreport.report.draw import paper
from cnnreport.report.draw.paper import MM, NARROW, WIDE

HEIGHT = 200.0
"""From this height a picture is folded over columns."""

_LABEL, _SMALL = 8.5, 8.0
_ROW, _LEADING, _PAD, _MARGIN = 4.9, 3.5, 1.7, 0.6
_GAP, _EXIT = 6.4, 3.0
_LANE, _FIRST_LANE, _NEXT_COLUMN = 2.2, 3.6, 3.8
_MOST_COLUMNS = 4
_LEAST_WIDTH, _MOST_WIDTH = 34.0, 52.0
_LONG_NAME, _ASIDE, _OVERHANG = 17.0, 1.5, 3.0
# What it costs to cut a net there: as much as a column that is so many millimetres too high.
_BROKEN_GROUP, _CUT_SKIP, _NO_FLOW = 30.0**2, 25.0**2, 60.0**2

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A layer, or an operation between layers.

    Args:
        label: Its name, such as ``Conv2d`` or ``cat``.
        kind: What it is, see `architecture.COLOURS`.
        group: The module that holds it; empty for a layer of the net itself, which stands alone.
        output: The shape of its output, such as ``NF × 16 × 16``.
        sources: The boxes whose output it takes, by index; -1 is the input of the net.
        detail: What else is to be known of it, such as ``k × k, stride 2``.
    """

    label: str
    kind: str
    group: str
    output: str
    sources: tuple[int, ...]
    detail: str = ""


@dataclass(frozen=True)
class Rectangle:
    """A place on the paper."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@dataclass(frozen=True)
class Lettering:
    """A line of text; `x` is where it begins or, set to the right, ends, and `y` half-way up its capitals."""

    text: str
    x: float
    y: float
    size: float
    align: Literal["left", "right"] = "left"
    quiet: bool = False

    @property
    def place(self) -> Rectangle:
        """The paper that it covers."""
        width, height = paper.width(self.text, self.size), self.size * MM
        left = self.x - width if self.align == "right" else self.x
        return Rectangle(left, self.y - height / 2, width, height)


@dataclass(frozen=True)
class Arrow:
    """A line of straight pieces with a head at its end; boxes count from 0, -1 is the input."""

    source: int
    target: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Where everything stands.

    Args:
        width: Of the paper.
        height: Of the paper.
        boxes: One rectangle for each box.
        ends: The rectangles of the input and of the output.
        flows: The arrows from each box to the one below, where the two do not touch.
        skips: One arrow for each output that a box takes from further up.
        letterings: All that is written.
    """

    width: float
    height: float
    boxes: tuple[Rectangle, ...]
    ends: tuple[Rectangle, Rectangle]
    flows: tuple[Arrow, ...]
    skips: tuple[Arrow, ...]
    letterings: tuple[Lettering, ...]


def arrange(boxes: Sequence[Box], input_shape: str, height: float = HEIGHT) -> Layout:
    """Find the places of all that is drawn.

    Raises:
        UsageError: There is no box, or one takes an output that does not exist before it.
    """
    _check(boxes)
    net = _with_ends(boxes, input_shape)
    for columns in range(1, min(_MOST_COLUMNS, len(boxes)) + 1):
        rows = _rows(net, _box_width(net, columns))
        layout = _Sheet(rows, _fold(rows, columns, height)).layout()
        if layout.height <= height:
            break
    return layout


def _check(boxes: Sequence[Box]) -> None:
    if not boxes:
        raise UsageError("a net without layers cannot be drawn")
    for number, box in enumerate(boxes):
        for source in box.sources:
            if not -1 <= source < number:
                raise UsageError(
                    f"box {number} ({box.label}) takes from box {source}, which is not before it"
                )


def _with_ends(boxes: Sequence[Box], input_shape: str) -> list[Box]:
    inner = [replace(box, sources=tuple(source + 1 for source in box.sources)) for box in boxes]
    return [Box("input", "end", "", input_shape, ()), *inner, Box("output", "end", "", "", (len(boxes),))]


def _box_width(net: Sequence[Box], columns: int) -> float:
    """Return a width in which, if the paper allows it, no box needs a second line."""
    labels = [paper.width(box.label, _LABEL) + 2 * _PAD for box in net]
    details = [paper.width(box.detail, _SMALL) + 2 * _PAD if box.detail else 0.0 for box in net]
    names = [min(paper.width(box.group, _SMALL), _LONG_NAME) for box in net]
    side = max(*names, *(paper.width(box.output, _SMALL) for box in net)) + _ASIDE
    wanted = max(_LEAST_WIDTH, *map(sum, zip(labels, details, strict=True)), 2 * side)
    allowed = min(_MOST_WIDTH, WIDE / columns - 10.5)
    return max(min(wanted, allowed), *labels, *(paper.width(box.output, _SMALL) + 6.0 for box in net))


@dataclass(frozen=True)
class _Row:
    box: Box
    more: tuple[str, ...]  # the lines of its detail, where that does not fit beside the label
    skips: tuple[int, ...]
    flows: bool  # it takes the output of the row above
    touches: bool
    width: float
    height: float

    @property
    def gap(self) -> float:
        return 0.0 if self.touches else _GAP


def _rows(net: Sequence[Box], width: float) -> list[_Row]:
    rows = []
    for number, box in enumerate(net):
        flows = number - 1 in box.sources
        # From the nearest: in this order lines that end at one box do not cross each other.
        skips = tuple(sorted({*box.sources} - {number - 1}, reverse=True))
        beside = paper.width(box.label, _LABEL) + paper.width(box.detail, _SMALL) + 3.5 * _PAD <= width
        more = () if beside or not box.detail else paper.wrapped(box.detail, _SMALL, width - 2 * _PAD)
        height = max(_ROW + len(more) * _LEADING, 2.0 * len(skips) + 1.5)
        touches = flows and box.group == net[number - 1].group != ""
        rows.append(_Row(box, more, skips, flows, touches, width, height))
    return rows


def _fold(rows: Sequence[_Row], columns: int, limit: float) -> list[int]:
    """Return the first row of each column: columns of like height, cut where it hurts least."""
    depths = list(accumulate((row.gap + row.height for row in rows), initial=0.0))
    ends = [*(range(2, len(rows) - 1) if columns > 1 else ()), len(rows)]
    hurt = {end: _hurt(rows, end) for end in ends}
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for column in range(columns):
        reached: dict[int, tuple[float, list[int]]] = {}
        for end in ends if column < columns - 1 else ends[-1:]:
            for first, (cost, firsts) in best.items():
                if first < end:
                    high = depths[end] - depths[first] - (rows[first].gap - _GAP if first else 0.0)
                    off = (high - depths[-1] / columns) ** 2 + 1e3 * max(0.0, high - limit)
                    if end not in reached or cost + hurt[end] + off < reached[end][0]:
                        reached[end] = cost + hurt[end] + off, [*firsts, first]
        best = reached
    return best[len(rows)][1]


def _hurt(rows: Sequence[_Row], end: int) -> float:
    if end == len(rows):
        return 0.0
    cut = sum(source < end - 1 for row in rows[end:] for source in row.skips)
    broken = {row.box.group for row in rows[:end]} & {row.box.group for row in rows[end:]} - {""}
    return _CUT_SKIP * cut + (_BROKEN_GROUP if broken else 0.0) + (0.0 if rows[end].flows else _NO_FLOW)


class _Sheet:
    """The paper while it is being filled: first heights, then lanes, then widths."""

    def __init__(self, rows: Sequence[_Row], firsts: Sequence[int]) -> None:
        self.rows, self.firsts = rows, firsts
        self.column = [bisect(firsts, number) - 1 for number in range(len(rows))]
        self.skips = [(source, target) for target, row in enumerate(rows) for source in row.skips]
        over = sorted({skip[0] for skip in self.skips if len(self._gutters(*skip)) == 2})
        self.buses = {source: _MARGIN + _LANE * number for number, source in enumerate(over)}
        self.top = _MARGIN + _LANE * len(over)
        self.tops = self._tops()
        self.lanes = self._lanes()
        self.lefts = [0.0]
        for gutter in range(len(firsts) - 1):
            self.lefts.append(self._lane(gutter, self._count(gutter)) + _NEXT_COLUMN)
        last = len(firsts) - 1
        lanes = self._count(last)
        content = (self._lane(last, lanes - 1) if lanes else self._right(last)) + 2 * _MARGIN
        self.width = next((paper for paper in (NARROW, WIDE) if content <= paper), content)
        self.lefts = [left + (self.width - content) / 2 + _MARGIN for left in self.lefts]
        widest = max(paper.width(row.box.output, _SMALL) for row in rows)
        self.axis = min(rows[0].width / 2, rows[0].width - widest - _ASIDE)

    def layout(self) -> Layout:
        """Put it all together."""
        places = [self._place(number) for number in range(len(self.rows))]
        apart = [n for n, row in enumerate(self.rows) if n and not (row.touches and n not in self.firsts)]
        return Layout(
            self.width,
            max(*(place.bottom + _EXIT for place in places[:-1]), places[-1].bottom) + _MARGIN,
            tuple(places[1:-1]),
            (places[0], places[-1]),
            tuple(Arrow(n - 2, n - 1, self._flow(n)) for n in apart if self.rows[n].flows),
            tuple(Arrow(s - 1, t - 1, self._skip(s, t)) for s, t in self.skips),
            tuple(chain(*map(self._inside, range(len(places))), *map(self._above, apart))),
        )

    def _place(self, number: int) -> Rectangle:
        row = self.rows[number]
        return Rectangle(self.lefts[self.column[number]], self.tops[number], row.width, row.height)

    def _tops(self) -> list[float]:
        tops: list[float] = []
        for number, row in enumerate(self.rows):
            if number in self.firsts:
                tops.append(self.top + (_GAP if number else 0.0))
            else:
                tops.append(tops[-1] + self.rows[number - 1].height + row.gap)
        return tops

    def _enters(self, source: int, target: int) -> bool:
        """Tell whether an output can be picked up where it enters the target's column."""
        first = self.firsts[self.column[target]]
        return source == first - 1 and self.rows[first].flows

    def _gutters(self, source: int, target: int) -> tuple[int, ...]:
        """Return the columns to the right of which a skip runs up or down."""
        here, there = self.column[source], self.column[target]
        if here == there or self._enters(source, target):
            return (there,)
        return (here,) if there == here + 1 else (here, there - 1)

    def _levels(self, source: int, target: int) -> tuple[float, ...]:
        """Return the heights between which a skip runs up or down."""
        row, skips = self.rows[source], self.rows[target].skips
        start = self.tops[source] + row.height * (0.8 if row.skips else 0.5)
        share = (skips.index(source) + 1) / (len(skips) + 1)
        if any(target == other for other, _ in self.skips):
            share *= 0.65
        end = self.tops[target] + self.rows[target].height * share
        if self._enters(source, target):
            return self.top, end
        over = len(self._gutters(source, target)) == 2
        return (start, self.buses[source], end) if over else (start, end)

    def _lanes(self) -> dict[tuple[int, int], int]:
        """Give each output a lane in each gutter that it runs through, the short ones inside."""
        spans: dict[tuple[int, int], list[float]] = {}
        for source, target in self.skips:
            pieces = pairwise(self._levels(source, target))
            for gutter, piece in zip(self._gutters(source, target), pieces, strict=True):
                spans.setdefault((gutter, source), []).extend(piece)
        taken: dict[tuple[int, int], list[tuple[float, float]]] = {}
        lanes = {}
        for key, levels in sorted(spans.items(), key=lambda item: (max(item[1]) - min(item[1]), item[0])):
            low, high = min(levels) - 0.5, max(levels) + 0.5
            lane = 0
            while any(low < b and a < high for a, b in taken.get((key[0], lane), ())):
                lane += 1
            taken.setdefault((key[0], lane), []).append((low, high))
            lanes[key] = lane
        return lanes

    def _count(self, gutter: int) -> int:
        return max((lane + 1 for key, lane in self.lanes.items() if key[0] == gutter), default=0)

    def _right(self, column: int) -> float:
        return self.lefts[column] + self.rows[0].width

    def _lane(self, gutter: int, lane: int) -> float:
        return self._right(gutter) + _FIRST_LANE + _LANE * lane

    def _skip(self, source: int, target: int) -> tuple[Point, ...]:
        gutters, levels = self._gutters(source, target), self._levels(source, target)
        if self._enters(source, target):
            start = self.lefts[self.column[target]] + self.axis - 2.0
        else:
            start = self._right(self.column[source])
        points = [(start, levels[0])]
        for gutter, (begin, end) in zip(gutters, pairwise(levels), strict=True):
            x = self._lane(gutter, self.lanes[gutter, source])
            points += [(x, begin), (x, end)]
        column = self.column[target]
        stop = self._right(column) if gutters[-1] == column else self.lefts[column]
        return (*points, (stop, levels[-1]))

    def _flow(self, number: int) -> tuple[Point, ...]:
        before, after = self.column[number - 1], self.column[number]
        start, end = self.lefts[before] + self.axis, self.lefts[after] + self.axis
        leave, arrive = self._place(number - 1).bottom, self.tops[number]
        if before == after:
            return (start, leave), (end, arrive)
        lane, low = self._lane(before, self._count(before)), leave + _EXIT
        return (start, leave), (start, low), (lane, low), (lane, self.top), (end, self.top), (end, arrive)

    def _inside(self, number: int) -> Iterator[Lettering]:
        row, place = self.rows[number], self._place(number)
        y = place.top + (row.height - len(row.more) * _LEADING) / 2
        yield Lettering(row.box.label, place.left + _PAD, y, _LABEL)
        if row.box.detail and not row.more:
            yield Lettering(row.box.detail, place.right - _PAD, y, _SMALL, "right")
        for below, line in enumerate(row.more, start=1):
            yield Lettering(line, place.left + _PAD, y + below * _LEADING, _SMALL)

    def _above(self, number: int) -> Iterator[Lettering]:
        """Write the name of a group and the shape of what flows into it."""
        row, before, left = self.rows[number], self.rows[number - 1].box, self._place(number).left
        y = self.tops[number] - _GAP / 2
        if row.box.sources:
            shape = self.rows[max(row.box.sources)].box.output
            yield Lettering(shape, left + self.axis + _ASIDE, y, _SMALL)
        if row.box.group and (row.box.group != before.group or number in self.firsts):
            room = self.axis + (-_ASIDE if row.flows else 0.5)
            # A name may begin before its box, where neither the paper ends nor a line runs.
            wide = room + min(_OVERHANG, left - _MARGIN)
            name = _shortened(row.box.group, wide)
            if row.box.group == before.group and paper.width(f"… {name}", _SMALL) <= wide:
                name = f"… {name}"
            if name:
                begin = left - max(0.0, paper.width(name, _SMALL) - room)
                yield Lettering(name, begin, y, _SMALL, quiet=True)
            elif not row.box.detail:
                yield from self._within(number)

    def _within(self, number: int) -> Iterator[Lettering]:
        """Write the name of a group, for which there is no room above, into its first box."""
        row, place = self.rows[number], self._place(number)
        room = place.width - paper.width(row.box.label, _LABEL) - 3.5 * _PAD
        if name := _shortened(row.box.group, room):
            yield Lettering(name, place.right - _PAD, place.top + row.height / 2, _SMALL, "right", quiet=True)


def _shortened(name: str, room: float) -> str:
    """Cut a dotted name at its front; say nothing rather than something cryptic."""
    parts = name.split(".")
    tails = (".".join(parts[first:]) for first in range(1, len(parts)))
    cut = (f"…{tail}" for tail in tails if len(tail) > 3)
    return next((text for text in (name, *cut) if paper.width(text, _SMALL) <= room), "")
