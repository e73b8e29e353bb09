import itertools

import pytest
import sympy
import torch
from nets import ConvTransposeNet, UNet
from torch import nn
from torch.autograd.functional import jacobian

from cnnreport.errors import UsageError
from cnnreport.formula.convention import (
    CONNECTIONS,
    CONVENTIONS,
    OUTPUTS,
    QUANTITIES,
    WEIGHTS,
    Connections,
    add,
    find,
    total,
)
from cnnreport.formula.rules.rule import KINDS, ROLES
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Layer, derive
from cnnreport.nets.colourization import PoolUpsampleNet

K, NF, NC, NIC = map(symbol, ("k", "NF", "NC", "NIC"))
CONVOLUTION = Layer(
    "c", "Conv2d", "conv2d", "convolution", ((1, 4, 4),), (2, 4, 4),
    weights={"kernel": 18, "bias": 2}, taps=288, padded=88, biases=32,
)  # fmt: skip
NORM = Layer(
    "n", "BatchNorm2d", "batch_norm", "normalisation", ((2, 4, 4),), (2, 4, 4),
    weights={"affine": 4}, statistics=16,
)  # fmt: skip
RELU = Layer("r", "ReLU", "relu", "activation", ((2, 4, 4),), (2, 4, 4), taps=32)
POOL = Layer("p", "MaxPool2d", "max_pool2d", "pooling", ((2, 4, 4),), (2, 2, 2), taps=32)
FLATTEN = Layer("f", "Flatten", "flatten", "reshape", ((2, 2, 2),), (8,))
UNUSED = Layer("u", "unused parameter", "", "unused", (), (), weights={"other": 7})


@pytest.mark.parametrize("choices", [WEIGHTS, OUTPUTS, CONNECTIONS, CONVENTIONS])
def test_names_and_sentences_tell_choices_apart(choices: tuple) -> None:
    """No two have the same name or the same sentence, and each sentence ends as one."""
    assert len({choice.name for choice in choices}) == len(choices)
    assert len({choice.sentence for choice in choices}) == len(choices)
    assert all(choice.sentence.endswith(".") and "  " not in choice.sentence for choice in choices)


def test_connections_are_all_combinations() -> None:
    """Three scopes, three ways with normalisations, with and without biases and padding."""
    combined = {(c.kinds, c.normalisation, c.biases, c.padding) for c in CONNECTIONS}
    assert len(combined) == len(CONNECTIONS) == 36


def test_choices_name_only_known_kinds_and_roles() -> None:
    """A misspelt kind or role would count nothing."""
    assert all(choice.kinds <= set(KINDS) for choice in (*OUTPUTS, *CONNECTIONS))
    assert all(choice.roles <= set(ROLES) for choice in WEIGHTS)


def test_the_default_counts_every_learnable_parameter() -> None:
    """Whatever its role, unused ones too."""
    assert CONVENTIONS[0].name == "learnable"
    assert [CONVENTIONS[0].count("weights", layer) for layer in (CONVOLUTION, NORM, RELU, UNUSED)] == [
        20,
        4,
        0,
        7,
    ]


def test_weights_by_convention() -> None:
    """Kernels; and biases; and normalisations."""
    counts = {choice.name: [choice.count(CONVOLUTION), choice.count(NORM)] for choice in WEIGHTS}
    assert counts == {
        "kernels": [18, 0], "kernels and biases": [20, 0], "kernels and normalisation": [18, 4],
        "learnable": [20, 4],
    }  # fmt: skip


def test_outputs_by_convention() -> None:
    """Which layers have outputs of their own; reshaping and unused parameters never have."""
    layers = (CONVOLUTION, POOL, NORM, RELU, FLATTEN, UNUSED)
    counts = {choice.name: [choice.count(layer) for layer in layers] for choice in OUTPUTS}
    assert counts == {
        "convolutions": [32, 0, 0, 0, 0, 0],
        "layers": [32, 8, 0, 0, 0, 0],
        "with normalisation": [32, 8, 32, 0, 0, 0],
        "every operation": [32, 8, 32, 32, 0, 0],
    }


@pytest.mark.parametrize(
    ("biases", "padding", "expected"),
    [(False, True, 288), (True, True, 320), (False, False, 200), (True, False, 232)],
)
def test_biases_and_padding_in_connections(biases: bool, padding: bool, expected: int) -> None:
    """A bias is connected once with each output; taps on padding are left out where it is said."""
    choice = Connections("", "", frozenset({"convolution"}), biases, padding)
    assert choice.count(CONVOLUTION) == expected
    assert choice.count(POOL) == choice.count(RELU) == choice.count(NORM) == 0


@pytest.mark.parametrize(("normalisation", "expected"), [("none", 0), ("one", 32), ("all", 512)])
def test_normalisations_in_connections(normalisation: str, expected: int) -> None:
    """None, the pixel in its place, or all of its channel, whatever kinds count beside."""
    assert Connections("", "", frozenset(), normalisation=normalisation).count(NORM) == expected


