"""How well images are named, against scikit-learn and by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as oracle

from cnnreport.training.metrics import classification as metrics

K = 7


def named(seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """True classes and scores of 200 images, many of them right, many of the scores equal."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, K, 200)
    scores = generator.integers(0, 5, (200, K)).astype(np.float32)
    scores[np.arange(200), truth] += generator.integers(0, 4, 200)
    return truth, scores


def test_a_confusion_matrix_is_scikit_learns() -> None:
    """Rows are true classes, columns predicted ones; the diagonal's share is the accuracy."""
    truth, scores = named()
    predicted = scores.argmax(1)
    counts = metrics.confusion(truth, predicted, K)
    np.testing.assert_array_equal(counts, oracle.confusion_matrix(truth, predicted, labels=range(K)))
    assert metrics.accuracy(counts) == pytest.approx(oracle.accuracy_score(truth, predicted))


def test_the_accuracy_of_a_class_is_its_recall() -> None:
    """Class by class; their mean is the balanced accuracy."""
    truth, scores = named()
    predicted = scores.argmax(1)
    counts = metrics.confusion(truth, predicted, K)
    expected = oracle.recall_score(truth, predicted, average=None)
    np.testing.assert_allclose(metrics.class_accuracy(counts), expected)
    assert metrics.balanced_accuracy(counts) == pytest.approx(
        oracle.balanced_accuracy_score(truth, predicted)
    )


def test_a_class_without_images_has_no_accuracy() -> None:
    """It is not zero, and the mean leaves it out."""
    counts = np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    assert metrics.class_accuracy(counts)[:2].tolist() == [0.75, 1.0]
    assert np.isnan(metrics.class_accuracy(counts)[2])
    assert metrics.balanced_accuracy(counts) == 0.875


def test_the_most_confused_pairs_come_first() -> None:
    """Most images first, then in the order of the classes; neither right images nor empty pairs count."""
    counts = np.array([[9, 2, 0], [5, 9, 0], [2, 0, 9]])
    assert metrics.most_confused(counts, 10) == [(1, 0, 5), (0, 1, 2), (2, 0, 2)]
    assert metrics.most_confused(counts, 1) == [(1, 0, 5)]
    assert metrics.most_confused(np.eye(3, dtype=np.int64), 5) == []


@pytest.mark.parametrize("places", [1, 3, K])
def test_among_the_highest_is_what_sorting_says(places: int) -> None:
    """A class counts if it stands in the first places of the sorted scores, equal ones in their order."""
    truth, scores = named()
    order = np.argsort(-scores, axis=1, kind="stable")
    expected = (order[:, :places] == truth[:, None]).any(1).mean()
    assert metrics.among_highest(scores, truth, places) == pytest.approx(expected)


def test_a_score_that_is_no_number_is_never_among_the_highest() -> None:
    """It takes a place, so that a diverged net gets nothing right."""
    scores = np.array([[np.nan, 2.0, 3.0]] * 3, np.float32)
    assert metrics.among_highest(scores, np.array([0, 1, 2]), 2) == pytest.approx(1 / 3)


def test_rules_that_look_at_no_image() -> None:
    """Guessing, and always naming the class that is most frequent among the training images."""
    found = metrics.baselines(np.array([1, 1, 0, 2]), np.array([1, 0, 0, 1, 2]), 4)
    expected = {"chance_accuracy": 0.25, "chance_loss": np.log(4), "frequent_accuracy": 0.4}
    assert found == pytest.approx(expected)
