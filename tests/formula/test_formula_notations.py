"""How people write formulas: LaTeX, word processors, look-alikes; and what could mean two things."""

import itertools
import random
import re
from collections.abc import Callable
from fractions import Fraction

import pytest
import sympy  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st
from thinned import examples, thinned

from cnnreport.errors import UsageError
from cnnreport.formula import phrase
from cnnreport.formula.reading.expression import parse
from cnnreport.formula.reading.tokens import AmbiguityError
from cnnreport.formula.symbols import symbol

K, NIC, NF, NC = (symbol(name) for name in ("k", "NIC", "NF", "NC"))
NAMES = {"k": K, "NIC": NIC, "NF": NF, "NC": NC}
THIN, NARROW, FIXED = "\N{THIN SPACE}", "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("text", "value"),
    thinned([
        (r"k^2 (NIC\cdot NF+ 4NF^2)", K**2 * (NIC * NF + 4 * NF**2)),
        (r"$k^{2}\left(1024\times\mathrm{NIC}\,\mathrm{NF}\right)$.", 1024 * K**2 * NIC * NF),
        (r"\(\frac{1}{2}\text{NF}\)", NF / 2),
        (r"\[\dfrac{NF + NC}{2}k\]", K * (NF + NC) / 2),
        (r"\frac12 NF", NF / 2),
        (r"\left[NF + 1\right]\bigl(NC\bigr)", (NF + 1) * NC),
        (r"[NF + 1]^2", (NF + 1) ** 2),
        (r"\{NF + 1\}k", (NF + 1) * K),
        (r"{NF}^{2}{}k", NF**2 * K),
        (r"\text{NF NC}", NF * NC),
        (r"{\rm NF}\;\quad k", NF * K),
        ("N_F N_{IC} N_{\\text{C}}", NF * NIC * NC),
        ("1,024NF", 1024 * NF),
        ("1{,}024NF", 1024 * NF),
        ("16,777,216", 16_777_216),
        (r"2\,240 NF", 2240 * NF),
        (f"2{THIN}240{THIN}000", 2_240_000),
        (f"2{NARROW}240NF", 2240 * NF),
        (f"2{FIXED}240NF", 2240 * NF),
        ("1'024 + 1_024 + 1’024", 3072),
        ("k^2.NIC", K**2 * NIC),
        ("2NF.", 2 * NF),
        ("32 x 32 x NF", 1024 * NF),
        ("32×32NF", 1024 * NF),
        ("32x32NF", 1024 * NF),
        ("NFxNC", NF * NC),
        ("3 X NF", 3 * NF),
        ("3 \N{CYRILLIC SMALL LETTER HA} NF", 3 * NF),
        ("2 • NF ∗ NC · k ⋅ k", 2 * NF * NC * K**2),
        ("NF ÷ 2 – NC — 1 − 1", NF / 2 - NC - 2),
        ("½NF", NF / 2),
        ("K² nf Nc", K**2 * NF * NC),
        ("\N{CYRILLIC CAPITAL LETTER KA}^2 + \N{CYRILLIC SMALL LETTER KA}", K**2 + K),
        ("\N{GREEK SMALL LETTER KAPPA}^2", K**2),
        ("\N{GREEK CAPITAL LETTER NU}F N\N{CYRILLIC CAPITAL LETTER ES}", NF * NC),
        ("１０２４ＮＦ（ＮＣ＋１）", 1024 * NF * (NC + 1)),
        ("𝟐𝑁𝐹", 2 * NF),
        ("2\times NF + \frac{1}{2}\text{NC}\bullet k", 2 * NF + NC * K / 2),  # TOML's double quotes
        ("weights = 2NF", 2 * NF),
        (r"\text{\# of weights} = 2NF", 2 * NF),
        ("= 2NF", 2 * NF),
        ("2(NF + 1) = 2NF + 2", 2 * NF + 2),
        ("k^2 4NF^2", 4 * K**2 * NF**2),
        ("k²4NF²", 4 * K**2 * NF**2),
        ("k^{2}4NF^2", 4 * K**2 * NF**2),
        (r"k^2\,240NF", 240 * K**2 * NF),
        ("NF 1024 k", 1024 * NF * K),
        ("k**24 + k^{24} + k^(24) + k²⁴ - 3k^(24)", K**24),
        ("2^10 + k^20", 1024 + K**20),
    ], 3),
)  # fmt: skip
def test_what_can_mean_only_one_thing_is_read(text: str, value: sympy.Expr) -> None:
    """LaTeX, signs and spaces of word processors, look-alikes, other alphabets, equations."""
    assert sympy.expand(parse(text, NAMES) - value) == 0


