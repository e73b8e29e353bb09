"""What is said of predicted masks and of colours: against hand-made arrays, counted pixel by pixel."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from fake_runs import MakeRun
from fake_segmentations import MakeTuning

from cnnreport.errors import UsageError
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.say.colours import by_colour
from cnnreport.report.say.masks import overlaps
from cnnreport.report.say.masks import pictured as masks
from cnnreport.runs.artefact import Run

Array = np.ndarray[Any, Any]
Change = Callable[[dict[str, Array]], None]

OVERLAP = np.array([[70, 10, 5, 15], [40, 0, 30, 30]])
"""Two images: background called so, invented flower, missed flower, flower called so."""


def changed(run: Any, **arrays: Array) -> Run:
    """Return a fake run with other samples."""
    return replace(run, arrays={**run.samples(), **arrays})


def test_missed_and_invented_are_shares_of_all_images_together() -> None:
    """35 of 80 flower pixels are missed, and 10 of 55 that are called flower are invented."""
    assert overlaps.missed({"image_overlap": OVERLAP}) == pytest.approx(35 / 80)
    assert overlaps.invented({"image_overlap": OVERLAP}) == pytest.approx(10 / 55)
    assert overlaps.invented({"image_overlap": 0 * OVERLAP}) == 0


def test_a_band_holds_what_is_near_another_label() -> None:
    """Searched here among all pairs of pixels: another label at most so far away in a straight line."""
    mask = np.random.default_rng(3).choice(np.array([0, 1, 255], np.uint8), (2, 9, 7), p=[0.6, 0.38, 0.02])
    for width in (1, 2, 3):
        near = overlaps.near_outline(mask, width)
        for n, y, x in product(range(2), range(9), range(7)):
            around = [(v, u) for v, u in product(range(9), range(7)) if math.hypot(v - y, u - x) <= width]
            assert near[n, y, x] == any(mask[n, v, u] != mask[n, y, x] for v, u in around)


def test_errors_at_outlines_are_told_from_others() -> None:
    """Of two wrong pixels one lies at the outline; void pixels are neither wrong nor part of the picture."""
    mask = np.zeros((1, 40, 40), np.uint8)
    mask[0, :, 20:], mask[0, 0, 0] = 1, 255
    predicted = mask.copy()
    predicted[0, 30, 19], predicted[0, 30, 2], predicted[0, 0, 0] = 1, 1, 1
    found = {"validation_mask": mask, "validation_predicted": predicted}
    assert overlaps.at_outline(found) == pytest.approx(0.5)
    corner = product(range(overlaps.BAND + 1), repeat=2)
    near_void = sum(0 < math.hypot(down, across) <= overlaps.BAND for down, across in corner)
    assert overlaps.band(found) == pytest.approx((40 * 2 * overlaps.BAND + near_void) / (1600 - 1))


def test_images_are_known_by_their_numbers(make_tuning: MakeTuning) -> None:
    """Best and worst by IoU, and those of which the most is missed or invented, counted from the left."""
    mask = np.zeros((3, 4, 4), np.uint8)
    mask[:, :2] = 1  # eight pixels of flower
    predicted = mask.copy()
    predicted[1, 0] = 0  # half of the flower is missed
    predicted[2, 2:] = 1  # as much again is invented
    predicted[2, 0, 0] = 0
    run = changed(make_tuning(0), validation_mask=mask, validation_predicted=predicted)
    found = masks.pictured([run], "validation")
    assert found is not None
    assert [image.iou.mean for image in found.images] == pytest.approx([1, 4 / 8, 7 / 16])
    assert [image.missed.mean for image in found.images] == pytest.approx([0, 0.5, 1 / 8])
    assert [image.invented.mean for image in found.images] == pytest.approx([0, 0, 8 / 15])
    assert (found.best.number, found.worst.number) == ("1", "3")
    assert (found.missed.number, found.invented.number) == ("2", "3")


def test_the_image_that_differs_most_does_so_over_all_seeds(make_tuning: MakeTuning) -> None:
    """An image that one seed alone predicts otherwise gives way to one that all of them do."""
    mask = np.zeros((2, 4, 4), np.uint8)
    mask[:, :2] = 1  # eight pixels of flower
    once, always = mask.copy(), mask.copy()
    always[1, 0] = 0  # half of the second flower is missed
    once[0] = 0  # and here all of the first one
    once[1, 0] = 0

    def runs(*predicted: Array) -> list[Run]:
        return [changed(make_tuning(n), validation_mask=mask, validation_predicted=each)
                for n, each in enumerate(predicted)]  # fmt: skip

    found = masks.changed(runs(once, always, always), runs(mask, mask, mask), "validation")
    assert found is not None
    assert found.number == "2"
    assert found.left.values == pytest.approx({0: 0.5, 1: 0.5, 2: 0.5})


@pytest.mark.parametrize(("ends", "seed"), [((0.5, 0.9, 0.7), 2), ((0.9, 0.5, 0.7, 0.6), 3), ((0.7,), 0)])
def test_the_seed_with_the_median_iou_is_shown(
    make_tuning: MakeTuning, ends: tuple[float, ...], seed: int
) -> None:
    """Neither the best nor the worst seed stands for all; of two in the middle it is the lower."""
    found = masks.pictured([make_tuning(n, mean_iou=end) for n, end in enumerate(ends)], "validation")
    assert found is not None
    assert found.seed == str(seed)


def test_an_image_without_flower_misses_none_of_it(make_tuning: MakeTuning) -> None:
    """A share of nothing is no number, and no image is named for it."""
    mask = np.zeros((2, 4, 4), np.uint8)
    mask[1, 0] = 1
    run = changed(make_tuning(0), validation_mask=mask, validation_predicted=0 * mask)
    found = masks.pictured([run], "validation")
    assert found is not None
    assert not found.images[0].missed.finite
    assert found.missed.number == "2"


def test_nothing_is_said_of_images_of_a_diverged_net(make_tuning: MakeTuning) -> None:
    """Its pictures are those of no trained net."""
    assert masks.pictured([make_tuning(0, diverged=True)], "validation") is None


def test_colours_are_counted_by_their_names(make_run: MakeRun) -> None:
    """Shares and right pixels are those of all colours that have a name, added up by hand."""
    left = [make_run(seed, experiment="unet", accuracy=0.6) for seed in range(2)]
    right = [make_run(seed, experiment="conv-transpose", accuracy=0.4) for seed in range(2)]
    found = by_colour.by_colour(left, right)
    arrays = left[0].samples()
    named = by_colour.words(arrays["palette"])
    counts = arrays["confusion"]
    assert 0 < len(found) <= by_colour.SHOWN
    assert [each.share.mean for each in found] == sorted((each.share.mean for each in found), reverse=True)
    for each in found:
        places = [k for k, name in enumerate(named) if name == each.word]
        inside = sum(int(counts[i, j]) for i in places for j in places)
        whole = sum(int(counts[i].sum()) for i in places)
        assert each.left.values[0] == pytest.approx(inside / whole)
        assert each.share.values[0] == pytest.approx(whole / counts.sum())
        assert each.gain.difference.mean == pytest.approx(each.left.mean - each.right.mean)
        assert each.gain.higher


def test_a_diverged_net_has_no_colours(make_run: MakeRun) -> None:
    """Nothing is compared with it."""
    lost = [make_run(experiment="unet", diverged=True)]
    assert by_colour.by_colour(lost, [make_run(experiment="conv-transpose")]) == ()


def lost_number(value: float) -> Quantity:
    """Return a number of a run that diverged; each call makes another object."""
    return Quantity("n", "loss", {0: float("nan"), 1: value}, "loss", Source(("r",), "f", "x"))


def test_a_number_of_a_diverged_run_can_be_printed_twice() -> None:
    """It is not equal to itself, but it is the same number; another one of that name is still refused."""
    ledger = Ledger()
    assert math.isnan(lost_number(1.0).values[0])
    assert ledger.quote(lost_number(1.0)) == ledger.quote(lost_number(1.0))
    with pytest.raises(UsageError, match="two different numbers are called n"):
        ledger.quote(lost_number(2.0))
