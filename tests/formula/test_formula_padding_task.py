"""Question B4 as a run: what it prints is what real modules do, and nets that do otherwise are refused."""

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.paddings.live import check, figure_shapes
from cnnreport.formula.paddings.task import PaddingTask
from cnnreport.formula.spec import Paddings
from cnnreport.nets.colourization import ConvTransposeNet
from cnnreport.project import PACKAGE, load_file

DECLARED = load_file(PACKAGE.parent / "experiments" / "a2-writeup" / "paddings.py").EXPERIMENTS[0]
SMALL = replace(DECLARED.spec, steps=2, images=1, num_filters=2, num_colours=3, size=8)
KINDS = {"Conv2d": nn.Conv2d, "ConvTranspose2d": nn.ConvTranspose2d}


@pytest.fixture(scope="module")
def task() -> PaddingTask:
    """The declared experiment with a small net, as a task that ran."""
    made = PaddingTask(SMALL, 0, {}, "cpu")
    made.run_epoch()
    return made


@pytest.fixture(scope="module")
def told(task: PaddingTask) -> Any:
    """Its measures, after the trip through a file."""
    return json.loads(json.dumps(task.results().measures))


def holds(latex: str, **values: int) -> bool:
    """Whether an equation or a chain of inequalities holds for some numbers."""
    text = re.sub(r"\\left\\lfloor\\frac\{(.*?)\}\{(.*?)\}\\right\\rfloor", r"((\1) // (\2))", latex)
    text = text.replace(r"\mathrm{op}", "q").replace(r"\le", "<=").replace(r"\,", "*").replace("{-}", "-")
    text = re.sub(r"(\d)([a-zA-Z])", r"\1*\2", text)
    assert "\\" not in text, text
    return bool(eval(text.replace(" = ", " == "), {}, {**values, "q": values["op"]}))  # noqa: S307


def size(kind: str, k: int, s: int, d: int, p: int, op: int, given: int) -> int | None:
    """The size that a real module gives, None where PyTorch refuses."""
    common = {"stride": s, "padding": p, "dilation": d, "device": "meta"}
    more = {"output_padding": op} if kind == "ConvTranspose2d" else {}
    try:
        return int(
            KINDS[kind](1, 1, k, **common, **more)(torch.empty(1, given, given, device="meta")).shape[-1]
        )
    except RuntimeError:
        return None


def modules(kind: str) -> Iterator[tuple[dict[str, int], int]]:
    """Real modules as the letters of the equations have them, and the size that each gives."""
    for k, s, d, p, given in product((1, 2, 4, 5), (1, 2, 3), (1, 2), (0, 1, 3), (7, 10)):
        for op in range(max(s, d)) if kind == "ConvTranspose2d" else (0,):
            out = size(kind, k, s, d, p, op, given)
            if out is not None:
                yield {"k": k, "s": s, "d": d, "p": p, "op": op, "H": given}, out


