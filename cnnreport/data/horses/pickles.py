"""Read pickles from outside: they may hold numpy arrays, numbers, texts and bytes, nothing else.

Unpickling normally calls whatever the file names. Here every permitted name is replaced by a
stand-in that only notes what the array would be; the arrays are built afterwards, once their
shapes are known to fit the bytes that are really there.
"""

import io
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from cnnreport.errors import DataError

_PLAIN = re.compile(r"[|<>=]?(?:[biuf][1248]|b1|O8?)")
_RECONSTRUCT = ("numpy.core.multiarray", "numpy._core.multiarray")
_FROM_BUFFER = ("numpy.core.numeric", "numpy._core.numeric")
_MOST_DIMENSIONS = 8
_BROKEN = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class _ForbiddenError(Exception):
    """A pickle names something that no array needs."""


def load(content: bytes, where: str) -> Any:
    """Unpickle arrays without running anything that the pickle asks for.

    Args:
        content: The pickle; strings of Python 2 come back as bytes.
        where: What to call the file in an error.

    Returns:
        An array, or a dictionary, list, tuple, number, text or bytes. Arrays are built where they
        are the whole, the values of a dictionary, or elements of an object array.

    Raises:
        DataError: The pickle is truncated, damaged, or asks for anything but arrays.
    """
    remedy = "get the file again from where it was published"
    try:
        return _built(_Reader(io.BytesIO(content), encoding="bytes").load())
    except _ForbiddenError as error:
        raise DataError(
            f"{where} is not a plain data file: its pickle asks for {error}, which is forbidden", remedy
        ) from error
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{where} is damaged or cut off: {reason}", remedy) from error


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module in _RECONSTRUCT and name == "_reconstruct") or (module, name) == ("numpy", "ndarray"):
            return _Sealed(_begin)
        if module in _FROM_BUFFER and name == "_frombuffer":
            return _Sealed(_from_buffer)
        if (module, name) == ("numpy", "dtype"):
            return _Sealed(_Kind)
        if (module, name) == ("_codecs", "encode"):
            return _Sealed(_encode)
        raise _ForbiddenError(f"{module}.{name}")


class _Sealed:
    """A callable that a pickle can call but not alter."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> NoReturn:
        raise _ForbiddenError("a change of what it calls")


class _Kind:
    """A dtype as a pickle describes it."""

    def __init__(self, name: str | bytes, *_flags: Any) -> None:
        self.name = _text(name)
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if any(part not in (None, ()) for part in state[2:5]):
            raise _ForbiddenError("a structured array")
        self.order = _text(state[1])

    def dtype(self) -> np.dtype[Any]:
        if not _PLAIN.fullmatch(self.name) or self.order not in ("|", "<", ">", "="):
            raise _ForbiddenError(f"an array of {self.name!r}")
        return np.dtype(self.name).newbyteorder("=" if self.order == "|" else self.order)  # type: ignore[arg-type]


@dataclass
class _Array:
    """An array as a pickle describes it."""

    shape: Any = ()
    kind: Any = None
    by_columns: bool = False
    content: Any = b""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.kind, self.by_columns, self.content = state

    def build(self) -> NDArray[Any]:
        shape: tuple[int, ...] = self.shape
        if not isinstance(self.kind, _Kind) or not isinstance(shape, tuple):
            raise ValueError("an array without shape or kind")
        if len(self.shape) > _MOST_DIMENSIONS or any(type(n) is not int or n < 0 for n in self.shape):
            raise ValueError(f"an array of shape {self.shape}")
        dtype, count = self.kind.dtype(), math.prod(self.shape)
        order: Literal["F", "C"] = "F" if self.by_columns else "C"
        if dtype.hasobject:
            return self._objects(count).reshape(shape, order=order)
        if not isinstance(self.content, bytes | bytearray) or len(self.content) != count * dtype.itemsize:
            raise ValueError(f"an array of shape {self.shape} whose content has another size")
        return np.frombuffer(self.content, dtype).reshape(shape, order=order)

    def _objects(self, count: int) -> NDArray[Any]:
        if not isinstance(self.content, list) or len(self.content) != count:
            raise ValueError(f"an array of shape {self.shape} whose content has another size")
        elements = np.empty(count, object)
        for i, element in enumerate(self.content):
            nested = isinstance(element, _Array) and element.content is not self.content
            elements[i] = element.build() if nested else element
        return elements


def _begin(*_arguments: Any) -> _Array:
    return _Array()


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    return _Array(shape, kind, order == "F", content)


def _encode(text: str, codec: str | bytes) -> bytes:
    if _text(codec) not in ("latin1", "latin-1"):
        raise _ForbiddenError(f"the codec {codec!r}")
    return text.encode("latin-1")


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _built(value: Any) -> Any:
    """Build the arrays at the top; deeper ones could be shared so often that a walk never ends."""
    if isinstance(value, _Array):
        return value.build()
    if isinstance(value, dict):
        return {key: item.build() if isinstance(item, _Array) else item for key, item in value.items()}
    return value
