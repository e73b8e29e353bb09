import numbers
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thinned import examples, thinned

from cnnreport.errors import UsageError
from cnnreport.formula.symbols import HALF_KERNEL, symbol
from cnnreport.formula.tracing.size import Size, unwrap, wrap

NF = symbol("NF")
K = 2 * HALF_KERNEL + 1
OPERATIONS = (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod)


@settings(derandomize=True, deadline=None, database=None, max_examples=examples(150))
@given(
    steps=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(1, 9), st.booleans()), max_size=4),
    value=st.integers(1, 40),
)
def test_arithmetic_is_that_of_python(steps: list[Any], value: int) -> None:
    """What is computed with a letter gives, with a number in its place, what Python gives."""
    size, number = wrap(NF), value
    for apply, other, reflected in steps:
        if reflected and apply in (operator.floordiv, operator.mod):
            reflected = False  # a letter may be no divisor: it could vanish
        size = apply(other, size) if reflected else apply(size, other)
        number = apply(other, number) if reflected else apply(number, other)
    assert (unwrap(size).subs(NF, value) if isinstance(size, Size) else size) == number


@pytest.mark.parametrize(
    ("decided", "answer"),
    thinned(
        [
            (lambda nf, k: nf == nf, True),
            (lambda nf, k: nf == 2 * nf, False),
            (lambda nf, k: nf != 0, True),
            (lambda nf, k: nf > 0, True),
            (lambda nf, k: nf <= 0, False),
            (lambda nf, k: 2 * nf >= nf, True),
            (lambda nf, k: bool(nf), True),
            (lambda nf, k: nf == (3, 3), False),
            (lambda nf, k: isinstance(nf, int), True),
            (lambda nf, k: isinstance(nf, numbers.Integral), True),
            (lambda nf, k: isinstance(nf, str | tuple | bool), False),
            (lambda nf, k: nf is None, False),
            (lambda nf, k: k % 2 == 1, True),
            (lambda nf, k: k // 2 * 2 + 1 == k, True),
            (lambda nf, k: (2 * nf) % nf, 0),
        ],
        3,
    ),
)
def test_what_holds_for_all_values_is_answered(decided: Callable[..., Any], answer: Any) -> None:
    """A net may ask what has one answer, as the layers of torch do."""
    assert decided(wrap(NF), wrap(K)) == answer


@pytest.mark.parametrize(
    ("asked", "says"),
    thinned(
        [
            (lambda nf: nf == 64, "as NF is 64 or not"),
            (lambda nf: nf != 64, "as NF is 64 or not"),
            (lambda nf: operator.eq(64, nf), "as NF is 64 or not"),
            (lambda nf: nf > 8, "as NF > 8 or not"),
            (lambda nf: nf in (16, 32), "as NF is 16 or not"),
            (lambda nf: nf % 8 == 0, "is 0 or not"),
            (lambda nf: max(nf, 8), "as 8 > NF or not|as NF < 8 or not"),
            (lambda nf: bool(nf - 1), "is 0 or not"),
            (lambda nf: nf == "same", "NF is compared with the text 'same'"),
            (lambda nf: nf in ("same", 3), "NF is compared with the text 'same'"),
            (lambda nf: nf == True, "NF is compared with True"),  # noqa: E712 - as people write it
            (lambda nf: {64: 1}.get(nf), "looked up in a table"),
            (lambda nf: range(nf), "where Python takes numbers only"),
            (lambda nf: int(nf), "where Python takes numbers only"),
            (lambda nf: float(nf), "where Python takes numbers only"),
            (lambda nf: round(nf), "where Python takes numbers only"),
            (lambda nf: [0] * nf, "where Python takes numbers only"),
        ],
        3,
    ),
)
def test_what_depends_on_the_value_is_refused(asked: Callable[[Any], Any], says: str) -> None:
    """No answer is guessed; the error names the question and the remedy."""
    with pytest.raises(UsageError, match=rf"({says}).*--fix \w+="):
        asked(wrap(NF))


def test_sizes_travel_in_nested_values_and_back() -> None:
    """Known numbers become ints, everything that is no expression stays as it is."""
    nested = [(NF, 3), [K, "same"], NF - NF + 2]
    given_out = wrap(nested)
    assert type(given_out[2]) is int
    assert unwrap(given_out) == [(NF, 3), [K, "same"], 2]
    assert repr(wrap(K)) == "k"