@pytest.mark.parametrize("kind", KINDS)
def test_the_equations_are_what_real_modules_do(told: Any, kind: str) -> None:
    """The documentation's equation gives the size of each module's output, and no other."""
    latex = told["equations"][kind]["size"]["latex"][0]
    for letters, out in modules(kind):
        assert [holds(latex, **letters, O=out + off) for off in (-1, 0, 1)] == [False, True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_the_solved_equations_say_the_same(told: Any, kind: str) -> None:
    """Solved for the padding, they hold for the sizes that real modules give, and for no others."""
    latex = told["equations"][kind]["solved"]["latex"][0]
    for letters, out in modules(kind):
        assert [holds(latex, **letters, O=out + off) for off in (-1, 0, 1)] == [False, True, False]


@pytest.mark.parametrize("k", range(1, 9))
def test_the_conditions_in_k_choose_the_paddings_that_keep_the_figures_shapes(told: Any, k: int) -> None:
    """Of all paddings, real modules with those that meet a group's condition keep the shapes, no others."""
    sizes = {"layer 1": (2, 32, 16), "layer 3": (2, 8, 16), "layer 5": (1, 32, 32)}
    for group in told["groups"]:
        s, given, wanted = sizes[group["layers"][0]]
        for p, op in product(range(k + 1), range(s) if group["kind"] == "ConvTranspose2d" else (0,)):
            kept = size(group["kind"], k, s, 1, p, op, given) == wanted
            assert holds(group["condition"]["latex"][0], k=k, p=p, op=op) == kept


def test_the_conditions_in_m_are_those_in_k(told: Any) -> None:
    """For k = 2m + 1 and for k = 2m they say what the condition in k says."""
    for group, m, p, op in product(told["groups"], range(1, 6), range(9), (0, 1)):
        for parity, k in (("odd", 2 * m + 1), ("even", 2 * m)):
            in_k = holds(group["condition"]["latex"][0], k=k, p=p, op=op)
            assert holds(group[parity]["condition"]["latex"][0], m=m, p=p, op=op) == in_k


def test_conditions_for_a_kernel_size_are_met_by_its_paddings_alone(told: Any) -> None:
    """Each setting meets its condition, its neighbours do not, and where there is none nobody does."""
    for setting in (setting for group in told["groups"] for setting in group["settings"]):
        met = [
            (p, op)
            for p, op in product(range(6), (0, 1) if setting["output_padding"] is not None else (0,))
            if holds(setting["condition"]["latex"][0], p=p, op=op)
        ]
        found = (setting["padding"], setting["output_padding"] or 0)
        assert met == ([] if setting["padding"] is None else [found])


def test_answer_to_b4(told: Any) -> None:
    """Paddings and output paddings for k = 3, 4, 5 are the known ones; the last layer has none for 4."""
    found = {
        ", ".join(group["layers"]): [
            (s["kernel"], s["padding"], s["output_padding"], s["uneven"]) for s in group["settings"]
        ]
        for group in told["groups"]
    }
    assert found == {
        "layer 1, layer 2": [(3, 1, None, None), (4, 1, None, None), (5, 2, None, None)],
        "layer 3, layer 4": [(3, 1, 1, None), (4, 1, 0, None), (5, 2, 1, None)],
        "layer 5": [(3, 1, None, None), (4, None, None, [1, 2]), (5, 2, None, None)],
    }


def test_the_general_answer_as_it_is_printed(told: Any) -> None:
    """The closed forms have LaTeX and words; a remainder and a rounding are said, not spelt as code."""
    down, up, last = told["groups"]
    floor = [r"\left\lfloor{\frac{k - 1}{2}}\right\rfloor"]
    assert down["padding"] == up["padding"]
    assert down["padding"]["latex"] == floor
    assert down["padding"]["words"] == "(k minus 1) divided by 2, rounded down"
    assert up["output_padding"]["latex"] == [r"k\;\mathrm{mod}\;2"]
    assert up["output_padding"]["words"] == "k modulo 2"
    assert up["even"]["output_padding"] == {"latex": ["0"], "words": "0", "zero": True}
    assert down["output_padding"] is None
    assert last["padding"] is None
    assert [zeros["latex"] for zeros in last["even"]["uneven"]] == [["m - 1"], ["m"]]
    assert down["given"]["latex"] == [r"H = 2h,\; O = h,\; s = 2,\; d = 1"]


def test_a_negative_right_hand_side_is_set_as_one() -> None:
    """For k = 1 the minus belongs to its number, so no space of a difference stands behind it."""
    found = PaddingTask(replace(SMALL, kernels=(1, 2)), 0, {}, "cpu").results().measures
    conditions = [group["settings"][0]["condition"]["latex"] for group in found["groups"]]
    assert conditions == [[r"-1 \le 2p \le 0"], [r"2p - \mathrm{op} = {-}1"], ["2p = 0"]]


def test_the_run_says_what_was_tried(task: PaddingTask, told: Any) -> None:
    """Kernel sizes reach beyond those asked for, and the number of modules is the run's only row."""
    assert told["tried"] == {"largest_kernel": 9, "sizes": [8, 16]}
    assert task.run_epoch() == {"points": float(told["points"])}
    assert told["live"] == {"images": 1, "steps": 2, "num_filters": 2, "num_colours": 3}


def test_the_net_that_was_checked_is_kept(task: PaddingTask) -> None:
    """Its source goes into the run, since the report speaks of that very class."""
    assert "class ConvTransposeNet" in task.results().listings["ConvTransposeNet"]


def test_the_live_check_keeps_the_figures_shapes(told: Any) -> None:
    """For each kernel size the modules give NF, 2NF, NF, NC and NC channels in the figure's sizes."""
    figure = ["2 × 4 × 4", "4 × 2 × 2", "2 × 4 × 4", "3 × 8 × 8", "3 × 8 × 8"]
    assert told["figure"] == figure
    assert [seen["shapes"] for seen in told["checks"]] == [figure] * 3
    assert [seen["kernel"] for seen in told["checks"]] == [3, 4, 5]
    assert told["checks"][0]["modules"] == ["down1", "down2", "up1", "up2", "logits"]


def test_the_figures_shapes_for_its_own_size() -> None:
    """As Figure 1b has them, for NF = 32 and NC = 24."""
    assert figure_shapes(DECLARED.spec) == (
        (32, 16, 16),
        (64, 8, 8),
        (32, 16, 16),
        (24, 32, 32),
        (24, 32, 32),
    )


def test_the_live_check_tells_what_was_passed(told: Any) -> None:
    """The settings are read off the modules themselves."""
    strided, transposed = ["padding=1"] * 2, ["padding=1, output_padding=0"] * 2
    assert told["checks"][1]["passed"] == [*strided, *transposed, "padding='same'"]


def test_the_training_lowers_the_loss_and_can_be_repeated() -> None:
    """A step goes downhill, more of them further, and the same spec gives the same numbers."""
    short, again, longer = check(SMALL, 4), check(SMALL, 4), check(replace(SMALL, steps=6), 4)
    assert short == again
    assert short.before > short.after > longer.after


def test_an_even_kernel_size_passes_in_silence() -> None:
    """That padding='same' copies the input for an even kernel is meant, so PyTorch does not warn."""
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check(SMALL, 4)
        with pytest.warns(UserWarning, match="even kernel lengths"):
            ConvTransposeNet(4, 1, 1, 1)(torch.zeros(1, 1, 8, 8))
    finally:
        torch.set_warn_always(always)


def test_the_random_numbers_of_others_are_left_alone() -> None:
    """Drawing weights and pictures does not move the global generator."""
    before = torch.get_rng_state()
    check(SMALL, 3)
    assert torch.equal(torch.get_rng_state(), before)


class Shorter(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**numbers)
        self.logits = nn.Identity()  # type: ignore[assignment]


class WrongPadding(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**numbers)
        self.down2[0].padding = (2, 2)


class WrongOutputPadding(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**numbers)
        self.up1[0].output_padding = (1, 1)


class EvenLast(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**numbers)
        self.logits.padding = (1, 1)


class OtherKernel(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**{**numbers, "kernel": 3})


class TransposedLast(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**numbers)
        colours = numbers["num_colours"]
        self.logits = nn.ConvTranspose2d(colours, colours, numbers["kernel"])  # type: ignore[assignment]


class ZerosInFront(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(nn.functional.pad(x, (2, 1, 2, 1)), self.weight, self.bias)


class OtherSide(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**numbers)
        colours = numbers["num_colours"]
        self.logits = ZerosInFront(colours, colours, numbers["kernel"], padding="same")


class Wider(ConvTransposeNet):
    def __init__(self, **numbers: int) -> None:
        super().__init__(**{**numbers, "num_filters": 5})


@pytest.mark.parametrize(
    ("net", "problem"),
    [
        (Shorter, "Shorter has 4 convolutions, Figure 1b has 5"),
        (WrongPadding, r"layer 2, k = 4: the net has Conv2d\(.*padding=\(2, 2\)\); 4 → 2 .*: p = 1"),
        (WrongOutputPadding, r"layer 3, k = 4: the net has .*output_padding=\(1, 1\)\); 2 → 4 .* op = 0"),
        (EvenLast, r"layer 5, k = 4: the net has .* needs 2p = 3, which no integer"),
        (OtherKernel, r"layer 1, k = 4: the net has .*kernel_size=\(3, 3\).*, not the Conv2d of Figure 1b"),
        (TransposedLast, r"layer 5, k = 4: the net has ConvTranspose2d\(.*, not the Conv2d of Figure 1b"),
        (OtherSide, "layer 5, k = 4: padding='same' does not pad as derived"),
        (Wider, r"k = 4: Wider gives down1 \(5, 4, 4\), .*; Figure 1b has \(2, 4, 4\), "),
    ],
)
def test_a_net_that_does_otherwise_is_refused(net: type, problem: str) -> None:
    """A layer, a setting or a shape that is not the figure's stops the run, and its place is named."""
    with pytest.raises(VerificationError, match=problem):
        check(replace(SMALL, net=f"{__name__}:{net.__name__}"), 4)


@pytest.mark.parametrize("rate", [0.0, 1e300])
def test_a_training_that_does_not_learn_is_refused(rate: float) -> None:
    """A loss that stays, or is no number any more, is not smaller."""
    with pytest.raises(
        VerificationError, match=r"k = 3: 2 steps of training changed the loss .* not smaller"
    ):
        check(replace(SMALL, learning_rate=rate), 3)


@pytest.mark.parametrize("kernels", [(), (3,), (3, 4, 3)])
def test_kernel_sizes_that_cannot_be_compared_are_refused(kernels: tuple[int, ...]) -> None:
    """The first is what the others are compared with, so there is another, and each stands there once."""
    with pytest.raises(UsageError, match="cannot be compared; give two or more, each of them once"):
        Paddings(net="net:Net", kernels=kernels)


def test_formats_of_the_numbers_are_told() -> None:
    """The derivation is exact, the losses are not, and the key of the run says so."""
    assert SMALL.arithmetic("cpu") == "exact, float64"
