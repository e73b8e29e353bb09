"""The notebook of adl-2022 executed: what its plain loops give is what the trainings of the report gave."""

import importlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_derivations import derived_measures, write_derivation
from fake_signs import BATCHES, PLACE, WHOLE, five, trials

from cnnreport import modules
from cnnreport.data.data_set import Request
from cnnreport.project import PACKAGE, Project
from cnnreport.report.out import notebook
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run
from cnnreport.training.specs.optimiser import Optimiser

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]

SMALL = {"epochs": 2, "batch_size": 30, "train_images": 86, "validation_images": 43, "test_images": 86}
SETTINGS = {
    **SMALL, "classes": 43, "learning_rate": 1e-3, "arguments": [["h", 7]], "test_batch": 40,
}  # fmt: skip
TRAINED = {
    "baseline": ("SignTask", Optimiser("adam", epsilon=0.1)),
    "batch norm": ("NormedTask", Optimiser("adam", epsilon=0.1)),
    "usual Adam": ("SignTask", Optimiser("adam")),
    "SGD": ("SignTask", Optimiser("sgd")),
    "Rprop": ("SignTask", Optimiser("rprop")),
}
"""What the cells call each training, and how the report trains it."""

ROUNDED = {"usual Adam": 1e-2}
"""How far losses may differ where the library has an optimiser of its own, whose steps round otherwise."""


def part(name: str) -> Any:
    """A module of the report."""
    modules.enter(PACKAGE.parent)
    return importlib.import_module(f"{PLACE}.{name}")


def with_spec(run: Run) -> Run:
    """Return a fake run as one of the small settings, with the source of its net."""
    key = run.manifest["key"]
    what = {**key["what"], "spec": {**key["what"]["spec"], **SETTINGS}}
    sources = {name: inspect.getsource(getattr(part("nets"), name)) for name in run.listings}
    return replace(run, manifest={**run.manifest, "key": {**key, "what": what}}, listings=sources)


def write_signs(folder: Path) -> None:
    """Write signs of noise, three tracks of two frames each, whose brightness says the class."""
    generator = np.random.default_rng(2)
    labels, tests = np.repeat(np.arange(43), 6), np.repeat(np.arange(43), 2)
    images = [
        (of[:, None, None, None] * 5 + generator.integers(0, 40, (len(of), 28, 28, 3))).astype(np.uint8)
        for of in (labels, tests)
    ]
    np.savez(
        folder / "gtsrb28.npz", train=images[0], train_labels=labels, test=images[1], test_labels=tests,
        train_tracks=np.tile([0, 0, 1, 1, 2, 2], 43),
    )  # fmt: skip


@pytest.fixture
def executed(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Mapping[str, Any]:
    """The names that the notebook's cells leave, and what they print."""
    write_signs(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    grid, named = {"h": [4, 5, 6]}, {"numbers": {"h": 7}, "points": 3, "input_doubled": None}
    proof = {"grid": grid, "degrees": {"h": 2}, "largest_kernel": None}
    measures = derived_measures(net="SignNet", grid=grid, proof=proof, **named)
    small = [run for name in (WHOLE, BATCHES) for run in trials(root, name, 0.3, 3)]
    runs = [*map(with_spec, five(root, {}, 2)), *small]
    runs += [write_derivation(root, measures, f"{name}-formulas") for name in ("signs", "normed-signs")]
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    loaded = outline.load(Project(PACKAGE.parent, root), "adl-2022")
    asked = tuple(each for each in loaded.sections if each.id in ("s11", "s12", "s13", "s14"))
    report = compose.compose(
        Project(PACKAGE.parent, root), replace(loaded, sections=asked), grouped, compose.Context()
    )
    cells = json.loads(notebook.read(report, "adl-2022.ipynb"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    text = code.replace("QUICK = True", "QUICK = False")
    names: dict[str, Any] = {}
    exec(compile(text, "notebook", "exec"), names)
    return {**names, "printed": capsys.readouterr().out}


def trained(name: str, folder: Path) -> tuple[list[dict[str, float]], Any]:
    """Train as the report does, on the same images; return the history and what the run leaves."""
    task, optimiser = TRAINED[name]
    signs, net = part("signs.signs"), "NormedSignNet" if task == "NormedTask" else "SignNet"
    spec = part("specs").SignTraining(
        net=f"{PLACE}.nets:{net}", data="x:Y", classes=43, arguments=(("h", 7),), optimiser=optimiser,
        test_batch=40, **SMALL,
    )  # fmt: skip
    data = signs.prepare(signs.locate(Request(folder=folder)), **spec.data_parameters())
    made = getattr(part("training"), task)(spec, 0, data, "cpu")
    return [made.run_epoch() for _ in range(made.epochs)], made.results().measures


def test_its_loops_give_what_the_report_gave(executed: Mapping[str, Any], tmp_path: Path) -> None:
    """Each training of the notebook ends with the losses of the report's own, and tests as it does."""
    for name in TRAINED:
        history, measures = trained(name, tmp_path)
        told = executed["histories"][name]
        for mine, theirs in zip(told, history, strict=True):
            assert mine == pytest.approx({key: theirs[key] for key in mine}, abs=ROUNDED.get(name, 1e-3)), (
                name
            )
        if name == "batch norm":
            for words, key in (
                ("evaluation mode", "test_accuracy"),
                ("train mode, shuffled batches", "test_accuracy_shuffled"),
                ("train mode, sorted batches", "test_accuracy_sorted"),
            ):
                assert f"{words:28s} {measures[key]:.4f}" in executed["printed"]
