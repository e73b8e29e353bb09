"""Nets without PyTorch's compiler, which takes a process a second and 170 MB, and compiles nothing here.

Two things import it that need none of it: torchvision, and drawing weights on the device ``meta``.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_COMPILER = "torch._dynamo"
_ASKED = f"{_COMPILER}.utils"

_DRAWING = ("kaiming_uniform_", "normal_", "trunc_normal_", "uniform_")
"""Functions of ``torch.nn.init`` and methods of tensors."""


@contextlib.contextmanager
def without_compiler() -> Iterator[None]:
    """Let what is imported meanwhile have a stand-in for the compiler, unless the compiler is there already.

    ``torchvision.ops.roi_align``, an operation of detectors that no net here has, asks it for one function
    as soon as torchvision is imported (seen in torchvision 0.29). Whoever asks the stand-in for more makes
    the compiler be imported, and gets what it is. Afterwards nothing is left of it: the next one who imports
    the compiler does.
    """
    if _COMPILER in sys.modules:
        yield
        return
    sys.modules.update({name: _StandIn(name) for name in (_COMPILER, _ASKED)})
    try:
        yield
    finally:
        _withdraw()


@contextlib.contextmanager
def form_alone() -> Iterator[None]:
    """Let the nets that are built meanwhile have parameters of the right shapes, but no values."""
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    """Leaves out to draw values that have no memory, for which torch would import the compiler and sympy."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if getattr(func, "__name__", "") in _DRAWING:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


class _StandIn(ModuleType):
    """A module that is imported when somebody looks into it."""

    def __getattr__(self, name: str) -> Any:
        # `inspect` asks all modules for their files, and an import whether what it takes from is a package.
        if name.startswith("__") and (self.__name__, name) != (_COMPILER, "__path__"):
            raise AttributeError(name)
        _withdraw()
        return getattr(importlib.import_module(self.__name__), name)

    def is_compile_supported(self, device_type: str) -> bool:
        """Say what the compiler's function of this name says; it is asked when this is called."""
        asked: bool = importlib.import_module(_ASKED).is_compile_supported(device_type)
        return asked


def _withdraw() -> None:
    for name in (_COMPILER, _ASKED):
        if isinstance(sys.modules.get(name), _StandIn):
            del sys.modules[name]
