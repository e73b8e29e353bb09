"""The PDF: what it is made of, that it is the same each time, and what stops it."""

import io
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pypdf
import pytest
from fake_runs import write_run
from fontTools.subset import Subsetter

from cnnreport.errors import EnvironmentFailure, VerificationError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.draw import fonts, maths
from cnnreport.report.out import libraries, pdf
from cnnreport.report.page import compose, listing, outline

PAGE = (
    '<html lang="en"><head><title>T</title><style>{css}</style></head><body><p>Text</p>{body}</body></html>'
)


@pytest.fixture(scope="module")
def report_html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The write-up from three fake runs."""
    folder = tmp_path_factory.mktemp("pdf")
    runs = [write_run(folder, seed) for seed in range(3)]
    project = Project(PACKAGE.parent, folder)
    loaded = replace(outline.load(project, "a2-writeup"), supplement=None)
    return compose.compose(project, loaded, {"pool-upsample": runs}, compose.Context()).documents[0].page


@pytest.fixture(scope="module")
def report(report_html: str) -> pypdf.PdfReader:
    """The PDF of it."""
    return pypdf.PdfReader(io.BytesIO(pdf.render(report_html)))


@pytest.mark.slow
def test_the_outline_has_every_heading(report: pypdf.PdfReader) -> None:
    """Parts, sections and the appendix are bookmarks."""
    assert str(report.outline).count("'/Title'") >= 10
    titles = re.findall(r"'/Title': '([^']+)'", str(report.outline))
    assert {"Part A: Pooling and upsampling", "A2. Training and results", "Provenance"} <= set(titles)


@pytest.mark.slow
def test_title_language_and_dates_come_from_the_report(report: pypdf.PdfReader) -> None:
    """The metadata name the report; its date is that of the last run, not of today."""
    assert report.metadata is not None
    assert report.metadata.title == "Convolutional networks for colourization and segmentation"
    assert report.metadata["/CreationDate"].startswith("D:20261121081200")
    assert report.trailer["/Root"]["/Lang"] == "en-GB"


@pytest.mark.slow
def test_it_is_tagged_and_every_figure_has_words(report: pypdf.PdfReader, report_html: str) -> None:
    """A screen reader finds a structure, and a description in each figure and formula."""
    root = report.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    figures = [e for e in elements(root["/StructTreeRoot"]) if e.get("/S") == "/Figure"]
    assert len(figures) == len(re.findall(r'<img\b[^>]* alt="[^"]', report_html)) > 0
    assert all(figure.get("/Alt") for figure in figures)


def elements(above: pypdf.generic.DictionaryObject) -> Iterator[pypdf.generic.DictionaryObject]:
    """Every element below one in the PDF's structure."""
    below = above.get("/K", [])
    for entry in below if isinstance(below, list) else [below]:
        element = entry.get_object()
        if isinstance(element, pypdf.generic.DictionaryObject):
            yield element
            yield from elements(element)


