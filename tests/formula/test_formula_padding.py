import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import product

import pytest
import torch
from thinned import thinned
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.paddings import check as padding_check
from cnnreport.formula.paddings import solve as padding
from cnnreport.formula.paddings.check import verify, verify_figure, verify_general
from cnnreport.formula.paddings.general import general
from cnnreport.formula.paddings.solve import (
    FIGURE_1B,
    Kind,
    Layer,
    Setting,
    Solution,
    figure,
    solve_figure,
    solve_layer,
)

CONV, TRANSPOSED = Layer("c", Kind.CONVOLUTION, 8, 8), Layer("t", Kind.TRANSPOSED, 8, 16, stride=2)


def run(layer: Layer, kernel: int, p: int, op: int) -> int | None:
    """The size a real module gives, None where PyTorch refuses."""
    common = {"stride": layer.stride, "dilation": layer.dilation, "padding": p, "device": "meta"}
    image = torch.empty(1, 1, layer.size_in, layer.size_in, device="meta")
    try:
        if layer.kind is Kind.CONVOLUTION:
            return int(nn.Conv2d(1, 1, kernel, **common)(image).shape[-1])
        return int(nn.ConvTranspose2d(1, 1, kernel, output_padding=op, **common)(image).shape[-1])
    except RuntimeError:
        return None


def sizes_by_setting(layer: Layer, kernel: int, up_to: int) -> dict[Setting, int | None]:
    """The sizes real modules give with paddings up to a limit, and with output paddings up to 4."""
    output_paddings = range(5 if layer.kind is Kind.TRANSPOSED else 1)
    tried = product(range(up_to + 1), output_paddings)
    return {Setting(p, op): run(layer, kernel, p, op) for p, op in tried}


def pairs(solutions: Sequence[Solution]) -> list[list[tuple[int, int]]]:
    """The settings of each layer as plain pairs."""
    return [list(zip(each.paddings, each.output_paddings, strict=True)) for each in solutions]


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    ("kernel", "conv", "transposed", "last"),
    [
        (1, (0, 0), (0, 1), [(0, 0)]),
        (3, (1, 0), (1, 1), [(1, 0)]),
        (4, (1, 0), (1, 0), []),
        (5, (2, 0), (2, 1), [(2, 0)]),
    ],
)
def test_answer_to_b4(
    kernel: int, size: int, conv: tuple[int, int], transposed: tuple[int, int], last: list[tuple[int, int]]
) -> None:
    """Kernel sizes 4 and 5 have the known answers, 3 gets the handout's own paddings, at both sizes."""
    found = pairs(solve_figure(kernel, size))
    assert found == [[conv], [conv], [transposed], [transposed], last]


def test_kernel_size_4_needs_uneven_padding_in_the_last_layer() -> None:
    """A padding of 1 gives 31, the figure's k // 2 gives 33, and one zero before, two behind give 32."""
    last = solve_figure(4)[-1]
    assert last.nearest == ((1, 31), (2, 33))
    assert last.uneven == (1, 2)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("kernel", [2, 4, 6])
def test_uneven_padding_is_what_same_does(kernel: int) -> None:
    """Zeros before and behind as proposed give the numbers that padding='same' gives."""
    torch.manual_seed(0)
    same = nn.Conv2d(1, 1, kernel, padding="same", dtype=torch.float64)
    uneven = solve_layer(CONV, kernel).uneven
    assert uneven is not None
    image = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    by_hand = nn.functional.conv2d(nn.ZeroPad2d(uneven * 2)(image), same.weight, same.bias)
    torch.testing.assert_close(by_hand, same(image))


@pytest.mark.parametrize(
    ("layer", "kernel", "sentence"),
    [
        (FIGURE_1B[0], 4, "32 → 16 with k = 4 needs 2 ≤ 2p ≤ 3: p = 1."),
        (FIGURE_1B[2], 1, "8 → 16 with k = 1 needs 2p − op = −1 with 0 ≤ op < 2: p = 0, op = 1."),
        (
            FIGURE_1B[4],
            4,
            "32 → 32 with k = 4 needs 2p = 3, which no integer p ≥ 0 meets; p = 1 gives 31; p = 2 gives 33; "
            "1 before and 2 behind each axis keep it: ZeroPad2d((1, 2, 1, 2)), or padding='same'.",
        ),
        (
            Layer("steep", Kind.TRANSPOSED, 8, 16, stride=3),
            1,
            "8 → 16 with k = 1 needs 2p − op = 6 with 0 ≤ op < 3: p = 3, op = 0 or p = 4, op = 2.",
        ),
        (
            Layer("shrinking", Kind.CONVOLUTION, 8, 2),
            3,
            "8 → 2 with k = 3 needs 2p = −4, which no integer p ≥ 0 meets; p = 0 gives 6.",
        ),
        (
            Layer("by one", Kind.CONVOLUTION, 8, 7),
            3,
            "8 → 7 with k = 3 needs 2p = 1, which no integer p ≥ 0 meets; p = 0 gives 6; p = 1 gives 8; "
            "0 before and 1 behind each axis keep it: ZeroPad2d((0, 1, 0, 1)).",
        ),
        (
            Layer("point", Kind.CONVOLUTION, 1, 1),
            2,
            "1 → 1 with k = 2 needs 2p = 1, which no integer p ≥ 0 meets; p = 1 gives 2; "
            "0 before and 1 behind each axis keep it: ZeroPad2d((0, 1, 0, 1)), or padding='same'.",
        ),
    ],
)
def test_explanation(layer: Layer, kernel: int, sentence: str) -> None:
    """The sentence states the equation, the answer, and the way out where there is none."""
    assert solve_layer(layer, kernel).explanation == sentence


