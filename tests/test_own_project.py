"""A project brings its own data set, net, spec, task and shared code; nothing in cnnreport knows of them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import run

from cnnreport import modules
from cnnreport.commands import build as pipeline
from cnnreport.errors import DataError, UsageError
from cnnreport.project import PACKAGE, Project, load_file
from cnnreport.runs.artefact import Run, load_all
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.experiment import load_all as declared
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.plan import make_plan
from cnnreport.runs.planning.prepare import prepare_data

ROOT = Path(__file__).parent / "own_project"
REPORT = "round-things"
PLACE = f"experiments/{REPORT}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, and all that a build makes of it but the PDF; its runs are computed by workers."""
    project = Project(ROOT, tmp_path_factory.mktemp("build"))
    pipeline.build(project, REPORT, Choices(device="cpu"), formats="html", workers=1)
    return project


def say(*words: str) -> tuple[int, str, str]:
    """Run a command line in that project and return its exit code, and what it said."""
    code, out, err = run("--project", str(ROOT), *words)
    return code, out, " ".join(err.split())


def runs(project: Project) -> list[Run]:
    """The finished runs."""
    return [run for run in load_all(project.runs) if isinstance(run, Run)]


def planned(project: Project, **wish: str) -> list[str]:
    """The titles of the data that a plan takes."""
    plan = make_plan(project, declared(project).values(), Choices(device="cpu", data=wish))
    return [each.source.title for each in plan if each.source]


@pytest.mark.slow
def test_its_report_is_built(built: Project) -> None:
    """The page tells the numbers of its own runs, with the words of its shared code."""
    page = (built.output / "round-things.html").read_text()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert re.search(r"Things 8 pixels wide are told apart with an accuracy of \d", text)
    accuracies = {run.history[-1]["accuracy"] for run in runs(built)}
    assert all(0 <= accuracy <= 1 for accuracy in accuracies)
    assert len(runs(built)) == 4


@pytest.mark.slow
def test_its_own_figure_is_on_the_page(built: Project) -> None:
    """What its code drew stands beside a figure of the library's, each with its words and its number."""
    page = (built.output / "round-things.html").read_text()
    alts = re.findall(r'<img class="plot\b[^>]*? alt="([^"]*)"', page)
    assert alts[0] == "Two discs, as large as the accuracies."
    assert alts[1].startswith("Accuracy by number of filters.")
    assert re.findall(r"(Figure \d)\.</span> The", page) == ["Figure 1", "Figure 2"]


@pytest.mark.slow
def test_the_key_covers_its_sources(built: Project) -> None:
    """A run holds each module that its task, its net and its data import, relative imports followed."""
    own = {path for run in runs(built) for path in run.key.what["sources"] if path.startswith(PLACE)}
    assert own == {f"{PLACE}/{name}.py" for name in ("net", "shapes", "spec", "things", "training")}


def test_its_data_are_known() -> None:
    """`list` and `doctor` know the data set that its specs name, and no other."""
    _, out, _ = say("list", "--json")
    (data,) = json.loads(out)["data"]
    assert [choice["word"] for choice in data["choices"]] == ["things=photographs", "things=sketches"]
    assert [option["word"] for option in data["options"]] == ["things.negative=yes"]
    _, out, _ = say("doctor", "--json")
    names = {check["name"] for check in json.loads(out)}
    assert "things" in names
    assert not names & {"horses", "flowers", "weights"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["things=paintings"], 2, "things can be no 'paintings'; choose from: auto"),
        (["horses=meadow"], 2, "no data set 'horses'; choose from: things (round things and others)"),
        (["real"], 5, "The photographs are not in anywhere else and were not fetched: only a build fetches"),
    ],
)
def test_its_data_are_chosen(words: list[str], code: int, said: str) -> None:
    """--data takes its names and choices, and nobody else's."""
    given = [part for word in words for part in ("--data", word)]
    ended, _, err = say("status", *given)
    assert ended == code
    assert said in err


def test_a_folder_that_is_not_there_is_told_whatever_the_data_set_does_with_it(tmp_path: Path) -> None:
    """A set that never looks into the folder does not hide a mistyped path."""
    ended = run("--project", str(ROOT), "status", "--data-dir", str(tmp_path / "nowhere"))
    assert ended.code == DataError.exit_code
    assert "nowhere does not exist; correct --data-dir or leave it out" in ended.err


