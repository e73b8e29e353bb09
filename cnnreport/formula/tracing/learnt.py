"""Arithmetic on parameters alone, as normalisations of weights do it: shapes, since nothing of it counts."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from cnnreport.errors import UsageError
from cnnreport.formula.rules.windows import same
from cnnreport.formula.symbols import Shape, simple
from cnnreport.formula.tensor import sizes_of


def _first(x: Any, *rest: Any, **options: Any) -> Shape:
    return sizes_of(x)


def _made(x: Any, *size: Any, **options: Any) -> Shape:
    sizes = size or (options["size"],)
    return tuple(sizes[0]) if isinstance(sizes[0], tuple | list) else tuple(sizes)


def _filled(x: Any, size: Sequence[Any], *rest: Any, **options: Any) -> Shape:
    return tuple(size)


def _scalar(*args: Any, **options: Any) -> Shape:
    return ()


def _applied(matrix: Any, vector: Any, **options: Any) -> Shape:
    """Return the shape of a product of a matrix and a vector."""
    rows, columns = sizes_of(matrix)
    if not same(columns, sizes_of(vector)[0]):
        raise UsageError(
            f"{sizes_of(vector)} values do not fit a matrix of {(rows, columns)}", "mend the net"
        )
    return (rows,)


def _reduced(
    x: Any, *rest: Any, dim: Any = None, keepdim: bool = False, correction: Any = 1, **options: Any
) -> Shape:
    """Return the shape of a norm, variance, smallest or largest value along some axes."""
    positions = [part for part in rest if isinstance(part, int | tuple | list)]
    dim = positions[-1] if dim is None and positions else dim
    sizes = sizes_of(x)
    axes = range(len(sizes)) if dim is None else [d % len(sizes) for d in _listed(dim)]
    return tuple(1 if axis in axes else s for axis, s in enumerate(sizes) if keepdim or axis not in axes)


def _norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, **options: Any) -> Shape:
    return _reduced(x, dim=dim, keepdim=keepdim)


def _all_but_one(v: Any, pow: int = 2, dim: int = 0) -> Shape:
    """Return the shape of the norms of all slices along one axis, a number for axis -1."""
    if dim == -1:
        return ()
    return tuple(size if axis == dim else 1 for axis, size in enumerate(sizes_of(v)))


def _listed(dim: Any) -> Sequence[int]:
    return dim if isinstance(dim, tuple | list) else (dim,)


SHAPES: dict[str, Callable[..., Shape]] = {
    **dict.fromkeys(
        ("uniform", "normal", "trunc_normal", "zero", "fill", "copy", "log", "sign", "erfinv", "bernoulli",
         "exponential", "weight_norm", "normalize", "sqrt", "rsqrt", "reciprocal", "abs", "round", "set"),
        _first,
    ),
    **dict.fromkeys([f"{made}_like" for made in ("empty", "zeros", "ones", "full", "rand", "randn")], _first),
    **dict.fromkeys(("new_empty", "new_zeros", "new_ones"), _made),
    "new_full": _filled,
    "new_tensor": lambda x, data, **options: tuple(torch.as_tensor(data).shape),
    **dict.fromkeys(("dot", "vdot"), _scalar),
    "mv": _applied,
    "norm": _norm,
    "vector_norm": _norm,
    "linalg_vector_norm": _norm,
    **dict.fromkeys(("std", "var"), _reduced),
    "norm_except_dim": _all_but_one,
}  # fmt: skip
"""The shape of what comes out, where no operand comes from the input of the net; else a rule is needed."""


FRESH = frozenset(name for name in SHAPES if name.startswith("new_") or name.endswith("_like"))
"""What makes a tensor that takes nothing but a shape from another: it comes from no input."""


def shape(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Shape:
    """Return the shape of an operation on parameters."""
    return tuple(map(simple, SHAPES[name](*args, **kwargs)))
