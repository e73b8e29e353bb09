"""Fixtures of the report's tests."""

from functools import partial
from pathlib import Path

import pytest
from fake_derivations import MakeDerivation, write_derivation
from fake_runs import MakeRun, write_run

from cnnreport.project import PACKAGE, Project


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
