"""Experiments that are asked for together: by which names, and what the command line does with them."""

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from planned import PACES, plan

from cnnreport.cli import main
from cnnreport.errors import UsageError
from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.experiment import load_all, named
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.planned import Planned, make_job
from cnnreport.runs.runner import execute


@pytest.fixture
def paces(counting: Project) -> Project:
    """The counting project with a family of two experiments."""
    (counting.experiments / "demo" / "paces.py").write_text(PACES)
    return counting


@pytest.fixture
def ran(paces: Project) -> Project:
    """The same with the runs of three experiments."""
    for name in ("pace-2", "pace-3", "count"):
        for planned in plan(paces, name):
            execute(make_job(planned, None, "a command"), lambda _: None)
    return paces


@pytest.fixture
def cnnreport(paces: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run the command line on that project, in this process."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def call(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["--project", str(paces.root), *words])
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return call


@pytest.mark.parametrize(
    ("name", "meant"), [("count", ["count"]), ("pace", ["pace-2", "pace-3"]), ("pace-3", ["pace-3"])]
)
def test_a_name_means_an_experiment_or_a_family(paces: Project, name: str, meant: list[str]) -> None:
    """A family comes in the order of its declaration; each of its members has its own name too."""
    assert [one.name for one in named(load_all(paces), name)] == meant


@pytest.mark.parametrize("name", ["", "paces"])
def test_an_unknown_name_is_answered_with_all_names(paces: Project, name: str) -> None:
    """Families are among the names to choose from, and no name at all is no family's."""
    with pytest.raises(UsageError, match=r"there is no experiment .*: count, fail, pace, pace-2, pace-3"):
        named(load_all(paces), name)


def test_a_family_called_like_an_experiment_is_refused(counting: Project) -> None:
    """A name must not mean two things."""
    (counting.experiments / "demo" / "paces.py").write_text(PACES.replace('"pace"', '"count"'))
    with pytest.raises(UsageError, match="count is the name of an experiment and of a family; rename"):
        load_all(counting)


def test_a_family_has_a_name_like_an_experiment(counting: Project) -> None:
    """What is typed on the command line has one form."""
    (counting.experiments / "demo" / "paces.py").write_text(PACES.replace('"pace"', '"Two Paces"'))
    with pytest.raises(UsageError, match="'Two Paces' is no family's name; use lower-case"):
        load_all(counting)


def test_force_takes_a_family(ran: Project) -> None:
    """All of its experiments are run again, and no other."""
    forced = Choices(device="cpu", force=("pace",))
    names = ("count", "pace-2", "pace-3")
    states = {name: {planned.state for planned in plan(ran, name, forced)} for name in names}
    assert states == {"count": {"cached"}, "pace-2": {"forced"}, "pace-3": {"forced"}}


def test_run_prints_all_folders_and_a_result_for_each_experiment(ran: Project, cnnreport) -> None:
    """The last lines of a family's run tell of each member by its own name."""
    folders = [planned.folder.name for name in ("pace-2", "pace-3") for planned in plan(ran, name)]
    lines = cnnreport("run", "pace", "--device", "cpu").splitlines()
    assert [line.rpartition("/")[2] for line in lines[:2]] == folders
    assert lines[2] == "data: none"
    assert [line.partition(":")[0] for line in lines[3:]] == ["pace-2", "pace-3"]


def test_run_forces_a_family(ran: Project, cnnreport, monkeypatch: pytest.MonkeyPatch) -> None:
    """--force of the command run is for whatever its name means."""
    asked: list[tuple[str, str]] = []

    def run_planned(project: Project, wanted: list[Planned], *command: object, **more: object) -> list[Run]:
        asked.extend((planned.experiment.name, planned.state) for planned in wanted)
        return [run for run in artefact.load_all(project.runs) if isinstance(run, Run)]

    monkeypatch.setattr("cnnreport.commands.run.run_planned", run_planned)
    cnnreport("run", "pace", "--device", "cpu", "--force")
    assert asked == [("pace-2", "forced"), ("pace-3", "forced")]


def test_explain_takes_a_family(ran: Project, cnnreport) -> None:
    """Each run of each member is explained."""
    told = json.loads(cnnreport("explain", "pace", "--json", "--device", "cpu"))
    assert [(run["experiment"], run["state"]) for run in told] == [("pace-2", "cached"), ("pace-3", "cached")]


def test_export_takes_a_family(ran: Project, cnnreport, tmp_path: Path) -> None:
    """The archive holds the runs of the members and of no other experiment."""
    file = tmp_path / "runs.zip"
    assert cnnreport("runs", "export", str(file), "--only", "pace") == f"{file}: 2 runs\n"
    with zipfile.ZipFile(file) as archive:
        assert {name.partition("-seed")[0] for name in archive.namelist()} == {"pace-2", "pace-3"}


def test_the_list_shows_families(cnnreport) -> None:
    """Whoever looks for a name to type finds it beside the experiments that it means."""
    listed = json.loads(cnnreport("list", "--json"))["experiments"]
    assert {one["name"]: one["family"] for one in listed} == {
        "count": "", "fail": "", "pace-2": "pace", "pace-3": "pace"
    }  # fmt: skip
    rows = [line.split() for line in cnnreport("list").splitlines()]
    assert rows[0][:2] == ["experiment", "family"]
    assert ["pace-3", "pace"] in [row[:2] for row in rows]


def test_code_that_declares_nothing_is_told_where_it_belongs(counting: Project) -> None:
    """Answers beside the declarations would never be asked for, so the error names their folder."""
    (counting.experiments / "demo" / "answers.py").write_text("ANSWERS = {}")
    with pytest.raises(UsageError, match=r"answers\.py holds answers and .*; move it to answers/"):
        load_all(counting)


def test_answers_are_no_declarations(counting: Project) -> None:
    """The register of experiments does not look into the folder of answers."""
    (counting.experiments / "demo" / "answers").mkdir()
    (counting.experiments / "demo" / "answers" / "all.py").write_text("ANSWERS = {}")
    assert list(load_all(counting)) == ["count", "fail"]


@pytest.mark.parametrize(("words", "expected"), [((), None), (("--workers", "3"), 3)])
def test_the_number_of_workers_is_the_user_s(
    cnnreport, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], expected: int | None
) -> None:
    """--workers of run and of build is handed on to where the runs are computed."""
    asked: list[object] = []

    def run_planned(
        project: Project, wanted: list[Planned], command: str, workers: object, **more: object
    ) -> list[Run]:
        asked.append(workers)
        return []

    def build(*arguments: object, workers: object, **options: object) -> object:
        asked.append(workers)
        return SimpleNamespace(lines=list)

    monkeypatch.setattr("cnnreport.commands.run.run_planned", run_planned)
    monkeypatch.setattr("cnnreport.commands.build.build", build)
    cnnreport("run", "pace", "--device", "cpu", *words)
    cnnreport("build", "any", *words)
    assert asked == [expected, expected]
