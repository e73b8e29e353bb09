"""What rules have in common: how operands and settings are taken apart, compared and multiplied."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.rules.windows import same
from cnnreport.formula.symbols import Count, Shape, simple


def images_of(shape: Shape, axes: int) -> tuple[Shape, Shape]:
    """Part a shape into how many images there are, and channels and sizes of one; one may have no batch.

    Raises:
        ValueError: It has fewer axes than an image, or more than a batch of them.
    """
    batch = len(shape) - axes - 1
    if batch not in (0, 1):
        raise ValueError(f"{len(shape)} axes")
    return shape[:batch], shape[batch:]


def needed(*bounds: tuple[Count, Count]) -> tuple[Any, ...]:
    """Return the conditions that each left side is larger than its right side.

    Raises:
        UsageError: One never holds.
    """
    relations = [sympy.sympify(size) > bound for size, bound in bounds]
    for (size, bound), relation in zip(bounds, relations, strict=True):
        if relation == False:  # noqa: E712 - a relation of sympy
            raise UsageError(
                f"a size of {size} is too small, more than {bound} is needed", "give a larger input"
            )
    return tuple(dict.fromkeys(r for r in relations if r != True))  # noqa: E712


def kernel_roles(weight: Any, bias: Any) -> dict[Any, Any]:
    """Say what the parameters of a convolution or linear layer are for."""
    return {"kernel": (weight,)} | ({"bias": (bias,)} if bias is not None else {})


def is_computed(tensor: Any) -> bool:
    """Say whether a tensor comes from the input of the net, unlike parameters and constants."""
    return bool(getattr(tensor, "sources", ()))


def learnt_roles(tensors: Sequence[Any]) -> dict[Any, Any]:
    """Say that the operands that come from no input are parameters of another sort."""
    learnt = tuple(tensor for tensor in tensors if not is_computed(tensor))
    return {"other": learnt} if learnt else {}


def affine_roles(weight: Any, bias: Any) -> dict[Any, Any]:
    """Say that the parameters are scale and shift of a normalisation."""
    return {"affine": tuple(part for part in (weight, bias) if part is not None)}


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape to which shapes are broadcast.

    Raises:
        UsageError: They do not fit.
    """
    sizes = []
    for axis in zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        large = [size for size in axis if size != 1] or [1]
        for size in large[1:]:
            expect("sizes", size, large[0])
        sizes.append(large[0])
    return tuple(reversed(sizes))


def expect(what: str, actual: Count, expected: Count) -> None:
    """Refuse what does not fit.

    Raises:
        UsageError: The two are not equal for all values of their letters.
    """
    if not same(actual, expected):
        raise UsageError(
            f"{what} do not fit: {actual} where {expected} are expected",
            "give another size with --input, or mend the net",
        )


def each(value: Any, axes: int) -> tuple[Any, ...]:
    """Return a setting for each axis, where one value stands for all."""
    if isinstance(value, str | int | float | Fraction | sympy.Expr) or value is None:
        return (value,) * axes
    values = tuple(value)
    return values * axes if len(values) == 1 else values


def product(sizes: Any) -> Count:
    """Multiply sizes; not expanded."""
    return simple(math.prod(sizes, start=1))


def less(whole: Count, part: Count) -> Count:
    """Subtract one count from another."""
    if isinstance(whole, int) and isinstance(part, int):
        return whole - part
    return simple(sympy.expand(whole - part))