@pytest.mark.slow
def test_only_the_bundled_fonts_are_embedded(report: pypdf.PdfReader) -> None:
    """No font of the machine finds its way into the PDF."""
    names = {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in report.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert names
    assert all(n.startswith(("Source-Serif-Pro", "Source-Sans-Pro", "IBM-Plex-Mono")) for n in names)


@pytest.mark.slow
def test_pages_are_numbered_and_headed(report: pypdf.PdfReader) -> None:
    """Each page says which of how many it is, and all but the cover what they are about."""
    count = len(report.pages)
    for number, page in enumerate(report.pages, 1):
        assert f"{number} of {count}" in page.extract_text()
    assert "Part A: Pooling and upsampling" in report.pages[1].extract_text()


@pytest.mark.slow
def test_the_same_page_gives_the_same_bytes(report_html: str) -> None:
    """Nothing of the day, the process or the order of a set gets into the PDF."""
    small = PAGE.format(css="", body=f"<pre><code>{listing.python('x = 1')}</code></pre>")
    assert pdf.render(small) == pdf.render(small)
    code = RENDER
    elsewhere = run_python(code, report_html, PYTHONHASHSEED="7")
    assert elsewhere.stdout == pdf.render(report_html)


@pytest.mark.slow
def test_it_works_where_fontconfig_knows_nothing(tmp_path: Path) -> None:
    """A machine without fonts and without a configuration gives the same PDF, and no complaint."""
    nothing = tmp_path / "fonts.conf"
    nothing.write_text('<?xml version="1.0"?><fontconfig/>')
    code = RENDER
    html = PAGE.format(css='p { font-family: "Source Serif Pro" }', body="")
    made = run_python(code, html, FONTCONFIG_FILE=str(nothing), HOME=str(tmp_path))
    assert made.stderr == b""
    assert made.stdout == pdf.render(html)


RENDER = (
    "import sys; from cnnreport.report.out import pdf; sys.stdout.buffer.write(pdf.render(sys.stdin.read()))"
)


def run_python(code: str, given: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run some code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], input=given.encode(), capture_output=True, check=True,
        env={**os.environ, **environment}, cwd=PACKAGE.parent,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("css", "body", "complaint"),
    [
        ("p { colour: red }", "", "colour"),
        ("", '<img src="http://localhost/x.png" alt="x">', "http://localhost/x.png"),
        ("", '<img src="file:///etc/hostname" alt="x">', "file:///etc/hostname"),
        ("", '<a href="#nowhere">x</a>', "nowhere"),
        ("", "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>\">", "alt"),
    ],
)
def test_a_warning_stops_it_and_nothing_is_written(
    tmp_path: Path, css: str, body: str, complaint: str
) -> None:
    """What WeasyPrint complains about is named, and no half-good file is left."""
    target = tmp_path / "r.pdf"
    with pytest.raises(VerificationError, match=complaint):
        pdf.write(PAGE.format(css=css, body=body), target)
    assert list(tmp_path.iterdir()) == []


def test_missing_libraries_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Pango is told what to install."""
    without(monkeypatch, "libpango-1.0.so.0")
    with pytest.raises(EnvironmentFailure, match=r"without Pango; on Debian .* libpango-1.0-0"):
        pdf.require()


def without(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """Have a library not be there."""
    real = libraries.load
    monkeypatch.setattr(libraries, "load", lambda names: None if file in names else real(names))


def test_harfbuzz_subset_is_no_requirement(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without it makes PDFs, with fontTools."""
    without(monkeypatch, "libharfbuzz-subset.so.0")
    pdf.require()
    assert libraries.subsetter() == "fontTools"


@pytest.mark.parametrize(
    ("new_enough", "there", "expected"),
    [(1, True, "HarfBuzz-Subset"), (0, True, "fontTools"), (1, False, "fontTools")],
)
def test_the_subsetter_is_named_as_weasyprint_chooses_it(
    monkeypatch: pytest.MonkeyPatch, new_enough: int, there: bool, expected: str
) -> None:
    """HarfBuzz-Subset where it is there and HarfBuzz is not too old for it."""
    harfbuzz = SimpleNamespace(hb_version_atleast=lambda *_: new_enough)
    monkeypatch.setattr(libraries, "load", lambda names: harfbuzz if there or "harfbuzz" in names else None)
    assert libraries.subsetter() == expected


@pytest.mark.slow
def test_the_subsetter_that_is_named_is_the_one_that_is_used(report: pypdf.PdfReader) -> None:
    """What the appendix says of this machine is what WeasyPrint found on it."""
    from weasyprint.text import ffi

    assert (libraries.subsetter() == "fontTools") == (ffi.harfbuzz_subset is None)


