"""What a written file depends on, kept beside it: where that is the same, the file is not made again."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cnnreport.report.out.writer import Writer, record_of
from cnnreport.report.page import compose
from cnnreport.report.page.compose import Context
from cnnreport.report.page.report import Report
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.system import durable

_DIGEST, _SECONDS = "sha256", "seconds"
"""Parts of a record that say nothing of what the file depends on: what is in it, and how long it took."""


@dataclass(frozen=True)
class Output:
    """A file that a report is written to.

    Args:
        writer: What writes it.
        path: Where it lies.
        depends: All that decides what is in it, as JSON can hold it.
    """

    writer: Writer
    path: Path
    depends: Mapping[str, object]

    @property
    def stands(self) -> bool:
        """Whether the file is there, is what was written, and was made of the same."""
        kept = _read(self.path)
        made_of = {name: part for name, part in kept.items() if name not in (_DIGEST, _SECONDS)}
        return made_of == self.depends and durable.read(self.path, str(kept.get(_DIGEST))) is not None

    def write(self, report: Report, composing: float) -> None:
        """Write the file, and the record beside it.

        Args:
            report: What goes into it.
            composing: The seconds that it took to compose that.

        Raises:
            CnnReportError: Of the writer; no file is left then.
        """
        begin = time.perf_counter()
        digest = self.writer.write(report, self.path)
        took = {"composing": composing, "writing": time.perf_counter() - begin}
        durable.write(
            record_of(self.path), artefact.encode({**self.depends, _DIGEST: digest, _SECONDS: took})
        )


def output(
    writer: Writer, path: Path, runs: Sequence[Run], sources: Mapping[str, Path], context: Context
) -> Output:
    """Collect what a file depends on.

    Args:
        writer: What writes it.
        path: Where it lies.
        runs: What the report tells of.
        sources: Every template, answer and module that has a part in it, by names that tell them apart.
        context: What the report says about the build.
    """
    libraries = {*compose.LIBRARIES, *writer.libraries}
    manifests = {run.folder.name: run.folder / artefact.MANIFEST for run in runs}
    depends = {
        "context": asdict(context),
        "runs": _hashes(manifests),
        "imported": sorted(run.folder.name for run in runs if run.imported),
        "sources": _hashes(sources),
        "versions": {library: version(library) for library in sorted(libraries)},
    }
    return Output(writer, path, depends)


def last_time(paths: Iterable[Path]) -> float | None:
    """Return the seconds that it took to compose and write some files, None where one was never written."""
    try:
        took = [_read(path)[_SECONDS] for path in paths]
        return max(float(t["composing"]) for t in took) + sum(float(t["writing"]) for t in took)
    except (KeyError, TypeError, ValueError):
        return None  # of an earlier version, or damaged: then the file is made again


def _hashes(sources: Mapping[str, Path]) -> dict[str, str]:
    return {name: durable.sha256(file.read_bytes()) for name, file in sorted(sources.items())}


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(record_of(path).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}  # whatever stands there is no report of ours