@pytest.mark.parametrize("kernel", thinned(range(1, 9), 4))
@pytest.mark.parametrize("kind", list(Kind))
def test_solver_finds_what_trying_everything_finds(kind: Kind, kernel: int) -> None:
    """With strides 1 to 3, dilations 1 and 2 and random sizes, solver and real modules agree."""
    chance = random.Random(kernel)
    for stride, dilation in product((1, 2, 3), (1, 2)):
        layer = Layer("any", kind, chance.randint(4, 30), 1, stride, dilation)
        up_to = dilation * kernel + 2
        tried = sizes_by_setting(layer, kernel, up_to)
        reached = sorted({size for size in tried.values() if size is not None})
        for wanted in (chance.choice(reached), chance.choice(reached), chance.randint(1, 100)):
            found = solve_layer(replace(layer, size_out=wanted), kernel).settings
            expected = {setting for setting, size in tried.items() if size == wanted}
            assert {setting for setting in found if setting.padding <= up_to} == expected


@pytest.mark.parametrize("kernel", thinned(range(1, 13), 4))
def test_general_statement_is_what_trying_everything_finds(kernel: int) -> None:
    """For every kernel size the statement names exactly the settings that keep the figure's shapes."""
    by_layer = {name: each for each in general() for name in each.layers}
    for layer in (*FIGURE_1B, *figure(64)):
        tried = sizes_by_setting(layer, kernel, kernel)
        expected = tuple(setting for setting, size in tried.items() if size == layer.size_out)
        assert by_layer[layer.name].settings(kernel) == expected


def test_general_statement() -> None:
    """Stride 2 has one answer for every k; the layer of stride 1 has none for even k."""
    down, up, last = general()
    assert [each.layers for each in (down, up, last)] == [
        ("layer 1", "layer 2"),
        ("layer 3", "layer 4"),
        ("layer 5",),
    ]
    assert [str(each) for each in down.conditions] == ["k - 2 <= 2*p", "2*p <= k - 1", "p >= 0"]
    assert [str(each) for each in up.conditions] == ["Eq(-op + 2*p, k - 2)", "p >= 0", "op >= 0", "op < 2"]
    assert [str(each) for each in last.conditions] == ["Eq(2*p, k - 1)", "p >= 0"]
    assert [str(each.padding) for each in (down, up, last)] == ["floor((k - 1)/2)"] * 2 + ["None"]
    assert [str(each.output_padding) for each in (down, up)] == ["0", "Mod(k, 2)"]
    assert str(last.odd.padding) == "m"
    assert str(last.even.uneven) == "(m - 1, m)"


@pytest.mark.parametrize("kernel", thinned(range(1, 13), 4))
def test_closed_form_is_the_statement(kernel: int) -> None:
    """The expressions in k give what the cases of odd and even k give."""
    for statement in general()[:2]:
        padding_in_k, output_padding_in_k = (
            int(each.subs(padding.K, kernel)) for each in (statement.padding, statement.output_padding)
        )
        assert statement.settings(kernel) == (Setting(padding_in_k, output_padding_in_k),)


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (
            Layer("wide", Kind.CONVOLUTION, 9, 3, stride=3),
            "whether wide can have a padding of m - 1 depends on m",
        ),
        (Layer("half", Kind.CONVOLUTION, 8, 4), "the paddings of half depend on the size of the picture"),
        (
            Layer("loose", Kind.TRANSPOSED, 8, 8, dilation=3),
            r"the padding of loose is not unique for k = 2\*m \+ 1",
        ),
    ],
)
def test_nothing_general_is_said_of_other_layers(layer: Layer, problem: str) -> None:
    """Where no single answer holds for every k and every size, the derivation says so."""
    with pytest.raises(VerificationError, match=problem):
        general([layer])


