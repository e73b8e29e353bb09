"""What is executed is what stands in the source file: bytecode, which Python trusts by time, is not used.

A run's key holds the hashes of the sources that it imports. Python would execute the bytecode of an
earlier source wherever size and time of the file are the same, as after two saves within a second by an
editor, a copy that keeps times, or a checkout. So the modules of the package, and of a project, are
compiled from their source each time, which costs some milliseconds, and each remembers the hash of what
was compiled. `unlike` compares these with a key.
"""

import hashlib
import importlib.machinery
import importlib.util
import linecache
import sys
import sysconfig
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType

PACKAGE = Path(__file__).resolve().parent

INSTALLED = {"site-packages", "dist-packages"}
"""Folders that packages are installed into."""


_executed: set[str] = set()
"""The names of all modules that were compiled from their sources, in this process."""


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module from its source file, whatever bytecode lies about; `digest` says which source."""

    digest = ""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source, and keep it for tracebacks and listings: the file may change from now on."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        code: CodeType = self.source_to_code(source, path)
        self.digest = hashlib.sha256(source).hexdigest()
        _executed.add(fullname)
        text = importlib.util.decode_source(source)
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        return code


def follow(folder: Path) -> None:
    """From now on, import what lies below a folder from its sources alone.

    Folders that packages are installed into are left out, since a project may hold an environment.
    """
    root = folder.resolve()
    if root in followed():
        return
    sys.path_hooks.insert(0, Hook(root))
    for known in list(sys.path_importer_cache):  # finders made before now would go on as they were
        if _real(known).is_relative_to(root):
            del sys.path_importer_cache[known]


def followed() -> tuple[Path, ...]:
    """Return the folders that are followed, for a process that is to do the same."""
    return tuple(hook.root for hook in sys.path_hooks if isinstance(hook, Hook))


def executed() -> dict[str, ModuleType]:
    """Return the modules that were compiled from their sources, by name; not those forgotten since."""
    found = {name: sys.modules[name] for name in sorted(_executed) if name in sys.modules}
    return {name: module for name, module in found.items() if isinstance(module.__loader__, SourceLoader)}


def unlike(digests: Mapping[str, str]) -> dict[str, Path]:
    """Find which of some sources are not those that this process has executed.

    Args:
        digests: The SHA-256 of each source by its path, relative to a folder of `sys.path`, such as
            ``cnnreport/nets/deeplab.py``. What has not been imported is passed over.

    Returns:
        The file that was executed in place of each of those, by their paths, in sorted order.
    """
    loaded = ((path, sys.modules.get(_module(path))) for path in sorted(digests))
    return {
        path: Path(module.__file__)
        for path, module in loaded
        if module and module.__file__ and _digest(module) != digests[path]
    }


class Hook:
    """What `sys.path_hooks` asks for the importer of a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._library = Path(sysconfig.get_path("stdlib")).resolve()

    def __call__(self, path: str) -> importlib.machinery.FileFinder:
        """Return the importer of a folder.

        Raises:
            ImportError: It is none of those that are followed, so that Python asks the next hook.
        """
        place = _real(path)
        if not self._ours(place):
            raise ImportError(f"others import from {path}", path=path)
        return importlib.machinery.FileFinder(
            path,
            (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
            (SourceLoader, importlib.machinery.SOURCE_SUFFIXES),
        )

    def _ours(self, place: Path) -> bool:
        if not place.is_dir() or not place.is_relative_to(self.root):
            return False
        if INSTALLED.intersection((self.root.name, *place.relative_to(self.root).parts)):
            return False
        return self.root.is_relative_to(self._library) or not place.is_relative_to(self._library)


@lru_cache(maxsize=4096)
def _real(place: str) -> Path:
    """Return a place of Python's imports without links: there are hundreds, and they stay."""
    return Path(place).resolve()


def _module(path: str) -> str:
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _digest(module: ModuleType) -> str:
    """Return the hash of what a module executed; of its file as it is now, where Python loaded it.

    Of the package, that is this module alone and ``__init__``, which only calls it.
    """
    loader = module.__spec__.loader if module.__spec__ else None
    if isinstance(loader, SourceLoader):
        return loader.digest
    return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()
