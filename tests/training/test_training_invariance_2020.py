"""Question A4 of 2020: every claim about y = ax + b on small nets, with numbers computed another way."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnreport import modules
from cnnreport.errors import DataError, UsageError, VerificationError
from cnnreport.project import PACKAGE
from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.specs.colourization import Colourization

NETS = "experiments.csc413-2020.nets"
EPSILON, NONE = 1e-5, 1e-300
"""That of a batch norm, and one that double precision does not see beside a variance."""


def module(name: str) -> Any:
    """A module of question A4."""
    modules.enter(PACKAGE.parent)
    return modules.load(f"experiments.csc413-2020.invariance.{name}")


def net_of(name: str, seed: int = 0, filters: int = 3, colours: int = 4) -> nn.Module:
    """A small net of the report, its batch norms random too, in float64."""
    modules.enter(PACKAGE.parent)
    torch.manual_seed(seed)
    net: nn.Module = modules.attribute(f"{NETS}:{name}")(3, filters, colours, 1).double()
    for each in net.modules():
        if isinstance(each, nn.BatchNorm2d):
            nn.init.normal_(each.weight)
            nn.init.normal_(each.bias)
    return net


def images(count: int = 4, side: int = 32) -> torch.Tensor:
    """Random grey images (N, 1, H, W) in 0..1."""
    torch.manual_seed(9)
    return torch.rand(count, 1, side, side, dtype=torch.float64)


def in_train_mode(net: nn.Module, x: torch.Tensor, epsilon: float = EPSILON) -> torch.Tensor:
    """What a net of the report gives with the statistics of the batch."""
    for each in net.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.eps = epsilon
    with torch.no_grad():
        logits: torch.Tensor = net.train()(x)
    return logits


def correlate(image: np.ndarray[Any, Any], kernel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Slide a kernel (C, 3, 3) over an image (H, W) padded with zeros, tap by tap: (C, H, W)."""
    padded = np.pad(image, 1)
    height, width = image.shape
    return np.stack(
        [
            sum(taps[i, j] * padded[i : i + height, j : j + width] for i in range(3) for j in range(3))
            for taps in kernel
        ]
    )


# Batch norm removes a positive factor, and epsilon leaves some of it.


def test_without_epsilon_a_positive_factor_changes_no_logit() -> None:
    """In train mode 0.5x and 2x give the CNN's logits for x at every pixel."""
    net, x = net_of("CNN"), images()
    before = in_train_mode(net, x, NONE)
    for factor in (0.5, 2.0):
        torch.testing.assert_close(in_train_mode(net, factor * x, NONE), before, rtol=0, atol=1e-10)


@pytest.mark.parametrize("factor", [0.5, 0.01, -1.0])
def test_what_epsilon_leaves_is_what_batch_norm_does(factor: float) -> None:
    """The factor is that of torch's own batch norm without a shift, and that of the symbolic proof."""
    values = 0.2 * images(8)
    variance = np.asarray(values.numpy().var())
    outputs = [
        F.batch_norm(each, None, None, training=True, eps=EPSILON) for each in (values, factor * values)
    ]
    measured = (outputs[1] / outputs[0]).median()
    left = module("evaluation").left_by_epsilon(factor, variance, EPSILON)
    assert float(left) == pytest.approx(float(measured), rel=1e-9)
    lemmas = module("lemmas")
    symbol = lemmas.A if factor > 0 else lemmas.NEGATIVE
    given = {symbol: factor, lemmas.V: float(variance), lemmas.EPSILON: EPSILON}
    assert float(lemmas.remainder(symbol).subs(given)) == pytest.approx(float(measured), rel=1e-9)


# A constant goes away but for zero padding, which reaches as far as the graph says.


@pytest.mark.parametrize(("kernel", "reach"), [(1, 0), (3, 15), (5, 30)])
@pytest.mark.parametrize("name", ["CNN", "UNet"])
def test_the_border_reaches_as_far_as_a_change_of_it_is_seen(name: str, kernel: int, reach: int) -> None:
    """What changes at the border of the first convolution's output changes logits up to that distance."""
    modules.enter(PACKAGE.parent)
    torch.manual_seed(1)
    net = modules.attribute(f"{NETS}:{name}")(kernel, 4, 3, 1).double().eval()
    x, width = images(1, 72), kernel // 2
    for each in net.parameters():
        each.data.abs_()  # so that ReLU cuts nothing, and no two changes cancel

    def disturb(_: nn.Module, __: Any, output: torch.Tensor) -> torch.Tensor:
        changed = output + 3.0
        changed[..., width : 72 - width, width : 72 - width] = output[
            ..., width : 72 - width, width : 72 - width
        ]
        return changed

    with torch.no_grad():
        before = net(x)
        net.block1[0].register_forward_hook(disturb)
        moved = (net(x) - before).abs().amax((0, 1)) > 1e-12
    steps = np.minimum(np.arange(72), 71 - np.arange(72))
    distance = np.minimum(steps[:, None], steps[None])
    seen = 1 + int(distance[moved.numpy()].max(initial=-1))
    graph = module("graph")
    state = graph.derive(torch.fx.symbolic_trace(net), graph.CASES["both"])["output"]
    derived = state.reach if name == "UNet" else state[0].reach
    assert (derived, seen) == (reach, reach)