@pytest.mark.parametrize(
    ("text", "one", "other"),
    thinned([
        ("k^24NF^2", "k^(24)NF^2", "4k**2 NF**2"),
        ("(k)^24", "k**24", "4k**2"),
        (r"k^{2}NF^12", "k**2 NF**12", "2k**2 NF"),
        ("2 240 NF", "2240NF", "480NF"),
        ("32 32", "3232", "32*32"),
        ("1 024NF", "1024NF", "24NF"),
        ("1.024NF", "128/125*NF", "1024NF"),
        ("1.5NF", "3/2*NF", "5NF"),
        ("k^2.5", "5k**2", None),
        ("k2", "k**2", "2k"),
        ("k^2 4NF2", "4k**2 NF**2", "8k**2 NF"),
        ("NF 2", "NF**2", "2NF"),
        (r"\mathrm{NF}2", "NF**2", "2NF"),
        ("(k+1)2", "(k+1)**2", "2k+2"),
        ("NF{2}", "NF**2", "2NF"),
        ("4{4NF}", "44NF", "16NF"),
        ("NF2NC", "NF**2 NC", "2NF NC"),
        ("1/2NF", "1/2*NF", None),
        ("NF/2(NC + 1)", "NF/2*(NC+1)", None),
        ("12/2(3)", "18", "2"),
        (r"3\frac{1}{2}NF", "3/2*NF", "7/2*NF"),
        ("3½", "3/2", "7/2"),
        ("k^2^3", "k**8", "k**6"),
        ("2^{3}^2", "512", "64"),
        ("NF--NC", "NF-NC", "NF+NC"),
        ("{NF + NC}k", "NF k + NC k", "NF + NC k"),
        ("{NF NC}^2", "NF**2 NC**2", "NF NC**2"),
        ("12/{2*3}", "2", "18"),
    ], 3),
)  # fmt: skip
def test_what_could_mean_two_things_is_refused_with_both(text: str, one: str, other: str | None) -> None:
    """Each reading that is shown is read, where it is a formula, and they are the two meanings."""
    with pytest.raises(
        AmbiguityError, match=r"can be read as .* or as .*; write the one that is meant"
    ) as raised:
        parse(text, NAMES)
    ambiguity = raised.value
    read = []
    for reading in ambiguity.readings:
        assert repr(reading).replace("\\\\", "\\") in str(ambiguity)
        try:
            read.append(parse(f"{text[: ambiguity.start]}{reading}{text[ambiguity.end :]}", NAMES))
        except AmbiguityError:
            raise
        except UsageError:
            read.append(None)  # dividing by letters is a meaning, but no polynomial
    assert set(read) == {None if part is None else parse(part, NAMES) for part in (one, other)}


def test_a_letter_x_is_no_sign_where_the_net_has_one() -> None:
    """Then ``3 x NF`` could mean both, and is refused; between signs it is the letter."""
    names = {**NAMES, "x": symbol("x")}
    with pytest.raises(AmbiguityError, match="'3 x NF' can be read as '3·x·NF' or as '3·NF'"):
        parse("3 x NF", names)
    assert parse("3*x*NF + 2x", names) == 3 * symbol("x") * NF + 2 * symbol("x")


def test_names_that_differ_only_in_capitals_are_kept_apart() -> None:
    """A look-alike of two names is neither."""
    names = {"n": symbol("n"), "N": symbol("N")}
    assert parse("n N^2", names) == symbol("n") * symbol("N") ** 2
    with pytest.raises(UsageError, match="is no known name"):
        parse("\N{GREEK CAPITAL LETTER NU}", names)


def test_names_of_parameters_keep_digits_and_underscores() -> None:
    """A net's own ``num_hidden`` and ``c1`` are names, also as LaTeX has them."""
    names = {name: symbol(name) for name in ("num_hidden", "c1", "c2")}
    hidden, first, second = names.values()
    assert parse(r"2num_hidden c1c2 + num\_hidden", names) == 2 * hidden * first * second + hidden


# Random polynomials in random notations: an oracle that knows numbers only.

