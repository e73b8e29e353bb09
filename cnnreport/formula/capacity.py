"""How many values a net holds behind each of its modules, as formulas, and counted in the real net."""

from collections.abc import Mapping
from typing import Any

import sympy
import torch
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula import phrase, target
from cnnreport.formula.spec import Capacity
from cnnreport.formula.symbols import KERNEL, Count, Shape, add, multiply
from cnnreport.formula.tasks import CELL, SymbolicTask, evaluate, formula
from cnnreport.formula.tracing.derive import Derivation, derive

STEPS = (0, 1, 2)
"""By how much each letter is raised, one after the other, in the nets in which values are counted."""

Numbers = Mapping[str, int]
"""A value for each letter."""


class CapacityTask(SymbolicTask):
    """Derives how many values each module gives for one image, and counts them in real nets."""

    _spec: Capacity

    def derive(self) -> dict[str, Any]:
        """Return what the input and the modules hold, what goes around the narrowest, and the nets counted.

        Raises:
            UsageError: A letter has no number, or the net has no modules.
            VerificationError: A real net gives another number of values.
        """
        numbers = dict(self._spec.numbers)
        size = target.read_size(",".join(self._spec.input))
        derivation = derive(target.resolve(self._spec.net), size=size)
        missing = {letter.name for letter in derivation.symbols} - {*numbers}
        if missing:
            raise UsageError(f"{derivation.name} has no number for {', '.join(sorted(missing))}", "add it")
        shapes = module_shapes(derivation, numbers)
        narrowest = min(shapes, key=lambda name: evaluate(multiply(shapes[name]), numbers))
        return {
            "net": derivation.name,
            "points": verify(derivation, shapes, numbers),
            "numbers": numbers,
            "input": {"name": "input", **_held(derivation.input, numbers)},
            "modules": [{"name": name, **_held(shape, numbers)} for name, shape in shapes.items()],
            "narrowest": narrowest,
            "around": _counted(around(derivation, narrowest), numbers),
        }


def module_shapes(derivation: Derivation, numbers: Numbers) -> dict[str, Shape]:
    """Return the shape of what each module of a net gives, in the order in which they run.

    Args:
        derivation: The derivation of the net.
        numbers: A value for each letter.

    Raises:
        UsageError: The net has no module that runs.
    """
    modules = dict(_real_net(derivation, numbers).named_children())
    shapes = {_module(layer.path): layer.output for layer in derivation.layers if layer.inputs}
    found = {name: shape for name, shape in shapes.items() if name in modules}
    if not found:
        raise UsageError(f"{derivation.name} has no modules", "name a net that is made of some")
    return found


def around(derivation: Derivation, module: str) -> Count:
    """Return how many values from before a module reach what comes after it on another way.

    Args:
        derivation: The derivation of a net.
        module: The name of one of its modules.
    """
    layers = derivation.layers
    last = max(number for number, layer in enumerate(layers) if _module(layer.path) == module)
    skipped = {source for layer in layers[last + 1 :] for source in layer.sources if source < last}
    return add(multiply(derivation.input if n < 0 else layers[n].output) for n in skipped)


def verify(derivation: Derivation, shapes: Mapping[str, Shape], numbers: Numbers) -> int:
    """Count the values of every module in real nets, with numbers of which one is raised at a time.

    Args:
        derivation: The derivation of the net.
        shapes: What was derived of each module.
        numbers: A value for each letter.

    Returns:
        How many nets were counted.

    Raises:
        VerificationError: A module gives another number of values; names net, module and numbers.
    """
    tried = {
        tuple({**numbers, name: numbers[name] + (2 if name == KERNEL else 1) * step}.items())
        for name in numbers
        for step in STEPS
    }
    for point in sorted(tried):
        given = dict(point)
        seen = _real_counts(derivation, given)
        for name, shape in shapes.items():
            expected = evaluate(multiply(shape), given)
            if seen.get(name) != expected:
                raise VerificationError(
                    f"{derivation.name}, {given}: {name} gives {seen.get(name)} values, not {expected}"
                )
    return len(tried)


def _real_net(derivation: Derivation, numbers: Numbers) -> nn.Module:
    """Build the net on the device "meta", which computes shapes alone."""
    arguments = {
        name: evaluate(value, numbers) if isinstance(value, sympy.Expr) else value
        for name, value in derivation.arguments.items()
    }
    with torch.device("meta"):
        return derivation.net(**arguments).eval()


def _real_counts(derivation: Derivation, numbers: Numbers) -> dict[str, int]:
    """Run the real net on one image and count the values that its modules give."""
    seen: dict[str, int] = {}

    def keep(name: str, output: torch.Tensor) -> None:
        seen[name] = output.numel()

    net = _real_net(derivation, numbers)
    for name, module in net.named_children():
        module.register_forward_hook(lambda _module, _given, output, name=name: keep(name, output))
    sizes = [evaluate(size, numbers) for size in derivation.input]
    net(torch.empty(1, *sizes, device="meta"))
    return seen


def _module(path: str) -> str:
    """Return the module of the net itself in which a layer is."""
    return path.partition(".")[0]


def _held(shape: Shape, numbers: Numbers) -> dict[str, Any]:
    """Return a shape, and its number of values as a formula and as a number."""
    written = {
        "text": phrase.shape(shape),
        "latex": phrase.shape_latex(shape),
        "words": phrase.shape_words(shape),
    }
    return {"shape": written, **_counted(multiply(shape), numbers)}


def _counted(count: Count, numbers: Numbers) -> dict[str, Any]:
    return {"count": formula(count, CELL), "value": evaluate(count, numbers)}
