"""Where a net changes height and width, and which layers lie before and behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy

from cnnreport.formula.symbols import Shape, multiply
from cnnreport.formula.tracing.derive import Layer


@dataclass(frozen=True)
class Resizing:
    """A layer that changes height and width.

    Args:
        number: Which layer.
        ratio: Pixels of its input for each of its output.
        level: Layers behind it whose input and output have the size of its output.
        later: All layers behind it.
        producers: Layers before it that still have, or that give, the size of its input.
    """

    number: int
    ratio: Fraction
    level: tuple[int, ...]
    later: tuple[int, ...]
    producers: tuple[int, ...]

    @property
    def after(self) -> Fraction:
        """Pixels of its output for each of its input."""
        return 1 / self.ratio


def resizings(layers: Sequence[Layer]) -> list[Resizing]:
    """Find the layers that change height and width by a ratio that is a number."""
    ratios = [_ratio(layer) for layer in layers]
    changes = []
    for number, ratio in enumerate(ratios):
        if ratio is None or ratio == 1 or layers[number].kind in ("reshape", "concatenation", "unused"):
            continue
        level, later = {number}, {number}
        for at in range(number + 1, len(layers)):
            sources = set(layers[at].sources)
            if sources & later:
                later.add(at)
            if sources & level and ratios[at] == 1:
                level.add(at)
        behind, all_behind = (tuple(sorted(numbers - {number})) for numbers in (level, later))
        changes.append(Resizing(number, ratio, behind, all_behind, _producers(layers, ratios, number)))
    return changes


def _producers(layers: Sequence[Layer], ratios: Sequence[Fraction | None], number: int) -> tuple[int, ...]:
    producers: set[int] = set()
    ahead = [*layers[number].sources]
    while ahead:
        at = ahead.pop()
        if at >= 0 and at not in producers and ratios[at] is not None:
            producers.add(at)
            ahead += layers[at].sources if ratios[at] == 1 else ()
    return tuple(sorted(producers))


def _ratio(layer: Layer) -> Fraction | None:
    if not layer.inputs:
        return None
    before, after = _pixels(layer.inputs[0]), _pixels(layer.output)
    if before is None or after is None:
        return None
    ratio = sympy.cancel(before / after)
    return Fraction(int(ratio.p), int(ratio.q)) if ratio.is_Rational and ratio else None


def _pixels(shape: Shape) -> sympy.Expr | None:
    return sympy.sympify(multiply(shape[1:])) if len(shape) > 1 else None
