"""The checker of printed pages finds what it is there for, on pages that are made to have it."""

from pathlib import Path

import pytest
from check_layout import findings, fullness, lay_out, look_at

from cnnreport.report.out import pdf

STYLE = "@page{size:A4;margin:27mm 33mm 29mm} body{margin:0;font:10pt sans-serif} p,h2,figure{margin:0}"
LINE = '<p style="height:5mm">Some text.</p>'


def page(body: str) -> str:
    """A page of the paper that reports are printed on."""
    return f'<html lang="en"><head><title>T</title><style>{STYLE}</style></head><body>{body}</body></html>'


def found(body: str) -> list[tuple[int, str]]:
    """What is found on such a page."""
    return findings(lay_out(page(body)))


def test_pages_that_are_as_they_should_be_have_no_findings() -> None:
    """Full pages, and a figure that is mentioned on its page."""
    figure = '<figure id="f"><figcaption>A caption.</figcaption></figure><p><a href="#f">Figure</a></p>'
    assert found(LINE * 60 + figure) == []


def test_a_page_that_is_not_full_is_found_unless_a_part_ends_with_it() -> None:
    """So many per cent, counted to the lowest thing on it."""
    broken = '<p style="break-before:page">Next.</p>'
    assert found(LINE * 20 + broken) == [(1, "only 41% full")]
    assert found(LINE * 20 + '<h1 style="break-before:page">Part</h1>') == []
    assert fullness(lay_out(page(LINE * 20 + broken)))[0] == pytest.approx(100 / 241, abs=0.01)


def test_a_hole_is_found() -> None:
    """Its height and its place."""
    assert found(LINE * 10 + '<div style="height:30mm"></div>' + LINE * 30) == [
        (1, "a hole of 31 mm, 76 mm from the top")
    ]


@pytest.mark.parametrize(
    ("alone", "what"),
    [
        ("<h2>Heading</h2>", "h2"),
        ('<p class="listing-caption">Caption</p>', "listing-caption"),
    ],
)
def test_a_heading_or_caption_alone_at_the_end_is_found(alone: str, what: str) -> None:
    """What it belongs to stands on the next page."""
    body = LINE * 46 + alone + '<div style="break-before:page"></div>' + LINE * 40
    assert (1, f"ends with a {what} alone") in found(body)


def test_a_line_alone_is_found() -> None:
    """The first line of a paragraph at a page's end, and the last one at a page's beginning."""
    long = "<p style='orphans:1;widows:1;height:auto;line-height:5mm'>{}</p>".format("<br>".join("abc"))
    assert (1, "ends with the first line of a paragraph") in found(LINE * 47 + long + LINE * 40)
    assert (2, "begins with the last line of a paragraph") in found(LINE * 46 + long + LINE * 40)


def test_what_reaches_into_the_margin_is_found() -> None:
    """By how much, and in what."""
    wide = '<figure id="f"><img style="width:150mm;height:9mm" alt="a" src="data:image/svg+xml,&lt;svg xmlns=\'http://www.w3.org/2000/svg\' width=\'9\' height=\'9\'/&gt;"></figure><a href="#f">f</a>'  # noqa: E501
    assert (1, "figure reaches 6.0 mm into the margin") in found(wide + LINE * 40)


def test_a_line_that_ends_early_is_found() -> None:
    """Where another follows it and the text is justified."""
    text = f"<p style='text-align:justify'>A syl-<br>lable, {'and text that goes on ' * 9}</p>{LINE * 40}"
    assert found(text) == [(1, "a line of a paragraph ends 136 mm early")]
    assert found(text.replace("justify", "left")) == []


def test_a_long_caption_and_a_far_figure_are_found() -> None:
    """More than three lines; more than a page from the nearest mention, or no mention at all."""
    caption = "<figcaption>{}</figcaption>".format("<br>".join("abcd"))
    body = f'<a href="#f">f</a>{LINE * 120}<figure id="f">{caption}</figure><figure id="g">g</figure>'
    said = [text for _, text in found(body)]
    assert "a caption of 4 lines" in said
    assert "f is 2 pages from the nearest mention of it" in said
    assert "g is mentioned nowhere" in said


@pytest.mark.slow
def test_of_a_pdf_the_ink_is_known(tmp_path: Path) -> None:
    """A page that is not full, and ink in the margin."""
    file = tmp_path / "page.pdf"
    out = '<div style="background:#000;width:160mm;height:9mm"></div>'
    file.write_bytes(pdf.render(page(out + LINE * 10)))
    said = [text for _, text in look_at(file)]
    assert any("ink reaches 16 mm" in text or "ink reaches 15 mm" in text for text in said)
    assert any(text.startswith("only ") for text in said)
