"""A project of one's own: what `new` writes is complete, and is what the tutorial says."""

import re
from pathlib import Path

import pytest

from cnnreport.cli import main
from cnnreport.commands.new import STARTER, new
from cnnreport.errors import EnvironmentFailure, UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.page import outline
from cnnreport.runs.experiment import load_all
from cnnreport.system import durable

TUTORIAL = PACKAGE.parent / "docs" / "tutorial.md"


def blocks(language: str) -> list[str]:
    """The code of the tutorial in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)


def test_the_report_bears_the_name_that_was_asked_for(tmp_path: Path) -> None:
    """Folders, PDF, settings and commands speak of it, and of no other."""
    folder = tmp_path / "here"
    written = new("sea-shells", folder)
    assert {file.relative_to(folder).as_posix() for file in written} == {
        file.relative_to(STARTER).as_posix().replace("my-report", "sea-shells")
        for file in STARTER.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    project = Project(folder, folder / "build")
    assert outline.default(project) == "sea-shells"
    loaded = outline.load(project, "sea-shells")
    assert loaded.output == "sea-shells.pdf"
    assert {*loaded.experiments} == {*load_all(project)}
    assert not [file for file in written if "my-report" in file.read_text()]


@pytest.mark.parametrize("name", ["Shells", "sea shells", "../shells", ""])
def test_a_name_that_no_report_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """Names of reports are names of folders."""
    with pytest.raises(UsageError, match="is no report's name"):
        new(name, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_project_may_begin_in_a_new_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `git init` made stays, also where the project cannot be written."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref")
    with monkeypatch.context() as broken:
        broken.setattr(durable, "write", lambda path, content: raise_full(path))
        with pytest.raises(EnvironmentFailure):
            new("shells", tmp_path)
    assert [*tmp_path.iterdir()] == [tmp_path / ".git"]
    assert tmp_path / "pyproject.toml" in new("shells", tmp_path)
    assert (tmp_path / ".git" / "HEAD").read_text() == "ref"


def raise_full(path: Path) -> str:
    """Fail as a full disk does."""
    raise EnvironmentFailure(f"cannot write {path}: no space left")


@pytest.mark.parametrize("there", [True, False])
def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """On a full disk no half project is left that the next attempt would refuse."""
    folder = tmp_path / "here"
    if there:
        folder.mkdir()
    files = []

    def full(path: Path, content: bytes) -> str:
        files.append(path)
        if len(files) == 5:
            raise EnvironmentFailure(f"cannot write {path}: no space left")
        path.write_bytes(content)
        return ""

    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(EnvironmentFailure, match="no space left"):
        new("shells", folder)
    assert [*tmp_path.rglob("*")] == ([folder] if there else [])


def test_nothing_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder in which something lies is left alone, and the exit code says so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shells").mkdir()
    (tmp_path / "shells" / "notes.txt").write_text("mine")
    with pytest.raises(SystemExit) as ended:
        main(["new", "shells"])
    assert ended.value.code == 2
    assert "shells is not empty" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "shells").iterdir()] == ["notes.txt"]


def test_the_command_says_what_it_wrote_and_what_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files on stdout, the next step on stderr."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["new", "shells"])
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert all((tmp_path / line).is_file() for line in said.out.splitlines())
    assert said.err == "Next: cd shells, then: cnnreport build\n"


@pytest.mark.slow
def test_the_tests_of_a_new_project_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are run as its README says, but in this process."""
    new("shells", tmp_path)
    monkeypatch.chdir(tmp_path)
    ended = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(tmp_path)])
    said = capsys.readouterr().out
    assert ended == pytest.ExitCode.OK, said
    assert "3 passed" in said


def test_the_tutorial_shows_the_files_as_they_are() -> None:
    """Each piece of code in it stands in one of them, word for word."""
    files = [file.read_text() for file in STARTER.rglob("*") if file.suffix in (".py", ".j2", ".toml")]
    shown = [*blocks("python"), *blocks("jinja")]
    assert len(shown) >= 5
    assert [code for code in shown if not any(code in file for file in files)] == []


def test_the_tutorial_names_every_file() -> None:
    """Its table leaves none out that a reader would change."""
    text = TUTORIAL.read_text()
    for file in STARTER.rglob("*"):
        if file.suffix in (".py", ".toml"):
            assert file.relative_to(STARTER).as_posix() in text
