"""A notebook that somebody worked on: it is left as it is, that is told, and --force overwrites it."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_runs import MakeRun

from cnnreport.commands.build import Built, all_files, parted
from cnnreport.commands.edition import Edition
from cnnreport.commands.overview import rubbish
from cnnreport.project import Project
from cnnreport.report.out import notebook
from cnnreport.report.out.writer import record_of
from cnnreport.report.page import outline
from cnnreport.report.page.cells.cell import Cell
from cnnreport.report.page.compose import Context
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.page.report import Report
from cnnreport.runs.planning.choices import Choices

WRITERS = (notebook.WRITER,)


@pytest.fixture
def edition(project: Project, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> Edition:
    """An edition whose notebook has one cell and takes no time to compose."""
    report = Report("T", (), Ledger(), lambda: (Cell("a1-1", "code", "x = 1"),))
    monkeypatch.setattr(Edition, "compose", lambda self: report)
    return Edition(project, outline.load(project, "a2-writeup"), [make_run()], Context())


@pytest.fixture
def path(edition: Edition) -> Path:
    """Its notebook, written and then changed by hand."""
    (path,) = edition.write(WRITERS)
    path.write_text(path.read_text().replace("x = 1", "x = 2"))
    return path


def test_a_notebook_that_was_changed_is_left(edition: Edition, path: Path) -> None:
    """Building once more changes nothing, and names it."""
    before = path.read_text()
    assert edition.write(WRITERS) == {path: False}
    assert path.read_text() == before
    assert edition.edited(WRITERS) == [path]


def test_a_notebook_whose_record_is_lost_is_left(edition: Edition, path: Path) -> None:
    """Nobody knows who wrote it, so it may be somebody's work."""
    record_of(path).unlink()
    assert edition.write(WRITERS) == {path: False}
    assert "x = 2" in path.read_text()


def test_force_overwrites_it(edition: Edition, path: Path) -> None:
    """Named after --force it is written anew, and stands then."""
    forced = replace(edition, forced=frozenset({path.name}))
    assert forced.write(WRITERS) == {path: True}
    assert "x = 1" in path.read_text()
    assert edition.edited(WRITERS) == []
    assert edition.write(WRITERS) == {path: False}


def test_a_notebook_that_was_moved_away_is_written(edition: Edition, path: Path) -> None:
    """Where there is none there is nothing to lose."""
    path.rename(path.with_name("mine.ipynb"))
    assert edition.write(WRITERS) == {path: True}


def test_a_changed_notebook_is_told(edition: Edition, path: Path) -> None:
    """What is said names the file and both ways on."""
    built = Built(edition.write(WRITERS), edition.runs, 0, (), edition.edited(WRITERS))
    (line,) = [line for line in built.lines() if path.name in line]
    assert "was changed since it was built and is left as it is" in line
    assert "rename it" in line
    assert "--force a2-cnn.ipynb" in line


def test_a_changed_notebook_is_not_called_of_an_earlier_build(edition: Edition, path: Path) -> None:
    """Where other formats are asked for, it is not behind: it is somebody's."""
    assert edition.behind(()) == []


def test_force_tells_files_from_experiments(project: Project) -> None:
    """A file of the report is overwritten; all else is an experiment or a family to run again."""
    loaded = outline.load(project, "a2-writeup")
    choices, files = parted(Choices(force=("unet", "a2-cnn.ipynb")), loaded)
    assert (choices.force, files) == (("unet",), {"a2-cnn.ipynb"})
    assert Path("a2-cnn.ipynb") in all_files(loaded)


def test_cleaning_leaves_it(edition: Edition, path: Path) -> None:
    """`clean --all` removes what a build made, and no work of anybody's."""
    assert path not in rubbish(edition.project, everything=True)
