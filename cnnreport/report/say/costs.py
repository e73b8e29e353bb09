"""What fine-tuning costs, all layers against only the last: memory and operations as a run measured them.

CSC413 2020, programming assignment 2, questions C4 and C5.
"""

from collections.abc import Mapping, Sequence

from cnnreport.kinds.kind import Form
from cnnreport.report import answer
from cnnreport.report.answer import Answer, Grid
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import segmentation
from cnnreport.runs.artefact import Run

AREA = 4.0
"""By how much the pixels become more when height and width are doubled."""

LIKE_AREA = 0.05
"""By what share a cost may miss the factor of the area and still be said to grow with it."""

_COSTS: tuple[tuple[str, str, str, Form], ...] = (
    ("activations", "activation_bytes", "activations kept", "bytes"),
    ("optimiser", "optimiser_bytes", "Adam’s memory", "bytes"),
    ("forward", "forward_flops", "operations forward", "flops"),
    ("backward", "backward_flops", "operations backward", "flops"),
)
_MODES = {"all": "all layers", "last": "last layer"}
_COLUMNS = ("cost of one update", "all layers", "last layer", "all / last", "all, doubled input", "factor",
            "last, doubled input", "factor")  # fmt: skip


def costs(runs: Sequence[Run]) -> Answer:
    """Return what a section about the costs of fine-tuning prints.

    Args:
        runs: The run that measured them.

    Returns:
        ``values``: ``batch_size``, ``image_size``, ``parameters``, ``learned``, ``points``, and
        ``cached_forward`` and ``cached_saved``, where the last layer learns from features that were
        kept; of each cost and mode
        (``all``, ``last``) the number, such as ``all_activations``, that of the doubled input
        (``…_large``) and its ``…_factor``; and of each cost by how much it is larger for all layers
        (``activations_saved``, …); ``verdicts``: whether all layers cost more (same names), and whether
        the doubled costs miss the factor of the area (``all_activations_off``, …); ``grids``: ``costs``;
        ``facts``: ``net``.

    Raises:
        UsageError: The run lacks something.
    """
    values = {
        "batch_size": _number(runs, "batch_size", "batch size of the measured update"),
        "image_size": _number(runs, "image_size", "height and width of the measured input"),
        "parameters": _number(runs, "parameters", "parameters of the net"),
        "learned": _number(runs, "parameters_learned", "parameters of the last layer"),
        "points": _number(runs, "points", "counts of operations that were found in two ways"),
        "cached_forward": _number(
            runs, "cached_1_forward_flops", "operations of the forward pass on kept features", "flops"
        ),
    }
    for cost, field, meaning, form in _COSTS:
        values |= _of_cost(runs, cost, field, meaning, form)
    values["cached_saved"] = _over(
        "cached_saved", "operations forward, images over kept features", values["last_forward"],
        values["cached_forward"],
    )  # fmt: skip
    architecture = str(runs[0].measures["architecture"])
    return Answer(
        values=values,
        verdicts=_verdicts(values),
        grids={"costs": Grid(_COLUMNS, tuple(_row(values, cost, meaning) for cost, _, meaning, _ in _COSTS))},
        facts={"net": segmentation.NETS.get(architecture, architecture)},
    )


def _number(runs: Sequence[Run], field: str, meaning: str, form: Form = "count") -> Quantity:
    return answer.measure(runs, field, meaning, form, of_data=True)


def _of_cost(runs: Sequence[Run], cost: str, field: str, meaning: str, form: Form) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for mode, title in _MODES.items():
        small = _number(runs, f"{mode}_1_{field}", f"{meaning}, {title}", form)
        large = _number(runs, f"{mode}_2_{field}", f"{meaning}, {title}, doubled input", form)
        found |= {
            f"{mode}_{cost}": small,
            f"{mode}_{cost}_large": large,
            f"{mode}_{cost}_factor": _over(f"{mode}_{cost}_factor", f"{meaning}, {title}", large, small),
        }
    saved = _over(f"{cost}_saved", f"{meaning}, all layers over the last", found[f"all_{cost}"],
                  found[f"last_{cost}"])  # fmt: skip
    return {**found, f"{cost}_saved": saved}


def _over(name: str, meaning: str, above: Quantity, below: Quantity) -> Quantity:
    prefix = above.name.partition(".")[0]
    return combine(
        f"{prefix}.{name}", f"{meaning}, factor", "{} / {}", lambda a, b: a / b, above, below, form="factor"
    )


def _verdicts(values: Mapping[str, Quantity]) -> dict[str, Verdict]:
    found = {
        f"{cost}_saved": exceeds(
            f"Fine-tuning all layers costs more: {meaning}",
            difference(
                f"{values[f'all_{cost}'].name}.less_last",
                f"{meaning}, all layers less the last",
                values[f"all_{cost}"],
                values[f"last_{cost}"],
                form,
            ),
        )
        for cost, _, meaning, form in _COSTS
    }
    for mode, title in _MODES.items():
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
            claim = f"Doubled input, {title}: the {cost} do not grow with the area"
            found[f"{mode}_{cost}_off"] = exceeds(claim, off, LIKE_AREA)
    return found


def _row(values: Mapping[str, Quantity], cost: str, meaning: str) -> tuple[str | Quantity, ...]:
    doubled = [values[f"{mode}_{cost}_{what}"] for mode in _MODES for what in ("large", "factor")]
    return (meaning, values[f"all_{cost}"], values[f"last_{cost}"], values[f"{cost}_saved"], *doubled)
