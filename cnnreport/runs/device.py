"""Which device a run is computed on, found out without importing torch."""

import ctypes
import os
import platform
from typing import Literal

from cnnreport.errors import EnvironmentFailure

Device = Literal["cpu", "cuda", "mps"]
DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]

THREADS = 1
"""Threads of a CPU worker; part of every CPU run's key, since their number changes the bytes."""


def resolve(choice: DeviceChoice) -> Device:
    """Turn a choice into a device; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        EnvironmentFailure: The device asked for is not there.
    """
    present: dict[Device, bool] = {"cuda": cuda_devices() > 0, "mps": _has_mps(), "cpu": True}
    if choice == "auto":
        return next(device for device, there in present.items() if there)
    if not present[choice]:
        name = {"cuda": "CUDA", "mps": "MPS"}[choice]
        raise EnvironmentFailure(
            f"--device {choice} was asked but this machine has no {name} device", "use --device cpu or auto"
        )
    return choice


def cuda_devices() -> int:
    """Return how many CUDA devices the driver offers; 0 where there is no driver."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return 0
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def instructions(device: Device) -> str | None:
    """Return what of a device's make can change the bytes of a run.

    On a CPU the widest vectors that PyTorch's kernels choose between, elsewhere nothing that can be
    told without importing torch.
    """
    if device != "cpu":
        return None
    try:
        with open("/proc/cpuinfo") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        flags = []
    widest = next((name for name in ("avx512f", "avx2") if name in flags), None)
    return f"{platform.machine()} {widest}" if widest else platform.machine()


def check_torch(device: Device) -> None:
    """Check that torch can use what the driver offers.

    Raises:
        EnvironmentFailure: It cannot.
    """
    import torch

    usable = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not usable[device]:
        raise EnvironmentFailure(
            f"this machine offers {device}, but the installed torch cannot use it",
            "install a torch build that fits the driver, or use --device cpu",
        )


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Return the processor's model name as the system gives it."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _has_mps() -> bool:
    return platform.system() == "Darwin" and platform.machine() == "arm64"
