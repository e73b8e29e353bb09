"""What a container lets its processes have: the memory limits of Linux's control groups, versions 1 and 2.

A limit may stand at any level above a process, so that the least of what is left at each level counts.
Cached files are counted as used by the kernel, which drops them before it kills anybody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 1 << 60
"""Bytes from which on version 1 means that there is no limit."""


@dataclass(frozen=True)
class _Version:
    """The names of one version's files.

    Args:
        mount: The type of its file system.
        limits: Files with a number of bytes, or another word for none.
        usage: File with the bytes in use.
        cached: Lines of ``memory.stat`` that tell the bytes of cached files.
    """

    mount: str
    limits: tuple[str, ...]
    usage: str
    cached: tuple[str, ...]


# `memory.high` kills nobody, but above it everything stands still.
_FIRST = _Version(
    "cgroup",
    ("memory.limit_in_bytes",),
    "memory.usage_in_bytes",
    ("total_inactive_file", "total_active_file"),
)
_SECOND = _Version(
    "cgroup2", ("memory.max", "memory.high"), "memory.current", ("inactive_file", "active_file")
)


def available_memory(proc: Path = Path("/proc")) -> int | None:
    """Return the bytes of memory that the control groups of this process leave it, None for no limit.

    Args:
        proc: Where the kernel tells of processes; another folder for tests.
    """
    left = [
        max(0, limit - used)
        for version, folder in _groups(proc)
        if (limit := _limit(folder, version)) is not None and (used := _used(folder, version)) is not None
    ]
    return min(left, default=None)


def _groups(proc: Path) -> Iterator[tuple[_Version, Path]]:
    """Find the folders of this process's memory groups, each followed by those above it."""
    for line in _lines(proc / "self" / "cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "memory" in controllers.split(","):
            version = _FIRST
        elif number == "0" and not controllers:
            version = _SECOND
        else:
            continue
        for root, mount in _mounts(proc, version):
            # In a container the path may be that of the host, and the mount its own group's folder.
            inner = path.removeprefix(root.rstrip("/")).lstrip("/")
            above = _upwards(mount, inner)
            folder = next(directory for directory in above if directory.is_dir() or directory == mount)
            for directory in (folder, *folder.parents):
                yield version, directory
                if directory == mount:
                    break


def _upwards(mount: Path, inner: str) -> Iterator[Path]:
    folder = mount / inner
    yield folder
    while folder != mount and folder != folder.parent:
        folder = folder.parent
        yield folder


def _mounts(proc: Path, version: _Version) -> Iterator[tuple[str, Path]]:
    """Find where a version's memory groups are mounted: the group at the mount's root, and its folder."""
    for line in _lines(proc / "self" / "mountinfo"):
        fields, _, kind = line.partition(" - ")
        _, _, _, root, mount, *_ = fields.split(" ")
        system, _, options = kind.split(" ", 2)
        if system == version.mount and (version is _SECOND or "memory" in options.split(" ")[-1].split(",")):
            yield root, Path(mount)


def _limit(folder: Path, version: _Version) -> int | None:
    limits = [number for name in version.limits if (number := _number(folder / name)) is not None]
    return min((number for number in limits if number < _UNLIMITED), default=None)


def _used(folder: Path, version: _Version) -> int | None:
    usage = _number(folder / version.usage)
    if usage is None:
        return None
    statistics = dict(line.partition(" ")[::2] for line in _lines(folder / "memory.stat"))
    return usage - sum(int(statistics.get(name, 0)) for name in version.cached)


def _number(file: Path) -> int | None:
    text = next(iter(_lines(file)), "")
    return int(text) if text.isdigit() else None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:  # not Linux, or not told to us
        return []
