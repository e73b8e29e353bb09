"""Weights that are computed, layers that ask for integers, and code that is scripted or compiled."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm

from cnnreport.errors import UsageError
from cnnreport.formula.convention import find
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, derive

NF, D = symbol("NF"), symbol("dim")


def proved(net: Callable[..., nn.Module], *sizes: Any, **fixed: Any) -> Derivation:
    """Derive a net and prove it."""
    derivation = derive(net, fixed, *sizes)
    prove(derivation)
    return derivation


def weights(derivation: Derivation) -> Any:
    """All learnable parameters."""
    return find("learnable").totals(derivation)["weights"]


@pytest.mark.parametrize(
    ("norm", "more"),
    [
        (spectral_norm, 0),
        (parametrizations.spectral_norm, 0),
        (weight_norm, NF + 5),
        (parametrizations.weight_norm, NF + 5),
    ],
)
@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
def test_normalised_weights_count_where_they_are_used(norm: Callable[..., Any], more: Any) -> None:
    """In the old form and the new; a weight norm has a scale for each filter, a spectral norm nothing."""

    class Normed(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            self.conv = norm(nn.Conv2d(3, num_filters, 3))
            self.head = norm(nn.Linear(num_filters, 5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.conv(x).mean((2, 3)))

    derivation = proved(Normed, (3, 8, 8))
    assert weights(derivation) == 27 * NF + NF + 5 * NF + 5 + more
    assert [(layer.path, layer.type) for layer in derivation.layers] == [
        ("conv", "Conv2d"), ("mean", "mean"), ("head", "Linear")
    ]  # fmt: skip
    assert weights(proved(Normed, (3, 8, 8), num_filters=5)) == 140 + 30 + (10 if more else 0)


def test_transposed_kernels_may_be_normalised() -> None:
    """A spectral norm takes the second axis of a transposed convolution first."""

    def build(num_filters: int) -> nn.Module:
        return nn.Sequential(
            spectral_norm(nn.ConvTranspose2d(3, num_filters, 4)),
            parametrizations.spectral_norm(nn.ConvTranspose2d(num_filters, 2, 4)),
        )

    assert weights(proved(build, (3, 4, 4))) == 48 * NF + NF + 32 * NF + 2


def test_layers_of_a_constant_image_count() -> None:
    """A convolution of a learnt image is computed for each input, and is no arithmetic on parameters."""

    class Constant(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            self.image = nn.Parameter(torch.randn(1, 3, 4, 4))
            self.conv, self.up = nn.Conv2d(3, num_filters, 3, padding=1), nn.Upsample(scale_factor=2)
            self.style = nn.Linear(5, num_filters)

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            constant = self.up(self.conv(self.image.repeat(z.size(0), 1, 1, 1)))
            return constant * self.style(z)[:, :, None, None]

    derivation = proved(Constant, (5,))
    conv, up, *_ = derivation.layers
    assert (conv.weights, conv.taps) == ({"kernel": 27 * NF, "bias": NF, "other": 48}, 432 * NF)
    assert (up.inputs, up.outputs, up.sources) == (((NF, 4, 4),), 64 * NF, (0,))
    assert weights(derivation) == 34 * NF + 48


def test_a_trial_run_in_the_constructor_counts_nothing() -> None:
    """Nets measure what their convolutions leave with an image of zeros; that is no part of forward."""

    class Measured(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, num_filters, 3)
            self.head = nn.Linear(self.conv(torch.zeros(1, 3, 8, 8)).numel(), 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.conv(x).flatten(1))

    derivation = proved(Measured, (3, 8, 8))
    assert [layer.path for layer in derivation.layers] == ["conv", "head"]
    assert weights(derivation) == 28 * NF + 180 * NF + 5


@pytest.mark.parametrize(
    ("norm", "parameters"),
    [
        (nn.LayerNorm, 2 * D),
        (nn.RMSNorm, D),
        (lambda dim: nn.LayerNorm((dim,)), 2 * D),
    ],
)
def test_normalisations_of_a_letter(norm: Callable[[Any], nn.Module], parameters: Any) -> None:
    """A constructor that asks for numbers.Integral takes a letter as it takes a number."""

    class Normed(nn.Module):
        def __init__(self, dim: int) -> None:
            super().__init__()
            self.norm, self.head = norm(dim), nn.Linear(dim, 4 * dim)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.norm(x))

    assert weights(proved(Normed, (D,))) == parameters + 4 * D**2 + 4 * D


def test_an_integer_or_a_pair_is_told_apart() -> None:
    """``isinstance(kernel_size, int)`` holds for a letter as for the number that it stands for."""

    class Paired(nn.Module):
        def __init__(self, kernel_size: Any = 3) -> None:
            super().__init__()
            if isinstance(kernel_size, int):
                kernel_size = (kernel_size, kernel_size)
            self.conv = nn.Conv2d(3, 2, kernel_size, padding=tuple(k // 2 for k in kernel_size))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x)

    k = symbol("k")
    assert weights(proved(Paired, (3, 8, 8), kernel_size=k)) == 6 * k**2 + 2
    assert weights(proved(Paired, (3, 8, 8), kernel_size=(3, 5))) == 92


def test_copies_of_a_layer_have_weights_of_their_own() -> None:
    """``copy.deepcopy``, as transformers repeat their layers."""

    class Copies(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            layer = nn.Sequential(nn.Conv2d(num_filters, num_filters, 3, padding=1), nn.ReLU())
            self.layers = nn.ModuleList([copy.deepcopy(layer) for _ in range(3)])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = x + layer(x)
            return x

    assert weights(proved(Copies, (NF, 8, 8))) == 27 * NF**2 + 3 * NF


def test_initialisation_by_hand_computes_with_letters() -> None:
    """Values are drawn into parameters with square roots of sizes, and nothing comes of it."""

    class Drawn(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            import math

            self.conv = nn.Conv2d(3, num_filters, 3)
            area = self.conv.kernel_size[0] * self.conv.kernel_size[1] * self.conv.out_channels
            self.conv.weight.data.normal_(0, math.sqrt(2.0 / area))
            self.conv.bias.data.uniform_(-1 / area, 1 / area).fill_(0)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x)

    assert weights(proved(Drawn, (3, 8, 8))) == 28 * NF


def test_loaded_weights_are_shapes_like_others() -> None:
    """A constructor that loads a state warns of nothing and changes no count."""
    state = nn.Conv2d(3, 4, 3).state_dict()

    def build(num_filters: int) -> nn.Module:
        loaded = nn.Conv2d(3, 4, 3)
        loaded.load_state_dict(state)
        return nn.Sequential(loaded, nn.Conv2d(4, num_filters, 1))

    assert weights(proved(build, (3, 8, 8))) == 112 + 5 * NF


def test_tensors_are_scaled_by_letters() -> None:
    """Equalised learning rates, and means by hand: a factor that is a letter is a constant."""

    class Scaled(nn.Module):
        def __init__(self, dim: int) -> None:
            super().__init__()
            self.weight, self.dim = nn.Parameter(torch.randn(4, dim)), dim

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = nn.functional.linear(x, self.weight * self.dim**-0.5)
            x = 2 - (self.dim - x) + self.dim * x / x.shape[1]
            x *= self.dim
            return 1 / (x - self.dim)

    derivation = proved(Scaled, (D, D))
    assert weights(derivation) == 4 * D
    assert derivation.output == (D, 4)


def swish(x: torch.Tensor) -> torch.Tensor:
    """A smooth step."""
    return x * torch.sigmoid(x)


class Scripted(nn.Module):
    """A convolution, and a function behind it."""

    def __init__(self, num_filters: int, function: Any, wrap: Any = None) -> None:
        super().__init__()
        layer = nn.Conv2d(3, num_filters, 3)
        self.conv, self.function = wrap(layer) if wrap else layer, function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply both."""
        return self.function(self.conv(x))


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_scripted_functions_are_run_as_their_python() -> None:
    """A function scripted beforehand, and a layer that the constructor scripts."""
    plain = proved(Scripted, (3, 8, 8), function=swish)
    function = torch.jit.script(swish)
    assert proved(Scripted, (3, 8, 8), function=function).layers == plain.layers
    wrapped = proved(Scripted, (3, 8, 8), function=swish, wrap=lambda layer: torch.jit.script(layer))
    assert wrapped.layers == plain.layers
    assert torch.jit.script(swish)(torch.ones(1)) == swish(torch.ones(1))


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_what_has_no_python_any_more_is_refused() -> None:
    """Scripted modules and traces hold compiled code only."""
    conv = torch.jit.script(nn.Conv2d(3, 4, 3))
    with pytest.raises(
        UsageError, match=r"^layer conv is scripted, traced or loaded \(torch.jit\): there is"
    ):
        derive(Scripted, {"num_filters": 4, "function": swish, "wrap": lambda layer: conv}, (3, 8, 8))
    trace = torch.jit.trace(swish, torch.ones(1))
    with pytest.raises(
        UsageError, match=r"the function swish is traced or loaded .*; call the function that"
    ):
        derive(Scripted, {"num_filters": 4, "function": trace}, (3, 8, 8))


