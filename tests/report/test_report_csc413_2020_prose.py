"""What the sections of Parts A and B of csc413-2020 say, word by word, with runs of many kinds."""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from composed import prose_of
from fake_2020 import BLURRED, CNN, PUBLISHED, SHARP, UNET, WIDENED, at_rates, in_batches, trained
from fake_derivations import MakeDerivation, audit_measures, derived_measures
from fake_runs import MakeRun
from sentences import outcomes, section_of
from thinned import thinned

from cnnreport.project import Project
from cnnreport.report.page import outline
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

REPORT = "csc413-2020"
SHEETS = ("left-out", "twice", "doubled-weights")

Golden = Callable[[str, str], None]
Make = Callable[[MakeRun], Sequence[Run]]


RATES = {2: (0.001, 0.3), 3: (0.001, 0.03, 0.3), 6: (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)}
"""Those of A2, of a plain and of a full build, by how many there are."""


def rated(*losses: float, **chosen: Any) -> Make:
    """Return what makes the runs of A2, from the smallest rate to the largest."""
    rates = RATES[len(losses)]
    return lambda make: at_rates(make, dict(zip(rates, losses, strict=True)), measures=BLURRED, **chosen)


def one_lost(lost: str, other: str) -> Make:
    """Return what makes the runs of A2 where all with one rate diverged."""
    rates = {CNN: 0.001, PUBLISHED: 0.3}
    return lambda make: [
        *trained(make, lost, 1.6, diverged=True, learning_rate=rates[lost]),
        *trained(make, other, 1.6, accuracy=0.41, learning_rate=rates[other], measures=BLURRED),
    ]


def skipping(cnn: float, unet: float, wide: float | None = None, tried: int = 3, **of_unet: Any) -> Make:
    """Return what makes the runs of B3, and so many of its control where that has a loss."""

    def runs(make: MakeRun) -> list[Run]:
        made = trained(make, CNN, cnn, accuracy=0.41, measures=BLURRED)
        made += trained(make, UNET, unet, **{"accuracy": 0.41, "measures": BLURRED, **of_unet})
        return made + (trained(make, WIDENED, wide, tried, filters=37) if wide is not None else [])

    return runs


def batched(losses: Sequence[float], updates: Sequence[float] = (), **chosen: Any) -> Make:
    """Return what makes the runs of B4, and of their twins with a fixed number of updates."""
    return lambda make: [
        *trained(make, UNET, 1.2),
        *in_batches(make, losses, epochs=5, **chosen),
        *(in_batches(make, updates, f"{UNET}-updates", updates=100) if updates else []),
    ]


FLAT = {"edge_share_predicted": 0.05, "lab_distance": 19.0, "colour_share_predicted": 9 / 24}
RISING = (1.0, 1.1, 1.2, 1.4, 1.7, 2.0)
VALLEY = (1.6, 1.4, 1.3, 1.7, 2.4, 3.0)
TURNING = (1.2, 1.1, 1.3, 1.2, 2.0, 2.4)
LEVEL = (1.10, 1.12, 1.09, 1.11, 1.10, 1.12)
NAN = math.nan
REAL = {"data": "cifar10", "title": "CIFAR-10 horses", "stand_in": False}

