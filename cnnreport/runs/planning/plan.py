"""What has to be run and what stands already, and why: decided before any work."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cnnreport.data.data_set import Progress
from cnnreport.errors import UsageError
from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Damaged, Run, folder_name, parse_folder_name
from cnnreport.runs.device import THREADS, Device, instructions, make_of_gpu, resolve
from cnnreport.runs.experiment import Experiment, with_read
from cnnreport.runs.fingerprint import Key, source_closure, versions
from cnnreport.runs.planning import located
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.located import Located
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.planning.stale import judge
from cnnreport.system import durable

SMOKE_SEEDS = 2
"""How many seeds a smoke build runs at most: as few as an interval needs."""


def make_plan(
    project: Project,
    experiments: Iterable[Experiment],
    choices: Choices,
    on_download: Progress | None = None,
) -> list[Planned]:
    """Plan the runs of some experiments: one for each seed, with its state and the reasons for it.

    The run of an experiment that another reads stands before those that read it, asked for or not.

    Args:
        project: Where runs lie.
        experiments: What is wanted.
        choices: What the user chose.
        on_download: Told the bytes done and in all, should data have to be downloaded.

    Raises:
        UsageError: A spec names what is not there.
        DataError: The data asked for are missing or damaged.
        EnvironmentFailure: The device asked for is not there.
    """
    context = _Context(project, choices, _device(choices), on_download)
    existing = _by_experiment(artefact.load_all(project.runs))
    wanted = with_read(project, experiments)
    read = {experiment.reads for experiment in wanted if not experiment.seed_by_seed}
    plan: dict[str, list[Planned]] = {}
    for experiment in wanted:
        common = context.unseeded(experiment, plan.get(experiment.reads, []))
        seeds = _seeds(experiment, common.spec, choices, is_read=experiment.name in read)
        runs = existing.get(experiment.name, ())
        plan[experiment.name] = [judge(common.with_seed(project, seed), runs, choices) for seed in seeds]
    return [planned for runs in plan.values() for planned in runs]


def _by_experiment(existing: Iterable[Run | Damaged]) -> dict[str, list[Run | Damaged]]:
    """Return what lies in the folder of runs by the experiments that it may be a run of: sweeps are large."""
    runs: dict[str, list[Run | Damaged]] = {}
    for run in existing:
        told = parse_folder_name(run.folder.name)
        names = {told[0]} if told else set()
        if isinstance(run, Run):  # somebody may have renamed its folder
            names.add(run.experiment)
        for name in names:
            runs.setdefault(name, []).append(run)
    return runs


def _device(choices: Choices) -> Device:
    """Return where to compute; this machine cannot tell which devices other machines have."""
    if not choices.elsewhere:
        return resolve(choices.device)
    return "cpu" if choices.device == "auto" else choices.device


class _Context:
    """What the experiments of a plan have in common; data and sources are looked up once."""

    def __init__(
        self, project: Project, choices: Choices, device: Device, on_download: Progress | None
    ) -> None:
        self._project, self._choices, self._device = project, choices, device
        self._on_download = on_download
        self._data: dict[tuple[str, ...], Located | None] = {}
        self._closures: dict[tuple[str, ...], Mapping[str, Path]] = {}

    def unseeded(self, experiment: Experiment, reads: Sequence[Planned]) -> "_Unseeded":
        """Return what the runs of an experiment have in common."""
        chosen = experiment.chosen(smoke=self._choices.smoke, precision=self._choices.precision)
        spec = self._choices.cut.of_spec(chosen)
        names = located.names_of(spec.data)
        if names not in self._data:
            self._data[names] = located.locate(names, self._choices, self._on_download)
        data = self._data[names]
        roots = (spec.task.partition(":")[0], *spec.modules(), *(data.modules if data else ()))
        if roots not in self._closures:
            self._closures[roots] = source_closure(roots, self._project.root)
        sources = self._closures[roots]
        key = _key(spec, data, sources, self._device)
        return _Unseeded(experiment, spec, key, data, sources, reads)


@dataclass(frozen=True)
class _Unseeded:
    """What the runs of an experiment have in common; see `Planned`."""

    experiment: Experiment
    spec: Any
    key: Key
    source: Located | None
    sources: Mapping[str, Path]
    reads: Sequence[Planned]

    def with_seed(self, project: Project, seed: int) -> Planned:
        """Return the run of a seed, of which it is not known yet whether it stands."""
        reads = self._read_by(seed)
        read = {"reads": {self.experiment.reads: reads.key.identity}} if reads else {}
        key = Key({**self.key.what, **read, "seed": seed}, self.key.where)
        name = folder_name(self.experiment.name, seed, key)
        return Planned(
            experiment=self.experiment,
            seed=seed,
            spec=self.spec,
            key=key,
            source=self.source,
            sources=self.sources,
            folder=project.runs / name,
            checkpoints=project.checkpoints / name,
            reads=reads,
        )

    def _read_by(self, seed: int) -> Planned | None:
        place = seed if self.experiment.seed_by_seed else 0
        if self.reads and place >= len(self.reads):
            name, read = self.experiment.name, self.experiment.reads
            raise UsageError(
                f"{name} has a seed {seed}, but {read}, which it reads seed by seed, has none",
                f"give {name} no more seeds than {read}",
            )
        return self.reads[place] if self.reads else None


def _seeds(experiment: Experiment, spec: Any, choices: Choices, *, is_read: bool) -> range:
    """Return the seeds to run: one is enough where nothing is random or the first alone is read."""
    return range(1 if spec.symbolic or is_read else choices.cut.of_seeds(uncut_seeds(experiment, choices)))


def uncut_seeds(experiment: Experiment, choices: Choices) -> int:
    """Return how many seeds an experiment has as chosen, before any are taken away to save time."""
    return choices.seeds or (min(experiment.seeds, SMOKE_SEEDS) if choices.smoke else experiment.seeds)


def _key(spec: Any, located: Located | None, sources: Mapping[str, Path], chosen: Device) -> Key:
    """Return what all seeds of an experiment have in common."""
    what = {
        "task": spec.task,
        "spec": asdict(spec),
        "data": located.to_json() if located else None,
        "sources": {path: durable.sha256(file.read_bytes()) for path, file in sources.items()},
        "format": artefact.FORMAT_VERSION,
    }
    return Key(json.loads(json.dumps(what)), where_of(spec, chosen))


def where_of(spec: Any, chosen: Device) -> dict[str, Any]:
    """Return what of this machine the bytes of a spec's runs depend on: the second half of their key."""
    device: Device = "cpu" if spec.symbolic else chosen
    return {
        "device": device,
        "instructions": None if spec.symbolic else instructions(device),
        "arithmetic": spec.arithmetic(device),
        "threads": THREADS if device == "cpu" else None,
        "versions": versions(spec.libraries),
        **make_of_gpu(device),
    }
