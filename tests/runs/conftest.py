"""A project of two experiments that count."""

import shutil
from pathlib import Path

import pytest
from planned import DECLARATION

from cnnreport.project import Project


@pytest.fixture
def counting(tmp_path: Path) -> Project:
    """A project folder with its own task module."""
    root = tmp_path / "project"
    (root / "templates").mkdir(parents=True)
    (root / "experiments" / "demo").mkdir(parents=True)
    (root / "experiments" / "demo" / "counts.py").write_text(DECLARATION)
    shutil.copy(Path(__file__).parent / "counting.py", root / "counting.py")
    return Project(root, root / "build")
