import itertools
import random

import pytest
import sympy
import torch
from thinned import thinned
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError
from cnnreport.formula.rules.windows import Window, quotient, same
from cnnreport.formula.symbols import HALF_KERNEL, symbol

M, H = HALF_KERNEL, symbol("h")
ODD = 2 * M + 1


def positions(window: Window, outputs: int) -> list[list[int]]:
    """Where each tap of each window lies, counted from the first input."""
    return [
        [place * window.stride + tap * window.dilation - window.padding for tap in range(window.kernel)]
        for place in range(outputs)
    ]


def on_inputs(window: Window, size: int, outputs: int) -> int:
    """Taps on inputs, one by one."""
    return sum(0 <= where < size for taps in positions(window, outputs) for where in taps)


def random_windows(number: int) -> list[tuple[Window, int]]:
    """Windows that fit on their sizes, some with another padding behind."""
    drawn = random.Random(0)
    found = []
    while len(found) < number:
        window = Window(
            drawn.randint(1, 6), drawn.randint(1, 4), drawn.randint(0, 7), drawn.randint(1, 3),
            drawn.choice([None, drawn.randint(0, 7)]),
        )  # fmt: skip
        size = drawn.randint(1, 12)
        if window.outputs(size) >= 1:
            found.append((window, size))
    return found


def test_windows_fit_exactly_as_often_as_outputs_says() -> None:
    """The last window ends within inputs and padding, and another one would not."""
    for window, size in random_windows(2000):
        behind = window.padding if window.behind is None else window.behind
        ends = [taps[-1] for taps in positions(window, window.outputs(size) + 1)]
        assert ends[-2] <= size - 1 + behind < ends[-1], (window, size)


def test_taps_on_inputs_are_those_found_one_by_one() -> None:
    """Counting tap by tap gives what looking at every pair gives."""
    for window, size in random_windows(2000):
        outputs = window.outputs(size)
        assert window.inside(size, outputs) == on_inputs(window, size, outputs), (window, size)


def test_sizes_with_ceil_are_those_of_pytorch() -> None:
    """A window may hang over, but must not start in the padding behind."""
    for kernel, stride, size in itertools.product(range(1, 6), range(1, 5), range(1, 12)):
        for padding in range(kernel // 2 + 1):
            if size + 2 * padding < kernel:
                continue
            real = F.max_pool1d(torch.zeros(1, 1, size), kernel, stride, padding, ceil_mode=True).shape[-1]
            assert Window(kernel, stride, padding).outputs(size, ceil=True) == real


def test_spread_is_the_size_of_a_transposed_convolution() -> None:
    """Stride, padding, dilation and output padding as in PyTorch."""
    for kernel, stride, padding, dilation in itertools.product(
        range(1, 5), range(1, 4), range(3), range(1, 3)
    ):
        for extra in range(max(stride, dilation)):
            window = Window(kernel, stride, padding, dilation)
            if window.spread(4, extra) >= 1:
                layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding, extra, dilation=dilation)
                assert window.spread(4, extra) == layer(torch.zeros(1, 1, 4)).shape[-1]


SYMBOLIC = [
    (Window(ODD, 1, M), 32),
    (Window(ODD, 1, M), 4 * H),
    (Window(ODD, 2, M), 32),
    (Window(ODD, 2, M), 4 * H),
    (Window(ODD, 3, M), 12 * H),
    (Window(ODD, 3, M), 31),
    (Window(ODD, 1, 0), 32),
    (Window(ODD, 1, 1), 4 * H),
    (Window(ODD, 1, 2 * M, 2), 24),
    (Window(ODD, 1, 2 * M, 2), 4 * H),
    (Window(3, 1, 1), H),
    (Window(2, 2), H),
    (Window(3, 2, 1), H),
    (Window(3, 2), 4 * H),
    (Window(5, 3, 2), 4 * H),
    (Window(1, 1, 2), 4 * H),
    (Window(2, 1, 3, 2), 4 * H),
    (Window(3, 1, 1, 2), 4 * H),
    (Window(2 * M + 2, 1, M, 1, M + 1), 8),
    (Window(ODD, 2, M, 1, M + 1), 4 * H),
]
"""Kernel k = 2m + 1 or known, strides to 3, dilations to 2, paddings and sizes in symbols."""


