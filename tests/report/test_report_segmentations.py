"""Part D: what fine-tunings come to in numbers, pictures and decisions, and that all of it prints."""

import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composed import whole
from fake_segmentations import COCO, MakeTuning, discs, fake_costs, fake_features
from PIL import Image
from printed import number_lines
from thinned import thinned

from cnnreport.errors import UsageError
from cnnreport.kinds.digits import common_unit, digits, in_unit
from cnnreport.kinds.kind import Form
from cnnreport.project import PACKAGE, Project, load_file
from cnnreport.report.draw import figure, thumbnails
from cnnreport.report.draw.figure import Axis, Curve
from cnnreport.report.numbers.contrast import Contrast, contrast
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.numbers.verdict import exceeds
from cnnreport.report.out import pdf
from cnnreport.report.page import compose, outline
from cnnreport.report.say import error_maps, probabilities, segmentation, segmentation_outcomes
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

CE, IOU, RANDOM = "fine-tune-cross-entropy", "fine-tune-iou", "fine-tune-random"
MOVING = "fine-tune-moving"
REAL = {"data": "flowers17", "title": "Oxford-17 flowers", "stand_in": False}
SECTIONS = ("d1q1", "d1q2", "d1q3", "d2q1", "d2q2", "dsplits", "dcosts", "dmoving")

Make = Callable[..., list[Run]]


def quantity(value: float, form: Form = "score") -> Quantity:
    """Return a number of one run."""
    return Quantity(f"n{value}", "score", {0: value}, form, Source(("r",), "f", "x"))


# What numbers look like, and what is computed from them.


@pytest.mark.parametrize(
    ("value", "form", "text"),
    thinned(
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
            (99.97, "factor", "100"),
            (229_675, "factor", "230 000"),
            (math.nan, "bytes", "non-finite"),
        ],
        3,
    ),
)
def test_bytes_operations_and_factors_print_in_fitting_units(value: float, form: Form, text: str) -> None:
    """The prefix is that under which the number is at least one, as it is printed."""
    assert digits(value, form).replace("\u00a0", " ") == text


def test_a_table_prints_numbers_of_very_different_size_in_one_unit() -> None:
    """That of their geometric mean, with three figures however small a number is."""
    costs = [709 * 2**20, 3.06 * 2**20, 2.8 * 2**30, 4116]
    unit = common_unit(costs, "bytes")
    assert (unit, common_unit([0, math.nan], "flops")) == ("MiB", "FLOP")
    printed = [in_unit(cost, "bytes", unit).replace("\u00a0", " ") for cost in (*costs, 0, math.nan)]
    assert printed == ["709", "3.06", "2 870", "0.00393", "0", "non-finite"]


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


def test_photographs_are_kept_as_jpegs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strip of photographs keeps its size, and its colours nearly."""
    monkeypatch.undo()  # pictures are drawn here
    images = np.full((3, 8, 8, 3), (200, 30, 90), np.uint8)
    made = thumbnails.strip(images, "alt", (), scale=1, gap=8, photo=True)
    pixels = np.asarray(Image.open(io.BytesIO(made.content))).astype(int)
    assert made.media_type == "image/jpeg"
    assert pixels.shape == (8, 3 * 8 + 2 * 8, 3)
    assert abs(pixels[:, :7] - (200, 30, 90)).max() < 20


def test_pictures_say_in_words_what_they_show(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row has a text for those who do not see it; the errors' has the IoU of each image."""
    monkeypatch.undo()  # pictures are drawn here
    rows = error_maps.rows(make(CE, 1), "ranked", "the net")
    assert rows["rgb"].alt == ("9 photographs, in groups: the best, those around the median, the worst")
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
    drawn = [Curve(name, "contender", [[0.1, 0.2, 0.3]], x=[0.25, 0.5, 1]) for name in ("left", "right")]
    axes = [Axis("x", ticks=(0.25, 0.5, 1), linear=linear) for linear in (True, False)]
    linear, logarithmic = (figure.curves(drawn, "y", "alt", (), axis=axis).content for axis in axes)
    assert linear != logarithmic
    assert all(colour.encode() in linear for colour in ("#009e73", "#b3589a"))


# What is refused, and what is decided.


def test_runs_with_different_weights_are_refused(make_tuning: MakeTuning) -> None:
    """One text cannot describe two nets."""
    runs = [make_tuning(0), make_tuning(1, measures=COCO)]
    with pytest.raises(UsageError, match="architecture is not the same in all runs of fine-tune-cross"):
        segmentation.facts(runs)


def test_the_two_sides_may_have_other_seeds(make_tuning: MakeTuning) -> None:
    """Runs are not matched by seed: all of both sides count."""
    left, right = [make_tuning(n, experiment=MOVING) for n in (5, 6, 7)], [make_tuning(n) for n in range(2)]
    found = segmentation.against(left, right, "a", "b").contrasts["mean_iou"]
    assert [len(side.finite) for side in (found.left, found.right)] == [3, 2]
    assert found.basis in ("welch", "exact")


