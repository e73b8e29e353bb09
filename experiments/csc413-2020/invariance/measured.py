"""The relations of `graph` against a real net: every layer, in float64, inside and at the border."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from cnnreport.errors import VerificationError
from cnnreport.training.seeded import seeded

from . import graph, lemmas
from .graph import Broken, Mixed, State

TOLERANCE = 1e-10
"""What is equal differs by less, in float64, on values around one."""

SEEN = 1e-7
"""What is not equal differs by more."""

IMAGES, FILTERS = 2, 4
SCALE, SHIFT = 0.5, 0.3

Statistics = tuple[Tensor, Tensor]
"""Mean and variance of each channel, (C,)."""

Normalise = Callable[[str, nn.BatchNorm2d, Tensor], Tensor]


class _Watched(fx.Interpreter):
    """Runs a net, keeps what each node gives, and lets batch norms be computed otherwise."""

    def __init__(self, traced: fx.GraphModule, normalise: Normalise) -> None:
        super().__init__(traced)
        self.values: dict[str, Tensor] = {}
        self._normalise = normalise

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        self.values[n.name] = result
        return result

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        module = self.fetch_attr(target)
        if isinstance(module, nn.BatchNorm2d):
            return self._normalise(target, module, args[0])
        return super().call_module(target, args, dict(kwargs))


def small_net(make: Callable[..., nn.Module], kernel: int, seed: int) -> fx.GraphModule:
    """Build a small net in float64 and trace it.

    Its weights are random, those of its batch norms too; these keep the statistics of a random batch.
    """
    with seeded(seed), torch.no_grad():
        net = make(kernel, FILTERS, 3, 1).double()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.normal_()
                module.bias.normal_()
                module.momentum = 1.0
        net.train()(torch.rand(IMAGES, 1, 32, 32, dtype=torch.float64))
    return fx.symbolic_trace(net.eval())


@torch.no_grad()
def compare(traced: fx.GraphModule, side: int, seed: int) -> int:
    """Hold all that was derived of a net against what it computes.

    Args:
        traced: The net, in float64.
        side: Height and width of the images: more than twice the reach of any layer.
        seed: Of the images.

    Returns:
        How many layers were compared, over all cases.

    Raises:
        VerificationError: A layer does something else.
    """
    with seeded(seed):
        images = torch.rand(IMAGES, 1, side, side, dtype=torch.float64)
    return (
        _scaled(traced, images)
        + _scaled_and_shifted(traced, images)
        + _negative(traced, images)
        + _kept(traced, images)
        + _epsilon(traced, images)
        + _without_zeros(traced, images)
    )


def _scaled(traced: fx.GraphModule, images: Tensor) -> int:
    """Check that a positive a alone changes nothing at any pixel, with the statistics of each batch."""
    states = graph.derive(traced, graph.CASES["scale"])
    before, after = (_run(traced, x, _by_batch(0.0)) for x in (images, SCALE * images))
    return _hold(traced, states, before, after, (SCALE - 1) * images)


def _scaled_and_shifted(traced: fx.GraphModule, images: Tensor) -> int:
    """Check ax + b: inside, at the border, and that the batch's own statistics carry it to all pixels."""
    states = graph.derive(traced, graph.CASES["both"])
    statistics: dict[str, Statistics] = {}
    before = _run(traced, images, _by_batch(0.0, statistics))
    shifted = SCALE * images + SHIFT
    inner = _of_inner_pixels(traced, states, before, statistics)
    compared = _hold(traced, states, before, _run(traced, shifted, inner), shifted - images)
    really = _run(traced, shifted, _by_batch(0.0))
    for node in traced.graph.nodes:
        state = states[node.name]
        if isinstance(state, tuple) and not all(relation.exact for relation in state) and node.op != "output":
            change = (really[node.name] - before[node.name]).abs()
            reach = max(relation.reach for relation in state)
            _require(
                float(_inner(change, reach).max()) > SEEN, node.name, "the statistics carry nothing inside"
            )
            compared += 1
    return compared


