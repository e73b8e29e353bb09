"""Where a report comes from, as a reader needs it: data, machines, versions and runs, ready to print."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cnnreport.kinds.digits import NARROW
from cnnreport.report.answer import Runs
from cnnreport.report.numbers.reading import DataSet, datasets
from cnnreport.report.page.ledger import Origin
from cnnreport.runs.artefact import Run


@dataclass(frozen=True)
class RunRow:
    """One run, each field as it prints."""

    label: str
    anchor: str
    folder: str
    experiment: str
    seed: str
    fingerprint: str
    device: str
    arithmetic: str
    wall_time: str
    memory: str
    origin: str
    imported: bool
    diverged: bool


@dataclass(frozen=True)
class Provenance:
    """All that the cover and the appendix say about the origin of a report.

    Args:
        rows: The runs, in the order of the report.
        data: The data sets used.
        data_origins: Phrases saying where a data set came from, by its fingerprint.
        data_hashes: SHA-256 of the prepared data by the fingerprint of the data set; several where its runs
            were given different ones.
        finished: When the last run ended, ISO 8601, UTC.
        commands: The command lines that made the runs.
        machines: What they ran on, a line each.
        versions: Library versions; several where runs differ.
        memory_of_runs: Whether the memory of each run was measured while it was computed; else earlier runs
            of its process are in it.
        on_gpu: Whether any run says how much of a GPU's memory it took.
    """

    rows: tuple[RunRow, ...]
    data: tuple[DataSet, ...]
    data_origins: Mapping[str, tuple[str, ...]]
    data_hashes: Mapping[str, tuple[str, ...]]
    finished: str
    commands: tuple[str, ...]
    machines: tuple[str, ...]
    versions: Mapping[str, str]
    memory_of_runs: bool
    on_gpu: bool

    @property
    def date(self) -> str:
        """The day on which the last run ended, as prose shows it."""
        moment = datetime.fromisoformat(self.finished)
        return f"{moment.day}{NARROW}{moment:%B %Y}"

    @property
    def stand_in(self) -> bool:
        """Whether any data only stand in for the real ones."""
        return any(data.stand_in for data in self.data)

    @property
    def imported(self) -> bool:
        """Whether any run was made elsewhere."""
        return any(row.imported for row in self.rows)

    @property
    def labels(self) -> Mapping[str, RunRow]:
        """The rows by the folder names of their runs."""
        return {row.folder: row for row in self.rows}

    def experiments(self, folders: Sequence[str]) -> str:
        """Name the experiments of some runs."""
        return ", ".join(dict.fromkeys(self.labels[folder].experiment for folder in folders))

    def in_order(self, origins: Sequence[Origin]) -> list[Origin]:
        """Sort by the runs, as the report has them; what was read elsewhere comes last."""
        place = {row.folder: n for n, row in enumerate(self.rows)}
        return sorted(origins, key=lambda origin: (not origin.runs, [place[run] for run in origin.runs]))


def trace(runs: Runs) -> Provenance:
    """Collect where the runs of a report come from."""
    flat = [run for group in runs.values() for run in group]
    circumstances = [run.circumstances for run in flat]
    return Provenance(
        rows=tuple(_row(run, number) for number, run in enumerate(flat, 1)),
        data=datasets(flat),
        data_origins={data.fingerprint: _said(flat, data, "data_origin") for data in datasets(flat)},
        data_hashes={data.fingerprint: _said(flat, data, "data_sha256") for data in datasets(flat)},
        finished=max(_moment(str(c["finished"])) for c in circumstances).isoformat(timespec="seconds"),
        commands=tuple(dict.fromkeys(str(c["command"]) for c in circumstances)),
        machines=tuple(dict.fromkeys(_machine(c["machine"]) for c in circumstances)),
        versions=_versions(circumstances),
        memory_of_runs=all(c.get("peak_memory_of") == "run" for c in circumstances),
        on_gpu=any("peak_gpu_memory_bytes" in c for c in circumstances),
    )


def _said(runs: Sequence[Run], data: DataSet, what: str) -> tuple[str, ...]:
    """Return what the runs that were given a data set say of it, each once."""
    given = [run.circumstances.get(what) for run in runs if data in datasets([run])]
    return tuple(sorted({str(each) for each in given if each}))


def _row(run: Run, number: int) -> RunRow:
    circumstances, where = run.circumstances, run.key.where
    return RunRow(
        label=f"R{number}",
        anchor=f"run-{number}",
        folder=run.folder.name,
        experiment=run.experiment,
        seed=str(run.seed),
        fingerprint=run.folder.name.rpartition("-")[2],
        device=_device(circumstances["machine"]["device"]),
        arithmetic=str(where.get("arithmetic", "")),
        wall_time=duration(float(circumstances["seconds"])),
        memory=_memory(circumstances),
        origin=_origin(run),
        imported=run.imported is not None,
        diverged=run.diverged,
    )


def duration(seconds: float) -> str:
    """Print a time span in its two largest units."""
    if seconds < 60:
        return f"{seconds:.1f}{NARROW}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}{NARROW}h {minutes}{NARROW}min"
    return f"{minutes}{NARROW}min {rest}{NARROW}s"


def _memory(circumstances: Mapping[str, Any]) -> str:
    """Print the peak of the process, and of the GPU where the run used one."""
    peak, allocated = (circumstances.get(f"peak_{which}memory_bytes") for which in ("", "gpu_"))
    resident = "not known" if peak is None else f"{peak / 2**20:.0f}{NARROW}MiB"
    return resident if allocated is None else f"{resident}; GPU {allocated / 2**20:.0f}{NARROW}MiB"


def _origin(run: Run) -> str:
    if run.imported is None:
        return "made here"
    return f"imported {str(run.imported.get('when', ''))[:10]} from {run.imported.get('file', 'elsewhere')}"


def _machine(machine: Mapping[str, Any]) -> str:
    processor = f"{_device(machine['processor'])}, {machine['cores']} cores"
    device = machine["device"]
    on = processor if device == machine["processor"] else f"{device}; {processor}"
    return f"{on}; {machine['system']}, Python {machine['python']}"


def _device(name: str) -> str:
    return re.sub(r"\((?:R|TM|C)\)", "", name).strip()


def _versions(circumstances: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    by_library: dict[str, set[str]] = {}
    for entry in circumstances:
        for library, version in entry["versions"].items():
            by_library.setdefault(library, set()).add(str(version))
    return {library: " and ".join(sorted(versions)) for library, versions in sorted(by_library.items())}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
