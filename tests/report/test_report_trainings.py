"""Parts B and C: trainings compared, and the text that says it, true whatever the runs say."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composed import text_of
from fake_runs import MakeRun

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project, load_file
from cnnreport.report.numbers.contrast import contrast, seed_margin
from cnnreport.report.numbers.quantity import Quantity, Source, paired_p
from cnnreport.report.say import sweep
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

NETS = {
    "pool-upsample": "cnnreport.nets.colourization:PoolUpsampleNet",
    "strided-upsample": "cnnreport.nets.ablation:StridedUpsampleNet",
    "resize-conv": "cnnreport.nets.ablation:ResizeConvNet",
    "conv-transpose": "cnnreport.nets.colourization:ConvTransposeNet",
    "conv-transpose-widened": "cnnreport.nets.colourization:ConvTransposeNet",
    "unet": "cnnreport.nets.colourization:UNet",
}
WEIGHTS = {"unet": 56856, "conv-transpose-widened": 57675}
SIZES = (32, 64, 128, 256, 512)


def trained(make_run: MakeRun, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return fake runs of an experiment; the seeds' results spread a little."""
    measures = {"parameters": WEIGHTS.get(experiment, 49728), **chosen.pop("measures", {})}
    return [
        make_run(seed, experiment=experiment, net=NETS[experiment], measures=measures, **chosen)
        for seed in range(seeds)
    ]