@pytest.fixture
def fonttools(report: pypdf.PdfReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without HarfBuzz-Subset; WeasyPrint is imported already."""
    import weasyprint.pdf.fonts

    monkeypatch.setattr(weasyprint.pdf.fonts, "harfbuzz_subset", None)
    without(monkeypatch, "libharfbuzz-subset.so.0")


@pytest.mark.slow
def test_without_harfbuzz_subset_the_same_page_gives_the_same_bytes(
    fonttools: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line about fontTools stops nothing, and the typefaces do not bear the time of day."""
    html = PAGE.format(css='p { font-family: "Source Serif Pro" }', body="")
    made = []
    for now in (1e9, 2e9):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        made.append(pdf.render(html))
    assert made[0] == made[1]
    assert "SOURCE_DATE_EPOCH" not in os.environ


@pytest.mark.slow
@pytest.mark.parametrize(
    ("logger", "line"),
    [
        ("weasyprint", 'Unable to subset "Source Serif Pro" with fontTools'),
        ("fontTools.subset", "the table is damaged"),
    ],
)
def test_without_harfbuzz_subset_any_other_line_stops_it(
    fonttools: None, monkeypatch: pytest.MonkeyPatch, logger: str, line: str
) -> None:
    """Only the one line is expected; what else WeasyPrint or fontTools say is an error."""
    real = Subsetter.subset

    def complaining(subsetter: Subsetter, font: object) -> None:
        logging.getLogger(logger).warning(line)
        real(subsetter, font)

    monkeypatch.setattr(Subsetter, "subset", complaining)
    with pytest.raises(VerificationError, match=line):
        pdf.render(PAGE.format(css="", body=""))


@pytest.mark.slow
def test_fonttools_in_place_of_a_harfbuzz_subset_that_is_there_stops_it(
    fonttools: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The appendix would name the wrong one."""
    monkeypatch.setattr(libraries, "subsetter", lambda: "HarfBuzz-Subset")
    with pytest.raises(VerificationError, match="Using fontTools instead of HarfBuzz-Subset"):
        pdf.render(PAGE.format(css="", body=""))


def test_looking_for_libraries_needs_no_weasyprint() -> None:
    """The check is cheap and works where the import would fail."""
    code = (
        "import sys; from cnnreport.report.out import pdf; pdf.require(); print('weasyprint' in sys.modules)"
    )
    assert run_python(code, "").stdout == b"False\n"


def test_a_missing_font_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A font that is not installed is named with the command that installs it."""
    monkeypatch.setattr(fonts, "FILES", {"Nothing": ("fontpkg_nothing", ("Nothing.ttf",))})
    with pytest.raises(EnvironmentFailure, match="run: pip install fontpkg-nothing"):
        fonts.faces()


def test_the_report_half_needs_no_torch() -> None:
    """A report is rebuilt where torch is not installed."""
    code = (
        "import sys; sys.modules.update(torch=None, sympy=None); "
        "from cnnreport.report.page import compose; from cnnreport.report.out import pdf; "
        "from cnnreport.report.draw import figure, maths; print('ok')"
    )
    assert run_python(code, "").stdout == b"ok\n"


def test_a_formula_sits_on_the_baseline() -> None:
    """A letter with a descender reaches below the line, one without does not, and both have words."""
    assert maths.typeset("y", "y").depth > maths.typeset("x", "x").depth + 0.1
    assert abs(maths.typeset("x", "x").depth) < 0.1


def test_a_formula_without_words_is_refused() -> None:
    """Who cannot see a formula must be able to hear it."""
    with pytest.raises(Exception, match="has no alt text"):
        maths.typeset("x", " ")


BESIDE = {
    "a link": "It fell by <a>0.026</a> from the rest.",
    "a formula": 'It fell by <svg width="34" height="8"></svg> from the rest.',
    "a break": "It fell by <br>0.026 from the rest.",
    "its own end": "It fell by </em>0.026 from the rest.",
}
"""Before what a text ends with a space."""


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_a_line_that_fits_but_for_its_last_space_is_not_divided_after_its_first_syllable(beside: str) -> None:
    """As a line was that ended before a number, in columns of one width in fifty."""
    css = "p { hyphens: auto; text-align: justify; font: 10.5pt Source Serif Pro }"
    widths = [60 + 0.4 * step for step in range(50)]
    text = f'<p style="width: {{}}mm"><em>possible causes were not tested. {beside}</p>'
    page = PAGE.format(css=css, body="".join(map(text.format, widths)))
    pages = pypdf.PdfReader(io.BytesIO(pdf.render(page))).pages
    first = [line.split() for each in pages for line in each.extract_text().splitlines() if "pos" in line]
    assert len(first) == len(widths)
    assert {line[0] for line in first} == {"possible"}
    assert {line[-1] for line in first} >= {"fell", "by"}
