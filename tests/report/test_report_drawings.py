"""Drawings are made once for what they depend on, and again when any of it changes."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cnnreport.report.draw import architecture, bars, drawings, figure, maths, matrix, style, thumbnails
from cnnreport.report.draw.figure import Curve
from cnnreport.report.draw.placement import Box
from cnnreport.report.draw.thumbnails import BoundingBox, Scene
from cnnreport.report.numbers.quantity import Quantity, Source

Draw = Callable[..., dict[str, object]]


@dataclass(frozen=True)
class Shape:
    """Something to draw."""

    sides: int
    lengths: object


@pytest.fixture
def calls() -> list[object]:
    """Return what has been drawn so far."""
    return []


@pytest.fixture
def draw(calls: list[object]) -> Draw:
    """Return a kept function that notes when it draws."""

    @drawings.kept
    def drawn(shape: Shape, *, colour: str = "red") -> dict[str, object]:
        calls.append(shape)
        return {"colour": colour, "sides": shape.sides}

    return drawn


def test_what_was_drawn_is_taken_from_the_file(tmp_path: Path, draw: Draw, calls: list[object]) -> None:
    """The second composition draws nothing and gets the same."""
    file = tmp_path / "drawings.json"
    found = []
    for _ in range(2):
        with drawings.kept_in(file):
            found += [draw(Shape(3, (1.0, float("nan")))), draw(Shape(4, np.arange(2)))]
    assert len(calls) == 2
    assert found[:2] == found[2:] == [{"colour": "red", "sides": 3}, {"colour": "red", "sides": 4}]


def test_anything_else_is_drawn_anew(tmp_path: Path, draw: Draw, calls: list[object]) -> None:
    """Another value in a dataclass or an array, or another word, is another drawing."""
    with drawings.kept_in(tmp_path / "drawings.json"):
        draw(Shape(3, np.array([1.0, 2.0])))
        draw(Shape(3, np.array([1.0, 2.0000001])))
        draw(Shape(4, np.array([1.0, 2.0])))
        draw(Shape(3, np.array([1.0, 2.0])), colour="blue")
    assert len(calls) == 4


def kept(file: Path) -> set[int]:
    """The sides of the shapes in a file."""
    _, content = json.loads(file.read_bytes())
    return {found["sides"] for _, found in json.loads(content).values()}


@pytest.mark.slow
def test_what_is_long_no_longer_used_is_dropped(tmp_path: Path, draw: Draw) -> None:
    """Not at once: another report of the project, or another format, may use it."""
    file = tmp_path / "drawings.json"
    for sides in range(drawings.PATIENCE + 2):
        with drawings.kept_in(file):
            draw(Shape(sides, ()))
        assert kept(file) == set(range(max(0, sides - drawings.PATIENCE), sides + 1))


@pytest.mark.slow
def test_what_is_used_now_and_then_stays(tmp_path: Path, draw: Draw, calls: list[object]) -> None:
    """Also where nothing new is drawn with it."""
    file = tmp_path / "drawings.json"
    for sides in range(4 * drawings.PATIENCE):
        with drawings.kept_in(file):
            draw(Shape(sides, ()))
        if sides % 7 == 0:
            with drawings.kept_in(file):
                draw(Shape(0, ()))
    assert len(calls) == 4 * drawings.PATIENCE


def test_a_file_is_not_written_where_nothing_new_was_drawn(tmp_path: Path, draw: Draw) -> None:
    """It has megabytes."""
    file = tmp_path / "drawings.json"
    with drawings.kept_in(file):
        draw(Shape(3, ()))
        draw(Shape(4, ()))
    before = file.stat().st_ino
    with drawings.kept_in(file):
        draw(Shape(3, ()))
    assert file.stat().st_ino == before


def test_another_version_of_a_library_draws_anew(
    tmp_path: Path, draw: Draw, calls: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drawing depends on who drew it."""
    for version in ("1", "2"):
        monkeypatch.setattr(drawings, "version", lambda library, version=version: version)
        with drawings.kept_in(tmp_path / "drawings.json"):
            draw(Shape(3, ()))
    assert len(calls) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"nothing", b'["0", "{}"]', b"[1, 2]", b"\xff"])
