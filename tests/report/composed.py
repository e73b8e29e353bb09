"""The words of composed sections, for tests that read them, and for golden texts that people read."""

import html
import re
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from cnnreport.project import Project
from cnnreport.report.page import compose, outline
from cnnreport.report.page.report import Report
from cnnreport.runs.artefact import Run

REPORT = "a2-writeup"
"""The report whose sections are composed where none is named."""

_BLOCKS = {"p", "h1", "h2", "h3", "li", "figcaption", "caption", "tr", "div", "section", "table", "figure"}
_PROSE = {"p", "li", "h1", "h2", "h3"}
_CELLS = {"td", "th"}
_SENTENCE = re.compile(r"(?<=[.!?])(?<!Fig\.) (?=[A-Z“(])")


def whole(report: Report) -> str:
    """The pages of all documents of a report, one behind the other."""
    return "".join(document.page for document in report.documents)


def bodies(pages: str) -> str:
    """What the pages show, without their titles and style sheets."""
    return "".join(re.findall(r"<body.*?</body>", pages, re.DOTALL))


@cache
def outline_of(root: Path, report: str) -> outline.Outline:
    """The outline of a report, read once: a golden text composes a report for each of its cases."""
    return outline.load(Project(root, root / "build"), report)


def page_of(project: Project, runs: Sequence[Run], *ids: str, report: str = REPORT) -> str:
    """Compose a report of the sections of some questions and return its HTML."""
    loaded = outline_of(project.root, report)
    chosen = tuple(section for section in loaded.sections if section.id in ids)
    assert len(chosen) == len(ids)
    shorter = outline.Outline(**{**vars(loaded), "sections": chosen})
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    page = whole(compose.compose(project, shorter, grouped, compose.Context()))
    assert str(project.root) not in page, "a page names a place of this machine"
    assert not re.findall(r"\w\(?<a [^>]*class=\"ref", page), "a tag swallowed the space before a reference"
    return page


def body_of(project: Project, runs: Sequence[Run], *ids: str, report: str = REPORT) -> str:
    """Compose the sections of some questions and return their HTML, without the cover and the appendix."""
    made = page_of(project, runs, *ids, report=report)
    mains = re.findall(r"<main>.*?</main>", made, re.DOTALL)
    return "".join(main.partition('<section class="part appendix">')[0] for main in mains)


def text_of(project: Project, runs: Sequence[Run], *ids: str, report: str = REPORT) -> str:
    """Compose the sections of some questions and return their words, without tags and line breaks."""
    body = body_of(project, runs, *ids, report=report)
    words = html.unescape(re.sub(r"<[^>]*>", "", body)).replace("\u00a0", " ")
    glued = re.findall(r".{20}[a-z%\d][.;:][A-Z].{20}", words.replace("nn.", ""))
    assert not glued, "a tag swallowed the space between two sentences"
    text = re.sub(r"\s+", " ", words)
    assert not re.findall(r".{20} [,;:] ", text), "a space stands before a sign"
    return text


def prose_of(
    project: Project, runs: Sequence[Run], *ids: str, whole: bool = True, report: str = REPORT
) -> str:
    """Compose the sections of some questions and return them for people: a line for each sentence.

    A formula is in braces by its words, a table has bars between its cells, a picture is its alternative
    text, and listings are left out. Without the whole there are paragraphs and headings alone.
    """
    return read_as_prose(body_of(project, runs, *ids, report=report), whole=whole)


def read_as_prose(page: str, *, whole: bool = True) -> str:
    """Return a part of a page for people, and hold it against what no text may contain."""
    reader = _Reader(whole)
    reader.feed(page.replace("\u00a0", " "))
    reader.close()
    text = "\n".join(reader.lines) + "\n"
    for wrong, why in INVARIANTS.items():
        matches = [text[max(0, m.start() - 20) : m.end() + 20] for m in re.finditer(wrong, text)]
        assert not matches, f"{why}: {matches}"
    return text


INVARIANTS = {
    r"[a-z%\d)][.;:?!](?<!\bnn\.)[A-Z(]": "a tag swallowed the space between two sentences",
    r"[\w)] [,;:.?!](?: |\n)": "a space stands before a sign",
    r"(?<!\bal)[,;:.]{2}": "two signs stand together",
    r"\b(?:None(?! of)|nan|inf|True|False|Undefined)\b": "a value of Python was printed",
    r"\b([a-z]+) \1\b": "a word stands twice",
    r"[^\w]\(\s*\)": "parentheses are empty",
    r"[a-z]{3}\((?=[A-Z])": "a space is missing before a parenthesis",
    r"[{]%|%[}]|[{]{2}|[}]{2}": "something of the template was left",
}
"""What no text may contain, and what it would mean."""


class _Reader(HTMLParser):
    """Reads HTML into lines."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self._kept = {*_BLOCKS, ""} if whole else _PROSE
        self.lines: list[str] = []
        self._words = ""
        self._hidden = ""
        self._in = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "pre":
            self._hidden = tag
        elif given.get("role") == "math":
            self._words += f"{{{given['aria-label']}}}"
            self._hidden = tag
        elif tag == "img":
            alt = given.get("alt") or ""
            self._words += f"{{{alt}}}" if given.get("class") == "formula" else f"[{alt}]"
        elif tag == "br" or tag in _CELLS:
            self._words += " / " if tag == "br" else " | "
        elif tag in _BLOCKS:
            # A line in a cell of a table stays in its row.
            if self._in == "tr" and tag == "div":
                self._words += " / "
            else:
                self._end()
                self._in = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        elif tag in _BLOCKS and not (self._in == "tr" and tag == "div"):
            self._end()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words += data

    def close(self) -> None:
        super().close()
        self._end()

    def _end(self) -> None:
        words = re.sub(r"\s+", " ", self._words).strip().removeprefix("| ")
        if self._in not in self._kept:
            words = ""
        if words and self._in in ("h1", "h2", "h3"):
            self.lines += ["", f"{'#' * int(self._in[1])} {words}"]
        elif words and self._in == "tr":
            self.lines.append(f"| {words}")
        elif words:
            self.lines += ["", *_SENTENCE.sub("\n", words).splitlines()]
        self._words = self._in = ""
