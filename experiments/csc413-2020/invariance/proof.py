"""The proof of question A4 as a task: lemmas, relations on a net's graph, real nets held against them."""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import sympy
import torch
from numpy.typing import NDArray
from torch import fx, nn

from cnnreport.errors import UsageError
from cnnreport.modules import attribute
from cnnreport.task import Results, Row

from . import graph, lemmas, measured
from .graph import Broken, Mixed, State
from .specs import Proof

SEEDS = range(2)
"""Of the small nets that are held against what was derived."""

MARGIN = 4
"""Pixels between what the border reaches from both sides, at least, in the images of these nets."""


class ProofTask:
    """A `Task` of one epoch, in which something is proved; there is no state to keep.

    Args:
        spec: What to prove.
        seed: Plays no part.
        data: Plays no part.
        device: Plays no part: it is computed on the CPU.
    """

    epochs = 1

    def __init__(self, spec: Proof, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self._spec = spec

    def run_epoch(self) -> Row:
        """Prove, and return as ``points`` by how many identities and comparisons.

        Raises:
            VerificationError: Something is not as it was derived.
        """
        return {"points": float(self._measures["points"])}

    def state(self) -> dict[str, torch.Tensor]:
        """Return nothing: what was proved is proved again in seconds."""
        return {}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take nothing up."""

    def results(self) -> Results:
        """Return what was derived.

        Returns:
            ``net``, ``side``, ``kernel``; ``layers``, for each its path, type, side of its grid and, by case
            of `graph.CASES`, what is so: ``relation`` (``same``, ``scaled``, ``affine``, ``left``, ``mixed``,
            or why there is none), ``reach`` in pixels and whether it is ``exact``; ``cases``, the relation of
            the logits in each; ``reach`` of the logits for ax + b, and ``untouched``, the share of the
            pixels out of it; ``factor`` and ``factor_small``, LaTeX: what epsilon leaves of a; ``mixed``,
            whether the last convolution sees the image; ``identities``, ``compared`` and their sum
            ``points``; ``nets``, how many small nets were compared; ``tolerance``, within what they agree.
        """
        net = self._net()
        return Results(measures=self._measures, listings={net.__name__: inspect.getsource(net)})

    def _net(self) -> Callable[..., nn.Module]:
        net = attribute(self._spec.net)
        if not isinstance(net, type) or not issubclass(net, nn.Module):
            raise UsageError(f"{self._spec.net!r} is no class of a net", "name a class that is an nn.Module")
        return net

    @cached_property
    def _measures(self) -> dict[str, Any]:
        make, kernel, side = self._net(), self._spec.kernel, self._spec.side
        traced = measured.small_net(make, kernel, 0)
        states = {name: graph.derive(traced, case) for name, case in graph.CASES.items()}
        reaches = [_reach(state) for state in states["both"].values()]
        small = 4 * -(-(2 * max(reaches) + MARGIN) // 4)
        nets = [traced, *(measured.small_net(make, kernel, seed) for seed in SEEDS if seed)]
        compared = sum(measured.compare(net, small, seed) for net, seed in zip(nets, SEEDS, strict=True))
        identities = prove_lemmas(kernel)
        reach = reaches[-1]
        return {
            "net": make.__name__,
            "side": side,
            "kernel": kernel,
            "layers": _layers(traced, states, side),
            "cases": {name: _told(each["output"])["relation"] for name, each in states.items()},
            "reach": reach,
            "untouched": max(0, side - 2 * reach) ** 2 / side**2,
            "factor": sympy.latex(lemmas.remainder(lemmas.A)),
            "factor_small": lemmas.SMALL_LATEX,
            "mixed": isinstance(states["both"]["output"], Mixed),
            "identities": identities,
            "compared": compared,
            "points": identities + compared,
            "nets": len(nets),
            "tolerance": f"{measured.TOLERANCE:g}",
        }


def prove_lemmas(kernel: int) -> int:
    """Prove all that `graph` takes to be known of layers; return the number of identities.

    Raises:
        VerificationError: One does not hold.
    """
    return (
        lemmas.convolution(kernel)
        + lemmas.last_convolution(kernel)
        + lemmas.pooling()
        + lemmas.relu()
        + lemmas.normalisation()
        + lemmas.small_epsilon()
        + lemmas.fixed_normalisation()
    )


def _layers(
    traced: fx.GraphModule, states: Mapping[str, Mapping[str, State]], side: int
) -> list[dict[str, Any]]:
    modules = dict(traced.named_modules())
    sides = _sides(traced, side)
    return [
        {
            "path": str(node.target),
            "type": type(modules[str(node.target)]).__name__,
            "side": sides[node.name],
            **{name: _told(each[node.name]) for name, each in states.items()},
        }
        for node in traced.graph.nodes
        if node.op == "call_module"
    ]


def _sides(traced: fx.GraphModule, side: int) -> dict[str, int]:
    """Return the height of what each node gives for an image of a height."""
    with torch.no_grad():
        values = measured.run_kept(traced, torch.zeros(1, 1, side, side, dtype=torch.float64))
    return {name: value.shape[2] for name, value in values.items()}


def _reach(state: State) -> int:
    if isinstance(state, Broken):
        return 0
    return state.reach if isinstance(state, Mixed) else max(relation.reach for relation in state)


def _told(state: State) -> dict[str, Any]:
    """Return a state as texts and numbers."""
    if isinstance(state, Broken):
        return {"relation": state.why, "reach": 0, "exact": False}
    if isinstance(state, Mixed):
        return {"relation": "mixed", "reach": state.reach, "exact": state.exact}
    (relation,) = state
    if relation.scale == 1:
        word = "same"
    elif relation.scale.is_Symbol:
        word = "affine" if relation.constant else "scaled"
    else:
        word = "left"
    return {"relation": word, "reach": relation.reach, "exact": relation.exact}
