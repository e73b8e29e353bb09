"""The colours that a colourization net chooses from: found by k-means, and assigned to pixels.

CSC413 2021, programming assignment 2: the label of a pixel is the nearest of 24 colours that
k-means found among the training pixels. Colours are red, green, blue as level / 256.
"""

import numpy as np
from numpy.typing import NDArray

from cnnreport.errors import DataError

SAMPLED_PIXELS = 150_000
_CHUNK = 1 << 15


def cluster(rgb: NDArray[np.uint8], num_colours: int, seed: int = 0) -> NDArray[np.float32]:
    """Find the colours of a palette with k-means (scikit-learn, one start by k-means++).

    Of more than `SAMPLED_PIXELS` pixels that many are drawn without replacement, thousands for
    each colour, which keeps it near a second on one core.

    Args:
        rgb: Training images, uint8 (N, 3, H, W).
        num_colours: NC.
        seed: Of the sample and of k-means.

    Returns:
        float32 (NC, 3), 0 to 1, from dark to light, so that the order does not depend on chance.

    Raises:
        DataError: The images have fewer different colours than asked for.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    pixels = rgb.transpose(0, 2, 3, 1).reshape(-1, 3)
    if len(pixels) > SAMPLED_PIXELS:
        chosen = np.random.default_rng(seed).choice(len(pixels), SAMPLED_PIXELS, replace=False)
        pixels = pixels[np.sort(chosen)]
    different = len(np.unique(pixels, axis=0)) if len(pixels) < 10_000 else num_colours
    if different < num_colours:
        raise DataError(
            f"the training images have {different} different colours, expected at least {num_colours}",
            "use more images or fewer colours",
        )
    # With several threads, sums are taken in an order that differs from run to run.
    with threadpool_limits(1):
        model = KMeans(num_colours, n_init=1, random_state=seed).fit(pixels.astype(np.float32) / 256)
    centres = np.clip(model.cluster_centers_, 0, 1).astype(np.float32)
    luminance = centres @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.ascontiguousarray(centres[np.argsort(luminance, kind="stable")])


def nearest(rgb: NDArray[np.uint8], palette: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the number of the nearest colour of each pixel, by Euclidean distance.

    Args:
        rgb: uint8 (N, 3, H, W).
        palette: float32 (NC, 3), NC at most 256.

    Returns:
        uint8 (N, H, W); of equally near colours the first.
    """
    count, _, height, width = rgb.shape
    planes = rgb.transpose(1, 0, 2, 3).reshape(3, -1)
    labels = np.zeros(planes.shape[1], np.uint8)
    for start in range(0, planes.shape[1], _CHUNK):
        part = planes[:, start : start + _CHUNK].astype(np.float32) * np.float32(1 / 256)
        _assign(part, palette, labels[start : start + _CHUNK])
    return labels.reshape(count, height, width)


def _assign(pixels: NDArray[np.float32], palette: NDArray[np.float32], labels: NDArray[np.uint8]) -> None:
    """Write the nearest colour of pixels [3, n] into labels [n]; a chunk stays in the cache."""
    best = np.full(pixels.shape[1], np.inf, np.float32)
    for number, (red, green, blue) in enumerate(palette):
        distance = (pixels[0] - red) ** 2
        distance += (pixels[1] - green) ** 2
        distance += (pixels[2] - blue) ** 2
        np.copyto(labels, np.uint8(number), where=distance < best)
        np.minimum(best, distance, out=best)
