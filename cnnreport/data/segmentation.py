"""The data of the segmentation net: flowers with their masks, and the weights to begin with.

CSC413 2021, programming assignment 2, Part D.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cnnreport.data import download
from cnnreport.data.flowers import flowers
from cnnreport.data.flowers.flowers import FlowerSource
from cnnreport.data.pretrained import pretrained, pretrained_file
from cnnreport.data.pretrained.pretrained import Pretrained, Weights
from cnnreport.data.source import Source
from cnnreport.errors import DataError
from cnnreport.system import durable

OPTIONS = ("skip_bad", "weights")
"""Which further choices of the user `locate` takes."""


@dataclass(frozen=True, kw_only=True)
class SegmentationSource(Source):
    """Flowers and weights that have been found, but not prepared.

    Args:
        flowers: The images and masks; name, title and whether they are a stand-in are theirs.
        weights: The file of pre-trained weights.
    """

    flowers: FlowerSource
    weights: Pretrained


def locate(
    choice: str,
    data_dir: Path | None,
    *,
    fetch: bool = True,
    progress: download.Progress | None = None,
    weights: Weights = "auto",
    skip_bad: bool = False,
) -> SegmentationSource:
    """Decide which flowers and which weights are used.

    Args:
        choice: ``auto``, ``real``, ``cifar10``, ``flowers17`` or ``meadow``. With ``meadow`` nothing
            is downloaded: real weights are taken only where they are on this machine.
        data_dir: Folder that holds 17flowers/, perhaps weights too.
        fetch: Whether anything may be downloaded.
        progress: Told how far a download is.
        weights: ``auto``, ``resnet101``, ``resnet50``, ``mobilenet_v3_large`` or ``embedded``.
        skip_bad: Whether a bad image is left out instead of being an error.

    Raises:
        DataError: The folder does not exist, what it holds is damaged, or data or weights that were
            asked for by name cannot be had.
        EnvironmentFailure: The machine lacks what they need.
    """
    if data_dir is not None and not data_dir.is_dir():
        raise DataError(f"the data folder {data_dir} does not exist", "correct --data-dir or leave it out")
    images = flowers.locate(choice, data_dir, fetch=fetch, progress=progress, skip_bad=skip_bad)
    found = pretrained.locate(weights, data_dir, fetch=fetch and choice != "meadow", progress=progress)
    parts = {"flowers": images.fingerprint, "weights": found.identity()}
    return SegmentationSource(
        name=images.name,
        title=images.title,
        stand_in=images.stand_in,
        origin=f"{images.origin}; {found.title}, {found.origin}",
        reason="; ".join(reason for reason in (images.reason, found.reason) if reason),
        fingerprint=durable.sha256(json.dumps(parts, sort_keys=True).encode()),
        modules=(*images.modules, pretrained_file.__name__),
        flowers=images,
        weights=found,
    )


def prepare(
    source: SegmentationSource, *, images: int | None = None, size: int = 224
) -> dict[str, NDArray[Any]]:
    """Return the arrays of `flowers.prepare` and those of `pretrained_file.arrays`.

    Args:
        source: What `locate` returned.
        images: How many images of each list, None for all.
        size: Rows and columns of the images, in pixels.

    Raises:
        DataError: Images or weights are damaged, or not those that were located.
    """
    return {
        **flowers.prepare(source.flowers, images=images, size=size),
        **pretrained_file.arrays(source.weights),
    }
