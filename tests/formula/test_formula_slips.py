"""Simple mistakes, made with counts that were worked out by hand, are named by the audit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
import sympy  # type: ignore[import-untyped]
from thinned import thinned

from cnnreport.formula.audit import judge
from cnnreport.formula.audit.claims import SIZES, Claims
from cnnreport.formula.audit.findings import Audit
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import derive
from cnnreport.nets.colourization import ConvTransposeNet, PoolUpsampleNet

K, NIC, NF, NC = (symbol(name) for name in ("k", "NIC", "NF", "NC"))


@dataclass(frozen=True)
class Row:
    """A layer as the handout has it: channels, and width of its input and output for images of 32."""

    name: str
    kind: str
    channels: tuple[Any, Any]
    before: int
    after: int
    times: Any = 1
    pixels: Any = 1
    bias: int = 1
    area: Any = K**2

    def count(self, quantity: str, scale: int) -> Any:
        """Count weights, outputs or connections, with biases and normalisation among the weights."""
        taken, given = self.channels
        outputs = given * (scale * self.after) ** 2 * self.pixels
        places = (scale * (self.before if self.kind == "transposed" else self.after)) ** 2 * self.pixels
        counts = {
            "conv": (
                self.area * taken * given + self.bias * given,
                outputs,
                self.area * taken * given * places,
            ),
            "pool": (0, outputs, 4 * outputs),
            "up": (0, outputs, outputs),
            "norm": (2 * given, 0, 0),
        }
        counts["transposed"] = counts["conv"]
        return self.times * counts[self.kind][("weights", "outputs", "connections").index(quantity)]


POOL = (
    Row("down1.0 (Conv2d)", "conv", (NIC, NF), 32, 32),
    Row("down1.1 (MaxPool2d)", "pool", (NF, NF), 32, 16),
    Row("down1.2 (BatchNorm2d)", "norm", (NF, NF), 16, 16),
    Row("down2.0 (Conv2d)", "conv", (NF, 2 * NF), 16, 16),
    Row("down2.1 (MaxPool2d)", "pool", (2 * NF, 2 * NF), 16, 8),
    Row("down2.2 (BatchNorm2d)", "norm", (2 * NF, 2 * NF), 8, 8),
    Row("up1.0 (Conv2d)", "conv", (2 * NF, NF), 8, 8),
    Row("up1.1 (Upsample)", "up", (NF, NF), 8, 16),
    Row("up1.2 (BatchNorm2d)", "norm", (NF, NF), 16, 16),
    Row("up2.0 (Conv2d)", "conv", (NF, NC), 16, 16),
    Row("up2.1 (Upsample)", "up", (NC, NC), 16, 32),
    Row("up2.2 (BatchNorm2d)", "norm", (NC, NC), 32, 32),
    Row("logits (Conv2d)", "conv", (NC, NC), 32, 32),
)
TRANSPOSED = (
    Row("down1.0 (Conv2d)", "conv", (NIC, NF), 32, 16),
    Row("down1.1 (BatchNorm2d)", "norm", (NF, NF), 16, 16),
    Row("down2.0 (Conv2d)", "conv", (NF, 2 * NF), 16, 8),
    Row("down2.1 (BatchNorm2d)", "norm", (2 * NF, 2 * NF), 8, 8),
    Row("up1.0 (ConvTranspose2d)", "transposed", (2 * NF, NF), 8, 16),
    Row("up1.1 (BatchNorm2d)", "norm", (NF, NF), 16, 16),
    Row("up2.0 (ConvTranspose2d)", "transposed", (NF, NC), 16, 32),
    Row("up2.1 (BatchNorm2d)", "norm", (NC, NC), 32, 32),
    Row("logits (Conv2d)", "conv", (NC, NC), 32, 32),
)
NETS: Mapping[str, tuple[Any, tuple[Row, ...]]] = {
    "pool": (PoolUpsampleNet, POOL),
    "transposed": (ConvTransposeNet, TRANSPOSED),
}
Change = Callable[[Row], Row]


def change(names: str | tuple[str, ...], **parts: Any) -> Change:
    """A slip with the layers whose names begin so, or whose kind is that."""
    wanted = (names,) if isinstance(names, str) else names
    return lambda row: replace(row, **parts) if row.kind in wanted or row.name.startswith(wanted) else row


def sheet(rows: tuple[Row, ...], slip: Change = lambda row: row, only: str = "") -> dict[str, dict[str, str]]:
    """Six formulas, all made with a slip, or those for one size or quantity only."""
    tables: dict[str, dict[str, str]] = {}
    for scale, size in enumerate(SIZES, start=1):
        for quantity in ("weights", "outputs", "connections"):
            made = [slip(row) if only in ("", size, quantity, f"{size} {quantity}") else row for row in rows]
            total = sympy.expand(sum(row.count(quantity, scale) for row in made))
            tables.setdefault(size, {})[quantity] = str(total)
    return tables


@pytest.fixture(scope="module")
def judges() -> dict[str, judge.Judge]:
    """The judges of both nets; that their counts are proved, other tests see to."""
    made = {}
    for name, (net, _) in NETS.items():
        derivation = derive(net)
        made[name] = judge.Judge({"original": derivation, "doubled": derivation.doubled()}, 0)
    return made


def judged(judges: dict[str, judge.Judge], net: str, tables: Mapping[str, Mapping[str, str]]) -> Audit:
    """The audit of a sheet."""
    return judges[net].judge(Claims(net, 32, tables["original"], tables["doubled"]))


def swapped(row: Row) -> Row:
    """NF and NC in each other's place."""
    places = {NF: NC, NC: NF}
    taken, given = (sympy.sympify(c).subs(places, simultaneous=True) for c in row.channels)
    return replace(row, channels=(taken, given))


