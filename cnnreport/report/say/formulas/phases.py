"""What a layer that doubles a grid can draw, read from the run that derived its phases."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import safetensors.numpy

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.say.formulas.derived import Formula
from cnnreport.report.say.formulas.measures import Place, number, whole
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

WAYS = ("nearest", "transposed")
"""How a grid is doubled, in the order of the run."""

SURROUNDINGS = {
    "flat": "a flat area",
    "edge": "a straight edge",
    "corner": "a corner",
    "alone": "a coarse pixel among zeros",
}
"""Around which block the pixels are free, by the names of the run."""

OWN = (0, 0)
"""The offset of the coarse pixel that a block comes from."""

BLOCK = 4
"""Pixels of a block of 2 x 2."""


@dataclass(frozen=True)
class Sum:
    """An entry of an effective kernel.

    Args:
        formula: The sum of weights.
        weights: Row and column of each of them.
    """

    formula: Formula
    weights: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Phase:
    """One of the four phases.

    Args:
        parity: Row and column of its pixels within their blocks.
        rows: Rows of the coarse grid that its effective kernel covers, from the block's own on.
        columns: The same for columns.
        sums: The entries, row by row.
        entries: How many these are.
        weights: How many weights of the layer take part.
    """

    parity: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    sums: tuple[tuple[Sum, ...], ...]
    entries: Quantity
    weights: Quantity

    @property
    def kernel(self) -> Formula:
        """The effective kernel as a matrix, in which the entry of the block's own coarse pixel is boxed."""
        written = r" \\ ".join(
            " & ".join(
                rf"\boxed{{{entry.formula.lines[0]}}}" if (row, column) == OWN else entry.formula.lines[0]
                for column, entry in zip(self.columns, sums, strict=True)
            )
            for row, sums in zip(self.rows, self.sums, strict=True)
        )
        said = "; ".join(", ".join(entry.formula.words for entry in sums) for sums in self.sums)
        return Formula((rf"\begin{{pmatrix}} {written} \end{{pmatrix}}",), f"the matrix {said}")


@dataclass(frozen=True)
class Example:
    """A kernel that draws a block of which the two halves differ.

    Args:
        weights: Row, column and value of each weight that is not zero.
        given: A row of coarse pixels as nearest upsampling repeats them: the block and its neighbours.
        drawn: The same row of what a module of PyTorch made of it.
    """

    weights: tuple[tuple[int, int, int], ...]
    given: tuple[int, ...]
    drawn: tuple[int, ...]

    @property
    def kernel(self) -> Formula:
        """The weights that are not zero, as equations."""
        pairs = [(f"w_{{{row}{column}}}", f"w{row}{column}", value) for row, column, value in self.weights]
        return Formula(
            (r",\; ".join(f"{letter} = {value}" for letter, _, value in pairs),),
            ", ".join(f"{word} equals {value}" for _, word, value in pairs),
        )


@dataclass(frozen=True)
class Way:
    """One way to double a grid.

    Args:
        name: One of `WAYS`.
        phases: Row by row of the block.
        weights: How many weights a kernel has.
        entries: How many entries the effective kernels have together.
        ties: How many of these the others decide.
        shared: How many weights take part in more than one phase.
        sums_tie: Whether these ties are that phases side by side have the same sums over rows, and phases
            above each other over columns.
        step: The right pixel of a block less the left one, for images that are constant along columns, as
            steps of the coarse image; None where it is not made of steps.
        same_totals: Whether the pixels of a block are equal wherever the coarse image is flat.
        lone_pixel: Whether one coarse pixel can light a single fine one and nothing beside it.
        freedom: How many pixels of a block can be chosen freely, by what surrounds it.
        example: A kernel that draws a block of unlike halves, None where a simple one is not known.
    """

    name: str
    phases: tuple[Phase, ...]
    weights: Quantity
    entries: Quantity
    ties: Quantity
    shared: Quantity
    sums_tie: bool
    step: Formula | None
    same_totals: bool
    lone_pixel: bool
    freedom: Mapping[str, Quantity]
    example: Example | None

    @property
    def flat(self) -> Decision:
        """What a block can be inside a flat area: of one value, anything, or something between these."""
        outcome = "one_value" if self.same_totals else self._free("flat")
        return Decision("what a block of a flat area can be", outcome, _FLAT)

    @property
    def edge(self) -> Decision:
        """Whether the weights have a say in how the pixels of a block differ at a straight edge."""
        outcome = "fixed" if self.freedom["edge"].mean == 1 else self._free("edge")
        return Decision("what a block at an edge can be", outcome, _EDGE)

    def _free(self, name: str) -> str:
        return "anything" if self.freedom[name].mean == BLOCK else "limited"


