"""What the cover of the 2020 report says that each part came to, whatever it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composed import read_as_prose
from fake_2020 import BLURRED, SHARP, UNET, WIDENED, at_rates, in_batches, trained
from fake_depth import Cost, fake_depth
from fake_invariance import asked_a4
from fake_runs import MakeRun
from fake_segmentations import fake_costs, fake_features
from sentences import outcomes

from cnnreport.project import Project
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

Make = Callable[..., list[Run]]
Golden = Callable[[str, str], None]

TOLD = ("a2", "a4", "b2", "b3", "controls", "b4", "c2", "c4", "c5")
"""The sections of which the cover tells."""

RISING = (1.0, 1.1, 1.2, 1.4, 1.7, 2.0)


def colouring(
    make_run: MakeRun, published: float, unet: float, wide: float, smaller: float = 1.5, **chosen: Any
) -> list[Run]:
    """Runs of Parts A and B with these final losses; runs that differ otherwise need other losses, too."""
    return [
        *at_rates(make_run, {0.001: smaller, 0.3: published}, measures=BLURRED, **chosen),
        *trained(make_run, UNET, unet, accuracy=0.55, measures=SHARP),
        *trained(make_run, WIDENED, wide, filters=37),
        *in_batches(make_run, RISING if unet < wide else RISING[::-1], epochs=5),
    ]


def tuning(make: Make, root: Path, **changed: Cost) -> list[Run]:
    """Runs of Part C, with costs of n layers of its own."""
    return [
        *make("fine-tune-cross-entropy"),
        fake_features(root, "flower-features"),
        fake_costs(root),
        fake_depth(root, **changed),
    ]


def cover(project: Project, runs: list[Run]) -> str:
    """What the cover says of the parts."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    loaded = outline.load(project, "csc413-2020")
    told = tuple(section for section in loaded.sections if section.id in TOLD)
    shorter = outline.Outline(**{**vars(loaded), "sections": told})
    report = compose.compose(project, shorter, grouped, compose.Context())
    text = read_as_prose(str(report.documents[0].cover))
    return text[text.index("\nPart ") : text.index("\n| Data")]


def test_the_cover_says_what_each_part_came_to(
    project: Project, make_run: MakeRun, make: Make, root: Path, golden: Golden
) -> None:
    """Parts that lack their runs are passed over, and what the runs contradict is not said."""
    usual = cover(project, [*colouring(make_run, 1.9, 1.1, 1.4), *tuning(make, root)])
    golden("2020-cover", usual)
    no_skips = colouring(make_run, 1.2, 1.8, 1.0)
    others: dict[str, list[Run]] = {
        "skips do worse and the published rate better": no_skips,
        "the CNN diverged": colouring(make_run, 1.95, 1.1, 1.4, 1.55, diverged=True),
        "a forward pass of the last layer alone": tuning(make, root, last_forward_flops=lambda n, p: p),
    }
    for what, chosen in (
        ("y = ax + b harms with some", {"cnn": {"accuracy": {"half": 0.405}}}),
        ("y = ax + b harms with all", {}),
    ):
        others[what] = asked_a4(make_run, root / what, **chosen)
    told = {what: cover(project, runs) for what, runs in others.items()}
    golden("2020-cover-outcomes", outcomes(usual, told))
