"""Symbolic execution: a net's own constructor and forward, run with symbols in place of sizes."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.overrides import TorchFunctionMode

from cnnreport.errors import UsageError
from cnnreport.formula import reshape
from cnnreport.formula.rule import Effect, Kind, Role
from cnnreport.formula.rules import RULES
from cnnreport.formula.size import explained, unwrap, wrap
from cnnreport.formula.symbols import Shape, simple
from cnnreport.formula.tensor import (
    SymbolicTensor,
    is_symbolic,
    operation,
    parameters_in,
    sizes_of,
    tensors_in,
)

INPUT = -1
"""The number of the net's input among the sources of an operation."""

_FACTORIES = ("empty", "zeros", "ones", "full", "rand", "randn")
_WRITTEN_IN_C = (
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "pixel_shuffle", "pixel_unshuffle",
)  # fmt: skip
"""Operations that take sizes and would refuse an expression before they ask a tensor's class."""

_WITHOUT_RANDOMNESS = (nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear)
"""Layers whose initialisation computes with their sizes; there is nothing to initialise."""

_OF_ONE_SHAPE = frozenset(
    ("uniform", "normal", "trunc_normal", "zero", "fill", "copy", "log", "sign", "erfinv", "bernoulli",
     "exponential", "weight_norm")
)  # fmt: skip
"""What is done to parameters alone and keeps the shape of the first; anything else needs a rule."""

_patching = threading.RLock()


@dataclass(frozen=True)
class Step:
    """One operation of the forward pass.

    Args:
        path: The layer that called it, as in ``named_modules``; with the operation's name behind it
            where no layer of torch.nn called it, and a number from the second call on.
        type: The layer's type, or the operation's name.
        operation: The operation's name.
        kind: What it does.
        inputs: Shapes of the tensors that it takes, without parameters; batch first.
        effect: What it does to the counts.
        sources: Numbers of the steps whose outputs it takes.
        parameters: Names of the parameters that take part for the first time, by role.
    """

    path: str
    type: str
    operation: str
    kind: Kind
    inputs: tuple[Shape, ...]
    effect: Effect
    sources: tuple[int, ...]
    parameters: Mapping[Role, tuple[str, ...]]


@dataclass(frozen=True)
class Trace:
    """A net's forward pass, operation by operation.

    Args:
        steps: The operations in their order.
        parameters: The shape of every parameter by its name.
        output: Shape of the net's output; the first of them where there are several.
        input: Shape of the input, batch first.
    """

    steps: Sequence[Step]
    parameters: Mapping[str, Shape]
    output: Shape
    input: Shape


def run(build: Callable[[], nn.Module], shape: Shape | None) -> Trace:
    """Build a net and send one symbolic image through it.

    Args:
        build: Calls the net's class with symbols for sizes.
        shape: The input without its batch; None for 32 pixels along each axis that the first layer takes.

    Raises:
        UsageError: A rule is missing, shapes do not fit, or the net's code branches on a symbol.
    """
    tracer = _Tracer()
    with _patching, torch.random.fork_rng(devices=[]), tracer.patched(), torch.no_grad():
        net = tracer.build(build)
        sizes = shape if shape is not None else default_input(net)
        return tracer.forward(net, sizes)


def default_input(net: nn.Module) -> Shape:
    """Return the channels that the first layer takes, and 32 pixels along each axis.

    Raises:
        UsageError: The net has no parameters that tell it.
    """
    for module in net.modules():
        channels = getattr(module, "in_channels", getattr(module, "in_features", None))
        weight = getattr(module, "weight", None)
        if channels is not None and isinstance(weight, torch.Tensor):
            return (unwrap(channels), *[32] * (len(sizes_of(weight)) - 2))
    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    first = next((sizes for weight in weights if len(sizes := sizes_of(weight)) > 1), None)
    if first is None:
        raise UsageError("the net does not tell the shape of its input", "give it with --input")
    return (first[1], *[32] * (len(first) - 2))


