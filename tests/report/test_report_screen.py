"""The page for a browser: one file that needs nothing else."""

import re
from dataclasses import replace
from pathlib import Path

from fake_runs import MakeRun

from cnnreport.project import Project
from cnnreport.report.draw import fonts
from cnnreport.report.out import html
from cnnreport.report.page import compose, outline
from cnnreport.system import durable


def test_the_page_stands_alone(project: Project, make_run: MakeRun, tmp_path: Path) -> None:
    """Pictures and typefaces are in it, and no address leads elsewhere."""
    runs = {"pool-upsample": [make_run()]}
    loaded = replace(outline.load(project, "a2-writeup"), supplement=None)
    made = compose.compose(project, loaded, runs, compose.Context()).documents[0]
    file = tmp_path / "page.html"
    digest = html.write(made.page, file)
    page = file.read_text()
    assert digest == durable.sha256(page.encode())
    assert page.count("@font-face{") == page.count("data:font/ttf;base64,AAEAAAA") == len(fonts.faces()) == 11
    addresses = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', page)
    assert len(addresses) > 30
    assert all(re.match("data:|#", one or other) for one, other in addresses)


def test_every_family_has_its_faces() -> None:
    """What the style sheet asks for is there: both weights and italics, told apart as CSS does."""
    found = {(face.family, face.weight, face.italic) for face in fonts.faces()}
    names = fonts.Families()
    upright = {
        (family, weight, False) for family in (names.serif, names.sans, names.mono) for weight in (400, 600)
    }
    assert upright | {(names.serif, 400, True), (names.sans, 400, True), (names.mono, 400, True)} <= found
