"""What is said of a derivation: to a program as JSON, to a reader as a table, to TeX as LaTeX."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cnnreport.formula import convention as conventions
from cnnreport.formula import phrase
from cnnreport.formula.argument import read_values
from cnnreport.formula.convention import QUANTITIES, Convention
from cnnreport.formula.proof import grid as grids
from cnnreport.formula.proof.prove import Proof, prove
from cnnreport.formula.symbols import Count, Shape
from cnnreport.formula.target import read_size, resolve
from cnnreport.formula.tracing.derive import Derivation, Layer, derive

COLUMNS = ("layer", "type", "input", "output", *QUANTITIES)
"""Titles of `Statement.rows`."""


@dataclass(frozen=True)
class Statement:
    """A net's counts under one convention.

    Args:
        target: How the net was named.
        convention: What counts.
        derivation: For the input asked for.
        doubled: For twice its height and width, None where that was not asked.
        proof: What the counts were compared with.
    """

    target: str
    convention: Convention
    derivation: Derivation
    doubled: Derivation | None
    proof: Proof

    def to_json(self) -> dict[str, Any]:
        """Return plain data; counts and sizes are strings that sympy reads, given the letters as symbols."""
        return {
            "target": self.target,
            "convention": self.convention.name,
            "input": _codes(self.derivation.input),
            "inputs": self._inputs(),
            **self._part(self.derivation),
            "doubled": self._part(self.doubled) if self.doubled else None,
            "letters": [letter.name for letter in self.derivation.symbols],
            "conditions": self.conditions(),
            "proof": {"points": self.proof.points, "counts": self.proof.counts, "agrees": True},
        }

    def _part(self, derivation: Derivation) -> dict[str, Any]:
        totals = self.convention.totals(derivation)
        return {
            "layers": [self._layer(layer) for layer in derivation.layers],
            "totals": {quantity: phrase.code(count) for quantity, count in totals.items()},
            "returns": [
                {"name": name, "images": phrase.code(derivation.images[name]), "size": _codes(shape)}
                for name, shape in derivation.outputs.items()
            ],
        }

    def _inputs(self) -> list[dict[str, Any]]:
        indices = self.derivation.indices
        return [
            {"name": name, "size": _codes(shape), "holds": "indices" if name in indices else "numbers"}
            for name, shape in self.derivation.inputs.items()
        ]

    def _layer(self, layer: Layer) -> dict[str, Any]:
        counts = {quantity: phrase.code(self.convention.count(quantity, layer)) for quantity in QUANTITIES}
        return {
            "path": layer.path,
            "type": layer.type,
            "input": _codes(layer.inputs[0]) if layer.inputs else [],
            "inputs": [_codes(shape) for shape in layer.inputs],
            "output": _codes(layer.output),
            "images": phrase.code(layer.batch),
            **counts,
        }

    def heading(self, derivation: Derivation) -> str:
        """Name the net and its inputs."""
        if len(derivation.inputs) == 1 and not derivation.indices:
            return f"{self.target} for an input of {_shape(derivation.input)}"
        inputs = [
            f"{name} of {_shape(shape, 'index' if name in derivation.indices else 'number')}"
            for name, shape in derivation.inputs.items()
        ]
        return f"{self.target} for {'an input' if len(inputs) == 1 else 'inputs'} {' and '.join(inputs)}"

    def rows(self, derivation: Derivation) -> list[tuple[str, ...]]:
        """Return the table of layers as text: path, type, input, output, and the three counts."""
        return [
            (
                layer.path,
                layer.type,
                " + ".join(map(phrase.shape, layer.inputs)),
                _output(layer),
                *(phrase.text(self.convention.count(quantity, layer)) for quantity in QUANTITIES),
            )
            for layer in derivation.layers
        ]

    def totals(self, derivation: Derivation) -> list[str]:
        """Say the three totals, a line each, and what forward returns where one shape does not tell it."""
        totals = self.convention.totals(derivation)
        lines = [f"{quantity} = {phrase.text(count)}" for quantity, count in totals.items()]
        returned = {
            name: _times(derivation.images[name], _shape(shape)) for name, shape in derivation.outputs.items()
        }
        if not any(returned) and all(images == 1 for images in derivation.images.values()):
            return lines
        outputs = [f"{name} of {size}" if name else size for name, size in returned.items()]
        return [*lines, f"forward returns {', '.join(outputs)}"]

    def proved(self) -> str:
        """Say what the proof rests on."""
        grid = "; ".join(f"{name} = {_listed(values)}" for name, values in self.proof.grid.items())
        where = f" ({grid})" if grid else ""
        points = "1 point" if self.proof.points == 1 else f"{self.proof.points} points"
        holds = f", for {' and '.join(self.conditions())}" if self.conditions() else ""
        return (
            f"proved{holds}: {self.proof.counts} counts agree with the real net, and with what ATen computes "
            f"for it, on {points}{where}"
        )

    def conditions(self) -> list[str]:
        """Say for which values of the letters the counts hold; nothing where they hold for all."""
        both = [self.derivation, *([self.doubled] if self.doubled else [])]
        counts = self.convention.connections.padding
        above = [f"{name} >= 1" for name in self.derivation.positive]
        return [*grids.conditions(both, self.proof.grid, padding_counts=counts), *above]

    def latex(self) -> str:
        """Return the table of layers and the totals as LaTeX (booktabs)."""
        parts = [self._table(self.derivation, "")]
        if self.doubled:
            parts.append(self._table(self.doubled, ", height and width doubled"))
        return "\n\n".join(parts)

    def _table(self, derivation: Derivation, ending: str) -> str:
        rows = [
            " & ".join(
                (
                    rf"\texttt{{{_escaped(layer.path)}}}",
                    _escaped(layer.type),
                    f"${phrase.shape_latex(layer.output)}$" if layer.output else "",
                    *(f"${phrase.latex(self.convention.count(q, layer))}$" for q in QUANTITIES),
                )
            )
            for layer in derivation.layers
        ]
        totals = [f"${phrase.latex(count)}$" for count in self.convention.totals(derivation).values()]
        title = f"% {self.target}, convention {self.convention.name}{ending}; {self.proved()}"
        head = r"\begin{tabular}{llllll}" + "\n" + r"\toprule" + "\n" + "layer & type & output & "
        head += " & ".join(QUANTITIES) + r" \\" + "\n" + r"\midrule"
        body = "\n".join(rf"{row} \\" for row in rows)
        foot = rf"\midrule total & & & {' & '.join(totals)} \\ \bottomrule" + "\n" + r"\end{tabular}"
        return "\n".join((title, head, body, foot))


def state(
    target: str,
    sizes: Sequence[str],
    fixed: Sequence[str],
    convention: str,
    *,
    doubled: bool,
    tell: Callable[[str], None] = lambda line: None,
) -> Statement:
    """Derive and prove the counts of a net that the command line names.

    Args:
        target: ``module:Class``, ``path/file.py:Class``, or a function in their place.
        sizes: Shape of each input, such as ``NIC,32,32``; none for the net's own.
        fixed: Parameters as ``name=value``.
        convention: Its name.
        doubled: Whether to derive it for twice the height and width too.
        tell: Takes a sentence to the user where the proof takes long.

    Raises:
        UsageError: Something of this does not exist or cannot be derived.
        VerificationError: The proof fails.
    """
    chosen = conventions.find(convention)
    net = resolve(target)
    derivation = derive(net, read_values(net, fixed), *map(read_size, sizes))
    larger = derivation.doubled() if doubled else None
    proof = prove(derivation, *([larger] if larger else []), tell=tell)
    return Statement(target, chosen, derivation, larger, proof)


def _output(layer: Layer) -> str:
    """Say what comes out, and how often where other axes were folded into the batch."""
    return _times(layer.batch, phrase.shape(layer.output) if layer.output else "")


def _times(images: Count, shape: str) -> str:
    return shape if images == 1 else f"{phrase.text(images)} of {shape}"


def _codes(shape: Shape) -> list[str]:
    return [phrase.code(size) for size in shape]


def _shape(shape: Shape, what: str = "number") -> str:
    if shape in ((), (1,)):
        return f"one {what}"
    return f"{phrase.shape(shape)}{' indices' if what == 'index' else ''}"


def _listed(values: Sequence[int]) -> str:
    if len(values) > 4 and list(values) == list(range(values[0], values[-1] + 1)):
        return f"{values[0]} to {values[-1]}"
    return ", ".join(map(str, values))


def _escaped(text: str) -> str:
    return text.replace("_", r"\_").replace("&", r"\&").replace("#", r"\#").replace("%", r"\%")
