"""What other tools count, explained: which choice, how many times and with which additions gives a number.

Tools that count give numbers and each has a convention of its own. An explanation is searched for in
a small space, the simplest first: a choice of `cnnreport.formula.convention`, once or twice, and up
to `MOST_ADDITIONS` additions. A number alone may fit by chance (with suitable numbers of filters
pooling joins as many pairs as there are biases), so it is compared kind by kind of layer where the
tool tells them apart. Sources of the additions: the code of torchinfo (layer_info.py), of fvcore
(jit_handles.py) and of torch (utils/flop_counter.py).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.formula import target
from cnnreport.formula.convention import CHOICES
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.rules.rule import KINDS, Kind
from cnnreport.formula.spec import Comparison, Reading
from cnnreport.formula.symbols import Count, Shape, multiply
from cnnreport.formula.tasks import SymbolicTask, evaluate
from cnnreport.formula.tracing.derive import Derivation, Layer, derive

FACTORS = (1, 2)
"""How often a tool counts each: a multiply-add as two operations, an output forwards and backwards."""

MOST_ADDITIONS = 3
"""Additions to a choice; with more of them almost any number could be reached."""

_SPACE = "\u00a0"
_WORDS = {1: "one", 2: "two", 4: "four", 5: "five"}


@dataclass(frozen=True)
class Addition:
    """Something that a tool counts and no choice does.

    Args:
        name: Unique among the additions.
        each: Of what it is counted once or several times, as words that follow "for each".
        times: How often a tool may count it.
        count: How many of them a layer has, all of whose counts are numbers.
    """

    name: str
    each: str
    times: tuple[int, ...]
    count: Callable[[Layer], Count]


@dataclass(frozen=True)
class Term:
    """An addition as it takes part in an explanation.

    Args:
        name: Name of the addition.
        times: How often each is counted.
        number: What it comes to, before the factor.
    """

    name: str
    times: int
    number: int


@dataclass(frozen=True)
class Explanation:
    """How a number comes about: factor × (what the choice gives + what the additions come to).

    Args:
        quantity: ``weights``, ``outputs`` or ``connections``.
        matches: Names of the choices, each of which gives it; the simplest first.
        factor: How often everything is counted.
        base: What the choice gives.
        additions: What comes to it.
        remainder: What is left unexplained of the number.
        exact: Whether the number, and each of its parts where they are known, is given.
        sentence: All this in words.
    """

    quantity: str
    matches: tuple[str, ...]
    factor: int
    base: int
    additions: tuple[Term, ...]
    remainder: int
    exact: bool
    sentence: str

    def value(self, derivation: Derivation, numbers: Mapping[str, int]) -> int:
        """Return what the explanation gives, without the remainder, for a net and any numbers.

        Raises:
            UsageError: A letter of the net has no number.
        """
        layers = _in_numbers(derivation, numbers)
        choice = next(c for c in CHOICES[self.quantity] if c.name == self.matches[0])
        named = {addition.name: addition for addition in ADDITIONS[self.quantity]}
        whole = _whole(_by_kind(layers, choice.count))
        more = (t.times * _whole(_by_kind(layers, named[t.name].count)) for t in self.additions)
        return self.factor * (whole + sum(more))


def explain(
    number: int,
    quantity: str,
    derivation: Derivation,
    numbers: Mapping[str, int],
    parts: Mapping[str, int] | None = None,
) -> Explanation:
    """Search for what gives a number: fewest additions first, then once before twice, then by choice.

    Args:
        number: What a tool counts for one image.
        quantity: ``weights``, ``outputs`` or ``connections``.
        derivation: The net.
        numbers: The value of each letter.
        parts: The number by kind of layer, where that is known; an explanation has to give each of them.

    Returns:
        An explanation that gives the number, or the nearest choice and what is left.

    Raises:
        UsageError: A letter has no number, the quantity or a kind does not exist, or the parts do not
            add up.
    """
    if quantity not in CHOICES:
        raise UsageError(f"there is no quantity {quantity!r}", f"choose from: {', '.join(CHOICES)}")
    _check(number, parts)
    layers = _in_numbers(derivation, numbers)
    choices = {c.name: _by_kind(layers, c.count) for c in CHOICES[quantity]}
    wanted = _Wanted(number, parts)
    options = _options(quantity, layers)
    for size, factor, name in itertools.product(range(MOST_ADDITIONS + 1), FACTORS, choices):
        for additions in _combinations(options, size):
            if wanted.fits(factor, choices[name], additions):
                fitting = tuple(n for n, base in choices.items() if wanted.fits(factor, base, additions))
                base = _whole(choices[name])
                terms = tuple(Term(a.name, times, _whole(counts)) for a, times, counts in additions)
                sentence = _sentence(quantity, fitting, factor, base, terms)
                return Explanation(quantity, fitting, factor, base, terms, 0, True, sentence)
    return _nearest(wanted, quantity, choices)


class ComparisonTask(SymbolicTask):
    """Explains what other tools count of a net."""

    _spec: Comparison

    def derive(self) -> dict[str, Any]:
        """Return each tool's number and its explanation, and how many points prove the counts."""
        size = target.read_size(",".join(self._spec.input))
        derivation = derive(target.resolve(self._spec.net), size=size)
        numbers = dict(self._spec.numbers)
        return {
            "net": derivation.name,
            "points": prove(derivation).points,
            "numbers": numbers,
            "input": [evaluate(axis, numbers) for axis in derivation.input],
            "rows": [_row(reading, derivation, numbers) for reading in self._spec.readings],
        }


