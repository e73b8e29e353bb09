"""C4 and C5 of the 2020 report: what an update of n equal layers costs, counted here by hand.

The bytes are summed over the tensors that are named here, the operations over loops; neither the formulas
of the report nor its counters take part.
"""

import itertools
from typing import Any

import pytest
import torch
from torch import nn

from cnnreport import modules
from cnnreport.errors import UsageError, VerificationError
from cnnreport.kinds import kind as kinds
from cnnreport.project import PACKAGE
from cnnreport.training.costs import Costs

CHANNELS, KERNEL, BATCH, HEIGHT, WIDTH = 2, 3, 3, 4, 5
FLOAT32, INT64 = 4, 8


def module(name: str) -> Any:
    """A module of the report's folder."""
    modules.enter(PACKAGE.parent)
    return modules.load(f"experiments.csc413-2020.depth.{name}")


def measured(depth: int, mode: str, size: int = 1, device: str = "cpu") -> Costs:
    """What an update costs in a small net."""
    layers = module("layers")
    net = layers.equal_layers(depth, CHANNELS, KERNEL, device)
    images = torch.zeros(BATCH, CHANNELS, size * HEIGHT, size * WIDTH, device=device)
    costs: Costs = layers.update_costs(net, mode, images)
    return costs


def elements(*shape: int) -> int:
    """How many values a tensor has."""
    return torch.Size(shape).numel()


def loss_bytes(size: int) -> int:
    """Log probabilities, the class of each pixel, and the sum of the classes' weights."""
    pixels = (BATCH, size * HEIGHT, size * WIDTH)
    return FLOAT32 * elements(*pixels, CHANNELS) + INT64 * elements(*pixels) + FLOAT32


def passes(size: int) -> int:
    """Operations of one convolution in one pass: two for each tap, also where it lies on padding."""
    taps = itertools.product(range(CHANNELS), range(KERNEL), range(KERNEL))
    outputs = itertools.product(range(BATCH), range(CHANNELS), range(size * HEIGHT), range(size * WIDTH))
    return 2 * len(list(taps)) * len(list(outputs))


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_all_layers_keep_an_input_each(depth: int, size: int) -> None:
    """The image, what ReLU gave to each further layer, and what the loss needs."""
    inputs = [FLOAT32 * elements(BATCH, CHANNELS, size * HEIGHT, size * WIDTH) for _ in range(depth)]
    assert measured(depth, "all", size).activation_bytes == sum(inputs) + loss_bytes(size)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_the_last_layer_keeps_its_own_input_alone(depth: int, size: int) -> None:
    """Whatever lies below it: O(1)."""
    own = FLOAT32 * elements(BATCH, CHANNELS, size * HEIGHT, size * WIDTH)
    assert measured(depth, "last", size).activation_bytes == own + loss_bytes(size)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_gradients_and_moments_are_those_of_the_layers_that_learn(depth: int) -> None:
    """One gradient and two moments for each weight and bias, a count of steps for each tensor."""
    shapes = [(CHANNELS, CHANNELS, KERNEL, KERNEL), (CHANNELS,)]
    for mode, learning in (("all", depth), ("last", 1)):
        costs = measured(depth, mode)
        gradients = sum(FLOAT32 * elements(*shape) for shape in shapes * learning)
        assert costs.gradient_bytes == gradients
        assert costs.optimiser_bytes == 2 * gradients + FLOAT32 * len(shapes) * learning


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_forward_pass_computes_every_layer(depth: int, size: int) -> None:
    """What the answer O(n) against O(1) overlooks: frozen layers are computed all the same."""
    for mode in ("all", "last"):
        assert measured(depth, mode, size).forward_flops == depth * passes(size)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_backward_pass_stops_at_the_first_layer_that_learns(depth: int, size: int) -> None:
    """A gradient by the weights of each that learns, and by the input of each but the lowest of these."""
    assert measured(depth, "all", size).backward_flops == (depth + depth - 1) * passes(size)
    assert measured(depth, "last", size).backward_flops == passes(size)


def test_twice_the_size_leaves_what_belongs_to_the_weights() -> None:
    """Gradients and moments stay, operations are four times as many, activations but for one number."""
    for mode in ("all", "last"):
        one, two = measured(3, mode), measured(3, mode, size=2)
        assert (two.gradient_bytes, two.optimiser_bytes) == (one.gradient_bytes, one.optimiser_bytes)
        assert two.forward_flops == 4 * one.forward_flops
        assert two.backward_flops == 4 * one.backward_flops
        assert two.activation_bytes - FLOAT32 == 4 * (one.activation_bytes - FLOAT32)


def test_tensors_without_values_cost_the_same() -> None:
    """A net on the meta device keeps and computes what one on the CPU does."""
    for mode in ("all", "last"):
        assert measured(3, mode, device="meta") == measured(3, mode)


def test_the_layers_are_equal() -> None:
    """n convolutions of one shape that keep the size, with ReLU between them and not behind the last."""
    net = module("layers").equal_layers(3, CHANNELS, 5, "cpu")
    assert [type(each) for each in net] == [nn.Conv2d, nn.ReLU] * 2 + [nn.Conv2d]
    assert {each.weight.shape for each in net if isinstance(each, nn.Conv2d)} == {(2, 2, 5, 5)}
    assert net(torch.zeros(1, CHANNELS, 6, 7)).shape == (1, CHANNELS, 6, 7)


