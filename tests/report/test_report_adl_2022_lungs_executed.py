"""The cells of adl-2022 about lungs executed: they draw and train as the report does."""

import importlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_lungs import NETS, PLACE, counted, four
from PIL import Image

from cnnreport import modules
from cnnreport.data.data_set import Request
from cnnreport.project import PACKAGE, Project
from cnnreport.report.out import notebook
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run
from cnnreport.training.specs.schedule import Schedule

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]

COUNTS = {"train_images": 6, "validation_images": 2, "test_images": 4}
SETTINGS = {"num_filters": 2, "size": 32, "epochs": 2, "batch_size": 4, "learning_rate": 1e-3}
CALLED = {"bilinear": "bilinear", "nearest": "nearest", "elu": "ELU", "transposed": "transposed"}


def part(name: str) -> Any:
    """A module about lungs."""
    modules.enter(PACKAGE.parent)
    return importlib.import_module(f"{PLACE}.{name}")


def with_settings(run: Run) -> Run:
    """Return a fake run as one of the small settings, with the sources of its nets."""
    key = run.manifest["key"]
    what = {**key["what"], "spec": {**key["what"]["spec"], **SETTINGS}}
    sources = {name: inspect.getsource(getattr(part("nets"), name)) for name in run.listings}
    manifest = {**run.manifest, "key": {**key, "what": what}}
    return replace(run, manifest=manifest, listings=sources, measures={**run.measures, **COUNTS})


@pytest.fixture
def cells(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The notebook's cells of code, which look for data in a folder of the test."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    runs = [*map(with_settings, four(root, {}, 1)), *counted(root)]
    project = Project(PACKAGE.parent, root)
    loaded = outline.load(project, "adl-2022")
    asked = tuple(each for each in loaded.sections if each.id in ("s21", "s22"))
    grouped = {run.experiment: [run] for run in runs}
    report = compose.compose(project, replace(loaded, sections=asked), grouped, compose.Context())
    made = json.loads(notebook.read(report, "adl-2022.ipynb"))["cells"]
    code = ["".join(cell["source"]) for cell in made if cell["cell_type"] == "code"]
    return [cell.replace("QUICK = True", "QUICK = False") for cell in code]


@pytest.fixture
def executed(cells: list[str], capsys: Any) -> Mapping[str, Any]:
    """The names that the cells leave, and what they print."""
    names: dict[str, Any] = {}
    for cell in cells:
        exec(compile(cell, "notebook", "exec"), names)
    return {**names, "printed": capsys.readouterr().out}


def test_its_loop_gives_what_the_report_gave(executed: Mapping[str, Any]) -> None:
    """The radiographs of the notebook are the report's, and each U-Net ends as that of the report does."""
    sources = part("sources")
    spec = part("specs").LungTraining(
        net="x:Y", data="x:Y", schedule=Schedule("cosine"), **{**SETTINGS, **COUNTS}
    )
    data = sources.prepare(sources.locate(Request()), **spec.data_parameters())
    for name, words in (("train", "train"), ("validation", "val"), ("test", "test")):
        images, masks = (each.cpu().numpy() for each in executed["lung_sets"][words])
        np.testing.assert_array_equal(images, data[f"{name}_images"])
        np.testing.assert_array_equal(masks, data[f"{name}_masks"])
    for name, net in NETS.items():
        task = part("training").LungTask(replace(spec, net=f"{PLACE}.nets:{net}"), 0, data, "cpu")
        history = [task.run_epoch() for _ in range(task.epochs)]
        for mine, theirs in zip(executed["lung_histories"][CALLED[name]], history, strict=True):
            assert mine == pytest.approx({key: theirs[key] for key in mine}, abs=1e-3), name
        assert f"{CALLED[name]:10s} mean {task.results().measures['test_f1']:.3f}" in executed["printed"]


CASES = [*(f"JPCLN00{number}" for number in range(1, 6)), *(f"JPCNN00{number}" for number in range(1, 4))]


def write_published(folder: Path) -> None:
    """Write noise as JSRT and SCR have radiographs and masks, of their size."""
    noise = np.random.default_rng(0)
    (folder / "All247images").mkdir()
    for case in CASES:
        noise.integers(0, 4096, (2048, 2048)).astype(">u2").tofile(folder / "All247images" / f"{case}.IMG")
        for side in ("left lung", "right lung", "heart"):
            place = folder / "scratch" / ("fold1" if int(case[-1]) % 2 else "fold2") / "masks" / side
            place.mkdir(parents=True, exist_ok=True)
            blocks = np.kron(noise.integers(0, 2, (128, 128)), np.ones((8, 8)))
            Image.fromarray((255 * blocks).astype(np.uint8)).save(place / f"{case}.gif")


def test_published_radiographs_are_read_as_the_report_reads_them(
    cells: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight images of JSRT's size, two of them for validation: the same division, pixels and masks."""
    write_published(tmp_path)
    published = part("published")
    layout = published.Layout(nodules=5, others=3, validation=2)
    monkeypatch.setattr(published, "read", partial(published.read, layout=layout))
    sources = part("sources")
    counts = {"train_images": 3, "validation_images": 2, "test_images": 3}
    data = sources.prepare(sources.locate(Request(folder=tmp_path)), size=SETTINGS["size"], **counts)

    names: dict[str, Any] = {}
    while "lung_sets" not in names:
        cell = cells.pop(0).replace("DRAWN_FOR_VALIDATION = 12", "DRAWN_FOR_VALIDATION = 2")
        exec(compile(cell, "notebook", "exec"), names)
    for name, words in (("train", "train"), ("validation", "val"), ("test", "test")):
        images, masks = (each.cpu().numpy() for each in names["lung_sets"][words])
        assert len(images) == counts[f"{name}_images"]
        np.testing.assert_allclose(images, data[f"{name}_images"], atol=1e-6)
        np.testing.assert_array_equal(masks, data[f"{name}_masks"])
