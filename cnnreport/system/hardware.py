"""What this machine has, asked of the system itself: planning must not wait for torch."""

import ctypes
import os
import platform
from dataclasses import dataclass

from cnnreport.system import cgroups

COMPUTE_CAPABILITY_MAJOR = 75
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR of the CUDA driver."""

COMPUTE_CAPABILITY_MINOR = 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR."""

_LONGEST_NAME = 256
"""Bytes that are given to the driver for a name."""


@dataclass(frozen=True)
class Card:
    """A GPU as its driver names it.

    Args:
        name: Its model.
        capability: Its compute capability, such as ``9.0``.
        memory: Its memory in bytes.
    """

    name: str
    capability: str
    memory: int


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
    return 0 if driver is None else _attribute(driver, COMPUTE_CAPABILITY_MAJOR)


def cuda_card() -> Card | None:
    """Return the first CUDA device, which is the one that torch takes; None where there is none."""
    driver = _cuda_driver()
    if driver is None or cuda_devices() == 0:
        return None
    name, memory = ctypes.create_string_buffer(_LONGEST_NAME), ctypes.c_size_t(0)
    driver.cuDeviceGetName(name, _LONGEST_NAME, 0)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), 0)
    major, minor = (_attribute(driver, each) for each in (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR))
    return Card(name.value.decode(errors="replace"), f"{major}.{minor}", memory.value)


def nvidia_driver() -> str | None:
    """Return the version of NVIDIA's driver, None where its management library does not tell."""
    management = _library("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
    if management is None or management.nvmlInit_v2() != 0:
        return None
    version = ctypes.create_string_buffer(_LONGEST_NAME)
    answered = management.nvmlSystemGetDriverVersion(version, _LONGEST_NAME) == 0
    management.nvmlShutdown()
    return version.value.decode(errors="replace") if answered else None


def _attribute(driver: ctypes.CDLL, which: int) -> int:
    """Return an attribute of the first CUDA device, 0 where the driver does not tell."""
    value = ctypes.c_int(0)
    return value.value if driver.cuDeviceGetAttribute(ctypes.byref(value), which, 0) == 0 else 0


def _cuda_driver() -> ctypes.CDLL | None:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    driver = _library("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    return driver if driver is not None and driver.cuInit(0) == 0 else None


def _library(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


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
