"""Part D: fine-tunings, and the text that says what they came to, true whatever the runs say."""

import io
import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composed import text_of
from fake_segmentations import COCO, MakeTuning, discs, fake_costs, fake_features, fake_tuning
from PIL import Image
from printed import number_lines

from cnnreport.errors import UsageError
from cnnreport.kinds.digits import digits
from cnnreport.kinds.kind import Form
from cnnreport.project import PACKAGE, Project, load_file
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.out import pdf
from cnnreport.report.page import compose, outline
from cnnreport.report.page.outline import Section
from cnnreport.report.say import error_maps, probabilities, segmentation
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

CE, IOU, RANDOM = "fine-tune-cross-entropy", "fine-tune-iou", "fine-tune-random"
MOVING = "fine-tune-moving"
REAL = {"data": "flowers17", "title": "Oxford-17 flowers", "stand_in": False}
SECTIONS = ("d1q1", "d1q2", "d1q3", "d2q1", "d2q2", "dsplits", "dcosts", "dmoving")

Make = Callable[..., list[Run]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of runs."""
    return tmp_path / "build" / "runs"


@pytest.fixture
def make_tuning(root: Path) -> MakeTuning:
    """A function that returns a fake run of a fine-tuning."""
    return partial(fake_tuning, root)


@pytest.fixture
def make(make_tuning: MakeTuning) -> Make:
    """A function that returns fake runs of an experiment, by default of three seeds."""

    def several(experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
        return [make_tuning(seed, experiment=experiment, **chosen) for seed in range(seeds)]

    return several


@pytest.fixture
def features(root: Path) -> list[Run]:
    """The runs that computed frozen features."""
    return [fake_features(root, name) for name in ("flower-features", "flower-features-random")]


def better(make: Make, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a good fine-tuning."""
    chosen = {"mean_iou": 0.74, "flower_iou": 0.64, "starter": 0.36, **chosen}
    return make(experiment, seeds, **chosen)


def worse(make: Make, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a bad one."""
    chosen = {"mean_iou": 0.50, "flower_iou": 0.35, "starter": 0.05, **chosen}
    return make(experiment, seeds, **chosen)


def quantity(value: float, form: Form = "score") -> Quantity:
    """Return a number of one run."""
    return Quantity(f"n{value}", "score", {0: value}, form, Source(("r",), "f", "x"))


# What numbers look like, and what is computed from them.


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.34201, "score", "0.342"),
        (0, "bytes", "0 B"),
        (1023, "bytes", "1023 B"),
        (4116, "bytes", "4.0 KiB"),
        (1023.96 * 2**10, "bytes", "1.0 MiB"),
        (6.4e9, "bytes", "6.0 GiB"),
        (999_960, "flops", "1.0 MFLOP"),
        (2.4e12, "flops", "2.4 TFLOP"),
        (3.987, "factor", "3.99"),
        (39.87, "factor", "39.9"),
        (200_000.4, "factor", "200 000"),
        (math.nan, "bytes", "diverged"),
    ],
)
def test_bytes_operations_and_factors_print_in_fitting_units(value: float, form: Form, text: str) -> None:
    """The prefix is that under which the number is at least one, as it is printed."""
    assert digits(value, form).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("id", "title", "label"),
    [
        ("a1", "A1. The network", "A1"),
        ("d1q1", "D.1 Q1. The parameters that learn", "D.1 Q1"),
        ("d1q1", "D-1 Q1 alone", "“D-1 Q1 alone”"),
        ("path", "Why: one change. At a time", "“Why: one change. At a time”"),
    ],
)
def test_a_question_is_called_as_its_title_begins(id: str, title: str, label: str) -> None:
    """References use the question where the title begins with one that the id spells, else the title."""
    assert compose._label(Section(id, title, "Part", "x.html.j2")) == label


def test_a_score_of_the_starter_is_led_back_to_an_iou() -> None:
    """For every IoU above one half the starter's own arithmetic gives a score whose bounds hold it."""
    for iou in np.linspace(0.501, 1.0, 300):
        score = float(np.ceil(np.clip(20 * (iou - 0.5), 0, 10)) / 10)
        bounds = segmentation.implied("n", quantity(score), "it")
        assert bounds["low"].mean - 1e-9 < iou <= bounds["high"].mean + 1e-9
        assert bounds["high"].mean - bounds["low"].mean == pytest.approx(0.05)


def test_sure_pixels_are_those_of_the_outer_classes() -> None:
    """Of all pixels, those whose probability lies in the first or the last class."""
    counts = np.array([3, 1, 2, 4])
    assert probabilities.sure({"probability_histogram": counts}) == pytest.approx(0.7)
    assert probabilities.sure({"probability_histogram": 0 * counts}) == 0


def test_where_probabilities_are_best_cut_is_read_from_the_sweep(make: Make) -> None:
    """The cut, what it gains, and the cut that honest probabilities would have."""
    found = segmentation.numbers(make(CE, 1, mean_iou=0.7, flower_iou=0.6, cut=0.4, cut_gain=0.02))
    assert found["cut"].mean == pytest.approx(0.4)
    assert found["cut_gain"].mean == pytest.approx(0.02, abs=1e-6)
    assert found["flower_cut_expected"].mean == pytest.approx(0.62 / 1.62, abs=1e-6)


def test_the_best_epoch_is_not_the_last(make: Make) -> None:
    """Best and last epoch are read apart, and the first of equally good ones is named."""
    found = segmentation.numbers(make(CE, 1, mean_iou=0.7, starter=0.3, best=0.1, epochs=5))
    history = make(CE, 1, mean_iou=0.7, starter=0.3, best=0.1, epochs=5)[0].history
    assert found["starter"].mean == history[-1]["validation_starter_score"]
    assert found["starter_best"].mean == history[-2]["validation_starter_score"] > found["starter"].mean
    assert found["starter_epoch"].mean == 4


# Pictures.


def test_an_error_map_has_a_colour_for_each_case() -> None:
    """Right flower, right background, missed flower, false flower, and void whatever is predicted."""
    mask = np.array([[[1, 0, 1, 0, 255, 255]]], np.uint8)
    predicted = np.array([[[1, 0, 0, 1, 0, 1]]], np.uint8)
    cases = ("flower", "background", "missed", "false", "void", "void")
    assert error_maps.errors(mask, predicted).tolist() == [
        [[list(error_maps.COLOURS[case]) for case in cases]]
    ]
    assert error_maps.truth(predicted).tolist() == error_maps.errors(predicted, predicted).tolist()


def test_the_colours_of_an_error_map_differ_in_lightness() -> None:
    """CIE lightness at least ten apart, so that no reader and no printer mixes them up."""

    def lightness(colour: Sequence[int]) -> float:
        parts = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y

    shades = sorted(map(lightness, error_maps.COLOURS.values()))
    assert min(after - before for before, after in pairwise(shades)) >= 10


def test_photographs_are_kept_as_jpegs() -> None:
    """A strip of photographs keeps its size, and its colours nearly."""
    images = np.full((3, 8, 8, 3), (200, 30, 90), np.uint8)
    made = figure.strip(images, "alt", (), scale=1, gap=8, photo=True)
    pixels = np.asarray(Image.open(io.BytesIO(made.content))).astype(int)
    assert made.media_type == "image/jpeg"
    assert pixels.shape == (8, 3 * 8 + 2 * 8, 3)
    assert abs(pixels[:, :7] - (200, 30, 90)).max() < 20


def test_pictures_say_in_words_what_they_show(make: Make) -> None:
    """Each row has a text for those who do not see it; the errors' has the IoU of each image."""
    rows = error_maps.rows(make(CE, 1), "ranked", "the net")
    assert rows["rgb"].alt == (
        "A row of 9 pictures, in groups: the best, those around the median, the worst."
    )
    assert "where the net is right and where not; IoU of flower 0.90, 0.80" in rows["errors"].alt
    assert {row.media_type for row in rows.values()} == {"image/jpeg", "image/png"}


def test_other_images_are_not_set_under_each_other(make: Make) -> None:
    """Rows of two fine-tunings claim to show the same images, so they have to."""
    shown = discs(6)
    other = {**shown, "number": shown["number"] + 1}
    left, right = make(IOU, 1), make(CE, 1, pictures={"train": other})
    error_maps.same_images(left, right, "validation")
    with pytest.raises(UsageError, match="fine-tune-iou and fine-tune-cross-entropy do not show the same"):
        error_maps.same_images(left, right, "train")


def test_runs_without_pictures_are_named(make: Make) -> None:
    """A run of another version is refused with what it lacks."""
    with pytest.raises(UsageError, match="kept no test_rgb"):
        error_maps.rows(make(CE, 1), "test", "the net")


def test_thresholds_stand_on_a_linear_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ticks an axis is logarithmic unless it says that it is linear; both contenders are drawn."""
    monkeypatch.undo()  # curves are drawn here
    drawn = [Curve(name, name, [[0.1, 0.2, 0.3]], x=[0.25, 0.5, 1]) for name in ("left", "right")]
    axes = [Axis("x", ticks=(0.25, 0.5, 1), linear=linear) for linear in (True, False)]
    linear, logarithmic = (figure.curves(drawn, "y", "alt", (), axis=axis).content for axis in axes)
    assert linear != logarithmic
    assert all(colour.encode() in linear for colour in ("#009e73", "#b3589a"))


# D.1


def d1q2(
    make: Make, features: list[Run], tuned: Any = better, control: Any = worse, **chosen: Any
) -> list[Run]:
    """Return the runs that D.1 Q2 needs."""
    return [*features, *tuned(make, CE, **chosen), *control(make, RANDOM, **{
        name: value for name, value in chosen.items() if name == "seeds"
    })]  # fmt: skip


def test_a_good_fine_tuning_reads_well(project: Project, make: Make, features: list[Run]) -> None:
    """Best and last numbers, better than no net and than random features, and which weights."""
    text = text_of(project, d1q2(make, features, best=0.05), "d1q2")
    assert "0.406 ± 0.010 as the handout’s starter counts, 0.786 ± 0.010 as a mean IoU." in text
    assert "a mean over 3 seeds. After the last epoch they are 0.356 ± 0.010 and 0.736 ± 0.010." in text
    assert (
        "none of which is trained on; 514 images of the set’s lists trn1 to trn3 and val1 have no trimap"
        in text
    )
    assert "the net is better, by 0.336 ± 0.010. A fixed map" in text
    assert "has 0.410; the net is better, by 0.226 ± 0.010: it looks at the image" in text
    assert "On pre-trained features the flower IoU is higher, 0.636 ± 0.010 against 0.346" in text
    assert "They are not the weights of the handout" in text
    assert "The 3 runs differ in their seed" in text


def test_a_bad_fine_tuning_reads_badly(project: Project, make: Make, features: list[Run]) -> None:
    """With the order reversed every claim turns round."""
    runs = d1q2(make, features, worse, better, flower_iou=0.25)
    text = text_of(project, runs, "d1q2")
    assert "the net is no better; its flower IoU less that one is −0.054" in text
    assert "It has not been shown to see more than where flowers usually are." in text
    assert "On pre-trained features the flower IoU is lower" in text
    assert not re.search("the net is better|looks at the image|carries over", text)


def test_equal_features_are_not_ranked(project: Project, make: Make, features: list[Run]) -> None:
    """The same numbers for the control leave nothing to praise."""
    text = text_of(project, d1q2(make, features, better, better), "d1q2")
    assert "does not tell them apart: nothing shows that what the net learnt before helps" in text


def test_seeds_that_disagree_leave_the_baselines_open(
    project: Project, make_tuning: MakeTuning, make: Make, features: list[Run]
) -> None:
    """Where the interval contains zero the text does not take sides."""
    tuned = [make_tuning(n, experiment=CE, flower_iou=x) for n, x in enumerate((0.1, 0.5, 0.4))]
    text = text_of(project, [*features, *tuned, *worse(make, RANDOM)], "d1q2")
    assert text.count("the net cannot be told from it.") == 2


def test_one_seed_is_said_to_be_one(project: Project, make: Make, features: list[Run]) -> None:
    """A single run has no spread, and what it decides is marked."""
    text = text_of(project, d1q2(make, features, seeds=1), "d1q2")
    assert "The run made 10 epochs" in text
    assert "the net is better (on the one run there is), by 0.340." in text
    assert "the flower IoU is higher (with one seed), 0.640 against 0.350" in text
    assert not re.search("differ in their seed|over 1 seeds", text)


def test_a_fine_tuning_that_diverged_is_not_praised(
    project: Project, make: Make, features: list[Run]
) -> None:
    """Without finite numbers nothing is judged."""
    text = text_of(project, d1q2(make, features, diverged=True), "d1q2", "d1q3")
    assert "It cannot be said. Every run diverged, so there is no mIoU that means anything." in text
    assert "No seed gave finite numbers for both, so nothing can be said." in text
    assert "the pictures are not those of a trained net" in text
    assert not re.search("the net is better|would stand for a flower IoU", text)


def test_a_seed_that_diverged_is_named(
    project: Project, make_tuning: MakeTuning, make: Make, features: list[Run]
) -> None:
    """The means are over the others, and the text says so."""
    tuned = [make_tuning(n, experiment=CE, diverged=n == 1) for n in range(3)]
    text = text_of(project, [*features, *tuned, *worse(make, RANDOM)], "d1q2")
    assert "Not every run came through: seed 1 diverged. The means below are over the others." in text


def test_the_handouts_weights_are_not_called_others(
    project: Project, make: Make, features: list[Run]
) -> None:
    """With torchvision's weights the text says that they are COCO's."""
    text = text_of(project, d1q2(make, features, measures=COCO), "d1q2")
    assert "The net is a DeepLabV3 with a ResNet-101" in text
    assert "COCO’s classes, as these weights know them, include potted plants, but not flowers." in text
    assert "not the weights of the handout" not in text


def test_runs_with_different_weights_are_refused(make_tuning: MakeTuning) -> None:
    """One text cannot describe two nets."""
    runs = [make_tuning(0), make_tuning(1, measures=COCO)]
    with pytest.raises(UsageError, match="architecture is not the same in all runs of fine-tune-cross"):
        segmentation.facts(runs)


def test_images_left_out_as_damaged_are_listed(project: Project, make: Make, features: list[Run]) -> None:
    """What --skip-bad passed over stands in the text; without it there is no such sentence."""
    skipped = {"skipped": ["image_0003.jpg: cut off", "image_0007.jpg: no image"]}
    text = text_of(project, d1q2(make, features, measures=skipped), "d1q2")
    assert "Left out as damaged: image_0003.jpg: cut off; image_0007.jpg: no image." in text
    assert "Left out as damaged" not in text_of(project, d1q2(make, features), "d1q2")


@pytest.mark.parametrize(
    ("starter", "said"),
    [
        (0.60, "That it lies below shows that some images have one half or less, where the score sees no"),
        (
            0.34,
            "the score of 0.340 after the last epoch would stand for a flower IoU between 0.620 and 0.670;",
        ),
        (0.0, "the score is 0.000, which says no more than that no image has a flower IoU above one half;"),
    ],
)
def test_what_the_starter_calls_miou_is_explained(
    project: Project, make: Make, features: list[Run], starter: float, said: str
) -> None:
    """Its score is led back to an IoU, unless it is zero."""
    text = text_of(project, d1q2(make, features, seeds=1, starter=starter), "d1q2")
    assert said in text
    assert ("That it lies below" in text) == (starter == 0.60)
    assert "the mean flower IoU is 0.640." in text


def test_the_parameters_that_learn_are_counted(project: Project, make: Make) -> None:
    """D.1 Q1 prints the code and how many parameters it picks."""
    text = text_of(project, make(CE), "d1q1")
    assert "These 514 numbers are all that Adam is given; the other 10 000 000 parameters" in text
    assert "def learned_parameters(model):" in text
    assert "def train(model, batches" in text


def test_predictions_are_shown_of_the_first_run_that_came_through(
    project: Project, make_tuning: MakeTuning
) -> None:
    """A diverged run is passed over for the pictures."""
    runs = [make_tuning(n, experiment=CE, diverged=n == 0) for n in range(2)]
    text = text_of(project, runs, "d1q3")
    assert "the best image has 0.940, the median 0.670 and the worst 0.050. All are of seed 1," in text
    assert "black is a flower that was missed, orange background that was called flower. Data" in text


# D.2


def test_an_iou_loss_that_loses_is_said_to_lose(project: Project, make: Make) -> None:
    """By score and by mean IoU."""
    text = text_of(project, [*better(make, CE), *worse(make, IOU)], "d2q1")
    assert "that of the best epoch is lower than with cross entropy, by 0.310 (0.046 ± 0.010" in text
    assert "After the last epoch, the mean IoU is lower than with cross entropy, by 0.240 (0.496" in text
    assert "So the IoU loss does worse, for the flower and for both classes together." in text
    assert "is still lower than with cross entropy" in text
    assert not re.search("is higher than|does better|shown to pay", text)


def test_an_iou_loss_that_wins_is_said_to_win(project: Project, make: Make) -> None:
    """The same reversed."""
    text = text_of(project, [*worse(make, CE), *better(make, IOU)], "d2q1")
    assert "After the last epoch, the mean IoU is higher than with cross entropy, by 0.240" in text
    assert "So the IoU loss does better, for the flower and for both classes together." in text
    assert not re.search("is lower than|does worse|shown to pay", text)


def test_losses_that_come_to_the_same_are_not_ranked(project: Project, make: Make) -> None:
    """Equal numbers leave nothing to explain."""
    text = text_of(project, [*better(make, CE), *better(make, IOU)], "d2q1")
    assert text.count("not distinguishable from that of cross entropy") == 3
    assert "So training by the IoU itself is not shown to pay." in text
    assert "Nor can the two losses be told apart where each is cut at its best." in text
    assert "Here the two cannot be told apart in that" in text
    assert "the two cannot be told apart, and neither is shown to be nearer to the truth" in text


@pytest.mark.parametrize(
    ("mean_iou", "flower_iou", "said"),
    [
        (0.70, 0.64, "does better for the flower, which alone it asks for, at the price of the background."),
        (0.74, 0.60, "does worse for the flower, which alone it asks for, but better for both classes"),
        (0.72, 0.64, "does better for the flower, which alone it asks for; for both classes together no"),
        (0.72, 0.60, "does worse for the flower, which alone it asks for; for both classes together no"),
        (0.74, 0.62, "does better for both classes together; for the flower, which alone it asks for, no"),
        (0.70, 0.62, "does worse for both classes together; for the flower, which alone it asks for, no"),
    ],
)
def test_flower_and_mean_iou_need_not_agree(
    project: Project, make: Make, mean_iou: float, flower_iou: float, said: str
) -> None:
    """The loss asks for the flower alone; what it does for both classes is told apart from that."""
    runs = [*make(CE), *make(IOU, mean_iou=mean_iou, flower_iou=flower_iou)]
    text = text_of(project, runs, "d2q1")
    assert said in text
    assert text.count("So the IoU loss does") == 1


def test_one_seed_of_each_loss_decides_with_a_reservation(project: Project, make: Make) -> None:
    """The sign of one difference is told as such."""
    text = text_of(project, [*better(make, CE, 1), *worse(make, IOU, 1)], "d2q1")
    assert "is lower than with cross entropy (with one seed), by 0.240" in text
    assert "lower (one seed)" in text


@pytest.mark.parametrize(("lost", "kept"), [(IOU, CE), (CE, IOU)])
def test_a_loss_that_diverged_is_not_compared(project: Project, make: Make, lost: str, kept: str) -> None:
    """Which one diverged is told; the other's numbers stand."""
    runs = [*make(lost, diverged=True), *better(make, kept)]
    text = text_of(project, runs, "d2q1", "d2q2")
    assert ("It cannot be said. Every run with the IoU loss diverged." in text) == (lost == IOU)
    assert ("With cross entropy, seeds 0, 1, 2 diverged." in text) == (lost == CE)
    assert ("0.356 ± 0.010 as the handout’s starter counts" in text) == (lost == CE)
    assert not re.search("Why the two differ|is lower than|is higher than|So the IoU loss", text)


@pytest.mark.parametrize(
    ("cross", "iou", "said"),
    [
        ((0.72, (0, 0, 0)), (0.70, (0, 0, 0)), "is still lower than with cross entropy, by 0.020: the cut"),
        ((0.72, (0, 0, 0)), (0.70, (0.018, 0.02, 0.022)), "the two losses cannot be told apart any more"),
        ((0.72, (0, 0, 0)), (0.70, (0.04,) * 3), "the order turns round: the mean IoU with the IoU"),
        ((0.70, (0, 0, 0)), (0.70, (0.04,) * 3), "though, the mean IoU with the IoU loss is higher than"),
        ((0.70, (0.04,) * 3), (0.70, (0, 0, 0)), "though, the mean IoU with the IoU loss is lower than"),
    ],
)  # fmt: skip
def test_what_the_cut_explains_is_decided_by_the_numbers(
    project: Project, make_tuning: MakeTuning, cross: Any, iou: Any, said: str
) -> None:
    """A difference may stay, vanish, turn round or appear where each loss is cut at its best."""
    runs = [
        make_tuning(seed, experiment=name, mean_iou=mean_iou, cut=0.3, cut_gain=gain)
        for name, (mean_iou, gains) in ((CE, cross), (IOU, iou))
        for seed, gain in enumerate(gains)
    ]
    text = text_of(project, runs, "d2q1")
    sentences = ("is still", "any more", "turns round", "though, the mean", "Nor can the two")
    assert said in text
    assert sum(sentence in text for sentence in sentences) == 1


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((0.03,) * 3, "at 0.40, and 0.030 ± 0.000 higher there than at one half, so its scores leave"),
        ((0.001,) * 3, "at 0.40, but only 0.001 ± 0.000 higher there than at one half;"),
        ((0.001, 0.03, 0.02), "higher there than at one half, which the seeds do not show to be much;"),
    ],
)
def test_what_another_cut_gains_is_judged(
    project: Project, make_tuning: MakeTuning, make: Make, gains: Sequence[float], said: str
) -> None:
    """Only a gain that matters is said to lie on the table."""
    cross = [make_tuning(n, experiment=CE, cut=0.4, cut_gain=gain) for n, gain in enumerate(gains)]
    text = text_of(project, [*cross, *make(IOU)], "d2q1")
    assert said in text