VALUES = {"k": 1009, "NIC": 10_007, "NF": 100_003, "NC": 1_000_003}
AT = {NAMES[name]: sympy.Integer(number) for name, number in VALUES.items()}
NAMED = {
    "k": ("k", "K", "κ", "к", r"\mathrm{k}", "𝑘", "ｋ"),
    "NIC": ("NIC", "nic", r"\text{NIC}", "N_{IC}", "ΝIC", "ＮＩＣ"),
    "NF": ("NF", "Nf", r"\mathrm{NF}", "N_F", "ΝF", "𝑁𝐹", "{NF}"),
    "NC": ("NC", "nc", r"\operatorname{NC}", r"N_\text{C}", "NС"),
}
TIMES = (
    "*",
    " * ",
    "×",
    " x ",
    "·",
    "∙",
    "⋅",
    "•",
    "∗",
    r"\times ",
    r"\cdot ",
    r" \cdot ",
    " . ",
    r"\,\times\,",
    "＊",
)
PLUS, MINUS = ("+", " + ", "＋"), ("-", " - ", "−", " – ", "—", "－")
OPEN = (
    ("(", ")"),
    ("[", "]"),
    (r"\left(", r"\right)"),
    (r"\{", r"\}"),
    (r"\left[", r"\right]"),
    ("（", "）"),
)
AROUND = ("{}", "${}$", "$${}$$.", r"\({}\)", "{}.", "weights = {}", "= {}", r"\text{{weights}} = {}", " {} ")


class Writer:
    """Writes a random polynomial, and computes it with whole numbers and fractions as it writes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one_of(self, options: tuple[str, ...]) -> str:
        """Any of some ways to write the same."""
        return self.random.choice(options)

    def whole(self) -> tuple[str, Fraction]:
        """A formula as it stands in an answer."""
        text, value = self.sum(depth=1)
        return self.one_of(AROUND).format(text), value

    def sum(self, depth: int) -> tuple[str, Fraction]:
        """Products with plus and minus between them."""
        text, value = self.product(depth)
        if self.random.random() < 0.1:
            text, value = self.one_of(MINUS) + text, -value
        for _ in range(self.random.randint(0, 3)):
            further, amount = self.product(depth)
            if self.random.random() < 0.5:
                text, value = f"{text}{self.one_of(PLUS)}{further}", value + amount
            else:
                text, value = f"{text}{self.one_of(MINUS)}{further}", value - amount
        return text, value

    def product(self, depth: int) -> tuple[str, Fraction]:
        """Factors, side by side only where that is how people write them."""
        factors = [self.factor(depth) for _ in range(self.random.randint(1, 4))]
        text, value, sort = factors[0]
        for further, amount, next_sort in factors[1:]:
            touching = next_sort != "number" and not (sort == "number" and next_sort == "fraction")
            touching = touching or sort == "power"
            if touching and self.random.random() < 0.5:
                glue = self.one_of((" ", r"\,", r"\;", "~"))
                if next_sort in ("name", "bracket") and not (further[0].isalnum() and text[-1].isalnum()):
                    glue = self.one_of(("", " "))
                text += glue + further
            else:
                text += self.one_of(TIMES) + further
            value, sort = value * amount, next_sort
        return text, value

    def factor(self, depth: int) -> tuple[str, Fraction, str]:
        """A number, a name, a power, a bracket or a fraction; and which."""
        sort = self.one_of(("number", "name", "name", "power", "power", "bracket", "fraction"))
        if sort == "number":
            return *self.number(), sort
        if sort == "name":
            return *self.name(), sort
        if sort == "power":
            text, value = self.name() if depth == 0 or self.random.random() < 0.8 else self.bracket(depth)
            return *self.power(text, value), sort
        if sort == "fraction":
            above, below = self.random.randint(1, 9), self.random.randint(2, 9)
            command = self.one_of((r"\frac", r"\dfrac", r"\tfrac"))
            return f"{command}{{{above}}}{{{below}}}", Fraction(above, below), sort
        return (*self.bracket(depth), sort) if depth else (*self.name(), "name")

    def bracket(self, depth: int) -> tuple[str, Fraction]:
        """A sum in brackets."""
        text, value = self.sum(depth - 1)
        opening, closing = self.random.choice(OPEN)
        return f"{opening}{text}{closing}", value

    def name(self) -> tuple[str, Fraction]:
        """A letter."""
        name = self.random.choice(list(VALUES))
        return self.one_of(NAMED[name]), Fraction(VALUES[name])

    def power(self, base: str, value: Fraction) -> tuple[str, Fraction]:
        """A power of something."""
        exponent = self.random.randint(2, 3)
        raised = "⁰¹²³⁴"[exponent]
        forms = (
            f"^{exponent}",
            f"^{{{exponent}}}",
            raised,
            f"**{exponent}",
            f"^({exponent})",
            f" ^ {exponent}",
        )
        return base + self.one_of(forms), value**exponent

    def number(self) -> tuple[str, Fraction]:
        """A number, with separators where it is long."""
        number = self.random.choice((1, 2, 4, 32, 256, 640, 1024, 3072, 141056, 16777216))
        plain = str(number)
        full = "".join(chr(0xFF10 + int(digit)) for digit in plain)
        separated = tuple(f"{number:,}".replace(",", by) for by in (",", "{,}", "'", THIN, FIXED, r"\,", "_"))
        return self.one_of((plain, plain, full, *separated)), Fraction(number)


@given(st.integers(0, 10**9))
@settings(max_examples=examples(300), deadline=None, derandomize=True, database=None)
def test_a_polynomial_is_read_in_whatever_notation(seed: int) -> None:
    """What is written of a random expression has its value, which Python's own numbers compute."""
    text, value = Writer(seed).whole()
    try:
        read = parse(text, NAMES)
    except UsageError as refusal:
        if not re.search("degree is too high|grows too large|too many terms", str(refusal)):
            raise
        return
    assert Fraction(str(sympy.sympify(read).xreplace(AT))) == value, text


