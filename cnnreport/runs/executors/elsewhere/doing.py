"""What another machine does with an errand: look whether it fits, find what it needs, have it computed."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

from cnnreport.data.download import cache_folder
from cnnreport.project import Project
from cnnreport.runs import artefact, transfer
from cnnreport.runs.artefact import Run
from cnnreport.runs.executors.elsewhere import child
from cnnreport.runs.executors.elsewhere.child import Place
from cnnreport.runs.executors.elsewhere.errand import Answer, Errand, Made, Recalled, Refused, Wanting
from cnnreport.runs.executors.elsewhere.posts import is_open
from cnnreport.system import durable

PROJECT = "CNNREPORT_PROJECT"
"""In a worker's environment: where the project lies there, if not where it lies here."""

MADE = "made"
"""The folder, in an errand's room, of runs that are to be fetched."""

KEPT = "elsewhere"
"""The folder, in the cache of a machine that shares none, of data, runs that are read and checkpoints."""


def do(errand: Errand) -> Answer:
    """Do an errand: the one function that executors of other machines are given."""
    project = errand.project
    if elsewhere := os.environ.get(PROJECT):
        project = Project(Path(elsewhere).resolve(), project.output)
    if differences := errand.differences(project):
        return Refused(socket.gethostname(), tuple(differences))
    if is_open(errand.room):
        return _share(errand, project)
    return _alone(errand, project) if errand.alone else Recalled()


def _share(errand: Errand, project: Project) -> Answer:
    """Do it where the output folder is shared: data and checkpoints lie there, and the run is left there."""
    made = Path(tempfile.mkdtemp(dir=errand.room, prefix=MADE))  # another may be at the same run
    place = Place(project, made, project.checkpoints, errand.data, errand.reads)
    return child.compute(errand, place, lambda run: Made(f"{made.name}/{run.folder.name}", None))


def _alone(errand: Errand, project: Project) -> Answer:
    """Do it where nothing is shared: what is needed is kept in the cache, and the run travels back."""
    kept = cache_folder() / KEPT
    data = kept / "data" / errand.data.name if errand.data else None
    reads = kept / "reads" / errand.reads.name if errand.reads else None
    _unpack(errand, data, reads)
    there = {"data": data is None or data.is_file(), "reads": reads is None or _stands(reads)}
    if wanting := tuple(name for name, stands in there.items() if not stands):
        return Wanting(socket.gethostname(), wanting)
    durable.make_folder(kept)
    made = Path(tempfile.mkdtemp(dir=kept, prefix=MADE))
    try:
        place = Place(project, made, kept / "checkpoints", data, reads)
        return child.compute(errand, place, lambda run: Made(run.folder.name, transfer.pack([run])))
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _unpack(errand: Errand, data: Path | None, reads: Path | None) -> None:
    if data and "data" in errand.parcels:
        durable.write(data, errand.parcels["data"])
    if reads and "reads" in errand.parcels:
        transfer.unpack(errand.parcels["reads"], reads.parent, {}, f"what {errand.name} reads")


def _stands(folder: Path) -> bool:
    return isinstance(artefact.load(folder), Run)
