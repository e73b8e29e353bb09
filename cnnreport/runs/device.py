"""Which device a run is computed on, found out without importing torch."""

import contextlib
import platform
from collections.abc import Iterator
from typing import Literal

from cnnreport.errors import EnvironmentFailure
from cnnreport.system import hardware

Device = Literal["cpu", "cuda", "mps"]
DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]

THREADS = 1
"""Threads of a CPU worker; part of every CPU run's key, since their number changes the bytes."""


def resolve(choice: DeviceChoice) -> Device:
    """Turn a choice into a device; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        EnvironmentFailure: The device asked for is not there.
    """
    present: dict[Device, bool] = {"cuda": hardware.cuda_devices() > 0, "mps": _has_mps(), "cpu": True}
    if choice == "auto":
        return next(device for device, there in present.items() if there)
    if not present[choice]:
        name = {"cuda": "CUDA", "mps": "MPS"}[choice]
        raise EnvironmentFailure(
            f"--device {choice} was asked but this machine has no {name} device", "use --device cpu or auto"
        )
    return choice


def instructions(device: Device) -> str | None:
    """Return what of a device's make can change the bytes of a run.

    On a CPU the widest vectors that PyTorch's kernels choose between, elsewhere nothing that can be
    told without importing torch.
    """
    if device != "cpu":
        return None
    flags = hardware.processor_flags()
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


@contextlib.contextmanager
def float32(device: Device) -> Iterator[None]:
    """Let CUDA's convolutions compute in float32, not TF32, and in the same order each time.

    The CPU's do so by themselves. Other operations have an order of their own: on CUDA the backward pass
    of bilinear interpolation adds in no fixed one.
    """
    if device != "cuda":
        yield
        return
    import torch

    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def _has_mps() -> bool:
    return platform.system() == "Darwin" and platform.machine() == "arm64"
