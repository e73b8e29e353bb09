"""Fake runs of derivations and audits: a net of four layers, and formulas that a test chooses."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fake_runs import circumstances

from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key
from cnnreport.task import Results

FORMULAS = "pool-upsample-formulas"
AUDIT = "handwritten-answer"

CHOICES = {
    "weights": ("kernels", "kernels and biases", "learnable"),
    "outputs": ("layers", "with normalisation"),
    "connections": ("convolutions", "layers", "layers, with biases", "layers, without padding",
                    "layers, normalisation all to all"),
}  # fmt: skip
FACTORS = {"weights": 1, "outputs": 4, "connections": 4}

MakeDerivation = Callable[..., Run]


def formula(latex: str | Sequence[str], words: str) -> dict[str, Any]:
    """Return a formula as measures have it."""
    lines = [latex] if isinstance(latex, str) else list(latex)
    return {"latex": lines, "words": words, "code": words, "zero": words == "0"}


ZERO = formula("0", "0")


def shape(channels: str, size: int) -> dict[str, str]:
    """Return a shape as measures have it."""
    return {
        "text": f"{channels} × {size} × {size}",
        "latex": rf"\mathrm{{{channels}}}\,\times\,{size}\,\times\,{size}",
        "words": f"{channels} by {size} by {size}",
    }


def layer(
    path: str,
    kind: str,
    sources: Sequence[int],
    counts: Sequence[Mapping[str, Any]] = (ZERO, ZERO, ZERO),
    size: int = 16,
) -> dict[str, Any]:
    """Return a layer as measures have it; its type is its kind with a capital."""
    weights, outputs, connections = counts
    return {
        "path": path, "type": kind.capitalize(), "kind": kind, "sources": list(sources),
        "inputs": [shape("NF", size) for _ in sources], "output": shape("NF", size),
        "weights": weights, "outputs": outputs, "connections": connections,
    }  # fmt: skip


def layers() -> list[dict[str, Any]]:
    """Return a convolution, a pooling and an activation in one module, and a last layer."""
    many = formula(r"1024\mathrm{NF}", "1024 NF")
    kernel = formula(r"k^{2}\,\mathrm{NIC}\,\mathrm{NF} + \mathrm{NF}", "k squared NIC NF plus NF")
    return [
        layer("down.0", "convolution", [-1], (kernel, many, many), 32),
        layer("down.1", "pooling", [0], (ZERO, many, many)),
        layer("down.2", "activation", [1]),
        layer("logits", "convolution", [2], (kernel, many, many)),
    ]


def total(quantity: str, name: str, factor: int | None) -> dict[str, Any]:
    """Return a total as measures have it; its formula has one line, without padding two."""
    lines = [r"\frac{1}{16}(k^{4}", r"+\, k^{3})"] if "without padding" in name else r"k^{2} + 4\mathrm{NF}"
    return {
        "quantity": quantity, "name": name, "sentence": f"What {name} means for {quantity}.",
        "original": formula(lines, f"original {quantity} under {name}"),
        "doubled": formula(r"8\mathrm{NF}", f"doubled {quantity} under {name}"),
        "factor": factor, "value": 49728, "value_doubled": 49728 * (factor or 3),
    }  # fmt: skip


def derived_measures(
    factors: Mapping[str, int | None] | None = None,
    loose: Sequence[str] = (),
    grid: Mapping[str, Sequence[int]] | None = None,
    **changed: Any,
) -> dict[str, Any]:
    """Return the measures of a derivation.

    Args:
        factors: What doubling does to the totals, by quantity.
        loose: Conventions under which it has no fixed factor.
        grid: The values of the proof.
        changed: Whatever else is to differ.
    """
    chosen = {**FACTORS, **(factors or {})}
    grid = grid or {"NC": [1, 2, 3], "NF": [1, 2, 3], "NIC": [1, 2], "k": [1, 3, 5, 7, 9]}
    return {
        "net": "PoolUpsampleNet", "points": 180, "counts": 308,
        "proof": {"grid": grid, "degrees": {"NC": 2, "NF": 2, "NIC": 1, "k": 4}, "largest_kernel": 17},
        "input": shape("NIC", 32), "input_doubled": shape("NIC", 64),
        "numbers": {"NC": 24, "NF": 32, "NIC": 1, "k": 3},
        "convention": {"name": "learnable", "weights": "learnable", "outputs": "layers",
                       "connections": "layers"},
        "layers": layers(),
        "totals": [
            total(quantity, name, None if name in loose else chosen[quantity])
            for quantity, names in CHOICES.items() for name in names
        ],
        **changed,
    }  # fmt: skip


def finding(quantity: str, size: str, *, holds: bool = True, **changed: Any) -> dict[str, Any]:
    """Return what an audit says of one formula."""
    return {
        "quantity": quantity, "size": size, "claimed": "k^2(NIC * NF) + 12NF", "holds": holds,
        "convention": "learnable", "conventions": ["learnable"] if holds else [],
        "sentence": f"What learnable means for {quantity}.",
        "expected": formula(r"k^{2}\,\mathrm{NIC}", f"right {size} {quantity}"),
        "difference": ZERO if holds else formula(r"-7\mathrm{NC}", "minus 7 NC"),
        "explanation": "" if holds else "It is 7NC too small.",
        **changed,
    }  # fmt: skip


def audit_measures(wrong: Sequence[int] = (), *, common: bool = True, **changed: Any) -> dict[str, Any]:
    """Return the measures of an audit of six formulas, some of them wrong, by number."""
    both = [(size, quantity) for size in ("original", "doubled") for quantity in CHOICES]
    return {
        "net": "PoolUpsampleNet", "target": "cnnreport.nets.colourization:PoolUpsampleNet",
        "input_size": 32, "points": 180, "complete": True, "passed": common and not wrong, "slips": [],
        "common": dict.fromkeys(CHOICES, "learnable") if common and not wrong else None,
        "findings": [
            finding(quantity, size, holds=number not in wrong)
            for number, (size, quantity) in enumerate(both)
        ],
        **changed,
    }  # fmt: skip


def write_derivation(
    root: Path, measures: Mapping[str, Any] | None = None, experiment: str = FORMULAS
) -> Run:
    """Write one fake run of a derivation, or of an audit, and read it back."""
    measures = measures or derived_measures()
    key = Key(
        {
            "task": "cnnreport.formula.tasks:FormulasTask",
            "spec": {"net": "cnnreport.nets.colourization:PoolUpsampleNet",
                     "numbers": [["NIC", 1], ["NF", 32], ["NC", 24], ["k", 3]]},
            "seed": 0, "data": None, "sources": {"cnnreport/nets/colourization.py": "ab" * 32}, "format": 1,
        },
        {"device": "cpu", "arithmetic": "exact", "threads": 1, "versions": {"sympy": "1.14.0"},
         "made": repr(measures)},
    )  # fmt: skip
    folder = root / artefact.folder_name(experiment, 0, key)
    told = {**circumstances(0, "cnnreport.kinds.derivation:FORMULAS"), "data_origin": ""}
    run = artefact.save(folder, experiment, 0, key, [{"points": 180.0}], Results(measures=measures), {}, told)
    assert isinstance(run, Run)
    return run


def comparison_measures(unexplained: Sequence[int] = ()) -> dict[str, Any]:
    """Return the measures of a comparison of two tools, some of whose numbers nothing makes up."""
    tools = (("torchinfo", "weights"), ("torchinfo", "connections"), ("fvcore", "outputs"))
    return {
        "net": "PoolUpsampleNet", "points": 90, "input": [1, 32, 32],
        "numbers": {"NC": 24, "NF": 32, "NIC": 1, "k": 3},
        "rows": [
            {
                "tool": tool, "version": "9.9", "what": f"count({quantity}) < all", "quantity": quantity,
                "counts": f"The {quantity}, once.", "number": 49728 + place,
                "explanation": f"Nearly {quantity}." if place in unexplained else f"Just {quantity}.",
                "exact": place not in unexplained,
            }
            for place, (tool, quantity) in enumerate(tools)
        ],
    }  # fmt: skip
