"""The data of the U-Nets: which radiographs are taken, and what a training is given of them.

KU Advanced Deep Learning 2022, assignment 1, part 2: 247 chest radiographs of JSRT, with masks of SCR.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.data_set import Request
from cnnreport.data.obtain import Patience, Ways, obtain
from cnnreport.data.source import SEED, Source
from cnnreport.errors import DataError
from cnnreport.system import durable

from . import drawn, npz, published
from .declaration import LUNGS
from .images import PARTS, SIZE, Part, Parts, fingerprint, smaller


def locate(asked: Request) -> Source:
    """Decide which radiographs are used: those of the given folder, else drawn ones.

    The folder may hold them in one npz, or as they are published, see `published`.

    Raises:
        DataError: The folder does not exist, what it holds is not in order, or the real ones were asked for
            and are not there.
    """
    ways = Ways[Source](
        what="The chest radiographs of JSRT",
        plural=True,
        places="this project",
        holding=f"{npz.FILE}, or JSRT's images and SCR's masks",
        at_hand=_at_hand,
        fetch=_refused,
        stand_in=_stand_in,
        budget=0.0,
    )
    return obtain(LUNGS, asked, ways)


def prepare(
    source: Source,
    *,
    size: int,
    train_images: int | None = None,
    validation_images: int | None = None,
    test_images: int | None = None,
) -> dict[str, NDArray[Any]]:
    """Make the images of a training.

    Args:
        source: What `locate` returned.
        size: Rows and columns S of an image, a divisor of 256.
        train_images: How many to train with, None for all of them.
        validation_images: How many to validate with, None for all of them.
        test_images: How many to test with, None for all of them.

    Returns:
        Under each of ``train``, ``validation`` and ``test``: ``<part>_images`` float32 (N, 1, S, S) in 0..1
        and ``<part>_masks`` bool (N, 1, S, S), in their own order.

    Raises:
        DataError: The files changed since they were located.
    """
    counts = dict(zip(PARTS, (train_images, validation_images, test_images), strict=True))
    parts = _drawn(size, counts) if source.place is None else _read(source, size, counts)
    arrays: dict[str, NDArray[Any]] = {}
    for name, part in parts.items():
        arrays[f"{name}_images"], arrays[f"{name}_masks"] = part.images[:, None], part.masks[:, None]
    return arrays


def _drawn(size: int, counts: dict[str, int | None]) -> Parts:
    """Draw the first images of each part; each has a generator of its own."""
    parts = {}
    for number, (name, count) in enumerate(counts.items()):
        chosen = range(drawn.SETTING[name])[:count]
        chests = [drawn.chest(np.random.default_rng([SEED, number, index]), size) for index in chosen]
        parts[name] = Part(*(np.stack(arrays) for arrays in zip(*chests, strict=True)))
    return parts


def _read(source: Source, size: int, counts: dict[str, int | None]) -> Parts:
    assert source.place is not None
    parts = _given(source.place)
    if fingerprint(parts) != source.content:
        raise DataError("the radiographs changed on the disk while they were in use", "start again")
    first = {
        name: Part(part.images[: counts[name]], part.masks[: counts[name]]) for name, part in parts.items()
    }
    return {name: smaller(part, size) for name, part in first.items()}


def _given(place: Path) -> Parts:
    return npz.read(place) if place.is_file() else published.read(place)


def _at_hand(folder: Path | None) -> Source | None:
    place = None if folder is None else npz.find(folder) or published.find(folder)
    if place is None:
        return None
    parts = _given(place)
    content = fingerprint(parts)
    counts = ", ".join(f"{len(parts[name].images)} {name}" for name in PARTS)
    given = "read from --data-dir" + ("" if place.is_file() else f" as published; {published.SPLIT}")
    return Source(
        name="jsrt",
        title="JSRT chest radiographs",
        origin=f"{given}; {counts} images",
        fingerprint=durable.sha256(json.dumps({"jsrt": content, "size": SIZE}).encode()),
        place=place,
        content=content,
    )


def _refused(_: Patience) -> Source:
    raise DataError("they may not be passed on, so no address has them")


def _stand_in(reason: str) -> Source:
    return Source(
        name="drawn-lungs",
        title="Drawn radiographs",
        stand_in=True,
        origin="drawn by this report",
        reason=reason,
        fingerprint=durable.sha256(json.dumps({"drawn": drawn.SETTING, "seed": SEED}).encode()),
    )
