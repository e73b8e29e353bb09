"""What a run leaves on the disk: the only module that knows the names of its files.

A run is a folder ``<experiment>-seed<seed>-<fingerprint>``. Its manifest is written last and holds
the hash of every other file and of itself, so a run without a valid manifest does not exist, and a
file that is not what the manifest says is absent.
"""

import contextlib
import errno
import json
import math
import os
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnreport.errors import EnvironmentFailure, UsageError, VerificationError
from cnnreport.kinds import kind as kinds
from cnnreport.kinds.kind import Kind
from cnnreport.runs.fingerprint import Key
from cnnreport.system import durable, locks
from cnnreport.task import Results, Row

if TYPE_CHECKING:
    import numpy as np

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
HISTORY = "history.json"
MEASURES = "measures.json"
SAMPLES = "samples.safetensors"
WEIGHTS = "weights.safetensors"
SOURCES = "sources"
LISTINGS = "listings"
IMPORTED = "imported.json"
"""Lies beside the manifest of a run that was made elsewhere; says when it came and from which file."""

INCOMING = ".incoming-"
"""Begins the name of a folder in which a run is being put together."""

_ATTEMPTS = 20
"""How often a run is put in its place while others put theirs there."""

_IN_THE_WAY = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EACCES}
"""What the move of a folder fails with where another lies in its place; the last is Windows's."""

_FOLDER = re.compile(r"^(?P<experiment>[a-z0-9-]+)-seed(?P<seed>\d+)-(?P<fingerprint>[0-9a-f]{16})$")


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder; every file has been checked against the manifest.

    Args:
        folder: Where it lies.
        manifest: Key, file hashes, circumstances (times, machine, versions).
        history: One row for each epoch; what was non-finite reads as NaN.
        measures: Numbers and short texts that the task left.
        imported: None for a run made here, else when and from what it was brought in.
    """

    folder: Path
    manifest: Mapping[str, Any]
    history: Sequence[Row]
    measures: Mapping[str, Any]
    listings: Mapping[str, str]
    imported: Mapping[str, Any] | None = field(default=None)

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return str(self.manifest["experiment"])

    @property
    def seed(self) -> int:
        """The seed of this execution."""
        return int(self.manifest["seed"])

    @property
    def key(self) -> Key:
        """Everything that the run's bytes depend on."""
        return Key.from_json(self.manifest["key"])

    @property
    def spec(self) -> Mapping[str, Any]:
        """The experiment's spec, field by field."""
        return self.key.what["spec"]  # type: ignore[no-any-return]

    @property
    def kind(self) -> Kind:
        """What its kind declares of the numbers in it.

        Raises:
            UsageError: The run is of a version that did not say of which kind it is, or there is none such.
        """
        name = self.circumstances.get("kind")
        if not name:
            problem = f"the run {self.folder.name} does not say of which kind it is"
            raise UsageError(problem, f"run the experiment again: --force {self.experiment}")
        return kinds.load(name)

    @property
    def diverged(self) -> bool:
        """Whether it ended with non-finite numbers; its other numbers then mean nothing."""
        last = self.history[-1].values() if self.history else ()
        return bool(self.measures.get("diverged")) or not all(map(math.isfinite, last))

    @property
    def circumstances(self) -> Mapping[str, Any]:
        """When, how long and on what it ran: `seconds`, `peak_memory_bytes`, `machine`, `versions`, …"""
        return self.manifest["circumstances"]  # type: ignore[no-any-return]

    def samples(self) -> Mapping[str, "np.ndarray[Any, Any]"]:
        """Return the arrays kept for the pictures; they are loaded once, and cannot be written to."""
        return self._samples

    @cached_property
    def _samples(self) -> Mapping[str, "np.ndarray[Any, Any]"]:
        import safetensors.numpy

        arrays = safetensors.numpy.load((self.folder / SAMPLES).read_bytes())
        for array in arrays.values():
            array.setflags(write=False)  # several answers read them
        return arrays


@dataclass(frozen=True)
class Damaged:
    """A folder that bears a run's name but does not hold what was written; `problem` says what."""

    folder: Path
    problem: str


def folder_name(experiment: str, seed: int, key: Key) -> str:
    """Name the folder of a run."""
    return f"{experiment}-seed{seed}-{key.fingerprint[:16]}"


def parse_folder_name(name: str) -> tuple[str, int] | None:
    """Return the experiment and the seed that a folder's name tells, None where it is no run's."""
    match = _FOLDER.match(name)
    return (match["experiment"], int(match["seed"])) if match else None


def save(
    folder: Path,
    experiment: str,
    seed: int,
    key: Key,
    history: Sequence[Row],
    results: Results,
    sources: Mapping[str, bytes],
    circumstances: Mapping[str, Any],
) -> Run:
    """Write a finished run, manifest last, beside its place, and put it there whole.

    A run that stood there before (forced, or damaged) stands until the new one is complete.

    The files depend on the key alone; all that differs between two executions of the same key
    (times, machine, memory) stands under `circumstances` in the manifest.

    Raises:
        VerificationError: What was written cannot be read again as it was.
    """
    contents = dict(_contents(history, results, sources))
    incoming = _incoming(folder)
    files = {name: durable.write(incoming / name, content) for name, content in sorted(contents.items())}
    manifest = {
        "format": FORMAT_VERSION,
        "experiment": experiment,
        "seed": seed,
        "fingerprint": key.fingerprint,
        "identity": key.identity,
        "key": key.to_json(),
        "files": files,
        "circumstances": dict(circumstances),
    }
    durable.write(incoming / MANIFEST, encode({**manifest, "self": _self_hash(manifest)}))
    run = load(incoming)
    if not isinstance(run, Run):
        raise VerificationError(
            f"the run in {incoming} was changed from outside", "run the same command again"
        )
    put(incoming, folder)
    return replace(run, folder=folder)