_FLAT = ("one_value", "limited", "anything")
_EDGE = ("fixed", "limited", "anything")


@dataclass(frozen=True)
class Tried:
    """Layers of a net in which the phases were found as they were derived."""

    name: str
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Phases:
    """What a run found about the phases of doubling.

    Args:
        run: The name of the run's folder.
        kernel: The kernel size that is shown.
        nearest: Nearest upsampling, and then a convolution.
        transposed: A transposed convolution.
        points: How many images were compared with real modules.
        kernels: The kernel sizes of these.
        nets: The nets of which layers were compared in their place: one that upsamples, one transposed.
    """

    run: str
    kernel: Quantity
    nearest: Way
    transposed: Way
    points: Quantity
    kernels: tuple[Quantity, ...]
    nets: tuple[Tried, ...]

    @property
    def ways(self) -> tuple[Way, ...]:
        """Both ways, in the order of `WAYS`."""
        return self.nearest, self.transposed

    @property
    def surroundings(self) -> tuple[tuple[str, str], ...]:
        """What can be around a block: the name in the run, and in words."""
        return tuple(SURROUNDINGS.items())

    @property
    def pairs(self) -> tuple[tuple[Phase, Phase], ...]:
        """The phases of both ways, side by side."""
        return tuple(zip(self.nearest.phases, self.transposed.phases, strict=True))


def phases(run: Run) -> Phases:
    """Read what a derivation of phases left.

    Raises:
        UsageError: The run is none of phases.
    """
    at = whole(run)
    found = {way.name: way for way in map(_way, at["ways"].entries)}
    if tuple(found) != WAYS:
        raise at.unfit(f"has the ways {', '.join(found) or 'of nobody'}")
    tried = at["tried"]
    return at.read(
        Phases,
        run=run.folder.name,
        **found,
        kernel=at["kernel"].number("kernel size of the phases"),
        points=at["points"].number("images on which the phases were tried"),
        kernels=tuple(size.number("kernel size tried") for size in tried["kernels"].entries),
    )