@pytest.mark.parametrize(
    ("sure", "share", "said"),
    [
        (0.8, 0.31, ("So it does: 80.4 ± 1.0 % of the pixels", "fewer flower, and the IoU loss is nearer")),
        (0.3, 0.45, ("Here it is the other way round: 30.4", "more flower, and cross entropy is nearer to")),
        (0.6, 0.35, ("Here the two cannot be told apart in that: 60.4", "and neither is shown to be nearer")),
    ],
)
def test_how_sure_the_losses_are_and_how_much_they_call_flower_is_compared(
    project: Project, make: Make, sure: float, share: float, said: Sequence[str]
) -> None:
    """Sure pixels decide what is said of the losses; more flower is not better, the distance counts."""
    runs = [*make(CE), *make(IOU, sure=sure, measures={"flower_share_predicted": share})]
    text = text_of(project, runs, "d2q1")
    assert [sentence in text for sentence in said] == [True, True]


def test_sections_stand_alone(project: Project, make: Make) -> None:
    """D.2 defines the metrics itself where D.1 is not printed, and refers to nothing that is not there."""
    alone = text_of(project, [*make(CE), *make(IOU)], "d2q1", "d2q2")
    assert "Table 1. The metrics." in alone
    assert "What the starter calls mIoU is no mean IoU." in alone