CASES: dict[str, tuple[Make, tuple[str, ...]]] = {
    "a2-published-is-worse": (rated(1.45, 1.5, 1.9), ("a2", "rates")),
    "a2-published-is-one-run": (rated(1.45, 1.9, published=1), ("a2",)),
    "a2-in-smaller-steps": (rated(1.45, 1.4, 1.42, 1.5, 1.7, 1.9), ("a2", "rates", "ratesfull")),
    "a2-published-is-better": (rated(1.9, 1.45), ("a2",)),
    "a2-published-is-as-good": (rated(1.50, 1.50), ("a2",)),
    "a2-published-is-lost": (one_lost(PUBLISHED, CNN), ("a2",)),
    "a2-smaller-is-lost": (one_lost(CNN, PUBLISHED), ("a2",)),
    "a2more-published": (rated(1.45, 1.9, **REAL), ("a2more",)),
    "a2smaller-worse": (rated(1.45, 1.9), ("a2smaller",)),
    "rates-between": (rated(1.45, 1.4, 1.9), ("rates",)),
    "rates-largest-is-far-off": (rated(1.45, 1.4, 900.0), ("rates",)),
    "rates-smallest": (rated(1.4, 1.7, 1.9), ("rates",)),
    "rates-largest": (rated(1.9, 1.6, 1.4), ("rates",)),
    "rates-lost": (rated(1.9, 1.6, 1.4, diverged=True), ("rates",)),
    "ratesfull-bends": (rated(1.45, 1.4, 1.42, 1.5, 1.7, 1.9), ("ratesfull",)),
    "b2-alone": (lambda make: trained(make, UNET, 1.1, accuracy=0.56), ("b2",)),
    "b3-better": (skipping(1.58, 1.05, 1.5, accuracy=0.58, start=1.9, measures=SHARP), ("b3", "controls")),
    "b3-worse": (
        skipping(1.05, 1.58, 1.0, accuracy=0.30, start=3.4, measures=FLAT), ("b3", "controls")),
    "b3-widened-once": (
        skipping(1.58, 1.05, 1.5, tried=1, accuracy=0.58, measures=SHARP), ("b3", "controls")),
    "b3-same": (skipping(1.30, 1.30), ("b3",)),
    "b3-lost": (skipping(1.30, 1.30, diverged=True), ("b3",)),
    "b3more-better": (skipping(1.58, 1.05, accuracy=0.58, measures=SHARP), ("b3more",)),
    "controls-skips": (skipping(1.58, 1.05, 1.5, accuracy=0.58), ("controls",)),
    "controls-once": (skipping(1.58, 1.05, 1.5, tried=1, accuracy=0.58), ("controls",)),
    "controls-weights": (skipping(1.58, 1.05, 0.9, accuracy=0.58), ("controls",)),
    "controls-lost": (skipping(1.58, 1.05, 1.5, diverged=True), ("controls",)),
    "b4-larger-is-worse": (batched(RISING, RISING[::-1]), ("b4", "updates")),
    "b4-larger-is-better": (batched(RISING[::-1], RISING), ("b4", "updates")),
    "b4-lowest-between": (batched(VALLEY, RISING[::-1]), ("b4", "updates")),
    "b4-turns-twice": (batched(TURNING, VALLEY), ("b4", "updates")),
    "b4-no-difference": (batched(LEVEL, LEVEL), ("b4", "updates")),
    "b4-small-is-noisy": (batched(RISING, rises=(0.5, 0.396, 0.351, 0.201, 0.096, 0.051)), ("b2", "b4")),
    "b4-large-is-noisy": (batched(RISING, rises=(0.051, 0.096, 0.201, 0.351, 0.396, 0.5)), ("b4",)),
    "b4-largest-is-lost": (batched((*RISING[:5], NAN)), ("b4",)),
    "updates-other-than-above-the-best": (batched(VALLEY, RISING[::-1]), ("b4", "updates")),
    "updates-larger-is-better": (batched(RISING, RISING[::-1]), ("b4", "updates")),
    "b4long-larger-is-worse": (
        lambda make: [
            *(run for run in in_batches(make, RISING, f"{UNET}-long") if run.spec["batch_size"] != 100),
            *trained(make, UNET, 1.4),
        ],
        ("b4long",),
    ),
    "b4long-published": (
        lambda make: [*in_batches(make, LEVEL, f"{UNET}-long", **REAL), *trained(make, UNET, 1.4, **REAL)],
        ("b4long",),
    ),
}  # fmt: skip

WHOLE = {
    "a2-published-is-worse",
    "a2more-published",
    "rates-between",
    "rates-largest-is-far-off",
    "b3more-better",
    "controls-skips",
    "b4-small-is-noisy",
}
"""The cases of which the golden text has captions and tables too."""


def golden_name(case: str) -> str:
    """What the golden text of a case is called."""
    return f"2020-{case}"


def title_of(project: Project, section: str) -> str:
    """The title of a section."""
    return next(each.title for each in outline.load(project, REPORT).sections if each.id == section)


