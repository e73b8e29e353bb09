"""What has to be run and what stands already, and why: decided from keys alone, before any work."""

import importlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from cnnreport.project import CHOICES, Project
from cnnreport.runs import artefact, checkpoint
from cnnreport.runs.artefact import Damaged, Run, folder_name
from cnnreport.runs.device import THREADS, Device, DeviceChoice, instructions, resolve
from cnnreport.runs.experiment import Experiment, with_read
from cnnreport.runs.fingerprint import Key, check_executed, source_closure, versions
from cnnreport.runs.runner import Job
from cnnreport.system import durable

State = Literal["cached", "imported", "stale", "damaged", "new", "forced", "interrupted", "running", "failed"]


SMOKE_SEEDS = 2
"""How many seeds a smoke build runs at most: as few as an interval needs."""

DataChoice = Literal["auto", "real", "cifar10", "flowers17", "meadow"]
WeightsChoice = Literal["auto", "resnet101", "resnet50", "mobilenet_v3_large", "embedded"]
OnDownload = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Choices:
    """What the user chose on the command line; the defaults are the command line's.

    Args:
        data: Which data sets: ``auto``, ``real`` for real sets everywhere, or a name: that one must be
            had, others are as for ``auto``; ``meadow`` draws all.
        data_dir: Folder with real data, None for none.
        palette: File with the colours, None to look in `data_dir`, else to cluster.
        weights: The pre-trained segmentation net: ``auto``, an architecture, or the embedded one.
        skip_bad: Whether a few bad images may be left out.
        device: Where to compute.
        precision: ``exact`` or ``fast``; None for what the spec says.
        seeds: How many seeds; None for what the experiment says, in a smoke build at most `SMOKE_SEEDS`.
        smoke: Cut everything down to seconds.
        force: Names of experiments and families to be run again though they are cached.
        fetch: Whether data may be downloaded.
    """

    data: DataChoice = "auto"
    data_dir: Path | None = None
    palette: Path | None = None
    weights: WeightsChoice = "auto"
    skip_bad: bool = False
    device: DeviceChoice = "auto"
    precision: str | None = None
    seeds: int | None = None
    smoke: bool = False
    force: tuple[str, ...] = ()
    fetch: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the choices that `status` and `explain` need to see the plan of the last build."""
        kept = {k: v for k, v in asdict(self).items() if k not in ("force", "fetch")}
        return {k: str(v.resolve()) if isinstance(v, Path) else v for k, v in kept.items()}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Choices":
        """Rebuild the choices of a `to_json`."""
        paths = {k: Path(parts[k]) if parts[k] else None for k in ("data_dir", "palette")}
        return cls(**{**parts, **paths})


@dataclass(frozen=True)
class Planned:
    """One run that is wanted.

    Args:
        experiment: What is to be run.
        seed: With which seed.
        spec: The spec as chosen.
        key: What the run depends on today.
        source: The data set, None for a task that takes none.
        sources: Source files that the experiment imports, by their path in the project.
        reads: The planned run whose arrays the task takes beside its data, None for none.
        folder: Where the finished run belongs.
        checkpoints: Where the run under way lies.
        state: Whether it stands.
        reasons: Why it does not, a line each.
        run: The finished run, None where it has to be computed.
    """

    experiment: Experiment
    seed: int
    spec: Any
    key: Key
    source: Any
    sources: Mapping[str, Path]
    folder: Path
    checkpoints: Path
    reads: "Planned | None" = None
    state: State = "new"
    reasons: Sequence[str] = field(default_factory=list)
    run: Run | None = None

    @property
    def place(self) -> Path:
        """Where the finished run lies, or will: one that was brought in has a folder of its own."""
        return self.run.folder if self.run else self.folder


def make_plan(
    project: Project,
    experiments: Iterable[Experiment],
    choices: Choices,
    on_download: OnDownload | None = None,
) -> list[Planned]:
    """Plan the runs of some experiments: one for each seed, with its state and the reasons for it.

    The run of an experiment that another reads stands before those that read it, asked for or not.

    Args:
        project: Where runs lie.
        experiments: What is wanted.
        choices: What the user chose.
        on_download: Told the bytes done and in all, should data have to be downloaded.

    Raises:
        DataError: The data asked for are missing or damaged.
        EnvironmentFailure: The device asked for is not there.
    """
    chosen_device = resolve(choices.device)
    existing = list(artefact.load_all(project.runs))
    wanted = with_read(project, experiments)
    located: dict[str | None, Any] = {}
    closures: dict[tuple[str, ...], Mapping[str, Path]] = {}
    plan: list[Planned] = []
    for one in wanted:
        spec = one.chosen(smoke=choices.smoke, precision=choices.precision)
        if spec.data not in located:
            located[spec.data] = _locate(spec.data, choices, on_download)
        source = located[spec.data]
        roots = (spec.task.partition(":")[0], *spec.modules(), *(source.modules if source else ()))
        if roots not in closures:
            closures[roots] = source_closure(roots, project.search)
        key = _key(spec, source, closures[roots], chosen_device)
        reads = next((p for p in plan if p.experiment.name == one.reads), None)
        for seed in _seeds(one, spec, choices, read_by=[e for e in wanted if e.reads == one.name]):
            planned = _want(project, one, seed, spec, source, closures[roots], reads, key)
            plan.append(_judge(planned, existing, choices))
    return plan


def _seeds(experiment: Experiment, spec: Any, choices: Choices, read_by: Sequence[Experiment]) -> range:
    """Return the seeds to run: one is enough where nothing is random or the first alone is read."""
    declared = min(experiment.seeds, SMOKE_SEEDS) if choices.smoke else experiment.seeds
    return range(1 if spec.symbolic or read_by else choices.seeds or declared)


def make_job(planned: Planned, data: Path | None, command: str) -> Job:
    """Turn a planned run into the job that computes it."""
    return Job(
        experiment=planned.experiment.name,
        seed=planned.seed,
        spec=planned.spec,
        key=planned.key,
        device=planned.key.where["device"],
        folder=planned.folder,
        checkpoints=planned.checkpoints,
        data=data,
        reads=planned.reads.place if planned.reads else None,
        data_origin=planned.source.origin if planned.source else "",
        sources=planned.sources,
        command=command,
        force=planned.state == "forced",
    )


def prepare_data(project: Project, planned: Planned, known: dict[str, Path]) -> Path | None:
    """Return the planned run's data as the task takes them, preparing and keeping them if need be.

    Args:
        project: Where prepared data are kept.
        planned: Whose data.
        known: What this function found earlier, so that large files are not checked again for each run.
    """
    source = planned.source
    if source is None:
        return None
    parameters = planned.spec.data_parameters()
    sources = planned.key.what["sources"]
    data_sources = {path: digest for path, digest in sources.items() if path.startswith("cnnreport/data/")}
    what = {"data": source.fingerprint, "parameters": parameters, "sources": data_sources}
    key = Key(what, versions(planned.spec.libraries))
    stem = f"{source.name}-{key.fingerprint[:16]}"
    if stem not in known:
        known[stem] = _kept_data(project, stem) or _write_data(project, stem, planned)
    return known[stem]


def _kept_data(project: Project, stem: str) -> Path | None:
    files = sorted(project.prepared.glob(f"{stem}.*.safetensors"))
    return next((file for file in files if durable.read_named(file) is not None), None)


def _write_data(project: Project, stem: str, planned: Planned) -> Path:
    import safetensors.numpy

    parameters = planned.spec.data_parameters()
    arrays = importlib.import_module(planned.spec.data).prepare(planned.source, **parameters)
    check_executed(planned.key.what["sources"], planned.sources)
    return durable.write_named(project.prepared, stem, ".safetensors", safetensors.numpy.save(arrays))


def closest(planned: Planned, existing: Iterable[Run | Damaged]) -> Run | None:
    """Return the run of the same experiment and seed whose key differs least from the one wanted."""
    candidates = [
        run
        for run in existing
        if isinstance(run, Run)
        and (run.experiment, run.seed) == (planned.experiment.name, planned.seed)
        and run.folder != planned.folder
    ]
    return min(candidates, key=lambda run: len(run.key.differences(planned.key)), default=None)


def _locate(kind: str | None, choices: Choices, on_download: OnDownload | None) -> Any:
    if kind is None:
        return None
    module = importlib.import_module(kind)
    options = {name: getattr(choices, name) for name in module.OPTIONS}
    return module.locate(choices.data, choices.data_dir, fetch=choices.fetch, progress=on_download, **options)


def _key(spec: Any, source: Any, sources: Mapping[str, Path], chosen: Device) -> Key:
    """Return what all seeds of an experiment have in common."""
    what = {
        "task": spec.task,
        "spec": asdict(spec),
        "data": _data_key(source),
        "sources": {path: durable.sha256(file.read_bytes()) for path, file in sources.items()},
        "format": artefact.FORMAT_VERSION,
    }
    device: Device = "cpu" if spec.symbolic else chosen
    where = {
        "device": device,
        "instructions": None if spec.symbolic else instructions(device),
        "arithmetic": spec.arithmetic(device),
        "threads": THREADS if device == "cpu" else None,
        "versions": versions(spec.libraries),
    }
    return Key(json.loads(json.dumps(what)), where)


def _want(
    project: Project,
    experiment: Experiment,
    seed: int,
    spec: Any,
    source: Any,
    sources: Mapping[str, Path],
    reads: Planned | None,
    common: Key,
) -> Planned:
    read = {"reads": {reads.experiment.name: reads.key.identity}} if reads else {}
    key = Key({**common.what, "seed": seed, **read}, common.where)
    name = folder_name(experiment.name, seed, key)
    return Planned(
        experiment, seed, spec, key, source, sources, project.runs / name, project.checkpoints / name, reads
    )


def _data_key(source: Any) -> dict[str, Any] | None:
    if source is None:
        return None
    return {
        "name": source.name,
        "title": source.title,
        "stand_in": source.stand_in,
        "fingerprint": source.fingerprint,
    }


def _judge(planned: Planned, existing: Sequence[Run | Damaged], choices: Choices) -> Planned:
    here = next((run for run in existing if run.folder == planned.folder), None)
    if not {planned.experiment.name, planned.experiment.family}.isdisjoint(choices.force):
        return replace(planned, state="forced", reasons=["asked for with --force"])
    if isinstance(here, Run):
        return replace(planned, state="imported" if here.imported else "cached", run=here)
    if (brought := _imported(planned, existing, choices)) is not None:
        return replace(planned, state="imported", run=brought)
    state, reasons = _under_way(planned)
    if isinstance(here, Damaged):
        return replace(planned, state=state or "damaged", reasons=[*reasons, here.problem])
    before = closest(planned, existing)
    if before is None:
        return replace(planned, state=state or "new", reasons=reasons or ["it has never been run"])
    differences = before.key.differences(planned.key)
    asked = [line for line in differences if line.startswith(("spec ", "data:"))]
    return replace(
        planned,
        state=state or ("new" if asked else "stale"),
        reasons=reasons or asked or differences,
    )


def _imported(planned: Planned, existing: Sequence[Run | Damaged], choices: Choices) -> Run | None:
    """Find a run made elsewhere that answers the same question, on another device or version."""
    for run in existing:
        if (
            isinstance(run, Run)
            and run.imported
            and (run.experiment, run.seed) == (planned.experiment.name, planned.seed)
            and run.key.identity == planned.key.identity
            and (planned.spec.symbolic or choices.device in ("auto", run.key.where["device"]))
        ):
            return run
    return None


def _under_way(planned: Planned) -> tuple[State | None, list[str]]:
    epochs = checkpoint.epochs(planned.checkpoints)
    if (holder := checkpoint.computed_by(planned.checkpoints)) is not None:
        return "running", [f"being computed now by {holder}, {epochs} epochs done"]
    if (problem := checkpoint.failure(planned.checkpoints)) is not None:
        return "failed", [problem]
    if epochs:
        return "interrupted", [f"{epochs} epochs are done; the next run goes on from there"]
    return None, []


def last_choices(project: Project) -> Choices | None:
    """Return the choices of the last build into this output folder, None where there was none."""
    try:
        return Choices.from_json(json.loads((project.output / CHOICES).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def keep_choices(project: Project, choices: Choices) -> None:
    """Remember the choices of a build for `status` and `explain`."""
    durable.write(project.output / CHOICES, artefact.encode(choices.to_json()))
