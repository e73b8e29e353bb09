"""Whether a net is as sure as it is right, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from cnnreport.training.metrics.calibration import calibration, calibration_error


def predictions(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of 500 predictions, and whether they are right: too seldom, where the net is sure."""
    generator = np.random.default_rng(seed)
    probability = generator.uniform(0.05, 1, 500)
    return probability, generator.uniform(size=500) < probability**2


def test_bins_hold_what_they_are_the_bins_of() -> None:
    """Their upper ends belong to them, as in the paper, and zero to the first."""
    probability = np.array([0, 0.05, 0.5, 0.51, 0.75, 1])
    right = np.array([False, True, True, False, True, True])
    expected = np.zeros((10, 3))
    expected[0] = 2, 0.05, 1
    expected[4] = 1, 0.5, 1
    expected[5] = 1, 0.51, 0
    expected[7] = 1, 0.75, 1
    expected[9] = 1, 1, 1
    np.testing.assert_allclose(calibration(probability, right), expected)


def test_bins_are_scikit_learns_curve() -> None:
    """Mean probability and share of right ones, where a bin is not empty."""
    probability, right = predictions()
    bins = calibration(probability, right)
    shares, means = calibration_curve(right, probability, n_bins=10)
    filled = bins[bins[:, 0] > 0]
    np.testing.assert_allclose(filled[:, 1] / filled[:, 0], means)
    np.testing.assert_allclose(filled[:, 2] / filled[:, 0], shares)


def test_bins_of_two_halves_add_up() -> None:
    """So they can be filled batch by batch, of any shape."""
    probability, right = predictions()
    halves = [
        calibration(part.reshape(5, 50), hit.reshape(5, 50))
        for part, hit in zip(np.split(probability, 2), np.split(right, 2), strict=True)
    ]
    np.testing.assert_allclose(sum(halves), calibration(probability, right))


def test_the_error_is_the_weighted_mean_distance() -> None:
    """Three predictions of 0.8, one right; one of 0.3, right: 3/4 of |1/3 - 0.8| and 1/4 of 0.7."""
    bins = calibration(np.array([0.8, 0.8, 0.8, 0.3]), np.array([True, False, False, True]))
    assert calibration_error(bins) == pytest.approx(0.75 * (0.8 - 1 / 3) + 0.25 * 0.7)


def test_the_errors_of_intervals_do_not_cancel() -> None:
    """A net too sure here and too unsure there is not well calibrated, although it is on the whole."""
    bins = calibration(np.array([0.75, 0.25]), np.array([False, True]))
    assert calibration_error(bins) == pytest.approx(0.75)


def test_what_is_no_number_is_in_no_bin() -> None:
    """A net that diverged has no calibration error."""
    lost = np.full(4, np.nan, np.float32)
    bins = calibration(lost, np.array([True, False, False, False]))
    assert bins.tolist() == [[0, 0, 0]] * 10
    assert np.isnan(calibration_error(bins))
