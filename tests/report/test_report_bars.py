"""Bars: as long as their numbers, with what the seeds make of them, and said in words."""

import math
from collections.abc import Mapping

import pytest
from svg_reader import Stroke, markers, size, strokes

from cnnreport.errors import UsageError
from cnnreport.kinds.kind import Form
from cnnreport.report.draw import bars, paper, style
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.quantity import Quantity, Source


def number(*values: float, form: Form = "share") -> Quantity:
    """A number with a value for each seed."""
    return Quantity("name", "meaning", dict(enumerate(values)), form, Source((), "", ""))


def draw(group: Mapping[str, Quantity], name: str = "", width: float = paper.WIDE) -> Picture:
    """Bars of one group."""
    return bars.bars({name: group}, "Compared.", (), width=width)


def filled(picture: Picture) -> list[Stroke]:
    """The bars themselves."""
    return [stroke for stroke in strokes(picture) if stroke.fill in style.CONTENDERS]


def whiskers(picture: Picture) -> list[Stroke]:
    """The intervals."""
    return [stroke for stroke in strokes(picture) if stroke.colour == style.INK and stroke.width == 0.8]


def test_bars_are_as_long_as_the_means_of_their_seeds() -> None:
    """From zero, so that twice as long is twice as much."""
    drawn = draw({"a": number(0.2, 0.4), "b": number(0.9), "c": number(0.6)})
    lengths = [bar.span for bar in filled(drawn)]
    assert lengths[0] / lengths[1] == pytest.approx(1 / 3, rel=1e-3)
    assert lengths[2] / lengths[1] == pytest.approx(2 / 3, rel=1e-3)


def test_a_negative_number_goes_the_other_way() -> None:
    """Both bars begin at the line of zero."""
    down, up = filled(draw({"a": number(-0.5, form="loss"), "b": number(0.5, form="loss")}))
    assert max(x for x, _ in down.points) == pytest.approx(min(x for x, _ in up.points))
    assert down.span == pytest.approx(up.span, rel=1e-3)


def test_a_whisker_is_the_interval_over_seeds() -> None:
    """With seeds 1, 2 and 3 it is 2 +- 4.303 * 1 / sqrt(3) (Student's t, two degrees of freedom)."""
    drawn = draw({"a": number(1, 2, 3, form="loss"), "b": number(20, form="loss")})
    (whisker,) = whiskers(drawn)
    assert whisker.span / filled(drawn)[1].span == pytest.approx(2 * 4.3027 / math.sqrt(3) / 20, rel=1e-3)


def test_an_interval_beyond_all_values_ends_in_arrows() -> None:
    """Two seeds far apart would else make all bars too short to be compared."""
    drawn = draw({"a": number(0.4, 0.9), "b": number(0.9)})
    assert filled(drawn)[1].span > size(drawn)[0] * 72 / 25.4 / 3
    shapes = {shape for shape, _ in markers(drawn)}
    assert len(shapes) == 3  # an arrow on each side, and the dots


def test_seeds_without_a_finite_value_are_counted_and_take_no_part() -> None:
    """The bar is the mean of the others, and words say how many are missing."""
    drawn = draw({"a": number(0.5, math.nan, math.inf), "b": number(0.5), "c": number(math.nan, math.nan)})
    lengths = [bar.span for bar in filled(drawn)]
    assert lengths == pytest.approx([lengths[1], lengths[1], 0.0], abs=1e-3)
    assert drawn.alt == ("Compared. a: 50.0 %, 2 of 3 non-finite; b: 50.0 %; c: all 2 seeds non-finite.")


def test_one_seed_has_neither_interval_nor_dot() -> None:
    """One value says nothing about the spread."""
    drawn = draw({"a": number(0.5), "b": number(0.6)})
    assert whiskers(drawn) == []
    assert markers(drawn) == []


def test_zero_is_drawn_without_a_complaint() -> None:
    """Also where every number is zero there is a scale."""
    assert [bar.span for bar in filled(draw({"a": number(0.0), "b": number(0.0, 0.0)}))] == [0.0, 0.0]


def test_a_contender_has_the_same_colour_in_every_group() -> None:
    """Groups are named in the alternative text; a contender may be missing in one."""
    groups = {"small": {"a": number(0.5), "b": number(0.6)}, "large": {"b": number(0.7)}}
    drawn = bars.bars(groups, "Compared.", ())
    assert [bar.fill for bar in filled(drawn)] == [style.CONTENDERS[0], *[style.CONTENDERS[1]] * 2]
    assert drawn.alt == "Compared. small, a: 50.0 %; small, b: 60.0 %; large, b: 70.0 %."


def test_long_names_leave_room_for_the_bars() -> None:
    """Names and numbers are broken into lines, so that a narrow figure still shows lengths."""
    name = "a net with a name as long as this one and with a rate of $10^{-4}$"
    drawn = draw({name: number(0.5, 0.6, math.nan), "b": number(0.6)}, name * 3, paper.NARROW)
    assert size(drawn)[0] == pytest.approx(paper.NARROW, abs=0.01)
    assert filled(drawn)[1].span > size(drawn)[0] * 72 / 25.4 / 10


def test_numbers_of_different_forms_are_refused() -> None:
    """A loss beside an accuracy has no common scale."""
    with pytest.raises(UsageError, match="one form, not of loss, share"):
        draw({"a": number(0.5), "b": number(0.5, form="loss")})


def test_no_number_is_refused() -> None:
    """A figure without a bar would be a blank."""
    with pytest.raises(UsageError, match="one form, not of none"):
        bars.bars({}, "alt", ())


def test_more_contenders_than_can_be_told_apart_are_refused() -> None:
    """Nine colours that all can tell apart do not exist."""
    with pytest.raises(UsageError, match="tells 8 contenders apart, not 9"):
        draw({str(n): number(0.5) for n in range(9)})


def test_bars_are_the_same_each_time() -> None:
    """The same numbers, the same bytes."""
    first, second = (draw({"a": number(0.1, 0.2)}).content for _ in range(2))
    assert first == second
