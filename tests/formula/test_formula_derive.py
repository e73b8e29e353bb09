import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import sympy
import torch
from nets import (
    Branching,
    ConvTransposeNet,
    Functional,
    Perceptron,
    Ranged,
    SharedLayer,
    SharedParameter,
    UNet,
    UnusedParts,
)
from thinned import thinned
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula.convention import find
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, Net, derive
from cnnreport.nets.ablation import InnerSkipNet, InputSkipNet
from cnnreport.nets.colourization import PoolUpsampleNet

K, NF, NC, NIC, H, W = map(symbol, ("k", "NF", "NC", "NIC", "h", "w"))
NUMBERS = {NF: 32, NC: 24, NIC: 1, K: 3}
WINDOWS = ("convolution", "transposed convolution", "linear", "pooling", "upsampling")

KERNELS = K**2 * (NIC * NF + 4 * NF**2 + NF * NC + NC**2)
BIASES_AND_NORMS = 12 * NF + 4 * NC
OUTPUTS = 2240 * NF + 2304 * NC
NORM_OUTPUTS = 2880 * NF + 3328 * NC
CONVOLUTIONS = K**2 * (1024 * NIC * NF + 640 * NF**2 + 256 * NF * NC + 1024 * NC**2)
REST = 1792 * NF + 1024 * NC
"""PoolUpsampleNet's counts as the handouts' notes have them, by hand."""


def added(counts: Any) -> sympy.Expr:
    """A sum, expanded, without the library's own."""
    return sympy.expand(sum(counts))


def weights(derivation: Derivation, *roles: str) -> sympy.Expr:
    """Weights of some roles, added up layer by layer."""
    return added(layer.weights.get(role, 0) for layer in derivation.layers for role in roles)


def outputs(derivation: Derivation, *kinds: str) -> sympy.Expr:
    """Outputs of some kinds of layers, multiplied and added up here."""
    return added(math.prod(layer.output) for layer in derivation.layers if layer.kind in kinds)


def taps(derivation: Derivation, *kinds: str) -> sympy.Expr:
    """Connections of some kinds of layers."""
    return added(layer.taps for layer in derivation.layers if layer.kind in kinds)


@cache
def derived(net: Net) -> Derivation:
    """A net in symbols, derived once."""
    return derive(net)


@pytest.fixture(scope="module")
def pool_upsample() -> Derivation:
    """PoolUpsampleNet in symbols."""
    return derived(PoolUpsampleNet)


def test_weights_of_the_pooling_net(pool_upsample: Derivation) -> None:
    """Kernels, and biases and batch norm beside them, are the known ones."""
    assert weights(pool_upsample, "kernel") == sympy.expand(KERNELS)
    assert weights(pool_upsample, "bias", "affine") == BIASES_AND_NORMS
    assert weights(pool_upsample, "other") == 0


def test_outputs_of_the_pooling_net(pool_upsample: Derivation) -> None:
    """Of convolutions, pooling and upsampling, and with batch norm, they are the known ones."""
    assert outputs(pool_upsample, *WINDOWS) == OUTPUTS
    assert outputs(pool_upsample, *WINDOWS, "normalisation") == NORM_OUTPUTS


def test_connections_of_the_pooling_net(pool_upsample: Derivation) -> None:
    """Of convolutions, and those of pooling and upsampling, they are the known ones."""
    assert taps(pool_upsample, "convolution") == sympy.expand(CONVOLUTIONS)
    assert taps(pool_upsample, "pooling", "upsampling") == REST


def test_totals_are_the_sums_of_the_layers(pool_upsample: Derivation) -> None:
    """The library's totals are what adding up by hand gives."""
    totals = find("learnable").totals(pool_upsample)
    assert totals["weights"] == weights(pool_upsample, "kernel", "bias", "affine", "other")
    assert totals["weights"] == added(pool_upsample.parameters.values())
    assert totals["outputs"] == outputs(pool_upsample, *WINDOWS)
    assert totals["connections"] == taps(pool_upsample, *WINDOWS)


