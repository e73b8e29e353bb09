"""The data of the segmentation net: which flowers are taken, the published or the drawn ones.

CSC413 2021, programming assignment 2, Part D: images of flowers, and for each pixel whether it shows one.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from cnnreport.data import download
from cnnreport.data.data_set import Progress, Request
from cnnreport.data.drawn import flower_bed
from cnnreport.data.flowers import oxford17, oxford17_archives
from cnnreport.data.flowers.declaration import FLOWERS
from cnnreport.data.flowers.flower_set import FlowerSource
from cnnreport.data.obtain import Patience, Ways, obtain
from cnnreport.data.source import SEED
from cnnreport.errors import DataError
from cnnreport.system import durable

_BUDGET = 20.0
"""Seconds that the downloads may take together where drawn flowers will do."""


def locate(asked: Request) -> FlowerSource:
    """Decide which flowers are used: the given folder's, the cache's, downloaded ones, drawn ones.

    The folder may hold 17flowers/, its parts or the published archives. With the option ``skip-bad`` a few
    bad images are left out and listed. CNNREPORT_FLOWERS17_URL is the address of a folder with the three
    files.

    Raises:
        DataError: The folder does not exist, what it holds is incomplete or damaged, or the flowers
            were asked for and cannot be had.
        EnvironmentFailure: The flowers were asked for and the cache cannot be written.
    """
    skip_bad = asked.flag("skip-bad")
    ways = Ways[FlowerSource](
        what="The Oxford-17 flowers",
        plural=True,
        places="the cache",
        holding="them",
        at_hand=lambda folder: _at_hand(folder, skip_bad=skip_bad),
        fetch=lambda patience: _fetched(patience, asked.progress, skip_bad=skip_bad),
        stand_in=_meadow,
        budget=_BUDGET,
    )
    return obtain(FLOWERS, asked, ways)


def _at_hand(folder: Path | None, *, skip_bad: bool) -> FlowerSource | None:
    here = _kept(folder)
    return None if here is None else _flowers17(*here, skip_bad=skip_bad)


def _fetched(patience: Patience, progress: Progress | None, *, skip_bad: bool) -> FlowerSource:
    return _flowers17(*_unpacked(_fetch(patience, progress), "downloaded"), skip_bad=skip_bad)


def _kept(data_dir: Path | None) -> tuple[Path, str] | None:
    """Return where the published flowers are on this machine and how that is said, or None."""
    if data_dir is not None:
        given = "read from --data-dir"
        if place := oxford17.find(data_dir):
            return place, given
        if archives := oxford17_archives.find(data_dir):
            return _unpacked(archives, given)
        if remains := oxford17.find_remains(data_dir):
            return remains, given
    cache = download.cache_folder()
    return _unpacked(cache, "from the user cache") if oxford17_archives.complete(cache) else None


def _fetch(patience: Patience, progress: Progress | None) -> Path:
    """Download what is missing of the three files, all within one budget; return where they are."""
    url, budget = os.environ.get("CNNREPORT_FLOWERS17_URL") or oxford17_archives.URL, patience.budget
    cache, started = download.cache_folder(), time.monotonic()
    for name, published in oxford17_archives.PUBLISHED.items():
        left = None if budget is None else max(0.0, budget - (time.monotonic() - started))
        download.fetch(
            f"{url.rstrip('/')}/{name}",
            published.digest,
            cache,
            first_byte_within=patience.first_byte_within,
            budget=left,
            limit=published.limit,
            progress=progress,
        )
    place: Path | None = None
    try:
        place = oxford17_archives.unpack(cache, cache)
        oxford17.check_trimaps(oxford17.list_files(place).trimaps.values())
    except DataError:
        # No hash vouches for the trimaps: kept, they would be taken for good ones ever after.
        durable.remove(cache / oxford17_archives.TRIMAPS_ARCHIVE)
        if place is not None:
            durable.remove(place)
        raise
    return cache


def _unpacked(archives: Path, origin: str) -> tuple[Path, str]:
    """Unpack the published files; say which trimaps they are, whose hash nobody has published."""
    place = oxford17_archives.unpack(archives, download.cache_folder())
    unproven = oxford17_archives.TRIMAPS_ARCHIVE
    digest = oxford17_archives.digest_of(archives / unproven)
    return place, f"{origin}; {unproven} has the SHA-256 {digest}"


def _flowers17(place: Path, origin: str, *, skip_bad: bool) -> FlowerSource:
    content = oxford17.fingerprint(oxford17.list_files(place))
    return FlowerSource(
        name="flowers17",
        title="Oxford-17 flowers",
        origin=origin,
        fingerprint=_fingerprint({"flowers17": content, "skip_bad": skip_bad}),
        modules=(oxford17.__name__,),
        reader=oxford17.__name__,
        place=place,
        content=content,
        skip_bad=skip_bad,
    )


def _meadow(reason: str) -> FlowerSource:
    return FlowerSource(
        name="meadow-flowers",
        title="Meadow flowers",
        stand_in=True,
        origin="drawn by cnnreport",
        reason=reason,
        fingerprint=_fingerprint({"meadow-flowers": flower_bed.SCENES, "seed": SEED}),
        modules=(flower_bed.__name__,),
        reader=flower_bed.__name__,
    )


def _fingerprint(parts: dict[str, Any]) -> str:
    return durable.sha256(json.dumps(parts, sort_keys=True).encode())
