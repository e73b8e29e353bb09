"""What a derivation found, read from its run: formulas with their words, layers, totals, proof.

A formula is typeset, never computed here: the report half knows no algebra.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.report.draw.placement import Box
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.runs import artefact
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

    lines: tuple[str, ...]
    words: str
    zero: bool = False

    @property
    def pieces(self) -> tuple[tuple[str, str], ...]:
        """Each line with its alternative text; that of the first line says it all."""
        alts = (self.words, *("the formula goes on" for _ in self.lines[1:]))
        return tuple(zip(self.lines, alts, strict=True))


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
        doubled: The formula for twice the height and width.
        factor: By how much doubling multiplies it, None where that depends on the letters.
        value: The count for the numbers of the run.
        value_doubled: The same for twice the height and width.
    """

    quantity: str
    name: str
    sentence: str
    original: Formula
    doubled: Formula
    factor: Quantity | None
    value: Quantity
    value_doubled: Quantity

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
        input_doubled: The same with height and width doubled.
        layers: In the order in which they run.
        totals: Under several conventions.
        used: The names of the conventions of the table of layers, by quantity.
        proof: What the formulas were compared with.
    """

    run: str
    net: str
    input: Shape
    input_doubled: Shape
    layers: tuple[Layer, ...]
    totals: tuple[Total, ...]
    used: Mapping[str, str]
    proof: Proof

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
        """Return the layers that run as boxes of a drawing."""
        return [
            Box(layer.type, layer.kind, layer.group, layer.output.text, layer.sources)
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


def derivation(run: Run) -> Derivation:
    """Read what a derivation left.

    Raises:
        UsageError: The run is none of a derivation.
    """
    try:
        return _derivation(run)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(run, "derivation", error) from error


def _derivation(run: Run) -> Derivation:
    told = run.measures
    return Derivation(
        run=run.folder.name,
        net=told["net"],
        input=Shape(**told["input"]),
        input_doubled=Shape(**told["input_doubled"]),
        layers=tuple(map(_layer, told["layers"])),
        totals=tuple(_total(run, total) for total in told["totals"]),
        used={quantity: told["convention"][quantity] for quantity in QUANTITIES},
        proof=_proof(run),
    )


def _layer(told: Mapping[str, Any]) -> Layer:
    return Layer(
        path=told["path"],
        type=told["type"],
        kind=told["kind"],
        sources=tuple(told["sources"]),
        inputs=tuple(Shape(**shape) for shape in told["inputs"]),
        output=Shape(**told["output"]),
        counts={quantity: formula(told[quantity]) for quantity in QUANTITIES},
    )


def _total(run: Run, told: Mapping[str, Any]) -> Total:
    quantity, name = told["quantity"], told["name"]

    def read(field: str, meaning: str) -> Quantity:
        path = f"totals / {quantity} / {name} / {field}"
        return number(run, path, f"{quantity} ({name}), {meaning}", told[field])

    return Total(
        quantity=quantity,
        name=name,
        sentence=told["sentence"],
        original=formula(told["original"]),
        doubled=formula(told["doubled"]),
        factor=None if told["factor"] is None else read("factor", "factor of doubling"),
        value=read("value", run.measures["input"]["text"]),
        value_doubled=read("value_doubled", run.measures["input_doubled"]["text"]),
    )


def _proof(run: Run) -> Proof:
    told, proof = run.measures, run.measures["proof"]
    combinations = 1
    for values in proof["grid"].values():
        combinations *= len(values)
    kernel = proof["largest_kernel"]
    return Proof(
        letters=_letters(run, proof),
        combinations=number(
            run, "proof / grid, combinations counted", "combinations of values in the proof", combinations
        ),
        points=number(run, "points", "points of the proof", told["points"]),
        counts=number(run, "counts", "counts compared in the proof", told["counts"]),
        largest_kernel=None
        if kernel is None
        else number(run, "proof / largest_kernel", "largest kernel without padding", kernel),
    )


def _letters(run: Run, proof: Mapping[str, Any]) -> tuple[Letter, ...]:
    # Measures are kept sorted by name; the spec has them in the order in which people think of them.
    order = [name for name, _ in run.spec["numbers"]]
    numbers = run.measures["numbers"]
    return tuple(
        Letter(
            name=name,
            value=number(run, f"numbers / {name}", f"{name}, for counts as numbers", numbers[name])
            if name in numbers
            else None,
            degree=number(run, f"proof / degrees / {name}", f"degree in {name}", proof["degrees"][name]),
            grid=tuple(proof["grid"][name]),
        )
        for name in sorted(proof["grid"], key=lambda n: (order.index(n) if n in order else len(order), n))
    )


def formula(told: Mapping[str, Any]) -> Formula:
    """Read a formula of the measures."""
    return Formula(tuple(told["latex"]), told["words"], told["zero"])


def number(run: Run, field: str, meaning: str, value: float) -> Quantity:
    """Return a whole number of the measures as a quantity; a derivation has one run, and one value.

    Args:
        run: Where it was read.
        field: Which field of the measures it is.
        meaning: What a reader calls it.
        value: The number.
    """
    source = Source((run.folder.name,), artefact.MEASURES, field)
    return Quantity(f"{run.experiment}.{field}", meaning, {run.seed: float(value)}, "count", source)


def unreadable(run: Run, kind: str, error: Exception) -> UsageError:
    """Return the error for a run whose measures are not what they should be."""
    problem = f"{artefact.MEASURES} of the run {run.folder.name} is not that of this version's {kind}"
    return UsageError(f"{problem}: {error}", "run the experiment again")
