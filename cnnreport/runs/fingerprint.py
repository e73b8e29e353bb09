"""What a run depends on, and the hash over it.

A key has two halves. *What* is asked: the spec, the seed, the data and the source of every module
of the project that the experiment imports, directly or not. *Where* it ran: device class,
arithmetic, threads and library versions. A run made on this machine must agree in both; one that
was brought in from another machine agrees in *what* and is shown with its own *where*.
"""

import ast
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cnnreport import sources
from cnnreport.errors import UsageError, VerificationError
from cnnreport.modules import EXPERIMENTS
from cnnreport.sources import PACKAGE
from cnnreport.system import durable


@dataclass(frozen=True)
class Key:
    """Everything that the bytes of a run depend on, in JSON-able parts."""

    what: Mapping[str, Any]
    where: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """SHA-256 over *what* alone: the same on every machine."""
        return _hash(self.what)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over both halves."""
        return _hash(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return both halves as plain dictionaries."""
        return {"what": dict(self.what), "where": dict(self.where)}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Key":
        """Rebuild a key from a manifest."""
        return cls(parts["what"], parts["where"])

    def differences(self, other: "Key") -> list[str]:
        """Say, a line each, what changed from this key to another."""
        return list(_differences("", self.to_json(), other.to_json()))


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of some libraries, without importing them."""
    return {name: _version(name) for name in libraries}


@cache  # what is installed stays as it is while a command runs
def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # where data come prepared, nothing is clustered
        return "absent"


def source_closure(roots: Iterable[str], root: Path) -> dict[str, Path]:
    """Find the source file of some modules and of all project modules that they import.

    Read from the syntax trees, imports inside functions included; nothing is executed.

    Args:
        roots: Dotted module names.
        root: The project's folder, in which all modules are looked for but those of cnnreport.

    Returns:
        The files by their path relative to the folder in which they were found, in sorted order.

    Raises:
        UsageError: A root is no module of the project.
    """
    waiting = list(roots)
    for module in waiting:
        if _find_module(module, root) is None:
            raise UsageError(f"there is no module {module} in the project", "check the spec that names it")
    closure: dict[str, Path] = {}
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        parents = module.split(".")
        waiting += [".".join(parents[:n]) for n in range(1, len(parents))]
        location = _find_module(module, root)
        if location is None:
            continue
        folder, file = location
        closure[file.relative_to(folder).as_posix()] = file
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        waiting += _imports(file.read_bytes(), package)
    return dict(sorted(closure.items()))


def check_executed(digests: Mapping[str, str], files: Mapping[str, Path]) -> None:
    """Check that what this process has executed so far is what was hashed.

    Args:
        digests: The SHA-256 of the sources by their path in the project, as in a key.
        files: Where those were read from.

    Raises:
        VerificationError: A file was changed after it was hashed, or another of its name was imported.
    """
    for path, executed in sources.unlike(digests).items():
        raise _other_source(path, executed, files[path])


def read_hashed(digests: Mapping[str, str], files: Mapping[str, Path]) -> dict[str, bytes]:
    """Read sources that were hashed before.

    Raises:
        VerificationError: One was changed since.
    """
    contents = {path: file.read_bytes() for path, file in files.items()}
    for path, content in contents.items():
        if durable.sha256(content) != digests[path]:
            raise _other_source(path, files[path], files[path])
    return contents


def _other_source(path: str, executed: Path, hashed: Path) -> VerificationError:
    if executed.resolve() == hashed.resolve():
        return VerificationError(f"{path} was changed while the command ran", "run the same command again")
    return VerificationError(f"{executed} is imported in place of {hashed}", "rename one of them")


def _find_module(module: str, root: Path) -> tuple[Path, Path] | None:
    """Return the folder to which a module's path is relative, and its file; None for one of a library.

    Nor has the package of the reports a file: `cnnreport.modules` makes it, whatever lies there.
    """
    if module == EXPERIMENTS:
        return None
    folder = PACKAGE.parent if module.partition(".")[0] == PACKAGE.name else root
    place = os.path.join(folder, *module.split("."))  # texts, since a plan asks this thousands of times
    files = (f"{place}.py", os.path.join(place, "__init__.py"))
    return next(((folder, Path(file)) for file in files if os.path.isfile(file)), None)


@cache  # the same few files are asked for again by every experiment of a plan
def _imports(source: bytes, package: str) -> tuple[str, ...]:
    return tuple(_each_import(source, package))


def _each_statement(tree: ast.AST) -> Iterator[ast.AST]:
    # Imports are statements, and none stands within an expression, which most of a tree consists of.
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "orelse", "handlers", "finalbody", "cases"):
            waiting += below if isinstance(below := getattr(node, field, None), list) else []


def _each_import(source: bytes, package: str) -> Iterator[str]:
    for node in _each_statement(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _hash(value: Any) -> str:
    return durable.sha256(json.dumps(value, sort_keys=True).encode())


def _differences(place: str, old: Any, new: Any) -> Iterator[str]:
    if place == "what.data":
        yield from _data_difference(old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _differences(f"{place}.{name}" if place else name, old.get(name), new.get(name))
    elif old != new:
        yield _phrase(place, old, new)


def _data_difference(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[str]:
    before, after = (part["title"] if part else "none" for part in (old, new))
    if before != after:
        yield f"data: {before} became {after}"
    elif old != new:
        yield f"data: the content of {after} changed"


def _phrase(place: str, old: Any, new: Any) -> str:
    _, _, rest = place.partition(".")
    part, _, name = rest.partition(".")
    if part == "sources":
        change = "was added" if old is None else "is no longer used" if new is None else "changed"
        return f"source {name} {change}"
    subject = f"{part} {name}".strip().replace(".", " ")
    return f"{subject}: {_short(old)} became {_short(new)}"


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
