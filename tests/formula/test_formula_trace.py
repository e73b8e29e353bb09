import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from nets import Branching, ConvTransposeNet, Functional, Perceptron, SharedLayer, UNet
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tensor import SymbolicTensor
from cnnreport.formula.tracing import trace
from cnnreport.formula.tracing.derive import derive
from cnnreport.nets.colourization import PoolUpsampleNet

NF = symbol("NF")
PLACES = (
    torch, F, nn.init, nn.Module, nn.modules.conv._ConvNd, nn.Conv2d, nn.ConvTranspose2d, nn.Linear,
    nn.Bilinear, nn.BatchNorm2d, nn.modules.batchnorm._NormBase, torch.Tensor, nn.Parameter,
)  # fmt: skip


def everything() -> list[dict[str, Any]]:
    """What stands in torch, its functions and its layers."""
    return [dict(vars(place)) for place in PLACES]


def differences(before: list[dict[str, Any]]) -> list[str]:
    """Names that stand for another object than before."""
    return [
        f"{place.__name__}.{name}"
        for place, old in zip(PLACES, before, strict=True)
        for name in old.keys() | vars(place).keys()
        if old.get(name) is not vars(place).get(name)
    ]


class FailingForward(nn.Module):
    """Breaks in the middle of forward, inside a layer inside a layer."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, num_filters, 1)
        self.inner = nn.Sequential(nn.ReLU(), nn.Fold(3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(self.first(x))


class Interrupted(nn.Module):
    """Is stopped by the user while it runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt


@pytest.fixture
def untouched() -> Iterator[None]:
    """Checks that torch is what it was, and that a real net is built, runs and learns as ever."""
    before, state = everything(), torch.random.get_rng_state()
    yield
    assert differences(before) == []
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.is_grad_enabled()
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))
    assert all(
        type(parameter) is nn.Parameter and parameter.abs().sum() > 0 for parameter in net.parameters()
    )
    net(torch.ones(1, 1, 4, 4)).sum().backward()
    assert net[3].bias.grad == 1
    assert type(torch.empty(2, 3)) is torch.Tensor


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("net", [PoolUpsampleNet, UNet, Perceptron, Functional])
def test_torch_is_left_as_it_was(net: type) -> None:
    """After a derivation every function and class of torch is the one it was before."""
    derive(net)


@pytest.mark.usefixtures("untouched")
def test_torch_is_left_as_it_was_by_a_proof() -> None:
    """Real nets are built with random numbers, and the random state is as if they were not."""
    prove(derive(Perceptron))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("net", [Branching, FailingForward, lambda width: 3])
def test_torch_is_left_as_it_was_by_a_failure(net: Callable[..., nn.Module]) -> None:
    """Also when the constructor or forward breaks in the middle."""
    with pytest.raises(UsageError, match=r"cannot be run|cannot be counted|it returned"):
        derive(net)


@pytest.mark.usefixtures("untouched")
def test_torch_is_left_as_it_was_by_an_interruption() -> None:
    """Also when the user stops it."""
    with pytest.raises(KeyboardInterrupt):
        derive(Interrupted, {}, (3, 8, 8))


def test_drawing_parameters_leaves_the_random_state() -> None:
    """A net that draws its own parameters does not shift the random numbers of whoever derives it."""

    class Drawing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.randn(8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scale

    state = torch.random.get_rng_state()
    derive(Drawing, {}, (3, 8, 8))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_derivations_are_the_same_every_time() -> None:
    """Nothing is left over from one derivation to the next, not even from one that failed."""
    first = derive(UNet)
    with pytest.raises(UsageError, match="cannot be counted yet"):
        derive(FailingForward)
    assert derive(UNet) == first


@pytest.mark.slow
def test_derivations_in_threads_do_not_mix() -> None:
    """Many at once give what each gives alone."""
    nets = [PoolUpsampleNet, ConvTransposeNet, UNet, SharedLayer, Functional] * 3
    alone = [derive(net) for net in nets]
    before = everything()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(derive, nets)) == alone
    assert differences(before) == []


