"""What the measurements of n equal layers say: costs by n, their lines, their factors, their formulas."""

from collections.abc import Callable, Mapping, Sequence

from cnnreport.kinds.costs import COSTS, MODES
from cnnreport.kinds.kind import Form
from cnnreport.report.answer import Answer, Grid
from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, combine
from cnnreport.report.say import training
from cnnreport.report.say.costs import LIKE_AREA
from cnnreport.report.say.formulas.derived import Formula
from cnnreport.report.say.formulas.measures import whole
from cnnreport.runs.artefact import Run

from .fits import CONSTANT, RISING, WORDS, Fit, fit
from .kind import DEPTHS, REAL, SCALES, WEIGHTS
from .sums import added, over_n

KEPT = ("activations", "gradients", "optimiser")
"""What an update keeps for the layers that learn; together with the weights it is the memory."""

SUMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "kept": (KEPT, "kept to learn"),
    "memory": (("weights", *KEPT), "memory"),
    "operations": (("forward", "backward"), "operations"),
}
"""What is added up, of which costs, and what a reader calls it."""

MEANINGS = {"weights": WEIGHTS[1], **{cost: meaning for cost, (_, meaning, _) in COSTS.items()}} | {
    name: meaning for name, (_, meaning) in SUMS.items()
}

AREA = 4
"""By how much there are more pixels where height and width are doubled."""