@pytest.mark.slow
def test_real_data_in_a_folder(built: Project, tmp_path: Path) -> None:
    """What the user gives is taken where it is there; it makes other runs than the stand-in."""
    np.savez(tmp_path / "things.npz", images=np.zeros((40, 1, 8, 8), np.uint8), label=np.zeros(40, np.int64))
    plan = make_plan(
        built, declared(built).values(), Choices(device="cpu", data={"all": "real"}, data_dir=tmp_path)
    )
    assert {(each.source.title, each.state) for each in plan if each.source} == {
        ("Photographs of things", "new")
    }
    assert set(planned(built)) == {"Sketches of things"}


@pytest.mark.slow
def test_an_option_makes_other_runs(built: Project) -> None:
    """What is said of an option is part of the key."""
    plan = make_plan(built, declared(built).values(), Choices(device="cpu", data={"things.negative": "yes"}))
    assert {each.state for each in plan} == {"new"}
    assert {each.state for each in make_plan(built, declared(built).values(), Choices(device="cpu"))} == {
        "cached"
    }


def test_prepared_data_depend_on_its_code(tmp_path: Path) -> None:
    """An edit of what its data module imports has the data prepared anew; one of the net does not."""
    copy = Project(Path(shutil.copytree(ROOT, tmp_path / "copy")), tmp_path / "build")

    def prepared() -> Path | None:
        plan = make_plan(copy, declared(copy).values(), Choices(device="cpu"))
        return prepare_data(copy, plan[0], {})

    before = prepared()
    for name, stays in (("net.py", True), ("shapes.py", False)):
        file = copy.root / PLACE / name
        file.write_text(f"{file.read_text()}# a remark\n")
        assert (prepared() == before) is stays


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        pytest.param(  # in a real worker
            "net.py", "return self.second", "return 1 / 0 + self.second", marks=pytest.mark.slow
        ),
        ("things.py", "negative = source", "negative = 1 / 0 or source"),
        ("answers/told.py", "    return Answer(", "    1 / 0\n    return Answer("),
    ],
)
def test_a_mistake_in_its_code_is_told_with_its_line(
    built: Project, tmp_path: Path, file: str, line: str, broken: str
) -> None:
    """Whatever raises in a net, in data or in an answer, here or in a worker, the line is said."""
    root = Path(shutil.copytree(ROOT, tmp_path / "copy"))
    shutil.copytree(built.output, root / "build")  # an answer has its runs already
    code = (root / PLACE / file).read_text()
    assert line in code
    (root / PLACE / file).write_text(code.replace(line, broken))
    words = ["build", "--formats", "html", "--device", "cpu", "--workers", "1", "--seeds", "1"]
    ended = run("--project", str(root), *words)
    assert ended.code == UsageError.exit_code
    assert re.search(rf"Error: .*{file}:\d+: ZeroDivisionError: division by zero; mend it there", ended.err)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runs", "provenance", "verdicts", "numbers"])
def test_a_section_cannot_take_the_place_of_the_appendix(built: Project, tmp_path: Path, name: str) -> None:
    """Two link targets of one name would lead to the first."""
    root = Path(shutil.copytree(ROOT, tmp_path / "copy"))
    for file in (root / "templates" / REPORT / "report.toml", root / PLACE / "answers" / "told.py"):
        file.write_text(file.read_text().replace('"told"', f'"{name}"'))
    with pytest.raises(UsageError, match=f"two places of the report are called '{name}'; rename one"):
        pipeline.build(Project(root, built.output), REPORT, Choices(device="cpu"), formats="html")


