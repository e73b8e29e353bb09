"""Hand-written counts: which hold, under which convention, and which slip explains one that does not."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from thinned import examples, thinned

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula import phrase
from cnnreport.formula.audit import attribute, judge
from cnnreport.formula.audit.claims import SIZES, Claims, Size, read
from cnnreport.formula.audit.findings import Audit, Finding
from cnnreport.formula.audit.slips import Catalogue
from cnnreport.formula.convention import CHOICES, QUANTITIES, Choice, total
from cnnreport.formula.reading import expression
from cnnreport.formula.symbols import Count, add
from cnnreport.formula.tracing.derive import Derivation, derive
from cnnreport.nets.colourization import PoolUpsampleNet
from cnnreport.project import PACKAGE

HANDWRITTEN = PACKAGE.parent / "experiments" / "a2-writeup" / "handwritten.toml"
NET = "cnnreport.nets.colourization:PoolUpsampleNet"
ALL = "layers, normalisation all to all"
ONE = "layers, normalisation one to one"
SLIP = "It is 1048320NC too small, as if up2.2 (BatchNorm2d) had been counted as 256NC instead of 1048576NC."

PLAIN = """
from torch import nn

class Plain(nn.Module):
    def __init__(self, kernel: int, num_filters: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, num_filters, kernel, padding=kernel // 2, bias=False)
        self.second = nn.Conv2d(num_filters, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x):
        return self.second(self.first(x))

class Perceptron(nn.Module):
    def __init__(self, num_inputs: int, num_hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(num_inputs, num_hidden)
        self.out = nn.Linear(num_hidden, 10)

    def forward(self, x):
        return self.out(self.hidden(x).relu())
"""

Derivations = Mapping[Size, Derivation]


@pytest.fixture(scope="module")
def example() -> Audit:
    """The audit of the write-up."""
    return judge.audit(read(HANDWRITTEN))


@pytest.fixture(scope="module")
def derivations() -> Derivations:
    """The write-up's net at both sizes."""
    derivation = derive(PoolUpsampleNet)
    return {"original": derivation, "doubled": derivation.doubled()}


@pytest.fixture(scope="module")
def bench(derivations: Derivations) -> judge.Judge:
    """A judge of that net, who need not make all slips anew for each test."""
    return judge.Judge(derivations, 180)


@pytest.fixture(scope="module")
def catalogue(derivations: Derivations) -> Catalogue:
    """The slips with that net, for many formulas."""
    return Catalogue(derivations["original"], derivations["doubled"], doubled=False)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A file of nets without normalisation."""
    file = tmp_path / "plain.py"
    file.write_text(PLAIN)
    return file


def right(derivations: Derivations, size: Size, quantity: str, name: str) -> Count:
    """The right formula under a choice."""
    return total(next(c for c in CHOICES[quantity] if c.name == name), derivations[size])


def judged(bench: judge.Judge, size: Size, quantity: str, name: str, wrong: str) -> Finding:
    """The finding about a wrong formula, where that for the other size follows a convention."""
    derivations = bench.derivations
    other: Size = "doubled" if size == "original" else "original"
    text = {other: phrase.code(right(derivations, other, quantity, name)), size: wrong}
    claims = Claims(NET, 32, {quantity: text["original"]}, {quantity: text["doubled"]})
    return next(f for f in bench.judge(claims).findings if f.size == size)


def find(findings: tuple[Finding, ...], size: str, quantity: str) -> Finding:
    """The finding about one formula."""
    return next(f for f in findings if (f.size, f.quantity) == (size, quantity))


# The write-up.


def test_five_formulas_of_the_write_up_hold(example: Audit) -> None:
    """All but one hold, each under the convention that the write-up states."""
    held = {(f.size, f.quantity): f.conventions for f in example.findings if f.holds}
    assert held == {
        ("original", "weights"): ("learnable",),
        ("original", "outputs"): ("with normalisation",),
        ("doubled", "weights"): ("learnable",),
        ("doubled", "outputs"): ("with normalisation",),
        ("doubled", "connections"): (ALL,),
    }


def test_the_slip_of_the_write_up_is_found(example: Audit) -> None:
    """It is judged by the write-up's own convention, and attributed to the one layer."""
    slip = find(example.findings, "original", "connections")
    assert (slip.holds, slip.conventions, slip.convention) == (False, (), ALL)
    assert phrase.text(slip.difference) == "−1048320NC"
    assert slip.explanation == SLIP
    assert (example.complete, example.passed, example.common, example.exit_code) == (True, False, None, 3)


def test_a_terminal_shows_the_audit(example: Audit) -> None:
    """Every formula has its line, a wrong one also what it should be; conventions are explained once."""
    lines = example.lines()
    assert sum(line.startswith("  ✓") for line in lines) == 5
    assert sum(line.startswith("  ✗") for line in lines) == 1
    assert f"      {SLIP}" in lines
    assert "Judged by counts that are proved on 180 points." in lines
    assert "5 of 6 formulas hold." in lines
    assert sum(line.startswith("connections, “") for line in lines) == 1


def test_json_says_the_same(example: Audit, derivations: Derivations) -> None:
    """It is plain data; its formulas can be read back."""
    data = json.loads(json.dumps(example.to_json()))
    assert data["target"] == NET
    assert (data["complete"], data["passed"], data["common"], data["points"]) == (True, False, None, 180)
    for told, finding in zip(data["findings"], example.findings, strict=True):
        names = {symbol.name: symbol for symbol in derivations[finding.size].symbols}
        assert expression.parse(told["expected"]["code"], names) == finding.expected
        assert expression.parse(told["difference"]["code"], names) == finding.difference
        assert told["conventions"] == list(finding.conventions)
        assert told["explanation"] == finding.explanation


# What holds.


def test_right_formulas_pass(bench: judge.Judge) -> None:
    """Six that hold under one convention, a capital K among them, exit with 0."""
    sheet = read(HANDWRITTEN)
    connections = sheet.original["connections"].replace("1280NC", "1049600NC").replace("k^2", "K²")
    claims = Claims(NET, 32, {**sheet.original, "connections": connections}, sheet.doubled)
    found = bench.judge(claims)
    assert found.common == {"weights": "learnable", "outputs": "with normalisation", "connections": ALL}
    assert (found.passed, found.exit_code) == (True, 0)
    assert all(f.difference == 0 and f.explanation == "" for f in found.findings)
    assert "All 6 formulas hold under one convention." in found.lines()


def test_one_convention_must_serve_both_sizes(bench: judge.Judge, derivations: Derivations) -> None:
    """Formulas that hold, but not under the same convention, do not pass."""
    original = {q: phrase.code(right(derivations, "original", q, CHOICES[q][0].name)) for q in QUANTITIES}
    doubled = {q: phrase.code(right(derivations, "doubled", q, CHOICES[q][0].name)) for q in QUANTITIES}
    doubled["outputs"] = phrase.code(right(derivations, "doubled", "outputs", "layers"))
    found = bench.judge(Claims(NET, 32, original, doubled))
    assert all(finding.holds for finding in found.findings)
    assert (found.complete, found.common, found.passed) == (True, None, False)
    assert "All formulas hold, but original and doubled under different conventions." in found.lines()


def test_all_conventions_are_named(plain: Path) -> None:
    """Without normalisations and biases many conventions agree; the simplest judges, in any net's file."""
    formulas = {
        size: {"weights": "2NF k^2", "outputs": f"{area}(NF + 1)", "connections": f"{area}*2*NF*k^2"}
        for size, area in (("original", 16**2), ("doubled", 32**2))
    }
    found = judge.audit(Claims(f"{plain}:Plain", 16, formulas["original"], formulas["doubled"]))
    assert found.passed
    assert found.common == {"weights": "kernels", "outputs": "convolutions", "connections": "convolutions"}
    weights = find(found.findings, "original", "weights")
    assert weights.conventions == tuple(choice.name for choice in CHOICES["weights"])
    assert "  ✓ weights      holds under “kernels” and 3 others" in found.lines()


def test_missing_formulas_are_named(derivations: Derivations) -> None:
    """What is there is judged, but less than six formulas never pass."""
    claims = Claims(NET, 32, {"outputs": "2880NF + 3328NC"})
    found = judge.judge(claims, {"original": derivations["original"]}, 0)
    assert [finding.holds for finding in found.findings] == [True]
    assert found.common == {"outputs": "with normalisation"}
    assert (found.complete, found.passed, found.exit_code) == (False, False, 3)
    lacks = "original weights, original connections, doubled weights, doubled outputs, doubled connections"
    assert f"The answer is not complete, it lacks: {lacks}." in found.lines()


def test_a_net_of_vectors_has_nothing_to_double(plain: Path) -> None:
    """Its formulas are judged whatever the input size; doubled ones are refused."""
    written = {"weights": "num_inputs num_hidden + 11 num_hidden + 10"}
    claims = Claims(f"{plain}:Perceptron", 32, written)
    assert judge.audit(claims).findings[0].conventions == ("kernels and biases", "learnable")
    with pytest.raises(UsageError, match=r"answers.toml: the input of .* has no height and width; leave out"):
        judge.audit(Claims(f"{plain}:Perceptron", 32, written, written, place="answers.toml"))


def test_the_judge_is_proved(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is judged by counts that are not those of the real net, at both sizes."""

    def prove(*derivations: Derivation) -> None:
        sizes = ", ".join(str(derivation.input) for derivation in derivations)
        raise VerificationError(f"the proof fails for {sizes}")

    monkeypatch.setattr(judge, "prove", prove)
    written = {"weights": "2NF k^2"}
    with pytest.raises(VerificationError, match=r"fails for \(1, 20, 20\), \(1, 40, 40\)"):
        judge.audit(Claims(f"{plain}:Plain", 20, written, written))


# What does not hold, and why.

_W, _O = "learnable", "with normalisation"
_OF_ORIGINAL = "the formula of the original size had been"


@pytest.mark.parametrize(
    ("size", "quantity", "name", "off", "explanation"),
    thinned([
        pytest.param(
            "original", "connections", ALL, "- 256k^2 NF NC",
            "It is 256k²·NF·NC too small, as if up2.0 (Conv2d) had been left out.", id="left out",
        ),
        pytest.param(
            "doubled", "connections", ALL, "+ 1024k^2 NF NC",
            "It is 1024k²·NF·NC too large, as if up2.0 (Conv2d) had been counted twice.", id="twice",
        ),
        pytest.param(
            "original", "connections", ALL, "+ 3*256k^2 NF NC",
            "It is 768k²·NF·NC too large, as if up2.0 (Conv2d) had been counted at the size after up2.1 "
            "(Upsample), or as if up2.0 (Conv2d) had been counted for the doubled size.",
            id="doubled too early",
        ),
        pytest.param(
            "doubled", "connections", ALL, "- 3*256k^2 NF NC",
            "It is 768k²·NF·NC too small, as if up2.0 (Conv2d) had been counted at the size before up1.1 "
            "(Upsample), or as if up2.0 (Conv2d) had been counted for the original size.",
            id="not doubled",
        ),
        pytest.param(
            "doubled", "connections", ALL, "+ 2048k^2 NF NC",
            "It is 2048k²·NF·NC too large, as if up2.0 (Conv2d) had been counted 3 times.", id="three times",
        ),
        pytest.param(
            "original", "connections", ALL, "- 2*128k^2 NF NC/2 - 64k^2 NF NC",
            "It is 192k²·NF·NC too small, as if up2.0 (Conv2d) had been counted at the size before up1.1 "
            "(Upsample).", id="quarter",
        ),
        pytest.param(
            "original", "connections", ALL, "- 128k^2 NF NC",
            "It is 128k²·NF·NC too small, as if up2.0 (Conv2d) had been counted at half.", id="half",
        ),
        pytest.param(
            "original", "weights", _W, "- 2NF",
            "It is 2NF too small, as if one of down1.2 (BatchNorm2d) and up1.2 (BatchNorm2d) had been left "
            "out, or as if the biases of down2.0 (Conv2d) had been left out, or as if only the scale or only "
            "the shift of down2.2 (BatchNorm2d) had been counted.", id="several layers",
        ),
        pytest.param(
            "original", "weights", _W, "- NF",
            "It is NF too small, as if the biases of one of down1.0 (Conv2d) and up1.0 (Conv2d) had been "
            "left out, or as if only the scale or only the shift of one of down1.2 (BatchNorm2d) and up1.2 "
            "(BatchNorm2d) had been counted.", id="biases left out",
        ),
        pytest.param(
            "original", "weights", "kernels and biases", "+ 2NC",
            "It is 2NC too large, as if the scale and shift of up2.2 (BatchNorm2d) had been counted too.",
            id="scale and shift counted",
        ),
        pytest.param(
            "original", "connections", "layers", "+ 64NF",
            "It is 64NF too large, as if the biases of up1.0 (Conv2d) had been counted too.",
            id="biases counted",
        ),
        pytest.param(
            "original", "outputs", _O, "+ 128NF",
            "It is 128NF too large, as if one of down2.1 (MaxPool2d) and down2.2 (BatchNorm2d) had been "
            "counted twice, or as if the outputs of down2.3 (ReLU) had been counted too.", id="outputs",
        ),
        pytest.param(
            "original", "connections", "layers", "+ 128NF",
            "It is 128NF too large, as if the connections of down2.3 (ReLU) had been counted too, or as if "
            "down2.2 (BatchNorm2d) had been counted one to one.",
            id="an activation counted",
        ),
        pytest.param(
            "original", "connections", ALL, "- 2*8192NF/2 + 128NF",
            "It is 8064NF too small, as if down2.2 (BatchNorm2d) had been counted one to one.",
            id="one to one",
        ),
        pytest.param(
            "original", "connections", ONE, "- 128NF + 8192NF",
            "It is 8064NF too large, as if down2.2 (BatchNorm2d) had been counted all to all.",
            id="all to all",
        ),
        pytest.param(
            "original", "connections", ALL, "- 256k^2 NF NC - 1024k^2 NC^2",
            "It is k²(256NF·NC + 1024NC²) too small, as if up2.0 (Conv2d) and logits (Conv2d) had both been "
            "left out.", id="two left out",
        ),
        pytest.param(
            "original", "connections", ALL, "+ 256k^2 NF NC - 1024k^2 NC^2",
            "It differs by k²(256NF·NC − 1024NC²), as if logits (Conv2d) had been left out and up2.0 "
            "(Conv2d) counted twice.", id="one left out, one twice",
        ),
        pytest.param(
            "original", "connections", ALL, "- 16k^2 NF NC",
            "It is 16k²·NF·NC too small, as if up2.0 (Conv2d) had been counted as 240k²·NF·NC instead of "
            "256k²·NF·NC.", id="one layer's own terms",
        ),
        pytest.param(
            "original", "weights", _W, "+ 17k^2 NF^2",
            "It is 17k²·NF² too large, as if one of down2.0 (Conv2d) and up1.0 (Conv2d) alone had been "
            "counted wrongly.", id="one of several layers' own terms",
        ),
        pytest.param(
            "original", "outputs", _O, "- 2880NF + 5 NC^2",
            "It differs by −2880NF + 5NC²: nothing instead of 2880NF, 5NC² instead of nothing.", id="no slip",
        ),
    ], 4),
)  # fmt: skip
def test_a_slip_is_told(
    bench: judge.Judge, size: Size, quantity: str, name: str, off: str, explanation: str
) -> None:
    """The simplest slip that makes the difference is told; of several layers that fit, all."""
    wrong = f"{phrase.code(right(bench.derivations, size, quantity, name))} {off}"
    finding = judged(bench, size, quantity, name, wrong)
    assert (finding.convention, finding.explanation) == (name, explanation)


@pytest.mark.parametrize(
    ("size", "quantity", "name", "factor", "of", "slip"),
    [
        ("original", "weights", _W, 2, "original", "everything had been counted twice"),
        ("original", "weights", _W, "1/2", "original", "everything had been counted at half"),
        ("original", "weights", _W, 0, "original", "everything had been left out"),
        ("doubled", "weights", _W, 4, "doubled", f"{_OF_ORIGINAL} multiplied by 4"),
        ("doubled", "connections", ALL, 1, "original", f"{_OF_ORIGINAL} kept"),
        ("doubled", "connections", ALL, 4, "original", f"{_OF_ORIGINAL} multiplied by 4"),
        ("doubled", "connections", ALL, 3, "doubled", "everything had been counted 3 times"),
        ("original", "connections", ALL, 1, "doubled", "height and width had been doubled already"),
    ],
)  # fmt: skip
def test_a_slip_with_the_whole_formula_is_told(
    bench: judge.Judge, size: Size, quantity: str, name: str, factor: Any, of: Size, slip: str
) -> None:
    """A formula that is a multiple of the right one, or made from the other size, says so."""
    wrong = f"{factor}*({phrase.code(right(bench.derivations, of, quantity, name))})"
    finding = judged(bench, size, quantity, name, wrong)
    assert (finding.convention, finding.explanation.partition("as if ")[2]) == (name, f"{slip}.")


@pytest.mark.parametrize(("name", "done"), [(ALL, "left out"), (f"{ALL}, without padding", "counted too")])
def test_padding_is_a_part(bench: judge.Judge, derivations: Derivations, name: str, done: str) -> None:
    """Taps of one layer that fall on padding, left out or counted alone, are told."""
    layer = next(layer for layer in derivations["original"].layers if layer.path == "up1.0")
    off = f"{'-' if done == 'left out' else '+'}({phrase.code(layer.padded)})"
    wrong = f"{phrase.code(right(derivations, 'original', 'connections', name))} {off}"
    finding = judged(bench, "original", "connections", name, wrong)
    assert finding.explanation.endswith(f"as if the padding of up1.0 (Conv2d) had been {done}.")


@pytest.mark.slow
def test_a_slip_made_at_both_sizes_is_found(bench: judge.Judge, derivations: Derivations) -> None:
    """No size tells the convention; then one in which a single layer is missing is nearer than others."""
    forgotten = {"original": 1024**2, "doubled": 4096**2}
    texts = {
        size: f"{phrase.code(right(derivations, size, 'connections', ALL))} - {forgotten[size]}NC"
        for size in SIZES
    }
    claims = Claims(NET, 32, {"connections": texts["original"]}, {"connections": texts["doubled"]})
    for finding in bench.judge(claims).findings:
        assert finding.convention == ALL
        assert finding.explanation.endswith("as if up2.2 (BatchNorm2d) had been left out.")


def test_the_nearest_convention_has_the_fewest_wrong_terms(derivations: Derivations) -> None:
    """Where nothing holds, few wrong terms go before small errors, and the simplest convention wins a tie."""
    claims = Claims(NET, 32, {"outputs": "2240NF + 7NC", "weights": "0"})
    found = judge.judge(claims, {"original": derivations["original"]}, 0).findings
    assert find(found, "original", "outputs").convention == "layers"
    assert find(found, "original", "weights").convention == "kernels"


_TIMES = {"left out": "-1", "counted twice": "1", "counted 3 times": "2", "counted at half": "-1/2"}
_TOLD = re.compile(rf"(?:one of )?(?!the )(.+) had been ({'|'.join(_TIMES)})")


@st.composite
def slips(draw: st.DrawFn) -> tuple[Choice, int, str]:
    """A choice of what counts, a layer by its number, and how often it is counted instead of once."""
    choices = [choice for choices in CHOICES.values() for choice in choices]
    return (
        draw(st.sampled_from(choices)), draw(st.integers(0, 16)), draw(st.sampled_from(list(_TIMES)))
    )  # fmt: skip


def off(derivation: Derivation, count: Count, deed: str) -> Count:
    """By how much a formula is wrong if a layer's count is taken otherwise."""
    names = {symbol.name: symbol for symbol in derivation.symbols}
    return expression.parse(f"{_TIMES[deed]}*({phrase.code(count)})", names)


@pytest.mark.slow
@given(slip=slips())
@settings(max_examples=examples(80), deadline=None)
def test_a_layer_counted_wrongly_is_named(
    catalogue: Catalogue, derivations: Derivations, slip: tuple[Choice, int, str]
) -> None:
    """It is named, unless a simpler slip makes the same difference; whoever is named does make it."""
    derivation = derivations["original"]
    choice, number, deed = slip
    layer = derivation.layers[number]
    assume(choice.count(layer) != 0)
    claimed = add([total(choice, derivation), off(derivation, choice.count(layer), deed)])
    case = attribute.Case(claimed, choice, derivation, derivations["doubled"], known=catalogue)
    told = attribute.explain(case)
    if deed in ("left out", "counted twice"):
        assert f"{layer.path} ({layer.type})" in told
    by_name = {f"{layer.path} ({layer.type})": layer for layer in derivation.layers}
    for clause in told.partition(", as if ")[2].removesuffix(".").split(", or as if "):
        if found := _TOLD.fullmatch(clause):
            for name in re.split(", | and ", found.group(1)):
                assert off(derivation, choice.count(by_name[name]), found.group(2)) == case.difference


# The file.


def write(folder: Path, text: str) -> Path:
    """A file of formulas."""
    file = folder / "answers.toml"
    file.write_text(text)
    return file


HEAD = f'net = "{NET}"\ninput_size = 32\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    thinned([
        (HEAD + "[original]\nweight = 'NF'", r"\[original\]: there is no key 'weight'; known keys: weights"),
        (HEAD + "kernel = 3", r"answers.toml: there is no key 'kernel'; known keys: net, input_size"),
        ("input_size = 32\n[original]\nweights = 'NF'", r"the key 'net' is missing; add a line .*net = "),
        ("net = 'a:B'\n[original]\nweights = 'NF'", r"the key 'input_size' is missing; .*input_size = 32"),
        (HEAD, r"has no formula; add the table \[original\] with weights, outputs, connections"),
        (HEAD + "[original]\n[doubled]", r"has no formula"),
        ("net = 3\ninput_size = 32", r"answers.toml: net is not a string"),
        ("net = 'a:B'\ninput_size = '32'", r"input_size is not a whole number"),
        ("net = 'a:B'\ninput_size = true", r"input_size is not a whole number"),
        ("net = 'a:B'\ninput_size = 0", r"input_size is out of range; write a number from 1 to 1024"),
        ("net = 'a:B'\ninput_size = 9999999999", r"input_size is out of range"),
        (HEAD + "original = 'NF'", r"original is not a table"),
        (HEAD + "[original]\nweights = 3", r"\[original\]: weights is not a string"),
        (HEAD + "[doubled]\nweights = ['NF']", r"\[doubled\]: weights is not a string"),
        (HEAD + "[original]\nweights = 2NF", r"is not valid TOML: .*line 4"),
        (HEAD + '[original]\nweights = "2\\cdot NF"', r"put LaTeX between single quotes"),
        (HEAD + "[original]\nweights = 'NF'\nweights = 'NF'\n", r"is not valid TOML: .*line 5"),
        (f"a = {'[' * 9999}", r"is not valid TOML: brackets are too deep"),
        (f"a = {'9' * 5000}", r"is not valid TOML: .*4300 digits"),
        ("# " + "x" * 20_000, r"is larger than 20000 bytes"),
        (".".join(["a"] * 2_000) + " = 1", r"there is no key 'a'"),
    ], 3),
)  # fmt: skip
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """Every mistake names the file and the key, in bounded time."""
    with pytest.raises(UsageError, match=problem) as raised:
        read(write(tmp_path, text))
    assert str(tmp_path / "answers.toml") in str(raised.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder, and bytes that are no text."""
    with pytest.raises(UsageError, match=r"there is no file .*none\.toml"):
        read(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="is not a file"):
        read(tmp_path)
    (tmp_path / "answers.toml").write_bytes(b"net = '\xff'")
    with pytest.raises(UsageError, match=r"is no UTF-8 text; save it as UTF-8"):
        read(tmp_path / "answers.toml")


def test_a_table_may_be_missing(tmp_path: Path) -> None:
    """One formula is enough to be read, in either table."""
    claims = read(write(tmp_path, HEAD + "[doubled]\noutputs = 'NF'"))
    assert (claims.net, claims.input_size, claims.original) == (NET, 32, {})
    assert list(claims.formulas()) == [("doubled", "outputs", "NF")]


def test_a_letter_that_the_net_lacks_is_named(bench: judge.Judge, tmp_path: Path) -> None:
    """The error says in which file and key it stands, and which letters there are."""
    claims = read(write(tmp_path, HEAD + "[original]\nweights = 'k^2 (NIC NF + X)'"))
    with pytest.raises(
        UsageError, match=r"answers.toml, \[original\]: weights: 'X' .*write one of NIC, NF, NC, k"
    ):
        bench.judge(claims)


def test_a_formula_for_another_quantity_is_refused(bench: judge.Judge) -> None:
    """What says of itself that it counts outputs is no count of weights."""
    claims = Claims(NET, 32, {"weights": "# outputs = 2240NF + 2304NC"})
    with pytest.raises(UsageError, match=r"\[original\]: weights: the formula says outputs =; move it to"):
        bench.judge(claims)
    claims = Claims(NET, 32, {"outputs": "total Outputs = 2240NF + 2304NC"})
    assert bench.judge(claims).findings[0].holds


@pytest.mark.parametrize(
    ("formula", "problem"),
    thinned([
        ("9^(9^(9^(9)))", "an exponent is not allowed"),
        ("(9^(64))^(64)", "a number grows too large"),
        ("1" * 9_999, "a number is too long"),
        ("(NF + NC + NIC + k)^(64)", "the product has too many terms"),
        ("(NF+1)(NF+2)" * 800, "the degree is too high"),
        ("NF" * 5_000, "the degree is too high"),
        ("NF^(k)", "an exponent is not allowed"),
        ("(" * 9_000, "brackets or exponents are too deep"),
        ("__import__('os')", "'__import__' is no known name"),
        ("NF.__class__", "'__class__' is no known name"),
        ("\x1b[31mNF", r"'\\x1b' is not expected"),
    ], 3),
)  # fmt: skip
def test_a_hostile_formula_is_refused(bench: judge.Judge, formula: str, problem: str) -> None:
    """What would take for ever, or is no formula, is refused before it is computed."""
    with pytest.raises(UsageError, match=problem):
        bench.judge(Claims(NET, 32, {"weights": formula}, {"weights": formula}))


@pytest.mark.parametrize(
    "formula", ["+".join(["NF^(64)"] * 400), "+".join(f"NF^({power})" for power in range(65))]
)
def test_a_long_formula_is_judged_without_its_roots(
    bench: judge.Judge, formula: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a difference is nothing is seen in its terms; to seek the roots of one may take minutes."""
    monkeypatch.setattr(sympy.Expr, "diff", lambda *_: pytest.fail("a sign is sought by calculus"))
    findings = bench.judge(Claims(NET, 32, {"weights": formula}, {"weights": formula})).findings
    assert [finding.holds for finding in findings] == [False, False]
