"""What goes into a net's forward and comes out of it: inputs by its parameters, outputs by their names."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula import annotation
from cnnreport.formula.symbols import Shape
from cnnreport.formula.tensor import sizes_of
from cnnreport.formula.tracing.size import unwrap

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Parameters of a forward that take tensors.

    Args:
        required: Those without a default, the positional ones first.
        optional: Positional ones with a default that may be a tensor.
        keywords: Those that are given by their name.
        rest: The name of ``*args``, empty where there is none.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    keywords: frozenset[str] = frozenset()
    rest: str = ""

    @staticmethod
    def of(net: nn.Module) -> "Inputs":
        """Read the signature of a net's forward.

        Raises:
            UsageError: A parameter without a default is no tensor.
        """
        required: list[str] = []
        optional: list[str] = []
        keywords: set[str] = set()
        rest = ""
        for parameter in annotation.parameters(net.forward):
            name, kind = parameter.name, parameter.kind
            if kind is parameter.VAR_POSITIONAL:
                rest = name
            elif parameter.default is parameter.empty and kind is not parameter.VAR_KEYWORD:
                _refuse_number(parameter)
                required.append(name)
                keywords |= {name} if kind is parameter.KEYWORD_ONLY else set()
            elif kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD) and (
                parameter.default is None or isinstance(parameter.default, torch.Tensor)
            ):
                optional.append(name)
                keywords |= {name} if kind is parameter.POSITIONAL_OR_KEYWORD else set()
        keywords = keywords if not rest else keywords - {*optional}
        return Inputs(tuple(required), tuple(optional), frozenset(keywords), rest)

    def names(self, number: int) -> tuple[str, ...]:
        """Name as many inputs.

        Raises:
            UsageError: Forward takes more or fewer.
        """
        names = (*self.required, *self.optional)
        if self.rest:
            names += tuple(f"{self.rest} {place}" for place in range(len(names) + 1, number + 1))
        if not names:
            raise UsageError(self._takes(), "name a net whose forward takes one")
        if number < max(1, len(self.required)):
            raise UsageError(self._takes(), self._missing(number))
        if number > len(names):
            last = _ordinal(len(names) + 1)
            raise UsageError(self._takes(also=True), f"leave out the {last} --input")
        return names[:number]

    def call(self, net: nn.Module, tensors: Sequence[Any]) -> Any:
        """Run a net on its inputs."""
        named = dict(zip(self.names(len(tensors)), tensors, strict=True))
        keywords = {name: value for name, value in named.items() if name in self.keywords}
        return net(*(value for name, value in named.items() if name not in self.keywords), **keywords)

    def _takes(self, *, also: bool = False) -> str:
        number, names = len(self.required), ", ".join(self.required)
        inputs = "input" if number < 2 else "inputs"
        sentence = f"forward takes {_NUMBERS[number] if number < len(_NUMBERS) else number} {inputs}"
        sentence += f" ({names})" if names else ""
        return sentence + (f" and may take {', '.join(self.optional)}" if also and self.optional else "")

    def _missing(self, number: int) -> str:
        if len(self.required) < 2:
            return "give its size with --input"
        if number == 0:
            return "give the size of each with an --input of its own, in this order"
        return f"give their sizes with a {_ordinal(number + 1)} --input"


def _refuse_number(parameter: inspect.Parameter) -> None:
    allowed = annotation.allowed(parameter)
    if allowed.choices or (allowed.types and allowed.types <= {int, float, bool, str}):
        raise UsageError(
            f"the parameter {parameter.name} of forward is no tensor but {allowed.described}",
            "give it a default, or name a class whose forward calls the net with it",
        )


def _ordinal(number: int) -> str:
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"


def default_inputs(net: nn.Module) -> list[Shape]:
    """Return the size of the one input of a net that tells it, without the batch.

    Raises:
        UsageError: The net takes several, or does not tell.
    """
    inputs = Inputs.of(net)
    if len(inputs.required) > 1:
        inputs.names(0)  # says which sizes are missing
    return [_default_input(net)]


def _default_input(net: nn.Module) -> Shape:
    """Return the channels that the first layer takes, and 32 pixels along each axis.

    Raises:
        UsageError: The net has no parameters that tell it.
    """
    for module in net.modules():
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            raise UsageError("the net does not tell how many indices it takes", "give --input, such as 10")
        channels = getattr(module, "in_channels", getattr(module, "in_features", None))
        weight = getattr(module, "weight", None)
        if channels is not None and isinstance(weight, torch.Tensor):
            return (unwrap(channels), *[32] * (len(sizes_of(weight)) - 2))
    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    first = next((sizes for weight in weights if len(sizes := sizes_of(weight)) > 1), None)
    if first is None:
        raise UsageError("the net does not tell the shape of its input", "give it with --input")
    return (first[1], *[32] * (len(first) - 2))


def outputs(out: Any) -> dict[str, torch.Tensor]:
    """Return the tensors that forward returned, by name.

    The names are keys of a dictionary, fields of a named tuple or dataclass, or else numbers from 1 on;
    a single tensor has none. What is nested has its names joined with dots.
    """
    return {".".join(names): tensor for names, tensor in _tensors(out)}


def _tensors(out: Any) -> Iterator[tuple[tuple[str, ...], torch.Tensor]]:
    if isinstance(out, torch.Tensor):
        yield (), out
    for name, part in _parts(out):
        for names, tensor in _tensors(part):
            yield (name, *names), tensor


def _parts(out: Any) -> list[tuple[str, Any]]:
    if isinstance(out, Mapping):
        return [(str(key), value) for key, value in out.items()]
    if isinstance(out, tuple) and hasattr(out, "_fields"):
        return list(zip(out._fields, out, strict=True))
    if dataclasses.is_dataclass(out) and not isinstance(out, type):
        return [(field.name, getattr(out, field.name)) for field in dataclasses.fields(out)]
    if isinstance(out, tuple | list):
        return [(str(place), value) for place, value in enumerate(out, 1)]
    return []
