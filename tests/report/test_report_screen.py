"""The page for a browser: one small file that needs nothing else, and can be read without its script."""

import base64
import html as entities
import io
import json
import re
from contextvars import Context
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from fake_runs import MakeRun, write_run
from fontTools.ttLib import TTFont
from PIL import Image

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.draw import fonts, thumbnails
from cnnreport.report.out import html
from cnnreport.report.out.screen import colours, furniture, pictures, typefaces
from cnnreport.report.page import compose, outline
from cnnreport.report.page.report import Report
from cnnreport.system import durable


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report of two seeds of one training, with its supplement."""
    build = tmp_path_factory.mktemp("screen") / "build"
    project = Project(PACKAGE.parent, build)
    runs = {"pool-upsample": [write_run(build / "runs", seed) for seed in range(2)]}
    return compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context())


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    """Its write-up, furnished for a browser."""
    return html.read(report, "write-up")


@pytest.fixture(scope="module")
def file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of its write-up."""
    made = tmp_path_factory.mktemp("page") / "a2-writeup.html"
    html.write(page, made)
    return made


@pytest.mark.slow
def test_the_page_stands_alone(project: Project, make_run: MakeRun, tmp_path: Path) -> None:
    """Pictures and typefaces are in it, and no address leads elsewhere."""
    loaded = replace(outline.load(project, "a2-writeup"), supplement=None)
    made = compose.compose(project, loaded, {"pool-upsample": [make_run()]}, compose.Context())
    written = tmp_path / "page.html"
    digest = html.write(html.read(made, "write-up"), written)
    text = written.read_text()
    assert digest == durable.sha256(text.encode())
    assert text.count("@font-face{") == text.count("data:font/woff2;base64,d09GM") == len(fonts.faces()) == 11
    elements = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    addresses = re.findall(r'\b(?:src|href)="([^"]*)"|url\(([^)]*)\)', elements)
    assert len(addresses) > 30
    assert all(re.match("data:|#", one or other) for one, other in addresses)


@pytest.mark.slow
def test_the_same_report_gives_the_same_bytes(report: Report, file: Path, tmp_path: Path) -> None:
    """Nothing of the moment is in the file, nor of what was written before."""
    for function in (fonts._cut, pictures._pixels, pictures._drawing):
        function.cache_clear()
    again = tmp_path / "again.html"
    # In a context of its own, in which no drawing is kept.
    html.write(Context().run(html.read, report, "write-up"), again)
    assert again.read_bytes() == file.read_bytes()


def test_magnified_pixels_are_kept_at_their_own_size() -> None:
    """What is drawn six times as large is the same picture, in a WebP a sixth as wide, drawn at its size."""
    strip = thumbnails.strip(noise(3, 32), "Three horses.", ())
    kept = pictures.lightened(_tag(strip.content, "png"))
    with Image.open(io.BytesIO(strip.content)) as drawn, Image.open(io.BytesIO(_content(kept))) as small:
        assert small.format == "WEBP"
        assert (small.width * 6, small.height * 6) == drawn.size
        assert np.array_equal(
            np.asarray(small.resize(drawn.size, Image.Resampling.NEAREST)), np.asarray(drawn)
        )
        assert f'class="pixels" width="{drawn.width}" height="{drawn.height}"' in kept


def test_pictures_in_a_drawing_keep_their_pixels() -> None:
    """They become WebP files in it, each with the pixels that it had."""
    images = np.arange(2 * 32 * 32 * 3, dtype=np.uint32).reshape(2, 32, 32, 3).astype(np.uint8)
    scene = thumbnails.captioned(images, [thumbnails.Caption("a"), thumbnails.Caption("b")], "Two.", ())
    address = re.findall(r' src="([^"]*)"', pictures.lightened(_tag(scene.content, "svg+xml")))[0]
    inner = re.findall(r"data:image/webp;base64,([^']*)", unquote(address.partition(",")[2]))
    for content, pixels in zip(inner, images, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(content))) as small:
            assert np.array_equal(np.asarray(small), pixels)


