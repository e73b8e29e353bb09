"""Fake runs of the classifiers of adl-2022: how well they name signs, in evaluation mode and otherwise."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from declared import checked, fields
from fake_runs import circumstances, losses

from cnnreport import modules
from cnnreport.project import PACKAGE
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key
from cnnreport.task import Results

PLACE = "experiments.adl-2022"
BASELINE, NORMED, ADAM, SGD, RPROP = (
    "signs-baseline", "signs-batch-norm", "signs-adam", "signs-sgd", "signs-rprop",
)  # fmt: skip
TORN, WHOLE, BATCHES = "signs-random-split", "rprop-whole", "rprop-batches"
KINDS = {
    NORMED: "NORMED",
    "signs-course-batch-norm": "NORMED",
    TORN: "NORMED",
    WHOLE: "SIGNED",
    BATCHES: "SIGNED",
}
"""The kind of each experiment's runs where it is not SIGNS."""

SOURCE = '''class NET(nn.Module):
    """A net."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scores(self.pool(images).flatten(1))
'''

MEASURES = {
    "top3_accuracy": 0.97,
    "balanced_accuracy": 0.9,
    "chance_accuracy": 1 / 43,
    "chance_loss": math.log(43),
    "frequent_accuracy": 0.024,
    "train_images": 10_200,
    "validation_images": 1_722,
    "classes": 43,
    "parameters": 87_403,
    "updates_per_epoch": 638,
    "test_images": 3_690,
    "features": 512,
    "test_batch": 128,
    "agreement": 0.56,
    "reversals": 0.47,
}
"""By what answers call them."""

SPREAD = (0.0, 0.004, -0.003, 0.002, -0.004)
"""By how much the accuracies of the trials differ."""


@cache
def names() -> list[str]:
    """Return the names of the classes."""
    modules.enter(PACKAGE.parent)
    return list(modules.attribute(f"{PLACE}.signs.classes:NAMES"))


def trial(
    root: Path,
    experiment: str,
    seed: int,
    accuracy: float = 0.9,
    loss: tuple[float, float] = (2.0, 0.4),
    *,
    epochs: int = 3,
    ways: Sequence[float] = (0.88, 0.6, 0.901),
    pairs: int = 7,
    dark: bool = False,
    diverged: bool = False,
    stand_in: bool = False,
    augmented: bool = False,
    **measures: Any,
) -> Run:
    """Write a fake run and read it back.

    Args:
        root: The folder of runs.
        experiment: Its experiment.
        seed: Its seed.
        accuracy: On the test images; on the validation images it is the same.
        loss: The training loss after the first epoch and after the last.
        epochs: How many there were.
        ways: The accuracies with shuffled batches, with sorted ones and with statistics estimated anew.
        pairs: How many pairs of classes it confuses.
        dark: Whether the images that it gets wrong are darker than the others.
        diverged: Whether its numbers are none.
        stand_in: Whether it saw drawn signs.
        augmented: Whether its training images were changed at random.
        measures: What else differs.
    """
    modules.enter(PACKAGE.parent)  # a test before may have entered another project
    kind = f"{PLACE}.kinds:{KINDS.get(experiment, 'SIGNS')}"
    declared = modules.attribute(kind)
    net = "NormedSignNet" if KINDS.get(experiment) == "NORMED" else "SignNet"
    spec = {
        "net": f"{PLACE}.nets:{net}", "epochs": epochs, "batch_size": 215 if experiment == WHOLE else 16,
        "learning_rate": 1e-3, "optimiser": {"epsilon": None if experiment == ADAM else 0.1},
        "augmented": augmented,
    }  # fmt: skip
    data = {"name": "gtsrb", "title": "Drawn signs" if stand_in else "GTSRB traffic signs",
            "stand_in": stand_in, "origin": "read from --data-dir", "fingerprint": "5d" * 32}  # fmt: skip
    what = {"task": f"{PLACE}.training:SignTask", "spec": spec, "seed": seed, "data": data, "sources": {},
            "format": 1}  # fmt: skip
    where = {"device": "cpu", "arithmetic": "float32", "threads": 1, "versions": {"torch": "2.15.0"},
             "made": [accuracy, *loss, *ways, pairs, dark, repr(measures)]}  # fmt: skip
    rows = [
        fields(
            kind, {"train_loss": falling, "train_accuracy": accuracy, "loss": falling, "accuracy": accuracy}
        )
        for falling in losses(*loss, epochs)
    ]
    if diverged:
        rows = [dict.fromkeys(row, math.nan) for row in rows]
    shuffled, in_order, anew = ways
    made = {
        **MEASURES, "epochs": epochs, "updates": epochs * (1 if experiment == WHOLE else 638),
        "test_accuracy": accuracy, "test_loss": loss[1], "test_accuracy_shuffled": shuffled,
        "test_accuracy_sorted": in_order, "test_accuracy_reestimated": anew,
        **({"parameters": 87_659} if net != "SignNet" else {}), **measures,
    }  # fmt: skip
    texts = {
        "diverged": diverged,
        "class_names": names(),
        "confused": [],
        "layers": ["conv1: 64 filters", "scores: 43"],
    }
    kept = {name: value for name, value in made.items() if name in declared}
    results = Results(
        samples={name: array for name, array in _samples(pairs, dark).items() if name in declared.samples},
        measures={**fields(kind, kept), **{name: texts[name] for name in declared.texts}},
        listings={net: SOURCE.replace("NET", net)},
    )
    key = Key(json.loads(json.dumps(what)), where)
    folder = root / artefact.folder_name(experiment, seed, key)
    return artefact.save(
        folder, experiment, seed, key, rows, checked(kind, rows, results), {}, circumstances(seed, kind)
    )


