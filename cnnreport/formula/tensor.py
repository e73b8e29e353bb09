"""A tensor without values, whose sizes may be symbols; whatever torch does to it is told to a trace."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, TypeGuard

import torch
from torch import nn

from cnnreport.formula.symbols import Count, Shape
from cnnreport.formula.tracing.size import Size


class Recorder(Protocol):
    """Whoever is told what happens to symbolic tensors."""

    def operate(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Apply an operation and return what comes out."""


def _with_letters(name: str, method: str) -> Callable[[Any, Any], Any]:
    """Return an operator of a tensor that takes a letter for its other operand, too."""
    original = getattr(torch.Tensor, method)

    def apply(tensor: "SymbolicTensor", other: Any) -> Any:
        if isinstance(other, Size):
            return tensor.recorder.operate(name, (tensor, other), {})
        return original(tensor, other)

    return apply


class SymbolicTensor(torch.Tensor):
    """A tensor that knows its sizes, and which operations it came from; there is nothing in it.

    A true subclass, so that ``nn.Parameter`` and ``isinstance`` take it for a tensor; every function
    and method of torch that meets one comes to `__torch_function__`.
    """

    sizes: Shape
    recorder: Recorder
    sources: frozenset[int]
    made_of: Sequence[nn.Parameter] = ()

    @staticmethod
    def of(
        sizes: Sequence[Count], recorder: Recorder, sources: frozenset[int] = frozenset()
    ) -> "SymbolicTensor":
        """Make a tensor.

        Args:
            sizes: Its shape, batch included where there is one.
            recorder: Informed of everything that happens to it.
            sources: Numbers of the operations that computed it, -1 for the input of the net; none
                for a parameter.
        """
        with torch._C.DisableTorchFunctionSubclass():
            tensor = torch.Tensor._make_subclass(SymbolicTensor, torch.tensor((), device="meta"))
        tensor.sizes = tuple(sizes)
        tensor.recorder = recorder
        tensor.sources = sources
        return tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Answer for everything that torch does to such a tensor."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs.get("tensor", args[0] if args else None)  # there is nothing to initialise
        name = operation(func)
        if name in _OF_THE_EMPTY_ONE:
            return super().__torch_function__(func, types, args, kwargs)  # type: ignore[no-untyped-call]
        recorder = next(tensor.recorder for tensor in tensors_in((args, kwargs)) if is_symbolic(tensor))
        return recorder.operate(name, args, kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> "SymbolicTensor":
        """Copy it, as nets do that repeat a layer; a parameter's copy is a parameter of its own."""
        copied = SymbolicTensor.of(self.sizes, self.recorder, self.sources)
        copied.made_of = self.made_of
        if isinstance(self, nn.Parameter):
            copied._is_param = True
        memo[id(self)] = copied
        return copied

    # These take sizes and are written in C, where an expression is no size.

    def view(self, *shape: Any) -> Any:
        """Arrange the same values in another shape."""
        return self.recorder.operate("view", (self, *shape), {})

    def reshape(self, *shape: Any) -> Any:
        """Arrange the same values in another shape."""
        return self.recorder.operate("reshape", (self, *shape), {})

    def expand(self, *shape: Any) -> Any:  # type: ignore[override]
        """Repeat along axes of size one."""
        return self.recorder.operate("expand", (self, *shape), {})

    def repeat(self, *repeats: Any) -> Any:
        """Repeat along each axis."""
        return self.recorder.operate("repeat", (self, *repeats), {})

    __add__ = _with_letters("add", "__add__")
    __radd__ = _with_letters("add", "__radd__")
    __sub__ = _with_letters("sub", "__sub__")
    __rsub__ = _with_letters("rsub", "__rsub__")
    __mul__ = _with_letters("mul", "__mul__")
    __rmul__ = _with_letters("mul", "__rmul__")
    __truediv__ = _with_letters("div", "__truediv__")

    def normal_(self, *moments: Any, **options: Any) -> Any:
        """Draw nothing."""
        return self.recorder.operate("normal", (self,), {})

    def uniform_(self, *ends: Any, **options: Any) -> Any:
        """Draw nothing."""
        return self.recorder.operate("uniform", (self,), {})

    def fill_(self, value: Any) -> Any:
        """Write nothing."""
        return self.recorder.operate("fill", (self,), {})

    def new_empty(self, *size: Any, **options: Any) -> Any:
        """Make another tensor."""
        return self.recorder.operate("new_empty", (self, *size), options)

    def new_zeros(self, *size: Any, **options: Any) -> Any:
        """Make another tensor."""
        return self.recorder.operate("new_zeros", (self, *size), options)

    def new_ones(self, *size: Any, **options: Any) -> Any:
        """Make another tensor."""
        return self.recorder.operate("new_ones", (self, *size), options)


_OF_THE_EMPTY_ONE = frozenset(
    ("dtype", "device", "layout", "requires_grad", "grad_fn", "grad", "is_leaf", "is_sparse", "is_quantized",
     "is_nested", "is_mkldnn", "is_cuda", "is_floating_point", "is_complex", "names", "hash")
)  # fmt: skip
"""What can be asked of the empty tensor inside, since it does not depend on the sizes."""

_SYNONYMS = {
    "iadd": "add", "radd": "add", "isub": "sub", "imul": "mul", "rmul": "mul", "itruediv": "div",
    "truediv": "div", "rtruediv": "div", "true_divide": "div", "divide": "div", "multiply": "mul",
    "subtract": "sub", "ipow": "pow", "swapaxes": "transpose", "clip": "clamp", "negative": "neg",
}  # fmt: skip


@cache
def operation(func: Any) -> str:
    """Return the one name of a function of torch, whichever of its forms was called."""
    full = torch.overrides.resolve_name(func) or getattr(func, "__name__", str(func))
    parts = str(full).split(".")
    name = parts[-2] if parts[-1] in ("__get__", "__set__") else parts[-1]
    if name.endswith("_") and not name.startswith("_"):
        name = name.rstrip("_")
    name = name.strip("_")
    return _SYNONYMS.get(name, name)


def tensors_in(value: Any) -> list[torch.Tensor]:
    """Return the tensors in nested tuples, lists and dictionaries, in their order."""
    tensors: list[torch.Tensor] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, torch.Tensor):
            tensors.append(item)
        elif isinstance(item, tuple | list):
            waiting += reversed(item)
        elif isinstance(item, dict):
            waiting += reversed(item.values())
    return tensors


def parameters_in(value: Any) -> list[nn.Parameter]:
    """Return the parameters in nested arguments, and those of which tensors in them were computed."""
    parameters: list[nn.Parameter] = []
    for tensor in tensors_in(value):
        parameters += [tensor] if isinstance(tensor, nn.Parameter) else getattr(tensor, "made_of", ())
    return list({id(parameter): parameter for parameter in parameters}.values())


def sizes_of(tensor: torch.Tensor) -> Shape:
    """Return the shape of a tensor, symbolic or not, as numbers and expressions."""
    return tensor.sizes if is_symbolic(tensor) else tuple(tensor.shape)


def is_symbolic(value: Any) -> TypeGuard[SymbolicTensor]:
    """Say whether a value is a symbolic tensor; a parameter made of one is of the same class."""
    return isinstance(value, SymbolicTensor)
