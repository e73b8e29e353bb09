"""Executors for tests: they compute in this process, in threads of it, and play a device."""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from cnnreport.runs.executors import register
from cnnreport.runs.executors.executor import Executor, Needs, Orders
from cnnreport.runs.executors.local import OnDevice
from cnnreport.runs.fingerprint import Key
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Job, execute


class Here(Executor):
    """Computes any run at once, in this process and thread."""

    @classmethod
    def takes(cls, needs: Needs) -> bool:
        return True

    def submit(self, job: Job) -> "Future[Path]":
        future: Future[Path] = Future()
        try:
            future.set_result(execute(dataclasses.replace(job, device="cpu"), self.orders.notify))
        except Exception as error:  # noqa: BLE001 - a future carries whatever its job raised
            future.set_exception(error)
        return future

    def close(self, *, at_once: bool) -> None:
        pass


class OneByOne(Here):
    """Computes in this process; begins a run when the one before has been dealt with."""

    busy = False

    def admits(self, planned: Planned) -> bool:
        return not self.busy

    def submit(self, job: Job) -> "Future[Path]":
        self.busy = True
        return super().submit(job)

    def settled(self, planned: Planned) -> None:
        self.busy = False


class InThread(Executor):
    """Computes in a thread of this process, one run at a time; its classes differ in what they take."""

    devices = ("cpu",)

    def __init__(self, runs: Sequence[Planned], orders: Orders) -> None:
        super().__init__(runs, orders)
        self.thread = ThreadPoolExecutor(1)

    @classmethod
    def takes(cls, needs: Needs) -> bool:
        return needs.device in cls.devices

    def submit(self, job: Job) -> "Future[Path]":
        return self.thread.submit(execute, dataclasses.replace(job, device="cpu"), self.orders.notify)

    def close(self, *, at_once: bool) -> None:
        self.thread.shutdown(cancel_futures=at_once)


class InThreadOfDevice(InThread):
    """Computes so what is planned for a device."""

    devices = ("cuda", "mps")


class PlayedDevice(OnDevice):
    """Computes in a process on the CPU what is planned for a device."""

    def submit(self, job: Job) -> "Future[Path]":
        return super().submit(dataclasses.replace(job, device="cpu"))


def compute_with(monkeypatch: pytest.MonkeyPatch, *kinds: type[Executor]) -> None:
    """Let the executors of every project be these."""
    monkeypatch.setattr(register, "BUILT_IN", kinds)


def on(device: str, *planned: Planned) -> list[Planned]:
    """Plan runs for a device that this machine need not have; runs of an experiment share their `where`."""
    return [
        dataclasses.replace(each, key=Key(each.key.what, {**each.key.where, "device": device}))
        for each in planned
    ]
