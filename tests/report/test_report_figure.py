"""Curves: the same bytes for the same numbers, every number a number or a gap, every contender its own."""

import math
import re
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from svg_reader import markers, size, strokes
from thinned import thinned

from cnnreport.errors import UsageError
from cnnreport.report.draw import figure, paper
from cnnreport.report.draw.figure import Axis, Curve

FALLING = [1.0, 0.8, 0.7, 0.6, 0.55, 0.5, 0.48, 0.45, 0.43, 0.4]


def test_a_plot_is_the_same_each_time_and_needs_no_font() -> None:
    """No date and no random name; letters are outlines."""
    drawn = [Curve("validation", "validation", [[2.0, 1.5], [2.1, 1.4]])]
    first, second = (figure.curves(drawn, "loss", "alt", ()).content for _ in range(2))
    assert first == second
    assert b"<text" not in first
    assert b"<dc:date>" not in first


@pytest.mark.slow
def test_values_that_are_none_leave_a_gap() -> None:
    """Diverged runs, also all of them, are drawn without a complaint."""
    lost = [Curve("training", "train", [[2.0, math.inf, math.nan], [math.nan] * 3])]
    assert figure.curves(lost, "loss", "alt", ()).media_type == "image/svg+xml"
    nothing = [Curve("training", "train", [[math.nan]])]
    assert figure.curves(nothing, "loss", "alt", ()).content


def test_a_seed_that_ended_earlier_is_drawn_as_far_as_it_went() -> None:
    """A run that stopped when it diverged does not keep the others from being drawn."""
    drawn = figure.curves([Curve("validation", "validation", [FALLING, FALLING[:4]])], "loss", "alt", ())
    lengths = {len(s.points) for s in strokes(drawn) if s.colour == "#0072b2" and s.width == 0.5}
    assert lengths == {10, 4}


@pytest.mark.parametrize("drawn", [[], [Curve("validation", "validation", [])]])
def test_nothing_to_draw_is_refused(drawn: list[Curve]) -> None:
    """An empty figure would be a blank without a word."""
    with pytest.raises(UsageError, match="no value to draw of loss; give curves"):
        figure.curves(drawn, "loss", "alt", ())


@pytest.mark.slow
def test_an_axis_with_ticks_is_logarithmic_and_draws_what_is_none_as_a_gap() -> None:
    """Batch sizes are steps of doubling; one of them may have diverged."""
    axis = Axis("batch size", ticks=[32, 64, 128])
    drawn = [Curve("validation", "validation", [[1.0, math.nan, 1.2]], x=[32, 64, 128])]
    plain = figure.curves(drawn, "loss", "alt", (), axis=Axis("batch size"))
    assert figure.curves(drawn, "loss", "alt", (), axis=axis).content != plain.content
    assert figure.curves([replace(drawn[0], seeds=[[math.nan] * 3])], "loss", "alt", (), axis=axis).content


@pytest.mark.slow
def test_steps_are_drawn_in_shades_of_their_own() -> None:
    """Each next step is darker, so that their order can be seen without the legend."""
    drawn = figure.curves([Curve(str(n), "step", [[1.0, 0.9]]) for n in range(3)], "loss", "alt", ())
    lines = [stroke.colour for stroke in strokes(drawn) if stroke.width == 1.5]
    shades = [sum(bytes.fromhex(colour[1:])) for colour in dict.fromkeys(lines)]
    assert len(shades) == 3
    assert shades == sorted(shades, reverse=True)


def contenders(count: int) -> list[Curve]:
    """Curves of so many contenders that stay apart."""
    return [Curve(f"net {n}", "contender", [[v + n for v in FALLING]]) for n in range(count)]


@pytest.mark.parametrize("count", thinned(range(2, 9), 6))
def test_contenders_are_told_apart_in_colour_and_without(count: int) -> None:
    """No two of up to eight contenders share a colour, nor dashes and marker at once."""
    drawn = figure.curves(contenders(count), "loss", "alt", ())
    lines = {stroke.colour: stroke.dashes for stroke in strokes(drawn) if stroke.width == 1.5}
    shapes = {colour: shape for shape, colour in markers(drawn)}
    assert len(lines) == count
    assert len({(dashes, shapes.get(colour)) for colour, dashes in lines.items()}) == count


SEEN_BY = {
    "all": np.eye(3),
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
"""What eyes make of linear sRGB (Machado, Oliveira and Fernandes, 2009, severity 1)."""

XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]


