"""What real modules do: a net is built, run and watched, and its operations are counted without the rules.

Of the rules only the names are known here, so that both speak of the same operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from cnnreport.formula.dispatched import Dispatch, Dispatched, reached
from cnnreport.formula.measured import (
    COUNTS,
    ROLES,
    Sizes,
    count_pointwise,
    from_input,
    is_from_input,
)
from cnnreport.formula.rule import Role
from cnnreport.formula.rules import RULES
from cnnreport.formula.tensor import operation, tensors_in


@dataclass(frozen=True)
class Witnessed:
    """One operation of a real forward pass.

    Args:
        operation: Its name.
        output: Shape of its output, without the batch.
        counts: What a derivation calls `taps`, `padded`, `biases`, `statistics` and `outputs`.
        weights: Numbers of values of the parameters that take part for the first time, by role.
        dispatched: What ATen did for it, as the second witness counts it.
    """

    operation: str
    output: Sizes
    counts: Mapping[str, int]
    weights: Mapping[Role, int]
    dispatched: Sequence[Dispatched]


@dataclass(frozen=True)
class Observation:
    """A real forward pass.

    Args:
        operations: In their order.
        parameters: The number of values of each.
        output: Shape of the output, without the batch.
        apart: What ATen did outside of these operations.
        floating_point_operations: As torch's own counter says.
    """

    operations: Sequence[Witnessed]
    parameters: Mapping[str, int]
    output: Sizes
    apart: Sequence[Dispatched]
    floating_point_operations: int


def observe(
    build: Callable[..., nn.Module], arguments: Mapping[str, Any], shapes: Sequence[Sizes], device: str
) -> list[Observation]:
    """Build a net, run it and count what it really does.

    Args:
        build: The net's class.
        arguments: Its arguments, numbers.
        shapes: Inputs without their batch.
        device: ``cpu``, or ``meta`` to run without numbers.
    """
    net = _built(build, arguments, device).eval()
    parameters = {name: parameter.numel() for name, parameter in net.named_parameters()}
    seen = []
    for shape in shapes:
        witness = _Witness(net, dispatch := Dispatch())
        image = reached(torch.zeros(1, *shape, device=device))
        with torch.no_grad(), dispatch, witness:
            out = net(from_input(image))
        first = tensors_in(list(out.values()) if isinstance(out, Mapping) else out)[0]
        operations, apart = witness.with_rows(dispatch.rows())
        flops = dispatch.floating_point_operations
        seen.append(Observation(operations, parameters, tuple(first.shape[1:]), apart, flops))
    return seen


def _built(build: Callable[..., nn.Module], arguments: Mapping[str, Any], device: str) -> nn.Module:
    if device == "cpu":
        return build(**arguments)
    try:
        with torch.device(device):
            return build(**arguments)
    except (RuntimeError, NotImplementedError):
        return build(**arguments).to(device)  # it computes with tensors while it is built


class _Witness(TorchFunctionMode):
    """Sees every call of an operation, from whatever layer or function it comes."""

    def __init__(self, net: nn.Module, dispatch: Dispatch) -> None:
        super().__init__()
        self._operations: list[Witnessed] = []
        self._spans: list[range] = []
        self._dispatch = dispatch
        self._unused = {id(parameter): parameter for parameter in net.parameters()}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        before = len(self._dispatch)
        out = func(*args, **kwargs)
        after = len(self._dispatch)
        name = operation(func)
        if not any(map(is_from_input, tensors_in((args, kwargs)))):
            return _made_of(out, _parameters(args, kwargs))  # arithmetic on parameters
        for tensor in tensors_in(out):
            from_input(tensor)
        if name in RULES:
            count: Callable[..., dict[str, int]] = COUNTS.get(name, count_pointwise)
            counts = {"padded": 0, "biases": 0, "statistics": 0, **count(out, *args, **kwargs)}
            counts["outputs"] = out.numel()
            weights = self._weights(name, args, kwargs)
            self._operations.append(Witnessed(name, tuple(out.shape[1:]), counts, weights, ()))
            self._spans.append(range(before, after))
        return out

    def with_rows(self, rows: Sequence[Dispatched]) -> tuple[list[Witnessed], list[Dispatched]]:
        """Give each operation what ATen did for it, and return what it did for none."""
        operations = [
            replace(operation, dispatched=[rows[number] for number in span])
            for operation, span in zip(self._operations, self._spans, strict=True)
        ]
        theirs = {number for span in self._spans for number in span}
        return operations, [row for number, row in enumerate(rows) if number not in theirs]

    def _weights(self, name: str, args: Any, kwargs: Any) -> dict[Role, int]:
        found: dict[Role, int] = {}
        bias = kwargs.get("bias", args[2] if len(args) > 2 else None)
        for tensor in tensors_in((args, kwargs)):
            role = ROLES.get(name, "other")
            if role == "kernel" and tensor is bias:
                role = "bias"
            for parameter in _parameters(tensor):
                if self._unused.pop(id(parameter), None) is not None:
                    found[role] = found.get(role, 0) + parameter.numel()
        return found


def _parameters(*values: Any) -> list[nn.Parameter]:
    """Return the parameters in some arguments, and those of which they were computed."""
    found: list[nn.Parameter] = []
    for tensor in tensors_in(values):
        found += [tensor] if isinstance(tensor, nn.Parameter) else getattr(tensor, "made_of", [])
    return found


def _made_of(out: Any, parameters: list[nn.Parameter]) -> Any:
    for tensor in tensors_in(out):
        if parameters and not isinstance(tensor, nn.Parameter):
            tensor.made_of = parameters  # type: ignore[attr-defined]
    return out