def at_output_pixels(row: Row) -> Row:
    """A transposed convolution taken for a convolution."""
    return replace(row, kind="conv") if row.kind == "transposed" else row


def behind(first: str) -> Change:
    """All layers from one on counted with twice the height and width."""

    def slip(row: Row) -> Row:
        rows = next(rows for _, rows in NETS.values() if row in rows)
        names = [row.name for row in rows]
        start = next(n for n, name in enumerate(names) if name.startswith(first))
        return replace(row, pixels=4) if names.index(row.name) >= start else row

    return slip


EVERYWHERE = "all layers after {} had been counted at the size before it"
KERNELS = (
    "the kernels of all transposed convolutions that change the size had been counted at the pixels of "
    "their outputs"
)
STATISTICS = (
    "all normalisations had been counted twice, or as if the running mean and variance of all "
    "normalisations had been counted too"
)


@pytest.mark.parametrize(
    ("net", "slip", "only", "told"),
    thinned([
        ("pool", change("up2.0", times=0), "", "up2.0 (Conv2d) had been left out"),
        ("transposed", change("up2.0", times=0), "", "up2.0 (ConvTranspose2d) had been left out"),
        ("pool", change("logits", times=0), "", "logits (Conv2d) had been left out"),
        ("transposed", change("logits", times=0), "connections", "logits (Conv2d) had been left out"),
        ("pool", change("down2.0", times=2), "", "down2.0 (Conv2d) had been counted twice"),
        ("transposed", change("down2.0", times=2), "", "down2.0 (Conv2d) had been counted twice"),
        ("pool", change("up1.1", times=0), "", "up1.1 (Upsample) had been left out"),
        ("pool", change("down2.1", times=0), "connections", "down2.1 (MaxPool2d) had been left out"),
        ("transposed", at_output_pixels, "", KERNELS),
        ("transposed", lambda row: replace(row, kind="conv", after=max(row.before, row.after))
         if row.kind in ("conv", "transposed") else row, "connections",
         "the kernels of all layers that change the size had been counted at the larger of both sizes"),
        ("pool", change("norm", times=2), "weights", STATISTICS),
        ("transposed", change("norm", times=2), "weights", STATISTICS),
        ("pool", swapped, "", "NF and NC had been mixed up everywhere"),
        ("transposed", swapped, "", "NF and NC had been mixed up everywhere"),
        ("pool", change(("conv",), area=1), "", "k² had been left out everywhere"),
        ("transposed", change(("conv", "transposed"), area=1), "", "k² had been left out everywhere"),
        ("pool", change("up2.0", area=1), "", "k² had been left out in up2.0 (Conv2d)"),
        ("transposed", change("logits", area=1), "original connections",
         "k² had been left out in logits (Conv2d)"),
        ("pool", change("logits", channels=(NF, NC)), "",
         "NF had been written for one NC of NC² in logits (Conv2d)"),
        ("pool", change("conv", area=K), "connections", "k had been written for k² everywhere"),
        ("pool", behind("down1.2"), "", EVERYWHERE.format("down1.1 (MaxPool2d)")),
        ("transposed", behind("down2.1"), "", EVERYWHERE.format("down2.0 (Conv2d)")),
    ], 15),
)  # fmt: skip
def test_a_single_slip_is_named(
    judges: dict[str, judge.Judge], net: str, slip: Change, only: str, told: str
) -> None:
    """A slip that alone explains all wrong formulas is the one that is named, in each of them as well."""
    found = judged(judges, net, sheet(NETS[net][1], slip, only))
    assert found.slips == (told,)
    wrong = [finding for finding in found.findings if not finding.holds]
    assert wrong
    assert all(told in finding.explanation for finding in wrong)


