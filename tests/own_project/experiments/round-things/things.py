"""A data set of this project: discs and squares, published in a file that a user may give, else drawn."""

from functools import partial
from pathlib import Path

import numpy as np

from cnnreport.data.data_set import Choice, DataSet, Option, Request
from cnnreport.data.obtain import Patience, Ways, obtain
from cnnreport.data.source import Source
from cnnreport.errors import DataError
from cnnreport.system import durable

from .shapes import SIZE, draw

FILE = "things.npz"

THINGS = DataSet(
    name="things",
    title="round things and others",
    choices=(
        Choice("photographs", "photographs of them"),
        Choice("sketches", "sketches", stand_in=True),
    ),
    locate=f"{__name__}:locate",
    prepare=f"{__name__}:prepare",
    options=(Option("negative", "white things on black", "flag"),),
)


def locate(asked: Request) -> Source:
    """Find photographs in the user's folder, or draw sketches."""
    negative = asked.flag("negative")
    ways = Ways(
        what="The photographs",
        plural=True,
        places="anywhere else",
        holding=FILE,
        at_hand=partial(_photographs, negative=negative),
        fetch=_nowhere,
        stand_in=lambda reason: _sketches(reason, negative=negative),
        budget=1.0,
    )
    return obtain(THINGS, asked, ways)


def prepare(source: Source, *, images: int) -> dict[str, np.ndarray]:
    """Return uint8 ``images`` (N, 1, 8, 8) and int64 ``label`` (N,), 1 for what is round."""
    if source.place is None:
        pictures, label = draw(images)
    else:
        with np.load(source.place) as arrays:
            pictures, label = arrays["images"][:images], arrays["label"][:images]
    negative = source.fingerprint.endswith("negative")
    return {"images": 255 - pictures if negative else pictures, "label": label}


def _photographs(folder: Path | None, *, negative: bool) -> Source | None:
    if folder is None or not (folder / FILE).is_file():
        return None
    digest = durable.sha256((folder / FILE).read_bytes())
    return Source(
        name="photographs",
        title="Photographs of things",
        origin="read from --data-dir",
        fingerprint=f"{digest} {'negative' if negative else ''}",
        place=folder / FILE,
        content=digest,
    )


def _nowhere(_patience: Patience) -> Source:
    raise DataError("nobody publishes them")


def _sketches(reason: str, *, negative: bool) -> Source:
    return Source(
        name="sketches",
        title="Sketches of things",
        origin="drawn by this project",
        fingerprint=f"{SIZE} {'negative' if negative else ''}",
        stand_in=True,
        reason=reason,
    )
