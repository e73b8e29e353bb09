"""The same costs derived: sums over the layers, as formulas in letters.

The layers are numbered from 1; those from a first one to the last, n, learn. Float32 takes four bytes.
"""

from collections.abc import Mapping

import sympy

from cnnreport.formula.symbols import symbol

N, C, K, B, H, W = (symbol(name) for name in "nCkBHW")
LETTERS = (N, C, K, B, H, W)
"""Layers, channels, kernel size, images in a batch, height, width."""

_FLOAT, _INTEGER = 4, 8
_LAYER = sympy.Symbol("i", integer=True, positive=True)

_VALUES = B * C * H * W
"""What a layer takes, and what it gives."""

_PARAMETERS = K**2 * C**2 + C
"""A kernel from C to C channels, and the biases."""

_PASS = 2 * K**2 * C * _VALUES
"""Operations of one layer in one pass: k k C products a value, each with an addition."""


def derived(mode: str) -> dict[str, sympy.Expr]:
    """Derive what an update of n equal layers costs.

    Args:
        mode: Which layers learn: ``all`` or ``last``.

    Returns:
        A formula for each cost of `cnnreport.kinds.costs.COSTS`, and for ``weights``, expanded.
    """
    first: sympy.Expr = sympy.Integer(1) if mode == "all" else N
    # A layer that learns keeps its input. The loss keeps log probabilities, the classes of the pixels and the
    # sum of their weights, a single number.
    loss = _FLOAT * _VALUES + _INTEGER * B * H * W + _FLOAT
    costs = {
        "weights": _over_layers(_FLOAT * _PARAMETERS, 1),
        "activations": _over_layers(_FLOAT * _VALUES, first) + loss,
        "gradients": _over_layers(_FLOAT * _PARAMETERS, first),
        # Two moments of each parameter; a count of the steps for the kernel, and one for the biases.
        "optimiser": _over_layers(2 * _FLOAT * _PARAMETERS + 2 * _FLOAT, first),
        "forward": _over_layers(_PASS, 1),
        # Gradients by the weights of each layer that learns; by the input of each but the first of these.
        "backward": _over_layers(_PASS, first) + _over_layers(_PASS, first + 1),
    }
    return {name: sympy.expand(cost) for name, cost in costs.items()}


def doubled(cost: sympy.Expr) -> sympy.Expr:
    """Return a formula for twice the height and the width."""
    return sympy.expand(cost.subs({H: 2 * H, W: 2 * W}, simultaneous=True))


def evaluated(cost: sympy.Expr, numbers: Mapping[sympy.Symbol, int]) -> int:
    """Return the value of a formula for some numbers."""
    return int(cost.subs(numbers))


def _over_layers(cost: sympy.Expr, first: sympy.Expr | int) -> sympy.Expr:
    return sympy.summation(cost, (_LAYER, first, N))