# Splits, costs, train mode


def splits(
    make: Make, clean: Any = better, handout: Any = better, iou: Any = worse, **chosen: Any
) -> list[Run]:
    """Return the runs that the section about the protocols needs; `iou` makes those with the IoU loss."""
    return [
        *clean(make, CE, **chosen),
        *iou(make, IOU, **chosen),
        *handout(make, f"{CE}-handout", **chosen),
        *iou(make, f"{IOU}-handout", **chosen),
    ]


@pytest.mark.parametrize("void", [True, False])
def test_void_pixels_are_told_of_where_there_are_any(project: Project, make: Make, void: bool) -> None:
    """The masks of the two protocols differ by void pixels and the seam; drawn scenes have neither."""
    shown = discs(9)
    if not void:
        shown["mask"] = shown["mask"] % 255
    clean = partial(better, pictures=dict.fromkeys(("train", "validation", "ranked"), shown))
    text = text_of(project, splits(make, clean=clean), "dsplits")
    assert ("The starter’s masks differ too." in text) is void
    assert ("The masks of these scenes are the same in both protocols" in text) is not void


def test_the_overlap_of_the_published_protocol_is_counted(project: Project, make: Make) -> None:
    """How many validation images are trained on is printed from what was counted."""
    text = text_of(project, splits(make), "dsplits")
    assert "1 280 training images, of which 780 are different ones" in text
    assert "of the 212 validation images 174, or 82.1 %, are trained on." in text
    assert "trains on the 427 images of trn1 alone, none of which is in val1." in text


