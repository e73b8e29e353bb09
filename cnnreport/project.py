"""Where things are: experiments, templates and output of one project. Creates nothing."""

from dataclasses import dataclass
from pathlib import Path

from cnnreport.errors import UsageError

PACKAGE = Path(__file__).resolve().parent

CHOICES = "choices.json"
"""In the output folder: what the last build was asked for."""

RECORD = ".json"
"""Added to a report's file name: what the report was made of, and its own hash."""


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
    """Find the project: the given folder, else the nearest one upwards, else this package's own.

    Raises:
        UsageError: The given folder is no project.
    """
    if root is not None:
        if not _is_project(root):
            raise UsageError(f"{root} is no project", "it needs the folders experiments/ and templates/")
        chosen = root.resolve()
    else:
        here = Path.cwd().resolve()
        chosen = next((p for p in (here, *here.parents) if _is_project(p)), PACKAGE.parent)
    return Project(chosen, (output or chosen / "build").resolve())


def _is_project(folder: Path) -> bool:
    return (folder / "experiments").is_dir() and (folder / "templates").is_dir()
