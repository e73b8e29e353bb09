"""A project's own modules: importable by their place below its root, and by nobody else's project.

What lies in the root has its plain name (``nets``), what lies in a report's folder the name of its path
(``experiments.my-report.nets``), hyphens and all, so that relative imports work there. One project is
entered at a time; the modules of the one before are forgotten, as are all of a project of which a file is
no longer what was executed.
"""

import hashlib
import importlib
import importlib.machinery
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnreport import sources
from cnnreport.errors import CnnReportError, UsageError
from cnnreport.sources import SourceLoader

EXPERIMENTS = "experiments"
"""The folder of a project, and the package, that holds a package for each report."""


class _Reports(ModuleType):
    """The package ``experiments`` of the project that was entered."""

    def __init__(self, root: Path, *, added: bool) -> None:
        super().__init__(EXPERIMENTS, "The reports of a project, a package each.")
        self.root = root
        self.added = added
        self.__path__ = [str(root / EXPERIMENTS)]
        self.__spec__ = importlib.machinery.ModuleSpec(EXPERIMENTS, None, is_package=True)
        self.__spec__.submodule_search_locations = self.__path__


def entered() -> Path | None:
    """Return the root of the project that was entered last, None where none was."""
    package = sys.modules.get(EXPERIMENTS)
    return package.root if isinstance(package, _Reports) else None


def files() -> list[Path]:
    """Return the files of the modules that were imported from the project that was entered last."""
    root = entered()
    return [Path(str(module.__file__)) for _, module in _loaded(root)] if root else []


def enter(root: Path) -> None:
    """Make the modules of a project importable, each as its file stands now, and those of another not.

    Args:
        root: The project's folder.
    """
    root = root.resolve()
    before = sys.modules.get(EXPERIMENTS)
    if isinstance(before, _Reports) and before.root == root and str(root) in sys.path:
        if any(_has_changed(module) for _, module in _loaded(root)):
            _forget(root)
        _look_again(root)
        return
    if isinstance(before, _Reports):
        _forget(before.root)
        if before.added and str(before.root) in sys.path:
            sys.path.remove(str(before.root))
    _forget(root)
    sources.follow(root)
    if added := str(root) not in sys.path:
        sys.path.append(str(root))
    sys.modules[EXPERIMENTS] = _Reports(root, added=added)
    _look_again(root)


def name_of(file: Path, root: Path) -> str:
    """Return the dotted name of a module that lies below a project's root."""
    return ".".join(file.relative_to(root).with_suffix("").parts)


def load(name: str) -> ModuleType:
    """Return a module by its dotted name, importing it if need be.

    Raises:
        UsageError: There is none, or a module of the project that was entered has a mistake, which is named
            with its file and line.
    """
    try:
        return importlib.import_module(name)
    except CnnReportError:
        raise
    except Exception as error:
        # A file of the user may raise anything.
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise UsageError(f"there is no module {name}", "mend the name, or write the module") from error
        raise mistake(error) or UsageError(f"{name}: {_named(error)}", "mend it there") from error


def mistake(error: BaseException) -> UsageError | None:
    """Return what to say of an error of any kind that a line of the entered project raised or led to.

    Returns:
        An error that names the last such line, None where no line of the project takes part.
    """
    place = _place(error)
    return UsageError(f"{place}: {_named(error)}", "mend it there") if place else None


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def attribute(name: str) -> Any:
    """Return what a dotted name ``module:NAME`` stands for.

    Raises:
        UsageError: It is no such name, or there is nothing of that name.
    """
    module, _, attribute_name = name.partition(":")
    if not module or not attribute_name:
        raise UsageError(f"{name!r} is no name of a thing in a module", "write it as module:NAME")
    try:
        return getattr(load(module), attribute_name)
    except AttributeError as error:
        raise UsageError(
            f"there is no {attribute_name} in {module}", "mend the name, or define it"
        ) from error


def _loaded(root: Path) -> Iterator[tuple[str, ModuleType]]:
    """Find what was imported from a project's folder by its place there, the package itself aside."""
    for name, module in sources.executed().items():
        if name.partition(".")[0] == sources.PACKAGE.name:
            continue
        place = os.path.join(root, *name.split("."))
        # Texts, since each composing of a report asks this of all modules again and again.
        if os.path.normpath(str(module.__file__)) in (f"{place}.py", os.path.join(place, "__init__.py")):
            yield name, module


def _has_changed(module: ModuleType) -> bool:
    loader = module.__spec__.loader if module.__spec__ else None
    assert isinstance(loader, SourceLoader), "others are not looked for"
    try:
        return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest() != loader.digest
    except OSError:  # removed since
        return True


def _forget(root: Path) -> None:
    """Forget all modules of a project: those that import what changed hold on to what it was."""
    for name, _ in _loaded(root):
        del sys.modules[name]
    for name in list(sys.modules):  # packages without a file of their own
        if name.startswith(f"{EXPERIMENTS}."):
            del sys.modules[name]


def _look_again(root: Path) -> None:
    """Have files found that were written within the tick of the clock in which Python looked."""
    for place, finder in sys.path_importer_cache.items():
        if place.startswith(str(root)) and isinstance(finder, importlib.machinery.FileFinder):
            finder.invalidate_caches()


def _place(error: BaseException) -> str:
    """Name the line of the project at which a mistake showed, empty where there is none."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno}" for frame in frames if _is_ours(Path(frame.filename))]
    return lines[-1] if lines else ""


def _is_ours(file: Path) -> bool:
    """Say whether a file is of the entered project, and of no package that is installed into its folder."""
    root = entered()
    if root is None or not file.is_relative_to(root) or file.is_relative_to(sources.PACKAGE):
        return False
    return sources.INSTALLED.isdisjoint(file.relative_to(root).parts)