@pytest.mark.parametrize("name", thinned(CASES, 3))
def test_the_text_is_the_golden_one(name: str, project: Project, make_run: MakeRun, golden: Golden) -> None:
    """A reader has agreed to each word that these runs bring about in the section the case is named after."""
    make, sections = CASES[name]
    text = prose_of(project, make(make_run), *sections, whole=name in WHOLE, report=REPORT)
    section = section_of(text, title_of(project, name.partition("-")[0]))
    golden(golden_name(name), section.partition("\n# ")[0])


@pytest.mark.parametrize(
    ("name", "says", "never"),
    [
        ("a2-published-is-worse", "is lower by", "is higher by|no clear difference to"),
        ("a2-published-is-better", "is higher by", "is lower by 0|fits even the images"),
        (
            "a2-published-is-as-good",
            "makes no clear difference to the validation loss",
            "(?:lower|higher) by",
        ),
        ("a2-published-is-lost", "every run diverged", "Image|image 1|One grey|(?:lower|higher) by"),
        ("a2-smaller-is-lost", "every run diverged.", "(?:lower|higher) by|After one epoch the valid"),
        ("rates-smallest", "a still smaller one was not tried", "between the two ends|still larger"),
        ("rates-largest", "a still larger one was not tried", "between the two ends|still smaller"),
        ("rates-lost", "a run diverged", "lowest validation loss|The loss (?:rises|falls)"),
        ("b3-better", "It is nearer to that of the truth", "It is farther|It does not:|No\\.\n|would expect"),
        ("b3-worse", "It is farther from that of the truth", "It is nearer|It does: |Yes[.,]|usually"),
        ("b3-same", "The runs do not show it", "It is nearer|It is farther|It does: |usually given"),
        ("b3-lost", "It cannot be said.\n", "reasons|(?:lower|higher) by"),
        ("controls-skips", "The additional weights do not explain the gain", "can do more|no gain"),
        ("controls-weights", "More weights alone can do more", "do not explain"),
        ("controls-lost", "Nothing can be said.\n", "(?:lower|higher) than"),
        (
            "b4-larger-is-worse",
            "larger batches end with a higher validation loss",
            "end with a lower validation",
        ),
        (
            "b4-larger-is-better",
            "larger batches end with a lower validation loss",
            "end with a higher validation",
        ),
        ("b4-no-difference", "shows no clear trend with the batch size", "end with a (?:lower|higher) valid"),
        (
            "b4-lowest-between",
            "agrees with fewer updates being what makes batches above 10 worse",
            "larger batches end with a higher|makes larger batches worse",
        ),
        (
            "b4-turns-twice",
            "does not go one way with the batch size",
            "end with a (?:lower|higher) valid|on both sides|fewer updates (?:that|are|can)",
        ),
        ("b4-small-is-noisy", "would not confirm", "next rises"),
        ("b4-large-is-noisy", "next rises", "would not confirm"),
        ("b4-largest-is-lost", "It cannot be said.\n", "Noise|end with a"),
    ],
)
def test_a_contrary_outcome_says_the_contrary(name: str, says: str, never: str) -> None:
    """What the golden texts claim fits the runs that they were made of, whoever renewed them."""
    text = (Path(__file__).parent / "golden" / f"{golden_name(name)}.txt").read_text()
    assert says in text
    assert not re.search(never, text)


def test_the_noise_is_that_of_the_steepest_rise(project: Project, make_run: MakeRun) -> None:
    """2.0, 1.6, 1.9, 1.5, 1.7: it rises twice, by 0.3 at most; of losses that only fall nothing is said."""
    texts = [
        prose_of(project, batched(RISING, validation=losses)(make_run), "b4", whole=False, report=REPORT)
        for losses in ([2.0, 1.6, 1.9, 1.5, 1.7], [2.0, 1.9, 1.8, 1.7, 1.6])
    ]
    assert "it changes by 0.000 with each doubling of the batch size, from 0.300 to 0.300." in " ".join(
        texts[0].split()
    )
    assert "Noise" not in texts[1]