@pytest.mark.parametrize(
    ("net", "slip", "only", "parts"),
    [
        ("pool", change("up1.0", bias=0), "weights", ["the biases of one of down1.0 (Conv2d) and up1.0"]),
        ("transposed", change("down2.0", bias=0), "weights", ["the biases of down2.0 (Conv2d)"]),
        ("transposed", change("conv", bias=0), "weights",
         ["the biases of all convolutions had been left out",
          "the biases of all transposed convolutions had been counted too"]),
        ("pool", change("norm", times=Fraction(1, 2)), "weights", ["only the shift of all normalisations"]),
        ("pool", change("down2.2", times=0), "weights", ["down2.2 (BatchNorm2d) had been left out"]),
        ("transposed", change("down2.1", times=0), "weights", ["down2.1 (BatchNorm2d) had been left out"]),
        ("pool", change("down1.0", channels=(NC, NF)), "", ["NIC and NC had been mixed up in down1.0"]),
        ("transposed", change("up2.0", channels=(NF, NF)), "connections",
         ["NF had been written for NC in up2.0"]),
        ("transposed", lambda row: at_output_pixels(row) if row.name.startswith("up1.0") else row, "",
         ["the kernels of up1.0 (ConvTranspose2d) had been counted at the pixels of its output"]),
        ("pool", change("down2.0", pixels=4), "connections",
         ["down2.0 (Conv2d) had been counted at the size before down1.1"]),
        ("pool", change("pool", times=0), "", ["all pooling layers had been left out"]),
    ],
)  # fmt: skip
def test_of_several_slips_that_explain_it_all_are_named(
    judges: dict[str, judge.Judge], net: str, slip: Change, only: str, parts: list[str]
) -> None:
    """The one that was made is among those that are named."""
    (told,) = judged(judges, net, sheet(NETS[net][1], slip, only)).slips
    assert all(part in told for part in parts)


