"""What real modules do: a net is built, run and watched, and its operations are counted without the rules.

Of the rules only the names are known here, so that both speak of the same operations.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from cnnreport.formula.proof.dispatched import PRODUCT, Dispatch, Dispatched, reached
from cnnreport.formula.proof.measured import (
    COUNTS,
    ROLES,
    Sizes,
    count_pointwise,
    from_input,
    is_from_input,
)
from cnnreport.formula.rules.operations import RULES
from cnnreport.formula.rules.rule import Role
from cnnreport.formula.tensor import operation, tensors_in
from cnnreport.formula.tracing.forward import Inputs, outputs
from cnnreport.formula.tracing.scripted import as_python


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
        outputs: Shape of each output by its name.
        apart: What ATen did outside of these operations.
        floating_point_operations: As torch's own counter says, for all that comes from the input.
    """

    operations: Sequence[Witnessed]
    parameters: Mapping[str, int]
    outputs: Mapping[str, Sizes]
    apart: Sequence[Dispatched]
    floating_point_operations: int


def observe(
    build: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    shapes: Sequence[Sequence[Sizes]],
    device: str,
    indices: Collection[str] = (),
) -> list[Observation]:
    """Build a net, run it and count what it really does.

    Args:
        build: The net's class.
        arguments: Its arguments, numbers.
        shapes: For each pass, the inputs without their batch.
        device: ``cpu``, or ``meta`` to run without numbers.
        indices: Names of the inputs that hold integers.
    """
    with as_python():
        net = _built(build, arguments, device).eval()
        parameters = {name: parameter.numel() for name, parameter in net.named_parameters()}
        return [_pass(net, parameters, sizes, device, indices) for sizes in shapes]


def _pass(
    net: nn.Module,
    parameters: Mapping[str, int],
    shapes: Sequence[Sizes],
    device: str,
    indices: Collection[str],
) -> Observation:
    inputs = Inputs.of(net)
    kinds = [torch.int64 if name in indices else torch.float32 for name in inputs.names(len(shapes))]
    images = [torch.zeros(1, *s, device=device, dtype=k) for s, k in zip(shapes, kinds, strict=True)]
    witness = _Witness(net, dispatch := Dispatch())
    with torch.no_grad(), torch.device(device), dispatch, witness:
        returned = outputs(inputs.call(net, [reached(from_input(image)) for image in images]))
    sizes = {name: tuple(tensor.shape) for name, tensor in returned.items()}
    operations, others = witness.with_rows(dispatch.rows())
    # Torch's counter sees products of parameters alone, too, which are no connections.
    alone = sum(row.taps for row in others if row.kind == PRODUCT and not row.from_input)
    return Observation(
        operations,
        parameters,
        sizes,
        apart=[row for row in others if row.from_input],
        floating_point_operations=dispatch.floating_point_operations - 2 * alone,
    )


def _built(build: Callable[..., nn.Module], arguments: Mapping[str, Any], device: str) -> nn.Module:
    if device == "cpu":
        return build(**arguments)
    try:
        with torch.device(device):
            return build(**arguments).to(device)  # what is made of numpy's arrays is not there yet
    except (RuntimeError, NotImplementedError):
        return build(**arguments).to(device)  # it computes with tensors while it is built


class _Witness(TorchFunctionMode):
    """Sees every call of an operation, from whatever layer or function it comes."""

    def __init__(self, net: nn.Module, dispatch: Dispatch) -> None:
        super().__init__()
        self._operations: list[Witnessed] = []
        self._spans: list[range] = []
        self._dispatch = dispatch
        self._own = {id(parameter) for parameter in net.parameters()}
        self._uses: dict[int, tuple[dict[Role, int], Role]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        before = len(self._dispatch)
        out = func(*args, **kwargs)
        after = len(self._dispatch)
        name = operation(func)
        if name.startswith("new_") or name.endswith("_like"):
            return out  # it takes nothing but a shape
        constant = not any(map(is_from_input, tensors_in((args, kwargs))))
        if constant and not (RULES.computes(name) and _parameters(args, kwargs)):
            return _made_of(out, _parameters(args, kwargs))  # arithmetic on parameters
        for tensor in tensors_in(out):
            from_input(tensor)
        if name in RULES:
            count: Callable[..., dict[str, int]] = COUNTS.get(name, count_pointwise)
            first = tensors_in(out)[0]  # what else there is are places of maxima
            with torch.device("cpu"):  # what is measured are numbers, wherever the net runs
                counts = {"padded": 0, "biases": 0, "statistics": 0, **count(first, *args, **kwargs)}
            counts["outputs"] = first.numel()
            weights = self._weights(name, args, kwargs)
            self._operations.append(Witnessed(name, tuple(first.shape[1:]), counts, weights, ()))
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
        """Count the parameters that are used for the first time; a stronger role later on changes theirs."""
        by_role: dict[Role, int] = {}
        bias = kwargs.get("bias", args[2] if len(args) > 2 else None)
        for tensor in tensors_in((args, kwargs)):
            role = "other" if args and tensor is args[0] else ROLES.get(name, "other")
            if role == "kernel" and tensor is bias:
                role = "bias"
            for parameter in _parameters(tensor):
                there, before = self._uses.get(id(parameter), (by_role, None))
                if id(parameter) not in self._own or (before and _ranks(before) <= _ranks(role)):
                    continue
                if before:
                    there[before] -= parameter.numel()
                there[role] = there.get(role, 0) + parameter.numel()
                self._uses[id(parameter)] = (there, role)
        return by_role


def _ranks(role: Role) -> int:
    return ("kernel", "bias", "affine", "other").index(role)


def _parameters(*values: Any) -> list[nn.Parameter]:
    """Return the parameters in some arguments, and those of which they were computed."""
    parameters: list[nn.Parameter] = []
    for tensor in tensors_in(values):
        parameters += [tensor] if isinstance(tensor, nn.Parameter) else getattr(tensor, "made_of", [])
    return parameters


def _made_of(out: Any, parameters: list[nn.Parameter]) -> Any:
    for tensor in tensors_in(out):
        if parameters and not isinstance(tensor, nn.Parameter):
            tensor.made_of = parameters  # type: ignore[attr-defined]
    return out
