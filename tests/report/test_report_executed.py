"""The notebook executed: what its plain loops give is what the trainings of the report gave."""

import inspect
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_derivations import write_derivation
from fake_runs import write_run
from fake_segmentations import discs, fake_features, fake_tuning

from cnnreport.project import PACKAGE, Project
from cnnreport.report.out import notebook
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run
from cnnreport.task import Task

pytestmark = pytest.mark.slow

NETS = {"pool-upsample": "PoolUpsampleNet", "conv-transpose": "ConvTransposeNet", "unet": "UNet"}
LOSSES = {"cross-entropy": "cross entropy", "iou": "IoU loss"}
SEED, EPOCHS = 3, 3
HORSES = {"epochs": EPOCHS, "batch_size": 20, "train_images": 50, "validation_images": 20}
FLOWERS = {"epochs": EPOCHS, "batch_size": 3, "images": 8}
TOLERANCE = 1e-3

Histories = Mapping[str, Sequence[Mapping[str, float]]]


def with_spec(run: Run, **fields: Any) -> Run:
    """Return a fake run as one of another spec."""
    key = run.manifest["key"]
    what = {**key["what"], "spec": {**key["what"]["spec"], **fields}}
    return replace(run, manifest={**run.manifest, "key": {**key, "what": what}})


def fake_report(root: Path) -> dict[str, list[Run]]:
    """Return fake runs whose specs and sources are those of small real ones; their numbers are made up."""
    from cnnreport.nets import colourization
    from cnnreport.training.segmentation.fine_tuning import PRINTED

    pictures = {kind: discs(6) for kind in ("train", "validation", "ranked")}
    runs = {
        name: with_spec(
            write_run(root, SEED, experiment=name, net=f"{colourization.__name__}:{net}"), **HORSES
        )
        for name, net in NETS.items()
    }
    runs |= {
        name: with_spec(fake_tuning(root, SEED, experiment=name, pictures=pictures), **FLOWERS)
        for name in (*(f"fine-tune-{loss}" for loss in LOSSES), "fine-tune-random")
    }
    printed = (*(getattr(colourization, net) for net in NETS.values()), *PRINTED)
    sources = {each.__name__: inspect.getsource(each) for each in printed}
    runs = {name: replace(run, listings={**run.listings, **sources}) for name, run in runs.items()}
    runs |= {name: fake_features(root, name) for name in ("flower-features", "flower-features-random")}
    runs |= {f"{name}-formulas": write_derivation(root, experiment=f"{name}-formulas") for name in NETS}
    return {name: [run] for name, run in runs.items()}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    """What the loops of a notebook gave, by what its cells call the trainings.

    It finds no data and reaches no network, so that all is drawn.
    """
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    folder = tmp_path_factory.mktemp("executed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        project = Project(PACKAGE.parent, folder)
        loaded = outline.load(project, "a2-writeup")
        report = compose.compose(project, loaded, fake_report(folder / "runs"), compose.Context())
    cells = nbformat.reads(notebook.read(report, "notebook"), 4)
    quick = next(cell for cell in cells.cells if "QUICK = True\n" in cell.source)
    quick.source = quick.source.replace("QUICK = True\n", "QUICK = False\n")
    told = "import json\nprint(json.dumps({**histories, **flower_histories}))"
    cells.cells.append(nbformat.v4.new_code_cell(told))
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    place = {"DATA_DIR": str(folder / "data"), "TORCH_HOME": str(folder), "PYTHONPATH": _path()}
    nbclient.NotebookClient(cells, timeout=600).execute(env={**os.environ, **nowhere, **place})
    return json.loads(cells.cells[-1].outputs[0].text)  # type: ignore[no-any-return]


def _path() -> str:
    """Return where a kernel looks for modules: first in this checkout, then where this process does."""
    return os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])


def history_of(task: Task) -> list[Mapping[str, float]]:
    """Run a task of the library to its end."""
    return [task.run_epoch() for _ in range(task.epochs)]


def assert_same(loop: Sequence[Mapping[str, float]], library: Sequence[Mapping[str, float]]) -> None:
    """Compare all numbers that the loop gave of each epoch."""
    assert len(loop) == len(library) == EPOCHS
    for ours, theirs in zip(loop, library, strict=True):
        assert ours == pytest.approx({name: theirs[name] for name in ours}, abs=TOLERANCE)


@pytest.mark.parametrize("net", NETS.values())
def test_the_plain_loop_trains_as_the_library_does(executed: Histories, net: str) -> None:
    """Parts A to C: the same losses and accuracy in each of three epochs, whatever the library rewrites."""
    from cnnreport.data.drawn import meadow
    from cnnreport.data.horses.pixels import HorseSource, prepare
    from cnnreport.training.colourization import ColourizationTraining
    from cnnreport.training.specs.colourization import Colourization

    spec = Colourization(net=f"cnnreport.nets.colourization:{net}", **HORSES)  # type: ignore[arg-type]
    drawn = HorseSource(name="meadow", title="", origin="", fingerprint="", images=meadow.__name__)
    data = prepare(drawn, spec.num_colours, spec.train_images, spec.validation_images)
    assert_same(executed[net], history_of(ColourizationTraining(spec, SEED, data, "cpu")))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_plain_loop_fine_tunes_as_the_library_does(executed: Histories, loss: str) -> None:
    """Part D: the same losses and mean IoU in each of three epochs, the order of images included."""
    from cnnreport.data.data_set import Request
    from cnnreport.data.drawn import flower_bed
    from cnnreport.data.pretrained import pretrained, pretrained_file
    from cnnreport.training.segmentation.features import FeaturesTask
    from cnnreport.training.segmentation.fine_tuning import FineTuningTask
    from cnnreport.training.specs.segmentation import Features, FineTuning

    weights = pretrained_file.prepare(pretrained.locate(Request(choice="embedded")))
    data = {**flower_bed.prepare(None, images=FLOWERS["images"], size=224), **weights}  # type: ignore[arg-type]
    features = FeaturesTask(Features(images=FLOWERS["images"]), SEED, data, "cpu")
    history_of(features)
    seen = {**data, **features.results().samples}
    spec = FineTuning(loss=loss, **FLOWERS)  # type: ignore[arg-type]
    assert_same(executed[LOSSES[loss]], history_of(FineTuningTask(spec, SEED, seen, "cpu")))
