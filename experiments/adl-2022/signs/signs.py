"""The data of the sign classifiers: which set is taken, and what a training is given of it.

KU Advanced Deep Learning 2022, assignment 1: images of 43 classes of traffic signs.
"""

import importlib
import io
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data import download
from cnnreport.data.data_set import Progress, Request
from cnnreport.data.obtain import Patience, Ways, obtain
from cnnreport.data.source import SEED, Source
from cnnreport.errors import DataError
from cnnreport.system import durable

from . import drawn, npz, published
from .classes import NAMES
from .declaration import SIGNS
from .images import TRACKS, Signs, evenly, held_out

_BUDGET = 20.0
"""Seconds that the downloads may take together where drawn signs will do."""

_KEPT = "gtsrb-28"


@dataclass(frozen=True, kw_only=True)
class SignSource(Source):
    """Signs that have been found and looked at, but not divided.

    Args:
        reader: The module that reads or draws them, by a function ``read(place)``.
    """

    reader: str


def locate(asked: Request) -> SignSource:
    """Decide which signs are used: the given folder's, the cache's, downloaded ones, drawn ones.

    The folder may hold gtsrb28.npz, the published archives, or what they unpack to. CNNREPORT_GTSRB_URL is
    the address of a folder with the three archives.

    Raises:
        DataError: The folder does not exist, what it holds is incomplete or damaged, or the signs were asked
            for and cannot be had.
        EnvironmentFailure: The signs were asked for and the cache cannot be written.
    """
    ways = Ways[SignSource](
        what="The signs of GTSRB",
        plural=True,
        places="the cache",
        holding="them",
        at_hand=_at_hand,
        fetch=lambda patience: _fetched(patience, asked.progress),
        stand_in=_drawn,
        budget=_BUDGET,
    )
    return obtain(SIGNS, asked, ways)


def prepare(
    source: SignSource,
    *,
    train_images: int | None = None,
    validation_images: int | None = None,
    test_images: int | None = None,
    split: str = TRACKS,
) -> dict[str, NDArray[Any]]:
    """Divide the signs.

    Args:
        source: What `locate` returned.
        train_images: How many to train with, None for all of them.
        validation_images: How many to validate with, None for all of them.
        test_images: How many to test with, None for all of them.
        split: How training and validation images are divided, see `images.held_out`.

    Returns:
        Under each of ``train``, ``validation`` and ``test``: ``<part>_images`` uint8 (N, 3, 28, 28) and
        ``<part>_label`` int64 (N,), in an order in which the classes take turns; ``classes``, the names of
        the classes as JSON, uint8.

    Raises:
        DataError: The files changed since they were located.
    """
    signs = _again(source)
    out = held_out(signs.labels, signs.tracks, split)
    parts = {
        "train": (signs.train[~out], signs.labels[~out], train_images),
        "validation": (signs.train[out], signs.labels[out], validation_images),
        "test": (signs.test, signs.test_labels, test_images),
    }
    arrays: dict[str, NDArray[Any]] = {"classes": np.frombuffer(json.dumps(NAMES).encode(), np.uint8)}
    for part, (images, labels, count) in parts.items():
        order = evenly(labels)[:count]
        arrays[f"{part}_images"], arrays[f"{part}_label"] = images[order], labels[order]
    return arrays


def _again(source: SignSource) -> Signs:
    """Read located signs again; those of the cache as they were kept."""
    if source.reader == __name__:
        signs = _kept(download.cache_folder())
    else:
        signs = importlib.import_module(source.reader).read(source.place)
    if signs is None or (source.content and signs.fingerprint() != source.content):
        raise DataError("the signs changed on the disk while they were in use", "start again")
    return signs


def _at_hand(folder: Path | None) -> SignSource | None:
    given = "read from --data-dir"
    if folder is not None and (path := npz.find(folder)):
        return _gtsrb(path, npz.read(path), given, npz.__name__)
    if folder is not None and (place := published.find(folder)):
        return _gtsrb(place, published.read(place), given, published.__name__)
    if signs := _kept(download.cache_folder()):
        return _gtsrb(None, signs, "from the user cache", __name__)
    return None


def _fetched(patience: Patience, progress: Progress | None) -> SignSource:
    """Download what is missing of the archives, all within one budget; keep what is made of them."""
    url, cache = os.environ.get("CNNREPORT_GTSRB_URL") or published.URL, download.cache_folder()
    started = time.monotonic()
    for name, (digest, limit) in published.ARCHIVES.items():
        left = None if patience.budget is None else patience.budget - (time.monotonic() - started)
        download.fetch(
            f"{url.rstrip('/')}/{name}",
            digest,
            cache,
            first_byte_within=patience.first_byte_within,
            budget=None if left is None else max(0.0, left),
            limit=limit,
            progress=progress,
        )
    signs = published.read(cache)
    buffer = io.BytesIO()
    np.savez(buffer, **vars(signs))
    durable.write_named(cache, _KEPT, ".npz", buffer.getvalue())
    return _gtsrb(None, signs, "downloaded", __name__)


def _kept(cache: Path) -> Signs | None:
    """Return what was made of downloaded archives, None where it is missing or not what was written."""
    for path in sorted(cache.glob(f"{_KEPT}.*.npz")):
        content = durable.read_named(path)
        if content is not None:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return Signs(**{name: arrays[name] for name in Signs.__dataclass_fields__})
    return None


def _gtsrb(place: Path | None, signs: Signs, origin: str, reader: str) -> SignSource:
    content = signs.fingerprint()
    return SignSource(
        name="gtsrb",
        title="GTSRB traffic signs",
        origin=f"{origin}; {len(signs.train)} training and {len(signs.test)} test images",
        fingerprint=durable.sha256(json.dumps({"gtsrb": content, "seed": SEED}).encode()),
        reader=reader,
        place=place,
        content=content,
    )


def _drawn(reason: str) -> SignSource:
    return SignSource(
        name="drawn-signs",
        title="Drawn signs",
        stand_in=True,
        origin="drawn by this report",
        reason=reason,
        fingerprint=durable.sha256(json.dumps({"drawn": drawn.SETTING, "seed": SEED}).encode()),
        reader=drawn.__name__,
    )
