"""report.toml: what is wrong in it is named."""

import re
from pathlib import Path

import pytest
from thinned import thinned

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.page import outline

HEAD = 'title = "T"\nsubtitle = "S"\ncourse = "C"\noutput = "r.pdf"\n'
NOTEBOOK = 'notebook = "n.ipynb"\n'
SECTION = '[[section]]\nid = "a1"\ntitle = "A1"\npart = "A"\ntemplate = "a1.html.j2"\n'


def load(folder: Path, text: str) -> outline.Outline:
    """Read an outline with this text, beside which a1.html.j2 and a1.py.j2 lie."""
    report = folder / "templates" / "mine"
    report.mkdir(parents=True)
    (report / "report.toml").write_text(text)
    (report / "a1.html.j2").write_text("")
    (report / "a1.py.j2").write_text("")
    return outline.load(Project(folder, folder / "build"), "mine")


def test_this_projects_own_report_is_in_order() -> None:
    """The write-up's outline loads, and names its experiments once each."""
    loaded = outline.load(Project(PACKAGE.parent, Path("build")), "a2-writeup")
    assert loaded.output == "a2-writeup.pdf"
    assert len(set(loaded.experiments)) == len(loaded.experiments)


@pytest.mark.parametrize(
    ("text", "complaint"),
    thinned(
        [
            (HEAD + 'colour = "red"\n' + SECTION, "there is no key 'colour'; known keys: title"),
            (HEAD + SECTION + 'tite = "x"\n', "section 1: there is no key 'tite'"),
            (HEAD.replace('title = "T"\n', "") + SECTION, "the key 'title' is missing"),
            (HEAD.replace('"T"', "3") + SECTION, "title = 3 does not fit; give a text"),
            (HEAD + SECTION + 'experiments = "pool"\n', "section 1: experiments = 'pool' does not fit"),
            (
                HEAD + SECTION + 'beyond = "yes"\n',
                "section 1: beyond = 'yes' does not fit; give true or false",
            ),
            (HEAD + SECTION.replace("a1.html", "b1.html"), "section 1: there is no file b1.html.j2"),
            (HEAD + SECTION + SECTION, "section 2: the id 'a1' is taken"),
            (HEAD + SECTION.replace('"a1"', '"A 1"'), "section 1: 'A 1' is no id"),
            (HEAD.replace("r.pdf", "../r.pdf") + SECTION, "output = '../r.pdf' is no file name"),
            (HEAD + 'supplement = "r.pdf"\n' + SECTION, "supplement = 'r.pdf' is the same file as output"),
            (HEAD + 'supplement = "R.pdf"\n' + SECTION, "supplement = 'R.pdf' is the same file as output"),
            (HEAD + 'supplement = "s.html"\n' + SECTION, "supplement = 's.html' is no file name"),
            (
                HEAD + 'notebook = "n.pdf"\n' + SECTION,
                "notebook = 'n.pdf' is no file name; give a name ending",
            ),
            (
                HEAD + SECTION + "supplement = true\n",
                "a1 is to be in the supplement, and the report has none",
            ),
            (HEAD + SECTION + 'cells = "a1.html.j2"\n', "section 1: a1.html.j2 is no template of cells"),
            (HEAD + NOTEBOOK + 'setup = "a1.html.j2"\n' + SECTION, "a1.html.j2 is no template of cells"),
            (HEAD + SECTION + 'cells = "a1.py.j2"\n', "a1 has cells, and there is no notebook for them"),
            (HEAD + 'setup = "a1.py.j2"\n' + SECTION, "the report has cells, and there is no notebook"),
            (HEAD + SECTION + "asks = 1\n", "section 1: asks = 1 does not fit; give a text"),
            (HEAD, "has no sections"),
            (HEAD + "[[section", "is not valid TOML"),
        ],
        3,
    ),
)
def test_a_mistake_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    """Each mistake says the file, the section and the key."""
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert complaint in str(caught.value)
    assert "report.toml" in str(caught.value)


def test_only_what_no_ordinary_section_needs_goes_beyond(tmp_path: Path) -> None:
    """An experiment that both kinds of section need is one of the handout's."""
    ordinary = SECTION + 'experiments = ["pool", "unet"]\n'
    further = SECTION.replace('"a1"', '"x1"') + 'experiments = ["unet", "cut"]\nbeyond = true\n'
    loaded = load(tmp_path, HEAD + ordinary + further)
    assert [section.beyond for section in loaded.sections] == [False, True]
    assert loaded.experiments == ("pool", "unet", "cut")
    assert loaded.beyond == {"cut"}


