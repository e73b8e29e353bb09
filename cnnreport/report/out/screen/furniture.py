"""What a page gains that is read in a browser: navigation, tables that scroll, code that folds."""

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from cnnreport.errors import UsageError
from cnnreport.report.out.screen import colours, origins
from cnnreport.report.page.report import PAGE, ComposedSection, Document, Report

_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
_TABLE = re.compile(r'<table\b(?! class="facts").*?</table>', re.DOTALL)
_LABEL = re.compile(r'<span class="label">(.*?)\.?</span>', re.DOTALL)
_LISTING = re.compile(r'<p class="listing-caption">(.*?)</p>\s*(<pre.*?</pre>)', re.DOTALL)
_BODY = re.compile(r"<body[^>]*>")


def furnished(report: Report, name: str) -> str:
    """Return the page of a document as a browser is to show it; without its script everything can be read.

    Args:
        report: What was composed.
        name: Of the document.

    Raises:
        UsageError: The page lacks an end of its head, a body or a main element.
    """
    page = report.page_as(name, PAGE)
    for needed in ("</head>", "<body", "<main>", "</body>"):
        if needed not in page:
            raise UsageError(f"the page has no {needed}", "restore it in the template page.html.j2")
    head = f"{_VIEWPORT}\n<style>{report.screen_style}</style>\n</head>"
    foot = f"{origins.script(origins.of(report, page))}\n<script>{report.screen_script}</script>\n</body>"
    page = _LISTING.sub(_folding, _TABLE.sub(_scrolling, page))
    page = page.replace("</head>", head, 1).replace("<main>", '<main id="content">', 1)
    page = page.replace("</body>", foot, 1)
    around = _around(report, report.document(name))
    return colours.with_dark(_BODY.sub(lambda body: f"{body.group()}\n{around}", page, count=1))


def _around(report: Report, document: Document) -> Markup:
    """Return what stands before the page: a link that skips it, and the way to every section."""
    parts = [_chapter(part.id, part.title, part.sections) for part in document.parts]
    if document.appendix:
        parts.append(_chapter("appendix", "Appendix: origins", document.appendix))
    others = [other for other in report.documents if other is not document]
    return Markup(
        '<a class="skip" href="#content">Skip to the text</a>\n'
        '<nav class="ways" aria-label="Sections"><details open><summary>Contents</summary>\n'
        "{}{}</details></nav>"
    ).format(Markup("").join(parts), Markup("").join(map(_other, others)))


def _chapter(anchor: str, title: str, sections: Sequence[ComposedSection]) -> Markup:
    lines: Iterable[Markup] = (
        Markup('<li><a href="#{}">{}</a></li>\n').format(section.id, section.title) for section in sections
    )
    return Markup('<p><a href="#{}">{}</a></p>\n<ul>\n{}</ul>\n').format(
        anchor, title, Markup("").join(lines)
    )


def _other(document: Document) -> Markup:
    name = document.name[:1].upper() + document.name[1:]
    return Markup('<p class="other"><a href="{}">{}</a></p>\n').format(document.file, name)


def _scrolling(table: re.Match[str]) -> str:
    label = _LABEL.search(table.group())
    name = label.group(1) if label else "Table"
    return f'<div class="scroll" role="group" tabindex="0" aria-label="{name}">{table.group()}</div>'


def _folding(listing: re.Match[str]) -> str:
    caption, code = listing.groups()
    return f'<details open><summary class="listing-caption">{caption}</summary>\n{code}</details>'
