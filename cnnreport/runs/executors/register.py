"""Which executors there are: those of this machine, and before them those that a project names."""

import importlib

from cnnreport.errors import UsageError
from cnnreport.project import Project
from cnnreport.runs.executors.executor import Executor
from cnnreport.runs.executors.local import OnCores, OnDevice

BUILT_IN: tuple[type[Executor], ...] = (OnCores, OnDevice)
"""The executors of every project; the first that takes a run computes it."""


def executors(project: Project) -> tuple[type[Executor], ...]:
    """Return the classes of a project's executors, in the order in which they are asked.

    A project names its own in its pyproject.toml, and they are asked first::

        [tool.cnnreport]
        executors = ["cluster:Cluster"]

    Raises:
        UsageError: The settings have a mistake, or a name leads to no executor.
    """
    names = project.settings().get("executors", [])
    if not isinstance(names, list):
        problem = f"pyproject.toml: tool.cnnreport.executors: {names!r} is no list"
        raise UsageError(problem, 'write ["module:Class"]')
    return (*map(_load, names), *BUILT_IN)


def _load(name: str) -> type[Executor]:
    module, _, attribute = name.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        problem = f"pyproject.toml: tool.cnnreport.executors: {name} cannot be imported: {error}"
        raise UsageError(problem, 'write "module:Class"') from error
    if not (isinstance(kind, type) and issubclass(kind, Executor)):
        problem = f"pyproject.toml: tool.cnnreport.executors: {name} is no executor"
        raise UsageError(problem, "derive it from cnnreport.runs.executors.executor.Executor")
    return kind
