"""Where things are: experiments, templates and output of one project. Creates nothing."""

import importlib.util
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnreport.errors import CnnReportError, UsageError
from cnnreport.sources import SourceLoader

PACKAGE = Path(__file__).resolve().parent

ANSWERS = "answers"
"""Folder in a report's experiments folder: its files turn runs into answers; those beside it declare."""

CHOICES = "choices.json"
"""In the output folder: what the last build was asked for."""

DRAWINGS = "drawings.json"
"""In the output folder: figures and formulas as the last report drew them."""


@dataclass(frozen=True)
class Project:
    """The folders of a project.

    Args:
        root: Holds ``experiments/`` and ``templates/``.
        output: Receives everything that is made; ``build/`` in the root by default.
    """

    root: Path
    output: Path

    @property
    def experiments(self) -> Path:
        """Declarations of experiments and answers, one folder for each report."""
        return self.root / "experiments"

    @property
    def templates(self) -> Path:
        """Templates, one folder for each report."""
        return self.root / "templates"

    def answers(self, report: str) -> tuple[Path, ...]:
        """Return the files that turn runs into a report's answers, sorted by name."""
        return tuple(sorted((self.experiments / report / ANSWERS).glob("*.py")))

    @property
    def runs(self) -> Path:
        """Finished runs, a folder each."""
        return self.output / "runs"

    @property
    def checkpoints(self) -> Path:
        """Runs under way, a folder each."""
        return self.output / "checkpoints"

    @property
    def prepared(self) -> Path:
        """Data sets as the tasks take them."""
        return self.output / "data"

    @property
    def search(self) -> tuple[Path, ...]:
        """Folders in which the project's own modules are looked for."""
        return (PACKAGE.parent, self.root) if self.root != PACKAGE.parent else (PACKAGE.parent,)


def find(root: Path | None = None, output: Path | None = None) -> Project:
    """Find the project: the given folder, else the nearest one upwards.

    Raises:
        UsageError: The given folder is no project, or there is none.
    """
    chosen = root.resolve() if root else above(Path.cwd())
    if chosen is None:
        raise UsageError(
            f"{Path.cwd()} is in no project: neither it nor a folder above holds experiments/ and templates/",
            "go into one, name one with --project, or make one: cnnreport new NAME",
        )
    if not _is_project(chosen):
        raise UsageError(f"{root} is no project", "it needs the folders experiments/ and templates/")
    return Project(chosen, (output or chosen / "build").resolve())


def above(folder: Path) -> Path | None:
    """Return the nearest project from a folder upwards, None where there is none."""
    here = folder.resolve()
    return next((place for place in (here, *here.parents) if _is_project(place)), None)


def load_file(file: Path) -> Any:
    """Execute a file of a project's experiments folder as a module of its own and return the module.

    Raises:
        UsageError: There is no such file, or it has a mistake, which is named with its line.
    """
    if not file.is_file():
        raise UsageError(f"there is no {file}", "write it, or mend its name")
    name = f"experiments.{file.parent.name}.{file.stem}".replace("-", "_")
    loader = SourceLoader(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    assert spec is not None, "a loader is given"
    module = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except CnnReportError:
        raise
    except Exception as error:
        # A file of the user may raise anything.
        raise UsageError(
            f"{_place(file, error)}: {type(error).__name__}: {error}", "mend it there"
        ) from error
    return module


def _place(file: Path, error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
    ]
    return f"{file}:{lines[-1]}" if lines else str(file)


def _is_project(folder: Path) -> bool:
    return (folder / "experiments").is_dir() and (folder / "templates").is_dir()