def spreads(found: Phases, runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return how unlike the effective kernels of the phases are in a trained net that upsamples.

    Args:
        found: What was derived.
        runs: The runs of the net.

    Returns:
        By the name of each layer, the part of the effective kernels' squared entries that would be lost if
        their mean stood in place of each: 0 where a block is always of one value. Empty where a run kept no
        weights of that layer.
    """
    kept = {run.seed: _weights(run) for run in runs}
    return {
        layer: _spread(found.nearest, runs, kept, f"{layer}.weight")
        for layer in found.nets[0].layers
        if kept and all(f"{layer}.weight" in weights for weights in kept.values())
    }


def chance(found: Phases, run: Run) -> Quantity:
    """Return what `spreads` is, on average, for independent weights of one variance.

    Args:
        found: What was derived.
        run: Where that was read.
    """
    size = round(found.kernel.mean)
    single = np.eye(size * size).reshape(-1, 1, size, size)
    how = "ways / 0 / phases: part that differs between phases, for independent weights"
    return number(
        run,
        how,
        "part that differs between the phases, random weights",
        unlike(found.nearest, single),
        "share",
    )


def unlike(way: Way, weights: "np.ndarray[Any, Any]") -> float:
    """Return the part of the squared entries of effective kernels that differs between the phases.

    Args:
        way: How the grid is doubled.
        weights: Kernels, (N, C, k, k).

    Returns:
        The mean squared distance from the mean of the phases over the mean square, from 0 to 1; NaN where
        all weights are zero.
    """
    places = sorted({place for phase in way.phases for place, _ in _placed(phase)})
    effective = np.zeros((len(way.phases), len(places), *weights.shape[:2]))
    for index, phase in enumerate(way.phases):
        for place, entry in _placed(phase):
            terms = (weights[:, :, row, column] for row, column in entry.weights)
            effective[index, places.index(place)] = sum(terms, start=np.zeros(weights.shape[:2]))
    squared = float(np.square(effective).sum())
    apart = float(np.square(effective - effective.mean(axis=0)).sum())
    return apart / squared if squared else math.nan


def _placed(phase: Phase) -> Iterator[tuple[tuple[int, int], Sum]]:
    """Yield each entry of an effective kernel with its offset on the coarse grid."""
    for row, sums in zip(phase.rows, phase.sums, strict=True):
        for column, entry in zip(phase.columns, sums, strict=True):
            yield (row, column), entry


def _weights(run: Run) -> Mapping[str, "np.ndarray[Any, Any]"]:
    file = run.folder / artefact.WEIGHTS
    return safetensors.numpy.load(file.read_bytes()) if file.exists() else {}


def _spread(
    way: Way,
    runs: Sequence[Run],
    kept: Mapping[int, Mapping[str, "np.ndarray[Any, Any]"]],
    name: str,
) -> Quantity:
    values = {
        run.seed: math.nan if run.diverged else unlike(way, kept[run.seed][name].astype(float))
        for run in runs
    }
    source = Source(
        tuple(run.folder.name for run in runs), artefact.WEIGHTS, f"{name}: part that differs between phases"
    )
    called = f"{runs[0].experiment}.{name}.phases"
    return Quantity(called, f"part that differs between the phases, {name}", values, "share", source)


def _way(at: Place) -> Way:
    name = at["name"].read(str)
    count = partial(_count, at, name)
    return at.read(
        Way,
        phases=tuple(_phase(phase, name) for phase in at["phases"].entries),
        weights=count("weights", "weights of a kernel"),
        entries=count("entries", "entries of all phases"),
        ties=count("ties", "entries that the others decide"),
        shared=count("shared", "weights in more than one phase"),
        freedom={
            key: at["freedom"][key].number(f"pixels of a block that are free, {words}, {name}")
            for key, words in SURROUNDINGS.items()
        },
        example=None if at["example"].value is None else _example(at["example"]),
    )


def _count(at: Place, way: str, field: str, meaning: str) -> Quantity:
    return at[field].number(f"{meaning}, {way}")


def _phase(at: Place, way: str) -> Phase:
    where = f"phase {at['parity'].value}, {way}"
    return at.read(
        Phase,
        sums=tuple(tuple(map(_sum, row.entries)) for row in at["sums"].entries),
        entries=at["entries"].number(f"entries of {where}"),
        weights=at["weights"].number(f"weights of {where}"),
    )


def _sum(at: Place) -> Sum:
    return Sum(at.read(Formula), tuple((row, column) for row, column in at["weights"].value))


def _example(at: Place) -> Example:
    rows = at["drawn"].entries
    drawn = tuple(value.read(int) for value in rows[len(rows) // 3].entries)
    third = len(drawn) // 3
    return Example(
        weights=tuple((row, column, value) for row, column, value in at["weights"].value),
        given=(0,) * third + (1,) * third + (0,) * third,
        drawn=drawn,
    )
