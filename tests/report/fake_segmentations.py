"""Fake runs of Part D as if they had been read back, with numbers that a test chooses."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from declared import checked, fields
from fake_runs import circumstances
from unwritten import unwritten

from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key
from cnnreport.task import Results

Arrays = dict[str, np.ndarray[Any, Any]]

KINDS = "cnnreport.kinds.segmentation"
TUNING, FEATURES = f"{KINDS}:FINE_TUNING", f"{KINDS}:FEATURES"
COSTS_KIND = "cnnreport.kinds.costs:KIND"

LISTINGS = {
    "fine_tune_last_layer": "def fine_tune_last_layer(model):\n    model.requires_grad_(False)\n",
    "learned_parameters": "def learned_parameters(model):\n    return [model.classifier[4].weight]\n",
    "train": "def train(model, batches, loss_function, optimiser):\n    for inputs, masks in batches: ...\n",
    "fine_tune": "def fine_tune(net, logits, epochs, spec, updates_per_epoch):\n"
    "    optimiser = make_optimiser(learned_parameters(net), spec.optimiser)\n",
    "cross_entropy_loss": "def cross_entropy_loss(logits, masks):\n    return losses.mean()\n",
    "spec": 'FineTuning(\n    loss="cross-entropy",\n    epochs=10,\n)\n',
    "soft_iou_loss": "def soft_iou_loss(logits, masks):\n    return (union - intersection) / union\n",
}

EMBEDDED = {
    "architecture": "mobilenet_v3_small_embedded",
    "weights_title": "a small DeepLabV3 pre-trained by this project",
    "weights_origin": "brought by cnnreport",
    "weights_sha256": "7a" * 32,
}
COCO = {
    "architecture": "resnet101",
    "weights_title": "torchvision's DeepLabV3 (ResNet-101), pre-trained on COCO with VOC's labels",
    "weights_origin": "from torch's cache",
    "weights_sha256": "58" * 32,
}

MEASURES = {
    "validation_images": 212,
    "validation_seen": 0,
    "train_images": 427,
    "train_distinct": 427,
    "image_size": 224,
    "without_trimap": 514,
    "learned": 514,
    "frozen": 10_000_000,
    "calibrated": 0,
    "boundary_f": 0.40,
    "tolerance": 2,
    "image_lowest": 0.05,
    "image_median": 0.67,
    "image_highest": 0.94,
    "flower_share": 0.31,
    "share_predicted": 0.35,
    "everywhere": 0.30,
    "prior": 0.41,
    "prior_mean": 0.55,
    "channels": 256,
    "side": 28,
}
"""By what answers call them; a test names what it changes as the task does."""

HANDOUT = {"train_images": 1280, "train_distinct": 780, "validation_seen": 174}

DEFAULTS: dict[str, Any] = {
    "experiment": "fine-tune-cross-entropy",
    "mean_iou": 0.72,
    "flower_iou": 0.62,
    "starter": 0.34,
    "best": 0.0,
    "cut": 0.5,
    "cut_gain": 0.0,
    "sure": 0.6,
    "epochs": 10,
    "data": "meadow",
    "title": "Meadow",
    "stand_in": True,
    "measures": None,
    "diverged": False,
    "pictures": None,
}

MakeTuning = Callable[..., Run]


def discs(count: int, size: int = 24) -> Arrays:
    """Return pictures of a disc each, with a void rim, and predictions that are a little off."""
    y, x = np.mgrid[0:size, 0:size]
    radius = np.hypot(y - size / 2, x - size / 2)
    edges = np.linspace(size / 5, size / 2.5, count)[:, None, None]
    mask = np.where(radius < edges, 1, np.where(radius < edges + 1, 255, 0)).astype(np.uint8)
    rgb = np.stack([60 + 150 * (mask == 1), 90 + 0 * mask, 40 + 60 * (mask == 0)], axis=1).astype(np.uint8)
    predicted = (np.hypot(y - size / 2, x - size / 2 - 2) < edges).astype(np.uint8)
    iou = np.linspace(0.9, 0.1, count, dtype=np.float32)
    return {"rgb": rgb, "mask": mask, "predicted": predicted, "iou": iou, "number": np.arange(count) + 1}


def thresholds(mean_iou: float, flower_iou: float, cut: float, gain: float) -> Arrays:
    """Return a sweep that is highest at `cut`, by `gain` higher than at one half; at one half for no gain."""
    places = np.arange(1, 20) / 20
    top = cut if gain else 0.5
    slope = gain / (cut - 0.5) ** 2 if gain else 0.5
    fall = slope * ((places - top) ** 2 - (0.5 - top) ** 2)
    return {
        "threshold": places.astype(np.float32),
        "threshold_mean_iou": (mean_iou - fall).astype(np.float32),
        "threshold_flower_iou": (flower_iou - fall).astype(np.float32),
        "threshold_starter_score": np.full(19, 0.3, np.float32),
    }


def each_image(flower_iou: float, seed: int, images: int = 12, pixels: int = 400) -> Arrays:
    """Return the overlap of images, half of them flower, whose mean flower IoU is about as chosen.

    As many pixels are missed as are falsely called flower, so that IoU = hits / (2 flower - hits).
    """
    generator = np.random.default_rng(seed)
    iou = np.clip(flower_iou + generator.normal(0, 0.05, images), 0, 1)
    flower = pixels // 2
    hits = np.round(2 * flower * iou / (1 + iou)).astype(np.int64)
    overlap = np.stack([hits, flower - hits, flower - hits, hits], 1)
    both = (hits + 1e-6) / (2 * flower - hits + 1e-6)
    return {"image_overlap": overlap, "image_iou": np.stack([both, both], 1).astype(np.float32)}


def fake_tuning(root: Path, seed: int = 0, **chosen: Any) -> Run:
    """Return one fake run of a fine-tuning.

    Args:
        root: The folder in which it claims to lie.
        seed: Its seed; each seed shifts the results a little.
        chosen: What differs from `DEFAULTS`: the experiment, whose name tells loss, protocol and features;
            the results after the last epoch and by how much the best epoch was better; where another cut
            of the probabilities gains how much, and the share of sure ones; data, measures, pictures by
            kind, and whether it diverged.
    """
    assert chosen.keys() <= DEFAULTS.keys(), chosen
    w = {**DEFAULTS, **chosen}
    shift = 0.004 * seed
    name, epochs = w["experiment"], w["epochs"]
    handout = name.endswith("-handout") or name == "fine-tune-moving"
    spec = {
        "loss": "iou" if name.startswith("fine-tune-iou") else "cross-entropy",
        "protocol": "handout" if handout else "clean",
        "features": "moving" if name == "fine-tune-moving" else "cached",
        "start": "random" if name == "fine-tune-random" else "pretrained",
        "epochs": epochs, "batch_size": 128, "learning_rate": 0.05, "images": None,
    }  # fmt: skip
    numbers = {**MEASURES, **(HANDOUT if handout else {}), "epochs": epochs, "updates": 4 * epochs}
    measures = {
        **fields(TUNING, numbers),
        **EMBEDDED,
        "skipped": [],
        "diverged": w["diverged"],
        **(w["measures"] or {}),
    }
    sure = round(1_000_000 * (w["sure"] + shift))
    histogram = np.full(20, (1_000_000 - sure) // 18, np.int64)
    histogram[[0, -1]] = sure // 2
    samples = {**thresholds(w["mean_iou"] - shift, w["flower_iou"] - shift, w["cut"], w["cut_gain"]),
               "probability_histogram": histogram,
               **each_image(w["flower_iou"] - shift, seed)}  # fmt: skip
    for kind, count in (("train", 6), ("validation", 6), ("ranked", 9)):
        shown = (w["pictures"] or {}).get(kind) or discs(count)
        samples |= {f"{kind}_{part}": array for part, array in shown.items()}
    results = Results(samples=samples, measures=measures, listings=LISTINGS)
    return _run(root, w, seed, TUNING, spec, _rows(w, epochs, shift), results)


def _rows(w: dict[str, Any], epochs: int, shift: float) -> list[dict[str, float]]:
    """Return a history that is level in its last two epochs but for what the last but one is better by."""
    rows = []
    for epoch in range(epochs):
        late = shift + (0.2 * math.exp(-epoch) if epoch < epochs - 2 else 0.0)
        up = w["best"] if epoch == epochs - 2 else 0.0
        rows.append(fields(TUNING, {
            "train_loss": 0.3 + late,
            "train_mean_iou": w["mean_iou"] - 0.5 * late,
            "loss": 0.35 + late,
            "mean_iou": w["mean_iou"] - late + up,
            "flower_iou": w["flower_iou"] - late,
            "starter": max(w["starter"] - late + up, 0.0),
            "accuracy": 0.87 - late,
        }))  # fmt: skip
    if w["diverged"]:
        for row in rows[epochs // 3 :]:
            row.update(dict.fromkeys(row, math.nan))
    return rows


COSTS: dict[str, Any] = {
    "image_size": 224, "batch_size": 8, "num_classes": 2, "points": 10, "parameters": 60_000_000,
    "learned": 514, "all_learned": 59_000_000, "cached_forward": 6_000_000, "cached_backward": 6_000_000,
    "auxiliary": 1_000_000, "auxiliary_forward": int(1e10), "image_forward": int(7.4e10),
}  # fmt: skip
for _name, _activations, _gradients, _optimiser, _forward, _backward in (
    ("all_{}", 6.4e9, 2.4e8, 4.8e8, 6e11, 1.2e12),
    ("all_{}_large", 25.6e9, 2.4e8, 4.8e8, 2.4e12, 4.8e12),
    ("last_{}", 8e6, 2056, 4116, 6e11, 6e6),
    ("last_{}_large", 32e6, 2056, 4116, 2.4e12, 24e6),
):
    COSTS |= {
        _name.format("activations"): int(_activations),
        _name.format("gradients"): int(_gradients),
        _name.format("optimiser"): int(_optimiser),
        _name.format("forward"): int(_forward),
        _name.format("backward"): int(_backward),
    }


def fake_costs(root: Path, **measures: Any) -> Run:
    """Return a fake run that measured the costs of fine-tuning, with some measures of its own."""
    chosen = {**DEFAULTS, "experiment": "fine-tuning-costs", "data": None}
    texts = {"architecture": "resnet101", "all_net_mode": "train", "last_net_mode": "eval"}
    left = {**fields(COSTS_KIND, COSTS), **texts, **measures}
    rows = [fields(COSTS_KIND, {"found_twice": 10.0})]
    return _run(root, chosen, 0, COSTS_KIND, {"architecture": "resnet101"}, rows, Results(measures=left))


def fake_features(root: Path, experiment: str, **chosen: Any) -> Run:
    """Return a fake run that computed frozen features."""
    chosen = {**DEFAULTS, "experiment": experiment, **chosen}
    numbers = {"images": 900, "channels": 256, "side": 28, "parameters": 11_000_000, "calibrated": 0}
    measures = {**fields(FEATURES, numbers), "start": "pretrained", **EMBEDDED}
    results = Results(measures=measures, samples={
        "features": np.zeros((1, 256, 28, 28), np.uint16), "calibration_images": np.zeros(1, np.int64),
    })  # fmt: skip
    rows = [fields(FEATURES, {"done": 900.0})]
    return _run(root, chosen, 0, FEATURES, {"start": "pretrained"}, rows, results)


def _run(
    root: Path,
    w: dict[str, Any],
    seed: int,
    kind: str,
    spec: dict[str, Any],
    rows: list[dict[str, float]],
    results: Results,
) -> Run:
    checked(kind, rows, results)
    data = {"name": w["data"], "title": w["title"], "stand_in": w["stand_in"], "origin": "drawn",
            "fingerprint": "6e" * 32} if w["data"] else None  # fmt: skip
    key = Key(
        {"task": "t", "spec": spec, "seed": seed, "data": data, "sources": {}, "format": 1},
        {"device": "cpu", "arithmetic": "float32", "threads": 1, "versions": {"torch": "2.15.0"},
         "made": [w["mean_iou"], w["cut"], w["sure"]]},
    )  # fmt: skip
    folder = root / artefact.folder_name(w["experiment"], seed, key)
    return unwritten(folder, w["experiment"], seed, key, rows, results, {}, circumstances(seed, kind))