@pytest.mark.parametrize(
    ("clean", "handout", "iou", "protocol", "loss"),
    [
        (worse, better, worse, "gives higher numbers: with cross entropy the mean IoU is higher, by 0.240",
         "the IoU loss is worse than cross entropy, 0.046 ± 0.010 against 0.356"),
        (better, worse, better, "gives lower numbers: with cross entropy the mean IoU is lower, by 0.240",
         "the IoU loss is better than cross entropy, 0.356 ± 0.010 against 0.046"),
        (better, better, better, "The protocol makes no difference that could be told:",
         "the two cannot be told apart. The mean IoU after the last epoch is not distinguishable,"),
    ],
)  # fmt: skip
def test_what_the_protocol_changes_and_what_it_answers_is_told(
    project: Project, make: Make, clean: Any, handout: Any, iou: Any, protocol: str, loss: str
) -> None:
    """The protocols are compared whatever the sign, and D.2 is answered as the published write-ups ask it."""
    text = text_of(project, splits(make, clean, handout, iou), "dsplits")
    assert protocol in text
    assert loss in text


def test_a_protocol_that_turns_the_answer_is_overruled(project: Project, make: Make) -> None:
    """Where the two protocols disagree, the clean one is the one to go by."""
    same = text_of(project, splits(make), "d2q1", "dsplits")
    assert "the clean protocol of D.2 Q1 has the same answer." in same
    other = text_of(project, splits(make, better, worse, worse), "d2q1", "dsplits")
    assert "the clean protocol of D.2 Q1 has another answer, and it is the one to go by." in other