def test_doubling_the_pooling_net(pool_upsample: Derivation) -> None:
    """Weights stay as they are, outputs and connections become four times as many."""
    doubled = pool_upsample.doubled()
    assert doubled.input == (NIC, 64, 64)
    assert doubled.parameters == pool_upsample.parameters
    assert outputs(doubled, *WINDOWS) == 4 * OUTPUTS
    assert sympy.expand(taps(doubled, *WINDOWS) - 4 * (CONVOLUTIONS + REST)) == 0  # the audit proves both


def test_numbers_of_the_pooling_net(pool_upsample: Derivation) -> None:
    """For NF = 32, NC = 24, NIC = 1 and k = 3, in symbols first and with numbers from the start."""
    fixed = {"num_filters": 32, "num_colours": 24, "num_in_channels": 1, "kernel": 3}
    for derivation in (pool_upsample, derive(PoolUpsampleNet, fixed)):

        def number(count: sympy.Expr) -> int:
            return int(sympy.sympify(count).subs(NUMBERS))

        assert number(weights(derivation, "kernel")) == 49248
        assert number(weights(derivation, "kernel", "bias", "affine")) == 49728
        assert number(outputs(derivation, *WINDOWS)) == 126976
        assert number(taps(derivation, *WINDOWS)) == 13352960
    assert derivation.symbols == []
    assert sum(p.numel() for p in PoolUpsampleNet(3, 32, 24, 1).parameters()) == 49728


def test_shapes_of_the_pooling_net(pool_upsample: Derivation) -> None:
    """Layer by layer they are those of Figure 1a, and each layer takes what the one before it gives."""
    shapes = [layer.output for layer in pool_upsample.layers if layer.kind in WINDOWS]
    assert shapes == [
        (NF, 32, 32), (NF, 16, 16), (2 * NF, 16, 16), (2 * NF, 8, 8), (NF, 8, 8), (NF, 16, 16),
        (NC, 16, 16), (NC, 32, 32), (NC, 32, 32),
    ]  # fmt: skip
    for number, layer in enumerate(pool_upsample.layers):
        before = pool_upsample.layers[number - 1].output if number else pool_upsample.input
        assert layer.inputs == (before,)
        assert layer.sources == (number - 1,)


@pytest.mark.slow
def test_conv_transpose_net_has_the_weights_of_the_pooling_net() -> None:
    """The same channels join the same; its outputs are those of its five layers."""
    derivation = derived(ConvTransposeNet)
    assert weights(derivation, "kernel") == sympy.expand(KERNELS)
    assert outputs(derivation, *WINDOWS) == NF * (256 + 128 + 256) + 2048 * NC
    assert derivation.output == (NC, 32, 32)
    prove(derivation)  # other sizes: test_symbolic_heights_and_widths_are_proved


def test_unet_has_the_known_weights() -> None:
    """Kernels see twice the filters, and the image, where skips join; 56,376 of them, 56,856 in all."""
    derivation = derived(UNet)
    known = K**2 * (NIC * NF + 4 * NF**2 + 2 * NF * NC + (NIC + NC) * NC)
    assert weights(derivation, "kernel") == sympy.expand(known)
    assert known.subs(NUMBERS) == 56376
    assert added(derivation.parameters.values()).subs(NUMBERS) == 56856
    prove(derivation)  # other sizes: test_symbolic_heights_and_widths_are_proved


@pytest.mark.slow
def test_a_net_of_one_skip_has_the_weights_that_read_it() -> None:
    """Each adds to ConvTransposeNet's kernels what its own skip's channels need; both derivations hold."""
    image, inner = derive(InputSkipNet), derive(InnerSkipNet)
    assert weights(image, "kernel") == sympy.expand(KERNELS + K**2 * NIC * NC)
    assert weights(inner, "kernel") == sympy.expand(KERNELS + K**2 * NF * NC)
    for derivation in (image, inner):
        assert [layer.kind for layer in derivation.layers].count("concatenation") == 1
        assert derivation.output == (NC, 32, 32)
        prove(derivation)  # other sizes: test_symbolic_heights_and_widths_are_proved