def _incoming(folder: Path) -> Path:
    """Name the folder in which this process puts a run together, and remove those that dead ones left.

    Each has its own: where locks do not work, another process may be putting the same run together.
    """
    prefix = f"{INCOMING}{folder.name}-{durable.sha256(platform.node().encode())[:8]}-"
    for left in folder.parent.glob(f"{prefix}*"):
        process = left.name.removeprefix(prefix)
        if process.isdigit() and (int(process) == os.getpid() or not locks.is_alive(int(process))):
            with contextlib.suppress(FileNotFoundError):  # another process removes it, too
                durable.remove(left)
    return folder.with_name(f"{prefix}{os.getpid()}")


def put(incoming: Path, folder: Path) -> None:
    """Move a complete run to its place; what lay there gives way.

    Raises:
        EnvironmentFailure: Others put the same run there again and again.
    """
    for _ in range(_ATTEMPTS):
        try:
            os.replace(incoming, folder)
            return
        except OSError as error:
            if error.errno not in _IN_THE_WAY:
                raise
        with (
            tempfile.TemporaryDirectory(prefix=INCOMING, dir=folder.parent) as aside,
            contextlib.suppress(FileNotFoundError),  # another process has put it aside
        ):
            os.replace(folder, Path(aside) / "old")
    raise EnvironmentFailure(f"other commands put the run {folder.name} there again and again", "end them")


def load(folder: Path) -> Run | Damaged | None:
    """Read a run and check every byte of it; None where there is no manifest."""
    if not os.path.lexists(folder / MANIFEST):
        return None
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        claimed = manifest.pop("self")
        if claimed != _self_hash(manifest):
            return Damaged(folder, f"{MANIFEST} is not what was written")
        if manifest["format"] != FORMAT_VERSION:
            return Damaged(folder, f"it has format {manifest['format']}, this version reads {FORMAT_VERSION}")
        return _read(folder, manifest)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        # Whoever wrote it, it is no manifest of this program.
        return Damaged(folder, f"{MANIFEST} cannot be read")


def _read(folder: Path, manifest: dict[str, Any]) -> Run | Damaged:
    contents = {}
    for name, digest in manifest["files"].items():
        content = _checked(folder / name, digest)
        if content is None:
            return Damaged(folder, f"{name} is missing or not what was written")
        contents[name] = content
    run = Run(
        folder=folder,
        manifest=manifest,
        history=_decode_history(contents[HISTORY]),
        measures=dict(json.loads(contents[MEASURES])),
        listings={
            Path(name).stem: content.decode()
            for name, content in contents.items()
            if name.startswith(f"{LISTINGS}/")
        },
        imported=_read_imported(folder),
    )
    complete = contents[SAMPLES], run.experiment, run.seed, run.spec, run.circumstances["machine"]
    if run.key.fingerprint != manifest["fingerprint"] or not complete:
        return Damaged(folder, f"{MANIFEST} contradicts itself")
    return run


def _checked(file: Path, digest: str) -> bytes | None:
    """Return a file's bytes, of arrays none, for they may be large; None where it is not what was written."""
    if file.suffix == ".safetensors":
        return b"" if durable.holds(file, digest) else None
    return durable.read(file, digest)


def load_all(root: Path) -> Iterator[Run | Damaged]:
    """Read every run below a folder, in the order of their names."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if parse_folder_name(folder.name) and (run := load(folder)):
            yield run


def encode(value: Any) -> bytes:
    """Return canonical JSON: sorted keys, two spaces, non-finite numbers as null, a final newline."""
    return (json.dumps(_finite(value), indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def _contents(
    history: Sequence[Row], results: Results, sources: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    import numpy as np
    import safetensors.numpy

    yield HISTORY, encode(list(history))
    yield MEASURES, encode(dict(results.measures))
    # safetensors writes the memory of an array as it lies, whatever its strides.
    yield SAMPLES, safetensors.numpy.save({k: np.asarray(v, order="C") for k, v in results.samples.items()})
    if results.weights:  # a derivation has none, and must not need torch
        import safetensors.torch

        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in results.weights.items()}
        yield WEIGHTS, safetensors.torch.save(weights)
    for name, text in results.listings.items():
        yield f"{LISTINGS}/{name}.py", text.encode()
    for path, content in sources.items():
        yield f"{SOURCES}/{path}", content


def _decode_history(content: bytes) -> list[Row]:
    rows = json.loads(content)
    return [{name: math.nan if value is None else value for name, value in row.items()} for row in rows]


def _read_imported(folder: Path) -> Mapping[str, Any] | None:
    if not os.path.lexists(folder / IMPORTED):
        return None
    unknown = {"when": "at an unknown time", "file": "an unknown file"}
    try:
        return {**unknown, **json.loads((folder / IMPORTED).read_bytes())}
    except (OSError, ValueError, TypeError):
        return unknown  # the mark stands, whatever became of its text


def _self_hash(manifest: Mapping[str, Any]) -> str:
    return durable.sha256(encode(dict(manifest)))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
