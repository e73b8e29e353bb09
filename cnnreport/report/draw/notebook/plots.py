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
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3), gridspec_kw={"wspace": 0.3})
    for name, history in histories.items():
        epochs = range(1, len(history) + 1)
        (line,) = left.plot(epochs, [row["validation_loss"] for row in history], label=name)
        left.plot(epochs, [row["train_loss"] for row in history], "--", color=line.get_color())
        right.plot(epochs, [row[score] for row in history], color=line.get_color(), label=name)
    left.set(xlabel="epoch", ylabel="loss (dashed: training)")
    right.set(xlabel="epoch", ylabel=score.replace("_", " "))
    right.legend()


def show_rows(rows: Mapping[str, Any]) -> None:
    """Show rows of pictures of one size, each with its name.

    Args:
        rows: Pictures by the name of their row: grey (n, H, W) or colours (n, H, W, 3), in 0..1.
    """
    lines = []
    for images in rows.values():
        coloured = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=-1)
        lines.append(np.concatenate(list(coloured), axis=1))  # H x nW x 3
    height = len(lines[0])
    plt.figure(figsize=(9, 9 * len(lines) * height / lines[0].shape[1]))
    plt.imshow(np.concatenate(lines))
    plt.yticks([height * (number + 0.5) for number in range(len(lines))], list(rows))
    plt.xticks([])


def show_masks(images: Any, masks: Any, predicted: Any) -> None:
    """Show images, their true masks and the predicted ones below each other.

    Args:
        images: (n, 3, H, W), uint8.
        masks: (n, H, W): 1 flower, 0 background, 255 void, drawn grey.
        predicted: (n, H, W): 1 flower, 0 background.
    """
    truth = np.where(masks == 255, 0.5, masks)
    show_rows({"image": images.transpose(0, 2, 3, 1) / 255, "truth": truth, "prediction": predicted * 1.0})
