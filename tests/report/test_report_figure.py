"""Figures: the same bytes for the same numbers, and every number a number or a gap."""

import io
import math
from dataclasses import replace

import numpy as np
from PIL import Image

from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve


def test_a_plot_is_the_same_each_time_and_needs_no_font() -> None:
    """No date and no random name; letters are outlines."""
    drawn = [Curve("validation", "validation", [[2.0, 1.5], [2.1, 1.4]])]
    first, second = (figure.curves(drawn, "loss", "alt", ()).content for _ in range(2))
    assert first == second
    assert b"<text" not in first
    assert b"<dc:date>" not in first


def test_values_that_are_none_leave_a_gap() -> None:
    """Diverged runs, also all of them, are drawn without a complaint."""
    lost = [Curve("training", "train", [[2.0, math.inf, math.nan], [math.nan] * 3])]
    assert figure.curves(lost, "loss", "alt", ()).media_type == "image/svg+xml"
    nothing = [Curve("training", "train", [[math.nan]])]
    assert figure.curves(nothing, "loss", "alt", ()).content


def test_an_axis_with_ticks_is_logarithmic_and_draws_what_is_none_as_a_gap() -> None:
    """Batch sizes are steps of doubling; one of them may have diverged."""
    axis = Axis("batch size", ticks=[32, 64, 128])
    drawn = [Curve("validation", "validation", [[1.0, math.nan, 1.2]], x=[32, 64, 128])]
    plain = figure.curves(drawn, "loss", "alt", (), axis=Axis("batch size"))
    assert figure.curves(drawn, "loss", "alt", (), axis=axis).content != plain.content
    assert figure.curves([replace(drawn[0], seeds=[[math.nan] * 3])], "loss", "alt", (), axis=axis).content


def test_steps_are_drawn_in_shades_of_their_own() -> None:
    """Each next step is darker, so that their order can be seen without the legend."""
    drawn = [Curve(str(n), "step", [[1.0, 0.9]], x=[1, 2]) for n in range(3)]
    shades = [sum(colour) for colour in figure._colours(drawn)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 3


def test_groups_of_pictures_stand_apart() -> None:
    """Ten magnified pixels between groups, two within."""
    images = np.zeros((4, 2, 2, 3), np.uint8)
    made = np.asarray(Image.open(io.BytesIO(figure.strip(images, "alt", (), scale=1, groups=2).content)))
    dark = np.flatnonzero(made[0, :, 0] == 0)
    np.testing.assert_array_equal(dark, [0, 1, 4, 5, 16, 17, 20, 21])


def test_a_strip_keeps_every_pixel() -> None:
    """Each pixel becomes a square of its own colour, images two magnified pixels apart."""
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    made = np.asarray(Image.open(io.BytesIO(figure.strip(images, "alt", (), scale=5).content)))
    assert made.shape == (20, 3 * 20 + 2 * 10, 3)
    np.testing.assert_array_equal(made[::5, 30:50:5], images[1])


def test_labels_become_palette_colours() -> None:
    """A label is looked up in the palette; grey is the same in all channels."""
    palette = np.array([[0, 0, 0], [1, 0.5, 0]])
    assert figure.from_labels(np.array([[[1]]]), palette).tolist() == [[[[255, 128, 0]]]]
    assert figure.from_grey(np.array([[[0.2]]])).tolist() == [[[[51, 51, 51]]]]