class _Origins(TorchFunctionMode):
    """Remembers of which parameters a tensor with numbers was computed, as symbolic tensors do."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        made = [tensor for tensor in tensors_in(out) if not is_symbolic(tensor)]
        parameters = parameters_in((args, kwargs)) if made else []
        for tensor in made:
            if parameters and not isinstance(tensor, nn.Parameter):
                tensor.made_of = parameters  # type: ignore[attr-defined]
        return out


class _Tracer:
    """Stands between a net and torch while the net is built and run."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._steps: list[Step] = []
        self._modules: list[nn.Module] = []
        self._paths: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._shapes: dict[str, Shape] = {}
        self._calls: dict[str, int] = {}
        self._used: set[str] = set()

    def build(self, build: Callable[[], nn.Module]) -> nn.Module:
        with explained("the constructor"):
            net = build()
        if not isinstance(net, nn.Module):
            raise UsageError(f"it returned a {type(net).__name__}, not an nn.Module", "name a net")
        for path, module in net.named_modules():
            if isinstance(module, LazyModuleMixin):
                raise UsageError(
                    f"layer {path} ({type(module).__name__}) does not know its sizes before it is run",
                    "use the layer that is given them",
                )
        net.eval()
        self._paths = {id(module): path for path, module in net.named_modules()}
        parameters = dict(net.named_parameters())
        self._names = {id(parameter): name for name, parameter in parameters.items()}
        self._shapes = {name: sizes_of(parameter) for name, parameter in parameters.items()}
        return net

    def forward(self, net: nn.Module, shape: Shape) -> Trace:
        image = SymbolicTensor.of((1, *shape), self, frozenset((INPUT,)))
        with explained("forward"), _Origins():
            out = tensors_in(_values(net(image)))
        if not out:
            raise UsageError("forward returned no tensor", "return the output from forward")
        return Trace(tuple(self._steps), self._shapes, sizes_of(out[0]), (1, *shape))

    def operate(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Apply the rule of an operation and record it, unless it only looks at or moves values."""
        if name in reshape.QUERIES:
            with self._placed():
                return wrap(reshape.QUERIES[name](*args, **kwargs))
        args, kwargs = unwrap(tuple(args)), unwrap(kwargs)
        tensors = tensors_in((args, kwargs))
        taken = [tensor for tensor in tensors if is_symbolic(tensor) and tensor.sources]
        with self._placed():
            if name in reshape.MOVES:
                effect = Effect((), parts=tuple(reshape.MOVES[name](*args, **kwargs)))
            elif not taken and name in _OF_ONE_SHAPE:  # arithmetic on parameters
                effect = Effect(sizes_of(tensors[0]))
            else:
                effect = RULES.find(name, self._place()).apply(*args, **kwargs)
        sources = frozenset[int]().union(*(tensor.sources for tensor in taken))
        if taken and (name in RULES or self._in_layer()):
            sources = frozenset((self._record(name, effect, taken, sources),))
        made = [SymbolicTensor.of(shape, self, sources) for shape in effect.parts or (effect.shape,)]
        for tensor in made:
            tensor.made_of = () if taken else parameters_in((args, kwargs))
        return tuple(made) if name in reshape.SEVERAL else made[0]

    @contextlib.contextmanager
    def _placed(self) -> Iterator[None]:
        """Put the place before what is wrong."""
        place = self._place()
        try:
            yield
        except UsageError as error:
            if error.problem.startswith(place):
                raise
            raise UsageError(f"{place}: {error.problem}", error.remedy) from error

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        """Put this trace in the way of whatever torch does with sizes."""
        original = nn.Module.__call__
        changes: list[tuple[Any, str, Any]] = [(nn.Module, "__call__", self._call(original))]
        changes += [
            (kind, "reset_parameters", self._nothing(kind.reset_parameters)) for kind in _WITHOUT_RANDOMNESS
        ]
        changes += [
            (nn.init, name, self._initialised(getattr(nn.init, name)))
            for name in vars(nn.init)
            if name.endswith("_") and not name.startswith("_")
        ]
        changes += [(torch, name, self._factory(getattr(torch, name))) for name in _FACTORIES]
        changes += [
            (place, name, self._symbolic_first(getattr(place, name)))
            for place in (torch, nn.functional)
            for name in _WRITTEN_IN_C
            if hasattr(place, name)
        ]
        before = [(place, name, getattr(place, name)) for place, name, _ in changes]
        try:
            for place, name, value in changes:
                setattr(place, name, value)
            yield
        finally:
            for place, name, value in before:
                setattr(place, name, value)

    def _elsewhere(self) -> bool:
        """Say whether another thread is running; what is changed in torch does not concern it."""
        return threading.get_ident() != self._thread

    def _nothing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def reset(module: nn.Module) -> None:
            if self._elsewhere():
                original(module)

        return reset

    def _initialised(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def initialise(*args: Any, **kwargs: Any) -> Any:
            tensor = kwargs.get("tensor", args[0] if args else None)
            return tensor if is_symbolic(tensor) else original(*args, **kwargs)

        return initialise

    def _call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self._elsewhere():
                return original(module, *args, **kwargs)
            self._modules.append(module)
            try:
                steps = len(self._steps)
                with explained(self._place()) if _is_layer(module) else contextlib.nullcontext():
                    out = original(module, *args, **kwargs)
                if _is_layer(module) and len(self._steps) == steps and is_symbolic(out):
                    out = self._pass_on(out)
            finally:
                self._modules.pop()
            return out

        return call

    def _pass_on(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Record a layer that did nothing, so that no layer is missing from the table."""
        step = self._record("identity", Effect(tensor.sizes), [tensor], tensor.sources)
        return SymbolicTensor.of(tensor.sizes, self, frozenset((step,)))

    def _factory(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def make(*args: Any, **kwargs: Any) -> Any:
            if self._elsewhere():
                return original(*args, **kwargs)
            sizes = unwrap(_sizes(original.__name__, args, kwargs))
            words = [size for size in sizes if isinstance(size, str)]
            if words:
                raise UsageError(f"{words[0]!r} is given as a size", "give a number (--fix name=value)")
            symbolic = any(isinstance(size, sympy.Expr) for size in sizes)
            if symbolic or (original.__name__ == "empty" and sizes):
                return SymbolicTensor.of([simple(size) for size in sizes], self)
            return original(*args, **kwargs)

        return make

    def _symbolic_first(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if any(map(is_symbolic, tensors_in((args, kwargs)))):
                return self.operate(operation(original), args, kwargs)
            return original(*args, **kwargs)

        return call

    def _record(
        self, name: str, effect: Effect, taken: Sequence[torch.Tensor], sources: frozenset[int]
    ) -> int:
        path, kind_name = self._label(name)
        kind: Kind = RULES.find(name, path).kind if name in RULES else "reshape"
        self._steps.append(
            Step(
                path=path,
                type=kind_name,
                operation=name,
                kind="identity" if name == "identity" else kind,
                inputs=tuple(sizes_of(tensor) for tensor in taken),
                effect=effect,
                sources=tuple(sorted(sources)),
                parameters=self._first_use(effect),
            )
        )
        return len(self._steps) - 1

    def _first_use(self, effect: Effect) -> dict[Role, tuple[str, ...]]:
        found: dict[Role, tuple[str, ...]] = {}
        for role, tensors in effect.roles.items():
            names = [self._names[id(p)] for p in parameters_in(tensors) if id(p) in self._names]
            fresh = tuple(name for name in names if name not in self._used)
            self._used.update(fresh)
            if fresh:
                found[role] = fresh
        return found

    def _label(self, name: str) -> tuple[str, str]:
        innermost = self._modules[-1] if self._modules else None
        path = self._paths.get(id(innermost), "") if innermost is not None else ""
        if innermost is not None and _is_layer(innermost):
            label, kind = path or type(innermost).__name__, type(innermost).__name__
        else:
            label, kind = f"{path}.{name}" if path else name, name
        self._calls[label] = self._calls.get(label, 0) + 1
        count = self._calls[label]
        return (label if count == 1 else f"{label} ({count})"), kind

    def _place(self) -> str:
        if not self._modules:
            return "forward"
        module = self._modules[-1]
        path = self._paths.get(id(module), "")
        return f"layer {path} ({type(module).__name__})" if path else type(module).__name__

    def _in_layer(self) -> bool:
        return bool(self._modules) and _is_layer(self._modules[-1])


def _is_layer(module: nn.Module) -> bool:
    """Say whether a module is a layer of torch itself, not a container of layers."""
    return type(module).__module__.startswith("torch.nn.") and not any(module.children())


def _values(out: Any) -> Any:
    return list(out.values()) if isinstance(out, Mapping) else out


def _sizes(factory: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    given = kwargs.get("size", args[:1] if factory == "full" else args)
    if len(given) == 1 and isinstance(given[0], tuple | list | torch.Size):
        return tuple(given[0])
    return tuple(given)