def test_skips_name_both_sources() -> None:
    """A concatenation takes a later layer's output and an earlier one's, the last also the image."""
    derivation = derived(UNet)
    paths = [layer.path for layer in derivation.layers]
    first, second = (layer for layer in derivation.layers if layer.kind == "concatenation")
    assert [paths[source] for source in first.sources] == ["conv1.2", "conv3.2"]
    assert second.sources == (-1, paths.index("conv4.2"))
    assert first.output == (2 * NF, 16, 16)
    assert second.output in ((NC + NIC, 32, 32), (NIC + NC, 32, 32))


@pytest.mark.parametrize("net", thinned([PoolUpsampleNet, ConvTransposeNet, UNet], 3))
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_kernel_sizes_put_in_afterwards_are_those_put_in_before(net: type, kernel: int) -> None:
    """A formula in k is, for each k, what deriving with that k gives: taps, padded and all."""
    symbolic, fixed = derived(net), derive(net, {"kernel": kernel})
    for general, special in zip(symbolic.layers, fixed.layers, strict=True):
        assert general.path == special.path
        for name, count in general.counts.items():
            assert sympy.expand(sympy.sympify(count).subs(K, kernel) - special.counts[name]) == 0
    assert set(symbolic.symbols) == {NC, NF, NIC, K}
    assert set(fixed.symbols) == {NC, NF, NIC}


def test_parameters_can_be_expressions() -> None:
    """A parameter given as 2n is as if 2n stood in the formulas."""
    n = symbol("n")
    given = {"num_filters": 2 * n, "num_in_channels": NIC + 1}
    derivation = derive(PoolUpsampleNet, given)
    assert derivation.input == (NIC + 1, 32, 32)
    expected = sympy.expand(KERNELS.subs({NF: 2 * n, NIC: NIC + 1}, simultaneous=True))
    assert weights(derivation, "kernel") == expected
    prove(derive(PoolUpsampleNet, {**given, "kernel": 3}))


def test_sizes_can_be_symbols() -> None:
    """Height and width of 4h and 4w: the formulas for 32 pixels with h = w = 8."""
    derivation = derive(PoolUpsampleNet, {}, (NIC, 4 * H, 4 * W))
    assert outputs(derivation, *WINDOWS) == sympy.expand(OUTPUTS * H * W / 64)
    assert sympy.expand(taps(derivation, *WINDOWS) - (CONVOLUTIONS + REST) * H * W / 64) == 0
    assert derivation.doubled().input == (NIC, 8 * H, 8 * W)


def residual(num_filters: int, depth: int = 2) -> nn.Module:
    """A function that returns a net."""
    return nn.Sequential(*(nn.Conv2d(num_filters, num_filters, 3, padding=1) for _ in range(depth)))


def test_functions_are_targets() -> None:
    """A function that returns a net is derived as a class is; defaults are kept."""
    derivation = derive(residual)
    assert derivation.name == "residual"
    assert weights(derivation, "kernel") == 18 * NF**2
    assert added(derive(residual, {"depth": 3}).parameters.values()) == 27 * NF**2 + 3 * NF


