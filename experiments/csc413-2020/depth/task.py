"""The task that measures nets of n equal layers, and holds derived formulas against what it measured.

CSC413 2020, programming assignment 2, questions C4 and C5.
"""

import itertools
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import sympy
import torch
from numpy.typing import NDArray

from cnnreport.errors import VerificationError
from cnnreport.formula.tasks import formula
from cnnreport.kinds.costs import COSTS, MODES
from cnnreport.task import Results, Row

from .derived import LETTERS, derived, doubled, evaluated
from .kind import DEPTHS, SCALES
from .layers import equal_layers, update_costs, weight_bytes
from .spec import DepthCosts

GRID: Mapping[str, tuple[int, ...]] = {
    "n": (1, 2),
    "C": (1, 2, 3),
    "k": (1, 3, 5),
    "B": (1, 2),
    "H": (2, 3),
    "W": (2, 3),
}
"""Where each formula is compared with a real net: in each letter one value more than its highest degree."""

_LINE = 60
"""Visible characters of a line of a formula."""

Numbers = tuple[int, int, int, int, int, int]
"""Values of n, C, k, B, H and W."""


class DepthCostsTask:
    """A `Task` of one epoch: measures an update for each depth, mode and size.

    Args:
        spec: What to measure.
        seed: Plays no part.
        data: Plays no part.
        device: Plays no part: counts are the same everywhere.
    """

    epochs = 1

    def __init__(self, spec: DepthCosts, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self._spec = spec

    def run_epoch(self) -> Row:
        """Measure, and return how many updates were measured.

        Raises:
            VerificationError: A derived formula does not give what was measured.
        """
        self._measures  # noqa: B018 computed here, so that the epoch takes the time
        return {"measured": float(len(DEPTHS) * len(MODES) * len(SCALES))}

    def state(self) -> dict[str, torch.Tensor]:
        """Return nothing: what was measured is measured again in seconds."""
        return {}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take nothing up."""

    def results(self) -> Results:
        """Return the costs and their formulas as measures.

        Returns:
            ``points``; ``parameters_<n>``; for each scale and depth ``1_8_weight_bytes`` and, for each mode,
            ``all_1_8_`` with the name of each of `cnnreport.kinds.costs.COSTS`; ``formulas`` of each mode
            and cost, such as ``all_activations``, and ``formulas_large`` for twice the height and width.
        """
        return Results(measures=self._measures)

    @cached_property
    def _measures(self) -> dict[str, Any]:
        spec = self._spec
        formulas = {mode: derived(mode) for mode in MODES}
        grid = list(_grid())
        for numbers in grid:
            _checked(formulas, numbers, "cpu")  # nets so small that values cost less than going without
        measures: dict[str, Any] = {"points": len(grid) + len(SCALES) * len(DEPTHS)}
        for scale, depth in itertools.product(SCALES.values(), DEPTHS):
            size = scale * spec.image_size
            counts = _checked(
                formulas, (depth, spec.channels, spec.kernel, spec.batch_size, size, size), "meta"
            )
            measures[f"{scale}_{depth}_weight_bytes"] = counts["all"]["weights"]
            for mode, (cost, (field, *_)) in itertools.product(MODES, COSTS.items()):
                measures[f"{mode}_{scale}_{depth}_{field}"] = counts[mode][cost]
        for depth in DEPTHS:
            net = equal_layers(depth, spec.channels, spec.kernel, "meta")
            measures[f"parameters_{depth}"] = sum(parameter.numel() for parameter in net.parameters())
        return measures | _printed(formulas)


def _measured(mode: str, numbers: Numbers, device: str) -> dict[str, int]:
    """Return the measured count of each cost, by the names of the formulas; on any device the same."""
    depth, channels, kernel, batch, height, width = numbers
    net = equal_layers(depth, channels, kernel, device)
    costs = update_costs(net, mode, torch.zeros(batch, channels, height, width, device=device))
    counts = {cost: int(getattr(costs, field)) for cost, (field, *_) in COSTS.items()}
    return {"weights": weight_bytes(net), **counts}


def _grid() -> Iterator[Numbers]:
    yield from itertools.product(*(GRID[letter.name] for letter in LETTERS))


def _checked(
    formulas: Mapping[str, Mapping[str, sympy.Expr]], numbers: Numbers, device: str
) -> dict[str, dict[str, int]]:
    """Return the measured count of each mode and cost, which every formula has to give.

    Raises:
        VerificationError: One of them differs.
    """
    at = dict(zip(LETTERS, numbers, strict=True))
    measured = {mode: _measured(mode, numbers, device) for mode in formulas}
    for mode, costs in formulas.items():
        expected = {cost: evaluated(each, at) for cost, each in costs.items()}
        if measured[mode] != expected:
            raise VerificationError(
                f"with {mode} learning, {at} gives {measured[mode]}, but the formulas give {expected}",
                "torch keeps or computes something else than was derived: mend depth/derived.py",
            )
    return measured


def _printed(formulas: Mapping[str, Mapping[str, sympy.Expr]]) -> dict[str, Any]:
    """Return the formulas as a report prints them, for the input and for the doubled one."""
    named = {f"{mode}_{cost}": each for mode, costs in formulas.items() for cost, each in costs.items()}
    return {
        "formulas": {name: formula(each, _LINE) for name, each in named.items()},
        "formulas_large": {name: formula(doubled(each), _LINE) for name, each in named.items()},
    }
