"""What the cover of adl-2022 says of its two parts, whatever came of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from composed import read_as_prose
from fake_derivations import MakeDerivation, derived_measures
from fake_lungs import four
from fake_signs import ADAM, BASELINE, NORMED, RPROP, SGD, five
from sentences import outcomes

from cnnreport.project import Project
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

TOLD = ("s12", "s14", "s22")
"""The sections of which the cover tells."""


def cover(project: Project, runs: list[Run]) -> str:
    """What the cover says of the parts."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    loaded = outline.load(project, "adl-2022")
    told = tuple(section for section in loaded.sections if section.id in TOLD)
    shorter = outline.Outline(**{**vars(loaded), "sections": told})
    page = compose.compose(project, shorter, grouped, compose.Context()).documents[0].page
    before, _, rest = page.partition("<strong>Signs.")
    assert rest, f"the cover says nothing of signs: {before[-200:]}"
    return read_as_prose(f"<p><strong>Signs.{rest.partition('<table')[0]}")


def test_the_cover_says_what_each_part_came_to(
    project: Project, root: Path, golden: Callable[[str, str], None], make_derivation: MakeDerivation
) -> None:
    """The state of the signs, the trap where there is one, and the ranking of the U-Nets."""
    apart = {"bilinear": 0.97, "nearest": 0.96, "elu": 0.98, "transposed": 0.95}
    even = dict.fromkeys((BASELINE, NORMED, ADAM, SGD, RPROP), 0.9)
    usual = [*five(root, {}, ways=(0.94, 0.6, 0.94)), *four(root, {"elu": 0.9716})]
    others = {
        "shuffled batches cost, all U-Nets differ": [
            *five(root, {ADAM: 0.94}, ways=(0.9, 0.94, 0.95)), *four(root, apart, noise=0.0005),
        ],
        "nothing is clear, no trap": [
            *five(root, even, ways=(0.96, 0.95, 0.9)), *four(root, {"elu": 0.99, "bilinear": 0.9805}),
        ],
        "one trial of each, on drawn signs": [
            *five(root, {}, 1, stand_in=True, ways=(0.9, 0.6, 0.9)), *four(root, {}, 1),
        ],
        "one is lost": [*five(root, {}, diverged=True), *four(root, {}, lost="bilinear")],
    }  # fmt: skip
    grid = {"h": [4, 5, 6]}
    proof = {"grid": grid, "degrees": {"h": 2}, "largest_kernel": None}
    measures = derived_measures(
        net="SignNet", grid=grid, proof=proof, numbers={"h": 7}, points=3, input_doubled=None
    )
    counts = make_derivation(measures, "normed-signs-formulas")
    text = cover(project, [*usual, counts])
    golden("adl-cover", text)
    told = {what: cover(project, [*runs, counts]) for what, runs in others.items()}
    golden("adl-cover-outcomes", outcomes(text, told))
