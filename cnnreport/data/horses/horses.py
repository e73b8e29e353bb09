"""The data of the colourization nets: which set is taken.

CSC413 2021, programming assignment 2, Parts A to C: images of horses, the colours of a palette,
and for each pixel the number of the nearest colour.
"""

import json
import os
from pathlib import Path
from typing import Any, Literal

from cnnreport.data import download
from cnnreport.data.drawn import meadow
from cnnreport.data.horses import cifar10, palette_file
from cnnreport.data.horses.palette import SAMPLED_PIXELS
from cnnreport.data.horses.pixels import prepare
from cnnreport.data.source import SEED, GivenPalette, Source
from cnnreport.errors import CnnReportError, DataError, EnvironmentFailure
from cnnreport.system import durable

__all__ = ["OPTIONS", "Choice", "Source", "locate", "prepare"]

Choice = Literal["auto", "real", "cifar10", "flowers17", "meadow"]

OPTIONS = ("palette",)
"""Which further choices of the user `locate` takes."""

_DEMANDS = ("real", "cifar10")
"""Choices with which nothing else than CIFAR-10 will do."""

_FIRST_BYTE_WITHIN, _PATIENCE = 2.0, 15.0
"""Seconds within which a server must begin to answer, and where CIFAR-10 is demanded."""

_PALETTE_NAMES = ("colours/colour_kmeans24_cat7.npy", "colour_kmeans24_cat7.npy")


def locate(
    choice: Choice,
    data_dir: Path | None,
    *,
    palette: Path | None = None,
    fetch: bool = True,
    wait: float | None = None,
    budget: float | None = 20.0,
    url: str | None = None,
    progress: download.Progress | None = None,
) -> Source:
    """Decide which data set is used: the given folder's, the cache's, a download, the drawn one.

    Args:
        choice: ``real`` and ``cifar10`` demand CIFAR-10. ``auto`` takes it where it can be had in
            time, and draws meadows otherwise; so does ``flowers17``, which speaks of other data.
        data_dir: Folder that holds cifar-10-batches-py/, its files or the archive, and perhaps
            the palette.
        palette: A palette's file; None to look in `data_dir`, then to use k-means.
        fetch: Whether the archive may be downloaded; False only looks at what is here.
        wait: Seconds within which a server must begin to answer, None for 2, or 15 where
            CIFAR-10 is demanded.
        budget: Seconds that a download may take where CIFAR-10 is not demanded, None for no limit.
        url: The archive's address, for tests and mirrors; CNNREPORT_CIFAR10_URL does the same.
        progress: Told how far a download is.

    Raises:
        DataError: The folder does not exist, what it holds is damaged, or CIFAR-10 was asked for
            and cannot be had. Damaged data never turn into drawn ones.
        EnvironmentFailure: CIFAR-10 was asked for and the cache cannot be written.
    """
    if data_dir is not None and not data_dir.is_dir():
        what = "is no folder" if data_dir.exists() else "does not exist"
        raise DataError(f"the data folder {data_dir} {what}", "correct --data-dir or leave it out")
    given = _given(palette or _palette_in(data_dir))
    if choice == "meadow":
        return _meadow(given, "")
    if data_dir is not None and (place := cifar10.find(data_dir)):
        return _cifar10(place, cifar10.read(place), "read from --data-dir", given)
    cache = download.cache_folder()
    if images := cifar10.kept(cache):
        return _cifar10(cache, images, "from the user cache", given)
    address = url or os.environ.get("CNNREPORT_CIFAR10_URL") or cifar10.URL
    demanded = choice in _DEMANDS
    wait = wait if wait is not None else _PATIENCE if demanded else _FIRST_BYTE_WITHIN
    try:
        if not fetch:
            raise DataError("only a build fetches it")
        images = _fetch(address, cache, wait, None if demanded else budget, progress)
    except CnnReportError as error:
        where = "in the cache" if data_dir is None else "in --data-dir or the cache"
        reason = f"CIFAR-10 is not {where} and was not fetched: {error.problem}"
        if not demanded:
            return _meadow(given, reason)
        if isinstance(error, EnvironmentFailure):
            raise
        remedy = "pass a folder that holds it with --data-dir, or use --data meadow"
        raise DataError(reason, remedy) from error
    return _cifar10(cache, images, "downloaded", given)


def _fetch(
    url: str, cache: Path, wait: float, budget: float | None, progress: download.Progress | None
) -> cifar10.Images:
    """Download the archive; keep the horses beside it, which are read in a fraction of the time."""
    archive = download.fetch(
        url,
        cifar10.SHA256,
        cache,
        first_byte_within=wait,
        budget=budget,
        limit=2 * cifar10.SIZE,
        progress=progress,
    )
    images = cifar10.read(archive)
    try:
        cifar10.keep(images, cache)
    except EnvironmentFailure as error:
        if isinstance(error.__cause__, OSError):
            raise download.unwritable(error.__cause__) from error
        raise
    return images


def _palette_origin(palette: GivenPalette | None) -> str:
    return "palette found by k-means" if palette is None else "palette read from a file"


def _palette_in(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    return next((folder / name for name in _PALETTE_NAMES if (folder / name).is_file()), None)


def _given(palette: Path | None) -> GivenPalette | None:
    return None if palette is None else GivenPalette(palette.name, palette_file.read(palette))


def _cifar10(place: Path, images: cifar10.Images, origin: str, palette: GivenPalette | None) -> Source:
    content = images.fingerprint()
    return Source(
        name="cifar10",
        title="CIFAR-10 horses",
        stand_in=False,
        origin=f"{origin}; {_palette_origin(palette)}",
        reason="",
        fingerprint=_fingerprint({"cifar10": content}, palette),
        modules=("cnnreport.data.horses.cifar10", "cnnreport.data.horses.pixels"),
        place=place,
        content=content,
        palette=palette,
    )


def _meadow(palette: GivenPalette | None, reason: str) -> Source:
    parameters = {
        "train": meadow.TRAIN,
        "validation": meadow.VALIDATION,
        "palette_scenes": meadow.PALETTE_SCENES,
    }
    return Source(
        name="meadow",
        title="Meadow scenes",
        stand_in=True,
        origin=f"drawn by cnnreport; {_palette_origin(palette)}",
        reason=reason,
        fingerprint=_fingerprint({"meadow": parameters}, palette),
        modules=("cnnreport.data.drawn.meadow", "cnnreport.data.horses.pixels"),
        palette=palette,
    )


def _fingerprint(images: dict[str, Any], palette: GivenPalette | None) -> str:
    if palette is None:
        colours: Any = {"k-means": SAMPLED_PIXELS}
    else:
        colours = durable.sha256(palette.colours.tobytes())
    parts = {**images, "colours": colours, "seed": SEED}
    return durable.sha256(json.dumps(parts, sort_keys=True).encode())
