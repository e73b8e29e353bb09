import numpy as np
import pytest

from cnnreport.training.metrics.baselines import baselines, grey_table, look_up


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
    table = grey_table(train_rgb, train_label, 4)
    assert (table[0], table[90], [*table[[1, 200, 255]]]) == (1, 2, [1, 1, 1])
    assert look_up(table, validation_rgb).tolist() == [[[1, 1, 2, 1]]]
