"""What Part D says, word by word: golden texts for what its runs may come to, and what no text may miss.

A golden text has a whole section, and its outcomes what is said where the runs come to something else.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composed import prose_of
from fake_segmentations import COCO, MakeTuning, discs, fake_costs, fake_features
from sentences import outcomes, section_of
from thinned import thinned

from cnnreport.project import Project
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

CE, IOU, RANDOM, MOVING = "fine-tune-cross-entropy", "fine-tune-iou", "fine-tune-random", "fine-tune-moving"
REAL = {"data": "flowers17", "title": "Oxford-17 flowers", "stand_in": False}
BETTER = {"mean_iou": 0.74, "flower_iou": 0.64, "starter": 0.36}
WORSE = {"mean_iou": 0.50, "flower_iou": 0.35, "starter": 0.05}

Make = Callable[..., list[Run]]
Golden = Callable[[str, str], None]


@pytest.fixture(params=thinned(["as usual", "as it may be"], 2))
def section(request: pytest.FixtureRequest, project: Project, golden: Golden) -> Callable[..., None]:
    """A function that compares a section, or what it says in other cases, with the golden texts."""

    def compare(name: str, usual: list[Run], **others: list[Run]) -> None:
        text = prose_of(project, usual, name)
        if request.param == "as usual" or not others:
            golden(name, text)
        else:
            golden(f"{name}-outcomes", outcomes(text, _told(project, name, others)))

    return compare


def words_of(project: Project, runs: list[Run], *ids: str) -> str:
    """Return what some sections say, in one line."""
    return " ".join(prose_of(project, runs, *ids).split())


def _told(project: Project, name: str, others: Mapping[str, list[Run]]) -> dict[str, str]:
    return {what.replace("_", " "): prose_of(project, runs, name) for what, runs in others.items()}


def test_the_parameters_that_learn(section: Callable[..., None], make: Make) -> None:
    """D.1 Q1 counts what learns and what is frozen, and lists the code."""
    section("d1q1", make(CE))


def test_the_best_miou(section: Callable[..., None], make: Make, make_tuning: MakeTuning, root: Path) -> None:
    """D.1 Q2: the best mIoU, the code and the settings, as good or bad as the runs are."""

    def runs(seeds: int = 3, **chosen: Any) -> list[Run]:
        return [fake_features(root, "flower-features"), *make(CE, seeds, **{**BETTER, **chosen})]

    unsettled = [make_tuning(n, experiment=CE, flower_iou=x) for n, x in enumerate((0.1, 0.6, 0.45))]
    section(
        "d1q2",
        runs(best=0.05),
        worse_than_a_fixed_map=runs(flower_iou=0.25),
        seeds_disagree=[*runs(1)[:1], *unsettled],
        one_seed=runs(1),
        one_epoch=runs(epochs=1),
        all_diverged=runs(diverged=True),
        weights_of_the_handout=runs(measures=COCO),
        another_net_of_torchvision=runs(measures={**COCO, "architecture": "resnet50"}),
    )


def test_what_the_best_miou_rests_on(
    section: Callable[..., None], make: Make, make_tuning: MakeTuning, root: Path
) -> None:
    """Data, measures, baselines, control and weights, as good or bad as the runs are."""
    features = [fake_features(root, name) for name in ("flower-features", "flower-features-random")]

    def runs(control: Mapping[str, Any] = WORSE, seeds: int = 3, **chosen: Any) -> list[Run]:
        return [*features, *make(CE, seeds, **{**BETTER, **chosen}), *make(RANDOM, seeds, **control)]

    unsettled = [make_tuning(n, experiment=CE, flower_iou=x) for n, x in enumerate((0.1, 0.5, 0.4))]
    one_lost = [make_tuning(n, experiment=CE, diverged=n == 1) for n in range(3)]
    section(
        "d1q2more",
        runs(best=0.05),
        worse_than_anything=runs(BETTER, **{**WORSE, "flower_iou": 0.25}),
        control_is_as_good=runs(BETTER),
        seeds_disagree=[*features, *unsettled, *make(RANDOM, **WORSE)],
        one_seed=runs(seeds=1),
        one_seed_is_worse=runs(BETTER, 1, **{**WORSE, "flower_iou": 0.25}),
        all_diverged=runs(diverged=True),
        one_diverged=[*features, *one_lost, *make(RANDOM, **WORSE)],
        weights_of_the_handout=runs(measures=COCO),
        real_flowers=runs(**REAL),
        damaged_images=runs(measures={"skipped": ["image_0003.jpg: cut off", "image_0007.jpg: no image"]}),
        images_in_both_lists=runs(measures={"validation_seen": 3, "without_trimap": 0}),
        some_images_below_one_half=runs(starter=0.6),
        all_images_below_one_half=runs(starter=0.0),
    )


def test_predictions(section: Callable[..., None], make: Make, make_tuning: MakeTuning) -> None:
    """D.1 Q3 shows the first run that came through, says what is wrong, and says so where there is none."""
    first_lost = [make_tuning(n, experiment=CE, diverged=n == 0) for n in range(2)]
    section(
        "d1q3",
        make(CE),
        first_diverged=first_lost,
        all_diverged=make(CE, diverged=True),
        less_flower_than_there_is=make(CE, measures={"flower_share_predicted": 0.2}),
        as_much_flower=[
            make_tuning(n, experiment=CE, measures={"flower_share_predicted": x})
            for n, x in enumerate((0.3, 0.31, 0.32))
        ],
        nothing_is_found=make(CE, pictures={"validation": found(0)}),
        errors_are_inside=make(CE, pictures={"validation": found(1)}),
        everything_is_called_flower=make(CE, pictures={"validation": found(2)}),
    )


def test_best_and_worst_predictions(section: Callable[..., None], make: Make) -> None:
    """The supplement shows the best and the worst images of either loss."""
    section("d1q3more", make(CE), all_diverged=make(CE, diverged=True))


def found(inner: int) -> dict[str, Any]:
    """Return pictures of which nothing, all but the middle of each flower, or everything is called flower."""
    shown = discs(6, 64)
    y, x = np.mgrid[0:64, 0:64]
    middle = np.hypot(y - 32, x - 32) < 6
    nothing = np.zeros_like(shown["mask"])
    predicted = (nothing, (shown["mask"] == 1) & ~middle, nothing + 1)[inner]
    return {**shown, "predicted": predicted.astype(np.uint8)}


def test_the_iou_loss(section: Callable[..., None], make: Make, make_tuning: MakeTuning) -> None:
    """D.2 Q1: the loss, and the comparison with cross entropy whatever its signs are."""

    def pair(iou: Mapping[str, Any], cross: Mapping[str, Any] | None = None, seeds: int = 3) -> list[Run]:
        return [*make(CE, seeds, **(cross or {})), *make(IOU, seeds, **iou)]

    def cuts(cross: tuple[float, Any], iou: tuple[float, Any]) -> list[Run]:
        return [
            make_tuning(seed, experiment=name, mean_iou=mean_iou, cut=0.3, cut_gain=gain)
            for name, (mean_iou, gains) in ((CE, cross), (IOU, iou))
            for seed, gain in enumerate(gains)
        ]

    def ended(*rises: float, experiment: str = IOU) -> list[Run]:
        """Return runs whose mean IoU rises by this in the last window of epochs."""
        return [climbing(make_tuning(n, experiment=experiment), rise) for n, rise in enumerate(rises)]

    none, large = (0, 0, 0), (0.04,) * 3
    rising, level = (0.02, 0.021, 0.022), (0.0, 0.001, 0.0)
    section(
        "d2q1",
        pair(WORSE, BETTER),
        both_still_rise=[*ended(*rising, experiment=CE), *ended(*rising)],
        the_iou_loss_alone_still_rises=[*ended(*level, experiment=CE), *ended(*rising)],
        seeds_disagree_whether_it_rises=[*make(CE), *ended(0.0, 0.02, 0.01)],
        the_iou_loss_alone_falls=[*make(CE), *ended(-0.02, -0.021, -0.019)],
        one_epoch=[*make(CE, epochs=1), *make(IOU, epochs=1)],
        better=pair(BETTER, WORSE),
        the_same=pair({}),
        better_for_the_flower_alone=pair({"mean_iou": 0.70, "flower_iou": 0.64}),
        worse_for_the_flower_alone=pair({"mean_iou": 0.74, "flower_iou": 0.60}),
        better_for_the_flower=pair({"flower_iou": 0.64}),
        worse_for_the_flower=pair({"flower_iou": 0.60}),
        better_for_both_classes=pair({"mean_iou": 0.74}),
        worse_for_both_classes=pair({"mean_iou": 0.70}),
        one_seed=pair(WORSE, BETTER, 1),
        iou_loss_diverged=pair({"diverged": True}),
        cross_entropy_diverged=pair({}, {"diverged": True}),
        difference_stays_with_the_best_cut=cuts((0.72, none), (0.70, none)),
        difference_vanishes_with_the_best_cut=cuts((0.72, none), (0.70, (0.018, 0.02, 0.022))),
        difference_turns_with_the_best_cut=cuts((0.72, none), (0.70, large)),
        difference_appears_with_the_best_cut=cuts((0.70, none), (0.70, large)),
        surer_and_less_flower=pair({"sure": 0.8, "measures": {"flower_share_predicted": 0.31}}),
        less_sure_and_more_flower=pair({"sure": 0.3, "measures": {"flower_share_predicted": 0.45}}),
    )
    section(
        "d2q1more",
        pair(WORSE, BETTER),
        better=pair(BETTER, WORSE),
        one_seed=pair(WORSE, BETTER, 1),
        iou_loss_diverged=pair({"diverged": True}),
        cross_entropy_diverged=pair({}, {"diverged": True}),
        difference_stays_with_the_best_cut=cuts((0.72, none), (0.70, none)),
        difference_vanishes_with_the_best_cut=cuts((0.72, none), (0.70, (0.018, 0.02, 0.022))),
        difference_turns_with_the_best_cut=cuts((0.72, none), (0.70, large)),
        difference_appears_with_the_best_cut=cuts((0.70, none), (0.70, large)),
        another_cut_gains_little=cuts((0.70, (0.001,) * 3), (0.70, none)),
        another_cut_may_gain=cuts((0.70, (0.001, 0.03, 0.02)), (0.70, none)),
        surer_and_less_flower=pair({"sure": 0.8, "measures": {"flower_share_predicted": 0.31}}),
        less_sure_and_more_flower=pair({"sure": 0.3, "measures": {"flower_share_predicted": 0.45}}),
    )


def climbing(run: Run, rise: float) -> Run:
    """Return a run whose mean IoU is higher by this in the last fifth of its epochs than in that before."""
    window = len(run.history) // 5
    for row in run.history[: 2 * -window]:
        row["validation_mean_iou"] -= 2 * rise
    for row in run.history[2 * -window : -window]:
        row["validation_mean_iou"] = run.history[-1]["validation_mean_iou"] - rise
    for row in run.history[-window:]:
        row["validation_mean_iou"] = run.history[-1]["validation_mean_iou"]
    return run


def test_longer_trainings(section: Callable[..., None], make: Make, make_tuning: MakeTuning) -> None:
    """Whether many epochs change the comparison, and whether they were enough, is said as the runs say it."""

    def runs(iou: Mapping[str, Any], cross: Mapping[str, Any] | None = None, rise: float = 0.0) -> list[Run]:
        chosen = ((CE, cross or {}), (IOU, iou))
        long = [
            climbing(make_tuning(n, experiment=f"{name}-long", epochs=50, **each), rise)
            for name, each in chosen
            for n in range(3)
        ]
        return [*make(CE), *make(IOU, **WORSE), *long]

    section(
        "dlong",
        runs(BETTER),
        worse=runs(WORSE),
        the_same=runs({}),
        both_still_rise=runs(BETTER, rise=0.02),
        iou_loss_diverged=runs({"diverged": True}),
    )


def test_ten_epochs_are_told_beside_many(project: Project, make: Make, make_tuning: MakeTuning) -> None:
    """D.2 Q1 says what the long trainings came to, whatever the short ones did."""

    def told(**long: Any) -> str:
        many = [make_tuning(n, experiment=f"{name}-long", epochs=50, **(long if name == IOU else {}))
                for name in (CE, IOU) for n in range(3)]  # fmt: skip
        return words_of(project, [*make(CE, **BETTER), *make(IOU, **WORSE), *many], "d2q1", "dlong")

    assert re.search(r"After 50 epochs \(.{,90}\) it is higher with the IoU loss", told(mean_iou=0.8))
    assert re.search(r"After 50 epochs \(.{,90}\) it is lower with the IoU loss", told(mean_iou=0.6))
    assert re.search(r"After 50 epochs \(.{,90}\) there is no clear difference", told())


def test_d2_stands_alone(project: Project, golden: Golden, make: Make) -> None:
    """Beside D.1, D.2 refers to it for metrics and pictures; alone it defines and shows them itself."""
    both = ("d1q3", "d2q1", "d2q2")
    runs = [*make(CE), *make(IOU)]
    alone = prose_of(project, runs, "d2q2")
    golden("d2q2", alone)
    golden("d2q2-outcomes", outcomes(alone, {
        "misses less and invents more": prose_of(
            project, [*make(CE, flower_iou=0.4), *make(IOU, flower_iou=0.8)], "d2q2"),
        "misses more": prose_of(project, [*make(CE, flower_iou=0.8), *make(IOU, flower_iou=0.4)], "d2q2"),
        "cross entropy diverged": prose_of(project, [*make(CE, diverged=True), *make(IOU)], "d2q2"),
        "beside D.1 Q3": section_of(prose_of(project, runs, *both), "D.2 Q2"),
        "all diverged": prose_of(project, [*make(CE), *make(IOU, diverged=True)], "d2q2"),
    }))  # fmt: skip


def splits(
    make: Make, clean: Mapping[str, Any], handout: Mapping[str, Any], iou: Any, **chosen: Any
) -> list[Run]:
    """Return the runs that the section about the protocols needs; `iou` are those with the IoU loss."""
    return [
        *make(CE, **{**clean, **chosen}),
        *make(IOU, **{**iou, **chosen}),
        *make(f"{CE}-handout", **{**handout, **chosen}),
        *make(f"{IOU}-handout", **{**iou, **chosen}),
    ]


def test_the_published_protocol(section: Callable[..., None], make: Make) -> None:
    """Protocols and losses are compared whatever the sign; published scores stand beside their like alone."""
    flat = {**discs(9), "mask": discs(9)["mask"] % 255}
    void_less = {"pictures": dict.fromkeys(("train", "validation", "ranked"), flat)}
    section(
        "dsplits",
        splits(make, BETTER, BETTER, WORSE),
        nothing_is_void=splits(make, {**BETTER, **void_less}, BETTER, WORSE),
        handout_gives_more=splits(make, WORSE, BETTER, WORSE),
        handout_gives_less=splits(make, BETTER, WORSE, BETTER),
        losses_are_alike=splits(make, BETTER, BETTER, BETTER),
        all_diverged=splits(make, BETTER, BETTER, WORSE, diverged=True),
        clean_list_overlaps=splits(make, BETTER, BETTER, WORSE, measures={"validation_seen": 2}),
        real_flowers=splits(make, BETTER, BETTER, WORSE, **REAL),
        real_flowers_and_a_better_iou_loss=splits(make, BETTER, WORSE, BETTER, measures=COCO, **REAL),
        real_flowers_and_losses_alike=splits(make, BETTER, BETTER, BETTER, **REAL),
        real_flowers_but_fewer_epochs=splits(make, BETTER, BETTER, WORSE, **REAL, epochs=5),
    )


def test_protocols_that_disagree(project: Project, golden: Golden, make: Make) -> None:
    """Beside D.2 Q1 the section says whether the clean protocol comes to the same, and which one counts."""

    def told(*chosen: Mapping[str, Any]) -> str:
        return section_of(prose_of(project, splits(make, *chosen), "d2q1", "dsplits"), "Honest")

    alone = prose_of(project, splits(make, BETTER, BETTER, WORSE), "dsplits")
    golden("dsplits-beside-d2q1", outcomes(alone, {
        "the same": told(BETTER, BETTER, WORSE),
        "opposite": told({**BETTER, "mean_iou": 0.76}, WORSE, {**BETTER, "mean_iou": 0.70}),
        "clear under the handout's alone": told(WORSE, BETTER, WORSE),
        "clear under the clean one alone": told(BETTER, WORSE, WORSE),
    }))  # fmt: skip


def test_what_fine_tuning_costs(section: Callable[..., None], root: Path) -> None:
    """All layers against the last and the doubled input, as the run measured them."""
    other = {"last_1_activation_bytes": 8_000_000_000, "last_1_forward_flops": 300_000_000_000,
             "all_2_optimiser_bytes": 960_000_000}  # fmt: skip
    section("dcosts", [fake_costs(root)], other_costs=[fake_costs(root, **other)])


def test_train_mode(section: Callable[..., None], make: Make) -> None:
    """One seed in train mode counts only where it differs by more than seeds in eval mode do."""

    def runs(seeds: int = 3, **chosen: Any) -> list[Run]:
        return [*make(f"{CE}-handout", seeds, **BETTER), *make(MOVING, 1, **chosen)]

    section(
        "dmoving",
        runs(mean_iou=0.75),
        better=runs(mean_iou=0.80, starter=0.5),
        worse=runs(mean_iou=0.65, starter=0.1),
        one_seed_on_each_side=runs(1, **WORSE),
        diverged=runs(diverged=True),
    )


# What must hold in every one of these texts.


def test_an_iou_loss_that_loses_is_never_said_to_win(project: Project, make: Make) -> None:
    """Worse numbers leave no praise anywhere in the section, and better ones no blame."""
    lost = words_of(project, [*make(CE, **BETTER), *make(IOU, **WORSE)], "d2q1")
    won = words_of(project, [*make(CE, **WORSE), *make(IOU, **BETTER)], "d2q1")
    assert "the IoU loss does worse" in lost
    assert "the IoU loss does better" in won
    assert not re.search("does better|IoU loss is (?:still )?higher|brings no clear benefit", lost)
    assert not re.search("does worse|IoU loss is (?:still )?lower|brings no clear benefit", won)


def test_a_net_that_is_worse_than_none_is_not_praised(project: Project, make: Make, root: Path) -> None:
    """A flower IoU below the baselines and below random features is said to be that."""
    features = [fake_features(root, name) for name in ("flower-features", "flower-features-random")]
    runs = [*features, *make(CE, **{**WORSE, "flower_iou": 0.25}), *make(RANDOM, **BETTER)]
    text = words_of(project, runs, "d1q2", "d1q2more")
    assert "The net’s flower IoU per image is no higher than the map’s" in text
    assert text.count("The net is no better") == 2
    assert "nothing shows that pre-training helps here" in text
    assert not re.search("The net is better|looks at the image|carries over", text)


@pytest.mark.parametrize("lost", [IOU, CE])
def test_a_loss_that_diverged_is_not_compared(project: Project, make: Make, lost: str) -> None:
    """Without finite numbers of both, no loss is said to be better, surer or closer to the truth."""
    kept = CE if lost == IOU else IOU
    text = words_of(project, [*make(lost, diverged=True), *make(kept, **BETTER)], "d2q1", "d2q1more", "d2q2")
    assert not re.search("Why\\?|does (better|worse)|clear benefit|(more|less) of the flower|is surer", text)


def test_one_seed_is_called_one(project: Project, make: Make, root: Path) -> None:
    """What the sign of one seed decided is marked wherever it is said."""
    features = [fake_features(root, name) for name in ("flower-features", "flower-features-random")]
    runs = [*features, *make(CE, 1, **BETTER), *make(IOU, 1, **WORSE), *make(RANDOM, 1, **WORSE)]
    text = words_of(project, runs, "d1q2more", "d2q1", "d2q1more")
    judged = re.findall(r"\b(?:is|is still|are) (?:higher|lower|better|worse)\b.{19}", text)
    assert len(judged) > 3
    assert all(re.search(r"\((with one seed|on the one run)", words) for words in judged)


def test_the_numbers_are_those_of_the_runs(project: Project, make: Make) -> None:
    """Means and half-widths are computed here from the histories again, with a quantile from a table."""
    runs = make(CE, **BETTER)
    scores = np.array([run.history[-1]["validation_mean_iou"] for run in runs])
    half = 4.302653 * scores.std(ddof=1) / np.sqrt(len(scores))
    text = words_of(project, [*runs, *make(IOU, **WORSE)], "d2q1")
    assert f"| {scores.mean():.3f} ± {half:.3f}" in text
