"""Which device a run is computed on, found out without importing torch."""

import contextlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cnnreport.errors import EnvironmentFailure
from cnnreport.system import hardware

Device = Literal["cpu", "cuda", "mps"]
DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]

THREADS = 1
"""Threads of a CPU worker; part of every CPU run's key, since their number changes the bytes."""


_PATIENCE = 180.0
"""Seconds in which torch has to answer; on a cold disk its import alone takes some thirty."""


@dataclass(frozen=True)
class Gpu:
    """A CUDA device as the installed torch uses it.

    Args:
        card: What the driver says of it.
        cuda: The CUDA version that torch was built for, None for a torch without CUDA.
        cudnn: The version of cuDNN as a number, None where torch cannot use the device.
        problem: What is in the way of computing there, empty for nothing.
    """

    card: hardware.Card
    cuda: str | None
    cudnn: int | None
    problem: str


@cache  # neither the card nor torch changes while a command runs
def gpu() -> Gpu | None:
    """Return this machine's CUDA device, None where the driver offers none; asks torch in another process."""
    card = hardware.cuda_card()
    if card is None:
        return None
    said = _ask_torch()
    return Gpu(card, said["cuda"], said["cudnn"], said["problem"])


def resolve(choice: DeviceChoice) -> Device:
    """Turn a choice into a device.

    ``auto`` takes CUDA where torch can compute on it, then Apple's MPS, then the CPU; `passed_over` tells why
    it took no CUDA. For ``cpu`` no driver is asked.

    Raises:
        EnvironmentFailure: The device asked for is not there, or torch cannot use it.
    """
    if choice == "auto":
        found = gpu()
        return "cuda" if found and not found.problem else "mps" if _has_mps() else "cpu"
    if choice == "cuda":
        found = gpu()
        if found and found.problem:
            raise EnvironmentFailure(
                f"torch cannot compute on the {found.card.name}: {found.problem}",
                "install a torch build that fits driver and card, or use --device cpu or auto",
            )
        _check_there("cuda", "CUDA", found is not None)
    if choice == "mps":
        _check_there("mps", "MPS", _has_mps())
    return choice


def passed_over(choice: DeviceChoice) -> str:
    """Say in a sentence why `resolve` took no GPU though the driver offers one; empty for nothing."""
    found = gpu() if choice == "auto" else None
    if found is None or not found.problem:
        return ""
    return f"The {found.card.name} is not used, since torch cannot compute on it: {found.problem}."


def _check_there(choice: DeviceChoice, name: str, there: bool) -> None:
    if not there:
        problem = f"--device {choice} was asked but this machine has no {name} device"
        raise EnvironmentFailure(problem, "use --device cpu or auto")


def _ask_torch() -> dict[str, Any]:
    """Return what `usable.ask` says in a process of its own."""
    program = Path(__file__).with_name("usable.py")
    # -P: the modules beside the program are not to stand in for torch's.
    command = [sys.executable, "-P", "-W", "ignore", str(program)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
        said: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    except subprocess.TimeoutExpired:
        return {"cuda": None, "cudnn": None, "problem": f"it gave no answer within {_PATIENCE:.0f} s"}
    except (OSError, ValueError):  # it crashed, as a broken driver makes it
        return {"cuda": None, "cudnn": None, "problem": "the process that tried it crashed"}
    return said


def instructions(device: Device) -> str | None:
    """Return what of a processor's make can change the bytes of a run: none where it does not compute.

    The widest vectors that PyTorch's kernels choose between.
    """
    if device != "cpu":
        return None
    flags = hardware.processor_flags()
    widest = next((name for name in ("avx512f", "avx2") if name in flags), None)
    return f"{platform.machine()} {widest}" if widest else platform.machine()


def make_of_gpu(device: Device) -> dict[str, dict[str, Any]]:
    """Return what of a GPU's make can change the bytes of a run, under ``gpu``; nothing for the CPU and MPS.

    cuDNN chooses its kernels by model and version. The driver's version is left out: it brings none.
    """
    found = gpu() if device == "cuda" else None
    if found is None:
        return {}
    card = found.card
    made = {"model": card.name, "capability": card.capability, "cuda": found.cuda, "cudnn": found.cudnn}
    return {"gpu": made}


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


def forget_peak(device: Device) -> None:
    """Let `peak_memory` be what is reached from now on."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()


def peak_memory(device: Device) -> int | None:
    """Return the most bytes that tensors took on a GPU at once, None elsewhere.

    What CUDA itself takes there, some hundred MiB, is not counted.
    """
    if device != "cuda":
        return None
    import torch

    return torch.cuda.max_memory_allocated()


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
