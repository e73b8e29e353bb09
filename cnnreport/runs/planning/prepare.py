"""Data as tasks take them: prepared once, before anything is computed, and kept."""

from pathlib import Path

from cnnreport import modules
from cnnreport.project import Project
from cnnreport.runs.fingerprint import Key, check_executed, source_closure, versions
from cnnreport.runs.planning.planned import Planned
from cnnreport.system import durable


def prepare_data(project: Project, planned: Planned, known: dict[str, Path]) -> Path | None:
    """Return the planned run's data as the task takes them, preparing and keeping them if need be.

    Args:
        project: Where prepared data are kept.
        planned: Whose data.
        known: What this function found earlier, so that large files are not checked again for each run.
    """
    located = planned.source
    if located is None:
        return None
    hashed = planned.key.what["sources"]
    what = {
        "data": located.fingerprint,
        "parameters": planned.spec.data_parameters(),
        "sources": {path: hashed[path] for path in source_closure(located.modules, project.root)},
    }
    key = Key(what, versions(planned.spec.libraries))
    stem = f"{located.name}-{key.fingerprint[:16]}"
    if stem not in known:
        known[stem] = _kept(project, stem) or _write(project, stem, planned)
    return known[stem]


def _kept(project: Project, stem: str) -> Path | None:
    files = sorted(project.prepared.glob(f"{stem}.*.safetensors"))
    return next((file for file in files if durable.read_named(file) is not None), None)


def _write(project: Project, stem: str, planned: Planned) -> Path:
    import safetensors.numpy

    assert planned.source is not None, "there are data"
    first, *others = zip(planned.source.data_sets, planned.source.sources, strict=True)
    arrays = modules.attribute(first[0].prepare)(first[1], **planned.spec.data_parameters())
    for data_set, source in others:
        arrays = {**arrays, **modules.attribute(data_set.prepare)(source)}
    check_executed(planned.key.what["sources"], planned.sources)
    return durable.write_named(project.prepared, stem, ".safetensors", safetensors.numpy.save(arrays))
