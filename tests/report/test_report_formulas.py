"""Formulas on a page: text where text can say them, pictures where it cannot, words for both."""

import html
import re

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from cnnreport.errors import UsageError
from cnnreport.formula import phrase
from cnnreport.formula.symbols import symbol
from cnnreport.report.page import formulas


def characters(text: object) -> str:
    """Return what a piece of a page shows, without tags and spaces."""
    return re.sub(r"<[^>]*>|\s", "", html.unescape(str(text)))


LETTERS = [symbol(name) for name in ("k", "NIC", "NF", "NC", "width")]
TERMS = st.tuples(st.integers(-2000, 2000), *[st.integers(0, 4)] * len(LETTERS))


@given(st.lists(TERMS, max_size=6), st.integers(1, 64))
def test_every_polynomial_is_text_and_reads_as_its_plain_form(
    terms: list[tuple[int, ...]], divisor: int
) -> None:
    """Whatever a derivation counts, each line is text; together they are the formula as people type it."""
    count = sympy.Add(
        *(
            number * sympy.Mul(*(letter**power for letter, power in zip(LETTERS, powers, strict=True)))
            for number, *powers in terms
        )
    )
    shown = [formulas.plain(line) for line in phrase.latex_lines(count, 40)]
    assert None not in shown
    assert characters("".join(map(str, shown))) == characters(phrase.text(count)).replace("·", "")
    fraction = formulas.plain(phrase.latex(count / divisor))
    assert (fraction is None) == (r"\frac" in phrase.latex(count / divisor) and bool(count.free_symbols))


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"1024\mathrm{NIC}\,\mathrm{NF}", "1024~NIC~NF"),
        (r"\mathrm{NF}\,\times\,16\,\times\,16", "NF~×~16~×~16"),
        (r"\left({\mathrm{NIC} + \mathrm{NC}}\right)\,\times\,32", "(NIC +~NC)~×~32"),
        ("-k^{2} - 3", "−<i>k</i>² −~3"),
        ("2p = k - 1", "2<i>p</i> =~<i>k</i> −~1"),
        (r"0 \le \mathrm{op} < \max(s, d)", "0 ≤~op &lt;~max(<i>s</i>,~<i>d</i>)"),
        ("z_{p,c}", "<i>z</i><sub><i>p</i>,<i>c</i></sub>"),
        (r"+\, 4\mathrm{NC}^{2})", "+~4~NC²)"),
        (r"\frac{1}{16}(k^{4}", "1/16~(<i>k</i>⁴"),
        (r"\mathrm{a{\_}b}", "a_b"),
    ],
)
def test_formulas_of_the_reports_are_text(latex: str, shown: str) -> None:
    """A space that never breaks (~) parts factors and follows signs; letters are slanted, names upright."""
    expected = shown.replace("~", "\u00a0")
    assert str(formulas.plain(latex)) == expected


@pytest.mark.parametrize(
    "latex",
    [
        r"\left\lfloor{\frac{k - 1}{2}}\right\rfloor",
        r"\sum_{p \in P} p",
        r"\frac{k}{2}",
        r"\mathcal{L}",
        r"\sqrt{2}",
    ],
)
def test_what_needs_two_dimensions_is_a_picture(latex: str) -> None:
    """Fractions of letters, sums, roots and floors are drawn, with words for who cannot see them."""
    assert formulas.plain(latex) is None
    assert formulas.inline(latex, "in words").startswith('<img class="formula" alt="in words"')


def test_words_are_said_once_for_all_lines() -> None:
    """A formula of several lines has one name for a screen reader, however it is set."""
    text = formulas.lines(("k", r"+\, 3"), "k plus 3")
    assert text.count("k plus 3") == 1
    assert text.count("<br>") == 1
    drawn = formulas.lines((r"\sqrt{k}", r"+\, 3"), "the root of k plus 3")
    assert (drawn.count("<img"), drawn.count("the root of k"), drawn.count('goes-on"')) == (1, 1, 1)


def test_a_picture_needs_words() -> None:
    """A formula that is drawn cannot be said without them."""
    with pytest.raises(UsageError, match="has no alt text"):
        formulas.inline(r"\sqrt{2}", " ")


def test_text_is_escaped() -> None:
    """Words and signs cannot end the tag that holds them."""
    assert 'aria-label="a &#34;b&#34;"' in formulas.inline("k < 3", 'a "b"')
    assert "&lt;" in formulas.inline("k < 3", "k below 3")
