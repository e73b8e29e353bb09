"""The command line as a user meets it: quick, honest about failure, readable by programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run
from thinned import thinned

from cnnreport.project import PACKAGE
from cnnreport.runs import device

HEAVY = {"torch", "sympy", "matplotlib", "weasyprint", "sklearn", "scipy", "jinja2", "requests"}


def test_help_and_lists_import_nothing_heavy() -> None:
    """What should come at once does not wait for torch and its like."""
    program = (
        "import sys; from cnnreport.cli import main\n"
        "for words in (['--help'], ['list'], ['--version'], ['build', '--help']):\n"
        "    try: main(words)\n"
        "    except SystemExit as end: assert not end.code, words\n"
        f"heavy = {HEAVY!r} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr


BARE = """
import json, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not on this machine")

BLOCKED = {"weasyprint", "jinja2", "markupsafe", "matplotlib", "ziamath", "pygments", "scipy"}
sys.meta_path.insert(0, Blocked())
import cnnreport.commands.run, cnnreport.runs.transfer, cnnreport.commands.overview
import cnnreport.training.colourization, cnnreport.data.horses.horses
import grey_blocks
grey_blocks.make().run_epoch()
from cnnreport.cli import main
try:
    main(["run", "nothing"])
finally:
    print(json.dumps([*sys.modules]))
