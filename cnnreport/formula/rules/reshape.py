"""Operations that only look at a tensor's sizes, or move its values: nothing is computed by them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from cnnreport.errors import UsageError
from cnnreport.formula.rules.windows import quotient, same
from cnnreport.formula.symbols import Count, Shape, simple
from cnnreport.formula.tensor import is_symbolic, sizes_of


def _size(x: Any, dim: int | None = None) -> Any:
    return x.sizes if dim is None else x.sizes[dim]


def _itself(x: Any, *rest: Any, **options: Any) -> Any:
    return x


QUERIES: dict[str, Callable[..., Any]] = {
    "shape": _size,
    "size": _size,
    "dim": lambda x: len(x.sizes),
    "ndim": lambda x: len(x.sizes),
    "ndimension": lambda x: len(x.sizes),
    "numel": lambda x: simple(math.prod(x.sizes)),
    "len": lambda x: x.sizes[0],
    "contiguous": _itself,
    "requires_grad": _itself,
    **dict.fromkeys(("to", "cpu", "float", "double", "long", "int", "type_as"), _itself),
    "is_meta": lambda x: False,
    "is_contiguous": lambda x, *rest, **options: True,
    "repr": lambda x, *rest, **options: f"SymbolicTensor{x.sizes}",
    "format": lambda x, *rest, **options: f"SymbolicTensor{x.sizes}",
}
"""Answered at once; nothing is recorded."""


def _arranged(x: Any, *shape: Any) -> list[Shape]:
    sizes = list(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else list(shape)
    whole = math.prod(x.sizes)
    open_axes = [axis for axis, size in enumerate(sizes) if _is(size, -1)]
    if open_axes:
        rest = math.prod(size for size in sizes if not _is(size, -1))
        sizes[open_axes[0]] = quotient(whole, rest)
    if len(open_axes) > 1 or not same(simple(math.prod(sizes)), simple(whole)):
        raise UsageError(f"the shape {x.sizes} cannot be arranged as {tuple(shape)}", "mend the net")
    return [tuple(map(simple, sizes))]


def _flattened(x: Any, start_dim: int = 0, end_dim: int = -1) -> list[Shape]:
    first, last = start_dim % len(x.sizes), end_dim % len(x.sizes)
    sizes = x.sizes
    return [(*sizes[:first], simple(math.prod(sizes[first : last + 1])), *sizes[last + 1 :])]


def _unflattened(x: Any, dim: int, sizes: Sequence[Count]) -> list[Shape]:
    axis = dim % len(x.sizes)
    return _arranged(x, (*x.sizes[:axis], *sizes, *x.sizes[axis + 1 :]))


def _permuted(x: Any, *dims: Any) -> list[Shape]:
    axes = dims[0] if len(dims) == 1 and isinstance(dims[0], tuple | list) else dims
    return [tuple(x.sizes[axis] for axis in axes)]


def _transposed(x: Any, dim0: int, dim1: int) -> list[Shape]:
    sizes = list(x.sizes)
    sizes[dim0], sizes[dim1] = sizes[dim1], sizes[dim0]
    return [tuple(sizes)]


def _squeezed(x: Any, dim: Any = None) -> list[Shape]:
    if dim is None:
        raise UsageError("squeeze() takes away the batch of a single image, too", "name the dimension")
    axes = [d % len(x.sizes) for d in _listed(dim)]
    for axis in axes:
        same(x.sizes[axis], 1)  # or it depends on the symbols
    return [tuple(size for axis, size in enumerate(x.sizes) if not (axis in axes and _is(size, 1)))]


def _unsqueezed(x: Any, dim: int) -> list[Shape]:
    place = dim % (len(x.sizes) + 1)
    return [(*x.sizes[:place], 1, *x.sizes[place:])]


def _expanded(x: Any, *shape: Any) -> list[Shape]:
    sizes = list(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else list(shape)
    ahead = len(sizes) - len(x.sizes)
    old = (*[1] * ahead, *x.sizes)
    return [tuple(before if _is(size, -1) else size for before, size in zip(old, sizes, strict=True))]


def _chunked(x: Any, chunks: int, dim: int = 0) -> list[Shape]:
    size = x.sizes[dim]
    if isinstance(size, int) and isinstance(chunks, int):
        return _split(x, -(-size // chunks), dim)
    part = quotient(size, chunks)
    if not same(part * chunks, size):
        raise UsageError(f"{size} does not divide into {chunks} chunks", "mend the net or fix the size")
    return [_with(x.sizes, dim, part)] * chunks


def _split(x: Any, split_size: Any, dim: int = 0) -> list[Shape]:
    whole = x.sizes[dim]
    if isinstance(split_size, tuple | list):
        if not same(simple(sum(split_size)), whole):
            raise UsageError(f"the pieces {tuple(split_size)} do not add up to {whole}", "mend the net")
        return [_with(x.sizes, dim, size) for size in split_size]
    if isinstance(whole, int) and isinstance(split_size, int):
        starts = range(0, whole, split_size)
        return [_with(x.sizes, dim, min(split_size, whole - start)) for start in starts]
    chunks = quotient(whole, split_size)
    if not isinstance(chunks, int):
        raise UsageError(f"{whole} in pieces of {split_size} is no known number", "fix the size")
    return _chunked(x, chunks, dim)


def _taken(x: Any, key: Any) -> list[Shape]:
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(index is Ellipsis for index in keys):
        place = next(number for number, index in enumerate(keys) if index is Ellipsis)
        missing = len(x.sizes) - sum(k is not None and k is not Ellipsis for k in keys)
        keys[place : place + 1] = [slice(None)] * missing
    sizes = list(x.sizes)
    shape: list[Count] = []
    lists = [index for index in keys if isinstance(index, list | torch.Tensor)]
    if lists and any(isinstance(index, int) for index in keys):
        raise UsageError("a number and a list in one index cannot be counted", "take one after the other")
    for index in keys:
        if index is None:
            shape.append(1)
        elif isinstance(index, int):
            sizes.pop(0)
        elif isinstance(index, slice):
            shape.append(_sliced(sizes.pop(0), index))
        elif len(lists) == 1 and (number := _picked(index)) is not None:
            sizes.pop(0)
            shape.append(number)
        else:
            raise UsageError(
                f"an index of the type {type(index).__name__} cannot be counted",
                "use numbers, slices, or a list of numbers along one axis",
            )
    return [(*shape, *sizes)]


def _replaced(x: Any, value: Any = None) -> list[Shape]:
    """Return the values of a parameter; others that are put in their place have the same shape."""
    if value is not None and not all(map(same, x.sizes, sizes_of(value))):
        raise UsageError(f"values of {sizes_of(value)} take the place of {x.sizes}", "mend the net")
    return [x.sizes]


def _turned(x: Any) -> list[Shape]:
    return [tuple(reversed(x.sizes))] if len(x.sizes) < 3 else [(*x.sizes[:-2], x.sizes[-1], x.sizes[-2])]


def _repeated(x: Any, *times: Any) -> list[Shape]:
    counts = list(times[0]) if len(times) == 1 and isinstance(times[0], tuple | list) else list(times)
    old = (*[1] * (len(counts) - len(x.sizes)), *x.sizes)
    return [tuple(simple(size * count) for size, count in zip(old, counts, strict=True))]


def _moved(x: Any, source: int, destination: int) -> list[Shape]:
    sizes = list(x.sizes)
    size = sizes.pop(source)
    sizes.insert(destination % len(x.sizes), size)
    return [tuple(sizes)]


def _unbound(x: Any, dim: int = 0) -> list[Shape]:
    axis = dim % len(x.sizes)
    number = x.sizes[axis]
    if not isinstance(number, int):
        raise UsageError(f"{number} parts are no known number", "fix the size")
    return [(*x.sizes[:axis], *x.sizes[axis + 1 :])] * number


def _selected(x: Any, dim: int, index: int) -> list[Shape]:
    axis = dim % len(x.sizes)
    return [(*x.sizes[:axis], *x.sizes[axis + 1 :])]


def _chosen(x: Any, dim: int, index: Any) -> list[Shape]:
    if is_symbolic(index):
        raise UsageError("an index that is computed cannot be counted", "give a list of numbers")
    return [_with(x.sizes, dim, len(index))]


def _picked(key: Any) -> int | None:
    """Return how many values a list of numbers picks along its axis, None for any other index."""
    if isinstance(key, list) and all(isinstance(index, int) for index in key):
        return len(key)
    if isinstance(key, torch.Tensor) and not is_symbolic(key) and key.dim() == 1:
        return int(key.sum()) if key.dtype == torch.bool else len(key)
    return None


def _sliced(size: Count, key: slice) -> Count:
    if key.start is None and key.stop is None and key.step is None:
        return size
    if isinstance(size, int):
        return len(range(size)[key])
    raise UsageError(f"a part of {size} values is no known number", "fix the size")


def _shuffled(x: Any, factor: Count) -> list[Shape]:
    channels, *sizes = x.sizes[-3:]
    area = factor * factor
    return [(*x.sizes[:-3], quotient(channels, area), *(simple(size * factor) for size in sizes))]


def _unshuffled(x: Any, factor: Count) -> list[Shape]:
    channels, *sizes = x.sizes[-3:]
    smaller = [quotient(size, factor) for size in sizes]
    if not all(same(small * factor, size) for small, size in zip(smaller, sizes, strict=True)):
        raise UsageError(f"{tuple(sizes)} do not divide by {factor}", "mend the net or fix the size")
    return [(*x.sizes[:-3], simple(channels * factor * factor), *smaller)]


MOVES: dict[str, Callable[..., list[Shape]]] = {
    "view": _arranged,
    "reshape": _arranged,
    "flatten": _flattened,
    "unflatten": _unflattened,
    "permute": _permuted,
    "transpose": _transposed,
    "squeeze": _squeezed,
    "unsqueeze": _unsqueezed,
    "expand": _expanded,
    "expand_as": lambda x, other: _expanded(x, *other.sizes),
    "view_as": lambda x, other: _arranged(x, *other.sizes),
    "chunk": _chunked,
    "split": _split,
    "getitem": _taken,
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _unshuffled,
    "channel_shuffle": lambda x, groups: [x.sizes],
    "flip": lambda x, *rest, **options: [x.sizes],
    "roll": lambda x, *rest, **options: [x.sizes],
    "t": _turned,
    "T": _turned,
    "H": _turned,
    "mT": _turned,
    "mH": _turned,
    "repeat": _repeated,
    "movedim": _moved,
    "moveaxis": _moved,
    "narrow": lambda x, dim, start, length: [_with(x.sizes, dim, length)],
    "select": _selected,
    "index_select": _chosen,
    "unbind": _unbound,
    "data": _replaced,
    "detach": lambda x: [x.sizes],
    "clone": lambda x, **options: [x.sizes],
}
"""Shapes of what comes out; recorded only where a layer of torch.nn does it."""

SEVERAL = frozenset(("chunk", "split", "unbind"))
"""Moves that return several tensors."""


def _with(sizes: Shape, dim: int, size: Count) -> Shape:
    changed = list(sizes)
    changed[dim] = size
    return tuple(changed)


def _listed(value: Any) -> Sequence[int]:
    return value if isinstance(value, tuple | list) else [value]


def _is(size: Any, number: int) -> bool:
    return isinstance(size, int) and size == number
