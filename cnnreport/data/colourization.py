"""The data of the colourization nets: which set is taken, and how it is prepared.

CSC413 2021, programming assignment 2, Parts A to C: images of horses, the colours of a palette,
and for each pixel the number of the nearest colour.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnnreport import durable
from cnnreport.data import cifar10, download, meadow
from cnnreport.data import palette as palettes
from cnnreport.errors import CnnReportError, DataError

Choice = Literal["auto", "cifar10", "meadow"]

MEADOW_TRAIN, MEADOW_VALIDATION = 5000, 1000
MEADOW_PALETTE_SCENES = 400
SEED = 0
_PALETTE_NAMES = ("colours/colour_kmeans24_cat7.npy", "colour_kmeans24_cat7.npy")


@dataclass(frozen=True)
class Source:
    """A data set that has been found and looked at, but not prepared.

    Args:
        name: ``cifar10`` or ``meadow``.
        title: What the report calls it.
        stand_in: Whether it only stands in for the course's data.
        origin: Where it is from, a phrase for the report, never a path.
        reason: Why it was taken where the choice was left to the program, else empty.
        fingerprint: SHA-256 over what determines the prepared arrays, sizes and NC aside.
        modules: Modules of the project whose source determines the data.
        place: Where the images are; None for drawn ones.
        content: SHA-256 of the selected images, by which they are recognised when read again.
        palette: The palette's file; None to have it found by k-means.
    """

    name: str
    title: str
    stand_in: bool
    origin: str
    reason: str
    fingerprint: str
    modules: tuple[str, ...]
    place: Path | None = None
    content: str = ""
    palette: Path | None = None


def locate(
    choice: Choice,
    data_dir: Path | None,
    *,
    palette: Path | None = None,
    fetch: bool = True,
    wait: float = 2.0,
    budget: float | None = 20.0,
    url: str | None = None,
    progress: download.Progress | None = None,
) -> Source:
    """Decide which data set is used: the given folder's, the cache's, a download, the drawn one.

    Args:
        choice: ``auto`` takes CIFAR-10 where it can be had in time, and draws meadows otherwise.
        data_dir: Folder that holds cifar-10-batches-py/, its files or the archive, and perhaps
            the palette.
        palette: A palette's file; None to look in `data_dir`, then to use k-means.
        fetch: Whether the archive may be downloaded; False only looks at what is here.
        wait: Seconds within which a server must begin to answer.
        budget: Seconds that ``auto`` spends on a download, None for no limit; ``cifar10`` has none.
        url: The archive's address, for tests and mirrors; CNNREPORT_CIFAR10_URL does the same.
        progress: Told how far a download is.

    Raises:
        DataError: The folder does not exist, what it holds is damaged, or CIFAR-10 was asked for
            and cannot be had. Damaged data never turn into drawn ones.
    """
    if data_dir is not None and not data_dir.is_dir():
        raise DataError(f"the data folder {data_dir} does not exist", "correct --data-dir or leave it out")
    palette = palette or _palette_in(data_dir)
    if choice == "meadow":
        return _meadow(palette, "")
    if data_dir is not None and (place := cifar10.find(data_dir)):
        return _cifar10(place, cifar10.read(place), "read from --data-dir", palette)
    cache = download.cache_folder()
    if images := cifar10.kept(cache):
        return _cifar10(cache, images, "from the user cache", palette)
    address = url or os.environ.get("CNNREPORT_CIFAR10_URL") or cifar10.URL
    try:
        if not fetch:
            raise DataError("only a build fetches it")
        images = _fetch(address, cache, wait, budget if choice == "auto" else None, progress)
    except CnnReportError as error:
        if choice == "cifar10":
            raise DataError(
                f"CIFAR-10 is not in --data-dir or the cache and was not fetched: {error.problem}",
                "pass a folder that holds it with --data-dir, or use --data meadow",
            ) from error
        where = "in the cache" if data_dir is None else "in --data-dir or the cache"
        return _meadow(palette, f"CIFAR-10 is not {where} and was not fetched: {error.problem}")
    return _cifar10(cache, images, "downloaded", palette)


def prepare(
    source: Source,
    num_colours: int,
    train_images: int | None = None,
    validation_images: int | None = None,
) -> dict[str, NDArray[Any]]:
    """Read or draw the images, put them in order, and label each pixel with its nearest colour.

    CIFAR-10's images are shuffled once with a fixed seed before the limits apply (scenes are drawn
    at random as they are), and the palette does not depend on the limits: it is clustered over
    all of CIFAR-10's training images, or over the first `MEADOW_PALETTE_SCENES` scenes.

    Args:
        source: What `locate` returned.
        num_colours: NC.
        train_images: How many training images to use, None for all.
        validation_images: How many validation images to use, None for all.

    Returns:
        ``train_rgb`` and ``validation_rgb`` uint8 [N, 3, 32, 32], ``train_label`` and
        ``validation_label`` uint8 [N, 32, 32], ``palette`` float32 [NC, 3] from 0 to 1.

    Raises:
        DataError: The data changed since they were located, there are fewer images than asked
            for, or the palette has another number of colours.
    """
    given = _given_palette(source, num_colours)
    if source.name == "meadow":
        train = _scenes(0, train_images, MEADOW_TRAIN)
        validation = _scenes(MEADOW_TRAIN, validation_images, MEADOW_VALIDATION)
        basis = train[:MEADOW_PALETTE_SCENES]
        if given is None and len(basis) < MEADOW_PALETTE_SCENES:
            basis = meadow.draw(MEADOW_PALETTE_SCENES, seed=SEED).rgb
    else:
        images = _read_again(source)
        basis = images.train
        train = _shuffled(images.train, train_images, "training")
        validation = _shuffled(images.validation, validation_images, "validation")
    colours = palettes.cluster(basis, num_colours, SEED) if given is None else given
    return {
        "train_rgb": train,
        "validation_rgb": validation,
        "train_label": palettes.nearest(train, colours),
        "validation_label": palettes.nearest(validation, colours),
        "palette": colours,
    }


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
    cifar10.keep(images, cache)
    return images


def _palette_origin(palette: Path | None) -> str:
    return "palette found by k-means" if palette is None else "palette read from a file"


def _palette_in(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    return next((folder / name for name in _PALETTE_NAMES if (folder / name).is_file()), None)


def _cifar10(place: Path, images: cifar10.Images, origin: str, palette: Path | None) -> Source:
    content = images.fingerprint()
    return Source(
        name="cifar10",
        title="CIFAR-10 horses",
        stand_in=False,
        origin=f"{origin}; {_palette_origin(palette)}",
        reason="",
        fingerprint=_fingerprint({"cifar10": content}, palette),
        modules=("cnnreport.data.colourization", "cnnreport.data.palette"),
        place=place,
        content=content,
        palette=palette,
    )


def _meadow(palette: Path | None, reason: str) -> Source:
    parameters = {
        "train": MEADOW_TRAIN,
        "validation": MEADOW_VALIDATION,
        "palette_scenes": MEADOW_PALETTE_SCENES,
    }
    return Source(
        name="meadow",
        title="Meadow scenes",
        stand_in=True,
        origin=f"drawn by cnnreport; {_palette_origin(palette)}",
        reason=reason,
        fingerprint=_fingerprint({"meadow": parameters}, palette),
        modules=("cnnreport.data.meadow", "cnnreport.data.colourization", "cnnreport.data.palette"),
        palette=palette,
    )


def _fingerprint(images: dict[str, Any], palette: Path | None) -> str:
    if palette is None:
        colours: Any = {"k-means": palettes.SAMPLED_PIXELS}
    else:
        colours = durable.sha256(palettes.read(palette).tobytes())
    parts = {**images, "colours": colours, "seed": SEED}
    return durable.sha256(json.dumps(parts, sort_keys=True).encode())


def _given_palette(source: Source, num_colours: int) -> NDArray[np.float32] | None:
    if source.palette is None:
        return None
    colours = palettes.read(source.palette)
    if len(colours) != num_colours:
        raise DataError(
            f"the palette {source.palette.name} has {len(colours)} colours, expected {num_colours}",
            "choose that number of colours, or pass another palette",
        )
    return colours


def _read_again(source: Source) -> cifar10.Images:
    assert source.place is not None, "only drawn data have no place"
    images = cifar10.kept(source.place) or cifar10.read(source.place)
    if images.fingerprint() != source.content:
        raise DataError("CIFAR-10 changed on the disk while it was in use", "start again")
    return images


def _scenes(first: int, wanted: int | None, available: int) -> NDArray[np.uint8]:
    _check_enough(wanted, available, "scenes")
    return meadow.draw(available if wanted is None else wanted, seed=SEED, first=first).rgb


def _shuffled(images: NDArray[np.uint8], wanted: int | None, kind: str) -> NDArray[np.uint8]:
    _check_enough(wanted, len(images), f"{kind} images")
    order = np.random.default_rng(SEED).permutation(len(images))
    return np.ascontiguousarray(images[order[:wanted]])


def _check_enough(wanted: int | None, available: int, what: str) -> None:
    if wanted is not None and not 0 < wanted <= available:
        raise DataError(f"{wanted} {what} are asked for, but there are {available}", "ask for fewer")