def lab(colour: str, eyes: str) -> Any:
    """A colour in CIELAB (D65), as some eyes see it."""
    srgb = np.array(list(bytes.fromhex(colour[1:]))) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array(XYZ) @ np.clip(np.array(SEEN_BY[eyes]) @ linear, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", sorted(SEEN_BY))
def test_colour_blind_readers_tell_contenders_apart(eyes: str) -> None:
    """Any two colours are far apart, at eight times what is barely seen (2.3, Mahy et al., 1994)."""
    drawn = strokes(figure.curves(contenders(8), "loss", "alt", ()))
    colours = sorted({stroke.colour for stroke in drawn if stroke.width == 1.5})
    apart = [np.linalg.norm(lab(a, eyes) - lab(b, eyes)) for a, b in combinations(colours, 2)]
    assert len(apart) == 28
    assert min(apart) > 8 * 2.3


def test_more_contenders_than_can_be_told_apart_are_refused() -> None:
    """The ninth is not drawn in the colour of another."""
    with pytest.raises(UsageError, match=r"8 contenders apart, not 9: net 0, .*net 8; draw them in several"):
        figure.curves(contenders(9), "loss", "alt", ())


def test_names_beside_the_axes_take_no_height() -> None:
    """A figure of eight contenders is as large as one of training and validation."""
    pair = [Curve("training", "train", [FALLING]), Curve("validation", "validation", [FALLING])]
    plain, two, eight = (
        size(figure.curves(drawn, "loss", "alt", ())) for drawn in (pair, contenders(2), contenders(8))
    )
    assert eight == two == plain


def names(drawn: list[Curve]) -> list[str]:
    """The lettering that names the lines of a figure, as drawn."""
    content = figure.curves(drawn, "loss", "alt", ()).content.decode()
    return [part.split("</g>\n </g>")[0] for part in re.split(r'<g id="name-\d+">', content)[1:]]


def test_every_line_is_named_once_and_a_leader_has_its_colour() -> None:
    """Also lines that end in one point: each leader leads to another name."""
    close = [Curve(f"net {n}", "contender", [[v + n * 1e-6 for v in FALLING]]) for n in range(6)]
    named = names(close)
    assert len(named) == 6
    drawn = figure.curves(close, "loss", "alt", ())
    leaders = [stroke for stroke in strokes(drawn) if stroke.width == pytest.approx(0.7)]
    lines = {stroke.colour for stroke in strokes(drawn) if stroke.width == 1.5}
    assert {leader.colour for leader in leaders} == lines
    assert len({leader.points[0] for leader in leaders}) == 6


@pytest.mark.slow
def test_steps_have_dashes_of_their_own() -> None:
    """Neighbouring shades are told apart in grey too."""
    steps = [Curve(str(n), "step", [[v + n for v in FALLING]]) for n in range(6)]
    dashes = [s.dashes for s in strokes(figure.curves(steps, "loss", "alt", ())) if s.width == 1.5]
    assert len(dashes) == 6
    assert all(one != other for one, other in pairwise(dashes))


def test_contenders_may_each_have_training_and_validation() -> None:
    """Both have the contender's colour; training is dashed and thinner, and the legend says so once."""
    drawn = [
        Curve(label, role, [[v + n for v in FALLING]], contender=f"net {n}")
        for n in range(3)
        for label, role in (("training", "train"), ("validation", "validation"))
    ]
    lines = [s for s in strokes(figure.curves(drawn, "loss", "alt", ())) if len(s.points) == len(FALLING)]
    training, validation = lines[::2], lines[1::2]
    assert [line.colour for line in training] == [line.colour for line in validation]
    assert len({line.colour for line in lines}) == 3
    assert all(line.dashes and line.width < 1.5 for line in training)
    assert not any(line.dashes for line in validation)


@pytest.mark.slow
def test_long_names_of_contenders_make_the_figure_higher_not_wider() -> None:
    """Names are broken into lines; a dollar in them begins no formula."""
    name = "a net with a name as long as this one, trained with a rate of $10^{-4}$ and a decay of its own"
    short = contenders(3)
    long = [replace(each, label=f"{name} {number}") for number, each in enumerate(short)]
    narrow, high = (size(figure.curves(drawn, "loss", "alt", ())) for drawn in (short, long))
    assert high[0] == narrow[0]
    assert high[1] > narrow[1]


def test_a_contender_without_a_finite_value_is_named_as_such() -> None:
    """Its name is not that of a line that one searches in vain, and no leader goes from it."""
    finite = contenders(3)
    lost = [replace(finite[0], seeds=[[math.nan] * 10]), *finite[1:]]
    drawn = [figure.curves(each, "loss", "alt", ()) for each in (lost, finite)]
    letters = [sum(name.count("<use") for name in names(each)) for each in (lost, finite)]
    assert letters[0] == letters[1] + len("(no finite value)")
    leaders = [sum(stroke.width == pytest.approx(0.7) for stroke in strokes(each)) for each in drawn]
    assert leaders == [2, 3]


@pytest.mark.slow
def test_a_ceiling_keeps_the_others_apart_from_one_that_goes_astray() -> None:
    """Values above it leave the picture; those below use its height."""
    drawn = [*contenders(2), Curve("astray", "contender", [[10.0**n for n in range(10)]])]
    flat, useful = (
        next(s for s in strokes(figure.curves(drawn, "loss", "alt", (), ceiling=top)) if len(s.points) == 10)
        for top in (None, 3.0)
    )
    heights = [max(y for _, y in line.points) - min(y for _, y in line.points) for line in (flat, useful)]
    assert heights[0] < 1 < 15 < heights[1]


@pytest.mark.slow
def test_a_wide_figure_takes_the_column() -> None:
    """It is as wide as the text, and as high as a narrow one."""
    narrow, wide = (
        size(figure.curves(contenders(8), "loss", "alt", (), wide=wide)) for wide in (False, True)
    )
    assert wide[0] == pytest.approx(144, abs=0.1)
    assert wide[1] == narrow[1]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.3)), min_size=1, max_size=9))
def test_names_are_spread_without_overlap(asked: list[tuple[float, float]]) -> None:
    """They keep their order, stay inside where they fit, and move only where they have to."""
    asked = sorted(asked, reverse=True)
    wanted, heights = [want for want, _ in asked], [height for _, height in asked]
    places = paper.spread(wanted, heights)
    edges = [(place + height / 2, place - height / 2) for place, height in zip(places, heights, strict=True)]
    assert all(above[1] >= below[0] - 1e-9 for above, below in pairwise(edges))
    if sum(heights) <= 1:
        assert max(top for top, _ in edges) <= 1 + 1e-9
        assert min(bottom for _, bottom in edges) >= -1e-9
    free = [(want + height / 2, want - height / 2) for want, height in asked]
    if all(low >= 0 and high <= 1 for high, low in free) and all(a[1] >= b[0] for a, b in pairwise(free)):
        assert places == pytest.approx(wanted)
