"""How y = ax + b goes through a net: a relation for each layer, derived on the net's own graph.

At each node h(y) = s h(x) + t is sought, with one factor s for all channels and a constant t for each. It
holds at all pixels from some distance from the border on, the reach, as far as `lemmas` carry it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sympy
import torch
from torch import fx, nn

from cnnreport.errors import UsageError

from . import lemmas

Why = Literal["minimum", "rectified", "after"]
"""Why there is no relation: a maximum became a minimum, ReLU cut what a constant moved, or one of these came
before."""


@dataclass(frozen=True)
class Case:
    """What is asked of a net.

    Args:
        scale: a, a symbol that knows its sign.
        shift: Whether b is other than zero.
        kept: Whether batch norm takes the statistics that it kept, as in eval mode, instead of the batch's.
        epsilon: Whether its epsilon is more than zero.
    """

    scale: sympy.Symbol
    shift: bool
    kept: bool = False
    epsilon: bool = False


CASES: Mapping[str, Case] = {
    "scale": Case(lemmas.A, shift=False),
    "both": Case(lemmas.A, shift=True),
    "epsilon": Case(lemmas.A, shift=False, epsilon=True),
    "negative": Case(lemmas.NEGATIVE, shift=False),
    "kept": Case(lemmas.A, shift=True, kept=True),
}


@dataclass(frozen=True)
class Relation:
    """h(y) = s h(x) + t of some channels.

    Args:
        scale: s.
        constant: Whether t is other than zero.
        reach: The distance from the border, in pixels of this grid, from which on it holds; 0: everywhere.
        exact: Whether no statistic before was taken over pixels at which it does not hold. Where it was,
            the relation holds if the statistics of the inner pixels take its place.
    """

    scale: sympy.Expr
    constant: bool
    reach: int = 0
    exact: bool = True


@dataclass(frozen=True)
class Mixed:
    """h(y) = h(x) + V * ((a - 1) x + b): the output of a convolution that sees the image beside channels that
    are the same, with the weights V of the image; see `Relation` for the others."""

    reach: int
    exact: bool


@dataclass(frozen=True)
class Broken:
    """There is no such relation."""

    why: Why


State = tuple[Relation, ...] | Mixed | Broken
"""Of a node: a relation for each of the tensors that lie in it side by side, or why there is none."""


def derive(traced: fx.GraphModule, case: Case) -> dict[str, State]:
    """Return the state of each node of a net, by the node's name.

    Args:
        traced: The net, as torch.fx traces it.
        case: What is asked.

    Raises:
        UsageError: A node does what no rule knows.
    """
    states: dict[str, State] = {}
    modules = dict(traced.named_modules())
    for node in traced.graph.nodes:
        inputs = [states[each.name] for each in node.all_input_nodes]
        broken = [state for state in inputs if not isinstance(state, tuple)]
        if broken:
            states[node.name] = broken[0] if node.op == "output" else Broken("after")
        elif node.op == "placeholder":
            states[node.name] = (Relation(case.scale, case.shift),)
        elif node.op == "output":
            states[node.name] = inputs[0]
        elif node.op == "call_function" and node.target is torch.cat:
            states[node.name] = tuple(relation for state in inputs for relation in state)  # type: ignore[union-attr]
        elif node.op == "call_module":
            states[node.name] = _through(modules[str(node.target)], inputs[0], case)  # type: ignore[arg-type]
        else:
            raise UsageError(f"no rule knows the node {node.name} ({node.target})", "write one in graph.py")
    return states


def _through(module: nn.Module, relations: tuple[Relation, ...], case: Case) -> State:
    if isinstance(module, nn.Conv2d):
        return _convolved(module, relations)
    if isinstance(module, nn.MaxPool2d):
        return _each(relations, _pooled)
    if isinstance(module, nn.ReLU):
        return _each(relations, lambda r: Broken("rectified") if r.constant or not r.scale.is_positive else r)
    if isinstance(module, nn.BatchNorm2d):
        return _each(relations, lambda r: _normalised(r, case))
    if isinstance(module, nn.Upsample) and module.mode == "nearest" and module.scale_factor == 2.0:
        return _each(relations, lambda r: replace(r, reach=2 * r.reach))
    raise UsageError(f"no rule knows the layer {module}", "write one in graph.py")


def _each(relations: tuple[Relation, ...], rule: Callable[[Relation], Relation | Broken]) -> State:
    results = [rule(relation) for relation in relations]
    broken = next((result for result in results if isinstance(result, Broken)), None)
    return broken or tuple(result for result in results if isinstance(result, Relation))


def _convolved(module: nn.Conv2d, relations: Sequence[Relation]) -> State:
    """Apply `lemmas.convolution`, or `lemmas.last_convolution` where the image is among the channels."""
    padding = module.kernel_size[0] // 2
    if module.padding != (padding, padding) or module.stride != (1, 1) or module.padding_mode != "zeros":
        raise UsageError(f"no rule knows the convolution {module}", "pad it with k // 2 zeros, stride 1")
    constant = any(relation.constant for relation in relations)
    reach = max(relation.reach for relation in relations)
    reach = reach + padding if reach or constant else 0
    exact = all(relation.exact for relation in relations)
    scales = {relation.scale for relation in relations}
    if len(scales) == 1:
        scale = scales.pop()
        return (Relation(scale, constant or scale != 1, reach, exact),)
    same = [relation for relation in relations if relation.scale == 1 and not relation.constant]
    if len(same) == len(relations) - 1:
        reach = max(relation.reach for relation in same)  # the padding of the image is part of V * (...)
        return Mixed(reach + padding if reach else 0, exact)
    return Broken("after")


def _pooled(relation: Relation) -> Relation | Broken:
    """Apply `lemmas.pooling`: windows of two that touch what the border reaches are reached."""
    if not relation.scale.is_positive:
        return Broken("minimum")
    return replace(relation, reach=(relation.reach + 1) // 2)


def _normalised(relation: Relation, case: Case) -> Relation:
    """Apply `lemmas.normalisation` or `lemmas.fixed_normalisation`."""
    if case.kept:
        return replace(relation, constant=relation.constant or relation.scale != 1)
    if relation.scale == 1:  # its factor is 1 whatever epsilon is
        left = sympy.Integer(1)
    else:
        left = lemmas.remainder(relation.scale) if case.epsilon else sympy.sign(relation.scale)
    exact = relation.exact and relation.reach == 0
    return Relation(left, left != 1, relation.reach, exact)
