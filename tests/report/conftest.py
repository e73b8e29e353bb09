"""Fixtures of the report's tests."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_derivations import MakeDerivation, write_derivation
from fake_runs import MakeRun, write_run
from fake_segmentations import MakeTuning, fake_tuning
from undrawn import leave_undrawn

from cnnreport.project import PACKAGE, Project
from cnnreport.report.draw import drawings
from cnnreport.runs.artefact import Run

GOLDEN = Path(__file__).parent / "golden"
RENEW = "if the change is meant: pytest tests/report --renew, and read the diff"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project of this checkout, with an output folder of its own."""
    return Project(PACKAGE.parent, tmp_path / "build")


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A function that writes a fake run and reads it back."""
    return partial(write_run, tmp_path / "build" / "runs")


@pytest.fixture
def make_derivation(tmp_path: Path) -> MakeDerivation:
    """A function that writes a fake run of a derivation and reads it back."""
    return partial(write_derivation, tmp_path / "build" / "runs")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of runs."""
    return tmp_path / "build" / "runs"


@pytest.fixture
def make_tuning(root: Path) -> MakeTuning:
    """A function that returns a fake run of a fine-tuning."""
    return partial(fake_tuning, root)


@pytest.fixture
def make(make_tuning: MakeTuning) -> Callable[..., list[Run]]:
    """A function that returns fake runs of an experiment, by default of three seeds."""

    def several(experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
        return [make_tuning(seed, experiment=experiment, **chosen) for seed in range(seeds)]

    return several


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A function that compares a text with the golden one of that name, or writes it with ``--renew``."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / f"{name}.txt"
        if request.config.getoption("--renew"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file.name} is missing; write it with --renew, and read it"
        assert text.splitlines() == file.read_text(encoding="utf-8").splitlines(), f"see {file.name}; {RENEW}"

    return compare


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave curves and pictures undrawn where a test reads words alone: drawing takes most of its time."""
    leave_undrawn(monkeypatch)


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fake runs be written without waiting for the disk: nobody needs them after a loss of power."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="session", autouse=True)
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Draw once what several tests have drawn from the same values, as an earlier build's drawings are."""
    with drawings.kept_in(tmp_path_factory.mktemp("drawn") / "drawings.json"):
        yield
