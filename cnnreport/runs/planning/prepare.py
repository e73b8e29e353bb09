"""Data as tasks take them: prepared once, before anything is computed, and kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnreport import modules
from cnnreport.errors import DataError
from cnnreport.project import Project
from cnnreport.runs.fingerprint import Key, check_executed, source_closure, versions
from cnnreport.runs.planning.planned import Planned
from cnnreport.system import durable

if TYPE_CHECKING:
    import numpy as np


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
        "prepare": [data_set.prepare for data_set in located.data_sets],
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
    return next((file for file in files if durable.holds_named(file)), None)


def _write(project: Project, stem: str, planned: Planned) -> Path:
    import safetensors.numpy

    assert planned.source is not None, "there are data"
    parameters: Mapping[str, Any] = planned.spec.data_parameters()  # of the first data set alone
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for data_set, source in zip(planned.source.data_sets, planned.source.sources, strict=True):
        prepared = _checked(data_set.prepare, modules.attribute(data_set.prepare)(source, **parameters))
        if twice := sorted({*arrays} & {*prepared}):
            problem = f"{data_set.prepare} returns {', '.join(twice)}, and so does the data set before it"
            raise DataError(problem, "give the arrays of one of them other names")
        arrays |= prepared
        parameters = {}
    check_executed(planned.key.what["sources"], planned.sources)
    return durable.write_named(project.prepared, stem, ".safetensors", safetensors.numpy.save(arrays))


def _checked(prepare: str, arrays: Any) -> "dict[str, np.ndarray[Any, Any]]":
    """Return what a data set prepared as it can be kept, and refuse what cannot.

    Raises:
        DataError: It is no mapping of arrays, or one of them holds neither numbers nor truth values.
    """
    import numpy as np

    if not isinstance(arrays, Mapping):
        raise DataError(f"{prepare} returns a {type(arrays).__name__}", "return arrays of numpy by name")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            what = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            problem = f"{name}, which {prepare} returns, is {what}"
            raise DataError(problem, "make it an array of numpy with numbers; texts go as JSON in bytes")
    # safetensors writes the memory of an array as it lies, whatever its strides.
    return {name: np.asarray(array, order="C") for name, array in arrays.items()}