def trials(root: Path, experiment: str, accuracy: float = 0.9, seeds: int = 5, **chosen: Any) -> list[Run]:
    """Return fake runs of an experiment whose accuracies spread a little around a mean."""
    ways = chosen.pop("ways", None)
    made = []
    for seed, shift in zip(range(seeds), SPREAD, strict=False):
        shifted = {"ways": [way + 1.1 * shift for way in ways]} if ways else {}
        made.append(trial(root, experiment, seed, accuracy + shift, **shifted, **chosen))
    return made


def five(root: Path, accuracies: Mapping[str, float], seeds: int = 5, **chosen: Any) -> list[Run]:
    """Return fake runs of the five trainings that are compared, with these accuracies, else the usual ones.

    What is chosen is for the net with batch norm.
    """
    usual = {BASELINE: 0.45, NORMED: 0.94, ADAM: 0.92, SGD: 0.03, RPROP: 0.2}
    return [
        run
        for name, accuracy in {**usual, **accuracies}.items()
        for run in trials(root, name, accuracy, seeds, **(chosen if name == NORMED else {}))
    ]


def unlearnt(root: Path) -> list[Run]:
    """Return fake runs of the five trainings, one at guessing, one worse, none that still learns."""
    runs = {
        BASELINE: trials(root, BASELINE, 0.45, loss=(1.0, 1.2)),
        NORMED: trials(root, NORMED, 0.94, loss=(0.2, 0.3), dark=True),
        ADAM: trials(root, ADAM, 0.92, loss=(0.2, 0.4)),
        SGD: trials(root, SGD, 0.024, loss=(3.75, 3.755)),
        RPROP: trials(root, RPROP, 0.2, loss=(9.0, 14.0)),
    }
    return [run for of in runs.values() for run in of]


def _samples(pairs: int, dark: bool) -> dict[str, np.ndarray[Any, Any]]:
    counts = np.diag(np.full(43, 80)) + np.diag(np.full(42, 5), 1)
    image = np.zeros((pairs, 3, 28, 28), np.uint8)
    empty = np.zeros(0, np.int64)
    numbers = np.arange(pairs)
    kept: dict[str, np.ndarray[Any, Any]] = {
        "confusion": counts, "class_accuracy": np.ones(43, np.float32), "test_confusion": counts,
        "pair_true": numbers, "pair_taken": numbers + 1, "pair_count": 9 - numbers, "pair_image": image,
        "pair_like": image + 51 * dark,
    }  # fmt: skip
    for which in ("right", "wrong"):
        kept |= {f"{which}_{name}": empty for name in ("label", "predicted", "index")}
        kept |= {f"{which}_images": image[:0], f"{which}_probability": np.zeros((0, 43), np.float32)}
    return kept
