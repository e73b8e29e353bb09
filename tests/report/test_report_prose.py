"""What the sections of Parts A to C say, word by word, with runs of many kinds.

The texts are in golden/, for people to read: a change of a template shows as a change of what it says.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from composed import page_of, prose_of, read_as_prose
from fake_derivations import MakeDerivation
from fake_runs import MakeRun
from fake_trainings import NETS, RISING, better, path_runs, sweep_runs, trained, worse
from sentences import section_of
from thinned import thinned

from cnnreport.project import Project
from cnnreport.report.page import outline
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

Golden = Callable[[str, str], None]
Make = Callable[[MakeRun], Sequence[Run]]

FLAT = {"edge_share_predicted": 0.21, "speck_share": 0.012}
SHARP = {"edge_share_predicted": 0.6, "speck_share": 0.2}
CONV = "conv-transpose"
POOL = "pool-upsample"
REAL = {"data": "cifar10", "title": "CIFAR-10 horses", "stand_in": False}


def seeds(*accuracies: float, **chosen: Any) -> Make:
    """Return what makes runs of the first net with these accuracies, a seed each."""
    return lambda make: [make(seed, accuracy=each, **chosen) for seed, each in enumerate(accuracies)]


def much_better(make: MakeRun, experiment: str, count: int = 3) -> list[Run]:
    """Return runs of a net that colours better still."""
    return trained(make, experiment, count, accuracy=0.66, loss=(1.8, 0.9))


def lost(make: MakeRun, experiment: str, count: int = 3) -> list[Run]:
    """Return runs that all diverged."""
    return trained(make, experiment, count, diverged=True)


def behind(skipped: float) -> Make:
    """Return what makes runs of the first net, still learning, and of UNet, both behind the table."""
    return lambda make: [
        *seeds(0.20, 0.21, 0.22, validation=fall(0.1))(make),
        *trained(make, "unet", accuracy=skipped),
    ]


def pair(left: Any, right: Any, count: int = 3, **of_left: Any) -> Make:
    """Return what makes the runs of B3."""
    return lambda make: [*right(make, POOL, count), *left(make, CONV, count, **of_left)]


def ended(*losses: float, many: bool = True, lost: int | None = None) -> Make:
    """Return what makes the runs of B5, of which one may have diverged; many give the margin of a seed."""

    def runs(make: MakeRun) -> list[Run]:
        made = sweep_runs(make, losses)
        if lost is not None:
            again = made[lost]
            made[lost] = make(
                experiment=again.experiment, net=again.spec["net"], batch_size=again.spec["batch_size"],
                diverged=True,
            )  # fmt: skip
        return made + (trained(make, CONV, loss=(2.1, 1.15)) if many else [])

    return runs


def updated(epochs: Sequence[float], updates: Sequence[float]) -> Make:
    """Return what makes the runs of B5 and of its twin with a fixed number of updates."""
    return lambda make: [
        *ended(*epochs)(make),
        *sweep_runs(make, updates, "same-updates", updates=500),
    ]


def updated_twice(make: MakeRun) -> list[Run]:
    """Return the same with two seeds whose losses fall, but not along a line, with the updates fixed."""
    again = sweep_runs(
        lambda **chosen: make(1, **chosen), [loss + 0.01 for loss in CURVED], "same-updates", updates=500
    )
    return [*updated(RISING, CURVED)(make), *again]


SAME = (1.10, 1.11, 1.10, 1.12, 1.11)
CURVED = (1.70, 1.69, 1.67, 1.40, 1.00)

MEASURED = {
    32: (1.098, 1.192, 0.568, 8.49, 0.560),
    64: (1.096, 1.174, 0.573, 8.48, 0.545),
    100: (1.114, 1.164, 0.562, 8.64, 0.539),
    128: (1.184, 1.226, 0.542, 8.82, 0.532),
    256: (1.278, 1.292, 0.507, 9.32, 0.515),
    512: (1.454, 1.479, 0.452, 10.17, 0.482),
}
"""Means that a real training left, by batch size: both losses, accuracy, CIELAB distance, edge share."""


def repeated(changed: Mapping[int, tuple[float, ...]]) -> Make:
    """Return what makes the runs of B5 with three seeds each, near what was measured but for some sizes."""

    def runs(make: MakeRun) -> list[Run]:
        return [
            make(
                seed,
                experiment=CONV if size == 100 else f"batch-size-{size}",
                net=NETS[CONV],
                batch_size=size,
                loss=(2.1, loss),
                train_loss=train_loss,
                accuracy=accuracy,
                measures={
                    "lab_distance": distance + 0.04 * seed,
                    "edge_share_predicted": edges + 0.002 * seed,
                    "edge_share_truth": 0.514,
                },
            )
            for size, (loss, train_loss, accuracy, distance, edges) in {**MEASURED, **changed}.items()
            for seed in range(3)
        ]

    return runs


CASES: dict[str, tuple[Make, tuple[str, ...]]] = {
    "a2-blurred": (seeds(0.412, 0.408, 0.404, measures=FLAT), ("a2",)),
    "a2-not-blurred": (seeds(0.412, 0.408, 0.404, measures=SHARP), ("a2",)),
    "a2-in-full": (seeds(0.412, 0.408, 0.404, measures=FLAT), ("a2", "a2more")),
    "a2-below-flat": (
        seeds(0.05, 0.046, 0.042, loss=(2.9, 3.4), train_loss=1.2, measures=SHARP), ("a2",)),
    "a2-near-flat": (seeds(0.10, 0.13), ("a2",)),
    "a2-below-table": (seeds(0.20, 0.21), ("a2",)),
    "a2-near-table": (seeds(0.36, 0.28, 0.33), ("a2",)),
    "a2-behind-with-skips-nearer": (behind(0.28), ("a2", "c2")),
    "a2-behind-with-skips-farther": (behind(0.15), ("a2", "c2")),
    "a2-one-seed": (seeds(0.4), ("a2",)),
    "a2-one-epoch": (seeds(0.4, validation=[2.0]), ("a2",)),
    "a2-one-diverged": (
        lambda make: [make(0), make(1, diverged=True), make(2)], ("a2",)),
    "a2-all-diverged": (lambda make: [make(seed, diverged=True) for seed in range(2)], ("a2",)),
    "b2-alone": (lambda make: better(make, CONV), ("b2",)),
    "b2-trained-as-a2": (pair(better, worse), ("a2", "b2")),
    "b2-trained-otherwise": (pair(better, worse, batch_size=50), ("a2", "b2")),
    "b3-better": (pair(better, worse), ("b3",)),
    "b3-worse": (pair(worse, better), ("b3",)),
    "b3-same": (pair(worse, worse), ("b3",)),
    "b3-one-seed": (pair(better, worse, 1), ("b3",)),
    "b3-diverged": (pair(better, worse, 2, diverged=True), ("b3",)),
    "b3-in-full": (pair(better, worse), ("b3", "b3more")),
    "b3-by-steps": (lambda make: path_runs(make, (2.1, 2.0, 1.6, 1.5)), ("b3", "path")),
    "b3-against-its-steps": (lambda make: path_runs(make, (1.7, 1.6, 2.0, 2.1)), ("b3", "path")),
    "path-falls": (lambda make: path_runs(make, (2.1, 2.0, 1.6, 1.5)), ("path",)),
    "path-against-each-other": (lambda make: path_runs(make, (2.1, 2.0, 1.6, 1.7)), ("path",)),
    "path-rises": (lambda make: path_runs(make, (1.7, 1.6, 2.0, 2.1)), ("path",)),
    "path-level": (lambda make: path_runs(make, (1.7, 1.7, 1.7, 1.7)), ("path",)),
    "path-diverged": (
        lambda make: [
            *(run for run in path_runs(make, (2.1, 2.0, 1.6, 1.5)) if run.experiment != CONV),
            *trained(make, CONV, diverged=True),
        ],
        ("path",),
    ),
    "b5-larger-is-worse": (ended(*RISING), ("b2", "b5")),
    "b5-larger-is-better": (ended(*RISING[::-1], many=False), ("b5",)),
    "b5-no-difference": (ended(*SAME), ("b2", "b5")),
    "b5-lowest-between": (ended(1.6, 1.4, 1.3, 1.9, 2.6), ("b2", "b5")),
    "b5-highest-between": (ended(0.9, 1.0, 1.3, 0.8, 0.5), ("b2", "b5")),
    "b5-turn-is-noise": (repeated({}), ("b2", "b5")),
    "b5-turn-is-clear": (
        repeated({32: (1.3, 1.35, 0.48, 9.8, 0.56), 64: (1.112, 1.16, 0.562, 8.64, 0.545)}), ("b2", "b5")),
    "b5-colours-turn": (
        repeated({32: (1.08, 1.1, 0.53, 9.0, 0.56), 64: (1.09, 1.11, 0.573, 8.48, 0.545)}), ("b5",)),
    "b5-one-diverged": (ended(*RISING, many=False, lost=2), ("b5",)),
    "b5-largest-diverged": (ended(*RISING, lost=4), ("b2", "b5")),
    "b5-updates-reverse-it": (updated(RISING, RISING[::-1]), ("b2", "b5", "updates")),
    "b5-updates-reverse-it-unevenly": (updated_twice, ("b2", "b5", "updates")),
    "b5-updates-leave-it": (updated(RISING, RISING), ("b2", "b5", "updates")),
    "b5-updates-undecided": (updated(RISING, SAME), ("b2", "b5", "updates")),
    "updates-against-epochs": (updated(RISING, RISING[::-1]), ("b2", "b5", "updates")),
    "updates-as-epochs": (updated(RISING, RISING), ("b2", "b5", "updates")),
    "updates-no-difference": (updated(RISING, SAME), ("b2", "b5", "updates")),
}  # fmt: skip

WHOLE = {
    "a2-blurred",
    "a2-in-full",
    "b3-better",
    "b3-in-full",
    "path-falls",
    "b5-one-diverged",
}
"""The cases of which the golden text has captions and tables too."""


@pytest.mark.parametrize("name", thinned(CASES, 3))
def test_the_text_is_the_golden_one(name: str, project: Project, make_run: MakeRun, golden: Golden) -> None:
    """A reader has agreed to each word that these runs bring about in the section the case is named after."""
    make, sections = CASES[name]
    text = prose_of(project, make(make_run), *sections, whole=name in WHOLE)
    golden(name, section_of(text, title_of(project, name)).partition("\n# ")[0])


def title_of(project: Project, case: str) -> str:
    """Return the title of the section that a case is named after; in full, of what the supplement adds."""
    wanted = case.partition("-")[0] + ("more" if case.endswith("-in-full") else "")
    return next(each.title for each in outline.load(project, "a2-writeup").sections if each.id == wanted)


def fall(late: float, epochs: int = 10, end: float = 1.6) -> list[float]:
    """A validation loss that falls steeply, then by `late` from the last window but one to the last."""
    window = max(1, epochs // 5)
    return [3.0] * (epochs - 2 * window) + [end + late] * window + [end] * window


@pytest.mark.parametrize(
    ("name", "says", "never"),
    [
        ("a2-below-flat", "No.\n", "learnt to colour|levelled off|more than make up"),
        ("a2-below-table", "No.\n", "learnt to colour|more than make up"),
        ("a2-behind-with-skips-nearer", "may be a part of the reason, but not all", "not shown to be"),
        ("a2-behind-with-skips-nearer", "was still falling", "had levelled off"),
        (
            "a2-behind-with-skips-farther",
            "behind the table as well",
            "a part of the reason|nearer to the table",
        ),
        ("a2-all-diverged", "No.\n", "[Ii]mage 1|One grey"),
        ("a2-not-blurred", "There are specks", "pictures are smoother|no more specks"),
        ("b3-better", "Yes.\n", "is higher by|fewer pixels|expect the opposite"),
        ("b3-worse", "No.\n", "Yes[.,]|is lower by|more pixels|possible reasons"),
        ("b3-same", "There is no clear difference.\n", "is (?:lower|higher)|(?:more|fewer) pixels"),
        ("b3-diverged", "It cannot be said.\n", "is (?:lower|higher)|clear difference"),
        ("b3-against-its-steps", "No.\n", "the gain comes from"),
        ("path-against-each-other", "none can be given a share", "largest part"),
        ("path-rises", "rises by 0.400", "largest part"),
        ("b5-larger-is-worse", "larger batches end with a higher validation loss", "lower validation loss,"),
        ("b5-larger-is-better", "larger batches end with a lower validation loss", "higher loss|worse"),
        ("b5-no-difference", "shows no clear trend", "end with a|fewer updates (?:are|can)"),
        (
            "b5-lowest-between",
            "The training loss falls from 1.586 with batches of 32 to 1.146 with 100, then",
            "then falls",
        ),
        (
            "b5-highest-between",
            "The training loss rises from 0.891 with batches of 32 to 1.288 with 128, then",
            "then rises",
        ),
        (
            "b5-turn-is-noise",
            "the steps between are not alike: batches of 32 and 64 do not clearly differ",
            "lowest with|on both sides|do not do best|clear trend|goes one way",
        ),
        ("b5-turn-is-noise", "on either side of the truth’s 51.4 %", "How far the edge share"),
        (
            "b5-turn-is-clear",
            "is lowest with batches of 64 and 100, which do not clearly differ, and rises on both sides",
            "clear trend|end with a",
        ),
        ("b5-turn-is-clear", "which make the most updates, do not do best", "lowest with batches of 64,"),
        (
            "b5-colours-turn",
            "clearly goes one way; from end to end the images get worse by both",
            "clear trend",
        ),
        ("b5-largest-diverged", "It cannot be said.\n", "(?:higher|lower) validation loss"),
        (
            "b5-updates-reverse-it",
            "agrees with fewer updates being what makes larger batches worse",
            "not all that makes",
        ),
        (
            "b5-updates-reverse-it-unevenly",
            "end with a lower loss, by 0.695 ± 0.042 from end to end",
            "end with a lower loss, by .* with each doubling",
        ),
        (
            "b5-updates-leave-it",
            "fewer updates are not all that makes larger batches worse",
            "agrees with fewer",
        ),
        ("b5-updates-undecided", "fewer updates can explain", "agrees with fewer|not all that makes"),
        ("updates-against-epochs", "it is the other way round", "rises as well"),
        ("updates-as-epochs", "rises as well", "other way round"),
    ],
)
def test_a_contrary_outcome_says_the_contrary(name: str, says: str, never: str) -> None:
    """What the golden texts claim fits the runs that they were made of, whoever renewed them."""
    text = (Path(__file__).parent / "golden" / f"{name}.txt").read_text()
    assert says in text
    assert not re.search(never, text)


MOVEMENTS: dict[str, tuple[list[list[float]], float]] = {
    "level, no gap": ([fall(0.003)], 1.59),
    "level from below, no gap": ([fall(-0.003)], 1.59),
    "level, gap": ([fall(0.003)], 1.2),
    "falling": ([fall(0.1)], 1.59),
    "falling, gap": ([fall(0.1)], 1.2),
    "rising, gap": ([fall(-0.3)], 1.2),
    "rising, no gap": ([fall(-0.3)], 1.59),
    "rising a little": ([fall(-0.01)], 1.59),
    "falling again after a rise": ([[3.0, 1.5, *fall(0.1, 8)]], 1.2),
    "level after a rise, gap": ([[3.0, 1.5, *[1.6] * 8]], 1.2),
    "level after a rise, gap open": ([[3.0, 1.5, *[1.6] * 8], [3.0, 1.5, *[1.66] * 8]], 1.55),
    "two epochs": ([fall(-0.3, 2)], 1.2),
    "four epochs": ([fall(0.1, 4)], 1.59),
    "a fifth of many epochs": ([fall(0.1, 29)], 1.59),
    "below the training loss": ([fall(0.1)], 1.8),
    "seeds agree on a small fall": ([fall(0.003), fall(0.0031), fall(0.0032)], 1.59),
    "seeds agree that it is level": ([fall(0.0), fall(0.001), fall(-0.001)], 1.59),
    "seeds disagree whether it falls or rises": ([fall(0.01), fall(-0.03)], 1.59),
    "seeds disagree whether it still falls": ([fall(0.1), fall(0.003)], 1.59),
    "seeds disagree whether it rises": ([fall(-0.1), fall(-0.003)], 1.2),
}


def test_the_movement_of_a_loss_is_the_golden_one(
    project: Project, make_run: MakeRun, golden: Golden
) -> None:
    """Falling, level and rising exclude each other; a rise is overfitting only beside a gap."""
    told = []
    for name, (curves, train_loss) in MOVEMENTS.items():
        runs = [
            make_run(seed, experiment=CONV, validation=c, train_loss=train_loss)
            for seed, c in enumerate(curves)
        ]
        said = prose_of(project, runs, "b2").rstrip().rpartition("\n\n")[2]
        assert not re.search(r"(?:fell|rose|changed) by (?:only )?−", said), name
        told.append(f"## {name}\n{said}\n")
    golden("b2-movement", "\n".join(told))


def test_a_net_is_shown_as_in_the_golden_text(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation, golden: Golden
) -> None:
    """A1 shows the class and its drawing, C1 its counts as well."""
    runs = [*trained(make_run, POOL, 1), make_derivation(), *trained(make_run, "unet", 1)]
    runs.append(make_derivation(experiment="unet-formulas"))
    text = prose_of(project, runs, "a1", "a2", "c1", "c2")
    golden("a1-c1", text[: text.index("\n## A2.")] + text[text.index("\n## C1.") : text.index("\n## C2.")])


SUMMARIES: dict[str, tuple[Any, Any, Any, int]] = {
    "each better than the last": (worse, better, much_better, 3),
    "each worse than the last": (much_better, better, worse, 3),
    "no clear difference": (worse, worse, worse, 3),
    "one seed": (worse, better, much_better, 1),
    "all diverged": (lost, lost, lost, 2),
}


def test_the_summary_is_the_golden_one(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation, golden: Golden
) -> None:
    """The cover says what the sections came to, and nothing of what is not there."""
    told = []
    for name, (first, second, third, count) in SUMMARIES.items():
        runs = [
            *first(make_run, POOL, count), *second(make_run, CONV, count), *third(make_run, "unet", count),
            make_derivation(),
        ]  # fmt: skip
        made = page_of(project, runs, "a1", "a2", "a3", "b2", "b3", "c2", "c3")
        summary = made.partition('<div class="summary">')[2].partition("</div>")[0]
        told.append(f"## {name}\n{read_as_prose(summary)}")
    golden("summary", "\n".join(told))
