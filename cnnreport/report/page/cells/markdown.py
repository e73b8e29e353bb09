"""A section's answer, as it was laid out for the page, in Markdown for a notebook."""

import html
import re
from html.parser import HTMLParser

_BLOCKS = {"p", "div", "li", "ul", "ol"}
_SIGNS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`"}
_TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
_KEPT = {"sup", "sub", *_TABLE}
"""Tags that Markdown has no sign for; Jupyter takes them as they are."""
_LEFT_OUT = {"figure", "pre", "svg", "style", "script", "caption"}
_VOID = {"img", "br", "hr", "wbr", "col"}
_SPECIAL = re.compile(r"([\\`*_$\[\]])")


def answer(section: str) -> str:
    """Return a section's answer in Markdown.

    It is the element of class ``answer``; where there is none, what stands before the first heading, figure,
    table or listing.

    Args:
        section: The HTML of the section.
    """
    marked = _Reader("answer")
    marked.feed(section)
    if text := marked.text():
        return text
    whole = _Reader(None)
    whole.feed(section)
    return whole.text()


class _Reader(HTMLParser):
    """Writes what it is fed as Markdown.

    Args:
        marked: The class of the element to take; None for what stands before the first heading or figure.
    """

    def __init__(self, marked: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self._marked = marked
        self._open: list[tuple[str, bool]] = []  # tags, and whether each is taken, or left out
        self._ended = False
        self._blocks: list[str] = []
        self._words = ""

    def text(self) -> str:
        """Return what was written."""
        self.close()
        self._end_block()
        return "\n\n".join(self._blocks)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        classes = (given.get("class") or "").split()
        # A listing begins with its caption.
        if self._marked is None and (tag in ("h3", "figure", "table", "pre") or "listing" in classes):
            self._ended = True
        if tag not in _VOID:
            chosen = self._marked is not None and self._marked in classes
            self._open.append((tag, self._taking or chosen))
        if self._taking:
            self._begin(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if self._taking and tag in (*_SIGNS, *_KEPT):
            self._sign(tag, closing=True)
        if self._taking and (tag in _BLOCKS or tag == "table") and not self._within(_TABLE - {"table"}):
            self._end_block()
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._taking or self._within(_LEFT_OUT):
            return
        words = re.sub(r"[ \t\r\n]+", " ", data)
        if self._within(_TABLE):
            words = html.escape(words, quote=False).replace("$", "&#36;")
        elif not self._within({"code"}):
            words = _SPECIAL.sub(r"\\\1", words).replace("<", "&lt;")
        self._words += words

    @property
    def _taking(self) -> bool:
        if self._marked is None:
            return not self._ended
        return bool(self._open) and self._open[-1][1]

    def _within(self, tags: set[str]) -> bool:
        return any(tag in tags for tag, _ in self._open)

    def _begin(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "img" and given.get("class") == "formula":
            self.handle_data(given.get("alt") or "")
        elif tag == "br":
            self._words += "<br>"
        elif (tag in _BLOCKS or tag == "table") and not self._within(_TABLE - {"table"}):
            self._end_block()
            self._words = "- " if tag == "li" else ""
        if tag in (*_SIGNS, *_KEPT):
            self._sign(tag, closing=False)

    def _sign(self, tag: str, *, closing: bool) -> None:
        if tag in _KEPT or self._within(_TABLE):
            self._words += f"</{tag}>" if closing else f"<{tag}>"
        else:
            self._words += _SIGNS[tag]

    def _end_block(self) -> None:
        words = re.sub(r" +", " ", self._words).strip()
        if words not in ("", "-"):
            self._blocks.append(words)
        self._words = ""