def _negative(traced: fx.GraphModule, images: Tensor) -> int:
    """Check that a negative a makes a minimum of the first maximum, and another net of the whole."""
    states = graph.derive(traced, graph.CASES["negative"])
    before, after = (_run(traced, x, _by_batch(0.0)) for x in (images, -SCALE * images))
    compared = _hold(traced, states, before, after, -(SCALE + 1) * images, scale=-SCALE)
    for node in traced.graph.nodes:
        if states[node.name] == Broken("minimum"):
            source = node.all_input_nodes[0].name
            least = -F.max_pool2d(-before[source], 2)
            off = after[node.name] + SCALE * least
            _require(_spread(off) < TOLERANCE, node.name, "the maximum did not become a minimum")
            plain = after[node.name] + SCALE * before[node.name]
            _require(_spread(plain) > SEEN, node.name, "a maximum passed a negative factor")
            compared += 1
    return compared


def _kept(traced: fx.GraphModule, images: Tensor) -> int:
    """Check that kept statistics remove nothing, and that the relation ends at the first ReLU."""
    states = graph.derive(traced, graph.CASES["kept"])
    shifted = SCALE * images + SHIFT
    before, after = (_run(traced, x, _by_kept) for x in (images, shifted))
    compared = _hold(traced, states, before, after, shifted - images)
    for node in traced.graph.nodes:
        if states[node.name] == Broken("rectified"):
            off = after[node.name] - SCALE * before[node.name]
            _require(_spread(_inner(off, 2)) > SEEN, node.name, "ReLU passed a constant")
            compared += 1
    return compared


def _epsilon(traced: fx.GraphModule, images: Tensor) -> int:
    """Check the factor that epsilon leaves after the first batch norm, channel by channel."""
    modules = dict(traced.named_modules())
    first = next(n for n in traced.graph.nodes if isinstance(modules.get(str(n.target)), nn.BatchNorm2d))
    module = modules[str(first.target)]
    assert isinstance(module, nn.BatchNorm2d), "found as one"
    statistics: dict[str, Statistics] = {}
    before = _run(traced, images, _by_batch(None, statistics))[first.name]
    after = _run(traced, SCALE / 10 * images, _by_batch(None))[first.name]
    for channel, variance in enumerate(statistics[str(first.target)][1].tolist()):
        given = {lemmas.A: SCALE / 10, lemmas.V: variance, lemmas.EPSILON: module.eps}
        left = float(lemmas.remainder(lemmas.A).subs(given))
        shift = float(module.bias[channel])
        off = (after[:, channel] - shift) - left * (before[:, channel] - shift)
        _require(float(off.abs().max()) < TOLERANCE, first.name, "epsilon leaves another factor")
    return 1


def _without_zeros(traced: fx.GraphModule, images: Tensor) -> int:
    """Check that ax + b goes away wholly where the border is padded with copies instead of zeros."""
    copied = copy.deepcopy(traced)
    modules = dict(copied.named_modules())
    convolutions = [module for module in modules.values() if isinstance(module, nn.Conv2d)]
    for module in convolutions:
        module.padding_mode = "replicate"
    before, after = (_run(copied, x, _by_batch(0.0)) for x in (images, SCALE * images + SHIFT))
    last = next(node for node in reversed(copied.graph.nodes) if node.op == "call_module")
    change = after[last.name] - before[last.name]
    states = graph.derive(traced, graph.CASES["both"])
    if isinstance(states[last.name], Mixed):
        change = change - _of_image(copied, last, (SCALE - 1) * images + SHIFT, "replicate")
    _require(float(change.abs().max()) < TOLERANCE, last.name, "something else than zero padding breaks it")
    return 1


def _hold(
    traced: fx.GraphModule,
    states: Mapping[str, State],
    before: Mapping[str, Tensor],
    after: Mapping[str, Tensor],
    moved: Tensor,
    scale: float = SCALE,
) -> int:
    """Hold each layer that has a relation against its values; return how many there were.

    Args:
        traced: The net.
        states: The relations.
        before: What each node gives for the images x.
        after: What it gives for y.
        moved: y - x.
        scale: The number a.
    """
    compared = 0
    for node in traced.graph.nodes:
        state = states[node.name]
        if node.op != "call_module" or isinstance(state, Broken):
            continue
        if isinstance(state, Mixed):
            expected = before[node.name] + _of_image(traced, node, moved, "zeros")
            _hold_at(node.name, after[node.name] - expected, state.reach, constant=False)
        else:
            (relation,) = state
            s = float(relation.scale.subs({lemmas.A: scale, lemmas.NEGATIVE: scale}))
            off = after[node.name] - s * before[node.name]
            _hold_at(node.name, off, relation.reach, constant=relation.constant)
        compared += 1
    return compared


