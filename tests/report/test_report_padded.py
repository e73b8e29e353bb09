"""Question B4 as it is printed: true whatever the run found, and each number with its origin."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from composed import body_of, prose_of
from fake_derivations import MakeDerivation, derived_measures, formula
from sentences import outcomes

from cnnreport.errors import UsageError
from cnnreport.kinds import kind as kinds
from cnnreport.project import Project
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas import paddings

PADDINGS = "conv-transpose-paddings"
KERNELS = (3, 4, 5)
FIGURE = ["32 × 16 × 16", "24 × 32 × 32"]

Found = Sequence[tuple[int | None, int | None]]
"""Padding and output padding for each kernel size."""

DOWN: Found = [(1, None), (1, None), (2, None)]
UP: Found = [(1, 1), (1, 0), (2, 1)]
LAST: Found = [(1, None), (None, None), (2, None)]


def setting(kernel: int, padding: int | None, output_padding: int | None) -> dict[str, Any]:
    """Return the answer for one kernel size as measures have it."""
    lost = padding is None
    return {
        "kernel": kernel, "condition": formula("2p = 3", f"condition for {kernel}"),
        "padding": padding, "output_padding": output_padding,
        "uneven": [7, 8] if lost else None, "nearest": [[7, 31], [8, 33]] if lost else [],
    }  # fmt: skip


def group(kind: str, layers: Sequence[str], found: Found) -> dict[str, Any]:
    """Return what is known of some layers as measures have it."""
    output = formula(r"k\;\mathrm{mod}\;2", "k modulo 2") if kind == "ConvTranspose2d" else None
    lost = any(padding is None for padding, _ in found)
    padding = None if lost else formula("k - 1", "k minus 1")
    case = {
        "kernel": formula("k = 2m", "k equals 2 m"), "condition": formula("2p = 2m", "2 p equals 2 m"),
        "padding": padding, "output_padding": None if lost else output,
        "uneven": [formula("m - 1", "m minus 1"), formula("m", "m")] if lost else None,
    }  # fmt: skip
    return {
        "layers": list(layers), "kind": kind, "given": formula("H = h", "H equals h"),
        "condition": formula("2p = k", f"condition of {layers[0]}"), "padding": padding,
        "output_padding": output, "odd": case, "even": case,
        "settings": [setting(k, *pair) for k, pair in zip(KERNELS, found, strict=True)],
    }  # fmt: skip


def check(kernel: int, after: float, shapes: Sequence[str]) -> dict[str, Any]:
    """Return what the live check saw for one kernel size as measures have it."""
    return {
        "kernel": kernel, "modules": ["down1", "logits"], "shapes": list(shapes),
        "passed": ["padding=1, output_padding=0", "padding='same'"],
        "loss_before": 3.2, "loss_after": after,
    }  # fmt: skip


def measures(
    down: Found = DOWN,
    up: Found = UP,
    last: Found = LAST,
    after: Sequence[float] = (3.0, 2.9, 2.8),
    shapes: Sequence[str] = FIGURE,
) -> dict[str, Any]:
    """Return the measures of a run of paddings, with what it found and what the net did."""
    return {
        "net": "ConvTransposeNet", "points": 816, "tried": {"largest_kernel": 9, "sizes": [32, 64]},
        "equations": {
            kind: {"size": formula("O = H", f"size of {kind}"), "solved": formula("p = 1", f"{kind} solved")}
            for kind in ("Conv2d", "ConvTranspose2d")
        },
        "groups": [
            group("Conv2d", ["layer 1", "layer 2"], down),
            group("ConvTranspose2d", ["layer 3", "layer 4"], up),
            group("Conv2d", ["layer 5"], last),
        ],
        "figure": FIGURE,
        "live": {"images": 4, "steps": 20, "num_filters": 32, "num_colours": 24},
        "checks": [check(k, loss, shapes) for k, loss in zip(KERNELS, after, strict=True)],
    }  # fmt: skip


def test_fake_paddings_leave_what_real_ones_do() -> None:
    """Their measures have the names that the kind declares."""
    declared = kinds.load("cnnreport.kinds.derivation:PADDINGS").declared("measures")
    assert set(measures()) == set(declared)


def told(project: Project, make: MakeDerivation, **chosen: Any) -> str:
    """Return what the section says of a run with these measures."""
    return prose_of(project, [make(measures(**chosen), PADDINGS)], "b4", "b4more")


def test_the_paddings_as_they_were_found(
    project: Project, make_derivation: MakeDerivation, golden: Callable[[str, str], None]
) -> None:
    """The answer first, then how it was derived and tried; whatever was found is said as it is."""
    usual = told(project, make_derivation)
    golden("b4", usual)
    others: dict[str, dict[str, Any]] = {
        "paddings change apart": {"up": [(1, 1), (0, 0), (2, 1)]},
        "two parameters have no value": {"up": [(None, None), (None, None), (2, 1)]},
        "the last layer has a padding": {"last": DOWN},
        "the loss never fell": {"after": (3.3, 3.2, 3.4)},
        "the loss fell sometimes": {"after": (3.0, 3.3, 3.1)},
        "the shapes are not those of the figure": {"shapes": FIGURE[::-1]},
    }
    cases = {what: told(project, make_derivation, **chosen) for what, chosen in others.items()}
    golden("b4-outcomes", outcomes(usual, cases))


def test_nothing_is_claimed_of_paddings_that_are_not_there(
    project: Project, make_derivation: MakeDerivation
) -> None:
    """Without an answer for each kernel size there is no general one, and no talk of uneven ones in vain."""
    lost = told(project, make_derivation, up=[(None, None), (None, None), (2, 1)])
    assert "has no value that keeps the shapes" in lost
    assert not re.search("for every kernel size,|exactly one answer", lost)
    assert not re.search("uneven|nothing to choose|none", told(project, make_derivation, last=DOWN))


def test_a_net_with_other_shapes_is_not_said_to_keep_them(
    project: Project, make_derivation: MakeDerivation
) -> None:
    """What the modules gave decides, not what was expected of them."""
    lost = told(project, make_derivation, shapes=FIGURE[::-1])
    assert "Not every module gave the shape of the figure" in lost
    assert "Each module gave" not in lost


def test_what_differs_is_bold(project: Project, make_derivation: MakeDerivation) -> None:
    """In the table of kernel sizes each value that is not that of the first one stands out."""
    made = body_of(project, [make_derivation(measures(), PADDINGS)], "b4")
    table = made.split('<table id="tab-paddings"')[1].split("</table>")[0]
    marked = re.findall(r"<strong>(.*?)</strong>", table)
    assert [re.sub("<[^>]*>", "", value) for value in marked] == [
        *("2", "0", "2"),
        "none: 7 before, 8 behind",
        "2",
    ]


def quantities(value: Any) -> Iterator[Quantity]:
    """Every quantity in plain data."""
    if isinstance(value, Quantity):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from quantities(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from quantities(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from quantities(each)


def test_each_number_stands_where_its_origin_says(make_derivation: MakeDerivation) -> None:
    """The field of every quantity leads to its very value in the measures, and names are unique."""
    run = make_derivation(measures(), PADDINGS)
    found = list(quantities(paddings.paddings(run)))
    for quantity in found:
        place: Any = run.measures
        for step in quantity.source.field.split(" / "):
            place = place[int(step)] if isinstance(place, list) else place[step]
        assert quantity.mean == place
        assert quantity.source.file == "measures.json"
    assert len({quantity.name for quantity in found}) == len(found)


@pytest.mark.parametrize(
    "foreign", [{"net": "N"}, derived_measures(), {**measures(), "groups": measures()["groups"][:2]}]
)
def test_foreign_measures_are_refused(make_derivation: MakeDerivation, foreign: dict[str, Any]) -> None:
    """A run of another kind, or of an older version, is named with its folder and what to do."""
    run = make_derivation(foreign, PADDINGS)
    with pytest.raises(
        UsageError, match=rf"{run.folder.name} does not fit this version: .* has .*run the experiment"
    ):
        paddings.paddings(run)
