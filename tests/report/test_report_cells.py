"""Cells of a notebook: how templates and answers become cells, and sections become a notebook."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_runs import MakeRun
from fake_segmentations import MakeTuning, discs

from cnnreport.errors import UsageError, VerificationError
from cnnreport.project import Project
from cnnreport.report.out import notebook
from cnnreport.report.page import compose, outline
from cnnreport.report.page.cells import markdown
from cnnreport.report.page.cells.bare import bare
from cnnreport.report.page.cells.cell import Cell, Outputs, Text, read
from cnnreport.report.page.cells.notebook import epochs, source
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

Content = dict[str, Any]

FUNCTION = '''def name(first: int, *rest: "Any", key: list[int] = [1], **more: str) -> dict[str, int]:
    """Say what it does.

    Args:
        first: Something (with a bracket).
    """
    number: int = len("é") + first  # stays
    waiting: float

    def inner(x: float) -> float:
        """Say it."""
        return x

    return {"a": number}
'''


def content_of(project: Project, runs: list[Run]) -> Content:
    """Compose what some runs answer and return what the file of its notebook holds."""
    return json.loads(text_of(project, runs))  # type: ignore[no-any-return]


def text_of(project: Project, runs: list[Run]) -> str:
    """Compose what some runs answer and return the file of its notebook."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    loaded = outline.load(project, "a2-writeup")
    return notebook.read(compose.compose(project, loaded, grouped, compose.Context()), "notebook")


def code_of(content: Content) -> list[Content]:
    """Return the cells of code."""
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def trainings(make_run: MakeRun) -> list[Run]:
    """Return runs of the three nets, one seed each."""
    nets = {"pool-upsample": "PoolUpsampleNet", "conv-transpose": "ConvTransposeNet", "unet": "UNet"}
    return [
        make_run(experiment=name, net=f"cnnreport.nets.colourization:{net}", epochs=2)
        for name, net in nets.items()
    ]


def tunings(make_tuning: MakeTuning) -> list[Run]:
    """Return runs of both losses, two seeds each, with pictures."""
    pictures = {kind: discs(6) for kind in ("train", "validation", "ranked")}
    names = ("fine-tune-cross-entropy", "fine-tune-iou")
    return [make_tuning(seed, experiment=name, pictures=pictures) for name in names for seed in (0, 1)]


def test_source_is_shown_without_docstrings_and_annotations() -> None:
    """What is left has the same statements and the same comments as what ran."""
    shown = bare(FUNCTION)
    assert "Say" not in shown
    assert ":" not in re.findall(r"def \w+\((.*)\)", shown)[0]
    assert "# stays" in shown

    class Bare(ast.NodeTransformer):
        """Drops docstrings and annotations from a tree, by another way than positions in the text."""

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            node.returns = None
            if ast.get_docstring(node):
                node.body = node.body[1:]
            return self.generic_visit(node)

        def visit_arg(self, node: ast.arg) -> ast.AST:
            node.annotation = None
            return node

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            return node if node.value is None else ast.Assign([node.target], node.value, lineno=node.lineno)

    assert ast.dump(ast.parse(shown)) == ast.dump(Bare().visit(ast.parse(FUNCTION)))


def test_a_docstring_alone_stays() -> None:
    """A function that has nothing else would not be one without it."""
    alone = 'class Some(Exception):\n    """Say it."""'
    assert bare(alone) == alone


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
}


@pytest.mark.parametrize("html", SAID)
def test_an_answer_becomes_markdown(html: str) -> None:
    """Words stay, links go; what Markdown would take for a sign is escaped."""
    assert markdown.answer(html) == SAID[html]


def test_a_notebook_holds_what_the_runs_gave(project: Project, make_run: MakeRun) -> None:
    """Below the cell that trains are the losses of the first seed's epochs, below those that draw pictures."""
    runs = trainings(make_run)
    content = content_of(project, runs)
    outputs = [output for cell in code_of(content) for output in cell["outputs"]]
    printed = ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]
    assert len(printed) == 1
    told = [re.findall(r"validation loss (\d\.\d{4})", line) for line in printed[0].splitlines()]
    assert told == [[f"{row['validation_loss']:.4f}"] for row in runs[0].history]
    assert [*outputs[1]["data"]] == ["image/png", "text/plain"]


