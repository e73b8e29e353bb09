"""What only the runs of a classifier say: which class is taken for which, with pictures of it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cnnreport.report.answer import Answer
from cnnreport.report.draw import matrix, thumbnails
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.thumbnails import Caption, Pixels
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say import training
from cnnreport.runs.artefact import Run


def classification(runs: Sequence[Run]) -> Answer:
    """Return what a section about one training of a classifier may print.

    Args:
        runs: The runs of one experiment, sorted by seed.

    Returns:
        What `training.training` returns, and beside it ``pictures``: ``confusion``, see `confusion`, and
        ``wrong``, see `mistakes`, where there is a mistake; ``facts``: ``flawless``, whether the run whose
        pictures are shown made none.

    Raises:
        UsageError: The runs lack something, as those of another version may.
    """
    answer = training.training(runs)
    wrong = mistakes(runs)
    pictures = {**answer.pictures, "confusion": confusion(runs), **({"wrong": wrong} if wrong else {})}
    return replace(answer, pictures=pictures, facts={**answer.facts, "flawless": wrong is None})


def class_names(runs: Sequence[Run]) -> list[str]:
    """Return the names of the K classes."""
    return [str(name) for name in json.loads(training.text(runs, "class_names"))]


def confusion(runs: Sequence[Run]) -> Picture:
    """Draw how often each class was taken for each, summed over the runs that did not diverge."""
    kept = [run for run in runs if not run.diverged] or list(runs)
    counts = np.sum([run.samples()["confusion"] for run in kept], axis=0)
    over = f", summed over {len(kept)} runs" if len(kept) > 1 else ""
    alt = f"The confusion matrix of {training.net_name(runs)} on the validation images{over}."
    return matrix.matrix(counts, class_names(runs), alt, reading.datasets(runs))


def mistakes(runs: Sequence[Run]) -> Picture | None:
    """Draw the wrong images of whose prediction the net is surest, None where there are none."""
    arrays, names = training.shown_run(runs).samples(), class_names(runs)
    captions = [
        Caption(f"{names[truth]}, taken for {names[predicted]}", right=False)
        for truth, predicted in zip(arrays["wrong_label"], arrays["wrong_predicted"], strict=True)
    ]
    if not captions:
        return None
    alt = f"Validation images that {training.net_name(runs)} names wrong, those first of which it is surest."
    return thumbnails.captioned(_pixels(arrays, "wrong_images"), captions, alt, reading.datasets(runs))


def _pixels(arrays: Arrays, name: str) -> Pixels:
    """Return images (N, C, H, W), uint8 or float32 in 0..1, as (N, H, W, 3) pixels."""
    images: np.ndarray[Any, Any] = arrays[name]
    if images.dtype != np.uint8:
        images = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
    return thumbnails.from_rgb(images.repeat(3, axis=1) if images.shape[1] == 1 else images[:, :3])