def test_real_nets_in_other_threads_stay_real() -> None:
    """While one thread derives, another builds a net, runs it and draws its weights as ever."""
    inside, done = threading.Event(), threading.Event()

    class Waiting(nn.Module):
        def __init__(self, num_filters: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, num_filters, 1)
            inside.set()
            assert done.wait(20)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x)

    with ThreadPoolExecutor(1) as pool:
        derivation = pool.submit(derive, Waiting)
        assert inside.wait(20)
        try:
            real = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
            out = real(torch.ones(1, 1, 4, 4))
        finally:
            done.set()
        traced = derivation.result()
    assert all(type(parameter) is nn.Parameter for parameter in real.parameters())
    assert type(out) is torch.Tensor
    assert out.shape == (1, 2, 2, 2)
    assert [layer.path for layer in traced.layers] == ["conv"]


def steps(
    forward: Callable[[Any, torch.Tensor], torch.Tensor], **parts: Callable[[], Any]
) -> list[trace.Step]:
    """Trace a net of some parts for an image of four channels."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return forward(self, x)

    return list(trace.run(Net, (4, 8, 8)).steps)


def test_a_trace_knows_shapes_parameters_and_sources() -> None:
    """Each operation in order, with the batch first, and what it takes from where."""
    traced = trace.run(lambda: nn.Sequential(nn.Conv2d(4, NF, 3), nn.BatchNorm2d(NF), nn.ReLU()), (4, 8, 8))
    assert (traced.input, traced.output) == ((1, 4, 8, 8), (1, NF, 6, 6))
    assert traced.parameters == {
        "0.weight": (NF, 4, 3, 3), "0.bias": (NF,), "1.weight": (NF,), "1.bias": (NF,)
    }  # fmt: skip
    assert [(step.path, step.type, step.operation, step.kind, step.sources) for step in traced.steps] == [
        ("0", "Conv2d", "conv2d", "convolution", (trace.INPUT,)),
        ("1", "BatchNorm2d", "batch_norm", "normalisation", (0,)),
        ("2", "ReLU", "relu", "activation", (1,)),
    ]
    assert traced.steps[0].parameters == {"kernel": ("0.weight",), "bias": ("0.bias",)}
    assert traced.steps[1].parameters == {"affine": ("1.weight", "1.bias")}


def test_layers_that_do_nothing_are_listed() -> None:
    """No layer is missing from a table because it passes on what it gets."""
    found = steps(
        lambda net, x: net.drop(net.same(net.relu(x))), relu=nn.ReLU, same=nn.Identity, drop=nn.Dropout
    )
    assert [(step.path, step.kind, step.sources) for step in found] == [
        ("relu", "activation", (-1,)), ("same", "identity", (0,)), ("drop", "dropout", (1,))
    ]  # fmt: skip


def test_operations_outside_layers_are_named_by_themselves() -> None:
    """With the path of the module that calls them, and a number from the second time on."""

    class Inner(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x + x).relu() + x

    found = steps(lambda net, x: net.inner(x).relu(), inner=Inner)
    assert [step.path for step in found] == ["inner.add", "inner.relu", "inner.add (2)", "relu"]
    assert [step.sources for step in found] == [(-1,), (0,), (-1, 1), (2,)]


def test_moves_keep_sources_and_are_not_listed() -> None:
    """A view of what a layer gave comes from that layer; only the layer Flatten is listed."""
    found = steps(lambda net, x: net.flat(x.relu().permute(0, 2, 3, 1)).relu(), flat=nn.Flatten)
    assert [(step.path, step.sources) for step in found] == [
        ("relu", (-1,)),
        ("flat", (0,)),
        ("relu (2)", (1,)),
    ]


def test_operations_in_place_are_those_with_their_results() -> None:
    """``+=``, ``relu_`` and ``inplace=True`` count like their other forms."""

    def forward(net: Any, x: torch.Tensor) -> torch.Tensor:
        x = net.relu(x)
        x += 1
        x *= x
        return F.relu_(x).sigmoid_()

    found = steps(forward, relu=lambda: nn.ReLU(inplace=True))
    assert [step.operation for step in found] == ["relu", "add", "mul", "relu", "sigmoid"]
    assert [step.sources for step in found] == [(-1,), (0,), (1,), (2,), (3,)]


def test_nets_may_give_several_outputs() -> None:
    """In a tuple or a dictionary; the first is the output."""
    assert trace.run(lambda: Several(tuple), (4, 8, 8)).output == (1, 4, 8, 8)
    assert trace.run(lambda: Several(dict), (4, 8, 8)).output == (1, 4, 8, 8)
    with pytest.raises(UsageError, match="forward returned no tensor; return the output from forward"):
        trace.run(lambda: Several(len), (4, 8, 8))


class Several(nn.Module):
    """Returns what a function makes of two named outputs."""

    def __init__(self, form: Callable[[Any], Any]) -> None:
        super().__init__()
        self.form = form

    def forward(self, x: torch.Tensor) -> Any:
        named = {"out": x.relu(), "small": F.max_pool2d(x, 2)}
        return self.form(named) if self.form is not tuple else tuple(named.values())


def test_parameters_seen_through_a_view_count_where_they_are_used() -> None:
    """A bias that is reshaped before it is added belongs to the addition, and is not unused."""
    for made in (torch.zeros, torch.empty):
        (step,) = steps(
            lambda net, x: x + net.bias.view(-1, 1, 1), bias=lambda made=made: nn.Parameter(made(4))
        )
        assert step.parameters == {"other": ("bias",)}


def test_kernels_that_are_computed_count_where_they_are_used() -> None:
    """A kernel from which its mean is taken away belongs to the convolution, and is no operation itself."""

    def forward(net: Any, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, net.weight - net.weight.mean((1, 2, 3), keepdim=True))

    (step,) = steps(forward, weight=lambda: nn.Parameter(torch.empty(5, 4, 3, 3)))
    assert step.parameters == {"kernel": ("weight",)}
    assert step.effect.shape == (1, 5, 6, 6)


def test_products_of_parameters_are_not_guessed() -> None:
    """A kernel of low rank, whose product is computed for each image, is refused by the product's name."""
    parts = {"left": (5, 8), "right": (8, 8)}
    made = {name: lambda sizes=sizes: nn.Parameter(torch.empty(*sizes)) for name, sizes in parts.items()}
    with pytest.raises(UsageError, match="the operation matmul cannot be counted yet"):
        steps(lambda net, x: F.linear(x, net.left @ net.right), **made)