def better(make_run: MakeRun, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a net that colours well."""
    looks = {"edge_share_predicted": 0.40, "lab_distance": 12.0, "colour_share_predicted": 23 / 24}
    return trained(make_run, experiment, seeds, accuracy=0.58, loss=(1.9, 1.05), measures=looks, **chosen)


def worse(make_run: MakeRun, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a net that colours badly."""
    looks = {"edge_share_predicted": 0.20, "lab_distance": 18.0, "colour_share_predicted": 12 / 24}
    return trained(make_run, experiment, seeds, accuracy=0.41, loss=(2.1, 1.58), measures=looks, **chosen)


def quantity(*values: float) -> Quantity:
    """Return a number with a value for each seed."""
    return Quantity(f"n{values}", "loss", dict(enumerate(values)), "loss", Source(("r",), "f", "x"))


def test_the_p_value_is_that_of_the_paired_t_test() -> None:
    """scipy.stats, which shares no code with it, gives the same."""
    from scipy import stats

    left, right = [1.31, 1.28, 1.35, 1.30], [1.33, 1.34, 1.36, 1.29]
    mine = paired_p([a - b for a, b in zip(left, right, strict=True)])
    assert mine == pytest.approx(stats.ttest_rel(left, right).pvalue, rel=1e-9)


@pytest.mark.parametrize("differences", [[], [0.3], [0.3, 0.3]])
def test_there_is_no_test_without_a_spread(differences: list[float]) -> None:
    """One pair, or differences that are all the same, allow no t test."""
    assert paired_p(differences) is None


@pytest.mark.parametrize(
    ("left", "right", "outcome", "phrase"),
    [
        ((1.0, 1.1), (2.0, 2.1), "lower", "lower"),
        ((2.0, 2.1), (1.0, 1.1), "higher", "higher"),
        ((1.0, 2.0), (2.0, 1.0), "open", "not distinguishable"),
        ((1.0,), (2.0,), "lower", "lower (one seed)"),
        ((2.0,), (2.0,), "open", "not distinguishable (one seed)"),
        ((math.nan, math.nan), (2.0, 1.0), "unknown", "cannot be said"),
    ],
)
def test_the_numbers_decide_which_is_higher(
    left: tuple[float, ...], right: tuple[float, ...], outcome: str, phrase: str
) -> None:
    """With several seeds the whole interval of the paired difference decides, with one its sign."""
    found = contrast("c", quantity(*left), quantity(*right), "A", "B")
    assert (found.outcome, found.phrase) == (outcome, phrase)


def test_the_relative_difference_is_that_of_the_means() -> None:
    """Its sign is that of the difference, as a mean of ratios need not be."""
    found = contrast("c", quantity(1.0, 3.0), quantity(0.5, 4.0), "A", "B")
    assert found.relative is not None
    assert found.relative.mean == pytest.approx(-0.5 / 4.5)


def test_nothing_is_relative_to_zero() -> None:
    """A number of zero has no relative difference."""
    assert contrast("c", quantity(1.0), quantity(0.0), "A", "B").relative is None


def test_the_margin_of_a_seed_is_that_of_two_runs() -> None:
    """Two draws from one normal distribution differ by more than it in one of twenty cases."""
    generator = np.random.default_rng(0)
    draws = generator.normal(size=(5000, 5))
    margins = [seed_margin(quantity(*map(float, row[:3]))) for row in draws]
    beyond = [
        abs(row[3] - row[4]) > margin.mean for row, margin in zip(draws, margins, strict=True) if margin
    ]
    assert len(beyond) == len(draws)
    assert np.mean(beyond) == pytest.approx(0.05, abs=0.01)


def test_one_seed_has_no_margin() -> None:
    """Nothing is known of how much a second one would change."""
    assert seed_margin(quantity(1.0)) is None


@pytest.mark.parametrize(("left", "outcome"), [(1.4, "higher"), (1.2, "open"), (0.8, "open"), (0.6, "lower")])
def test_a_margin_decides_where_there_is_one_seed(left: float, outcome: str) -> None:
    """Only a difference larger than what seeds make counts, in either direction."""
    margin = quantity(0.3)
    found = contrast("c", quantity(left), quantity(1.0), "A", "B", margin)
    assert found.outcome == outcome
    assert found.sure


def test_an_interval_goes_before_a_margin() -> None:
    """With several seeds of its own a contrast needs no margin from elsewhere."""
    found = contrast("c", quantity(1.0, 1.01), quantity(0.9, 0.91), "A", "B", quantity(5.0))
    assert found.margin is None
    assert found.higher


@pytest.mark.parametrize(("wanted", "loss"), [(10, 3.0), (15, 2.5), (20, 2.0), (22, 1.6), (25, 1.0)])
def test_a_loss_between_two_epochs_lies_on_a_line(wanted: int, loss: float) -> None:
    """Also where the last epoch was cut short, after 25 updates instead of 30."""
    assert sweep.between([3.0, 2.0, 1.0], per_epoch=10, updates=25, wanted=wanted) == pytest.approx(loss)


def test_a_better_net_is_called_better(project: Project, make_run: MakeRun) -> None:
    """B3 as the handout expects it: lower loss, more edges, the same number of weights."""
    runs = [*worse(make_run, "pool-upsample"), *better(make_run, "conv-transpose")]
    text = text_of(project, runs, "b3")
    assert "Yes. The validation loss of ConvTransposeNet is lower, 1.060 ± 0.010 against 1.588" in text
    assert "by 0.528, or 33.2 %." in text
    assert "It has more pixels right, 57.6 ± 1.0 % against 40.6" in text
    assert "Both nets have 49 728 weights" in text
    assert "That fits the predictions: in those of ConvTransposeNet 40.0 %" in text
    assert "The handout expects it the other way round" not in text


def test_a_worse_net_is_called_worse(project: Project, make_run: MakeRun) -> None:
    """B3 with the order of the nets reversed: every claim turns round."""
    runs = [*better(make_run, "pool-upsample"), *worse(make_run, "conv-transpose")]
    text = text_of(project, runs, "b3")
    assert "No. The validation loss of ConvTransposeNet is higher, 1.588 ± 0.010 against 1.060" in text
    assert "It has fewer pixels right" in text
    assert "The handout expects it the other way round" in text
    assert "That does not fit the predictions:" in text
    assert not re.search("Yes[.,]|is lower|That fits", text)


def test_nets_that_cannot_be_told_apart_are_not_ranked(project: Project, make_run: MakeRun) -> None:
    """The same results for both leave nothing to explain."""
    runs = [*worse(make_run, "pool-upsample"), *worse(make_run, "conv-transpose")]
    text = text_of(project, runs, "b3")
    assert "It cannot be told. The validation losses of ConvTransposeNet and PoolUpsampleNet" in text
    assert "no difference of the loss has to be explained" in text
    assert not re.search("is (?:lower|higher)|(?:more|fewer) pixels right", text)


def test_one_seed_decides_with_a_reservation(project: Project, make_run: MakeRun) -> None:
    """A single run has a sign, and the text says that it is one."""
    runs = [*worse(make_run, "pool-upsample", 1), *better(make_run, "conv-transpose", 1)]
    text = text_of(project, runs, "b3")
    assert "is lower (with one seed), 1.056 against 1.584: by 0.528" in text
    assert "lower (one seed)" in text
    assert "With one seed the verdict is the sign of the difference" in text


def test_a_net_that_diverged_is_not_judged(project: Project, make_run: MakeRun) -> None:
    """Without a finite loss nothing can be said."""
    runs = [*worse(make_run, "pool-upsample", 2), *better(make_run, "conv-transpose", 2, diverged=True)]
    assert "It cannot be said. No seed gave a finite loss" in text_of(project, runs, "b3")


def test_nets_that_saw_other_images_are_not_set_under_each_other(
    project: Project, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of pictures claim to show the same images, so they have to."""
    import fake_runs

    runs = worse(make_run, "pool-upsample", 1)
    original = fake_runs.pictures
    monkeypatch.setattr(fake_runs, "pictures", lambda seed: {
        name: array[..., ::-1].copy() if "truth" in name else array for name, array in original(seed).items()
    })  # fmt: skip
    runs += better(make_run, "conv-transpose", 1)
    with pytest.raises(UsageError, match="conv-transpose and pool-upsample did not see the same images"):
        text_of(project, runs, "b3")


def path_runs(make_run: MakeRun, losses: Sequence[float]) -> list[Run]:
    """Return the runs of the four nets of the path, with these final losses."""
    names = ("pool-upsample", "strided-upsample", "resize-conv", "conv-transpose")
    return [
        run
        for name, loss in zip(names, losses, strict=True)
        for run in trained(make_run, name, loss=(loss, loss))
    ]


def test_the_step_that_matters_is_named(project: Project, make_run: MakeRun) -> None:
    """Each step is judged for itself, and the largest part of the gain is told."""
    text = text_of(project, path_runs(make_run, (2.1, 2.0, 1.6, 1.5)), "path")
    assert "(PoolUpsampleNet to StridedUpsampleNet): this lowers the validation loss by 0.100" in text
    assert "This lowers the validation loss by 0.400" in text
    assert "In all, the loss falls by 0.600" in text
    assert "the largest part of it, 66.7 %, is that of upsampling before the convolution." in text


def test_steps_against_each_other_have_no_shares(project: Project, make_run: MakeRun) -> None:
    """A step that raises the loss makes a share of the whole meaningless."""
    text = text_of(project, path_runs(make_run, (2.1, 2.0, 1.6, 1.7)), "path")
    assert "This raises the validation loss by 0.100" in text
    assert "The steps work against each other, or not all are known" in text
    assert "largest part" not in text


def test_a_path_that_diverged_is_not_judged(project: Project, make_run: MakeRun) -> None:
    """Without finite losses at its ends nothing is said of the whole, nor of shares."""
    runs = path_runs(make_run, (2.1, 2.0, 1.6, 1.5))
    lost = trained(make_run, "conv-transpose", diverged=True)
    text = text_of(project, [run for run in runs if run.experiment != "conv-transpose"] + lost, "path")
    assert "No seed gave finite losses for both ends of the path." in text
    assert "This cannot be judged, for no seed gave two finite losses" in text


def test_without_a_gain_no_step_is_praised(project: Project, make_run: MakeRun) -> None:
    """With the order reversed there is nothing to divide."""
    text = text_of(project, path_runs(make_run, (1.7, 1.6, 2.0, 2.1)), "path")
    assert "In all, the loss rises by 0.400, so there is no gain to be divided" in text
    assert "The largest part" not in text


def unet_runs(make_run: MakeRun, last: Any, before: Any, **chosen: Any) -> list[Run]:
    """Return the runs of C3."""
    return [
        *worse(make_run, "pool-upsample", **chosen),
        *before(make_run, "conv-transpose", **chosen),
        *last(make_run, "unet", **chosen),
    ]


def test_skips_that_help_are_said_to_help(project: Project, make_run: MakeRun) -> None:
    """C3 as the handout expects it; the weights of the skips are counted, not passed over."""
    text = text_of(project, unet_runs(make_run, better, worse), "c3")
    assert "Yes, both. With skip connections the validation loss is lower, by 0.528: 1.060 ±" in text
    assert "Better in every measure of the look." in text
    assert "The colours of UNet lie closer to the right ones than those of ConvTransposeNet" in text
    assert "The edge share is 40.0 % against 20.0 %, nearer to the 44.0 % of the truth" in text
    assert "It is: after one epoch the validation loss is 1.904" in text
    assert "UNet has 56 856 weights, 14.3 % more than ConvTransposeNet" in text
    assert "PoolUpsampleNet is better; ConvTransposeNet is better; and UNet is better." in text


def test_skips_that_hurt_are_said_to_hurt(project: Project, make_run: MakeRun) -> None:
    """C3 with the order of the nets reversed."""
    text = text_of(project, unet_runs(make_run, worse, better), "c3")
    assert "No. With skip connections the validation loss is higher, by 0.528: 1.588 ±" in text
    assert "Here they did not" in text
    assert "It is not: after one epoch" in text
    assert not re.search("Yes[,.]|fits this|Better|lie closer|nearer to the", text)


def test_skips_that_change_nothing_leave_it_open(project: Project, make_run: MakeRun) -> None:
    """C3 with the same results for both."""
    text = text_of(project, unet_runs(make_run, worse, worse), "c3")
    assert "It cannot be told. With skip connections the validation loss cannot be told from that" in text
    assert "Not measurably different in look." in text
    assert "Here it cannot be told that they lowered the loss" in text


def test_more_edges_than_the_truth_are_not_better(project: Project, make_run: MakeRun) -> None:
    """An edge share may be too high as well as too low."""
    speckled = {"edge_share_predicted": 0.90}
    runs = [*worse(make_run, "pool-upsample"), *worse(make_run, "conv-transpose")]
    runs += trained(make_run, "unet", accuracy=0.41, loss=(2.1, 1.58), measures=speckled)
    text = text_of(project, runs, "c3")
    assert "The edge share is 90.0 % against 20.0 %, farther from the 44.0 % of the truth" in text


def test_a_first_net_that_diverged_costs_its_own_section_alone(project: Project, make_run: MakeRun) -> None:
    """C3 compares the other two nets, and refers to nothing that B3 did not print."""
    runs = trained(make_run, "pool-upsample", diverged=True)
    runs += [*worse(make_run, "conv-transpose"), *better(make_run, "unet")]
    text = text_of(project, runs, "b3", "c3")
    assert "It cannot be said." in text
    assert "Yes, both." in text
    assert "of PoolUpsampleNet nothing can be said" in text


def test_published_results_stand_beside_real_data_alone(project: Project, make_run: MakeRun) -> None:
    """What others reported of CIFAR-10 is shown beside runs on CIFAR-10, and beside no others."""
    assert "Beside published results" not in text_of(project, unet_runs(make_run, better, worse), "c3")
    real = {"data": "cifar10", "title": "CIFAR-10 horses", "stand_in": False}
    text = text_of(project, unet_runs(make_run, worse, better, **real), "c3")
    assert "differ from their mean by −0.8 ± 1.0 percentage points (PoolUpsampleNet)" in text
    assert "the order of the nets differs from that of at least one of them." in text
    assert re.search("write-up of 2022 ?1.585 ?41.4 %", text)


def sweep_runs(
    make_run: MakeRun, losses: Sequence[float], prefix: str = "batch-size", **chosen: Any
) -> list[Run]:
    """Return a run for each batch size, with these final losses."""
    net = NETS["conv-transpose"]
    return [
        make_run(experiment=f"{prefix}-{size}", net=net, batch_size=size, loss=(2.1, loss), **chosen)
        for size, loss in zip(SIZES, losses, strict=True)
    ]


RISING = (1.0, 1.1, 1.2, 1.4, 1.7)


def test_larger_batches_that_end_worse_are_told(project: Project, make_run: MakeRun) -> None:
    """B5: with fixed epochs the largest batch is behind; per update it may be level or ahead."""
    runs = [*sweep_runs(make_run, RISING), *trained(make_run, "conv-transpose", loss=(2.1, 1.15))]
    text = text_of(project, runs, "b2", "b5")
    assert "With a fixed number of epochs, the largest batch ends worse than the smallest." in text
    assert "It rises at each of the 5 steps from one batch size to the next" in text
    # t of two degrees of freedom, times the root of two, times the standard deviation of 0, 4 and 8.
    assert "for the validation loss that is 0.024, estimated from the 3 seeds in batches of 100." in text
    assert "the smallest batch makes 3 925 updates, the largest only 250." in text
    assert "an update of a large batch teaches more, not less" in text


def test_what_a_seed_could_do_is_no_effect(project: Project, make_run: MakeRun) -> None:
    """B5: a difference within what seeds make is called none."""
    runs = sweep_runs(make_run, (1.10, 1.11, 1.10, 1.12, 1.11))
    runs += trained(make_run, "conv-transpose", loss=(2.1, 1.11))
    text = text_of(project, runs, "b2", "b5")
    assert "the largest and the smallest batch cannot be told apart." in text
    assert not re.search("ends (?:worse|better)", text)


def test_smaller_batches_that_end_worse_are_told(project: Project, make_run: MakeRun) -> None:
    """B5 with the order reversed."""
    text = text_of(project, sweep_runs(make_run, RISING[::-1]), "b5")
    assert "With a fixed number of epochs, the largest batch ends better than the smallest." in text
    assert "It falls at each of the 4 steps" in text
    assert "per update the larger batch learns more" in text
    assert not re.search("ends worse|is behind|estimated from", text)


def test_a_batch_size_that_diverged_is_told(project: Project, make_run: MakeRun) -> None:
    """It is named, shown as such in the table, and no step is made of it."""
    runs = sweep_runs(make_run, RISING)
    runs[2] = make_run(experiment="batch-size-128", net=NETS["conv-transpose"], batch_size=128, diverged=True)
    text = text_of(project, runs, "b5")
    assert "Batch sizes of which a run diverged, its loss no longer a finite number: 128." in text
    assert "It rises at each of the 3 steps" in text
    assert "no finite value" in text[text.index("Each batch size after its last update") :]


def test_a_sweep_whose_ends_diverged_is_not_judged(project: Project, make_run: MakeRun) -> None:
    """Without its smallest or largest batch nothing can be said of their effect."""
    runs = sweep_runs(make_run, RISING)
    runs[-1] = make_run(
        experiment="batch-size-512", net=NETS["conv-transpose"], batch_size=512, diverged=True
    )
    text = text_of(project, runs, "b5")
    assert "It cannot be said." in text


def test_fixed_updates_are_told_beside_fixed_epochs(project: Project, make_run: MakeRun) -> None:
    """Where the two views disagree, the text says what that means."""
    runs = sweep_runs(make_run, RISING)
    runs += sweep_runs(make_run, RISING[::-1], "same-updates", updates=500)
    text = text_of(project, runs, "b5", "updates")
    assert "stops after 500 updates" in text
    assert "With a fixed number of updates, the largest batch ends better than the smallest." in text
    assert "With a fixed number of epochs it was the other way round, so what hurts" in text


def skip_runs(make_run: MakeRun, widened: Any, unet: Any) -> list[Run]:
    """Return the runs that tell skips and weights apart."""
    wide = widened(make_run, "conv-transpose-widened", filters=35)
    return [*worse(make_run, "conv-transpose"), *wide, *unet(make_run, "unet")]


@pytest.mark.parametrize(
    ("widened", "unet", "said", "alone"),
    [
        (worse, better, "The additional weights do not explain it.", "Widening alone makes no difference"),
        (better, worse, "There is no gain to be explained.", "Widening alone lowers the loss"),
        (better, better, "It cannot be told.", "Widening alone lowers the loss"),
    ],
)
def test_skips_and_weights_are_told_apart(
    project: Project, make_run: MakeRun, widened: Any, unet: Any, said: str, alone: str
) -> None:
    """The widened net without skips decides which of the two helps."""
    text = text_of(project, skip_runs(make_run, widened, unet), "skips")
    assert said in text
    assert alone in text
    assert "was widened from 32 to 35 filters" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("source = [", "TOMLDecodeError"),
        ("", "KeyError: 'source'"),
        ("source = []", "lacks numbers of pool-upsample, conv-transpose, unet"),
        ('[[source]]\ntitle = "x"\nunet = {loss = 1.0, accuracy = 50}', "KeyError: 'pool-upsample'"),
        ('[[source]]\ntitle = "x"\npool-upsample = 3', "TypeError"),
    ],
)
def test_a_mistake_in_the_published_results_is_named(tmp_path: Path, text: str, says: str) -> None:
    """A source without all of its numbers is no source."""
    file = tmp_path / "published.toml"
    file.write_text(text)
    part = load_file(PACKAGE.parent / "experiments/a2-writeup/answers/part_c.py")
    with pytest.raises(UsageError, match=f"published.toml.*{says}"):
        replace(part.PUBLISHED, file=str(file)).sources()
