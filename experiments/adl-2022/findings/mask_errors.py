"""Where a predicted mask is wrong: at the edge of the true one, or in whole parts of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.runs.artefact import Run

REACH = 2
"""A wrong pixel lies at the edge where it is so many pixels from the true outline at most."""

PLACES = {"best": 0, "median": 1, "worst": 2}
"""Which of the images that a run kept have which F1."""

Array = np.ndarray[Any, Any]


def mask_errors(run: Run) -> dict[str, Quantity]:
    """Return where one run is wrong in the test images that it kept.

    Returns:
        ``near_best``, ``near_median`` and ``near_worst``: the share of the wrong pixels that lie at the edge;
        ``missed_worst``: the share of them that are lung and were not found; ``reach``: `REACH`. Not a number
        where no pixel is wrong.
    """
    kept = {run.seed: run.samples()}

    def read(name: str, meaning: str, of: Any, place: int) -> Quantity:
        field = f"shown_mask and shown_predicted, {place}: {meaning}"
        return reading.from_samples(
            [run], kept, field, f"{meaning}, {name}", "share",
            lambda arrays: of(arrays["shown_mask"][place] > 0, arrays["shown_predicted"][place] > 0),
        )  # fmt: skip

    edge = f"share of the wrong pixels at most {REACH} pixels from the true outline"
    missed = "share of the wrong pixels that are lung and were not found"
    reach = reading.from_samples(
        [run], kept, "shown_mask, reach", "pixels that count as the edge", "count", lambda _: REACH
    )
    return {
        **{f"near_{name}": read(name, edge, _near, place) for name, place in PLACES.items()},
        "missed_worst": read("worst", missed, _missed, PLACES["worst"]),
        "reach": reach,
    }


def deeper(errors: Mapping[str, Quantity]) -> Decision:
    """Say whether the median image is wrong at the edge mostly, and the worst one farther from it.

    Farther means that a quarter of its wrong pixels or more are not at the edge, and twice as large a share
    as in the median image.
    """
    near = [errors[f"near_{name}"] for name in PLACES]
    if not all(each.finite for each in near):
        outcome = "lost"
    else:
        median, worst = 1 - near[1].mean, 1 - near[2].mean
        outcome = "deeper" if median < 0.5 and worst >= max(0.25, 2 * median) else "alike"
    return Decision(
        "whether the worst mask is wrong farther from the outline", outcome, ("deeper", "alike", "lost")
    )


def _near(truth: Array, predicted: Array) -> float:
    from scipy.ndimage import binary_dilation, binary_erosion  # type: ignore[import-untyped]

    wrong = truth ^ predicted
    # What lies beyond the image is no edge.
    inside = binary_erosion(truth, iterations=REACH, border_value=1)
    edge = binary_dilation(truth, iterations=REACH) & ~inside
    return float((wrong & edge).sum() / wrong.sum()) if wrong.any() else float("nan")


def _missed(truth: Array, predicted: Array) -> float:
    wrong = truth ^ predicted
    return float((wrong & truth).sum() / wrong.sum()) if wrong.any() else float("nan")
