"""Fake runs of question A4 of 2020: a proof, and trained nets that a transformation harms or not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from declared import checked
from fake_2020 import CNN, UNET, trained
from fake_runs import MakeRun, circumstances

from cnnreport import modules
from cnnreport.project import PACKAGE
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key
from cnnreport.task import Results

PLACE = "experiments.csc413-2020.invariance"
NETS = {CNN: "CNN", UNET: "UNet"}
TRAINED = ("half_shifted", "negative", "hundredth_shifted")

DATA = {
    "name": "cifar10", "title": "CIFAR-10 horses", "stand_in": False, "origin": "a file",
    "fingerprint": "5d" * 32,
}  # fmt: skip


def module(name: str) -> Any:
    """A module of the report's folder."""
    modules.enter(PACKAGE.parent)
    return modules.load(f"{PLACE}.{name}")


def told(relation: str, reach: int = 0, *, exact: bool = True) -> dict[str, Any]:
    """Return a relation as measures have it."""
    return {"relation": relation, "reach": reach, "exact": exact}


def fake_proof(root: Path, experiment: str, **changed: Any) -> Run:
    """Write a fake proof of a net of few layers, and read it back."""
    words = ("affine", "affine", "same", "same", "mixed" if experiment.startswith(UNET) else "same")
    others = ("affine", "minimum", "after", "after", "after")
    kept = ("affine", "affine", "affine", "rectified", "after")
    types = ("Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU", "Conv2d")
    layers = [
        {
            "path": f"block1.{place}", "type": kind, "side": 32 // (1 + (0 < place < 4)),
            "scale": told(words[place]), "both": told(words[place], 1 + place, exact=place < 2),
            "epsilon": told("left" if place == 2 else others[place]), "negative": told(others[place]),
            "kept": told(kept[place], 1 if place < 3 else 0),
        }
        for place, kind in enumerate(types)
    ]  # fmt: skip
    measures = {
        "net": NETS[experiment], "side": 32, "kernel": 3, "layers": layers,
        "cases": {"both": words[-1]}, "reach": 15, "untouched": 4 / 1024, "factor": r"\frac{a}{b}",
        "factor_small": "1 - a", "mixed": words[-1] == "mixed", "identities": 33, "compared": 132,
        "points": 165, "nets": 2, "tolerance": "1e-10", **changed,
    }  # fmt: skip
    name, kind = f"{experiment}-proof", f"{PLACE}.kinds:PROOF"
    return _saved(root, name, 0, kind, [{"points": 165.0}], Results(measures=measures), None)


def evaluation(
    spread: float = 8.0,
    kept: Mapping[str, float] | None = None,
    accuracy: Mapping[str, float] | None = None,
    changes: tuple[float, float] = (0.9, 0.6),
    inner: tuple[float, float] = (1.1, 0.0),
) -> dict[str, Any]:
    """Return the measures of an evaluation.

    Args:
        spread: Of the logits.
        kept: The share of pixels that keep their colour in train mode, by the transformation's name.
        accuracy: The accuracy in eval mode, the same way; ``same`` for images as they are.
        changes: How far a logit moves at the border and in the centre, in train mode.
        inner: The same without what the statistics carry.
    """
    kinds, transforms = module("kinds"), module("transforms")
    shares = {"half": 0.998, "double": 0.999, "shifted": 0.79, "hundredth": 0.66, "negative": 0.056} | {
        **(kept or {})
    }
    right = {"same": 0.402, "half": 0.055, "half_shifted": 0.104} | {**(accuracy or {})}
    measures: dict[str, Any] = {"images": 1000, "inner_rings": 16}
    for mode, (border, centre) in {"batch": changes, "inner": inner, "running": (7.0, 8.0)}.items():
        measures[f"{mode}_spread"] = spread
        for each in (transforms.SAME, *kinds.transforms_of(mode)):
            share = right.get(each.name, 0.045) if mode == "running" else 0.4
            measures |= {f"{mode}_{each.name}_loss": 1.6, f"{mode}_{each.name}_accuracy": share}
            if each is not transforms.SAME:
                name = f"{mode}_{each.name}"
                measures |= {
                    f"{name}_agreement": shares.get(each.name, 0.5), f"{name}_change": (border + centre) / 2,
                    f"{name}_border": border, f"{name}_centre": centre,
                }  # fmt: skip
    for place, name in enumerate(transforms.SCALES.values()):
        measures |= {f"factor_{name}_least": 0.15 + place / 10, f"factor_{name}_median": 0.37 + place / 10}
    return measures


def fake_evaluation(root: Path, experiment: str, seed: int, measures: Mapping[str, Any]) -> Run:
    """Write a fake evaluation of a trained net, each seed a little different, and read it back."""
    kinds = module("kinds")
    moved = {
        name: value + 0.001 * seed * (isinstance(value, float) and value not in (0.0, 1.0))
        for name, value in measures.items()
    }
    rings = {
        f"{mode}_rings": np.linspace(1, 0, 16) * np.ones((len(kinds.transforms_of(mode)), 1))
        for mode in kinds.MODES
    }
    kind = f"{PLACE}.kinds:INVARIANCE"
    results = Results(samples=rings, measures=moved)
    return _saved(root, f"{experiment}-transformed", seed, kind, [{"images": 1000.0}], results, DATA)


def asked_a4(
    make_run: MakeRun,
    root: Path,
    losses: Mapping[str, float] | None = None,
    cnn: Mapping[str, Any] | None = None,
    unet: Mapping[str, Any] | None = None,
    seeds: int = 3,
    diverged: Sequence[str] = (),
) -> list[Run]:
    """Return all runs of A4.

    Args:
        make_run: Writes a fake training.
        root: Where the others go.
        losses: The final losses of trainings on ax + b, by its name; 1.6 where there is none, as without.
        cnn: What differs in the evaluation of the CNN; see `evaluation`.
        unet: The same of the UNet.
        seeds: Of trainings on x, and of evaluations.
        diverged: The trainings on ax + b that did.
    """
    wanted = {name: (losses or {}).get(name, 1.603) for name in TRAINED}
    runs = trained(make_run, CNN, 1.6, seeds)
    for name, loss in wanted.items():
        experiment = f"{CNN}-on-{name.replace('_', '-')}"
        runs += trained(make_run, experiment, loss, 1, diverged=name in diverged)
    for net, changed in ((CNN, cnn), (UNET, {"kept": {"half": 0.965, "double": 0.933}, **(unet or {})})):
        runs.append(fake_proof(root, net))
        runs += [fake_evaluation(root, net, seed, evaluation(**(changed or {}))) for seed in range(seeds)]
    return runs


def _saved(
    root: Path,
    experiment: str,
    seed: int,
    kind: str,
    rows: list[dict[str, float]],
    results: Results,
    data: Mapping[str, Any] | None,
) -> Run:
    key = Key(
        {
            "task": kind, "seed": seed,
            "spec": {"net": f"experiments.csc413-2020.nets:{experiment}", "batch_size": 100}, "data": data,
            "sources": {}, "format": 1,
        },
        {"device": "cpu", "arithmetic": "float32", "threads": 1, "versions": {"torch": "2.15.0"},
         "made": repr(results.measures)},
    )  # fmt: skip
    folder = root / artefact.folder_name(experiment, seed, key)
    left = checked(kind, rows, results)
    run = artefact.save(folder, experiment, seed, key, rows, left, {}, circumstances(seed, kind))
    assert isinstance(run, Run)
    return run