@pytest.mark.parametrize(
    ("file", "text", "code", "said"),
    [
        (f"templates/{REPORT}/told.html.j2", "{% if %}", 2, r"told\.html\.j2:1: Expected"),
        (
            f"templates/{REPORT}/told.html.j2",
            "\n1.5 things",
            3,
            r"told\.html\.j2:2: the number 1\.5 was typed",
        ),
        (f"templates/{REPORT}/told.html.j2", "{% include 'no.j2' %}", 2, r"template no\.j2 is missing"),
        ("templates/shared/cover.html.j2", "{{ 1 | nix }}", 2, r"cover\.html\.j2:1: No filter named 'nix'"),
        (f"{PLACE}/answers/told.py", "ANSWERS = {}", 2, "has no answer to told"),
        (f"{PLACE}/answers/told.py", "def (", 2, r"answers/told\.py:1: SyntaxError"),
    ],
)
def test_what_needs_no_run_to_be_seen_is_told_before_any_is_computed(
    tmp_path: Path, file: str, text: str, code: int, said: str
) -> None:
    """Mistakes in templates and answers cost no training."""
    root = Path(shutil.copytree(ROOT, tmp_path / "copy"))
    (root / file).parent.mkdir(exist_ok=True)
    (root / file).write_text(text)
    ended = run("--project", str(root), "build", "--device", "cpu", "--out", str(tmp_path / "out"))
    assert ended.code == code
    assert re.search(said, ended.err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("file", ["experiments/__init__.py", "experiments.py"])
def test_the_package_of_the_reports_has_no_file(tmp_path: Path, file: str) -> None:
    """What lies where Python would look for it is not executed, and no run depends on it."""
    copy = Project(Path(shutil.copytree(ROOT, tmp_path / "copy")), tmp_path / "build")
    (copy.root / file).write_text("raise RuntimeError\n")
    planned = make_plan(copy, declared(copy).values(), Choices(device="cpu"))[0]
    assert prepare_data(copy, planned, {}) is not None
    assert file not in planned.key.what["sources"]


def test_what_is_shared_lists_without_torch() -> None:
    """Listing executes declarations alone: a net beside them is not imported."""
    program = (
        "import sys; from pathlib import Path; from cnnreport.project import find;"
        "from cnnreport.runs.experiment import load_all;"
        f"print(len(load_all(find(Path({str(ROOT)!r}))))); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.stdout.split() == ["2", "False"], done.stderr


DECLARATION = """
from cnnreport.runs.experiment import Experiment
from counted import Counted
from . import shared

EXPERIMENTS = (Experiment("one", shared.TITLE, Counted(), seeds=1),)
"""

SPEC = """
class Counted:
    number = {number}
"""


def project(root: Path, number: int) -> Project:
    """Write a project whose modules have the names of every other such project."""
    (root / "templates").mkdir(parents=True)
    (root / "experiments" / "the-report").mkdir(parents=True)
    (root / "experiments" / "the-report" / "declared.py").write_text(DECLARATION)
    (root / "experiments" / "the-report" / "shared.py").write_text(f"TITLE = 'Project {number}'\n")
    (root / "counted.py").write_text(SPEC.format(number=number))
    return Project(root, root / "build")


def one(of: Project) -> Experiment:
    """Its experiment."""
    return declared(of)["one"]


def test_two_projects_do_not_see_each_other(tmp_path: Path) -> None:
    """In one process each project has its own modules, whatever they are called, again and again."""
    first, second = project(tmp_path / "first", 1), project(tmp_path / "second", 2)
    for _ in range(2):
        for number, each in ((1, first), (2, second)):
            assert (one(each).title, one(each).spec.number) == (f"Project {number}", number)
    assert str(first.root) not in sys.path


def test_what_only_another_project_has_cannot_be_imported(tmp_path: Path) -> None:
    """A module that lies in another project is not found, though that was at work just now."""
    first, second = project(tmp_path / "first", 1), project(tmp_path / "second", 2)
    one(first)
    (second.root / "counted.py").unlink()
    with pytest.raises(UsageError, match=r"declared\.py:3: ModuleNotFoundError: No module named 'counted'"):
        one(second)


def test_a_module_is_executed_once(tmp_path: Path) -> None:
    """Specs of one plan are of one class, however often the declarations are asked for."""
    first = project(tmp_path / "first", 1)
    assert type(one(first).spec) is type(one(first).spec)


@pytest.mark.parametrize("file", ["counted.py", "experiments/the-report/shared.py"])
def test_an_edit_of_shared_code_is_seen(tmp_path: Path, file: str) -> None:
    """What declarations import is executed anew when its file has changed, not only they."""
    first = project(tmp_path / "first", 1)
    one(first)
    text = (first.root / file).read_text()
    (first.root / file).write_text(text.replace("1", "7"))
    seen = one(first)
    assert 7 in (seen.spec.number, int(seen.title.split()[1]))


def test_a_mistake_in_shared_code_is_told_with_its_line(tmp_path: Path) -> None:
    """The line that is named is that of the shared module, not that of the import."""
    first = project(tmp_path / "first", 1)
    (first.root / "experiments" / "the-report" / "shared.py").write_text("\nTITLE = 1 / 0\n")
    with pytest.raises(UsageError, match=r"shared\.py:2: ZeroDivisionError"):
        one(first)


def test_a_file_is_a_module_of_its_report(tmp_path: Path) -> None:
    """A file that is loaded by its path is the module that others import."""
    first = project(tmp_path / "first", 1)
    module = load_file(first.experiments / "the-report" / "shared.py")
    assert module.__name__ == "experiments.the-report.shared"
    assert modules.load(module.__name__) is module
