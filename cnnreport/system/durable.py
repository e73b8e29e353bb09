"""The one way in which files that matter are written, and how they are trusted again.

A file is trusted for what it holds, never for when it was written: its SHA-256 stands either
in a manifest or, for single files, in its own name.
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cnnreport.errors import EnvironmentFailure

_ATTEMPTS = 5
"""How often a file is written, or a folder made, whose folder goes meanwhile."""

_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""What file systems answer that cannot sync a folder; their rename is as durable as they can make it."""

_NAMED = re.compile(r"\.([0-9a-f]{64})(\.\w+)$")


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write(path: Path, content: bytes) -> str:
    """Write a file so that at every moment the old or the whole new content stands on the disk.

    Temporary file in the same folder, write, flush, fsync, rename, fsync of the folder.

    Returns:
        The SHA-256 of the content.

    Raises:
        EnvironmentFailure: The folder cannot be written, or the disk is full.
    """
    _insist(path, lambda: _write(path, content))
    return sha256(content)


def make_folder(path: Path) -> None:
    """Make a folder that is going to be written to.

    Raises:
        EnvironmentFailure: It cannot be made.
    """
    _insist(path, lambda: path.mkdir(parents=True, exist_ok=True))


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what is not there is removed already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def read(path: Path, digest: str) -> bytes | None:
    """Return a file's bytes, or None where it is missing or is not what was once written."""
    try:
        content = path.read_bytes()
    except OSError:  # missing, a folder in its place, unreadable: not what was written
        return None
    return content if sha256(content) == digest else None


def holds(path: Path, digest: str) -> bool:
    """Say whether a file is what was once written, without having all of it in memory."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:  # missing, a folder in its place, unreadable: not what was written
        return False


def write_named(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """Write ``<stem>.<sha256><suffix>``: a single file that proves itself by its name."""
    path = folder / f"{stem}.{sha256(content)}{suffix}"
    write(path, content)
    return path


def read_named(path: Path) -> bytes | None:
    """Return the bytes of a file written by `write_named`, or None where they are not those."""
    digest = named_hash(path)
    return read(path, digest) if digest else None


def holds_named(path: Path) -> bool:
    """Say whether a file that `write_named` wrote is what it was, without having all of it in memory."""
    digest = named_hash(path)
    return digest is not None and holds(path, digest)


def named_hash(path: Path) -> str | None:
    """Return the hash in the name of a file written by `write_named`, None where there is none."""
    match = _NAMED.search(path.name)
    return match.group(1) if match else None


def _insist(path: Path, action: Callable[[], None]) -> None:
    """Do something to a path again where another process that ended the same work removes its folder.

    A folder that goes between mkdir's two looks at it is reported as a file that exists.
    """
    for attempt in range(_ATTEMPTS):
        try:
            action()
            return
        except (FileNotFoundError, FileExistsError) as error:
            if attempt + 1 == _ATTEMPTS:
                raise _failure(path, error) from error
        except OSError as error:
            raise _failure(path, error) from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            with contextlib.suppress(PermissionError):  # some shares keep modes of their own
                os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _failure(path: Path, error: OSError) -> EnvironmentFailure:
    remedies = {
        errno.ENOSPC: "free some space there or choose another folder with --out",
        errno.ENOTDIR: "a file is in the way: move it or choose another folder with --out",
        errno.EEXIST: "a file is in the way: move it or choose another folder with --out",
        errno.EISDIR: "a folder is in the way: move it",
    }
    reason = (error.strerror or str(error)).lower()
    remedy = remedies.get(error.errno or 0, "choose another folder with --out")
    return EnvironmentFailure(f"cannot write {path}: {reason}", remedy)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; its rename is durable without
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # removed with the file in it, by a process that is done with both
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)
