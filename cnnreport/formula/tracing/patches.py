"""What is changed in torch while a net is traced: whatever takes sizes or draws parameters."""

import contextlib
import functools
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sympy
import torch
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula.symbols import simple
from cnnreport.formula.tensor import Recorder, SymbolicTensor, is_symbolic, operation, tensors_in
from cnnreport.formula.tracing.size import Size, unwrap

_FACTORIES = ("empty", "zeros", "ones", "full", "rand", "randn")
_WRITTEN_IN_C = (
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "pixel_shuffle", "pixel_unshuffle", "one_hot",
)  # fmt: skip
"""Operations that take sizes and would refuse an expression before they ask a tensor's class."""

_WITHOUT_RANDOMNESS = (nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear)
"""Layers whose initialisation computes with their sizes; there is nothing to initialise."""

Wrapping = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Takes a function of torch and returns what stands in its place."""


@contextlib.contextmanager
def patched(recorder: Recorder, call: Wrapping) -> Iterator[None]:
    """Put a trace in the way of whatever torch does with sizes; other threads are left alone.

    Args:
        recorder: Informed of operations on symbolic tensors.
        call: Stands in the place of ``nn.Module.__call__``.
    """
    makers = _Makers(recorder)
    changes: list[tuple[Any, str, Any]] = [(nn.Module, "__call__", call(nn.Module.__call__))]
    changes += [
        (kind, "reset_parameters", makers.nothing(kind.reset_parameters)) for kind in _WITHOUT_RANDOMNESS
    ]
    changes += [
        (nn.init, name, makers.initialised(getattr(nn.init, name)))
        for name in vars(nn.init)
        if name.endswith("_") and not name.startswith("_")
    ]
    changes += [(torch, name, makers.factory(getattr(torch, name))) for name in _FACTORIES]
    changes += [
        (place, name, makers.symbolic_first(getattr(place, name)))
        for place in (torch, nn.functional)
        for name in _WRITTEN_IN_C
        if hasattr(place, name)
    ]
    changes.append((math, "sqrt", _root(math.sqrt)))
    before = [(place, name, getattr(place, name)) for place, name, _ in changes]
    try:
        for place, name, value in changes:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


class _Makers:
    """Makes the functions that stand in the place of torch's."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._thread = threading.get_ident()

    def _elsewhere(self) -> bool:
        """Say whether another thread is running; what is changed in torch does not concern it."""
        return threading.get_ident() != self._thread

    def nothing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def reset(module: nn.Module) -> None:
            if self._elsewhere():
                original(module)

        return reset

    def initialised(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def initialise(*args: Any, **kwargs: Any) -> Any:
            tensor = kwargs.get("tensor", args[0] if args else None)
            return tensor if is_symbolic(tensor) else original(*args, **kwargs)

        return initialise

    def factory(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def make(*args: Any, **kwargs: Any) -> Any:
            if self._elsewhere():
                return original(*args, **kwargs)
            sizes = unwrap(_sizes(original.__name__, args, kwargs))
            others = [size for size in sizes if not isinstance(size, int | sympy.Expr)]
            if others:
                problem = f"{others[0]!r} is given as a size"
                raise UsageError(problem, "give a whole number (--fix name=value)")
            below = [size for size in sizes if isinstance(size, int) and size < 0]
            if below:
                raise UsageError(
                    f"{below[0]} is given as a size", "give a positive number (--fix name=value)"
                )
            symbolic = any(isinstance(size, sympy.Expr) for size in sizes)
            if symbolic or (original.__name__ == "empty" and sizes):
                return SymbolicTensor.of([simple(size) for size in sizes], self._recorder)
            return original(*args, **kwargs)

        return make

    def symbolic_first(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if any(map(is_symbolic, tensors_in((args, kwargs)))):
                return self._recorder.operate(operation(original), args, kwargs)
            return original(*args, **kwargs)

        return call


def _root(original: Callable[[Any], float]) -> Callable[[Any], Any]:
    """Return a square root that takes letters, as nets scale what they draw: no size can come of it."""
    return lambda value: value**0.5 if isinstance(value, Size) else original(value)


def _sizes(factory: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    given = kwargs.get("size", args[:1] if factory == "full" else args)
    if len(given) == 1 and isinstance(given[0], tuple | list | torch.Size):
        return tuple(given[0])
    return tuple(given)
