"""Symbolic execution: a net's own constructor and forward, run with symbols in place of sizes."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode

from cnnreport.errors import UsageError
from cnnreport.formula.rules import reshape
from cnnreport.formula.rules.operations import RULES
from cnnreport.formula.rules.rule import ROLES, Effect, Kind, Role
from cnnreport.formula.symbols import Shape
from cnnreport.formula.tensor import (
    SymbolicTensor,
    is_symbolic,
    parameters_in,
    sizes_of,
    tensors_in,
)
from cnnreport.formula.tracing import learnt
from cnnreport.formula.tracing.forward import Inputs, default_inputs, outputs
from cnnreport.formula.tracing.patches import patched
from cnnreport.formula.tracing.scripted import as_python, refuse_scripted
from cnnreport.formula.tracing.size import explained, unwrap, wrap

INPUT = -1
"""The number of the net's input among the sources of an operation; of its second input, -2, and so on."""

_LOOKED_UP = frozenset(("embedding", "embedding_bag", "one_hot"))
"""Operations whose first operand holds integers."""

_KEEPING_INTEGERS: frozenset[Kind] = frozenset(("arithmetic", "concatenation", "reshape", "identity"))

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
        owners: The type of the layer to which it belongs.
        inputs: Shape of each input by the name that forward gives it, batch first.
        outputs: Shape of each output by its name, which is empty for a single one.
        indices: Names of the inputs that hold integers, since they are looked up in a table.
    """

    steps: Sequence[Step]
    parameters: Mapping[str, Shape]
    owners: Mapping[str, type[nn.Module]]
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    indices: frozenset[str] = frozenset()

    @property
    def input(self) -> Shape:
        """Shape of the first input, batch first."""
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> Shape:
        """Shape of the first output."""
        return next(iter(self.outputs.values()))


def run(build: Callable[[], nn.Module], *shapes: Shape | None) -> Trace:
    """Build a net and send one symbolic image through it.

    Args:
        build: Calls the net's class with symbols for sizes.
        shapes: The inputs without their batch; None alone for 32 pixels along each axis that the first
            layer takes.

    Raises:
        UsageError: A rule is missing, shapes do not fit, or the net's code branches on a symbol.
    """
    tracer = Tracer()
    with (
        _patching,
        torch.random.fork_rng(devices=[]),
        patched(tracer, tracer.call),
        as_python(),
        torch.no_grad(),
    ):
        net = tracer.build(build)
        given = [shape for shape in shapes if shape is not None]
        return tracer.forward(net, given or default_inputs(net))


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


class Tracer:
    """Stands between a net and torch while the net is built and run."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._steps: list[Step] = []
        self._modules: list[nn.Module] = []
        self._paths: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._shapes: dict[str, Shape] = {}
        self._owners: dict[str, type[nn.Module]] = {}
        self._calls: dict[str, int] = {}
        self._used: dict[str, tuple[dict[Role, tuple[str, ...]], Role]] = {}
        self._indices: set[int] = set()
        self._stage = "the constructor"

    def build(self, build: Callable[[], nn.Module]) -> nn.Module:
        """Return the net, ready to be run, whose modules know what they are called."""
        with explained(self._stage):
            net = build()
        if not isinstance(net, nn.Module):
            raise UsageError(f"it returned a {type(net).__name__}, not an nn.Module", "name a net")
        refuse_scripted(net)
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
        self._owners = {name: _type(net.get_submodule(name.rpartition(".")[0])) for name in parameters}
        return net

    def forward(self, net: nn.Module, shapes: Sequence[Shape]) -> Trace:
        """Run the net on inputs of some shapes, and return what was done to them."""
        self._stage = "forward"
        inputs = Inputs.of(net)
        names = inputs.names(len(shapes))
        images = [
            SymbolicTensor.of((1, *shape), self, frozenset((INPUT - place,)))
            for place, shape in enumerate(shapes)
        ]
        with explained(self._stage), _Origins():
            out = outputs(inputs.call(net, images))
        if not out:
            raise UsageError("forward returned no tensor", "return the output from forward")
        self._refuse_new_parameters(net)
        return Trace(
            steps=tuple(self._steps),
            parameters=self._shapes,
            owners=self._owners,
            inputs={name: (1, *shape) for name, shape in zip(names, shapes, strict=True)},
            outputs={name: sizes_of(tensor) for name, tensor in out.items()},
            indices=frozenset(names[INPUT - number] for number in self._indices),
        )

    def _refuse_new_parameters(self, net: nn.Module) -> None:
        new = [name for name, parameter in net.named_parameters() if id(parameter) not in self._names]
        if new:
            raise UsageError(
                f"the parameter {new[0]} is made in forward, not in the constructor: a new net lacks it",
                "make it in the constructor",
            )

    def operate(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Apply the rule of an operation and record it, unless it only looks at or moves values."""
        if name in reshape.QUERIES:
            with self._placed():
                return wrap(reshape.QUERIES[name](*args, **kwargs))
        args, kwargs = unwrap(tuple(args)), unwrap(kwargs)
        if name in learnt.FRESH:
            with self._placed():
                return SymbolicTensor.of(learnt.shape(name, args, kwargs), self)
        tensors = tensors_in((args, kwargs))
        computed = [tensor for tensor in tensors if is_symbolic(tensor) and tensor.sources]
        taken: list[torch.Tensor] = [*computed]
        with self._placed(), _fitting(name, taken):
            if name in reshape.MOVES:
                effect = Effect((), parts=tuple(reshape.MOVES[name](*args, **kwargs)))
            elif not taken and name in learnt.SHAPES:
                effect = Effect(learnt.shape(name, args, kwargs))
            else:
                effect = RULES.find(name, self._place()).apply(*args, **kwargs)
        if name in _LOOKED_UP:
            self._indices |= self._inputs_behind(computed[:1])
        sources = frozenset[int]().union(*(tensor.sources for tensor in computed))
        if not taken and self._counts(name, tensors):
            taken = tensors[:1]
            effect = replace(effect, roles={**effect.roles, "other": (taken[0],)})
        if taken and (name in RULES or self._in_layer()):
            sources = frozenset((self._record(name, effect, taken, sources),))
        made = [SymbolicTensor.of(shape, self, sources) for shape in effect.parts or (effect.shape,)]
        for tensor in made:
            tensor.made_of = () if taken else parameters_in((args, kwargs))
        several = name in reshape.SEVERAL or (name in RULES and effect.parts)
        return getattr(torch.return_types, name, tuple)(made) if several else made[0]

    def _counts(self, name: str, tensors: Sequence[torch.Tensor]) -> bool:
        """Say whether an operation on constants is one of the net's own, such as a layer of learnt images."""
        return self._stage == "forward" and RULES.computes(name) and bool(parameters_in(tensors))

    def _inputs_behind(self, tensors: Sequence[SymbolicTensor]) -> set[int]:
        """Return the inputs of which tensors were made by arithmetic and moves, which keep integers."""
        inputs: set[int] = set()
        waiting = [number for tensor in tensors for number in tensor.sources]
        while waiting:
            number = waiting.pop()
            if number <= INPUT:
                inputs.add(number)
            elif self._steps[number].kind in _KEEPING_INTEGERS:
                waiting += self._steps[number].sources
        return inputs

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

    def _elsewhere(self) -> bool:
        """Say whether another thread is running; what is changed in torch does not concern it."""
        return threading.get_ident() != self._thread

    def call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return what stands in the place of a module's call: it keeps account of where the trace is."""

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self._elsewhere():
                return original(module, *args, **kwargs)
            self._modules.append(module)
            try:
                steps = len(self._steps)
                with explained(self._place()) if _is_layer(module) else contextlib.nullcontext():
                    out = original(module, *args, **kwargs)
                if _is_layer(module) and len(self._steps) == steps and is_symbolic(out) and out.sources:
                    out = self._pass_on(out)
            finally:
                self._modules.pop()
            return out

        return call

    def _pass_on(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Record a layer that did nothing, so that no layer is missing from the table."""
        step = self._record("identity", Effect(tensor.sizes), [tensor], tensor.sources)
        return SymbolicTensor.of(tensor.sizes, self, frozenset((step,)))

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
        """Return the parameters that are used for the first time; a stronger role later on changes theirs."""
        by_role: dict[Role, tuple[str, ...]] = {}
        for role, tensors in effect.roles.items():
            for name in map(self._name, parameters_in(tensors)):
                there, before = self._used.get(name, (by_role, None))
                if before is not None and ROLES.index(before) <= ROLES.index(role):
                    continue
                if before is not None:
                    there[before] = tuple(other for other in there[before] if other != name)
                there[role] = (*there.get(role, ()), name)
                self._used[name] = (there, role)
        return by_role

    def _name(self, parameter: nn.Parameter) -> str:
        if id(parameter) not in self._names:
            raise UsageError(
                f"{self._place()}: a parameter of {sizes_of(parameter)} is not the net's own",
                "make its layer in the constructor, and keep layers in nn.ModuleList or nn.ModuleDict, "
                "not in lists or dictionaries of Python",
            )
        return self._names[id(parameter)]

    def _label(self, name: str) -> tuple[str, str]:
        innermost = self._modules[-1] if self._modules else None
        path = self._paths.get(id(innermost), "") if innermost is not None else ""
        if innermost is not None and _is_layer(innermost):
            kind = _type(innermost).__name__
            label = path or kind
        else:
            label, kind = f"{path}.{name}" if path else name, name
        self._calls[label] = self._calls.get(label, 0) + 1
        count = self._calls[label]
        return (label if count == 1 else f"{label} ({count})"), kind

    def _place(self) -> str:
        if not self._modules:
            return self._stage
        module = self._modules[-1]
        path, kind = self._paths.get(id(module), ""), _type(module).__name__
        return f"layer {path} ({kind})" if path else kind

    def _in_layer(self) -> bool:
        return bool(self._modules) and _is_layer(self._modules[-1])


@contextlib.contextmanager
def _fitting(name: str, taken: Sequence[torch.Tensor]) -> Iterator[None]:
    """Explain what a rule raises where an operand has another number of axes than it expects."""
    try:
        yield
    except (ValueError, IndexError) as error:
        shapes = " and ".join(str(sizes_of(tensor)[1:]) for tensor in taken) or "that"
        raise UsageError(
            f"{name} does not take an input of {shapes}", "give another size with --input, or mend the net"
        ) from error


def _is_layer(module: nn.Module) -> bool:
    """Say whether a module is a layer of torch itself, not a container of layers."""
    inner = [child for name, child in module.named_children() if name != "parametrizations"]
    return _type(module).__module__.startswith("torch.nn.modules.") and not inner


def _type(module: nn.Module) -> type:
    """Return the class that a module was made of, without the one that torch gives it for its weights."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)
