"""The data: 1797 digits that people wrote, 8 × 8 pixels, which scikit-learn brings.

A run depends on this file: change how the digits are split, and the nets are trained again.
"""

import json
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.data_set import Choice, DataSet, Request
from cnnreport.data.source import Source

TRAIN = 1300
"""How many digits are for training, the first ones; the others are for validation."""

BRIGHTEST = 16
"""The pixels are whole numbers from 0 to this."""

DIGITS = DataSet(
    name="digits",
    title="handwritten digits",
    choices=(Choice("sklearn", "those that scikit-learn brings"),),
    locate=f"{__name__}:locate",
    prepare=f"{__name__}:prepare",
)


def locate(_asked: Request) -> Source:
    """Say which digits are taken; nothing has to be looked for."""
    return Source(
        name="sklearn",
        title="Handwritten digits (UCI)",
        origin="brought by scikit-learn",
        fingerprint=f"scikit-learn {version('scikit-learn')}, first {TRAIN} for training",
    )


def prepare(
    _source: Source, train_images: int | None = None, validation_images: int | None = None
) -> dict[str, NDArray[np.generic]]:
    """Return the digits as a classification takes them.

    They are not shuffled: neighbours in the file are likely of one hand, so that a random split would put
    many writers on both sides.

    Args:
        train_images: How many to train with, None for all of them.
        validation_images: How many to validate with, None for all of them.

    Returns:
        ``train_images`` and ``validation_images`` float32 (N, 1, 8, 8) in 0..1, ``train_label`` and
        ``validation_label`` int64 (N,), and ``classes``, the names of the classes as JSON, uint8.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images[:, None] / BRIGHTEST).astype(np.float32)
    labels = digits.target.astype(np.int64)
    names = json.dumps([str(name) for name in digits.target_names]).encode()
    return {
        "train_images": images[:TRAIN][:train_images],
        "train_label": labels[:TRAIN][:train_images],
        "validation_images": images[TRAIN:][:validation_images],
        "validation_label": labels[TRAIN:][:validation_images],
        "classes": np.frombuffer(names, np.uint8),
    }
