"""What a finished write-up of this assignment reported of signs, and with which settings."""

import tomllib
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

from cnnreport.report.numbers.quantity import Quantity, Source, over_all

PUBLISHED = Path(__file__).parents[1] / "published.toml"

SETTINGS = {
    "epochs": "epochs",
    "batch-size": "batch size",
    "train-images": "training images",
    "test-images": "test images",
}
"""What is stated of the course's own trainings, and what it is called."""


def accuracy(variant: str) -> Quantity:
    """Return the test accuracy that was reported of a variant, a value for each of its trials."""
    values = {number: value / 100 for number, value in enumerate(_signs()[variant])}
    meaning = f"published: test accuracy of {variant.replace('-', ' ')}"
    return Quantity(f"published.signs.{variant}", meaning, values, "share", _source(variant))


def fall() -> Quantity:
    """Return by how much the reported accuracy is lower with batch norm than without."""
    plain, normed = accuracy("baseline"), accuracy("batch-norm")
    return over_all(
        "published.signs.fall", "published: test accuracy of the baseline, minus that of batch norm",
        plain.mean - normed.mean, "{} minus {}", plain, normed, form="points",
    )  # fmt: skip


def settings() -> dict[str, Quantity]:
    """Return the settings of the course by their names with ``course_`` before, and ``course_updates``."""
    given = _signs()["course"]
    read = {
        f"course_{name.replace('-', '_')}": Quantity(
            f"published.signs.{name}", f"the course’s {words}", {0: float(given[name])}, "count",
            _source(f"course, {name}"),
        )
        for name, words in SETTINGS.items()
    }  # fmt: skip
    parts = [read[f"course_{name}"] for name in ("epochs", "train_images", "batch_size")]
    epochs, images, size = (part.mean for part in parts)
    updates = over_all(
        "published.signs.updates", "the course’s updates", epochs * ceil(images / size),
        "{} times ({} over {}, rounded up)", *parts, form="count",
    )  # fmt: skip
    return {**read, "course_updates": updates}


def _signs() -> Mapping[str, Any]:
    signs: Mapping[str, Any] = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))["signs"]
    return signs


def _source(what: str) -> Source:
    return Source((), f"experiments/{PUBLISHED.parent.name}/{PUBLISHED.name}", f"signs, {what}")
