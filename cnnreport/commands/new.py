"""A project of one's own to begin with: a small report that builds, to be changed into another."""

import contextlib
import re
from pathlib import Path

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE
from cnnreport.system import durable

STARTER = PACKAGE / "starter"
"""The project that is copied; it is complete, and its report is called `NAME`."""

NAME = "my-report"

REPOSITORY = ".git"
"""What `git init` makes in a folder that is empty otherwise."""


def new(name: str, folder: Path) -> list[Path]:
    """Write a project with one report.

    Args:
        name: The report's name.
        folder: Where the project goes; made if need be.

    Returns:
        The files written, sorted.

    Raises:
        UsageError: The name is none for a report, or something lies in the folder; a new repository may.
        EnvironmentFailure: The folder cannot be written.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise UsageError(f"{name!r} is no report's name", "use lower-case words and hyphens")
    there = folder.exists()
    if there and not (folder.is_dir() and {file.name for file in folder.iterdir()} <= {REPOSITORY}):
        raise UsageError(f"{folder} is not empty", "choose another name, or another folder with --into")
    try:
        return _copied(name, folder)
    except BaseException:  # half a project would be in the way of the next attempt
        with contextlib.suppress(OSError):
            for left in [*folder.iterdir()] if there else [folder]:
                if left.name != REPOSITORY:
                    durable.remove(left)
        raise


def _copied(name: str, folder: Path) -> list[Path]:
    written = []
    for file in sorted(path for path in STARTER.rglob("*") if path.is_file()):
        place = file.relative_to(STARTER)
        if "__pycache__" in place.parts:
            continue
        target = folder / str(place).replace(NAME, name)
        durable.make_folder(target.parent)
        durable.write(target, file.read_text(encoding="utf-8").replace(NAME, name).encode())
        written.append(target)
    return written