Values = Mapping[str, Quantity]


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what was measured, and what is added up of it.

    Args:
        runs: The run that measured n equal layers.

    Returns:
        What the kind records; ``all_weights_8`` and ``last_weights_8`` as other costs are called; the sums
        of `SUMS`, such as ``all_memory_8_large``; for each sum by how much it is larger with all layers,
        ``memory_saved_8``; and for each mode and cost by how much the doubled input is dearer,
        ``all_memory_8_factor``.
    """
    values = training.numbers(runs)
    name = training.experiment_of(runs)
    for mode in MODES:
        for end, depth in _places():
            values[f"{mode}_weights_{depth}{end}"] = values[f"weights_{depth}{end}"]
            for total in SUMS:
                key = f"{mode}_{total}_{depth}{end}"
                values[key] = _sum(f"{name}.{key}", values, mode, total, f"{depth}{end}")
    return values | _ratios(name, values)


def _places() -> list[tuple[str, int]]:
    return [(end, depth) for end in SCALES for depth in DEPTHS]


def _sum(name: str, values: Values, mode: str, total: str, place: str) -> Quantity:
    parts = [values[f"{mode}_{part}_{place}"] for part in SUMS[total][0]]
    meaning = f"{SUMS[total][1]}, {_at(mode, place)}"
    rule = " + ".join(["{}"] * len(parts))
    return combine(name, meaning, rule, lambda *each: sum(each), *parts, form=parts[0].form)


def _at(mode: str, place: str) -> str:
    depth, _, doubled = place.partition("_")
    return f"{MODES[mode]}, n = {depth}{', doubled input' if doubled else ''}"


def _ratios(name: str, values: Values) -> dict[str, Quantity]:
    ratios = {}
    for depth in DEPTHS:
        for total in ("memory", "operations"):
            key = f"{total}_saved_{depth}"
            pair = (values[f"{mode}_{total}_{depth}"] for mode in MODES)
            meaning = f"{SUMS[total][1]}, all layers over the last, n = {depth}"
            ratios[key] = _over(f"{name}.{key}", meaning, *pair)
        for mode in MODES:
            for cost in MEANINGS:
                key = f"{mode}_{cost}_{depth}"
                meaning = f"{MEANINGS[cost]}, {_at(mode, str(depth))}, doubled input over the input"
                ratios[f"{key}_factor"] = _over(
                    f"{name}.{key}_factor", meaning, values[f"{key}_large"], values[key]
                )
    return ratios


def _over(name: str, meaning: str, above: Quantity, below: Quantity) -> Quantity:
    return combine(name, meaning, "({}) / ({})", lambda a, b: a / b, above, below, form="factor")


def lines(runs: Sequence[Run], values: Values) -> dict[str, Fit]:
    """Return the line through each cost and sum over n, by mode, such as ``last_forward``."""
    name = training.experiment_of(runs)
    return {
        f"{mode}_{cost}": fit(
            f"{name}.{mode}_{cost}",
            f"{meaning}, {layers}",
            {depth: values[f"{mode}_{cost}_{depth}"] for depth in DEPTHS},
        )
        for mode, layers in MODES.items()
        for cost, meaning in MEANINGS.items()
    }


def with_depth(runs: Sequence[Run]) -> Answer:
    """Return what a section about the number of layers prints.

    Returns:
        ``values``: `numbers`; of each line ``all_memory_slope`` and ``…_intercept``; and
        ``memory_limit`` and ``operations_limit``, the quotients of the slopes, to which that of the costs
        tends as n grows where both are lines and that of the last layer rises;
        ``decisions``: how each cost goes with n, as ``all_memory``; ``forward``, whether it is the same
        for both modes at every n; ``expected``, whether what is kept and the backward pass go with n as they
        should; ``limit_memory`` and ``limit_operations``, whether there is a limit;
        ``grids``: ``totals``, ``costs``, ``lines``; ``pictures``: ``memory``, ``operations``;
        ``parts``: ``formulas``, by the cost, those of all layers and of the last; ``sums``, those of what
        is added up.

    Raises:
        UsageError: The run lacks something.
    """
    values, fits = numbers(runs), lines(runs, numbers(runs))
    slopes = {f"{name}_slope": each.slope for name, each in fits.items()}
    intercepts = {f"{name}_intercept": each.intercept for name, each in fits.items()}
    prefix = training.experiment_of(runs)
    limits = {
        f"{total}_limit": _over(
            f"{prefix}.{total}_limit",
            f"{SUMS[total][1]} of a layer more, all layers over the last",
            *(fits[f"{mode}_{total}"].slope for mode in MODES),
        )
        for total in ("memory", "operations")
    }
    return Answer(
        values={**values, **slopes, **intercepts, **limits},
        decisions={
            **{name: each.course for name, each in fits.items()},
            "forward": _same_forward(values),
            "expected": _expected(fits),
            **{f"limit_{total}": _limit(total, fits) for total in ("memory", "operations")},
        },
        grids={"totals": _totals(values), "costs": _by_depth(values), "lines": _lines(fits)},
        pictures={total: _over_depth(values, total) for total in ("memory", "operations")},
        parts={"formulas": formulas(runs, "formulas"), "sums": summed(runs, "formulas")},
    )


def _same_forward(values: Values) -> Decision:
    same = all(len({values[f"{mode}_forward_{depth}"].mean for mode in MODES}) == 1 for depth in DEPTHS)
    meaning = "whether the forward pass costs the same, whichever layers learn"
    return Decision(meaning, "same" if same else "other", ("same", "other"))


def _expected(fits: Mapping[str, Fit]) -> Decision:
    """Decide whether each layer that learns costs something, and a frozen one only its forward pass."""
    right = all(
        fits[f"{mode}_{cost}"].course.outcome == course
        for mode, course in (("all", RISING), ("last", CONSTANT))
        for cost in ("kept", "backward")
    )
    meaning = "what is kept, and the backward pass, grow with the layers that learn alone"
    return Decision(meaning, "explained" if right else "other", ("explained", "other"))


def _limit(total: str, fits: Mapping[str, Fit]) -> Decision:
    """Decide whether all layers cost a certain number of times as much in deep nets."""
    courses = [fits[f"{mode}_{total}"].course.outcome for mode in MODES]
    outcome = "limit" if courses == [RISING, RISING] else "none"
    if courses == [RISING, CONSTANT]:
        outcome = "grows"
    return Decision(f"{total} of all layers over the last, as n grows", outcome, ("limit", "grows", "none"))


def peaks(runs: Sequence[Run]) -> Answer:
    """Return what the device told of peak memory.

    Args:
        runs: The run that asked it.

    Returns:
        ``values``: what the kind records; ``decisions``: ``peaks``, whether the device told
        all, some or none; ``grids``: ``peaks``; ``facts``: ``device``, its name, empty where it told nothing.

    Raises:
        UsageError: The run lacks something.
    """
    values = training.numbers(runs)
    nets = {str(depth): f"n = {depth}" for depth in DEPTHS} | {REAL: "the real net"}
    told = [bool(values[f"{mode}_peak_{net}"].finite) for mode in MODES for net in nets]
    outcome = "all" if all(told) else "some" if any(told) else "none"
    rows = []
    for net, title in nets.items():
        pair = [values[f"{mode}_peak_{net}"] for mode in MODES]
        name = f"{training.experiment_of(runs)}.peak_saved_{net}"
        rows.append((title, *pair, _over(name, f"peak memory, all layers over the last, {title}", *pair)))
    return Answer(
        values=values,
        decisions={"peaks": Decision("whether the device told", outcome, ("all", "some", "none"))},
        grids={"peaks": Grid(("net", *MODES.values(), "factor"), tuple(rows))},
        facts={"device": training.text(runs, "device_name")},
    )


def doubled(runs: Sequence[Run]) -> Answer:
    """Return what a section about twice the height and width prints.

    Returns:
        ``values``: `numbers`; ``decisions``: ``area``, whether activations and operations all grow with the
        area, of all modes and n; ``fixed``, whether weights, gradients and Adam's memory stay;
        ``grids``: ``deepest``, the costs of the deepest net, and ``factors``;
        ``parts``: ``formulas`` and ``sums``, those of twice the height and width.

    Raises:
        UsageError: The run lacks something.
    """
    values = numbers(runs)
    with_area = _factors(values, ("activations", "forward", "backward"))
    without = _factors(values, ("weights", "gradients", "optimiser"))
    return Answer(
        values=values,
        decisions={
            "area": _all_or_none(
                "activations and operations grow with the area",
                with_area,
                lambda x: abs(x / AREA - 1) <= LIKE_AREA,
            ),
            "fixed": _all_or_none("weights, gradients and Adam’s memory stay", without, lambda x: x == 1),
        },
        grids={"deepest": _deepest(values), "factors": _factor_grid(values)},
        parts={"formulas": formulas(runs, "formulas_large"), "sums": summed(runs, "formulas_large")},
    )


def _factors(values: Values, costs: Sequence[str]) -> list[float]:
    return [
        values[f"{mode}_{cost}_{depth}_factor"].mean for mode in MODES for cost in costs for depth in DEPTHS
    ]


def _all_or_none(meaning: str, factors: Sequence[float], holds: Callable[[float], bool]) -> Decision:
    held = sum(map(holds, factors))
    outcome = "all" if held == len(factors) else "some" if held else "none"
    return Decision(meaning, outcome, ("all", "some", "none"))


def formulas(runs: Sequence[Run], measure: str) -> dict[str, dict[str, Formula]]:
    """Return the derived formula of each cost, for each mode."""
    at = whole(runs[0])[measure]
    costs = ("weights", *COSTS)
    return {MEANINGS[cost]: {mode: at[f"{mode}_{cost}"].read(Formula) for mode in MODES} for cost in costs}


def summed(runs: Sequence[Run], measure: str) -> dict[str, dict[str, Formula]]:
    """Return the formulas of the weights, of all memory and of the operations of both passes, by mode."""
    at = whole(runs[0])[measure]
    parts = {"weights": ("weights",), "memory": SUMS["memory"][0], "operations": SUMS["operations"][0]}
    return {
        MEANINGS[total]: {
            mode: over_n(added([at[f"{mode}_{cost}"]["code"].read(str) for cost in costs])) for mode in MODES
        }
        for total, costs in parts.items()
    }


def _totals(values: Values) -> Grid:
    columns = ("n", "memory, all layers", "last layer", "factor", "operations, all layers", "last layer",
               "factor")  # fmt: skip
    rows = tuple(
        (
            str(depth),
            *(
                values[name]
                for total in ("memory", "operations")
                for name in (f"all_{total}_{depth}", f"last_{total}_{depth}", f"{total}_saved_{depth}")
            ),
        )
        for depth in DEPTHS
    )
    return Grid(columns, rows)


def _by_depth(values: Values) -> Grid:
    rows = tuple(
        (_row_name(cost, mode), *(values[f"{mode}_{cost}_{depth}"] for depth in DEPTHS))
        for cost in ("weights", *COSTS)
        for mode in MODES
        if cost != "weights" or mode == "all"
    )
    return Grid(("cost of one update", *(f"n = {depth}" for depth in DEPTHS)), rows)


def _row_name(cost: str, mode: str) -> str:
    return MEANINGS[cost] if cost == "weights" else f"{MEANINGS[cost]}, {MODES[mode]}"


def _lines(fits: Mapping[str, Fit]) -> Grid:
    rows = tuple(
        (_row_name(cost, mode), each.slope, each.intercept, WORDS[each.course.outcome])
        for cost in MEANINGS
        for mode in MODES
        if cost != "weights" or mode == "all"
        for each in [fits[f"{mode}_{cost}"]]
    )
    return Grid(("cost of one update", "for each layer", "besides", "the points lie"), rows)


_IN_ONE_UNIT: Mapping[Form, str] = {"bytes": "MiB", "flops": "GFLOP"}
"""The units of a table whose rows are compared with each other."""


def _deepest(values: Values) -> Grid:
    depth = DEPTHS[-1]
    columns = ("cost of one update", "all layers", "doubled input", "factor", "last layer", "doubled input",
               "factor")  # fmt: skip
    rows = tuple(
        (
            f"{meaning} ({_IN_ONE_UNIT[values[f'all_{cost}_{depth}'].form]})",
            *(values[f"{mode}_{cost}_{depth}{end}"] for mode in MODES for end in ("", "_large", "_factor")),
        )
        for cost, meaning in MEANINGS.items()
        if cost != "kept"
    )
    return Grid(columns, rows, units=_IN_ONE_UNIT)


def _factor_grid(values: Values) -> Grid:
    rows = tuple(
        (_row_name(cost, mode), *(values[f"{mode}_{cost}_{depth}_factor"] for depth in DEPTHS))
        for cost in MEANINGS
        for mode in MODES
        if cost != "weights" or mode == "all"
    )
    return Grid(("factor of", *(f"n = {depth}" for depth in DEPTHS)), rows)


_UNITS = {"memory": (2.0**20, "MiB"), "operations": (1e9, "GFLOP")}
"""By what a drawing divides, and its unit."""


def _over_depth(values: Values, total: str) -> Picture:
    unit, name = _UNITS[total]
    drawn = [
        Curve(
            layers,
            "contender",
            [[values[f"{mode}_{total}_{depth}"].mean / unit for depth in DEPTHS]],
            [float(depth) for depth in DEPTHS],
        )
        for mode, layers in MODES.items()
    ]
    ends = DEPTHS[0], DEPTHS[-1]
    told = "; ".join(
        f"{layers}, {' to '.join(values[f'{mode}_{total}_{depth}'].text for depth in ends)}"
        for mode, layers in MODES.items()
    )
    alt = f"{SUMS[total][1].capitalize()} of one update over n, {ends[0]} to {ends[1]} layers: {told}."
    axis = Axis("layers n", [float(depth) for depth in DEPTHS], linear=True)
    return figure.curves(drawn, f"{SUMS[total][1]} in {name}", alt, (), axis=axis)
