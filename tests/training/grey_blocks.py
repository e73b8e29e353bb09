"""A small training on drawn images, which needs no more than training does."""

from typing import Any

import numpy as np

from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.specs.colourization import Colourization

SPEC = Colourization(
    net="cnnreport.nets.colourization:PoolUpsampleNet", num_filters=4, num_colours=6, epochs=3, batch_size=8
)


def drawn(train: int = 20, validation: int = 12) -> dict[str, np.ndarray[Any, Any]]:
    """Blocks of grey whose label is the level of grey."""
    rng = np.random.default_rng(0)
    palette = np.linspace(0, 1, 18, dtype=np.float32).reshape(6, 3)

    def images(count: int) -> np.ndarray[Any, Any]:
        blocks = rng.integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)
        return blocks.repeat(3, axis=1).repeat(4, axis=2).repeat(4, axis=3)

    train_rgb, validation_rgb = images(train), images(validation)
    return {
        "train_rgb": train_rgb,
        "validation_rgb": validation_rgb,
        "train_label": train_rgb[:, 0] // 43,
        "validation_label": validation_rgb[:, 0] // 43,
        "palette": palette,
    }


def make(spec: Colourization = SPEC, seed: int = 0) -> ColourizationTraining:
    """A training on the drawn images."""
    return ColourizationTraining(spec, seed, drawn(), "cpu")
