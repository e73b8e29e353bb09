"""Counts as people write them, and that what is written means the count."""

import pytest
import sympy  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from thinned import examples, thinned

from cnnreport.formula import phrase
from cnnreport.formula.reading.expression import parse
from cnnreport.formula.symbols import Count, symbol
from cnnreport.report.draw.maths import typeset

NAMES = {name: symbol(name) for name in ("k", "NIC", "NF", "NC", "H", "W", "num_layers", "x1")}
K, NIC, NF, NC, H, W, LAYERS, _ = NAMES.values()

COLOURISER = K**2 * (NIC * NF + 4 * NF**2 + NF * NC + NC**2) + 12 * NF + 4 * NC
SIGNED = -3 * K**3 * H * (W - 1) + K * (NF - NC) + LAYERS
QUARTER = (K**2 - 1) / 4

COUNTS = [
    (COLOURISER, "k²(NIC·NF + 4NF² + NF·NC + NC²) + 12NF + 4NC"),
    (SIGNED, "−k³(3H·W − 3H) + k(NF − NC) + num_layers"),
    (9 * K**2 * NF**2, "9k²·NF²"),
    (12345 * K**11, "12345k¹¹"),
    (QUARTER, "(k² − 1)/4"),
    (QUARTER * NF, "(k²·NF − NF)/4"),
    (K**2 * (NF - 1) / 4, "k²(NF − 1)/4"),
    (-3 * K / 4, "−3k/4"),
    (H * W / 4 + NF / 6, "(2NF + 3H·W)/12"),
    (sympy.Rational(1, 2), "1/2"),
    (sympy.Integer(7), "7"),
    (-5, "−5"),
    (0, "0"),
    (K - K, "0"),
]
NO_POLYNOMIALS = [
    sympy.floor(H / 2) * NF + K,
    sympy.ceiling((LAYERS - 1) / 2),
    sympy.Max(K, 2),
    K / NF,
    2**K,
    sympy.oo,
]


@pytest.mark.parametrize(("count", "text"), thinned(COUNTS, 3))
def test_a_count_is_collected_by_powers_of_k(count: Count, text: str) -> None:
    """Highest power first, brackets only where needed, NIC before NF before NC before all others."""
    assert phrase.text(count) == text


def test_words_say_the_formula() -> None:
    """Someone who hears the formula can write it down."""
    assert phrase.words(COLOURISER - NC) == (
        "k squared times (NIC NF plus 4 NF squared plus NF NC plus NC squared) plus 12 NF plus 3 NC"
    )
    assert phrase.words(-(K**3) - NF**4) == "minus k cubed minus NF to the power 4"
    assert phrase.words(QUARTER) == "(k squared minus 1) divided by 4"


def test_latex_sets_names_upright() -> None:
    """A name of several letters is one upright word, and k stays a variable."""
    assert phrase.latex(9 * K**2 * NF**2) == r"9k^{2}\,\mathrm{NF}^{2}"
    assert phrase.latex(-3 * K / 4) == r"-\frac{3k}{4}"
    assert phrase.latex(LAYERS) == r"\mathrm{num{\_}layers}"


def test_code_keeps_the_collected_form() -> None:
    """What is pasted into Python looks like what was read."""
    assert phrase.code(K**2 * (NIC * NF + NF**2) / 4 - 1) == "(k**2*(NIC*NF + NF**2) - 4)/4"


@st.composite
def polynomials(draw: st.DrawFn) -> Count:
    """Draw a polynomial with rational coefficients in the names above."""
    exponents = st.lists(st.integers(0, 3), min_size=len(NAMES), max_size=len(NAMES))
    fractions = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=12)
    total = sympy.Integer(0)
    for powers, fraction in draw(st.lists(st.tuples(exponents, fractions), max_size=5)):
        coefficient = sympy.Rational(fraction.numerator, fraction.denominator)
        total += coefficient * sympy.prod(name**n for name, n in zip(NAMES.values(), powers, strict=True))
    return total


@given(polynomials())
@settings(max_examples=examples(50), deadline=None, derandomize=True, database=None)
def test_what_is_written_means_the_count(count: Count) -> None:
    """Text and code, read back by the parser and by sympy, are the same polynomial."""
    assert parse(phrase.text(count), NAMES) == count
    assert parse(phrase.code(count), NAMES) == count
    assert sympy.expand(sympy.sympify(phrase.code(count), locals=NAMES)) == count


@pytest.mark.parametrize("count", thinned([*(count for count, _ in COUNTS), *NO_POLYNOMIALS], 4))
def test_every_count_can_be_typeset(count: Count) -> None:
    """The LaTeX is one that the report's typesetter reads, whole and in lines, with words beside it."""
    for line in [phrase.latex(count), *phrase.latex_lines(count, 10)]:
        assert typeset(line, phrase.words(count)).width > 0


@pytest.mark.parametrize("count", NO_POLYNOMIALS)
def test_what_is_no_polynomial_prints_as_sympy_does(count: Count) -> None:
    """Rounding, powers of a letter and the like are shown, if not collected."""
    assert phrase.text(count) == phrase.words(count) == str(count)
    assert sympy.sympify(phrase.code(count), locals=NAMES) == count


def test_a_formula_that_fits_stays_on_one_line() -> None:
    """A line is broken only where it must be."""
    assert phrase.latex_lines(COLOURISER, 80) == [phrase.latex(COLOURISER)]
    assert phrase.latex_lines(5, 1) == ["5"]


def test_a_long_formula_is_broken_before_a_sign() -> None:
    """Each further line begins with its sign, brackets stay whole, short terms share a line."""
    first, second = phrase.latex_lines(COLOURISER, 35)
    assert first.startswith(r"k^{2}(\mathrm{NIC}")
    assert second == r"+\, 12\mathrm{NF} + 4\mathrm{NC}"
    assert [line[0] for line in phrase.latex_lines(SIGNED, 20)] == ["-", "+", "+"]
    assert phrase.latex_lines(K - NF, 1) == ["k", r"-\, \mathrm{NF}"]


def test_a_broken_fraction_keeps_its_denominator_in_front() -> None:
    """The bracket that it multiplies closes on the last line."""
    assert phrase.latex_lines(-QUARTER, 4) == [r"\frac{1}{4}({-}k^{2}", r"+\, 1)"]


def test_a_shape_lists_its_sizes() -> None:
    """Sizes stand apart, and one that is a sum has brackets."""
    sizes = (NF, 16, H - K + 1, (H - 1) / 2, sympy.floor(H / 2) + 1)
    assert phrase.shape(sizes) == "NF × 16 × (−k + H + 1) × (H − 1)/2 × (floor(H/2) + 1)"
    assert phrase.shape_words(sizes[:3]) == "NF by 16 by (minus k plus H plus 1)"
    assert phrase.shape_latex(sizes[:2]) == r"\mathrm{NF}\,\times\,16"
    assert typeset(phrase.shape_latex(sizes), phrase.shape_words(sizes)).width > 0


def test_a_shape_without_sizes_is_one_number() -> None:
    """A loss, which has no sizes, counts as one."""
    assert phrase.shape(()) == phrase.shape_latex(()) == phrase.shape_words(()) == "1"
