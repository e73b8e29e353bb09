"""Question B4 as it is printed: true whatever the run found, and each number with its origin."""

import html
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_derivations import MakeDerivation, derived_measures, formula

from cnnreport.errors import UsageError
from cnnreport.kinds import kind as kinds
from cnnreport.project import PACKAGE, Project
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.page import compose, outline
from cnnreport.report.say.formulas import paddings

PADDINGS = "conv-transpose-paddings"
REPORT = """
title = "T"
subtitle = "S"
course = "C"
output = "t.pdf"
[[section]]
id = "b4"
title = "B4. Other kernel sizes"
part = "Part B"
template = "b4.html.j2"
experiments = ["conv-transpose-paddings"]
"""
ANSWERS = """
from cnnreport.report.say.formulas import paddings
from cnnreport.report.answer import Answer

def b4(runs):
    return Answer(paddings={"figure": paddings.paddings(runs["conv-transpose-paddings"][0])})

ANSWERS = {"b4": b4}
"""
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


@pytest.fixture
def sheet(tmp_path: Path) -> Project:
    """A project whose report has the section alone."""
    answers, templates = tmp_path / "experiments" / "sheet" / "answers", tmp_path / "templates" / "sheet"
    for folder in (answers, templates):
        folder.mkdir(parents=True)
    (answers / "part_b.py").write_text(ANSWERS)
    (templates / "report.toml").write_text(REPORT)
    shutil.copy(PACKAGE.parent / "templates" / "a2-writeup" / "b4.html.j2", templates)
    return Project(tmp_path, tmp_path / "build")


def page(sheet: Project, make: MakeDerivation, **chosen: Any) -> str:
    """The section as HTML."""
    runs = {PADDINGS: [make(measures(**chosen), PADDINGS)]}
    made = compose.compose(sheet, outline.load(sheet, "sheet"), runs, compose.Context())
    return made[made.index('<h2 id="b4">') : made.index('id="appendix"')]


def words(sheet: Project, make: MakeDerivation, **chosen: Any) -> str:
    """The words of the section; a formula is told by its alternative text."""
    body = re.sub(r'<img[^>]* alt="([^"]*)"[^>]*>', r"\1", page(sheet, make, **chosen))
    body = re.sub(r"<br>|</t[dh]>|</?div[^>]*>", " ", body)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", body)).replace("\u00a0", " "))


def test_the_answer_comes_first(sheet: Project, make_derivation: MakeDerivation) -> None:
    """Right after the question stands what becomes of each parameter for each other kernel size."""
    assert (
        "Figure 1b)? Answer. With k = 4, padding stays 1 in all of these layers, and output_padding becomes "
        "0 instead of 1. With k = 5, padding becomes 2 instead of 1 in all of these layers, and "
        "output_padding stays 1. For every kernel size the answer is p equals k minus 1 and op equals "
        "k modulo 2. The last convolution"
    ) in words(sheet, make_derivation)


def test_paddings_that_change_apart_are_told_apart(sheet: Project, make_derivation: MakeDerivation) -> None:
    """Where convolutions and transposed convolutions need different ones, both are named."""
    told = words(sheet, make_derivation, up=[(1, 1), (0, 0), (2, 1)])
    assert "padding stays 1 in the nn.Conv2d layers and becomes 0 instead of 1 in the nn.Conv" in told
    assert "padding becomes 2 instead of 1 in all of these layers" in told


def test_a_parameter_without_a_value_is_told(sheet: Project, make_derivation: MakeDerivation) -> None:
    """Where nothing keeps the shapes that is the answer, and where there was nothing before it becomes."""
    told = words(sheet, make_derivation, up=[(None, None), (None, None), (2, 1)])
    assert (
        "has no value that keeps the shapes in the nn.ConvTranspose2d layers, and output_padding has" in told
    )
    assert "becomes 2 in the nn.ConvTranspose2d layers, and output_padding becomes 1." in told
    assert "For every kernel size the answer is" not in told
    assert "there is one answer and no other" not in told


def test_the_last_layer_without_a_padding_is_explained(
    sheet: Project, make_derivation: MakeDerivation
) -> None:
    """The nearest paddings, what they give, and the uneven one that serves; the argument says why."""
    told = words(sheet, make_derivation)
    assert (
        "no padding that keeps the shape with k = 4: 7 gives 31 × 31 and 8 gives 33 × 33. It needs uneven "
        "padding, 7 before and 8 behind each axis, which padding='same' gives."
    ) in told
    assert "In layer 5 nothing is left to choose" in told
    assert "none: m minus 1 before, m behind" in told
    assert "padding none: 7 before, 8 behind condition for 4" in told


def test_a_last_layer_with_a_padding_needs_no_explanation(
    sheet: Project, make_derivation: MakeDerivation
) -> None:
    """Where each kernel size has a padding nothing is said of uneven ones."""
    told = words(sheet, make_derivation, last=DOWN)
    assert "uneven" not in told
    assert "nothing is left to choose" not in told
    assert "none" not in told


def test_what_differs_is_bold(sheet: Project, make_derivation: MakeDerivation) -> None:
    """In the table of kernel sizes each value that is not that of the first one stands out."""
    table = page(sheet, make_derivation).split('<table id="tab-paddings"')[1].split("</table>")[0]
    marked = re.findall(r"<strong>(.*?)</strong>", table)
    assert [re.sub("<[^>]*>", "", value) for value in marked] == [
        *("2", "0", "2"),
        "none: 7 before, 8 behind",
        "2",
    ]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ((3.0, 2.9, 2.8), "with each kernel size, and the loss became smaller each time"),
        ((3.3, 3.2, 3.4), ", and the loss never became smaller"),
        ((3.0, 3.3, 3.1), ", and the loss became smaller with k = 3, 5 alone"),
    ],
)
def test_the_training_is_told_as_it_went(
    sheet: Project, make_derivation: MakeDerivation, after: Sequence[float], said: str
) -> None:
    """The loss became smaller always, never or sometimes; both losses stand in the table."""
    told = words(sheet, make_derivation, after=after)
    assert said in told
    assert f"padding='same' 3.200 {after[0]:.3f} " in told


def test_shapes_that_are_not_the_figures_are_told(sheet: Project, make_derivation: MakeDerivation) -> None:
    """A net that gives another shape is not said to keep it."""
    kept, lost = (words(sheet, make_derivation, shapes=each) for each in (FIGURE, FIGURE[::-1]))
    assert "Each module gave the shape of Figure 1b with each kernel size" in kept
    assert "Each module gave" not in lost
    assert "Not every module gave the shape of Figure 1b, and the loss" in lost


def test_the_equations_are_numbered_and_referred_to(sheet: Project, make_derivation: MakeDerivation) -> None:
    """Those of the documentation come first, then what they say of the padding."""
    told = words(sheet, make_derivation)
    assert "(1) is that of nn.Conv2d, (2) that of nn.ConvTranspose2d." in told
    assert "size of Conv2d (1)" in told.replace("  ", " ")
    assert "becomes (3)." in told
    assert "ConvTranspose2d solved (4)" in told


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
        UsageError, match=rf"{run.folder.name} is not that of .* paddings.*run the experiment"
    ):
        paddings.paddings(run)