"""


@pytest.fixture(scope="module")
def bare() -> "subprocess.CompletedProcess[str]":
    """How a process ends that trains an epoch, and then is asked for more, without the report half."""
    places = (PACKAGE.parent, Path(__file__).parent / "training")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    return subprocess.run(
        [sys.executable, "-c", BARE], capture_output=True, text=True, cwd=PACKAGE.parent, env=environment
    )


@pytest.mark.slow
def test_the_run_half_needs_no_typesetting(bare: "subprocess.CompletedProcess[str]") -> None:
    """On a bare GPU machine, without the libraries of the report half, experiments can be run."""
    assert bare.stderr.startswith("Error: there is no experiment 'nothing'"), bare.stderr
    assert bare.returncode == 2


@pytest.mark.slow
def test_training_needs_neither_torchvision_nor_dynamo(bare: "subprocess.CompletedProcess[str]") -> None:
    """What costs seconds at the start of a worker stays unloaded."""
    loaded = {*json.loads(bare.stdout)}
    assert "cnnreport.training.colourization" in loaded
    assert not {"torchvision", "torch._dynamo"} & loaded


def test_the_list_names_experiments_and_reports() -> None:
    """--json gives plain data on stdout and nothing on stderr."""
    command = [sys.executable, "-m", "cnnreport", "list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)
    listed = json.loads(done.stdout)
    assert "pool-upsample" in [one["name"] for one in listed["experiments"]]
    assert "a2-writeup" in [one["name"] for one in listed["reports"]]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    thinned(
        [
            (["run", "nothing"], 2, "there is no experiment 'nothing'; choose from: "),
            (["build", "nothing"], 2, "there is no report 'nothing'"),
            (["build", "--only", "nothing"], 2, "there is no experiment 'nothing'"),
            (["build", "--colour"], 2, "No such option"),
            (["build", "--seeds", "0"], 2, "0 is not in the range"),
            (
                ["build", "a2-writeup", "--budget", "soon"],
                2,
                "'soon' is no time; write it as 10m, 90s or 1h30m",
            ),
            (
                ["build", "a2-writeup", "--budget", "5m", "--smoke"],
                2,
                "--budget and --smoke do not go together",
            ),
            (["build", "a2-writeup", "--cut", "half"], 2, "'half' is no cut; write it as seeds=1,sizes=3"),
            (["explain", "nothing"], 2, "there is no experiment 'nothing'"),
            (["status", "--device", "cuda"], 4, "no CUDA device; use --device cpu or auto"),
            (["build", "-n", "--data", "real", "--data-dir", "{tmp}/none"], 5, "{tmp}/none"),
            (["runs", "import", "{tmp}/none.zip"], 5, "cannot read"),
            (["--project", "{tmp}", "list"], 2, "is no project"),
        ],
        3,
    ),
)
def test_a_mistake_is_one_sentence_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, says: str, tmp_path: Path
) -> None:
    """Wrong names, devices and folders are told with the remedy, never with a traceback."""
    monkeypatch.setattr(device, "gpu", lambda: None)
    filled = [word.format(tmp=tmp_path) for word in words]
    done = run(*filled)
    assert done.code == code, done.err
    assert says.format(tmp=tmp_path) in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert done.out == ""


def two_reports(folder: Path) -> None:
    """Make a project of two reports, none of which is the default."""
    (folder / "experiments").mkdir()
    for name in ("mine", "yours"):
        (folder / "templates" / name).mkdir(parents=True)
        (folder / "templates" / name / "report.toml").touch()


def test_of_several_reports_one_has_to_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A project that does not say which report it means is told which there are."""
    two_reports(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = run("build", "-n")
    assert done.code == 2
    assert "say which report, the project has 2; choose from: mine, yours." in done.err


def test_a_folder_in_no_project_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing of the package itself is taken for the user's project."""
    monkeypatch.chdir(tmp_path)
    done = run("list")
    assert done.code == 2
    assert f"{tmp_path} is in no project" in done.err
    assert "make one: cnnreport new NAME." in done.err


def test_debug_shows_where_an_error_came_from() -> None:
    """--debug is the way to the traceback."""
    done = run("run", "nothing", "--debug")
    assert "Traceback" in done.err


def test_an_unwritable_output_folder_is_an_environment_error(tmp_path: Path) -> None:
    """A file in the way of the output folder is told before anything is trained."""
    (tmp_path / "out").write_text("in the way")
    done = run("run", "pool-upsample", "--smoke", "--data", "drawn", "--out", str(tmp_path / "out" / "deep"))
    assert done.code == 4, done.err
    assert "cannot write" in done.err


def test_the_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    """Where the tests run a build must run, so no check fails."""
    done = run("doctor", "--json", "--data", "drawn", "--out", str(tmp_path))
    checks = {check["name"]: check["verdict"] for check in json.loads(done.out)}
    assert set(checks) >= {
        "torch",
        "device",
        "pango",
        "fonts",
        "disk",
        "horses",
        "flowers",
        "weights",
        "scenes",
    }
    assert "fail" not in checks.values(), done.out
    assert done.code == 0


def test_nothing_to_clean_is_said(tmp_path: Path) -> None:
    """An empty output folder is no error."""
    done = run("clean", "--out", str(tmp_path / "none"))
    assert (done.code, done.out) == (0, "There is nothing to remove.\n")


def test_clean_all_leaves_what_it_did_not_make(tmp_path: Path) -> None:
    """A folder given with --out may hold other things of the same names; they stay."""
    for name in ("data/thesis.txt", "runs/notes.txt", "checkpoints/mine.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("mine")
    done = run("clean", "--all", "--yes", "--out", str(tmp_path))
    assert done.out == "There is nothing to remove.\n"
    assert len(list(tmp_path.rglob("*.txt"))) == 3


def test_clean_does_not_remove_unasked(tmp_path: Path) -> None:
    """Where nobody can answer, clean says how to go on, and removes nothing."""
    rubbish = tmp_path / "runs" / ".incoming-x"
    rubbish.mkdir(parents=True)
    done = run("clean", "--out", str(tmp_path))
    assert (done.code, rubbish.exists()) == (2, True)
    assert "pass --yes" in done.err
    assert run("clean", "--yes", "--out", str(tmp_path)).code == 0
    assert not rubbish.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("EXPERIMENTS = (", "broken.py:1: SyntaxError"),
        ("x = 1\nEXPERIMENTS = x / 0", "broken.py:2: ZeroDivisionError: division by zero"),
        ("EXPERIMENTS = 5", "is no tuple of experiments"),
        ("ANSWERS = {}", "holds answers and declares no experiments; move it to answers/"),
    ],
)
def test_a_mistake_in_a_declaration_is_told_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    """Whoever writes experiments learns where the mistake is, without a traceback."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "experiments" / "mine").mkdir(parents=True)
    (tmp_path / "experiments" / "mine" / "broken.py").write_text(text)
    done = run("--project", str(tmp_path), "list")
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
