"""What is declared, what stands and what is left over: the questions behind list, status and clean."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cnnreport.data import choosing
from cnnreport.data.data_set import VALUES, DataSet
from cnnreport.errors import UsageError
from cnnreport.kinds.digits import on_terminal
from cnnreport.project import BUDGETS, CHOICES, DRAWINGS, Project
from cnnreport.report.out import writers
from cnnreport.report.out.writer import drawings_of, is_changed, record_of
from cnnreport.report.page import outline
from cnnreport.runs import artefact, checkpoint, experiment
from cnnreport.runs.artefact import Damaged
from cnnreport.runs.executors.elsewhere.executor import rooms
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.fingerprint import Key, versions
from cnnreport.runs.planning import located
from cnnreport.runs.planning.choices import Choices, last_choices
from cnnreport.runs.planning.plan import make_plan
from cnnreport.runs.planning.planned import Planned
from cnnreport.system import durable, locks


def listing(project: Project) -> dict[str, list[dict[str, Any]]]:
    """Return the declared experiments and reports, and the data sets that they take, as plain data."""
    declared = experiment.load_all(project).values()
    experiments = [
        {"name": one.name, "family": one.family, "title": one.title, "seeds": one.seeds} for one in declared
    ]
    outlines = [outline.load(project, name) for name in outline.names(project)]
    reports = [
        {"name": one.name, "title": one.title, "output": one.output, "experiments": list(one.experiments)}
        for one in outlines
    ]
    data = [_offered(each) for each in located.known(declared).values()]
    return {"experiments": experiments, "reports": reports, "data": data}


def _offered(data_set: DataSet) -> dict[str, Any]:
    """Return what can be asked of a data set as plain data, each with the word that asks for it."""
    choices = [
        {"word": f"{data_set.name}={entry.name}", "words": entry.words, "stand_in": entry.stand_in}
        for entry in data_set.choices
    ]
    options = [
        {"word": f"{data_set.name}.{entry.name}={VALUES[entry.form]}", "words": entry.words}
        for entry in data_set.options
    ]
    return {"name": data_set.name, "title": data_set.title, "choices": choices, "options": options}


def current_plan(project: Project, choices: Choices | None, name: str | None = None) -> list[Planned]:
    """Plan all experiments, or those of a name, as chosen; without a choice, as the last build was asked."""
    declared = experiment.load_all(project)
    wanted = experiment.named(declared, name) if name else tuple(declared.values())
    chosen = choices or _as_before(project, declared) or Choices()
    return make_plan(project, wanted, replace(chosen, fetch=False))


def _as_before(project: Project, declared: Mapping[str, Experiment]) -> Choices | None:
    """Return what the last build was asked for, as far as the project still has it."""
    last = last_choices(project)
    return last and replace(last, data=choosing.still_known(last.data, located.known(declared.values())))


def describe(planned: Planned) -> dict[str, Any]:
    """Return one planned run as plain data."""
    return {
        "experiment": planned.experiment.name,
        "seed": planned.seed,
        "state": planned.state,
        "reasons": list(planned.reasons),
        "fingerprint": planned.key.fingerprint,
        "folder": planned.folder.name,
        "epochs_done": checkpoint.epochs(planned.checkpoints),
    }


def recorded(planned: Planned) -> list[dict[str, Any]]:
    """Return what a finished run recorded, as its kind declares it; of the history that of the last epoch.

    Returns:
        ``meaning``, ``field``, ``place``, ``value``, ``text`` and whether it is a ``result`` of each number;
        nothing where there is no finished run.
    """
    if (run := planned.run) is None:
        return []
    kept = {"history": run.history[-1] if run.history else {}, "measures": run.measures, "spec": run.spec}
    return [
        {
            "meaning": recorded.meaning,
            "field": recorded.key,
            "place": recorded.place,
            "value": value,
            "text": on_terminal(value, recorded.form),
            "result": bool(recorded.result),
        }
        for recorded in run.kind.recorded
        if isinstance(value := kept[recorded.place].get(recorded.key), int | float)
    ]


def rubbish(project: Project, *, everything: bool) -> list[Path]:
    """Find what `clean` removes.

    Runs of which a source or a library has changed since, damaged runs, unfinished runs of that
    kind, and temporary files. A run with other options than the last build's is not rubbish, and
    imported runs stay, since they cannot be made again here.

    Args:
        project: Where to look.
        everything: Take all that this program makes, and nothing else that lies in the same folders.

    Raises:
        UsageError: Everything is to go while a command is computing.
    """
    if everything:
        return _everything(project)
    runs = [
        run.folder
        for run in artefact.load_all(project.runs)
        if isinstance(run, Damaged) or not (run.imported or _is_current(run.key, project))
    ]
    idle = [
        folder
        for folder in _entries(project.checkpoints)
        if folder.is_dir()
        and artefact.parse_folder_name(folder.name)
        and not checkpoint.computed_by(folder)
        and not ((key := checkpoint.key(folder)) and _is_current(key, project))
    ]
    return [*runs, *idle, *_left_over(project)]


def remove(project: Project, paths: Sequence[Path]) -> None:
    """Remove files and folders, and the folders of the output that are empty then."""
    for path in paths:
        durable.remove(path)
    for folder in (project.runs, project.checkpoints, project.prepared):
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


def _everything(project: Project) -> list[Path]:
    if _is_busy(project):
        raise UsageError("a command is computing into this folder", "wait until it is done, or end it")
    runs = [path for path in _entries(project.runs) if artefact.parse_folder_name(path.name)]
    under_way = [
        path
        for path in _entries(project.checkpoints)
        if artefact.parse_folder_name(path.name.removesuffix(".lock"))
    ]
    prepared = [path for path in _entries(project.prepared) if durable.named_hash(path)]
    single = [project.output / name for name in _files_of_ours(project) if (project.output / name).is_file()]
    single = [path for path in single if not _is_worked_on(path)]
    return [*runs, *under_way, *prepared, *single, *_left_over(project)]


def _is_worked_on(path: Path) -> bool:
    """Say whether a file holds what somebody changed in it since it was built."""
    worked_on = {writer.suffix for writer in writers.WRITERS if writer.worked_on}
    return path.suffix in worked_on and is_changed(path)


def _is_busy(project: Project) -> bool:
    computing = any(locks.holder(file) for file in project.checkpoints.glob("*.lock"))
    return computing or any(rooms(project.output).values())


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_current(key: Key, project: Project) -> bool:
    """Say whether a key's sources and library versions are still today's."""
    return key.where["versions"] == versions(key.where["versions"]) and all(
        durable.read(project.source(path), digest) is not None for path, digest in key.what["sources"].items()
    )


def _left_over(project: Project) -> list[Path]:
    """Find what killed commands left half-written; nothing while a command may be writing."""
    if _is_busy(project):
        return []
    parts = list(project.runs.glob(f"{artefact.INCOMING}*"))
    places = (*project.checkpoints.glob("*"), project.prepared)
    files = [file for place in places for file in place.glob(".*.tmp")]
    files += [file for name in _files_of_ours(project) for file in project.output.glob(f".{name}.*.tmp")]
    return sorted([*parts, *files, *rooms(project.output)])


def _files_of_ours(project: Project) -> list[str]:
    """Name the files that lie in the output folder itself."""
    loaded = [outline.load(project, name) for name in outline.names(project)]
    written = [file for each in loaded for file in writers.files(each)]
    beside = [str(beside(file)) for file in written for beside in (record_of, drawings_of)]
    return [*map(str, written), *beside, BUDGETS, CHOICES, DRAWINGS]