def test_fine_tunings_are_compared_for_new_images(make_tuning: MakeTuning) -> None:
    """By the pixels counted in each image: pooled for the mean IoU, image by image for the flower's."""
    left = [make_tuning(n, experiment="fine-tune-iou", flower_iou=0.7) for n in range(3)]
    right = [make_tuning(n, flower_iou=0.5) for n in range(3)]
    c = segmentation.against(left, right, "a", "b").contrasts
    pooled, each = [], []
    for runs in (left, right):
        overlaps = [run.samples()["image_overlap"] for run in runs]
        sums = [overlap.sum(0) for overlap in overlaps]
        pooled.append(np.mean([(tn / (tn + a + b) + tp / (tp + a + b)) / 2 for tn, a, b, tp in sums]))
        each.append(np.mean([overlap[:, 3] / overlap[:, 1:].sum(1) for overlap in overlaps]))
    assert c["mean_iou_images"].difference.mean == pytest.approx(pooled[0] - pooled[1])
    assert c["flower_iou_images"].difference.mean == pytest.approx(each[0] - each[1], abs=1e-6)
    assert (c["mean_iou_images"].basis, c["flower_iou_images"].role) == ("images", "secondary")


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
        replace(part.PUBLISHED, file=file).sources()


def compared(*differences: float) -> Contrast:
    """Return a contrast of two numbers that differ by this, seed by seed."""

    def number(name: str, values: Sequence[float]) -> Quantity:
        return Quantity(name, "score", dict(enumerate(values)), "score", Source(("r",), "f", "x"))

    return contrast("c", number("a", differences), number("b", [0.0] * len(differences)), "A", "B")


HIGHER, LOWER, OPEN, UNKNOWN = (
    compared(*each) for each in ((0.1, 0.11), (-0.1, -0.11), (-0.1, 0.1), (math.nan, math.nan))
)


@pytest.mark.parametrize(
    ("classes", "flower", "decided"),
    [
        (HIGHER, HIGHER, "better"),
        (LOWER, LOWER, "worse"),
        (OPEN, OPEN, "neither"),
        (LOWER, HIGHER, "flower_alone"),
        (HIGHER, LOWER, "classes_alone"),
        (HIGHER, OPEN, "classes_better"),
        (LOWER, OPEN, "classes_worse"),
        (OPEN, HIGHER, "flower_better"),
        (OPEN, LOWER, "flower_worse"),
        (UNKNOWN, HIGHER, "incomparable"),
        (HIGHER, UNKNOWN, "incomparable"),
    ],
)
def test_flower_and_both_classes_need_not_agree(classes: Contrast, flower: Contrast, decided: str) -> None:
    """The IoU loss asks for the flower alone; each pair of outcomes is a decision of its own."""
    assert segmentation_outcomes.benefit(classes, flower).outcome == decided


@pytest.mark.parametrize(
    ("half", "best", "decided"),
    [
        (OPEN, OPEN, "still_unclear"),
        (OPEN, LOWER, "appears"),
        (HIGHER, OPEN, "vanishes"),
        (LOWER, LOWER, "stays"),
        (LOWER, HIGHER, "turns"),
        (UNKNOWN, HIGHER, "incomparable"),
        (HIGHER, UNKNOWN, "incomparable"),
    ],
)
def test_the_best_cut_may_change_a_difference(half: Contrast, best: Contrast, decided: str) -> None:
    """A difference may stay, vanish, turn round or appear where each loss is cut at its best."""
    assert segmentation_outcomes.at_best_cut(half, best).outcome == decided


@pytest.mark.parametrize(
    ("here", "there", "decided"),
    [
        (HIGHER, HIGHER, "same"),
        (OPEN, OPEN, "same"),
        (HIGHER, OPEN, "clear_here"),
        (OPEN, LOWER, "clear_there"),
        (LOWER, HIGHER, "opposite"),
        (UNKNOWN, OPEN, "incomparable"),
        (OPEN, UNKNOWN, "incomparable"),
    ],
)
def test_comparisons_disagree_only_with_opposite_signs(here: Contrast, there: Contrast, decided: str) -> None:
    """One that is not clear does not contradict one that is."""
    assert segmentation_outcomes.agreement(here, there).outcome == decided


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
    return whole(compose.compose(project, loaded, grouped, compose.Context()))


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
    assert "fine-tuned for flowers with cross entropy, reaches a validation mIoU of 0.718" in cover
    assert "With the soft IoU loss the two are 0.718 and 0." in cover
    assert "the best is not clearly different from that with cross entropy, the last not clearly" in cover
    assert "The net is a small one that this project pre-trained, not the handout’s." in cover


@pytest.mark.slow
def test_part_d_prints_without_a_complaint(
    project: Project, make: Make, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of Part D becomes two PDFs; any warning would stop it."""
    monkeypatch.undo()  # curves are drawn here
    pages = re.findall(r"<!DOCTYPE html>.*?</html>", composed(project, every(make, root, **REAL)), re.DOTALL)
    assert len(pages) == 2
    assert all(pdf.render(page).startswith(b"%PDF") for page in pages)


@pytest.mark.parametrize(
    ("changes", "peaked", "decided"),
    [
        ((0.004, 0.003, 0.005), 0, "rises"),
        ((0.004, 0.003, 0.005), 3, "rises"),
        ((-0.004, -0.003, -0.005), 3, "falls"),
        ((-0.02, 0.003, -0.009), 2, "peaked"),
        ((-0.02, 0.003, 0.009), 1, "level"),
        ((0.0001, 0.0001, 0.0001), 0, "level"),
        ((math.nan,) * 3, 0, "lost"),
    ],
)
def test_where_a_training_was_going_at_the_end(changes: Sequence[float], peaked: int, decided: str) -> None:
    """The interval of the change decides, however small; where it has zero, most seeds' best epoch does."""
    late = replace(quantity(0.0), values=dict(enumerate(changes)))
    rising = exceeds("it rises", late)
    found = segmentation_outcomes.ending(rising, quantity(peaked, "count"), quantity(3, "count"))
    assert found.outcome == decided