def test_protocols_that_diverged_are_not_judged(project: Project, make: Make) -> None:
    """Without finite numbers neither the protocol nor the loss is judged."""
    text = text_of(project, splits(make, diverged=True), "dsplits")
    assert "What the protocol changes cannot be said" in text
    assert "It cannot be said: no seed gave finite numbers for both losses." in text


def test_published_scores_stand_beside_the_real_flowers_alone(project: Project, make: Make) -> None:
    """What others reported of Oxford-17 is shown beside the same data and settings, and no others."""
    assert "Beside published results" not in text_of(project, splits(make), "dsplits")
    shorter = text_of(project, splits(make, **REAL, epochs=5), "dsplits")
    assert "Beside published results" not in shorter
    text = text_of(project, splits(make, **REAL), "dsplits")
    assert (
        "The 0.342 of the first of them would stand, were all images alike, for a flower IoU between" in text
    )
    assert "between 0.621 and 0.671, not for one of 0.342." in text
    assert "this report the small net described in its section on fine-tuning, so the numbers are not" in text
    assert "In all of them the IoU loss has the lower score, each time by one seed; so it has here." in text
    assert re.search("reference results of 2021 .seed 0. ?0.335 ?0.311", text)


def test_published_scores_name_the_weights_used_here(project: Project, make: Make) -> None:
    """With COCO's weights they may be compared; a higher score of the IoU loss here is told."""
    runs = splits(make, better, worse, better, measures=COCO, **REAL)
    text = text_of(project, runs, "dsplits")
    assert "this report used torchvision's DeepLabV3 (ResNet-101), pre-trained on COCO" in text
    assert "each time by one seed; here it has the higher one." in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("source = [", "TOMLDecodeError"),
        ("source = []", "lacks scores"),
        ('[[source]]\ntitle = "x"\niou = 0.3', "KeyError: 'cross-entropy'"),
        ('[[source]]\ntitle = "x"\niou = 30.6\ncross-entropy = 0.3', "lacks scores"),
    ],
)
def test_a_mistake_in_the_published_scores_is_named(tmp_path: Path, text: str, says: str) -> None:
    """A source without all of its scores, or with one in per cent, is no source."""
    file = tmp_path / "published-segmentation.toml"
    file.write_text(text)
    part = load_file(PACKAGE.parent / "experiments/a2-writeup/answers/part_d.py")
    with pytest.raises(UsageError, match=f"published-segmentation.toml.*{says}"):
        part._sources(file)


