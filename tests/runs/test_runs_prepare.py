"""Promises of prepared data: a task gets the arrays that its data sets returned, and no other's."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from cnnreport.errors import DataError
from cnnreport.project import Project
from cnnreport.runs.experiment import load_all
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.plan import make_plan
from cnnreport.runs.planning.prepare import prepare_data

DATA = """
import numpy as np

from cnnreport.data.data_set import Choice, DataSet
from cnnreport.data.source import Source


def data_set(name, function):
    return DataSet(name, name, (Choice("typed", "typed here"),), "data:locate", f"data:{function}")


def locate(asked):
    return Source(name="typed", title="Typed", origin="typed here", fingerprint="1")


FIRST, SECOND = data_set("first", "first"), data_set("second", "second")


def first(source):
    return FIRST_ARRAYS


def second(source):
    return {"other": np.zeros(2, np.float32)}
"""

DECLARATION = """
from dataclasses import dataclass

from cnnreport.runs.experiment import Experiment


@dataclass(frozen=True)
class Taking:
    data: object
    task = "data:Nothing"
    kind = "data:NONE"
    libraries = ("numpy",)
    symbolic = False

    def modules(self):
        return ()

    def arithmetic(self, device):
        return "float32"

    def data_parameters(self):
        return {}


EXPERIMENTS = (
    Experiment("first", "First", Taking("data:FIRST"), seeds=1),
    Experiment("second", "Second", Taking("data:SECOND"), seeds=1),
    Experiment("both", "Both", Taking(("data:FIRST", "data:SECOND")), seeds=1),
)
"""


def taking(root: Path, arrays: str) -> Project:
    """Write a project of two data sets, the first of which returns some arrays."""
    (root / "templates").mkdir()
    (root / "experiments" / "demo").mkdir(parents=True)
    (root / "experiments" / "demo" / "declared.py").write_text(DECLARATION)
    (root / "data.py").write_text(DATA.replace("FIRST_ARRAYS", arrays))
    return Project(root, root / "build")


def prepared(project: Project, name: str) -> dict[str, np.ndarray]:
    """Return what the task of an experiment gets."""
    (planned,) = make_plan(project, [load_all(project)[name]], Choices(device="cpu"))
    file = prepare_data(project, planned, {})
    assert file is not None
    return safetensors.numpy.load_file(file)


@pytest.mark.parametrize(
    "array",
    [
        "np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(0, 2, 1)",
        "np.arange(10)[::-1]",
        "np.arange(12, dtype=np.uint8).reshape(3, 4)[:, ::2]",
        "np.asfortranarray(np.eye(3)[:2])",
        "np.array(3, np.int64)",
        "np.arange(4, dtype='>i4')",
    ],
)
def test_arrays_arrive_however_they_lie_in_memory(tmp_path: Path, array: str) -> None:
    """A transposed, reversed or sliced array keeps its shape and its values."""
    arrived = prepared(taking(tmp_path, f"{{'one': {array}}}"), "first")["one"]
    expected = eval(array, {"np": np})  # noqa: S307 - typed above
    assert arrived.shape == expected.shape
    assert arrived.tolist() == expected.tolist()


def test_data_sets_of_one_module_are_told_apart(tmp_path: Path) -> None:
    """Two sets that are found alike, but prepared by other functions, are other data."""
    project = taking(tmp_path, "{'one': np.ones(2)}")
    assert (*prepared(project, "first"), *prepared(project, "second")) == ("one", "other")


def test_a_task_gets_the_arrays_of_all_its_sets(tmp_path: Path) -> None:
    """Arrays of several data sets lie side by side, by their names."""
    assert {*prepared(taking(tmp_path, "{'one': np.ones(2)}"), "both")} == {"one", "other"}


@pytest.mark.parametrize(
    ("arrays", "name", "problem"),
    [
        ("{'other': np.ones(2)}", "both", "data:second returns other, and so does the data set before it"),
        ("{'one': np.array(['a', None])}", "first", "one, which data:first returns, is object; make it"),
        ("{'one': np.array(['a'])}", "first", "one, which data:first returns, is <U1"),
        ("{'one': [1, 2]}", "first", "one, which data:first returns, is list"),
        ("[1, 2]", "first", "data:first returns a list; return arrays of numpy by name"),
        ("None", "first", "data:first returns a NoneType"),
    ],
)
def test_what_cannot_be_kept_is_told(tmp_path: Path, arrays: str, name: str, problem: str) -> None:
    """Arrays of two sets by one name, and what is no array of numbers, are refused by name."""
    with pytest.raises(DataError, match=problem):
        prepared(taking(tmp_path, arrays), name)
