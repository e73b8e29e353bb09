"""What other tools count, held against the convention that is written down for each number.

Tools that count give numbers and each has a convention of its own: a choice of
`cnnreport.formula.convention`, so many times, with additions. A number alone may fit by chance (with
suitable numbers of filters pooling joins as many pairs as there are biases), so each kind of layer
must agree. Sources of the additions: the code of torchinfo (layer_info.py), of fvcore (jit_handles.py)
and of torch (utils/flop_counter.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula import target
from cnnreport.formula.convention import CHOICES
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.rules.rule import KINDS, Kind
from cnnreport.formula.spec import Comparison, Reading
from cnnreport.formula.symbols import Count, multiply
from cnnreport.formula.tasks import SymbolicTask, evaluate
from cnnreport.formula.tracing.derive import Derivation, Layer, derive

_SPACE = "\u00a0"
_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}

_T = TypeVar("_T")


@dataclass(frozen=True)
class Addition:
    """Something that a tool counts and no choice does.

    Args:
        each: Of what it is counted once or several times, as words that follow "for each".
        count: How many of them a layer has.
    """

    each: str
    count: Callable[[Layer], Count]


@dataclass(frozen=True)
class Explanation:
    """What a reading's convention gives: factor × (what the choice gives + what the additions come to).

    Args:
        base: What the choice gives.
        additions: What each addition comes to, by its name, before the factor.
        parts: What all together gives, by kind of layer, where that is not zero.
        exact: Whether these are the parts that the tool counts.
        sentence: All this in words.
    """

    base: int
    additions: Mapping[str, int]
    parts: Mapping[Kind, int]
    exact: bool
    sentence: str

    @property
    def value(self) -> int:
        """What all together gives."""
        return sum(self.parts.values())


class ComparisonTask(SymbolicTask):
    """Holds what other tools count of a net against the conventions that are written down for them."""

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


def explain(reading: Reading, derivation: Derivation, numbers: Mapping[str, int]) -> Explanation:
    """Compute what a reading's convention gives for a net, and compare it with what the tool counts.

    Args:
        reading: A tool's number, with its convention.
        derivation: The net.
        numbers: The value of each letter.

    Raises:
        UsageError: A letter has no number; the quantity, the convention, an addition or a kind of layer
            does not exist; or the parts do not add up to the number.
    """
    _check(reading, derivation, numbers)

    def counted(count: Callable[[Layer], Count]) -> dict[Kind, int]:
        return _by_kind(derivation, count, numbers)

    base = counted(_choice(reading).count)
    added = {name: (times, counted(ADDITIONS[name].count)) for name, times in reading.additions}
    parts = {
        kind: reading.factor
        * (base.get(kind, 0) + sum(times * counts.get(kind, 0) for times, counts in added.values()))
        for kind in KINDS
    }
    additions = {name: times * sum(counts.values()) for name, (times, counts) in added.items()}
    off = {kind: dict(reading.parts).get(kind, 0) - part for kind, part in parts.items()}
    given = {kind: part for kind, part in parts.items() if part}
    sentence = _sentence(reading, sum(base.values()), additions, off)
    return Explanation(sum(base.values()), additions, given, not any(off.values()), sentence)


def _by_kind(
    derivation: Derivation, count: Callable[[Layer], Count], numbers: Mapping[str, int]
) -> dict[Kind, int]:
    counts: dict[Kind, int] = {}
    for layer in derivation.layers:
        counts[layer.kind] = counts.get(layer.kind, 0) + evaluate(count(layer), numbers)
    return counts


def _choice(reading: Reading) -> Any:
    choices = {choice.name: choice for choice in _known("quantity", reading.quantity, CHOICES)}
    return _known("convention", reading.convention, choices)


def _known(what: str, name: str, known: Mapping[str, _T]) -> _T:
    if name not in known:
        raise UsageError(f"there is no {what} {name!r}", f"choose from: {', '.join(known)}")
    return known[name]


def _check(reading: Reading, derivation: Derivation, numbers: Mapping[str, int]) -> None:
    missing = [s.name for s in derivation.symbols if s.name not in numbers]
    if missing:
        raise UsageError(f"{derivation.name}: {', '.join(missing)} without a value", "give a number to each")
    for name, _ in reading.additions:
        _known("addition", name, ADDITIONS)
    for kind, _ in reading.parts:
        _known("kind of layer", kind, dict.fromkeys(KINDS))
    added_up = sum(number for _, number in reading.parts)
    if added_up != reading.number:
        problem = f"{reading.what}: the parts add up to {added_up}, not {reading.number}"
        raise UsageError(problem, "measure them again")


def _row(reading: Reading, derivation: Derivation, numbers: Mapping[str, int]) -> dict[str, Any]:
    explanation = explain(reading, derivation, numbers)
    return {
        "tool": reading.tool,
        "version": reading.version,
        "what": reading.what,
        "quantity": reading.quantity,
        "counts": reading.counts,
        "number": reading.number,
        "parts": dict(reading.parts),
        "explanation": explanation.sentence,
        "exact": explanation.exact,
        "choices": [reading.convention],
        "factor": reading.factor,
        "base": explanation.base,
        "additions": [
            {"name": name, "times": times, "number": explanation.additions[name]}
            for name, times in reading.additions
        ],
        "remainder": reading.number - explanation.value,
    }


def _sentence(reading: Reading, base: int, additions: Mapping[str, int], off: Mapping[Kind, int]) -> str:
    terms = [f"{reading.quantity} counted as “{reading.convention}” ({_grouped(base)})"]
    terms += [
        f"{_WORDS.get(times, str(times))} for each {ADDITIONS[name].each} ({_grouped(additions[name])})"
        for name, times in reading.additions
    ]
    whole = " and ".join(filter(None, (", ".join(terms[:-1]), terms[-1])))
    if reading.factor != 1:
        often = "twice" if reading.factor == 2 else f"{reading.factor} times"
        whole = f"{often} the sum of {whole}" if additions else f"{often} the {whole}"
    differences = [f"{_signed(number)} ({kind})" for kind, number in off.items() if number]
    if differences:
        return f"Not explained; nearest: {whole}, from which it differs by {', '.join(differences)}."
    return f"{whole[0].upper()}{whole[1:]}."


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", _SPACE)


def _signed(number: int) -> str:
    return f"{'−' if number < 0 else '+'}{_grouped(abs(number))}"


def _outputs_of(kind: Kind) -> Callable[[Layer], Count]:
    return lambda layer: layer.outputs if layer.kind == kind else 0


def _scale_and_shift(layer: Layer) -> Count:
    return layer.weights.get("affine", 0)


def _enlarged(layer: Layer) -> Count:
    """Count the pairs of a kernel that takes part at each pixel of the output, beyond those of the input."""
    if layer.kind != "transposed convolution":
        return 0
    before, behind = (multiply(shape[1:]) for shape in (layer.inputs[0], layer.output))
    return sympy.sympify(layer.taps) * (behind - before) / before


ADDITIONS: Mapping[str, Addition] = {
    "scale and shift": Addition("scale and shift of a normalisation", _scale_and_shift),
    "normalised outputs": Addition("output of a normalisation", _outputs_of("normalisation")),
    "upsampled outputs": Addition("output of an upsampling", _outputs_of("upsampling")),
    "enlarged": Addition(
        "pair that a transposed convolution would join besides if its kernel took part at every pixel of "
        "the output in place of the input",
        _enlarged,
    ),
}
"""What tools are known to count beyond the choices, by name."""