def test_compiled_layers_are_run_as_their_python() -> None:
    """What torch.compile makes in the constructor is the layer itself."""
    plain = proved(Scripted, (3, 8, 8), function=swish)
    compiled = proved(Scripted, (3, 8, 8), function=swish, wrap=lambda layer: torch.compile(layer))
    assert compiled.layers == plain.layers


def test_what_torch_says_is_cut_short() -> None:
    """Frames of a compiler, or values of a table, do not fill the screen."""

    def build(num_filters: int) -> nn.Module:
        raise RuntimeError("frame " * 1000)

    with pytest.raises(UsageError, match=r"^the constructor .*frame … \(.*\.py:\d+\); mend it") as raised:
        derive(build)
    assert len(str(raised.value)) < 700


def test_a_download_that_fails_is_explained() -> None:
    """Weights that nobody needs for a count are asked not to be fetched."""
    from urllib.error import URLError

    def build(num_filters: int) -> nn.Module:
        raise URLError("no network")

    with pytest.raises(
        UsageError, match=r"the constructor downloads something, which fails: URLError.*=none"
    ):
        derive(build)


def test_proofs_in_threads_leave_compilers_as_they_were() -> None:
    """What is put in the place of torch's compilers is taken away again, whichever thread ends first."""
    before = (torch.jit.script, torch.compile, torch.jit.ScriptFunction.__dict__["__call__"])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda count: prove(derive(Single, {}, (3, 8, 8))).points, range(12)))
    assert found == [2] * 12
    assert (torch.jit.script, torch.compile, torch.jit.ScriptFunction.__dict__["__call__"]) == before


class Single(nn.Module):
    """A single convolution."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, num_filters, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve."""
        return self.conv(x)
