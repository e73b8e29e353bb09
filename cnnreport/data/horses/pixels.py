"""Images turned into what a colourization net learns: pixels, and for each its nearest colour.

Knows no data set: a run depends on the one that its source names, and no run on the other.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.horses import palette as palettes
from cnnreport.data.source import SEED, Series, Source, Split
from cnnreport.errors import DataError


@dataclass(frozen=True, eq=False)
class GivenPalette:
    """A palette that was read from a file.

    Args:
        name: The file's name, for errors.
        colours: float32 (NC, 3), 0 to 1.
    """

    name: str
    colours: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class HorseSource(Source):
    """Images of horses that have been found, but not prepared.

    Args:
        images: The module that gives them, by a function ``split(source: Source) -> Split``.
        palette: The palette to use; None to have it found by k-means.
    """

    images: str
    palette: GivenPalette | None = field(default=None, compare=False)


def prepare(
    source: HorseSource,
    num_colours: int,
    train_images: int | None = None,
    validation_images: int | None = None,
) -> dict[str, NDArray[Any]]:
    """Read or draw the images, and label each pixel with its nearest colour.

    Limits take the first images of each series; the palette does not depend on them.

    Args:
        source: What `cnnreport.data.horses.horses.locate` returned.
        num_colours: NC.
        train_images: How many training images to use, None for all.
        validation_images: How many validation images to use, None for all.

    Returns:
        ``train_rgb`` and ``validation_rgb`` uint8 (N, 3, 32, 32), ``train_label`` and
        ``validation_label`` uint8 (N, 32, 32), ``palette`` float32 (NC, 3) from 0 to 1.

    Raises:
        DataError: The data changed since they were located, there are fewer images than asked
            for, or the palette has another number of colours.
    """
    given = _given_palette(source, num_colours)
    split: Split = importlib.import_module(source.images).split(source)
    train = _taken(split.train, train_images)
    validation = _taken(split.validation, validation_images)
    colours = palettes.cluster(split.basis(), num_colours, SEED) if given is None else given
    return {
        "train_rgb": train,
        "validation_rgb": validation,
        "train_label": palettes.nearest(train, colours),
        "validation_label": palettes.nearest(validation, colours),
        "palette": colours,
    }


def _given_palette(source: HorseSource, num_colours: int) -> NDArray[np.float32] | None:
    if source.palette is None:
        return None
    colours = source.palette.colours
    if len(colours) != num_colours:
        raise DataError(
            f"the palette {source.palette.name} has {len(colours)} colours, expected {num_colours}",
            "choose that number of colours, or pass another palette",
        )
    return colours


def _taken(series: Series, wanted: int | None) -> NDArray[np.uint8]:
    if wanted is not None and not 0 < wanted <= series.available:
        raise DataError(
            f"{wanted} {series.what} are asked for, but there are {series.available}", "ask for fewer"
        )
    return series.first(series.available if wanted is None else wanted)
