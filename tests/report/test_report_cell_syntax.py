"""The code of a notebook's cells: a mistake is told with its place, before the runs where it can be seen."""

from pathlib import Path

import pytest
from fake_runs import MakeRun

from cnnreport.errors import UsageError
from cnnreport.report.page import templating
from cnnreport.report.page.cells import syntax
from cnnreport.report.page.cells.cell import Cell, Outputs, read
from cnnreport.report.page.cells.notebook import epochs

TEMPLATE = """# %%
x = {{ code(1) }}
{{ drawn("plot", {"a": {"b": 1}}, alt="x") }}

# %% [markdown]
This is no Python.

# %%
{% set run = first("unet") %}
y = 2
{{ printed("done") }}
for number in
"""


def test_a_mistake_in_a_cell_is_told_with_the_line_of_its_template() -> None:
    """Cells into which something is filled in wait for the runs; the others need none."""
    with pytest.raises(UsageError, match=r"a1\.py\.j2:12: invalid syntax; mend the Python of the cell"):
        syntax.check_template(TEMPLATE, "a1.py.j2")


def test_cells_without_a_mistake_pass() -> None:
    """Outputs, text and what is filled in later are no mistakes."""
    syntax.check_template(TEMPLATE.replace("for number in\n", "await z\n"), "a1.py.j2")


@pytest.mark.parametrize("line", ["%matplotlib inline", "!pip install torch", "files = !ls", "train?"])
def test_commands_of_ipython_pass(line: str) -> None:
    """A notebook understands them."""
    assert read(f"# %%\n{line}\n", "a1", Outputs(), [], "a1.py.j2") == [Cell("a1-1", "code", line)]


def test_a_mistake_that_came_with_what_was_filled_in_is_told_with_its_cell() -> None:
    """Cells of text count, too: so the cell is found again."""
    text = "# %% [markdown]\nText\n# %%\nx = 1\nx = = 2\n"
    message = r"a1\.py\.j2: the code of cell 2 is no Python, line 2: invalid syntax: x = = 2"
    with pytest.raises(UsageError, match=message):
        read(text, "a1", Outputs(), [], "a1.py.j2")


def test_it_is_told_when_templates_are_looked_at(tmp_path: Path) -> None:
    """That is before anything is computed, and for every template that is used."""
    (tmp_path / "a1.py.j2").write_text('{% include "a2.py.j2" %}')
    (tmp_path / "a2.py.j2").write_text("# %%\nx = = 1\n")
    with pytest.raises(UsageError, match=r"a2\.py\.j2:2: invalid syntax"):
        templating.check([tmp_path], ["a1.py.j2"])


def test_a_name_that_does_not_exist_is_told(tmp_path: Path) -> None:
    """With the line of the template."""
    (tmp_path / "a1.py.j2").write_text("# %%\nx = {{ nowhere }}\n")
    with pytest.raises(UsageError, match=r"a1\.py\.j2:2: 'nowhere' is undefined; mend the template"):
        templating.open_cells([tmp_path])("a1.py.j2")


def test_a_number_that_a_training_does_not_record_is_told(make_run: MakeRun) -> None:
    """What it has instead is named."""
    with pytest.raises(UsageError, match=r"have no 'loss'; choose from: .*validation_loss"):
        epochs(make_run(), ["train_loss", "loss"])