@pytest.fixture(scope="module")
def smallest() -> Any:
    """A run of the task on one channel and images of two by two."""
    spec = module("spec").DepthCosts(channels=1, image_size=2, batch_size=1)
    task = module("task").DepthCostsTask(spec, seed=0, data={}, device="cpu")
    return task.run_epoch(), task.results()


@pytest.mark.slow  # nets of up to 32 layers, derived and measured
def test_a_run_leaves_what_its_kind_declares(smallest: Any) -> None:
    """Name by name, the history too."""
    row, results = smallest
    name = module("spec").DepthCosts.kind
    kinds.check(name, "history", row)
    kinds.check(name, "measures", results.measures)
    kinds.check(name, "samples", results.samples)


@pytest.mark.slow
def test_the_run_measures_every_depth(smallest: Any) -> None:
    """With 2, 4, 8, 16 and 32 layers the activations of all grow by the input of each."""
    measures = smallest[1].measures
    kept = {n: measures[f"all_1_{n}_activation_bytes"] for n in (2, 4, 8, 16, 32)}
    assert {n: kept[n] - kept[2] for n in kept} == {n: (n - 2) * FLOAT32 * 4 for n in kept}
    assert len({measures[f"last_1_{n}_activation_bytes"] for n in kept}) == 1
    assert measures["parameters_32"] == 32 * (9 + 1)


def test_a_formula_that_is_not_what_was_measured_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one whose forward pass forgets the last layer."""
    task, derived = module("task"), module("derived").derived

    def forgetful(mode: str) -> Any:
        costs = derived(mode)
        n = module("derived").N
        return {**costs, "forward": costs["forward"].subs(n, n - 1)}

    monkeypatch.setattr(task, "derived", forgetful)
    spec = module("spec").DepthCosts(channels=1, image_size=2, batch_size=1)
    with pytest.raises(VerificationError, match=r"all learning, .* gives .* but the formulas give"):
        task.DepthCostsTask(spec, seed=0, data={}, device="cpu").run_epoch()


@pytest.mark.parametrize(("name", "number", "says"), [
    ("channels", 0, "with channels = 0 are asked for; set channels to at least 1"),
    ("kernel", 4, "an even kernel size, 4, changes the height and width; choose an odd one"),
])  # fmt: skip
def test_layers_that_cannot_be_are_refused(name: str, number: int, says: str) -> None:
    """Every number is at least one, and the kernel odd."""
    with pytest.raises(UsageError, match=says):
        module("spec").DepthCosts(**{name: number})


# Peaks.


def asked(device: str) -> Any:
    """A run of the task that asks a device for peaks, on tiny nets."""
    spec = module("spec").PeakMemory(
        channels=2, image_size=8, batch_size=2, architecture="mobilenet_v3_small_embedded", real_image_size=32
    )
    task = module("peaks").PeakMemoryTask(spec, seed=0, data={}, device=device)
    return spec, task.run_epoch(), task.results()


def test_a_cpu_tells_no_peak() -> None:
    """What is not measured is null, and the run leaves what its kind declares."""
    spec, row, results = asked("cpu")
    assert row == {"told": 0.0}
    assert {value for name, value in results.measures.items() if "_peak_" in name} == {None}
    assert results.measures["device_name"] == ""
    for place, left in (("history", row), ("measures", results.measures), ("samples", results.samples)):
        kinds.check(spec.kind, place, left)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_holds_at_least_what_was_counted() -> None:
    """The peak of an update is no less than weights, gradients, moments and activations together."""
    measures = asked("cuda")[2].measures
    layers = module("layers")
    for mode in ("all", "last"):
        net = layers.equal_layers(32, 2, 3, "cpu")
        costs = layers.update_costs(net, mode, torch.zeros(2, 2, 8, 8))
        counted = costs.activation_bytes + costs.optimiser_bytes + layers.weight_bytes(net)
        assert measures[f"{mode}_peak_32"] >= counted
    assert measures["all_peak_32"] > measures["last_peak_32"]
    assert measures["all_peak_real"] > measures["last_peak_real"]


@pytest.mark.parametrize("mode", ["all", "last"])
def test_an_update_changes_what_learns(mode: str) -> None:
    """The updates whose peak is asked for are real ones: of the frozen layers nothing moves."""
    torch.manual_seed(0)  # some few weights leave nothing above zero, and then nothing learns
    net = module("layers").learning(module("layers").equal_layers(3, CHANNELS, KERNEL, "cpu"), mode)
    before = [each.weight.detach().clone() for each in net if isinstance(each, nn.Conv2d)]
    images = torch.ones(1, CHANNELS, 4, 4)
    module("peaks").update(net, images, lambda: net(images))
    moved = [
        not torch.equal(was, each.weight)
        for was, each in zip(before, [each for each in net if isinstance(each, nn.Conv2d)], strict=True)
    ]
    assert moved == [mode == "all", mode == "all", True]