def test_totals_add_up_layers() -> None:
    """Every convention's three totals are the sums of its counts, for nets of all shapes."""
    for net, convention in itertools.product((PoolUpsampleNet, ConvTransposeNet, UNet), CONVENTIONS):
        derivation = derive(net)
        totals = convention.totals(derivation)
        assert tuple(totals) == QUANTITIES
        for quantity in QUANTITIES:
            by_hand = sympy.expand(sum(convention.count(quantity, layer) for layer in derivation.layers))
            assert sympy.expand(totals[quantity] - by_hand) == 0


def test_the_write_up_of_2021() -> None:
    """Batch norm joins every pixel of a channel with every pixel, which adds the squares of the sizes."""
    derivation = derive(PoolUpsampleNet)
    wide, narrow = (find(name).totals(derivation)["connections"] for name in ("batch-norm", "learnable"))
    more = (256**2 + 2 * 64**2 + 256**2) * NF + 1024**2 * NC
    assert sympy.expand(wide - narrow - more) == 0


def pairs(function: nn.Module, shape: tuple[int, ...]) -> int:
    """Pairs of an input and an output that depend on each other, by the derivatives of the real layer."""
    image = torch.rand(1, *shape, dtype=torch.float64)
    return int((jacobian(function.double(), image).abs() > 1e-12).sum())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: nn.BatchNorm2d(2), (2, 3, 3)),
        (lambda: nn.BatchNorm1d(2), (2, 4)),
        (lambda: nn.GroupNorm(2, 4), (4, 2, 3)),
        (lambda: nn.LayerNorm((2, 3)), (4, 2, 3)),
        (lambda: nn.LayerNorm(3), (4, 2, 3)),
        (lambda: nn.InstanceNorm2d(2), (2, 3, 3)),
        (lambda: nn.RMSNorm(3), (2, 3)),
    ],
)
def test_all_to_all_is_what_derivatives_show_in_training(layer, shape: tuple[int, ...]) -> None:
    """While it learns from one image, a normalisation joins exactly the pairs that the convention counts."""
    torch.manual_seed(0)
    (found,) = derive(lambda: nn.Sequential(layer()), {}, shape).layers
    everything = Connections("", "", frozenset(), normalisation="all").count(found)
    assert pairs(layer().train(), shape) == everything


def test_one_to_one_is_what_derivatives_show_in_evaluation() -> None:
    """With its running statistics, batch norm joins each output with the pixel in its place."""
    torch.manual_seed(0)
    (found,) = derive(lambda: nn.Sequential(nn.BatchNorm2d(2)), {}, (2, 3, 3)).layers
    assert pairs(nn.BatchNorm2d(2).eval(), (2, 3, 3)) == Connections(
        "", "", frozenset(), normalisation="one"
    ).count(found)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1), (2, 4, 5)),
        (lambda: nn.Conv2d(2, 2, 3, padding=2, dilation=2, groups=2), (2, 4, 5)),
        (lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), (2, 3, 2)),
        (lambda: nn.Linear(4, 3), (2, 4)),
        (lambda: nn.AvgPool2d(3, 2, 1), (2, 5, 4)),
        (lambda: nn.AdaptiveAvgPool2d(3), (2, 5, 4)),
        (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (2, 3, 3)),
        (lambda: nn.Upsample(size=(5, 4), mode="bilinear", align_corners=True), (2, 3, 3)),
        (lambda: nn.Upsample(scale_factor=2), (2, 3, 3)),
        (lambda: nn.Softmax(1), (3, 2, 2)),
        (lambda: nn.Tanh(), (2, 3)),
    ],
)
def test_connections_are_what_derivatives_show(layer, shape: tuple[int, ...]) -> None:
    """Without taps on padding, the pairs joined are those with a derivative in the real layer."""
    torch.manual_seed(0)
    (found,) = derive(lambda: nn.Sequential(layer()), {}, shape).layers
    assert pairs(layer(), shape) == found.taps - found.padded


def test_a_convention_is_found_by_its_name() -> None:
    """An unknown name lists those there are."""
    assert all(find(convention.name) is convention for convention in CONVENTIONS)
    with pytest.raises(
        UsageError, match="there is no convention 'all'; choose from: learnable, kernels, batch-"
    ):
        find("all")


def test_sums_are_numbers_or_expanded() -> None:
    """A sum of numbers is an int; of expressions it has no brackets; of nothing it is zero."""
    assert add([]) == 0
    assert isinstance(add([1, 2]), int)
    assert isinstance(add([NF, 1 - NF]), int)
    assert str(add([NF * (NF + 1), 1])) == "NF**2 + NF + 1"


def test_totals_of_one_choice() -> None:
    """A choice alone is added up over all layers."""
    derivation = derive(PoolUpsampleNet)
    kernels = next(choice for choice in WEIGHTS if choice.name == "kernels")
    assert total(kernels, derivation) == sympy.expand(K**2 * (NIC * NF + 4 * NF**2 + NF * NC + NC**2))