_Counts = dict[Kind, int]
_Added = tuple[tuple[Addition, int, _Counts], ...]


@dataclass(frozen=True)
class _Wanted:
    """What an explanation has to give."""

    number: int
    parts: Mapping[str, int] | None

    def fits(self, factor: int, base: _Counts, additions: _Added) -> bool:
        found = [base, *(counts for _, _, counts in additions)]
        if factor * sum(map(_whole, found)) != self.number:
            return False
        if self.parts is None:
            return True
        by_kind = (factor * sum(counts.get(kind, 0) for counts in found) for kind in KINDS)
        return all(mine == self.parts.get(kind, 0) for mine, kind in zip(by_kind, KINDS, strict=True))


def _nearest(wanted: _Wanted, quantity: str, choices: Mapping[str, _Counts]) -> Explanation:
    def distance(pair: tuple[int, str]) -> int:
        factor, name = pair
        base = choices[name]
        if wanted.parts is None:
            return abs(wanted.number - factor * _whole(base))
        return sum(abs(wanted.parts.get(kind, 0) - factor * base.get(kind, 0)) for kind in KINDS)

    factor, name = min(itertools.product(FACTORS, choices), key=distance)
    base = _whole(choices[name])
    remainder = wanted.number - factor * base
    off = _differences(wanted, factor, choices[name])
    sentence = _sentence(quantity, (name,), factor, base, ())
    sentence = (
        f"Not explained; nearest: {sentence[0].lower()}{sentence[1:-1]}, from which it differs by {off}."
    )
    return Explanation(quantity, (name,), factor, base, (), remainder, False, sentence)


def _differences(wanted: _Wanted, factor: int, base: _Counts) -> str:
    if wanted.parts is None:
        return _signed(wanted.number - factor * _whole(base))
    off = {kind: wanted.parts.get(kind, 0) - factor * base.get(kind, 0) for kind in KINDS}
    return ", ".join(f"{_signed(difference)} ({kind})" for kind, difference in off.items() if difference)


def _options(quantity: str, layers: Sequence[Layer]) -> list[list[tuple[Addition, int, _Counts]]]:
    """Return each addition of which the net has some, so many times as a tool may count it."""
    counted = [(a, _by_kind(layers, a.count)) for a in ADDITIONS[quantity]]
    return [
        [(a, times, {kind: times * count for kind, count in counts.items()}) for times in a.times]
        for a, counts in counted
        if any(counts.values())
    ]


def _combinations(options: Sequence[Sequence[tuple[Addition, int, _Counts]]], size: int) -> Iterator[_Added]:
    for chosen in itertools.combinations(options, size):
        yield from itertools.product(*chosen)


def _check(number: int, parts: Mapping[str, int] | None) -> None:
    if parts is None:
        return
    for kind in parts:
        if kind not in KINDS:
            raise UsageError(f"there is no kind of layer {kind!r}", f"choose from: {', '.join(KINDS)}")
    if sum(parts.values()) != number:
        raise UsageError(f"the parts add up to {sum(parts.values())}, not {number}", "measure them again")


def _in_numbers(derivation: Derivation, numbers: Mapping[str, int]) -> list[Layer]:
    """Return the layers with a number in the place of each count."""
    missing = [s.name for s in derivation.symbols if s.name not in numbers]
    if missing:
        raise UsageError(f"{derivation.name}: {', '.join(missing)} without a value", "give a number to each")

    def counted(count: Count) -> int:
        return evaluate(count, numbers)

    def sized(shape: Shape) -> Shape:
        return tuple(counted(size) for size in shape)

    return [
        replace(
            layer,
            inputs=tuple(sized(shape) for shape in layer.inputs),
            output=sized(layer.output),
            weights={role: counted(count) for role, count in layer.weights.items()},
            taps=counted(layer.taps),
            padded=counted(layer.padded),
            biases=counted(layer.biases),
            statistics=counted(layer.statistics),
        )
        for layer in derivation.layers
    ]


