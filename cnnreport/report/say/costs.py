"""What fine-tuning costs, all layers against only the last: memory and operations as a run measured them.

CSC413 2020, programming assignment 2, questions C4 and C5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnreport.kinds.costs import COSTS, MODES
from cnnreport.kinds.digits import common_unit
from cnnreport.kinds.kind import Form
from cnnreport.report.answer import Answer, Grid
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import segmentation, training
from cnnreport.runs.artefact import Run

AREA = 4.0
"""By how much the pixels become more when height and width are doubled."""

LIKE_AREA = 0.05
"""By what share a cost may miss the factor of the area and still be said to grow with it: more than sizes do
that are odd and are rounded, far less than the half by which one misses it that grows with the height alone.
"""

_WHY = (
    "odd sizes are rounded, so that a cost may miss the factor of the area by a little and still grow with it"
)

_COLUMNS = ("cost of one update", "all layers", "last layer", "all / last", "all, doubled input", "factor",
            "last, doubled input", "factor")  # fmt: skip


_MEASURED: tuple[Form, ...] = ("bytes", "flops")
"""In what costs are measured."""


def costs(runs: Sequence[Run]) -> Answer:
    """Return what a section about the costs of fine-tuning prints.

    Args:
        runs: The run that measured them.

    Returns:
        ``values``: what the run recorded; ``cached_saved``, where the last layer learns from features
        that were kept; of each cost and mode
        (``all``, ``last``) the number, such as ``all_activations``, that of the doubled input
        (``…_large``) and its ``…_factor``; and of each cost by how much it is larger for all layers
        (``activations_saved``, …); ``verdicts``: whether all layers cost more (same names), and whether
        the doubled costs miss the factor of the area (``all_activations_off``, …); ``grids``: ``costs``;
        ``facts``: ``net``; ``all_mode`` and ``last_mode``, in which mode the net was: ``train`` or ``eval``.

    Raises:
        UsageError: The run lacks something.
    """
    values = training.numbers(runs)
    for cost, (_, meaning, _) in COSTS.items():
        values |= _factors(values, cost, meaning)
    values["cached_saved"] = _over(
        "cached_saved", "operations forward, images over kept features", values["last_forward"],
        values["cached_forward"],
    )  # fmt: skip
    architecture = training.text(runs, "architecture")
    units = {form: _unit(values, form) for form in _MEASURED}
    rows = tuple(
        _row(values, cost, f"{meaning} ({units[form]})") for cost, (_, meaning, form) in COSTS.items()
    )
    return Answer(
        values=values,
        verdicts=_verdicts(values),
        grids={"costs": Grid(_COLUMNS, rows, units=units)},
        facts={
            "net": segmentation.NETS.get(architecture, architecture),
            **{f"{mode}_mode": training.text(runs, f"{mode}_net_mode") for mode in MODES},
        },
    )


def _factors(values: Mapping[str, Quantity], cost: str, meaning: str) -> dict[str, Quantity]:
    """Return by what a cost grows with the input, for each mode, and with the layers that learn."""
    factors = {
        f"{mode}_{cost}_factor": _over(
            f"{mode}_{cost}_factor",
            f"{meaning}, {layers}",
            values[f"{mode}_{cost}_large"],
            values[f"{mode}_{cost}"],
        )
        for mode, layers in MODES.items()
    }
    more = f"{meaning}, all layers over the last"
    saved = _over(f"{cost}_saved", more, values[f"all_{cost}"], values[f"last_{cost}"])
    return {**factors, f"{cost}_saved": saved}


def _over(name: str, meaning: str, above: Quantity, below: Quantity) -> Quantity:
    prefix = above.name.partition(".")[0]
    return combine(
        f"{prefix}.{name}", f"{meaning}, factor", "{} / {}", lambda a, b: a / b, above, below, form="factor"
    )


def _verdicts(values: Mapping[str, Quantity]) -> dict[str, Verdict]:
    verdicts = {
        f"{cost}_saved": exceeds(
            f"Fine-tuning all layers costs more: {meaning}",
            difference(
                f"{values[f'all_{cost}'].name}.less_last",
                f"{meaning}, all layers minus the last",
                values[f"all_{cost}"],
                values[f"last_{cost}"],
                form,
            ),
        )
        for cost, (_, meaning, form) in COSTS.items()
    }
    for mode, title in MODES.items():
        for cost in ("activations", "forward", "backward"):
            factor = values[f"{mode}_{cost}_factor"]
            off = combine(
                f"{factor.name}.off",
                f"{factor.meaning}, how far from that of the area",
                "size of (({}) / 4 − 1)",
                lambda x: abs(x / AREA - 1),
                factor,
                form="share",
            )
            words = cost if cost == "activations" else f"operations {cost}"
            claim = f"Doubled input, {title}: {words} do not grow with the area"
            # Counted of the net, not measured: there is nothing that another run could change.
            verdicts[f"{mode}_{cost}_off"] = replace(exceeds(claim, off, LIKE_AREA, _WHY), constant=True)
    return verdicts


def _unit(values: Mapping[str, Quantity], form: Form) -> str:
    """Return the one unit in which a table prints all costs of a form."""
    names = [cost for cost, (_, _, own) in COSTS.items() if own == form]
    sizes = [values[f"{mode}_{cost}{end}"] for cost in names for mode in MODES for end in ("", "_large")]
    return common_unit([size.mean for size in sizes], form)


def _row(values: Mapping[str, Quantity], cost: str, meaning: str) -> tuple[str | Quantity, ...]:
    doubled = [values[f"{mode}_{cost}_{what}"] for mode in MODES for what in ("large", "factor")]
    return (meaning, values[f"all_{cost}"], values[f"last_{cost}"], values[f"{cost}_saved"], *doubled)
