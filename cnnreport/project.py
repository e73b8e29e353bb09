"""Where things are: experiments, templates and output of one project. Creates nothing."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnreport import modules
from cnnreport.errors import UsageError

PACKAGE = Path(__file__).resolve().parent

ANSWERS = "answers"
"""Folder in a report's experiments folder: its files turn runs into answers."""

CHOICES = "choices.json"
"""In the output folder: what the last build was asked for."""

BUDGETS = "budgets.json"
"""In the output folder: what was chosen for each time that a build was asked to fit into."""

DRAWINGS = "drawings.json"
"""In the output folder: figures and formulas as the last report drew them."""

SETTINGS = "pyproject.toml"
"""In a project's root: may have a table ``[tool.cnnreport]``."""

_KEYS: Mapping[str, str] = {"report": '"name"', "executors": '["module:Class"]'}
"""What that table may have, and how it is written."""


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
        return self.root / modules.EXPERIMENTS

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

    def modules_of(self, files: Iterable[Path]) -> tuple[str, ...]:
        """Return the dotted names of some of the project's modules by their files."""
        return tuple(modules.name_of(file, self.root) for file in files)

    def settings(self) -> Mapping[str, Any]:
        """Return what the project says of itself: ``report``, ``executors``.

        Raises:
            UsageError: The file is not TOML, or its table has another key.
        """
        file = self.root / SETTINGS
        tools = read_toml(file).get("tool", {}) if file.is_file() else {}
        settings = tools.get("cnnreport", {}) if isinstance(tools, Mapping) else {}
        if not isinstance(settings, Mapping) or {*settings} - {*_KEYS}:
            known = ", ".join(f"{key} = {form}" for key, form in _KEYS.items())
            raise UsageError(f"{file}, [tool.cnnreport] is no table of known keys", f"the keys are {known}")
        return settings

    def source(self, path: str) -> Path:
        """Return the file of a source by its path as a run's key has it; it need not exist."""
        return (PACKAGE.parent if Path(path).parts[0] == PACKAGE.name else self.root) / path


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


def read_toml(file: Path) -> dict[str, Any]:
    """Read a file in TOML.

    Raises:
        UsageError: It is not valid, at a line that is named.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "mend it there") from error


def load_file(file: Path) -> ModuleType:
    """Return the module of a file in a project's experiments folder, as it stands now.

    Raises:
        UsageError: There is no such file, or it has a mistake, which is named with its line.
    """
    if not file.is_file():
        raise UsageError(f"there is no {file}", "write it, or mend its name")
    file = file.resolve()
    holders = [folder.parent for folder in file.parents if folder.name == modules.EXPERIMENTS]
    if not holders:
        raise UsageError(f"{file} lies in no folder {modules.EXPERIMENTS}/", "move it there")
    root = next((folder for folder in holders if _is_project(folder)), holders[0])
    modules.enter(root)
    return modules.load(modules.name_of(file, root))


def _is_project(folder: Path) -> bool:
    return (folder / modules.EXPERIMENTS).is_dir() and (folder / "templates").is_dir()