@pytest.mark.parametrize(
    ("net", "row"), thinned([(net, row) for net, (_, rows) in NETS.items() for row in rows], 4)
)
@pytest.mark.parametrize(("times", "done"), [(0, "left out"), (2, "counted twice")])
def test_every_layer_is_named(
    judges: dict[str, judge.Judge], net: str, row: Row, times: int, done: str
) -> None:
    """Whichever layer is left out or counted twice throughout is named; others only with equal right."""
    found = judged(judges, net, sheet(NETS[net][1], change(row.name, times=times)))
    (told,) = found.slips
    assert done in told
    assert row.name in told


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(
    ("quantity", "times", "told"),
    thinned(
        [
            ("weights", 4, "the formula of the original size had been multiplied by 4"),
            ("weights", 2, "the formula of the original size had been multiplied by 2"),
            ("outputs", 1, "the formula of the original size had been kept"),
            ("outputs", 2, "the formula of the original size had been multiplied by 2"),
            ("connections", 1, "the formula of the original size had been kept"),
            ("connections", 2, "the formula of the original size had been multiplied by 2"),
        ],
        4,
    ),
)
def test_a_slip_in_doubling_is_named(
    judges: dict[str, judge.Judge], net: str, quantity: str, times: int, told: str
) -> None:
    """Weights that were multiplied, and what should have been multiplied by four and was not."""
    tables = sheet(NETS[net][1])
    tables["doubled"][quantity] = f"{times}*({tables['original'][quantity]})"
    assert judged(judges, net, tables).slips == (told,)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(
    ("biases", "told"),
    [
        (lambda row, area: row.channels[1] * (area if row.name.startswith("logits") else 1), None),
        (lambda row, area: row.channels[1], "each bias had been counted once and not at each pixel"),
        (lambda row, area: 0 if row.name.startswith("down2") else row.channels[1] * area,
         "the biases of down2.0 (Conv2d) had been left out"),
    ],
)  # fmt: skip
def test_biases_forgotten_among_the_connections_are_told(
    judges: dict[str, judge.Judge], net: str, biases: Callable[[Row, int], Any], told: str | None
) -> None:
    """Where the doubled formula counts each bias at each pixel, the original one should too."""
    tables = sheet(NETS[net][1])
    kernels = [row for row in NETS[net][1] if row.kind in ("conv", "transposed")]
    for scale, size in enumerate(SIZES, start=1):
        areas = [(scale * row.after) ** 2 for row in kernels]
        of = biases if size == "original" else lambda row, area: row.channels[1] * area
        added = sum(of(row, area) for row, area in zip(kernels, areas, strict=True))
        tables[size]["connections"] += f" + {sympy.expand(added)}"
    slips = judged(judges, net, tables).slips
    assert (told in slips[0]) if told else slips[0] == "original connections: no single slip"


@pytest.mark.parametrize("net", thinned(NETS, 3))
@pytest.mark.parametrize(
    "slips",
    [
        (change("up2.0", times=0), change("down1.0", area=1)),
        (change("logits", times=2), change("norm", times=2)),
        (change("up1.0", times=0), swapped),
        (behind("up1"), change("down1.0", area=1)),
    ],
)
def test_two_slips_are_not_told_as_one(
    judges: dict[str, judge.Judge], net: str, slips: tuple[Change, Change]
) -> None:
    """No single slip is named for a sheet in which two were made."""
    first, second = slips
    found = judged(judges, net, sheet(NETS[net][1], lambda row: second(first(row))))
    assert len(found.slips) > 1
    connections = [f for f in found.findings if f.quantity == "connections" and not f.holds]
    for finding in connections:
        names = {symbol.name: symbol for symbol in (K, NIC, NF, NC)}
        assert (
            sympy.expand(sympy.sympify(finding.claimed, names) - finding.expected - finding.difference) == 0
        )


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("bias", [0, 1])
@pytest.mark.parametrize("norm", [0, 1])
def test_right_answers_of_any_convention_have_no_slip(
    judges: dict[str, judge.Judge], net: str, bias: int, norm: int
) -> None:
    """Whether biases and normalisations count or not, whoever stays with it made no slip."""
    made = sheet(NETS[net][1], lambda row: change("norm", times=norm)(replace(row, bias=bias)))
    found = judged(judges, net, made)
    assert (found.passed, found.slips) == (True, ())


@pytest.mark.parametrize("net", NETS)
def test_another_convention_at_each_size_is_told(judges: dict[str, judge.Judge], net: str) -> None:
    """Biases that count for one size only are no slip with a layer, but not one convention either."""
    found = judged(judges, net, sheet(NETS[net][1], lambda row: replace(row, bias=0), "original weights"))
    assert found.slips == ("weights: original as “kernels and normalisation”, doubled as “learnable”",)
    assert not found.passed
