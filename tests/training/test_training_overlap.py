import math
from typing import Any

import numpy as np
import pytest
import torch

from cnnreport.training.metrics.overlap import (
    THRESHOLDS,
    accuracy,
    class_iou,
    count,
    count_on_device,
    flower_iou,
    mean_iou,
    probability_histogram,
    starter_score,
    sweep,
)

VOID = 255
Array = np.ndarray[Any, Any]


def images() -> tuple[Array, Array]:
    """Probabilities in twentieths and between, ends included, and masks with every class, of 6 images."""
    generator = np.random.default_rng(0)
    probabilities = generator.integers(0, 61, (6, 7, 5)).astype(np.float32) / np.float32(60)
    masks = generator.choice(np.array([0, 1, VOID], np.uint8), (6, 7, 5))
    return probabilities, masks


def pixels(predicted: Array, mask: Array, label: int) -> tuple[set[int], set[int]]:
    """The labelled pixels of one image that are of a class, and those that are called so, as sets."""
    listed = [(n, *pair) for n, pair in enumerate(zip(predicted.ravel(), mask.ravel(), strict=True))]
    labelled = [(n, int(called), int(true)) for n, called, true in listed if true != VOID]
    return {n for n, _, true in labelled if true == label}, {n for n, c, _ in labelled if c == label}


def jaccard(true: set[Any], called: set[Any]) -> float:
    """Intersection over union of sets."""
    return len(true & called) / len(true | called)


def joined(predicted: Array, masks: Array, label: int) -> tuple[set[Any], set[Any]]:
    """The same as `pixels`, of all images."""
    each = [pixels(*pair, label) for pair in zip(predicted, masks, strict=True)]
    return tuple({(n, pixel) for n, sets in enumerate(each) for pixel in sets[side]} for side in (0, 1))  # type: ignore[return-value]


def test_counts_add_up_to_the_labelled_pixels() -> None:
    """Rows are true classes, columns predicted ones; void pixels are in none."""
    masks = np.array([[[0, 0, 0, 1, 1, VOID, VOID]]], np.uint8)
    predicted = np.array([[[0, 0, 1, 0, 1, 1, 0]]], bool)
    assert count(predicted, masks).tolist() == [[[2, 1], [1, 1]]]
    assert count(predicted.astype(np.uint8), masks).tolist() == [[[2, 1], [1, 1]]]


def test_a_device_counts_what_numpy_counts() -> None:
    """The sum over all images, in the same rows and columns."""
    probabilities, masks = images()
    predicted = probabilities > 0.5
    counted = count_on_device(torch.from_numpy(predicted), torch.from_numpy(masks))
    assert counted.tolist() == count(predicted, masks).sum(0).tolist()


@pytest.mark.parametrize("images", [0, 1, 5])
def test_counts_are_those_of_whole_arrays(images: int) -> None:
    """Image by image the same as by summing along the axes, for any number of images."""
    generator = np.random.default_rng(1)
    masks = generator.choice(np.array([0, 1, VOID], np.uint8), (images, 9, 8))
    predicted = generator.random((images, 9, 8)) < 0.3
    counts = count(predicted, masks)
    assert (counts.dtype, counts.shape) == (np.int64, (images, 2, 2))
    for true, called in np.ndindex(2, 2):
        expected = ((masks == true) & (predicted == called)).sum((1, 2))
        assert counts[:, true, called].tolist() == expected.tolist()


def test_the_flower_iou_is_that_of_sets_of_pixels() -> None:
    """For each image by itself."""
    probabilities, masks = images()
    predicted = probabilities > 0.5
    expected = [jaccard(*pixels(*pair, 1)) for pair in zip(predicted, masks, strict=True)]
    assert flower_iou(count(predicted, masks)) == pytest.approx(expected, abs=1e-6)


def test_the_mean_iou_is_of_all_pixels_and_both_classes() -> None:
    """Neither the mean of the images' IoU nor that of the flower alone."""
    probabilities, masks = images()
    predicted = probabilities > 0.5
    expected = [jaccard(*joined(predicted, masks, label)) for label in (0, 1)]
    counts = count(predicted, masks)
    assert mean_iou(counts) == pytest.approx(np.mean(expected), abs=1e-6)
    assert class_iou(counts.sum(0)) == pytest.approx(expected, abs=1e-6)


