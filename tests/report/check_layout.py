"""Holds the pages of a printed report against what a page should be; a tool, and a library for tests.

``PYTHONPATH=. python tests/report/check_layout.py FILE`` prints what it finds, page by page. An HTML file is
laid out by WeasyPrint, whose boxes say where everything lies; of a PDF only the ink is known (by poppler's
pdftoppm): how full pages are, holes, and what reaches into the margins.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from cnnreport.report.draw import fonts
from cnnreport.report.out import pdf

MM = 25.4 / 96
"""A pixel of CSS."""
FULL, HOLE, MARGIN, SHORT = 2 / 3, 22.0, 0.6, 40.0
"""How full a page has to be; the millimetres of a hole, of what may reach out of the text's column, and of
what may lack of a line."""
CAPTION_LINES, LISTING_LINES, NEAR = 3, 3, 1
"""The most lines of a caption, the fewest of a listing at a page's end, the pages from mention to figure."""
_SHOWN = {"figure": "figure", "table": "table", "div": "listing"}
_CAPTIONS = ("figcaption", "caption", "listing-caption")


@dataclass(frozen=True)
class Leaf:
    """A line of text, a picture or a rule as it lies on a page, in millimetres from its left and top edge.

    Args:
        page: Its page, from 1.
        left: Its left edge.
        right: Its right edge.
        top: Its upper edge.
        bottom: Its lower edge.
        path: The tags, with classes after dots, of the elements that hold it, from the outermost.
        owner: The block that holds it; a block that goes on over pages is one and the same.
        justified: Whether it is a line of text that has to reach the right edge unless it is the last.
    """

    page: int
    left: float
    right: float
    top: float
    bottom: float
    path: tuple[str, ...]
    owner: int
    justified: bool

    def within(self, *names: str) -> str:
        """Return the first of some tags or classes that holds it, nothing if none does."""
        held = {word for step in self.path for word in step.split(".")}
        return next((name for name in names if name in held), "")


