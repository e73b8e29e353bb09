"""A net by its name: ``module:Class``, ``path/file.py:Class``, or a function that returns a net."""

import importlib
import importlib.util
import inspect
import math
import re
import sys
from pathlib import Path
from types import ModuleType

from torch import nn

from cnnreport import sources
from cnnreport.errors import CnnReportError, UsageError
from cnnreport.formula.argument import letters
from cnnreport.formula.reading import expression
from cnnreport.formula.symbols import Count
from cnnreport.formula.tracing.derive import Net

_SIZE = re.compile(r"[A-Za-z_]\w*|\d")
LARGEST_INPUT = 10_000_000
"""Values of an image, at most; a proof runs the real net on it."""


def resolve(target: str) -> Net:
    """Import a net.

    Args:
        target: ``module:Class``, ``path/file.py:Class``, or a function in their place.

    Raises:
        UsageError: There is no such module, file or name, or it cannot be called.
    """
    place, colon, name = (part.strip() for part in target.rpartition(":"))
    if not colon or not place or not name:
        raise UsageError(f"{target!r} names no net", "write module:Class or path/file.py:Class")
    module = _load(Path(place)) if place.endswith(".py") else _import(place)
    net = getattr(module, name, None)
    if not callable(net) or isinstance(net, nn.Module):
        nets = ", ".join(_nets(module)) or "none"
        raise UsageError(f"there is no class or function {name} in {place}", f"nets there: {nets}")
    return net  # type: ignore[no-any-return]


def read_size(text: str) -> tuple[Count, ...]:
    """Read the size of an input such as ``NIC,32,32`` or ``3,4h,4w``; ``()`` is one number for an image.

    Raises:
        UsageError: A part is no positive number and no expression.
    """
    if text.strip() == "()":
        return ()
    sizes = tuple(_positive(_count(part.strip(), "--input"), "--input") for part in text.split(","))
    known = [size for size in sizes if isinstance(size, int)]
    if math.prod(known) > LARGEST_INPUT:
        raise UsageError(f"an input of {text} is larger than a proof can be", "give a smaller one")
    return sizes


def _positive(size: Count, place: str) -> Count:
    whole = isinstance(size, int) or all(c.is_Integer for c in size.as_coefficients_dict().values())
    if not whole or (isinstance(size, int) and size < 1):
        raise UsageError(f"{place}: {size} is no positive whole number", "give one, or letters for one")
    return size


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
    except (Exception, SystemExit) as error:
        # A module of the user may raise anything.
        raise UsageError(f"{name} cannot be imported: {type(error).__name__}: {error}", "mend it") from error


def _load(file: Path) -> ModuleType:
    if not file.is_file():
        raise UsageError(f"there is no file {file}", "check its name")
    sources.follow(file.parent)
    loader = sources.SourceLoader(f"net_of_{file.stem}", str(file))
    spec = importlib.util.spec_from_file_location(loader.name, file, loader=loader)
    assert spec is not None, "a loader is given"
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for the module of a class
    sys.path.insert(0, str(file.parent.resolve()))  # as where Python runs the file
    try:
        loader.exec_module(module)
    except CnnReportError:
        raise
    except (Exception, SystemExit) as error:
        # A file of the user may raise anything.
        raise UsageError(f"{file}: {type(error).__name__}: {error}", "mend it there") from error
    finally:
        sys.path.remove(str(file.parent.resolve()))
    return module


def _nets(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == module.__name__
    ]
