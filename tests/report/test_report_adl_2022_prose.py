"""What the sections of adl-2022 about traffic signs say, word by word, with runs of many kinds."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from composed import prose_of
from fake_derivations import MakeDerivation, derived_measures
from fake_signs import (
    ADAM,
    BASELINE,
    BATCHES,
    NORMED,
    RPROP,
    SGD,
    TORN,
    WHOLE,
    five,
    trials,
    unlearnt,
)
from sentences import outcomes
from thinned import thinned

from cnnreport.project import Project
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

REPORT = "adl-2022"

Compare = Callable[..., None]


@pytest.fixture(params=thinned(["as usual", "as it may be"], 2))
def section(request: pytest.FixtureRequest, project: Project, golden: Callable[[str, str], None]) -> Compare:
    """A function that compares a section, or what it says in other cases, with the golden texts."""

    def compare(name: str, usual: list[Run], others: Mapping[str, list[Run]]) -> None:
        text = prose_of(project, usual, name, report=REPORT)
        if request.param == "as usual":
            golden(f"adl-{name}", text)
            return
        told = {what: prose_of(project, runs, name, report=REPORT) for what, runs in others.items()}
        golden(f"adl-{name}-outcomes", outcomes(text, told))

    return compare


@pytest.fixture
def counts(make_derivation: MakeDerivation) -> Callable[[str], Run]:
    """A function that returns a fake derivation with the letter h."""
    grid = {"h": [4, 5, 6]}
    proof = {"grid": grid, "degrees": {"h": 2}, "largest_kernel": None}
    measures = derived_measures(
        net="SignNet", grid=grid, proof=proof, numbers={"h": 7}, points=3, input_doubled=None
    )
    return lambda experiment: make_derivation(measures, experiment)


def test_the_network(
    section: Compare, project: Project, golden: Callable[[str, str], None], root: Path,
    counts: Callable[[str], Run],
) -> None:  # fmt: skip
    """1.1 describes the layers as the run tells them, and derives what the last one is given."""
    runs = [*trials(root, BASELINE, 0.5), counts("signs-formulas")]
    golden("adl-s11", prose_of(project, runs, "s11", report=REPORT))


def test_batch_norm_and_the_trap(section: Compare, root: Path, counts: Callable[[str], Run]) -> None:
    """1.2 has words for each way in which batch norm and its four tests may come out."""
    derived = counts("normed-signs-formulas")

    def runs(ways: tuple[float, float, float], accuracy: float = 0.94, seeds: int = 5) -> list[Run]:
        return [*five(root, {NORMED: accuracy}, seeds, ways=ways), derived]

    lost = five(root, {}, diverged=True)
    section(
        "s12",
        runs((0.93, 0.6, 0.94)),
        {
            "sorted batches alone cost": runs((0.94, 0.6, 0.94)),
            "shuffled batches alone cost": runs((0.9, 0.94, 0.95)),
            "sorted batches as was reported": runs((0.93, 0.875, 0.94)),
            "neither costs": runs((0.96, 0.95, 0.9)),
            "batch norm is worse": runs((0.3, 0.1, 0.4), 0.35),
            "one seed": runs((0.93, 0.6, 0.94), seeds=1),
            "all diverged": [*lost, derived],
        },
    )


def test_optimisers(section: Compare, root: Path) -> None:
    """1.3 has words for each way in which an optimiser may stand beside the baseline, and for Rprop's."""

    def runs(accuracies: Mapping[str, float], batches: float, whole: float, seeds: int = 5) -> list[Run]:
        return [
            *five(root, accuracies, seeds),
            *trials(root, WHOLE, 0.4, min(seeds, 3), loss=(3.7, whole), epochs=40),
            *trials(root, BATCHES, 0.25, min(seeds, 3), loss=(3.7, batches), epochs=40),
        ]

    section(
        "s13",
        runs({}, 90.0, 0.2),
        {
            "the course's epsilon is better": runs({ADAM: 0.3, SGD: 0.6, RPROP: 0.7}, 0.1, 0.2),
            "no difference": runs({ADAM: 0.45, SGD: 0.451, RPROP: 0.449}, 0.2, 0.2),
            "one seed": runs({}, 90.0, 0.2, 1),
            "one epoch lost": [
                *five(root, {}),
                *trials(root, WHOLE, 0.4, 3),
                *trials(root, BATCHES, 0.25, 3, diverged=True),
            ],
        },
    )


def test_trials(section: Compare, root: Path) -> None:
    """1.4 claims as much of a ranking as its trials support, and says what single ones would have claimed."""
    even = dict.fromkeys((BASELINE, NORMED, ADAM, SGD, RPROP), 0.9)
    section(
        "s14",
        five(root, {}),
        {
            "a part of the ranking": five(root, {ADAM: 0.94}),
            "no ranking": five(root, even),
            "one seed": five(root, {}, 1),
            "one is lost": five(root, {}, diverged=True),
            "nothing is confused": five(root, {}, pairs=0),
            "changed images": five(root, {}, augmented=True),
            "some are no better than guessing": unlearnt(root),
            "drawn signs": five(root, {}, stand_in=True),
            "the whole of GTSRB": five(
                root, {}, train_images=33_000, validation_images=6_209, test_images=12_630
            ),
        },
    )


def test_as_long(section: Compare, root: Path) -> None:
    """The long trainings are held against what was reported, whichever way they differ."""

    def runs(plain: float, normed: float, seeds: int = 5, *, lost: bool = False) -> list[Run]:
        return [
            *trials(root, "signs-course", plain, seeds, diverged=lost, epochs=200),
            *trials(root, "signs-course-batch-norm", normed, seeds, ways=(0.9, 0.5, 0.95), epochs=200),
        ]

    section(
        "slong",
        runs(0.95, 0.97),
        {
            "below, and worse": runs(0.90, 0.88),
            "above, and no difference": runs(0.99, 0.99),
            "one seed": runs(0.95, 0.97, 1),
            "lost": runs(0.95, 0.97, lost=True),
        },
    )


def test_splits(section: Compare, root: Path) -> None:
    """The supplement says by how much a random split flatters, if it does."""

    def runs(torn: float) -> list[Run]:
        return [*trials(root, NORMED, 0.93), *trials(root, TORN, torn, 3)]

    section(
        "ssplits",
        runs(0.98),
        {
            "it does not": runs(0.9),
            "no difference": runs(0.93),
            "lost": [*trials(root, NORMED, 0.93), *trials(root, TORN, 0.9, 3, diverged=True)],
        },
    )
