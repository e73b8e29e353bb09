"""A proof that derived counts are right: agreement with real modules on enough points.

Every count is a polynomial in its symbols, since the net does the same for all of their values: one
that decides by a letter is refused while it is traced (cnnreport.formula.size). Two polynomials that
are at most of degree d in a symbol are the same if they agree on d + 1 values of it, and in several
symbols if they agree on the grid of such values; so agreement on the grid holds for all values. A
count with rounded quotients of period p is a polynomial on each of p classes of values, and takes p
times as many.
"""

import contextlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
import torch

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula import oracle
from cnnreport.formula.derive import Derivation
from cnnreport.formula.measured import Sizes
from cnnreport.formula.rule import Role
from cnnreport.formula.rules import RULES
from cnnreport.formula.symbols import HALF_KERNEL, KERNEL, Count, add, symbol

SMALL = 1_000_000
"""Parameters of a net, and values of an image, up to which the real net runs with numbers."""

LARGEST_GRID = 1000
"""Nets that are built for a proof at most: some seconds' worth."""

LARGEST_START = 64
"""How far the values of a symbol are moved up until they meet the conditions of the counts."""


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


def prove(*derivations: Derivation) -> Proof:
    """Compare derivations of one net, for one or several input sizes, with the real net.

    Raises:
        VerificationError: They disagree somewhere; layer, count and point are named.
    """
    first = derivations[0]
    symbols = first.symbols
    named = [_named(derivation, symbols) for derivation in derivations]
    spans = {s: _highest(p.span(i) for group in named for p in group.values()) for i, s in enumerate(symbols)}
    grid = _grid(derivations, spans)
    _refuse_long_proof(grid, {s: period for s, (_, period) in spans.items()})
    points = [tuple(values) for values in itertools.product(*grid.values())]
    with torch.random.fork_rng(devices=[]), _small_work():  # building nets draws random numbers
        device = _device(derivations, dict(zip(symbols, points[-1], strict=True)))
        seen = [_observe(derivations, dict(zip(symbols, point, strict=True)), device) for point in points]
    columns = np.array(points, dtype=object).reshape(len(points), len(symbols)).T
    for number, (derivation, group) in enumerate(zip(derivations, named, strict=True)):
        _compare(derivation, group, [observations[number] for observations in seen], columns, symbols)
    return Proof(
        grid={s.name: tuple(grid[s]) for s in symbols},
        degrees={s.name: spans[s][0] for s in symbols},
        counts=sum(map(len, named)),
        points=len(points) * len(derivations),
    )


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


def _refuse_long_proof(
    grid: Mapping[sympy.Symbol, Sequence[int]], periods: Mapping[sympy.Symbol, int]
) -> None:
    count = math.prod(map(len, grid.values()))
    if count <= LARGEST_GRID:
        return
    rounded = [f"{period}{s.name.lower()} for {s.name}" for s, period in periods.items() if period > 1]
    remedy = (
        f"write multiples ({', '.join(rounded)})" if rounded else "give some of the parameters as numbers"
    )
    raise UsageError(f"the proof would take {count} nets", remedy)


