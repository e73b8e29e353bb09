"""Values of constructor parameters: what --fix reads, what becomes a letter, what is asked for."""

import enum
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest
import torch
from thinned import thinned
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula.argument import read_values
from cnnreport.formula.convention import find
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, derive

N, NF = symbol("n"), symbol("NF")
IMAGE = (3, 8, 8)


class Mode(enum.Enum):
    """Ways to enlarge."""

    NEAREST = "nearest"
    BILINEAR = 2


def bare(width, mode="nearest", ratio=0.5, names=None) -> nn.Module:  # type: ignore[no-untyped-def]
    """A net without annotations."""
    return nn.Identity()


def annotated(
    width: int,
    mode: str,
    ratio: float,
    flag: bool,
    hidden: int | None,
    kernels: tuple[int, ...],
    widths: Sequence[int],
    padding: Literal["same", "valid"],
    either: int | str,
    kind: Mode,
    late: "bool",
) -> nn.Module:
    """A net whose parameters are annotated."""
    return nn.Identity()


@pytest.mark.parametrize(
    ("text", "value"),
    thinned(
        [
            ("width=3", 3),
            ("width=-3", -3),
            ("width=8n", 8 * N),
            ("width=2*(n+1)", 2 * N + 2),
            ("width=n", N),
            ("width=num_filters", NF),
            ("width=0.5", 0.5),
            ("width=-1e-3", -0.001),
            ("width=1/4", 0.25),
            ("width=true", True),
            ("width=False", False),
            ("width=None", None),
            ("width=none", None),
            ("width='bilinear'", "bilinear"),
            ('width="3"', "3"),
            ("width=3,6,9", (3, 6, 9)),
            ("width=(3, n)", (3, N)),
            ("width=3,", (3,)),
            ("width=[3,6]", [3, 6]),
            ("width=[]", []),
            ("width=()", ()),
            ("width=[[1,2],[3,'a,b']]", [[1, 2], [3, "a,b"]]),
            ("width={filters: 8n, 'mode': 'x'}", {"filters": 8 * N, "mode": "x"}),
            ("mode=bilinear", "bilinear"),
            ("mode='bilinear'", "bilinear"),
            ("mode=3", 3),
            ("mode=None", None),
            ("ratio=2", 2),
            ("names=3,6", (3, 6)),
        ],
        3,
    ),
)
def test_values_are_read_whatever_the_annotation(text: str, value: Any) -> None:
    """Numbers, constants, expressions, lists and quoted texts; a text by default needs no quotes."""
    name, _, _ = text.partition("=")
    found = read_values(bare, [text])[name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    thinned(
        [
            ("width=8n", 8 * N),
            ("width=-1", -1),
            ("mode=nearest", "nearest"),
            ("mode=3", "3"),
            ("mode=none", "none"),
            ("mode='a b'", "a b"),
            ("ratio=1", 1.0),
            ("ratio=1/4", 0.25),
            ("flag=TRUE", True),
            ("hidden=none", None),
            ("hidden=2n", 2 * N),
            ("kernels=3,5", (3, 5)),
            ("kernels=[3,5]", (3, 5)),
            ("widths=3,n", [3, N]),
            ("padding=same", "same"),
            ("either=3", 3),
            ("either=same", "same"),
            ("kind=BILINEAR", Mode.BILINEAR),
            ("kind=nearest", Mode.NEAREST),
            ("late=false", False),
        ],
        3,
    ),
)
def test_annotations_say_what_a_value_is(text: str, value: Any) -> None:
    """A text needs no quotes where texts are taken; lists, choices and enums are made as annotated."""
    name, _, _ = text.partition("=")
    found = read_values(annotated, [text])[name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("net", "text", "says"),
    thinned(
        [
            (
                annotated,
                "flag=yes",
                r"--fix flag: yes is neither true nor false; give it \(--fix flag=true or",
            ),
            (annotated, "width='3'", r"--fix width: it takes an integer \(int\), not '3'"),
            (annotated, "width=3,5", r"--fix width: it takes an integer \(int\), not 3,5"),
            (annotated, "width=0.5", "--fix width: 0.5 is no whole number"),
            (annotated, "width=n/2", "--fix width: n/2 is no whole number"),
            (annotated, "width=none", r"--fix width: it takes an integer \(int\), not none"),
            (annotated, "ratio=n", "--fix ratio: n is no number"),
            (annotated, "padding=full", "--fix padding: 'full' is no choice; choose from: same, valid"),
            (
                annotated,
                "kind=area",
                "--fix kind: 'area' is no choice; choose from: NEAREST, BILINEAR, nearest",
            ),
            (
                bare,
                "mode=none",
                r"--fix mode: none may be a text or None; write --fix mode=None, or --fix mode=\"'none'\"",
            ),
            (
                bare,
                "width=nn.ReLU",
                r"--fix width: '\.' is not expected.* or a text in quotes \(--fix width=\"'te",
            ),
            (bare, "width=3,,4", "--fix width: a value is missing between two commas"),
            (bare, "width={3}", "--fix width: '3' is no pair of a name and a value"),
            (bare, "width= ", "fixes nothing; write --fix name=value"),
        ],
        3,
    ),
)
def test_what_cannot_be_read_is_said(net: Callable[..., Any], text: str, says: str) -> None:
    """The parameter is named, and how its values are written."""
    with pytest.raises(UsageError, match=says):
        read_values(net, [text])


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (bool, r"takes a switch \(bool\); give it \(--fix it=true or --fix it=false\)"),
        ("bool", r"takes a switch \(bool\); give it \(--fix it=true or --fix it=false\)"),
        (str, r"takes a text \(str\); give it \(--fix it=TEXT\)"),
        (float, r"takes a number that need not be whole \(float\); give it \(--fix it=0.5\)"),
        (int | None, r"takes an integer \(int\) or None; give it \(--fix it=8 or --fix it=none\)"),
        (tuple[int, ...], r"takes a tuple; give it \(--fix it=3,6,9\)"),
        (Literal["same", "valid"], r"takes one of same, valid; give it \(--fix it=same or --fix it=valid\)"),
        (nn.Module, "takes a Module; name a function that returns the net with it"),
    ],
)
def test_a_parameter_that_is_no_integer_is_asked_for(annotation: Any, says: str) -> None:
    """With the values that it takes, as the command line writes them."""

    def build(it):  # type: ignore[no-untyped-def]
        return nn.Identity()

    build.__annotations__ = {"it": annotation}
    with pytest.raises(UsageError, match=f"the parameter it has no default and {says}"):
        derive(build, {}, IMAGE)