def test_a_picture_of_single_pixels_loses_none() -> None:
    """A picture that was not magnified has the same pixels, those of transparent parts included."""
    pixels = np.random.default_rng(0).integers(0, 255, (37, 41, 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    kept = pictures.lightened(_tag(buffer.getvalue(), "png"))
    with Image.open(io.BytesIO(_content(kept))) as small:
        assert np.array_equal(np.asarray(small.convert("RGBA")), pixels)
    assert "class=" not in kept


def test_a_drawing_is_the_same_as_text() -> None:
    """An SVG keeps its elements and words; its paths lose what is finer than a hundredth of a point."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg"><path d="M 1.23456 -0.5\nL .0049 100.999" fill="#fff"/>'
        '<text>50 % of "these" &amp; <tspan>those</tspan></text></svg>'
    )
    kept = pictures.lightened(_tag(svg.encode(), "svg+xml"))
    address = re.findall(r' src="data:image/svg\+xml,([^"]*)"', kept)[0]
    assert not set(address) & set('"<>#&\n')
    shown = unquote(address).replace("'", '"')
    assert shown == svg.replace("1.23456 -0.5\nL .0049 100.999", "1.23 -0.5 L 0 101")
    assert "class=" not in kept


def test_a_drawing_that_shows_pictures_is_known() -> None:
    """It is to stay as it is on a dark screen."""
    scene = thumbnails.captioned(noise(1, 8), [thumbnails.Caption("stop")], "A sign.", ())
    assert '<img alt="x" class="photo" src="data:' in pictures.lightened(_tag(scene.content, "svg+xml"))
    classed = _tag(scene.content, "svg+xml").replace("<img", '<img class="plot"')
    assert '<img class="photo plot" alt="x" src="data:' in pictures.lightened(classed)


@pytest.mark.slow
def test_the_typefaces_have_every_character_that_the_page_has(page: str) -> None:
    """What a full typeface can show of the page, its cut can show as well, in a tenth of the bytes."""
    text = set(entities.unescape(re.sub(r"data:[^\"')]*", "", page)))
    rules = typefaces.rules(page)
    cuts = [base64.b64decode(content) for content in re.findall(r"base64,([^)]*)\)", rules)]
    for face, cut in zip(fonts.faces(), cuts, strict=True):
        full, small = set(TTFont(face.file).getBestCmap()), set(TTFont(io.BytesIO(cut)).getBestCmap())
        assert {sign for sign in map(ord, text) if sign in full} <= small
    assert len(rules) < sum(face.file.stat().st_size for face in fonts.faces()) / 10


@pytest.mark.parametrize(
    "colour", ["1c1c1c", "5a5f66", "0b3d6b", "8a4300", "5f6368", "7a3e00", "8a1c4a", "333"]
)
def test_what_can_be_read_on_white_can_be_read_in_the_dark(colour: str) -> None:
    """The counterpart of a dark letter has a contrast of 4.5 and more to that of white (WCAG 2.2, 1.4.3)."""
    letters, ground = (_luminance(colours.dark(each)) for each in (colour, "fff"))
    assert (letters + 0.05) / (ground + 0.05) >= 4.5


def test_colours_have_a_dark_side_and_nothing_else_changes() -> None:
    """Every colour of a declaration becomes a variable with both of its values; selectors and text stay."""
    before = "<style>#abc p:hover { color: #fff; border: 1px solid #0B3D6B }</style></head><p>Issue #123;</p>"
    after = colours.with_dark(before)
    sheet, rules, rest = after.split("<style>")[1], after.split("<style>")[2], after.partition("</head>")[2]
    assert "#abc p:hover { color: var(--cfff); border: 1px solid var(--c0b3d6b) }" in sheet
    assert ":root{--c0b3d6b:#0b3d6b;--cfff:#fff;}" in rules
    assert f"--cfff:light-dark(#fff,{colours.dark('fff')});" in rules
    assert rest == "<p>Issue #123;</p>"


def test_each_number_knows_its_runs_and_seeds(report: Report, page: str) -> None:
    """Once in the page: for each number what it is, its value for each seed, its runs with their address."""
    kept = json.loads(re.findall(r'id="origins">(.*?)</script>', page)[0])
    linked = set(re.findall(r'class="number" href="a2-supplement.html#(number-\d+)"', page))
    assert len(linked) > 10
    assert set(kept["numbers"]) == linked
    quoted = [
        (origin, entry)
        for origin in report.ledger.origins
        for entry in origin.entries
        if entry.anchor in linked
    ]
    for origin, entry in quoted:
        place, meaning, text, values, field = kept["numbers"][entry.anchor]
        quantity = entry.quantity
        assert (meaning, text, field) == (quantity.meaning, quantity.text, quantity.source.field)
        several = len(quantity.values) > 1
        assert dict(values) == (
            {str(s): quantity.show(v) for s, v in quantity.values.items()} if several else {}
        )
        experiments, runs, source = kept["origins"][place]
        assert source == origin.file
        assert [href for _, href in runs] == [
            f"a2-supplement.html#run-{n + 1}" for n in range(len(origin.runs))
        ]
        assert experiments == ("pool-upsample" if origin.runs else "")


def test_the_ways_lead_to_every_section(report: Report, page: str) -> None:
    """The navigation names all parts and sections in order, as plain links, and the supplement."""
    around = page.partition('<nav class="ways"')[2].partition("</nav>")[0]
    document = report.document("write-up")
    ids = [anchor for part in document.parts for anchor in (part.id, *(s.id for s in part.sections))]
    assert re.findall(r'href="([^"]*)"', around) == [*(f"#{anchor}" for anchor in ids), "a2-supplement.html"]
    assert all(f' id="{anchor}"' in page for anchor in [*ids, "content"])


def test_without_its_script_the_page_shows_all(page: str) -> None:
    """Nothing is hidden or inert until a script runs: what folds is open, buttons are the script's."""
    body = re.sub(r"<script.*?</script>", "", page.partition("<body")[2], flags=re.DOTALL)
    assert body.count("<details") == body.count("<details open>") > 1
    assert "<button" not in body
    assert "hidden" not in re.sub(r">[^<]*<", "><", body)


def test_every_table_scrolls_by_itself(report: Report) -> None:
    """A wide table does not widen the page: it is in an element that scrolls, named after it."""
    page = furniture.furnished(report, "supplement")
    tables = re.findall(r'<div class="scroll" role="group" tabindex="0" aria-label="([^"]*)"><table', page)
    assert len(tables) == page.count("<table") - page.count('<table class="facts"') > 2
    assert tables[0] == "Table S1"


@pytest.mark.parametrize("needed", ["</head>", "<main>", "</body>"])
def test_a_template_without_what_the_page_needs_is_named(report: Report, needed: str) -> None:
    """A project's own page may look otherwise, but has a head, a body and a main element."""
    document = report.document("write-up")
    broken = replace(report, documents=(replace(document, page=document.page.replace(needed, "")),))
    with pytest.raises(UsageError, match=f"the page has no {needed}; restore it"):
        furniture.furnished(broken, "write-up")


def test_every_family_has_its_faces() -> None:
    """What the style sheet asks for is there: both weights and italics, told apart as CSS does."""
    found = {(face.family, face.weight, face.italic) for face in fonts.faces()}
    names = fonts.Families()
    upright = {
        (family, weight, False) for family in (names.serif, names.sans, names.mono) for weight in (400, 600)
    }
    assert upright | {(names.serif, 400, True), (names.sans, 400, True), (names.mono, 400, True)} <= found


def noise(count: int, side: int) -> thumbnails.Pixels:
    """Images no two of whose pixels are alike."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def _tag(content: bytes, kind: str) -> str:
    return f'<img alt="x" src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'


def _content(tag: str) -> bytes:
    return base64.b64decode(re.findall(r";base64,([^\"]*)", tag)[0])


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2, of ``#rrggbb`` or its parts."""
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
