"""Hand-written formulas: what they may look like, and that nothing written can take long or run."""

from fractions import Fraction

import pytest
import sympy  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st
from thinned import examples, thinned

from cnnreport.errors import UsageError
from cnnreport.formula.reading import expression
from cnnreport.formula.reading.expression import parse
from cnnreport.formula.symbols import symbol

K, NIC, NF, NC = (symbol(name) for name in ("k", "NIC", "NF", "NC"))
NAMES = {"k": K, "K": K, "NIC": NIC, "NF": NF, "NC": NC}


@pytest.mark.parametrize(
    ("text", "value"),
    thinned(
        [
            ("2NF", 2 * NF),
            ("NF*NC", NF * NC),
            ("NF NC", NF * NC),
            ("2NF^2k^2", 2 * NF**2 * K**2),
            ("k^2(NIC NF + 4NF^2)", K**2 * NIC * NF + 4 * K**2 * NF**2),
            ("4k²(NF·NC) − NF", 4 * K**2 * NF * NC - NF),
            ("(k)(NF)", K * NF),
            ("2 × NF ∙ NC ⋅ k", 2 * NF * NC * K),
            ("k**2", K**2),
            ("k¹²", K**12),
            ("-k^2", -(K**2)),
            ("NF * -k", -K * NF),
            ("NF - -+k", NF + K),
            ("(k + 1)^2", K**2 + 2 * K + 1),
            ("(k^2-1)/4", K**2 / 4 - sympy.Rational(1, 4)),
            ("k/(1/2)", 2 * K),
            ("k/2*NF", K * NF / 2),
            ("K - k + NF", NF),
        ],
        3,
    ),
)
def test_a_formula_is_read_as_mathematicians_do(text: str, value: sympy.Expr) -> None:
    """Powers bind the nearest factor, then products however they are written, then sums."""
    assert parse(text, NAMES) == value


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ("2(3)", 6), ("2**3**2", 512), ("2*3-6", 0), ("6/3", 2), ("0^0", 1)]
)
def test_a_plain_integer_is_an_int(text: str, value: int) -> None:
    """What has no letter left is Python's own integer, and powers associate to the right."""
    parsed = parse(text, {})
    assert (type(parsed), parsed) == (int, value)


def test_a_plain_fraction_is_exact() -> None:
    """Fractions are reduced, never rounded."""
    assert parse("2/6", NAMES) == sympy.Rational(1, 3)


@pytest.mark.parametrize(("text", "value"), [("NICNF", NIC * NF), ("4kNF^2", 4 * K * NF**2)])
def test_names_may_touch_where_they_can_be_told_apart(text: str, value: sympy.Expr) -> None:
    """A run of letters is split into known names, and an exponent belongs to the last."""
    assert parse(text, NAMES) == value


def test_a_run_that_can_be_split_in_two_ways_is_refused() -> None:
    """Names are never guessed."""
    names = {name: symbol(name) for name in ("N", "NF", "FC", "C")}
    with pytest.raises(
        UsageError, match=r"'NFC' can be read as 'N·FC' or as 'NF·C' at character 3 of the formula"
    ):
        parse("2*NFC", names)


@pytest.mark.parametrize(
    ("text", "problem"),
    thinned(
        [
            ("", "the formula is empty; write numbers, names and brackets"),
            (
                "NF + NX",
                "'NX' is no known name at character 6 of the formula; write one of k, K, NIC, NF, NC",
            ),
            ("m2", "'m2' is no known name .* with \\^ before an exponent"),
            ("k^1 024", "the number '024' begins with 0 at character 5 .* join it to the digits before it"),
            (
                "1,02NF",
                "'1,02' separates no thousands at character 1 .* such as 1024, or a fraction such as 3/2",
            ),
            ("0,125", "'0,125' separates no thousands"),
            ("NF + 1.05", "there is a decimal number at character 6 .* write a fraction such as 3/2"),
            ("NF. NC", "'.' is not expected at character 3"),
            ("(k]", r"a bracket that opens with \( closes with \] at character 3"),
            (r"\timesNF", r"the command \\timesNF is not known at character 1 .* a space after \\times"),
            (r"\sqrt{2}", r"the command \\sqrt is not known"),
            (r"\frac123", "it is not clear what is above the line at character 1"),
            ("NF = 3NF", "the two sides of = differ"),
            ("2NF =", "ends too early"),
            ("weights =", "the formula is empty"),
            ("k₂", "'k₂' is no known name"),
            ("kᵏ", "'kᵏ' is no known name"),
            (".5", "or a fraction such as 3/2"),
            ("NF, NC", "',' is not expected at character 3"),
            ("k*/2", "'/' is not expected at character 3 .* write a number, a name or a bracket"),
            ("k +", "ends too early at the end of the formula"),
            ("(k", "a bracket is not closed at character 1"),
            ("k)", "a bracket closes that was never opened at character 2"),
            ("k/NF", "the divisor is no number at character 2"),
            ("k/(2-2)", "the divisor is zero at character 2"),
            ("k^-1", "an exponent is not allowed at character 2 .* from 0 to 64"),
            ("k^(1/2)", "an exponent is not allowed"),
            ("2^k", "an exponent is not allowed"),
            ("k²^3", "an exponent follows an exponent at character 3"),
            ("²", "'²' is not expected at character 1"),
        ],
        3,
    ),
)
def test_what_is_no_formula_is_refused_with_place_and_remedy(text: str, problem: str) -> None:
    """An error is one sentence that says where, what, and what to write instead."""
    with pytest.raises(UsageError, match=f"^answers.toml: .*{problem}.*[.]$"):
        parse(text, NAMES, "answers.toml")


