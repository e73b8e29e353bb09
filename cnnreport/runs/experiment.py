"""What is to be run: the declaration of an experiment and the register of all of them."""

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnreport import modules
from cnnreport.errors import UsageError
from cnnreport.project import ANSWERS, Project

EXPERIMENTS = "EXPERIMENTS"
"""What a module of a report's experiments folder defines if it declares any."""


@dataclass(frozen=True)
class Experiment:
    """Something that a report needs run.

    Args:
        name: Lower-case words joined by hyphens; unique in the project.
        title: What a reader calls it.
        spec: A frozen dataclass with every choice that changes the outcome. Its class names the
            task that runs it (``task``) and the data that the task takes (``data``).
        seeds: How many seeds are run by default: 0, 1, …
        full_seeds: How many a full build runs, 0 for as many.
        smoke: The fields of the spec that a smoke build cuts down, with their values there.
        family: A name under which several experiments are asked for together, empty for none.
        reads: The experiment whose first run's arrays the task takes beside its data, empty for none; its
            weights are among them, each as ``weights.<name>``.
        seed_by_seed: Whether each seed reads the run of that seed instead of the first.
    """

    name: str
    title: str
    spec: Any
    seeds: int = 3
    full_seeds: int = 0
    smoke: Mapping[str, Any] = field(default_factory=dict)
    family: str = ""
    reads: str = ""
    seed_by_seed: bool = False

    def __post_init__(self) -> None:
        for what, name in (("experiment", self.name), ("family", self.family)):
            if (name or what == "experiment") and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
                raise UsageError(f"{name!r} is no {what}'s name", "use lower-case words and hyphens")

    def in_full(self) -> "Experiment":
        """Return the experiment as a full build runs it."""
        return dataclasses.replace(self, seeds=max(self.seeds, self.full_seeds))

    def chosen(self, *, smoke: bool, precision: str | None) -> Any:
        """Return the spec to run: as declared, or cut down, with a precision where it has one."""
        changes = dict(self.smoke) if smoke else {}
        if precision and hasattr(self.spec, "precision"):
            changes["precision"] = precision
        return dataclasses.replace(self.spec, **changes)


def load_all(project: Project) -> dict[str, Experiment]:
    """Load every experiment that the project declares, by name, without importing torch.

    Declarations are the modules of ``experiments/<report>/`` that define EXPERIMENTS; what else lies there
    is code that they, the answers and the runs share, and is not executed here.

    Raises:
        UsageError: Two experiments bear the same name, or one that of a family, one reads what is not
            there, or answers lie among the declarations.
    """
    modules.enter(project.root)
    experiments: dict[str, Experiment] = {}
    for file in sorted(project.experiments.glob("*/*.py")):
        for experiment in _declared(file, project.root):
            if experiment.name in experiments:
                raise UsageError(f"two experiments are called {experiment.name}", f"rename the one in {file}")
            experiments[experiment.name] = experiment
    for experiment in experiments.values():
        if experiment.family in experiments:
            problem = f"{experiment.family} is the name of an experiment and of a family"
            raise UsageError(problem, f"rename the experiment, or the family of {experiment.name}")
        _check_reads(experiment, experiments)
    return experiments


def with_read(project: Project, experiments: Iterable[Experiment]) -> list[Experiment]:
    """Return some experiments, each preceded by the one that it reads."""
    wanted = list(experiments)
    declared = load_all(project) if any(experiment.reads for experiment in wanted) else {}
    ordered: dict[str, Experiment] = {}
    for experiment in wanted:
        if experiment.reads:
            ordered.setdefault(experiment.reads, declared[experiment.reads])
        ordered.setdefault(experiment.name, experiment)
    return list(ordered.values())


def _check_reads(experiment: Experiment, experiments: Mapping[str, Experiment]) -> None:
    if not experiment.reads:
        return
    if experiment.reads not in experiments:
        raise UsageError(
            f"{experiment.name} reads {experiment.reads}, which is no experiment",
            "declare it, or mend its name",
        )
    if experiments[experiment.reads].reads:
        raise UsageError(
            f"{experiment.name} reads {experiment.reads}, which reads {experiments[experiment.reads].reads}",
            "read from an experiment that reads from none",
        )


def named(experiments: Mapping[str, Experiment], name: str) -> tuple[Experiment, ...]:
    """Return the experiment of a name, or all of the family of that name, as they are declared.

    Raises:
        UsageError: There is none of that name.
    """
    declared = experiments.values()
    chosen = tuple(each for each in declared if name and name in (each.name, each.family))
    if not chosen:
        names = {name for each in declared for name in (each.name, each.family) if name}
        known = ", ".join(sorted(names)) or "none is declared"
        raise UsageError(f"there is no experiment {name!r}", f"choose from: {known}")
    return chosen


def _declared(file: Path, root: Path) -> tuple[Experiment, ...]:
    """Return what a file declares, none where it is code that others share."""
    defined = _defined(file)
    if defined is not None and EXPERIMENTS not in defined:
        if ANSWERS.upper() in defined:
            raise UsageError(f"{file} holds answers and declares no experiments", f"move it to {ANSWERS}/")
        return ()
    declared = getattr(modules.load(modules.name_of(file, root)), EXPERIMENTS, None)
    if not isinstance(declared, tuple) or not all(isinstance(each, Experiment) for each in declared):
        raise UsageError(f"EXPERIMENTS in {file} is no tuple of experiments", "see the README for an example")
    return declared


def _defined(file: Path) -> set[str] | None:
    """Read from its text which names a module defines; None for one with a mistake, which is told later."""
    try:
        return {name for statement in ast.parse(file.read_bytes()).body for name in _targets(statement)}
    except (SyntaxError, ValueError):
        return None


def _targets(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))
    elif isinstance(statement, ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in statement.names)