@given(base=st.sampled_from(["k", "NF", "(NC+1)", r"\mathrm{NF}", "2"]), digits=st.integers(0, 9999),
       tail=st.sampled_from(["", "NF", " NF", "(k+1)", " + 1"]))  # fmt: skip
@example(base="k", digits=24, tail="NF")
@settings(max_examples=examples(300), deadline=None, derandomize=True, database=None)
def test_no_exponent_of_several_digits_is_guessed(base: str, digits: int, tail: str) -> None:
    """After ``^`` one digit is the exponent; several are it only if no further ones can be a factor."""
    text = f"{base}^{digits}{tail}"
    try:
        read = parse(text, NAMES)
    except AmbiguityError:
        return
    except UsageError as refusal:
        if digits <= 64 and "degree" not in str(refusal):
            raise
        return
    assert set(str(digits)[1:]) <= {"0"}
    assert sympy.expand(read - parse(f"{base}**{digits}{tail}", NAMES)) == 0


LEFT, GAPS, RIGHT = ("1", "2", "32", "1024"), (" ", "  ", r"\;", "\t", "~"), ("4", "24", "240", "024")


@pytest.mark.parametrize("frame", ["{}", "NF + {}NF", "k({})"])
@pytest.mark.parametrize(
    "numbers", thinned(["".join(parts) for parts in itertools.product(LEFT, GAPS, RIGHT)], 8)
)
def test_numbers_side_by_side_are_never_guessed(numbers: str, frame: str) -> None:
    """A gap between two numbers may separate thousands or factors."""
    with pytest.raises(AmbiguityError, match="can be read as"):
        parse(frame.format(numbers), NAMES)


_PARTS = re.compile(r"\d+|NIC|NF|NC|k|\*\*|[-+*/^()]")


def computed(text: str) -> Fraction:
    """The value of plain characters by Python's own arithmetic, with a sign put between all factors."""
    parts = _PARTS.findall(text)
    python = ""
    for before, part in itertools.pairwise(["", *parts]):
        operand = part.isalnum() or part == "("
        python += " * " if operand and (before.isalnum() or before == ")") else " "
        python += "**" if part == "^" else f"F({VALUES.get(part, part)})" if part.isalnum() else part
    return Fraction(eval(python, {"F": Fraction}))  # noqa: S307 - drawn below from these parts alone


PARTS = ["k", "NF", "NIC", "2", "3", "4", "12", "240", "+", "-", "*", "/", "^", "**", "(", ")", "^2", "/2"]


@pytest.mark.slow
@given(st.lists(st.sampled_from([*PARTS, " ", "^3 "]), max_size=9).map("".join))
@example("k^2 4NF")
@settings(max_examples=examples(1500), deadline=None, derandomize=True, database=None)
def test_what_is_accepted_has_the_value_of_plain_arithmetic(text: str) -> None:
    """Whatever is not refused means what it would with every sign written."""
    try:
        read = parse(text, NAMES)
    except UsageError:
        return
    assert Fraction(str(sympy.sympify(read).xreplace(AT))) == computed(text)


@pytest.mark.parametrize("write", [phrase.text, phrase.latex, phrase.code])
@pytest.mark.parametrize(
    "count",
    thinned(
        [
            K**2 * (1024 * NIC * NF + 640 * NF**2) + 12 * NF + 4 * NC,
            sympy.expand((K**2 - 1) * NF / 4) - NC,
            K**24 * NF**2 / 2,
            -2240 * NF - 16_777_216 * NC**3,
        ],
        3,
    ),
)
def test_what_is_printed_is_read_back(write: Callable[[sympy.Expr], str], count: sympy.Expr) -> None:
    """Whoever copies a formula that was printed, as text, LaTeX or code, copies its value."""
    assert sympy.expand(parse(write(count), NAMES) - count) == 0