def test_costs_are_told_as_factors(project: Project, root: Path) -> None:
    """All layers against the last, and the doubled input, as the run measured them."""
    text = text_of(project, [fake_costs(root)], "dcosts")
    assert "Fine-tuning all layers keeps 800 times the activations and takes 200 000 times the" in text
    assert "but the forward pass is the same" in text
    assert "the forward pass falls as well, to 6.0 MFLOP, by a factor of 100 000." in text
    assert "With all layers learning, an update keeps 4.00 times the activations and takes 4.00" in text
    assert "So they grow as the number of pixels does." in text
    assert "What Adam remembers stays as it is" in text


def test_costs_that_are_others_are_told_as_such(project: Project, root: Path) -> None:
    """A last layer that saves nothing, a forward pass that differs, costs that do not follow the area."""
    measures = {"last_1_activation_bytes": 8_000_000_000, "last_1_forward_flops": 300_000_000_000,
                "all_2_optimiser_bytes": 960_000_000}  # fmt: skip
    text = text_of(project, [fake_costs(root, **measures)], "dcosts")
    assert "Fine-tuning all layers does not cost more in everything: it keeps 0.80 times" in text
    assert "and its forward pass 2.00 times the operations." in text
    assert "Not all of them grow as the number of pixels does." in text
    assert "What Adam remembers changes too, 2.00 times with all layers and 1.00 times" in text


