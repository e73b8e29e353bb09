"""From a net's class to its counts: weights, outputs and connections of every layer, as expressions."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula import trace
from cnnreport.formula.rule import Kind, Role
from cnnreport.formula.size import wrap
from cnnreport.formula.symbols import (
    HALF_KERNEL,
    KERNEL,
    LETTERS,
    Count,
    Shape,
    add,
    in_kernel_size,
    multiply,
    simple,
    symbol,
)

Net = Callable[..., nn.Module]
"""A class of nets, or a function that returns one."""

LARGEST_KERNEL = 1025
"""Beyond this kernel size nobody asks where counts end to hold."""

_ODD = 2 * HALF_KERNEL + 1


@dataclass(frozen=True)
class Layer:
    """What one operation of the forward pass counts, whatever convention chooses among it.

    Args:
        path: Where it is in the net.
        type: The layer's type, or the operation's name.
        operation: The operation's name, empty for none.
        kind: What it does; ``unused`` for a parameter that forward never touches.
        inputs: Shapes of the tensors that it takes, without the batch.
        output: Shape of the tensor that it gives.
        batch: Size of its first axis: 1 for one image, unless forward folds other axes into it.
        weights: Its parameters by role; those that an earlier layer shares count there.
        taps: Pairs of an input and an output that it joins, those on zero padding included.
        padded: How many of these pairs lie on padding (transposed: are cut off).
        biases: Outputs to which a bias is added.
        statistics: Values that share a mean and a variance, 0 for anything but a normalisation.
        sources: Numbers of the layers whose outputs it takes, -1 for the net's input.
    """

    path: str
    type: str
    operation: str
    kind: Kind
    inputs: tuple[Shape, ...]
    output: Shape
    batch: Count = 1
    weights: Mapping[Role, Count] = field(default_factory=dict)
    taps: Count = 0
    padded: Count = 0
    biases: Count = 0
    statistics: Count = 0
    sources: tuple[int, ...] = ()

    @property
    def outputs(self) -> Count:
        """How many values it gives for one image."""
        return 0 if self.kind == "unused" else multiply((self.batch, *self.output))

    @property
    def counts(self) -> dict[str, Count]:
        """Everything that a proof compares, by name."""
        parts = {"taps": self.taps, "padded": self.padded, "biases": self.biases}
        return parts | {"statistics": self.statistics, "outputs": self.outputs}


@dataclass(frozen=True)
class Derivation:
    """The counts of a net for one input size.

    Args:
        net: What was derived, ready to be called with numbers.
        name: Its name.
        arguments: What each parameter of its constructor stands for.
        input: Shape of the input, without the batch.
        output: Shape of the output.
        layers: In the order of the forward pass; parameters that it never touches at the end.
        parameters: Numbers of values of every parameter by its name.
        conditions: When the counts hold, as relations between symbols: ``>`` for sizes that must not
            vanish, ``<=`` for padding that must not reach beyond the image, which only counts that
            leave padding out need.
    """

    net: Net
    name: str
    arguments: Mapping[str, Any]
    input: Shape
    output: Shape
    layers: tuple[Layer, ...]
    parameters: Mapping[str, Count]
    conditions: tuple[Any, ...]

    @property
    def symbols(self) -> list[sympy.Symbol]:
        """The symbols of the arguments and of the input: NIC, NF, NC, others by name, k last."""
        given = [v for v in (*self.arguments.values(), *self.input) if isinstance(v, sympy.Expr)]
        found = {s for value in given for s in sympy.sympify(in_kernel_size(value)).free_symbols}
        letters = [*LETTERS.values()]
        known = {name: place for place, name in enumerate(letters) if name != KERNEL}
        return sorted(found, key=lambda s: (s.name == KERNEL, known.get(s.name, len(letters)), s.name))

    def largest_kernel(self, *, padding_counts: bool) -> int | None:
        """Return up to which k the counts hold, None where they hold for all.

        Args:
            padding_counts: Whether taps on padding are counted like all others.
        """
        binding = [
            condition
            for condition in self.conditions
            if condition.free_symbols == {HALF_KERNEL}
            and (isinstance(condition, sympy.StrictGreaterThan) or not padding_counts)
        ]
        halves = [_last_half(condition) for condition in binding]
        largest = min((half for half in halves if half is not None), default=None)
        return None if largest is None else 2 * largest + 1

    def doubled(self) -> "Derivation":
        """Derive the same net again with an input of twice the height and width.

        Raises:
            UsageError: The input has neither, or the net does not take the larger one.
        """
        if len(self.input) < 2:
            raise UsageError(f"the input of {self.name} has no height and width", "leave out --doubled")
        larger = (self.input[0], *(simple(2 * size) for size in self.input[1:]))
        return _derive(self.net, self.name, self.arguments, larger)


def derive(
    net: Net, fixed: Mapping[str, Any] | None = None, size: Sequence[Count] | None = None
) -> Derivation:
    """Run a net's own constructor and forward with symbols in place of numbers, and count.

    Args:
        net: A class of nets, or a function that returns one. Integer parameters without a default
            become symbols; a kernel size is odd.
        fixed: Parameters with their values, numbers or expressions.
        size: The input without its batch, such as (NIC, 32, 32); None for the channels that the
            first layer takes, and 32 pixels along each axis.

    Raises:
        UsageError: A parameter is no integer, a rule is missing, or the code branches on a symbol;
            the layer is named.
    """
    arguments = {**_symbols(net, fixed or {}), **(fixed or {})}
    return _derive(net, getattr(net, "__name__", str(net)), arguments, tuple(size) if size else None)


def _derive(net: Net, name: str, arguments: Mapping[str, Any], size: Shape | None) -> Derivation:
    halved = {key: _in_half(value) for key, value in arguments.items()}
    shape = tuple(simple(_in_half(s)) for s in size) if size else None
    traced = trace.run(lambda: net(**{key: wrap(value) for key, value in halved.items()}), shape)
    used = {part for step in traced.steps for names in step.parameters.values() for part in names}
    layers = [_layer(step, traced.parameters) for step in traced.steps]
    layers += [_unused(p, shape) for p, shape in traced.parameters.items() if p not in used]
    conditions = dict.fromkeys(c for step in traced.steps for c in step.effect.conditions)
    return Derivation(
        net=net,
        name=name,
        arguments=arguments,
        input=_without_batch(traced.input),
        output=_without_batch(traced.output),
        layers=tuple(layers),
        parameters={p: in_kernel_size(multiply(shape)) for p, shape in traced.parameters.items()},
        conditions=tuple(conditions),
    )


def _last_half(condition: Any) -> int | None:
    """Return the largest m up to which a condition holds without a break, None for no end in sight."""
    for half in range(LARGEST_KERNEL // 2):
        if condition.subs(HALF_KERNEL, half + 1) == False:  # noqa: E712 - a relation of sympy
            return half
    return None


def _symbols(net: Net, fixed: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    parameters = inspect.signature(net).parameters.values()
    names = {parameter.name for parameter in parameters}
    several = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    for name in fixed:
        if name not in names and not several:
            raise UsageError(
                f"{getattr(net, '__name__', net)} has no parameter {name!r}", f"it has: {', '.join(names)}"
            )
    for parameter in parameters:
        if parameter.name in fixed or parameter.default is not parameter.empty:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.annotation not in (int, "int", parameter.empty):
            raise UsageError(
                f"the parameter {parameter.name} is no integer",
                f"fix it (--fix {parameter.name}=VALUE), or name a function that returns the net",
            )
        letter = symbol(LETTERS.get(parameter.name, parameter.name))
        twin = next((name for name, other in found.items() if other == letter), None)
        if twin is not None:
            raise UsageError(
                f"the parameters {twin} and {parameter.name} would both stand for {letter}",
                f"fix one of them (--fix {parameter.name}=VALUE)",
            )
        found[parameter.name] = letter
    return found


def _in_half(value: Any) -> Any:
    return value.subs(symbol(KERNEL), _ODD) if isinstance(value, sympy.Expr) else value


def _layer(step: trace.Step, parameters: Mapping[str, Shape]) -> Layer:
    effect = step.effect
    whole = effect.parts[0] if effect.parts else effect.shape
    output, batch = _without_batch(whole), in_kernel_size(whole[0]) if whole else 1
    biased = "bias" in effect.roles
    return Layer(
        path=step.path,
        type=step.type,
        operation=step.operation,
        kind=step.kind,
        inputs=tuple(_without_batch(shape) for shape in step.inputs),
        output=output,
        batch=batch,
        weights={
            role: in_kernel_size(add(multiply(parameters[name]) for name in names))
            for role, names in step.parameters.items()
        },
        taps=in_kernel_size(effect.taps),
        padded=in_kernel_size(effect.padded),
        biases=multiply((batch, *output)) if biased else 0,
        statistics=in_kernel_size(effect.statistics),
        sources=step.sources,
    )


def _unused(name: str, shape: Shape) -> Layer:
    return Layer(
        path=name,
        type="unused parameter",
        operation="",
        kind="unused",
        inputs=(),
        output=(),
        weights={_role(name, shape): in_kernel_size(multiply(shape))},
    )


def _role(name: str, shape: Shape) -> Role:
    if name.rpartition(".")[2] == "bias":
        return "bias"
    return "kernel" if len(shape) > 1 else "affine"


def _without_batch(shape: Shape) -> Shape:
    return tuple(in_kernel_size(size) for size in shape[1:])
