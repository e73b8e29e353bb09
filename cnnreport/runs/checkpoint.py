"""A run under way: its epochs so far, on the disk after each of them, on a GPU at most once a second.

Every checkpoint is one file that proves itself by its name. The last two are kept, so a damaged one
costs an epoch and no more.
"""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnreport.runs.artefact import encode
from cnnreport.runs.fingerprint import Key
from cnnreport.system import durable, locks
from cnnreport.system.locks import Holder
from cnnreport.task import Row

if TYPE_CHECKING:
    import torch

KEPT = 2
SPACING: Mapping[str, float] = {"cpu": 0.0, "cuda": 1.0, "mps": 1.0}
"""Seconds between two checkpoints, at least; a GPU repeats an epoch sooner than the disk has kept it."""

FAILURE = "failure.json"
FORCED = "forced"
"""Says that a run under way replaces a finished one, so that the same command goes on with it."""

KEY = "key.json"
_NAME = re.compile(r"^(\d{5})\.[0-9a-f]{64}\.safetensors$")


@dataclass(frozen=True)
class Checkpoint:
    """The state after some epochs.

    Args:
        state: What the task needs to go on.
        history: A row for each finished epoch.
        seconds: How long each finished epoch took.
    """

    state: Mapping[str, "torch.Tensor"]
    history: list[Row]
    seconds: list[float]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and drop all but the newest `KEPT`."""
    import safetensors.torch

    journal = json.dumps({"history": checkpoint.history, "seconds": checkpoint.seconds})
    content = safetensors.torch.save(dict(checkpoint.state), metadata={"journal": journal})
    durable.write_named(folder, f"{len(checkpoint.history):05d}", ".safetensors", content)
    for old in _files(folder)[:-KEPT]:
        old.unlink(missing_ok=True)


def load(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint that is what was written, None where there is none."""
    import safetensors.torch

    for file in reversed(_files(folder)):
        content = durable.read_named(file)
        if content is not None:
            length = int.from_bytes(content[:8], "little")
            journal = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["journal"])
            return Checkpoint(safetensors.torch.load(content), journal["history"], journal["seconds"])
    return None


def epochs(folder: Path) -> int:
    """Return how many epochs stand in a folder's newest checkpoint, judged by its name alone."""
    files = _files(folder)
    return int(files[-1].name[:5]) if files else 0


def clear(folder: Path) -> None:
    """Remove a run's checkpoints; the run is finished, or is to begin anew."""
    shutil.rmtree(folder, ignore_errors=True)


def lock(
    folder: Path, on_wait: Callable[[Holder], None] = lambda holder: None
) -> contextlib.AbstractContextManager[None]:
    """Return the lock that keeps two processes from computing the same run twice.

    A courtesy only: results are right without it. The file lies beside the folder and stays: another
    process may wait for it when the folder goes.

    Args:
        folder: Where the run under way lies.
        on_wait: Told who computes the run while this process waits.
    """
    return locks.hold(lock_file(folder), on_wait)


def computed_by(folder: Path) -> Holder | None:
    """Return which process is computing this run now, None where none does."""
    return locks.holder(lock_file(folder))


def lock_file(folder: Path) -> Path:
    """Name the file that is the lock of a run."""
    return folder.with_name(f"{folder.name}.lock")


def begin(folder: Path, key: Key, *, forced: bool) -> None:
    """Say what the run under way depends on, and forget the failure of an earlier attempt.

    A forced run begins anew, unless it is itself what was interrupted.
    """
    (folder / FAILURE).unlink(missing_ok=True)
    if forced and not (folder / FORCED).exists():
        clear(folder)
        durable.write(folder / FORCED, b"")
    durable.write(folder / KEY, encode(key.to_json()))


def key(folder: Path) -> Key | None:
    """Return what the run under way depends on, None where that cannot be told."""
    try:
        depends_on = Key.from_json(json.loads((folder / KEY).read_bytes()))
        return depends_on if depends_on.what["sources"].items() and depends_on.where["versions"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def record_failure(folder: Path, problem: str) -> None:
    """Keep why a run failed, for `status`."""
    durable.write(folder / FAILURE, encode({"problem": problem}))


def failure(folder: Path) -> str | None:
    """Return why the last attempt at a run failed, None where it did not."""
    try:
        return str(json.loads((folder / FAILURE).read_bytes())["problem"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return "for a reason that was not kept"


def _files(folder: Path) -> Sequence[Path]:
    try:
        return sorted(file for file in folder.iterdir() if _NAME.match(file.name))
    except (FileNotFoundError, NotADirectoryError):  # not begun, or finished by another process just now
        return []
