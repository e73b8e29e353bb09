"""What has to be run and what stands already, and why: decided before any work."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cnnreport.data.data_set import Progress
from cnnreport.project import Project
from cnnreport.runs import artefact, located
from cnnreport.runs.artefact import folder_name
from cnnreport.runs.choices import Choices
from cnnreport.runs.device import THREADS, Device, instructions, resolve
from cnnreport.runs.experiment import Experiment, with_read
from cnnreport.runs.fingerprint import Key, source_closure, versions
from cnnreport.runs.located import Located
from cnnreport.runs.planned import Planned
from cnnreport.runs.stale import judge
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
    chosen_device = resolve(choices.device)
    existing = list(artefact.load_all(project.runs))
    wanted = with_read(project, experiments)
    found_data: dict[tuple[str, ...], Located | None] = {}
    closures: dict[tuple[str, ...], Mapping[str, Path]] = {}
    plan: list[Planned] = []
    for one in wanted:
        spec = one.chosen(smoke=choices.smoke, precision=choices.precision)
        names = located.names_of(spec.data)
        if names not in found_data:
            found_data[names] = located.locate(names, choices, on_download)
        data = found_data[names]
        roots = (spec.task.partition(":")[0], *spec.modules(), *(data.modules if data else ()))
        if roots not in closures:
            closures[roots] = source_closure(roots, project.root)
        common = _key(spec, data, closures[roots], chosen_device)
        reads = next((p for p in plan if p.experiment.name == one.reads), None)
        if reads:
            common = Key({**common.what, "reads": {one.reads: reads.key.identity}}, common.where)
        for seed in _seeds(one, spec, choices, read_by=[e for e in wanted if e.reads == one.name]):
            key = Key({**common.what, "seed": seed}, common.where)
            name = folder_name(one.name, seed, key)
            planned = Planned(
                experiment=one,
                seed=seed,
                spec=spec,
                key=key,
                source=data,
                sources=closures[roots],
                folder=project.runs / name,
                checkpoints=project.checkpoints / name,
                reads=reads,
            )
            plan.append(judge(planned, existing, choices))
    return plan


def _seeds(experiment: Experiment, spec: Any, choices: Choices, read_by: Sequence[Experiment]) -> range:
    """Return the seeds to run: one is enough where nothing is random or the first alone is read."""
    declared = min(experiment.seeds, SMOKE_SEEDS) if choices.smoke else experiment.seeds
    return range(1 if spec.symbolic or read_by else choices.seeds or declared)


def _key(spec: Any, located: Located | None, sources: Mapping[str, Path], chosen: Device) -> Key:
    """Return what all seeds of an experiment have in common."""
    what = {
        "task": spec.task,
        "spec": asdict(spec),
        "data": located.to_json() if located else None,
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
