"""Cells of a notebook: how templates and answers become cells, and sections become a notebook."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_derivations import write_derivation
from fake_runs import MakeRun, write_run
from fake_segmentations import discs, fake_features, fake_tuning
from thinned import thinned
from undrawn import leave_undrawn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.out import notebook
from cnnreport.report.page import compose, outline
from cnnreport.report.page.cells import markdown
from cnnreport.report.page.cells.cell import Cell, Outputs, Text, read
from cnnreport.report.page.cells.notebook import epochs, source
from cnnreport.report.page.report import Report
from cnnreport.runs.artefact import Run

Content = dict[str, Any]


NETS = {"pool-upsample": "PoolUpsampleNet", "conv-transpose": "ConvTransposeNet", "unet": "UNet"}
LISTED = ("nets/colourization.py", "nets/deeplab.py", "training/segmentation/soft_iou.py")
"""Where the sources lie that the notebook shows."""


def listings() -> dict[str, str]:
    """Return the sources of all classes and functions of `LISTED`, as runs keep them."""
    found = {}
    for file in LISTED:
        text = (PACKAGE / file).read_text()
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found[node.name] = ast.get_source_segment(text, node) or ""
    return found


def fake_everything(root: Path) -> list[Run]:
    """Return fake runs of all questions that have cells but for B4 and B5, a seed or two of each."""
    pictures = {kind: discs(6) for kind in ("train", "validation", "ranked")}
    runs = [
        write_run(root, experiment=name, net=f"cnnreport.nets.colourization:{net}", epochs=2)
        for name, net in NETS.items()
    ]
    runs += [
        fake_tuning(root, seed, experiment=f"fine-tune-{name}", pictures=pictures)
        for name in ("cross-entropy", "iou", "random")
        for seed in (0, 1)
    ]
    kept = listings()
    return [
        *(replace(run, listings={**run.listings, **kept}) for run in runs),
        *(fake_features(root, name) for name in ("flower-features", "flower-features-random")),
        *(write_derivation(root, experiment=f"{name}-formulas") for name in NETS),
    ]


def composed(project: Project, runs: list[Run]) -> Report:
    """Compose what some runs answer."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    return compose.compose(project, outline.load(project, "a2-writeup"), grouped, compose.Context())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Run], Report]]:
    """Runs of nearly all questions, and the report of them."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        leave_undrawn(patch)  # the page's own pictures are not looked at here
        runs = fake_everything(folder / "runs")
        yield runs, composed(Project(PACKAGE.parent, folder), runs)


@pytest.fixture(scope="module")
def text(whole: tuple[list[Run], Report]) -> str:
    """The file of its notebook."""
    return notebook.read(whole[1], "notebook")


@pytest.fixture
def cells(text: str) -> list[Content]:
    """The cells in it."""
    return json.loads(text)["cells"]  # type: ignore[no-any-return]


def code_of(cells: list[Content]) -> list[Content]:
    """Return the cells of code."""
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_a_template_is_read_into_cells() -> None:
    """Each head begins a cell; the answer stands where it is asked for; ids count the cells."""
    text = "# %%\nx = 1\n\n# %% [markdown]\nWords.\n# %% [answer]\n# %%\n\n# %%\nprint(x)\n"
    cells = read(text, "a1", Outputs(), ["Said."], "a1.py.j2")
    assert [(cell.id, cell.kind, cell.source) for cell in cells] == [
        ("a1-1", "code", "x = 1"),
        ("a1-2", "markdown", "Words."),
        ("a1-3", "markdown", "Said."),
        ("a1-4", "code", "print(x)"),
    ]


def test_an_answer_that_no_cell_asks_for_comes_last() -> None:
    """No answer is lost."""
    assert read("# %%\nx\n", "a1", Outputs(), ["Said."], "t")[-1] == Cell("a1-2", "markdown", "Said.")


def test_outputs_belong_to_the_cell_that_marks_them() -> None:
    """What is printed while a template is rendered stands below its cell, and not in its text."""
    outputs = Outputs()
    text = f"# %%\nfirst()\n{outputs.add(Text('1'))}\n# %%\nsecond()\n{outputs.add(Text('2'))}\n"
    cells = read(text, "a1", outputs, [], "t")
    assert [(cell.source, cell.outputs) for cell in cells] == [
        ("first()", (Text("1"),)),
        ("second()", (Text("2"),)),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [("x = 1\n", "text before the first cell"), ("# %% [code]\nx\n", r"no kind of cell '\[code\]'")],
)
def test_a_template_that_is_none_is_refused(text: str, told: str) -> None:
    """The error names the template and says what is meant."""
    with pytest.raises(UsageError, match=f"t.py.j2: .*{told}"):
        read(text, "a1", Outputs(), [], "t.py.j2")


SAID = {
    '<div class="answer"><p>No.</p></div><p>More.</p>': "No.",
    "<p>First.</p><p>Second.</p><h3>Results</h3><p>More.</p>": "First.\n\nSecond.",
    '<p>It is <a class="number" href="#n">3.1&nbsp;±&nbsp;0.2</a>.</p>': "It is 3.1\u00a0±\u00a00.2.",
    "<p><strong>No.</strong> <em>Why</em> <code>a_b</code>?</p>": "**No.** *Why* `a_b`?",
    "<p>NF<sup>2</sup> and 3*x_y cost $5</p>": r"NF<sup>2</sup> and 3\*x\_y cost \$5",
    "<p>1 &lt; 2</p>": "1 &lt; 2",
    '<p><img class="formula" alt="p" src="data:"> is</p>': "p is",
    '<div class="answer"><ul><li>One</li><li>Two</li></ul></div>': "- One\n\n- Two",
    '<div class="answer"><table class="x"><tr><td>1 &lt; 2</td></tr></table></div>': (
        "<table><tr><td>1 &lt; 2</td></tr></table>"
    ),
    '<div class="answer"><p>A</p><figure><figcaption>Not this.</figcaption></figure><p>B</p></div>': "A\n\nB",
    "<h3>Only</h3><p>this</p>": "",
    '<p>A</p><div class="listing"><p class="listing-caption">Not this.</p><pre>x</pre></div>': "A",
}


@pytest.mark.parametrize("html", thinned(SAID, 3))
def test_an_answer_becomes_markdown(html: str) -> None:
    """Words stay, links go; what Markdown would take for a sign is escaped."""
    assert markdown.answer(html) == SAID[html]


def test_a_notebook_holds_what_the_runs_gave(whole: tuple[list[Run], Report], cells: list[Content]) -> None:
    """Below the cell that trains are the losses of the first seed's epochs; those that draw have pictures."""
    outputs = [
        output for cell in code_of(cells) if cell["id"].startswith("a2-") for output in cell["outputs"]
    ]
    lines = "".join(outputs[0]["text"]).splitlines()
    told = [re.findall(r"validation loss (\d\.\d{4})", line) for line in lines]
    assert told == [[f"{row['validation_loss']:.4f}"] for row in whole[0][0].history]
    assert [[*output["data"]] for output in outputs[1:]] == [["image/png", "text/plain"]] * 2


