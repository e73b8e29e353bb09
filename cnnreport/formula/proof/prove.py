"""A proof that derived counts are right: agreement with real nets, in two ways, on enough points.

Every count is a polynomial in its letters, since the net does the same for all of their values: one that
decides by a letter is refused while it is traced (cnnreport.formula.tracing.size). Agreement on the grid of
`grid` therefore holds for all values from its first ones on.

At each point the net is built and run once, and counted by two witnesses that know nothing of each
other or of the rules: `oracle` measures each function that is called on tensors of ones, `dispatched` counts
what arrives at ATen below. Torch's own counter of floating-point operations must agree with both.
"""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy
import torch

from cnnreport.errors import VerificationError
from cnnreport.formula.proof import grid as grids
from cnnreport.formula.proof import oracle
from cnnreport.formula.proof.dispatched import PRODUCT, Dispatched
from cnnreport.formula.proof.measured import Sizes
from cnnreport.formula.proof.polynomial import Points, value
from cnnreport.formula.rules.operations import RULES
from cnnreport.formula.rules.rule import Kind, Role
from cnnreport.formula.symbols import Count, add
from cnnreport.formula.tracing.derive import Derivation, Layer

SMALL = 1_000_000
"""Parameters of a net, and values of an image or output, up to which the real net runs with numbers."""

PATIENCE = 5.0
"""Seconds that a proof may take without a word."""

IMAGES = "the first axis of the output"

PRODUCTS: frozenset[Kind] = frozenset(("convolution", "transposed convolution", "linear"))
JOINING: frozenset[Kind] = PRODUCTS | {"pooling", "upsampling", "reduction"}
"""What ATen can be watched doing; the rest works in place, or moves values."""


@dataclass(frozen=True)
class Proof:
    """What was compared.

    Args:
        grid: The values of each symbol.
        degrees: The highest degree of any count in each symbol.
        counts: How many counts were compared at each point.
        points: How many combinations of values, over all input sizes.
    """

    grid: Mapping[str, tuple[int, ...]]
    degrees: Mapping[str, int]
    counts: int
    points: int


def prove(*derivations: Derivation, tell: Callable[[str], None] = lambda line: None) -> Proof:
    """Compare derivations of one net, for one or several input sizes, with the real net.

    Args:
        derivations: They differ in their input sizes alone.
        tell: Takes a sentence to the user where the proof takes longer than some seconds.

    Raises:
        UsageError: The proof would take too many nets; input sizes that need fewer are named.
        VerificationError: They disagree somewhere; layer, count and point are named.
    """
    letters = derivations[0].symbols
    named = [_named(derivation) for derivation in derivations]
    grid, degrees = grids.choose(derivations, [count for group in named for count in group.values()])
    points = Points(letters, list(itertools.product(*grid.values())))
    with torch.random.fork_rng(devices=[]), _small_work():  # building nets draws random numbers
        device = _device(derivations, points.rows[-1])
        seen = list(_observed(derivations, points.rows, device, tell))
    for number, (derivation, group) in enumerate(zip(derivations, named, strict=True)):
        _compare(derivation, group, [observations[number] for observations in seen], points)
    return Proof(
        grid={s.name: tuple(values) for s, values in grid.items()},
        degrees=degrees,
        counts=sum(map(len, named)),
        points=len(points.rows) * len(derivations),
    )


def _observed(
    derivations: Sequence[Derivation],
    rows: Sequence[Mapping[sympy.Symbol, int]],
    device: str,
    tell: Callable[[str], None],
) -> Iterator[list[oracle.Observation]]:
    """Observe the real net at every point, and say once how long that may take where it takes long."""
    yield _observe(derivations, rows[0], device)
    started, said = time.monotonic(), False  # the first one brings in what torch needs for it
    for done, row in enumerate(rows[1:], 1):
        yield _observe(derivations, row, device)
        seconds = time.monotonic() - started
        if not said and seconds > PATIENCE and (rest := seconds / done * (len(rows) - 1 - done)) > PATIENCE:
            said = True
            tell(f"The proof compares with {len(rows)} real nets; that may take another {math.ceil(rest)} s.")


