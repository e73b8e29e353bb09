"""In which number format a training computes, told without importing torch.

The planner puts the answer into a run's key and the training computes by it, so both ask here.
"""

import ctypes
import os
import platform

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_COMPUTE_CAPABILITY_MAJOR = 75
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR of the CUDA driver."""
_AMPERE = 8
"""The first compute capability that multiplies bfloat16 in hardware."""


def arithmetic(precision: str, device: str) -> str:
    """Return the number format of a training's convolutions.

    Args:
        precision: ``exact`` or ``fast``.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        ``bfloat16`` for ``fast`` where the hardware multiplies it, else ``float32``: emulated it
        would be slower than float32.
    """
    if precision != "fast":
        return "float32"
    present = {"cpu": _processor_has_bfloat16, "cuda": _cuda_has_bfloat16}.get(device)
    return "bfloat16" if present is not None and present() else "float32"


def _processor_has_bfloat16() -> bool:
    if platform.system() != "Linux":
        return False
    try:
        with open("/proc/cpuinfo") as file:
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return False
    return not _BFLOAT16_FLAGS.isdisjoint(flags.split())


def _cuda_has_bfloat16() -> bool:
    # Asked of the driver itself: the planner must not import torch for it.
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    major = ctypes.c_int(0)
    answered = driver.cuInit(0) == 0 and not driver.cuDeviceGetAttribute(
        ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, 0
    )
    return answered and major.value >= _AMPERE
