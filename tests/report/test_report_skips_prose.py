"""What Part C says, word by word, with nets that its skips help, harm, or leave as they are."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from composed import prose_of
from fake_runs import MakeRun
from fake_trainings import better, skip_runs, trained, unet_runs, worse
from thinned import thinned

from cnnreport.project import Project
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

Golden = Callable[[str, str], None]
Make = Callable[[MakeRun], Sequence[Run]]

POOL, CONV = "pool-upsample", "conv-transpose"
REAL = {"data": "cifar10", "title": "CIFAR-10 horses", "stand_in": False}


def lost(make: MakeRun, experiment: str, count: int = 3, **chosen: Any) -> list[Run]:
    """Return runs that all diverged."""
    return trained(make, experiment, count, diverged=True)


def much_better(make: MakeRun, experiment: str, count: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a net that colours better still."""
    return trained(make, experiment, count, accuracy=0.66, loss=(1.8, 0.9), **chosen)


def a_little_better(make: MakeRun, experiment: str, count: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a net whose loss is clearly lower, but less so than that of `better`."""
    return trained(make, experiment, count, accuracy=0.5, loss=(2.0, 1.3), **chosen)


def reasons(*nets: Any, first: Any = worse) -> Make:
    """Return what makes the runs of C3 and of the nets that test its reasons; see `skip_runs`."""
    return lambda make: [*first(make, POOL), *skip_runs(make, *nets)]


def distances(lab: float, rgb: float) -> Make:
    """Return what makes runs of which the last has these distances from the right colours."""
    measures = {"lab_distance": lab, "rgb_distance": rgb}
    return lambda make: [
        *worse(make, POOL),
        *worse(make, CONV),
        *trained(make, "unet", accuracy=0.41, loss=(2.1, 1.58), measures=measures),
    ]


def a_little_more_accurate(apart: float) -> Make:
    """Return what makes runs of which UNet has more pixels right in every seed, by this much more or less."""

    def alike(n: int) -> dict[str, float]:
        names = ("lab_distance", "rgb_distance", "edge_share_predicted", "speck_share")
        return dict.fromkeys(names, 0.3 + n / 10)  # more comparisons for which p is corrected

    def told(make: MakeRun, experiment: str, net: str, end: float, middle: float) -> list[Run]:
        return [
            make(n, experiment=experiment, net=net, loss=(2.1, end + n / 300), train_loss=end + n**2 / 50,
                 accuracy=middle + (n - 1) / 100, measures=alike(n))
            for n in range(3)
        ]  # fmt: skip

    return lambda make: [
        *worse(make, POOL),
        *told(make, CONV, "ConvTransposeNet", 1.58, 0.4),
        *told(make, "unet", "UNet", 1.3, 0.4 + apart),
    ]


CASES: dict[str, tuple[Make, tuple[str, ...]]] = {
    "c3-better": (lambda make: unet_runs(make, better, worse), ("c3",)),
    "c3-worse": (lambda make: unet_runs(make, worse, better), ("c3",)),
    "c3-same": (lambda make: unet_runs(make, worse, worse), ("c3",)),
    "c3-a-little-more-accurate": (a_little_more_accurate(0.024), ("c3",)),
    "c3-a-little-less-accurate": (a_little_more_accurate(-0.024), ("c3",)),
    "c3-one-seed": (lambda make: unet_runs(make, better, worse, seeds=1), ("c3",)),
    "c3-speckled": (
        lambda make: [
            *unet_runs(make, worse, worse)[:6],
            *trained(make, "unet", accuracy=0.41, loss=(2.1, 1.58), measures={"edge_share_predicted": 0.9}),
        ],
        ("c3",),
    ),
    "c3-first-diverged": (
        lambda make: [*trained(make, POOL, diverged=True), *worse(make, CONV), *better(make, "unet")],
        ("b3", "c3"),
    ),
    "c3-diverged": (lambda make: unet_runs(make, lost, worse), ("c3",)),
    "c3-nearer-in-rgb-alone": (distances(18.0, 0.1), ("c3",)),
    "c3-nearer-in-lab-alone": (distances(10.0, 0.163), ("c3",)),
    "c3-reasons-hold": (reasons(worse, better, a_little_better, a_little_better), ("skips", "c3")),
    "c3-reasons-fail": (reasons(much_better, better, worse, worse), ("skips", "c3")),
    "c3-reasons-contradicted": (
        lambda make: [
            *worse(make, POOL),
            *skip_runs(make, better, better, worse, worse)[3:],
            *a_little_better(make, CONV),
        ],
        ("skips", "c3"),
    ),
    "c3-reasons-lost": (reasons(worse, better, lost, lost), ("skips", "c3")),
    "c3more-published": (lambda make: unet_runs(make, worse, better, **REAL), ("c3more",)),
    "skips-weights-do-not-explain": (reasons(worse, better, a_little_better, worse), ("skips",)),
    "skips-no-gain": (reasons(better, worse), ("skips",)),
    "skips-worse": (
        lambda make: [*better(make, CONV), *skip_runs(make, better, worse)[3:]],
        ("skips",),
    ),
    "skips-open": (reasons(better, better, better, better), ("skips",)),
    "skips-more-weights-do-more": (reasons(much_better, better, worse, better), ("skips",)),
    "skips-one-lost": (reasons(better, better, lost, better), ("skips",)),
    "skips-lost": (reasons(better, lost), ("skips",)),
}  # fmt: skip

WHOLE = {"c3more-published", "c3-reasons-hold", "skips-no-gain"}
"""The cases of which the golden text has captions and tables too."""


@pytest.mark.parametrize("name", thinned(CASES, 3))
def test_the_text_is_the_golden_one(name: str, project: Project, make_run: MakeRun, golden: Golden) -> None:
    """A reader has agreed to each word that these runs bring about in the last of the sections."""
    make, sections = CASES[name]
    text = prose_of(project, make(make_run), *sections, whole=name in WHOLE)
    told = text.partition("\n## C3.")[2] if sections[-1] == "c3" else text[text.rindex("\n## ") + 1 :]
    golden(name, told.partition("\n## ")[0] if sections[-1] == "c3" else told)


@pytest.mark.parametrize(
    ("name", "says", "never"),
    [
        ("c3-better", "improved both", "is higher by|and worse in others|worse in every|larger with skips"),
        ("c3-worse", "No.\n", "improved|is lower by|better in every|worse in others|smaller with skips"),
        ("c3-same", "There is no clear difference.\n", "(?:lower|higher) by|smaller|larger"),
        ("c3-a-little-more-accurate", "improved both", "no clear difference in accuracy"),
        (
            "c3-a-little-less-accurate",
            "improved the loss, but not the accuracy",
            "[Aa]ccuracy (?:is higher|rose)",
        ),
        ("c3-diverged", "It cannot be said.\n", "improved|(?:lower|higher) by|clear difference"),
        ("c3-speckled", "ConvTransposeNet comes closer", "UNet comes closer"),
        ("c3-nearer-in-rgb-alone", "does not clearly differ in CIELAB, but smaller in RGB", "larger"),
        (
            "c3-nearer-in-lab-alone",
            "smaller with skips in CIELAB, but not clearly different in RGB",
            "larger",
        ),
        ("c3-reasons-hold", "More weights cannot be the whole reason", "do(?:es)? not confirm|does not hold"),
        ("c3-reasons-fail", "More weights can do more", "are not the reason|alone the loss falls"),
        ("c3-reasons-contradicted", "here this reason does not hold", "alone the loss falls|easier to"),
        ("c3-reasons-lost", "the runs say nothing about this reason", "alone the loss|easier"),
        ("skips-no-gain", "There is no gain to explain.\n", "is lower than"),
        ("skips-worse", "There is no gain to explain.\n", "is lower than"),
        ("skips-lost", "Nothing can be said.\n", "is (?:lower|higher) than"),
        ("skips-more-weights-do-more", "More weights alone can do more", "do not explain"),
    ],
)
def test_a_contrary_outcome_says_the_contrary(name: str, says: str, never: str) -> None:
    """What the golden texts claim fits the runs that they were made of, whoever renewed them."""
    text = (Path(__file__).parent / "golden" / f"{name}.txt").read_text()
    assert says in text
    assert not re.search(never, text)