@pytest.mark.parametrize(
    ("mean_iou", "said"),
    [
        (0.80, "In train mode the net does better: the mean IoU is 0.800 against 0.740."),
        (0.65, "In train mode the net does worse: the mean IoU is 0.650 against 0.740."),
        (0.75, "No difference can be told: the mean IoU is 0.750 in train mode and 0.740 in eval mode."),
    ],
)
def test_train_mode_is_judged_by_what_seeds_make(
    project: Project, make: Make, mean_iou: float, said: str
) -> None:
    """One seed in train mode counts only where it differs by more than seeds in eval mode do."""
    runs = [*better(make, f"{CE}-handout"), *make(MOVING, 1, mean_iou=mean_iou)]
    text = text_of(project, runs, "dmoving")
    assert said in text
    # t of two degrees of freedom, times the root of two, times the standard deviation of 0, 4 and 8.
    assert "For the mean IoU that is 0.024, estimated from the 3 seeds in eval mode." in text
    assert "larger than two trainings differ by that differ in their seed alone. Data" in text


def test_train_mode_with_one_seed_on_each_side_has_a_reservation(project: Project, make: Make) -> None:
    """Without a second seed there is no margin, and the text says that one seed decided."""
    runs = [*better(make, f"{CE}-handout", 1), *worse(make, MOVING, 1)]
    text = text_of(project, runs, "dmoving")
    assert "In train mode the net does worse (with one seed): the mean IoU is 0.500 against 0.740." in text
    assert "With one seed the verdict is the sign of the difference." in text


