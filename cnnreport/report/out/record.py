"""What a written file depends on, kept beside it: where that is the same, the file is not made again.

Two things are asked in turn. Where templates, answers, code, runs and libraries are the same, nothing has
to be composed. Where they are not, the document is composed, and its file still stands if the same came out.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cnnreport.report.out.writer import DIGEST, Writer, read_record, record_of
from cnnreport.report.page import compose
from cnnreport.report.page.compose import Context
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.system import durable

_CONTENT, _SECONDS = "content", "seconds"
"""Parts of a record that decide nothing, as `DIGEST` does: what was written, and how long it took."""


@dataclass(frozen=True)
class Output:
    """A file that a document of a report is written to.

    Args:
        writer: What writes it.
        document: The name of the document.
        path: Where it lies.
        depends: All that decides what is in it, as JSON can hold it.
        writing: The part of that which decides how a given content is written.
    """

    writer: Writer
    document: str
    path: Path
    depends: Mapping[str, object]
    writing: Mapping[str, object]

    @property
    def stands(self) -> bool:
        """Whether the file is there, is what was written, and was made of the same."""
        kept = read_record(self.path)
        made_of = {name: part for name, part in kept.items() if name not in (DIGEST, _CONTENT, _SECONDS)}
        return made_of == self.depends and self._is_there(kept)

    @property
    def edited(self) -> bool:
        """Whether the file is one that people work on, and is not what a build wrote any more."""
        return self.writer.is_edited(self.path)

    def holds(self, content: str) -> bool:
        """Say whether the file is what a content would give; then its record is brought up to date."""
        kept = read_record(self.path)
        if kept.get(_CONTENT) != self._hash(content) or not self._is_there(kept):
            return False
        self._keep(content, str(kept[DIGEST]), kept.get(_SECONDS))
        return True

    def written(self, content: str, digest: str, seconds: Mapping[str, float]) -> None:
        """Note beside the file that it was written.

        Args:
            content: What was written.
            digest: The SHA-256 of the file.
            seconds: How long it took: ``composing`` and ``writing``.
        """
        self._keep(content, digest, seconds)

    def _is_there(self, kept: Mapping[str, Any]) -> bool:
        return durable.read(self.path, str(kept.get(DIGEST))) is not None

    def _hash(self, content: str) -> str:
        made_of = [durable.sha256(content.encode()), self.writing]
        return durable.sha256(json.dumps(made_of, sort_keys=True).encode())

    def _keep(self, content: str, digest: str, seconds: object) -> None:
        parts = {_CONTENT: self._hash(content), DIGEST: digest, _SECONDS: seconds}
        durable.write(record_of(self.path), artefact.encode({**self.depends, **parts}))


def outputs(
    writer: Writer,
    paths: Mapping[str, Path],
    runs: Sequence[Run],
    sources: Mapping[str, Path],
    code: Collection[str],
    context: Context,
) -> list[Output]:
    """Collect what the files of a writer depend on.

    Args:
        writer: What writes them.
        paths: Where they lie, by the names of their documents.
        runs: What the report tells of.
        sources: Every template, answer and module that has a part in it, by names that tell them apart.
        code: The names of those that decide how a given content is written.
        context: What the report says about the build.
    """
    libraries = {*compose.LIBRARIES, *writer.libraries}
    versions = {library: version(library) for library in sorted(libraries)}
    hashes = _hashes(sources)
    depends = {
        "context": json.loads(json.dumps(asdict(context))),  # as it is read again
        "runs": _hashes({run.folder.name: run.folder / artefact.MANIFEST for run in runs}),
        "imported": sorted(run.folder.name for run in runs if run.imported),
        "sources": hashes,
        "versions": versions,
    }
    writing = {"sources": {name: hashes[name] for name in sorted(code)}, "versions": versions}
    return [Output(writer, name, path, depends, writing) for name, path in paths.items()]


def last_time(paths: Iterable[Path]) -> float | None:
    """Return the seconds that it took to compose and write some files, None where one was never written."""
    try:
        took = [read_record(path)[_SECONDS] for path in paths]
        # The slow ones are written side by side.
        return sum(max(float(t[part]) for t in took) for part in ("composing", "writing"))
    except (KeyError, TypeError, ValueError):
        return None  # of an earlier version, or damaged: then the file is made again


def _hashes(sources: Mapping[str, Path]) -> dict[str, str]:
    return {name: durable.sha256(file.read_bytes()) for name, file in sorted(sources.items())}
