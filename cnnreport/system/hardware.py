"""What this machine has, asked of the system itself: planning must not wait for torch."""

import ctypes
import os
import platform

from cnnreport.system import cgroups

COMPUTE_CAPABILITY_MAJOR = 75
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR of the CUDA driver."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_memory() -> int | None:
    """Return how many bytes of memory are free for this process and its children, None where nobody tells.

    What the machine has left, or less where a container is allowed less.
    """
    left = (_free_memory(), cgroups.available_memory())
    return min((limit for limit in left if limit is not None), default=None)


def processor() -> str:
    """Return the processor's model name as the system gives it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def processor_flags() -> frozenset[str]:
    """Return the names of the processor's instruction sets, none where the system does not tell."""
    return frozenset(_cpuinfo("flags").split())


def cuda_devices() -> int:
    """Return how many CUDA devices the driver offers; 0 where there is no driver."""
    driver = _cuda_driver()
    count = ctypes.c_int(0)
    answered = driver is not None and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return count.value if answered else 0


def cuda_generation() -> int:
    """Return the first CUDA device's major compute capability; 0 where there is no device."""
    driver = _cuda_driver()
    major = ctypes.c_int(0)
    answered = (
        driver is not None
        and driver.cuDeviceGetAttribute(ctypes.byref(major), COMPUTE_CAPABILITY_MAJOR, 0) == 0
    )
    return major.value if answered else 0


def _cuda_driver() -> ctypes.CDLL | None:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None


def _free_memory() -> int | None:
    """Return the machine's free memory in bytes; on a Mac all of it, since it tells no more."""
    try:
        with open("/proc/meminfo") as file:
            return next(
                (int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable")), None
            )
    except OSError:
        names = getattr(os, "sysconf_names", {})
        if "SC_PHYS_PAGES" not in names:
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cpuinfo(entry: str) -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith(entry)), "")
    except OSError:
        return ""
