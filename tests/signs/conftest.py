"""What tests of the report adl-2022 share: its modules, importable by their place, and an empty cache."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from cnnreport import modules

ROOT = Path(__file__).resolve().parents[2]

Part = Callable[[str], ModuleType]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache instead of the user's."""
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNREPORT_GTSRB_URL", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def part() -> Part:
    """A function that imports a module of the report by its name in the report's folder."""
    modules.enter(ROOT)
    return lambda name: importlib.import_module(f"experiments.adl-2022.{name}")
