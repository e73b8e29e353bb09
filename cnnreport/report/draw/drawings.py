"""Drawings that an earlier composition made, kept by everything that they depend on."""

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from cnnreport.errors import EnvironmentFailure
from cnnreport.project import PACKAGE
from cnnreport.system import durable

P = ParamSpec("P")
R = TypeVar("R")

LIBRARIES = (
    "matplotlib",
    "kiwisolver",
    "ziamath",
    "ziafont",
    "latex2mathml",
    "pillow",
    "numpy",
    "fonttools",
    "brotli",
    "font-source-sans-pro",
    "font-source-serif-pro",
    "fontpkg-ibm-plex-mono",
)
"""Libraries whose version can change a drawing."""

ROOMS = ("report/draw", "report/numbers", "kinds")
"""Where the code lies that can change a drawing: this room and what it sees above the ground floor."""

PATIENCE = 20
"""How many compositions that drew something new a drawing outlives that none of them used: the reports of a
project share a file, and not every composition is for the same formats."""

_shelf: ContextVar["_Shelf | None"] = ContextVar("shelf", default=None)


class _Shelf:
    """What was drawn before, and what of it, or new, is used now."""

    def __init__(self, before: "dict[str, tuple[int, Any]]") -> None:
        self.before = before  # with how many compositions did not use it
        self.used: dict[str, Any] = {}
        self.made_by = [CODE, [version(library) for library in LIBRARIES]]

    def is_to_be_written(self) -> bool:
        """Say whether something new was drawn, or what was used would be forgotten soon."""
        return any(key not in self.before or 2 * self.before[key][0] > PATIENCE for key in self.used)

    def after(self) -> "dict[str, tuple[int, Any]]":
        """Return what is kept for the next composition."""
        unused = {key: (age + 1, drawing) for key, (age, drawing) in self.before.items() if age < PATIENCE}
        return unused | {key: (0, drawing) for key, drawing in self.used.items()}


@contextmanager
def kept_in(file: Path) -> Iterator[None]:
    """Take the drawings of functions that are `kept` from a file, and leave there what may be used again.

    A file that is missing, damaged or of another make is as good as none, and one that cannot be written
    costs time alone.
    """
    shelf = _Shelf(_read(file))
    token = _shelf.set(shelf)
    try:
        yield
    finally:
        _shelf.reset(token)
    # Where the code was changed since this process read it, nobody knows which drew.
    if shelf.is_to_be_written() and code() == CODE:
        content = json.dumps(shelf.after())
        with suppress(EnvironmentFailure):
            durable.write(file, json.dumps([durable.sha256(content.encode()), content]).encode())


def kept(draw: Callable[P, R]) -> Callable[P, R]:
    """Let a function draw only what `kept_in` does not find.

    Its arguments are plain values, or dataclasses and sequences of them, and decide alone what is drawn;
    it returns what JSON can hold.
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        shelf = _shelf.get()
        if shelf is None:
            return draw(*args, **kwargs)
        asked = [draw.__module__, draw.__qualname__, args, kwargs, shelf.made_by]
        key = durable.sha256(json.dumps(asked, default=_plain, sort_keys=True).encode())
        if key not in shelf.used:
            shelf.used[key] = shelf.before[key][1] if key in shelf.before else draw(*args, **kwargs)
        drawing: R = shelf.used[key]
        return drawing

    return drawn


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Sequence):
        return list(value)
    return value.tolist()  # numpy's numbers and arrays; whatever else raises, and is a mistake


def _read(file: Path) -> dict[str, tuple[int, Any]]:
    try:
        digest, content = json.loads(file.read_bytes())
        if durable.sha256(content.encode()) != digest:
            return {}
        return {key: (int(age), drawing) for key, (age, drawing) in json.loads(content).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def code() -> list[tuple[str, str]]:
    """Return the hashes of all files that may decide what a function of this room draws."""
    files = sorted(file for room in ROOMS for file in (PACKAGE / room).rglob("*.py"))
    return [(str(file.relative_to(PACKAGE)), durable.sha256(file.read_bytes())) for file in files]


CODE = code()
"""As it was when this process began: a build may train for hours before it draws."""
