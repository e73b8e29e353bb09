"""What travels to another machine and back: one run by value, and what became of it."""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cnnreport.project import Project
from cnnreport.runs.device import Device
from cnnreport.runs.executors.elsewhere.posts import Reporter
from cnnreport.runs.fingerprint import Key, versions
from cnnreport.system import durable

_NAMED = 4
"""How many sources that differ are named; of the others there is only their number."""


@dataclass(frozen=True)
class Errand:
    """One run on its way to another machine; can be pickled, and unpickled by any that has this package.

    Args:
        name: The experiment's name and the seed, in words.
        job: The job, pickled: only the process that computes it knows the project's own classes.
        key: What the run depends on here: spec, data, the sources' hashes, versions of libraries.
        python: The version of Python here.
        device: Where to compute.
        project: Where project and output lie here; there perhaps, too.
        room: A folder that is there as long as the command wants its runs. Who sees it shares the output.
        data: The prepared data here, None for none.
        reads: The run here that this one reads, None for none.
        reporter: Takes the progress.
        alone: Whether it may be done where the room cannot be seen; else the room being gone recalls it.
        parcels: Contents of what is not shared, by the names of the fields that say where it lies here.
    """

    name: str
    job: bytes
    key: Key
    python: str
    device: Device
    project: Project
    room: Path
    data: Path | None
    reads: Path | None
    reporter: Reporter
    alone: bool = True
    parcels: Mapping[str, bytes] = field(default_factory=dict)

    def differences(self, project: Project) -> list[str]:
        """Say what of this machine, with its copy of the project, is not as where the errand is from.

        Builds of one version of a library for different devices (``2.11.0+cu130``) count as the same: the
        run keeps which it was.
        """
        pairs = {"Python": (self.python, platform.python_version())}
        here = versions(self.key.where["versions"])
        pairs |= {name: (there, here[name]) for name, there in self.key.where["versions"].items()}
        lines = [
            f"{name} is {ours} there and {theirs} here"
            for name, (theirs, ours) in pairs.items()
            if ours.partition("+")[0] != theirs.partition("+")[0]
        ]
        return [*lines, *_shortened(list(self._other_sources(project)))]

    def _other_sources(self, project: Project) -> Iterator[str]:
        for path, digest in self.key.what["sources"].items():
            file = project.source(path)
            if not file.is_file():
                yield f"{path} is not in {project.root}"
            elif durable.sha256(file.read_bytes()) != digest:
                yield f"{path} is another there"


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - _NAMED
    return [*lines[:_NAMED], f"{more} more sources differ"] if more > 0 else lines


@dataclass(frozen=True)
class Made:
    """The run is computed: it lies in a folder of the room, or else in an archive."""

    folder: str
    archive: bytes | None


@dataclass(frozen=True)
class Wanting:
    """That machine sees no shared folder and lacks something; named as the errand's fields."""

    host: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """That machine would compute something else; `differences` says why."""

    host: str
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """The run has failed with an error, pickled: only the project knows all classes."""

    error: bytes


@dataclass(frozen=True)
class Crashed:
    """The process that computed the run ended before it; `how` says it in words."""

    how: str


@dataclass(frozen=True)
class Recalled:
    """The run is not wanted any more."""


Answer = Made | Wanting | Refused | Failed | Crashed | Recalled
