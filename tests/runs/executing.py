"""Executors for tests: one that computes in this process, and one that plays a device."""

import dataclasses
from concurrent.futures import Future
from pathlib import Path

import pytest

from cnnreport.runs.executors import register
from cnnreport.runs.executors.executor import Executor, Needs
from cnnreport.runs.executors.local import OnDevice
from cnnreport.runs.fingerprint import Key
from cnnreport.runs.plan import Planned
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


class PlayedDevice(OnDevice):
    """Computes on the CPU what is planned for a device."""

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