def test_mistakes_name_their_place() -> None:
    """A layer deep inside a net is named by its path, whatever goes wrong in it."""
    for layer, message in (
        (nn.Conv2d(3, 3, 1), r"channels do not fit: 4 where 3 are expected"),
        (nn.Linear(5, 5), r"features do not fit: 8 where 5 are expected"),
        (nn.Unflatten(1, (3, 2)), r"cannot be arranged as"),
        (nn.Fold(3, 3), r"the operation fold cannot be counted yet"),
    ):
        name = type(layer).__name__
        with pytest.raises(UsageError, match=rf"layer a\.1 \({name}\).*{message}"):
            steps(lambda net, x: net.a(x), a=lambda layer=layer: nn.Sequential(nn.ReLU(), layer))


def test_places_stay_right_after_an_error_that_the_net_catches() -> None:
    """A net that tries something and goes on is traced as if it had not tried."""

    def forward(net: Any, x: torch.Tensor) -> torch.Tensor:
        try:
            net.tried(x)
        except UsageError:
            return x.relu()
        return x

    found = steps(forward, tried=lambda: nn.Conv2d(3, 3, 1))
    assert [step.path for step in found] == ["relu"]


def test_symbolic_tensors_are_tensors() -> None:
    """They pass for tensors, become parameters, and tell their sizes."""
    tensor = SymbolicTensor.of((NF, 3), trace.Tracer())
    assert isinstance(tensor, torch.Tensor)
    assert isinstance(nn.Parameter(tensor), nn.Parameter)
    assert (tensor.shape, tensor.dim(), tensor.numel()) == ((NF, 3), 2, 3 * NF)
    assert tensor.size(1) == 3
    assert tensor.dtype == torch.float32
    assert repr(tensor) == "SymbolicTensor(NF, 3)"
