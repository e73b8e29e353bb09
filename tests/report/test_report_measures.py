"""Measures as typed values, and what is told where they do not fit."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fake_derivations import FORMULAS, MakeDerivation

from cnnreport.errors import UsageError
from cnnreport.report.say.formulas.measures import JSON, Place, whole


@dataclass(frozen=True)
class Shape:
    """Something with parts of its own."""

    text: str


@dataclass(frozen=True)
class Layer:
    """Something to be read."""

    name: str
    proved: bool
    sizes: tuple[int, ...]
    shape: Shape
    padding: Shape | None
    shapes: tuple[Shape, ...] = field(metadata={JSON: "forms"})


LAYER = {
    "name": "conv", "proved": True, "sizes": [3, 4], "shape": {"text": "a"}, "padding": None,
    "forms": [{"text": "b"}], "more": 1,
}  # fmt: skip


@pytest.fixture
def measures(make_derivation: MakeDerivation) -> Callable[..., Place]:
    """Return a layer among the measures of a run, some of its fields changed."""

    def changed(**fields: Any) -> Place:
        return whole(make_derivation({"layers": [{**LAYER, **fields}]}, FORMULAS))["layers"].entries[0]

    return changed


def test_a_dataclass_is_read_by_its_types(measures: Callable[..., Place]) -> None:
    """Texts, truth values, lists, parts and what may be null, under the name that the measures have."""
    read = measures().read(Layer)
    assert read == Layer("conv", True, (3, 4), Shape("a"), None, (Shape("b"),))


def test_what_is_given_is_not_looked_for(measures: Callable[..., Place]) -> None:
    """A field that the caller knows may be of any make in the measures."""
    read = measures(name=3, sizes=None).read(Layer, name="mine")
    assert (read.name, read.sizes) == ("mine", ())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": 3}, "layers / 0 / name is no str: 3"),
        ({"proved": 1}, "layers / 0 / proved is no bool: 1"),
        ({"sizes": "34"}, "layers / 0 / sizes is no list: '34'"),
        ({"sizes": [3, True]}, "layers / 0 / sizes / 1 is no int: True"),
        ({"shape": {}}, "layers / 0 / shape has no 'text'"),
        ({"shape": []}, "layers / 0 / shape has no 'text'"),
        ({"forms": [{"text": "b"}, {"text": None}]}, "layers / 0 / forms / 1 / text is no str: None"),
    ],
)
def test_what_does_not_fit_is_told_by_file_and_field(
    measures: Callable[..., Place], changed: dict[str, Any], told: str
) -> None:
    """The run, the file, the field and what stands there are named, and what to do."""
    place = measures(**changed)
    begins = f"measures.json of the run {place.run.folder.name} does not fit this version: "
    with pytest.raises(UsageError, match=re.escape(f"{begins}{told}; run the experiment again")):
        place.read(Layer)


def test_a_number_knows_where_it_stands(measures: Callable[..., Place]) -> None:
    """Its origin is its path, its name that of the experiment and the path."""
    quantity = measures()["sizes"].entries[1].number("a size")
    assert (quantity.mean, quantity.source.field) == (4, "layers / 0 / sizes / 1")
    assert quantity.name == f"{FORMULAS}.layers / 0 / sizes / 1"
    assert measures()["padding"].perhaps("a padding") is None


@pytest.mark.parametrize("value", ["3", True, None, [3]])
def test_what_is_no_number_is_refused(measures: Callable[..., Place], value: object) -> None:
    """A text, a truth value and nothing are not counted."""
    with pytest.raises(UsageError, match="layers / 0 / name is no number: "):
        measures(name=value)["name"].number("a size")
