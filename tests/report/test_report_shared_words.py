"""What two reports ask alike they say alike: a last layer that is fine-tuned, for 2020 and for 2021."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from composed import prose_of
from fake_segmentations import fake_costs, fake_features
from test_report_cells import listings

from cnnreport.project import Project
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

FIRST, SECOND = "a2-writeup", "csc413-2020"
PAIRS = (("d1q1", "c1"), ("d1q2", "c2"), ("d1q2more", "c2more"), ("d1q3", "c3"), ("d1q3more", "c3more"),
         ("dcosts", "c4real"))  # fmt: skip
CELLS = PAIRS[0], PAIRS[1], PAIRS[3]

Make = Callable[..., list[Run]]


def runs_of(make: Make, root: Path) -> list[Run]:
    """Runs of all that both reports ask about fine-tuning, with the sources that notebooks show."""
    tuned = [*make("fine-tune-cross-entropy"), *make("fine-tune-random", mean_iou=0.5)]
    kept = listings()
    return [
        *(replace(run, listings={**run.listings, **kept}) for run in tuned),
        *(fake_features(root, name) for name in ("flower-features", "flower-features-random")),
        fake_costs(root),
    ]


def words(text: str) -> list[str]:
    """The lines of a text but for its headings."""
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_section_says_the_same_in_both_reports(
    project: Project, make: Make, root: Path, one: str, other: str
) -> None:
    """Word by word, but for its heading."""
    runs = runs_of(make, root)
    first = prose_of(project, runs, one, report=FIRST)
    assert words(first) == words(prose_of(project, runs, other, report=SECOND))


def test_each_report_refers_to_its_own_sections(project: Project, make: Make, root: Path) -> None:
    """Where all sections stand, each leads to the others by the titles that they have in its report."""
    texts = []
    for report, ids in ((FIRST, [one for one, _ in PAIRS]), (SECOND, [other for _, other in PAIRS])):
        text = prose_of(project, runs_of(make, root), *ids, report=report)
        texts.append(" ".join(text.split()))
    for text, worst in zip(texts, ("cross entropy", ""), strict=True):
        assert "Listing 5 has the settings with which Listing 2 was called" in text
        assert "are in “The fine-tuned net: data, measures and baselines” in the supplement" in text
        assert f"the best and the worst are in “Best and worst masks{worst and f' with {worst}'}”" in text


def test_the_cells_are_the_same_in_both_notebooks(project: Project, make: Make, root: Path) -> None:
    """Of the parameters that learn, the training and the predictions."""
    runs: dict[str, list[Run]] = {}
    for run in runs_of(make, root):
        runs.setdefault(run.experiment, []).append(run)
    code = []
    for report, ids in ((FIRST, [one for one, _ in CELLS]), (SECOND, [other for _, other in CELLS])):
        loaded = outline.load(project, report)
        chosen = tuple(section for section in loaded.sections if section.id in ids)
        shorter = outline.Outline(**{**vars(loaded), "sections": chosen})
        composed = compose.compose(project, shorter, runs, compose.Context())
        assert composed.notebook is not None
        code.append([cell.source for cell in composed.notebook() if cell.kind == "code"])
    assert len(code[0]) > 5
    assert code[0] == code[1]