def test_an_answer_has_the_numbers_of_the_report(
    whole: tuple[list[Run], Report], cells: list[Content]
) -> None:
    """What the Markdown below D.1 Q2 says is on the page, number for number."""
    parts = whole[1].document("write-up").parts
    page = next(str(each.html) for part in parts for each in part.sections if each.id == "d1q2")
    last = [cell for cell in cells if cell["id"].startswith("d1q2-")][-1]
    numbers = re.findall(r"\d\.\d+", "".join(last["source"]))
    assert numbers
    assert {*numbers} <= {*re.findall(r"\d\.\d+", re.sub(r"<[^>]*>", "", page))}


def test_the_same_runs_give_the_same_notebook(whole: tuple[list[Run], Report], text: str) -> None:
    """Laid out once more it is equal to the letter, pictures included."""
    assert notebook.read(whole[1], "notebook") == text


def test_ids_stay_when_other_sections_come(project: Project, make_run: MakeRun, cells: list[Content]) -> None:
    """A cell is known by its section and its number in it, and no two are alike."""
    few = json.loads(notebook.read(composed(project, [make_run()]), "notebook"))["cells"]
    alone, among = ({cell["id"] for cell in each} for each in (few, cells))
    assert alone < among
    assert len(among) == len(cells)


def test_a_notebook_names_its_runs_first(cells: list[Content]) -> None:
    """The first cell says that the outputs are not its own, of which runs they are, and what stands in."""
    first = "".join(cells[0]["source"])
    assert "not of this notebook" in first
    assert "- `unet`, seed 0: Meadow, which stand in for the real data" in first
    assert "This build left out B4, B5:" in first


def test_cells_use_what_was_defined_above(cells: list[Content]) -> None:
    """All cells together are a program without an unknown name, as ruff sees it (F821)."""
    code = "\n\n".join("".join(cell["source"]) for cell in code_of(cells))
    asked = ["ruff", "check", "--isolated", "--select", "F821", "--output-format", "concise", "-"]
    command = [sys.executable, "-m", *asked]
    checked = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    assert checked.stdout.splitlines() == ["All checks passed!"]


def test_the_starters_names_are_there(cells: list[Content]) -> None:
    """What the handout speaks of is defined under its name."""
    code = "\n\n".join("".join(cell["source"]) for cell in code_of(cells))
    defined = {
        node.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    asked = {*NETS.values(), "train", "fine_tune_last_layer", "learned_parameters", "visualise"}
    assert asked <= defined
    assert "compute_IoU_loss = soft_iou_loss" in code


def test_a_notebook_is_of_jupyters_format(text: str) -> None:
    """nbformat's validator finds nothing, and its writer writes the same."""
    nbformat = pytest.importorskip("nbformat")
    read_back = nbformat.reads(text, 4)
    nbformat.validate(read_back)
    assert nbformat.writes(read_back) + "\n" == text


def test_too_large_a_notebook_is_refused(tmp_path: Path) -> None:
    """What a course's server may not take is not written."""
    with pytest.raises(VerificationError, match=r"x\.ipynb would have 3,\d{3},\d{3} bytes"):
        notebook.write("x" * (notebook.LARGEST + 1), tmp_path / "x.ipynb")
    assert not [*tmp_path.iterdir()]


def test_a_report_without_a_notebook_has_none(whole: tuple[list[Run], Report], project: Project) -> None:
    """What report.toml does not name is not written."""
    plain = replace(outline.load(project, "a2-writeup"), notebook=None)
    assert notebook.WRITER.paths(plain, Path()) == {}
    with pytest.raises(UsageError, match="has no notebook"):
        notebook.read(replace(whole[1], notebook=None), "notebook")


def test_what_a_cell_prints_is_made_by_the_code_that_it_shows(
    cells: list[Content], make_run: MakeRun
) -> None:
    """The line of an epoch is that of the function whose source the notebook holds."""
    code = "\n".join("".join(cell["source"]) for cell in code_of(cells))
    assert source("epoch_line") in code
    run = make_run(epochs=1, loss=(2.0, 1.5))
    assert epochs(run, ["validation_loss"]) == "epoch  1   validation loss 2.0000"