@pytest.mark.parametrize(("window", "size"), thinned(SYMBOLIC, 4))
def test_expressions_hold_wherever_their_conditions_do(window: Window, size: sympy.Expr | int) -> None:
    """With numbers for the symbols, sizes and counts are those found one by one, often enough."""
    outputs = window.outputs(size)
    inside, conditions = window.inside(size, outputs), window.conditions(size, outputs)
    parts = (window.kernel, window.stride, window.padding, window.dilation)
    tried = 0
    for m, h in itertools.product(range(12), range(1, 9)):
        values = {M: sympy.Integer(m), H: sympy.Integer(h)}

        def at(count: sympy.Expr | int, values: dict[sympy.Symbol, sympy.Integer] = values) -> int:
            return int(sympy.sympify(count).xreplace(values))

        if all(sympy.sympify(condition).xreplace(values) == sympy.true for condition in conditions):
            behind = None if window.behind is None else at(window.behind)
            real = Window(*map(at, parts), behind=behind)
            assert at(outputs) == real.outputs(at(size)) >= 1
            assert at(inside) == on_inputs(real, at(size), at(outputs)), values
            tried += 1
    assert tried >= 4 * (8 if isinstance(size, int) else 1)


@pytest.mark.parametrize(("window", "size"), thinned(SYMBOLIC, 4))
def test_conditions_leave_out_only_what_is_small(window: Window, size: sympy.Expr | int) -> None:
    """They hold for every kernel up to the size of the input: nothing usual is forbidden."""
    conditions = window.conditions(size, window.outputs(size))
    for m in range(4):
        values = {M: m, H: 10}
        assert all(sympy.sympify(condition).subs(values) == sympy.true for condition in conditions)


def test_numbers_need_no_conditions() -> None:
    """Where everything is known, the count simply holds."""
    assert Window(1, 1, 5).conditions(3, Window(1, 1, 5).outputs(3)) == []


def test_a_window_that_fits_on_no_input_has_no_closed_form() -> None:
    """A condition that never holds is an error, not a condition."""
    with pytest.raises(UsageError, match="has no closed form here; give the input size as a number"):
        Window(ODD, 1, 0).conditions(4, -M)


def test_dilated_strides_have_no_closed_form() -> None:
    """A stride beside a dilation with an unknown kernel is refused."""
    with pytest.raises(UsageError, match=r"no closed form for stride 2 and dilation 3; give the kernel size"):
        Window(ODD, 2, M, 3).inside(32, Window(ODD, 2, M, 3).outputs(32))


def test_ceil_needs_numbers_where_it_depends_on_them() -> None:
    """Whether the last window is dropped can depend on the size, which is then asked for."""
    with pytest.raises(UsageError, match="depends on the letters; give the input size as numbers"):
        Window(1, 3).outputs(H, ceil=True)


def test_quotients_round_down() -> None:
    """Numbers and expressions alike; a whole quotient is an int or free of rounding."""
    assert quotient(7, 2) == 3
    assert isinstance(quotient(7, 2), int)
    assert quotient(-1, 2) == -1
    assert quotient(4 * H, 2) == 2 * H
    assert quotient(2 * M + 1, 2) == M
    assert quotient(H, 2).subs(H, 5) == 2


def test_equal_for_all_values_or_for_none() -> None:
    """Two counts are the same or they are not; what depends on a value is refused."""
    n = symbol("n")
    assert same(2 * (n + 1), 2 * n + 2)
    assert same(3, 3)
    assert not same(n, n + 1)
    assert not same(3, 4)
    with pytest.raises(UsageError, match="n and 1 are not equal for all values of their symbols; fix some"):
        same(n, 1)


def test_strides_of_two_lose_a_polynomial() -> None:
    """With ends that differ by one nothing is rounded: a formula in k that a person would write."""
    inside = Window(ODD, 2, M).inside(4 * H, 2 * H)
    assert sympy.expand(inside - (ODD * 2 * H - M * (M + 1) / 2)) == 0
    assert not Window(ODD, 2, M - 1).inside(32, 16).atoms(sympy.floor)


def test_known_kernels_lose_at_most_all_their_taps() -> None:
    """A padding wider than the kernel: whole windows lie on it."""
    window = Window(2, 1, 5)
    assert window.inside(4 * H, 4 * H + 9).subs(H, 2) == on_inputs(window, 8, 17)