def _hold_at(name: str, off: Tensor, reach: int, *, constant: bool) -> None:
    """Check that what is left is a constant of each channel, or zero, inside, and is not within reach."""
    inner = _inner(off, reach)
    level = inner.mean((0, 2, 3), keepdim=True)
    apart = float((inner - level).abs().max()) if constant else float(inner.abs().max())
    _require(apart < TOLERANCE, name, "the relation does not hold inside")
    if constant:
        _require(float(level.abs().max()) > SEEN, name, "there is no constant")
    if reach:
        edge = (_inner(off, reach - 1) - (level if constant else 0)).abs()
        _require(float(edge.max()) > SEEN, name, "the relation holds nearer to the border than was derived")


def _of_image(traced: fx.GraphModule, node: fx.Node, image: Tensor, padding: str) -> Tensor:
    """Return what a convolution makes of the image among its inputs alone, without its bias."""
    module = traced.get_submodule(str(node.target))
    assert isinstance(module, nn.Conv2d), "only convolutions mix"
    alone = copy.deepcopy(module)
    alone.weight.data[:, : -image.shape[1]] = 0  # the image lies last
    assert alone.bias is not None, "the nets of the handout have biases"
    alone.bias.data.zero_()
    alone.padding_mode = padding
    whole = torch.zeros(len(image), module.in_channels, *image.shape[2:], dtype=image.dtype)
    whole[:, -image.shape[1] :] = image
    result: Tensor = alone(whole)
    return result


def _by_batch(epsilon: float | None, statistics: dict[str, Statistics] | None = None) -> Normalise:
    """Return what normalises with the batch's statistics, and may note them; epsilon None for the layer's."""

    def normalise(name: str, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        if statistics is not None:
            statistics[name] = mean, variance
        return _normalised(module, x, mean, variance, module.eps if epsilon is None else epsilon)

    return normalise


def _by_kept(_name: str, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
    assert module.running_mean is not None, "the nets keep statistics"
    assert module.running_var is not None, "the nets keep statistics"
    return _normalised(module, x, module.running_mean, module.running_var, module.eps)


def _of_inner_pixels(
    traced: fx.GraphModule,
    states: Mapping[str, State],
    before: Mapping[str, Tensor],
    statistics: Mapping[str, Statistics],
) -> Normalise:
    """Return what normalises with s m + t and s^2 v, the statistics that there would be without a border."""
    sources = {str(node.target): node.all_input_nodes[0].name for node in traced.graph.nodes if node.args}

    def normalise(name: str, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        state = states[sources[name]]
        assert isinstance(state, tuple), "a batch norm without a relation is not reached"
        scale = float(state[0].scale.subs(lemmas.A, SCALE))
        level = _inner(x - scale * before[sources[name]], state[0].reach).mean((0, 2, 3))
        mean, variance = statistics[name]
        return _normalised(module, x, scale * mean + level, scale**2 * variance, 0.0)

    return normalise


def _normalised(module: nn.BatchNorm2d, x: Tensor, mean: Tensor, variance: Tensor, epsilon: float) -> Tensor:
    return F.batch_norm(x, mean, variance, module.weight, module.bias, False, 0.0, epsilon)


def run_kept(traced: fx.GraphModule, images: Tensor) -> dict[str, Tensor]:
    """Return what each node of a net gives for images, with the statistics that its batch norms kept."""
    return _run(traced, images, _by_kept)


def _run(traced: fx.GraphModule, images: Tensor, normalise: Normalise) -> dict[str, Tensor]:
    watched = _Watched(traced, normalise)
    watched.run(images)
    return watched.values


def _inner(values: Tensor, reach: int) -> Tensor:
    """Return the pixels (N, C, H', W') from some distance from the border on."""
    height, width = values.shape[2:]
    return values[..., reach : height - reach, reach : width - reach]


def _spread(values: Tensor) -> float:
    """Return by how much the values of a channel differ from their mean at most."""
    return float((values - values.mean((0, 2, 3), keepdim=True)).abs().max())


def _require(holds: bool, name: str, problem: str) -> None:
    if not holds:
        raise VerificationError(f"{name}: {problem}", "look at the rules in graph.py")
