"""Fixtures of the report's tests."""

from functools import partial
from pathlib import Path

import pytest
from fake_derivations import MakeDerivation, write_derivation
from fake_runs import MakeRun, write_run

from cnnreport.project import PACKAGE, Project
from cnnreport.report import figure
from cnnreport.report.answer import DataSet, Picture


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
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave curves undrawn where a test reads words alone: drawing them takes most of its time."""

    def blank(drawn: object, y_label: str, alt: str, data: tuple[DataSet, ...], **options: object) -> Picture:
        return Picture(b"<svg/>", "image/svg+xml", alt, data)

    monkeypatch.setattr(figure, "curves", blank)
