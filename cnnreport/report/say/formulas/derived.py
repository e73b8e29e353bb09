"""What a derivation found, read from its run: formulas with their words, layers, totals, proof.

A formula is typeset, never computed here: the report half knows no algebra.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import prod

from cnnreport.errors import UsageError
from cnnreport.report.draw.placement import Box
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas.measures import JSON, Place, number, whole
from cnnreport.runs.artefact import Run

QUANTITIES = ("weights", "outputs", "connections")
"""What is counted, in the order of tables."""

_UNUSED = "unused"


@dataclass(frozen=True)
class Formula:
    """A formula ready to be typeset.

    Args:
        lines: LaTeX; a long formula has several lines.
        words: The whole formula in words.
        zero: Whether it is the number 0.
    """

    lines: tuple[str, ...] = field(metadata={JSON: "latex"})
    words: str
    zero: bool = False


@dataclass(frozen=True)
class Shape:
    """The shape of a tensor without the batch: as plain text, as LaTeX and in words."""

    text: str
    latex: str
    words: str


@dataclass(frozen=True)
class Layer:
    """A row of the table of layers.

    Args:
        path: Where it is in the net.
        type: The layer's type, or the operation's name.
        kind: What it does, see `architecture.COLOURS`.
        sources: The layers whose outputs it takes, by index; -1 is the input of the net.
        inputs: The shapes of what it takes.
        output: The shape of what it gives.
        counts: Its weights, outputs and connections under the convention in use.
    """

    path: str
    type: str
    kind: str
    sources: tuple[int, ...]
    inputs: tuple[Shape, ...]
    output: Shape
    counts: Mapping[str, Formula]

    @property
    def group(self) -> str:
        """The module that holds it; empty for a layer of the net itself."""
        return self.path.rpartition(".")[0]

    @property
    def quiet(self) -> bool:
        """Whether it counts nothing at all."""
        return all(formula.zero for formula in self.counts.values())

    @property
    def proved(self) -> bool:
        """Whether the proof saw it; a parameter that the forward pass never touches it does not."""
        return self.kind != _UNUSED


@dataclass(frozen=True)
class Total:
    """One count of the whole net under one convention.

    Args:
        quantity: What is counted, one of `QUANTITIES`.
        name: The convention.
        sentence: What it counts.
        original: The formula for the input.
        doubled: The formula for twice the height and width, None where that was not derived.
        factor: By how much doubling multiplies it, None where that depends on the letters or was not derived.
        value: The count for the numbers of the run.
        value_doubled: The same for twice the height and width, None where that was not derived.
    """

    quantity: str
    name: str
    sentence: str
    original: Formula
    doubled: Formula | None
    factor: Quantity | None
    value: Quantity
    value_doubled: Quantity | None

    @property
    def unchanged(self) -> bool:
        """Whether doubling the input leaves it as it is."""
        return self.factor is not None and self.factor.mean == 1


@dataclass(frozen=True)
class Letter:
    """A symbol of the formulas.

    Args:
        name: As it is written.
        value: Its value where counts are printed as numbers; None where it has none.
        degree: The highest degree of any count in it.
        grid: Its values in the proof.
    """

    name: str
    value: Quantity | None
    degree: Quantity
    grid: tuple[int, ...]

    @property
    def shown_grid(self) -> str:
        """The values of the proof, for a table."""
        return ", ".join(map(str, self.grid))

    @property
    def odd(self) -> bool:
        """Whether the proof speaks of odd values alone."""
        return all(value % 2 for value in self.grid)


@dataclass(frozen=True)
class Proof:
    """What the formulas were compared with.

    Args:
        letters: The symbols, in the order of the spec.
        combinations: How many combinations of their values.
        points: The same times the number of input sizes.
        counts: How many counts were compared for each combination, over all input sizes.
        largest_kernel: Up to which kernel size counts without padding hold, None where they always do.
    """

    letters: tuple[Letter, ...]
    combinations: Quantity
    points: Quantity
    counts: Quantity
    largest_kernel: Quantity | None

    @property
    def polynomial(self) -> bool:
        """Whether one polynomial is each count; where sizes are rounded, it takes several and more values."""
        return all(len(letter.grid) == letter.degree.mean + 1 for letter in self.letters)


@dataclass(frozen=True)
class Derivation:
    """What a run derived of one net.

    Args:
        run: The name of the run's folder.
        net: The class.
        input: The shape of the input.
        input_doubled: The same with height and width doubled, None where nothing was derived for it.
        layers: In the order in which they run.
        totals: Under several conventions.
        used: The names of the conventions of the table of layers, by quantity.
        proof: What the formulas were compared with.
    """

    run: str
    net: str
    input: Shape
    input_doubled: Shape | None
    layers: tuple[Layer, ...]
    totals: tuple[Total, ...]
    used: Mapping[str, str]
    proof: Proof

    @property
    def sizes(self) -> tuple[tuple[str, Shape], ...]:
        """The inputs for which there are totals, by the names of their formulas."""
        original = (("original", self.input),)
        return (*original, ("doubled", self.input_doubled)) if self.input_doubled else original

    @property
    def six(self) -> tuple[Total, ...]:
        """The totals under the convention in use: three, each with its formula for both input sizes."""
        return tuple(self.total(quantity, self.used[quantity]) for quantity in QUANTITIES)

    def total(self, quantity: str, name: str) -> Total:
        """Return a total by what it counts and under which convention.

        Raises:
            UsageError: The run has none of that name.
        """
        for total in self.totals:
            if (total.quantity, total.name) == (quantity, name):
                return total
        known = ", ".join(total.name for total in self.totals if total.quantity == quantity) or "none"
        raise UsageError(f"{self.run} has no {quantity} under {name!r}", f"choose from: {known}")

    @property
    def running(self) -> list[Layer]:
        """The layers that run; parameters that the forward pass never touches come after them."""
        return [layer for layer in self.layers if layer.proved]

    def boxes(self) -> list[Box]:
        """Return the layers that run as boxes of a drawing; one of the net itself bears its own name."""
        return [
            Box(layer.type, layer.kind, layer.group, layer.output.text, layer.sources, _own_name(layer))
            for layer in self.running
        ]

    def described(self) -> str:
        """Say the architecture in words, module by module."""
        parts = []
        numbered = enumerate(self.running)
        for name, group in groupby(numbered, key=lambda item: item[1].group or item[1].path):
            held = list(group)
            types = ", ".join(self._said(number, layer) for number, layer in held)
            parts.append(f"{name}: {types}, giving {held[-1][1].output.text}")
        return f"Input {self.input.text}; {'; '.join(parts)}."

    def _said(self, number: int, layer: Layer) -> str:
        """Name a layer, and what it takes unless that is the output of the layer before."""
        if layer.sources == (number - 1,):
            return layer.type
        names = ["the input" if n < 0 else self.layers[n].group or self.layers[n].path for n in layer.sources]
        return f"{layer.type} of {' and '.join(names)}" if names else layer.type


def _own_name(layer: Layer) -> str:
    """Return the name of a layer that no module of the net holds; an operation has none."""
    return "" if layer.group or layer.path.partition(" ")[0] == layer.type else layer.path


def derivation(run: Run) -> Derivation:
    """Read what a derivation left.

    Raises:
        UsageError: The run is none of a derivation.
    """
    at = whole(run)
    return at.read(
        Derivation,
        run=run.folder.name,
        layers=tuple(map(_layer, at["layers"].entries)),
        totals=tuple(_total(at, total) for total in at["totals"].entries),
        used={quantity: at["convention"][quantity].read(str) for quantity in QUANTITIES},
        proof=_proof(at),
    )


def _layer(at: Place) -> Layer:
    return at.read(Layer, counts={quantity: at[quantity].read(Formula) for quantity in QUANTITIES})


def _total(measures: Place, entry: Place) -> Total:
    quantity, name = entry["quantity"].read(str), entry["name"].read(str)
    at = replace(entry, path=f"totals / {quantity} / {name}")  # a name says more than a place in a list
    called = f"{quantity} ({name})"
    return at.read(
        Total,
        factor=at["factor"].perhaps(f"{called}, factor of doubling"),
        value=at["value"].number(f"{called}, {measures['input']['text'].read(str)}"),
        value_doubled=at["value_doubled"].perhaps(f"{called}, {_doubled(measures)}"),
    )


def _doubled(measures: Place) -> str:
    place = measures["input_doubled"]
    return "" if place.value is None else place["text"].read(str)


def _proof(at: Place) -> Proof:
    letters = _letters(at)
    combinations = prod(len(letter.grid) for letter in letters)
    how, meaning = "proof / grid, combinations counted", "combinations of values in the proof"
    return Proof(
        letters=letters,
        combinations=number(at.run, how, meaning, combinations),
        points=at["points"].number("points of the proof"),
        counts=at["counts"].number("counts compared in the proof"),
        largest_kernel=at["proof"]["largest_kernel"].perhaps("largest kernel without padding"),
    )


def _letters(at: Place) -> tuple[Letter, ...]:
    # Measures are kept sorted by name; the spec has them in the order in which people think of them.
    order = [name for name, _ in at.run.spec["numbers"]]
    grid, degrees, numbers = at["proof"]["grid"], at["proof"]["degrees"], at["numbers"]
    return tuple(
        Letter(
            name=name,
            value=numbers[name].number(f"{name}, for counts as numbers") if name in numbers.value else None,
            degree=degrees[name].number(f"degree in {name}"),
            grid=tuple(value.read(int) for value in grid[name].entries),
        )
        for name in sorted(grid.value, key=lambda n: (order.index(n) if n in order else len(order), n))
    )
