"""Promises of the choice of a device, made with a driver and a torch that are not there."""

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from cards import MEMORY, NAME, offer
from planned import plan

from cnnreport.errors import EnvironmentFailure
from cnnreport.project import Project
from cnnreport.runs import device, usable
from cnnreport.runs.fingerprint import Key
from cnnreport.runs.planning.choices import Choices
from cnnreport.system import hardware

TOO_OLD = "The NVIDIA driver on your system is too old (found version 11040)"
NO_KERNEL = "CUDA error: no kernel image is available for execution on the device"
CPU_ONLY = "Torch not compiled with CUDA enabled"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What a machine that is not there has is not remembered."""
    device.gpu.cache_clear()
    yield
    device.gpu.cache_clear()


def test_a_gpu_that_torch_can_use_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` computes on it, without a word."""
    offer(monkeypatch)
    assert device.resolve("auto") == "cuda"
    assert device.resolve("cuda") == "cuda"
    assert device.passed_over("auto") == ""


@pytest.mark.parametrize("problem", [CPU_ONLY, TOO_OLD, NO_KERNEL])
def test_a_gpu_that_torch_cannot_use_is_passed_over(monkeypatch: pytest.MonkeyPatch, problem: str) -> None:
    """`auto` computes on the CPU then, and one sentence says why."""
    offer(monkeypatch, problem=problem)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert device.resolve("auto") == "cpu"
    said = device.passed_over("auto")
    assert said == f"The {NAME} is not used, since torch cannot compute on it: {problem}."


def test_who_asks_for_a_gpu_that_torch_cannot_use_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--device cuda` is an error before any work, with the reason and the remedy."""
    offer(monkeypatch, problem=TOO_OLD)
    with pytest.raises(EnvironmentFailure, match=r"on the NVIDIA Test 9000: The NVIDIA driver.*--device cpu"):
        device.resolve("cuda")


@pytest.mark.parametrize("answer", ["", "Segmentation fault"])
def test_a_torch_that_crashes_is_a_gpu_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """A process that says nothing sensible stops no build."""
    offer(monkeypatch)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=answer))
    assert device.resolve("auto") != "cuda"
    assert "crashed" in device.passed_over("auto")


def test_a_torch_that_does_not_answer_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the GPU counts as one that cannot be used."""

    def hang(*command: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    offer(monkeypatch)
    monkeypatch.setattr(subprocess, "run", hang)
    assert "no answer within" in device.passed_over("auto")


def test_the_driver_is_left_alone_where_the_cpu_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--device cpu` neither initialises CUDA nor says anything of it."""
    driver = offer(monkeypatch)
    assert device.resolve("cpu") == "cpu"
    assert device.passed_over("cpu") == ""
    assert driver.initialised == 0
    device.resolve("auto")
    assert driver.initialised > 0


def test_the_card_is_as_the_driver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, compute capability, memory and the driver's version are read without torch."""
    offer(monkeypatch)
    assert hardware.cuda_card() == hardware.Card(NAME, "9.0", MEMORY)
    assert hardware.nvidia_driver() == "580.65.06"


def test_a_machine_without_a_driver_has_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then torch is not asked either, which would take seconds."""

    def absent(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    monkeypatch.setattr(subprocess, "run", None)  # whoever calls it fails
    assert hardware.cuda_card() is None
    assert hardware.nvidia_driver() is None
    assert device.gpu() is None


def test_a_hidden_card_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA_VISIBLE_DEVICES hides it from torch, and so from the choice."""
    offer(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device.gpu() is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_torch_itself_is_asked_by_computing() -> None:
    """The program that is run tells why nothing can be computed on a GPU that is not there."""
    said = usable.ask()
    assert said["cudnn"] is None
    assert said["problem"]
    assert "\n" not in str(said["problem"])


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_the_program_that_is_asked_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started as it is in earnest, it imports torch and says the same as within this process."""
    monkeypatch.setattr(hardware, "cuda_card", lambda: hardware.Card(NAME, "9.0", MEMORY))
    found = device.gpu()
    assert found is not None
    assert found.problem == usable.ask()["problem"]


def test_a_torch_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is torch's own, in one line."""
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "torch cannot be imported" in str(usable.ask()["problem"])


def keys(project: Project, monkeypatch: pytest.MonkeyPatch, choice: device.DeviceChoice, **said: Any) -> Key:
    """The key that a run has on a machine with a GPU of which torch says something."""
    offer(monkeypatch, **said)
    return plan(project, choices=Choices(device=choice))[0].key


def test_a_run_on_a_gpu_depends_on_model_and_libraries(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model, capability, CUDA or cuDNN is another fingerprint; what was asked is the same."""
    key = keys(counting, monkeypatch, "auto")
    made = {"model": NAME, "capability": "9.0", "cuda": "13.0", "cudnn": 91300}
    assert key.where["gpu"] == made
    other = keys(counting, monkeypatch, "auto", cudnn=91400)
    assert other.differences(key) == ["gpu cudnn: 91400 became 91300"]
    assert other.fingerprint != key.fingerprint
    assert other.identity == key.identity


def test_a_run_on_the_cpu_does_not_depend_on_a_gpu(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is the one that it has on a machine without any."""
    with_gpu = keys(counting, monkeypatch, "cpu")
    monkeypatch.undo()
    device.gpu.cache_clear()
    assert with_gpu == plan(counting)[0].key
    assert with_gpu.where.keys() == {"device", "instructions", "arithmetic", "threads", "versions"}
