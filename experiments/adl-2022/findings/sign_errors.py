"""Which signs a classifier gets wrong most often, and whether wrong images are dark."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say import classification
from cnnreport.runs.artefact import Run

WORST = 3
"""So many classes are named."""


@dataclass(frozen=True)
class Class:
    """A class, and the share of its test images that is classified correctly."""

    name: str
    correct: Quantity


def worst_classes(runs: Sequence[Run]) -> tuple[Class, ...]:
    """Return the classes with the smallest share of correct test images, the worst first."""
    kept = {run.seed: run.samples() for run in runs}
    names = classification.class_names(runs)
    whole = [kept[run.seed]["test_confusion"] for run in runs if not run.diverged]
    if not whole:
        return ()
    counts = np.sum(whole, axis=0)
    seen = np.flatnonzero(counts.sum(1))
    order = seen[np.argsort(counts.diagonal()[seen] / counts.sum(1)[seen], kind="stable")]
    return tuple(
        Class(
            names[number],
            reading.from_samples(
                runs, kept, f"test_confusion, share on the diagonal of row {number}",
                f"test images of “{names[number]}” that are classified correctly", "share",
                lambda arrays, number=number: _correct(arrays, number),
            ),
        )
        for number in order[:WORST]
    )  # fmt: skip


def _correct(arrays: Arrays, number: int) -> float:
    row = arrays["test_confusion"][number]
    return float(row[number] / row.sum()) if row.sum() else float("nan")


def brightness(run: Run, pairs: int) -> dict[str, Quantity]:
    """Return how bright the wrong images are that are shown, and those of the other class beside them.

    Returns:
        ``bright_wrong`` and ``bright_like``: the mean of all pixels, as a share of white; ``darker``: how
        many wrong images are darker than the one beside; ``shown_pairs``: of how many.
    """
    kept = {run.seed: run.samples()}

    def means(arrays: Arrays, name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        images = arrays[f"pair_{name}"][:pairs]
        return np.asarray(images.mean((1, 2, 3)) / 255, dtype=np.float64)

    def bright(name: str, meaning: str) -> Quantity:
        return reading.from_samples(
            [run], kept, f"pair_{name}, mean of the first {pairs}", meaning, "share",
            lambda arrays: float(means(arrays, name).mean()) if len(arrays["pair_true"]) else float("nan"),
        )  # fmt: skip

    return {
        "bright_wrong": bright("image", "brightness of the wrong images shown"),
        "bright_like": bright("like", "brightness of the images beside them"),
        "darker": reading.from_samples(
            [run], kept, f"pair_image and pair_like, first {pairs}", "wrong images that are darker", "count",
            lambda arrays: float((means(arrays, "image") < means(arrays, "like")).sum()),
        ),
        "shown_pairs": reading.from_samples(
            [run], kept, f"pair_image, first {pairs}, their number", "wrong images shown", "count",
            lambda arrays: float(len(arrays["pair_true"][:pairs])),
        ),
    }  # fmt: skip


def dark(found: dict[str, Quantity]) -> Decision:
    """Say whether the wrong images are darker: on average, and most of them."""
    wrong, like = found["bright_wrong"], found["bright_like"]
    if not (wrong.finite and like.finite):
        outcome = "none"
    else:
        most = 2 * found["darker"].mean > found["shown_pairs"].mean
        outcome = "darker" if most and wrong.mean < like.mean else "not_darker"
    return Decision("whether wrong images are dark", outcome, ("darker", "not_darker", "none"))