def test_the_default_input_has_the_channels_of_the_first_layer() -> None:
    """And 32 pixels along each axis, of one, two or three."""
    assert derive(residual).input == (NF, 32, 32)
    assert derive(lambda: nn.Sequential(nn.Conv1d(5, 2, 3))).input == (5, 32)
    assert derive(Perceptron).input == (symbol("inputs"),)
    with pytest.raises(
        UsageError, match="the net does not tell the shape of its input; give it with --input"
    ):
        derive(lambda: nn.Sequential(nn.ReLU()))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(lambda: nn.Conv2d(4, 4, 3, groups=4), (4, 32, 32)), (lambda: nn.ConvTranspose2d(3, 4, 3), (3, 32, 32))],
)
def test_the_default_input_of_grouped_and_transposed_layers(
    layer: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    """Their kernels do not begin with the channels of the input; the layer knows them."""
    assert derive(lambda: nn.Sequential(layer())).input == shape


def test_doubling_a_perceptron_is_refused() -> None:
    """It has no height and width."""
    with pytest.raises(
        UsageError, match="the input of Perceptron has no height and width; leave out --doubled"
    ):
        derive(Perceptron).doubled()


def test_doubling_what_takes_one_size_only_is_refused() -> None:
    """A net whose linear layer fits one size of image says which layer does not fit the other."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(2 * 64, 5))
    derivation = derive(lambda: net, {}, (1, 8, 8))
    with pytest.raises(UsageError, match="features do not fit: 512 where 128 are expected"):
        derivation.doubled()


def test_unknown_parameters_are_refused() -> None:
    """A fixed name that the constructor does not have is an error that lists those it has."""
    with pytest.raises(
        UsageError, match=r"PoolUpsampleNet has no parameter 'filters'; it has: [\w, ]*\bkernel\b"
    ):
        derive(PoolUpsampleNet, {"filters": 3})


def test_parameters_that_are_no_integers_must_be_fixed() -> None:
    """A flag or a string becomes no symbol."""

    def build(width: int, name: str) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, width, 3), getattr(nn, name)())

    with pytest.raises(
        UsageError,
        match=r"the parameter name has no default and takes a text \(str\); give it \(--fix name=TEXT\)",
    ):
        derive(build)
    assert derive(build, {"name": "ReLU"}).layers[-1].type == "ReLU"


def test_targets_that_return_no_net_are_refused() -> None:
    """The type that came instead is named."""
    with pytest.raises(UsageError, match=r"it returned a int, not an nn.Module; name a net"):
        derive(lambda width: 3)


def square_root(num_filters: int) -> nn.Module:
    """Computes with a parameter what has no symbols."""
    return nn.Conv2d(3, math.isqrt(num_filters), 1)


def equal_to(num_filters: int) -> nn.Module:
    """Is another net for one number of filters, which no proof may happen to try."""
    return nn.Conv2d(3, num_filters, 5 if num_filters == 64 else 1)


def one_of(num_filters: int) -> nn.Module:
    """Is another net for some numbers of filters."""
    return nn.Conv2d(3, num_filters, 5 if num_filters in (16, 32) else 1)


def divisible(num_filters: int) -> nn.Module:
    """Is another net for every eighth number of filters."""
    return nn.Conv2d(3, num_filters, 5 if num_filters % 8 == 0 else 1)


def looked_up(num_filters: int) -> nn.Module:
    """Takes the kernel size from a table."""
    return nn.Conv2d(3, num_filters, {64: 5}.get(num_filters, 1))


def tried(num_filters: int) -> nn.Module:
    """Takes what it cannot do with letters for a sign of something else."""
    try:
        return nn.Conv2d(3, len(range(num_filters)), 1)
    except TypeError:
        return nn.Conv2d(3, 1, 1)


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (Branching, "it does one thing or another as NF > 8 or not"),
        (Ranged, "depth is used where Python takes numbers only"),
        (square_root, "NF is used where Python takes numbers only"),
        (equal_to, "it does one thing or another as NF is 64 or not"),
        (one_of, "it does one thing or another as NF is 16 or not"),
        (divisible, "it does one thing or another as .* is 0 or not"),
        (looked_up, "NF is looked up in a table, which knows only numbers"),
        (tried, "NF is used where Python takes numbers only"),
    ],
)
def test_code_that_needs_numbers_is_explained(net: Callable[..., nn.Module], reason: str) -> None:
    """The error says where, why, in which line of the user's file, and that --fix helps."""
    with pytest.raises(
        UsageError, match=rf"^the constructor .*{reason}.*\.py:\d+\).*\(--fix name=value\)\.$"
    ):
        derive(net)


def test_fixing_helps_where_code_needs_numbers() -> None:
    """With the number given, the same nets are derived and proved."""
    for net, name in ((Branching, "num_filters"), (Ranged, "depth"), (square_root, "num_filters")):
        prove(derive(net, {name: 9}, (3, 8, 8)))


def test_a_branch_in_forward_is_explained() -> None:
    """Of whatever layer: it is said that it happened in forward."""

    class Choosing(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, num_filters, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return x if x.shape[1] > 3 else x.relu()

    with pytest.raises(UsageError, match=r"^forward .*one thing or another as NF > 3.*--fix name=value"):
        derive(Choosing)


def test_a_shared_layer_has_its_weights_once_and_its_outputs_twice() -> None:
    """The second call is listed under its own name."""
    derivation = derive(SharedLayer, {}, (NF, 4, 4))
    first, _, second = derivation.layers
    assert (first.path, second.path) == ("conv", "conv (2)")
    assert (first.weights, second.weights) == ({"kernel": 9 * NF**2, "bias": NF}, {})
    assert first.outputs == second.outputs == 16 * NF
    assert first.taps == second.taps == 144 * NF**2
    prove(derivation)


def test_a_shared_parameter_is_counted_once() -> None:
    """The second convolution has a bias of its own only."""
    derivation = derive(SharedParameter, {}, (NF, 4, 4))
    first, second = derivation.layers
    assert (first.weights, second.weights) == ({"kernel": 9 * NF**2, "bias": NF}, {"bias": NF})
    assert added(derivation.parameters.values()) == 9 * NF**2 + 2 * NF
    assert second.taps == 144 * NF**2
    prove(derivation)


def test_parameters_that_forward_never_touches_are_listed_and_counted() -> None:
    """They stand at the end, as unused, with their weights and without outputs or connections."""
    derivation = derive(UnusedParts, {}, (3, 8, 8))
    unused = {layer.path: layer for layer in derivation.layers if layer.kind == "unused"}
    assert {path: layer.weights for path, layer in unused.items()} == {
        "scale": {"affine": NF}, "idle.weight": {"kernel": 75 * NF}, "idle.bias": {"bias": NF},
    }  # fmt: skip
    assert all(layer.outputs == layer.taps == 0 for layer in unused.values())
    assert find("learnable").totals(derivation)["weights"] == added(derivation.parameters.values())
    prove(derivation)


def test_functional_forms_count_like_layers() -> None:
    """Parameters of its own and functions of torch, from the first convolution to the last product."""
    derivation = derive(Functional, {}, (NIC, 8, 8))
    found = {layer.path: layer for layer in derivation.layers}
    assert [(layer.path, layer.operation) for layer in derivation.layers] == [
        ("conv2d", "conv2d"), ("relu", "relu"), ("max_pool2d", "max_pool2d"), ("interpolate", "interpolate"),
        ("add", "add"), ("cat", "cat"), ("mul", "mul"), ("add (2)", "add"), ("cat (2)", "cat"),
        ("mean", "mean"), ("linear", "linear"),
    ]  # fmt: skip
    assert found["conv2d"].weights == {"kernel": K**2 * NF * NIC, "bias": NF}
    assert found["mul"].weights == {"other": NF}
    assert found["linear"].weights == {"kernel": 10 * NF}
    assert found["mean"].taps == 128 * NF
    assert derivation.output == (5,)
    prove(derivation)


@pytest.mark.parametrize(
    ("fixed", "names"),
    thinned([({}, {"k"}), ({"kernel": K}, {"k"}), ({"kernel": 3}, set()), ({"kernel": K + 2}, {"k"})], 3),
)
def test_odd_kernels_leave_no_inner_symbol(fixed: dict[str, Any], names: set[str]) -> None:
    """What is printed holds k, never the m by which kernels are halved."""
    derivation = derive(PoolUpsampleNet, {"num_filters": 2, "num_colours": 3, "num_in_channels": 1, **fixed})
    counts = [count for layer in derivation.layers for count in (*layer.counts.values(), *layer.output)]
    counts += derivation.parameters.values()
    assert {s.name for count in counts for s in sympy.sympify(count).free_symbols} <= names
    prove(derivation)


def test_two_parameters_never_share_a_symbol() -> None:
    """A kernel and a kernel_size are two numbers: one k for both would be proved on the diagonal only."""

    def build(kernel: int, kernel_size: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 1, kernel), nn.Conv2d(1, 1, kernel_size))

    with pytest.raises(
        UsageError, match="the parameters kernel and kernel_size would both stand for k; fix one"
    ):
        derive(build)
    prove(derive(build, {"kernel_size": 3}))