def test_copies_of_the_border_let_no_constant_in() -> None:
    """With the border repeated instead of zeros, 0.5x + 0.3 gives the CNN's logits for x in train mode."""
    net, x = net_of("CNN"), images()
    zeros = in_train_mode(net, x, NONE), in_train_mode(net, 0.5 * x + 0.3, NONE)
    assert float((zeros[1] - zeros[0]).abs().max()) > 1e-3
    for each in net.modules():
        if isinstance(each, nn.Conv2d):
            each.padding_mode = "replicate"
    before = in_train_mode(net, x, NONE)
    torch.testing.assert_close(in_train_mode(net, 0.5 * x + 0.3, NONE), before, rtol=0, atol=1e-10)


def test_with_zeros_the_statistics_carry_a_constant_to_the_middle() -> None:
    """In train mode x + 0.3 moves logits in the middle of a large image, out of the border's reach."""
    net, x = net_of("CNN"), images(2, 64)
    change = (in_train_mode(net, x + 0.3, NONE) - in_train_mode(net, x, NONE)).abs()
    assert float(change[..., 28:36, 28:36].min()) > 1e-6


# A negative factor, the raw image, and kept statistics.


def test_a_negative_factor_makes_a_minimum_of_the_maximum() -> None:
    """The first block takes the least of each window of four, as numpy does, where it took the largest."""
    net, x = net_of("CNN"), images(1)
    convolution, pooling = net.get_submodule("block1.0"), net.get_submodule("block1.1")
    kernel, bias = (each.detach().numpy() for each in convolution.parameters())
    made = correlate(x[0, 0].numpy(), kernel[:, 0])
    windows = made.reshape(3, 16, 2, 16, 2).transpose(0, 1, 3, 2, 4).reshape(3, 16, 16, 4)
    with torch.no_grad():
        given = pooling(convolution(-x))[0].numpy()
    np.testing.assert_allclose(given, bias[:, None, None] - windows.min(-1), atol=1e-12)
    assert abs(given - (bias[:, None, None] - windows.max(-1))).max() > 0.01


def test_the_last_convolution_of_the_unet_sees_the_raw_image() -> None:
    """With all else held still, logits change by V * ((a - 1) x + b), as numpy slides it over zeros."""
    net, x = net_of("UNet"), images(1)
    for each in net.modules():
        if isinstance(each, nn.BatchNorm2d):
            nn.init.zeros_(each.weight)  # blocks give their shifts, whatever they see
    change = (in_train_mode(net, -2.0 * x + 0.3) - in_train_mode(net, x))[0].numpy()
    seen = net.get_submodule("block6").weight.detach().numpy()[:, -1]
    np.testing.assert_allclose(change, correlate((-3.0 * x + 0.3)[0, 0].numpy(), seen), atol=1e-12)


def test_kept_statistics_take_nothing_out() -> None:
    """In eval mode the first batch norm of 0.5x + 0.3 is half of that of x, and a constant, inside."""
    net, x = net_of("CNN"), images()
    in_train_mode(net, x)
    first = nn.Sequential(*list(net.get_submodule("block1").children())[:3]).eval()
    with torch.no_grad():
        off = (first(0.5 * x + 0.3) - 0.5 * first(x))[..., 1:-1, 1:-1]
    level = off.mean((0, 2, 3), keepdim=True)
    torch.testing.assert_close(off, level.expand_as(off), rtol=0, atol=1e-12)
    assert float(level.abs().min()) > 1e-3


# What the tasks do.


def evaluated(name: str = "CNN", count: int = 6) -> tuple[Any, nn.Module, dict[str, Any]]:
    """An evaluation of a small net, the net, and the data that both take."""
    net = net_of(name).float()
    for each in net.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.momentum = (
                1.0  # the kept statistics are those of the images, so that a change is no mere rounding
            )
    generator = np.random.default_rng(2)
    data: dict[str, Any] = {
        "validation_rgb": generator.integers(0, 256, (count, 3, 32, 32), np.uint8),
        "validation_label": generator.integers(0, 4, (count, 32, 32), np.uint8),
    }
    with torch.no_grad():
        net.train()(grey_of(data))
    data |= {f"weights.{key}": value.numpy().copy() for key, value in net.state_dict().items()}
    spec = module("specs").Evaluation(net=f"{NETS}:{name}", num_filters=3, num_colours=4, batch_size=3)
    return module("evaluation").EvaluationTask(spec, 0, data, "cpu"), net.eval(), data


def grey_of(data: dict[str, Any]) -> torch.Tensor:
    """The grey images (N, 1, H, W) of the handout: the mean of the channels over 256."""
    return torch.from_numpy(data["validation_rgb"].astype(np.float32)).mean(1, keepdim=True) / 256


