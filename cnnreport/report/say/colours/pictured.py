"""What a net did to the images that a figure shows: each by its number in the figure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say.colours.words import GREYS, words
from cnnreport.report.say.training import shown_run
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

    Labels = np.ndarray[Any, np.dtype[np.uint8]]

SHOWN = 5
"""How many of the validation images figures show: the first ones, which nobody chose."""


SEEN = 0.05
"""The least share of an image that a colour has to cover for a text to speak of it."""


@dataclass(frozen=True)
class Kept:
    """The colour of an image, no grey, of which the largest part was painted in a colour of its word.

    Args:
        word: Its word.
        share: The share of its pixels that were given a colour of that word.
    """

    word: str
    share: Quantity


@dataclass(frozen=True)
class Repainted:
    """The colour of an image that was most often given another one.

    Args:
        true: The word of the right colour.
        painted: The word of the colour that was given.
        share: The share of the image's pixels that are so.
    """

    true: str
    painted: str
    share: Quantity


@dataclass(frozen=True)
class Shown:
    """An image of the figure.

    Args:
        number: Its place in the figure, counted from the left.
        accuracy: The share of its pixels that are classified correctly.
        edges: The share of its neighbouring pixels that differ, as predicted.
        edges_true: The same in the truth.
        repainted: What happened to its colours; None where none was given another word.
        kept: Its best kept colour; None where none but greys covers `SEEN` of it.
    """

    number: str
    accuracy: Quantity
    edges: Quantity
    edges_true: Quantity
    repainted: Repainted | None
    kept: Kept | None


@dataclass(frozen=True)
class Pictured:
    """The images of a figure, and those that a text speaks of.

    Args:
        images: From left to right.
        seed: The seed of the run that predicted them.
    """

    images: tuple[Shown, ...]
    seed: str

    @property
    def best(self) -> Shown:
        """The image with the largest share of right pixels."""
        return max(self.images, key=lambda image: image.accuracy.mean)

    @property
    def worst(self) -> Shown:
        """The image with the smallest."""
        return min(self.images, key=lambda image: image.accuracy.mean)

    @property
    def blurred(self) -> Shown:
        """The image that lost the largest part of its edges."""
        return min(self.images, key=lambda image: _ratio(image.edges.mean, image.edges_true.mean))

    @property
    def kept(self) -> Shown | None:
        """The image of whose best kept colour the largest part is kept; None where none has one."""
        coloured = [image for image in self.images if image.kept is not None]
        return max(coloured, key=_kept_share, default=None)

    @property
    def by_repainted(self) -> list[Shown]:
        """The images that were given a colour of another word, the largest such part first."""
        changed = [image for image in self.images if image.repainted is not None]
        return sorted(changed, key=_repainted_share, reverse=True)


def pictured(runs: Sequence[Run], count: int = SHOWN) -> Pictured | None:
    """Say what a net did to the first validation images.

    Args:
        runs: The runs of one experiment; that whose pictures are shown predicts.
        count: How many images the figure shows.

    Returns:
        The images in their order; None where every run diverged.
    """
    run = shown_run(runs)
    if run.diverged:
        return None
    arrays = run.samples()
    images = tuple(_shown(run, arrays, index) for index in range(min(count, len(arrays["truth_label"]))))
    return Pictured(images, str(run.seed))


def _shown(run: Run, arrays: Arrays, index: int) -> Shown:
    number = str(index + 1)

    def read(field: str, meaning: str, choose: Callable[["Labels", "Labels"], float]) -> Quantity:
        return reading.from_samples(
            [run],
            {run.seed: arrays},
            f"image {number}: {field}",
            f"{meaning}, image {number}",
            "share",
            lambda kept: choose(kept["truth_label"][index], kept["predicted_label"][index]),
        )

    return Shown(
        number=number,
        accuracy=read(
            "predicted_label equal to truth_label",
            "accuracy",
            lambda true, given: float((true == given).mean()),
        ),
        edges=read(
            "neighbours that differ in predicted_label", "edge share", lambda _, given: edge_share(given)
        ),
        edges_true=read(
            "neighbours that differ in truth_label", "true edge share", lambda true, _: edge_share(true)
        ),
        repainted=_repainted(arrays, index, read),
        kept=_kept(arrays, index, read),
    )


def _kept(
    arrays: Arrays, index: int, read: Callable[[str, str, Callable[["Labels", "Labels"], float]], Quantity]
) -> Kept | None:
    """Return the word, but grey, black and white, of which the largest part of an image keeps the word."""
    named = words(arrays["palette"])
    true, given = arrays["truth_label"][index], arrays["predicted_label"][index]
    most = [named[label] for label in true.ravel().tolist()]
    seen = [word for word in sorted({*most} - {*GREYS}) if most.count(word) >= SEEN * len(most)]
    if not seen:
        return None
    word = max(seen, key=lambda each: _part_kept(true, given, named, each))
    said = f"{word} given as {word}, of what is {word}"
    return Kept(word, read(said, said, partial(_part_kept, named=named, word=word)))


def _part_kept(true: "Labels", given: "Labels", named: Sequence[str], word: str) -> float:
    pairs = zip(true.ravel().tolist(), given.ravel().tolist(), strict=True)
    painted = [named[b] for a, b in pairs if named[a] == word]
    return painted.count(word) / len(painted)


def _repainted(
    arrays: Arrays, index: int, read: Callable[[str, str, Callable[["Labels", "Labels"], float]], Quantity]
) -> Repainted | None:
    """Return the two different words that most pixels of an image have as truth and as prediction."""
    named = words(arrays["palette"])
    pairs = zip(arrays["truth_label"][index].ravel(), arrays["predicted_label"][index].ravel(), strict=True)
    counts: dict[tuple[str, str], int] = {}
    for true, given in pairs:
        pair = named[true], named[given]
        counts[pair] = counts.get(pair, 0) + 1
    changed = {pair: count for pair, count in counts.items() if pair[0] != pair[1]}
    if not changed:
        return None
    true, painted = max(sorted(changed), key=changed.__getitem__)
    share = partial(_share_of, named=named, pair=(true, painted))
    return Repainted(true, painted, read(f"{true} given as {painted}", f"{true} given as {painted}", share))


def _share_of(true: "Labels", given: "Labels", named: Sequence[str], pair: tuple[str, str]) -> float:
    pairs = list(zip(true.ravel().tolist(), given.ravel().tolist(), strict=True))
    return sum((named[a], named[b]) == pair for a, b in pairs) / len(pairs)


def edge_share(labels: "Labels") -> float:
    """Return the share, in 0..1, of horizontally and vertically neighbouring pixels (H, W) that differ."""
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    return float((across.sum() + down.sum()) / (across.size + down.size))


def _ratio(predicted: float, true: float) -> float:
    return predicted / true if true else math.inf


def _repainted_share(image: Shown) -> float:
    return image.repainted.share.mean if image.repainted else 0.0


def _kept_share(image: Shown) -> float:
    return image.kept.share.mean if image.kept else 0.0


@dataclass(frozen=True)
class Shared:
    """A colour that two nets both mistake in an image more often than any other.

    Args:
        number: The image's place in the figure.
        true: The word of the right colour.
        painted: The word that both give.
        left: The share of the image's pixels that the one net mistakes so.
        right: The same for the other.
    """

    number: str
    true: str
    painted: str
    left: Quantity
    right: Quantity


def shared(left: Pictured, right: Pictured) -> tuple[Shared, ...]:
    """Return, of the images in which two nets make the same most frequent mistake, what it is.

    The image with the largest such area, by the mean of both, comes first.
    """
    pairs = ((a.number, a.repainted, b.repainted) for a, b in zip(left.images, right.images, strict=True))
    both = [
        Shared(number, mine.true, mine.painted, mine.share, theirs.share)
        for number, mine, theirs in pairs
        if mine and theirs and (mine.true, mine.painted) == (theirs.true, theirs.painted)
    ]
    return tuple(sorted(both, key=lambda each: -each.left.mean - each.right.mean))


@dataclass(frozen=True)
class Changed:
    """The image that two nets colour most unlike.

    Args:
        number: Its place in the figure.
        left: The share of right pixels, of the net that is compared.
        right: The same for the net that it is compared with.
    """

    number: str
    left: Quantity
    right: Quantity


def changed(left: Pictured, right: Pictured) -> Changed:
    """Return the image of which the share of right pixels differs most."""
    pairs = zip(left.images, right.images, strict=True)
    mine, theirs = max(pairs, key=lambda pair: abs(pair[0].accuracy.mean - pair[1].accuracy.mean))
    return Changed(mine.number, mine.accuracy, theirs.accuracy)
