"""What tests of part 2 of adl-2022 share: its modules, importable by their place."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from cnnreport import modules

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lungs() -> Callable[[str], ModuleType]:
    """A function that imports a module about lungs by its name."""
    modules.enter(ROOT)
    return lambda name: importlib.import_module(f"experiments.adl-2022.lungs.{name}")
