"""How well images are named; numpy only.

N images, K classes. A confusion matrix (K, K) counts images: its rows are true classes, its columns
predicted ones.
"""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Confusion = NDArray[np.int64]


def confusion(truth: Labels, predicted: Labels, classes: int) -> Confusion:
    """Count the images of each true class that each class was predicted for.

    Args:
        truth: Shape (N,), in 0..K-1.
        predicted: Shape (N,), in 0..K-1.
        classes: K.

    Returns:
        Shape (K, K): rows true, columns predicted.
    """
    cells = np.bincount(truth * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes).astype(np.int64)


def accuracy(counts: Confusion) -> float:
    """Return the share of right images of a confusion matrix (K, K), in 0..1."""
    return float(np.trace(counts) / counts.sum())


def class_accuracy(counts: Confusion) -> NDArray[np.float64]:
    """Return for each class the share of its images that were named right (its recall).

    Args:
        counts: A confusion matrix (K, K).

    Returns:
        Shape (K,), in 0..1; not a number for a class without images.
    """
    images = counts.sum(1)
    shares = np.full(len(counts), np.nan)
    np.divide(np.diag(counts), images, out=shares, where=images > 0)
    return shares


def balanced_accuracy(counts: Confusion) -> float:
    """Return the mean accuracy of the classes that have images, each of which counts alike, in 0..1."""
    return float(np.nanmean(class_accuracy(counts)))


def most_confused(counts: Confusion, pairs: int) -> list[tuple[int, int, int]]:
    """Return which classes were taken for which other ones most often.

    Args:
        counts: A confusion matrix (K, K).
        pairs: How many pairs at most.

    Returns:
        True class, predicted class and number of images, most images first, then in the order of the
        classes; pairs that were never confused are left out.
    """
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:pairs]
    places = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return [(int(true), int(taken), int(wrong[true, taken])) for true, taken in places if wrong[true, taken]]


def among_highest(scores: NDArray[np.float32], truth: Labels, places: int) -> float:
    """Return the share of images whose true class has one of the highest scores.

    A class's place is one more than the number of classes before it: those with a higher score, and those
    with the same score and a lower number. A score that is no number comes before any number and is never
    right.

    Args:
        scores: Shape (N, K).
        truth: Shape (N,), in 0..K-1.
        places: How many places count, at least 1.

    Returns:
        The top-`places` accuracy, in 0..1.
    """
    own = np.take_along_axis(scores, truth[:, None], 1)
    earlier = np.arange(scores.shape[1]) < truth[:, None]
    before = ~(scores <= own) | ((scores == own) & earlier)
    return float(np.mean(before.sum(1) < places))


def baselines(train: Labels, validation: Labels, classes: int) -> dict[str, float]:
    """Return what two rules reach that look at no image.

    Args:
        train: Labels of the training images, shape (N,).
        validation: Labels of the validation images, shape (M,).
        classes: K.

    Returns:
        ``chance_accuracy`` 1 / K and ``chance_loss`` ln K in nats, of guessing; ``frequent_accuracy``, of
        always saying the most frequent class of the training images. Accuracies are in 0..1.
    """
    frequent = int(np.bincount(train, minlength=classes).argmax())
    return {
        "chance_accuracy": 1 / classes,
        "chance_loss": float(np.log(classes)),
        "frequent_accuracy": float(np.mean(validation == frequent)),
    }