def test_the_accuracy_is_the_share_of_labelled_pixels() -> None:
    """Void pixels are neither right nor wrong."""
    probabilities, masks = images()
    predicted = probabilities > 0.5
    expected = (predicted == masks)[masks != VOID].mean()
    assert accuracy(count(predicted, masks)) == pytest.approx(expected)


def test_batches_may_be_joined_or_summed() -> None:
    """The metrics of two batches are those of all their images."""
    probabilities, masks = images()
    whole = count(probabilities > 0.5, masks)
    parts = [count(probabilities[part] > 0.5, masks[part]) for part in (slice(2), slice(2, 6))]
    summed = np.stack([part.sum(0) for part in parts])
    assert np.array_equal(np.concatenate(parts), whole)
    assert mean_iou(summed) == mean_iou(whole)
    assert accuracy(summed) == accuracy(whole)


def test_nothing_found_of_nothing_is_perfect() -> None:
    """An image without flowers, and one all void, have IoU 1 if no flower is predicted."""
    masks = np.stack([np.zeros((4, 4), np.uint8), np.full((4, 4), VOID, np.uint8)])
    counts = count(np.zeros((2, 4, 4), bool), masks)
    assert flower_iou(counts).tolist() == [1, 1]
    assert mean_iou(counts) == 1
    assert accuracy(counts[1:]) == 1


def test_one_pixel_found_of_nothing_is_almost_worthless() -> None:
    """The smoothing is a millionth of a pixel."""
    counts = count(np.ones((1, 1, 1), bool), np.zeros((1, 1, 1), np.uint8))
    assert flower_iou(counts) == pytest.approx([1e-6], rel=1e-3)


@pytest.mark.parametrize(
    ("iou", "score"),
    [(0.0, 0), (0.5, 0), (0.5001, 0.1), (0.64, 0.3), (0.66, 0.4), (0.9499, 0.9), (0.9501, 1), (1.0, 1)],
)
def test_the_starters_score_has_steps(iou: float, score: float) -> None:
    """Nothing up to one half, then a tenth for each further twentieth or part of it."""
    assert starter_score(np.array([iou])) == pytest.approx(score)


def test_the_starters_score_is_a_mean_over_images() -> None:
    """Every image is scored before the mean is taken."""
    assert starter_score(np.array([0.2, 0.66, 1.0])) == pytest.approx((0 + 0.4 + 1) / 3)


def test_a_sweep_is_what_each_threshold_gives() -> None:
    """A pixel is a flower above the threshold, not at it."""
    probabilities, masks = images()
    found = sweep(probabilities, masks)
    assert [f"{threshold:.2f}" for threshold in THRESHOLDS] == [f"{n * 0.05:.2f}" for n in range(1, 20)]
    for n in range(1, 20):
        predicted = np.round(probabilities * 60) > 3 * n
        ious = [jaccard(*pixels(*pair, 1)) for pair in zip(predicted, masks, strict=True)]
        both = [jaccard(*joined(predicted, masks, label)) for label in (0, 1)]
        steps = [max(0, math.ceil(20 * (iou + 1e-7 - 0.5))) / 10 for iou in ious]  # as smoothing tips it
        assert found.flower_iou[n - 1] == pytest.approx(np.mean(ious), abs=1e-6)
        assert found.mean_iou[n - 1] == pytest.approx(np.mean(both), abs=1e-6)
        assert found.starter_score[n - 1] == pytest.approx(np.mean(steps))


def test_the_histogram_counts_labelled_pixels_by_twentieths() -> None:
    """A part has its lower end; the last one has 1 too."""
    probabilities, masks = images()
    sixtieths = np.round(probabilities[masks != VOID] * 60).astype(int)
    expected = [int(((sixtieths // 3).clip(max=19) == n).sum()) for n in range(20)]
    assert probability_histogram(probabilities, masks).tolist() == expected


def test_what_is_no_number_is_in_no_part_of_the_histogram() -> None:
    """A diverged net gives an empty histogram and no error."""
    probabilities = np.full((1, 2, 2), np.nan, np.float32)
    assert not probability_histogram(probabilities, np.zeros((1, 2, 2), np.uint8)).any()
