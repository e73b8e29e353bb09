"""The plan: what stands, what is stale, and why."""

import dataclasses
from pathlib import Path

import pytest
from planned import DECLARATION, job, plan

from cnnreport.commands.overview import current_plan
from cnnreport.errors import EnvironmentFailure, UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.runs import artefact, checkpoint, device, experiment
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key, source_closure
from cnnreport.runs.planning.choices import Choices, keep_choices, last_choices
from cnnreport.runs.runner import execute
from cnnreport.system import durable


def states(project: Project, choices: Choices | None = None) -> list[str]:
    """The states of the planned runs."""
    return [planned.state for planned in plan(project, choices=choices)]


def test_runs_are_new_then_cached(counting: Project) -> None:
    """What was never run is new; what stands is cached."""
    assert states(counting) == ["new", "new"]
    execute(job(counting, seed=0), lambda _: None)
    assert states(counting) == ["cached", "new"]


def test_a_changed_source_makes_stale_and_is_named(counting: Project) -> None:
    """After an edit of a module that the run imports, the run is stale and the file is named."""
    execute(job(counting), lambda _: None)
    module = counting.root / "counting.py"
    module.write_text(module.read_text() + "\n# changed\n")
    planned = plan(counting)[0]
    assert planned.state == "stale"
    assert planned.reasons == ["source counting.py changed"]


def test_a_changed_template_leaves_runs_alone(counting: Project) -> None:
    """Runs do not depend on how they are told."""
    execute(job(counting), lambda _: None)
    (counting.templates / "page.html.j2").write_text("other")
    assert states(counting)[0] == "cached"


def test_a_changed_spec_is_a_new_run(counting: Project) -> None:
    """Another choice is another run, and the difference is named."""
    execute(job(counting), lambda _: None)
    file = counting.experiments / "demo" / "counts.py"
    file.write_text(DECLARATION.replace("Counting()", "Counting(factor=5)"))
    planned = plan(counting)[0]
    assert planned.state == "new"
    assert planned.reasons == ["spec factor: 3 became 5"]


