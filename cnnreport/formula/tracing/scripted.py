"""Scripted and compiled code, run as the Python that it was made from: compilers take no letters."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from cnnreport.errors import UsageError

_changing = threading.RLock()
_call_compiled = torch.jit.ScriptFunction.__dict__["__call__"]


@contextlib.contextmanager
def as_python() -> Iterator[None]:
    """Run what torch.jit.script and torch.compile made of functions and modules as plain Python.

    What is scripted or compiled meanwhile stays as it is. Other threads are left alone.
    """
    thread = threading.get_ident()
    with _changing:  # what one thread puts back must not be what another one put there
        changes: list[tuple[Any, str, Any]] = [
            (place, name, _leaving_alone(getattr(place, name), thread))
            for place, name in ((torch.jit, "script"), (torch, "compile"))
        ]
        changes.append((torch.jit.ScriptFunction, "__call__", _calling_source(thread)))
        before = [(place, name, place.__dict__[name]) for place, name, _ in changes]
        try:
            for place, name, value in changes:
                setattr(place, name, value)
            with _without_compiling():
                yield
        finally:
            for place, name, value in before:
                setattr(place, name, value)


def _leaving_alone(compiler: Callable[..., Any], thread: int) -> Callable[..., Any]:
    """Return what in a thread gives back what it should compile, and in others compiles."""

    def compile(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return compiler(*args, **kwargs)
        given = [*args, *(kwargs[name] for name in ("obj", "func", "model") if name in kwargs)]
        return given[0] if given and given[0] is not None else lambda function: function

    return compile


def _calling_source(thread: int) -> Callable[..., Any]:
    """Return what in a thread calls the Python of a scripted function, and in others the function."""

    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return _call_compiled(function, *args, **kwargs)
        source = getattr(function, "_torchdynamo_inline", None)
        # A trace may have gone one way only of those that its Python has; its graph knows shapes.
        if source is None or "strides=" in str(function.graph):
            raise UsageError(
                f"the function {function.name} is traced or loaded (torch.jit): there is no Python to follow",
                "call the function that it was made from",
            )
        return source(*args, **kwargs)

    return call


def _without_compiling() -> contextlib.AbstractContextManager[Any]:
    # Nothing that torch.compile made exists before this module is loaded, which takes seconds.
    if "torch._dynamo" not in sys.modules:
        return contextlib.nullcontext()
    stance: contextlib.AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def refuse_scripted(net: nn.Module) -> None:
    """Refuse modules that hold compiled code only.

    Raises:
        UsageError: There is one; its path is named.
    """
    for path, module in net.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            where = f"layer {path}" if path else "the net"
            raise UsageError(
                f"{where} is scripted, traced or loaded (torch.jit): there is no Python to follow",
                "name the class that it was made from, or call torch.jit.script in the constructor",
            )
