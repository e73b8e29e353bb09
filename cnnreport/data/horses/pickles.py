"""Read pickles from outside: they may hold numpy arrays, numbers, texts and bytes, nothing else.

Unpickling normally calls whatever the file names. Here every permitted name is replaced by a function
that only makes an array, once its shape is known to fit the bytes that are really there.
"""

import io
import math
import pickle
import re
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from cnnreport.errors import DataError

_PLAIN = re.compile(r"[|<>=]?(?:[biuf][1248]|b1|O8?)")
_MOST_DIMENSIONS = 8
_MOST_ELEMENTS = 1 << 40
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
        An array, or a dictionary, list, tuple, number, text or bytes, with arrays in it.

    Raises:
        DataError: The pickle is truncated, damaged, or asks for anything but arrays.
    """
    remedy = "get the file again from where it was published"
    try:
        value = _Reader(io.BytesIO(content), encoding="bytes").load()
    except _ForbiddenError as error:
        raise DataError(
            f"{where} is not a plain data file: its pickle asks for {error}, which is forbidden", remedy
        ) from error
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{where} is damaged or cut off: {reason}", remedy) from error
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else _plain(value)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy._core.", "numpy.core.")
        if (module, name) not in _PERMITTED:
            raise _ForbiddenError(f"{module}.{name}")
        return _Sealed(_PERMITTED[module, name])


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


class _Array(np.ndarray[Any, Any]):
    """An array that believes no size but that of the content it is given."""

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, content = state
        if not isinstance(kind, _Kind) or not isinstance(shape, tuple):
            raise ValueError("an array without shape or kind")
        if len(shape) > _MOST_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError(f"an array of shape {shape}")
        if math.prod(n or 1 for n in shape) > _MOST_ELEMENTS:  # though a 0 among them may leave none
            raise ValueError(f"an array of shape {shape}")
        dtype = kind.dtype()
        unit, expected = (1, list) if dtype.hasobject else (dtype.itemsize, bytes)
        if not isinstance(content, expected) or len(content) != math.prod(shape) * unit:
            raise ValueError(f"an array of shape {shape} whose content has another size")
        checked: Any = (1, shape, dtype, bool(by_columns), content)
        super().__setstate__(checked)


def _begin(*_arguments: Any) -> _Array:
    return np.empty(0, np.uint8).view(_Array)


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    array = _begin()
    held = bytes(content) if isinstance(content, bytearray) else content
    array.__setstate__((1, shape, kind, order == "F", held))
    return array


def _encode(text: str, codec: str | bytes) -> bytes:
    if _text(codec) not in ("latin1", "latin-1"):
        raise _ForbiddenError(f"the codec {codec!r}")
    return text.encode("latin-1")


_PERMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _begin,
    ("numpy", "ndarray"): _begin,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encode,
}


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, _Array) else value