@dataclass
class Pages:
    """What lies on the pages of a document.

    Args:
        area: Left, right, top and bottom of the column of each page, in millimetres.
        leaves: What lies on each page, in its order.
        places: On which page each element with an id begins.
        mentions: On which pages links to each id stand.
        shown: The ids of figures, tables and listings.
        breaks: The pages that begin with a heading of a part.
    """

    area: list[tuple[float, float, float, float]] = field(default_factory=list)
    leaves: list[list[Leaf]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    mentions: dict[str, set[int]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    breaks: set[int] = field(default_factory=set)


def lay_out(html: str) -> Pages:
    """Lay a page's HTML out as it is printed, and return where everything lies."""
    with fonts.only_bundled():
        document = pdf._document(html).render(font_config=pdf._typefaces())
    pages = Pages()
    for number, page in enumerate(document.pages, 1):
        box = page._page_box
        left, top = box.content_box_x() * MM, box.content_box_y() * MM
        pages.area.append((left, left + box.width * MM, top, top + box.height * MM))
        root = next(child for child in box.children if child.element_tag == "html")
        pages.leaves.append(list(_leaves(root, number, (), 0, pages)))
        if pages.leaves[-1] and pages.leaves[-1][0].within("h1"):
            pages.breaks.add(number)
    return pages


def _leaves(box: Any, page: int, path: tuple[str, ...], owner: int, pages: Pages) -> Iterator[Leaf]:
    element = getattr(box, "element", None)
    if element is not None and box.element_tag and not box.element_tag.endswith(("::before", "::after")):
        path, owner = _entered(box, element, page, path, owner, pages)
    # A line is a leaf, but for what stands in it: pictures, and blocks set in the line.
    kind = type(box).__name__
    if kind == "LineBox" or "Replaced" in kind:
        yield _leaf(box, page, path, owner, replaced="Replaced" in kind)
    for child in getattr(box, "children", ()):
        if kind == "LineBox":
            _note_links(child, page, pages)
        else:
            yield from _leaves(child, page, path, owner, pages)


def _note_links(box: Any, page: int, pages: Pages) -> None:
    if getattr(box, "element", None) is not None and box.element_tag:
        _entered(box, box.element, page, (), 0, pages)
    for child in getattr(box, "children", ()):
        _note_links(child, page, pages)


def _entered(
    box: Any, element: Any, page: int, path: tuple[str, ...], owner: int, pages: Pages
) -> tuple[tuple[str, ...], int]:
    step = ".".join([box.element_tag, *element.get("class", "").split()])
    if path[-1:] == (step,) and owner == id(element):
        return path, owner
    if (name := element.get("id")) and name not in pages.places:
        pages.places[name] = page
        classes = element.get("class", "").split()
        if box.element_tag in ("figure", "table") or "listing" in classes:
            pages.shown.append(name)
    if (target := element.get("href", "")).startswith("#"):
        pages.mentions.setdefault(target[1:], set()).add(page)
    return (*path, step), id(element)


def _leaf(box: Any, page: int, path: tuple[str, ...], owner: int, *, replaced: bool) -> Leaf:
    left, top = box.position_x * MM, box.position_y * MM
    wide, high = (
        (box.margin_width(), box.margin_height()) if replaced else (_reach(box) - box.position_x, box.height)
    )
    justified = not replaced and box.style["text_align_all"] == "justify"
    return Leaf(page, left, left + wide * MM, top, top + high * MM, path, owner, justified)


def _reach(line: Any) -> float:
    """Return how far to the right what stands in a line reaches."""
    ends = [
        child.position_x + child.margin_width() for child in line.children if hasattr(child, "margin_width")
    ]
    return float(max(ends, default=line.position_x))


def findings(pages: Pages) -> list[tuple[int, str]]:
    """Return what is wrong, each with its page."""
    found = [
        *_fullness(pages),
        *_ends(pages),
        *_margins(pages),
        *_short_lines(pages),
        *_captions(pages),
        *_mentions(pages),
    ]
    return sorted(found, key=lambda each: each[0])


def fullness(pages: Pages) -> list[float]:
    """Return which share of each page's height is used, from the top to the lowest thing on it."""
    return [
        (max((leaf.bottom for leaf in leaves), default=top) - top) / (bottom - top)
        for (_, _, top, bottom), leaves in zip(pages.area, pages.leaves, strict=True)
    ]


def _fullness(pages: Pages) -> Iterator[tuple[int, str]]:
    last = len(pages.area)
    for number, full in enumerate(fullness(pages), 1):
        if full < FULL and number != last and number + 1 not in pages.breaks:
            yield number, f"only {full:.0%} full"
        spans = sorted((leaf.top, leaf.bottom) for leaf in pages.leaves[number - 1])
        reached = pages.area[number - 1][2]
        for top, bottom in spans:
            if top - reached > HOLE:
                yield number, f"a hole of {top - reached:.0f} mm, {reached:.0f} mm from the top"
            reached = max(reached, bottom)


def _ends(pages: Pages) -> Iterator[tuple[int, str]]:
    for number, (here, there) in enumerate(pairwise(pages.leaves), 1):
        if not here or not there:
            continue
        lowest, first = max(here, key=lambda leaf: leaf.bottom), there[0]
        if alone := lowest.within("h1", "h2", "h3", "caption", "listing-caption", "thead"):
            yield number, f"ends with a {alone} alone"
        if lowest.owner != first.owner:
            continue
        before = sum(leaf.owner == lowest.owner for leaf in here)
        after = sum(leaf.owner == lowest.owner for leaf in there)
        if lowest.within("p", "li") and before == 1:
            yield number, "ends with the first line of a paragraph"
        if lowest.within("p", "li") and after == 1:
            yield number + 1, "begins with the last line of a paragraph"
    yield from _listing_ends(pages)


def _listing_ends(pages: Pages) -> Iterator[tuple[int, str]]:
    for number, (here, there) in enumerate(pairwise(pages.leaves), 1):
        above, below = _listed(here[::-1]), _listed(there)
        if above and below:
            yield number, f"parts a listing after {above} lines, {below} lines before its end or the page's"
            if min(above, below) < LISTING_LINES:
                yield number, "leaves fewer than three lines of a listing"


def _listed(leaves: Sequence[Leaf]) -> int:
    """Count the leaves at the beginning that are lines of a listing."""
    count = 0
    for leaf in leaves:
        if not leaf.within("pre"):
            break
        count += 1
    return count


def _margins(pages: Pages) -> Iterator[tuple[int, str]]:
    for number, ((left, right, _, _), leaves) in enumerate(zip(pages.area, pages.leaves, strict=True), 1):
        worst: dict[str, float] = {}
        for leaf in leaves:
            out = max(left - leaf.left, leaf.right - right)
            if out > MARGIN:
                where = leaf.within("table", "pre", "figure", "equation", "p") or leaf.path[-1]
                worst[where] = max(worst.get(where, 0.0), out)
        yield from ((number, f"{where} reaches {out:.1f} mm into the margin") for where, out in worst.items())


def _short_lines(pages: Pages) -> Iterator[tuple[int, str]]:
    """Find lines that leave more room to the right than a word takes though another follows."""
    for number, leaves in enumerate(pages.leaves, 1):
        for line, following in pairwise(leaves):
            short = pages.area[number - 1][1] - line.right
            if line.justified and line.owner == following.owner and line.within("p") and short > SHORT:
                yield number, f"a line of a paragraph ends {short:.0f} mm early"


def _captions(pages: Pages) -> Iterator[tuple[int, str]]:
    for number, leaves in enumerate(pages.leaves, 1):
        owners: dict[int, list[Leaf]] = {}
        for leaf in leaves:
            if leaf.within(*_CAPTIONS):
                owners.setdefault(leaf.owner, []).append(leaf)
        for held in owners.values():
            lines = len({round(leaf.top, 1) for leaf in held})
            if lines > CAPTION_LINES:
                yield number, f"a caption of {lines} lines"


def _mentions(pages: Pages) -> Iterator[tuple[int, str]]:
    for name in pages.shown:
        at, where = pages.places[name], pages.mentions.get(name, set())
        if not where:
            yield at, f"{name} is mentioned nowhere"
        elif (far := min(abs(at - page) for page in where)) > NEAR:
            yield at, f"{name} is {far} pages from the nearest mention of it"


def look_at(file: Path) -> Iterator[tuple[int, str]]:
    """Find of a PDF what its ink says: pages that are not full, holes, and ink in the margins."""
    frame = (33.0, 177.0, 27.0, 268.0)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["pdftoppm", "-r", "50", "-gray", str(file), f"{folder}/page"], check=True)
        for number, drawn in enumerate(sorted(Path(folder).iterdir()), 1):
            with Image.open(drawn) as page:
                yield from ((number, said) for said in _inked(page, frame))


def _inked(page: Image.Image, frame: tuple[float, float, float, float]) -> Iterator[str]:
    scale = 50 / 25.4
    left, right, top, bottom = frame
    column = page.crop((0, round(top * scale), page.width, round(bottom * scale)))
    ink = column.point(lambda value: 255 if value < 245 else 0)
    box = ink.getbbox()
    if box is None:
        yield "empty"
        return
    if (full := box[3] / ink.height) < FULL:
        yield f"only {full:.0%} full"
    out = max(left - box[0] / scale, box[2] / scale - right)
    if out > 1.5:
        yield f"ink reaches {out:.0f} mm into the margin"
    rows = [ink.crop((0, y, ink.width, y + 1)).getbbox() is not None for y in range(box[3])]
    gap = 0
    for y, inked in enumerate(rows):
        if inked and gap / scale > HOLE:
            yield f"a hole of {gap / scale:.0f} mm, {top + (y - gap) / scale:.0f} mm from the top"
        gap = 0 if inked else gap + 1


def main(file: Path) -> str:
    """Say what is found, and of an HTML file how full each page is."""
    said = []
    if file.suffix == ".pdf":
        found = list(look_at(file))
    else:
        pages = lay_out(file.read_text())
        found = findings(pages)
        full = " ".join(f"{share:.0%}" for share in fullness(pages))
        said.append(f"{len(pages.area)} pages, full by {full}")
    said += [f"page {number}: {finding}" for number, finding in found]
    return "\n".join([*said, f"{len(found)} findings"])


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1])) + "\n")
