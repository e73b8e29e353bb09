"""What every set of signs comes to: images, labels and tracks, checked; and how they are divided.

A track is a series of frames that a car took of one and the same sign while it drove up to it. Its frames are
near-duplicates, so that all of them belong on one side of a split.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.source import SEED
from cnnreport.errors import DataError, UsageError
from cnnreport.system import durable

from .classes import CLASSES

SIZE = 28
"""Rows and columns of an image, in pixels."""

HELD_OUT = 7
"""Of so many tracks of a class one is for validation, but of each class at least one."""

TRACKS, RANDOM = "tracks", "random"
"""How training and validation images are divided: by whole tracks, or frame by frame."""

REMEDY = "get the published files again, or use --data signs=drawn-signs"

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Signs:
    """All images of a set, in its own order.

    Args:
        train: uint8 (N, 3, 28, 28).
        labels: Classes of these, int64 (N,), in 0..42.
        tracks: Numbers of their tracks within the class, int64 (N,).
        test: uint8 (M, 3, 28, 28).
        test_labels: int64 (M,), in 0..42.
    """

    train: Pixels
    labels: Numbers
    tracks: Numbers
    test: Pixels
    test_labels: Numbers

    def fingerprint(self) -> str:
        """Return a SHA-256 of all pixels, labels and tracks."""
        parts = (self.train, self.labels, self.tracks, self.test, self.test_labels)
        return durable.sha256(b"".join(f"{part.shape} ".encode() + part.tobytes() for part in parts))


def checked(signs: Signs, what: str) -> Signs:
    """Return signs that are what they are said to be.

    Args:
        signs: What was read.
        what: What it is called in an error.

    Raises:
        DataError: Lengths do not agree, a label is no class, a class has no training or no test images, or
            no two tracks.
    """
    for part, images, labels in (
        ("training", signs.train, signs.labels),
        ("test", signs.test, signs.test_labels),
    ):
        if len(images) != len(labels):
            raise DataError(f"{what} has {len(images)} {part} images and {len(labels)} labels", REMEDY)
        if images.shape[1:] != (3, SIZE, SIZE):
            raise DataError(f"the {part} images of {what} have the shape {images.shape}", REMEDY)
        _check_classes(labels, f"{what}, {part} images")
    if len(signs.tracks) != len(signs.labels):
        problem = f"{what} has {len(signs.labels)} training images and {len(signs.tracks)} numbers of tracks"
        raise DataError(problem, REMEDY)
    alone = [label for label in range(CLASSES) if len(set(signs.tracks[signs.labels == label])) < 2]
    if alone:
        problem = f"{what} has a single track of class {listed(alone)}, which cannot be on both sides"
        raise DataError(problem, "add another track of it, as the published set has")
    return signs


def listed(labels: list[int]) -> str:
    """Write a few numbers of classes."""
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return ", ".join(map(str, labels[:5])) + more


def _check_classes(labels: Numbers, what: str) -> None:
    wrong = sorted({int(label) for label in labels if not 0 <= label < CLASSES})
    if wrong:
        problem = f"{what}: {listed(wrong)} is no class, which are 0 to {CLASSES - 1}"
        raise DataError(problem, REMEDY)
    missing = sorted(set(range(CLASSES)) - {int(label) for label in labels})
    if missing:
        raise DataError(f"{what}: there is none of class {listed(missing)}", REMEDY)


def held_out(labels: Numbers, tracks: Numbers, split: str) -> NDArray[np.bool_]:
    """Say which training images are for validation.

    Args:
        labels: Classes, int64 (N,).
        tracks: Numbers of tracks within the class, int64 (N,).
        split: ``tracks``: one whole track in `HELD_OUT` of each class; ``random``: of each class as many
            frames, wherever they are from.

    Returns:
        bool (N,).

    Raises:
        UsageError: The split is neither.
    """
    if split not in (TRACKS, RANDOM):
        raise UsageError(f"there is no split {split!r}", f"name one of {TRACKS}, {RANDOM}")
    generator, out = np.random.default_rng(SEED), np.zeros(len(labels), bool)
    for label in range(CLASSES):
        of_class = labels == label
        names = np.unique(tracks[of_class])
        chosen = generator.permutation(names)[: max(1, round(len(names) / HELD_OUT))]
        out |= of_class & np.isin(tracks, chosen)
    if split == TRACKS:
        return out
    apart = np.zeros(len(labels), bool)
    for label in range(CLASSES):
        places = np.flatnonzero(labels == label)
        apart[generator.permutation(places)[: int(out[places].sum())]] = True
    return apart


def evenly(labels: Numbers) -> Numbers:
    """Return an order in which the classes take turns, drawn with a fixed seed within each.

    So the first images of it are of all classes, however few are taken.

    Args:
        labels: Classes, int64 (N,).

    Returns:
        A permutation, int64 (N,).
    """
    generator = np.random.default_rng(SEED)
    turn = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        places = generator.permutation(np.flatnonzero(labels == label))
        turn[places] = np.arange(len(places))
    return np.lexsort((labels, turn)).astype(np.int64)
