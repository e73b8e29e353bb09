"""A2 of the 2020 report: what is said of the grey of a pixel, whether nets do better than it or not."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from composed import prose_of
from fake_2020 import BLURRED, CNN, PUBLISHED, UNET, trained
from fake_runs import MakeRun
from fake_segmentations import DEFAULTS, _run
from sentences import section_of

from cnnreport import modules
from cnnreport.project import PACKAGE, Project
from cnnreport.runs.artefact import Run
from cnnreport.task import Results

pytestmark = pytest.mark.usefixtures("undrawn")

MEASURES = {
    "table_loss": 0.87, "table_accuracy": 0.63, "linear_loss": 0.95, "linear_accuracy": 0.61,
    "linear_span": 2773.5, "net_span": 3.8, "flat_loss": 2.81, "flat_accuracy": 0.19,
}  # fmt: skip


def fake_greys(root: Path, seed: int, **changed: float) -> Run:
    """Return a fake run about grey levels."""
    modules.enter(PACKAGE.parent)
    measures: Mapping[str, Any] = {**MEASURES, **changed}
    chosen = {**DEFAULTS, "experiment": "six-block-greys"}
    kind = "experiments.csc413-2020.greys.kind:KIND"
    return _run(root, chosen, seed, kind, {}, [{"pixels": 1024000.0}], Results(measures=measures))


def told(project: Project, make_run: MakeRun, root: Path, section: str, loss: float, title: str) -> str:
    """What a section says where the UNet has such a loss."""
    runs = trained(make_run, PUBLISHED, 1.9, accuracy=0.3, learning_rate=0.3, measures=BLURRED)
    runs += trained(make_run, CNN, 1.6, accuracy=0.4, measures=BLURRED)
    runs += trained(make_run, UNET, loss, accuracy=0.49, measures=BLURRED)
    runs += [fake_greys(root, seed) for seed in range(3)]
    text = prose_of(project, runs, "a2", "greys", report="csc413-2020", whole=section == "greys")
    return section_of(text, title).partition("\n# ")[0]


@pytest.mark.parametrize(("outcome", "loss"), [("more", 1.3), ("no-more", 0.9)])
def test_the_grey_of_a_pixel(
    project: Project,
    make_run: MakeRun,
    root: Path,
    golden: Callable[[str, str], None],
    outcome: str,
    loss: float,
) -> None:
    """Scores that are linear in it would have a lower loss than the net, or not."""
    golden(
        f"2020-greys-{outcome}",
        told(project, make_run, root, "greys", loss, "What the grey of a pixel tells"),
    )


def test_why_a_net_stays_behind_the_table(
    project: Project, make_run: MakeRun, root: Path, golden: Callable[[str, str], None]
) -> None:
    """The loss of the table stands beside that of the net, and the reason says what it leaves open."""
    golden("2020-greys-a2", told(project, make_run, root, "a2", 1.3, "A2. Training and results"))