def test_colours_of_which_no_pixel_is_right_are_counted(project: Project, make_run: MakeRun) -> None:
    """With no pixel right at all they are all colours; where each has some, nothing is said."""
    for accuracy, said in ((0.0, True), (0.3, False)):
        runs = trained(make_run, PUBLISHED, 1.9, 1, accuracy=accuracy, learning_rate=0.3, measures=BLURRED)
        runs += trained(make_run, CNN, 1.6, accuracy=0.4, measures=BLURRED)
        text = prose_of(project, runs, "a2", whole=False, report=REPORT)
        assert ("Of 24 colours of the truth no pixel is right" in " ".join(text.split())) == said


@pytest.mark.parametrize(
    ("edges", "accuracy", "said"), [(0.43, 0.3, True), (0.43, 0.7, False), (0.1, 0.3, False)]
)
def test_the_edge_share_is_refuted_only_by_a_worse_net_that_comes_nearer(
    project: Project, make_run: MakeRun, edges: float, accuracy: float, said: bool
) -> None:
    """The CNN with the published rate is named in B3 where it is nearer to the truth and right less often."""
    looks = {**BLURRED, "edge_share_predicted": edges}
    runs = trained(make_run, PUBLISHED, 1.9, 1, accuracy=accuracy, learning_rate=0.3, measures=looks)
    runs += skipping(1.58, 1.05, accuracy=0.58, measures={**SHARP, "edge_share_predicted": 0.3})(make_run)
    text = prose_of(project, runs, "a2", "b3", whole=False, report=REPORT)
    assert ("Nor does it tell good pictures from bad" in text) == said


@pytest.mark.parametrize(
    ("made", "beside"),
    [(REAL, True), ({}, False), ({**REAL, "epochs": 5}, False), ({**REAL, "batch_size": 50}, False)],
)
def test_published_results_stand_beside_their_like_alone(
    project: Project, make_run: MakeRun, made: dict[str, Any], beside: bool
) -> None:
    """On drawn images, or with other settings, they would compare nothing; the difference is of the means."""
    losses = [*[2.0] * (made.get("epochs", 25) - 1), 1.81]
    runs = [make_run(0, experiment=PUBLISHED, learning_rate=0.3, validation=losses, accuracy=0.35, **made)]
    text = prose_of(project, runs, "a2more", report=REPORT)
    assert ("Beside published results" in text) == beside
    # 1.935 and 1.885 have a mean of 1.910, 30.9 % and 32.5 % one of 31.7 %.
    says = "is 0.100 below the mean of theirs, the accuracy 3.3 percentage points above."
    assert (says in text) == beside


def test_the_nets_are_shown(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation, golden: Golden
) -> None:
    """The classes that ran, their drawings, and what is said of the convolution module."""
    runs = [*at_rates(make_run, {0.001: 1.5, 0.3: 1.9}), *trained(make_run, UNET, 1.1)]
    for name in (CNN, UNET):
        runs.append(make_derivation(derived_measures(), f"{name}-formulas"))
    text = prose_of(project, runs, "a1", "a2", "b1", "b2", report=REPORT)
    golden("2020-a1-b1", "\n".join(section_of(text, title_of(project, each)) for each in ("a1", "b1")))


def test_the_sheets_as_they_came_out(
    project: Project, make_derivation: MakeDerivation, golden: Golden
) -> None:
    """Whether a slip explains a sheet, several do, or none, the text says that."""
    slip = "block3.0 (Conv2d) had been left out"
    measures = {
        "several slips": audit_measures((0, 2), slips=["weights: one thing", "outputs: another"]),
        "no slip": audit_measures((0,)),
        "nothing is wrong": audit_measures(),
    }

    def said(**chosen: Any) -> str:
        usual = audit_measures(range(6), slips=[slip])
        runs = [
            make_derivation(
                chosen.get("measures", usual) if sheet == "twice" else usual, f"six-block-sheet-{sheet}"
            )
            for sheet in SHEETS
        ]
        return prose_of(project, runs, "sheets", report=REPORT)

    usual = said()
    golden("2020-sheets", usual)
    golden("2020-sheets-outcomes", outcomes(usual, {what: said(measures=m) for what, m in measures.items()}))
    assert usual.count(f"One slip explains all that is wrong: {slip}.") == len(SHEETS)
