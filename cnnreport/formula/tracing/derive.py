"""From a net's class to its counts: weights, outputs and connections of every layer, as expressions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula.argument import letters_in, letters_of, positive, refuse_guesses
from cnnreport.formula.rules.rule import Kind, Role
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
from cnnreport.formula.tracing import trace
from cnnreport.formula.tracing.size import answered, wrap

Net = Callable[..., nn.Module]
"""A class of nets, or a function that returns one."""

LARGEST_KERNEL = 1025
"""Beyond this kernel size nobody asks where counts end to hold."""

_ODD = 2 * HALF_KERNEL + 1

_NORMALISING = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


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
        inputs: Shape of each input by the name that forward gives it, without the batch.
        outputs: Shape of each output by its name, which is empty for a single one, without its first axis.
        images: The first axis of each output: 1 for one image, unless forward returns something else.
        indices: Names of the inputs that hold integers, since they are looked up in a table.
        layers: In the order of the forward pass; parameters that it never touches at the end.
        parameters: Numbers of values of every parameter by its name.
        conditions: When the counts hold, as relations between symbols: ``>`` for sizes that must not
            vanish, ``<=`` for padding that must not reach beyond the image, which only counts that
            leave padding out need.
        positive: Names of the letters that the net asks whether they are zero, which they are not.
    """

    net: Net
    name: str
    arguments: Mapping[str, Any]
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    images: Mapping[str, Count]
    layers: tuple[Layer, ...]
    parameters: Mapping[str, Count]
    conditions: tuple[Any, ...]
    indices: frozenset[str] = frozenset()
    positive: tuple[str, ...] = ()

    @property
    def input(self) -> Shape:
        """Shape of the first input, without the batch."""
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> Shape:
        """Shape of the first output."""
        return next(iter(self.outputs.values()))

    @property
    def symbols(self) -> list[sympy.Symbol]:
        """The symbols of the arguments and of the inputs: NIC, NF, NC, others by name, k last."""
        symbols = letters_in((*self.arguments.values(), *self.inputs.values()))
        letters = [*LETTERS.values()]
        known = {name: place for place, name in enumerate(letters) if name != KERNEL}
        return sorted(symbols, key=lambda s: (s.name == KERNEL, known.get(s.name, len(letters)), s.name))

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
        if all(len(shape) < 2 for shape in self.inputs.values()):
            words = "input of {} has" if len(self.inputs) == 1 else "inputs of {} have"
            raise UsageError(f"the {words.format(self.name)} no height and width", "leave out --doubled")
        return _derive(self.net, self.name, self.arguments, [self._twice(name) for name in self.inputs])

    def _twice(self, name: str) -> Shape:
        shape = self.inputs[name]
        if len(shape) < 2:
            return shape
        if name in self.indices:
            raise UsageError(f"the indices {name} have no height and width", "leave out --doubled")
        return (shape[0], *(simple(2 * size) for size in shape[1:]))


def derive(
    net: Net,
    fixed: Mapping[str, Any] | None = None,
    size: Sequence[Count] | None = None,
    *more: Sequence[Count],
) -> Derivation:
    """Run a net's own constructor and forward with symbols in place of numbers, and count.

    Args:
        net: A class of nets, or a function that returns one. Integer parameters without a default
            become symbols; a kernel size is odd.
        fixed: Parameters with their values, numbers or expressions.
        size: The input without its batch, such as (NIC, 32, 32), () for one number; None for the
            channels that the first layer takes, and 32 pixels along each axis.
        more: The sizes of forward's other inputs, in the order of its parameters.

    Raises:
        UsageError: A parameter is no integer, a rule is missing, or the code branches on a symbol;
            the layer is named.
    """
    arguments = {**letters_of(net, fixed or {}), **(fixed or {})}
    shapes = [tuple(size), *map(tuple, more)] if size is not None else []
    return _derive(net, getattr(net, "__name__", str(net)), arguments, shapes)


def _derive(net: Net, name: str, arguments: Mapping[str, Any], sizes: Sequence[Shape]) -> Derivation:
    halved = {key: _in_half(value) for key, value in arguments.items()}
    shapes = [tuple(simple(_in_half(s)) for s in size) for size in sizes]
    with answered() as answers:
        traced = trace.run(lambda: net(**{key: wrap(value) for key, value in halved.items()}), *shapes)
    if answers.unanswered:  # whoever asked has gone on without an answer
        raise answers.unanswered[0]
    used = {part for step in traced.steps for names in step.parameters.values() for part in names}
    layers = [_layer(step, traced.parameters) for step in traced.steps]
    layers += [_unused(p, shape, traced.owners[p]) for p, shape in traced.parameters.items() if p not in used]
    parameters = {p: in_kernel_size(multiply(shape)) for p, shape in traced.parameters.items()}
    outputs = {name: _without_batch(shape) for name, shape in traced.outputs.items()}
    images = {name: in_kernel_size(shape[0]) if shape else 1 for name, shape in traced.outputs.items()}
    counts = [count for layer in layers for count in (*layer.counts.values(), *layer.output)]
    counts += [*parameters.values(), *(size for shape in outputs.values() for size in shape)]
    counts += images.values()
    refuse_guesses(net, arguments, counts, answers)
    return Derivation(
        net=net,
        name=name,
        arguments=arguments,
        inputs={name: _without_batch(shape) for name, shape in traced.inputs.items()},
        outputs=outputs,
        images=images,
        layers=tuple(layers),
        parameters=parameters,
        conditions=tuple(dict.fromkeys(c for step in traced.steps for c in step.effect.conditions)),
        indices=traced.indices,
        positive=positive(answers, counts),
    )


def _last_half(condition: Any) -> int | None:
    """Return the largest m up to which a condition holds without a break, None for no end in sight."""
    for half in range(LARGEST_KERNEL // 2):
        if condition.subs(HALF_KERNEL, half + 1) == False:  # noqa: E712 - a relation of sympy
            return half
    return None


def _in_half(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_half(item) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(_in_half, value))
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


def _unused(name: str, shape: Shape, owner: type[nn.Module]) -> Layer:
    return Layer(
        path=name,
        type="unused parameter",
        operation="",
        kind="unused",
        inputs=(),
        output=(),
        weights={_role(name, shape, owner): in_kernel_size(multiply(shape))},
    )


def _role(name: str, shape: Shape, owner: type[nn.Module]) -> Role:
    """Say what a parameter is for that no operation uses: by its layer, or else by its name and axes."""
    if issubclass(owner, _NORMALISING):
        return "affine"
    if issubclass(owner, nn.Embedding | nn.EmbeddingBag | nn.PReLU):
        return "other"
    if name.rpartition(".")[2] == "bias":
        return "bias"
    return "kernel" if len(shape) > 1 else "affine"


def _without_batch(shape: Shape) -> Shape:
    return tuple(in_kernel_size(size) for size in shape[1:])