def test_another_library_version_makes_stale(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run made with another torch does not count here, unless it was imported."""
    execute(job(counting), lambda _: None)
    monkeypatch.setattr("cnnreport.runs.planning.plan.versions", lambda libraries: {"torch": "9.9"})
    assert plan(counting)[0].state == "stale"
    folder = next(counting.runs.iterdir())
    durable.write(folder / artefact.IMPORTED, b'{"file": "x.zip", "when": "now"}')
    assert plan(counting)[0].state == "imported"


def test_an_imported_run_gives_way_to_a_device_that_was_asked_for(counting: Project) -> None:
    """--device cpu means the CPU: a GPU's run stands in only where the device is left open."""
    the_job = job(counting)
    elsewhere = Key(the_job.key.what, {**the_job.key.where, "device": "cuda"})
    folder = counting.runs / artefact.folder_name("count", 0, elsewhere)
    execute(dataclasses.replace(the_job, key=elsewhere, folder=folder), lambda _: None)
    durable.write(folder / artefact.IMPORTED, b'{"file": "x.zip", "when": "now"}')
    assert states(counting, Choices(device="auto"))[0] == "imported"
    assert states(counting, Choices(device="cpu"))[0] == "stale"


def test_damage_is_told(counting: Project) -> None:
    """A damaged run has to be computed again, and the user learns why."""
    folder = execute(job(counting), lambda _: None)
    (folder / artefact.HISTORY).write_bytes(b"[]\n")
    planned = plan(counting)[0]
    assert (planned.state, list(planned.reasons)) == (
        "damaged",
        ["history.json is missing or not what was written"],
    )


def test_force_runs_again_from_the_beginning(counting: Project) -> None:
    """--force computes a cached run anew."""
    execute(job(counting), lambda _: None)
    assert states(counting, Choices(device="cpu", force=("count",))) == ["forced", "forced"]


def test_failed_and_interrupted_runs_are_told_apart(counting: Project) -> None:
    """A failure is named; checkpoints without one are an interruption."""
    the_job = job(counting, "fail")
    with pytest.raises(Exception, match="torn"):
        execute(the_job, lambda _: None)
    planned = plan(counting, "fail")[0]
    assert (planned.state, list(planned.reasons)) == ("failed", ["the third image is torn; mend it."])
    (the_job.checkpoints / checkpoint.FAILURE).unlink()
    assert plan(counting, "fail")[0].state == "interrupted"


def test_a_run_whose_lock_is_held_is_running(counting: Project) -> None:
    """While a process holds a run's lock, status says that it is running."""
    the_job = job(counting)
    with checkpoint.lock(the_job.checkpoints):
        assert plan(counting)[0].state == "running"
    assert plan(counting)[0].state == "new"


def test_fewer_or_more_seeds_reuse_what_stands(counting: Project) -> None:
    """Each seed is a run of its own: a third one leaves the first two alone."""
    for seed in (0, 1):
        execute(job(counting, seed=seed), lambda _: None)
    assert states(counting, Choices(device="cpu", seeds=3)) == ["cached", "cached", "new"]


def test_smoke_and_full_runs_stand_side_by_side(counting: Project) -> None:
    """A smoke build neither uses nor replaces full runs."""
    execute(job(counting), lambda _: None)
    assert states(counting, Choices(device="cpu", smoke=True)) == ["new", "new"]
    assert states(counting)[0] == "cached"


def test_the_closure_follows_imports_to_the_end(tmp_path: Path) -> None:
    """Indirect, relative and function-level imports count; what is not imported does not."""
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from . import b\nimport os, torch\n")
    (package / "b.py").write_text("def f():\n    from pkg.c import g\n    return g\n")
    (package / "c.py").write_text("from .d import *\n")
    (package / "d.py").write_text("")
    (package / "other.py").write_text("")
    found = source_closure(["pkg.a"], tmp_path)
    assert list(found) == ["pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/c.py", "pkg/d.py"]


def test_training_does_not_depend_on_the_report_or_the_command_line() -> None:
    """The closure of the real task holds the training modules and none of the report half."""
    found = set(source_closure(["cnnreport.training.colourization"], PACKAGE.parent))
    assert "cnnreport/training/colourization.py" in found
    assert not {
        path for path in found if path.startswith(("cnnreport/report", "cnnreport/cli", "cnnreport/runs"))
    }


def test_an_unknown_module_in_a_spec_is_refused(tmp_path: Path) -> None:
    """A spec that names no module of the project is an error, not an empty closure."""
    with pytest.raises(UsageError, match=r"no module nowhere\.net"):
        source_closure(["nowhere.net"], tmp_path)


def test_two_experiments_of_one_name_are_refused(counting: Project) -> None:
    """Names are unique in a project."""
    (counting.experiments / "demo" / "again.py").write_text(DECLARATION)
    with pytest.raises(UsageError, match="two experiments are called count"):
        experiment.load_all(counting)


def test_code_beside_the_declarations_is_not_executed(counting: Project) -> None:
    """A module that defines no EXPERIMENTS is shared code, and may import what is heavy."""
    (counting.experiments / "demo" / "shared.py").write_text("raise AssertionError('executed')")
    assert list(experiment.load_all(counting)) == ["count", "fail"]


def test_cuda_that_is_not_there_is_an_environment_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """--device cuda without CUDA says so, with the remedy."""
    monkeypatch.setattr(device, "gpu", lambda: None)
    with pytest.raises(EnvironmentFailure, match="no CUDA device; use --device cpu or auto"):
        device.resolve("cuda")
    assert device.resolve("auto") in ("cpu", "mps")


def test_the_last_choices_are_remembered(counting: Project) -> None:
    """status and explain see the plan that the last build was asked for."""
    choices = Choices(data={"horses": "meadow"}, data_dir=Path("somewhere").resolve(), seeds=5, smoke=True)
    assert last_choices(counting) is None
    keep_choices(counting, choices)
    assert last_choices(counting) == choices


@pytest.mark.parametrize(
    "kept",
    [
        '{"data": "meadow", "data_dir": null, "palette": null, "weights": "auto", "skip_bad": false}',
        '{"data": {"horses": 3}, "data_dir": null}',
        '{"data": {}, "data_dir": null, "colour": "red"}',
        '{"data": {}, "data_dir": null, "seeds": "three"}',
        '{"data": {}, "data_dir": null, "cut": {"epochs": "half"}}',
        '{"data": {}, "data_dir": null, "cut": 3}',
        '{"data": {}, "data_dir": 3}',
        "[]",
        "not JSON",
    ],
)
def test_choices_of_another_version_are_forgotten(counting: Project, kept: str) -> None:
    """What an earlier cnnreport remembered does not stop `status`: it looks at the defaults."""
    counting.output.mkdir()
    (counting.output / "choices.json").write_text(kept)
    assert last_choices(counting) is None
    assert [planned.state for planned in current_plan(counting, None)] == ["new"] * 3


def test_remembered_choices_lose_what_the_project_has_no_more(counting: Project) -> None:
    """A data set that was asked for and is gone does not stop `status` either."""
    keep_choices(counting, Choices(data={"horses": "meadow"}, device="cpu"))
    assert [planned.state for planned in current_plan(counting, None)] == ["new"] * 3


def test_an_explanation_of_two_keys_names_each_part() -> None:
    """Every kind of difference has its own phrase."""
    old = Key(
        {"spec": {"k": 3}, "seed": 0, "sources": {"a.py": "1", "b.py": "2"}}, {"versions": {"torch": "1"}}
    )
    new = Key(
        {"spec": {"k": 5}, "seed": 0, "sources": {"a.py": "3", "c.py": "2"}}, {"versions": {"torch": "2"}}
    )
    assert old.differences(new) == [
        "source a.py changed",
        "source b.py is no longer used",
        "source c.py was added",
        "spec k: 3 became 5",
        "versions torch: 1 became 2",
    ]


def test_a_run_is_found_again_from_its_manifest(counting: Project) -> None:
    """The fingerprint in the manifest is that of the key in the manifest."""
    run = artefact.load(execute(job(counting), lambda _: None))
    assert isinstance(run, Run)
    assert run.key.fingerprint == run.manifest["fingerprint"]
    assert run.folder.name == artefact.folder_name("count", 0, run.key)


def test_a_smoke_build_runs_two_seeds_at_most(counting: Project) -> None:
    """What declares more is cut down; a number that is asked for holds."""
    file = counting.experiments / "demo" / "counts.py"
    file.write_text(DECLARATION.replace("seeds=2", "seeds=5"))
    numbers = [len(plan(counting, choices=Choices(device="cpu", smoke=True, seeds=n))) for n in (None, 3)]
    assert numbers == [2, 3]
