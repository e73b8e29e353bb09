"""Which executors there are: those of this machine, and before them those that a project names."""

from cnnreport import modules
from cnnreport.errors import UsageError
from cnnreport.project import SETTINGS, Project
from cnnreport.runs.executors.executor import Executor
from cnnreport.runs.executors.local import OnCores, OnDevice

BUILT_IN: tuple[type[Executor], ...] = (OnCores, OnDevice)
"""The executors of every project; the first that takes a run computes it."""

_WHERE = f"{SETTINGS}: tool.cnnreport.executors"


def executors(project: Project) -> tuple[type[Executor], ...]:
    """Return the classes of a project's executors, in the order in which they are asked.

    A project names its own in its pyproject.toml, and they are asked first::

        [tool.cnnreport]
        executors = ["cluster:Cluster"]

    Raises:
        UsageError: A name leads to no executor.
    """
    names = project.settings().get("executors", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{_WHERE} = {names!r} is no list of names", 'write ["module:Class"]')
    return (*map(_load, names), *BUILT_IN)


def _load(name: str) -> type[Executor]:
    try:
        kind = modules.attribute(name)
    except UsageError as error:
        problem = f"{_WHERE}: {name} cannot be imported: {error.problem}"
        raise UsageError(problem, 'write "module:Class"') from error
    if not (isinstance(kind, type) and issubclass(kind, Executor)):
        remedy = "derive it from cnnreport.runs.executors.executor.Executor"
        raise UsageError(f"{_WHERE}: {name} is no executor", remedy)
    return kind
