"""The house rules: which room may look into which, and where each library is imported."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from cnnreport.commands.new import STARTER
from cnnreport.project import PACKAGE
from cnnreport.report.draw import drawings

FLOORS = (
    {"errors", "sources", "modules", "system"},
    {"project", "task", "kinds", "nets", "data", "training", "formula"},
    {"runs"},
    {"report"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
"""Rooms from the ground up; a room sees its own floor and those below."""

REPORT_FLOORS = ("numbers", "draw", "answer", "say", "page", "out")
"""Rooms of the report half from the ground up: numbers, drawings of them, the two as an answer, what runs
of a kind say in answers, the page that they are laid on, and the files that it is written to."""

ONLY_IN = {
    "matplotlib": {"report/draw/style.py", "report/draw/figure.py", "report/draw/notebook/"},
    "jinja2": {"report/page/templating.py", "report/page/outcomes.py"},
    "weasyprint": {"report/out/pdf.py"},
    "ziamath": {"report/draw/maths.py"},
    "pygments": {"report/page/listing.py"},
    "requests": {"data/download.py"},
    "distributed": {"runs/executors/elsewhere/on_dask.py"},
    "submitit": {"runs/executors/elsewhere/on_slurm.py"},
    "rich": {"commands/console.py"},
    "click": {"cli/", "commands/console.py"},
}
"""Libraries that have one door: a file, or a room."""

MEETING_POINT = "cnnreport.runs.artefact"
"""All that the report half sees of the run half."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.is_relative_to(STARTER):  # a project of its own, which is copied, not imported
            continue
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def tree(file: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(file.read_text())


@cache
def imports(file: Path) -> tuple[str, ...]:
    """What a file imports, at whatever depth, as dotted names."""
    return tuple(found_imports(file))


def found_imports(file: Path) -> Iterator[str]:
    """The same, one after the other."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def inner_imports(file: Path) -> set[str]:
    """The modules of the package that a file imports."""
    known = modules()
    names = {name if name in known else name.rpartition(".")[0] for name in imports(file)}
    return {name for name in names if name in known and name != "cnnreport"}


def floor(module: str) -> int:
    """The floor on which a module's room lies."""
    room = module.split(".")[1]
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_lower_never_imports_higher() -> None:
    """Errors, leaves, runs, report, build, command line: each sees only what lies below it."""
    upwards = [
        f"{module} imports {other}"
        for module, file in modules().items()
        if module != "cnnreport"
        for other in inner_imports(file)
        if floor(other) > floor(module)
    ]
    assert upwards == []


def test_the_report_half_is_built_floor_upon_floor() -> None:
    """Numbers, draw, answer, say, page, out: within the report half, too, each sees only what is below."""
    rooms = {module: module.split(".")[2] for module in modules() if module.startswith("cnnreport.report.")}
    assert {*rooms.values()} == {*REPORT_FLOORS}
    upwards = [
        f"{module} imports {other}"
        for module, room in rooms.items()
        for other in inner_imports(modules()[module])
        if other in rooms and REPORT_FLOORS.index(rooms[other]) > REPORT_FLOORS.index(room)
    ]
    assert upwards == []


def test_all_code_that_can_change_a_drawing_is_hashed() -> None:
    """Kept drawings go by the sources of some rooms: draw and those import nothing else that draws."""
    ground = tuple(
        f"cnnreport.{name}" for name in ("errors", "modules", "system", "project", "runs.artefact")
    )
    hashed = tuple(f"cnnreport.{room.replace('/', '.')}" for room in drawings.ROOMS)
    seen = {
        other
        for module, file in modules().items()
        if module.startswith(hashed)
        for other in inner_imports(file)
        if not other.startswith((*ground, *hashed)) and other != "cnnreport.report"
    }
    assert seen == set()


def test_no_circle_anywhere() -> None:
    """Imports, those inside functions included, have an order."""
    graph = {module: inner_imports(file) - {module} for module, file in modules().items()}
    assert list(TopologicalSorter(graph).static_order())


def test_the_two_halves_meet_in_the_artefact_alone() -> None:
    """The report half sees of the run half only how a finished run is read."""
    seen = {
        other
        for module, file in modules().items()
        if module.startswith("cnnreport.report")
        for other in inner_imports(file)
        if other.startswith(("cnnreport.runs", "cnnreport.nets", "cnnreport.data", "cnnreport.formula"))
    }
    assert seen <= {MEETING_POINT}


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_each_library_has_one_door(library: str) -> None:
    """A library with a door of its own is imported nowhere else."""
    users = {
        file.relative_to(PACKAGE).as_posix()
        for file in modules().values()
        if any(name.split(".")[0] == library for name in imports(file))
    }
    assert [user for user in users if not user.startswith(tuple(ONLY_IN[library]))] == []


@pytest.mark.parametrize(
    ("half", "forbidden"),
    [
        ("report", {"torch", "torchvision", "sympy", "sklearn"}),
        ("runs", {"jinja2", "weasyprint", "matplotlib", "ziamath"}),
        ("training", {"pathlib", "jinja2", "weasyprint", "matplotlib", "torchvision"}),
        ("data", {"torch", "torchvision"}),
        ("nets", {"pathlib", "numpy"}),
        ("formula", {"jinja2", "weasyprint", "matplotlib", "ziamath", "torchvision"}),
    ],
)
def test_each_half_does_without_the_others_libraries(half: str, forbidden: set[str]) -> None:
    """The report half needs no torch; the run half, on a bare GPU machine, no typesetting."""
    users = {
        (module, name)
        for module, file in modules().items()
        if module.startswith(f"cnnreport.{half}")
        for name in imports(file)
        if name.split(".")[0] in forbidden
    }
    assert users == set()


def test_no_room_is_a_drawer() -> None:
    """A room has at most a dozen files; a file at most 400 lines, a function at most 60."""
    rooms = Counter(file.parent for file in modules().values() if file.name != "__init__.py")
    assert {room: count for room, count in rooms.items() if count > 12} == {}
    lines = {file: len(file.read_text().splitlines()) for file in modules().values()}
    assert {file: count for file, count in lines.items() if count > 400} == {}
    functions = [
        (node.name, node.end_lineno - node.lineno + 1)
        for file in modules().values()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    ]
    assert [each for each in functions if each[1] > 60] == []
