"""Two trainings compared over seeds and images: what a claim about new images has to allow for."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cnnreport.errors import UsageError
from cnnreport.report.numbers.contrast import Basis, Contrast, contrast_of
from cnnreport.report.numbers.estimate import Estimate, Part, estimate, variances_of_means
from cnnreport.report.numbers.quantity import Quantity

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Statistic = Callable[["Array"], "Array"]
"""Makes a number of the mean over images of what was kept of each: from (..., K) to (...)."""


def over_images(left: "Array", right: "Array", statistic: Statistic | None = None) -> Estimate:
    """Estimate a difference whose interval allows for another choice of seeds and of images.

    Both trainings were validated on the same images, so images are paired: the variance that they bring is
    that of the difference, by the jackknife over images (Tukey, 1958; Efron & Stein, 1981), which for a mean
    is that of the mean of the images' differences. Seeds are not paired: the variance that they bring is
    Welch's. The two are added, with the degrees of freedom of Satterthwaite (1946), or with those of the
    seeds alone where the wider claim would else have the narrower interval or the smaller p. What seed and
    image do together is in both, so that the sum errs on the wide side, as a bootstrap of both does (Owen,
    2007, The pigeonhole bootstrap).

    No bootstrap over seeds: three values resampled have on average two thirds of their variance, and their
    percentiles know nothing of Student's t, so that an interval meant for 95 % covers about 80 %.

    Args:
        left: What one training left of each image, of shape (S, N) for S seeds and N images, or (S, N, K).
        right: The same of the other, of shape (S', N) or (S', N, K), the images in the same order.
        statistic: Makes the number of the mean over images; that mean itself where it is left out.

    Returns:
        Left less right, its interval, its test. With one seed each, seeds vary by nothing that could be
        known, and the interval is about new images for these two trained nets alone.

    Raises:
        UsageError: The images are fewer than two or not the same, or a number is not finite.
    """
    _check(left, right)
    (mine, mine_without), (theirs, theirs_without) = (_jackknife(each, statistic) for each in (left, right))
    seeds = variances_of_means(mine, theirs)
    changed = mine_without - theirs_without
    count = len(changed)
    images: Part = ((count - 1) ** 2 / count * float(changed.var(ddof=1)), count - 1.0)
    value = math.fsum(mine) / len(mine) - math.fsum(theirs) / len(theirs)
    whole, least = estimate(value, [*seeds, images]), estimate(value, seeds)
    # Neither its interval nor its p may be clearer than those of the seeds alone.
    if whole.half_width < least.half_width or _p(whole) < _p(least):
        return Estimate(value, whole.error, least.degrees)
    return whole


def contrast_over_images(
    name: str,
    numbers: tuple[Quantity, Quantity],
    names: tuple[str, str],
    kept: tuple["Array", "Array"],
    statistic: Statistic | None = None,
) -> Contrast:
    """Compare two numbers for new images; see `over_images`.

    Args:
        name: Unique in the report; names of the new quantities begin with it.
        numbers: The number of each training, left and right, as it was read from the runs.
        names: Who has the left one, and who the right one.
        kept: What the runs of each left of each image.
        statistic: Makes the number of the mean over images.
    """
    left, right = kept
    found = over_images(left, right, statistic)
    basis: Basis = "images" if max(len(left), len(right)) > 1 else "images_alone"
    meaning = f"{numbers[0].meaning}, for new images"
    return contrast_of(name, *numbers, names, basis if found.error else "exact", found, meaning=meaning)


def mean_iou(overlap: "Array") -> "Array":
    """Return the mean IoU of two classes from counts of pixels.

    Args:
        overlap: True negatives, false positives, false negatives, true positives, of shape (..., 4), summed
            or averaged over images.

    Returns:
        The mean of TN / (TN + FP + FN) and TP / (TP + FP + FN), of shape (...); that of a class that neither
        occurs nor is predicted is 1.
    """
    tiny = 1e-9  # of a pixel: nothing found of nothing is 1, anything else is as it was
    negative, positive = overlap[..., 0] + tiny, overlap[..., 3] + tiny
    wrong = overlap[..., 1] + overlap[..., 2]
    both: Array = (negative / (negative + wrong) + positive / (positive + wrong)) / 2
    return both


def _p(found: Estimate) -> float:
    return 0.0 if found.p is None else found.p


def _jackknife(kept: "Array", statistic: Statistic | None) -> tuple[Sequence[float], "Array"]:
    """Return a number for each seed, and its mean over the seeds without each of the images."""
    kept = kept.astype(float)
    count = kept.shape[1]
    total = kept.sum(1, keepdims=True)
    whole, without = total[:, 0] / count, (total - kept) / (count - 1)
    if statistic is not None:
        whole, without = statistic(whole), statistic(without)
    return [float(value) for value in whole], without.mean(0)


def _check(left: "Array", right: "Array") -> None:
    import numpy as np

    if left.shape[1:] != right.shape[1:]:
        raise UsageError(
            f"the runs left numbers of {left.shape[1]} and {right.shape[1]} images, which are not the same",
            "build again so that all use the same data",
        )
    if left.shape[1] < 2:
        raise UsageError("new images cannot be spoken of from fewer than two", "validate on more")
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise UsageError("an image has a number that is not finite", "leave that image out of both trainings")