def test_an_evaluation_is_what_loops_over_pixels_find() -> None:
    """Loss, accuracy, agreement and the change in each ring of 2x + 0.3 in eval mode, pixel by pixel."""
    task, net, data = evaluated()
    left, x, labels = task.results(), grey_of(data), data["validation_label"]
    with torch.no_grad():
        before, after = net(x).numpy(), net(2 * x + 0.3).numpy()
    sums, counts, loss, right, agreeing = np.zeros(16), np.zeros(16), 0.0, 0, 0
    for n, i, j in np.ndindex(labels.shape):
        ring = min(i, j, 31 - i, 31 - j)
        sums[ring] += abs(after[n, :, i, j] - before[n, :, i, j]).mean()
        counts[ring] += 1
        odds = after[n, :, i, j] - after[n, labels[n, i, j], i, j]
        loss += math.log(np.exp(odds).sum())
        right += after[n, :, i, j].argmax() == labels[n, i, j]
        agreeing += after[n, :, i, j].argmax() == before[n, :, i, j].argmax()
    assert (sums / counts).min() > 1e-2  # far above rounding
    place = [each.name for each in module("transforms").TRANSFORMS].index("double_shifted")
    np.testing.assert_allclose(left.samples["running_rings"][place], sums / counts, rtol=1e-4)
    told = [left.measures[f"running_double_shifted_{what}"] for what in ("loss", "accuracy", "agreement")]
    assert told[0] == pytest.approx(loss / labels.size, rel=1e-4)
    # Rounding may decide which of two nearly equal scores of a pixel is the highest.
    assert told[1:] == pytest.approx([right / labels.size, agreeing / labels.size], abs=3 / labels.size)


def test_train_mode_takes_the_batch_and_moves_no_statistics() -> None:
    """The loss of 0.5x is that of torch's train mode on each batch of three, and the net is as it was."""
    task, net, data = evaluated()
    x, labels = grey_of(data), torch.from_numpy(data["validation_label"].astype(np.int64))
    left = task.results()
    for key, value in task._net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), data[f"weights.{key}"])
    with torch.no_grad():
        losses = [
            float(F.cross_entropy(net.train()(0.5 * x[some]), labels[some]))
            for some in (slice(0, 3), slice(3, 6))
        ]
    assert left.measures["batch_half_loss"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_without_the_border_a_constant_moves_only_what_it_reaches() -> None:
    """With inner statistics x + 0.3 moves logits at the border, not in the centre; else it moves both."""
    left = evaluated()[0].results().measures
    assert left["inner_shifted_border"] > 1e-3
    assert left["inner_shifted_centre"] < 1e-5
    assert left["batch_shifted_centre"] > 1e-4


def test_an_evaluation_without_weights_is_refused() -> None:
    """Whoever forgets what it reads is told so."""
    spec = module("specs").Evaluation(net=f"{NETS}:CNN")
    with pytest.raises(DataError, match="there are no weights to evaluate"):
        module("evaluation").EvaluationTask(spec, 0, {}, "cpu")


def test_a_training_sees_the_transformed_images_and_begins_alike() -> None:
    """Its net gets 0.5x + 0.3 of each image, and its initial weights are those of the training on x."""
    generator = np.random.default_rng(3)
    data = {
        "palette": generator.random((4, 3)).astype(np.float32),
        **{
            f"{part}_rgb": generator.integers(0, 256, (5, 3, 32, 32), np.uint8)
            for part in ("train", "validation")
        },
        **{
            f"{part}_label": generator.integers(0, 4, (5, 32, 32), np.uint8)
            for part in ("train", "validation")
        },
    }
    chosen: dict[str, Any] = {"net": f"{NETS}:CNN", "num_filters": 2, "num_colours": 4, "epochs": 1}
    spec = module("specs").TransformedColourization(**chosen, scale=0.5, shift=0.3)
    task = module("training").TransformedTraining(spec, 7, data, "cpu")
    plain = ColourizationTraining(Colourization(**chosen), 7, data, "cpu")
    for mine, theirs in zip(task.net.parameters(), plain.net.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    seen: list[torch.Tensor] = []
    task.model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    task.run_epoch()
    for part, given in zip(("train", "validation"), seen, strict=True):
        grey = torch.from_numpy(data[f"{part}_rgb"].astype(np.float32)).mean(1, keepdim=True) / 256
        torch.testing.assert_close(given, 0.5 * grey + 0.3)


# A wrong derivation is seen.


def test_a_layer_that_does_otherwise_fails_the_proof() -> None:
    """A pooling that squares passes no factor; the comparison names its layer."""

    class Squares(nn.MaxPool2d):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            pooled: torch.Tensor = super().forward(input)
            return pooled.square()

    measured = module("measured")
    traced = measured.small_net(modules.attribute(f"{NETS}:CNN"), 3, 0)
    traced.get_submodule("block1").register_module("1", Squares(2))
    with pytest.raises(VerificationError, match="block1_1: the relation does not hold inside"):
        measured.compare(traced, 40, 0)


def test_a_layer_without_a_rule_is_named() -> None:
    """What no rule knows is no relation to guess."""
    graph = module("graph")
    traced = torch.fx.symbolic_trace(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Tanh()))
    with pytest.raises(UsageError, match="no rule knows the layer Tanh"):
        graph.derive(traced, graph.CASES["scale"])
