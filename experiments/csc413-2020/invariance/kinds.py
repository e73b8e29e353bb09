"""What the runs of question A4 leave: the proof, and what trained nets make of transformed images."""

from collections.abc import Iterator

from cnnreport.kinds.kind import Kind, Recorded

from .transforms import SAME, SCALES, TRANSFORMS, Transform

MODES = {
    "batch": "train mode",
    "running": "eval mode",
    "inner": "train mode, statistics as if without a border",
}
"""Whose statistics batch normalisation takes: those of the batch at hand; those kept from training; or those
of the batch of images as they are, the first of which follow ax + b as they would if the padding of the image
did so too. The last are tried with positive a alone: else there are none such."""

RINGS = 16
"""Distances from the border of an image of 32 x 32 pixels: 0 for the outermost ones."""

PROOF = Kind(
    name="proof of invariance",
    recorded=(
        Recorded("proved", "identities proved, and layers compared", "count", "history", "points"),
        Recorded("points", "identities proved, and layers compared", "count", "measures", of_data=True,
                 result="proved by {} identities and comparisons"),
        Recorded("identities", "symbolic identities", "count", "measures", of_data=True),
        Recorded("compared", "layers compared with a real net", "count", "measures", of_data=True),
        Recorded("side", "height and width of the image", "count", "measures", of_data=True),
        Recorded("kernel", "kernel size", "count", "measures", of_data=True),
        Recorded("reach", "pixels from the border that zero padding reaches, logits", "count", "measures",
                 of_data=True),
        Recorded("untouched", "share of the logits' pixels out of reach", "share", "measures", of_data=True),
    ),
    texts=("net", "cases", "layers", "factor", "factor_small", "mixed", "tolerance", "nets"),
)  # fmt: skip


def transforms_of(mode: str) -> tuple[Transform, ...]:
    """Return the transformations that are tried in a mode."""
    return tuple(each for each in TRANSFORMS if each.scale > 0 or mode != "inner")


def _of_transforms() -> Iterator[Recorded]:
    for mode, words in MODES.items():
        for transform in (SAME, *transforms_of(mode)):
            name, end = f"{mode}_{transform.name}", f"of {transform.text}, {words}"
            yield Recorded(f"{name}_loss", f"validation loss {end}", "loss", "measures")
            yield Recorded(f"{name}_accuracy", f"validation accuracy {end}", "share", "measures")
        for transform in transforms_of(mode):
            name, end = f"{mode}_{transform.name}", f"{transform.text}, {words}"
            yield Recorded(f"{name}_agreement", f"pixels that keep their colour, {end}", "share", "measures")
            yield Recorded(f"{name}_change", f"mean change of a logit, {end}", "loss", "measures")
            yield Recorded(f"{name}_border", f"the same at the border, {end}", "loss", "measures")
            yield Recorded(f"{name}_centre", f"the same in the centre, {end}", "loss", "measures")
        yield Recorded(f"{mode}_spread", f"spread of the logits, {words}", "loss", "measures")


def _of_epsilon() -> Iterator[Recorded]:
    for scale, name in SCALES.items():
        for what in ("least", "median"):
            meaning = f"factor that epsilon leaves of a = {scale:g}, {what} of the channels"
            yield Recorded(f"factor_{name}_{what}", meaning, "loss", "measures")


INVARIANCE = Kind(
    name="invariance",
    recorded=(
        Recorded("compared", "validation images compared", "count", "history", "images",
                 result="compared on {} images"),
        Recorded("images", "validation images", "count", "measures", of_data=True),
        Recorded("inner_rings", "rings of pixels, from the border to the centre", "count", "measures",
                 of_data=True),
        *_of_transforms(),
        *_of_epsilon(),
    ),
    samples=tuple(f"{mode}_rings" for mode in MODES),
)  # fmt: skip