@pytest.mark.parametrize(
    ("text", "problem"),
    thinned(
        [
            ("(" * 9_000, "too deep"),
            ("(" * 5_000 + "1" + ")" * 5_000, "has 10001 characters"),
            ("(" * 4_000 + "1" + ")" * 4_000, "too deep"),
            ("2**" * 3_000 + "2", "too deep"),
            ("1" * 10**6, "has 1000000 characters"),
            ("1" * 41, "a number is too long"),
            ("k" + "⁹" * 5_000, "a number is too long"),
            ("9**9**9**9", "exponent is not allowed"),
            ("2^(2^100)", "exponent is not allowed"),
            ("(NIC+NF+NC+k)**16**16", "exponent is not allowed"),
            ("((9**64)**64)**64", "grows too large"),
            ("1/3**64*1/3**64", "grows too large"),
            ("(10**39+k)*10", "grows too large"),
            ("(NIC+NF+NC+k)^60", "too many terms"),
            ("(k^40)(k^40)", "degree is too high"),
            ("k" * 5_000, "degree is too high"),
            (r"\frac" * 2_000, "too deep"),
            (r"\frac{1}" * 1_200, "too deep"),
            (r"\text{" * 1_600, "too deep"),
            ("{" * 9_000, "too deep"),
            ("½" * 9_000, "grows too large"),
            ("k^" * 5_000, "exponent follows an exponent"),
            ("k=" * 4_000, "has 4001 sides of ="),
            ("1x" * 5_000, "'x' is no known name at character 10000"),
            ("1,000," * 1_600, "'1,000,1.{0,40}' separates no thousands"),
            ("(k+NF+NC+1)^8+" * 400 + "1", "too long to expand"),
            ("NFQ" * 3_000, "'NFQNFQ.{0,40}…' is no known name"),
            ("1/0", "divisor is zero"),
            ("٣", "'٣' is not expected"),
            ("k\x00", "x00' is not expected at character 2"),
            ("__import__('os')", "'__import__' is no known name"),
            ("k.subs", "'subs' is no known name"),
        ],
        4,
    ),
)
def test_hostile_text_meets_a_limit(text: str, problem: str) -> None:
    """Whatever would take long, or take much memory, is refused before it is computed."""
    with pytest.raises(UsageError, match=problem):
        parse(text, NAMES)


@pytest.mark.parametrize(
    "text", ["- " * 4_500 + "k", "k" + " " * 9_000, "1+" * 4_000 + "1", "(0k)**60" * 500]
)
def test_long_text_of_little_content_is_read(text: str) -> None:
    """The limits are on what a formula is, not on how it is laid out."""
    assert parse(text, NAMES) in (K, 4_001, 0)


@given(st.text(alphabet="kNFIC0123456789+-*/^() .·²³−,", max_size=40))
@example("k^(((")
@settings(max_examples=examples(300), deadline=None, derandomize=True, database=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text leads to any other error than a refusal."""
    try:
        parsed = parse(text, NAMES)
    except UsageError:
        return
    assert isinstance(parsed, int | sympy.Expr)


@st.composite
def arithmetic(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw arithmetic that Python reads as well, with few enough digits for both."""
    if depth == 0 or draw(st.booleans()):
        return str(draw(st.integers(0, 9)))
    left, right = draw(arithmetic(depth - 1)), draw(arithmetic(depth - 1))
    form = draw(
        st.sampled_from(["{}+{}", "{}- {}", "{}*{}", "({})*({})", "- ({})- {}", "({})**2+{}", "- {}**2- {}"])
    )
    return form.format(left, right)


@given(arithmetic())
@settings(max_examples=examples(150), deadline=None, derandomize=True, database=None)
def test_precedence_is_that_of_python(text: str) -> None:
    """Numbers and signs come out as in Python's own arithmetic."""
    expected = eval(text, {})  # noqa: S307 - drawn above from digits and signs, and the oracle wanted here
    assert parse(text, {}) == Fraction(expected)


def test_the_limits_leave_room_for_a_long_formula() -> None:
    """Hundreds of different terms, as a large net has, are well within the limits."""
    terms = [f"{n + 1}k^{n % 7}NF^{n % 11}NC^{n % 5}" for n in range(200)]
    total = parse(" + ".join(terms), NAMES)
    assert total.subs({K: 1, NF: 1, NC: 1}) == sum(range(201))  # type: ignore[union-attr]
    assert sum(map(len, terms)) < expression.MAX_LENGTH
