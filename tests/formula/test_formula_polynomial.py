import math
from fractions import Fraction
from itertools import pairwise

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from thinned import examples

from cnnreport.errors import UsageError
from cnnreport.formula.proof.polynomial import Points, degree, period, value
from cnnreport.formula.symbols import symbol

H, W, K, NF = map(symbol, ("h", "w", "k", "NF"))


def halved(size: sympy.Expr, times: int) -> sympy.Expr:
    """The size behind some convolutions of stride two, written without any simplification."""
    for _ in range(times):
        size = sympy.floor((size - 1) / 2, evaluate=False) + 1
    return size


def numbers(count: sympy.Expr, first: int, step: int, many: int) -> list[Fraction]:
    """Values of a count along h, by sympy itself."""
    others = {W: sympy.Integer(7), NF: sympy.Integer(3)}
    places = (sympy.Integer(first + i * step) for i in range(many))
    return [Fraction(str(count.xreplace({H: place, **others}))) for place in places]


def is_polynomial(values: list[Fraction], highest: int) -> bool:
    """Whether the finite differences of an order above the degree all vanish."""
    for _ in range(highest + 1):
        values = [later - earlier for earlier, later in pairwise(values)]
    return not any(values)


@pytest.mark.parametrize(("times", "expected"), [(1, 2), (3, 8), (4, 16), (5, 32), (6, 64), (9, 512)])
def test_halving_again_and_again_has_the_period_of_the_last(times: int, expected: int) -> None:
    """Nested quotients do not multiply their periods once for each nesting."""
    assert period(NF * halved(H, times) + halved(H, 1), H) == expected


@st.composite
def counts(draw: st.DrawFn) -> sympy.Expr:
    """Sizes behind some layers, multiplied with other things."""
    size: sympy.Expr = H * draw(st.integers(1, 3))
    for _ in range(draw(st.integers(1, 3))):
        divisor = draw(st.sampled_from([2, 2, 3, 4]))
        size = sympy.floor(sympy.expand((size + draw(st.integers(-2, 3))) / divisor)) + draw(
            st.integers(0, 2)
        )
    other = draw(st.sampled_from([sympy.Integer(1), W, H, sympy.floor(H / 2), sympy.floor(H * W / 4)]))
    return sympy.expand(size * other)


@given(count=counts())
@settings(max_examples=examples(60), derandomize=True, deadline=None, database=None)
def test_a_count_is_a_polynomial_on_each_class_of_its_period(count: sympy.Expr) -> None:
    """Values that are a period apart have vanishing differences above the degree, by sympy's own numbers."""
    if not count.free_symbols:
        return
    step, highest = period(count, H), degree(count, H, [H, W])
    for first in range(1, step + 1):
        assert is_polynomial(numbers(count, first, step, highest + 4), highest)


def test_the_period_is_no_longer_than_it_must_be() -> None:
    """At no shorter step is a count of halves, thirds and quarters a polynomial on all classes."""
    for count in (halved(H, 3), sympy.floor(H / 3) + sympy.floor(H / 4), H * sympy.floor((H + W) / 6)):
        step, highest = period(count, H), degree(count, H, [H, W])
        for shorter in range(1, step):
            fits = (
                is_polynomial(numbers(count, first, shorter, highest + 8), highest)
                for first in range(1, shorter + 1)
            )
            assert not all(fits)


def test_a_kernel_size_takes_every_other_value() -> None:
    """A period of four in k is one of two in odd values of k, one of three stays."""
    assert [period(sympy.floor(K / q), K) for q in (4, 3, 2)] == [2, 3, 1]


def test_a_scale_of_a_third_has_a_period_of_three() -> None:
    """No decimal of a scale gets into a period."""
    assert period(sympy.floor(H / 3) * W, H) == 3


def test_counts_are_evaluated_exactly_at_all_points_at_once() -> None:
    """As sympy does it, beyond what a double can hold."""
    count = sympy.expand((K**2 - 1) / 2 * NF**3) + halved(H, 3) * 10**20
    rows = [(h, k, nf) for h in (1, 9, 10) for k in (1, 3) for nf in (1, 10**6 + 1)]
    points = Points([H, K, NF], rows)
    expected = [int(count.subs(dict(zip([H, K, NF], row, strict=True)))) for row in rows]
    assert list(points.at(count)) == expected
    assert list(points.at(7)) == [7] * len(rows)


def test_a_fraction_is_no_count() -> None:
    """What is not whole everywhere is refused, not rounded."""
    with pytest.raises(UsageError, match="h/2 is no whole number for all values"):
        Points([H], [(2,), (3,)]).at(H / 2)


@pytest.mark.parametrize("count", [1 / H, sympy.sqrt(H), 2**H, sympy.floor(1 / H)])
def test_what_is_no_polynomial_is_refused(count: sympy.Expr) -> None:
    """There is no degree, and so no proof."""
    with pytest.raises(UsageError, match="is no polynomial"):
        degree(count, H, [H])


def test_the_degree_of_a_quotient_is_that_of_its_argument() -> None:
    """Nothing that is rounded cancels against what is not."""
    assert degree(sympy.floor(H**2 / 2) * W + H - H**2 * W / 2, H, [H, W]) == 2
    assert degree(math.prod([H, H]), W, [H, W]) == 0


def test_single_values_keep_what_is_no_expression() -> None:
    """Numbers, words and flags of a constructor pass as they are."""
    assert (value(2 * H, {H: 3}), value("same", {H: 3}), value(True, {H: 3})) == (6, "same", True)
