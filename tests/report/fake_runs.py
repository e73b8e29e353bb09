"""Fake runs of Parts A to C, with the files that real ones have and numbers that a test chooses."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from declared import checked, fields

from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key
from cnnreport.task import Results

SOURCE = '''class NET(nn.Module):
    """Pooling on the way down, upsampling on the way up."""

    def __init__(self, kernel: int, num_in_channels: int, num_filters: int, num_colours: int) -> None:
        super().__init__()
        padding = kernel // 2
        self.down = nn.Sequential(
            nn.Conv2d(num_in_channels, num_filters, kernel, padding=padding),
            nn.MaxPool2d(kernel_size=2),
            nn.BatchNorm2d(num_filters),
            nn.ReLU(),  # <script>alert("1")</script> & such
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(x)
'''

KIND = "cnnreport.kinds.colourization:KIND"

MEASURES = {
    "train_images": 5000,
    "validation_images": 1000,
    "chance_loss": math.log(24),
    "chance": 1 / 24,
    "frequent": 0.112,
    "table": 0.312,
    "edges_predicted": 0.21,
    "edges_true": 0.44,
    "speck_share": 0.012,
    "speck_share_truth": 0.067,
    "calibration_error": 0.034,
    "colours_predicted": 19,
    "colours_present": 24,
    "image_lowest": 0.09,
    "image_median": 0.41,
    "image_highest": 0.78,
    "rgb_distance": 0.163,
    "lab_distance": 17.2,
    "top3": 0.68,
    "colour_share": 19 / 24,
    "colour_share_true": 1.0,
    "parameters": 49728,
}
"""By what answers call them; a test names what it changes as the task does."""

LOSS = "validation_loss"
"""What the task calls the loss of the validation images."""

MakeRun = Callable[..., Run]


def losses(start: float, end: float, epochs: int) -> list[float]:
    """Return a loss that falls ever more slowly from start to end."""
    return [end + (start - end) * math.exp(-5 * n / max(1, epochs - 1)) for n in range(epochs)]


def pictures(seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return ten pictures with plain shapes, so that a page of them can be judged by eye."""
    generator = np.random.default_rng(seed)
    palette = generator.random((24, 3)).astype(np.float32)
    y, x = np.mgrid[0:32, 0:32]
    label = np.stack([((x // 3 + n) * (y // 5 + 1)) % 24 for n in range(10)]).astype(np.uint8)
    rgb = np.ascontiguousarray(np.round(255 * palette[label]).astype(np.uint8).transpose(0, 3, 1, 2))
    coarse = label[:, ::4, ::4].repeat(4, 1).repeat(4, 2)
    grey = (rgb.mean(axis=1) / 255).astype(np.float32)
    shown = {"grey": grey, "rgb": rgb, "truth_label": label, "predicted_label": coarse}
    ranked = {f"ranked_{name}": images[:9] for name, images in shown.items()}
    best = {"ranked_accuracy": np.linspace(0.8, 0.1, 9, dtype=np.float32), "ranked_index": np.arange(9)}
    return {**shown, **ranked, **best, "palette": palette}


def of_all_images(accuracy: float, loss: float, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return what a run leaves of all validation images, with these means.

    Some images are hard for every net; the wrong pixels of a colour are taken for the next colour twice as
    often as for the next but one; and the net is surer than it is right by its calibration error.
    """
    images, colours = MEASURES["validation_images"], 24
    hard = np.random.default_rng(11).normal(0, 0.12, images)
    here = np.random.default_rng(seed).normal(0, 0.03, images)
    ease = (hard + here) - (hard + here).mean()
    ease *= min(1.0, accuracy / -ease.min(), (1 - accuracy) / ease.max())
    pixels = images * 1024 // colours
    right = round(accuracy * pixels)
    counts = np.zeros((colours, colours), np.int64)
    for colour in range(colours):
        counts[colour, colour] = right
        counts[colour, (colour + 2) % colours] = (pixels - right) // 3
        counts[colour, (colour + 1) % colours] = pixels - counts[colour].sum()
    return {
        "image_accuracy": (accuracy + ease).astype(np.float32),
        "image_loss": (loss * (1 - ease)).astype(np.float32),
        "confusion": counts,
        "table_confusion": of_table(colours, pixels),
        "calibration": calibration_bins(accuracy, colours * pixels),
    }


def of_table(colours: int, pixels: int) -> np.ndarray[Any, Any]:
    """Return what the table gives: each colour as often right as the measures say, and else the first one."""
    right = round(MEASURES["table"] * pixels)
    counts = np.diag(np.full(colours, right))
    counts[:, 0] += pixels - counts.sum(1)
    return counts


def calibration_bins(accuracy: float, pixels: int) -> np.ndarray[Any, Any]:
    """Return bins of a net that is surer than it is right by the same share, however sure it is."""
    over = MEASURES["calibration_error"]
    mean = min(0.95, accuracy + over)
    sure = np.random.default_rng(5).beta(6 * mean, 6 * (1 - mean), 2000)
    counts = np.histogram(sure, 10, (0, 1))[0] / len(sure) * pixels
    sums = np.histogram(sure, 10, (0, 1), weights=sure)[0] / len(sure) * pixels
    return np.stack((np.round(counts), sums, np.round(np.maximum(0, sums - over * counts))), axis=1)


DEFAULTS: dict[str, Any] = {
    "experiment": "pool-upsample",
    "net": "cnnreport.nets.colourization:PoolUpsampleNet",
    "batch_size": 100,
    "filters": 32,
    "learning_rate": 1e-3,
    "updates": None,
    "data": "meadow",
    "train_accuracy": None,
    "loss": (2.13, 1.583),
    "accuracy": 0.412,
    "train_loss": None,
    "validation": None,
    "epochs": 25,
    "stand_in": True,
    "title": "Meadow",
    "measures": None,
    "diverged": False,
    "imported": False,
}


def write_run(root: Path, seed: int = 0, **chosen: Any) -> Run:
    """Write one fake run and read it back.

    Args:
        root: The folder of runs.
        seed: Its seed; each seed shifts the results a little.
        chosen: What differs from `DEFAULTS`: experiment, net and settings; the validation loss at the
            start and the end, the final accuracy and training loss, or the whole validation loss; the
            data, measures, and whether it diverged or was imported.
    """
    assert chosen.keys() <= DEFAULTS.keys(), chosen
    w = {**DEFAULTS, **chosen}
    per_epoch = -(-MEASURES["train_images"] // w["batch_size"])
    asked = w["epochs"] if w["updates"] is None else -(-w["updates"] // per_epoch)
    epochs = len(w["validation"] or range(asked))
    shift = 0.004 * seed
    validation = [x + shift for x in w["validation"] or losses(*w["loss"], epochs)]
    end = w["train_loss"] if w["train_loss"] is not None else w["loss"][1] - 0.02
    training = [x + shift for x in losses(w["loss"][0] + 0.4, end, epochs)]
    rows = [
        fields(
            KIND,
            {
                "train_loss": t,
                "train_accuracy": w["train_accuracy"] or (w["accuracy"] - shift),
                "loss": v,
                "accuracy": (w["accuracy"] - shift) * (1 - 0.3 * math.exp(-5 * n / epochs)),
            },
        )
        for n, (t, v) in enumerate(zip(training, validation, strict=True))
    ]
    rows[-1] |= fields(KIND, {"accuracy": w["accuracy"] - shift})
    if w["diverged"]:
        for row in rows[epochs // 3 :]:
            row.update(dict.fromkeys(row, math.nan))
    key = Key(
        {
            "task": "cnnreport.training.colourization:ColourizationTraining",
            "spec": {
                "net": w["net"], "kernel": 3, "num_in_channels": 1, "num_filters": w["filters"],
                "num_colours": 24, "epochs": epochs, "batch_size": w["batch_size"], "updates": w["updates"],
                "learning_rate": w["learning_rate"], "precision": "exact", "train_images": None,
                "validation_images": None,
            },
            "seed": seed,
            "data": {"name": w["data"], "title": w["title"], "stand_in": w["stand_in"],
                     "origin": "drawn by the package", "fingerprint": "5d" * 32},
            "sources": {"cnnreport/nets/colourization.py": "ab" * 32},
            "format": 1,
        },
        {"device": "cpu", "arithmetic": "float32", "threads": 1,
         "versions": {"torch": "2.15.0", "numpy": "2.4.6"}, "made": [w["loss"], w["accuracy"]]},
    )  # fmt: skip
    folder = root / artefact.folder_name(w["experiment"], seed, key)
    made = {
        "epochs": epochs,
        "updates": w["updates"] or per_epoch * epochs,
        "updates_per_epoch": per_epoch,
    }
    measures = {**fields(KIND, {**MEASURES, **made}), "diverged": w["diverged"], **(w["measures"] or {})}
    net = w["net"].rpartition(":")[2]
    samples = {**pictures(7), **of_all_images(w["accuracy"] - shift, rows[-1][LOSS], seed)}
    results = Results(samples=samples, measures=measures, listings={net: SOURCE.replace("NET", net)})
    run = artefact.save(
        folder, w["experiment"], seed, key, rows, checked(KIND, rows, results), {}, circumstances(seed, KIND)
    )
    if not w["imported"]:
        return run
    mark = {"when": "2026-11-20T10:00:00+00:00", "file": "gpu-runs.zip"}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / artefact.IMPORTED).write_bytes(artefact.encode(mark))
    return replace(run, imported=mark)


def circumstances(seed: int, kind: str) -> dict[str, Any]:
    """Return the kind, the times and the machine of a fake run."""
    return {
        "kind": kind,
        "command": "python -m cnnreport build a2-writeup",
        "data_origin": "drawn by the package itself",
        "started": "2026-11-21T08:00:00+00:00",
        "finished": f"2026-11-21T08:{10 + seed:02d}:00+00:00",
        "seconds": 431.2 + seed,
        "epoch_seconds": [17.2] * 25,
        "resumed": False,
        "peak_memory_bytes": 812 * 2**20,
        "machine": {
            "system": "Linux x86_64", "processor": "Intel(R) Xeon(R) Processor @ 2.90GHz", "cores": 2,
            "device": "Intel(R) Xeon(R) Processor @ 2.90GHz", "python": "3.11.7",
        },
        "versions": {"torch": "2.15.0", "numpy": "2.4.6", "scikit-learn": "1.9.1", "cnnreport": "0.1.0"},
    }  # fmt: skip
