"""The phases of doubling a grid as a task: derived, and held against PyTorch's modules and real nets."""

from collections.abc import Mapping
from typing import Any

import sympy

from cnnreport.errors import VerificationError
from cnnreport.formula import target
from cnnreport.formula.phases import blocks, check
from cnnreport.formula.phases.effective import Phase, Way, indices, phases, weights
from cnnreport.formula.spec import Phases
from cnnreport.formula.tasks import SymbolicTask

KERNELS = (1, 3, 5, 7)
SIZES = ((1, 1), (2, 3), (5, 4))
SEEDS = range(3)
"""What the layers are tried with: kernel sizes besides that of the spec, coarse images, random numbers."""

CHANNELS = ("num_filters", "num_colours", "num_in_channels")
SMALL = 4
"""The parameters of the nets that are tried besides the kernel size, and what each of them is."""


class PhasesTask(SymbolicTask):
    """Derives the effective kernels of layers that double a grid, and checks them."""

    _spec: Phases

    def derive(self) -> dict[str, Any]:
        """Return the phases of both ways to double a grid, what blocks they draw, and what was tried.

        Raises:
            UsageError: The kernel size is even or out of range.
            VerificationError: A module or a net does not do what was derived.
        """
        kernel = self._spec.kernel
        ways = [_way(way, kernel) for way in Way]
        kernels = sorted({*KERNELS, kernel})
        tried = sum(
            check.verify(check.alone(way, size), phases(way, size), SIZES, SEEDS)
            for way in Way
            for size in kernels
        )
        nets = [_net(name, kernel) for name in (self._spec.upsampling, self._spec.net)]
        return {
            "net": self._spec.net.rpartition(":")[2],
            "kernel": kernel,
            "points": tried + sum(net["images"] for net in nets),
            "tried": {"kernels": kernels, "sizes": [list(size) for size in SIZES], "seeds": len(SEEDS)},
            "ways": ways,
            "nets": nets,
        }


def _way(way: Way, kernel: int) -> dict[str, Any]:
    """Return what is known of one way to double a grid."""
    found = phases(way, kernel)
    entries = blocks.entries(found)
    free = blocks.rank(entries, kernel)
    return {
        "name": way,
        "phases": [_phase(phase) for phase in found],
        "weights": len(weights(kernel)),
        "entries": len(entries),
        "free": free,
        "ties": len(entries) - free,
        "shared": blocks.shared(found),
        "same_totals": blocks.same_totals(found),
        "sums_tie": blocks.sums_tie(found, kernel),
        "step": _step(blocks.steps(found)),
        "lone_pixel": blocks.lone_pixel(found, kernel),
        "freedom": blocks.freedom(found, kernel),
        "example": _example(way, kernel, found),
    }


def _phase(phase: Phase) -> dict[str, Any]:
    """Return an effective kernel in rows, and the weights of each entry."""
    rows = sorted({row for row, _ in phase.kernel})
    columns = sorted({column for _, column in phase.kernel})
    return {
        "parity": list(phase.parity),
        "weights": len(phase.weights),
        "entries": len(phase.kernel),
        "rows": rows,
        "columns": columns,
        "sums": [[_sum(phase.kernel[row, column]) for column in columns] for row in rows],
        "total": _sum(phase.total),
    }


def _sum(entry: sympy.Expr) -> dict[str, Any]:
    """Return a sum of weights as a report prints it, and the row and column of each weight in it.

    Raises:
        VerificationError: It is another expression than a plain sum of weights.
    """
    if any(times != 1 for times in entry.as_coefficients_dict().values() if entry != 0):
        raise VerificationError(f"{entry} is no plain sum of weights")
    places = sorted(indices(letter) for letter in entry.free_symbols)
    return {
        "latex": [" + ".join(f"w_{{{row}{column}}}" for row, column in places) or "0"],
        "words": " plus ".join(f"w{row}{column}" for row, column in places) or "0",
        "zero": not places,
        "weights": [list(place) for place in places],
    }


def _step(steps: Mapping[int, sympy.Expr] | None) -> dict[str, Any] | None:
    """Return the right pixel of a block less the left one as an equation, and its terms."""
    if not steps:
        return None
    sums = {column: _sum(factor) for column, factor in steps.items()}
    written, said = [], []
    for column, factor in sums.items():
        behind, before = _column(column + 1), _column(column)
        written.append(rf"({factor['latex'][0]})(x_{{{behind}}} - x_{{{before}}})")
        said.append(f"({factor['words']}) times (x of {behind} minus x of {before})")
    return {
        "latex": [rf"y_{{\mathrm{{right}}}} - y_{{\mathrm{{left}}}} = {' + '.join(written)}"],
        "words": f"y right minus y left equals {' plus '.join(said)}",
        "zero": False,
        "terms": [{"column": column, "sum": factor} for column, factor in sums.items()],
    }


def _column(offset: int) -> str:
    """Write a column of the coarse image, J being that of the block."""
    return f"J{offset:+d}" if offset else "J"


def _example(way: Way, kernel: int, found: tuple[Phase, ...]) -> dict[str, Any] | None:
    """Return the simplest kernel that draws a block of unlike halves, and what a real module makes of it."""
    given = blocks.sparsest(found, kernel)
    if given is None:
        return None
    return {
        "weights": [[*indices(letter), value] for letter, value in given.items()],
        "drawn": check.respond(way, kernel, given),
    }


def _net(name: str, kernel: int) -> dict[str, Any]:
    """Return in which layers of a net the phases were found as derived, and on how many images."""
    made = target.resolve(name)(kernel=kernel, **dict.fromkeys(CHANNELS, SMALL))
    seen = check.verify_net(made, SIZES, SEEDS)
    return {"name": name.rpartition(":")[2], "layers": [*seen], "images": sum(seen.values())}
