"""Fake runs of the U-Nets of adl-2022: how well they find lungs in each trial and image."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from declared import checked, fields
from fake_derivations import derived_measures, layer, write_derivation
from fake_runs import circumstances, losses

from cnnreport import modules
from cnnreport.project import PACKAGE
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key
from cnnreport.task import Results

PLACE = "experiments.adl-2022.lungs"
KIND = f"{PLACE}.kind:LUNGS"
NETS = {"bilinear": "UNet", "nearest": "NearestUNet", "elu": "ELUUNet", "transposed": "TransposedUNet"}
SPREAD = (0.0, 0.0012, -0.0009)
"""By how much the F1 of the trials differ."""

CASES, SIZE = 40, 16


def trial(
    root: Path,
    variant: str,
    seed: int,
    f1: float,
    *,
    noise: float = 0.001,
    epochs: int = 8,
    begin: str = "lungs-",
    diverged: bool = False,
) -> Run:
    """Write a fake run and read it back.

    Args:
        root: The folder of runs.
        variant: One of `NETS`.
        seed: Its seed.
        f1: The mean F1 over the test images.
        noise: How far its F1 of an image differ from those of another net.
        epochs: How many there were.
        begin: How its experiment's name begins.
        diverged: Whether its numbers are none.
    """
    modules.enter(PACKAGE.parent)  # a test before may have entered another project
    net, experiment = NETS[variant], begin + variant
    spec = {"net": f"{PLACE}.nets:{net}", "epochs": epochs, "batch_size": 4, "learning_rate": 1e-3,
            "num_filters": 16, "size": 128}  # fmt: skip
    data = {"name": "drawn-lungs", "title": "Drawn radiographs", "stand_in": True,
            "origin": "drawn by this report", "fingerprint": "5e" * 32}  # fmt: skip
    what = {"task": f"{PLACE}.training:LungTask", "spec": spec, "seed": seed, "data": data, "sources": {},
            "format": 1}  # fmt: skip
    where = {"device": "cpu", "arithmetic": "float32", "threads": 1, "versions": {"torch": "2.15.0"},
             "made": [f1, noise, diverged]}  # fmt: skip
    rows = [
        fields(KIND, {"train_loss": loss, "train_f1": f1 - loss / 8, "loss": loss, "f1": f1 - loss / 8})
        for loss in losses(0.7, 0.1, epochs)
    ]
    if diverged:
        rows = [dict.fromkeys(row, math.nan) for row in rows]
    made = {
        "test_f1": math.nan if diverged else f1, "test_f1_deviation": 0.012, "test_f1_lowest": f1 - 0.04,
        "test_loss": 0.1, "fixed_f1": 0.834, "lung_share": 0.25, "train_images": 112, "validation_images": 12,
        "test_images": 123, "parameters": 1_938_000 if net == "TransposedUNet" else 1_811_729,
        "epochs": epochs, "updates": 28 * epochs,
    }  # fmt: skip
    listed = {
        name: f"class {name}(nn.Module):\n    pass\n"
        for name in dict.fromkeys(("DoubleConv", "Up", "UNet", net))
    }
    results = Results(
        samples=_samples(math.nan if diverged else f1, noise, seed, variant),
        measures={**fields(KIND, made), "diverged": diverged},
        listings=listed,
    )
    key = Key(json.loads(json.dumps(what)), where)
    folder = root / artefact.folder_name(experiment, seed, key)
    return artefact.save(
        folder, experiment, seed, key, rows, checked(KIND, rows, results), {}, circumstances(seed, KIND)
    )


def four(
    root: Path,
    f1: Mapping[str, float],
    seeds: int = 3,
    *,
    spread: Sequence[float] = SPREAD,
    lost: str = "",
    **chosen: Any,
) -> list[Run]:
    """Return fake runs of all variants, whose F1 spread a little around these means, or around .97."""
    return [
        trial(root, name, seed, f1.get(name, 0.97) + shift, diverged=name == lost, **chosen)
        for name in NETS
        for seed, shift in zip(range(seeds), spread, strict=False)
    ]


def counted(root: Path) -> list[Run]:
    """Return fake derivations of all variants, in the letter NF."""
    measures = derived_measures(
        net="UNet", grid={"NF": [1, 2, 3]}, numbers={"NF": 64}, points=3, input_doubled=None,
        proof={"grid": {"NF": [1, 2, 3]}, "degrees": {"NF": 2}, "largest_kernel": None}, layers=_layers(),
    )  # fmt: skip
    return [write_derivation(root, measures, f"lungs-{name}-formulas") for name in NETS]


def _layers() -> list[dict[str, Any]]:
    """Return two layers of the way down and one of the way up, which joins both."""
    return [
        layer("down1.0", "convolution", [-1], size=32),
        layer("pool", "pooling", [0]),
        layer("up1.cat", "join", [1, 0], size=32),
    ]


def _samples(f1: float, noise: float, seed: int, variant: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return what a run keeps: images that are easy or hard for all nets alike, with discs as masks."""
    hard = np.random.default_rng(1).normal(0, 0.012, CASES)
    own = np.random.default_rng([seed, *variant.encode()]).normal(0, noise, CASES)
    scores = hard + own
    y, x = np.indices((SIZE, SIZE))
    discs = np.stack([np.hypot(x - 7, y - 7) < radius for radius in (6, 5, 4, 3)]).astype(np.uint8)
    return {
        "case_f1": (f1 + scores - scores.mean()).astype(np.float32),
        "shown_number": np.array([4, 9, 2, 0]),
        "shown_image": (discs * 100 + 50).astype(np.uint8),
        "shown_mask": discs,
        "shown_predicted": np.roll(discs, 1, axis=2),
    }
