"""One run from its job to its artefact: the only place where a task is asked for its epochs."""

import importlib
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cnnreport.errors import CnnReportError, DataError
from cnnreport.kinds import kind as kinds
from cnnreport.runs import arrays, artefact, checkpoint, device
from cnnreport.runs.device import Device, float32
from cnnreport.runs.fingerprint import Key, check_executed, read_hashed, versions
from cnnreport.system import durable, hardware, resident
from cnnreport.system.locks import Holder
from cnnreport.task import Row, Task


@dataclass(frozen=True)
class Job:
    """All that a worker needs to compute one run; can be pickled.

    Args:
        experiment: The experiment's name.
        seed: The seed.
        spec: What to run.
        key: What the result will depend on.
        device: ``cpu``, ``cuda`` or ``mps``.
        folder: Where the finished run goes.
        checkpoints: Where the run under way lies.
        data: The prepared data set, a self-named file; None where the task takes none.
        data_origin: A phrase saying where the data came from.
        sources: Files whose text is kept with the run, by their path in the project.
        command: The command line that asked for it.
        force: Compute it even where a finished run lies in the folder.
        reads: The folder of the run whose arrays the task takes beside its data, None for none.
    """

    experiment: str
    seed: int
    spec: Any
    key: Key
    device: Device
    folder: Path
    checkpoints: Path
    data: Path | None
    data_origin: str
    sources: Mapping[str, Path]
    command: str
    force: bool = False
    reads: Path | None = None


@dataclass(frozen=True)
class Progress:
    """What happened to a run: it waits for another process, it begins, or an epoch has ended.

    Args:
        experiment: The experiment's name.
        seed: The seed.
        epoch: How many epochs are done.
        epochs: How many there are; 0 while another process computes the same run.
        row: The last epoch's row of the history; empty when the run begins.
        seconds: How long the last epoch took.
        warning: What the user should know of it, empty for nothing.
    """

    experiment: str
    seed: int
    epoch: int
    epochs: int
    row: Row
    seconds: float
    warning: str = ""


Notify = Callable[[Progress], None]


def execute(job: Job, notify: Notify) -> Path:
    """Compute a run, from its last complete epoch where there is one, and return its folder.

    Where another process is computing the same run, wait for it and take its result.
    """

    def wait(holder: Holder) -> None:
        lock = checkpoint.lock_file(job.checkpoints)
        warning = f"{holder} computes it; to compute it here as well, remove {lock}"
        notify(Progress(job.experiment, job.seed, 0, 0, {}, 0.0, warning))

    with checkpoint.lock(job.checkpoints, wait):
        if not job.force and isinstance(artefact.load(job.folder), artefact.Run):
            checkpoint.clear(job.checkpoints)  # left where a command died between its last two steps
            return job.folder
        checkpoint.begin(job.checkpoints, job.key, forced=job.force)
        try:
            with float32(job.device):
                _compute(job, notify)
        except CnnReportError as error:
            checkpoint.record_failure(job.checkpoints, str(error))
            raise
        except Exception as error:
            # Kept for `status`, whatever it was, and raised again as it is.
            checkpoint.record_failure(job.checkpoints, f"{type(error).__name__}: {error}")
            raise
        checkpoint.clear(job.checkpoints)
    return job.folder