def test_a_damaged_file_is_as_good_as_none(
    tmp_path: Path, draw: Draw, calls: list[object], content: bytes
) -> None:
    """Whatever lies there, the drawing is right and the file is whole afterwards."""
    file = tmp_path / "drawings.json"
    file.write_bytes(content)
    for _ in range(2):
        with drawings.kept_in(file):
            assert draw(Shape(3, ())) == {"colour": "red", "sides": 3}
    assert len(calls) == 1


def test_a_changed_drawing_is_not_believed(tmp_path: Path, draw: Draw) -> None:
    """A file whose content is not what was written is not used."""
    file = tmp_path / "drawings.json"
    with drawings.kept_in(file):
        draw(Shape(3, ()))
    file.write_bytes(file.read_bytes().replace(b"red", b"mud"))
    with drawings.kept_in(file):
        assert draw(Shape(3, ()))["colour"] == "red"


def test_nothing_is_kept_of_a_composition_that_failed(tmp_path: Path, draw: Draw) -> None:
    """An error leaves the file as it was."""
    file = tmp_path / "drawings.json"
    with pytest.raises(ZeroDivisionError, match="division"), drawings.kept_in(file):
        draw(Shape(draw(Shape(1, ()))["sides"] // 0, ()))
    assert not file.exists()


def test_other_code_draws_anew(
    tmp_path: Path, draw: Draw, calls: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drawing depends on every file of its room and of those that it sees."""
    code = {name.rpartition("/")[2] for name, _ in drawings.code()}
    assert {"bars.py", "drawings.py", "figure.py", "maths.py", "placement.py", "style.py"} <= code
    for changed in ("1", "2"):
        monkeypatch.setattr(drawings, "code", lambda changed=changed: [("figure.py", changed)])
        monkeypatch.setattr(drawings, "CODE", drawings.code())
        with drawings.kept_in(tmp_path / "drawings.json"):
            draw(Shape(3, ()))
    assert len(calls) == 2


def test_code_that_changed_since_it_was_read_leaves_nothing(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What old code drew is not kept under the hash of the new."""
    monkeypatch.setattr(drawings, "code", lambda: [("figure.py", "edited")])
    with drawings.kept_in(tmp_path / "drawings.json"):
        draw(Shape(3, ()))
    assert not (tmp_path / "drawings.json").exists()


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path: Path, draw: Draw) -> None:
    """Drawings are kept to spare time: without them the report is the same."""
    (tmp_path / "drawings.json").mkdir()
    with drawings.kept_in(tmp_path / "drawings.json"):
        assert draw(Shape(3, range(2)))["sides"] == 3


def test_figures_nets_and_formulas_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is drawn once, and the kept drawings are equal to new ones."""
    box = Box("ReLU", "activation", "", "1 × 2 × 2", (-1,))

    def everything() -> list[object]:
        maths.drawn_formula.__wrapped__.cache_clear()
        curve = Curve("loss", "train", [[1.0, 0.5]])
        made = figure.curves([curve], "loss", "a curve", ())
        net = architecture.draw([box], "1 × 2 × 2", "a net")
        accuracy = Quantity("accuracy", "accuracy", {0: 0.5, 1: math.nan}, "share", Source((), "", ""))
        compared = bars.bars({"": {"a net": accuracy}}, "bars", ())
        confused = matrix.matrix(np.array([[1, 2], [math.nan, 4]]), ["cat", "dog"], "a matrix", ())
        scene = Scene(np.zeros((2, 2, 3), np.uint8), [BoundingBox("cat", 0, 0, 1, 1, 0.5)])
        seen = thumbnails.boxed([scene], "a box", ())
        pictures = [each.content for each in (made, net, compared, confused, seen)]
        return [*pictures, maths.typeset("x^2", "x squared")]

    new = everything()
    with drawings.kept_in(tmp_path / "drawings.json"):
        assert everything() == new
    monkeypatch.setattr(style, "svg", None)
    monkeypatch.setattr("ziamath.zmath.Latex", None)
    with drawings.kept_in(tmp_path / "drawings.json"):
        assert everything() == new
