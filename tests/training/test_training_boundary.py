from typing import Any

import numpy as np
import pytest

from cnnreport.training.metrics.boundary import boundary_f, tolerance

VOID = 255
Array = np.ndarray[Any, Any]
Pixel = tuple[int, ...]


def blobs(size: int, seed: int) -> Array:
    """A region of two overlapping discs, which may reach beyond the edge."""
    generator = np.random.default_rng(seed)
    row, column = np.indices((size, size))
    region = np.zeros((size, size), bool)
    for y, x, radius in generator.uniform(0.2, 0.8, (2, 3)) * size:
        region |= np.hypot(row - y, column - x) < 0.4 * radius
    return region


def outline(region: Array) -> list[Pixel]:
    """The pixels of a region with one of their four neighbours outside, one after the other."""
    inside = {tuple(pixel) for pixel in np.argwhere(region).tolist()}
    outside = set(np.ndindex(region.shape)) - inside
    steps = ((0, 1), (1, 0), (0, -1), (-1, 0))
    return [pixel for pixel in inside if any((pixel[0] + y, pixel[1] + x) in outside for y, x in steps)]


def near(one: list[Pixel], other: list[Pixel], reach: float) -> float:
    """The share of some pixels within reach of others, by all their distances."""
    distances = np.linalg.norm(np.array(one)[:, None] - np.array(other)[None], axis=2)
    return float((distances.min(1) <= reach).mean())


def score(predicted: Array, truth: Array, reach: float) -> float:
    """The harmonic mean of precision and recall."""
    found, true = outline(predicted), outline(truth)
    precision, recall = near(found, true, reach), near(true, found, reach)
    return 2 / (1 / precision + 1 / recall) if precision and recall else 0.0


@pytest.mark.parametrize(
    ("height", "width", "pixels"),
    [(8, 8, 1), (224, 224, 2), (448, 448, 5), (300, 400, 4), (600, 800, 8)],
)
def test_the_tolerance_grows_with_the_diagonal(height: int, width: int, pixels: int) -> None:
    """0.75 % of it, rounded, at least one pixel."""
    assert tolerance(height, width) == pixels


def test_small_regions_are_scored_as_all_distances_say() -> None:
    """Within one pixel, for many pairs of regions at once."""
    predicted = np.stack([blobs(16, seed) for seed in range(8)])
    truth = np.stack([blobs(16, seed) for seed in range(8, 16)])
    expected = [score(*pair, 1) for pair in zip(predicted, truth, strict=True)]
    assert boundary_f(predicted, truth.astype(np.uint8)) == pytest.approx(expected)
    assert 0 < min(expected) < max(expected) < 1


def test_larger_images_have_a_larger_tolerance() -> None:
    """Two pixels at 200 by 200, diagonals counted by their length."""
    row, column = np.indices((200, 200))
    truth = np.hypot(row - 100, column - 100) < 40
    predicted = np.hypot(row - 102.2, column - 101.1) < 41
    expected = score(predicted, truth, 2)
    assert boundary_f(predicted[None], truth[None].astype(np.uint8)) == pytest.approx([expected])
    assert score(predicted, truth, 1.9) < expected < score(predicted, truth, 2.3)


def test_a_shift_within_the_tolerance_costs_nothing() -> None:
    """One pixel is forgiven, two are not."""
    truth = np.zeros((1, 20, 20), np.uint8)
    truth[:, 5:15, 5:15] = 1
    assert boundary_f(np.roll(truth, 1, 2), truth).tolist() == [1]
    assert boundary_f(np.roll(truth, 2, 2), truth)[0] < 1


def test_the_edge_of_the_image_is_no_boundary() -> None:
    """A flower that is cut off has a boundary only where it ends within the image."""
    truth = np.zeros((1, 20, 20), np.uint8)
    truth[:, :, :10] = 1
    predicted = np.zeros_like(truth)
    predicted[:, :, :2] = 1
    assert boundary_f(predicted, truth).tolist() == [0]


def test_regions_without_boundary_are_all_or_nothing() -> None:
    """Empty and empty is 1, full and full too; empty and full is 0, and so is empty against a flower."""
    empty, full, flower = np.zeros((3, 6, 6), np.uint8)
    full[:] = 1
    flower[2:4, 2:4] = 1
    predicted = np.stack([empty, full, empty, full, empty, flower])
    truth = np.stack([empty, full, full, empty, flower, empty])
    assert boundary_f(predicted, truth).tolist() == [1, 1, 0, 0, 0, 0]


def test_a_void_rim_is_shared_by_its_neighbours() -> None:
    """The true boundary runs in its middle, whatever was predicted there."""
    row, column = np.indices((40, 40))
    distance = np.maximum(abs(row - 20), abs(column - 20))
    mask = np.where(distance <= 8, 1, np.where(distance <= 14, VOID, 0)).astype(np.uint8)[None]
    middle = [boundary_f((distance <= size)[None], mask)[0] for size in range(8, 15)]
    assert middle[3] == 1
    assert middle[0] == middle[6] == 0


def test_void_pixels_take_the_nearest_label() -> None:
    """Pixel by pixel, by the distances to all labelled ones, where one class is nearest."""
    generator = np.random.default_rng(1)
    truth = blobs(24, 3)
    mask = np.where(generator.random((24, 24)) < 0.3, VOID, truth).astype(np.uint8)
    filled = truth.copy()
    for pixel in np.argwhere(mask == VOID):
        reach = {c: np.linalg.norm(np.argwhere(mask == c) - pixel, axis=1).min() for c in (0, 1)}
        if reach[0] == reach[1]:
            mask[tuple(pixel)] = filled[tuple(pixel)]
        else:
            filled[tuple(pixel)] = reach[1] < reach[0]
    predicted = blobs(24, 4)
    assert boundary_f(predicted[None], mask[None]) == pytest.approx([score(predicted, filled, 1)])


def test_an_image_that_is_void_throughout_holds_no_flower() -> None:
    """Nothing predicted is right, anything predicted wrong."""
    mask = np.full((2, 5, 5), VOID, np.uint8)
    predicted = np.zeros((2, 5, 5), bool)
    predicted[1, 2, 2] = True
    assert boundary_f(predicted, mask).tolist() == [1, 0]
