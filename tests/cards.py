"""A CUDA driver that is not there, for tests of what is asked of one."""

import ctypes
import json
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from cnnreport.runs import device

LIBRARIES = {"libcuda.so.1", "libnvidia-ml.so.1", "nvcuda.dll", "nvml.dll"}
NAME, MEMORY = "NVIDIA Test 9000", 80 << 30


class Driver:
    """What libcuda and the management library answer for one card of capability 9.0."""

    def __init__(self) -> None:
        self.initialised = 0

    def cuInit(self, flags: int) -> int:  # noqa: N802 - as the driver calls it
        self.initialised += 1
        return flags

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 1
        return 0

    def cuDeviceGetName(self, name: Any, length: int, ordinal: int) -> int:  # noqa: N802
        assert length > len(NAME)
        name.value = NAME.encode()
        return ordinal

    def cuDeviceTotalMem_v2(self, memory: Any, ordinal: int) -> int:  # noqa: N802
        memory._obj.value = MEMORY
        return ordinal

    def cuDeviceGetAttribute(self, value: Any, which: int, ordinal: int) -> int:  # noqa: N802
        value._obj.value = {75: 9, 76: 0}[which]
        return ordinal

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0

    def nvmlSystemGetDriverVersion(self, version: Any, length: int) -> int:  # noqa: N802
        assert length > 10
        version.value = b"580.65.06"
        return 0

    def nvmlShutdown(self) -> int:  # noqa: N802
        return 0


def offer(monkeypatch: pytest.MonkeyPatch, **said: Any) -> Driver:
    """Let this machine have a driver with a card, of which torch says something, else that it works."""
    driver, load = Driver(), ctypes.CDLL
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(
        ctypes, "CDLL", lambda name, **how: driver if name in LIBRARIES else load(name, **how)
    )
    answer = json.dumps({"cuda": "13.0", "cudnn": 91300, "problem": "", **said})
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=f"a warning\n{answer}\n"))
    device.gpu.cache_clear()
    return driver
