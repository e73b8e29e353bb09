"""Fake runs of nets of n equal layers, with costs that a test writes down by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_segmentations import DEFAULTS, _run

from cnnreport import modules
from cnnreport.project import PACKAGE
from cnnreport.runs.artefact import Run
from cnnreport.task import Results

KIND = "experiments.csc413-2020.depth.kind:KIND"
PEAKS = "experiments.csc413-2020.depth.kind:PEAKS"
SPEC = {"channels": 4, "kernel": 3, "image_size": 8, "batch_size": 2}
DEPTHS = (2, 4, 8, 16, 32)
COSTS = ("activation_bytes", "gradient_bytes", "optimiser_bytes", "forward_flops", "backward_flops")
FORMULA = {"latex": [r"4C\,n"], "words": "4 C n", "zero": False}
FORMULAS = {
    "all_weights": "4*n*(k**2*C**2 + C)",
    "last_weights": "4*n*(k**2*C**2 + C)",
    "all_activations": "4*B*C*H*W*n + 4*B*C*H*W + 8*B*H*W + 4",
    "last_activations": "8*B*C*H*W + 8*B*H*W + 4",
    "all_gradients": "4*n*(k**2*C**2 + C)",
    "last_gradients": "4*(k**2*C**2 + C)",
    "all_optimiser": "8*n*(k**2*C**2 + C + 1)",
    "last_optimiser": "8*(k**2*C**2 + C + 1)",
    "all_forward": "2*k**2*B*C**2*H*W*n",
    "last_forward": "2*k**2*B*C**2*H*W*n",
    "all_backward": "k**2*(4*B*C**2*H*W*n - 2*B*C**2*H*W)",
    "last_backward": "2*k**2*B*C**2*H*W",
}
"""The formulas of `costs`, as a derivation writes them."""

Cost = Callable[[int, int], int]
"""What something costs in a net of n layers on images of so many pixels."""


def costs() -> dict[str, Cost]:
    """Costs by mode and field, as they are for four channels, kernels of three and two images."""
    layer, values, products = 4 * 4 * 9 + 4, 2 * 4, 2 * 9 * 4 * 4 * 2
    return {
        "all_activation_bytes": lambda n, p: 4 * values * p * n + 4 * values * p + 16 * p + 4,
        "last_activation_bytes": lambda n, p: 8 * values * p + 16 * p + 4,
        "all_gradient_bytes": lambda n, p: 4 * layer * n,
        "last_gradient_bytes": lambda n, p: 4 * layer,
        "all_optimiser_bytes": lambda n, p: (8 * layer + 8) * n,
        "last_optimiser_bytes": lambda n, p: 8 * layer + 8,
        "all_forward_flops": lambda n, p: products * p * n,
        "last_forward_flops": lambda n, p: products * p * n,
        "all_backward_flops": lambda n, p: products * p * (2 * n - 1),
        "last_backward_flops": lambda n, p: products * p,
        "weight_bytes": lambda n, p: 4 * layer * n,
    }


def fake_depth(root: Path, **changed: Cost) -> Run:
    """Return a fake run that measured n equal layers, with some costs of its own."""
    modules.enter(PACKAGE.parent)
    measures: dict[str, Any] = {"points": 154, **{f"parameters_{n}": 148 * n for n in DEPTHS}}
    for name, cost in {**costs(), **changed}.items():
        for scale in (1, 2):
            for n in DEPTHS:
                measures[_field(name, scale, n)] = cost(n, 64 * scale**2)
    written = {name: {**FORMULA, "code": code} for name, code in FORMULAS.items()}
    larger = {name: {**FORMULA, "code": _larger(code)} for name, code in FORMULAS.items()}
    measures |= {"formulas": written, "formulas_large": larger}
    chosen = {**DEFAULTS, "experiment": "depth-costs", "data": None}
    return _run(root, chosen, 0, KIND, SPEC, [{"measured": 20.0}], Results(measures=measures))


def fake_peaks(root: Path, told: int = 0) -> Run:
    """Return a fake run that asked for peaks, of which the device told so many."""
    modules.enter(PACKAGE.parent)
    nets = ["real", *map(str, DEPTHS)]
    names = [f"{mode}_peak_{net}" for net in nets for mode in ("all", "last")]
    measures: dict[str, Any] = dict.fromkeys(names) | {"architecture": "resnet101", "device_name": ""}
    if told:
        measures |= {name: (20 - place) * 2**20 for place, name in enumerate(names[:told])}
        measures["device_name"] = "a GPU"
    spec = {**SPEC, "architecture": "resnet101", "real_image_size": 224, "real_batch_size": 2}
    chosen = {**DEFAULTS, "experiment": "depth-peaks", "data": None}
    return _run(root, chosen, 0, PEAKS, spec, [{"told": float(told)}], Results(measures=measures))


def _field(name: str, scale: int, n: int) -> str:
    mode, _, field = name.partition("_")
    return f"{scale}_{n}_{name}" if mode == "weight" else f"{mode}_{scale}_{n}_{field}"


def _larger(code: str) -> str:
    return code.replace("H", "(2*H)").replace("W", "(2*W)")
