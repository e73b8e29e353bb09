"""A net by its name: ``module:Class``, ``path/file.py:Class``, or a function that returns a net."""

import importlib
import importlib.util
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnreport.errors import CnnReportError, UsageError
from cnnreport.formula import expression
from cnnreport.formula.derive import Net
from cnnreport.formula.symbols import KERNEL, LETTERS, Count, symbol

_NAME = re.compile(r"[A-Za-z_]\w*")
_SIZE = re.compile(r"[A-Za-z_]\w*|\d")
_CONSTANTS = {"true": True, "false": False, "none": None}


def resolve(target: str) -> Net:
    """Import a net.

    Args:
        target: ``module:Class``, ``path/file.py:Class``, or a function in their place.

    Raises:
        UsageError: There is no such module, file or name, or it cannot be called.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise UsageError(f"{target!r} names no net", "write module:Class or path/file.py:Class")
    module = _load(Path(place)) if place.endswith(".py") else _import(place)
    found = getattr(module, name, None)
    if not callable(found):
        nets = ", ".join(_nets(module)) or "none"
        raise UsageError(f"there is no class or function {name} in {place}", f"nets there: {nets}")
    return found  # type: ignore[no-any-return]


def read_values(net: Net, texts: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs: numbers, true, false, none, words, or expressions for an integer.

    Raises:
        UsageError: A text is no such pair, or its value cannot be read.
    """
    annotations = {p.name: p.annotation for p in inspect.signature(net).parameters.values()}
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not _NAME.fullmatch(name) or not value:
            raise UsageError(f"{text!r} fixes nothing", "write --fix name=value")
        values[name] = _value(value, name, whole=annotations.get(name) in (int, "int"))
    return values


def read_size(text: str) -> tuple[Count, ...]:
    """Read the size of an input such as ``NIC,32,32`` or ``3,4h,4w``.

    Raises:
        UsageError: A part is no positive number and no expression.
    """
    sizes = tuple(_count(part.strip(), "--input") for part in text.split(","))
    if any(isinstance(size, int) and size < 1 for size in sizes):
        raise UsageError(f"an input of {text} holds nothing", "give sizes of at least one")
    return sizes


def letters(text: str) -> Mapping[str, Any]:
    """Return the symbols of all names in a text; parameters' names stand for their letters."""
    found = {name: symbol(LETTERS.get(name, name)) for name in _NAME.findall(re.sub(r"\d+", " ", text))}
    return found | ({"K": symbol(KERNEL)} if "K" in found else {})


def _value(text: str, name: str, *, whole: bool) -> Any:
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return _count(text, f"--fix {name}") if whole else text


def _count(text: str, place: str) -> Count:
    if not _SIZE.search(text):
        raise UsageError(f"{place}: {text!r} is no size", "write numbers or symbols, such as NIC,32,32")
    return expression.parse(text, letters(text), place)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"there is no module {name}", "check its name, or name a file") from error
        raise UsageError(f"{name} needs the module {error.name}", "install it") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name!r} is no module's name", "write module:Class") from error
    except Exception as error:
        # A module of the user may raise anything.
        raise UsageError(f"{name} cannot be imported: {type(error).__name__}: {error}", "mend it") from error


def _load(file: Path) -> ModuleType:
    if not file.is_file():
        raise UsageError(f"there is no file {file}", "check its name")
    spec = importlib.util.spec_from_file_location(f"net_of_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} cannot be loaded", "give it the ending .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except CnnReportError:
        raise
    except Exception as error:
        # A file of the user may raise anything.
        raise UsageError(f"{file}: {type(error).__name__}: {error}", "mend it there") from error
    return module


def _nets(module: ModuleType) -> list[str]:
    from torch import nn

    return [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == module.__name__
    ]
