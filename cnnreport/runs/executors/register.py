"""Which executors there are: those of this machine, and before them those that a project names."""

from collections.abc import Mapping

from cnnreport import modules
from cnnreport.errors import UsageError
from cnnreport.project import SETTINGS, Project
from cnnreport.runs.executors.executor import LOCAL, LOCALLY, Asked, Executor
from cnnreport.runs.executors.local import OnCores, OnDevice

BUILT_IN: tuple[type[Executor], ...] = (OnCores, OnDevice)
"""The executors of every project; the first that takes a run computes it."""

_WHERE = f"{SETTINGS}: tool.cnnreport.executors"


ELSEWHERE: Mapping[str, str] = {
    "dask": "cnnreport.runs.executors.elsewhere.on_dask:OnDask",
    "slurm": "cnnreport.runs.executors.elsewhere.on_slurm:OnSlurm",
}
"""Those that the command line has names for, which need libraries of their own."""

OWN = "cnnreport.runs.executors.elsewhere.on_own:OnOwn"
"""The one that computes on what a function of the user returns."""


def executors(project: Project, asked: Asked = LOCALLY) -> tuple[type[Executor], ...]:
    """Return the classes of a project's executors, in the order in which they are asked.

    First the one that the user asks for with ``--executor``: ``dask``, ``slurm``, or ``module:NAME``, where
    NAME is an `Executor` or a function that returns an executor of `concurrent.futures`. Then those that a
    project names in its pyproject.toml::

        [tool.cnnreport]
        executors = ["cluster:Cluster"]

    Last those of this machine.

    Raises:
        UsageError: A name leads to no executor.
        EnvironmentFailure: A library is missing that the one asked for needs.
    """
    names = project.settings().get("executors", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{_WHERE} = {names!r} is no list of names", 'write ["module:Class"]')
    return (*_chosen(asked), *map(_load, names), *BUILT_IN)


def _chosen(asked: Asked) -> tuple[type[Executor], ...]:
    """Return what the user asks for beside this machine, if that can be had."""
    if not asked.elsewhere:
        return ()
    name = ELSEWHERE.get(asked.executor, asked.executor)
    if ":" not in name:
        known = ", ".join((LOCAL, *ELSEWHERE))
        raise UsageError(f"there is no executor {name!r}", f"choose {known}, or module:NAME of your own")
    kind = modules.attribute(name)
    if not (isinstance(kind, type) and issubclass(kind, Executor)):
        kind = modules.attribute(OWN)
    kind.check(asked)
    return (kind,)


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