class Norm(nn.Module):
    """A convolution, and a batch norm behind it or not, as a function of a parameter decides."""

    def __init__(self, num_filters: Any, chosen: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, num_filters, 3)
        self.norm = nn.BatchNorm2d(num_filters) if chosen else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply both."""
        return self.norm(self.conv(x))


def truth(num_filters, it):  # type: ignore[no-untyped-def]
    """Asks whether it is true."""
    return Norm(num_filters, bool(it))


def negation(num_filters, it):  # type: ignore[no-untyped-def]
    """Asks whether it is false, among other things."""
    return Norm(num_filters, num_filters and not it)


def identity(num_filters, it):  # type: ignore[no-untyped-def]
    """Asks whether it is the constant."""
    return Norm(num_filters, it is True)


def absence(num_filters, it):  # type: ignore[no-untyped-def]
    """Asks whether there is one."""
    return Norm(num_filters, it is not None)


def comparison(num_filters, it):  # type: ignore[no-untyped-def]
    """Asks whether it is above zero."""
    return Norm(num_filters, it > 0)


def kind(num_filters, it):  # type: ignore[no-untyped-def]
    """Asks whether it is a text."""
    return Norm(num_filters, not isinstance(it, str))


@pytest.mark.parametrize("net", [truth, negation])
def test_a_switch_is_asked_for(net: Callable[..., nn.Module]) -> None:
    """A letter that a net asks for its truth, and that is in no count, stands for a switch."""
    says = r"whether it is true, and no count contains it, so it is a switch; give it \(--fix it=true or"
    with pytest.raises(UsageError, match=says):
        derive(net, {}, IMAGE)


@pytest.mark.parametrize("net", [identity, absence, comparison, kind])
def test_a_parameter_in_no_count_is_asked_for(net: Callable[..., nn.Module]) -> None:
    """It may be a switch, a text or None: the letter would hide that the net has another form."""
    with pytest.raises(UsageError, match=r"no count contains the parameter it, .* give it \(--fix it=true"):
        derive(net, {}, IMAGE)


def test_a_misspelt_switch_is_no_letter() -> None:
    """``flase`` is read as a letter, and asked about like any other."""
    with pytest.raises(UsageError, match="no count contains it, so it is a switch"):
        derive(truth, read_values(truth, ["it=flase"]), IMAGE)


@pytest.mark.parametrize("net", [truth, negation, identity, absence, comparison, kind])
def test_a_switch_that_is_given_decides(net: Callable[..., nn.Module]) -> None:
    """Both forms of the net are proved, with and without the scale and shift of the batch norm."""
    given = [read_values(net, [f"it={value}"]) for value in ("true", "none", "false", "'a'")]
    forms = [weights(proved(net, fixed)) for fixed in given if net is not comparison or fixed["it"] in (0, 1)]
    assert set(forms) == {28 * NF, 30 * NF}


def test_a_letter_that_counts_may_be_asked_for_its_truth() -> None:
    """A positive number is true; the formula says for which numbers it holds."""

    def build(num_filters, groups):  # type: ignore[no-untyped-def]
        return nn.Conv2d(3, num_filters * groups, 3) if groups else nn.Identity()

    derivation = proved(build, {})
    assert derivation.positive == ("groups",)
    assert weights(derivation) == 28 * NF * symbol("groups")


def test_an_integer_of_no_use_is_no_switch() -> None:
    """A parameter that is annotated as an integer may be idle, as long as nothing is decided by it."""

    def idle(num_filters: int, seed: int) -> nn.Module:
        return nn.Conv2d(3, num_filters, 3)

    def decisive(num_filters: int, seed: int) -> nn.Module:
        return nn.Conv2d(3, num_filters, 3, bias=seed > 0)

    assert weights(proved(idle, {})) == 28 * NF
    with pytest.raises(UsageError, match="no count contains the parameter seed"):
        derive(decisive, {}, IMAGE)


def test_a_letter_for_a_text_is_asked_for() -> None:
    """A comparison with a text is not quietly false."""

    def build(norm):  # type: ignore[no-untyped-def]
        return nn.BatchNorm2d(3) if norm == "batch" else nn.Identity()

    for fixed in ({}, read_values(build, ["norm=batch"])):
        with pytest.raises(UsageError, match=r"compared with the text 'batch'.* quote it \(--fix name=\"'ba"):
            derive(build, fixed, IMAGE)
    assert weights(proved(build, read_values(build, ["norm='batch'"]))) == 6


def test_lists_hold_letters() -> None:
    """Widths of several layers, some of them letters, are proved like any others."""

    def build(widths):  # type: ignore[no-untyped-def]
        pairs = itertools.pairwise(widths)
        return nn.Sequential(*(nn.Conv2d(one, other, 3) for one, other in pairs))

    derivation = proved(build, read_values(build, ["widths=3,n,2n"]))
    assert weights(derivation) == 27 * N + N + 18 * N**2 + 2 * N


def test_group_norm_of_multiples() -> None:
    """An expression for a parameter without annotation reaches the net as a size."""

    class Grouped(nn.Module):
        def __init__(self, num_filters):  # type: ignore[no-untyped-def]
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, num_filters, 3), nn.GroupNorm(8, num_filters)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.conv(x))

    derivation = proved(Grouped, read_values(Grouped, ["num_filters=8n"]))
    assert weights(derivation) == 240 * N


def proved(net: Callable[..., nn.Module], fixed: dict[str, Any]) -> Derivation:
    """Derive a net for a small image, and prove it."""
    derivation = derive(net, fixed, IMAGE)
    prove(derivation)
    return derivation


def weights(derivation: Derivation) -> Any:
    """All learnable parameters."""
    return find("learnable").totals(derivation)["weights"]