def test_train_mode_that_diverged_is_not_judged(project: Project, make: Make) -> None:
    """Without finite numbers nothing is said."""
    runs = [*better(make, f"{CE}-handout"), *make(MOVING, 1, diverged=True)]
    assert "It cannot be said what that changes" in text_of(project, runs, "dmoving")


def test_a_seed_that_the_other_side_lacks_is_refused(make_tuning: MakeTuning) -> None:
    """Runs are matched by seed, so the seed has to be there."""
    left, right = [make_tuning(5, experiment=MOVING)], [make_tuning(n) for n in range(2)]
    with pytest.raises(UsageError, match="lack a seed that they are compared by"):
        segmentation.against(left, right, "a", "b")


# All of it together


def every(make: Make, root: Path, **chosen: Any) -> list[Run]:
    """Return runs for all sections of Part D."""
    names = ("flower-features", "flower-features-random")
    found = [fake_features(root, name, **chosen) for name in names]
    for name in (CE, IOU, RANDOM, f"{CE}-handout", f"{IOU}-handout"):
        found += make(name, 2, **chosen)
    return [*found, *make(MOVING, 1, **chosen), fake_costs(root)]


def composed(project: Project, runs: Sequence[Run]) -> str:
    """Compose the whole report from some runs."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    loaded = outline.load(project, "a2-writeup")
    return compose.compose(project, loaded, grouped, compose.Context())


def test_every_section_leads_to_its_origins(project: Project, make: Make, root: Path) -> None:
    """Each link has its target, each number its file and runs, and no two numbers share a name."""
    made = composed(project, every(make, root, **REAL))
    assert set(re.findall(r'href="#([^"]+)"', made)) <= set(re.findall(r' id="([^"]+)"', made))
    assert all(f'<h2 id="{name}">' in made for name in SECTIONS)
    rows = number_lines(made)
    assert len(rows) > 180
    origin = r"#run-\d+.*(history|measures|manifest|samples)\.(json|safetensors)|published-segmentation"
    assert all(re.search(origin, row, re.DOTALL) for row in rows)


def test_the_cover_tells_both_losses(project: Project, make: Make, root: Path) -> None:
    """A sentence on the cover has the mean IoU of both losses, and says which weights."""
    made = composed(project, every(make, root))
    cover = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", made[: made.index("<main>")]))
    assert "fine-tuned for flowers with cross entropy, reaches a mean IoU of 0.718" in cover
    assert "with the soft IoU loss the mean IoU is 0.718, not to be told from that (D.2 Q1)." in cover
    assert "The net began with small weights that this project made" in cover


@pytest.mark.slow
def test_part_d_prints_without_a_complaint(
    project: Project, make: Make, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of Part D becomes a PDF; any warning would stop it."""
    monkeypatch.undo()  # curves are drawn here
    assert pdf.render(composed(project, every(make, root, **REAL))).startswith(b"%PDF")
