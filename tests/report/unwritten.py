"""Runs that lie in no folder: nothing is written, so that many are made in no time."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.runs.fingerprint import Key
from cnnreport.task import Results

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class FakeRun(Run):
    """A run that lies in no folder."""

    arrays: Arrays = field(default_factory=dict)

    def samples(self) -> Arrays:
        """Return the arrays kept for the pictures."""
        return self.arrays


def unwritten(
    folder: Path,
    experiment: str,
    seed: int,
    key: Key,
    history: Sequence[Mapping[str, float]],
    results: Results,
    sources: Mapping[str, bytes],
    circumstances: Mapping[str, Any],
) -> Run:
    """Stand in for `artefact.save`: the run reads as if it had been written and read again."""
    manifest = {
        "experiment": experiment,
        "seed": seed,
        "key": json.loads(json.dumps(key.to_json())),
        "circumstances": dict(circumstances),
    }
    return FakeRun(
        folder,
        manifest,
        [{name: x if math.isfinite(x) else math.nan for name, x in row.items()} for row in history],
        json.loads(artefact.encode(dict(results.measures))),
        dict(results.listings),
        arrays={name: _unchangeable(array) for name, array in results.samples.items()},
    )


def _unchangeable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the same array as one that cannot be written to, as those of a run are."""
    seen = np.asarray(array).view()
    seen.setflags(write=False)
    return seen
