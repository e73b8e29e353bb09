"""Promises of the colour palette."""

import numpy as np
import pytest

from cnnreport.data.drawn import meadow
from cnnreport.data.horses import palette
from cnnreport.errors import DataError

COLOURS = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)


def test_clusters_are_the_colours_there_are() -> None:
    """Where the images have exactly NC colours, those are the palette, from dark to light."""
    colours = np.array([[250, 250, 240], [10, 20, 30], [30, 200, 60]], np.uint8)
    rgb = colours[np.random.default_rng(0).integers(0, 3, (4, 8, 8))].transpose(0, 3, 1, 2)
    found = palette.cluster(rgb, 3)
    assert np.allclose(found * 256, colours[[1, 2, 0]], atol=1e-3)


def test_clusters_are_the_same_again() -> None:
    """The same images give the same bytes."""
    rgb = meadow.draw(40).rgb
    first, second = palette.cluster(rgb, 8), palette.cluster(rgb, 8)
    assert first.tobytes() == second.tobytes()
    assert first.dtype == np.float32
    assert first.shape == (8, 3)


def test_too_few_colours() -> None:
    """Fewer different colours than clusters is an error, not a repeated colour."""
    with pytest.raises(DataError, match="1 different colours, expected at least 3"):
        palette.cluster(np.zeros((2, 3, 4, 4), np.uint8), 3)


def test_nearest_against_a_plain_loop() -> None:
    """Labels agree with the definition, computed pixel by pixel."""
    rgb = np.random.default_rng(1).integers(0, 256, (2, 3, 5, 7)).astype(np.uint8)
    labels = palette.nearest(rgb, COLOURS)
    for image, row, column in np.ndindex(2, 5, 7):
        pixel = rgb[image, :, row, column] / 256
        distances = [sum((a - b) ** 2 for a, b in zip(pixel, c, strict=True)) for c in COLOURS.tolist()]
        assert labels[image, row, column] == int(np.argmin(distances))


def test_ties_go_to_the_first() -> None:
    """A pixel between two colours gets the one with the lower number."""
    colours = np.array([[0.25, 0, 0], [0.75, 0, 0], [0.25, 0, 0]], np.float32)
    rgb = np.zeros((1, 3, 1, 2), np.uint8)
    rgb[0, 0, 0] = [128, 64]
    assert palette.nearest(rgb, colours).tolist() == [[[0, 0]]]