class _Polynomial:
    """A count, made ready to be evaluated exactly at many points."""

    def __init__(self, count: Count, symbols: Sequence[sympy.Symbol]) -> None:
        self._count = count
        self._symbols = symbols
        self._terms: list[tuple[tuple[int, ...], int | Fraction]] | None = None
        if isinstance(count, int):
            self._terms = [((0,) * len(symbols), count)]
        elif count.is_polynomial(*symbols):
            parts = sympy.Poly(count, *symbols).terms()
            self._terms = [(powers, _exact(c)) for powers, c in parts]

    def span(self, place: int) -> tuple[int, int]:
        """Return degree and period in a symbol."""
        if self._terms is not None:
            return max((powers[place] for powers, _ in self._terms), default=0), 1
        assert isinstance(self._count, sympy.Expr)
        chosen = self._symbols[place]
        rounded = [f for f in self._count.atoms(sympy.floor) if chosen in f.free_symbols]
        period = math.lcm(1, *map(_denominator, rounded))
        # Only every other value of a kernel size is taken.
        steps = period // math.gcd(period, 2) if chosen.name == KERNEL else period
        return self._degree(self._count, chosen), steps

    def _degree(self, count: sympy.Expr, chosen: sympy.Symbol) -> int:
        """Bound the degree on each class of values; what is rounded must not cancel against what is not."""
        quotients = {f: sympy.Dummy() for f in _outermost(count)}
        flat = count.xreplace(quotients)
        places = [*self._symbols, *quotients.values()]
        if not flat.is_polynomial(*places):
            raise UsageError(f"{self._count} is no polynomial", "give one of its letters as a number")
        degrees = [int(s == chosen) for s in self._symbols]
        degrees += [self._degree(f.args[0], chosen) for f in quotients]
        terms = sympy.Poly(flat, *places).monoms()
        return max(int(np.dot(powers, degrees)) for powers in terms)

    def at(self, columns: Any) -> Any:
        """Evaluate at many points.

        Args:
            columns: An array of Python's integers, a row for each symbol.
        """
        if self._terms is None:
            return np.array([self._substituted(point) for point in columns.T], dtype=object)
        whole = np.zeros(columns.shape[1], dtype=object)
        for powers, coefficient in self._terms:
            term = np.full(columns.shape[1], coefficient, dtype=object)
            for column, power in zip(columns, powers, strict=True):
                if power:
                    term = term * column**power
            whole = whole + term
        return whole

    def _substituted(self, point: Sequence[int]) -> Fraction:
        return _evaluated(self._count, dict(zip(self._symbols, point, strict=True)))


def _evaluated(count: Any, values: Mapping[sympy.Symbol, int]) -> Fraction:
    """Evaluate an expression with rounded quotients exactly."""
    if count in values:
        return Fraction(values[count])
    if isinstance(count, int | sympy.Rational):
        return Fraction(int(count)) if isinstance(count, int) else Fraction(int(count.p), int(count.q))
    parts = [_evaluated(part, values) for part in count.args]
    if isinstance(count, sympy.floor):
        return Fraction(math.floor(parts[0]))
    if isinstance(count, sympy.Pow):
        return parts[0] ** int(parts[1])
    if isinstance(count, sympy.Mul):
        return math.prod(parts, start=Fraction(1))
    if isinstance(count, sympy.Add):
        return sum(parts, Fraction(0))
    raise UsageError(f"{count} is no polynomial", "give one of its letters as a number")


def _outermost(count: sympy.Expr) -> set[sympy.Expr]:
    """Return the rounded quotients that stand in no other."""
    if isinstance(count, sympy.floor):
        return {count}
    return set().union(*(_outermost(part) for part in count.args))


def _exact(number: sympy.Rational) -> int | Fraction:
    return int(number) if number.q == 1 else Fraction(int(number.p), int(number.q))


def _named(derivation: Derivation, symbols: Sequence[sympy.Symbol]) -> dict[tuple[str, str], _Polynomial]:
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
    counts |= {
        (_whole(name), axis): size
        for name, sizes in derivation.outputs.items()
        for axis, size in _axes(sizes)
    }
    return {key: _Polynomial(count, symbols) for key, count in counts.items()}


def _device(derivations: Sequence[Derivation], largest: Mapping[sympy.Symbol, int]) -> str:
    # A small net runs faster with numbers than without them.
    weights = sum(_at(count, largest) for count in derivations[0].parameters.values())
    sizes = derivations[-1].inputs.values()
    values = sum(math.prod(_at(size, largest) for size in shape) for shape in sizes)
    return "cpu" if max(weights, values) < SMALL else "meta"


