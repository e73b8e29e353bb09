"""What the published flowers and the drawn ones have in common: lists of images, and two protocols.

The starter of CSC413 2021, D.1, joins the lists trn1, trn2 and trn3 for training and validates with
val1, so that it has trained on most of the images that it validates with. The clean protocol trains
with trn1 alone.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.source import Source
from cnnreport.errors import DataError

Numbers = NDArray[np.int64]

LISTS = ("trn1", "trn2", "trn3", "val1")
"""The lists that are used, of the nine that the published file has."""

BACKGROUND, FLOWER, VOID = 0, 1, 255
"""What a pixel of a mask shows; void ones are neither learnt from nor scored."""

_LISTS_OF = {"clean_train": "trn1", "handout_train": "trn1, trn2 and trn3", "validation": "val1"}


@dataclass(frozen=True, kw_only=True)
class FlowerSource(Source):
    """Flowers that have been found and looked at, but not prepared.

    Args:
        reader: The module that reads or draws them, by a function ``prepare(source, *, images, size)``.
        skip_bad: Whether a few bad images are left out and listed, rather than stop everything.
    """

    reader: str
    skip_bad: bool = False


def prepare(source: FlowerSource, *, images: int | None = None, size: int = 224) -> dict[str, NDArray[Any]]:
    """Read or draw the images of the lists, with two masks of each.

    Args:
        source: What `cnnreport.data.flowers.flowers.locate` returned.
        images: Keep so many images of ``clean_train`` and ``validation`` and three times as many of
            ``handout_train``; None for all.
        size: Rows and columns of images and masks, in pixels.

    Returns:
        ``images`` uint8 (N, 3, size, size); ``masks`` uint8 (N, size, size), 0 background, 1 flower, 255
        void; ``handout_masks`` uint8 (N, size, size), 0 or 1, as the starter of D.1 makes them;
        ``numbers`` int64 (N,), ascending, the image's number in the set; ``clean_train``,
        ``handout_train`` and ``validation`` int64, positions of the lists' images (trn1; trn1, trn2 and
        trn3 joined, with repeats; val1); ``skipped`` uint8, a JSON list of a sentence for each bad
        image that was skipped; ``without_trimap`` int64 (1,), how many images of the lists have none.

    Raises:
        DataError: The files changed since they were located, or images, trimaps or lists are bad.
    """
    arrays: dict[str, NDArray[Any]] = importlib.import_module(source.reader).prepare(
        source, images=images, size=size
    )
    return arrays


def protocols(lists: Mapping[str, Numbers], usable: Numbers, images: int | None) -> dict[str, Numbers]:
    """Return the numbers of the images that each protocol trains and validates with.

    Args:
        lists: Numbers of images under each name of `LISTS`.
        usable: Numbers of the images that have a mask.
        images: Keep so many of each list, and three times as many of the joined one; None for all.

    Returns:
        ``clean_train``, ``handout_train`` (an image stands in it as often as in the three lists) and
        ``validation``, in the order of the lists.

    Raises:
        DataError: Fewer than one image is asked for.
    """
    if images is not None and images < 1:
        raise DataError(f"{images} images of flowers are asked for", "ask for one or more")
    joined = np.concatenate([lists["trn1"], lists["trn2"], lists["trn3"]])
    whole = {"clean_train": lists["trn1"], "handout_train": joined, "validation": lists["val1"]}
    kept = {name: numbers[np.isin(numbers, usable)] for name, numbers in whole.items()}
    if images is None:
        return kept
    return {name: of[: 3 * images if name == "handout_train" else images] for name, of in kept.items()}


def positions(chosen: Mapping[str, Numbers], numbers: Numbers) -> dict[str, Numbers]:
    """Turn the numbers of images into their places among those that could be read.

    Args:
        chosen: What `protocols` returned.
        numbers: Numbers of the images that are there, ascending; others are dropped.

    Raises:
        DataError: No image is left in one of the lists.
    """
    left = {name: of[np.isin(of, numbers)] for name, of in chosen.items()}
    for name, of in left.items():
        if not of.size:
            raise DataError(
                f"no image of {_LISTS_OF[name]} has a trimap that is in order",
                "get the published files again, or use --data flowers=meadow",
            )
    return {name: np.searchsorted(numbers, of).astype(np.int64) for name, of in left.items()}