def test_an_answer_has_the_numbers_of_the_report(project: Project, make_run: MakeRun) -> None:
    """The Markdown of A2 gives the loss as the section does."""
    content = content_of(project, trainings(make_run))
    said = "".join("".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "markdown")
    assert re.search(r"validation loss of 1\.58", said)


def test_the_same_runs_give_the_same_notebook(project: Project, make_run: MakeRun) -> None:
    """Two compositions are equal to the letter, pictures included."""
    runs = trainings(make_run)
    assert text_of(project, runs) == text_of(project, runs)


def test_ids_stay_when_other_sections_come(project: Project, make_run: MakeRun) -> None:
    """A cell is known by its section and its number in it, and no two are alike."""
    runs = trainings(make_run)
    some, more = content_of(project, runs[:1]), content_of(project, runs)
    alone, among = ({cell["id"] for cell in each["cells"]} for each in (some, more))
    assert alone < among
    assert len(among) == len(more["cells"])


def test_a_notebook_names_its_runs_first(project: Project, make_run: MakeRun) -> None:
    """The first cell says that the outputs are not its own, of which runs they are, and what stands in."""
    content = content_of(project, trainings(make_run)[:1])
    first = "".join(content["cells"][0]["source"])
    assert "not of this notebook" in first
    assert "- `pool-upsample`, seed 0: Meadow, which stand in for the real data" in first


def test_a_whole_notebook_is_code_without_an_unknown_name(
    project: Project, make_run: MakeRun, make_tuning: MakeTuning
) -> None:
    """What a cell uses was defined above, as ruff sees it (E9, F821)."""
    runs = [*trainings(make_run), *tunings(make_tuning)]
    content = content_of(project, runs)
    code = "\n\n".join("".join(cell["source"]) for cell in code_of(content))
    asked = ["ruff", "check", "--isolated", "--select", "E9,F821", "--output-format", "concise", "-"]
    checked = subprocess.run(
        [sys.executable, "-m", *asked], input=code, capture_output=True, text=True, check=False
    )
    # The fakes' classes are not the nets', and so have another name.
    named = [line for line in checked.stdout.splitlines() if "F821" in line]
    assert {re.findall(r"`(\w+)`", line)[0] for line in named} <= {
        "PoolUpsampleNet",
        "ConvTransposeNet",
        "UNet",
    }
    assert "invalid-syntax" not in checked.stdout


def test_a_notebook_is_of_jupyters_format(
    project: Project, make_run: MakeRun, make_tuning: MakeTuning
) -> None:
    """nbformat's validator finds nothing."""
    nbformat = pytest.importorskip("nbformat")
    text = text_of(project, [*trainings(make_run), *tunings(make_tuning)])
    read_back = nbformat.reads(text, 4)
    nbformat.validate(read_back)
    assert nbformat.writes(read_back) + "\n" == text


def test_too_large_a_notebook_is_refused(tmp_path: Path) -> None:
    """What a course's server may not take is not written."""
    with pytest.raises(VerificationError, match=r"x\.ipynb would have 3,\d{3},\d{3} bytes"):
        notebook.write("x" * (notebook.LARGEST + 1), tmp_path / "x.ipynb")
    assert not [*tmp_path.iterdir()]


def test_a_report_without_a_notebook_has_none(project: Project, make_run: MakeRun) -> None:
    """What report.toml does not name is not written."""
    plain = replace(outline.load(project, "a2-writeup"), notebook=None)
    report = compose.compose(project, plain, {"pool-upsample": [make_run()]}, compose.Context())
    with pytest.raises(UsageError, match="has no notebook"):
        notebook.read(report, "notebook")
    assert notebook.WRITER.paths(plain, Path()) == {}


def test_what_a_cell_prints_is_made_by_the_code_that_it_shows(make_run: MakeRun) -> None:
    """The line of an epoch is that of the function whose source the notebook holds."""
    tree = ast.parse(source("epoch_line"))
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == ["epoch_line"]
    run = make_run(epochs=1, loss=(2.0, 1.5))
    assert epochs(run, ["validation_loss"]) == "epoch  1   validation loss 2.0000"