def _compute(job: Job, notify: Notify) -> None:
    started, of_processor = datetime.now(UTC), time.process_time()
    alone = _forget_peaks(job.device)
    hashed = job.key.what["sources"]
    kind = kinds.named_by(job.spec)
    kinds.load(kind)  # one that is not there is told now, not after the first epoch
    sources = read_hashed(hashed, job.sources)
    task = _make_task(job)
    earlier = checkpoint.load(job.checkpoints)
    history, seconds = (earlier.history, earlier.seconds) if earlier else ([], [])
    if earlier:
        task.restore(earlier.state)
    lost = checkpoint.epochs(job.checkpoints) - len(history)
    warning = f"the newest checkpoint is damaged; epochs done again: {lost}" if lost else ""
    notify(Progress(job.experiment, job.seed, len(history), task.epochs, {}, 0.0, warning))
    told, saved = "", time.perf_counter()
    while len(history) < task.epochs:
        begin = time.perf_counter()
        history.append(task.run_epoch())
        seconds.append(time.perf_counter() - begin)
        kinds.check(kind, "history", history[-1])
        check_executed(hashed, job.sources)  # before each is kept: modules may be imported late
        if time.perf_counter() - saved >= checkpoint.SPACING[job.device]:
            checkpoint.save(job.checkpoints, checkpoint.Checkpoint(task.state(), history, seconds))
            saved = time.perf_counter()
        warning, told = _news(task, told)
        notify(
            Progress(job.experiment, job.seed, len(history), task.epochs, history[-1], seconds[-1], warning)
        )
    results = task.results()
    kinds.check(kind, "measures", results.measures)
    kinds.check(kind, "samples", results.samples)
    check_executed(hashed, job.sources)
    if not job.force and isinstance(artefact.load(job.folder), artefact.Run):
        return  # another process, which no lock held back, was faster
    circumstances = _circumstances(job, started, seconds, resumed=earlier is not None)
    circumstances |= _memory(job.device, alone=alone)
    if alone and earlier is None:  # else others' seconds would be among them, or some of its own missing
        circumstances["cpu_seconds"] = time.process_time() - of_processor
    artefact.save(job.folder, job.experiment, job.seed, job.key, history, results, sources, circumstances)


def _news(task: Task, told: str) -> tuple[str, str]:
    """Return what a task warns of that it has not told yet, and all that it has told then."""
    warning = getattr(task, "warning", "")
    return ("" if warning == told else warning), warning


def _make_task(job: Job) -> Task:
    module, _, name = job.spec.task.partition(":")
    kind: type[Task] = getattr(importlib.import_module(module), name)
    return kind(job.spec, job.seed, {**_load_data(job.data), **_load_read(job.reads)}, job.device)


def _load_data(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    if not durable.holds_named(file):
        raise DataError(f"the prepared data {file.name} are not what was written", "run the command again")
    return arrays.mapped(file)


def _load_read(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        return {}
    run = artefact.load(folder)
    if not isinstance(run, artefact.Run):
        raise DataError(f"the run {folder.name}, which another reads, is not there", "run the command again")
    kept = arrays.mapped(run.folder / artefact.SAMPLES)
    file = run.folder / artefact.WEIGHTS
    weights = arrays.mapped(file) if file.is_file() else {}
    return {**kept, **{f"weights.{name}": array for name, array in weights.items()}}


def _circumstances(job: Job, started: datetime, seconds: list[float], *, resumed: bool) -> dict[str, Any]:
    return {
        "command": job.command,
        "kind": kinds.named_by(job.spec),
        "data_origin": job.data_origin,
        "data_sha256": durable.named_hash(job.data) if job.data else None,
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": sum(seconds),
        "epoch_seconds": seconds,
        "resumed": resumed,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": hardware.processor(),
            "cores": hardware.cores(),
            "device": _device_name(job.device),
            "python": platform.python_version(),
        },
        "versions": {**versions(job.spec.libraries), "cnnreport": _own_version()},
    }


def _device_name(name: str) -> str:
    if name != "cuda":
        return hardware.processor()
    import torch

    return torch.cuda.get_device_name()


def _forget_peaks(name: Device) -> bool:
    """Measure memory from now on; say whether what is measured is this run's alone."""
    alone = resident.forget_peak()
    if alone:
        device.forget_peak(name)
    return alone


def _memory(name: Device, *, alone: bool) -> dict[str, Any]:
    """Return the highest memory of this process: of the run where that is ``alone``, else since its start."""
    allocated = device.peak_memory(name)
    return {
        "peak_memory_bytes": resident.peak(),
        "peak_memory_of": "run" if alone else "process",
        **({} if allocated is None else {"peak_gpu_memory_bytes": allocated}),
    }


def _own_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cnnreport")
    except PackageNotFoundError:  # a bare checkout on another machine
        return "source"
