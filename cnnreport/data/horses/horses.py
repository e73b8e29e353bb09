"""The data of the colourization nets: which set is taken.

CSC413 2021, programming assignment 2, Parts A to C: images of horses, the colours of a palette,
and for each pixel the number of the nearest colour.
"""

import json
import os
from pathlib import Path
from typing import Any

from cnnreport.data import download
from cnnreport.data.data_set import Progress, Request
from cnnreport.data.drawn import meadow
from cnnreport.data.horses import cifar10, palette_file
from cnnreport.data.horses.declaration import HORSES
from cnnreport.data.horses.palette import SAMPLED_PIXELS
from cnnreport.data.horses.pixels import GivenPalette, HorseSource
from cnnreport.data.obtain import Patience, Ways, obtain
from cnnreport.data.source import SEED
from cnnreport.errors import EnvironmentFailure
from cnnreport.system import durable

_BUDGET = 20.0
"""Seconds that a download may take where drawn scenes will do."""

_PALETTE_NAMES = ("colours/colour_kmeans24_cat7.npy", "colour_kmeans24_cat7.npy")


def locate(asked: Request) -> HorseSource:
    """Decide which images are used: the given folder's, the cache's, downloaded ones, drawn ones.

    The folder may hold cifar-10-batches-py/, its files or the archive, and perhaps the palette. The option
    ``palette`` names a palette's file; without one k-means finds the colours. CNNREPORT_CIFAR10_URL is the
    address of a mirror.

    Raises:
        DataError: The folder does not exist, what it holds is damaged, or CIFAR-10 was asked for
            and cannot be had.
        EnvironmentFailure: CIFAR-10 was asked for and the cache cannot be written.
    """
    palette = _given(asked.file("palette") or _palette_in(asked.folder))
    ways = Ways[HorseSource](
        what="CIFAR-10",
        plural=False,
        places="the cache",
        holding="it",
        at_hand=lambda folder: _at_hand(folder, palette),
        fetch=lambda patience: _fetched(patience, asked.progress, palette),
        stand_in=lambda reason: _meadow(palette, reason),
        budget=_BUDGET,
    )
    return obtain(HORSES, asked, ways)


def _at_hand(folder: Path | None, palette: GivenPalette | None) -> HorseSource | None:
    if folder is not None and (place := cifar10.find(folder)):
        return _cifar10(place, cifar10.read(place), "read from --data-dir", palette)
    cache = download.cache_folder()
    if images := cifar10.kept(cache):
        return _cifar10(cache, images, "from the user cache", palette)
    return None


def _fetched(patience: Patience, progress: Progress | None, palette: GivenPalette | None) -> HorseSource:
    """Download the archive; keep the horses beside it, which are read in a fraction of the time."""
    cache = download.cache_folder()
    archive = download.fetch(
        os.environ.get("CNNREPORT_CIFAR10_URL") or cifar10.URL,
        cifar10.SHA256,
        cache,
        first_byte_within=patience.first_byte_within,
        budget=patience.budget,
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
    return _cifar10(cache, images, "downloaded", palette)


def _palette_origin(palette: GivenPalette | None) -> str:
    return "palette found by k-means" if palette is None else "palette read from a file"


def _palette_in(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    return next((folder / name for name in _PALETTE_NAMES if (folder / name).is_file()), None)


def _given(palette: Path | None) -> GivenPalette | None:
    return None if palette is None else GivenPalette(palette.name, palette_file.read(palette))


def _cifar10(place: Path, images: cifar10.Images, origin: str, palette: GivenPalette | None) -> HorseSource:
    content = images.fingerprint()
    return HorseSource(
        name="cifar10",
        title="CIFAR-10 horses",
        origin=f"{origin}; {_palette_origin(palette)}",
        fingerprint=_fingerprint({"cifar10": content}, palette),
        modules=(cifar10.__name__,),
        images=cifar10.__name__,
        place=place,
        content=content,
        palette=palette,
    )


def _meadow(palette: GivenPalette | None, reason: str) -> HorseSource:
    parameters = {
        "train": meadow.TRAIN,
        "validation": meadow.VALIDATION,
        "palette_scenes": meadow.PALETTE_SCENES,
    }
    return HorseSource(
        name="meadow",
        title="Meadow scenes",
        stand_in=True,
        origin=f"drawn by cnnreport; {_palette_origin(palette)}",
        reason=reason,
        fingerprint=_fingerprint({"meadow": parameters}, palette),
        modules=(meadow.__name__,),
        images=meadow.__name__,
        palette=palette,
    )


def _fingerprint(images: dict[str, Any], palette: GivenPalette | None) -> str:
    if palette is None:
        colours: Any = {"k-means": SAMPLED_PIXELS}
    else:
        colours = durable.sha256(palette.colours.tobytes())
    parts = {**images, "colours": colours, "seed": SEED}
    return durable.sha256(json.dumps(parts, sort_keys=True).encode())
