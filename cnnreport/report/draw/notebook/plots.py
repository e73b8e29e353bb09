"""What a notebook draws and prints: its cells show this source, and its embedded outputs are made by it.

So what stands below a cell is what the cell gives, from the numbers of the runs. The functions need numpy and
matplotlib's pyplot alone, as ``np`` and ``plt``, and speak of nothing else in this library.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np


def epoch_line(epoch: int, row: Mapping[str, float]) -> str:
    """Return an epoch's numbers as a line, such as ``epoch  1   train loss 3.1234``.

    Args:
        epoch: Its number, from 1.
        row: The numbers by their names, in order.
    """
    numbers = "   ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in row.items())
    return f"epoch {epoch:2d}   {numbers}"


def plot_curves(histories: Mapping[str, Sequence[Mapping[str, float]]], score: str) -> None:
    """Plot losses, training dashed and validation solid, and a score of each training.

    Args:
        histories: What the epochs of each training gave, by its name.
        score: Which of the numbers is drawn on the right.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for name, history in histories.items():
        epochs = range(1, len(history) + 1)
        (line,) = left.plot(epochs, [row["validation_loss"] for row in history], label=name)
        left.plot(epochs, [row["train_loss"] for row in history], "--", color=line.get_color())
        right.plot(epochs, [row[score] for row in history], color=line.get_color(), label=name)
    left.set(xlabel="epoch", ylabel="loss (dashed: training, solid: validation)")
    right.set(xlabel="epoch", ylabel=score.replace("_", " "))
    right.legend()


def show_rows(rows: Mapping[str, Any]) -> None:
    """Show rows of pictures of one size, each with its name.

    Args:
        rows: Pictures by the name of their row: (n, H, W) grey in 0..1, or (n, H, W, 3) in 0..1.
    """
    _, axes = plt.subplots(len(rows), 1, figsize=(9, len(rows)), squeeze=False, layout="constrained")
    for (name, images), axis in zip(rows.items(), axes[:, 0], strict=True):
        axis.imshow(np.concatenate(list(images), axis=1), cmap="gray", vmin=0, vmax=1)
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[])


def show_masks(images: Any, masks: Any, predicted: Any) -> None:
    """Show images, their true masks and the predicted ones below each other.

    Args:
        images: (n, 3, H, W), uint8.
        masks: (n, H, W): 1 flower, 0 background, 255 void, drawn grey.
        predicted: (n, H, W): 1 flower, 0 background.
    """
    shown = {
        "image": [image.transpose(1, 2, 0) / 255 for image in images],
        "truth": [np.where(mask == 255, 0.5, mask) for mask in masks],
        "prediction": list(predicted),
    }
    _, axes = plt.subplots(len(shown), len(images), figsize=(9, 4.7), squeeze=False, layout="constrained")
    for (name, pictures), row in zip(shown.items(), axes, strict=True):
        for picture, axis in zip(pictures, row, strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name)
