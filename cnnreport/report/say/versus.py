"""Two trainings of a kind compared: which numbers differ, and what seeds and images make of it."""

from collections.abc import Mapping, Sequence

from cnnreport.report.answer import Answer
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast, contrasts
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.images import Statistic, contrast_over_images
from cnnreport.report.say import training
from cnnreport.report.say.training import Numbers
from cnnreport.runs.artefact import Run

Kept = Mapping[str, tuple[str, Statistic | None]]
"""Numbers that are made of something kept of each image: in which array it is, and what makes the number of
its mean over the images; see `cnnreport.report.numbers.images.over_images`."""

IMAGES = "_images"
"""Ends the name of the contrast that is about new images."""


def versus(
    left: Sequence[Run],
    right: Sequence[Run],
    names: Sequence[str],
    left_name: str = "",
    right_name: str = "",
    read: Numbers = training.numbers,
    kept: Kept | None = None,
    primary: Sequence[str] = (),
) -> Answer:
    """Compare one training with another, over all seeds of both; see `numbers.contrast.contrast`.

    Args:
        left: The runs of the training that is compared.
        right: Those of the training that it is compared with.
        names: Which numbers to compare.
        left_name: What the text calls the first; the class of its net where it is left out.
        right_name: What the text calls the second.
        read: Reads the numbers.
        kept: Those of `names` that can be compared for new images, where the runs left what that needs.
        primary: Those of `names` that the question asks about; the first where it is left out.

    Returns:
        ``contrasts``: those of `names`, and ``<name>_images``, the same for new images, where they are known;
        ``verdicts``: that of each; ``facts``: ``left``, ``right``, ``several`` (whether both have
        several seeds), ``all_lost``.
    """
    called = left_name or training.net_name(left), right_name or training.net_name(right)
    given = {each.name for each in left[0].kind.recorded if each.of_data or each.place == "spec"}
    plain = contrasts(names, read(left), read(right), *called, of_data=given)
    first = plain[names[0]]
    new = _of_new_images(plain, left, right, kept or {})
    asked = primary or names[:1]
    # One family: with the role of the same measure and a p no smaller, new images are never judged clearer.
    compared = family({**plain, **new}, (*asked, *(f"{name}{IMAGES}" for name in asked)))
    return Answer(
        contrasts=compared,
        verdicts={name: each.verdict for name, each in compared.items()},
        facts={
            "left": called[0],
            "right": called[1],
            "several": min(len(first.left.finite), len(first.right.finite)) > 1,
            "all_lost": first.unknown,
        },
    )


def _of_new_images(
    compared: Mapping[str, Contrast], left: Sequence[Run], right: Sequence[Run], kept: Kept
) -> dict[str, Contrast]:
    """Return those contrasts again for new images that can be."""
    found = {}
    for name, (array, statistic) in kept.items():
        if name in compared:
            found[name] = _over_images(compared[name], left, right, array, statistic)
    return {f"{name}{IMAGES}": each for name, each in found.items() if each is not None}


def _over_images(
    plain: Contrast, left: Sequence[Run], right: Sequence[Run], array: str, statistic: Statistic | None
) -> Contrast | None:
    """Return a contrast for new images; None where no run is left, or one kept nothing of each image."""
    mine, theirs = reading.of_images(left, array), reading.of_images(right, array)
    if mine is None or theirs is None:
        return None
    name = plain.difference.name.removesuffix(".difference")
    numbers = plain.left, plain.right
    return contrast_over_images(f"{name}{IMAGES}", numbers, plain.names, (mine, theirs), statistic)
