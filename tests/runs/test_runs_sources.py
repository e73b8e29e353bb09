"""What is executed is what the key hashed, whatever bytecode lies about and whoever edits a file."""

import importlib
import inspect
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from counting import Counting
from planned import DECLARATION, plan

from cnnreport import project as projects
from cnnreport import sources
from cnnreport.errors import VerificationError
from cnnreport.project import PACKAGE, Project
from cnnreport.runs import artefact, checkpoint
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.runs.experiment import load_all
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.plan import make_plan
from cnnreport.runs.planning.planned import make_job
from cnnreport.runs.planning.prepare import prepare_data
from cnnreport.runs.runner import Job, execute
from cnnreport.sources import SourceLoader

FOREVER = 120.0
LATE = "\ndef later() -> float:\n    import late\n    return float(late.VALUE)\n"


def edit_unseen(file: Path, old: str, new: str) -> None:
    """Leave bytecode of the old text, then put a new one of the same size and time in its place."""
    py_compile.compile(str(file), doraise=True)
    before, text = file.stat(), file.read_text()
    assert len(old) == len(new)
    assert old in text
    file.write_text(text.replace(old, new))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def python(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run Python in a folder, free to use bytecode."""
    environment = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    }
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=FOREVER
    )


def test_the_package_s_own_files_are_executed_as_they_stand(tmp_path: Path) -> None:
    """Bytecode of an earlier text of cnnreport itself is not used, nor written where it could mislead."""
    shutil.copytree(PACKAGE, tmp_path / "cnnreport", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    edit_unseen(tmp_path / "cnnreport" / "system" / "hardware.py", "_MAJOR = 75", "_MAJOR = 76")
    program = "import cnnreport.system.hardware as h; print(h.__file__, h.COMPUTE_CAPABILITY_MAJOR)"
    done = python("-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}", folder=tmp_path)
    assert done.stdout.split() == [str(tmp_path / "cnnreport" / "system" / "hardware.py"), "76"], done.stderr
    assert not list((tmp_path / "cnnreport" / "__pycache__").glob("errors.*"))


def test_a_declaration_is_executed_as_it_stands(counting: Project) -> None:
    """So is what a project declares, and what reads its runs into answers."""
    file = counting.experiments / "demo" / "counts.py"
    edit_unseen(file, "seeds=2", "seeds=4")
    assert projects.load_file(file).EXPERIMENTS[0].seeds == 4


DRAWN = """
import numpy as np
from cnnreport.data.data_set import Choice, DataSet, Request
from cnnreport.data.source import Source

DRAWN = DataSet("drawn-things", "Drawn", (Choice("one", "drawn"),), "drawn:locate", "drawn:prepare")

def locate(asked: Request) -> Source:
    return Source(name="one", title="Drawn", origin="drawn", fingerprint="0")

def prepare(source: Source) -> dict:
    return {"x": np.zeros(1)}
"""


class Steps:
    """A project whose task is a module of its own, imported by this process."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.file = project.root / "steps.py"
        self.late = project.root / "late.py"
        self.late.write_text("VALUE = 1\n")
        task = inspect.getsource(sys.modules[Counting.__module__]).replace("counting:", "steps:") + LATE
        self.file.write_text(task.replace("self.done + 1\n", "self.done + 1\n        later()\n"))
        declaration = DECLARATION.replace("from counting", "from steps")
        (project.experiments / "demo" / "counts.py").write_text(declaration)

    def job(self) -> Job:
        """Plan the first run as the files stand."""
        return make_job(plan(self.project)[0], None, "a command")

    def edit(self, file: Path) -> None:
        """Change a file in a way that changes nothing but its hash."""
        file.write_text(f"{file.read_text()}# a remark\n")


@pytest.fixture
def steps(counting: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    """That project, of which nothing is imported yet."""
    monkeypatch.syspath_prepend(str(counting.root))
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    sources.follow(counting.root)
    yield Steps(counting)
    for name in ("steps", "late"):
        sys.modules.pop(name, None)


@pytest.mark.slow  # a real worker; in this process: test_what_was_edited_is_imported_anew
def test_a_worker_executes_the_text_that_it_keeps(steps: Steps) -> None:
    """After an edit that bytecode does not notice, the run has the new source and its numbers."""
    edit_unseen(steps.file, "self.value * self", "self.value + self")
    (run,) = run_plan(steps.project, plan(steps.project)[:1], "a command", lambda _: None)
    assert "self.value + self" in (run.folder / artefact.SOURCES / "steps.py").read_text()
    assert [row["train_loss"] for row in run.history] == [4.0, 7.0, 10.0, 13.0]


def test_what_stays_as_it_is_runs(steps: Steps) -> None:
    """Files that nobody edits are no matter."""
    execute(steps.job(), lambda _: None)
    assert plan(steps.project)[0].state == "cached"


def test_an_edit_between_plan_and_run_is_told(steps: Steps) -> None:
    """A file that is no longer what was hashed ends the run before it begins."""
    job = steps.job()
    steps.edit(steps.late)
    with pytest.raises(VerificationError, match=r"late\.py was changed while the command ran; run the same"):
        execute(job, lambda _: None)
    assert checkpoint.epochs(job.checkpoints) == 0
    execute(steps.job(), lambda _: None)


def test_an_edit_between_declaration_and_plan_is_told(steps: Steps) -> None:
    """What this process imported before the key was made is no longer what the key says."""
    declared = load_all(steps.project)["count"]
    steps.edit(steps.file)
    (planned, _) = make_plan(steps.project, [declared], Choices(device="cpu"))
    with pytest.raises(VerificationError, match=r"steps\.py was changed while the command ran"):
        execute(make_job(planned, None, "a command"), lambda _: None)


def test_what_was_edited_is_imported_anew(steps: Steps) -> None:
    """A later plan in the same process computes what the files say by then, and keeps their text."""
    execute(steps.job(), lambda _: None)
    steps.edit(steps.file)
    steps.edit(steps.late)
    run = artefact.load(execute(steps.job(), lambda _: None))
    assert isinstance(run, artefact.Run)
    for name in ("steps.py", "late.py"):
        assert (run.folder / artefact.SOURCES / name).read_text().endswith("# a remark\n")


def test_an_edit_while_an_epoch_runs_keeps_nothing_of_it(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that an epoch imports late and changed is noticed before the epoch is kept."""
    job = steps.job()
    task = importlib.import_module("steps").CountingTask
    state = task.run_epoch

    def edited(self: object) -> object:
        if "late" not in sys.modules:
            steps.edit(steps.late)
        return state(self)

    monkeypatch.setattr(task, "run_epoch", edited)
    with pytest.raises(VerificationError, match=r"late\.py was changed while the command ran"):
        execute(job, lambda _: None)
    assert checkpoint.epochs(job.checkpoints) == 0


def test_another_module_of_the_same_name_is_told(counting: Project) -> None:
    """A module that shadows the one that was hashed is named, with the way out."""
    file = counting.root / "counting.py"
    file.write_text(f"{file.read_text()}# a remark\n")
    with pytest.raises(VerificationError, match=r"counting\.py is imported in place of .*rename one of them"):
        execute(make_job(plan(counting)[0], None, "a command"), lambda _: None)


def test_a_listing_is_the_text_that_was_executed(steps: Steps) -> None:
    """What is printed is what ran, though the file has other lines by then."""
    task = importlib.import_module("steps").CountingTask
    expected = inspect.getsource(task)
    steps.file.write_text(f"# above\n{steps.file.read_text()}")
    assert inspect.getsource(task) == expected
    assert expected.startswith("class CountingTask:")


def test_data_that_other_code_prepared_are_not_kept(steps: Steps) -> None:
    """Prepared data are named after the hashes of the code that made them."""
    (steps.project.root / "drawn.py").write_text(DRAWN)
    steps.file.write_text(steps.file.read_text().replace("str | None] = None", 'str] = "drawn:DRAWN"'))
    planned = plan(steps.project)[0]
    assert planned.source is not None
    steps.edit(steps.project.root / "drawn.py")
    planned.key.what["sources"]["drawn.py"] = "0" * 64
    with pytest.raises(VerificationError, match=r"drawn\.py was changed while the command ran"):
        prepare_data(steps.project, planned, {})
    assert not list(steps.project.prepared.glob("*"))


@pytest.mark.parametrize(
    "place", ["lib/site-packages", ".venv/lib/python3/site-packages/torch", "dist-packages"]
)
def test_installed_packages_keep_their_bytecode(place: str, tmp_path: Path) -> None:
    """An environment inside a project is imported as ever: its thousands of files change by installation."""
    (tmp_path / place).mkdir(parents=True)
    with pytest.raises(ImportError, match="others import from"):
        sources.Hook(tmp_path)(str(tmp_path / place))
    assert sources.Hook(tmp_path)(str(tmp_path)).path == str(tmp_path)


def test_a_folder_of_installed_packages_is_not_followed(tmp_path: Path) -> None:
    """Nor is the folder that cnnreport itself is installed into, where it is taken for a project."""
    (tmp_path / "site-packages" / "torch").mkdir(parents=True)
    for place in ("site-packages", "site-packages/torch"):
        with pytest.raises(ImportError, match="others import from"):
            sources.Hook(tmp_path / "site-packages")(str(tmp_path / place))


def test_a_package_that_is_installed_is_followed_all_the_same() -> None:
    """All of cnnreport is executed from its sources, wherever it lies."""
    assert sources.PACKAGE in sources.followed()
    loaded = [name for name in sys.modules if name.startswith("cnnreport.")]
    others = {name for name in loaded if not isinstance(sys.modules[name].__spec__.loader, SourceLoader)}  # type: ignore[union-attr]
    assert others <= {"cnnreport.sources"}
