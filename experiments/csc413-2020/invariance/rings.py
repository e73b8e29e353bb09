"""Figures of question A4: by how much logits change, by the distance of their pixel from the border."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnnreport.report.draw import figure
from cnnreport.report.draw.figure import Axis, Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.runs.artefact import Run

from .kinds import RINGS, transforms_of
from .transforms import Transform

_AXIS = Axis("distance from the border (pixels)", ticks=range(0, RINGS, 3), linear=True)
_LABEL = "mean logit change (%)"


def by_distance(runs: Sequence[Run], net: str) -> Picture:
    """Draw the changes that a constant makes in train mode, with and without what statistics carry.

    Args:
        runs: Evaluations of a net.
        net: What it is called.
    """
    chosen = [each for each in transforms_of("inner") if each.shift and each.scale >= 0.5]
    drawn = [
        Curve(words, role, _shares(runs, mode, each), x=range(RINGS), contender=each.text)
        for each in chosen
        # Each name stands at the end of the last of its curves; those of the dashed ones meet.
        for mode, role, words in (
            ("inner", "train", "statistics as if without a border"),
            ("batch", "validation", "statistics of the batch"),
        )
    ]
    return figure.curves(
        drawn,
        _LABEL,
        f"Curves of the mean change of a logit of the {net} in train mode over the distance from the border. "
        f"{_ends(drawn)}",
        reading.datasets(runs),
        per_cent=True,
        axis=_AXIS,
        wide=True,
    )


def in_eval_mode(runs: Sequence[Run], net: str) -> Picture:
    """Draw the changes in eval mode, of a factor alone and of a constant alone."""
    chosen = [each for each in transforms_of("running") if not each.shift or each.scale == 1]
    drawn = [Curve(each.text, "contender", _shares(runs, "running", each), x=range(RINGS)) for each in chosen]
    return figure.curves(
        drawn,
        _LABEL,
        f"Curves of the mean change of a logit of the {net} in eval mode over the distance from the border. "
        f"{_ends(drawn)}",
        reading.datasets(runs),
        per_cent=True,
        axis=_AXIS,
        wide=True,
    )


def _shares(runs: Sequence[Run], mode: str, transform: Transform) -> list[list[float]]:
    """Return for each run the changes by the distance from the border, as shares of the logits' spread."""
    place = transforms_of(mode).index(transform)
    shares = []
    for run in runs:
        rings: NDArray[np.float64] = run.samples()[f"{mode}_rings"][place]
        shares.append((rings / run.measures[f"{mode}_spread"]).tolist())
    return shares


def _ends(drawn: Sequence[Curve]) -> str:
    """Say the means at the border and in the centre, in words."""
    said = []
    for curve in drawn:
        means = 100 * np.mean(np.asarray(curve.seeds), axis=0)
        name = f"{curve.contender}, {curve.label}" if curve.contender else curve.label
        said.append(f"{name}: {means[0]:.1f} % at the border, {means[-1]:.1f} % in the centre")
    return f"{'; '.join(said)}."
