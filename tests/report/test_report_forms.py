"""Drawings in a PDF: drawn once, and the same wherever they come from."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image

from cnnreport.errors import VerificationError
from cnnreport.report.out import forms, pdf
from cnnreport.report.out.writer import drawings_of


def grey(width: int, height: int) -> str:
    """The address of a grey picture."""
    buffer = io.BytesIO()
    Image.new("L", (width, height), 128).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def drawing(more: str = "", width: str = "200") -> str:
    """A drawing of one triangle, half transparent, and a picture."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="75pt" viewBox="0 0 20 10">'
        f'<image width="5" height="5" href="{grey(40, 40)}"/>'
        f'<path d="M 2 1 L 6 1 L 6 4 Z" fill="#ff0000" opacity="0.5"/>{more}</svg>'
    )


def page(*drawings: str, more: str = "") -> str:
    """A page with drawings on it."""
    images = "".join(
        f'<p><img alt="d" src="data:image/svg+xml;base64,{base64.b64encode(each.encode()).decode()}"></p>'
        for each in drawings
    )
    return f'<html lang="en"><head><title>T</title></head><body>{images}{more}</body></html>'


def read(content: bytes) -> pypdf.PdfReader:
    """A PDF that was printed."""
    return pypdf.PdfReader(io.BytesIO(content))


def painted(content: bytes) -> list[tuple[str, list[float]]]:
    """Where its first page begins paths, and its pictures' corners, in points; forms are looked into."""
    found: list[tuple[str, list[float]]] = []
    reader = read(content)
    first = reader.pages[0]
    _follow(reader, first.get_contents(), first["/Resources"], (1, 0, 0, 1, 0, 0), found)
    return found


Matrix = tuple[float, ...]


def _follow(
    reader: pypdf.PdfReader, stream: Any, resources: Any, matrix: Matrix, found: list[tuple[str, list[float]]]
) -> None:
    above: list[Matrix] = []
    operations = pypdf.generic.ContentStream(stream, reader).operations
    for operands, operator in operations:
        if operator == b"q":
            above.append(matrix)
        elif operator == b"Q":
            matrix = above.pop()
        elif operator == b"cm":
            matrix = _times([float(each) for each in operands], matrix)
        elif operator == b"m":
            found.append(("path", _moved(float(operands[0]), float(operands[1]), matrix)))
        elif operator == b"Do":
            below = resources["/XObject"][operands[0]]
            if below["/Subtype"] == "/Image":
                found.append(("picture", [*_moved(0, 0, matrix), *_moved(1, 1, matrix)]))
            else:
                inner = _times([float(each) for each in below.get("/Matrix", (1, 0, 0, 1, 0, 0))], matrix)
                _follow(reader, below, below["/Resources"], inner, found)


def _times(one: Any, two: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = two
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def _moved(x: float, y: float, matrix: Matrix) -> list[float]:
    a, b, c, d, e, f = matrix
    return [a * x + c * y + e, b * x + d * y + f]


@pytest.fixture
def unaided(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], bytes]:
    """Prints a page of which WeasyPrint draws the drawings where they stand."""

    def render(html: str) -> bytes:
        with monkeypatch.context() as patch:
            patch.setattr(forms, "set_aside", lambda given: (given, []))
            return pdf.render(html)

    return render


def test_a_drawing_lies_where_it_would_without(unaided: Callable[[str], bytes]) -> None:
    """Paths and pictures are where WeasyPrint would have drawn them, to a thousandth of a point."""
    html = page(drawing(), drawing(width="333.333px"))
    kept, drawn = painted(pdf.render(html)), painted(unaided(html))
    assert [kind for kind, _ in kept] == [kind for kind, _ in drawn]
    assert {kind for kind, _ in drawn} == {"picture", "path"}
    for (_, places), (_, expected) in zip(kept, drawn, strict=True):
        assert places == pytest.approx(expected, abs=1e-3)


def test_the_second_print_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes around a drawing leaves it, and the bytes are those of a print that drew it."""
    file = tmp_path / "a.pdf"
    pdf.write(page(drawing()), file)
    edited = page(drawing(), more="<p>More</p>")
    expected = pdf.render(edited)
    monkeypatch.setattr(forms, "sheet", lambda svg: pytest.fail("it was drawn again"))
    pdf.write(edited, file)
    assert file.read_bytes() == expected


def test_a_drawing_that_changed_is_drawn(tmp_path: Path) -> None:
    """Its width on the page is the new one."""
    file = tmp_path / "a.pdf"
    pdf.write(page(drawing()), file)
    pdf.write(page(drawing(width="100")), file)
    assert file.read_bytes() == pdf.render(page(drawing(width="100")))


def test_what_is_damaged_is_drawn_again(tmp_path: Path) -> None:
    """Kept drawings of which a byte is another are as good as none."""
    file = tmp_path / "a.pdf"
    pdf.write(page(drawing()), file)
    kept = drawings_of(file)
    kept.write_bytes(kept.read_bytes().replace(b"A", b"B", 1))
    pdf.write(page(drawing()), file)
    assert file.read_bytes() == pdf.render(page(drawing()))


def test_a_picture_of_two_drawings_is_in_the_file_once() -> None:
    """Two drawings do not double what they share."""
    assert pdf.render(page(drawing(), drawing("<g/>"))).count(b"/Subtype /Image") == 1


def test_a_drawing_that_is_shown_twice_is_in_the_file_once() -> None:
    """Both places refer to one form."""
    once, twice = (pdf.render(page(*[drawing()] * times)) for times in (1, 2))
    assert once.count(b"/Subtype /Form") == twice.count(b"/Subtype /Form") > 0


def test_a_drawing_with_letters_stays_text() -> None:
    """A typeface is cut down for a whole document: such a drawing is drawn where it stands."""
    html = page(drawing('<text x="1" y="9" font-size="2">Letters</text>'))
    assert "Letters" in read(pdf.render(html)).pages[0].extract_text()


def test_a_drawing_that_is_complained_about_is_not_kept(tmp_path: Path) -> None:
    """The second print complains as the first did."""
    html = page(drawing('<image href="http://localhost/x.png" width="1" height="1"/>'))
    for _ in range(2):
        with pytest.raises(VerificationError, match="localhost"):
            pdf.write(html, tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


def test_a_picture_that_looks_like_a_stand_in_stops_it() -> None:
    """No drawing takes the place of a picture."""
    html = page(drawing(), more=f'<img alt="g" src="{grey(1, 3)}">')
    with pytest.raises(VerificationError, match="3 pixels high"):
        pdf.render(html)
