"""Fixtures of the report's tests."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from fake_derivations import MakeDerivation, write_derivation
from fake_runs import MakeRun, write_run
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from cnnreport.project import PACKAGE, Project
from cnnreport.report.answer import Picture
from cnnreport.report.draw import figure
from cnnreport.report.numbers.reading import DataSet
from cnnreport.report.page import templating


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


class Compiled(BytecodeCache):
    """Keeps what templates were compiled to, by their text."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Hand out what is kept; jinja compares the text it was made of."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def compiled() -> Iterator[None]:
    """Compile each template once, not once for each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templating, "Environment", partial(Environment, bytecode_cache=Compiled()))
        yield
