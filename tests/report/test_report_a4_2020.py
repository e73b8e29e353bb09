"""What A4 of the 2020 report says, word by word, with nets that y = ax + b harms, or leaves alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from composed import prose_of
from fake_2020 import CNN, UNET, trained
from fake_invariance import asked_a4
from fake_runs import MakeRun
from sentences import outcomes

from cnnreport.project import Project

pytestmark = pytest.mark.usefixtures("undrawn")

REPORT = "csc413-2020"
Golden = Callable[[str, str], None]

NAMES = ("shifted", "half", "double", "negative", "hundredth", "half_shifted", "double_shifted",
         "negative_shifted", "hundredth_shifted")  # fmt: skip
ALL_KEPT = dict.fromkeys(NAMES, 0.999)
NONE_KEPT = dict.fromkeys(NAMES, 0.2)
EVEN = dict.fromkeys(("same", *NAMES), 0.402)

CASES: Mapping[str, Mapping[str, Any]] = {
    "nothing changes anything": {
        "cnn": {"kept": ALL_KEPT, "accuracy": EVEN, "changes": (0.001, 0.001), "inner": (0.0, 0.0)},
        "unet": {"kept": ALL_KEPT},
    },
    "everything changes": {"cnn": {"kept": NONE_KEPT}, "unet": {"kept": NONE_KEPT}},
    "the seeds cannot tell": {
        "cnn": {"kept": dict.fromkeys(NAMES, 0.9895)},
        "unet": {"kept": {"half": 0.997}},
    },
    "eval mode loses with some": {"cnn": {"accuracy": {"half": 0.405}}},
    "trainings end worse": {"losses": {"negative": 1.9, "hundredth_shifted": 2.4}},
    "trainings end better": {"losses": {"half_shifted": 1.1}},
    "trainings end both ways": {"losses": {"half_shifted": 1.1, "negative": 1.9}},
    "a training diverges": {"diverged": ("half_shifted",)},
    "one seed": {"seeds": 1},
}


def told(project: Project, make_run: MakeRun, root: Path, *ids: str, **chosen: Any) -> str:
    """What sections say of such runs."""
    return prose_of(project, asked_a4(make_run, root, **chosen), *ids, report=REPORT)


def test_a4_as_it_is_expected(project: Project, make_run: MakeRun, root: Path, golden: Golden) -> None:
    """With the proof, both nets and the trainings: the whole section."""
    golden("2020-a4", told(project, make_run, root, "a4"))


@pytest.mark.slow
def test_a4_whatever_the_runs_show(
    project: Project, make_run: MakeRun, tmp_path: Path, golden: Golden
) -> None:
    """Each outcome has its words, and none of them claims what the runs contradict."""
    usual, others = "", {}
    for number, (case, chosen) in enumerate([("", {}), *CASES.items()]):
        place = Project(project.root, tmp_path / str(number))
        text = told(place, _into(make_run, place), place.runs, "a4", **chosen)
        if case:
            others[case] = text
        else:
            usual = text
    golden("2020-a4-outcomes", outcomes(usual, others))


def test_the_proof_and_all_numbers(project: Project, make_run: MakeRun, root: Path, golden: Golden) -> None:
    """The supplement has the relation of every layer, the tables, and the trainings."""
    golden("2020-a4more", told(project, make_run, root, "a4more"))


def test_the_full_build_compares_both_nets(project: Project, make_run: MakeRun, golden: Golden) -> None:
    """Trainings of both nets on every ax + b, one that is worse and one that is not."""
    runs = [*trained(make_run, CNN, 1.6), *trained(make_run, UNET, 1.4)]
    for net, loss in ((CNN, 1.6), (UNET, 1.4)):
        for name in NAMES:
            worse = 0.5 * (net == UNET and name.startswith("hundredth"))
            runs += trained(make_run, f"{net}-on-{name.replace('_', '-')}", loss + worse, 1)
    golden("2020-a4full", prose_of(project, runs, "a4full", report=REPORT))


def _into(make_run: MakeRun, project: Project) -> MakeRun:
    """Return what writes fake trainings into the output folder of a project."""
    write = make_run.func  # type: ignore[attr-defined]

    def made(*seeds: int, **chosen: Any) -> Any:
        return write(project.runs, *seeds, **chosen)

    return made
