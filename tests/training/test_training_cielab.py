import numpy as np
import pytest

from cnnreport.training.metrics.cielab import cielab


@pytest.mark.parametrize(
    ("rgb", "published"),
    [
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
    ],
    ids=["red", "green", "blue", "white", "black"],
)
def test_primaries_are_where_they_are_published(rgb: tuple[int, ...], published: tuple[float, ...]) -> None:
    """The corners of sRGB have the published coordinates, to the published digits."""
    np.testing.assert_allclose(cielab(np.array(rgb)), published, atol=0.005)


def test_greys_are_neutral_and_dark_ones_linear() -> None:
    """Equal red, green and blue have no hue; near black, L* is 903.3 times the luminance."""
    greys = np.linspace(0, 1, 11)[:, None].repeat(3, 1)
    np.testing.assert_allclose(cielab(greys)[:, 1:], 0, atol=1e-9)
    dark = 0.02  # luminance 0.02 / 12.92, below the knees of both curves
    assert cielab(np.full(3, dark))[0] == pytest.approx(29**3 / 3**3 * dark / 12.92)


def test_any_shape_of_colours_is_taken() -> None:
    """The last axis holds the colour, whatever stands before it."""
    colours = np.random.default_rng(0).random((2, 5, 3), dtype=np.float32)
    assert cielab(colours).shape == (2, 5, 3)
    # A matrix product may add in another order where it has more rows.
    np.testing.assert_allclose(cielab(colours)[1, 3], cielab(colours[1, 3]), rtol=1e-12)