def test_an_unknown_report_names_those_there_are() -> None:
    """A wrong name of a report is answered with the right ones."""
    with pytest.raises(UsageError, match="there is no report 'b7'; choose from: a2-writeup"):
        outline.load(Project(PACKAGE.parent, Path("build")), "b7")


@pytest.mark.parametrize(("line", "called"), [('label = "Q 1"\n', "Q 1"), ("", "“A1”")])
def test_references_use_the_label_or_else_the_title(tmp_path: Path, line: str, called: str) -> None:
    """A question is called by its number, a text that answers none by its title."""
    (section,) = load(tmp_path, HEAD + SECTION + line).sections
    assert section.reference == called


def project_of(folder: Path, settings: str, *reports: str) -> Project:
    """A project with some reports and a pyproject.toml."""
    for report in reports:
        (folder / "templates" / report).mkdir(parents=True)
        (folder / "templates" / report / "report.toml").write_text("")
    (folder / "pyproject.toml").write_text(settings)
    return Project(folder, folder / "build")


def test_the_project_names_the_report_that_is_built_unasked(tmp_path: Path) -> None:
    """Of several reports the one in pyproject.toml is meant."""
    settings = '[project]\nname = "mine"\n[tool.cnnreport]\nexecutors = ["c:D"]\nreport = "b"\n'
    assert outline.default(project_of(tmp_path, settings, "a", "b", "c")) == "b"


def test_this_projects_own_choice_is_the_write_up() -> None:
    """`build` alone makes the write-up of 2021, whatever reports are added."""
    assert outline.default(Project(PACKAGE.parent, Path("build"))) == "a2-writeup"


def test_the_only_report_needs_no_name(tmp_path: Path) -> None:
    """Where there is one report and no choice, it is meant."""
    assert outline.default(project_of(tmp_path, "[project]\n", "mine")) == "mine"


@pytest.mark.parametrize(
    ("settings", "reports", "complaint"),
    [
        ("", ("b", "a"), "say which report, the project has 2; choose from: a, b"),
        ("", (), "say which report, the project has 0; choose from: none"),
        (
            '[tool.cnnreport]\nreport = "c"\n',
            ("a", "b"),
            "report = 'c' is none of this project; choose from: a",
        ),
        ("[tool.cnnreport]\nreport = 3\n", ("a",), "report = 3 is none of this project"),
        ('[tool.cnnreport]\nreports = "a"\n', ("a",), "is no table of known keys; the keys are report = "),
        ("[tool]\ncnnreport = 1\n", ("a",), "is no table of known keys"),
        ("[tool", ("a",), "is not valid TOML"),
    ],
)
def test_a_choice_that_cannot_be_made_is_told(
    tmp_path: Path, settings: str, reports: tuple[str, ...], complaint: str
) -> None:
    """Several reports, none, or a slip in pyproject.toml end with what there is."""
    with pytest.raises(UsageError, match=re.escape(complaint)):
        outline.default(project_of(tmp_path, settings, *reports))


@pytest.mark.parametrize("theirs", ['output = "r.pdf"', 'output = "x.pdf"\nsupplement = "R.pdf"'])
def test_two_reports_have_no_file_in_common(tmp_path: Path, theirs: str) -> None:
    """One would overwrite the other, whichever of its files that is; a report that is no TOML has none."""
    for name, text in (("other", theirs), ("broken", "[")):
        (tmp_path / "templates" / name).mkdir(parents=True)
        (tmp_path / "templates" / name / "report.toml").write_text(text)
    with pytest.raises(UsageError, match=r"the report other has the file name r\.pdf, too, as its "):
        load(tmp_path, HEAD + SECTION)


def test_the_supplement_has_what_was_not_asked_for(tmp_path: Path) -> None:
    """A section says so itself or goes beyond the handout; without a supplement there is one document."""
    further = SECTION.replace('"a1"', '"x1"') + "beyond = true\n"
    told = SECTION.replace('"a1"', '"x2"') + "supplement = true\n"
    with_one = load(tmp_path / "a", HEAD + 'supplement = "s.pdf"\n' + SECTION + further + told)
    assert [with_one.in_supplement(section) for section in with_one.sections] == [False, True, True]
    without = load(tmp_path / "b", HEAD + SECTION + further)
    assert not any(without.in_supplement(section) for section in without.sections)
