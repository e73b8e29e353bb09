"""How the C library takes memory and hands it back: a training loop pays a page fault for each 4 KiB."""

import ctypes
import os
import platform
from collections.abc import Mapping

_TUNABLES = "GLIBC_TUNABLES"
_TUNED: Mapping[str, int] = {
    "glibc.malloc.hugetlb": 1,  # from 2.35 on: malloc asks Linux for transparent huge pages, of 2 MiB
    # Small freed blocks join at once what is free beside them. Kept apart, they narrow the gaps that large
    # blocks leave, and since PyTorch's are aligned, malloc takes new memory: a seventh more, by glibc 2.36.
    "glibc.malloc.tcache_count": 0,
}

_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
"""Parameters of mallopt, as numbered in glibc's malloc.h."""


def for_large_blocks() -> dict[str, str]:
    """Return what a process has to find in its environment: large blocks close together, on huge pages.

    Changes no result. What the user has set stays.

    Returns:
        Variables by name; none where the C library is not glibc, or where the user has decided.
    """
    theirs = os.environ.get(_TUNABLES, "")
    ours = [f"{name}={value}" for name, value in _TUNED.items() if name not in theirs]
    if platform.libc_ver()[0] != "glibc" or not ours:
        return {}
    return {_TUNABLES: ":".join(filter(None, (theirs, *ours)))}


def keep_freed_blocks() -> bool:
    """Let malloc keep large freed blocks for the next step instead of returning them to the system.

    Works for glibc on Linux and does nothing elsewhere; changes no result. Call it before the first
    large allocation.

    Returns:
        Whether it took effect.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 2**30) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
