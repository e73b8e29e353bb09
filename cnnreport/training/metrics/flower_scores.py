"""What is said of predicted flowers: after each epoch, and of the finished net."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnreport.training.fast.cross_entropy import UNLABELLED
from cnnreport.training.metrics import boundary, overlap
from cnnreport.training.metrics.overlap import Masks

Probabilities = NDArray[np.float32]
"""Of flower, shape (N, H, W), in 0..1."""

THRESHOLD = 0.5
"""The probability above which a pixel is called flower: then flower has the higher score."""


def probability(logits: torch.Tensor) -> Probabilities:
    """Return the probability of flower of its logits (N, H, W)."""
    return torch.sigmoid(logits).cpu().numpy()


def flower_iou(probabilities: Probabilities, masks: Masks) -> NDArray[np.float64]:
    """Return the IoU of the flower of each image, (N,); see `overlap.flower_iou`."""
    return overlap.flower_iou(overlap.count(probabilities > THRESHOLD, masks))


def row(probabilities: Probabilities, masks: Masks) -> dict[str, float]:
    """Return what the history tells of an epoch.

    Args:
        probabilities: Of flower, (N, H, W), of the validation images.
        masks: uint8 (N, H, W): 1 flower, 0 background, 255 void, which counts nowhere.

    Returns:
        In 0..1: ``validation_mean_iou``, ``validation_flower_iou``, ``validation_starter_score``,
        ``validation_accuracy``; see `cnnreport.training.metrics.overlap`.
    """
    counts = overlap.count(probabilities > THRESHOLD, masks)
    iou = overlap.flower_iou(counts)
    return {
        "validation_mean_iou": overlap.mean_iou(counts),
        "validation_flower_iou": float(iou.mean()),
        "validation_starter_score": overlap.starter_score(iou),
        "validation_accuracy": overlap.accuracy(counts),
    }


def of_each_image(probabilities: Probabilities, masks: Masks) -> dict[str, NDArray[Any]]:
    """Return what is to be known of every image, so that images can be drawn anew; arguments as for `row`.

    Returns:
        ``image_iou`` float32 (N, 2), in 0..1: the IoU of background and of flower, see `overlap.class_iou`,
        the second of which is what `flower_iou` gives; ``image_overlap`` int64 (N, 4): labelled pixels that
        are background and called so, background called flower, flower called background, flower called so.
        Its sum over any images gives their pooled `overlap.mean_iou`.
    """
    counts = overlap.count(probabilities > THRESHOLD, masks)
    return {
        "image_iou": overlap.class_iou(counts).astype(np.float32),
        "image_overlap": counts.reshape(-1, 4),
    }


def measures(probabilities: Probabilities, masks: Masks) -> dict[str, Any]:
    """Return the metrics of the finished net; arguments as for `row`.

    Returns:
        ``boundary_f`` in 0..1 and ``boundary_tolerance`` in pixels, see `metrics.boundary`;
        ``flower_iou_minimum``, ``_median`` and ``_maximum`` over the images; ``flower_share`` and
        ``flower_share_predicted`` of the labelled pixels.
    """
    predicted = probabilities > THRESHOLD
    iou = flower_iou(probabilities, masks)
    labelled = masks != UNLABELLED
    tolerance = boundary.tolerance(masks.shape[-2], masks.shape[-1])
    scores = boundary.boundary_f(predicted, masks)
    return {
        "boundary_f": float(scores.mean()),
        "boundary_tolerance": tolerance,
        "flower_iou_minimum": float(iou.min()),
        "flower_iou_median": float(np.median(iou)),
        "flower_iou_maximum": float(iou.max()),
        "flower_share": float((masks == 1).sum() / labelled.sum()),
        "flower_share_predicted": float((predicted & labelled).sum() / labelled.sum()),
    }


def baselines(train: Iterable[NDArray[np.uint8]], masks: Masks) -> dict[str, float]:
    """Return what is reached without looking at an image.

    Args:
        train: The masks of the training images, uint8 (H, W), one after the other.
        masks: Those of the validation images, uint8 (N, H, W).

    Returns:
        ``all_flower_iou`` where every pixel is called flower; ``prior_flower_iou`` and
        ``prior_mean_iou`` where those pixels are that show a flower in more than half of the training
        images in which they are labelled.
    """
    flower, labelled = np.zeros((2, *masks.shape[1:]), np.int64)
    for mask in train:
        flower += mask == 1
        labelled += mask != UNLABELLED
    prior = overlap.count(np.broadcast_to(2 * flower > labelled, masks.shape), masks)
    everything = overlap.count(np.ones_like(masks), masks)
    return {
        "all_flower_iou": float(overlap.flower_iou(everything).mean()),
        "prior_flower_iou": float(overlap.flower_iou(prior).mean()),
        "prior_mean_iou": overlap.mean_iou(prior),
    }


def sweep(probabilities: Probabilities, masks: Masks) -> Mapping[str, NDArray[Any]]:
    """Return how the metrics depend on the threshold, and how sure the net is; arguments as for `row`.

    Returns:
        ``threshold``, ``threshold_flower_iou``, ``threshold_mean_iou``, ``threshold_starter_score``
        float32 (19,); ``probability_histogram`` int64 (20,).
    """
    swept = overlap.sweep(probabilities, masks)
    curves = {
        "threshold": np.array(overlap.THRESHOLDS),
        "threshold_flower_iou": swept.flower_iou,
        "threshold_mean_iou": swept.mean_iou,
        "threshold_starter_score": swept.starter_score,
    }
    return {
        **{name: curve.astype(np.float32) for name, curve in curves.items()},
        "probability_histogram": overlap.probability_histogram(probabilities, masks),
    }
