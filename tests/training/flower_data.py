"""Data as Part D's tasks take them, tiny and with something to learn: bright squares are flowers."""

import json
from typing import Any

import numpy as np
import safetensors.torch
from numpy.typing import NDArray

from cnnreport.nets import deeplab
from cnnreport.training.segmentation.features import FeaturesTask, make_model
from cnnreport.training.specs.segmentation import Features

SIZE = 64
COUNT = 10


def flower_data(seed: int = 0) -> dict[str, NDArray[Any]]:
    """Images with a bright square each, their masks with a void rim, lists, and a random net's weights."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 90, (COUNT, 3, SIZE, SIZE), np.uint8)
    masks = np.zeros((COUNT, SIZE, SIZE), np.uint8)
    for image, mask in zip(images, masks, strict=True):
        top, left = generator.integers(4, 28, 2)
        mask[top - 2 : top + 34, left - 2 : left + 34] = 255
        mask[top : top + 32, left : left + 32] = 1
        image[:, top : top + 32, left : left + 32] += 150
    about = {"architecture": deeplab.SMALL, "title": "a test's", "origin": "drawn by lot", "sha256": "0" * 64}
    data = {
        "images": images,
        "masks": masks,
        "handout_masks": (masks == 1).astype(np.uint8),
        "numbers": np.arange(101, 101 + COUNT),
        "clean_train": np.arange(6),
        "handout_train": np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 8, 2]),
        "validation": np.array([6, 7, 8, 9]),
        "skipped": np.frombuffer(b"[]", np.uint8),
        "without_trimap": np.array([3]),
        "about_weights": np.frombuffer(json.dumps(about).encode(), np.uint8),
    }
    state = make_model("random", seed, data, "cpu").state_dict()
    weights = safetensors.torch.save({name: tensor.contiguous() for name, tensor in state.items()})
    return {**data, "weights": np.frombuffer(weights, np.uint8)}


def with_features(data: dict[str, NDArray[Any]], spec: Features | None = None) -> dict[str, NDArray[Any]]:
    """The same with the features that a run computes of it."""
    task = FeaturesTask(spec or Features(), 0, data, "cpu")
    for _ in range(task.epochs):
        task.run_epoch()
    return {**data, **task.results().samples}