@contextlib.contextmanager
def _small_work() -> Iterator[None]:
    """Keep torch from sharing out work that is too small for it, and from compiling kernels for it."""
    threads, compiling = torch.get_num_threads(), torch.backends.mkldnn.enabled
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.mkldnn.enabled = compiling


def _named(derivation: Derivation) -> dict[tuple[str, str], Count]:
    """Return every count of a derivation by whose and what it is."""
    counts = {
        (layer.path, name): count
        for layer in derivation.layers
        if layer.kind != "unused"
        for name, count in (*layer.counts.items(), *_axes(layer.output), *_weights(layer.weights))
    }
    counts |= {(name, "weights"): count for name, count in derivation.parameters.items()}
    roles = [count for layer in derivation.layers for count in layer.weights.values()]
    counts |= {("all layers", "weights"): add(roles)}
    counts |= {("all layers", "multiplications"): _multiplications(derivation)}
    counts |= {
        (_whole(name), axis): size
        for name, sizes in derivation.outputs.items()
        for axis, size in _axes(sizes)
    }
    counts |= {(_whole(name), IMAGES): count for name, count in derivation.images.items()}
    return counts


def _multiplications(derivation: Derivation) -> Count:
    return add(layer.taps for layer in derivation.layers if layer.kind in PRODUCTS)


def _device(derivations: Sequence[Derivation], largest: Mapping[sympy.Symbol, int]) -> str:
    # A small net runs faster with numbers than without them.
    points = Points(list(largest), [list(largest.values())])
    weights = sum(int(points.at(count)[0]) for count in derivations[0].parameters.values())
    shapes = list(derivations[-1].inputs.values())
    shapes += [(layer.batch, *layer.output) for layer in derivations[-1].layers]
    values = max(math.prod(int(points.at(size)[0]) for size in shape) for shape in shapes)
    return "cpu" if max(weights, values) < SMALL else "meta"


def _observe(
    derivations: Sequence[Derivation], values: Mapping[sympy.Symbol, int], device: str
) -> list[oracle.Observation]:
    first = derivations[0]
    arguments = {name: value(given, values) for name, given in first.arguments.items()}
    shapes = [
        [tuple(value(size, values) for size in shape) for shape in derivation.inputs.values()]
        for derivation in derivations
    ]
    try:
        return oracle.observe(first.net, arguments, shapes, device, first.indices)
    except (Exception, SystemExit) as error:
        raise VerificationError(
            f"the real net cannot be run for {_where(values)}: {type(error).__name__}: {error}",
            "give that parameter as a number, or a larger input size",
        ) from error


def _compare(
    derivation: Derivation,
    named: Mapping[tuple[str, str], Count],
    seen: Sequence[oracle.Observation],
    points: Points,
) -> None:
    counted = [layer for layer in derivation.layers if layer.operation in RULES]
    _refuse_others(derivation, [layer.operation for layer in counted], seen)
    _agree(named, _real_counts(derivation, counted, seen), points, "in the real net")
    _agree(named, _below(counted, seen), points, "where ATen computes it")
    _refuse_more(seen, points)


def _refuse_others(
    derivation: Derivation, expected: Sequence[str], seen: Sequence[oracle.Observation]
) -> None:
    """Refuse a net that does other operations, or has other parameters or outputs, than were derived."""
    for observation in seen:
        done = [witnessed.operation for witnessed in observation.operations]
        if done != expected or set(observation.parameters) != set(derivation.parameters):
            raise VerificationError(
                f"the real net does other things than the derived one: {', '.join(done)}",
                "make forward independent of sizes",
            )
    if any(set(observation.outputs) != set(derivation.outputs) for observation in seen):
        raise VerificationError("the real net returns other outputs", "make forward independent of sizes")