def _by_kind(layers: Sequence[Layer], count: Callable[[Layer], Count]) -> _Counts:
    found: _Counts = {}
    for layer in layers:
        found[layer.kind] = found.get(layer.kind, 0) + evaluate(count(layer), {})
    return found


def _whole(counts: _Counts) -> int:
    return sum(counts.values())


def _row(reading: Reading, derivation: Derivation, numbers: Mapping[str, int]) -> dict[str, Any]:
    found = explain(reading.number, reading.quantity, derivation, numbers, dict(reading.parts))
    return {
        "tool": reading.tool,
        "version": reading.version,
        "what": reading.what,
        "quantity": reading.quantity,
        "counts": reading.counts,
        "number": reading.number,
        "parts": dict(reading.parts),
        "explanation": found.sentence,
        "exact": found.exact,
        "choices": list(found.matches),
        "factor": found.factor,
        "base": found.base,
        "additions": [{"name": t.name, "times": t.times, "number": t.number} for t in found.additions],
        "remainder": found.remainder,
    }


def _sentence(
    quantity: str, matches: Sequence[str], factor: int, base: int, additions: Sequence[Term]
) -> str:
    each = {addition.name: addition.each for addition in ADDITIONS[quantity]}
    names = " or ".join(f"“{name}”" for name in matches)
    start = f"{quantity} counted as {names} ({_grouped(base)})"
    more = [f"{_WORDS[t.times]} for each {each[t.name]} ({_grouped(t.number)})" for t in additions]
    joined = f"{', '.join([start, *more[:-1]])} and {more[-1]}" if more else start
    if factor == 1:
        return f"{joined[0].upper()}{joined[1:]}."
    return f"Twice the sum of {joined}." if more else f"Twice the {joined}."


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", _SPACE)


def _signed(number: int) -> str:
    return f"{'−' if number < 0 else '+'}{_grouped(abs(number))}"


def _outputs_of(kind: Kind) -> Callable[[Layer], Count]:
    return lambda layer: layer.outputs if layer.kind == kind else 0


def _inputs_of(kind: Kind) -> Callable[[Layer], Count]:
    return lambda layer: multiply(layer.inputs[0]) if layer.kind == kind else 0


def _biases(layer: Layer) -> Count:
    return layer.biases


def _scale_and_shift(layer: Layer) -> Count:
    return layer.weights.get("affine", 0)


def _enlarged(layer: Layer) -> Count:
    """Count the pairs of a kernel that takes part at each pixel of the output, beyond those of the input."""
    if layer.kind != "transposed convolution":
        return 0
    before, behind = (evaluate(multiply(shape[1:]), {}) for shape in (layer.inputs[0], layer.output))
    return evaluate(layer.taps, {}) // before * max(0, behind - before)


_NORMALISED = "output of a normalisation"
_UPSAMPLED = "output of an upsampling"
_POOLED = "output of a pooling"
_ACTIVATED = "output of an activation"

ADDITIONS: Mapping[str, tuple[Addition, ...]] = {
    "weights": (),
    "outputs": (
        Addition("normalised outputs", _NORMALISED, (1,), _outputs_of("normalisation")),
        Addition("upsampled outputs", _UPSAMPLED, (1,), _outputs_of("upsampling")),
        Addition("pooled outputs", _POOLED, (1,), _outputs_of("pooling")),
        Addition("activations", _ACTIVATED, (1,), _outputs_of("activation")),
    ),
    "connections": (
        Addition("biases", "output to which a bias is added", (1,), _biases),
        Addition("scale and shift", "scale and shift of a normalisation", (1,), _scale_and_shift),
        Addition("normalised outputs", _NORMALISED, (1, 2, 4, 5), _outputs_of("normalisation")),
        Addition("upsampled outputs", _UPSAMPLED, (1, 4), _outputs_of("upsampling")),
        Addition("pooled inputs", "input of a pooling", (1,), _inputs_of("pooling")),
        Addition("pooled outputs", _POOLED, (1,), _outputs_of("pooling")),
        Addition("activations", _ACTIVATED, (1,), _outputs_of("activation")),
        Addition(
            "enlarged", "pair that a transposed convolution would join besides if its kernel took part at "
            "every pixel of the output in place of the input", (1,), _enlarged,
        ),
    ),
}  # fmt: skip
"""What tools are known to count beyond the choices, by quantity."""