def _observe(
    derivations: Sequence[Derivation], values: Mapping[sympy.Symbol, int], device: str
) -> list[oracle.Observation]:
    first = derivations[0]
    arguments = {name: _at(value, values) for name, value in first.arguments.items()}
    shapes = [
        [tuple(_at(size, values) for size in shape) for shape in derivation.inputs.values()]
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
    named: Mapping[tuple[str, str], _Polynomial],
    seen: Sequence[oracle.Observation],
    columns: Any,
    symbols: Sequence[sympy.Symbol],
) -> None:
    counted = [layer for layer in derivation.layers if layer.operation in RULES]
    expected = [layer.operation for layer in counted]
    for observation in seen:
        done = [witnessed.operation for witnessed in observation.operations]
        if done != expected or set(observation.parameters) != set(derivation.parameters):
            raise VerificationError(
                f"the real net does other things than the derived one: {', '.join(done)}",
                "make forward independent of sizes",
            )
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
    if any(set(observation.outputs) != set(derivation.outputs) for observation in seen):
        raise VerificationError("the real net returns other outputs", "make forward independent of sizes")
    for name, sizes in derivation.outputs.items():
        real |= _sizes(_whole(name), sizes, [observation.outputs[name] for observation in seen])
    for key, counts in real.items():
        derived = named.get(key, _Polynomial(0, symbols)).at(columns)
        for place, (mine, theirs) in enumerate(zip(derived, counts, strict=True)):
            if mine != theirs:
                point = dict(zip(symbols, columns.T[place], strict=True))
                raise _disagreement(key, mine, theirs, point)


def _where(point: Mapping[sympy.Symbol, int]) -> str:
    return ", ".join(f"{s.name} = {value}" for s, value in point.items()) or "these numbers"


def _disagreement(
    key: tuple[str, str], derived: Any, real: int, point: Mapping[sympy.Symbol, int]
) -> VerificationError:
    return VerificationError(
        f"the proof fails: {key[1]} of {key[0]}, derived {derived}, is {real} in the real net "
        f"for {_where(point)}",
        "mend the rule of that layer, or a net that does other things with letters than with numbers",
    )


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


def _grid(
    derivations: Sequence[Derivation], spans: Mapping[sympy.Symbol, tuple[int, int]]
) -> dict[sympy.Symbol, list[int]]:
    conditions = list(dict.fromkeys(c for derivation in derivations for c in derivation.conditions))
    spatial = {
        s
        for derivation in derivations
        for name, shape in derivation.inputs.items()
        for size in (shape if name in derivation.indices else shape[1:])
        for s in sympy.sympify(size).free_symbols
    }
    for start in range(1, LARGEST_START):
        grid = {}
        for s, (degree, period) in spans.items():
            count = (degree + 1) * period
            first = start if s in spatial else 1
            # A kernel size is odd: 1, 3, 5, …
            grid[s] = (
                [2 * i + 1 for i in range(count)] if s.name == KERNEL else [first + i for i in range(count)]
            )
        if _hold(conditions, grid):
            return grid
    raise UsageError(
        "the counts hold for too few values of the letters for a proof",
        "give a larger input, or the kernel size as a number (--fix kernel=3)",
    )


def _hold(conditions: Sequence[Any], grid: Mapping[sympy.Symbol, Sequence[int]]) -> bool:
    for condition in conditions:
        in_k = condition.subs(HALF_KERNEL, (symbol(KERNEL) - 1) / 2)
        involved = [s for s in grid if s in in_k.free_symbols]
        for values in itertools.product(*(grid[s] for s in involved)):
            if in_k.subs(dict(zip(involved, values, strict=True))) == False:  # noqa: E712 - sympy's own
                return False
    return True


def _at(value: Any, values: Mapping[sympy.Symbol, int]) -> Any:
    if isinstance(value, dict):
        return {key: _at(item, values) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_at(item, values) for item in value)
    return int(_evaluated(value, values)) if isinstance(value, sympy.Expr) else value


def _highest(spans: Any) -> tuple[int, int]:
    listed = list(spans)
    return max((degree for degree, _ in listed), default=0), math.lcm(1, *(period for _, period in listed))


def _denominator(rounded: Any) -> int:
    # Nested quotients: the period of the whole divides the product of all denominators.
    inner = [_denominator(f) for f in rounded.args[0].atoms(sympy.floor)]
    flat = rounded.args[0].replace(sympy.floor, lambda argument: sympy.Dummy(integer=True))
    return math.prod([int(sympy.fraction(sympy.together(flat))[1]), *inner])
