import numpy as np
import pytest

from cnnreport.training.baselines import baselines, describe, edge_share


def test_baselines_are_what_can_be_counted_by_hand() -> None:
    """Two grey levels, each with its own usual colour; an unseen level takes the most frequent one."""
    train_rgb = np.zeros((1, 3, 1, 5), np.uint8)
    train_rgb[..., 3:] = 90
    train_label = np.array([[[1, 1, 0, 2, 2]]], np.uint8)
    train_label[0, 0, 2] = 1
    validation_rgb = np.zeros((1, 3, 1, 4), np.uint8)
    validation_rgb[..., 2] = 90
    validation_rgb[..., 3] = 200
    validation_label = np.array([[[1, 0, 2, 1]]], np.uint8)
    found = baselines(train_rgb, train_label, validation_rgb, validation_label, 4)
    assert found == {
        "chance_accuracy": 0.25,
        "chance_loss": pytest.approx(np.log(4)),
        "frequent_accuracy": 0.5,
        "grey_table_accuracy": 0.75,
    }


def test_a_chessboard_is_all_edges_and_blocks_halve_them() -> None:
    """The edge share is 1 for a chessboard, 0 for one colour, less than half for blocks of 2x2."""
    chess = (np.indices((8, 8)).sum(axis=0) % 2).astype(np.uint8)[None]
    blocks = chess[:, :4, :4].repeat(2, axis=1).repeat(2, axis=2)
    assert edge_share(chess) == 1
    assert edge_share(0 * chess) == 0
    assert edge_share(blocks) == pytest.approx(3 / 7)


def test_a_description_counts_colours_and_measures_their_distance() -> None:
    """Half of one picture is right; the wrong half is one unit of red away."""
    palette = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    truth = np.array([[[0, 0], [1, 1]], [[0, 0], [0, 0]]], np.uint8)
    predicted = np.zeros_like(truth)
    found = describe(predicted, truth, palette)
    assert found["colours_predicted"] == 1
    assert found["colours_present"] == 2
    assert found["image_accuracy_minimum"] == 0.5
    assert found["image_accuracy_median"] == 0.75
    assert found["image_accuracy_maximum"] == 1
    assert found["rgb_distance"] == pytest.approx(0.25)
    assert found["edge_share_predicted"] == 0
    assert found["edge_share_truth"] == pytest.approx(2 / 8)
