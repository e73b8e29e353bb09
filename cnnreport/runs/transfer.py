"""Runs made elsewhere: packed into one file on one machine, checked and marked on another."""

import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from cnnreport.errors import DataError, UsageError
from cnnreport.runs import artefact
from cnnreport.runs.artefact import IMPORTED, MANIFEST, Run, folder_name, parse_folder_name
from cnnreport.system import durable

MAX_NAME = 200
"""Longest path of a file in an archive."""

MAX_BYTES = 2 << 30
"""Largest size of an archive's content that is unpacked."""


def export_runs(runs: Iterable[Run], file: Path) -> list[Run]:
    """Pack runs into a zip file; the same runs give the same bytes.

    Raises:
        UsageError: There is nothing to pack.
    """
    packed = sorted(runs, key=lambda run: run.folder.name)
    if not packed:
        raise UsageError("there are no finished runs to export", "build or run something first")
    durable.write(file, pack(packed))
    return packed


def pack(runs: Iterable[Run]) -> bytes:
    """Return a zip archive of some runs, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in runs:
            for name in [*run.manifest["files"], MANIFEST]:
                entry = zipfile.ZipInfo(f"{run.folder.name}/{name}")  # dated 1980, whenever it is made
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, (run.folder / name).read_bytes())
    return buffer.getvalue()


def import_runs(file: Path, root: Path) -> tuple[list[Run], list[Run]]:
    """Unpack runs into the folder of runs, each checked byte by byte before it appears there.

    Returns:
        The runs brought in, and those that stood here already and were left alone.

    Raises:
        DataError: The file is no archive of runs, is damaged, or holds what does not belong there.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        problem = f"cannot read {file}: {error.strerror}"
        raise DataError(problem, "give the file that `runs export` wrote") from error
    mark = {"file": file.name, "sha256": durable.sha256(content)}
    return unpack(content, root, mark, str(file))


def unpack(
    content: bytes, root: Path, mark: Mapping[str, str], file: str, *, replace: bool = False
) -> tuple[list[Run], list[Run]]:
    """Unpack an archive of runs into the folder of runs; see `import_runs`.

    Args:
        content: What `pack` returned.
        root: The folder of runs.
        mark: What is kept of where they are from; ``file`` is a phrase for the report.
        file: What errors call the archive.
        replace: Whether runs that stand here already give way.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = _checked_names(archive, file)
    except zipfile.BadZipFile as error:
        raise DataError(f"{file} is not an archive of runs, or is cut short", "export it again") from error
    durable.make_folder(root)
    with tempfile.TemporaryDirectory(dir=root, prefix=artefact.INCOMING) as incoming:
        for folder in sorted({name.partition("/")[0] for name in names}):
            _unpack(archive, [name for name in names if name.startswith(f"{folder}/")], Path(incoming), file)
        return take(sorted(Path(incoming).iterdir()), root, mark, file, replace=replace)


def _checked_names(archive: zipfile.ZipFile, file: str) -> list[str]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if not entries:
        raise DataError(f"{file} holds no runs", "export some")
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise DataError(f"{file} would unpack to more than {MAX_BYTES >> 30} GiB", "export fewer runs")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        inside = len(path.parts) > 1 and ".." not in path.parts and not path.is_absolute()
        if not inside or not parse_folder_name(path.parts[0]) or len(entry.filename) > MAX_NAME:
            raise DataError(f"{file} holds {entry.filename!r}, which is no run's file", "export it again")
    return [entry.filename for entry in entries]


def _unpack(archive: zipfile.ZipFile, names: list[str], incoming: Path, file: str) -> None:
    for name in names:
        try:
            content = archive.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{name} in {file} is damaged or encrypted", "export it again") from error
        durable.write(incoming / name, content)


def take(
    folders: Iterable[Path], root: Path, mark: Mapping[str, str], file: str, *, replace: bool = False
) -> tuple[list[Run], list[Run]]:
    """Move runs that were made elsewhere into the folder of runs, on the same file system; see `unpack`.

    Raises:
        DataError: One of them is damaged, or holds what does not belong there; none is taken.
    """
    checked = [_check(folder, file) for folder in folders]
    durable.make_folder(root)
    when = {"when": datetime.now(UTC).isoformat(timespec="seconds")}
    taken, known = [], []
    for run in checked:
        target = root / run.folder.name
        there = artefact.load(target)
        if isinstance(there, Run) and not replace:
            known.append(there)
            continue
        durable.write(run.folder / IMPORTED, artefact.encode({**when, **mark}))
        artefact.put(run.folder, target)  # a damaged run of that name gives way
        arrived = artefact.load(target)
        assert isinstance(arrived, Run), arrived
        taken.append(arrived)
    return taken, known


def _check(folder: Path, file: str) -> Run:
    run = artefact.load(folder)
    if not isinstance(run, Run):
        problem = run.problem if run else f"{MANIFEST} is missing"
        raise DataError(f"the run {folder.name} in {file} is damaged: {problem}", "export it again")
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if present != {*run.manifest["files"], MANIFEST} or folder.name != folder_name(
        run.experiment, run.seed, run.key
    ):
        raise DataError(f"the run {folder.name} in {file} is not what its manifest says", "export it again")
    return run
