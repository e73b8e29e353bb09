"""The page in a real browser, as wide as a screen and as narrow as a telephone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import MISSING, PROGRAM, Tab, browser
from fake_derivations import write_derivation
from fake_runs import write_run

from cnnreport.project import PACKAGE, Project
from cnnreport.report.out import html
from cnnreport.report.page import compose, outline

pytestmark = [
    pytest.mark.slow,  # a browser is started
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
]

AXE = PACKAGE.parent / ".tools" / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = 1280, 390
JUDGED = """axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 150)).join(" / ")}`))"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of a report with curves, pictures, tables, listings, formulas, and a supplement."""
    folder = tmp_path_factory.mktemp("browser")
    project = Project(PACKAGE.parent, folder / "build")
    root = folder / "build" / "runs"
    runs = {
        "pool-upsample": [write_run(root, seed) for seed in range(3)],
        "pool-upsample-formulas": [write_derivation(root)],
    }
    report = compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context())
    made = {document.name: folder / document.file for document in report.documents}
    for name, file in made.items():
        html.write(html.read(report, name), file)
    return made


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """A page of one browser."""
    with browser() as opened:
        yield opened


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ["write-up", "supplement"])
def test_the_page_opens_without_a_word(
    tab: Tab, files: dict[str, Path], name: str, width: int, theme: str
) -> None:
    """Nothing goes to the console, the page is as wide as the window, and axe finds nothing serious."""
    tab.said.clear()
    tab.open(files[name], width, theme=theme)
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("document.images.length > 0 && [...document.images].every((i) => i.naturalWidth > 0)") or (
        name == "supplement"
    )
    assert tab.said == []
    if AXE.exists():
        tab.run(AXE.read_text(encoding="utf-8"))
        assert tab.run(JUDGED) == []


def test_axe_is_here() -> None:
    """The accessibility of the page was looked at, not only its console and its width."""
    if not AXE.exists():
        pytest.skip("axe-core is not here, so accessibility was not checked; bring it with: make browser")


def test_a_number_shows_its_origin(tab: Tab, files: dict[str, Path]) -> None:
    """Focus shows beside a number its runs and its value for each seed; Escape hides them."""
    tab.open(files["write-up"], WIDE)
    shown = "document.getElementById('origin-of')"
    assert tab.run(f"{shown}.hidden")
    several = "[...document.querySelectorAll('main a.number')].find((a) => a.textContent.includes('±'))"
    tab.run(f"(window.number = {several}).focus()")
    text = tab.run(f"{shown}.innerText")
    assert all(f"seed {seed}: " in text for seed in range(3))
    assert "pool-upsample, runs R1 R2 R3" in text
    links = tab.run(f"[...{shown}.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
    assert links[:3] == [f"a2-supplement.html#run-{n}" for n in (1, 2, 3)]
    assert links[3] == tab.run("number.getAttribute('href')")
    assert tab.run("number.getAttribute('aria-describedby')") == "origin-of"
    box = tab.run(f"{shown}.getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= WIDE
    tab.press("Escape")
    assert tab.run(f"{shown}.hidden")


def test_a_figure_opens_large_and_closes(tab: Tab, files: dict[str, Path]) -> None:
    """Its button opens it in a dialog, wider than in the text, with no id twice; Escape closes it."""
    tab.open(files["write-up"], WIDE)
    before = tab.run("document.querySelector('figure[id] img').getBoundingClientRect().width")
    tab.run("document.querySelector('figure[id] .tool').focus()")
    tab.press("Enter")
    assert tab.run("document.querySelector('dialog').open")
    assert tab.run("document.querySelector('dialog img').getBoundingClientRect().width") > before
    ids = tab.run("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    tab.press("Escape")
    assert not tab.run("document.querySelector('dialog').open")


def test_a_table_sorts_by_a_column(tab: Tab, files: dict[str, Path]) -> None:
    """Rows go up by their numbers, then down, and the head says which."""
    tab.open(files["supplement"], WIDE)
    tab.run("window.table = document.querySelector('.scroll > table:has(.sort)')")
    values = "[...table.tBodies[0].rows].map((row) => row.cells[1].innerText)"
    before = tab.run(values)
    for turn in (1, -1):
        tab.run("table.querySelectorAll('.sort')[1].click()")
        numbers = [_number(text) for text in tab.run(values)]
        assert numbers == sorted(map(_number, before), reverse=turn < 0)
        state = tab.run("table.querySelectorAll('th[scope=col]')[1].getAttribute('aria-sort')")
        assert state == ("ascending" if turn > 0 else "descending")


def test_a_table_copies_as_csv(tab: Tab, files: dict[str, Path]) -> None:
    """All cells of it, in quotes, a line for each row."""
    tab.open(files["supplement"], WIDE)
    _catch(tab)
    tab.run("document.querySelector('.scroll + .tool').click()")
    rows = tab.run("[...document.querySelector('.scroll > table').rows].map((row) => row.cells.length)")
    lines = tab.run("copied").split("\r\n")
    assert [line.count('","') + 1 for line in lines] == rows
    assert all(line.startswith('"') and line.endswith('"') for line in lines)


def test_code_folds_and_copies(tab: Tab, files: dict[str, Path]) -> None:
    """Its caption folds it, and what is copied is the source, line by line."""
    tab.open(files["write-up"], WIDE)
    high = "document.querySelector('.listing').getBoundingClientRect().height"
    before = tab.run(high)
    tab.run("document.querySelector('.listing summary').click()")
    assert tab.run(high) < before / 2
    tab.run("document.querySelector('.listing summary').click()")
    _catch(tab)
    tab.run("document.querySelector('.listing .tool').click()")
    compile(tab.run("copied"), "copied", "exec")
    assert tab.run("copied").startswith("class ")


def test_the_navigation_follows_the_scroll(tab: Tab, files: dict[str, Path]) -> None:
    """It marks the section that is read; on a telephone it is folded until it is asked for."""
    tab.open(files["write-up"], WIDE)
    tab.run("document.querySelector('h2#a2').scrollIntoView()")
    marked = "document.querySelector('.ways [aria-current]')?.hash"
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert tab.run(marked) == "#a2"
    assert tab.run("document.querySelector('.ways details').open")
    tab.open(files["write-up"], NARROW)
    assert not tab.run("document.querySelector('.ways details').open")


def test_light_and_dark_can_be_chosen(tab: Tab, files: dict[str, Path]) -> None:
    """The switch turns ground, letters and drawings over, and leaves pictures alone."""
    tab.open(files["write-up"], WIDE)

    def looks() -> list[Any]:
        style = "getComputedStyle(document.{0}).{1}"
        asked = [
            style.format("body", "backgroundColor"),
            style.format("body", "color"),
            style.format("querySelector('img.plot')", "filter"),
            style.format("querySelector('img.photo')", "filter"),
        ]
        return list(tab.run(f"[{', '.join(asked)}]"))

    light = looks()
    tab.run("document.querySelector('.ways .tool').click()")
    dark = looks()
    assert light == ["rgb(255, 255, 255)", "rgb(28, 28, 28)", "none", "none"]
    assert dark[:2] == ["rgb(23, 23, 23)", "rgb(218, 218, 218)"]
    assert dark[2].startswith("invert")
    assert dark[3] == "none"
    tab.run("localStorage.clear()")


def test_the_first_key_offers_to_skip_to_the_text(tab: Tab, files: dict[str, Path]) -> None:
    """Tab comes to a link that is seen then, and that leads past the navigation."""
    tab.open(files["write-up"], WIDE)
    tab.press("Tab")
    assert tab.run("document.activeElement.hash") == "#content"
    assert tab.run("document.activeElement.getBoundingClientRect().left") >= 0


def test_on_paper_there_are_no_tools(tab: Tab, files: dict[str, Path]) -> None:
    """What is for the screen alone is not printed, and a dark screen prints black on white."""
    tab.open(files["write-up"], WIDE, theme="dark")
    tab.call("Emulation.setEmulatedMedia", media="print")
    seen = (
        "[...document.querySelectorAll('.ways, .tool, .skip, dialog')].filter((e) => e.offsetHeight).length"
    )
    assert tab.run(seen) == 0
    assert tab.run("getComputedStyle(document.body).color") == "rgb(28, 28, 28)"
    tab.call("Emulation.setEmulatedMedia", media="")


def _catch(tab: Tab) -> None:
    """Keep what the page copies where the test finds it."""
    tab.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")


def _number(text: str) -> float:
    return float(text.split("\u202f")[0].split("±")[0].replace("−", "-").strip())
