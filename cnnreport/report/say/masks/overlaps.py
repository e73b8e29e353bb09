"""How much flower a net misses and how much it invents, and how much of that lies at the outlines."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cnnreport.kinds.kind import Form
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import Arrays
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

    Masks = np.ndarray[Any, np.dtype[np.uint8]]
    Places = np.ndarray[Any, np.dtype[np.bool_]]

BAND = 5
"""How near a pixel of another label an error has to lie, in pixels, to be one at an outline."""

_READ: tuple[tuple[str, str, str, Form, Callable[[Arrays], float]], ...] = (
    ("missed", "image_overlap: missed over flower", "share of the flower that is missed", "share",
     lambda arrays: missed(arrays)),
    ("invented", "image_overlap: invented over called flower",
     "share of what is called flower that is background", "share", lambda arrays: invented(arrays)),
    ("at_outline", "validation_mask, validation_predicted: errors near outlines",
     "share of the errors in the pictures that lie at an outline", "share",
     lambda arrays: at_outline(arrays)),
    ("away", "validation_mask, validation_predicted: errors away from outlines",
     "share of the errors in the pictures that do not lie at an outline", "share",
     lambda arrays: 1 - at_outline(arrays)),
    ("band", "validation_mask: pixels near outlines",
     "share of the labelled pixels in the pictures that lies at an outline",
     "share", lambda arrays: band(arrays)),
    ("band_width", "set by the report", "width of the band along outlines, pixels", "count",
     lambda arrays: float(BAND)),
)  # fmt: skip
"""The name of a number, where it is read, what a reader calls it, how it prints, and how it is computed."""


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return how much the runs of a fine-tuning miss and invent, and how much of that lies at outlines.

    Raises:
        UsageError: A run kept no such arrays.
    """
    kept = {run.seed: run.samples() for run in runs}
    return {
        name: reading.from_samples(runs, kept, field, meaning, form, choose)
        for name, field, meaning, form, choose in _READ
    }


def missed(arrays: Arrays) -> float:
    """Return the share, in 0..1, of all flower pixels of all images together that are called background."""
    *_, gone, hits = (float(count) for count in arrays["image_overlap"].sum(0))
    return gone / max(gone + hits, 1)


def invented(arrays: Arrays) -> float:
    """Return the share, in 0..1, of all pixels that are called flower which are background."""
    _, false, _, hits = (float(count) for count in arrays["image_overlap"].sum(0))
    return false / max(false + hits, 1)


def at_outline(arrays: Arrays) -> float:
    """Return the share, in 0..1, of the wrong pixels of the pictures that lie within `BAND` of an outline."""
    mask = arrays["validation_mask"]
    wrong = (mask <= 1) & (mask != arrays["validation_predicted"])
    return float((wrong & near_outline(mask)).sum() / max(int(wrong.sum()), 1))


def band(arrays: Arrays) -> float:
    """Return the share, in 0..1, of the labelled pixels of the pictures that lie within `BAND` of one."""
    mask = arrays["validation_mask"]
    labelled = mask <= 1
    return float((labelled & near_outline(mask)).sum() / max(int(labelled.sum()), 1))


def near_outline(mask: "Masks", width: int = BAND) -> "Places":
    """Tell which pixels of masks (N, H, W) have one of another label at a distance of at most `width`.

    The distance is that between the middles of two pixels, in pixels, in a straight line.
    """
    return _near(mask.tobytes(), mask.shape, width)


@lru_cache(maxsize=16)
def _near(content: bytes, shape: tuple[int, int, int], width: int) -> "Places":
    """Compute that once for the masks of a report, which all its runs share."""
    import numpy as np
    from scipy.ndimage import distance_transform_edt  # type: ignore[import-untyped]

    masks = np.frombuffer(content, np.uint8).reshape(shape)
    near = np.zeros(shape, bool)
    for mask, found in zip(masks, near, strict=True):
        for label in np.unique(mask):
            same = mask == label
            if not same.all():  # else there is no other label to be near
                found |= same & (distance_transform_edt(same) <= width)
    return near