def test_results_become_plain_json() -> None:
    """Solutions survive the trip as they are, statements with their expressions as text."""
    solution, statement = solve_figure(4)[-1], general()[1]
    assert json.loads(json.dumps(asdict(solution)))["uneven"] == [1, 2]
    assert json.loads(json.dumps(asdict(statement), default=str))["output_padding"] == "Mod(k, 2)"


@pytest.mark.slow
def test_figure_passes_verification() -> None:
    """Kernel sizes 1 to 9 at both sizes are run with paddings 0 to k, and what goes beyond them."""
    paddings = sum(kernel + 1 for kernel in range(1, 10))
    convolutions, transposed = 3 * paddings, 2 * paddings * 2
    refusals, remarks = 2 * 9, 4 * 3
    assert verify_figure() == 2 * (convolutions + transposed + refusals + remarks)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            lambda: replace(solve_figure(4)[0], settings=(Setting(2),)),
            r"layer 1 \(Conv2d, 32 → 16\), k = 4: Setting\(padding=1.* gives 16, and the solution lacks it",
        ),
        (lambda: replace(solve_figure(4)[0], settings=()), "layer 1 .* k = 4: .*padding=1.* lacks it"),
        (
            lambda: replace(solve_figure(5)[2], settings=(Setting(2, 1), Setting(2, 2))),
            "layer 3 .* k = 5: .*padding=2, output_padding=2.* gives an error, and the solution has it",
        ),
        (
            lambda: replace(solve_figure(3)[4], settings=(Setting(-1), Setting(1))),
            "layer 5 .* k = 3: .*padding=-1.* gives an error",
        ),
        (
            lambda: replace(solve_figure(4)[4], nearest=((2, 32),)),
            "layer 5 .* k = 4: nearest paddings should give .*32.*33",
        ),
        (
            lambda: replace(solve_figure(4)[4], uneven=(1, 1)),
            r"layer 5 .* k = 4: padding \(1, 1\) does not keep the size",
        ),
        (
            lambda: replace(solve_figure(4)[4], uneven=(-1, 4)),
            r"layer 5 .* k = 4: padding \(-1, 4\) does not keep the size",
        ),
    ],
)
def test_wrong_solution_is_caught(wrong: Callable[[], Solution], problem: str) -> None:
    """A setting too many, too few or refused, or a wrong remark on the rest: each names its place."""
    with pytest.raises(VerificationError, match=problem):
        verify([wrong()])


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 3), (3, 2)])
def test_output_padding_below_stride_or_dilation_is_all_pytorch_takes(stride: int, dilation: int) -> None:
    """The side condition on the output padding is the one the real module enforces."""
    layer = replace(TRANSPOSED, stride=stride, dilation=dilation)
    taken = [op for op in range(6) if run(layer, 3, 0, op) is not None]
    assert taken == list(layer.output_paddings)


def test_pytorch_that_takes_any_output_padding_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a version of PyTorch dropped the side condition, verification would say so."""
    solution = solve_layer(TRANSPOSED, 3)
    true_size = padding_check.size_given

    def lenient(layer: Layer, kernel: int, setting: Setting) -> int | None:
        return 99 if setting.output_padding > 1 else true_size(layer, kernel, setting)

    monkeypatch.setattr(padding_check, "size_given", lenient)
    with pytest.raises(VerificationError, match=r"t .* k = 3: PyTorch takes .*output_padding=2"):
        verify([solution])


def test_wrong_statement_is_caught() -> None:
    """A general statement that contradicts a solution is refused, with the place named."""
    statement = general()[0]
    wrong = replace(statement, even=replace(statement.even, padding=statement.odd.padding))
    with pytest.raises(VerificationError, match=r"layer 1 .* k = 4: the general statement gives"):
        verify_general([wrong], [solve_figure(4)[0]])


@pytest.mark.parametrize("size", [0, -4, 34])
def test_picture_that_cannot_be_halved_twice_is_refused(size: int) -> None:
    """Figure 1b exists only for sizes that are multiples of 4."""
    with pytest.raises(UsageError, match=f"a picture of {size} x {size} cannot be halved twice"):
        solve_figure(3, size)


def test_kernel_size_below_1_is_refused() -> None:
    """A kernel has at least one tap."""
    with pytest.raises(UsageError, match="a kernel size of 0 is below 1"):
        solve_layer(CONV, 0)


@pytest.mark.parametrize("field", ["size_in", "size_out", "stride", "dilation"])
def test_layer_with_a_number_below_1_is_refused(field: str) -> None:
    """Sizes, stride and dilation are positive."""
    with pytest.raises(UsageError, match="a size, stride or dilation of c is below 1"):
        replace(CONV, **{field: 0})
