"""What the sections of adl-2022 about lungs say, word by word, with runs of many kinds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from composed import prose_of
from fake_lungs import counted, four
from sentences import outcomes

from cnnreport.project import Project

pytestmark = pytest.mark.usefixtures("undrawn")

REPORT = "adl-2022"

Golden = Callable[[str, str], None]


def test_the_unet(project: Project, golden: Golden, root: Path) -> None:
    """2.1 describes the net, and has the counts of each variant as derived and as trained."""
    runs = [*four(root, {}, 1), *counted(root)]
    golden("adl-s21", prose_of(project, runs, "s21", "slayers", report=REPORT))


def test_the_variants(project: Project, golden: Golden, root: Path) -> None:
    """2.2 claims what the trials show, says what images alone would claim, and judges what was reported."""
    usual = four(root, {"bilinear": 0.9702, "elu": 0.9716})
    text = prose_of(project, usual, "s22", report=REPORT)
    golden("adl-s22", text)
    apart = {"bilinear": 0.97, "nearest": 0.96, "elu": 0.98, "transposed": 0.95}
    others = {
        "all are clear": four(root, apart, noise=0.0005),
        "one is clear, and above the reported": four(root, {"elu": 0.99, "bilinear": 0.9805}),
        "one trial": four(root, {"elu": 0.975}, 1),
        "one is lost": four(root, {}, lost="bilinear"),
        "images differ as much as trials": four(root, {"elu": 0.9705}, noise=0.03),
        "trials agree": four(root, {"elu": 0.972}, spread=(0.0, 0.0, 0.0), noise=0.0),
    }
    told = {what: prose_of(project, runs, "s22", report=REPORT) for what, runs in others.items()}
    golden("adl-s22-outcomes", outcomes(text, told))


def test_as_wide(project: Project, golden: Golden, root: Path) -> None:
    """The wide nets are judged in the same way, in the supplement."""
    runs = four(root, {"elu": 0.976}, begin="lungs-wide-", epochs=40)
    golden("adl-swide", prose_of(project, runs, "swide", report=REPORT))
