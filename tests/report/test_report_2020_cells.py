"""The notebook of csc413-2020, Parts A and B: its cells, and what its plain loops give when they are run."""

import ast
import inspect
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_2020 import CNN, NETS, PUBLISHED, SIZES, UNET
from fake_derivations import write_derivation
from fake_invariance import asked_a4
from fake_runs import write_run
from undrawn import leave_undrawn

from cnnreport import modules
from cnnreport.project import PACKAGE, Project
from cnnreport.report.out import notebook
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run

SEED, EPOCHS = 3, 3
HORSES = {"epochs": EPOCHS, "batch_size": 20, "train_images": 50, "validation_images": 20}
RATES = {CNN: 0.001, PUBLISHED: 0.3, UNET: 0.001}
CALLED = {CNN: "CNN", UNET: "UNet"}
"""What the cells call the trainings that are compared; at the published rate rounding is blown up at once."""
TOLERANCE = {"train_loss": 1e-3, "validation_loss": 1e-3, "validation_accuracy": 0.005}

Histories = Mapping[str, Sequence[Mapping[str, float]]]


def net_of(experiment: str) -> str:
    """The class that an experiment trains."""
    return "UNet" if experiment.startswith(UNET) else "CNN"


def fake_report(root: Path) -> dict[str, list[Run]]:
    """Return fake runs whose specs and sources are those of small real ones; their numbers are made up."""
    modules.enter(PACKAGE.parent)
    rates = RATES | {f"{UNET}-batch-{size}": 0.001 for size in SIZES}
    runs = {}
    for name, rate in rates.items():
        run = write_run(
            root, SEED, experiment=name, net=f"{NETS}:{net_of(name)}", learning_rate=rate, epochs=EPOCHS
        )
        size = int(name.rpartition("-")[2]) if "batch" in name else HORSES["batch_size"]
        key = run.manifest["key"]
        spec = {**key["what"]["spec"], **HORSES, "batch_size": size}
        manifest = {**run.manifest, "key": {**key, "what": {**key["what"], "spec": spec}}}
        source = inspect.getsource(modules.attribute(f"{NETS}:{net_of(name)}"))
        runs[name] = replace(run, manifest=manifest, listings={net_of(name): source})
    derived = {
        f"{name}-formulas": write_derivation(root, experiment=f"{name}-formulas") for name in (CNN, UNET)
    }
    made = [run for run in asked_a4(partial(write_run, root), root, seeds=1) if run.experiment not in runs]
    return {name: [run] for name, run in (runs | derived | {run.experiment: run for run in made}).items()}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The notebook of these runs, as its file has it."""
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        leave_undrawn(patch)
        loaded = outline.load(Project(PACKAGE.parent, folder), "csc413-2020")
        project = Project(PACKAGE.parent, folder)
        report = compose.compose(project, loaded, fake_report(folder / "runs"), compose.Context())
        yield notebook.read(report, "notebook")


@pytest.mark.slow
def test_every_question_has_cells_of_code_that_compile(text: str) -> None:
    """Those of Parts A and B, in the order of the handout."""
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        ast.parse("".join(cell["source"]))
    sections = [cell["id"].partition("-")[0] for cell in cells]
    asked = list(dict.fromkeys(each for each in sections if each[0] in "ab" and each[1:].isdigit()))
    assert asked == ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4"]


@pytest.mark.slow
def test_settings_come_from_the_specs(text: str) -> None:
    """The two learning rates, and the batch sizes with their own number of epochs."""
    code = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    assert 'train(nets["CNN, rate 0.3"], EPOCHS, BATCH_SIZE, 0.3)' in code
    assert "LEARNING_RATE = 0.001" in code
    assert f"BATCH_SIZES = [{', '.join(map(str, SIZES))}]" in code
    assert f"BATCH_EPOCHS = 3 if QUICK else {EPOCHS}" in code


@pytest.fixture(scope="module")
def executed(text: str, tmp_path_factory: pytest.TempPathFactory) -> Histories:
    """What the loops of the notebook gave; it finds no data and reaches no network, so that all is drawn."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    folder = tmp_path_factory.mktemp("executed")
    cells = nbformat.reads(text, 4)
    quick = next(cell for cell in cells.cells if "QUICK = True\n" in cell.source)
    quick.source = quick.source.replace("QUICK = True\n", "QUICK = False\n")
    told = "import json\nprint(json.dumps(histories))"
    cells.cells.append(nbformat.v4.new_code_cell(told))
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    path = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    place = {"DATA_DIR": str(folder / "data"), "PYTHONPATH": path}
    nbclient.NotebookClient(cells, timeout=600).execute(env={**os.environ, **nowhere, **place})
    return json.loads(cells.cells[-1].outputs[0].text)  # type: ignore[no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("experiment", CALLED)
def test_the_plain_loop_trains_as_the_library_does(executed: Histories, experiment: str) -> None:
    """The same losses, and nearly the same accuracy, in each of three epochs."""
    from cnnreport.data.drawn import meadow
    from cnnreport.data.horses.pixels import HorseSource, prepare
    from cnnreport.training.colourization import ColourizationTraining
    from cnnreport.training.specs.colourization import Colourization

    settings: dict[str, Any] = {**HORSES, "learning_rate": RATES[experiment]}
    spec = Colourization(net=f"{NETS}:{net_of(experiment)}", **settings)
    drawn = HorseSource(name="meadow", title="", origin="", fingerprint="", images=meadow.__name__)
    data = prepare(drawn, spec.num_colours, spec.train_images, spec.validation_images)
    task = ColourizationTraining(spec, SEED, data, "cpu")
    theirs = [task.run_epoch() for _ in range(EPOCHS)]
    for ours, row in zip(executed[CALLED[experiment]], theirs, strict=True):
        assert ours.keys() == TOLERANCE.keys()
        for name, most in TOLERANCE.items():
            assert ours[name] == pytest.approx(row[name], abs=most)
