"""What a container leaves, from files as kernels of both versions write them."""

from pathlib import Path

import pytest

from cnnreport.system import cgroups

GIB = 1 << 30
NONE_V1 = str((1 << 63) - 4096)


class Kernel:
    """The files in which a kernel tells of one process's groups."""

    def __init__(self, root: Path, version: int, path: str, mounted: str = "/") -> None:
        self.proc = root / "proc"
        self.mount = root / "mounted"
        self.version = version
        (self.proc / "self").mkdir(parents=True)
        self.mount.mkdir()
        line = f"0::{path}" if version == 2 else f"9:name=systemd:/\n4:memory,hugetlb:{path}\n0::/"
        (self.proc / "self" / "cgroup").write_text(f"{line}\n")
        kind = "cgroup2 cgroup rw" if version == 2 else "cgroup cgroup rw,memory,hugetlb"
        (self.proc / "self" / "mountinfo").write_text(
            "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
            "31 23 0:28 / /other rw shared:9 - cgroup cgroup rw,cpu\n"
            f"32 31 0:29 {mounted} {self.mount} rw,nosuid shared:4 - {kind}\n"
        )

    def group(self, path: str, limit: str, used: int, cached: int = 0, high: str = "max") -> None:
        """Write the files of a group."""
        folder = self.mount / path
        folder.mkdir(parents=True, exist_ok=True)
        names = ("memory.max", "memory.current") if self.version == 2 else (
            "memory.limit_in_bytes", "memory.usage_in_bytes")  # fmt: skip
        (folder / names[0]).write_text(f"{limit}\n")
        (folder / names[1]).write_text(f"{used}\n")
        total = "" if self.version == 2 else "total_"
        statistics = f"anon 1\nfile 77\n{total}inactive_file {cached}\n{total}active_file {cached}\nslab 2\n"
        (folder / "memory.stat").write_text(statistics)
        if self.version == 2:
            (folder / "memory.high").write_text(f"{high}\n")

    def left(self) -> int | None:
        """What the process may still take."""
        return cgroups.available_memory(self.proc)


@pytest.mark.parametrize("version", [1, 2])
def test_a_limit_less_what_is_used_is_left(version: int, tmp_path: Path) -> None:
    """Cached files are no use: the kernel drops them first."""
    kernel = Kernel(tmp_path, version, "/docker/one")
    kernel.group("docker/one", str(3 * GIB), 2 * GIB, cached=GIB // 4)
    assert kernel.left() == 3 * GIB - (2 * GIB - GIB // 2)


@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_group_above_counts(version: int, tmp_path: Path) -> None:
    """A limit may stand at any level."""
    kernel = Kernel(tmp_path, version, "/slice/pod/container")
    none = "max" if version == 2 else NONE_V1
    kernel.group("slice/pod/container", none, GIB)
    kernel.group("slice/pod", str(4 * GIB), 3 * GIB)
    kernel.group("slice", str(9 * GIB), 4 * GIB)
    assert kernel.left() == GIB


@pytest.mark.parametrize("version", [1, 2])
def test_without_a_limit_nothing_is_told(version: int, tmp_path: Path) -> None:
    """A group without a limit leaves what the machine has."""
    kernel = Kernel(tmp_path, version, "/user")
    kernel.group("user", "max" if version == 2 else NONE_V1, GIB)
    assert kernel.left() is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_sees_its_own_group_as_the_root(version: int, tmp_path: Path) -> None:
    """The path may be the host's while the mount shows the group's own folder."""
    kernel = Kernel(tmp_path, version, "/docker/0123", mounted="/docker/0123")
    kernel.group(".", str(2 * GIB), GIB)
    assert kernel.left() == GIB


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_that_is_not_mounted_here_counts_as_the_nearest_above(version: int, tmp_path: Path) -> None:
    """A path that leads nowhere is followed as far as it goes."""
    kernel = Kernel(tmp_path, version, "/host/only/0123")
    kernel.group("host", str(2 * GIB), GIB)
    assert kernel.left() == GIB


def test_memory_high_is_a_limit(tmp_path: Path) -> None:
    """Above it nobody is killed, but everything stands still."""
    kernel = Kernel(tmp_path, 2, "/unit")
    kernel.group("unit", str(8 * GIB), GIB, high=str(3 * GIB))
    assert kernel.left() == 2 * GIB


def test_more_in_use_than_allowed_leaves_nothing(tmp_path: Path) -> None:
    """A limit that was lowered leaves no less than nothing."""
    kernel = Kernel(tmp_path, 2, "/unit")
    kernel.group("unit", str(GIB), 2 * GIB)
    assert kernel.left() == 0


def test_a_system_without_groups_tells_nothing(tmp_path: Path) -> None:
    """Not Linux, or a kernel without them."""
    assert cgroups.available_memory(tmp_path) is None