def _real_counts(
    derivation: Derivation, counted: Sequence[Layer], seen: Sequence[oracle.Observation]
) -> dict[tuple[str, str], list[int]]:
    """Return what the first witness counts at each point, by whose and what it is."""
    real: dict[tuple[str, str], list[int]] = {
        (name, "weights"): [o.parameters[name] for o in seen] for name in derivation.parameters
    }
    for number, layer in enumerate(counted):
        witnessed = [observation.operations[number] for observation in seen]
        for name in witnessed[0].counts:
            real[layer.path, name] = [w.counts[name] for w in witnessed]
        for role in {role for w in witnessed for role in w.weights} | set(layer.weights):
            real[layer.path, f"{role} weights"] = [w.weights.get(role, 0) for w in witnessed]
        real |= _sizes(layer.path, layer.output, [w.output for w in witnessed])
    # The whole comes after its parts, so that an error names the part.
    real["all layers", "weights"] = [sum(o.parameters.values()) for o in seen]
    for name, sizes in derivation.outputs.items():
        real |= _sizes(_whole(name), sizes, [observation.outputs[name][1:] for observation in seen])
        real[_whole(name), IMAGES] = [next(iter(observation.outputs[name]), 1) for observation in seen]
    return real


def _below(counted: Sequence[Layer], seen: Sequence[oracle.Observation]) -> dict[tuple[str, str], list[int]]:
    """Return what the second witness and torch's own counter say, by whose and what it is."""
    real: dict[tuple[str, str], list[int]] = {}
    for number, layer in enumerate(counted):
        rows = [observation.operations[number].dispatched for observation in seen]
        if layer.kind not in JOINING:
            rows = [[row for row in some if row.kind == PRODUCT] for some in rows]
            if any(rows):
                real[layer.path, "multiplications"] = [sum(row.taps for row in some) for some in rows]
            continue
        real[layer.path, "taps"] = [sum(row.taps for row in some) for some in rows]
        real[layer.path, "outputs"] = [sum(row.outputs for row in some) for some in rows]
        padded = [[row.padded for row in some] for some in rows]
        if all(None not in some for some in padded):
            real[layer.path, "padded"] = [sum(filter(None, some)) for some in padded]
    flops = [observation.floating_point_operations for observation in seen]
    return real | {("all layers", "multiplications"): [count // 2 for count in flops]}


def _refuse_more(seen: Sequence[oracle.Observation], points: Points) -> None:
    """Refuse a net in which ATen joins values outside of all operations that are counted."""
    for observation, point in zip(seen, points.rows, strict=True):
        if observation.apart:
            row: Dispatched = observation.apart[0]
            raise VerificationError(
                f"the proof fails: for {_where(point)} the real net computes a {row.kind} of {row.outputs} "
                f"outputs that no layer of the derivation accounts for",
                "write it as a layer or as a function of torch.nn.functional",
            )


def _agree(
    named: Mapping[tuple[str, str], Count],
    real: Mapping[tuple[str, str], Sequence[int]],
    points: Points,
    where: str,
) -> None:
    for key, counts in real.items():
        for mine, theirs, point in zip(points.at(named.get(key, 0)), counts, points.rows, strict=True):
            if mine != theirs:
                raise VerificationError(
                    f"the proof fails: {key[1]} of {key[0]}, derived {mine}, is {theirs} {where} "
                    f"for {_where(point)}",
                    "mend the rule of that layer, or a net that does other things with letters than with "
                    "numbers",
                )


def _where(point: Mapping[sympy.Symbol, int]) -> str:
    return ", ".join(f"{s.name} = {value}" for s, value in point.items()) or "these numbers"


def _sizes(path: str, shape: Sequence[Count], real: Sequence[Sizes]) -> dict[tuple[str, str], list[int]]:
    if any(len(sizes) != len(shape) for sizes in real):
        raise VerificationError(
            f"the proof fails: the output of {path}, derived {shape}, is {real[0]} in the real net",
            "mend the rule of that layer",
        )
    return {(path, name): [sizes[axis] for sizes in real] for axis, (name, _) in enumerate(_axes(shape))}


def _whole(output: str) -> str:
    return f"the net, {output}" if output else "the net"


def _weights(weights: Mapping[Role, Count]) -> list[tuple[str, Count]]:
    return [(f"{role} weights", count) for role, count in weights.items()]


def _axes(shape: Sequence[Count]) -> list[tuple[str, Count]]:
    return [(f"axis {axis} of the output", size) for axis, size in enumerate(shape)]
