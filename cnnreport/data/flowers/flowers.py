"""The data of the segmentation net: which flowers are taken, the published or the drawn ones.

CSC413 2021, programming assignment 2, Part D: images of flowers, and for each pixel whether it shows one.
"""

import importlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cnnreport.data import download
from cnnreport.data.drawn import flower_bed
from cnnreport.data.flowers import oxford17, oxford17_archives
from cnnreport.data.flowers.flower_set import FlowerSource
from cnnreport.data.source import SEED
from cnnreport.errors import CnnReportError, DataError, EnvironmentFailure
from cnnreport.system import durable

__all__ = ["OPTIONS", "FlowerSource", "locate", "prepare"]

OPTIONS = ("skip_bad",)
"""Which further choices of the user `locate` takes."""

FIRST_BYTE_WITHIN: Mapping[bool, float] = {False: 2.0, True: 15.0}
"""Seconds within which a server must begin to answer; longer where the set was asked for by name."""


def locate(
    choice: str,
    data_dir: Path | None,
    *,
    skip_bad: bool = False,
    fetch: bool = True,
    wait: float | None = None,
    budget: float | None = 20.0,
    url: str | None = None,
    progress: download.Progress | None = None,
) -> FlowerSource:
    """Decide which flowers are used: the given folder's, the cache's, a download, the drawn ones.

    Args:
        choice: ``real`` and ``flowers17`` demand the published flowers, ``auto`` and ``cifar10`` take
            them where they can be had in time and draw some otherwise, ``meadow`` draws them.
        data_dir: Folder that holds 17flowers/, its content, or the three published files.
        skip_bad: Whether a few bad images are left out and listed.
        fetch: Whether the files may be downloaded; False only looks at what is here.
        wait: Seconds within which a server must begin to answer, None for `FIRST_BYTE_WITHIN`.
        budget: Seconds for the download where it was not asked for by name, None for no limit.
        url: The address of the folder with the three files, for tests and mirrors;
            CNNREPORT_FLOWERS17_URL does the same.
        progress: Told how far the download of each file is.

    Raises:
        DataError: The folder does not exist, what it holds is incomplete or damaged, or the flowers
            were asked for and cannot be had. Damaged data never turn into drawn ones.
        EnvironmentFailure: The flowers were asked for and the cache cannot be written.
    """
    if data_dir is not None and not data_dir.is_dir():
        what = "is no folder" if data_dir.exists() else "does not exist"
        raise DataError(f"the data folder {data_dir} {what}", "correct --data-dir or leave it out")
    if choice == "meadow":
        return _meadow("")
    if place := _kept(data_dir):
        return _flowers17(*place, skip_bad)
    demanded = choice in ("real", "flowers17")
    wait = FIRST_BYTE_WITHIN[demanded] if wait is None else wait
    try:
        if not fetch:
            raise DataError("only a build fetches them")
        address = url or os.environ.get("CNNREPORT_FLOWERS17_URL") or oxford17_archives.URL
        cache = _fetch(address, wait, None if demanded else budget, progress)
    except CnnReportError as error:
        where = "in the cache" if data_dir is None else "in --data-dir or the cache"
        reason = f"The Oxford-17 flowers are not {where} and were not fetched: {error.problem}"
        if not demanded:
            return _meadow(reason)
        if isinstance(error, EnvironmentFailure):
            raise
        remedy = "pass a folder that holds them with --data-dir, or use --data meadow"
        raise DataError(reason, remedy) from error
    return _flowers17(*_unpacked(cache, "downloaded"), skip_bad)


def prepare(source: FlowerSource, *, images: int | None = None, size: int = 224) -> dict[str, NDArray[Any]]:
    """Read or draw the images of the lists, with two masks of each.

    Args:
        source: What `locate` returned.
        images: Keep so many images of ``clean_train`` and ``validation`` and three times as many of
            ``handout_train``; None for all.
        size: Rows and columns of images and masks, in pixels.

    Returns:
        ``images`` uint8 [N, 3, size, size]; ``masks`` uint8 [N, size, size], 0 background, 1 flower, 255
        void; ``handout_masks`` uint8 [N, size, size], 0 or 1, as the starter of D.1 makes them;
        ``numbers`` int64 [N], ascending, the image's number in the set; ``clean_train``,
        ``handout_train`` and ``validation`` int64, positions of the lists' images (trn1; trn1, trn2 and
        trn3 joined, with repeats; val1); ``skipped`` uint8, a JSON list of a sentence for each bad
        image that was skipped; ``without_trimap`` int64 [1], how many images of the lists have none.

    Raises:
        DataError: The files changed since they were located, or images, trimaps or lists are bad.
    """
    found: dict[str, NDArray[Any]] = importlib.import_module(source.modules[0]).prepare(
        source, images=images, size=size
    )
    return found


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


def _fetch(url: str, wait: float, budget: float | None, progress: download.Progress | None) -> Path:
    """Download what is missing of the three files, all within one budget; return where they are."""
    cache, started = download.cache_folder(), time.monotonic()
    for name, published in oxford17_archives.PUBLISHED.items():
        left = None if budget is None else max(0.0, budget - (time.monotonic() - started))
        download.fetch(
            f"{url.rstrip('/')}/{name}",
            published.digest,
            cache,
            first_byte_within=wait,
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


def _flowers17(place: Path, origin: str, skip_bad: bool) -> FlowerSource:
    content = oxford17.fingerprint(oxford17.list_files(place))
    return FlowerSource(
        name="flowers17",
        title="Oxford-17 flowers",
        stand_in=False,
        origin=origin,
        reason="",
        fingerprint=_fingerprint({"flowers17": content, "skip_bad": skip_bad}),
        modules=("cnnreport.data.flowers.oxford17",),
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
        modules=("cnnreport.data.drawn.flower_bed",),
    )


def _fingerprint(parts: dict[str, Any]) -> str:
    return durable.sha256(json.dumps(parts, sort_keys=True).encode())
