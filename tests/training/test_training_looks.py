import numpy as np
import pytest

from cnnreport.training.metrics.colour_scores import (
    best_median_worst,
    colour_share,
    describe,
    edge_share,
    image_accuracy,
    lab_distance,
    rgb_distance,
    speck_share,
)

PALETTE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1], [0, 1, 0]], np.float32)
BLACK, RED, WHITE = range(3)


def test_a_chessboard_is_all_edges_and_blocks_halve_them() -> None:
    """The edge share is 1 for a chessboard, 0 for one colour, less than half for blocks of 2x2."""
    chess = (np.indices((8, 8)).sum(axis=0) % 2).astype(np.uint8)[None]
    blocks = chess[:, :4, :4].repeat(2, axis=1).repeat(2, axis=2)
    assert edge_share(chess) == 1
    assert edge_share(0 * chess) == 0
    assert edge_share(blocks) == pytest.approx(3 / 7)


def test_a_speck_is_like_none_of_its_neighbours() -> None:
    """Pixel by pixel, in the middle, at the border and in the corners, and never across two images."""
    images = np.random.default_rng(0).integers(0, 6, (3, 7, 5), dtype=np.uint8)
    lonely = 0
    for image in images:
        for y, x in np.ndindex(7, 5):
            around = image[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
            lonely += int((around == image[y, x]).sum() == 1)
    assert 5 < lonely < 100
    assert speck_share(images) == pytest.approx(lonely / images.size)


def test_a_diagonal_line_has_no_specks_but_a_dot_is_one() -> None:
    """Neighbours that touch at a corner are neighbours."""
    line, dot = np.eye(8, dtype=np.uint8)[None], np.zeros((1, 8, 8), np.uint8)
    dot[0, 3, 4] = 1
    assert speck_share(line) == 0
    assert speck_share(dot) == 1 / 64


def test_the_colour_share_is_of_the_palette() -> None:
    """Two of four colours occur, however often."""
    assert colour_share(np.array([[[BLACK, RED], [RED, RED]]], np.uint8), PALETTE) == 0.5


def test_the_accuracy_of_an_image_is_its_share_of_right_pixels() -> None:
    """Each image is judged by itself."""
    truth = np.zeros((3, 2, 2), np.uint8)
    predicted = truth.copy()
    predicted[1, 0] = 1
    predicted[2] = 1
    assert image_accuracy(predicted, truth).tolist() == [1, 0.5, 0]


def test_the_rgb_distance_is_the_mean_length_of_the_way() -> None:
    """One pixel is right, one a side of the colour cube away, one its diagonal."""
    truth = np.full((1, 1, 3), BLACK, np.uint8)
    predicted = np.array([[[BLACK, RED, WHITE]]], np.uint8)
    assert rgb_distance(predicted, truth, PALETTE) == pytest.approx((0 + 1 + 3**0.5) / 3)


def test_the_lab_distance_is_the_mean_colour_difference() -> None:
    """Black to white is 100; black to red is the length of red's published coordinates."""
    truth = np.full((1, 1, 2), BLACK, np.uint8)
    predicted = np.array([[[RED, WHITE]]], np.uint8)
    red = (53.24**2 + 80.09**2 + 67.20**2) ** 0.5
    assert lab_distance(predicted, truth, PALETTE) == pytest.approx((red + 100) / 2, abs=0.01)


def test_a_description_counts_colours_and_measures_their_distance() -> None:
    """Half of one picture is right; the wrong half is one unit of red away."""
    truth = np.array([[[BLACK, BLACK], [RED, RED]], [[BLACK, BLACK], [BLACK, BLACK]]], np.uint8)
    assert describe(np.zeros_like(truth), truth, PALETTE) == {
        "colours_predicted": 1,
        "colours_present": 2,
        "colour_share_predicted": 0.25,
        "colour_share_present": 0.5,
        "edge_share_predicted": 0,
        "edge_share_truth": pytest.approx(2 / 8),
        "speck_share": 0,
        "speck_share_truth": 0,
        "image_accuracy_minimum": 0.5,
        "image_accuracy_median": 0.75,
        "image_accuracy_maximum": 1,
        "rgb_distance": pytest.approx(0.25),
        "lab_distance": pytest.approx((53.24**2 + 80.09**2 + 67.20**2) ** 0.5 / 4, abs=0.01),
    }


def test_three_of_each_are_chosen_best_first() -> None:
    """Of a hundred images: the three best, the three around the median, the three worst, worst last."""
    accuracy = np.random.default_rng(0).permutation(101) / 100
    assert accuracy[best_median_worst(accuracy)].tolist() == [1, 0.99, 0.98, 0.51, 0.5, 0.49, 0.02, 0.01, 0]


def test_equally_good_images_stand_in_their_own_order() -> None:
    """Ties are broken by the lower index, in all three groups."""
    accuracy = np.array([0.5] * 12)
    assert best_median_worst(accuracy).tolist() == [0, 1, 2, 4, 5, 6, 9, 10, 11]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (1, [0, 0, 0]),
        (2, [0, 0, 1]),
        (3, [0, 1, 2]),
        (5, [0, 2, 4]),
        (8, [0, 1, 3, 4, 6, 7]),
        (9, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_of_a_few_images_fewer_are_chosen(images: int, expected: list[int]) -> None:
    """Each group is a third of the images, at most three, at least one."""
    assert best_median_worst(np.linspace(1, 0, images)).tolist() == expected
