"""Fake runs of the phases of doubling and of the values that nets hold; a test chooses what they found."""

from collections.abc import Mapping, Sequence
from typing import Any

from fake_derivations import ZERO, formula, shape

PHASES = "upsampling-phases"
CAPACITIES = {
    "pool-upsample-capacity": "PoolUpsampleNet",
    "conv-transpose-capacity": "ConvTransposeNet",
    "unet-capacity": "UNet",
}

Axis = Mapping[int, tuple[int, ...]]
"""Along one axis: the weights that a coarse pixel is multiplied with, by its offset."""

NEAREST: Sequence[Axis] = ({-1: (0,), 0: (1, 2)}, {0: (0, 1), 1: (2,)})
TRANSPOSED: Sequence[Axis] = ({0: (1,)}, {0: (2,), 1: (0,)})
"""The two parities of k = 3, worked out by hand."""


def _sum(rows: Sequence[int], columns: Sequence[int]) -> dict[str, Any]:
    places = [(i, j) for i in rows for j in columns]
    written = formula(
        " + ".join(f"w_{{{i}{j}}}" for i, j in places), " plus ".join(f"w{i}{j}" for i, j in places)
    )
    return {**written, "weights": [list(place) for place in places]}


def _phase(axes: Sequence[Axis], row: int, column: int) -> dict[str, Any]:
    down, right = axes[row], axes[column]
    sums = [[_sum(i, j) for j in right.values()] for i in down.values()]
    weights = [place for line in sums for entry in line for place in entry["weights"]]
    return {
        "parity": [row, column], "rows": list(down), "columns": list(right), "sums": sums,
        "entries": len(down) * len(right), "weights": len(weights),
        "total": formula("w", "all of them"),
    }  # fmt: skip


def _way(name: str, axes: Sequence[Axis], **found: Any) -> dict[str, Any]:
    phases = [_phase(axes, row, column) for row in (0, 1) for column in (0, 1)]
    entries = sum(phase["entries"] for phase in phases)
    drawn = [[0] * 6, [0] * 6, [0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 0], [0] * 6, [0] * 6]
    return {
        "name": name, "phases": phases, "weights": 9, "entries": entries, "free": 9, "ties": entries - 9,
        "example": {"weights": [[1, 0, 1]], "drawn": drawn}, **found,
    }  # fmt: skip


def phase_measures(
    nearest: Mapping[str, Any] | None = None, transposed: Mapping[str, Any] | None = None, **changed: Any
) -> dict[str, Any]:
    """Return the measures of a run of phases.

    Args:
        nearest: What differs of upsampling and convolution.
        transposed: What differs of the transposed convolution.
        changed: What differs besides.
    """
    tied = {
        "shared": 9, "same_totals": True, "sums_tie": True, "step": formula("y = w(x - z)", "y is a step"),
        "lone_pixel": False,
        "freedom": {"flat": 1, "edge": 2, "corner": 4, "alone": 4}, **(nearest or {}),
    }  # fmt: skip
    untied = {
        "shared": 0, "same_totals": False, "sums_tie": False, "step": None, "lone_pixel": True,
        "freedom": dict.fromkeys(("flat", "edge", "corner", "alone"), 4), **(transposed or {}),
    }  # fmt: skip
    return {
        "net": "ConvTransposeNet", "kernel": 3, "points": 108,
        "tried": {"kernels": [1, 3, 5, 7], "sizes": [[1, 1], [5, 4]], "seeds": 3},
        "ways": [_way("nearest", NEAREST, **tied), _way("transposed", TRANSPOSED, **untied)],
        "nets": [
            {"name": "PoolUpsampleNet", "layers": ["up2.0", "logits"], "images": 18},
            {"name": "ConvTransposeNet", "layers": ["up1.0", "up2.0"], "images": 18},
        ],
        **changed,
    }  # fmt: skip


def _held(name: str, letter: str, size: int, factor: int, value: int) -> dict[str, Any]:
    count = formula(rf"{factor}\mathrm{{{letter}}}", f"{factor} {letter}")
    return {"name": name, "shape": shape(letter, size), "count": count, "value": value}


def capacity_measures(
    net: str = "PoolUpsampleNet", held: int = 4096, around: int = 0, **changed: Any
) -> dict[str, Any]:
    """Return the measures of a count of values.

    Args:
        net: The class.
        held: Values at the narrowest place.
        around: Values that go around it.
        changed: What differs besides.
    """
    count = formula(r"1024\mathrm{NIC}", "1024 NIC") if around else ZERO
    return {
        "net": net, "points": 9, "numbers": {"NC": 24, "NF": 32, "NIC": 1, "k": 3},
        "input": _held("input", "NIC", 32, 1024, 1024),
        "modules": [_held("down2", "NF", 8, 128, held), _held("logits", "NC", 32, 1024, 24576)],
        "narrowest": "down2", "around": {"count": count, "value": around}, **changed,
    }  # fmt: skip
