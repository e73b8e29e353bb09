"""Curves: the same bytes for the same numbers, every number a number or a gap, every contender its own."""

import math
from dataclasses import replace

import pytest
from svg_reader import markers, size, strokes

from cnnreport.errors import UsageError
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve

FALLING = [1.0, 0.8, 0.7, 0.6, 0.55, 0.5, 0.48, 0.45, 0.43, 0.4]


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
    drawn = figure.curves([Curve(str(n), "step", [[1.0, 0.9]]) for n in range(3)], "loss", "alt", ())
    lines = [stroke.colour for stroke in strokes(drawn) if stroke.width == 1.5]
    shades = [sum(bytes.fromhex(colour[1:])) for colour in dict.fromkeys(lines)]
    assert len(shades) == 3
    assert shades == sorted(shades, reverse=True)


def contenders(count: int) -> list[Curve]:
    """Curves of so many contenders that stay apart."""
    return [Curve(f"net {n}", "contender", [[v + n for v in FALLING]]) for n in range(count)]


@pytest.mark.parametrize("count", range(2, 9))
def test_contenders_are_told_apart_in_colour_and_without(count: int) -> None:
    """No two of up to eight contenders share a colour, nor dashes and marker at once."""
    drawn = figure.curves(contenders(count), "loss", "alt", ())
    lines = {stroke.colour: stroke.dashes for stroke in strokes(drawn) if stroke.width == 1.5}
    shapes = {colour: shape for shape, colour in markers(drawn)}
    assert len(lines) == count
    assert len({(dashes, shapes.get(colour)) for colour, dashes in lines.items()}) == count


def test_more_contenders_than_can_be_told_apart_are_refused() -> None:
    """The ninth is not drawn in the colour of another."""
    with pytest.raises(UsageError, match=r"8 contenders apart, not 9: net 0, .*net 8; draw them in several"):
        figure.curves(contenders(9), "loss", "alt", ())


def test_two_contenders_have_their_legend_inside_and_more_below() -> None:
    """A figure of two is as high as one of training and validation; the legend of five gets room."""
    pair = [Curve("training", "train", [FALLING]), Curve("validation", "validation", [FALLING])]
    plain, two, five = (
        size(figure.curves(drawn, "loss", "alt", ())) for drawn in (pair, contenders(2), contenders(5))
    )
    assert two == plain
    assert five[0] == plain[0]
    assert five[1] > plain[1] + 5


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


def test_long_names_of_contenders_make_the_figure_higher_not_wider() -> None:
    """Names are broken into lines; a dollar in them begins no formula."""
    name = "a net with a name as long as this one, trained with a rate of $10^{-4}$ and a decay of its own"
    short = contenders(3)
    long = [replace(short[0], label=name), *short[1:]]
    narrow, high = (size(figure.curves(drawn, "loss", "alt", ())) for drawn in (short, long))
    assert high[0] == narrow[0]
    assert high[1] > narrow[1]


def test_a_contender_without_a_finite_value_is_named_as_diverged() -> None:
    """Its entry in the legend is not that of a line that one searches in vain."""
    finite = contenders(3)
    lost = [replace(finite[0], seeds=[[math.nan] * 10]), *finite[1:]]
    named = [replace(finite[0], label="net 0 (diverged)"), *finite[1:]]
    letters = [
        figure.curves(drawn, "loss", "alt", ()).content.decode().split('<g id="legend_1">')[1]
        for drawn in (lost, named, finite)
    ]
    assert letters[0].count("<use") == letters[1].count("<use")
    assert letters[0].count("<use") > letters[2].count("<use")
